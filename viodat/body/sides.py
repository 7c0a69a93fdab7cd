"""Left and right labels that were exchanged, found by geometry.

Two facts are independent of the labels under suspicion. The middle of a left–right pair does not change when
its labels are exchanged, so front, back and up of pelvis, thorax and head are known, and with them where left
is: this tests the pairs of the trunk. And a marker is nearer to its neighbours on its own limb than to those
of the other limb: this tests the pairs of the limbs, from the trunk outwards. Distances are mm; a verdict is
on the median over frames, or, for an exchange in part of a trial, on each frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.geometry import FloatArray, midpoint, unit
from viodat.body.joint_centres import JointTrial
from viodat.capture.markers import MarkerTrial

_LIMBS: Final[tuple[tuple[tuple[str, ...], ...], ...]] = (
    (("ASI",), ("THI",), ("KNE", "KNM"), ("TIB",), ("ANK", "MED"), ("HEE", "TOE")),
    (("SHO",), ("UPA",), ("ELB", "ELM"), ("FRM",), ("WRA", "WRB"), ("FIN", "IDX", "PNK")),
)
"""Pairs of each limb by stem, from the trunk outwards; those in one bracket sit at the same height."""

_JOINT_LIMBS: Final[tuple[tuple[tuple[str, ...], ...], ...]] = (
    (("pelvis",), ("knee",), ("ankle",)),
    (("shoulder",), ("elbow",), ("wrist",)),
)

_MARGIN = 0.02
"""Mean relative difference of distances from which on a pair counts as exchanged.

True sides give 0.2 to 0.6 for neighbouring markers, 0.04 for hip, knee and ankle centres alone.
"""

_FEWEST_FRAMES = 3
"""An exchange in part of a trial is reported from this many frames on; fewer are a tracking flicker."""


@dataclass(frozen=True)
class _Pair:
    """The left and the right point of one pair, (F, 3) mm each, with their labels and place on the limb."""

    left_label: str
    right_label: str
    left: FloatArray
    right: FloatArray
    height: int


def audit_sides(trial: MarkerTrial, joints: JointTrial | None = None) -> list[str]:
    """Find pairs of labels whose left and right look exchanged.

    Parameters
    ----------
    trial
        Markers; labels of one side begin with L, those of the other with R (Plug-in Gait names).
    joints
        The trial's joint centres: limbs whose markers have other names are tested on them.

    Returns
    -------
    list of str
        One sentence for each pair that looks exchanged, with its numbers; empty where nothing was found. If
        no trunk markers with a front and a back are there, an exchange of the whole body cannot be seen.
    """
    findings, anchors = _audit_trunk(trial)
    tested = len(anchors)
    for limb, joint_limb in zip(_LIMBS, _JOINT_LIMBS, strict=True):
        pairs = [
            pair for height, stems in enumerate(limb) for stem in stems if (pair := _marker_pair(trial, stem, height))
        ]
        anchor = anchors.get(limb[0][0])
        if len(pairs) < 2 and joints is not None:
            pairs = [pair for height, (stem,) in enumerate(joint_limb) if (pair := _joint_pair(joints, stem, height))]
        if len(pairs) > 1:
            findings.extend(_audit_limb(pairs, anchor, trial.first_frame))
            tested += len(pairs) - (anchor is not None)
    if len(findings) == tested > 2:
        return [f"all {tested} left and right pairs look exchanged; the first: {findings[0]}"]
    return findings


def _audit_trunk(trial: MarkerTrial) -> tuple[list[str], dict[str, int]]:
    """Sentences on the trunk's pairs, and for each +1 where its sides are right, -1 where exchanged."""
    findings: list[str] = []
    anchors: dict[str, int] = {}
    for stem, left_axis in _left_axes(trial).items():
        pair = _marker_pair(trial, stem, 0)
        if pair is None or left_axis is None:
            continue
        apart = _median(np.sum((pair.left - pair.right) * left_axis, axis=-1))
        if not np.isfinite(apart):
            continue
        anchors[stem] = -1 if apart < 0 else 1
        if apart < 0:
            findings.append(
                f"{pair.left_label} and {pair.right_label} look exchanged: {pair.left_label} lies "
                f"{-apart:.0f} mm to the right of {pair.right_label}, as the body faces (median over frames)"
            )
    return findings, anchors


def _audit_limb(pairs: Sequence[_Pair], anchor: int | None, first_frame: int) -> list[str]:
    """Sentences on one limb.

    ``anchor`` is +1 where its first pair is known to be on the right sides, -1 where it is exchanged, None where
    the trunk does not tell: then the sides that most pairs agree on are taken for right.
    """
    edges = {
        (i, j): _agreement(pairs[i], pairs[j])
        for i, j in itertools.combinations(range(len(pairs)), 2)
        if pairs[j].height - pairs[i].height <= 2
    }
    medians = {edge: _median(values) for edge, values in edges.items()}
    medians = {edge: value for edge, value in medians.items() if np.isfinite(value)}
    signs = _best_signs(len(pairs), medians, anchor or 1)
    if anchor is None and sum(signs) < 0:
        signs = tuple(-sign for sign in signs)
    findings = []
    for i, pair in enumerate(pairs):
        links = [(a if b == i else b, edge) for edge in medians if i in (a := edge[0], b := edge[1])]
        if not links or (i == 0 and anchor is not None):
            continue
        support = float(np.mean([signs[i] * signs[k] * medians[edge] for k, edge in links]))
        if signs[i] < 0 and support > _MARGIN:
            findings.append(_sentence(pair, pairs, links, signs, medians))
        elif signs[i] > 0:
            per_frame = np.stack([signs[k] * edges[edge] for k, edge in links])
            findings.extend(_partial(pair, per_frame, first_frame))
    return findings


