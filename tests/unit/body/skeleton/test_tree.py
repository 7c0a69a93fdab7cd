"""Trees against plain loops, and their derivatives against central differences of those loops."""

import numpy as np
import pytest

from tests.unit.body.skeleton.chains import arm, centres_of, leg, markers_of, nudged, scattered, slides_of, two_legs
from viodat.body.skeleton.tree import Pose, Slides, centre_jacobian, pose_jacobian, predict, subtree

TREES = {"leg": leg, "arm": arm, "two legs": two_legs}


@pytest.fixture(params=TREES)
def posed(request):
    """A tree with a sliding marker on each segment (driven by all neighbours), its centres, slides and some poses."""
    tree, centres = TREES[request.param](3)
    slides = slides_of(tree, {m: 9 for m in range(0, len(tree.labels), 3)})
    return tree, centres, slides, scattered(tree, 4, 0.9)


def test_markers_are_where_plain_loops_put_them(posed):
    tree, centres, slides, pose = posed
    assert max(len(n) for n in slides.neighbours) >= 2
    np.testing.assert_allclose(
        predict(tree, pose, centres, slides).markers, markers_of(tree, pose, centres, slides), atol=1e-9
    )


def test_in_the_reference_posture_markers_are_at_their_places(posed):
    tree, centres, slides, _ = posed
    resting = Pose(tree.origin[None], np.tile(np.eye(3), (1, len(tree.segments), 1, 1)))
    np.testing.assert_allclose(predict(tree, resting, centres, slides).markers[0], tree.reference, atol=1e-9)


def test_turns_are_opposite_seen_from_either_side(posed):
    tree, _, _, pose = posed
    turns = tree.turns(pose)
    assert len(turns) == 2 * (len(tree.segments) - 1)
    for (s, other), vectors in turns.items():
        np.testing.assert_array_equal(turns[other, s], -vectors)


def test_bones_are_of_constant_length(posed):
    tree, centres, _, pose = posed
    origins = tree.origins(pose, centres)
    places = tree.places(centres)
    for s, parent in enumerate(tree.parents):
        if parent >= 0:
            length = np.linalg.norm(origins[:, s] - origins[:, parent], axis=-1)
            np.testing.assert_allclose(length, np.linalg.norm(places[s] - places[parent]), atol=1e-9)
    np.testing.assert_allclose(origins[:, 1:], centres_of(tree, pose, centres)[:, list(tree.joint_of[1:])], atol=1e-9)


def test_pose_jacobian_by_central_differences(posed):
    tree, centres, slides, pose = posed
    found = pose_jacobian(tree, pose, predict(tree, pose, centres, slides), slides)
    assert found.shape == (len(pose), len(tree.labels), 3, tree.size)
    for column in range(tree.size):
        size = 1e-3 if column < 3 else 1e-5
        ends = [markers_of(tree, nudged(pose, column, sign * size), centres, slides) for sign in (1, -1)]
        np.testing.assert_allclose(found[..., column], (ends[0] - ends[1]) / (2 * size), atol=2e-4)


def test_centre_jacobian_by_central_differences(posed):
    tree, centres, slides, pose = posed
    found = centre_jacobian(tree, pose)
    assert found.shape == (len(pose), len(tree.labels), 3, centres.size)
    for column in range(centres.size):
        step = np.zeros(centres.size)
        step[column] = 0.5
        ends = [markers_of(tree, pose, centres + sign * step.reshape(-1, 3), slides) for sign in (1, -1)]
        np.testing.assert_allclose(found[..., column], ends[0] - ends[1], atol=1e-9, err_msg=f"column {column}")


def test_wrist_and_hand_turn_about_one_centre():
    tree, centres = arm()
    pose = scattered(tree, 5, 1.0)
    origins = tree.origins(pose, centres)
    wrist, hand = tree.segments.index("left_wrist"), tree.segments.index("left_hand")
    np.testing.assert_array_equal(origins[:, wrist], origins[:, hand])
    # Markers of the hand do not see the wrist's turn: between the two there is no distance.
    none = Slides.none(len(tree.labels))
    found = pose_jacobian(tree, pose, predict(tree, pose, centres, none), none)
    on_hand = [m for m, s in enumerate(tree.carrier) if s == hand]
    assert not found[:, on_hand, :, 3 + 3 * wrist : 6 + 3 * wrist].any()


def test_a_limb_taken_out_moves_as_in_the_whole():
    tree, centres = two_legs()
    wanted = ("pelvis", "right_thigh", "right_shank", "right_foot")
    part = subtree(tree, wanted)
    assert part.segments == wanted
    assert part.joints == ("right_pelvis", "right_knee", "right_ankle")
    assert part.parents == (-1, 0, 1, 2)
    kept = [tree.segments.index(name) for name in wanted]
    pose = scattered(tree, 3, 0.8)
    theirs = Pose(pose.root, pose.rotation[:, kept])
    found = predict(part, theirs, centres[3:], Slides.none(len(part.labels))).markers
    whole = predict(tree, pose, centres, Slides.none(len(tree.labels))).markers
    np.testing.assert_allclose(found, whole[:, [tree.labels.index(label) for label in part.labels]], atol=1e-9)


def test_neighbours_are_parent_and_children():
    tree, _ = two_legs()
    names = {s: {tree.segments[o] for o in others} for s, others in enumerate(tree.neighbours)}
    assert names[0] == {"left_thigh", "right_thigh"}
    assert names[tree.segments.index("right_shank")] == {"right_thigh", "right_foot"}
    assert names[tree.segments.index("left_foot")] == {"left_shank"}
