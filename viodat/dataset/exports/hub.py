"""A folder for the Hugging Face Hub: ``datasets.load_dataset(FOLDER, "motion")`` gives arrays in their own shape.

A configuration per stream and table, one file per configuration and split (and more where they grow large), a row group
per trial or recording. Arrays are nested lists of fixed lengths, ``joints_mm`` 18 lists of 3; the features stand in the
files' schema metadata, as ``datasets`` writes them itself. Missing is null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from viodat.dataset import paths, schema
from viodat.dataset.exports.takes import Exported, ExportOptions, Progress, Row, Skipped, built_row, recordings_of
from viodat.dataset.hub_header import TABLE_SPLIT, header
from viodat.dataset.new_folder import new_folder
from viodat.dataset.reader import VioDataset
from viodat.dataset.splits import SPLITS
from viodat.dataset.stream_schemas import STREAMS
from viodat.dataset.tables import read_table, with_later_columns
from viodat.errors import DatasetError
from viodat.files import write_text

_FILE_BYTES: Final = 500_000_000
"""A file is followed by another when what it holds is larger, unpacked."""

_CARD: Final = """\
# {title}

{description}

**Licence.** {licence}

**Cite.** {citation}

Written by `viodat export --format hf` from a dataset of viodat {viodat_version}, schema {schema_version}. How it was
measured and what it lacks stands in that dataset's own README.md.

```python
from datasets import load_dataset

motion = load_dataset("FOLDER", "motion", split="train").with_format("numpy")
motion[0]["joints_mm"].shape  # (18, 3), mm
```

Joints, in order: {joints}.

