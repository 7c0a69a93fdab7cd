"""Left and right, and neighbours, exchanged in a whole trial: no path breaks, so anatomy and the static trial decide.

The middle of a left and right pair stays where it is when its labels are exchanged, so front, back and up of pelvis,
thorax, head and feet are known, and with them where left is. From these pairs the sides spread to all others: two pairs
are linked as strongly as distances on one side are shorter than across, and the strongest links are followed first (a
maximum spanning tree). Neighbours are tested against the static trial alone. mm, medians over up to 200 frames.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray, unit
from viodat.body.labels.evidence import MATES, Shape
from viodat.capture.markers import MarkerTrial

ANCHORED: Final = 0.3
"""A pair tells the side of its trunk segment where left to right lies by this share along the segment's left."""
LINKED: Final = 0.03
"""Least (across - same side)/(across + same side) of distances that links two pairs."""
SURE_LINK: Final = 0.1
"""Least link on the way to a pair that is exchanged back."""
AGREEING: Final = 0.75
"""Share of the frames in which a link must say the same."""
STATIC_MM: Final = 6.0
"""Standard deviation of a distance between static and other trials: skin moves with posture."""
STATIC_WRONG: Final = 2.0
"""Mean cost per mate (z²/2) from which on labels disagree with the static trial ..."""
STATIC_FITS: Final = 0.5
"""... and below which they agree once exchanged."""
_STATIC_SPREAD_MM: Final = 12.0
_STATIC_REACH_MM: Final = 250.0
_FRAMES: Final = 200

# Segment: front, back, up (from, to), pairs by stem. A name of one pair's stem stands for the middle of the pair.
_TRUNK: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...], tuple[str, ...]]]] = {
    "pelvis": (
        ("?ASI",),
        ("?PSI", "SACR"),
        (("?ASI", "C7"), ("?ASI", "?SHO"), ("?KNE", "?ASI"), ("?ANK", "?ASI")),
        ("ASI", "PSI", "ILC"),
    ),
    "thorax": (
        ("CLAV", "STRN"),
        ("C7", "T10", "T5"),
        (("?ASI", "C7"), ("T10", "C7"), ("STRN", "CLAV")),
        ("SHO", "SHA", "SHP", "BAK"),
    ),
    "head": (("?FHD",), ("?BHD",), (("C7", "?FHD"), ("T10", "C7"), ("?SHO", "?FHD")), ("FHD", "BHD")),
    "feet": (("?TOE", "?MT1"), ("?HEE",), (("?ANK", "?ASI"), ("?ANK", "?KNE"), ("?HEE", "?ANK")), ("ANK", "HEE")),
}


@dataclass(frozen=True)
class Misnamed:
    """Pairs of label numbers exchanged in the whole trial, whether that is certain, and the numbers behind it."""

    pairs: tuple[tuple[int, int], ...]
    certain: bool
    evidence: str


