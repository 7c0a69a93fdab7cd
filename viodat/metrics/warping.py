"""Dynamic time warping: the distance between two courses when each may be early or late.

The paper's normalisation of DTW is not published. viodat's: per joint, its course in space, the exact optimum (no band,
no approximation), Euclidean step cost, steps (1, 0), (0, 1), (1, 1) of weight 1, divided by the number of steps of the
warping path; of paths of one cost the one whose last steps are diagonal, then those that wait in the target.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from viodat.errors import MetricError
from viodat.metrics.counted import FloatArray, Pair, mean_where, pair
from viodat.metrics.metric import metric

_F = TypeVar("_F", bound=Callable[..., object])
_compiled = cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, fastmath={"nsz", "contract"}))


@dataclass(frozen=True)
class Warping:
    """Cost of the best warping path in the unit of the courses, and the number of its steps."""

    cost: float
    steps: int


def warp(first: ArrayLike, second: ArrayLike) -> Warping:
    """Find the best warping of two courses onto each other; memory grows with their length, not its square.

    Parameters
    ----------
    first, second
        (N, D) and (M, D), finite, in one unit.

    Raises
    ------
    MetricError
        They are empty, not finite, or of different dimension.
    """
    one, two = (np.ascontiguousarray(np.asarray(course, dtype=np.float64).T) for course in (first, second))
    if one.ndim != 2 or two.ndim != 2 or one.shape[0] != two.shape[0] or not one.size or not two.size:
        raise MetricError(f"expected two courses (N, D) and (M, D), but got {np.shape(first)} and {np.shape(second)}")
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise MetricError("expected courses of finite numbers")
    cost, steps = _warp(one, two)
    return Warping(float(cost), int(steps))


@metric(unit="mm", reference="Sakoe and Chiba 1978; steps and normalisation are viodat's")
def dtw(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean over joints and recordings of the cost of the best warping path per step.

    Parameters
    ----------
    pred, target
        (..., T, J, 3) mm at a constant rate; each joint of each recording is warped by itself.
    valid
        (..., T, J) or (..., T) bool; frames of a joint that do not count are left out of both courses.

    Notes
    -----
    Takes T² steps per joint; recordings are worked on by as many threads as there are cores.
    """
    both = pair(pred, target, valid)
    return mean_where(_joint_costs(both), np.asarray(both.valid.any(axis=-2)))


def joint_dtw(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> FloatArray:
    """Give (..., J) mm: each joint's :func:`dtw`; NaN where no frame of it counts. Parameters as there."""
    return _joint_costs(pair(pred, target, valid))


def _joint_costs(both: Pair) -> FloatArray:
    flat_pred, flat_target = (values.reshape(-1, *values.shape[-3:]) for values in (both.pred, both.target))
    counts = both.valid.reshape(-1, *both.valid.shape[-2:])

    def cost(place: tuple[int, int]) -> float:
        recording, joint = place
        rows = counts[recording, :, joint]
        return _per_step(flat_pred[recording, rows, joint], flat_target[recording, rows, joint])

    with ThreadPoolExecutor(_cores()) as pool:
        found = list(pool.map(cost, np.ndindex(counts.shape[0], counts.shape[2])))
    return np.array(found, dtype=np.float64).reshape(*both.valid.shape[:-2], both.valid.shape[-1])


def _per_step(pred: FloatArray, target: FloatArray) -> float:
    if not len(pred) or not np.isfinite(pred).all():
        return float("nan")
    cost, steps = _warp(np.ascontiguousarray(pred.T), np.ascontiguousarray(target.T))
    return float(cost / steps)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@_compiled
def _warp(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Give cost and steps for (D, N) and (D, M), anti-diagonal by anti-diagonal.

    Cells of one anti-diagonal do not depend on each other, so that several are computed at once; the second course is
    reversed so that they read both courses forward. ``cost[i + 1]`` is that of the cell in row ``i``.
    """
    dims, n = first.shape
    m = second.shape[1]
    reversed_second = np.empty((dims, m))
    for d in range(dims):
        for j in range(m):
            reversed_second[d, j] = second[d, m - 1 - j]
    cost = np.full((3, n + 1), np.inf)
    steps = np.zeros((3, n + 1))
    squares = np.empty(n)
    before, last, now = 0, 1, 2
    # The first cell is a diagonal step from a cell of cost 0 before the beginning.
    cost[before, 0] = 0.0
    for k in range(n + m - 1):
        low, high = max(0, k - m + 1), min(n - 1, k) + 1
        size, shift = high - low, m - 1 - k
        apart = squares[:size]
        apart[:] = 0.0
        for d in range(dims):
            one, two = first[d, low:high], reversed_second[d, low + shift : high + shift]
            for i in range(size):
                apart[i] += (one[i] - two[i]) ** 2
        diagonal, by_diagonal = cost[before, low:high], steps[before, low:high]
        waits_second, by_second = cost[last, low:high], steps[last, low:high]
        waits_first, by_first = cost[last, low + 1 : high + 1], steps[last, low + 1 : high + 1]
        least, taken = cost[now, low + 1 : high + 1], steps[now, low + 1 : high + 1]
        for i in range(size):
            best, path = diagonal[i], by_diagonal[i]
            other, path_of_other = waits_second[i], by_second[i]
            path = path_of_other if other < best else path
            best = other if other < best else best
            other, path_of_other = waits_first[i], by_first[i]
            path = path_of_other if other < best else path
            best = other if other < best else best
            least[i] = best + np.sqrt(apart[i])
            taken[i] = path + 1.0
        # Beyond the ends of the anti-diagonal there is nothing to come from.
        cost[now, low] = np.inf
        if high < n:
            cost[now, high + 1] = np.inf
        cost[before, 0] = np.inf
        before, last, now = last, now, before
    return cost[last, n], steps[last, n]
