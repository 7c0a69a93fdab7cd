"""Spellings of joints in files of other systems."""

import pytest

from viodat.body import MARKER_SETS
from viodat.body.named_joints import NAMED_LABELS, joint_of_label, match_named_joints
from viodat.joints import JOINTS


@pytest.mark.parametrize(
    ("label", "joint"),
    [
        ("LHip", "left_pelvis"),
        ("right_hip", "right_pelvis"),
        ("HipLeft", "left_pelvis"),
        ("hip_r", "right_pelvis"),
        ("L_Knee", "left_knee"),
        ("RHJC", "right_pelvis"),
        ("left ankle", "left_ankle"),
        ("LEFT_ELBOW", "left_elbow"),
        ("right_thumb3", "right_thumb"),
        ("left_forefinger1", "left_index"),
        ("LPinky", "left_pinky"),
        ("LKNE", None),
        ("LANK", None),
        ("Hip", None),
        ("RBigToe", None),
        ("LFoot", None),
        ("", None),
        ("左膝", None),
    ],
)
def test_spellings(label, joint):
    assert joint_of_label(label) == joint


def test_canonical_labels_name_their_joint():
    assert set(NAMED_LABELS) == set(JOINTS)
    assert all(joint_of_label(label) == joint for joint, label in NAMED_LABELS.items())


def test_no_marker_of_a_marker_set_is_taken_for_a_joint():
    for name, marker_set in MARKER_SETS.items():
        if name != "named-joints":
            assert match_named_joints(marker_set.labels) == {}


def test_the_first_of_several_labels_counts():
    assert match_named_joints(["Neck", "left_hip", "LHip"]) == {"left_pelvis": "left_hip"}
