"""A dataset's recordings on the grid: which can be used in a split, and each one read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.interpolate import at_times
from viodat.dataset import schema
from viodat.dataset.cache import ByteCache
from viodat.dataset.grid import Detections, Grid, Span, poses_on_grid, read_world, span_of
from viodat.dataset.reader import VioDataset, known_times
from viodat.dataset.schema import NS
from viodat.dataset.sound import AudioKind, read_sound
from viodat.dataset.splits import SPLITS, leave_one_out
from viodat.errors import DatasetError

Row = dict[str, Any]


class Grids:
    """Reads recordings of a dataset on a uniform grid of the mocap clock.

    Parameters
    ----------
    dataset
        An open one.
    rate_hz
        Of the grid.
    pose2d
        ``detected`` or ``projected``.
    audio
        What is read of the sound; None: nothing.
    cache
        Keeps what the cameras of a trial share.
    """

    def __init__(
        self, dataset: VioDataset, rate_hz: float, pose2d: str, audio: AudioKind | None, cache: ByteCache
    ) -> None:
        self.dataset = dataset
        self._rate_hz, self._pose2d, self._audio, self._cache = rate_hz, pose2d, audio, cache

    def spans(self, splits: Mapping[str, str], taken: Sequence[str], split: str | None) -> list[Span]:
        """Give the camera recordings that have all that a window needs.

        Parameters
        ----------
        splits
            Trial -> its split.
        taken
            The splits that are asked for.
        split
            What they are called together in an error.

        Raises
        ------
        DatasetError
            There are none, with the reason.
        """
        where = self.dataset.path
        trials = {row["trial"]: row for row in self.dataset.rows("trials")}
        if not any(of in taken for of in splits.values()):
            counts = Counter(splits.values())
            there = ", ".join(f"{name} {counts[name]}" for name in sorted(counts, key=_order)) or "none"
            raise DatasetError(
                f"no trial is in split {split!r} (there are: {there})",
                where=where,
                mend="Choose another split, or set [splits] in capture.toml and build again.",
            )
        cameras = [
            row
            for row in self.dataset.rows("recordings")
            if row["kind"] == "camera" and splits.get(row["trial"]) in taken
        ]
        usable = [row for row in cameras if row["status"] == schema.STATUS_BUILT and row["calibrated"]]
        if not usable:
            raise DatasetError(_why_unusable(split, cameras), where=where, mend=_SEE_REPORT)
        if self._pose2d == "detected":
            usable = [row for row in usable if row["keypoints"] is not None]
            if not usable:
                raise DatasetError(
                    f"no recording of split {split!r} has detected keypoints",
                    where=where,
                    mend="Build with --pose2d mediapipe, or use pose2d='projected'.",
                )
        spans = [span for row in usable if (span := span_of(row, trials[row["trial"]], self._rate_hz)) is not None]
        if not spans:
            raise DatasetError(
                f"no recording of split {split!r} has a picture while the markers were recorded",
                where=where,
                mend=_SEE_REPORT,
            )
        return spans

    def read(self, span: Span) -> Grid:
        """Read a recording.

        Raises
        ------
        DatasetError
            A file of the dataset is missing or damaged.
        """
        camera = self.dataset.camera(span.recording)
        if camera is None:
            raise DatasetError(f"recording {span.recording} has no camera model", where=self.dataset.path)
        detections = None
        if self._pose2d == "detected":
            columns = self.dataset.video_arrays(span.recording, ("time_ns", "detected_px"))
            times = known_times(columns["time_ns"])
            if times is None:
                raise DatasetError(f"video of {span.recording} has no times", where=self.dataset.path)
            detections = Detections(columns["detected_px"], times)
        # The cameras of a trial share its markers.
        world = self._cache.get(("world", span.trial), lambda: read_world(self.dataset, span.trial))
        pose2d, pose3d = poses_on_grid(world, camera, span, self._rate_hz, detections)
        return Grid(pose2d, pose3d, read_sound(self.dataset, span.recording, self._audio))

    def sigma(self, span: Span) -> NDArray[np.float32]:
        """Read the standard deviation of a recording's joint centres, (T, 18) mm; NaN where none is stated.

        Raises
        ------
        DatasetError
            A file of the dataset is missing or damaged.
        """
        columns = self.dataset.motion_arrays(span.trial, ("time_ns", "sigma_mm"))
        times = columns["time_ns"]
        start_s = (int(times[0]) - span.start_ns) / NS if len(times) else 0.0
        found = at_times(columns["sigma_mm"], start_s, span.trial_rate_hz, np.arange(span.points) / self._rate_hz)
        return np.asarray(found, dtype=np.float32)


def assigned_splits(dataset: VioDataset, fold: str | None = None) -> dict[str, str]:
    """Give the split of each trial: the dataset's, or those that leave one participant out.

    Raises
    ------
    DatasetError
        There is no such participant.
    """
    trials = dataset.rows("trials")
    if fold is None:
        return {row["trial"]: row["split"] for row in trials}
    folds = leave_one_out((row["trial"], row["participant"]) for row in trials)
    if fold not in folds:
        raise DatasetError(f"has no participant {fold!r} to leave out; it has {', '.join(folds)}", where=dataset.path)
    return dict(folds[fold].trials)


_SEE_REPORT: Final = "See reports/index.html for what each recording lacks, or choose another split."


def _why_unusable(split: str | None, cameras: list[Row]) -> str:
    states = ", ".join(f"{count} {state}" for state, count in Counter(row["status"] for row in cameras).most_common())
    uncalibrated = sum(not row["calibrated"] for row in cameras)
    return (
        f"split {split!r} has no camera recording with clock and calibration "
        f"({len(cameras)} camera recordings: {states or 'none'}; {uncalibrated} without calibration)"
    )


def _order(split: str) -> tuple[int, str]:
    return (SPLITS.index(split) if split in SPLITS else len(SPLITS), split)
