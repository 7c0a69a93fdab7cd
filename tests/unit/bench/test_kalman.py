"""The Kalman filter: what VioPose's computes, and what it does to motion that is known."""

from pathlib import Path

import numpy as np
import pytest

from viodat.bench.joint_sets import H36M17, VIODAT18
from viodat.bench.kalman import WEIGHTS, kalman
from viodat.errors import MetricError

PUBLISHED = np.load(Path(__file__).parents[2] / "data" / "published_kalman.npz", allow_pickle=False)


def observed():
    return PUBLISHED["pred"][0], PUBLISHED["vel"][0], PUBLISHED["acc"][0]


@pytest.mark.parametrize(("name", "rate_hz"), [("kalman", 30.0), ("kalman_fs60", 60.0)])
def test_it_is_the_published_filter(name, rate_hz):
    assert np.abs(kalman(*observed(), rate_hz) - PUBLISHED[name]).max() < 1e-9


def test_weights_go_by_the_joints_names():
    expected = [10, 1, 0.1, 1, 0.1, 10, 10, 1, 0.1, 1, 0.1, 10, 10, 10, 10, 10, 10, 10]
    assert list(VIODAT18.weights(WEIGHTS, 1.0)) == expected
    chosen = [VIODAT18.names.index(name) for name in reversed(VIODAT18.names)]
    backwards = type(VIODAT18)("named", VIODAT18.names[::-1], VIODAT18.root)
    pose, velocity, acceleration = (values[:, chosen] for values in observed())
    found = kalman(pose, velocity, acceleration, 30.0, joints=backwards)
    np.testing.assert_array_equal(found, kalman(*observed(), 30.0)[:, chosen])


def test_it_is_the_filter_of_the_textbook():
    """Against matrices multiplied out for one joint and axis."""
    pose, velocity, acceleration = (values[:20] for values in observed())
    found = kalman(pose, velocity, acceleration, 50.0, {"wrist": 3.0})
    joint, axis, step = VIODAT18.names.index("left_wrist"), 1, 30.0 / 50.0
    motion = np.array([[1, step, step**2 / 2], [0, 1, step], [0, 0, 1]])
    seen = np.stack([pose[:, joint, axis], velocity[:, joint, axis], acceleration[:, joint, axis]], axis=-1)
    state, covariance, noise = seen[0].astype(float), np.eye(3), 3.0 * np.eye(3)
    for t in range(1, len(seen)):
        state, covariance = motion @ state, motion @ covariance @ motion.T + noise
        gain = covariance @ np.linalg.inv(covariance + noise)
        state, covariance = state + gain @ (seen[t] - state), (np.eye(3) - gain) @ covariance
        assert found[t, joint, axis] == pytest.approx(state[0], abs=1e-9)


def test_without_velocities_it_observes_the_differences_of_the_poses():
    pose = observed()[0].astype(np.float64)
    velocity, acceleration = np.diff(pose, axis=0), np.diff(pose, 2, axis=0)
    velocity = np.concatenate([velocity, velocity[-1:]])
    acceleration = np.concatenate([acceleration, acceleration[-2:]])
    np.testing.assert_array_equal(kalman(pose, None, None, 30.0), kalman(pose, velocity, acceleration, 30.0))


def test_motion_of_constant_acceleration_passes_unchanged():
    t = np.arange(50.0)[:, None, None]
    a = np.random.default_rng(0).normal(size=(1, 18, 3))
    pose, velocity, acceleration = a * t**2 / 2, a * t, np.repeat(a, 50, axis=0)
    np.testing.assert_allclose(kalman(pose, velocity, acceleration, 30.0), pose, atol=1e-9)


def test_noise_becomes_less():
    noise = np.random.default_rng(1).normal(size=(500, 18, 3))
    still = np.zeros_like(noise)
    assert kalman(noise, still, still, 30.0)[20:].std() < 0.8 * noise[20:].std()


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 4])
def test_short_recordings_are_filtered(frames):
    pose = np.ones((frames, 18, 3))
    still = np.zeros_like(pose)
    np.testing.assert_allclose(kalman(pose, still, still, 30.0), pose, atol=1e-12)


def test_other_joints_have_the_weight_one():
    pose = np.random.default_rng(2).normal(size=(30, 17, 3))
    weighted = kalman(pose, None, None, 30.0, {name: 1.0 for name in WEIGHTS} | {"head": 1.0}, H36M17)
    np.testing.assert_array_equal(kalman(pose, None, None, 30.0, {}, H36M17), weighted)


def test_what_cannot_be_filtered_is_refused():
    pose = np.zeros((5, 18, 3))
    with pytest.raises(MetricError, match=r"poses \(T, 18, 3\), but got \(5, 17, 3\)"):
        kalman(pose[:, 1:], None, None, 30.0)
    with pytest.raises(MetricError, match="velocity of the poses' shape"):
        kalman(pose, pose[1:], pose, 30.0)
    with pytest.raises(MetricError, match="above 0 Hz"):
        kalman(pose, pose, pose, 0.0)
    with pytest.raises(MetricError, match="3 frames or more"):
        kalman(pose[:2], None, None, 30.0)
