"""MediaPipe Pose on the pictures of a video: 33 landmarks, of which 18 are the joints.

Two ways in, one result. ``mediapipe`` 0.10.21 carries the full pose model and runs it through its legacy
solution; newer wheels carry no model and run a ``.task`` file through PoseLandmarker. Pictures are taken one
by one by default: the video mode smooths over time and lags by up to 10 ms, which a clock estimate would
inherit.

Landmarks are normalised; px = (x · width, y · height), with nothing added: MediaPipe samples the picture such
that these are coordinates in which the centre of the top left pixel is (0, 0), as in OpenCV and in
:mod:`viodat.camera` (measured: docs/science/keypoints.md). Confidence is MediaPipe's visibility. A landmark
outside the picture is an extrapolation and is kept.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from viodat.capture.video import iter_frames, read_video_times
from viodat.errors import CaptureError, ConfigError, MissingExtraError
from viodat.pose2d.keypoints import Keypoints
from viodat.pose2d.layouts import MEDIAPIPE33
from viodat.pose2d.people import performer
from viodat.pose2d.sources import Progress

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

_COMPLEXITY = {"lite": 0, "full": 1, "heavy": 2}
_LANDMARKS = len(MEDIAPIPE33.points)
_MOST_PEOPLE = 4
"""PoseLandmarker looks for so many people, so that the performer can be followed among them."""

_Detect = Callable[[Image, float], FloatArray]
"""(H, W, 3) RGB and time in s -> (P, 33, 3): normalised x, y, and visibility, of P people."""


class _Frame(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def pts(self) -> int: ...
    @property
    def time_s(self) -> float: ...
    @property
    def image(self) -> Image: ...


class MediaPipeSource:
    """Detect the performer with MediaPipe Pose.

    Parameters
    ----------
    model
        ``full`` (``lite``, ``heavy`` too, if the installed wheel has them), or the path of a ``.task`` file.
    mode
        ``image``: each picture by itself. ``video``: MediaPipe's own tracking and
        smoothing, late by up to 10 ms.
    min_confidence
        Below it no person is detected.

    Raises
    ------
    MissingExtraError
        mediapipe is not installed.
    ConfigError
        The model is not in the installed wheel, is no such file, or is no pose landmarker.
    """

    name: str = "mediapipe"
    reads: Literal["video", "file"] = "video"

    def __init__(
        self,
        model: str | Path = "full",
        mode: Literal["image", "video"] = "image",
        min_confidence: float = 0.5,
    ) -> None:
        if importlib.util.find_spec("mediapipe") is None:
            raise MissingExtraError(
                "keypoints by MediaPipe need the extra 'mediapipe', which is not installed",
                mend='Install it: pip install "viodat[mediapipe]". Or give keypoint files instead.',
            )
        if mode not in ("image", "video"):
            raise ConfigError(f"MediaPipe has no mode {mode!r}", mend="Choose image or video.")
        if not 0.0 <= min_confidence <= 1.0:
            raise ConfigError(f"min_confidence is {min_confidence}; expected 0 to 1")
        self.mode = mode
        self.min_confidence = float(min_confidence)
        self.model = _checked_model(model)

    def read(self, path: str | Path, *, progress: Progress | None = None) -> Keypoints:
        """Detect in every frame of a video.

        Parameters
        ----------
        path
            The video.
        progress
            Called with (frames done, frames).

        Returns
        -------
        Keypoints
            One row per frame of :func:`viodat.capture.video.read_video_times`, with its stamp; NaN where the
            picture could not be decoded or shows nobody.

        Raises
        ------
        CaptureError
            The video cannot be read.
        """
        path = Path(path)
        times = read_video_times(path)
        found = self.detect(iter_frames(path), source=path.name, total=times.n_frames, progress=progress)
        return found.on_frames(times.pts)

    def detect(
        self,
        frames: Iterable[_Frame],
        *,
        source: str = "",
        total: int = 0,
        progress: Progress | None = None,
    ) -> Keypoints:
        """Detect in the given frames, for instance every second of a video.

        Parameters
        ----------
        frames
            As from :func:`viodat.capture.video.iter_frames`: ``index``, ``pts``, ``time_s`` and ``image``
            ((H, W, 3) uint8 RGB, all of one size), in order of time.
        source
            What they are frames of, for messages.
        total
            How many there are, for ``progress``.
        progress
            Called with (frames done, total).

        Returns
        -------
        Keypoints
            One row per given frame, with ``pts`` and ``frame``.

        Raises
        ------
        CaptureError
            No frames, or of different sizes.
        """
        rows: list[FloatArray] = []
        index: list[int] = []
        pts: list[int] = []
        size: tuple[int, int] | None = None
        with _detector(self.model, self.mode, self.min_confidence) as detect:
            for done, frame in enumerate(frames, start=1):
                height, width = frame.image.shape[:2]
                if size is not None and size != (width, height):
                    raise CaptureError(
                        f"frame {frame.index} is {width}x{height} px, those before it {size[0]}x{size[1]}",
                        where=source or None,
                    )
                size = (width, height)
                rows.append(detect(np.ascontiguousarray(frame.image), frame.time_s) * (width, height, 1))
                index.append(frame.index)
                pts.append(frame.pts)
                if progress is not None:
                    progress(done, total)
        if size is None:
            raise CaptureError("no frame to look at", where=source or None)
        people = np.full((len(rows), max(1, *(len(r) for r in rows)), _LANDMARKS, 3), np.nan)
        for i, row in enumerate(rows):
            people[i, : len(row)] = row
        # Visibility 0 means hidden, not missing: MediaPipe places all 33 landmarks of a person it finds.
        people[..., 2] = np.maximum(people[..., 2], np.finfo(np.float32).tiny)
        return performer(
            people[..., :2],
            people[..., 2],
            MEDIAPIPE33.name,
            where=source or "video",
            source=f"MediaPipe Pose {_version()}, model {Path(self.model).name}, {self.mode} mode",
            pts=np.array(pts, dtype=np.int64),
            frame=np.array(index, dtype=np.int64),
            image_size_px=size,
        )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mediapipe")
    except PackageNotFoundError:
        return ""


def _checked_model(model: str | Path) -> str:
    """Give ``lite``, ``full`` or ``heavy`` if the wheel has it, or the path of a task file."""
    if str(model) in _COMPLEXITY:
        spec = importlib.util.find_spec("mediapipe")
        folders = [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []
        file = Path("modules", "pose_landmark", f"pose_landmark_{model}.tflite")
        # The legacy solution would fetch a model it lacks from the network: viodat fetches nothing.
        if not any((folder / file).is_file() for folder in folders):
            raise ConfigError(
                f"the installed mediapipe {_version()} carries no pose model {str(model)!r}",
                mend="Download a pose landmarker and give it: --pose-model FILE.task. "
                "mediapipe 0.10.21 carries the model 'full'.",
            )
        return str(model)
    path = Path(model)
    if not path.is_file():
        raise ConfigError(
            f"there is no pose model {str(model)!r}",
            mend="Give full, or the path of a pose landmarker's .task file.",
        )
    if not zipfile.is_zipfile(path):
        raise ConfigError(
            f"{path.name} is not a .task file (a zip of two models)",
            mend="Give MediaPipe's pose landmarker, e.g. pose_landmarker_full.task.",
        )
    return str(path)


@contextlib.contextmanager
def _detector(model: str, mode: str, min_confidence: float) -> Iterator[_Detect]:
    # 2: errors only. Read when MediaPipe's library is loaded, so it must stand before the import.
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with contextlib.ExitStack() as stack:
        with _quiet_stderr():
            start = _solution if model in _COMPLEXITY else _landmarker
            detect = stack.enter_context(start(model, mode, min_confidence))
            # The graph starts in threads of its own; an empty picture waits for them, and their log lines.
            detect(np.zeros((64, 64, 3), dtype=np.uint8), 0.0)
        first = True

        def quiet_at_first(image: Image, time_s: float) -> FloatArray:
            nonlocal first
            if not first:
                return detect(image, time_s)
            first = False
            with _quiet_stderr():
                return detect(image, time_s)

        yield quiet_at_first


@contextlib.contextmanager
def _solution(model: str, mode: str, min_confidence: float) -> Iterator[_Detect]:
    from mediapipe.python.solutions import pose

    with pose.Pose(
        static_image_mode=mode == "image",
        model_complexity=_COMPLEXITY[model],
        min_detection_confidence=min_confidence,
    ) as solution:

        def detect(image: Image, time_s: float) -> FloatArray:
            landmarks = solution.process(image).pose_landmarks
            return _people([landmarks.landmark] if landmarks else [])

        yield detect


@contextlib.contextmanager
def _landmarker(model: str, mode: str, min_confidence: float) -> Iterator[_Detect]:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    running = vision.RunningMode.IMAGE if mode == "image" else vision.RunningMode.VIDEO
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=model),
        running_mode=running,
        num_poses=_MOST_PEOPLE,
        min_pose_detection_confidence=min_confidence,
    )
    try:
        landmarker = vision.PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise ConfigError(
            f"{Path(model).name} is not a pose landmarker that this mediapipe runs ({reason})",
            mend="Give MediaPipe's pose landmarker, e.g. pose_landmarker_full.task.",
        ) from error
    last_ms = -1

    def detect(image: Image, time_s: float) -> FloatArray:
        nonlocal last_ms
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
        if mode == "image":
            return _people(landmarker.detect(picture).pose_landmarks)
        # Stamps must be whole milliseconds and increase; only MediaPipe's smoothing sees them.
        last_ms = max(last_ms + 1, round(1000 * max(0.0, time_s)))
        return _people(landmarker.detect_for_video(picture, last_ms).pose_landmarks)

    with landmarker:
        yield detect


def _people(people: Iterable[Iterable[Any]]) -> FloatArray:
    values = [[(p.x, p.y, p.visibility) for p in person] for person in people]
    return np.array(values, dtype=np.float64).reshape(-1, _LANDMARKS, 3)


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep what MediaPipe's library writes to file descriptor 2 while it starts; show it if that fails."""
    try:
        target = os.dup(2)
    except OSError:  # a process without stderr
        yield
        return
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except ConfigError:
            raise
        except BaseException:
            kept.seek(0)
            os.write(target, kept.read())
            raise
        finally:
            os.dup2(target, 2)
            os.close(target)
