"""PoseWindows: a built dataset as fixed-length windows for PyTorch.

Windows lie on a uniform grid of the mocap clock. Truth is interpolated on that grid from the 100 Hz joint centres
and brought into the camera's frame; detections are interpolated linearly between the video frames' real times,
never over a hole of more than :data:`MAX_HOLE_S`. So recordings of 30, 60 or a variable number of frames per second
give the same windows.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from viodat.body.interpolate import at_times
from viodat.camera import Camera
from viodat.dataset import paths, schema
from viodat.dataset.reader import Video, VioDataset, open_dataset
from viodat.dataset.splits import SPLITS
from viodat.errors import DatasetError

MAX_HOLE_S: Final = 0.1
"""A detection is not interpolated between video frames that lie further apart than this."""

_AUDIO_KINDS: Final = tuple(f"features{rate}" for rate in paths.FEATURE_RATES_HZ)
_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class _Grid:
    """One recording on the window grid."""

    start_ns: int
    pose2d: NDArray[np.float32]
    pose3d: NDArray[np.float32]
    audio: NDArray[np.float32]
    audio_start_ns: int


@dataclass(frozen=True)
class _Span:
    """Where a recording's grid begins, and how many grid points it has."""

    recording: str
    trial: str
    start_ns: int
    points: int
    image_size: tuple[float, float]


