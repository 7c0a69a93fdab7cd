"""The poses of a whole trial: every frame's markers at once, smooth in time, with the covariance of each frame.

Joint centres and slides are given (:mod:`.calibration`). The smoothness is set where it does least harm: a second-order
smoother that halves what happens at :data:`CUTOFF_HZ` and keeps 97 % of a vibrato of 7.5 Hz. It is tied to how well a
segment's markers determine it, so that a poorly seen segment is not left to its noise. The smoother bridges gaps, and
the covariance grows in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from viodat.body.geometry import FloatArray
from viodat.body.rotations import log
from viodat.body.skeleton.building import Expectation
from viodat.body.skeleton.equations import frame_costs, moved, pose_equations
from viodat.body.skeleton.smoothing import frame_covariances, smoothness_gradient, solve_steps
from viodat.body.skeleton.tree import Pose, Slides, Tree, predict

CUTOFF_HZ: Final = 20.0
"""Frequency at which a segment's motion is halved."""

LONGEST_HIDDEN_S: Final = 0.5
"""Longest time that a segment may be without a believed marker. Simulated bow arms hidden for 0.3 s are found within
what sigma says, for 0.6 s no longer."""

OUTLYING_WEIGHT: Final = 0.2
"""A marker that weighs less is not believed: it lies more than five spreads from the fit."""

LEAST_VARIANCE_FACTOR: Final = 0.25
"""The pose is never taken to be more than twice as sure as the tissues' spreads say."""

_ROUNDS: Final = 40
_SETTLED: Final = 2e-4
"""Largest last step, rad (and a thousandth of a mm per unit), at which the fit is done."""
_CHUNK: Final = 400
_FIRST_DAMPING: Final = 1e-2
_LEAST_DAMPING: Final = 1e-4
_RIDGE: Final = 1e-6
"""Share of a well-seen frame's information that every frame is given, so that one without markers can be solved."""


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
    settled
        Whether the last step was as small as asked for.
    """

    tree: Tree
    centres: FloatArray
    slides: Slides
    expectation: Expectation
    pose: Pose
    covariance: FloatArray
    residual: FloatArray
    weights: FloatArray
    settled: bool


def fit_motion(
    tree: Tree,
    centres: FloatArray,
    slides: Slides,
    expectation: Expectation,
    pose: Pose,
    observed: FloatArray,
    rate_hz: float,
) -> TreeMotion:
    """Fit the poses of T frames to (T, M, 3) mm of markers, NaN where missing, from a first guess.

    Steps are those of Levenberg and Marquardt, damped frame by frame: where a step makes a frame worse, it and its
    neighbours take shorter ones, and the others go on.
    """
    gain = (2 * np.sin(np.pi * min(CUTOFF_HZ / rate_hz, 0.5))) ** 4
    problem = _Problem(tree, centres, slides, expectation, observed)
    bare = _state(problem, pose)
    smoothness = _tied(bare.hessian) / gain
    state = _smooth(bare, smoothness)
    scale, ridge = gain * smoothness, _RIDGE * gain * np.diag(smoothness)
    damping, settled = np.zeros(len(pose)), False
    for _ in range(_ROUNDS):
        damped = state.hessian + ridge
        diagonal = np.einsum("tii->ti", damped)
        diagonal += damping[:, None] * (diagonal + scale)
        step = solve_steps(damped, state.gradient, smoothness)
        tried = _smooth(_state(problem, moved(state.pose, step)), smoothness)
        worse = tried.cost > state.cost * (1 + 1e-9) + 1e-9
        if tried.cost.sum() <= state.cost.sum() + 1e-9 * len(pose):
            state = tried
            damping = np.where(worse, np.maximum(damping * 4, _FIRST_DAMPING), damping / 5)
            damping[damping < _LEAST_DAMPING] = 0.0
            settled = max(np.abs(step[:, 3:]).max(), 1e-3 * np.abs(step[:, :3]).max()) < _SETTLED
            if settled:
                break
        else:
            near = maximum_filter1d(worse, 5)
            damping = np.where(near, np.maximum(damping * 10, _FIRST_DAMPING), damping)
    seen = np.asarray(np.isfinite(observed).all(axis=-1))
    factor = variance_factor(state.residual, state.weights, seen, tree.size)
    covariance = factor * frame_covariances(state.hessian + ridge, smoothness) / _shrinkage(gain)
    return TreeMotion(
        tree,
        centres,
        slides,
        expectation,
        state.pose,
        covariance,
        np.where(seen[..., None], state.residual, np.nan),
        state.weights * expectation.spread_mm**2,
        settled,
    )


@dataclass(frozen=True)
class _Problem:
    """What stays the same from step to step."""

    tree: Tree
    centres: FloatArray
    slides: Slides
    expectation: Expectation
    observed: FloatArray


@dataclass(frozen=True)
class _State:
    """Poses with their equations, and what each frame adds to the sum that is minimised, (T,)."""

    pose: Pose
    hessian: FloatArray
    gradient: FloatArray
    residual: FloatArray
    weights: FloatArray
    cost: FloatArray


def _state(problem: _Problem, pose: Pose) -> _State:
    """Evaluate all frames by themselves, in chunks: the Jacobian of a long trial would not fit in memory."""
    frames, markers = problem.observed.shape[:2]
    size = problem.tree.size
    hessian, gradient = np.empty((frames, size, size)), np.empty((frames, size))
    residual, weights, cost = np.empty((frames, markers, 3)), np.empty((frames, markers)), np.empty(frames)
    for part in _chunks(frames):
        at = predict(problem.tree, pose[part], problem.centres, problem.slides)
        equations = pose_equations(
            problem.tree, pose[part], at, problem.slides, problem.expectation, problem.observed[part]
        )
        hessian[part], gradient[part] = equations.hessian, equations.gradient
        residual[part], weights[part] = equations.residual, equations.weights
        cost[part] = frame_costs(problem.tree, at, problem.expectation, equations)
    return _State(pose, hessian, gradient, residual, weights, cost)


def _smooth(state: _State, smoothness: FloatArray) -> _State:
    """Add what the smoothness asks of neighbouring frames to their equations; its matrix is the solver's."""
    if len(state.pose) <= 2:
        return state
    bends = _second_differences(state.pose)
    cost = state.cost.copy()
    cost[1:-1] += 0.5 * bends**2 @ smoothness
    return replace(state, gradient=state.gradient + smoothness_gradient(bends, smoothness), cost=cost)


