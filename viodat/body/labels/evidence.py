"""What tells one marker from another: where its path breaks, whether a path goes on, and distances to its mates.

Three kinds of evidence, all cheap enough for every marker of a trial. A *break* is a frame in which a label comes back
from a gap or leaves its own path; a label can only change its marker there. *Continuity* compares a place after a break
with where the path before it leads. *Shape* compares the distances to mates, the markers whose distance
varies least, with their medians over the trial. mm and frames; costs are negative log-likelihoods (z²/2), capped, so
that no single number outweighs all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.geometry import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

BREAK_MM: Final = 4.0
"""A label leaves its path where it steps by this much, and by BREAK_SCALES times its usual roughness, aside."""
BREAK_SCALES: Final = 5.0
PATH_MM: Final = 1.0
"""Least standard error of a path continued by one frame."""
PATH_CAP: Final = 25.0
"""Most that one broken path may cost: about seven standard errors."""
PATH_ENDS: Final = 6.0
"""Cost of a path that ends or begins: cheaper than a broken one, but not free."""
MATES: Final = 6
MATE_SPREAD_MM: Final = 45.0
"""A mate's distance may vary by this much (as a standard deviation) to be of use."""
SKIN_MM: Final = 3.0
"""Least standard deviation of a distance: soft tissue moves even in a trial that is still."""
MATE_CAP: Final = 8.0
"""Most that one mate may cost: four standard deviations."""
MATE_WEIGHT: Final = 4.0
"""The distances to all mates together count as so many independent ones."""
_SAMPLES: Final = 160
_FEWEST_SAMPLES: Final = 8


@dataclass(frozen=True)
class Paths:
    """Positions with the tables that say where paths break.

    Attributes
    ----------
    positions
        (F, M, 3) mm, NaN in gaps.
    valid
        (F, M).
    before, after
        (F + 1, M) index of the last valid frame before a frame (-1: none) and the first from it on (F: none).
    breaks
        (F, M) True where a label is back from a gap or leaves its path.
    jumps
        (F, M) True where it leaves its path without a gap.
    aside
        (F, M) mm from where the path leads, as the velocity on both sides tells; 0 where nothing tells.
    roughness, turning
        (M,) mm: 95th percentile of a path's one-frame error, and of its second difference.
    """

    positions: FloatArray
    valid: BoolArray
    before: IntArray
    after: IntArray
    breaks: BoolArray
    jumps: BoolArray
    aside: FloatArray
    roughness: FloatArray
    turning: FloatArray


def trace_paths(positions: FloatArray) -> Paths:
    """Find where each label's path breaks; ``positions`` is (F, M, 3) mm, NaN in gaps."""
    frames, markers = positions.shape[:2]
    valid: BoolArray = np.asarray(np.isfinite(positions).all(axis=-1))
    index = np.arange(frames)[:, None]
    before = np.full((frames + 1, markers), -1)
    after = np.full((frames + 1, markers), frames)
    if frames:
        before[1:] = np.maximum.accumulate(np.where(valid, index, -1), axis=0)
        after[:-1] = np.minimum.accumulate(np.where(valid, index, frames)[::-1], axis=0)[::-1]
    aside = np.zeros((frames, markers))
    turning = np.full(markers, 0.0)
    if frames > 2:
        step = np.full((frames + 1, markers, 3), np.nan)
        step[1:-1] = np.diff(positions, axis=0)
        # Velocity as the steps on both sides tell; one side where the other is missing.
        both = 0.5 * (step[:-2] + step[2:])
        velocity = np.where(np.isfinite(both), both, np.where(np.isfinite(step[:-2]), step[:-2], step[2:]))
        aside[1:] = _length(step[1:-1] - velocity)
        turning = _quantile(_length(np.diff(positions, n=2, axis=0)), 0.95)
    roughness = _quantile(aside, 0.95)
    size = np.nan_to_num(aside)
    peak = size.copy()
    if frames > 2:
        peak[1:] = np.maximum(peak[1:], size[:-1])
        peak[:-1] = np.maximum(peak[:-1], size[1:])
    # A step shows in the two neighbouring frames as well, half as large; only its middle is the break.
    jumps: BoolArray = np.asarray((size >= 0.99 * peak) & (size > np.maximum(BREAK_MM, BREAK_SCALES * roughness)))
    returns = np.zeros_like(valid)
    if frames > 1:
        returns[1:] = valid[1:] & ~valid[:-1] & (before[1:-1] >= 0)
    return Paths(positions, valid, before, after, jumps | returns, jumps, size, roughness, turning)


