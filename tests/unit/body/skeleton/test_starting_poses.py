"""The first guess of poses: exact where markers tell, between its neighbours where they do not."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from tests.unit.body.skeleton.chains import RATE_HZ, arm, leg, markers_of, wandering
from viodat.body.rotations import nearest_rotation
from viodat.body.skeleton.starting_poses import starting_poses
from viodat.body.skeleton.tree import Pose, Slides


def case(frames: int = 120):
    tree, centres = leg()
    pose = wandering(tree, np.arange(frames) / RATE_HZ, 0.5, hz=0.4)
    return tree, centres, pose, markers_of(tree, pose, centres, Slides.none(len(tree.labels)))


def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles in rad between rotations (T, 3, 3)."""
    return Rotation.from_matrix(np.swapaxes(a, -1, -2) @ b).magnitude()


def test_nearest_rotation_is_a_rotation_and_undoes_a_stretch():
    rng = np.random.default_rng(0)
    turn = Rotation.random(20, random_state=1).as_matrix()
    stretched = turn @ (np.eye(3) + np.diag([0.5, 0.2, 0.1]))
    np.testing.assert_allclose(nearest_rotation(stretched), turn, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(nearest_rotation(rng.normal(size=(50, 3, 3)))), 1.0, atol=1e-9)


def test_exact_markers_give_nearly_the_poses():
    tree, centres, pose, observed = case()
    found = starting_poses(tree, centres, observed)
    np.testing.assert_allclose(found.root, pose.root, atol=1e-6)
    assert angle(found.rotation[:, 0], pose.rotation[:, 0]).max() < 1e-6
    for s in range(1, 4):
        assert angle(found.rotation[:, s], pose.rotation[:, s]).max() < 0.1


def test_without_a_root_there_is_none():
    tree, centres, _, observed = case()
    observed[:, 1:3] = np.nan
    assert starting_poses(tree, centres, observed) is None


def test_where_the_root_is_hidden_it_goes_evenly_from_one_end_of_the_gap_to_the_other():
    tree, centres, pose, observed = case()
    observed[40:80, :4] = np.nan
    found = starting_poses(tree, centres, observed)
    half = Rotation.from_matrix(pose.rotation[39, 0].T @ pose.rotation[80, 0]).as_rotvec() * 20 / 41
    middle = pose.rotation[39, 0] @ Rotation.from_rotvec(half).as_matrix()
    assert angle(found.rotation[59:60, 0], middle[None])[0] < 1e-3
    np.testing.assert_allclose(found.root[59], pose.root[39] + (pose.root[80] - pose.root[39]) * 20 / 41, atol=1e-6)


def test_segments_below_a_hidden_root_start_near_their_poses():
    """Turned onto their markers about a root in the wrong place they would start, and stay, bent the wrong way."""
    tree, centres, pose, observed = case()
    observed[20:100, :4] = np.nan
    # Two markers on a line with the joint leave a segment's turn about that line to the guess.
    observed[:, 5:7] = np.nan
    found = starting_poses(tree, centres, observed)
    for s in range(1, 4):
        assert angle(found.rotation[:, s], pose.rotation[:, s]).max() < 0.7


def test_before_the_first_and_after_the_last_frame_of_the_root_its_pose_is_kept():
    tree, centres, pose, observed = case()
    observed[:30, :4], observed[100:, :4] = np.nan, np.nan
    found = starting_poses(tree, centres, observed)
    assert angle(found.rotation[:30, 0], np.repeat(pose.rotation[30:31, 0], 30, axis=0)).max() < 1e-6
    assert angle(found.rotation[100:, 0], np.repeat(pose.rotation[99:100, 0], 20, axis=0)).max() < 1e-6


def test_a_hidden_segment_is_turned_between_its_neighbours():
    tree, centres, pose, observed = case()
    shank = tree.segments.index("left_shank")
    observed[50:60, [m for m, s in enumerate(tree.carrier) if s == shank]] = np.nan
    found = starting_poses(tree, centres, observed)
    assert np.isfinite(found.rotation).all()
    assert angle(found.rotation[50:60, shank], pose.rotation[50:60, shank]).max() < 0.15


def test_a_segment_without_markers_starts_towards_what_hangs_on_it():
    """Plug-in Gait's forearm: an elbow bent by a right angle since the static trial, and markers on the wrist alone."""
    tree, centres = arm()
    forearm = tree.segments.index("left_forearm")
    bare = [m for m, s in enumerate(tree.carrier) if s != forearm]
    tree = replace(
        tree,
        labels=tuple(tree.labels[m] for m in bare),
        carrier=tuple(tree.carrier[m] for m in bare),
        reference=tree.reference[bare],
    )
    pose = wandering(tree, np.arange(30) / RATE_HZ, 0.1, hz=0.4)
    bone = (centres[-1] - centres[2]) / np.linalg.norm(centres[-1] - centres[2])
    across = np.cross(bone, [0.0, 1.0, 0.0])
    bend = Rotation.from_rotvec(np.deg2rad(90) * across / np.linalg.norm(across)).as_matrix()
    rotation = pose.rotation.copy()
    rotation[:, forearm:] = bend @ rotation[:, forearm:]
    observed = markers_of(tree, Pose(pose.root, rotation), centres, Slides.none(len(tree.labels)))
    found = starting_poses(tree, centres, observed)
    cosine = np.einsum("ti,ti->t", found.rotation[:, forearm] @ bone, rotation[:, forearm] @ bone)
    assert np.degrees(np.arccos(cosine)).max() < 35
