"""Labels exchanged in part of a trial: pairs of labels whose paths and distances fit better the other way round.

For each pair of labels that come near each other (or leave their paths in the same frame) every stretch between two
breaks of either is scored: how much better the paths go on at its two ends if the labels are exchanged in it, and how
much better the distances to mates fit within. A stretch is exchanged back where the sum is clear; a cycle of three or
more labels is found as exchanges one after the other. What is exchanged must leave no broken path behind, else it is
taken back and only reported. Frames are indices, end not included.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray
from viodat.body.labels.evidence import (
    PATH_CAP,
    BoolArray,
    IntArray,
    Paths,
    Shape,
    exchange_gain,
    exchange_shape,
    join_cost,
    measure_shape,
    shape_cost,
    trace_paths,
)

REACH_MM: Final = 150.0
"""Labels that never come nearer to each other are only exchanged if both leave their paths in one frame."""
CLEAR: Final = 15.0
"""Gain from which on an exchange is repaired: odds of three million to one, were the evidence independent."""
LIKELY: Final = 10.0
"""Gain from which on it is reported."""
CONTRADICTS: Final = -4.0
"""Distances, or a path at one end, that speak against an exchange by more than this forbid it."""
SUPPORTS: Final = 2.0
"""Distances must gain this much even where the paths are clear ..."""
PATHS_ALONE: Final = 60.0
"""... unless the paths gain this much: both labels break at both ends, and go on in each other."""
SHAPE_ALONE: Final = 8.0
"""Mean gain by distances that suffices where no path tells, if the exchanged labels then fit as well as others."""
SHAPE_FITS: Final = 3.0
INDEPENDENT_S: Final = 0.1
"""Distances are wrong for as long as a posture lasts: a stretch counts once per so many seconds ..."""
MOST_INDEPENDENT: Final = 4.0
"""... and so often at most."""
KEEPS_PATH: Final = 2.0
"""A path that goes on at less than this cost is not broken."""
_PASSES: Final = 5
_ODD_COST = 6.0
_ODD_FRAMES = 5
_CROWD = 24
_MOST_BREAKS = 250
_SHORT_SHARE = 0.4


@dataclass(frozen=True)
class Exchange:
    """Two labels exchanged in frames ``start`` to before ``end``, and what paths at its ends and distances gain."""

    a: int
    b: int
    start: int
    end: int
    paths_gain: float
    shape_gain: float
    clear: bool


def repair_exchanges(
    positions: FloatArray, shape: Shape, rate_hz: float, partners: Collection[tuple[int, int]] = ()
) -> tuple[FloatArray, list[Exchange], list[Exchange]]:
    """Exchange labels back where they are exchanged in part of a trial.

    Parameters
    ----------
    positions
        (F, M, 3) mm, NaN in gaps; not changed.
    shape
        Distances in it; measured anew where something was exchanged.
    rate_hz
        Frames per second.
    partners
        Pairs that are to be tried however far apart they are: left and right.

    Returns
    -------
    tuple
        Positions with labels exchanged back; what was exchanged; what is likely but not certain.
    """
    done: list[Exchange] = []
    doubtful: list[Exchange] = []
    current = positions
    refused: set[tuple[int, int, int, int]] = set()
    for _ in range(2):
        done, current, distances = [], positions, shape
        for _ in range(_PASSES):
            paths = trace_paths(current)
            found = _search(paths, distances, rate_hz, partners)
            doubtful = [e for e in found if not e.clear]
            fresh = [e for e in _disjoint([e for e in found if e.clear]) if _key(e) not in refused]
            if not fresh:
                break
            current = exchanged(current, fresh)
            done += fresh
            distances = measure_shape(current)
        broken = _broken(trace_paths(current), done)
        if not broken:
            break
        refused |= {_key(e) for e in broken}
    else:
        # What leaves a broken path behind even in its second arrangement is taken back with all that it touches.
        touched = {label for e in broken for label in (e.a, e.b)}
        doubtful += [e for e in done if {e.a, e.b} & touched]
        done = [e for e in done if not {e.a, e.b} & touched]
        current = exchanged(positions, done)
    return current, done, _disjoint(doubtful)


def exchanged(values: FloatArray, exchanges: Collection[Exchange]) -> FloatArray:
    """Give a copy of (F, M, ...) with labels exchanged, one exchange after the other."""
    result = values.copy()
    for e in exchanges:
        result[e.start : e.end, [e.a, e.b]] = result[e.start : e.end, [e.b, e.a]]
    return result


def _key(e: Exchange) -> tuple[int, int, int, int]:
    return (e.a, e.b, e.start, e.end)


def _disjoint(found: list[Exchange]) -> list[Exchange]:
    """Choose the clearest of those that share a label and frames."""
    chosen: list[Exchange] = []
    for e in sorted(found, key=lambda e: (-(e.paths_gain + e.shape_gain), e.start, e.a, e.b)):
        if not any({e.a, e.b} & {c.a, c.b} and e.start < c.end and c.start < e.end for c in chosen):
            chosen.append(e)
    return chosen


def _broken(paths: Paths, done: list[Exchange]) -> list[Exchange]:
    count = len(paths.positions)
    broken = []
    for e in done:
        ends = np.array([t for t in (e.start, e.end) if 0 < t < count], dtype=int)
        costs = np.concatenate(
            [join_cost(paths, ends, np.full_like(ends, k), np.full_like(ends, k)) for k in (e.a, e.b)]
        )
        if costs.size and costs.max() > 0.5 * PATH_CAP:
            broken.append(e)
    return broken


def _search(paths: Paths, shape: Shape, rate_hz: float, partners: Collection[tuple[int, int]]) -> list[Exchange]:
    """Find all stretches of all pairs worth a look."""
    pairs = _candidates(paths, shape, partners)
    if not len(pairs):
        return []
    a, b = pairs.T
    which, frame = np.nonzero(paths.breaks.T[a] | paths.breaks.T[b])
    gain = exchange_gain(paths, frame, a[which], b[which])
    best = np.zeros(len(pairs))
    np.maximum.at(best, which, gain)
    odd = _odd_pairs(paths, shape, pairs)
    found: list[Exchange] = []
    for k in np.flatnonzero((best > 0.5 * LIKELY) | odd):
        here = which == k
        found += _stretches(paths, shape, rate_hz, int(a[k]), int(b[k]), frame[here], gain[here])
    return found


def _candidates(paths: Paths, shape: Shape, partners: Collection[tuple[int, int]]) -> IntArray:
    """(P, 2) pairs of labels that may have been exchanged."""
    markers = paths.positions.shape[1]
    near: BoolArray = np.asarray(np.triu(np.nan_to_num(shape.nearest, nan=np.inf) < REACH_MM, 1))
    for a, b in partners:
        near[min(a, b), max(a, b)] = True
    busy = paths.jumps.sum(axis=1)
    for frame in np.flatnonzero((busy > 1) & (busy <= _CROWD)).tolist():
        for a, b in itertools.combinations(np.flatnonzero(paths.jumps[frame]).tolist(), 2):
            near[a, b] = True
    ever: BoolArray = np.asarray(paths.valid.any(axis=0))
    near = np.asarray(near & ever[:, None] & ever[None, :])
    return np.argwhere(near) if markers else np.zeros((0, 2), dtype=np.int64)


def _odd_pairs(paths: Paths, shape: Shape, pairs: IntArray) -> BoolArray:
    """(P,) whether a label of the pair stands far from where its mates want it in a fragment, and the other fits."""
    frames = len(paths.positions)
    odd: BoolArray = np.zeros(len(pairs), dtype=np.bool_)
    for label in range(paths.positions.shape[1]):
        mates = shape.mates(label)
        if not mates.size:
            continue
        starts = np.flatnonzero(paths.breaks[:, label])
        edges = np.concatenate([[0], starts, [frames]])
        if edges.size == 2:
            continue
        cost = shape_cost(paths.positions, paths.positions[:, label], label, mates, shape)
        for start, end in itertools.pairwise(edges):
            inside = start + np.flatnonzero(np.isfinite(cost[start:end]))
            if inside.size < _ODD_FRAMES or cost[inside].mean() < _ODD_COST:
                continue
            some = paths.positions[inside[:: inside.size // 4 + 1]]
            for k in np.flatnonzero((pairs == label).any(axis=1) & ~odd):
                a, b = (int(n) for n in pairs[k])
                other = b if a == label else a
                fit = shape_cost(some, some[:, label], other, shape.mates(other, label), shape)
                if not (np.isfinite(fit).any() and np.nanmean(fit) < _ODD_COST):
                    continue
                measured, swapped = exchange_shape(some, a, b, shape)
                better = measured - swapped
                odd[k] = np.isfinite(better).any() and np.nanmean(better) > _ODD_COST
    return odd


def _goes_on(paths: Paths, label: int, start: int, end: int) -> bool:
    """Tell whether a label is seen on both sides of both ends and keeps its path: then it is on its own marker."""
    ends = np.array([t for t in (start, end) if 0 < t < len(paths.positions)], dtype=int)
    same = np.full_like(ends, label)
    seen = paths.valid[ends, label] & paths.valid[ends - 1, label]
    return bool(np.all(seen & (join_cost(paths, ends, same, same) < KEEPS_PATH)))


def _stretches(
    paths: Paths, shape: Shape, rate_hz: float, a: int, b: int, breaks: IntArray, gains: FloatArray
) -> list[Exchange]:
    """Score every stretch between two breaks of one pair, and give the best that do not overlap."""
    frames = len(paths.positions)
    if breaks.size > _MOST_BREAKS:
        keep = np.sort(np.argsort(-gains, kind="stable")[:_MOST_BREAKS])
        breaks, gains = breaks[keep], gains[keep]
    inner = breaks > 0
    times = np.concatenate([[0], breaks[inner], [frames]])
    path_gain = np.concatenate([[0.0], gains[inner], [0.0]])
    measured, swapped = exchange_shape(paths.positions, a, b, shape)
    told = np.isfinite(measured)
    better = np.where(told, measured - swapped, 0.0)
    sums = np.concatenate([[0.0], np.cumsum(better)])[times]
    fits = np.concatenate([[0.0], np.cumsum(np.where(told, swapped, 0.0))])[times]
    counts = np.concatenate([[0], np.cumsum(told)])[times]
    seen = np.concatenate([[0], np.cumsum(paths.valid[:, a] | paths.valid[:, b])])[times]
    i, j = np.triu_indices(times.size, 1)
    whole = (i == 0) & (j == times.size - 1)
    i, j = i[~whole], j[~whole]
    count = counts[j] - counts[i]
    mean = (sums[j] - sums[i]) / np.maximum(count, 1)
    fit = (fits[j] - fits[i]) / np.maximum(count, 1)
    repeats = np.clip(count / (INDEPENDENT_S * rate_hz), 1.0, MOST_INDEPENDENT)
    by_paths, by_shape = path_gain[i] + path_gain[j], np.where(count > 0, repeats * mean, 0.0)
    duration = seen[j] - seen[i]
    inside = (i > 0) & (j < times.size - 1)
    # Paths alone cannot tell a stretch from the rest of the trial: the shorter one, or what the distances say.
    minor = inside & (duration < _SHORT_SHARE * seen[-1])
    possible = (
        (duration > 0)
        & (np.minimum(path_gain[i], path_gain[j]) > CONTRADICTS)
        & (mean > CONTRADICTS)
        & (minor | (by_shape > 0))
    )
    score = np.where(possible, by_paths + by_shape, -np.inf)
    # Which stretch is best: here every frame counts alike, so that ends come to lie where the evidence turns.
    rank = np.where(score >= LIKELY, by_paths + (sums[j] - sums[i]) / (INDEPENDENT_S * rate_hz), -np.inf)
    found: list[Exchange] = []
    for k in np.argsort(-rank, kind="stable"):
        if not np.isfinite(rank[k]):
            break
        start, end = int(times[i[k]]), int(times[j[k]])
        if any(start < e.end and e.start < end for e in found):
            continue
        if _goes_on(paths, a, start, end) or _goes_on(paths, b, start, end):
            continue
        by_path_clear = by_paths[k] >= CLEAR and by_shape[k] >= (SUPPORTS if minor[k] else LIKELY)
        by_path_clear |= minor[k] and by_paths[k] >= PATHS_ALONE
        by_shape_clear = mean[k] >= SHAPE_ALONE and fit[k] <= SHAPE_FITS and count[k] >= _ODD_FRAMES
        clear = bool(score[k] >= CLEAR and (by_path_clear or by_shape_clear))
        if not clear and by_paths[k] < 0.5 * LIKELY and (mean[k] < 0.5 * SHAPE_ALONE or fit[k] > 2 * SHAPE_FITS):
            continue
        found.append(Exchange(a, b, start, end, float(by_paths[k]), float(by_shape[k]), clear))
    return found
