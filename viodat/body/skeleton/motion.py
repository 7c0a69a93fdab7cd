"""The poses of a whole trial: every frame's markers at once, smooth in time, with the covariance of each frame.

Joint centres and slides are given (:mod:`.calibration`). The smoothness is set where it does least harm: a second-order
smoother that halves what happens at :data:`CUTOFF_HZ` and keeps 97 % of a vibrato of 7.5 Hz. It is tied to how well a
segment's markers determine it, so that a poorly seen segment is not left to its noise. The smoother bridges gaps, and
the covariance grows in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.geometry import FloatArray
from viodat.body.skeleton.building import Expectation
from viodat.body.skeleton.equations import moved, pose_equations
from viodat.body.skeleton.rotations import log
from viodat.body.skeleton.smoothing import frame_covariances, smoothness_gradient, solve_steps
from viodat.body.skeleton.tree import Pose, Slides, Tree, predict

CUTOFF_HZ: Final = 20.0
"""Frequency at which a segment's motion is halved."""

LEAST_VARIANCE_FACTOR: Final = 0.25
"""The pose is never taken to be more than twice as sure as the tissues' spreads say."""

_ROUNDS: Final = 8
_SETTLED: Final = 2e-4
"""Largest last step, rad (and a thousandth of a mm per unit), at which the fit is done."""
_CHUNK: Final = 400


@dataclass(frozen=True)
class TreeMotion:
    """A tree over a trial.

    Attributes
    ----------
    tree, centres, slides, expectation
        What was moved.
    pose
        Of T frames.
    covariance
        (T, n, n) of the unknowns of each frame, mm and rad, as single frames have it: soft tissue errs alike in
        neighbouring frames, so what smoothing seems to gain is given back.
    residual
        (T, M, 3) mm, observed less predicted, NaN where missing.
    weights
        (T, M) between 0 and 1.75: how much each marker counted, relative to one that fits as expected.
    """

    tree: Tree
    centres: FloatArray
    slides: Slides
    expectation: Expectation
    pose: Pose
    covariance: FloatArray
    residual: FloatArray
    weights: FloatArray


def fit_motion(
    tree: Tree,
    centres: FloatArray,
    slides: Slides,
    expectation: Expectation,
    pose: Pose,
    observed: FloatArray,
    rate_hz: float,
) -> TreeMotion:
    """Fit the poses of T frames to (T, M, 3) mm of markers, NaN where missing, from a first guess."""
    frames = len(pose)
    gain = (2 * np.sin(np.pi * min(CUTOFF_HZ / rate_hz, 0.5))) ** 4
    smoothness = np.zeros(tree.size)
    for turn in range(_ROUNDS):
        hessian, gradient, residual, weights = _whole(tree, centres, slides, expectation, pose, observed)
        if turn == 0:
            smoothness = _tied(hessian) / gain
        if frames > 2:
            gradient = gradient + smoothness_gradient(_second_differences(pose), smoothness)
        step = solve_steps(hessian, gradient, smoothness)
        pose = moved(pose, step)
        if max(np.abs(step[:, 3:]).max(), 1e-3 * np.abs(step[:, :3]).max()) < _SETTLED:
            break
    hessian, _, residual, weights = _whole(tree, centres, slides, expectation, pose, observed)
    seen = np.asarray(np.isfinite(observed).all(axis=-1))
    factor = variance_factor(residual, weights, seen, tree.size)
    covariance = factor * frame_covariances(hessian, smoothness) / _shrinkage(gain)
    return TreeMotion(
        tree,
        centres,
        slides,
        expectation,
        pose,
        covariance,
        np.where(seen[..., None], residual, np.nan),
        weights * expectation.spread_mm**2,
    )


def variance_factor(residual: FloatArray, weights: FloatArray, seen: NDArray[np.bool_], unknowns: int) -> float:
    """Variance of the residuals relative to what was assumed: the variance of unit weight (Baarda 1968).

    It is taken over frames with more coordinates than unknowns. Tissue that moves all markers of a segment alike leaves
    no residual, so the factor is not believed below :data:`LEAST_VARIANCE_FACTOR`.
    """
    coordinates = 3 * seen.sum(axis=1)
    spare = np.where(coordinates > unknowns, coordinates - unknowns, 0)
    if not spare.any():
        return 1.0
    squares = np.einsum("tm,tmi,tmi->t", weights, residual, residual)
    return max(float(squares[spare > 0].sum() / spare.sum()), LEAST_VARIANCE_FACTOR)


def _whole(
    tree: Tree, centres: FloatArray, slides: Slides, expectation: Expectation, pose: Pose, observed: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Equations of all frames, set up in chunks: the Jacobian of a long trial would not fit in memory."""
    frames, markers = observed.shape[:2]
    hessian, gradient = np.empty((frames, tree.size, tree.size)), np.empty((frames, tree.size))
    residual, weights = np.empty((frames, markers, 3)), np.empty((frames, markers))
    for part in _chunks(frames):
        at = predict(tree, pose[part], centres, slides)
        equations = pose_equations(tree, pose[part], at, slides, expectation, observed[part])
        hessian[part], gradient[part] = equations.hessian, equations.gradient
        residual[part], weights[part] = equations.residual, equations.weights
    return hessian, gradient, residual, weights


def _chunks(frames: int) -> Iterator[slice]:
    for start in range(0, frames, _CHUNK):
        yield slice(start, min(start + _CHUNK, frames))


def _second_differences(pose: Pose) -> FloatArray:
    """(T - 2, n): of the root's place, and of each segment's turn from frame to frame."""
    place = np.diff(pose.root, n=2, axis=0)
    turns = log(pose.rotation[1:] @ np.swapaxes(pose.rotation[:-1], -1, -2))
    return np.concatenate([place, np.diff(turns, axis=0).reshape(len(place), -1)], axis=1)


def _tied(hessian: FloatArray) -> FloatArray:
    """(n,) how well a frame's markers determine each unknown: median over frames, mean over the three of a segment."""
    own = np.median(np.einsum("tii->ti", hessian), axis=0)
    return np.repeat(own.reshape(-1, 3).mean(axis=1), 3)


def _shrinkage(gain: float) -> float:
    """Variance of a smoothed frame, relative to that of the frame alone."""
    frequency = np.linspace(0.0, 0.5, 2001)
    return float(np.mean(1 / (1 + (2 * np.sin(np.pi * frequency)) ** 4 / gain)))
