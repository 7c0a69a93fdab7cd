"""What a skeleton fit gives: joints, their uncertainty, angles and derivatives at any time, and a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline, make_interp_spline

from viodat.body.angles import ANGLES
from viodat.body.geometry import FloatArray
from viodat.body.joint_centres import JointTrial
from viodat.joints import JOINTS


@dataclass(frozen=True)
class FittedMarker:
    """One marker in a fit.

    Attributes
    ----------
    label, segment
        Its name and what it moves with.
    missing
        Share of the frames in which it is missing.
    residual_mm
        Root mean square distance from the fit, over the frames that fit; NaN if it is never seen.
    outlying
        Share of its frames that the fit hardly believes (weight below a fifth): wrong labels, ghosts.
    """

    label: str
    segment: str
    missing: float
    residual_mm: float
    outlying: float


@dataclass(frozen=True)
class FittedJoint:
    """One joint centre in a fit.

    Attributes
    ----------
    joint
        One of the 18.
    source
        Where its place in the reference posture came from; empty if nothing determines it.
    moved_mm
        How far the motion has moved it from there.
    calibration_mm, sigma_mm
        Standard deviation per coordinate: of its place in the skeleton, and the median over frames of that in the
        world; NaN where nothing determines it.
    determined
        Share of the frames.
    """

    joint: str
    source: str
    moved_mm: float
    calibration_mm: float
    sigma_mm: float
    determined: float


@dataclass(frozen=True)
class FitReport:
    """What the reader of a build's report should know of a fit.

    Attributes
    ----------
    markers, joints
        One entry each.
    bones_mm
        Length by bone (``left_pelvis-left_knee`` ...), of those whose ends one segment carries: the same in all frames.
    bone_variation_mm
        Standard deviation of that length by the frame-by-frame method, before the fit.
    frames_used
        By limb: frames of the range-of-motion trial and of the trial in the calibration.
    notes
        Choices made and conflicts met, one sentence each.
    """

    markers: tuple[FittedMarker, ...]
    joints: tuple[FittedJoint, ...]
    bones_mm: Mapping[str, float]
    bone_variation_mm: Mapping[str, float]
    frames_used: Mapping[str, tuple[int, int]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SkeletonFit:
    """A skeleton of constant bone lengths over a trial.

    Attributes
    ----------
    times_s
        (F,) s on the mocap clock, evenly spaced.
    positions_mm
        (F, 18, 3) mm, world; NaN where nothing determines a joint.
    sigma_frames_mm
        (F, 18) mm, standard deviation per coordinate; NaN as the positions.
    segment_axes
        Segment of :data:`viodat.body.anatomical_axes.SEGMENTS` -> (F, 3, 3), ISB axes in columns, world.
    angles_rad
        (F, A) rad, in the order of :data:`viodat.body.angles.ANGLES`, NaN where undetermined.
    method
        For each joint how it was found: ``skeleton(midpoint:LKNM+LKNE)``, or ``none: `` and the reason.
    rate_hz, first_frame, marker_set
        Of the trial.
    report
        Residuals, gaps, sources.
    """

    times_s: FloatArray
    positions_mm: FloatArray
    sigma_frames_mm: FloatArray
    segment_axes: Mapping[str, FloatArray]
    angles_rad: FloatArray
    method: tuple[str, ...]
    rate_hz: float
    first_frame: int
    marker_set: str
    report: FitReport
    unmasked_mm: FloatArray
    """(F, 18, 3) mm, as ``positions_mm`` but through gaps as well: what the splines run through."""

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(F, 18) bool, True where a joint is determined."""
        return np.asarray(np.isfinite(self.positions_mm).all(axis=-1))

    def joints(self, t_s: ArrayLike) -> FloatArray:
        """Joint centres at any time of the trial.

        Parameters
        ----------
        t_s
            (T,) s on the mocap clock, any order.

        Returns
        -------
        (T, 18, 3) array
            mm, world; from the cubic spline through the fitted frames. NaN outside the trial, and where the joint is
            undetermined in the frame before or after.
        """
        return self._at(t_s, 0)

    def velocities(self, t_s: ArrayLike) -> FloatArray:
        """(T, 18, 3) mm/s, world: first derivative of the fit's curve; NaN as :meth:`joints`."""
        return self._at(t_s, 1)

    def accelerations(self, t_s: ArrayLike) -> FloatArray:
        """(T, 18, 3) mm/s², world: second derivative of the fit's curve; NaN as :meth:`joints`."""
        return self._at(t_s, 2)

    def sigma_mm(self, t_s: ArrayLike) -> FloatArray:
        """(T, 18) mm: standard deviation of each coordinate of a joint centre (root mean square over the three).

        It holds the uncertainty of the joint's place in the skeleton and of the skeleton's pose. Of the coordinates of
        :meth:`joints`, 68 % are meant to lie within one sigma of the truth and 95 % within two. NaN as :meth:`joints`.
        """
        return self._linear(t_s, self.sigma_frames_mm)

    def angles(self, t_s: ArrayLike) -> dict[str, FloatArray]:
        """Joint angles by name, (T,) rad each, ISB conventions (:mod:`viodat.body.angles`); NaN where undetermined."""
        return dict(zip(ANGLES, self._linear(t_s, self.angles_rad).T, strict=True))

    @property
    def velocities_mm_s(self) -> FloatArray:
        """(F, 18, 3) mm/s at the frames."""
        return self.velocities(self.times_s)

    @property
    def accelerations_mm_s2(self) -> FloatArray:
        """(F, 18, 3) mm/s² at the frames."""
        return self.accelerations(self.times_s)

    @property
    def joint_trial(self) -> JointTrial:
        """The joints at the frames, as the frame-by-frame methods give them."""
        return JointTrial(
            self.positions_mm,
            self.method,
            self.rate_hz,
            self.first_frame,
            marker_set=self.marker_set,
            notes=self.report.notes,
        )

    @cached_property
    def _curve(self) -> BSpline:
        degree = min(3, len(self.times_s) - 1)
        return make_interp_spline(self.times_s, self.unmasked_mm.reshape(len(self.times_s), -1), k=degree)

    def _at(self, t_s: ArrayLike, derivative: int) -> FloatArray:
        times = np.asarray(t_s, dtype=np.float64).reshape(-1)
        before, after, _, inside = self._around(times)
        if len(self.times_s) > derivative + 1:
            values = self._curve(times, nu=derivative).reshape(-1, len(JOINTS), 3)
        elif derivative:
            values = np.full((len(times), len(JOINTS), 3), np.nan)
        else:
            values = self.unmasked_mm[before]
        known = self.valid[before] & self.valid[after] & inside[:, None]
        return np.where(known[..., None], values, np.nan)

    def _linear(self, t_s: ArrayLike, frames: FloatArray) -> FloatArray:
        """(T, K) from (F, K) at the frames: along the straight line between them, NaN outside the trial."""
        before, after, share, inside = self._around(np.asarray(t_s, dtype=np.float64).reshape(-1))
        values = (1 - share)[:, None] * frames[before] + share[:, None] * frames[after]
        return np.where(inside[:, None], values, np.nan)

    def _around(self, times: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray, NDArray[np.bool_]]:
        """Frames before and after each time, its share of the way between them, and whether it is in the trial."""
        position = (times - self.times_s[0]) * self.rate_hz
        tolerance = self.rate_hz * 1e-9
        last = len(self.times_s) - 1
        inside = (position >= -tolerance) & (position <= last + tolerance)
        position = np.clip(np.where(np.isfinite(position), position, 0.0), 0, last)
        nearest = np.rint(position)
        position = np.where(np.abs(position - nearest) <= tolerance, nearest, position)
        before = np.floor(position).astype(np.int64)
        after = np.ceil(position).astype(np.int64)
        return before, after, position - before, inside
