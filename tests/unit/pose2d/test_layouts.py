"""Point lists: written down a second time here, as the detectors' documents number them."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.joints import JOINTS
from viodat.pose2d import LAYOUTS, to_joints

# The published VioDat release takes these of MediaPipe's 33 landmarks, in the order of the 18 joints.
RELEASE = [27, 13, 23, 25, 11, 15, 28, 14, 24, 26, 12, 16, 19, 17, 21, 20, 18, 22]
# First twelve joints: ankle, elbow, hip, knee, shoulder, wrist, left and then right.
TWELVE = {
    "coco17": [15, 7, 11, 13, 5, 9, 16, 8, 12, 14, 6, 10],
    "coco18": [13, 6, 11, 12, 5, 7, 10, 3, 8, 9, 2, 4],
    "body25": [14, 6, 12, 13, 5, 7, 11, 3, 9, 10, 2, 4],
    "body25b": [15, 7, 11, 13, 5, 9, 16, 8, 12, 14, 6, 10],
}
SIZES = {"viodat18": 18, "coco17": 17, "coco18": 18, "body25": 25, "body25b": 25, "mediapipe33": 33}


def test_mediapipe_follows_the_release() -> None:
    assert list(LAYOUTS["mediapipe33"].joint_points) == RELEASE


@pytest.mark.parametrize("name", TWELVE)
def test_twelve_joints_and_no_fingers(name: str) -> None:
    assert list(LAYOUTS[name].joint_points[:12]) == TWELVE[name]
    assert LAYOUTS[name].joint_points[12:] == (None,) * 6
    assert LAYOUTS[name].absent == JOINTS[12:]


@pytest.mark.parametrize("name", LAYOUTS)
def test_sizes_and_unique_names(name: str) -> None:
    points = LAYOUTS[name].points
    assert len(points) == SIZES[name]
    assert len(set(points)) == len(points)


@pytest.mark.parametrize(
    ("name", "point", "index"),
    [("body25", "left_heel", 21), ("body25", "left_ear", 18), ("body25", "mid_hip", 8), ("body25b", "head_top", 18),
     ("body25b", "right_small_toe", 23), ("coco18", "left_eye", 15), ("mediapipe33", "right_eye_outer", 6),
     ("mediapipe33", "left_mouth", 9), ("mediapipe33", "right_foot_index", 32)],
)  # fmt: skip
def test_other_points_stand_where_the_documents_say(name: str, point: str, index: int) -> None:
    assert LAYOUTS[name].points[index] == point


def test_absent_joints_are_nan_and_others_exact() -> None:
    rng = np.random.default_rng(1)
    points, rated = rng.uniform(0, 900, (4, 17, 2)), rng.uniform(0.1, 1, (4, 17))
    px, confidence = to_joints(points, rated, "coco17")
    assert np.array_equal(px[:, :12], points[:, TWELVE["coco17"]])
    assert np.array_equal(confidence[:, :12], rated[:, TWELVE["coco17"]])
    assert np.isnan(px[:, 12:]).all()
    assert np.isnan(confidence[:, 12:]).all()


def test_wrong_number_of_points_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="33"):
        to_joints(np.zeros((1, 17, 2)), np.zeros((1, 17)), "mediapipe33")
