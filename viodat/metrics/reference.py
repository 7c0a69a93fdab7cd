"""The metrics once more, one frame and one joint at a time, as their definitions read: slow, to hold the fast ones to.

Arrays are (T, J, 3) of one recording; ``valid`` is (T, J). What counts is the same as in :mod:`viodat.metrics.counted`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from viodat.metrics.counted import BoolArray, FloatArray


def mpjpe(pred: FloatArray, target: FloatArray, valid: BoolArray) -> float:
    """Mean distance."""
    return _mean([math.dist(pred[t, j], target[t, j]) for t, j in _counted(target, valid)])


def per_joint(pred: FloatArray, target: FloatArray, valid: BoolArray) -> list[float]:
    """Mean distance of each joint."""
    return [mpjpe(pred[:, j : j + 1], target[:, j : j + 1], valid[:, j : j + 1]) for j in range(target.shape[1])]


def mpjve(pred: FloatArray, target: FloatArray, valid: BoolArray) -> float:
    """Mean error of first differences."""
    at = set(_counted(target, valid))
    return _mean(
        [math.dist(pred[t + 1, j] - pred[t, j], target[t + 1, j] - target[t, j]) for t, j in at if (t + 1, j) in at]
    )


def mpjae(pred: FloatArray, target: FloatArray, valid: BoolArray) -> float:
    """Mean error of second differences."""
    at = set(_counted(target, valid))
    return _mean(
        [
            math.dist(
                pred[t + 2, j] - 2 * pred[t + 1, j] + pred[t, j],
                target[t + 2, j] - 2 * target[t + 1, j] + target[t, j],
            )
            for t, j in at
            if (t + 1, j) in at and (t + 2, j) in at
        ]
    )


def p_mpjpe(pred: FloatArray, target: FloatArray, valid: BoolArray) -> float:
    """Mean distance after a similarity fit of each frame."""
    distances = []
    for t in range(len(target)):
        joints = [j for k, j in _counted(target, valid) if k == t]
        if len(joints) < 3:
            continue
        x, y = pred[t, joints], target[t, joints]
        fitted = _similarity(x, y)
        distances += [math.dist(a, b) for a, b in zip(fitted, y, strict=True)]
    return _mean(distances)


def dtw(pred: FloatArray, target: FloatArray, valid: BoolArray) -> float:
    """Mean over joints of the warping cost per step."""
    costs = []
    for j in range(target.shape[1]):
        rows = [t for t, k in _counted(target, valid) if k == j]
        if rows:
            cost, steps = warp(pred[rows, j], target[rows, j])
            costs.append(cost / steps)
    return _mean(costs)


def warp(first: FloatArray, second: FloatArray) -> tuple[float, int]:
    """Fill the whole table of the best cost to every pair of frames, with the steps of the path that has it."""
    best: dict[tuple[int, int], tuple[float, int]] = {(-1, -1): (0.0, 0)}
    nowhere = (math.inf, 0)
    for i in range(len(first)):
        for j in range(len(second)):
            before = [best.get(place, nowhere) for place in ((i - 1, j - 1), (i - 1, j), (i, j - 1))]
            cost, steps = min(before, key=lambda one: one[0])
            best[i, j] = cost + math.dist(first[i], second[j]), steps + 1
    return best[len(first) - 1, len(second) - 1]


def _similarity(x: FloatArray, y: FloatArray) -> FloatArray:
    mx, my = x.mean(axis=0), y.mean(axis=0)
    u, s, vt = np.linalg.svd((x - mx).T @ (y - my))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = (s * signs).sum() / np.square(x - mx).sum()
    return np.asarray(scale * (x - mx) @ rotation + my)


def _counted(target: FloatArray, valid: BoolArray) -> Iterator[tuple[int, int]]:
    for t in range(target.shape[0]):
        for j in range(target.shape[1]):
            if valid[t, j] and np.isfinite(target[t, j]).all():
                yield t, j


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
