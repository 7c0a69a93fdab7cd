"""From one schema version to the next: a dataset of an older version, rewritten as this viodat would have it.

Every minor version has a step, :data:`STEPS`, and they are taken one after another. What a step cannot know stays null:
it adds what is new, and never makes up a measurement. The old dataset is only read, after every file was compared with
its manifest; the new one takes its place when it is whole.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from viodat._version import __version__
from viodat.dataset import paths, schema
from viodat.dataset.card import write_card
from viodat.dataset.certificate import certify, statistics_of
from viodat.dataset.croissant import write_croissant
from viodat.dataset.info import read_info
from viodat.dataset.manifest import FileState, read_manifest, verify, write_manifest
from viodat.dataset.new_folder import new_folder
from viodat.dataset.sketches import sketch_trial
from viodat.dataset.stream_schemas import STREAMS
from viodat.dataset.tables import read_table
from viodat.errors import ConfigError, DatasetError
from viodat.files import write_text

Info = dict[str, Any]

Progress = Callable[[int, int, str], None]
"""Called with (files done, files in all, file)."""

_SHOWN: Final = 3


@dataclass(frozen=True)
class Step:
    """What one minor version changed beside the columns it added, which every step adds as null.

    Attributes
    ----------
    columns
        By table or stream: gives the table as the version has it. It may change what a column of the version before
        holds, and says so in the notes.
    folder
        Called last, with the folder and dataset.json's content, for what is written of the whole.
    """

    columns: Mapping[str, Callable[[pa.Table, list[str]], pa.Table]] = field(default_factory=dict)
    folder: Callable[[Path, Info], None] = lambda folder, info: None


@dataclass(frozen=True)
class Migration:
    """What was done: the schema versions gone through, and what a reader should know of it."""

    versions: tuple[str, ...]
    notes: tuple[str, ...]


def migrate_dataset(
    source: str | Path,
    out: str | Path,
    *,
    progress: Progress = lambda done, total, what: None,
) -> Migration:
    """Write a dataset anew in the schema version of this viodat.

    Parameters
    ----------
    source
        The dataset; it is only read.
    out
        Folder of the new one: nothing is there, or an empty folder.
    progress
        Called after each file.

    Raises
    ------
    DatasetError
        If there is no dataset, it is damaged (its files are not those of its manifest), or it is of this version
        already, of a newer one, or of another major version.
    ConfigError
        If ``out`` is not empty or cannot be written, or lies inside the dataset.
    """
    source, out = Path(source), Path(out)
    info = read_info(source)
    versions = _versions(source, str(info["schema_version"]))
    files = _sound_files(source)
    if out.resolve().is_relative_to(source.resolve()):
        raise ConfigError("lies inside the dataset that is migrated", where=str(out), mend="Choose another --out.")
    notes: list[str] = []
    rows: dict[str, int] = {}
    with new_folder(out, option="--out") as folder:
        for done, name in enumerate(files, 1):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            kind = _kind(name)
            if kind is None:
                shutil.copyfile(source / name, target)
            else:
                rows[name] = _rewrite(source / name, target, kind, versions, notes)
            progress(done, len(files), name)
        _complete(folder, dict(info), versions)
        write_manifest(folder, rows)
    return Migration(tuple(versions), tuple(dict.fromkeys(notes)))


def _versions(source: Path, version: str) -> list[str]:
    """Give the versions to go through, the dataset's own first."""
    major, minor = schema.version_number(version)
    _, current = schema.version_number(schema.SCHEMA_VERSION)
    if minor == current:
        raise DatasetError(f"is of schema version {version} already", where=source)
    if minor > current:
        raise DatasetError(
            f"has schema version {version}, newer than the {schema.SCHEMA_VERSION} that this viodat writes",
            where=source,
            mend="Install the newer viodat: pip install --upgrade viodat.",
        )
    return [f"{major}.{number}" for number in range(minor, current + 1)]


