"""Labels that sit on no marker of their own: spikes, duplicates and ghosts.

A *spike* is a few frames that jump away from a path which then goes on as before. A *duplicate* is two labels in one
place, nearer than two balls can be. A *ghost* is a fragment far from where all mates want the label, which broke its
path to get there. What is certain is to become NaN. mm; frames are indices, end not included.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from viodat.body.geometry import FloatArray
from viodat.body.labels.evidence import MATE_WEIGHT, IntArray, Paths, Shape, join_cost, shape_cost

SPIKE_S: Final = 0.05
"""A spike lasts no longer."""
SPIKE_MM: Final = 10.0
"""A spike stands at least this far from the path."""
SPIKE_SHARP: Final = 0.6
"""A spike leaves the path and comes back in one frame: both steps aside are this share of its height or more."""
SPIKE_RETURNS: Final = 0.35
"""After a spike the path goes on to within this share of the spike's height."""
TOUCHING_MM: Final = 2.0
"""Centres of two markers cannot be nearer: the smallest balls in use are 3 mm wide, most 6 to 14 mm."""
TOUCHING_FRAMES: Final = 3
"""Fewer frames than these are no duplicate: where two trajectories cross, one sample may be off."""
KEEPS: Final = 6.0
"""The label that fits better by this cost keeps a marker that two labels claim."""
GHOST_MM: Final = 40.0
"""A ghost's distances to its mates are off by this much (median over mates) ..."""
GHOST_EACH_MM: Final = 20.0
"""... and those to most mates by this much: some lie across the way, where distances change least."""
GHOST_AGREE: Final = 0.6
"""Share of the mates that are to be so far off."""
GHOST_MATES: Final = 3
GHOST_STEADY_MM: Final = 15.0
"""Mates whose distance departs by more in a tenth of the trial are no witnesses."""
GHOST_CERTAIN_MM: Final = 60.0
"""So far off, a fragment between two gaps is a ghost even if the gaps are too long for the path to tell."""
GHOST_COST: Final = 5.0
"""Mean cost per mate (z²/2) of a ghost: more than three standard deviations."""
GHOST_SHARE: Final = 0.3
"""A fragment that is a larger part of the label's frames is no ghost."""
GHOST_JOIN: Final = 12.0
"""Cost of the path at an end from which on it is broken."""
GHOST_FRAMES: Final = 3


@dataclass(frozen=True)
class Stray:
    """A label off its marker in frames ``start`` to before ``end``; ``other`` is the label it coincides with, or -1."""

    kind: Literal["spike", "duplicate", "ghost"]
    label: int
    other: int
    start: int
    end: int
    certain: bool
    evidence: str


def find_spikes(paths: Paths, rate_hz: float) -> list[Stray]:
    """Find stretches of up to 0.05 s between two jumps of a label, or a jump and a gap, off the path around them."""
    x, frames = paths.positions, len(paths.positions)
    longest = max(1, round(SPIKE_S * rate_hz))
    found = []
    for label in np.flatnonzero(paths.jumps.any(axis=0)):
        edges = np.flatnonzero(paths.jumps[:, label]).tolist()
        last = 0
        for start, end in itertools.pairwise(edges):
            if end - start > longest or start < max(last, 2) or end + 1 >= frames:
                continue
            around = x[[start - 2, start - 1, end, end + 1], label]
            inside = x[start:end, label]
            if not (np.isfinite(around).all() and np.isfinite(inside).all()):
                continue
            steps = end - start + 1
            velocity = 0.5 * (around[1] - around[0] + around[3] - around[2])
            share = np.arange(1, steps)[:, None] / steps
            height = np.linalg.norm(inside - (around[1] + share * (around[2] - around[1])), axis=1).min()
            returns = float(np.linalg.norm(around[2] - around[1] - steps * velocity))
            sharp = paths.aside[[start, end], label].min() >= SPIKE_SHARP * height
            if height >= SPIKE_MM and sharp and returns <= SPIKE_RETURNS * height:
                evidence = f"{height:.0f} mm or more off the path, which goes on to within {returns:.0f} mm"
                found.append(Stray("spike", int(label), -1, int(start), int(end), True, evidence))
                last = end
    return found


def find_duplicates(paths: Paths, shape: Shape, labels: Sequence[str]) -> list[Stray]:
    """Find frames in which two labels stand in one place, and the one that fits worse there."""
    found = []
    for a, b, start, end in _coinciding(paths):
        apart = float(np.nanmax(np.linalg.norm(paths.positions[start:end, a] - paths.positions[start:end, b], axis=-1)))
        wrong, certain = _worse(paths, shape, labels, a, b, start, end)
        right = a if wrong == b else b
        evidence = f"at most {apart:.1f} mm apart in {end - start} frames"
        evidence += f", {labels[right]} fits its path and its mates there" if certain else ", both fit alike"
        found.append(Stray("duplicate", wrong, right, start, end, certain, evidence))
    return found


