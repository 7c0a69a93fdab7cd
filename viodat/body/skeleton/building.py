"""From a marker set and a reference posture to the trees of a skeleton, and where the 18 joints are in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray
from viodat.body.marker_set import MarkerSet
from viodat.body.skeleton.evidence import Evidence
from viodat.body.skeleton.segments import TREES, holder_of, joint_of, parent_of
from viodat.body.skeleton.tissues import TISSUES, slide_spread, tissue_of
from viodat.body.skeleton.tree import Slides, Tree
from viodat.joints import JOINTS

ROOT_MARKERS: Final = 3
"""A root needs so many markers: it hangs on nothing else."""

FREE_RAD: Final = 30.0
"""Spread of a segment's turn on its parent where nothing else is known: so wide that it only keeps the equations
solvable, and does not draw a hidden limb towards its posture in the static trial."""

HINGE_RAD: Final[Mapping[str, float]] = {
    "shank": float(np.deg2rad(10.0)),
    "forearm": float(np.deg2rad(10.0)),
    "wrist": float(np.deg2rad(3.0)),
}
"""Spread of the turns other than about the joint's own axis: knee and elbow bend, the radius' end pronates."""

COLLARBONE_RAD: Final = (float(np.deg2rad(20.0)), float(np.deg2rad(7.0)))
"""Spread of the collarbone's turn on the thorax: its direction, and about itself."""


@dataclass(frozen=True)
class JointPoint:
    """One of the 18 joints in a tree.

    Attributes
    ----------
    joint
        Its name.
    carrier
        Index of the segment in which it is fixed.
    centre
        Index among the tree's centres, or -1 where no segment turns about it.
    evidence
        Where it is in the reference posture.
    """

    joint: str
    carrier: int
    centre: int
    evidence: Evidence


def build_trees(
    places: Mapping[str, FloatArray], evidence: Mapping[str, Evidence], marker_set: MarkerSet, seen: Collection[str]
) -> dict[str, Tree]:
    """Make the trees that markers and evidence allow.

    Parameters
    ----------
    places
        (3,) mm by label, in the reference posture.
    evidence
        Of the joint centres.
    marker_set
        Says which marker moves with which segment.
    seen
        Labels that the trial shows in some frame.

    Returns
    -------
    dict
        By name of :data:`TREES`. A segment is there if its parent is, its joint centre is known, and it or one that
        hangs on it has a marker; a root if it has three.
    """
    carried = {
        marker.label: marker.segment for marker in marker_set.markers if marker.label in places and marker.label in seen
    }
    trees = {}
    for name, segments in TREES.items():
        kept = _kept(segments, evidence, carried)
        if kept:
            trees[name] = _tree(kept, places, carried)
    return trees


def _kept(segments: Sequence[str], evidence: Mapping[str, Evidence], carried: Mapping[str, str]) -> list[str]:
    marked = set(carried.values())
    root = segments[0]
    if sum(segment == root for segment in carried.values()) < ROOT_MARKERS:
        return []
    reachable = [root]
    for segment in segments[1:]:
        if parent_of(segment) in reachable and joint_of(segment) in evidence:
            reachable.append(segment)
    kept: set[str] = {root}
    for segment in reversed(reachable):
        if segment in marked or segment in kept:
            kept.add(segment)
            parent = parent_of(segment)
            if parent is not None:
                kept.add(parent)
    return [segment for segment in reachable if segment in kept]


def _tree(kept: Sequence[str], places: Mapping[str, FloatArray], carried: Mapping[str, str]) -> Tree:
    joints = list(dict.fromkeys(joint for segment in kept if (joint := joint_of(segment)) is not None))
    labels = [label for label, segment in carried.items() if segment in kept]
    reference = np.array([places[label] for label in labels])
    carrier = [kept.index(carried[label]) for label in labels]
    parents = [parent_of(segment) for segment in kept]
    own = [joint_of(segment) for segment in kept]
    return Tree(
        segments=tuple(kept),
        parents=tuple(kept.index(parent) if parent is not None else -1 for parent in parents),
        joints=tuple(joints),
        joint_of=tuple(joints.index(joint) if joint is not None else -1 for joint in own),
        labels=tuple(labels),
        carrier=tuple(carrier),
        reference=reference,
        origin=reference[[s == 0 for s in carrier]].mean(axis=0),
    )


