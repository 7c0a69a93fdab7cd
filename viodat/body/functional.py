"""Joint centres and axes from motion: where two rigid segments turn about one common point, or one common line.

Two clusters of markers give two rigid motions. The point that both carry to the same place is the joint's centre
(SCoRE), the line that both carry to the same place is a hinge's axis (SARA). Positions are mm, NaN where missing.
"Local" is the frame of a cluster's reference: where the reference is the markers of a static pose, a local position
is where the joint was in that pose, in the world. Nothing here knows the name of a marker or a joint.

Sources: Ehrig, Taylor, Duda and Heller 2006 (J Biomech 39:2798, SCoRE) and 2007 (J Biomech 40:2150, SARA). The weights
of the frames and the uncertainties are viodat's: docs/science/functional_centres.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray, norm, unit
from viodat.body.joint_equations import (
    SINGULAR,
    JointEquations,
    JointFit,
    hidden_sigma_mm,
    jackknife,
    joint_equations,
    left_out,
    principal_ranges,
    robust_fit,
    solved,
)
from viodat.body.rigid_motion import RigidMotion, cluster_motion, common_shape
from viodat.errors import counted

__all__ = ["FunctionalAxis", "FunctionalCentre", "RigidMotion", "cluster_motion", "common_shape", "sara", "score"]

LEAST_FRAMES: Final = 100
"""Frames with both segments that a centre or an axis needs: 1 s at 100 Hz; viodat's choice."""

LEAST_CENTRE_RANGE_RAD: Final = float(np.deg2rad(30.0))
"""Second largest range of rotation that a centre needs. The rule of thumb for hips, for which Camomilla et al. 2006 (J
Biomech 39:1096) and Ehrig 2006 are cited; on the twin the median error doubles below about 15°. A range in one plane
only leaves the centre free along the axis."""

LEAST_AXIS_RANGE_RAD: Final = float(np.deg2rad(30.0))
"""Range of rotation about it that an axis needs; viodat's choice."""

LARGEST_CONDITION: Final = 30.0
"""Largest ratio of singular values: a rigid error of 1 mm in all frames can move the point by about so many mm."""

LEAST_AXIS_SEPARATION: Final = 2.0
"""Least ratio of the last two singular values: below, the joint turns about a second axis half as much as about the
first, and no line is its axis."""

LARGEST_RESIDUAL_MM: Final = 20.0
"""Largest residual: from 11 mm in vivo the residual falls below 6 mm with the common shape (Ehrig et al. 2011, J
Biomech 44:1400), so twice the worse of the two is no joint but a mistake in the clusters."""


@dataclass(frozen=True)
class FunctionalCentre:
    """Centre of rotation of two segments.

    Attributes
    ----------
    in_first, in_second
        (3,) mm, local to each; NaN where the motion determines none.
    residual_mm
        RMS distance of the two world positions, with the weights of the fit.
    condition
        Ratio of the largest to the smallest singular value of the equations; infinite for a hinge.
    frames
        Number of frames used: both segments there, neither cluster grossly deformed.
    range_rad
        Second largest of the three principal ranges of the relative rotation, 1st to 99th percentile.
    sigma_first_mm, sigma_second_mm
        (3,) mm: standard deviation of each coordinate; see the notes of :func:`score`.
    accepted
        Whether all limits are kept.
    reason
        If not accepted: the number and the limit that it breaks, else empty.
    """

    in_first: FloatArray
    in_second: FloatArray
    residual_mm: float
    condition: float
    frames: int
    range_rad: float
    sigma_first_mm: FloatArray
    sigma_second_mm: FloatArray
    accepted: bool
    reason: str


@dataclass(frozen=True)
class FunctionalAxis:
    """Axis of rotation of two segments.

    Attributes
    ----------
    axis_in_first, axis_in_second
        (3,) unit vectors, local to each, of one sense: that in which the largest component in the first is positive.
    point_in_first, point_in_second
        (3,) mm, local: the point of the axis that is nearest to the middle between the two clusters, or to ``near``.
    residual_mm, frames
        As in :class:`FunctionalCentre`, of this point.
    condition
        Ratio of the largest singular value of the equations to the last but one: how well the line is determined.
    separation
        Ratio of the last but one to the last: how much more the joint turns about this axis than about any other.
    range_rad
        Largest of the principal ranges of the relative rotation.
    sigma_rad, sigma_mm
        Standard deviation of the axis' direction and of the point's distance from the axis, in the first.
    accepted, reason
        As in :class:`FunctionalCentre`.
    """

    axis_in_first: FloatArray
    axis_in_second: FloatArray
    point_in_first: FloatArray
    point_in_second: FloatArray
    residual_mm: float
    condition: float
    separation: float
    frames: int
    range_rad: float
    sigma_rad: float
    sigma_mm: float
    accepted: bool
    reason: str

    def nearest_in_first(self, point_mm: FloatArray) -> FloatArray:
        """(3,) mm: the point of the axis nearest to another, both local to the first segment."""
        along = float((np.asarray(point_mm) - self.point_in_first) @ self.axis_in_first)
        return np.asarray(self.point_in_first + along * self.axis_in_first)