def join_cost(paths: Paths, frame: IntArray, left: IntArray, right: IntArray) -> FloatArray:
    """Cost of taking what label ``right`` shows from ``frame`` on for the marker that ``left`` showed before it.

    Parameters
    ----------
    paths
        Of F frames and M labels.
    frame, left, right
        (N,) frames 0 to F, and label numbers.

    Returns
    -------
    FloatArray
        (N,) 0 to :data:`PATH_CAP`; :data:`PATH_ENDS` where either is never seen on its side.
    """
    positions, count = paths.positions, paths.positions.shape[0]
    i, j = paths.before[frame, left], paths.after[frame, right]
    known = (i >= 0) & (j < count)
    i, j = np.where(known, i, 0), np.where(known, j, 0)
    incoming = positions[i, left] - positions[np.maximum(i - 1, 0), left]
    outgoing = positions[np.minimum(j + 1, count - 1), right] - positions[j, right]
    # A step across the next break is no velocity.
    incoming[(i == 0) | paths.jumps[i, left]] = np.nan
    last = np.minimum(j + 1, count - 1)
    outgoing[(j == count - 1) | paths.jumps[last, right]] = np.nan
    one_sided = np.where(np.isfinite(incoming), incoming, outgoing)
    velocity = np.where(np.isfinite(incoming) & np.isfinite(outgoing), 0.5 * (incoming + outgoing), one_sided)
    steps = np.maximum(j - i, 1).astype(float)
    still = np.isnan(velocity).any(axis=-1)
    off = _length(positions[j, right] - positions[i, left] - steps[:, None] * np.nan_to_num(velocity))
    rough = np.maximum(paths.roughness[left], paths.roughness[right])
    turning = np.maximum(paths.turning[left], paths.turning[right])
    sigma = np.sqrt((PATH_MM + 1.5 * rough) ** 2 + (0.25 * turning * (steps**2 - 1)) ** 2 + 25.0 * steps**2 * still)
    cost = np.minimum(0.5 * (off / sigma) ** 2, PATH_CAP)
    return np.where(known & np.isfinite(cost), cost, PATH_ENDS)


def exchange_gain(paths: Paths, frame: IntArray, a: IntArray, b: IntArray) -> FloatArray:
    """(N,) by how much the paths go on better if labels ``a`` and ``b`` exchange markers at ``frame``."""
    stay = join_cost(paths, frame, a, a) + join_cost(paths, frame, b, b)
    return stay - join_cost(paths, frame, a, b) - join_cost(paths, frame, b, a)


@dataclass(frozen=True)
class Shape:
    """How far labels are from each other.

    Attributes
    ----------
    distance, spread
        (M, M) mm: median over the trial, and a robust standard deviation, at least :data:`SKIN_MM`; NaN where two
        labels are hardly ever seen together.
    loose
        (M, M) mm: 90th percentile of a distance's departure from its median.
    nearest
        (M, M) mm: least distance in the frames looked at.
    ranked
        Of each label, all others that may be its mates, best first.
    """

    distance: FloatArray
    spread: FloatArray
    loose: FloatArray
    nearest: FloatArray
    ranked: tuple[IntArray, ...]

    def mates(self, label: int, without: int = -1) -> IntArray:
        """Give the labels whose distance from ``label`` varies least, best first."""
        ranked = self.ranked[label]
        return np.asarray(ranked[ranked != without][:MATES])


