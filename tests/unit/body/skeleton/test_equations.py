"""Normal equations of poses against dense numeric derivatives of the cost they stand for."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.unit.body.skeleton.chains import arm, leg, markers_of, nudged, scattered, slides_of, weakly
from viodat.body.skeleton.building import Expectation
from viodat.body.skeleton.equations import STUDENT_FREEDOM, marker_weights, moved, pose_equations
from viodat.body.skeleton.tree import Pose, predict


def stiff(tree, slides) -> Expectation:
    rng = np.random.default_rng(7)
    roots = rng.normal(scale=20.0, size=(len(tree.segments), 3, 3))
    weak = weakly(tree, slides)
    return Expectation(
        rng.uniform(1, 4, len(tree.labels)), weak.neighbours, weak.slide_spread, roots @ np.swapaxes(roots, -1, -2)
    )


@pytest.mark.parametrize("make", [leg, arm])
def test_gradient_and_hessian_are_those_of_the_cost(make):
    tree, centres = make(3)
    slides = slides_of(tree, {0: 1, 4: 2})
    expectation, pose = stiff(tree, slides), scattered(tree, 3, 0.8)
    rng = np.random.default_rng(8)
    observed = markers_of(tree, pose, centres, slides) + rng.normal(scale=3.0, size=(3, len(tree.labels), 3))
    observed[0, 2] = np.nan
    observed[2, 5, 1] = np.nan
    found = pose_equations(tree, pose, predict(tree, pose, centres, slides), slides, expectation, observed)
    weights = found.weights

    def rows(at: Pose) -> np.ndarray:
        """Weighted residuals of the markers, then of the joints, (3, rows); weights as they stand at the pose."""
        miss = np.nan_to_num(observed - markers_of(tree, at, centres, slides)) * np.sqrt(weights)[..., None]
        parts = [miss.reshape(3, -1)]
        for s, parent in enumerate(tree.parents):
            if parent >= 0:
                root = np.linalg.cholesky(expectation.stiffness[s]).T
                turns = [
                    (Rotation.from_matrix(r[parent]).inv() * Rotation.from_matrix(r[s])).as_rotvec()
                    for r in at.rotation
                ]
                parts.append(-np.array(turns) @ root.T)
        return np.concatenate(parts, axis=1)

    slopes = []
    for column in range(tree.size):
        size = 1e-3 if column < 3 else 1e-6
        slopes.append(-(rows(nudged(pose, column, size)) - rows(nudged(pose, column, -size))) / (2 * size))
    slope = np.stack(slopes, axis=-1)
    now = rows(pose)
    scale = np.abs(found.hessian).max()
    np.testing.assert_allclose(found.hessian, np.swapaxes(slope, 1, 2) @ slope, atol=1e-6 * scale)
    np.testing.assert_allclose(
        found.gradient, np.einsum("tan,ta->tn", slope, now), atol=1e-6 * np.abs(found.gradient).max()
    )


def test_missing_markers_have_no_weight_and_no_residual():
    tree, centres = leg(3)
    slides = slides_of(tree, {})
    pose = scattered(tree, 2, 0.5)
    observed = markers_of(tree, pose, centres, slides)
    observed[1, 4] = np.nan
    found = pose_equations(tree, pose, predict(tree, pose, centres, slides), slides, weakly(tree, slides), observed)
    assert not found.seen[1, 4]
    assert found.seen.sum() == found.seen.size - 1
    assert found.weights[1, 4] == 0
    assert np.isfinite(found.hessian).all()
    assert np.isfinite(found.gradient).all()
    assert (found.residual[1, 4] == 0).all()


def test_weights_are_students():
    spread = np.array([2.0])
    small, large = (marker_weights(np.array([[[r, 0.0, 0.0]]]), spread)[0, 0] for r in (1e-9, 2e3))
    assert small == pytest.approx((STUDENT_FREEDOM + 3) / STUDENT_FREEDOM / 4)
    # Far out the pull weight · residual falls as 1/residual.
    twice = marker_weights(np.array([[[4e3, 0.0, 0.0]]]), spread)[0, 0]
    assert large / twice == pytest.approx(4.0, rel=1e-3)
    # The weight is the slope of the negative log density of t over the residual.
    r, h = 3.0, 1e-5

    def cost(x: float) -> float:
        return (STUDENT_FREEDOM + 3) / 2 * np.log(1 + (x / 2) ** 2 / STUDENT_FREEDOM)

    slope = (cost(r + h) - cost(r - h)) / (2 * h)
    assert marker_weights(np.array([[[0.0, r, 0.0]]]), spread)[0, 0] * r == pytest.approx(slope, rel=1e-6)


def test_a_step_moves_the_root_and_turns_each_segment_from_the_left():
    tree, _ = leg()
    pose = scattered(tree, 2, 0.5)
    for column in (1, 3, 8, tree.size - 1):
        step = np.zeros((2, tree.size))
        step[:, column] = 0.2
        found, expected = moved(pose, step), nudged(pose, column, 0.2)
        np.testing.assert_allclose(found.root, expected.root, atol=1e-12)
        np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-12)
