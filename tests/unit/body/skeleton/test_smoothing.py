"""The banded solver and the recursions against dense linear algebra."""

import numpy as np
import pytest

from viodat.body.skeleton.smoothing import (
    frame_covariances,
    second_difference_weights,
    smoothness_gradient,
    solve_steps,
)

FRAMES = (1, 2, 3, 4, 7, 10)


def dense(hessian: np.ndarray, smoothness: np.ndarray) -> np.ndarray:
    frames, size = hessian.shape[:2]
    out = np.zeros((frames * size, frames * size))
    for t in range(frames):
        out[t * size : (t + 1) * size, t * size : (t + 1) * size] = hessian[t]
    if frames > 2:
        difference = np.diff(np.eye(frames), n=2, axis=0)
        out += np.kron(difference.T @ difference, np.diag(smoothness))
    return out


def random_hessian(frames: int, size: int, seed: int = 0) -> np.ndarray:
    roots = np.random.default_rng(seed).normal(size=(frames, size, size + 2))
    return roots @ np.swapaxes(roots, -1, -2)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("frames", FRAMES)
def test_steps_are_those_of_the_dense_matrix(frames, size):
    rng = np.random.default_rng(frames)
    hessian, gradient = random_hessian(frames, size), rng.normal(size=(frames, size))
    smoothness = rng.uniform(0.1, 50, size)
    expected = np.linalg.solve(dense(hessian, smoothness), gradient.reshape(-1)).reshape(frames, size)
    np.testing.assert_allclose(solve_steps(hessian, gradient, smoothness), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("frames", FRAMES)
def test_covariances_are_the_dense_inverses_blocks(frames, size):
    hessian, smoothness = random_hessian(frames, size), np.random.default_rng(frames).uniform(0.1, 50, size)
    inverse = np.linalg.inv(dense(hessian, smoothness)).reshape(frames, size, frames, size)
    found = frame_covariances(hessian, smoothness)
    assert found.shape == (frames, size, size)
    for t in range(frames):
        np.testing.assert_allclose(found[t], inverse[t, :, t], rtol=1e-8, atol=1e-10)


def test_frames_that_see_nothing_lean_on_their_neighbours():
    hessian, smoothness = random_hessian(10, 3), np.array([5.0, 5.0, 5.0])
    hessian[4:7] = 0.0
    inverse = np.linalg.inv(dense(hessian, smoothness)).reshape(10, 3, 10, 3)
    found = frame_covariances(hessian, smoothness)
    for t in range(10):
        np.testing.assert_allclose(found[t], inverse[t, :, t], rtol=1e-8)
    assert np.trace(found[5]) > 2 * np.trace(found[1])


@pytest.mark.parametrize("frames", FRAMES)
def test_second_difference_weights_are_the_bands_of_the_product(frames):
    difference = np.diff(np.eye(frames), n=2, axis=0)
    product = difference.T @ difference if frames > 2 else np.zeros((frames, frames))
    found = second_difference_weights(frames)
    for away in range(3):
        if frames > away:
            np.testing.assert_array_equal(found[away, : frames - away], np.diag(product, away))


def test_smoothness_gradient_by_finite_differences():
    rng = np.random.default_rng(2)
    values, smoothness = rng.normal(size=(6, 2)), np.array([3.0, 0.2])

    def cost(x: np.ndarray) -> float:
        return 0.5 * float((np.diff(x, n=2, axis=0) ** 2 * smoothness).sum())

    numeric = np.empty_like(values)
    for i in np.ndindex(*values.shape):
        step = np.zeros_like(values)
        step[i] = 1e-6
        numeric[i] = -(cost(values + step) - cost(values - step)) / 2e-6
    found = smoothness_gradient(np.diff(values, n=2, axis=0), smoothness)
    np.testing.assert_allclose(found, numeric, atol=1e-6)