def _coinciding(paths: Paths) -> Iterator[tuple[int, int, int, int]]:
    """(label, label, start, end) of stretches in which two labels are within TOUCHING_MM."""
    markers = paths.valid.shape[1]
    if markers < 2:
        return
    # Sorted along one skew direction, markers in one place are next to each other or nearly so.
    along = np.where(paths.valid, np.nan_to_num(paths.positions) @ np.array([0.48, 0.36, 0.8]), np.inf)
    order = np.argsort(along, axis=1, kind="stable")
    ordered = np.take_along_axis(along, order, axis=1)
    hits: list[FloatArray] = []
    for offset in range(1, min(5, markers)):
        low, high = ordered[:, :-offset], ordered[:, offset:]
        with np.errstate(invalid="ignore"):
            frame, rank = np.nonzero(high - low < TOUCHING_MM)
        a, b = order[frame, rank], order[frame, rank + offset]
        apart = np.linalg.norm(paths.positions[frame, a] - paths.positions[frame, b], axis=-1)
        near = apart < TOUCHING_MM
        hits.append(np.stack([np.minimum(a, b)[near], np.maximum(a, b)[near], frame[near]], axis=1))
    table = np.unique(np.concatenate(hits), axis=0).astype(int)
    for (a, b), rows in itertools.groupby(table.tolist(), key=lambda row: (row[0], row[1])):
        at = np.array([row[2] for row in rows])
        cuts = np.flatnonzero(np.diff(at) > 2) + 1
        for run in np.split(at, cuts):
            if run.size < TOUCHING_FRAMES:
                continue
            yield a, b, int(run[0]), int(run[-1]) + 1


def _worse(paths: Paths, shape: Shape, labels: Sequence[str], a: int, b: int, start: int, end: int) -> tuple[int, bool]:
    """Which of two labels in one place is wrong, and whether that is certain."""
    repeats = [bool(re.search(r"#\d+$", labels[k])) for k in (a, b)]
    if repeats[0] != repeats[1] and labels[a].split("#")[0] == labels[b].split("#")[0]:
        return (a if repeats[0] else b), True
    here = slice(start, end)
    costs = []
    ends = np.array([t for t in (start, end) if 0 < t < len(paths.positions)], dtype=int)
    for label, other in ((a, b), (b, a)):
        mates = shape.mates(label, other)
        by_shape = shape_cost(paths.positions[here], paths.positions[here, label], label, mates, shape)
        told = by_shape[np.isfinite(by_shape)]
        same = np.full_like(ends, label)
        costs.append((float(told.mean()) if told.size else 0.0) + float(join_cost(paths, ends, same, same).sum()))
    return (a if costs[0] > costs[1] else b), abs(costs[0] - costs[1]) >= KEEPS


def find_ghosts(paths: Paths, shape: Shape) -> list[Stray]:
    """Find fragments far from where their label's steady mates want it."""
    frames, markers = paths.valid.shape
    found = []
    for label in range(markers):
        starts = np.flatnonzero(paths.breaks[:, label])
        mates = shape.mates(label)
        mates = mates[shape.loose[label, mates] <= GHOST_STEADY_MM]
        if not starts.size or mates.size < GHOST_MATES:
            continue
        own = paths.positions[:, label]
        cost = shape_cost(paths.positions, own, label, mates, shape) / min(MATE_WEIGHT, mates.size)
        seen = int(paths.valid[:, label].sum())
        runs: list[list[int]] = []
        for start, end in itertools.pairwise([0, *starts.tolist(), frames]):
            told = cost[start:end][np.isfinite(cost[start:end])]
            if not told.size or told.mean() < GHOST_COST:
                continue
            # A reflection flickers: fragments that follow each other are one.
            if runs and runs[-1][1] == start:
                runs[-1][1] = end
            else:
                runs.append([start, end])
        found += [stray for start, end in runs if (stray := _ghost(paths, shape, label, mates, start, end, seen))]
    return found


def _ghost(paths: Paths, shape: Shape, label: int, mates: IntArray, start: int, end: int, seen: int) -> Stray | None:
    """Judge one fragment, or several in a row."""
    inside = start + np.flatnonzero(paths.valid[start:end, label])
    if inside.size < GHOST_FRAMES or inside.size > GHOST_SHARE * seen:
        return None
    own = paths.positions[inside, label]
    off = np.abs(
        np.linalg.norm(paths.positions[inside][:, mates] - own[:, None], axis=-1) - shape.distance[label, mates]
    )
    each = np.array([np.median(e[np.isfinite(e)]) for e in off.T if np.isfinite(e).any()])
    if each.size < GHOST_MATES or np.median(each) < GHOST_MM or np.mean(each >= GHOST_EACH_MM) < GHOST_AGREE:
        return None
    ends = np.array([t for t in (start, end) if 0 < t < len(paths.positions)], dtype=int)
    same = np.full_like(ends, label)
    broken = int((join_cost(paths, ends, same, same) >= GHOST_JOIN).sum())
    certain = broken > 0 or bool(np.median(each) >= GHOST_CERTAIN_MM)
    evidence = (
        f"distances to {each.size} mates are off by {np.median(each):.0f} mm (median), "
        f"and its path breaks at {broken} of {ends.size} ends"
    )
    return Stray("ghost", label, -1, int(inside[0]), int(inside[-1]) + 1, certain, evidence)
