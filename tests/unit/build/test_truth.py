"""Truth between the frames: by the fit's own curve for its joints, by interpolation for the others."""

from dataclasses import dataclass

import numpy as np

from viodat.body import JointTrial
from viodat.body.interpolate import at_times
from viodat.build.truth import JointCurve, overlap_fault, truth_at_frames
from viodat.clock import ClockMap
from viodat.joints import JOINTS

FRAMES, RATE_HZ, FIRST_FRAME = 40, 100.0, 11


@dataclass
class Fit:
    """A fit whose curve nothing else has: 1000 mm/s along x, shifted by 7 mm."""

    def joints(self, times_s: np.ndarray) -> np.ndarray:
        out = np.zeros((len(times_s), 18, 3))
        out[:, :, 0] = 1000 * times_s[:, None] + 7
        return out


def trial(*methods: str) -> JointTrial:
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(FRAMES, 18, 3)).cumsum(axis=0)
    return JointTrial(positions, methods, RATE_HZ, FIRST_FRAME)


TIMES_S = np.array([0.1043, 0.2, 0.3317])


def test_a_fits_joints_are_on_its_curve_and_no_others():
    joints = trial(*["skeleton(pig)"] * 9, *["named:point"] * 8, "none: no marker")
    found = JointCurve(joints, Fit())(TIMES_S)
    np.testing.assert_allclose(found[:, :9, 0], np.repeat(1000 * TIMES_S[:, None] + 7, 9, axis=1))
    between = at_times(joints.positions_mm, joints.start_s, RATE_HZ, TIMES_S)
    np.testing.assert_array_equal(found[:, 9:17], between[:, 9:17])
    assert np.isnan(found[:, 17]).all()


def test_without_a_fit_all_are_interpolated():
    joints = trial(*["pig:knee_chord"] * 18)
    found = JointCurve(joints, None)(TIMES_S)
    np.testing.assert_array_equal(found, at_times(joints.positions_mm, joints.start_s, RATE_HZ, TIMES_S))
    assert found.shape == (3, len(JOINTS), 3)


def test_frames_have_the_time_of_their_clock_and_no_truth_without_a_camera():
    curve = JointCurve(trial(*["pig"] * 18), None)
    truth = truth_at_frames(curve, TIMES_S, ClockMap(0.5, drift_ppm=100.0), None)
    np.testing.assert_allclose(truth.time_ns, (TIMES_S * (1 + 1e-4) + 0.5) * 1e9, atol=1)
    assert truth.pose3d_mm is None
    assert truth_at_frames(curve, TIMES_S, None, None).time_ns is None


def test_a_clock_without_overlap_is_told_by_where_it_comes_from():
    span = (0.0, 10.0)
    assert overlap_fault(ClockMap(0.0), TIMES_S, span) == ""
    assert "check its offset of 330 s in capture.toml [sync]" in overlap_fault(ClockMap(330.0), TIMES_S, span)
    assert "follows from playing" in overlap_fault(ClockMap(330.0, method="playing"), TIMES_S, span)
