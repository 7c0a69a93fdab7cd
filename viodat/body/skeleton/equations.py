"""The normal equations of poses: residuals of markers, their weights, and the pull of joints to where they rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.geometry import FloatArray
from viodat.body.rotations import exp, left_jacobian_inverse
from viodat.body.skeleton.building import Expectation
from viodat.body.skeleton.tree import Pose, Prediction, Slides, Tree, pose_jacobian

STUDENT_FREEDOM: Final = 4.0
"""Degrees of freedom of the markers' residuals: a residual of ten spreads counts a fifteenth of a small one."""


@dataclass(frozen=True)
class PoseEquations:
    """Normal equations of N frames, each with n unknowns.

    Attributes
    ----------
    hessian, gradient
        (N, n, n) and (N, n): in each frame, hessian · step = gradient.
    jacobian
        (N, M, 3, n), of the markers.
    residual
        (N, M, 3) mm, observed less predicted, 0 where missing.
    weights
        (N, M) 1/mm², 0 where missing.
    seen
        (N, M) bool.
    """

    hessian: FloatArray
    gradient: FloatArray
    jacobian: FloatArray
    residual: FloatArray
    weights: FloatArray
    seen: NDArray[np.bool_]


def marker_weights(residual: FloatArray, spread_mm: FloatArray) -> FloatArray:
    """(N, M) Student's t weights over the variance, 1/mm², of (N, M, 3) mm residuals."""
    squared = np.einsum("tmi,tmi->tm", residual, residual) / spread_mm**2
    return np.asarray((STUDENT_FREEDOM + 3.0) / (STUDENT_FREEDOM + squared) / spread_mm**2)


def pose_equations(
    tree: Tree, pose: Pose, at: Prediction, slides: Slides, expectation: Expectation, observed: FloatArray
) -> PoseEquations:
    """Set up the poses' normal equations; ``observed`` is (N, M, 3) mm, NaN where missing."""
    seen = np.asarray(np.isfinite(observed).all(axis=-1))
    residual = np.where(seen[..., None], observed - at.markers, 0.0)
    weights = np.where(seen, marker_weights(residual, expectation.spread_mm), 0.0)
    jacobian = pose_jacobian(tree, pose, at, slides)
    frames, markers = seen.shape
    flat = jacobian.reshape(frames, 3 * markers, tree.size)
    weighted = flat * np.repeat(weights, 3, axis=1)[..., None]
    hessian = np.swapaxes(weighted, 1, 2) @ flat
    gradient = np.einsum("tan,ta->tn", weighted, residual.reshape(frames, -1))
    _add_stiffness(tree, pose, at, expectation.stiffness, hessian, gradient)
    return PoseEquations(hessian, gradient, jacobian, residual, weights, seen)


def frame_costs(tree: Tree, at: Prediction, expectation: Expectation, equations: PoseEquations) -> FloatArray:
    """(N,) minus the logarithm of each frame's probability, save a constant: what the equations' steps reduce."""
    squared = np.einsum("tmi,tmi->tm", equations.residual, equations.residual) / expectation.spread_mm**2
    each = (STUDENT_FREEDOM + 3.0) / 2 * np.log1p(squared / STUDENT_FREEDOM)
    cost = np.where(equations.seen, each, 0.0).sum(axis=1)
    for s, parent in enumerate(tree.parents):
        if parent >= 0:
            turn = at.turns[parent, s]
            cost += 0.5 * np.einsum("ti,ij,tj->t", turn, expectation.stiffness[s], turn)
    return np.asarray(cost)


def _add_stiffness(
    tree: Tree, pose: Pose, at: Prediction, stiffness: FloatArray, hessian: FloatArray, gradient: FloatArray
) -> None:
    for s, parent in enumerate(tree.parents):
        if parent < 0:
            continue
        turn = at.turns[parent, s]
        slope = left_jacobian_inverse(turn) @ np.swapaxes(pose.rotation[:, parent], -1, -2)
        weighted = stiffness[s] @ slope
        block = np.swapaxes(slope, -1, -2) @ weighted
        pull = np.einsum("tji,tj->ti", weighted, turn)
        own, above = slice(3 + 3 * s, 6 + 3 * s), slice(3 + 3 * parent, 6 + 3 * parent)
        hessian[:, own, own] += block
        hessian[:, above, above] += block
        hessian[:, own, above] -= block
        hessian[:, above, own] -= block
        gradient[:, own] -= pull
        gradient[:, above] += pull


def moved(pose: Pose, step: FloatArray) -> Pose:
    """Apply (N, n) steps: the root's shift, mm, then each segment's turn, rad, world, from the left."""
    turns = step[:, 3:].reshape(len(pose), -1, 3)
    return Pose(pose.root + step[:, :3], exp(turns) @ pose.rotation)
