"""PoseWindows: a built dataset as fixed-length windows for PyTorch.

Windows lie on a uniform grid of the mocap clock (:mod:`viodat.dataset.grid`), so that recordings of 30, 60 or a
variable number of frames per second give the same windows. Which windows there are follows from the tables alone;
a stream is read when a window of it is asked for.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from viodat.dataset.cache import ByteCache
from viodat.dataset.grids import Grids, assigned_splits
from viodat.dataset.reader import VioDataset, open_dataset
from viodat.dataset.schema import NS
from viodat.dataset.sound import AUDIO_KINDS
from viodat.dataset.splits import SPLITS, TRAIN, VALIDATION, leaking_windows
from viodat.errors import DatasetError, ViodatWarning


class PoseWindows(torch.utils.data.Dataset[dict[str, Any]]):
    """Windows of 2D keypoints, 3D truth and sound: a map-style PyTorch Dataset.

    Parameters
    ----------
    path
        A dataset that ``viodat build`` wrote, or one opened with :func:`viodat.open_dataset`.
    split
        ``train``, ``validation``, ``test``, or None for all.
    fold
        A participant to test on in place of the dataset's own test participants; all others train. None: the dataset's
        own splits. The statistics in dataset.json are of these, not of a fold:
        :func:`viodat.dataset.sketches.compute_statistics` gives those of :attr:`trials`.
    validation
        ``trials``: whole trials of the training participants validate. ``windows``: a tenth of the windows of all
        training trials does, drawn by ``seed``, as in the VioPose paper. That leaks, and a warning says so:
        neighbours of every validation window are trained on.
    seed
        Of that draw.
    frames
        Frames per window T, a whole number of at least 1.
    hop_s
        Seconds between the starts of windows, at least one step of the grid. Window k of a recording starts at the
        grid point nearest to ``k * hop_s``, so a hop that is no whole number of steps does not drift.
    rate_hz
        Frames per second of the grid.
    pose2d
        ``detected`` (keypoints of the detector) or ``projected`` (the truth, projected with lens distortion).
    audio
        ``features30``, ``features100``, ``features300``: the 35-d audio frame at so many rows per second;
        ``spectrogram100``: the log-mel spectrogram in dB (docs/science/audio.md); or None.
    last
        What becomes of the end of a recording: ``pad`` adds a last window that reaches beyond it, so that every
        frame is in a window (if ``hop_s`` is no longer than a window); ``drop`` gives whole windows only.
    cache_mb
        Megabytes (10⁶ bytes) of recordings kept in memory, in each worker.

    Attributes
    ----------
    trials
        Ids of the trials that windows are from, sorted.
    leaks
        Whether validation and training windows share frames.

    Raises
    ------
    ValueError
        If an argument is not one of its choices, ``frames`` is not a whole number of at least 1, ``rate_hz``,
        ``hop_s`` or ``cache_mb`` is not a finite number above 0, or ``hop_s`` is shorter than a grid step.
    DatasetError
        If the split has no window, with the reason; there is no participant ``fold``; or the audio rate was not built.

    Notes
    -----
    Windows start from the first instant at which both markers and picture are there. Frames beyond the recording's
    end are padded with NaN and ``valid`` is False. Recordings without a clock or calibration have no camera-frame
    truth and are left out; with ``pose2d="detected"`` so are those without keypoints. A recording without sound
    gives NaN in ``audio``. Windows without a single valid frame (nobody detected, markers missing) are kept: leave
    them out by ``valid`` where a loss would divide by zero.

    Windows overlap when ``hop_s`` is shorter than a window, so scores must be stitched: count each frame of a
    recording once, by its time, not once for each window that it is in.

    A shuffled sampler asks for windows of all recordings in turn, so each worker should hold the whole split:
    at 30 Hz and ``features100`` about 26 kB for each second of each camera recording and 22 kB for each second of
    each trial, 1.5 MB for a camera recording of 50 s, 1 GB for 640 of them. With less ``cache_mb`` the windows are the
    same, but nearly every one costs the reading of its recording, some ten milliseconds.

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
        fold: str | None = None,
        validation: str = "trials",
        seed: int = 0,
        frames: int = 150,
        hop_s: float = 1.0,
        rate_hz: float = 30.0,
        pose2d: str = "detected",
        audio: str | None = "features100",
        last: str = "pad",
        cache_mb: float = 1024,
    ) -> None:
        _check_choice("split", split, (*SPLITS, None))
        _check_choice("pose2d", pose2d, ("detected", "projected"))
        _check_choice("audio", audio, (*AUDIO_KINDS, None))
        _check_choice("last", last, ("pad", "drop"))
        _check_choice("validation", validation, ("trials", "windows"))
        _check_number("frames", frames, whole=True)
        for name, value in (("rate_hz", rate_hz), ("hop_s", hop_s), ("cache_mb", cache_mb)):
            _check_number(name, value)
        if hop_s * rate_hz < 1 - 1e-9:
            raise ValueError(f"hop_s: expected at least a step of the grid, {1 / rate_hz:.6g} s, but got {hop_s}")
        self.dataset = path if isinstance(path, VioDataset) else open_dataset(path)
        self.frames = int(frames)
        self.rate_hz = float(rate_hz)
        self.pose2d = pose2d
        kind = AUDIO_KINDS[audio] if audio else None
        self.audio_rate_hz = kind.rate_hz if kind else None
        self.audio_rows = 0
        if self.audio_rate_hz:
            self.dataset.require_audio_rate(self.audio_rate_hz)
            self.audio_rows = round(frames * self.audio_rate_hz / rate_hz)
        self._cache = ByteCache(round(cache_mb * 1e6))
        self._grids = Grids(self.dataset, self.rate_hz, pose2d, kind, self._cache)
        self.leaks = validation == "windows" and split in (TRAIN, VALIDATION)
        taken = (TRAIN, VALIDATION) if self.leaks else SPLITS if split is None else (split,)
        spans = self._grids.spans(assigned_splits(self.dataset, fold), taken, split)
        self._windows = [
            (span, first)
            for span in spans
            for first in _starts(span.points, self.frames, hop_s * rate_hz, pad=last == "pad")
        ]
        if self.leaks:
            warnings.warn(_LEAKS, ViodatWarning, stacklevel=2)
            held_out = leaking_windows(len(self._windows), seed=seed)
            chosen = zip(self._windows, held_out == (split == VALIDATION), strict=True)
            self._windows = [window for window, is_in in chosen if is_in]
        self.trials = tuple(sorted({span.trial for span, _ in self._windows}))
        if not self._windows and self.leaks:
            raise DatasetError(
                f"split {split!r} has no window: there are {len(held_out)}, of which a tenth validates",
                where=self.dataset.path,
                mend="Choose fewer frames or a shorter hop_s, or validation='trials'.",
            )
        if not self._windows:
            longest = max(span.points for span in spans)
            raise DatasetError(
                f"no recording of split {split!r} is as long as a window, {frames} frames; the longest has {longest}",
                where=self.dataset.path,
                mend="Choose fewer frames, or last='pad'.",
            )

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One window.

        Returns
        -------
        dict
            ``pose2d`` (T, 18, 2) float32 px; ``image_size`` (2,) float32 px, width and height; ``pose3d`` (T, 18, 3)
            float32 mm, camera frame; ``audio`` (F, 35) float32, of a spectrogram (F, 128) dB, F = T * audio rate /
            rate, row k the one whose time on the mocap clock is nearest to ``start_ns`` + k / audio rate, NaN where
            that is more than a row away;
            ``valid`` (T, 18) bool, True where both poses are there; ``recording`` str; ``start_ns`` int, mocap
            clock; ``rate_hz`` float. Missing is NaN.

        Raises
        ------
        IndexError
            If there is no such window.
        DatasetError
            If a file of the dataset is missing or damaged.
        """
        span, first = self._windows[index]
        grid = self._cache.get(("grid", span.recording), lambda: self._grids.read(span))
        start_ns = span.start_ns + round(first * NS / self.rate_hz)
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
            item["audio"] = torch.from_numpy(grid.sound.nearest(start_ns, self.audio_rate_hz, self.audio_rows))
        return item


_LEAKS: Final = (
    "validation='windows' leaks: windows overlap, so nearly all frames of validation are trained on; "
    "use it to repeat published figures only, else validation='trials'"
)


def _starts(points: int, frames: int, hop: float, *, pad: bool) -> Iterator[int]:
    """Grid points at which the windows of a recording start; ``hop`` is in grid steps, at least 1."""
    k = 0
    while True:
        first = math.floor(k * hop + 0.5 + 1e-9)
        if first >= points or (not pad and first + frames > points):
            return
        yield first
        if first + frames >= points:
            return
        k += 1


def _rows(array: NDArray[np.float32], first: int, count: int) -> NDArray[np.float32]:
    """Rows ``first`` to ``first + count`` of an array, NaN beyond its end."""
    out = np.full((count, *array.shape[1:]), np.nan, np.float32)
    found = array[first : first + count]
    out[: len(found)] = found
    return out


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, but got {value!r}")


def _check_number(name: str, value: object, *, whole: bool = False) -> None:
    if whole and (not isinstance(value, Integral) or isinstance(value, bool) or value < 1):
        raise ValueError(f"{name}: expected a whole number of at least 1, but got {value!r}")
    if not isinstance(value, Real) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name}: expected a finite number above 0, but got {value!r}")