Times (`time_ns`) are int64 nanoseconds on the motion-capture clock, null where a device's clock is unknown; missing is
null. `recordings` says of each recording how well its clock is known (`status`, `sigma_ms`) and which camera saw it
(`camera_model`, JSON).
"""


def export(
    dataset: VioDataset, trials: Sequence[str], folder: Path, options: ExportOptions, progress: Progress
) -> Exported:
    """Write streams and tables of trials; ``folder`` is new."""
    skipped: list[Skipped] = []
    with new_folder(folder, option="--to") as temporary:
        shards = _Shards(temporary)
        for done, trial in enumerate(trials, 1):
            try:
                _trial(dataset, trial, shards)
            except DatasetError as error:
                skipped.append(Skipped(trial, "hf", error))
            progress(done, len(trials), trial)
        shards.close()
        if not shards.files:
            raise skipped[0].error
        _tables(dataset, trials, shards)
        shards.close()
        files: dict[str, dict[str, str]] = {
            config: {split: f"{config}/{split}-*.parquet" for split in (*SPLITS, TABLE_SPLIT) if split in splits}
            for config, splits in shards.splits().items()
        }
        info = dataset.info
        card = _CARD.format(
            title=info["name"] or "A viodat dataset",
            description=info.get("description") or "The 4D pose of musicians at work.",
            licence=info.get("licence") or "The lab states no licence.",
            citation=info.get("citation") or "The lab states no citation.",
            viodat_version=info["viodat_version"],
            schema_version=info["schema_version"],
            joints=", ".join(info["joints"]),
        )
        write_text(temporary / "README.md", header(files, info) + card)
        written = [folder / file for file in ["README.md", *shards.files]]
    return Exported(tuple(written), tuple(skipped), tuple(_notes(dataset, trials)))


class _Shards:
    """Parquet files by configuration and split, each closed when it is large enough."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[str, str], tuple[pq.ParquetWriter, int]] = {}
        self._count: dict[tuple[str, str], int] = {}
        self.files: list[str] = []

    def write(self, config: str, split: str, table: pa.Table) -> None:
        key = (config, split)
        if key not in self._open:
            name = f"{config}/{split}-{self._count.get(key, 0):05d}.parquet"
            (self._folder / config).mkdir(exist_ok=True)
            self._open[key] = (pq.ParquetWriter(self._folder / name, table.schema, compression="zstd"), 0)
            self._count[key] = self._count.get(key, 0) + 1
            self.files.append(name)
        writer, size = self._open[key]
        writer.write_table(table, row_group_size=max(len(table), 1))
        self._open[key] = (writer, size + table.nbytes)
        if size + table.nbytes > _FILE_BYTES:
            self._open.pop(key)[0].close()

    def splits(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for config, split in self._count:
            found.setdefault(config, set()).add(split)
        return found

    def close(self) -> None:
        for writer, _ in self._open.values():
            writer.close()
        self._open.clear()


def _trial(dataset: VioDataset, trial: str, shards: _Shards) -> None:
    row = built_row(dataset, trial)
    for stream, file in _streams(dataset, row):
        table = read_table(dataset.path / file, built_by=dataset.info["viodat_version"])
        table = with_later_columns(table, STREAMS[stream], dataset.info["schema_version"])
        shards.write(stream, row["split"], _shaped(table.select(STREAMS[stream].names), STREAMS[stream]))


def _streams(dataset: VioDataset, trial: Row) -> Iterator[tuple[str, str]]:
    name, participant, split = trial["trial"], trial["participant"], trial["split"]
    if trial["frames"] is not None:
        yield "motion", paths.motion(name, participant, split)
    if (dataset.path / (notes := paths.annotation(name, participant, split))).exists():
        yield "annotations", notes
    for row in recordings_of(dataset, name):
        if row["frames"] is not None:
            yield "video", paths.video(row["recording"], participant, split)
        if row["audio_rate_hz"] is not None:
            for rate in dataset.info["feature_rates_hz"]:
                kind = "audio" if rate == 100 else f"audio{rate}"
                yield kind, paths.audio(row["recording"], participant, split, rate)


def _tables(dataset: VioDataset, trials: Sequence[str], shards: _Shards) -> None:
    people = {row["participant"] for row in dataset.rows("trials") if row["trial"] in set(trials)}
    of_trials: Callable[[Row], bool] = lambda row: row["trial"] in set(trials)  # noqa: E731
    wanted: dict[str, Callable[[Row], bool]] = {
        "participants": lambda row: row["participant"] in people,
        "cameras": lambda row: True,
        "trials": of_trials,
        "recordings": of_trials,
        "exclusions": lambda row: True,
    }
    for name, kind in schema.TABLES.items():
        table = read_table(dataset.path / paths.table(name), built_by=dataset.info["viodat_version"])
        table = with_later_columns(table, kind, dataset.info["schema_version"]).select(kind.names)
        by_split: dict[str, list[int]] = {}
        for index, row in enumerate(table.to_pylist()):
            if wanted[name](row):
                by_split.setdefault(row.get("split") or TABLE_SPLIT, []).append(index)
        for split, rows in by_split.items():
            shards.write(name, split, _shaped(table.take(rows), kind))


def _shaped(table: pa.Table, kind: pa.Schema) -> pa.Table:
    """Give a table its arrays in their shape, its maps as lists, and the metadata by which ``datasets`` knows both."""
    columns, features = {}, {}
    for field in kind:
        column = table.column(field.name).combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks else pa.nulls(0, field.type)
        if pa.types.is_map(field.type):
            rows = [None if row is None else [{"name": k, "value": v} for k, v in row] for row in column.to_pylist()]
            column = pa.array(rows, pa.list_(pa.struct({"name": pa.string(), "value": pa.string()})))
        elif pa.types.is_fixed_size_list(field.type):
            column = _nested(column, [int(length) for length in field.metadata[b"shape"].decode().split("x")])
        columns[field.name] = column
        features[field.name] = _feature(column.type)
    made = pa.table(columns)
    known = {"info": {"features": features}}
    metadata = {**(kind.metadata or {}), b"huggingface": json.dumps(known).encode()}
    fields = [made.schema.field(field.name).with_metadata(field.metadata) for field in kind]
    return made.cast(pa.schema(fields, metadata=metadata))


def _nested(array: pa.Array, shape: list[int]) -> pa.Array:
    """(N,) lists of ``shape``'s product, as lists in lists; a cell that is null stays null."""
    if len(shape) == 1:
        return array
    inner = pa.FixedSizeListArray.from_arrays(array.values, shape[-1])
    outer = pa.list_(inner.type, shape[0])
    return pa.Array.from_buffers(outer, len(array), array.buffers()[:1], offset=array.offset, children=[inner])


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_fixed_size_list(kind):
        return {"feature": _feature(kind.value_type), "length": kind.list_size, "_type": "Sequence"}
    if pa.types.is_list(kind):
        if pa.types.is_struct(kind.value_type):
            return [{field.name: _feature(field.type) for field in kind.value_type}]
        return {"feature": _feature(kind.value_type), "_type": "Sequence"}
    names = {pa.float32(): "float32", pa.float64(): "float64", pa.bool_(): "bool"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}


def _notes(dataset: VioDataset, trials: Sequence[str]) -> Iterator[str]:
    for status, what in (
        (schema.STATUS_UNSYNCHRONISED, "have no clock: time_ns and truth are null"),
        (schema.STATUS_UNCERTAIN, "have a clock less certain than the gate asks for"),
    ):
        count = sum(row["status"] == status for trial in trials for row in recordings_of(dataset, trial))
        if count:
            yield f"{count} recordings {what}; they are in the files, and recordings.status says so"
