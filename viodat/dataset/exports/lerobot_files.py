"""The files of a LeRobotDataset v3.0: frames in ``data/``, what is true of episodes and of the whole in ``meta/``.

Episodes follow one another in files of up to 100 MB, ``chunk-000/file-000.parquet`` and so on, a row group each.
Statistics are over what is known, missing values left out; a number that is missing throughout an episode has mean 0
and standard deviation 1 there, so that a reader who normalises by them leaves it as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from viodat.dataset.splits import SPLITS
from viodat.files import write_text

VERSION: Final = "v3.0"
TASK: Final = "Play music."

_FILE_MB: Final = 100
_FILES_PER_CHUNK: Final = 1000
_PLACE: Final = "chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_QUANTILES: Final = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}

Arrays = dict[str, NDArray[Any]]
Stats = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Feature:
    """A column of the frames: a number, or a vector whose entries have names."""

    dtype: str
    names: tuple[str, ...] | None = None

    @property
    def arrow(self) -> pa.DataType:
        """Its type in Parquet."""
        kind = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_()}[self.dtype]
        return pa.list_(kind, len(self.names)) if self.names else kind

    @property
    def described(self) -> dict[str, Any]:
        """Its entry in meta/info.json."""
        shape = [len(self.names)] if self.names else [1]
        return {"dtype": self.dtype, "shape": shape, "names": list(self.names) if self.names else None}


class LeRobotWriter:
    """Writes episodes one after another; a context manager, after which :meth:`write_meta` completes the folder.

    Parameters
    ----------
    folder
        An empty folder.
    features
        Columns of the frames, those that every LeRobotDataset has among them.
    rate_hz
        Frames per second.
    """

    def __init__(self, folder: Path, features: dict[str, Feature], rate_hz: int) -> None:
        self._folder = folder
        self._features = features
        self._rate_hz = rate_hz
        self._writer: pq.ParquetWriter | None = None
        self._bytes = 0
        self._file = -1
        self._frames = 0
        self._splits: dict[str, list[int]] = {}
        self.episodes: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, arrays: Arrays, facts: dict[str, Any], split: str) -> None:
        """Write an episode.

        Parameters
        ----------
        arrays
            (T, N) or (T,) by feature, without ``episode_index``, ``index`` and ``task_index``.
        facts
            What meta/episodes says of it beside what LeRobot needs.
        split
            Episodes of one split are added one after another.
        """
        number, count = len(self.episodes), len(arrays["frame_index"])
        arrays = {
            **arrays,
            "episode_index": np.full(count, number),
            "index": self._frames + np.arange(count),
            "task_index": np.zeros(count, np.int64),
        }
        columns = [_column(arrays[name], feature) for name, feature in self._features.items()]
        table = pa.Table.from_arrays(columns, names=list(self._features))
        place = self._place(table)
        assert self._writer is not None
        self._writer.write_table(table, row_group_size=count)
        self._bytes += table.nbytes
        self.episodes.append(
            {
                "episode_index": number,
                "tasks": [TASK],
                "length": count,
                "data/chunk_index": place[0],
                "data/file_index": place[1],
                "dataset_from_index": self._frames,
                "dataset_to_index": self._frames + count,
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
                **facts,
                **{
                    f"stats/{name}/{key}": value
                    for name in self._features
                    for key, value in statistics(arrays[name]).items()
                },
            }
        )
        self._frames += count
        self._splits.setdefault(split, [number, number])[1] = number + 1

    def write_meta(self) -> None:
        """Write what is true of the episodes and of the whole."""
        meta = self._folder / "meta"
        table = pa.Table.from_pylist(
            [{key: _plain(value) for key, value in episode.items()} for episode in self.episodes]
        )
        file = meta / "episodes" / _PLACE.format(chunk_index=0, file_index=0)
        file.parent.mkdir(parents=True)
        pq.write_table(table, file)
        # By pandas, as LeRobot does: the text is the index of the frame.
        pd.DataFrame({"task_index": [0]}, index=pd.Index([TASK], name="task")).to_parquet(meta / "tasks.parquet")
        whole = {
            name: pooled([{key: episode[f"stats/{name}/{key}"] for key in STATISTICS} for episode in self.episodes])
            for name in self._features
        }
        stats = {name: {key: value.tolist() for key, value in found.items()} for name, found in whole.items()}
        write_text(meta / "stats.json", json.dumps(stats, indent=4) + "\n")
        write_text(meta / "info.json", json.dumps(self._info(), indent=4) + "\n")

    def _info(self) -> dict[str, Any]:
        return {
            "codebase_version": VERSION,
            "robot_type": None,
            "total_episodes": len(self.episodes),
            "total_frames": self._frames,
            "total_tasks": 1,
            "chunks_size": _FILES_PER_CHUNK,
            "data_files_size_in_mb": _FILE_MB,
            "video_files_size_in_mb": 200,
            "fps": self._rate_hz,
            "splits": {name: "{}:{}".format(*self._splits[name]) for name in SPLITS if name in self._splits},
            "data_path": f"data/{_PLACE}",
            "video_path": None,
            "features": {name: feature.described for name, feature in self._features.items()},
        }

    def _place(self, table: pa.Table) -> tuple[int, int]:
        """Give chunk and file of the next episode, and open the file if it is a new one."""
        if self._writer is None or self._bytes + table.nbytes > _FILE_MB * 2**20:
            if self._writer is not None:
                self._writer.close()
            self._file, self._bytes = self._file + 1, 0
            chunk, number = divmod(self._file, _FILES_PER_CHUNK)
            file = self._folder / "data" / _PLACE.format(chunk_index=chunk, file_index=number)
            file.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(file, table.schema, compression="snappy")
        return divmod(self._file, _FILES_PER_CHUNK)


STATISTICS: Final = ("min", "max", "mean", "std", "count", *_QUANTILES)


def statistics(values: NDArray[Any]) -> Stats:
    """Give the statistics of an episode: (N,) each over (T, N) or (1,) over (T,), and ``count`` (1,), the frames."""
    wide = values.reshape(len(values), -1).astype(np.float64)
    known = np.isfinite(wide).any(0)
    # Where nothing is known: a reader who normalises by these leaves the numbers as they are.
    out: Stats = {key: np.zeros(wide.shape[1]) for key in STATISTICS}
    out["std"] = np.ones(wide.shape[1])
    there = wide[:, known]
    if there.size:
        out["min"][known], out["max"][known] = np.nanmin(there, 0), np.nanmax(there, 0)
        out["mean"][known], out["std"][known] = np.nanmean(there, 0), np.nanstd(there, 0)
        for key, share in _QUANTILES.items():
            out[key][known] = np.nanquantile(there, share, axis=0)
    out["count"] = np.array([len(values)])
    return out


def pooled(episodes: list[Stats]) -> Stats:
    """Give the statistics of all frames from those of the episodes, as LeRobot does: quantiles are weighted means."""
    stacked = {key: np.stack([episode[key] for episode in episodes]) for key in STATISTICS}
    count = stacked["count"].sum()
    weight = stacked["count"] / count
    mean = (weight * stacked["mean"]).sum(0)
    variance = (weight * (stacked["std"] ** 2 + (stacked["mean"] - mean) ** 2)).sum(0)
    return {
        "min": stacked["min"].min(0),
        "max": stacked["max"].max(0),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": np.array([count]),
        **{key: (weight * stacked[key]).sum(0) for key in _QUANTILES},
    }


def _column(values: NDArray[Any], feature: Feature) -> pa.Array:
    if feature.names is None:
        return pa.array(values, feature.arrow)
    return pa.FixedSizeListArray.from_arrays(
        pa.array(np.ascontiguousarray(values).reshape(-1), feature.arrow.value_type), type=feature.arrow
    )


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