class PoseWindows(torch.utils.data.Dataset[dict[str, Any]]):
    """Windows of 2D keypoints, 3D truth and sound: a map-style PyTorch Dataset.

    Parameters
    ----------
    path
        A dataset that ``viodat build`` wrote, or one opened with :func:`viodat.open_dataset`.
    split
        ``train``, ``validation``, ``test``, or None for all.
    frames
        Frames per window T.
    hop_s
        Seconds between the starts of windows.
    rate_hz
        Frames per second of the grid.
    pose2d
        ``detected`` (keypoints of the detector) or ``projected`` (the truth, projected with lens distortion).
    audio
        ``features30``, ``features100``, ``features300``, or None.
    cache_recordings
        How many recordings are kept in memory, per worker.

    Raises
    ------
    DatasetError
        If the split has no window, with the reason; or the audio rate was not built.

    Notes
    -----
    Windows start every ``hop_s`` from the first instant at which both markers and picture are there. The last one
    may reach beyond the recording's end: its frames there are padded with NaN and ``valid`` is False. A recording
    without sound gives NaN in ``audio``. Recordings without a clock or calibration have no camera-frame truth
    and are left out.

    Examples
    --------
    >>> windows = PoseWindows("out", split="train", frames=150)              # doctest: +SKIP
    >>> item = windows[0]                                                    # doctest: +SKIP
    >>> item["pose2d"].shape, item["pose3d"].shape, item["audio"].shape      # doctest: +SKIP
    (torch.Size([150, 18, 2]), torch.Size([150, 18, 3]), torch.Size([500, 35]))
    """

    def __init__(
        self,
        path: str | Path | VioDataset,
        *,
        split: str | None = "train",
        frames: int = 150,
        hop_s: float = 1.0,
        rate_hz: float = 30.0,
        pose2d: str = "detected",
        audio: str | None = "features100",
        cache_recordings: int = 256,
    ) -> None:
        _check_choice("split", split, (*SPLITS, None))
        _check_choice("pose2d", pose2d, ("detected", "projected"))
        _check_choice("audio", audio, (*_AUDIO_KINDS, None))
        if frames < 1 or hop_s <= 0 or rate_hz <= 0:
            raise ValueError(f"frames, hop_s and rate_hz must be positive; got {frames}, {hop_s} and {rate_hz}")
        self.dataset = path if isinstance(path, VioDataset) else open_dataset(path)
        self.frames = frames
        self.rate_hz = float(rate_hz)
        self.pose2d = pose2d
        self.audio_rate_hz = int(audio.removeprefix("features")) if audio else None
        self.audio_rows = round(frames * self.audio_rate_hz / rate_hz) if self.audio_rate_hz else 0
        self._cache: OrderedDict[str, _Grid] = OrderedDict()
        self._cache_recordings = cache_recordings
        hop_points = max(1, round(hop_s * rate_hz))
        self._spans = self._find_spans(split)
        self._windows = [
            (span, first)
            for span in self._spans
            for first in range(0, max(span.points - frames, 0) + hop_points, hop_points)
            if first < span.points
        ]

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One window.

        Returns
        -------
        dict
            ``pose2d`` (T, 18, 2) float32 px; ``image_size`` (2,) float32 px, width and height; ``pose3d`` (T, 18, 3)
            float32 mm, camera frame; ``audio`` (F, 35) float32, F = T * audio rate / rate, row k centred on
            ``start_ns`` + k / audio rate to within half a row; ``valid`` (T, 18) bool, True where both poses are
            there; ``recording`` str; ``start_ns`` int, mocap clock; ``rate_hz`` float. Missing is NaN.
        """
        span, first = self._windows[index]
        grid = self._grid(span)
        start_ns = span.start_ns + round(first * _NS / self.rate_hz)
        pose2d = _rows(grid.pose2d, first, self.frames)
        pose3d = _rows(grid.pose3d, first, self.frames)
        item: dict[str, Any] = {
            "pose2d": torch.from_numpy(pose2d),
            "image_size": torch.tensor(span.image_size, dtype=torch.float32),
            "pose3d": torch.from_numpy(pose3d),
            "valid": torch.from_numpy(np.isfinite(pose2d).all(-1) & np.isfinite(pose3d).all(-1)),
            "recording": span.recording,
            "start_ns": start_ns,
            "rate_hz": self.rate_hz,
        }
        if self.audio_rate_hz:
            first_row = round((start_ns - grid.audio_start_ns) * self.audio_rate_hz / _NS)
            item["audio"] = torch.from_numpy(_rows(grid.audio, first_row, self.audio_rows))
        return item

    def _find_spans(self, split: str | None) -> list[_Span]:
        table = self.dataset.recordings
        chosen = table if split is None else table[table["split"] == split]
        cameras = chosen[chosen["kind"] == "camera"]
        usable = cameras[(cameras["status"] == schema.STATUS_BUILT) & (cameras["calibrated"] == True)]  # noqa: E712
        trials = self.dataset.trials.set_index("trial")
        spans = [span for _, row in usable.iterrows() if (span := self._span(row, trials)) is not None]
        if not spans:
            states = ", ".join(f"{count} {state}" for state, count in cameras["status"].value_counts().items())
            uncalibrated = int((cameras["calibrated"] != True).sum())  # noqa: E712
            raise DatasetError(
                f"split {split!r} has no camera recording with clock and calibration "
                f"({len(cameras)} camera recordings: {states or 'none'}; {uncalibrated} without calibration)",
                where=self.dataset.path,
                mend="See reports/index.html for what each recording lacks, or choose another split.",
            )
        return spans

    def _span(self, row: pd.Series[Any], trials: pd.DataFrame) -> _Span | None:
        trial = trials.loc[row["trial"]]
        motion_end = int(trial["start_ns"]) + round((int(trial["frames"]) - 1) * _NS / float(trial["rate_hz"]))
        start = max(int(row["first_frame_ns"]), int(trial["start_ns"]))
        points = int((min(int(row["last_frame_ns"]), motion_end) - start) * self.rate_hz // _NS) + 1
        if points < 1:
            return None
        size = (float(row["width_px"]), float(row["height_px"]))
        return _Span(row["recording"], row["trial"], start, points, size)

    def _grid(self, span: _Span) -> _Grid:
        if span.recording in self._cache:
            self._cache.move_to_end(span.recording)
            return self._cache[span.recording]
        grid = self._load(span)
        self._cache[span.recording] = grid
        while len(self._cache) > self._cache_recordings:
            self._cache.popitem(last=False)
        return grid

    def _load(self, span: _Span) -> _Grid:
        motion = self.dataset.motion(span.trial)
        rate_hz = float(self.dataset.trials.set_index("trial")["rate_hz"][span.trial])
        camera = self.dataset.camera(span.recording)
        if camera is None:
            raise DatasetError(f"recording {span.recording} has no camera model", where=self.dataset.path)
        # Relative to the span's start: float64 seconds since an early zero would cost precision.
        times_s = np.arange(span.points) / self.rate_hz
        world = at_times(motion.joints_mm, (int(motion.time_ns[0]) - span.start_ns) / _NS, rate_hz, times_s)
        pose2d = (
            camera.project(world)
            if self.pose2d == "projected"
            else _detected_at(self.dataset.video(span.recording), span.start_ns, times_s)
        )
        audio, audio_start_ns = self._audio(span)
        return _Grid(span.start_ns, pose2d.astype(np.float32), _in_camera(camera, world), audio, audio_start_ns)

    def _audio(self, span: _Span) -> tuple[NDArray[np.float32], int]:
        row = self.dataset.recordings.set_index("recording").loc[span.recording]
        nothing = np.empty((0, schema.N_FEATURES), np.float32)
        if not self.audio_rate_hz or pd.isna(row["audio_rate_hz"]):
            return nothing, span.start_ns
        track = self.dataset.audio(span.recording, self.audio_rate_hz)
        if track.time_ns is None or not len(track.time_ns):
            return nothing, span.start_ns
        return track.features, int(track.time_ns[0])


def _in_camera(camera: Camera, world_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(camera.to_camera(world_mm), dtype=np.float32)


def _detected_at(video: Video, start_ns: int, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 18, 2) px: detections at other times, linear between two frames that both have them."""
    assert video.time_ns is not None
    frame_s = (video.time_ns - start_ns) / _NS
    after = np.clip(np.searchsorted(frame_s, times_s), 1, max(len(frame_s) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(frame_s) - 1)
    step = frame_s[after] - frame_s[before]
    weight = np.divide(times_s - frame_s[before], step, out=np.zeros_like(times_s), where=step > 0)
    px = video.detected_px.astype(np.float64)
    u = weight[:, None, None]
    mixed = px[before] + u * (px[after] - px[before])
    out = np.where(u <= 1e-6, px[before], np.where(u >= 1 - 1e-6, px[after], mixed))
    out[(step > MAX_HOLE_S) | (weight < -1e-6) | (weight > 1 + 1e-6)] = np.nan
    return out


def _rows(array: NDArray[np.float32], first: int, count: int) -> NDArray[np.float32]:
    """Rows ``first`` to ``first + count`` of an array, NaN where it has none."""
    out = np.full((count, *array.shape[1:]), np.nan, np.float32)
    start, stop = max(first, 0), min(first + count, len(array))
    if start < stop:
        out[start - first : stop - first] = array[start:stop]
    return out


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, but got {value!r}")
