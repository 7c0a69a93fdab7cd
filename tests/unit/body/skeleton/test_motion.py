"""Poses of a trial against motions that were chosen: exact, shaken, with gaps and with wrong markers."""

import time
import tracemalloc

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.unit.body.skeleton.chains import RATE_HZ, arm, centres_of, leg, markers_of, slides_of, wandering, weakly
from viodat.body.skeleton.building import Expectation, expect
from viodat.body.skeleton.motion import TreeMotion, fit_motion
from viodat.body.skeleton.starting_poses import starting_poses
from viodat.body.skeleton.tree import Pose, Slides


def fitted(tree, centres, slides, observed, expectation: Expectation | None = None) -> TreeMotion:
    start = starting_poses(tree, centres, observed)
    expectation = expect(tree, centres) if expectation is None else expectation
    return fit_motion(tree, centres, slides, expectation, start, observed, RATE_HZ)


def joint_error(motion: TreeMotion, pose: Pose, centres: np.ndarray) -> np.ndarray:
    """(T, J) mm."""
    return np.linalg.norm(
        centres_of(motion.tree, motion.pose, centres) - centres_of(motion.tree, pose, centres), axis=-1
    )


@pytest.mark.parametrize("make", [leg, arm])
def test_poses_come_back_exactly_from_exact_markers(make):
    tree, centres = make()
    slides = slides_of(tree, {m: 2 for m in range(3, len(tree.labels), 4)}, size=6.0)
    pose = wandering(tree, np.arange(200) / RATE_HZ, 0.7)
    motion = fitted(tree, centres, slides, markers_of(tree, pose, centres, slides), weakly(tree, slides))
    assert joint_error(motion, pose, centres).max() < 0.1
    assert np.abs(motion.pose.rotation - pose.rotation).max() < 1e-3
    assert np.abs(motion.residual).max() < 0.2


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_trials_of_few_frames(frames):
    tree, centres = leg()
    none = Slides.none(len(tree.labels))
    pose = wandering(tree, np.arange(frames) / RATE_HZ, 0.7)
    motion = fitted(tree, centres, none, markers_of(tree, pose, centres, none), weakly(tree, none))
    assert joint_error(motion, pose, centres).max() < 0.1
    assert motion.covariance.shape == (frames, tree.size, tree.size)
    assert (np.linalg.eigvalsh(motion.covariance) > 0).all()


def shaken(tree, segment: str, point: np.ndarray, about: np.ndarray, hz: float, times: np.ndarray) -> Pose:
    """Slow poses in which a segment, with all that hangs on it, turns so that a point swings by ± 10 mm."""
    pose = wandering(tree, times, 0.3, hz=0.3)
    reach = point - about
    axis = np.cross(reach, [0.0, 1.0, 0.3])
    swing = 10 / np.linalg.norm(reach) * np.sin(2 * np.pi * hz * times)[:, None] * axis / np.linalg.norm(axis)
    s, rotation = tree.segments.index(segment), pose.rotation.copy()
    base = Rotation.from_matrix(pose.rotation[:, s])
    world = base * Rotation.from_rotvec(swing) * base.inv()
    for k, path in enumerate(tree.paths):
        if s in path:
            rotation[:, k] = (world * Rotation.from_matrix(pose.rotation[:, k])).as_matrix()
    return Pose(pose.root, rotation)


def gain_and_delay(true: np.ndarray, found: np.ndarray, times: np.ndarray, hz: float) -> tuple[float, float]:
    """Amplitude of the found oscillation over that of the true one, and its delay in s, away from the ends."""
    middle = slice(30, -30)
    t = times[middle]
    basis = np.stack([np.exp(2j * np.pi * hz * t), np.exp(-2j * np.pi * hz * t)], axis=-1)
    slow = (t[:, None] - t.mean()) ** np.arange(10)
    design = np.concatenate([basis, slow], axis=1)
    a, b = (np.linalg.lstsq(design, x[middle].astype(complex), rcond=None)[0][0] for x in (true, found))
    ratio = np.vdot(a, b) / np.vdot(a, a)
    return float(np.abs(ratio)), float(-np.angle(ratio) / (2 * np.pi * hz))


@pytest.mark.parametrize("moving", ["hand", "forearm", "upper_arm", "clavicle"])
@pytest.mark.parametrize("hz", [4.5, 6.0, 7.5])
def test_a_vibrato_survives(hz, moving):
    """Knuckles and wrist keep the vibrato, whichever segment makes it."""
    tree, centres = arm()
    none, times = Slides.none(len(tree.labels)), np.arange(300) / RATE_HZ
    s, wrist = tree.segments.index(f"left_{moving}"), centres[-1]
    knuckle = wrist + np.array([40.0, 0.0, -80.0])
    point = knuckle if moving == "hand" else wrist
    pose = shaken(tree, f"left_{moving}", point, centres[tree.joint_of[s]], hz, times)
    observed = markers_of(tree, pose, centres, none)
    observed += np.random.default_rng(0).normal(scale=0.5, size=observed.shape)
    motion = fitted(tree, centres, none, observed)

    def seen(at: Pose) -> np.ndarray:
        return centres_of(tree, at, centres)[:, -1] + at.rotation[:, -1] @ (point - wrist)

    gain, delay = gain_and_delay(seen(pose), seen(motion.pose), times, hz)
    assert 0.9 <= gain <= 1.1
    assert abs(delay) < 2e-3