def unseen_for_long(motion: TreeMotion, segments: set[int], rate_hz: float) -> NDArray[np.bool_]:
    """(T,) bool: frames of stretches in which no believed marker tells where some segments are.

    Parameters
    ----------
    motion
        Of a tree.
    segments
        Those looked at. A marker on a segment that hangs on one of them tells of it, too.
    rate_hz
        Frames per second.

    Returns
    -------
    (T,) bool array
        True in stretches longer than :data:`LONGEST_HIDDEN_S`: what people do in a longer time is anyone's guess.
    """
    telling = [m for m, s in enumerate(motion.tree.carrier) if segments & set(motion.tree.paths[s])]
    believed = np.isfinite(motion.residual[:, telling]).all(axis=-1) & (motion.weights[:, telling] >= OUTLYING_WEIGHT)
    hidden = np.asarray(~believed.any(axis=1))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden.astype(int), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start <= LONGEST_HIDDEN_S * rate_hz:
            hidden[start:end] = False
    return np.asarray(hidden)


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


def _chunks(frames: int) -> Iterator[slice]:
    for start in range(0, frames, _CHUNK):
        yield slice(start, min(start + _CHUNK, frames))


def _second_differences(pose: Pose) -> FloatArray:
    """(T - 2, n): of the root's place, and of each segment's turn from frame to frame."""
    place = np.diff(pose.root, n=2, axis=0)
    turns = log(pose.rotation[1:] @ np.swapaxes(pose.rotation[:-1], -1, -2))
    return np.concatenate([place, np.diff(turns, axis=0).reshape(len(place), -1)], axis=1)


def _tied(hessian: FloatArray) -> FloatArray:
    """(n,) how well markers determine an unknown: median over frames that see it, mean over the three of a segment."""
    known = [column[column > 1e-3 * column.max()] for column in np.einsum("tii->it", hessian)]
    own = np.array([np.median(column) if column.size else 1.0 for column in known])
    return np.repeat(own.reshape(-1, 3).mean(axis=1), 3)


def _shrinkage(gain: float) -> float:
    """Variance of a smoothed frame, relative to that of the frame alone."""
    frequency = np.linspace(0.0, 0.5, 2001)
    return float(np.mean(1 / (1 + (2 * np.sin(np.pi * frequency)) ** 4 / gain)))
