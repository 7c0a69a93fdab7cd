"""Arrays and tables from other detectors, and what is wrong with them when something is."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viodat.errors import CaptureError, ConfigError
from viodat.joints import JOINT_INDEX, JOINTS
from viodat.pose2d import Keypoints, create_source, source_for

FRAMES = 12


def points(count: int, frames: int = FRAMES) -> np.ndarray:
    body = np.random.default_rng(count).uniform(200, 700, (count, 2))
    return body + np.linspace(0, 40, frames)[:, None, None]


def save(path: Path, **fields: Any) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **fields)
    else:
        plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in fields.items()}
        path.write_text(json.dumps(plain))
    return path


def read(path: Path, **options: Any) -> Keypoints:
    return source_for(path, **options).read(path)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_all_fields(tmp_path: Path, suffix: str) -> None:
    px, rated = points(33), np.full((FRAMES, 33), 0.5)
    px[4, 15] = np.nan
    pts = np.arange(FRAMES) * 3000
    path = save(
        tmp_path / f"P05C01T28.keypoints{suffix}",
        keypoints_px=px,
        confidence=rated,
        layout="mediapipe33",
        pts=pts,
        frame=np.arange(FRAMES),
        image_size_px=np.array([1280, 720]),
        comment="passed over",
    )
    keypoints = read(path)
    left_wrist = JOINT_INDEX["left_wrist"]
    np.testing.assert_array_equal(np.delete(keypoints.px[:, left_wrist], 4, 0), np.delete(px[:, 15], 4, 0))
    assert np.isnan(keypoints.px[4, left_wrist]).all()
    assert np.isnan(keypoints.confidence[4, left_wrist])
    assert keypoints.confidence[5, left_wrist] == 0.5
    assert keypoints.pts is not None
    assert keypoints.pts.tolist() == pts.tolist()
    assert keypoints.image_size_px == (1280, 720)
    assert keypoints.layout == "mediapipe33"
    assert keypoints.source == path.name
    assert keypoints.notes == ()


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_third_column_is_the_confidence_and_17_points_are_coco(tmp_path: Path, suffix: str) -> None:
    values = np.concatenate([points(17), np.full((FRAMES, 17, 1), 0.7)], -1)
    keypoints = read(save(tmp_path / f"a{suffix}", keypoints_px=values))
    assert keypoints.layout == "coco17"
    np.testing.assert_array_equal(keypoints.px[:, JOINT_INDEX["right_ankle"]], values[:, 16, :2])
    assert (keypoints.confidence[:, :12] == 0.7).all()
    assert any("no left_index" in note for note in keypoints.notes)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_several_people(tmp_path: Path, suffix: str) -> None:
    own = points(17)
    other = 0.4 * own + 900
    people = np.stack([own, other], 1)
    people[::2] = people[::2, ::-1]
    keypoints = read(save(tmp_path / f"a{suffix}", keypoints_px=people))
    np.testing.assert_array_equal(keypoints.px[:, JOINT_INDEX["left_ankle"]], own[:, 15])
    assert "the file states no confidences" in keypoints.notes
    assert np.isnan(keypoints.confidence).all()


NUMBERS = points(17)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "no field keypoints_px"),
        ({"keypoints_px": points(18)}, "viodat18 or coco18"),
        ({"keypoints_px": points(20)}, "20 points and no field layout"),
        ({"keypoints_px": NUMBERS, "layout": "coco"}, "no layout 'coco'"),
        ({"keypoints_px": NUMBERS, "layout": "body25"}, "layout body25 has 25"),
        ({"keypoints_px": NUMBERS[0]}, r"shape \(17, 2\)"),
        ({"keypoints_px": NUMBERS[:0]}, "is empty"),
        ({"keypoints_px": NUMBERS, "confidence": np.ones((FRAMES, 18))}, "confidence has shape"),
        ({"keypoints_px": NUMBERS, "pts": np.arange(5)}, r"expected \(12,\) integers"),
        ({"keypoints_px": NUMBERS, "pts": np.zeros(FRAMES)}, "pts 0 occurs 12 times"),
        ({"keypoints_px": NUMBERS, "pts": np.arange(FRAMES) / 30}, "fractions"),
        ({"keypoints_px": NUMBERS, "frame": np.arange(FRAMES) - 1}, "frame number -1"),
        ({"keypoints_px": NUMBERS, "image_size_px": np.array([0, 720])}, "image_size_px is"),
        ({"keypoints_px": np.full((2, 17, 2), "x")}, "not an array of numbers"),
        ({"keypoints_px": NUMBERS * 1e6}, "expected pixels"),
    ],
)
def test_wrong_fields(tmp_path: Path, suffix: str, fields: dict[str, Any], message: str) -> None:
    path = save(tmp_path / f"P05C01T28.keypoints{suffix}", **fields)
    with pytest.raises(CaptureError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith("P05C01T28.keypoints")


def test_layout_option(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", keypoints_px=points(18))
    assert read(path, layout="viodat18").layout == "viodat18"
    assert read(path, layout="coco18").layout == "coco18"
    stated = save(tmp_path / "b.npz", keypoints_px=points(18), layout="coco18")
    with pytest.raises(CaptureError, match="says layout coco18, viodat18 was asked for"):
        read(stated, layout="viodat18")
    with pytest.raises(ConfigError, match="no layout 'coco'"):
        create_source("npz", layout="coco")


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    np.savez(tmp_path / "a.npz", keypoints_px=np.array([Trap()], dtype=object))
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Trap()))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(CaptureError, match=rf"{name}: .*pickle.*np\.savez"):
            read(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_a_header_that_asks_for_much_memory_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**8, 17, 2)}
    np.lib.format.write_array_header_1_0(content, header)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("keypoints_px.npy", content.getvalue() + bytes(1000))
    with pytest.raises(CaptureError, match="another size"):
        read(tmp_path / "a.npz")


def test_a_member_that_unpacks_to_much_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, keypoints_px=np.zeros((4000, 17, 2)))
    with zipfile.ZipFile(path) as archive:
        size = struct.pack("<L", archive.getinfo("keypoints_px.npy").file_size)
    content = path.read_bytes()
    path.write_bytes(content.replace(size, struct.pack("<L", 2 << 30)))
    with pytest.raises(CaptureError, match=r"keypoints_px takes 2\.0 GiB"):
        read(path)
    path.write_bytes(content.replace(size, struct.pack("<L", 1000)))
    with pytest.raises(CaptureError):
        read(path)


def test_absent_files(tmp_path: Path) -> None:
    for suffix in (".npz", ".json", ".csv"):
        with pytest.raises(CaptureError):
            read(tmp_path / f"a{suffix}")
    with pytest.raises(ConfigError, match=r"a\.pkl: no keypoint source"):
        source_for(tmp_path / "a.pkl")


TABLE = "frame,pts,joint,x,y,confidence\n" + "\n".join(
    f"{frame},{frame * 512},{name},{100 + 10 * i + frame},{200 + 7 * i},0.{5 + i % 4}"
    for frame in (0, 1, 4)
    for i, name in enumerate(JOINTS)
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_table(tmp_path: Path) -> None:
    keypoints = read(write(tmp_path / "a.csv", TABLE + "\n"))
    assert keypoints.layout == "viodat18"
    assert keypoints.frame is not None
    assert keypoints.frame.tolist() == [0, 1, 4]
    assert keypoints.pts is not None
    assert keypoints.pts.tolist() == [0, 512, 2048]
    assert keypoints.px[2, 5].tolist() == [154.0, 235.0]
    assert keypoints.confidence[1].tolist() == [0.5 + 0.1 * (i % 4) for i in range(18)]


def test_table_of_another_layout_with_people_and_holes(tmp_path: Path) -> None:
    rows = ["person,frame,joint,y,x"]
    for frame in range(3):
        for name, size in (("b", 50), ("a", 200)):
            rows += [f"{name},{frame},left_hip,{size + 900},{size}", f"{name},{frame},nose,{900 - size},{frame}"]
            rows.append(f"{name},{frame},left_wrist,,")
    keypoints = read(write(tmp_path / "a.csv", "\n".join(rows)))
    assert keypoints.layout == "coco17"
    assert keypoints.px[:, JOINT_INDEX["left_pelvis"]].tolist() == [[200.0, 1100.0]] * 3
    assert keypoints.seen.sum() == 3
    assert keypoints.pts is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its header is ''"),
        ("frame,joint,x", "absent: y"),
        ("joint,x,y\n", "its header"),
        ("frame,joint,x,y,z\n", "unknown: z"),
        ("frame,joint,x,y\n", "no rows"),
        ("frame,joint,x,y\n1,left_wrist,2\n", "line 2 has 3 cells"),
        ("frame,joint,x,y\n1,left_wirst,2,3\n", "line 2: there is no joint or point 'left_wirst'"),
        ("frame,joint,x,y\n1.5,left_wrist,2,3\n", "line 2: frame is '1.5'"),
        ("frame,joint,x,y\n-1,left_wrist,2,3\n", "frame number -1"),
        ("frame,joint,x,y\n1,left_wrist,2,a\n", "line 2: y is 'a'"),
        ("frame,joint,x,y\n1,left_wrist,2,3\n1,left_wrist,2,3\n", "line 3: frame 1 has left_wrist twice"),
        ("frame,pts,joint,x,y\n1,5,nose,2,3\n1,6,left_eye,2,3\n", "line 3: frame 1 has pts 6, before it had 5"),
        ("frame,joint,x,y\n1,left_pelvis,2,3\n1,nose,2,3\n", "not those of one layout"),
        ('frame,joint,x,y\n1,"left', "not a CSV"),
    ],
)
def test_wrong_tables(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        read(write(tmp_path / "a.csv", text))
