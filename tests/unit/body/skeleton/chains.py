"""Chains of segments whose centres, slides and poses are chosen first; markers follow by plain loops.

It is the oracle of the skeleton's tests: nothing of :mod:`viodat.body.skeleton` computes a place here. mm and rad.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.body.skeleton.building import Expectation
from viodat.body.skeleton.tree import Pose, Slides, Tree

RATE_HZ = 100.0


def _tree(segments, parents, joints, joint_of, centres, markers_each, seed) -> tuple[Tree, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = np.array(centres, dtype=float)
    origin = np.array([10.0, -20.0, 1000.0])
    places = [origin if j < 0 else centres[j] for j in joint_of]
    labels, carrier, reference = [], [], []
    for s, name in enumerate(segments):
        for k in range(markers_each):
            labels.append(f"{name}{k}")
            carrier.append(s)
            reference.append(places[s] + rng.normal(scale=(60.0, 60.0, 90.0)) + [0.0, 0.0, -60.0])
    tree = Tree(
        tuple(segments), tuple(parents), tuple(joints), tuple(joint_of), tuple(labels), tuple(carrier),
        np.array(reference), origin,
    )  # fmt: skip
    return tree, centres


def leg(markers_each: int = 4, seed: int = 1) -> tuple[Tree, np.ndarray]:
    """Pelvis, thigh, shank and foot, and the true centres (3, 3)."""
    return _tree(
        ("pelvis", "left_thigh", "left_shank", "left_foot"), (-1, 0, 1, 2),
        ("left_pelvis", "left_knee", "left_ankle"), (-1, 0, 1, 2),
        [[0, 90, 930], [10, 100, 520], [-10, 95, 120]], markers_each, seed,
    )  # fmt: skip


def arm(markers_each: int = 4, seed: int = 2) -> tuple[Tree, np.ndarray]:
    """Thorax to hand, and the true centres (4, 3); wrist and hand turn about one centre."""
    return _tree(
        ("thorax", "left_clavicle", "left_upper_arm", "left_forearm", "left_wrist", "left_hand"), (-1, 0, 1, 2, 3, 4),
        ("left_sternoclavicular", "left_shoulder", "left_elbow", "left_wrist"), (-1, 0, 1, 2, 3, 3),
        [[40, 20, 1380], [0, 180, 1390], [10, 210, 1100], [90, 190, 860]], markers_each, seed,
    )  # fmt: skip


def two_legs(markers_each: int = 3, seed: int = 3) -> tuple[Tree, np.ndarray]:
    """A pelvis with both legs, and the true centres (6, 3)."""
    left = [[0, 90, 930], [10, 100, 520], [-10, 95, 120]]
    parts = ("thigh", "shank", "foot")
    joints = ("pelvis", "knee", "ankle")
    return _tree(
        ("pelvis", *(f"left_{p}" for p in parts), *(f"right_{p}" for p in parts)), (-1, 0, 1, 2, 0, 4, 5),
        (*(f"left_{j}" for j in joints), *(f"right_{j}" for j in joints)), (-1, 0, 1, 2, 3, 4, 5),
        [*left, *([x, -y, z] for x, y, z in left)], markers_each, seed,
    )  # fmt: skip


def slides_of(tree: Tree, markers: dict[int, int], size: float = 15.0, seed: int = 4) -> Slides:
    """Skin that slides under some markers: index of the marker -> how many neighbours of its segment drive it."""
    rng = np.random.default_rng(seed)
    neighbours = tuple(tree.neighbours[s][: markers.get(m, 0)] for m, s in enumerate(tree.carrier))
    return Slides(neighbours, tuple(rng.normal(scale=size, size=(len(others), 3, 3)) for others in neighbours))


def wandering(tree: Tree, times: np.ndarray, turn_rad: float, seed: int = 5, hz: float = 0.6) -> Pose:
    """Smooth poses: the root wanders through the room, every joint turns by up to about ``turn_rad`` about all axes."""
    rng = np.random.default_rng(seed)

    def smooth(size: float) -> np.ndarray:
        phase, rate = rng.uniform(0, 2 * np.pi, (2, 3)), hz * rng.uniform(0.5, 1.0, (2, 3))
        return size * np.sin(2 * np.pi * rate * times[:, None, None] + phase).mean(axis=1)

    turned: list[Rotation] = []
    for s, parent in enumerate(tree.parents):
        own = Rotation.from_rotvec(smooth(turn_rad if s else 0.5))
        turned.append(turned[parent] * own if parent >= 0 else own)
    return Pose(tree.origin + smooth(400.0), np.stack([r.as_matrix() for r in turned], axis=1))


def scattered(tree: Tree, frames: int, turn_rad: float, seed: int = 6) -> Pose:
    """Poses that have nothing to do with one another."""
    rng = np.random.default_rng(seed)
    turned: list[Rotation] = []
    for parent in tree.parents:
        own = Rotation.from_rotvec(rng.uniform(-1, 1, (frames, 3)) * turn_rad)
        turned.append(turned[parent] * own if parent >= 0 else own)
    return Pose(
        tree.origin + rng.normal(scale=300, size=(frames, 3)), np.stack([r.as_matrix() for r in turned], axis=1)
    )


def markers_of(tree: Tree, pose: Pose, centres: np.ndarray, slides: Slides) -> np.ndarray:
    """(T, M, 3) mm: where the markers are, by the formulae of the paper and nothing else."""
    out = np.empty((len(pose.root), len(tree.labels), 3))
    for t in range(len(pose.root)):
        turned = [Rotation.from_matrix(r) for r in pose.rotation[t]]
        origins: list[np.ndarray] = []
        place = [tree.origin if j < 0 else centres[j] for j in tree.joint_of]
        for s, parent in enumerate(tree.parents):
            step = pose.root[t] if parent < 0 else origins[parent] + turned[parent].apply(place[s] - place[parent])
            origins.append(step)
        for m, s in enumerate(tree.carrier):
            slid = np.zeros(3)
            for other, b in zip(slides.neighbours[m], slides.coefficients[m], strict=True):
                slid = slid + b @ (turned[s].inv() * turned[other]).as_rotvec()
            out[t, m] = origins[s] + turned[s].apply(tree.reference[m] - place[s] + slid)
    return out


def centres_of(tree: Tree, pose: Pose, centres: np.ndarray) -> np.ndarray:
    """(T, J, 3) mm: where the joint centres are in the world."""
    out = np.empty((len(pose.root), len(tree.joints), 3))
    for t in range(len(pose.root)):
        place = [tree.origin if j < 0 else centres[j] for j in tree.joint_of]
        origins: list[np.ndarray] = []
        for s, parent in enumerate(tree.parents):
            step = pose.rotation[t, parent] @ (place[s] - place[parent]) if parent >= 0 else np.zeros(3)
            origins.append(pose.root[t] if parent < 0 else origins[parent] + step)
            if parent >= 0:
                out[t, tree.joint_of[s]] = origins[s]
    return out


def weakly(tree: Tree, slides: Slides, spread_mm: float = 1.0) -> Expectation:
    """Next to nothing assumed: turns and slides as free as the markers leave them."""
    return Expectation(
        np.full(len(tree.labels), spread_mm),
        slides.neighbours,
        tuple(np.full(b.shape, 1e3) for b in slides.coefficients),
        np.tile(np.eye(3) * 1e-6, (len(tree.segments), 1, 1)),
    )


def nudged(pose: Pose, column: int, size: float) -> Pose:
    """Move one of the pose's unknowns: the root along x, y, z, then each segment about the world's axes."""
    root, rotation = pose.root.copy(), pose.rotation.copy()
    if column < 3:
        root[:, column] += size
    else:
        s, axis = divmod(column - 3, 3)
        rotation[:, s] = Rotation.from_rotvec(size * np.eye(3)[axis]).as_matrix() @ rotation[:, s]
    return Pose(root, rotation)
