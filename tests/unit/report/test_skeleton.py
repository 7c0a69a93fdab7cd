"""A skeleton is drawn where its joints are, in its side's colour, and never where a joint is missing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.report.sheets import STANDING_PX
from viodat.joints import JOINT_INDEX, JOINTS
from viodat.report.skeleton import SideColours, draw_skeleton, rgb

SIDES = SideColours(left=(0, 0, 255), right=(255, 0, 0), middle=(255, 255, 255))
BLANK = np.full((480, 640, 3), 128, dtype=np.uint8)


def test_joints_and_bones_are_where_they_should_be() -> None:
    picture = draw_skeleton(BLANK, STANDING_PX, colour=SIDES)
    for name, (x, y) in zip(JOINTS, STANDING_PX, strict=True):
        expected = SIDES.left if name.startswith("left") else SIDES.right
        assert tuple(picture[round(y), round(x)]) == expected
    elbow, wrist = STANDING_PX[JOINT_INDEX["left_elbow"]], STANDING_PX[JOINT_INDEX["left_wrist"]]
    x, y = (elbow + wrist) / 2
    assert tuple(picture[round(y), round(x)]) == SIDES.left


def test_the_input_is_not_changed_and_a_nan_pose_draws_nothing() -> None:
    before = BLANK.copy()
    draw_skeleton(BLANK, STANDING_PX, colour=SIDES)
    assert (before == BLANK).all()
    assert (draw_skeleton(BLANK, np.full((18, 2), np.nan), colour=SIDES) == BLANK).all()


def test_a_missing_joint_takes_its_bones_along() -> None:
    pose = np.full((18, 2), np.nan)
    pose[JOINT_INDEX["left_elbow"]] = (100, 100)
    pose[JOINT_INDEX["left_wrist"]] = (300, 100)
    assert tuple(draw_skeleton(BLANK, pose, colour=SIDES)[100, 200]) == SIDES.left
    valid = np.ones(18, dtype=bool)
    valid[JOINT_INDEX["left_wrist"]] = False
    half = draw_skeleton(BLANK, pose, colour=SIDES, valid=valid)
    assert tuple(half[100, 200]) == (128, 128, 128)
    assert tuple(half[100, 100]) == SIDES.left
    pose[JOINT_INDEX["left_wrist"], 0] = np.nan
    assert (draw_skeleton(BLANK, pose, colour=SIDES) == half).all()


@pytest.mark.parametrize("far", [1e9, -1e9, 1e300, np.inf])
def test_far_joints_count_as_missing(far: float) -> None:
    pose = np.full((18, 2), far)
    assert (draw_skeleton(BLANK, pose, colour=SIDES) == BLANK).all()


def test_a_joint_just_outside_still_directs_its_bone() -> None:
    pose = np.full((18, 2), np.nan)
    pose[JOINT_INDEX["right_knee"]] = (320, 240)
    pose[JOINT_INDEX["right_ankle"]] = (320, 900)
    assert tuple(draw_skeleton(BLANK, pose, colour=SIDES)[470, 320]) == SIDES.right


def test_lines_grow_with_the_picture() -> None:
    def width_of_bone(size: int) -> int:
        pose = np.full((18, 2), np.nan)
        pose[JOINT_INDEX["left_elbow"]] = (size * 0.1, size / 2)
        pose[JOINT_INDEX["left_wrist"]] = (size * 0.9, size / 2)
        picture = draw_skeleton(np.zeros((size, size, 3), dtype=np.uint8), pose, colour=(255, 255, 0))
        return int((picture[:, size // 2, 0] > 200).sum())

    assert width_of_bone(2000) >= 3 * width_of_bone(400)


def test_one_colour_for_all() -> None:
    picture = draw_skeleton(BLANK, STANDING_PX, colour=rgb("#F0E442"))
    for x, y in STANDING_PX:
        assert tuple(picture[round(y), round(x)]) == (0xF0, 0xE4, 0x42)


@pytest.mark.parametrize(
    ("image", "px", "valid"),
    [
        (np.zeros((10, 10), dtype=np.uint8), STANDING_PX, None),
        (np.zeros((10, 10, 3)), STANDING_PX, None),
        (np.zeros((0, 10, 3), dtype=np.uint8), STANDING_PX, None),
        (BLANK, STANDING_PX[:17], None),
        (BLANK, STANDING_PX, np.ones(17, dtype=bool)),
    ],
    ids=["grey", "float", "empty", "joints", "valid"],
)
def test_another_shape_is_refused(image: np.ndarray, px: np.ndarray, valid: np.ndarray | None) -> None:
    with pytest.raises(ValueError, match="expected"):
        draw_skeleton(image, px, colour=SIDES, valid=valid)
