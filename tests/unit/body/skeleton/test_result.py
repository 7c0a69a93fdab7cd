"""A fit read at any time, against curves whose values and derivatives are known."""

import numpy as np
import pytest

from viodat.body.angles import ANGLES
from viodat.body.skeleton.result import FitReport, SkeletonFit
from viodat.joints import JOINTS

RATE = 100.0
OMEGA = 2 * np.pi * 2.0


def curve(times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, velocities and accelerations (T, 18, 3): sines of 2 Hz and 100 mm, one phase for each coordinate."""
    phase = OMEGA * np.asarray(times)[:, None, None] + np.arange(54).reshape(18, 3)
    return 100 * np.sin(phase), 100 * OMEGA * np.cos(phase), -100 * OMEGA**2 * np.sin(phase)


def fit(frames: int = 101, first_frame: int = 51, hidden: tuple[tuple[slice, int], ...] = ()) -> SkeletonFit:
    times = (first_frame - 1 + np.arange(frames)) / RATE
    whole = curve(times)[0]
    positions, sigma = whole.copy(), np.tile(1.0 + np.arange(frames)[:, None], (1, 18))
    for where, joint in hidden:
        positions[where, joint], sigma[where, joint] = np.nan, np.nan
    return SkeletonFit(
        times_s=times,
        positions_mm=positions,
        sigma_frames_mm=sigma,
        segment_axes={},
        angles_rad=np.arange(frames)[:, None] * np.arange(len(ANGLES)),
        method=("skeleton(test)",) * 18,
        rate_hz=RATE,
        first_frame=first_frame,
        marker_set="test",
        report=FitReport((), (), {}, {}, {}, ("a note",)),
        unmasked_mm=whole,
    )


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 101])
def test_joints_at_the_frames_are_the_positions(frames):
    found = fit(frames)
    np.testing.assert_allclose(found.joints(found.times_s), found.positions_mm, atol=1e-9)
    np.testing.assert_allclose(found.sigma_mm(found.times_s), found.sigma_frames_mm, atol=1e-9)


def test_times_may_come_in_any_order_and_twice():
    found = fit()
    times = found.times_s[0] + np.array([0.5, 0.013, 0.99, 0.013, 0.0])
    np.testing.assert_allclose(found.joints(times), np.stack([found.joints([t])[0] for t in times]), atol=1e-9)
    np.testing.assert_allclose(found.sigma_mm(times), np.stack([found.sigma_mm(t)[0] for t in times]), atol=1e-12)
    assert found.joints([]).shape == (0, 18, 3)
    assert found.joints(0.75).shape == (1, 18, 3)


def test_between_the_frames_positions_and_derivatives_are_the_curves():
    found = fit()
    times = np.linspace(found.times_s[10], found.times_s[-11], 333)
    place, speed, acceleration = curve(times)
    np.testing.assert_allclose(found.joints(times), place, atol=1e-3)
    np.testing.assert_allclose(found.velocities(times), speed, atol=1e-3 * 100 * OMEGA)
    np.testing.assert_allclose(found.accelerations(times), acceleration, atol=5e-3 * 100 * OMEGA**2)


def test_derivatives_at_the_frames():
    found = fit()
    _, speed, acceleration = curve(found.times_s)
    inner = slice(10, -10)
    np.testing.assert_allclose(found.velocities_mm_s[inner], speed[inner], atol=1e-3 * 100 * OMEGA)
    np.testing.assert_allclose(found.accelerations_mm_s2[inner], acceleration[inner], atol=5e-3 * 100 * OMEGA**2)


@pytest.mark.parametrize("name", ["joints", "velocities", "accelerations", "sigma_mm"])
def test_outside_the_trial_nothing_is_given(name):
    found = fit()
    outside = [found.times_s[0] - 1e-3, found.times_s[-1] + 1e-3, -1e9, 1e9, np.nan, np.inf, -np.inf]
    assert np.isnan(getattr(found, name)(outside)).all()
    # A time that is a frame's but for rounding is inside.
    assert np.isfinite(getattr(found, name)([found.times_s[0] - 1e-12, found.times_s[-1] + 1e-12])).all()


@pytest.mark.parametrize("name", ["joints", "velocities", "accelerations", "sigma_mm"])
def test_around_undetermined_frames_nothing_is_given(name):
    found = fit(hidden=((slice(40, 45), 3),))
    at = found.times_s
    step = 1 / RATE
    given = getattr(found, name)

    def finite(t: float) -> np.ndarray:
        return np.isfinite(given([t])[0].reshape(18, -1)).all(axis=-1)

    for t, there in (
        (at[39], True),
        (at[39] + 0.3 * step, False),
        (at[40], False),
        (at[42] + 0.5 * step, False),
        (at[44] + 0.9 * step, False),
        (at[45], True),
        (at[45] + 0.5 * step, True),
    ):
        assert finite(t)[3] == there
        assert finite(t)[[0, 17]].all()


@pytest.mark.parametrize(("frames", "speed", "acceleration"), [(1, False, False), (2, False, False), (3, True, False)])
def test_few_frames_give_no_derivative_that_they_cannot(frames, speed, acceleration):
    found = fit(frames)
    for values, there in ((found.velocities_mm_s, speed), (found.accelerations_mm_s2, acceleration)):
        assert values.shape == (frames, 18, 3)
        assert np.isfinite(values).all() == there
        assert np.isnan(values).all() != there


def test_sigma_and_angles_are_interpolated():
    found = fit()
    t = found.times_s[20] + 0.25 / RATE
    np.testing.assert_allclose(found.sigma_mm([t])[0], 21.25)
    angles = found.angles([t, found.times_s[3]])
    assert tuple(angles) == tuple(ANGLES)
    for a, name in enumerate(ANGLES):
        np.testing.assert_allclose(angles[name], [20.25 * a, 3.0 * a], atol=1e-9)
    assert np.isnan(found.angles([-5.0])[ANGLES[0]]).all()


def test_validity_and_the_frame_by_frame_view():
    found = fit(hidden=((slice(0, 2), 5),))
    assert not found.valid[:2, 5].any()
    assert found.valid.sum() == found.valid.size - 2
    centres = found.joint_trial
    assert centres.names == JOINTS
    np.testing.assert_array_equal(centres.positions_mm, found.positions_mm)
    np.testing.assert_allclose(centres.times_s, found.times_s)
    assert centres.notes == ("a note",)


def test_a_clock_that_starts_late_keeps_its_frames():
    # An hour in, a time is a frame's only to rounding.
    found = fit(frames=50, first_frame=360_001, hidden=((slice(10, 11), 0),))
    np.testing.assert_allclose(found.joints(found.times_s), found.positions_mm, atol=1e-6)