def score(
    first: RigidMotion,
    second: RigidMotion,
    *,
    least_frames: int = LEAST_FRAMES,
    least_range_rad: float = LEAST_CENTRE_RANGE_RAD,
    largest_condition: float = LARGEST_CONDITION,
    largest_residual_mm: float = LARGEST_RESIDUAL_MM,
) -> FunctionalCentre:
    """Find the point that two segments turn about: symmetrical centre of rotation estimation (Ehrig et al. 2006).

    Parameters
    ----------
    first, second
        Motions of the two segments in the same frames, such as pelvis and thigh.
    least_frames, least_range_rad, largest_condition, largest_residual_mm
        Limits, as the constants of this module.

    Returns
    -------
    FunctionalCentre
        Not accepted where a limit is broken; the numbers are given all the same, as far as there are any.

    Raises
    ------
    ValueError
        The motions differ in length.

    Notes
    -----
    Least squares for [R₁ −R₂][c₁; c₂] = t₂ − t₁ over the frames, weighted by posture and by the deformation of the
    clusters (:func:`viodat.body.joint_equations.joint_equations`) and by Huber's function of the distance.

    A coordinate's variance has two parts. The delete-one-block jackknife with 8 blocks of consecutive frames of
    equal weight, so that neighbouring frames do not count as independent; it cannot see what is the same in all
    blocks, such as skin that slides with the joint's angle. And the mean square deformation of the clusters, for that
    part of the skin's motion which carries a cluster as a whole and deforms nothing: in vivo it is at least as large
    (Andersen et al. 2012, Gait Posture 35:606; Grimpampi et al. 2013), here it is taken as equal, per coordinate.
    """
    frames = joint_equations(first, second)
    if frames.count < max(least_frames, 2):
        nothing = np.full(3, np.nan)
        why = _too_few(frames.count, least_frames)
        return FunctionalCentre(
            nothing, nothing, np.nan, np.inf, frames.count, np.nan, nothing, nothing, accepted=False, reason=why
        )
    fit = robust_fit(frames, hinge=False, near=None)
    values = np.linalg.eigvalsh(fit.normal)
    determined = values[0] > SINGULAR * values[-1]
    condition = float(np.sqrt(values[-1] / values[0])) if determined else np.inf
    centre = fit.solution if determined else np.full(6, np.nan)
    moved = np.array([solved(*left, hinge=False) for left in left_out(frames, fit)])
    sigma = np.hypot(jackknife(moved), hidden_sigma_mm(frames, fit)) if determined else np.full(6, np.nan)
    range_rad = float(principal_ranges(frames.turns, fit.weights)[1])
    reason = _first_broken(
        (range_rad < least_range_rad, _too_small("second largest range of rotation", range_rad, least_range_rad)),
        (condition > largest_condition, _too_large("condition number", condition, largest_condition, "")),
        (fit.residual_mm > largest_residual_mm, _too_large("residual", fit.residual_mm, largest_residual_mm, " mm")),
    )
    return FunctionalCentre(
        centre[:3],
        centre[3:],
        fit.residual_mm,
        condition,
        frames.count,
        range_rad,
        sigma[:3],
        sigma[3:],
        accepted=not reason,
        reason=reason,
    )


