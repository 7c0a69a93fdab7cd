"""A tree of rigid segments joined at centres of rotation, and where its markers are for given poses.

The reference posture is the static trial's: there every segment's axes are those of the world, so a joint centre and a
marker have one place, mm, whichever segment they are seen from. A pose turns each segment by a rotation R(s) that maps
reference to world directions; only the root is free to move. With C(s) the reference place of the centre about which
s turns and X(m) that of a marker on s,

    o(s) = o(parent) + R(parent) (C(s) − C(parent))           origin of s, the joint centre in the world
    x(m) = o(s) + R(s) (X(m) − C(s) + u(m))                   marker in the world

u(m) is how far the skin has slid under the marker since the static trial: linear in the rotations of the joints beside
the segment, u(m) = Σ_j B(m, j) φ(j) with φ(j) = log(R(s)ᵀ R(neighbour)) (rotation vector, rad). Bones have constant
length by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viodat.body.geometry import FloatArray
from viodat.body.rotations import left_jacobian_inverse, log, skew


@dataclass(frozen=True)
class Pose:
    """Poses of a tree: ``root`` (T, 3) mm, place of the root's origin; ``rotation`` (T, S, 3, 3)."""

    root: FloatArray
    rotation: FloatArray

    def __len__(self) -> int:
        return len(self.root)

    def __getitem__(self, frames: slice | NDArray[np.int64]) -> Pose:
        return Pose(self.root[frames], self.rotation[frames])


@dataclass(frozen=True)
class Tree:
    """Segments, how they hang together, and which markers they carry.

    Attributes
    ----------
    segments
        Names of the S segments, parents before children; the first is the root.
    parents
        For each segment the index of its parent, -1 for the root.
    joints
        Names of the J centres of rotation.
    joint_of
        For each segment the index of the centre about which it turns on its parent, -1 for the root.
    labels, carrier
        The M markers and the index of the segment of each.
    reference
        (M, 3) mm, places of the markers in the reference posture.
    origin
        (3,) mm, place of the root's origin in the reference posture.
    """

    segments: tuple[str, ...]
    parents: tuple[int, ...]
    joints: tuple[str, ...]
    joint_of: tuple[int, ...]
    labels: tuple[str, ...]
    carrier: tuple[int, ...]
    reference: FloatArray
    origin: FloatArray

    @property
    def size(self) -> int:
        """Degrees of freedom of one frame."""
        return 3 + 3 * len(self.segments)

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """For each segment the segments from the root to it, both included."""
        found: list[tuple[int, ...]] = []
        for s, parent in enumerate(self.parents):
            found.append((*found[parent], s) if parent >= 0 else (s,))
        return tuple(found)

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """For each segment those it is joined to, one for each of its joints."""
        children: list[list[int]] = [[] for _ in self.segments]
        for s, parent in enumerate(self.parents):
            if parent >= 0:
                children[parent].append(s)
        return tuple(tuple(([parent] if parent >= 0 else []) + children[s]) for s, parent in enumerate(self.parents))

    def places(self, centres: FloatArray) -> FloatArray:
        """(S, 3) mm, the reference places of the segments' origins for (J, 3) joint centres."""
        return np.array([self.origin if j < 0 else centres[j] for j in self.joint_of])

    def origins(self, pose: Pose, centres: FloatArray) -> FloatArray:
        """(T, S, 3) mm, the segments' origins in the world."""
        places = self.places(centres)
        out = np.empty((len(pose), len(self.segments), 3))
        out[:, 0] = pose.root
        for s, parent in enumerate(self.parents):
            if parent >= 0:
                out[:, s] = out[:, parent] + pose.rotation[:, parent] @ (places[s] - places[parent])
        return out

    def turns(self, pose: Pose) -> dict[tuple[int, int], FloatArray]:
        """Rotation vectors (T, 3) rad of each neighbour in each segment's coordinates, by (segment, neighbour)."""
        found: dict[tuple[int, int], FloatArray] = {}
        for s, parent in enumerate(self.parents):
            if parent >= 0:
                relative = log(np.swapaxes(pose.rotation[:, s], -1, -2) @ pose.rotation[:, parent])
                found[s, parent] = relative
                # The inverse rotation has the negative vector, and its axis is the same from either side.
                found[parent, s] = -relative
        return found


@dataclass(frozen=True)
class Slides:
    """How skin slides: for each marker the neighbours that matter (K) and the coefficients (K, 3, 3) mm/rad.

    ``coefficients[m][k]`` maps the rotation vector of neighbour ``neighbours[m][k]``, seen from the marker's segment,
    to the marker's displacement in the segment.
    """

    neighbours: tuple[tuple[int, ...], ...]
    coefficients: tuple[FloatArray, ...]

    @classmethod
    def none(cls, markers: int) -> Slides:
        """Skin that does not slide."""
        return cls(((),) * markers, (np.zeros((0, 3, 3)),) * markers)

    def displacement(self, tree: Tree, turns: dict[tuple[int, int], FloatArray], frames: int) -> FloatArray:
        """(T, M, 3) mm, in the segments' coordinates."""
        out = np.zeros((frames, len(tree.labels), 3))
        for m, s in enumerate(tree.carrier):
            for k, other in enumerate(self.neighbours[m]):
                out[:, m] += turns[s, other] @ self.coefficients[m][k].T
        return out