def test_a_gap_widens_the_covariance_and_the_mean_stays_near():
    tree, centres = arm()
    none = Slides.none(len(tree.labels))
    pose = wandering(tree, np.arange(300) / RATE_HZ, 0.5, hz=0.4)
    observed = markers_of(tree, pose, centres, none)
    forearm_on = [m for m, s in enumerate(tree.carrier) if s >= 3]
    holed = observed.copy()
    holed[130:160, forearm_on] = np.nan
    whole, gapped = (fitted(tree, centres, none, x, weakly(tree, none)) for x in (observed, holed))
    turn = slice(3 + 3 * 3, 6 + 3 * 3)
    wider = np.einsum("tii->t", gapped.covariance[:, turn, turn]) / np.einsum("tii->t", whole.covariance[:, turn, turn])
    assert (wider[133:157] > 3).all()
    # Widest in the middle, and far from the gap as if there were none.
    assert 140 < np.argmax(wider) < 150
    np.testing.assert_allclose(wider[:100], 1.0, atol=0.05)
    error = joint_error(gapped, pose, centres)
    assert error[130:160, -1].max() < 40.0
    assert error[:115].max() < 0.5
    assert np.isnan(gapped.residual[130:160, forearm_on]).all()
    assert np.isfinite(gapped.residual[:130]).all()


def test_a_root_in_a_gap_is_bridged():
    tree, centres = leg()
    none = Slides.none(len(tree.labels))
    pose = wandering(tree, np.arange(300) / RATE_HZ, 0.4, hz=0.3)
    observed = markers_of(tree, pose, centres, none)
    observed[100:200, :4] = np.nan
    motion = fitted(tree, centres, none, observed)
    assert np.isfinite(motion.pose.root).all()
    # The knee, which the shank's and thigh's markers show, hardly suffers.
    assert joint_error(motion, pose, centres)[100:200, 1].max() < 10.0


def test_a_tree_that_is_hidden_most_of_the_time_is_solved():
    """A head that a violin hides: nothing else holds it, and the median frame sees none of it."""
    tree, centres = leg()
    none = Slides.none(len(tree.labels))
    pose = wandering(tree, np.arange(200) / RATE_HZ, 0.3, hz=0.3)
    observed = markers_of(tree, pose, centres, none)
    observed[30:160] = np.nan
    motion = fitted(tree, centres, none, observed)
    assert np.isfinite(motion.pose.root).all()
    assert joint_error(motion, pose, centres)[:20].max() < 5.0
    assert np.einsum("tii->t", motion.covariance)[90] > 100 * np.einsum("tii->t", motion.covariance)[10]


def test_a_jumping_marker_hardly_matters():
    tree, centres = leg()
    none = Slides.none(len(tree.labels))
    pose = wandering(tree, np.arange(200) / RATE_HZ, 0.5)
    observed = markers_of(tree, pose, centres, none)
    observed += np.random.default_rng(1).normal(scale=0.3, size=observed.shape)
    jumped = observed.copy()
    knee = tree.labels.index("left_thigh2")
    jumped[80:110, knee] += [200.0, 0.0, 0.0]
    clean, spoilt = (fitted(tree, centres, none, x) for x in (observed, jumped))
    moved = np.linalg.norm(centres_of(tree, spoilt.pose, centres) - centres_of(tree, clean.pose, centres), axis=-1)
    assert moved.max() < 3.0
    assert (spoilt.weights[82:108, knee] < 0.05).all()
    others = np.delete(spoilt.weights, knee, axis=1)
    assert (others > 0.5).all()


def test_weights_are_relative_to_a_marker_that_fits():
    tree, centres = leg()
    none = Slides.none(len(tree.labels))
    pose = wandering(tree, np.arange(50) / RATE_HZ, 0.5)
    motion = fitted(tree, centres, none, markers_of(tree, pose, centres, none))
    assert motion.weights.max() <= 1.75 + 1e-9
    assert motion.weights.min() > 1.5


def test_noise_is_not_passed_on_unsmoothed():
    tree, centres = leg()
    none = Slides.none(len(tree.labels))
    pose = wandering(tree, np.arange(300) / RATE_HZ, 0.4, hz=0.3)
    observed = markers_of(tree, pose, centres, none)
    observed += np.random.default_rng(2).normal(scale=2.0, size=observed.shape)
    motion = fitted(tree, centres, none, observed)
    start = starting_poses(tree, centres, observed)
    raw = centres_of(tree, start, centres) - centres_of(tree, pose, centres)
    smooth = centres_of(tree, motion.pose, centres) - centres_of(tree, pose, centres)
    assert smooth.std() < 0.8 * raw.std()


def test_time_and_memory_grow_with_the_trial_and_no_faster():
    tree, centres = leg(3)
    none = Slides.none(len(tree.labels))
    used, took = [], []
    for frames in (400, 800, 1600):
        pose = wandering(tree, np.arange(200) / RATE_HZ, 0.3)
        observed = np.tile(markers_of(tree, pose, centres, none), (frames // 200, 1, 1))
        start, expectation = starting_poses(tree, centres, observed), expect(tree, centres)
        began = time.process_time()
        fit_motion(tree, centres, none, expectation, start, observed, RATE_HZ)
        took.append(time.process_time() - began)
        tracemalloc.start()
        fit_motion(tree, centres, none, expectation, start, observed, RATE_HZ)
        used.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert used[2] / used[1] < 2.2
    assert used[1] / used[0] < 2.2
    # Quadratic time would be 16 times as much.
    assert took[2] / took[0] < 8
