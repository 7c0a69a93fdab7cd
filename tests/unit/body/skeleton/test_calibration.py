"""The calibration's equations against dense numeric derivatives, and its result against chains that are known."""

import numpy as np
import pytest

from tests.unit.body.skeleton.chains import arm, leg, markers_of, nudged, scattered, slides_of, weakly
from viodat.body.skeleton.building import Expectation
from viodat.body.skeleton.calibration import calibrate, parameter_equations
from viodat.body.skeleton.equations import pose_equations
from viodat.body.skeleton.sampling import CalibrationFrames
from viodat.body.skeleton.starting_poses import starting_poses
from viodat.body.skeleton.tree import Pose, Slides, predict

WEAK = np.eye(3) * 1e-10


def frames_of(pose: Pose, observed: np.ndarray, postures: int = 18) -> CalibrationFrames:
    """Frames of a take that count as so many postures."""
    return CalibrationFrames(pose, observed, (0, len(pose)), postures)


@pytest.mark.parametrize("make", [leg, arm])
def test_parameter_equations_are_those_of_a_dense_jacobian(make):
    tree, centres = make(2)
    slides = slides_of(tree, {1: 2, 2: 1, 4: 2})
    pose, rng = scattered(tree, 3, 0.8), np.random.default_rng(9)
    expectation = weakly(tree, slides, 2.0)
    observed = markers_of(tree, pose, centres, slides) + rng.normal(scale=4.0, size=(3, len(tree.labels), 3))
    observed[1, 3] = np.nan
    at = predict(tree, pose, centres, slides)
    equations = pose_equations(tree, pose, at, slides, expectation, observed)
    found = parameter_equations(tree, pose, at, slides, equations)

    sizes = [centres.size, *(b.size for b in slides.coefficients)]

    def markers(parameters: np.ndarray) -> np.ndarray:
        parts = np.split(parameters, np.cumsum(sizes)[:-1])
        skin = Slides(
            slides.neighbours,
            tuple(part.reshape(b.shape) for part, b in zip(parts[1:], slides.coefficients, strict=True)),
        )
        return markers_of(tree, pose, parts[0].reshape(-1, 3), skin)

    now = np.concatenate([centres.reshape(-1), *(b.reshape(-1) for b in slides.coefficients)])
    # Markers are linear in centres and slides, so the step may be large.
    by_parameter = np.stack([(markers(now + e) - markers(now - e)) / 2 for e in np.eye(len(now))], axis=-1)
    by_pose = []
    for column in range(tree.size):
        h = 1e-3 if column < 3 else 1e-6
        ends = [markers_of(tree, nudged(pose, column, sign * h), centres, slides) for sign in (1, -1)]
        by_pose.append((ends[0] - ends[1]) / (2 * h))
    w = equations.weights
    assert w[1, 3] == 0
    residual = np.nan_to_num(observed - at.markers)
    for name, expected in {
        "hessian": np.einsum("tm,tmip,tmiq->pq", w, by_parameter, by_parameter),
        "cross": np.einsum("tm,ntmi,tmip->tnp", w, np.array(by_pose), by_parameter),
        "gradient": np.einsum("tm,tmip,tmi->p", w, by_parameter, residual),
    }.items():
        value = getattr(found, name)
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, atol=2e-6 * np.abs(expected).max(), err_msg=name)


def off(centres: np.ndarray, mm: float, seed: int = 10) -> np.ndarray:
    """Centres each wrong by ``mm``."""
    shift = np.random.default_rng(seed).normal(size=centres.shape)
    return centres + mm * shift / np.linalg.norm(shift, axis=-1, keepdims=True)


@pytest.mark.parametrize("make", [leg, arm])
def test_centres_of_a_rigid_chain_come_back(make):
    tree, centres = make()
    rigid = Slides.none(len(tree.labels))
    observed = markers_of(tree, scattered(tree, 80, 0.7), centres, rigid)
    guess = off(centres, 15.0)
    start = starting_poses(tree, guess, observed)
    found = calibrate(tree, guess, np.tile(WEAK, (len(centres), 1, 1)), weakly(tree, rigid), frames_of(start, observed))
    np.testing.assert_allclose(found.centres, centres, atol=0.1)
    assert found.residual_mm.max() < 0.1
    assert found.sigma_mm(tree.joints[1]) < 0.5


@pytest.mark.parametrize("make", [leg, arm])
def test_centres_and_slides_come_back_where_some_skin_slides(make):
    tree, centres = make()
    # One of four markers of each segment slides: if all did, a slide could not be told from a turn.
    slides = slides_of(tree, {m: 2 for m in range(3, len(tree.labels), 4)}, size=8.0)
    observed = markers_of(tree, scattered(tree, 80, 0.7), centres, slides)
    guess = off(centres, 10.0)
    start = starting_poses(tree, guess, observed)
    found = calibrate(
        tree, guess, np.tile(WEAK, (len(centres), 1, 1)), weakly(tree, slides), frames_of(start, observed)
    )
    np.testing.assert_allclose(found.centres, centres, atol=0.1)
    for theirs, ours in zip(slides.coefficients, found.slides.coefficients, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.5)