@dataclass(frozen=True)
class Prediction:
    """Markers of a tree at given poses.

    Attributes
    ----------
    origins
        (T, S, 3) mm, world.
    arms
        (T, M, 3) mm, from the segment's origin to the marker, world.
    turns
        As :meth:`Tree.turns` gives them.
    """

    origins: FloatArray
    arms: FloatArray
    turns: dict[tuple[int, int], FloatArray]
    carrier: tuple[int, ...]

    @property
    def markers(self) -> FloatArray:
        """(T, M, 3) mm, world."""
        return self.origins[:, self.carrier] + self.arms


def predict(tree: Tree, pose: Pose, centres: FloatArray, slides: Slides) -> Prediction:
    """Where the markers are, and what their derivatives need."""
    turns = tree.turns(pose)
    carrier = list(tree.carrier)
    local = (tree.reference - tree.places(centres)[carrier]) + slides.displacement(tree, turns, len(pose))
    arms = np.einsum("tmij,tmj->tmi", pose.rotation[:, carrier], local)
    return Prediction(tree.origins(pose, centres), arms, turns, tree.carrier)


def pose_jacobian(tree: Tree, pose: Pose, at: Prediction, slides: Slides) -> FloatArray:
    """(T, M, 3, N) mm/mm and mm/rad: how the markers move with the root's place and each segment's turn.

    Columns: root x, y, z, then the rotation of each segment (world, acting from the left).
    """
    frames, markers = len(pose), len(tree.labels)
    out = np.zeros((frames, markers, 3, tree.size))
    out[..., 0, 0] = out[..., 1, 1] = out[..., 2, 2] = 1.0
    steps = {}
    for s, parent in enumerate(tree.parents):
        if parent >= 0:
            steps[s] = -skew(at.origins[:, s] - at.origins[:, parent])
    arms = -skew(at.arms)
    inverse = {}
    for m, s in enumerate(tree.carrier):
        path = tree.paths[s]
        for here, following in pairwise(path):
            out[:, m, :, 3 + 3 * here : 6 + 3 * here] = steps[following]
        own = slice(3 + 3 * s, 6 + 3 * s)
        out[:, m, :, own] = arms[:, m]
        for k, other in enumerate(slides.neighbours[m]):
            if (s, other) not in inverse:
                turned = left_jacobian_inverse(at.turns[s, other])
                inverse[s, other] = turned @ np.swapaxes(pose.rotation[:, s], -1, -2)
            slid = pose.rotation[:, s] @ slides.coefficients[m][k] @ inverse[s, other]
            out[:, m, :, 3 + 3 * other : 6 + 3 * other] += slid
            out[:, m, :, own] -= slid
    return out


def centre_jacobian(tree: Tree, pose: Pose) -> FloatArray:
    """(T, M, 3, 3J): how the markers move with the reference places of the joint centres."""
    out = np.zeros((len(pose), len(tree.labels), 3, 3 * len(tree.joints)))
    change = {s: pose.rotation[:, parent] - pose.rotation[:, s] for s, parent in enumerate(tree.parents) if parent >= 0}
    for m, s in enumerate(tree.carrier):
        for step in tree.paths[s][1:]:
            j = tree.joint_of[step]
            # Radius and hand turn about one centre: both steps act on it.
            out[:, m, :, 3 * j : 3 * j + 3] += change[step]
    return out


def subtree(tree: Tree, wanted: Sequence[str]) -> Tree:
    """Take some segments, which hold the parent of each but the first, with their joints and markers."""
    kept = [s for s, name in enumerate(tree.segments) if name in wanted]
    new = {s: i for i, s in enumerate(kept)}
    joints = list(dict.fromkeys(tree.joint_of[s] for s in kept if tree.joint_of[s] >= 0))
    markers = [m for m, s in enumerate(tree.carrier) if s in new]
    return Tree(
        tuple(tree.segments[s] for s in kept),
        tuple(new[tree.parents[s]] if tree.parents[s] >= 0 else -1 for s in kept),
        tuple(tree.joints[j] for j in joints),
        tuple(joints.index(tree.joint_of[s]) if tree.joint_of[s] >= 0 else -1 for s in kept),
        tuple(tree.labels[m] for m in markers),
        tuple(new[tree.carrier[m]] for m in markers),
        tree.reference[markers],
        tree.origin,
    )