def measure_shape(positions: FloatArray) -> Shape:
    """Measure distances of all labels in up to 160 frames spread over (F, M, 3) mm."""
    frames, markers = positions.shape[:2]
    chosen = (
        positions[np.unique(np.linspace(0, frames - 1, min(frames, _SAMPLES)).astype(int))] if frames else positions
    )
    row, column = np.triu_indices(markers, 1)
    apart = _length(chosen[:, row] - chosen[:, column])
    count = np.isfinite(apart).sum(axis=0)
    enough = count >= _FEWEST_SAMPLES
    middle = np.where(enough, _quantile(apart, 0.5), np.nan)
    # Seven of ten frames: a label may be wrong in three tenths of the trial before its distances look loose.
    off = np.abs(apart - middle)
    spread = np.where(enough, np.maximum(_quantile(off, 0.7) / 1.036, SKIN_MM), np.nan)
    loose = np.where(enough, _quantile(off, 0.9), np.nan)
    least = _quantile(apart, 0.0)

    def square(values: FloatArray) -> FloatArray:
        full = np.full((markers, markers), np.nan)
        full[row, column] = full[column, row] = values
        return full

    distance, steady = square(middle), square(spread)
    # A hand that lies still in most frames is no mate of the violin under it: the frames in which it leaves count too.
    # Of mates equally steady the near ones tell more: a step aside changes their distance more.
    order = np.argsort(steady + 0.3 * square(loose) + 0.01 * distance, axis=1, kind="stable")
    usable = np.nan_to_num(np.take_along_axis(steady, order, axis=1), nan=np.inf) < MATE_SPREAD_MM
    ranked = tuple(row[use] for row, use in zip(order, usable, strict=True))
    return Shape(distance, steady, square(loose), square(least), ranked)


def shape_cost(positions: FloatArray, at: FloatArray, label: int, mates: IntArray, shape: Shape) -> FloatArray:
    """Cost of ``label`` standing at ``at``, (F, 3), by its distances from ``mates``; (F,), NaN where none is seen."""
    apart = _length(positions[:, mates] - at[:, None])
    z = (apart - shape.distance[label, mates]) / shape.spread[label, mates]
    cost = np.minimum(0.5 * z * z, MATE_CAP)
    seen = np.isfinite(cost)
    count = seen.sum(axis=1)
    total = np.where(seen, cost, 0.0).sum(axis=1)
    weight = np.minimum(count, MATE_WEIGHT) / np.maximum(count, 1)
    return np.where(count > 0, total * weight, np.nan)


def exchange_shape(positions: FloatArray, a: int, b: int, shape: Shape) -> tuple[FloatArray, FloatArray]:
    """Cost by shape of two labels as measured, and exchanged, (F,) each; NaN where shape says nothing."""
    mates_a, mates_b = shape.mates(a, b), shape.mates(b, a)
    at_a, at_b = positions[:, a], positions[:, b]
    measured = [shape_cost(positions, at_a, a, mates_a, shape), shape_cost(positions, at_b, b, mates_b, shape)]
    swapped = [shape_cost(positions, at_b, a, mates_a, shape), shape_cost(positions, at_a, b, mates_b, shape)]
    # Each place is judged as both labels, so that neither hypothesis explains fewer places.
    first = np.isfinite(measured[0]) & np.isfinite(swapped[1])
    second = np.isfinite(measured[1]) & np.isfinite(swapped[0])
    told = first | second
    as_measured = np.where(first, measured[0], 0.0) + np.where(second, measured[1], 0.0)
    exchanged = np.where(first, swapped[1], 0.0) + np.where(second, swapped[0], 0.0)
    return np.where(told, as_measured, np.nan), np.where(told, exchanged, np.nan)


def _length(vectors: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


def _quantile(values: FloatArray, share: float) -> FloatArray:
    """Quantile over the first axis without NaN, the lower of two neighbours; NaN for a column without any."""
    if not values.shape[0]:
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    place = np.maximum((share * (count - 1)).astype(int), 0)
    return np.asarray(np.take_along_axis(ordered, place[None], axis=0)[0])