def sara(
    first: RigidMotion,
    second: RigidMotion,
    *,
    near_mm: FloatArray | None = None,
    least_frames: int = LEAST_FRAMES,
    least_range_rad: float = LEAST_AXIS_RANGE_RAD,
    largest_condition: float = LARGEST_CONDITION,
    least_separation: float = LEAST_AXIS_SEPARATION,
    largest_residual_mm: float = LARGEST_RESIDUAL_MM,
) -> FunctionalAxis:
    """Find the line that two segments turn about: symmetrical axis of rotation approach (Ehrig et al. 2007).

    Parameters
    ----------
    first, second
        Motions of the two segments in the same frames, such as thigh and shank.
    near_mm
        (3,) mm, local to the first: which point of the axis to give; default the middle between the clusters.
    least_frames, least_range_rad, largest_condition, least_separation, largest_residual_mm
        Limits, as the constants of this module.

    Returns
    -------
    FunctionalAxis
        Not accepted where a limit is broken; the numbers are given all the same, as far as there are any.

    Raises
    ------
    ValueError
        The motions differ in length.

    Notes
    -----
    In the equations of :func:`score` the singular vector of the smallest singular value is [a₁; a₂], the axis in the
    two segments; the solution without that vector is a point of it. Weights and uncertainties as in :func:`score`.
    """
    frames = joint_equations(first, second)
    if frames.count < max(least_frames, 2):
        nothing = np.full(3, np.nan)
        why = _too_few(frames.count, least_frames)
        return FunctionalAxis(
            nothing, nothing, nothing, nothing, np.nan, np.inf, np.nan, frames.count, np.nan, np.nan, np.nan,
            accepted=False, reason=why,
        )  # fmt: skip
    near = _between(first, second) if near_mm is None else np.asarray(near_mm, dtype=np.float64)
    fit = robust_fit(frames, hinge=True, near=near)
    values, vectors = np.linalg.eigh(fit.normal)
    axis = vectors[:, 0] * np.sign(vectors[np.argmax(np.abs(vectors[:3, 0])), 0])
    values = np.maximum(values, 0.0)
    determined = values[1] > SINGULAR * values[-1]
    condition = float(np.sqrt(values[-1] / values[1])) if determined else np.inf
    least = max(values[0], np.finfo(float).eps * values[-1])
    separation = float(np.sqrt(values[1] / least))
    range_rad = float(principal_ranges(frames.turns, fit.weights)[0])
    direction = unit(axis[:3])
    angles, aside = _axis_scatter(frames, fit, direction)
    reason = _first_broken(
        (range_rad < least_range_rad, _too_small("range of rotation", range_rad, least_range_rad)),
        (
            not separation >= least_separation,
            f"the axis is {separation:.1f} times better determined than the next, below the limit of "
            f"{least_separation:g}: this is no hinge",
        ),
        (condition > largest_condition, _too_large("condition number", condition, largest_condition, "")),
        (fit.residual_mm > largest_residual_mm, _too_large("residual", fit.residual_mm, largest_residual_mm, " mm")),
    )
    return FunctionalAxis(
        direction,
        unit(axis[3:]),
        fit.solution[:3],
        fit.solution[3:],
        fit.residual_mm,
        condition,
        separation,
        frames.count,
        range_rad,
        angles,
        aside,
        accepted=not reason,
        reason=reason,
    )


def _axis_scatter(frames: JointEquations, fit: JointFit, direction: FloatArray) -> tuple[float, float]:
    """Give the deviations of an axis' direction (rad) and of its place square to itself (mm), in the first."""
    turned, moved = [], []
    for normal, right in left_out(frames, fit):
        axis = unit(np.linalg.eigh(normal)[1][:3, 0])
        axis = axis * (1.0 if axis @ direction >= 0 else -1.0)
        change = solved(normal, right, hinge=True)[:3]
        turned.append(axis)
        moved.append(change - direction * (change @ direction))
    place = np.hypot(norm(jackknife(np.array(moved)))[0], hidden_sigma_mm(frames, fit))
    return float(norm(jackknife(np.array(turned)))[0]), float(place)


def _between(first: RigidMotion, second: RigidMotion) -> FloatArray:
    """Give the (3,) mm, local to the first: the mean middle between the two clusters."""
    there = np.isfinite(first.translation).all(axis=1) & np.isfinite(second.translation).all(axis=1)
    away = second.carried(second.centre_mm)[there] - first.translation[there]
    local = np.einsum("fji,fj->fi", first.rotation[there], away)
    return np.asarray((first.centre_mm + local.mean(axis=0)) / 2)


def _first_broken(*limits: tuple[bool | np.bool_, str]) -> str:
    return next((words for broken, words in limits if broken), "")


def _too_few(count: int, least: int) -> str:
    return f"both segments are determined in {counted(count, 'frame')}, but at least {max(least, 2)} are needed"


def _too_small(what: str, found_rad: float, least_rad: float) -> str:
    return f"the {what} is {np.rad2deg(found_rad):.0f}°, below the limit of {np.rad2deg(least_rad):.0f}°"


def _too_large(what: str, found: float, largest: float, mark: str) -> str:
    return f"the {what} is {found:.3g}{mark}, above the limit of {largest:g}{mark}"