def partner_pairs(labels: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Numbers of the (left, right) labels that differ in the side only: LKNE and RKNE, L_FLE, LeftHip, hip_l ..."""
    place = {label: i for i, label in enumerate(labels)}
    swaps = (("L", "R"), ("l", "r"), ("Left", "Right"), ("left", "right"))
    pairs = []
    for i, label in enumerate(labels):
        mirrored = [right + label[len(left) :] for left, right in swaps if label.startswith(left)]
        mirrored += [
            re.sub(f"{left}(#\\d+)?$", rf"{right}\1", label)
            for left, right in (("_l", "_r"), ("_L", "_R"), ("Left", "Right"), ("left", "right"))
        ]
        found = next((place[name] for name in mirrored if name != label and name in place), None)
        if found is not None:
            pairs.append((i, found))
    return tuple(pairs)


def find_exchanged_sides(trial: MarkerTrial) -> tuple[list[Misnamed], bool]:
    """Find left and right labels exchanged in the whole trial, and say whether trunk or feet told where left is.

    All sides together come as one entry with all pairs, else each pair comes by itself.
    """
    valid = trial.valid
    every = partner_pairs(trial.labels)
    pairs = [pair for pair in every if valid[:, pair].any(axis=0).all()]
    if not pairs:
        return [], False
    # Frames in which much is seen, evenly spread.
    seen = np.flatnonzero(valid.any(axis=1))
    frames = seen[np.unique(np.linspace(0, seen.size - 1, min(seen.size, _FRAMES)).astype(int))]
    points = trial.positions_mm[frames]
    anchors, parts = _anchors(trial.labels, points, pairs)
    links = _links(points, pairs) + [(weight, -1, k, sign) for k, (weight, sign) in anchors.items()]
    signs, weakest, groups = _spread(len(pairs), links)
    if not anchors:
        # Nothing tells which side is left: what most of a group agree on is taken for right.
        for group in groups:
            if sum(signs[k] for k in group) < 0:
                signs = [-s if k in group else s for k, s in enumerate(signs)]
    against = [k for k in range(len(pairs)) if signs[k] < 0]
    known = [k for k in range(len(pairs)) if signs[k]]
    if not against:
        return [], bool(anchors)
    if anchors and len(against) >= 0.9 * len(known) and not any(sign > 0 for _, sign in anchors.values()):
        what = " and ".join(f"{name} {apart:.0f} mm" for name, apart in parts.items() if np.isfinite(apart))
        certain = sum(weight >= ANCHORED for weight, _ in anchors.values()) >= 2
        evidence = f"left labels lie to the right, as the body faces, of right ones, all {len(known)} pairs ({what})"
        return [Misnamed(every, certain, evidence)], True
    found = []
    for k in against:
        certain = weakest[k] >= SURE_LINK and (bool(anchors) or len(known) >= 3)
        how = "by where the trunk faces" if k in anchors else "by distances to the labels of its own side"
        found.append(Misnamed((pairs[k],), certain, f"in the whole trial, {how}, weakest link {weakest[k]:.2f}"))
    return found, bool(anchors)


def _anchors(
    labels: Sequence[str], points: FloatArray, pairs: Sequence[tuple[int, int]]
) -> tuple[dict[int, tuple[float, int]], dict[str, float]]:
    """Pairs whose segment's left is known: number -> (weight, +1 or -1); and mm to the left, per segment."""
    place = {label: i for i, label in enumerate(labels)}
    number = {pair: k for k, pair in enumerate(pairs)}

    def point(name: str) -> FloatArray | None:
        if name[0] != "?":
            return points[:, place[name]] if name in place else None
        left, right = (place.get(side + name[1:]) for side in "LR")
        return None if left is None or right is None else 0.5 * (points[:, left] + points[:, right])

    def middle(names: Sequence[str]) -> FloatArray | None:
        there = [p for name in names if (p := point(name)) is not None and np.isfinite(p).any()]
        return np.mean(there, axis=0) if there else None

    anchors: dict[int, tuple[float, int]] = {}
    parts: dict[str, float] = {}
    for part, (front, back, ups, stems) in _TRUNK.items():
        ahead, behind = middle(front), middle(back)
        up = None
        for low, high in ups:
            a, b = point(low), point(high)
            if a is not None and b is not None and np.isfinite(b - a).any():
                up = b - a
                break
        if ahead is None or behind is None or up is None:
            continue
        with np.errstate(all="ignore"):
            left_axis = unit(np.cross(up, ahead - behind))
        for stem in stems:
            k = number.get((place.get("L" + stem, -1), place.get("R" + stem, -1)))
            if k is None:
                continue
            apart = points[:, pairs[k][0]] - points[:, pairs[k][1]]
            along = np.sum(unit(apart) * left_axis, axis=-1)
            told = along[np.isfinite(along)]
            if not told.size or abs(middle_share := float(np.median(told))) < ANCHORED:
                continue
            if np.mean(np.sign(told) == np.sign(middle_share)) < AGREEING:
                continue
            # Feet may cross: they tell less than the trunk.
            weight = abs(middle_share) * (0.5 if part == "feet" else 1.0)
            anchors[k] = (weight, int(np.sign(middle_share)))
            parts.setdefault(part, float(np.nanmedian(np.sum(apart * left_axis, axis=-1))))
    return anchors, parts


def _links(points: FloatArray, pairs: Sequence[tuple[int, int]]) -> list[tuple[float, int, int, int]]:
    """(weight, pair, pair, sign) for pairs of which one side's distances are clearly shorter than across."""
    left, right = (points[:, [pair[side] for pair in pairs]] for side in (0, 1))
    i, j = np.triu_indices(len(pairs), 1)

    def apart(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.asarray(np.linalg.norm(a[:, i] - b[:, j], axis=-1))

    same = apart(left, left) + apart(right, right)
    across = apart(left, right) + apart(right, left)
    with np.errstate(all="ignore"):
        ratio = (across - same) / (across + same)
    links = []
    known = np.isfinite(ratio)
    for k in np.flatnonzero(known.any(axis=0)):
        values = ratio[known[:, k], k]
        weight = float(np.median(values))
        if abs(weight) >= LINKED and np.mean(np.sign(values) == np.sign(weight)) >= AGREEING:
            links.append((abs(weight), int(i[k]), int(j[k]), int(np.sign(weight))))
    return links


def _spread(count: int, links: list[tuple[float, int, int, int]]) -> tuple[list[int], list[float], list[list[int]]]:
    """Follow the strongest links first: each pair's sign, the weakest link on its way, and groups of linked pairs.

    Pair -1 is the trunk's own left. A group that does not hang on it gets signs relative to its first pair; pairs
    without any link get 0.
    """
    sign, weakest = [1] * count, [np.inf] * count
    group = [{k} for k in range(count)] + [{-1}]
    for weight, a, b, linked in sorted(links, key=lambda link: (-link[0], link[1], link[2])):
        ours, theirs = group[a], group[b]
        if ours is theirs:
            continue
        if -1 in theirs or (-1 not in ours and len(theirs) > len(ours)):
            a, b, ours, theirs = b, a, theirs, ours
        turn = linked * (1 if a < 0 else sign[a]) * (1 if b < 0 else sign[b])
        for k in theirs:
            sign[k] *= turn
            weakest[k] = min(weakest[k], weight)
        ours |= theirs
        for k in theirs:
            group[k] = ours
    rooted = group[-1]
    distinct = {id(members): sorted(members) for members in group if -1 not in members}
    groups = [members for members in distinct.values() if len(members) > 1]
    if len(rooted) > 1:
        # Beside a group that is known, one that hangs on nothing tells nothing.
        for members in groups:
            for k in members:
                sign[k] = 0
    for members in distinct.values():
        if len(members) == 1:
            sign[members[0]] = 0
    return sign, weakest, groups


def find_misnamed_neighbours(
    labels: Sequence[str], shape: Shape, static_labels: Sequence[str], static_shape: Shape
) -> list[Misnamed]:
    """Find neighbours exchanged in the whole trial: their distances fit the static trial only the other way round."""
    common = [label for label in labels if label in static_labels]
    here = np.array([labels.index(label) for label in common], dtype=int)
    there = np.array([static_labels.index(label) for label in common], dtype=int)
    if here.size < MATES:
        return []
    distance, spread = shape.distance[np.ix_(here, here)], shape.spread[np.ix_(here, here)]
    nearest, expected = shape.nearest[np.ix_(here, here)], static_shape.distance[np.ix_(there, there)]
    found: list[Misnamed] = []
    for _ in range(here.size):
        best: tuple[float, int, int, float, float] | None = None
        for a, b in np.argwhere(np.triu(np.nan_to_num(nearest, nan=np.inf) < _STATIC_REACH_MM, 1)):
            measured, swapped = _static_costs(distance, spread, expected, int(a), int(b))
            if measured >= STATIC_WRONG and swapped <= STATIC_FITS and (best is None or measured - swapped > best[0]):
                best = (measured - swapped, int(a), int(b), measured, swapped)
        if best is None:
            break
        _, a, b, measured, swapped = best
        order = np.arange(here.size)
        order[[a, b]] = order[[b, a]]
        distance, spread, nearest = (m[np.ix_(order, order)] for m in (distance, spread, nearest))
        evidence = (
            f"in the whole trial, distances to their mates cost {measured:.1f} each against the static trial, "
            f"exchanged {swapped:.1f}"
        )
        found.append(Misnamed(((int(here[a]), int(here[b])),), True, evidence))
    return found


def _static_costs(
    distance: FloatArray, spread: FloatArray, expected: FloatArray, a: int, b: int
) -> tuple[float, float]:
    """Cost per mate of two labels against the static trial: as measured (0 where one fits), exchanged (the worse)."""
    steady = np.maximum(spread[a], spread[b])
    steady = np.where(np.isfinite(expected[a]) & np.isfinite(expected[b]), steady, np.nan)
    steady[[a, b]] = np.nan
    order = np.argsort(steady + 0.01 * (distance[a] + distance[b]), kind="stable")
    mates = order[np.nan_to_num(steady[order], nan=np.inf) < _STATIC_SPREAD_MM][:MATES]
    if mates.size < 3:
        return 0.0, np.inf

    def cost(measured: int, label: int) -> float:
        return float(
            np.mean(np.minimum(0.5 * ((distance[measured, mates] - expected[label, mates]) / STATIC_MM) ** 2, 8))
        )

    ours, theirs = cost(a, a), cost(b, b)
    measured = 0.5 * (ours + theirs) if min(ours, theirs) >= 0.5 * STATIC_WRONG else 0.0
    return measured, max(cost(b, a), cost(a, b))


def mirrored_order(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Give the order of columns that exchanges each pair."""
    order = list(range(count))
    for a, b in itertools.chain(pairs):
        order[a], order[b] = order[b], order[a]
    return order
