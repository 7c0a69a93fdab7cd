"""The linear equations that a joint between two rigid segments fulfils, and their robust least-squares solution.

A point c₁ of the first segment and c₂ of the second that are one point in the world give R₁ c₁ − R₂ c₂ = t₂ − t₁ in
every frame: three equations for six unknowns. Ball joints and hinges differ only in how many of the six the motion
determines (:mod:`viodat.body.functional`). Lengths are mm, angles rad.

Sources: Ehrig et al. 2006, 2007 for the equations; Huber 1981 for the weights; Busing, Meijer and van der Leeden 1999
(Stat Comput 9:3) for the jackknife over blocks. How the frames are weighted is viodat's choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray, norm
from viodat.body.rigid_motion import RigidMotion
from viodat.body.rotations import log, nearest_rotation

_CELL_RAD: Final = 0.2
"""Frames whose relative rotation falls into one cell of this size share the weight of one posture."""

_CELL_FRAMES: Final = 10
"""A cell with fewer frames gets less: a single frame, such as one with exchanged labels, is no posture."""

_DEFORMED_MM: Final = 3.0
"""Deformation of the clusters at which a frame counts half; on the twin 2 to 5 mm do equally well."""

_BROKEN_MM: Final = 30.0
"""From this deformation on a frame is not used: skin does not do that, exchanged labels do."""

_HIDDEN: Final = 1.0
"""Soft-tissue motion that carries a whole cluster, relative to that which deforms it."""

_HUBER: Final = 3.0
_ROUNDS: Final = 50
_SETTLED: Final = 1e-4
_MEDIAN_OF_NORM: Final = 1.538
"""Median length of a vector of three independent standard normal numbers."""
_FLOOR_MM: Final = 1e-6
_BLOCKS: Final = 8
_PERCENT: Final = (1.0, 99.0)
SINGULAR: Final = 1e-12
"""Relative eigenvalue of the normal equations below which a direction is not determined at all."""


@dataclass(frozen=True)
class JointEquations:
    """The equations of N usable frames.

    Attributes
    ----------
    equations, sides
        (N, 3, 6) and (N, 3) mm: ``equations @ [c1, c2] = sides``.
    turns
        (N, 3) rad: rotation vectors of the second segment in the first, from their mean.
    balance
        (N,) weights: of posture and deformation.
    deformed_mm
        (N,) root of the summed squares of both clusters' residuals.
    """

    equations: FloatArray
    sides: FloatArray
    turns: FloatArray
    balance: FloatArray
    deformed_mm: FloatArray

    @property
    def count(self) -> int:
        """Number of usable frames N."""
        return len(self.sides)


@dataclass(frozen=True)
class JointFit:
    """A weighted solution.

    Attributes
    ----------
    solution
        (6,) mm: [c₁, c₂].
    normal
        (6, 6): sum of weight · equationsᵀ equations.
    misses
        (N, 3) mm: distance of the two world positions.
    weights
        (N,) final weights.
    residual_mm
        Weighted root mean square of ``misses``' lengths.
    """

    solution: FloatArray
    normal: FloatArray
    misses: FloatArray
    weights: FloatArray
    residual_mm: float


def joint_equations(first: RigidMotion, second: RigidMotion) -> JointEquations:
    """Set up and weigh the equations of the frames in which both segments are determined.

    Parameters
    ----------
    first, second
        Motions of the two segments in the same frames.

    Raises
    ------
    ValueError
        The motions differ in length.

    Notes
    -----
    A frame's weight is 1 / max(n, 10) · 1 / (1 + d²/(3 mm)²), n the number of frames in its cell of relative rotation
    and d² the sum of both clusters' squared residuals. A trial stands still most of the time, and a hundred frames
    of one posture hold one and the same soft-tissue error; where skin deforms a cluster, it also carries it along.
    """
    if len(first.translation) != len(second.translation):
        raise ValueError(f"the motions have {len(first.translation)} and {len(second.translation)} frames")
    usable = np.ones(len(first.translation), dtype=bool)
    for motion in (first, second):
        with np.errstate(invalid="ignore"):
            usable &= np.isfinite(motion.translation).all(axis=1) & (motion.residual_mm <= _BROKEN_MM)
    deformed = first.residual_mm[usable] ** 2 + second.residual_mm[usable] ** 2
    turns = _relative_turns(first.rotation[usable], second.rotation[usable])
    cells = np.floor(turns / _CELL_RAD).astype(np.int64)
    _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    balance = 1.0 / np.maximum(counts[cell.reshape(-1)], _CELL_FRAMES) if len(turns) else np.zeros(0)
    return JointEquations(
        np.concatenate([first.rotation[usable], -second.rotation[usable]], axis=2),
        second.translation[usable] - first.translation[usable],
        turns,
        np.asarray(balance / (1.0 + deformed / _DEFORMED_MM**2)),
        np.asarray(np.sqrt(deformed)),
    )


def _relative_turns(first: FloatArray, second: FloatArray) -> FloatArray:
    """Give the rotation vectors (F, 3) rad of the second segment in the first, from their mean."""
    if not len(first):
        return np.zeros((0, 3))
    relative = np.swapaxes(first, 1, 2) @ second
    return log(nearest_rotation(relative.mean(axis=0)).T @ relative)


def principal_ranges(turns: FloatArray, weights: FloatArray) -> FloatArray:
    """Give the (3,) rad, falling: spread of the rotation along the principal axes of its weighted scatter."""
    centred = turns - weights @ turns / weights.sum()
    _, axes = np.linalg.eigh(np.einsum("f,fi,fj->ij", weights, centred, centred))
    low, high = np.percentile(centred[weights > 0] @ axes, _PERCENT, axis=0)
    return np.sort(high - low)[::-1]


def robust_fit(frames: JointEquations, *, hinge: bool, near: FloatArray | None) -> JointFit:
    """Solve the equations with Huber's weights on the distance of the two world positions.

    Parameters
    ----------
    frames
        At least two frames.
    hinge
        Whether to leave out the direction that the motion determines least, the axis.
    near
        (3,) mm, local to the first: for a hinge, which point of the axis the solution is.
    """
    factor = np.ones(frames.count)
    for _ in range(_ROUNDS):
        fit = _weighted(frames, factor * frames.balance, hinge, near)
        distance = norm(fit.misses)[:, 0]
        scale = max(_weighted_median(distance, frames.balance) / _MEDIAN_OF_NORM, _FLOOR_MM)
        updated = np.minimum(1.0, _HUBER * scale / np.maximum(distance, _FLOOR_MM))
        if np.abs(updated - factor).max() < _SETTLED:
            break
        factor = updated
    return fit


def _weighted(frames: JointEquations, weights: FloatArray, hinge: bool, near: FloatArray | None) -> JointFit:
    normal = np.einsum("f,fij,fik->jk", weights, frames.equations, frames.equations, optimize=True)
    solution = np.zeros(6)
    # Squaring the equations costs half the digits; solving for what is left brings them back.
    for _ in range(3):
        misses = frames.equations @ solution - frames.sides
        solution = solution - solved(normal, np.einsum("f,fij,fi->j", weights, frames.equations, misses), hinge=hinge)
    if near is not None:
        axis = np.linalg.eigh(normal)[1][:, 0]
        solution = solution + axis * ((near - solution[:3]) @ axis[:3]) / (axis[:3] @ axis[:3])
    misses = frames.equations @ solution - frames.sides
    residual = float(np.sqrt(weights @ np.sum(misses**2, axis=1) / weights.sum()))
    return JointFit(solution, normal, misses, weights, residual)


def solved(normal: FloatArray, right: FloatArray, *, hinge: bool) -> FloatArray:
    """Give the (6,) solution of the normal equations without what they leave open; for a hinge, without its axis."""
    values, vectors = np.linalg.eigh(normal)
    kept = values > SINGULAR * values[-1]
    kept[0] &= not hinge
    return np.asarray(vectors[:, kept] @ ((right @ vectors[:, kept]) / values[kept]))


def left_out(frames: JointEquations, fit: JointFit) -> list[tuple[FloatArray, FloatArray]]:
    """Give the normal equations, for the change of the solution, without each block of frames in turn."""
    reached = np.cumsum(fit.weights) / fit.weights.sum()
    block = np.minimum((reached * _BLOCKS).astype(int), _BLOCKS - 1)
    out = []
    for k in range(_BLOCKS):
        rest = block != k
        part, misses, weights = frames.equations[rest], fit.misses[rest], fit.weights[rest]
        normal = np.einsum("f,fij,fik->jk", weights, part, part, optimize=True)
        out.append((normal, -np.einsum("f,fij,fi->j", weights, part, misses)))
    return out


def jackknife(estimates: FloatArray) -> FloatArray:
    """Give the standard deviation by the delete-one-block jackknife of (B, ...) estimates."""
    scatter = np.sum((estimates - estimates.mean(axis=0)) ** 2, axis=0)
    return np.asarray(np.sqrt(scatter * (_BLOCKS - 1) / _BLOCKS))


def hidden_sigma_mm(frames: JointEquations, fit: JointFit) -> float:
    """Give the soft-tissue error (mm per coordinate) that moves whole clusters, from that which deforms them."""
    return float(_HIDDEN * np.sqrt(fit.weights @ frames.deformed_mm**2 / fit.weights.sum()))


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
