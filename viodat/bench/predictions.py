"""Predictions of a run as one Parquet file: every recording's poses, a row group each."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from viodat.bench.lifting import beside_truth
from viodat.bench.poses import RecordingPoses
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
_SCHEMA: Final = pa.schema(
    [
        pa.field("recording", pa.string(), nullable=False),
        pa.field("frame", pa.int32(), nullable=False, metadata={"unit": "steps of the grid"}),
        pa.field("pose3d_mm", pa.list_(pa.float32(), len(JOINTS) * 3), nullable=False, metadata=_METADATA),
    ]
)


def write_predictions(path: Path, poses: Iterable[RecordingPoses]) -> list[str]:
    """Write predictions; give their recordings."""
    kept = []
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, _SCHEMA, compression="zstd") as writer:
        for one in poses:
            flat = one.pred.astype(np.float32).reshape(-1)
            writer.write_table(
                pa.table(
                    {
                        "recording": pa.array([one.recording] * len(one.pred), pa.string()),
                        "frame": pa.array(np.arange(len(one.pred), dtype=np.int32)),
                        "pose3d_mm": pa.FixedSizeListArray.from_arrays(pa.array(flat), len(JOINTS) * 3),
                    },
                    schema=_SCHEMA,
                )
            )
            kept.append(one.recording)
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
        for k in range(file.num_row_groups):
            name = file.metadata.row_group(k).column(0).statistics.min
            if only is not None and name not in only:
                continue
            group = file.read_row_group(k)
            one = known.get(name)
            flat = np.asarray(group["pose3d_mm"].combine_chunks().flatten(), dtype=np.float64)
            if one is None or len(flat) != one.points * len(JOINTS) * 3:
                raise DatasetError(f"has predictions of {name} that are of another dataset", where=path)
            yield beside_truth(flat.reshape(-1, len(JOINTS), 3), store, one)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"cannot be read ({error})", where=path, mend="Remove it and run again.") from error
