"""OpenPose folders, written here as OpenPose writes them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viodat.errors import CaptureError, ConfigError
from viodat.joints import JOINT_INDEX
from viodat.pose2d import Keypoints, create_source


def person(seed: int, points: int = 25, at: tuple[float, float] = (500.0, 900.0), size: float = 300.0) -> np.ndarray:
    # The body is the same in every frame; only the jitter has the frame's seed.
    body = np.random.default_rng(100).uniform(-size, size, (points, 2)) + at
    rng = np.random.default_rng(seed)
    return np.column_stack([body + rng.normal(0, 2, body.shape), rng.uniform(0.3, 0.9, points)])


def write(folder: Path, number: int | str, *people: np.ndarray, **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    content = {"version": 1.3, "people": [{"pose_keypoints_2d": p.ravel().tolist(), **more} for p in people]}
    name = f"clip_{number:012d}_keypoints.json" if isinstance(number, int) else number
    (folder / name).write_text(json.dumps(content))
    return folder


def read(folder: Path, **options: Any) -> Keypoints:
    return create_source("openpose", **options).read(folder)


def test_numbers_gaps_and_empty_frames(tmp_path: Path) -> None:
    folder = tmp_path / "C01_json"
    for number in (2, 3, 7):
        write(folder, number, person(number))
    write(folder, 8)
    keypoints = read(folder)
    assert keypoints.frame is not None
    assert keypoints.frame.tolist() == [2, 3, 7, 8]
    assert keypoints.layout == "body25"
    assert any("layout=body25b" in note for note in keypoints.notes)
    np.testing.assert_array_equal(keypoints.px[2, JOINT_INDEX["left_wrist"]], person(7)[7, :2])
    np.testing.assert_array_equal(keypoints.confidence[2, JOINT_INDEX["left_wrist"]], person(7)[7, 2])
    assert np.isnan(keypoints.px[3]).all()
    placed = keypoints.on_frames(np.arange(10) * 512)
    assert np.flatnonzero(placed.seen.any(-1)).tolist() == [2, 3, 7]


def test_body25_and_body25b_differ_only_by_the_argument(tmp_path: Path) -> None:
    folder = write(tmp_path / "j", 0, person(1))
    left_wrist = JOINT_INDEX["left_wrist"]
    assert np.array_equal(read(folder).px[0, left_wrist], person(1)[7, :2])
    assert np.array_equal(read(folder, layout="body25b").px[0, left_wrist], person(1)[9, :2])


def test_coco_is_known_by_its_18_points(tmp_path: Path) -> None:
    keypoints = read(write(tmp_path / "j", 0, person(1, 18)))
    assert keypoints.layout == "coco18"
    assert np.array_equal(keypoints.px[0, JOINT_INDEX["right_wrist"]], person(1, 18)[4, :2])


def test_zero_is_missing(tmp_path: Path) -> None:
    body = person(1)
    body[7] = 0.0
    body[4, 2] = 0.0
    keypoints = read(write(tmp_path / "j", 0, body))
    assert np.isnan(keypoints.px[0, [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]]).all()
    assert keypoints.seen[0, :12].sum() == 10


def test_a_bystander_listed_first_is_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "j"
    for number in range(6):
        small = person(number, at=(1200.0, 700.0), size=120.0)
        write(folder, number, *((small, person(number)) if number % 2 else (person(number), small)))
    twelve = [14, 6, 12, 13, 5, 7, 11, 3, 9, 10, 2, 4]
    expected = np.stack([person(number)[twelve, :2] for number in range(6)])
    np.testing.assert_array_equal(read(folder).px[:, :12], expected)


def test_hands_give_the_fingers(tmp_path: Path) -> None:
    hand = np.column_stack([np.arange(21) + 300.0, np.arange(21) + 600.0, np.full(21, 0.6)])
    folder = write(tmp_path / "j", 0, person(1), hand_left_keypoints_2d=hand.ravel().tolist())
    keypoints = read(folder)
    fingers = [JOINT_INDEX[f"left_{name}"] for name in ("index", "pinky", "thumb")]
    assert keypoints.px[0, fingers, 0].tolist() == [305.0, 317.0, 303.0]
    assert keypoints.confidence[0, fingers].tolist() == [0.6] * 3
    assert any("right_index, right_pinky, right_thumb: missing" in note for note in keypoints.notes)


def test_nobody_in_any_frame_is_missing_not_an_error(tmp_path: Path) -> None:
    keypoints = read(write(write(tmp_path / "j", 0), 1))
    assert np.isnan(keypoints.px).all()
    assert keypoints.px.shape == (2, 18, 2)
    assert "nobody was detected in any of 2 frames" in keypoints.notes


def test_first_frame(tmp_path: Path) -> None:
    folder = write(write(tmp_path / "j", 1, person(1)), 2, person(2))
    keypoints = read(folder, first_frame=1)
    assert keypoints.frame is not None
    assert keypoints.frame.tolist() == [0, 1]
    with pytest.raises(CaptureError, match="frame number -1"):
        read(folder, first_frame=2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{}", "no frame number"),
        ("a_0.json", "{", "is not JSON"),
        ("a_0.json", "[]", "no list 'people'"),
        ("a_0.json", '{"people": 3}', "no list 'people'"),
        ("a_0.json", '{"people": [3]}', "person 0 is not an object"),
        ("a_0.json", '{"people": [{"pose_keypoints_2d": [1, 2]}]}', "not a list of x, y, score"),
        ("a_0.json", '{"people": [{"pose_keypoints_2d": [1, "a", 3]}]}', "not a list of x, y, score"),
        ("a_0.json", '{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "1 points per person"),
        ("a_0.json", '{"people": [{"pose_keypoints_2d": [1' + "0" * 400 + ", 2, 3]}]}", "beyond any picture"),
        ("a_0.json", "[" * 100_000, "is not JSON"),
        ("a_99999999999999.json", '{"people": []}', "frame number"),
    ],
)  # fmt: skip
def test_what_is_not_openpose_is_refused_by_name(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(CaptureError, match=message):
        read(tmp_path)


def test_two_files_of_one_frame(tmp_path: Path) -> None:
    write(write(tmp_path / "j", "a_1.json", person(1)), "b_1.json", person(1))
    with pytest.raises(CaptureError, match="frame number 1 occurs 2 times"):
        read(tmp_path / "j")


def test_models_do_not_mix(tmp_path: Path) -> None:
    write(write(tmp_path / "j", 0, person(1)), 1, person(1, 18))
    with pytest.raises(CaptureError, match=r"clip_000000000001_keypoints\.json: 18 points .* 25"):
        read(tmp_path / "j")


def test_wrong_options_and_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no layout 'body26'"):
        create_source("openpose", layout="body26")
    with pytest.raises(CaptureError, match="is not a folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(CaptureError, match=r"holds no \.json"):
        read(tmp_path)
    with pytest.raises(CaptureError, match="layout coco18 has 18"):
        read(write(tmp_path / "j", 0, person(1)), layout="coco18")


def test_a_pipe_among_the_frames_is_not_waited_for(tmp_path: Path) -> None:
    folder = write(tmp_path / "C01_json", 0, person(0))
    os.mkfifo(folder / "clip_000000000001_keypoints.json")
    with pytest.raises(CaptureError, match="clip_000000000001_keypoints.json: is no file"):
        read(folder)
