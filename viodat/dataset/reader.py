"""Reading a built dataset: tables as pandas frames, streams as arrays.

``open_dataset`` checks dataset.json first (:mod:`viodat.dataset.info`), and each file's columns when it is read.
Streams come back as the frozen dataclasses of :mod:`viodat.dataset.streams`, with NaN where the file holds null;
tables as frames with pandas' nullable integers and booleans, ``pd.NA`` where the file holds null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from viodat.camera import Camera
from viodat.dataset import paths, schema
from viodat.dataset.info import read_info
from viodat.dataset.manifest import Verification, verify
from viodat.dataset.streams import AudioTrack, Motion, Video
from viodat.dataset.tables import read_arrays, read_table, with_later_columns
from viodat.errors import DatasetError

Arrays = dict[str, NDArray[Any]]

# One null must not turn a column of whole numbers into floats, nor one of booleans into objects.
_NULLABLE: Final = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def open_dataset(path: str | Path) -> VioDataset:
    """Open a dataset that ``viodat build`` wrote.

    Parameters
    ----------
    path
        Its folder.

    Raises
    ------
    DatasetError
        If there is no dataset, dataset.json is damaged or lacks a key, or its schema is of another major version.

    Examples
    --------
    >>> ds = open_dataset("out")                                    # doctest: +SKIP
    >>> ds.trials[["trial", "split", "seconds"]]                    # doctest: +SKIP
    >>> ds.motion("P05T28").joints_mm.shape                         # doctest: +SKIP
    (5000, 18, 3)
    """
    return VioDataset(Path(path))


class VioDataset:
    """A built dataset, read lazily: a table or stream is read when it is asked for.

    Attributes
    ----------
    path
        The folder.
    info
        dataset.json: schema version, joints, rates, build configuration, code version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info: Mapping[str, Any] = read_info(path)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row per trial; columns as in :data:`viodat.dataset.schema.TRIALS`."""
        return self._frame("trials")

    @cached_property
    def participants(self) -> pd.DataFrame:
        """One row per participant; ``measurement_sources`` holds dicts."""
        return self._frame("participants")

    @cached_property
    def cameras(self) -> pd.DataFrame:
        """One row per calibrated camera."""
        return self._frame("cameras")

    @cached_property
    def recordings(self) -> pd.DataFrame:
        """One row per recording: one device's file of one trial."""
        return self._frame("recordings")

    @cached_property
    def exclusions(self) -> pd.DataFrame:
        """What was left out, with stage, reason and the number behind it."""
        return self._frame("exclusions")

    def motion(self, trial: str) -> Motion:
        """Joint centres of one trial, their velocities and accelerations, and joint angles.

        Raises
        ------
        DatasetError
            If there is no such trial, it is excluded (with the reason) or has no motion, or its file is missing or
            damaged.
        """
        return Motion(**self.motion_arrays(trial))

    def video(self, recording: str) -> Video:
        """Truth and detection at each video frame of one recording.

        Raises
        ------
        DatasetError
            If there is no such recording, it is excluded (with the reason) or has no picture, or its file is
            missing or damaged.
        """
        columns = self.video_arrays(recording)
        return Video(time_ns=known_times(columns.pop("time_ns")), **columns)

    def audio(self, recording: str, rate_hz: int = 100) -> AudioTrack:
        """Audio features of one recording, at one of the rates that were built.

        Raises
        ------
        DatasetError
            If there is no such recording, it is excluded (with the reason) or has no sound, the rate was not built,
            or its file is missing or damaged.
        """
        columns = self.audio_arrays(recording, rate_hz)
        voiced = columns.get("voiced")
        return AudioTrack(
            known_times(columns["time_ns"]),
            columns["device_time_ns"],
            columns["features"],
            columns.get("log_mel_db"),
            columns.get("f0_hz"),
            None if voiced is None else voiced.astype(np.float32),
        )

    def annotations(self, trial: str) -> pd.DataFrame:
        """Give notes, beats and the like of one trial, as published; no rows if it has none.

        Raises
        ------
        DatasetError
            If there is no such trial, it is excluded (with the reason), or its file is damaged.
        """
        row = self._row("trials", trial)
        file = self.path / paths.annotation(trial, row["participant"], row["split"])
        if not file.exists():
            return _as_frame(schema.ANNOTATIONS.empty_table())
        return _as_frame(read_table(file, schema.ANNOTATIONS, built_by=self.info["viodat_version"]))

    def camera(self, recording: str) -> Camera | None:
        """Give the camera of one recording at its video's size, or None if it is not calibrated.

        Raises
        ------
        DatasetError
            If there is no such recording, it is excluded (with the reason), or its camera model is damaged.
        """
        text = self._row("recordings", recording)["camera_model"]
        if text is None:
            return None
        try:
            return Camera.from_dict(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"camera_model of {recording} is damaged ({type(error).__name__}: {error})",
                where=self.path / paths.table("recordings"),
                mend="Build the dataset again.",
            ) from error

    def motion_arrays(self, trial: str, columns: Collection[str] | None = None) -> Arrays:
        """Columns of :data:`viodat.dataset.schema.MOTION`; only those named are decoded. Raises as :meth:`motion`."""
        row = self._row("trials", trial)
        if row["frames"] is None:
            raise DatasetError(f"trial {trial} has no motion", where=self.path)
        return self._stream(paths.motion(trial, row["participant"], row["split"]), schema.MOTION, columns)

    def video_arrays(self, recording: str, columns: Collection[str] | None = None) -> Arrays:
        """Columns of :data:`viodat.dataset.schema.VIDEO`; only those named are decoded. Raises as :meth:`video`."""
        row = self._recording(recording, "frames", "video")
        return self._stream(paths.video(recording, row["participant"], row["split"]), schema.VIDEO, columns)

    def audio_arrays(self, recording: str, rate_hz: int = 100, columns: Collection[str] | None = None) -> Arrays:
        """Columns of :data:`viodat.dataset.schema.AUDIO`; only those named are decoded. Raises as :meth:`audio`."""
        row = self._recording(recording, "audio_rate_hz", "audio")
        self.require_audio_rate(rate_hz)
        file = paths.audio(recording, row["participant"], row["split"], rate_hz)
        return self._stream(file, schema.AUDIO if rate_hz == 100 else schema.AUDIO_OTHER_RATE, columns)

    def has_sound(self, recording: str) -> bool:
        """Whether one recording has sound. Raises DatasetError if there is no such recording, or it is excluded."""
        return self._row("recordings", recording)["audio_rate_hz"] is not None

    def require_audio_rate(self, rate_hz: int) -> None:
        """Raise DatasetError, with the option that mends it, if audio features at that rate were not built."""
        built = self.info["feature_rates_hz"]
        if rate_hz not in built:
            raise DatasetError(
                f"audio features at {rate_hz} Hz were not built; there are {', '.join(map(str, built))} Hz",
                where=self.path,
                mend=f"Build with --audio-rate {rate_hz}.",
            )

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Rows of ``trials`` or ``recordings`` as plain values, None where null: for code that goes row by row."""
        return list(self._by_id[table].values())

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Verification:
        """Compare every file with the manifest; ``progress`` gets (bytes done, bytes in all).

        Raises
        ------
        DatasetError
            If the manifest is missing or damaged.
        """
        return verify(self.path, progress)

    def __repr__(self) -> str:
        return f"VioDataset('{self.path}': {len(self.trials)} trials, {len(self.recordings)} recordings)"

    @cached_property
    def _by_id(self) -> dict[str, dict[str, dict[str, Any]]]:
        keys = {"trials": "trial", "recordings": "recording"}
        return {name: {row[key]: row for row in self._table(name).to_pylist()} for name, key in keys.items()}

    def _table(self, name: str) -> pa.Table:
        kind, version = schema.TABLES[name], self.info["schema_version"]
        older = pa.schema([field for field in kind if not schema.lacks(version, field)])
        table = read_table(self.path / paths.table(name), older, built_by=self.info["viodat_version"])
        return with_later_columns(table, kind, version)

    def _frame(self, name: str) -> pd.DataFrame:
        return _as_frame(self._table(name))

    def _stream(self, file: str, kind: pa.Schema, columns: Collection[str] | None) -> Arrays:
        return read_arrays(
            self.path / file,
            kind,
            columns,
            built_by=self.info["viodat_version"],
            version=self.info["schema_version"],
        )

    def _row(self, table: str, name: str) -> dict[str, Any]:
        known = self._by_id[table]
        key = table.removesuffix("s")
        row = known.get(name)
        why = self._why_excluded(key, name, None if row is None else row["trial"])
        if row is None and why is None:
            some = ", ".join(list(known)[:8]) + (", ..." if len(known) > 8 else "")
            raise DatasetError(f"has no {key} {name!r}; it has {some or 'none'}", where=self.path)
        if row is None or row["status"] == schema.STATUS_EXCLUDED:
            raise DatasetError(
                f"{key} {name} is excluded: {why or 'no reason is on record'}",
                where=self.path,
                mend="See exclusions.parquet.",
            )
        return row

    def _recording(self, recording: str, needed: str, stream: str) -> dict[str, Any]:
        row = self._row("recordings", recording)
        if row[needed] is None:
            raise DatasetError(f"recording {recording} has no {stream}", where=self.path)
        return row

    def _why_excluded(self, key: str, name: str, trial: str | None) -> str | None:
        """Give the reason on record for a trial or recording; a recording shares that of its whole trial."""
        own, whole = self._reasons
        return own.get(name) or whole.get(trial or "") if key == "recording" else whole.get(name)

    @cached_property
    def _reasons(self) -> tuple[dict[str, str], dict[str, str]]:
        """Reasons by recording, and by trial where the whole trial is excluded; the first of several."""
        own: dict[str, str] = {}
        whole: dict[str, str] = {}
        for row in self._table("exclusions").to_pylist():
            if row["recording"] is None:
                whole.setdefault(row["trial"], row["reason"])
            else:
                own.setdefault(row["recording"], row["reason"])
        return own, whole


def _as_frame(table: pa.Table) -> pd.DataFrame:
    # Lossy: of a key that a damaged map holds twice, the last value counts.
    return pd.DataFrame(table.to_pandas(types_mapper=_NULLABLE.get, maps_as_pydicts="lossy"))


def known_times(values: NDArray[Any]) -> NDArray[np.int64] | None:
    """Give the times of a stream, or None where the column is null because the device's clock is unknown."""
    return values if values.dtype == np.int64 else None
