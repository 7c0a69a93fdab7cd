"""Rotations against scipy's, one at a time, and the Jacobian's inverse against differences of exact logarithms."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viodat.body.rotations import exp, left_jacobian_inverse, log, skew

ANGLES = (0.0, 1e-9, 1e-5, 0.99e-4, 1.01e-4, 1e-3, 0.1, 1.0, 2.0, 3.0, np.pi - 1e-3)


def directions(count: int = 6) -> np.ndarray:
    found = np.random.default_rng(0).normal(size=(count, 3))
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


@pytest.mark.parametrize("angle", ANGLES)
def test_exp_is_scipys_and_log_its_inverse(angle):
    vectors = angle * directions().reshape(2, 3, 3)
    matrices = exp(vectors)
    assert matrices.shape == (2, 3, 3, 3)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(matrices[i], Rotation.from_rotvec(vectors[i]).as_matrix(), atol=1e-14)
    np.testing.assert_allclose(log(matrices), vectors, atol=1e-9)


def test_exp_is_the_series_of_the_matrix_exponential():
    v = np.array([0.3, -0.2, 0.5])
    turn, term, total = skew(v), np.eye(3), np.eye(3)
    for k in range(1, 25):
        term = term @ turn / k
        total = total + term
    np.testing.assert_allclose(exp(v), total, atol=1e-14)


def test_skew_is_the_cross_product():
    a, b = np.random.default_rng(1).normal(size=(2, 4, 5, 3))
    np.testing.assert_allclose((skew(a) @ b[..., None])[..., 0], np.cross(a, b), atol=1e-14)


@pytest.mark.parametrize("angle", ANGLES)
def test_left_jacobian_inverse_by_central_differences(angle):
    step = 1e-6 if angle < 3.1 else 1e-5
    for direction in directions():
        v = angle * direction
        numeric = np.empty((3, 3))
        for i in range(3):
            ends = [
                (Rotation.from_rotvec(sign * step * np.eye(3)[i]) * Rotation.from_rotvec(v)).as_rotvec()
                for sign in (1, -1)
            ]
            numeric[:, i] = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(left_jacobian_inverse(v), numeric, atol=2e-7)


def test_left_jacobian_inverse_is_finite_and_continuous_at_half_a_turn():
    direction = directions(1)[0]
    below, at, above = (left_jacobian_inverse(angle * direction) for angle in (np.pi - 1e-7, np.pi, np.pi + 1e-7))
    assert np.isfinite(at).all()
    np.testing.assert_allclose(below, above, atol=1e-6)
    # At half a turn: 1/π² times [v]×² less half of [v]×.
    turn = skew(np.pi * direction)
    np.testing.assert_allclose(at, np.eye(3) - turn / 2 + turn @ turn / np.pi**2, atol=1e-9)


def test_left_jacobian_inverse_of_many_is_that_of_each():
    vectors = directions().reshape(2, 3, 3) * np.linspace(0, 3, 6).reshape(2, 3, 1)
    found = left_jacobian_inverse(vectors)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(found[i], left_jacobian_inverse(vectors[i]), atol=1e-14)