def joint_points(tree: Tree, evidence: Mapping[str, Evidence]) -> tuple[JointPoint, ...]:
    """Find which of the 18 joints a tree carries."""
    found = []
    for joint in JOINTS:
        if joint not in evidence:
            continue
        holder = holder_of(joint)
        if holder in tree.segments:
            centre = tree.joints.index(joint) if joint in tree.joints else -1
            found.append(JointPoint(joint, tree.segments.index(holder), centre, evidence[joint]))
    return tuple(found)


def far_ends(tree: Tree, places: FloatArray) -> list[FloatArray | None]:
    """For each segment the reference place of its far joint centre; None without one, or with two."""
    ends: list[FloatArray | None] = []
    for s in range(len(tree.segments)):
        children = [c for c, parent in enumerate(tree.parents) if parent == s]
        ends.append(places[children[0]] if s and len(children) == 1 else None)
    return ends


@dataclass(frozen=True)
class Expectation:
    """What is assumed of a tree's markers and turns before it sees motion.

    Attributes
    ----------
    spread_mm
        (M,) of the markers, per coordinate.
    neighbours, slide_spread
        Which neighbouring segments drive a marker's slide, and the standard deviation of each coefficient (K, 3, 3).
    stiffness
        (S, 3, 3) 1/rad², precision of each segment's turn on its parent about its reference pose.
    """

    spread_mm: FloatArray
    neighbours: tuple[tuple[int, ...], ...]
    slide_spread: tuple[FloatArray, ...]
    stiffness: FloatArray

    def no_slides(self) -> Slides:
        """Slides of zero size for these neighbours."""
        return Slides(self.neighbours, tuple(np.zeros_like(spread) for spread in self.slide_spread))


def expect(tree: Tree, centres: FloatArray) -> Expectation:
    """Say what is assumed of a tree with (J, 3) joint centres in the reference posture."""
    places = tree.places(centres)
    ends = far_ends(tree, places)
    spreads, slides = [], []
    for place, s in zip(tree.reference, tree.carrier, strict=True):
        far = ends[s]
        tissue = tissue_of(tree.segments[s], place, places[s], far)
        bone = far - places[s] if far is not None else None
        spreads.append(tissue.spread_mm)
        slides.append(
            np.array([slide_spread(tissue, bone, other == tree.parents[s]) for other in tree.neighbours[s]]).reshape(
                -1, 3, 3
            )
        )
    neighbours = tuple(tree.neighbours[s] for s in tree.carrier)
    return Expectation(np.array(spreads), neighbours, tuple(slides), _stiffness(tree, places, ends))


def _stiffness(tree: Tree, places: FloatArray, ends: list[FloatArray | None]) -> FloatArray:
    out = np.zeros((len(tree.segments), 3, 3))
    for s, parent in enumerate(tree.parents):
        part = tree.segments[s].split("_", 1)[-1]
        axis, tight, loose = None, FREE_RAD, FREE_RAD
        far = ends[s]
        if part == "wrist":
            axis, tight = places[s] - places[parent], HINGE_RAD[part]
        elif part == "clavicle" and far is not None:
            axis, (tight, loose) = far - places[s], COLLARBONE_RAD
        elif part in HINGE_RAD:
            axis, tight = _hinge_axis(tree, parent, places[parent], places[s]), HINGE_RAD[part]
        if axis is None or not np.linalg.norm(axis) > 0:
            out[s] = np.eye(3) / FREE_RAD**2
            continue
        axis = axis / np.linalg.norm(axis)
        about = np.outer(axis, axis)
        out[s] = (np.eye(3) - about) / tight**2 + about / loose**2
    return out


def _hinge_axis(tree: Tree, segment: int, near: FloatArray, far: FloatArray) -> FloatArray | None:
    """Direction from a joint's centre to the marker over its side, across the bone; None without such a marker."""
    bone = far - near
    bone = bone / np.linalg.norm(bone)
    name = tree.segments[segment]
    along_it = TISSUES[name.split("_", 1)[1]]
    over = [
        place - far
        for place, s in zip(tree.reference, tree.carrier, strict=True)
        if s == segment and tissue_of(name, place, near, far) is not along_it
    ]
    if not over:
        return None
    across = over[0] - bone * (over[0] @ bone)
    return np.asarray(across)
