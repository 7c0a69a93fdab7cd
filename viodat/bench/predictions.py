"""Predictions of a run as one Parquet file: every recording's poses, a row group each."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from viodat.bench.lifting import ACCELERATION, POSE, VELOCITY, beside_truth
from viodat.bench.poses import FloatArray, RecordingPoses
from viodat.bench.store import GridStore
from viodat.errors import DatasetError
from viodat.files import atomic_path
from viodat.joints import JOINTS

NAME: Final = "predictions.parquet"
_METADATA: Final = {
    "unit": "mm",
    "frame": "camera, from the model's own root",
    "shape": json.dumps([len(JOINTS), 3]),
    "joints": ",".join(JOINTS),
}
_COLUMNS: Final = {
    POSE: pa.field("pose3d_mm", pa.list_(pa.float32(), len(JOINTS) * 3), nullable=False, metadata=_METADATA),
    VELOCITY: pa.field(
        "velocity_mm", pa.list_(pa.float32(), len(JOINTS) * 3), metadata={**_METADATA, "unit": "mm/frame"}
    ),
    ACCELERATION: pa.field(
        "acceleration_mm", pa.list_(pa.float32(), len(JOINTS) * 3), metadata={**_METADATA, "unit": "mm/frame²"}
    ),
}
_INDEX: Final = (
    pa.field("recording", pa.string(), nullable=False),
    pa.field("frame", pa.int32(), nullable=False, metadata={"unit": "steps of the grid"}),
)


def write_predictions(path: Path, poses: Iterable[RecordingPoses]) -> list[str]:
    """Write predictions, with velocities and accelerations where the model has them; give their recordings."""
    kept: list[str] = []
    with atomic_path(path) as temporary, ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for one in poses:
            values = {POSE: one.pred, VELOCITY: one.velocity, ACCELERATION: one.acceleration}
            there = {name: value for name, value in values.items() if value is not None}
            schema = pa.schema([*_INDEX, *(_COLUMNS[name] for name in there)])
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(temporary, schema, compression="zstd"))
            columns = [
                pa.array([one.recording] * len(one.pred), pa.string()),
                pa.array(np.arange(len(one.pred), dtype=np.int32)),
                *(_flat(value) for value in there.values()),
            ]
            writer.write_table(pa.table(columns, schema=schema))
            kept.append(one.recording)
        if writer is None:
            stack.enter_context(pq.ParquetWriter(temporary, pa.schema([*_INDEX, _COLUMNS[POSE]])))
    return kept


def read_predictions(path: Path, store: GridStore, only: Collection[str] | None = None) -> Iterator[RecordingPoses]:
    """Read predictions beside the truth of a store, one recording after the other; of some alone if they are named.

    Raises
    ------
    DatasetError
        The file cannot be read, or is of other recordings.
    """
    known = {one.recording: one for one in store.recordings}
    try:
        file = pq.ParquetFile(path)
        there = [name for name, column in _COLUMNS.items() if column.name in file.schema_arrow.names]
        for k in range(file.num_row_groups):
            recording = file.metadata.row_group(k).column(0).statistics.min
            if only is not None and recording not in only:
                continue
            group = file.read_row_group(k)
            one = known.get(recording)
            if one is None or len(group) != one.points:
                raise DatasetError(f"has predictions of {recording} that are of another dataset", where=path)
            yield beside_truth({name: _shaped(group[_COLUMNS[name].name]) for name in there}, store, one)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"cannot be read ({error})", where=path, mend="Remove it and run again.") from error


def _flat(values: FloatArray) -> pa.FixedSizeListArray:
    flat = pa.array(values.astype(np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, len(JOINTS) * 3)


def _shaped(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.combine_chunks().flatten(), dtype=np.float64).reshape(-1, len(JOINTS), 3)
