"""CSV: one plain file per stream and table, units in the names of its columns, empty where missing.

``TRIAL.motion.csv``, ``TRIAL.annotations.csv``, ``RECORDING.video.csv`` and ``RECORDING.audio.csv`` (``audio30``,
``audio300``) have one row per row of the dataset's file. A number of an array is a column of its own:
``left_ankle_x_mm``. Truth and falsehood are 1 and 0. The tables stand beside them; their lists are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from viodat.audio.features import FEATURE_NAMES
from viodat.dataset import schema
from viodat.dataset.exports.takes import Exported, ExportOptions, Progress, Skipped, built_row, recordings_of, told
from viodat.dataset.reader import VioDataset
from viodat.dataset.stream_schemas import STREAMS
from viodat.errors import DatasetError
from viodat.files import atomic_path

_LABELS: Final = {
    "joints_mm": "{name}_{axis}_mm",
    "sigma_mm": "{name}_sigma_mm",
    "valid": "{name}_valid",
    "velocity_mm_s": "{name}_velocity_{axis}_mm_s",
    "acceleration_mm_s2": "{name}_acceleration_{axis}_mm_s2",
    "angles_rad": "{name}_rad",
    "pose3d_mm": "{name}_camera_{axis}_mm",
    "pose2d_px": "{name}_{axis}_px",
    "detected_px": "{name}_detected_{axis}_px",
    "confidence": "{name}_confidence",
    "features": "{name}",
    "log_mel_db": "log_mel_{index:03d}_db",
}


def export(
    dataset: VioDataset, trials: Sequence[str], folder: Path, options: ExportOptions, progress: Progress
) -> Exported:
    """Write the streams of trials and the tables as CSV; what one trial lacks does not stop the others."""
    files: list[Path] = []
    skipped: list[Skipped] = []
    for done, trial in enumerate(trials, 1):
        try:
            if built_row(dataset, trial)["frames"] is not None:
                files.append(_write(folder / f"{trial}.motion.csv", "motion", dataset.motion_arrays(trial)))
            if len(annotations := dataset.annotations(trial)):
                files.append(_write_table(folder / f"{trial}.annotations.csv", annotations))
        except DatasetError as error:
            skipped.append(Skipped(trial, "csv", error))
        else:
            for row in recordings_of(dataset, trial):
                try:
                    files += _recording(dataset, row, folder)
                except DatasetError as error:
                    skipped.append(Skipped(trial, "csv", error, row["recording"]))
        progress(done, len(trials), trial)
    if files:
        files += [_write_table(folder / f"{name}.csv", getattr(dataset, name)) for name in schema.TABLES]
    return Exported(tuple(files), tuple(skipped), tuple(_notes(dataset, trials)))


def columns_of(name: str, values: NDArray[Any], field: pa.Field) -> Iterator[tuple[str, NDArray[Any]]]:
    """Give the columns of a CSV file that one column of the dataset becomes, by name."""
    if values.ndim == 1:
        yield name, values
        return
    facts = field.metadata
    names: Sequence[str] = (facts.get(b"joints") or facts.get(b"angles") or b"").decode().split(",")
    if name == "features":
        names = FEATURE_NAMES
    for index in range(values.shape[1]):
        label = names[index] if index < len(names) else ""
        if values.ndim == 2:
            yield _LABELS[name].format(name=label, index=index), values[:, index]
            continue
        for place, axis in enumerate("xyz"[: values.shape[2]]):
            yield _LABELS[name].format(name=label, axis=axis), values[:, index, place]


def _recording(dataset: VioDataset, row: dict[str, Any], folder: Path) -> Iterator[Path]:
    name = row["recording"]
    if row["frames"] is not None:
        yield _write(folder / f"{name}.video.csv", "video", dataset.video_arrays(name))
    if row["audio_rate_hz"] is not None:
        for rate in dataset.info["feature_rates_hz"]:
            kind = "audio" if rate == 100 else f"audio{rate}"
            yield _write(folder / f"{name}.{kind}.csv", kind, dataset.audio_arrays(name, rate))


def _write(file: Path, kind: str, arrays: dict[str, NDArray[Any]]) -> Path:
    columns = {
        label: _arrow(values)
        for name, array in arrays.items()
        for label, values in columns_of(name, array, STREAMS[kind].field(name))
    }
    return _save(file, pa.table(columns))


def _arrow(values: NDArray[Any]) -> pa.Array:
    if values.dtype.kind == "b":
        return pa.array(values.astype(np.int8))
    return pa.array(values, mask=np.isnan(values) if values.dtype.kind == "f" else None)


def _write_table(file: Path, frame: Any) -> Path:
    flat = {
        name: [json.dumps(value.tolist() if isinstance(value, np.ndarray) else value) if _is_nested(value) else value
               for value in column.astype(object).where(column.notna(), None)]
        for name, column in frame.items()
    }  # fmt: skip
    return _save(file, pa.table({name: pa.array(values) for name, values in flat.items()}))


def _is_nested(value: Any) -> bool:
    return isinstance(value, np.ndarray | list | dict)


def _save(file: Path, table: pa.Table) -> Path:
    with told(file), atomic_path(file) as temporary:
        pyarrow.csv.write_csv(table, temporary)
    return file


def _notes(dataset: VioDataset, trials: Sequence[str]) -> Iterator[str]:
    rows = [row for row in dataset.rows("recordings") if row["trial"] in set(trials)]
    for status, what in (
        (schema.STATUS_UNSYNCHRONISED, "without a clock: time_ns is empty, device_time_ns is there"),
        (schema.STATUS_UNCERTAIN, "with a clock less certain than the gate asks for"),
    ):
        if names := [row["recording"] for row in rows if row["status"] == status]:
            yield f"{', '.join(names[:8])}{' ...' if len(names) > 8 else ''}: {what} (recordings.csv, status)"