def test_with_noise_the_error_is_what_the_covariance_says():
    tree, centres = leg()
    rigid, frames = Slides.none(len(tree.labels)), 60
    # Noise is drawn anew in each frame, so each frame counts fully.
    expectation = weakly(tree, rigid, 2.0)
    z = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        observed = markers_of(tree, scattered(tree, frames, 0.7, seed), centres, rigid)
        observed += rng.normal(scale=2.0, size=observed.shape)
        start = starting_poses(tree, centres, observed)
        found = calibrate(
            tree, off(centres, 5.0, seed), np.tile(WEAK, (3, 1, 1)), expectation, frames_of(start, observed, frames)
        )
        error = (found.centres - centres).reshape(-1)
        z.append(error @ np.linalg.solve(found.covariance[:9, :9], error) / 9)
    # Nine coordinates, twelve times: the mean of chi-square over its freedom is 1 ± 0.14. Student's weights of Gaussian
    # noise, and markers whose places in the static trial are exact, leave it between these.
    assert 0.4 < np.mean(z) < 1.8
    assert np.max(z) < 4


def test_more_frames_of_the_same_postures_are_no_surer():
    tree, centres = leg()
    rigid = Slides.none(len(tree.labels))
    observed = markers_of(tree, scattered(tree, 72, 0.7), centres, rigid)
    start = starting_poses(tree, centres, observed)
    prior = np.tile(WEAK, (3, 1, 1))
    whole, half = (
        calibrate(tree, centres, prior, weakly(tree, rigid), frames_of(start[frames], observed[frames]))
        for frames in (slice(None), slice(0, None, 2))
    )
    # Twice the frames of the same kind of motion: no more than the same certainty.
    assert whole.sigma_mm("left_knee") == pytest.approx(half.sigma_mm("left_knee"), rel=0.25)


def test_without_motion_what_is_known_beforehand_stays():
    tree, centres = leg()
    rigid = Slides.none(len(tree.labels))
    pose = scattered(tree, 1, 0.0)[[0] * 20]
    observed = markers_of(tree, pose, centres, rigid)
    guess = off(centres, 10.0)
    found = calibrate(
        tree, guess, np.tile(np.eye(3) / 8.0**2, (3, 1, 1)), weakly(tree, rigid), frames_of(pose, observed)
    )
    np.testing.assert_allclose(found.centres, guess, atol=0.5)
    assert found.sigma_mm("left_knee") == pytest.approx(8.0, rel=0.05)


def test_a_wrong_label_counts_little():
    tree, centres = leg()
    rigid = Slides.none(len(tree.labels))
    observed = markers_of(tree, scattered(tree, 80, 0.7), centres, rigid)
    wrong = observed.copy()
    wrong[:8, 5], wrong[:8, 9] = observed[:8, 9], observed[:8, 5]
    start = starting_poses(tree, centres, wrong)
    known = np.tile(np.eye(3) / 20.0**2, (3, 1, 1))
    found = calibrate(tree, off(centres, 10.0), known, weakly(tree, rigid), frames_of(start, wrong))
    np.testing.assert_allclose(found.centres, centres, atol=1.0)


def test_an_unmarked_joint_in_a_limb_stays_solvable():
    """A marker that no calibration frame shows leaves nothing singular."""
    tree, centres = leg(3)
    slides = slides_of(tree, {2: 1, 5: 2})
    observed = markers_of(tree, scattered(tree, 30, 0.5), centres, slides)
    observed[:, 9:] = np.nan
    start = starting_poses(tree, centres, observed)
    weak = weakly(tree, slides)
    usual = Expectation(weak.spread_mm, weak.neighbours, weak.slide_spread, weak.stiffness + np.eye(3) * 0.5)
    found = calibrate(tree, centres, np.tile(np.eye(3) / 64, (3, 1, 1)), usual, frames_of(start, observed))
    assert np.isfinite(found.centres).all()
    assert np.isfinite(found.covariance).all()
    assert found.sigma_mm("left_ankle") == pytest.approx(8.0, rel=0.1)


def test_what_is_known_beforehand_and_the_motion_share_by_their_precision():
    tree, centres = leg()
    rigid = Slides.none(len(tree.labels))
    observed = markers_of(tree, scattered(tree, 60, 0.7), centres, rigid)
    guess = off(centres, 1.0)
    start = starting_poses(tree, guess, observed)
    alone = calibrate(tree, guess, np.tile(WEAK, (3, 1, 1)), weakly(tree, rigid), frames_of(start, observed))
    of_motion = np.linalg.inv(alone.covariance[:9, :9])
    known = np.stack([of_motion[j : j + 3, j : j + 3] for j in (0, 3, 6)])
    whole = np.zeros((9, 9))
    for k, j in enumerate((0, 3, 6)):
        whole[j : j + 3, j : j + 3] = known[k]
    expected = np.linalg.solve(of_motion + whole, of_motion @ centres.reshape(-1) + whole @ guess.reshape(-1))
    found = calibrate(tree, guess, known, weakly(tree, rigid), frames_of(start, observed))
    np.testing.assert_allclose(found.centres.reshape(-1), expected, atol=0.1)
    assert np.abs(found.centres - centres).max() > 0.2
    np.testing.assert_allclose(
        np.linalg.inv(found.covariance[:9, :9]), of_motion + whole, rtol=0.2, atol=0.1 * whole.max()
    )
