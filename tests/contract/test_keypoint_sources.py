"""Every registered keypoint source keeps the contract of KeypointSource.

To register one, add its sample here: a function that writes what it reads into a folder and gives the path.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from viodat.errors import CaptureError, ConfigError
from viodat.joints import JOINTS
from viodat.pose2d import SOURCES, Keypoints, KeypointSource, create_source

FRAMES = 5


def _points() -> np.ndarray:
    body = np.random.default_rng(0).uniform(50, 600, (18, 2))
    return body + np.arange(FRAMES)[:, None, None]


def _npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", keypoints_px=_points(), confidence=np.full((FRAMES, 18), 0.5), layout="viodat18")
    return folder / "a.npz"


def _json(folder: Path) -> Path:
    (folder / "a.json").write_text(json.dumps({"keypoints_px": _points().tolist(), "layout": "viodat18"}))
    return folder / "a.json"


def _csv(folder: Path) -> Path:
    rows = [
        f"{f},{name},{x},{y}" for f, frame in enumerate(_points()) for name, (x, y) in zip(JOINTS, frame, strict=True)
    ]
    (folder / "a.csv").write_text("\n".join(["frame,joint,x,y", *rows]))
    return folder / "a.csv"


def _openpose(folder: Path) -> Path:
    for number, frame in enumerate(_points()):
        values = np.column_stack([frame, np.full(18, 0.5)]).ravel().tolist()
        text = json.dumps({"people": [{"pose_keypoints_2d": values}]})
        (folder / f"{number:04d}_keypoints.json").write_text(text)
    return folder


def _video(folder: Path) -> Path:
    with av.open(str(folder / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 96, "yuv420p"
        for shade in range(FRAMES):
            picture = np.full((96, 64, 3), 40 * shade, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return folder / "a.mp4"


SAMPLES: dict[str, Callable[[Path], Path]] = {
    "npz": _npz,
    "json": _json,
    "csv": _csv,
    "openpose": _openpose,
    "mediapipe": _video,
}


@pytest.fixture(
    params=[pytest.param(n, marks=pytest.mark.mediapipe if n == "mediapipe" else ()) for n in sorted(SOURCES)]
)
def source(request: pytest.FixtureRequest) -> KeypointSource:
    return create_source(request.param)


def test_every_source_has_a_sample_and_a_data_sheet() -> None:
    assert sorted(SAMPLES) == sorted(SOURCES)
    for entry in SOURCES.values():
        module = importlib.import_module(entry.partition(":")[0])
        assert module.__doc__
        assert getattr(module, entry.partition(":")[2]).__doc__


def test_protocol(source: KeypointSource) -> None:
    assert isinstance(source, KeypointSource)
    assert source.name in SOURCES
    assert type(create_source(source.name)) is type(source)
    assert source.reads in ("video", "file")


def test_sample(source: KeypointSource, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    path = SAMPLES[source.name](tmp_path)
    keypoints = source.read(path, progress=lambda done, total: progress.append((done, total)))
    assert isinstance(keypoints, Keypoints)
    assert keypoints.px.shape == (FRAMES, 18, 2)
    assert keypoints.px.dtype == keypoints.confidence.dtype == np.float64
    assert keypoints.source
    assert progress[-1] == (FRAMES, FRAMES)
    placed = keypoints.on_frames(np.arange(FRAMES) * 512 if keypoints.pts is None else keypoints.pts)
    assert placed.n_frames == FRAMES
    if source.name in ("npz", "json", "csv"):
        np.testing.assert_allclose(placed.px, _points())
    again = create_source(source.name).read(str(path))
    np.testing.assert_array_equal(again.px, keypoints.px)


def test_absent_and_empty_paths_are_one_clear_error(source: KeypointSource, tmp_path: Path) -> None:
    empty = tmp_path / "empty.bin"
    empty.touch()
    for path in (tmp_path / "absent", empty):
        with pytest.raises(CaptureError) as caught:
            source.read(path)
        assert str(caught.value).startswith(path.name)
        assert "\n" not in str(caught.value)


def test_unknown_names_and_options() -> None:
    with pytest.raises(ConfigError, match="no keypoint source 'alphapose'"):
        create_source("alphapose")
    with pytest.raises(ConfigError, match="source npz has no option 'lay'"):
        create_source("npz", lay="coco17")
