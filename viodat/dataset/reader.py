"""Reading a built dataset: tables as pandas frames, streams as arrays.

``open_dataset`` checks the schema version first; a dataset of a newer major version is refused with the command
that mends it. Streams come back as frozen dataclasses of arrays with NaN where the file holds null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viodat.camera import Camera
from viodat.dataset import paths, schema
from viodat.dataset.manifest import Verification, verify
from viodat.dataset.tables import read_arrays, read_table
from viodat.errors import DatasetError

_MAJOR = int(schema.SCHEMA_VERSION.split(".")[0])


@dataclass(frozen=True)
class Motion:
    """Joint centres of one trial.

    Attributes
    ----------
    time_ns
        (F,) int64 ns, mocap clock.
    joints_mm
        (F, 18, 3) float32 mm, world frame, NaN where undetermined.
    sigma_mm
        (F, 18) float32 mm, NaN where the method states no uncertainty.
    valid
        (F, 18) bool.
    """

    time_ns: NDArray[np.int64]
    joints_mm: NDArray[np.float32]
    sigma_mm: NDArray[np.float32]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Video:
    """Truth and detection at each frame of one recording.

    Attributes
    ----------
    time_ns
        (N,) int64 ns on the mocap clock, or None where the device's clock is unknown.
    device_time_ns, pts
        (N,) int64: the device's own clock in ns, and the stamp itself in the recording's time base.
    pose3d_mm
        (N, 18, 3) float32 mm, camera frame.
    pose2d_px, detected_px
        (N, 18, 2) float32 px, projected truth (with lens distortion) and detected keypoints.
    confidence
        (N, 18) float32, the detector's own.
    valid
        (N, 18) bool: projected truth is there.
    """

    time_ns: NDArray[np.int64] | None
    device_time_ns: NDArray[np.int64]
    pts: NDArray[np.int64]
    pose3d_mm: NDArray[np.float32]
    pose2d_px: NDArray[np.float32]
    detected_px: NDArray[np.float32]
    confidence: NDArray[np.float32]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class AudioTrack:
    """Audio features of one recording.

    Attributes
    ----------
    time_ns
        (N,) int64 ns on the mocap clock, or None where the device's clock is unknown.
    device_time_ns
        (N,) int64 ns on the device's own clock.
    features
        (N, 35) float32.
    log_mel_db
        (N, 128) float32 dB; None at rates other than 100 Hz.
    f0_hz
        (N,) float32 Hz, NaN where unvoiced or not computed; None at rates other than 100 Hz.
    """

    time_ns: NDArray[np.int64] | None
    device_time_ns: NDArray[np.int64]
    features: NDArray[np.float32]
    log_mel_db: NDArray[np.float32] | None
    f0_hz: NDArray[np.float32] | None


def open_dataset(path: str | Path) -> VioDataset:
    """Open a dataset that ``viodat build`` wrote.

    Parameters
    ----------
    path
        Its folder.

    Raises
    ------
    DatasetError
        If there is no dataset, the build did not finish, or its schema is of a newer major version.

    Examples
    --------
    >>> ds = open_dataset("out")                                    # doctest: +SKIP
    >>> ds.trials[["trial", "split", "seconds"]]                    # doctest: +SKIP
    >>> ds.motion("P05T28").joints_mm.shape                         # doctest: +SKIP
    (5000, 18, 3)
    """
    return VioDataset(Path(path))


class VioDataset:
    """A built dataset, read lazily: a stream is read when it is asked for.

    Attributes
    ----------
    path
        The folder.
    info
        dataset.json: schema version, joints, rates, build configuration, code version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info: Mapping[str, Any] = _read_info(path)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row per trial; columns as in :data:`viodat.dataset.schema.TRIALS`."""
        return self._table("trials")

    @cached_property
    def participants(self) -> pd.DataFrame:
        """One row per participant."""
        return self._table("participants")

    @cached_property
    def cameras(self) -> pd.DataFrame:
        """One row per calibrated camera."""
        return self._table("cameras")

    @cached_property
    def recordings(self) -> pd.DataFrame:
        """One row per recording: one device's file of one trial."""
        return self._table("recordings")

    @cached_property
    def exclusions(self) -> pd.DataFrame:
        """What was left out, with stage, reason and the number behind it."""
        return self._table("exclusions")

    def motion(self, trial: str) -> Motion:
        """Joint centres of one trial."""
        row = self._row("trials", "trial", trial)
        columns = read_arrays(self.path / paths.motion(trial, row["participant"], row["split"]), schema.MOTION)
        return Motion(**columns)

    def video(self, recording: str) -> Video:
        """Truth and detection at each video frame of one recording; DatasetError if it has no picture."""
        row = self._recording(recording, "frames", "video")
        columns = read_arrays(self.path / paths.video(recording, row["participant"], row["split"]), schema.VIDEO)
        time_ns = _times(columns.pop("time_ns"))
        return Video(time_ns=time_ns, **columns)

    def audio(self, recording: str, rate_hz: int = 100) -> AudioTrack:
        """Audio features of one recording; DatasetError if it has no sound or the rate was not built."""
        row = self._recording(recording, "audio_rate_hz", "audio")
        built = self.info["feature_rates_hz"]
        if rate_hz not in built:
            raise DatasetError(
                f"audio features at {rate_hz} Hz were not built; there are {', '.join(map(str, built))} Hz",
                where=self.path,
                mend=f"Build with --audio-rate {rate_hz}.",
            )
        file = self.path / paths.audio(recording, row["participant"], row["split"], rate_hz)
        if rate_hz == 100:
            columns = read_arrays(file, schema.AUDIO)
            mel, f0 = columns["log_mel_db"], columns["f0_hz"]
        else:
            columns, mel, f0 = read_arrays(file, schema.AUDIO_OTHER_RATE), None, None
        return AudioTrack(_times(columns["time_ns"]), columns["device_time_ns"], columns["features"], mel, f0)

    def camera(self, recording: str) -> Camera | None:
        """Give the camera of one recording at its video's size, or None if it is not calibrated."""
        text = self._row("recordings", "recording", recording)["camera_model"]
        return Camera.from_dict(json.loads(text)) if isinstance(text, str) else None

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Verification:
        """Compare every file with the manifest; ``progress`` gets (bytes done, bytes in all)."""
        return verify(self.path, progress)

    def __repr__(self) -> str:
        return f"VioDataset('{self.path}': {len(self.trials)} trials, {len(self.recordings)} recordings)"

    def _table(self, name: str) -> pd.DataFrame:
        return pd.DataFrame(read_table(self.path / paths.table(name)).to_pandas())

    def _row(self, table: str, key: str, value: str) -> pd.Series[Any]:
        frame: pd.DataFrame = getattr(self, table)
        found = frame[frame[key] == value]
        if found.empty:
            known = ", ".join(frame[key].head(8)) + (", ..." if len(frame) > 8 else "")
            raise DatasetError(f"has no {key} {value!r}; it has {known or 'none'}", where=self.path)
        row = found.iloc[0]
        if row.get("status") == schema.STATUS_EXCLUDED:
            raise DatasetError(
                f"{key} {value} is excluded: {self._why_excluded(key, value)}",
                where=self.path,
                mend="See exclusions.parquet.",
            )
        return row

    def _recording(self, recording: str, needed: str, stream: str) -> pd.Series[Any]:
        row = self._row("recordings", "recording", recording)
        if pd.isna(row[needed]):
            raise DatasetError(f"recording {recording} has no {stream}", where=self.path)
        return row

    def _why_excluded(self, key: str, value: str) -> str:
        rows = self.exclusions[self.exclusions[key] == value]
        return str(rows.iloc[0]["reason"]) if len(rows) else "no reason is on record"


def _times(values: NDArray[Any]) -> NDArray[np.int64] | None:
    return values if values.dtype == np.int64 else None


def _read_info(path: Path) -> dict[str, Any]:
    file = path / paths.DATASET_JSON
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
        version = str(info["schema_version"])
        major = int(version.split(".")[0])
    except FileNotFoundError:
        what = "is not a viodat dataset (no dataset.json)" if path.is_dir() else "does not exist"
        raise DatasetError(what, where=path, mend="Build one: viodat build --raw RAW --out OUT.") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise DatasetError(
            f"is damaged ({type(error).__name__}: {error})", where=file, mend="Build the dataset again."
        ) from error
    if major > _MAJOR:
        raise DatasetError(
            f"has schema version {version}, newer than the {schema.SCHEMA_VERSION} that this viodat reads",
            where=path,
            mend="Install the newer viodat: pip install --upgrade viodat.",
        )
    return dict(info)
