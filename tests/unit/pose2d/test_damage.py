"""Damaged keypoint files: keypoints of the right shape, or one CaptureError; never anything else."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest

from tests.mutate import mutants
from viodat.errors import CaptureError
from viodat.joints import JOINTS
from viodat.pose2d import Keypoints, source_for

COUNT = 140
LONGEST_S = 5.0


def _values() -> np.ndarray:
    rng = np.random.default_rng(3)
    body = rng.uniform(100, 900, (2, 17, 2)) + np.array([0.0, 800.0])[:, None, None]
    moving = body + np.arange(6)[:, None, None, None]
    return np.concatenate([moving, rng.uniform(0.2, 0.9, (6, 2, 17, 1))], -1)


def npz_file(compressed: bool) -> bytes:
    file = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(file, keypoints_px=_values(), layout="coco17", pts=np.arange(6) * 512, image_size_px=np.array([1280, 720]))
    return file.getvalue()


def json_file() -> bytes:
    fields = {"keypoints_px": _values().round(2).tolist(), "layout": "coco17", "frame": list(range(6))}
    return json.dumps(fields).encode()


def csv_file() -> bytes:
    lines = ["frame,pts,person,joint,x,y,confidence"]
    for frame in range(6):
        for person in range(2):
            start = f"{frame},{frame * 512},p{person}"
            lines += [f"{start},{name},{i + 99 * person},{7 * i},0.9" for i, name in enumerate(JOINTS)]
    return "\n".join(lines).encode()


def openpose_file() -> bytes:
    people = [{"pose_keypoints_2d": np.vstack([v, v[:8]]).round(3).ravel().tolist()} for v in _values()[0]]
    return json.dumps({"version": 1.3, "people": people}).encode()


def _held(path: Path) -> str:
    started = time.perf_counter()
    try:
        keypoints = source_for(path).read(path)
        outcome = "read"
        assert isinstance(keypoints, Keypoints)
        assert keypoints.px.shape == (keypoints.n_frames, 18, 2)
        assert keypoints.confidence.shape == (keypoints.n_frames, 18)
        rated = keypoints.confidence[np.isfinite(keypoints.confidence)]
        assert ((rated > 0) & (rated <= 1)).all()
        assert not np.isinf(keypoints.px).any()
    except CaptureError:
        outcome = "refused"
    assert time.perf_counter() - started < LONGEST_S
    return outcome


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.npz", npz_file(False)), ("b.npz", npz_file(True)), ("a.json", json_file()), ("a.csv", csv_file())],
    ids=["npz", "npz compressed", "json", "csv"],
)
def test_damaged_file(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert _held(path) == "read"
    outcomes = set()
    for what, data in mutants(content, COUNT, seed=11, head_bytes=256):
        path.write_bytes(data)
        try:
            outcomes.add(_held(path))
        except Exception as error:
            pytest.fail(f"{what}: {type(error).__name__}: {error}")
    assert "refused" in outcomes


def test_damaged_openpose_frame(tmp_path: Path) -> None:
    intact = openpose_file()
    folder = tmp_path / "C01_json"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number:04d}.json").write_bytes(intact)
    assert _held(folder) == "read"
    outcomes = set()
    for what, data in mutants(intact, COUNT, seed=12, head_bytes=64):
        (folder / "0002.json").write_bytes(data)
        try:
            outcomes.add(_held(folder))
        except Exception as error:
            pytest.fail(f"{what}: {type(error).__name__}: {error}")
    assert "refused" in outcomes


@pytest.mark.parametrize("name", ["a.json", "a.csv", "0002.json"])
def test_wrong_characters_in_numbers(tmp_path: Path, name: str) -> None:
    content = {"a.json": json_file, "a.csv": csv_file, "0002.json": openpose_file}[name]()
    folder = tmp_path / "C01_json"
    folder.mkdir()
    path = folder / name
    rng = np.random.default_rng(13)
    digits = [at for at, byte in enumerate(content) if chr(byte).isdigit()]
    outcomes = set()
    for _ in range(COUNT):
        data = bytearray(content)
        for at in rng.choice(digits, size=int(rng.integers(1, 4))):
            data[at : at + 1] = rng.choice([b"9", b"-", b"e", b".", b"", b"99999", b"NaN", b" ", b","])
        path.write_bytes(bytes(data))
        outcomes.add(_held(folder if name == "0002.json" else path))
    assert outcomes == {"read", "refused"}
