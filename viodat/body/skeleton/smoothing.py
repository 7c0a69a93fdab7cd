"""Solving for the poses of a whole trial at once: each frame's equations, and the smoothness that couples them.

The prior on every unknown is white noise in its second difference, of precision Λ (diagonal). The matrix of the whole
trial is banded: frames t and t ± 2 share a block. Steps are solved by LAPACK's banded Cholesky; the covariance of
single frames needs the diagonal blocks of the inverse alone, which two recursions over pairs of frames give (the RTS
smoother in information form; Takahashi, Fagan and Chin 1973 for sparse matrices). Memory and time are linear in the
number of frames.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.linalg import solveh_banded

from viodat.body.geometry import FloatArray

_SECOND: Final = np.array([1.0, -2.0, 1.0])


def second_difference_weights(frames: int) -> FloatArray:
    """(3, T): diagonal, first and second upper off-diagonal of DᵀD, D the second difference of T frames."""
    out = np.zeros((3, frames))
    for i in range(3):
        for j in range(i, 3):
            product = _SECOND[i] * _SECOND[j]
            count = max(frames - 2, 0)
            out[j - i, i : i + count] += product
    return out


def solve_steps(hessian: FloatArray, gradient: FloatArray, smoothness: FloatArray) -> FloatArray:
    """Solve (blockdiag(H) + DᵀD ⊗ Λ) x = g.

    Parameters
    ----------
    hessian, gradient
        (T, n, n) and (T, n): data and prior of each frame, and the whole gradient, that of the smoothness included.
    smoothness
        (n,) diagonal of Λ.
    """
    frames, size = gradient.shape
    width = min(3 * size, frames * size) - 1 if frames > 1 else size - 1
    coupling = second_difference_weights(frames)
    banded = np.zeros((width + 1, frames * size))
    for i in range(size):
        for j in range(i, size):
            banded[width + i - j, j::size] = hessian[:, i, j]
    banded[width] += np.outer(coupling[0], smoothness).reshape(-1)
    for away in (1, 2):
        if frames > away:
            row = width - away * size
            banded[row, away * size :] += np.outer(coupling[away, : frames - away], smoothness).reshape(-1)
    return np.asarray(
        solveh_banded(banded, gradient.reshape(-1), overwrite_ab=True, check_finite=False).reshape(frames, size)
    )


def smoothness_gradient(values: FloatArray, smoothness: FloatArray) -> FloatArray:
    """(T, n): minus the gradient of half the weighted sum of squares, for (T - 2, n) second differences."""
    out = np.zeros((len(values) + 2, values.shape[1]))
    weighted = values * smoothness
    for i in range(3):
        out[i : i + len(values)] -= _SECOND[i] * weighted
    return out


def frame_covariances(hessian: FloatArray, smoothness: FloatArray) -> FloatArray:
    """(T, n, n) covariance of each frame: diagonal blocks of the inverse of blockdiag(H) + DᵀD ⊗ Λ."""
    frames, size = hessian.shape[:2]
    pairs = -(-frames // 2)
    coupling = second_difference_weights(frames)
    diagonal = np.zeros((pairs, 2 * size, 2 * size))
    # The last pair of an odd trial is half a dummy that nothing couples to.
    diagonal[-1, size:, size:] = np.eye(size)
    first, second = slice(0, size), slice(size, 2 * size)
    for t in range(frames):
        half = second if t % 2 else first
        diagonal[t // 2, half, half] = hessian[t] + np.diag(coupling[0, t] * smoothness)
    upper = np.zeros((pairs, 2 * size, 2 * size))
    index = np.arange(size)
    for away in (1, 2):
        for t in range(frames - away):
            value = coupling[away, t] * smoothness
            if t // 2 == (t + away) // 2:
                diagonal[t // 2, index, size + index] = diagonal[t // 2, size + index, index] = value
            else:
                upper[t // 2, (t % 2) * size + index, ((t + away) % 2) * size + index] = value
    # Forward: what the frames before a pair say of it. Backward: the covariance of pair k from that of pair k + 1.
    gains, schur = [], diagonal[0]
    inverses = []
    for k in range(pairs):
        inverses.append(np.linalg.inv(schur))
        if k + 1 < pairs:
            gain = inverses[k] @ upper[k]
            gains.append(gain)
            schur = diagonal[k + 1] - upper[k].T @ gain
    out = np.empty((2 * pairs, size, size))
    covariance = inverses[-1]
    for k in range(pairs - 1, -1, -1):
        if k + 1 < pairs:
            covariance = inverses[k] + gains[k] @ covariance @ gains[k].T
        out[2 * k], out[2 * k + 1] = covariance[first, first], covariance[second, second]
    return out[:frames]
