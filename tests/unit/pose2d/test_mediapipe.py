"""What surrounds MediaPipe, tried without it: a stand-in detector in place of the network."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viodat.capture.video import VideoFrame
from viodat.errors import CaptureError, ConfigError, MissingExtraError
from viodat.joints import JOINT_INDEX
from viodat.pose2d import mediapipe as module

WIDTH, HEIGHT = 200, 400


def frames(count: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Iterator[VideoFrame]:
    for i in range(count):
        yield VideoFrame(2 * i, 1024 * i, i / 30, np.zeros((*size, 3), dtype=np.uint8))


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[np.ndarray]], module.MediaPipeSource]:
    """Give a function that makes a source whose detector returns the given people, one entry per frame."""
    monkeypatch.setattr(module, "_checked_model", str)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())

    def make(found: list[np.ndarray]) -> module.MediaPipeSource:
        @contextlib.contextmanager
        def detector(*_: Any) -> Iterator[Any]:
            left = iter(found)
            yield lambda image, time_s: next(left)

        monkeypatch.setattr(module, "_detector", detector)
        return module.MediaPipeSource()

    return make


def landmarks(x: float, y: float, visibility: float = 0.9) -> np.ndarray:
    body = np.linspace(-0.1, 0.1, 33)
    return np.stack([x + body, y + 2 * body, np.full(33, visibility)], -1)


def test_normalised_times_size_is_px(source: Any) -> None:
    seen: list[tuple[int, int]] = []
    found = source([landmarks(0.5, 0.5)[None], np.empty((0, 33, 3)), landmarks(0.52, 0.5)[None]])
    keypoints = found.detect(frames(3), total=3, progress=lambda done, total: seen.append((done, total)))
    wrist = landmarks(0.5, 0.5)[15]
    assert keypoints.px[0, JOINT_INDEX["left_wrist"]].tolist() == [wrist[0] * WIDTH, wrist[1] * HEIGHT]
    assert keypoints.confidence[0, 0] == 0.9
    assert np.isnan(keypoints.px[1]).all()
    assert keypoints.pts is not None
    assert keypoints.frame is not None
    assert keypoints.pts.tolist() == [0, 1024, 2048]
    assert keypoints.frame.tolist() == [0, 2, 4]
    assert keypoints.image_size_px == (WIDTH, HEIGHT)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_hidden_and_outside_is_kept(source: Any) -> None:
    keypoints = source([landmarks(1.0, 0.5, visibility=0.0)[None]]).detect(frames(1))
    assert keypoints.seen.all()
    assert (keypoints.px[..., 0] > WIDTH).any()
    assert (keypoints.confidence < 1e-30).all()


def test_a_jump_to_a_bystander_is_left_missing(source: Any) -> None:
    people = [landmarks(0.3, 0.5)[None] for _ in range(9)]
    people[4] = landmarks(0.85, 0.3)[None]
    keypoints = source(people).detect(frames(9))
    assert np.flatnonzero(~keypoints.seen.any(-1)).tolist() == [4]


def test_no_frames_and_changing_sizes(source: Any) -> None:
    with pytest.raises(CaptureError, match="no frame"):
        source([]).detect(frames(0))
    with pytest.raises(CaptureError, match="frame 0 is 100x100 px, those before it 200x400"):
        source([landmarks(0.5, 0.5)[None]] * 2).detect([*frames(1), *frames(1, (100, 100))])


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "viodat\[mediapipe\]"'):
        module.MediaPipeSource()


def test_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModuleSpec("mediapipe", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(ConfigError, match=r"carries no pose model 'full'.*--pose-model"):
        module.MediaPipeSource()
    model = tmp_path / "modules" / "pose_landmark" / "pose_landmark_full.tflite"
    model.parent.mkdir(parents=True)
    model.touch()
    assert module.MediaPipeSource().model == "full"
    with pytest.raises(ConfigError, match="carries no pose model 'heavy'"):
        module.MediaPipeSource("heavy")
    with pytest.raises(ConfigError, match=r"no pose model 'a\.task'"):
        module.MediaPipeSource("a.task")
    with pytest.raises(ConfigError, match=r"full\.tflite is not a \.task file"):
        module.MediaPipeSource(model)
    with pytest.raises(ConfigError, match="no mode 'movie'"):
        module.MediaPipeSource(mode="movie")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        module.MediaPipeSource(min_confidence=50)