def _agreement(a: _Pair, b: _Pair) -> FloatArray:
    """(F,) (cross − same)/(cross + same) of the distances of two pairs: positive where sides agree."""
    same = _distance(a.left, b.left) + _distance(a.right, b.right)
    cross = _distance(a.left, b.right) + _distance(a.right, b.left)
    with np.errstate(all="ignore"):
        return np.asarray((cross - same) / (cross + same))


def _best_signs(count: int, weights: Mapping[tuple[int, int], float], anchor: int) -> tuple[int, ...]:
    """Signs of all pairs that agree best with the weights; the first is given, ties go to all alike."""
    best, best_score = (anchor,) * count, -np.inf
    for rest in itertools.product((anchor, -anchor), repeat=count - 1):
        signs = (anchor, *rest)
        score = sum(weight * signs[i] * signs[j] for (i, j), weight in weights.items())
        if score > best_score + 1e-12:
            best, best_score = signs, score
    return best


def _sentence(
    pair: _Pair,
    pairs: Sequence[_Pair],
    links: Sequence[tuple[int, tuple[int, int]]],
    signs: Sequence[int],
    medians: Mapping[tuple[int, int], float],
) -> str:
    k, _ = max(links, key=lambda link: abs(medians[link[1]]))
    other = pairs[k]
    # Of the neighbour's two points the one that truly is on the left, as its own sign tells.
    left, right = (other.left, other.right) if signs[k] > 0 else (other.right, other.left)
    left_name, right_name = (
        (other.left_label, other.right_label) if signs[k] > 0 else (other.right_label, other.left_label)
    )
    aside = "" if signs[k] > 0 else f" (itself exchanged with {other.left_label})"
    return (
        f"{pair.left_label} and {pair.right_label} look exchanged: {pair.left_label} is "
        f"{_median(_distance(pair.left, left)):.0f} mm from {left_name} but "
        f"{_median(_distance(pair.left, right)):.0f} mm from {right_name}{aside} (median over frames)"
    )


def _partial(pair: _Pair, per_frame: FloatArray, first_frame: int) -> list[str]:
    """Say so if a pair is exchanged in part of the frames only: all its neighbours disagree there."""
    known = np.isfinite(per_frame)
    with np.errstate(all="ignore"):
        against: NDArray[np.bool_] = (known.sum(axis=0) >= 2) & (
            np.where(known, per_frame, -np.inf).max(axis=0) < -_MARGIN
        )
    count = int(against.sum())
    if count < _FEWEST_FRAMES:
        return []
    frame = first_frame + int(np.argmax(against))
    return [
        f"{pair.left_label} and {pair.right_label} look exchanged in {count:,} of {against.size:,} frames, "
        f"first in frame {frame}"
    ]


def _left_axes(trial: MarkerTrial) -> dict[str, FloatArray | None]:
    """For each pair of the trunk where left is, (F, 3), from points that no exchange moves."""
    asis, psis = _middle(trial, "ASI"), _middle(trial, "PSI")
    back = psis if np.isfinite(psis).any() else trial.marker("SACR")
    chest = midpoint(trial.marker("CLAV"), trial.marker("STRN"))
    spine = midpoint(trial.marker("C7"), trial.marker("T10"))
    front_head, back_head = _middle(trial, "FHD"), _middle(trial, "BHD")
    pelvis_up = _first_known(trial.marker("C7") - asis, _middle(trial, "SHO") - asis, asis - _middle(trial, "KNE"))
    thorax_up = midpoint(trial.marker("C7"), trial.marker("CLAV")) - midpoint(trial.marker("T10"), trial.marker("STRN"))
    pelvis = _left(pelvis_up, asis - back)
    thorax = _left(thorax_up, chest - spine)
    head = _left(thorax_up, front_head - back_head)
    return {"ASI": pelvis, "PSI": pelvis, "SHO": thorax, "FHD": head, "BHD": head}


def _left(up: FloatArray | None, forward: FloatArray) -> FloatArray | None:
    if up is None:
        return None
    with np.errstate(all="ignore"):
        return unit(np.cross(up, forward))


def _first_known(*candidates: FloatArray) -> FloatArray | None:
    return next((c for c in candidates if np.isfinite(c).any()), None)


def _middle(trial: MarkerTrial, stem: str) -> FloatArray:
    return midpoint(trial.marker(f"L{stem}"), trial.marker(f"R{stem}"))


def _marker_pair(trial: MarkerTrial, stem: str, height: int) -> _Pair | None:
    left, right = trial.marker(f"L{stem}"), trial.marker(f"R{stem}")
    if not (np.isfinite(left).any() and np.isfinite(right).any()):
        return None
    return _Pair(f"L{stem}", f"R{stem}", left, right, height)


def _joint_pair(joints: JointTrial, stem: str, height: int) -> _Pair | None:
    names = (f"left_{stem}", f"right_{stem}")
    left, right = (joints.joint(name) for name in names)
    if not (np.isfinite(left).any() and np.isfinite(right).any()):
        return None
    shown = [f"{name} ({joints.method[joints.names.index(name)].split(':', 1)[-1]})" for name in names]
    return _Pair(shown[0], shown[1], left, right, height)


def _distance(a: FloatArray, b: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        return np.asarray(np.linalg.norm(a - b, axis=-1))


def _median(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