def _sound_files(source: Path) -> list[str]:
    found = verify(source)
    bad = [
        name for state in (FileState.CHANGED, FileState.MISSING, FileState.UNREADABLE) for name in found.having(state)
    ]
    if bad:
        shown = ", ".join(bad[:_SHOWN]) + (" ..." if len(bad) > _SHOWN else "")
        raise DatasetError(
            f"{len(bad)} of its files are not as they were built: {shown}",
            where=source,
            mend="Run 'viodat check' on it, and copy or build it again.",
        )
    return sorted(read_manifest(source))


def _kind(name: str) -> str | None:
    """Give the table or stream that a file is of, or None."""
    parts = Path(name).parts
    if name.endswith(".parquet"):
        kind = parts[0].removesuffix(".parquet") if len(parts) == 1 else parts[0]
        if kind in schema.TABLES or kind in STREAMS:
            return kind
    return None


def _rewrite(source: Path, target: Path, kind: str, versions: list[str], notes: list[str]) -> int:
    expected = schema.TABLES.get(kind) or STREAMS[kind]
    table = read_table(source)
    for version in versions[1:]:
        for column in expected:
            if _since(column) == version and column.name not in table.column_names:
                table = table.append_column(column, pa.nulls(len(table), column.type))
        if change := STEPS[version].columns.get(kind):
            table = change(table, notes)
    known = [column.name for column in expected if column.name in table.column_names]
    more = [name for name in table.column_names if name not in known]
    table = table.select([*known, *more])
    # The program that built it stays on record.
    metadata = {**(table.schema.metadata or {}), b"schema_version": versions[-1].encode()}
    table = table.replace_schema_metadata(metadata)
    pq.write_table(table, target, compression="zstd", row_group_size=max(len(table), 1))
    return len(table)


def _since(column: pa.Field) -> str | None:
    since = (column.metadata or {}).get(b"since")
    return None if since is None else since.decode()


def _complete(folder: Path, info: Info, versions: list[str]) -> None:
    steps = [{"from": before, "to": after, "viodat_version": __version__} for before, after in pairwise(versions)]
    info["schema_version"] = versions[-1]
    info["migrated"] = [*info.get("migrated", []), *steps]
    for version in versions[1:]:
        STEPS[version].folder(folder, info)
    write_text(folder / paths.DATASET_JSON, json.dumps(info, indent=1) + "\n")
    if "imported" not in info:
        rows = {name: read_table(folder / paths.table(name)).to_pylist() for name in schema.TABLES}
        write_card(folder, info, rows["trials"], rows["recordings"], rows["exclusions"])
    write_croissant(folder, info)


def _sigma_of_pictures(recordings: pa.Table, notes: list[str]) -> pa.Table:
    """Take back ``sigma_ms``, which was that of the offset before 1.2; what it was stays in the recording's notes."""
    old = recordings.column("sigma_ms").to_pylist()
    if all(value is None for value in old):
        return recordings
    told = [
        value if sigma is None else [*(value or []), f"sigma_ms was that of the offset, {sigma:g} ms"]
        for value, sigma in zip(recordings.column("notes").to_pylist(), old, strict=True)
    ]
    notes.append(
        "recordings.sigma_ms is null: before schema 1.2 it was that of the offset, which stands in the notes of each "
        "recording"
    )
    for name, values in (("sigma_ms", [None] * len(old)), ("notes", told)):
        place = recordings.schema.get_field_index(name)
        column = recordings.schema.field(name)
        recordings = recordings.set_column(place, column, pa.array(values, column.type))
    return recordings


def _certify(folder: Path, info: Info) -> None:
    """Certify the splits and take statistics, which datasets before 1.3 do not state."""
    trials, recordings = (read_table(folder / paths.table(name)).to_pylist() for name in ("trials", "recordings"))
    sketches = {}
    for row in trials:
        own = [recording for recording in recordings if recording["trial"] == row["trial"]]
        sketches[row["trial"]] = sketch_trial(folder, row, own, info["schema_version"])
    info["statistics"] = statistics_of(trials, sketches)
    info["certificate"] = certify(trials, sketches, info["statistics"]).to_json()


STEPS: Final[dict[str, Step]] = {
    "1.1": Step(),
    "1.2": Step(columns={"recordings": _sigma_of_pictures}),
    "1.3": Step(folder=_certify),
}
"""By the version that a step leads to."""
