"""The tables of two datasets side by side: rows that only one has, standings and why, values that differ.

Datasets of different minor versions of the schema are compared by the columns that mean the same in both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from viodat.dataset import paths, schema
from viodat.dataset.diff_clocks import CLOCK_FIELDS, ClockChange, compare_clocks
from viodat.dataset.diff_values import FieldChange, Tolerances, changes, same_sentence
from viodat.dataset.reader import VioDataset
from viodat.dataset.tables import read_table
from viodat.errors import DatasetError

Row = dict[str, Any]

NOTES: Final = "notes"

_KEYS: Final = {
    "participants": ("participant",),
    "trials": ("trial",),
    "recordings": ("recording",),
    "cameras": ("camera", "calibration_id"),
    "exclusions": ("trial", "recording", "stage"),
}
_STANDING: Final = ("status", "split")
_JSON_COLUMNS: Final = ("model", "camera_model")

# Columns whose meaning changed without a new name: (table, column) -> since which version, and what happened.
_REDEFINED: Final = {
    ("recordings", "sigma_ms"): ("1.2", "was the error of the offset, is that of the pictures at the worse end"),
}


@dataclass(frozen=True)
class OnlyIn:
    """A row that only one dataset has.

    Attributes
    ----------
    table
        participants, trials, recordings, cameras or exclusions.
    id
        Its id; of a camera also its name in the calibration; of an exclusion trial, recording and stage.
    side
        ``a`` or ``b``.
    why
        What the exclusions of the other say of it; of an exclusion its own reason; None: nothing.
    """

    table: str
    id: str
    side: str
    why: str | None


@dataclass(frozen=True)
class StandingChange:
    """A trial or recording with another status or split.

    Attributes
    ----------
    table, id, field
        trials or recordings; which; status or split.
    a, b
        What the two have.
    why_a, why_b
        What the exclusions of each say of it; None: nothing.
    """

    table: str
    id: str
    field: str
    a: str | None
    b: str | None
    why_a: str | None
    why_b: str | None


@dataclass(frozen=True)
class RowChange:
    """A value that differs: of which table (or waveform), whose row, and what."""

    table: str
    id: str
    change: FieldChange


@dataclass(frozen=True)
class Versions:
    """The schema versions of two datasets, and what can be compared between them."""

    a: str
    b: str

    def comparable(self, column: pa.Field, table: str = "") -> bool:
        """Say whether both have a column and mean the same by it."""
        return not (self._lacking(column) or self._redefined(table, column.name))

    def not_compared(self) -> list[str]:
        """Say what cannot be compared, and why; nothing if the versions are the same."""
        if self.a == self.b:
            return []
        older, newer = sorted((self.a, self.b), key=schema.version_number)
        out = []
        kinds = {"motion": schema.MOTION, "video": schema.VIDEO, "audio": schema.AUDIO, **schema.TABLES}
        for name, kind in kinds.items():
            if lacking := [column.name for column in kind if self._lacking(column)]:
                out.append(f"{name}: {', '.join(lacking)}: not in schema {older}")
        for (table, column), (since, what) in _REDEFINED.items():
            if self._redefined(table, column):
                out.append(f"{table}: {column}: {what} since schema {since}")
        if schema.version_number(newer) > schema.version_number(schema.SCHEMA_VERSION):
            out.append(f"what came after schema {schema.SCHEMA_VERSION}, the newest that this viodat knows")
        return out

    def _lacking(self, column: pa.Field) -> bool:
        return schema.lacks(self.a, column) or schema.lacks(self.b, column)

    def _redefined(self, table: str, column: str) -> bool:
        since, _ = _REDEFINED.get((table, column), ("0", ""))
        older_a, older_b = (schema.version_number(one) < schema.version_number(since) for one in (self.a, self.b))
        return older_a != older_b


@dataclass
class Tables:
    """The tables of two datasets and how they differ.

    Attributes
    ----------
    rows
        By table: the rows of the two, by id.
    only, standings, fields, clocks
        What differs, as of :class:`viodat.dataset.diff.Difference`.
    """

    rows: dict[str, tuple[dict[str, Row], dict[str, Row]]] = field(default_factory=dict)
    only: list[OnlyIn] = field(default_factory=list)
    standings: list[StandingChange] = field(default_factory=list)
    fields: list[RowChange] = field(default_factory=list)
    clocks: list[ClockChange] = field(default_factory=list)

    def shared(self, table: str) -> list[str]:
        """Ids that both have, sorted."""
        a, b = self.rows[table]
        return sorted(a.keys() & b.keys())


def compare_tables(a: VioDataset, b: VioDataset, versions: Versions, tolerances: Tolerances) -> Tables:
    """Compare all tables.

    Parameters
    ----------
    a, b
        The datasets.
    versions
        Of their schemas.
    tolerances
        Differences up to these are none.

    Raises
    ------
    DatasetError
        If a table is missing or damaged; ``where`` is the whole path.
    """
    out = Tables()
    columns = {
        name: [column for column in kind if versions.comparable(column, name)] for name, kind in schema.TABLES.items()
    }
    for name in schema.TABLES:
        out.rows[name] = (_read(a, name, columns[name]), _read(b, name, columns[name]))
    reasons = _reasons(out.rows["exclusions"][0].values()), _reasons(out.rows["exclusions"][1].values())
    for name, (rows_a, rows_b) in out.rows.items():
        out.only += _only_in("a", name, rows_a, rows_b, reasons[1])
        out.only += _only_in("b", name, rows_b, rows_a, reasons[0])
        for key in out.shared(name):
            _compare_row(out, name, key, columns[name], reasons, tolerances)
    return out


def _compare_row(
    out: Tables,
    table: str,
    key: str,
    columns: list[pa.Field],
    reasons: tuple[Mapping[str, str], Mapping[str, str]],
    tolerances: Tolerances,
) -> None:
    a, b = (rows[key] for rows in out.rows[table])
    judged = table in ("trials", "recordings")
    moved = [name for name in _STANDING if judged and a[name] != b[name]]
    for name in moved:
        why_a, why_b = (_reason(why, row) for why, row in zip(reasons, (a, b), strict=True))
        out.standings.append(StandingChange(table, key, name, a[name], b[name], why_a, why_b))
    if judged and (a["status"] == schema.STATUS_EXCLUDED) != (b["status"] == schema.STATUS_EXCLUDED):
        return
    clock = [column for column in columns if table == "recordings" and column.name in CLOCK_FIELDS]
    for column in columns:
        if column.name not in moved and column not in clock:
            found = _column_changes(column, a[column.name], b[column.name], tolerances)
            out.fields += [RowChange(table, key, change) for change in found]
    if clock:
        trial = next((rows[a["trial"]] for rows in out.rows["trials"] if a["trial"] in rows), None)
        if change := compare_clocks(key, a, b, trial, clock, tolerances):
            out.clocks.append(change)


def _column_changes(column: pa.Field, a: Any, b: Any, tolerances: Tolerances) -> Iterator[FieldChange]:
    if column.name in _JSON_COLUMNS:
        a, b = _parsed(a), _parsed(b)
    if column.name == "reason" and same_sentence(a, b, tolerances):
        return iter(())
    metadata = column.metadata or {}
    unit, joints = (metadata.get(key, b"").decode() for key in (b"unit", b"joints"))
    return changes(
        column.name,
        a,
        b,
        tolerances,
        unit=unit or None,
        names=joints.split(",") if joints else None,
        counts=column.name != NOTES,
    )


def _read(dataset: VioDataset, name: str, columns: list[pa.Field]) -> dict[str, Row]:
    """Rows by id; of several rows of one id the later have a number at the end."""
    file = dataset.path / paths.table(name)
    try:
        table = read_table(file, pa.schema(columns), built_by=dataset.info["viodat_version"])
    except DatasetError as error:
        raise DatasetError(error.problem, where=str(file), mend=error.mend) from error
    out: dict[str, Row] = {}
    maps = [column.name for column in columns if pa.types.is_map(column.type)]
    for row in table.to_pylist():
        row.update({key: dict(row[key]) for key in maps if row[key] is not None})
        key = first = " ".join(str(row[part]) for part in _KEYS[name] if row[part] is not None)
        number = 1
        while key in out:
            number += 1
            key = f"{first} ({number})"
        out[key] = row
    return out


def _only_in(
    side: str, table: str, rows: Mapping[str, Row], others: Mapping[str, Row], reasons: Mapping[str, str]
) -> Iterator[OnlyIn]:
    for key in sorted(rows.keys() - others.keys()):
        yield OnlyIn(table, key, side, rows[key]["reason"] if table == "exclusions" else _reason(reasons, rows[key]))


def _reasons(exclusions: Iterable[Row]) -> dict[str, str]:
    """Why a recording, or a whole trial, is left out: ``stage: reason``, the first of several."""
    out: dict[str, str] = {}
    for row in exclusions:
        out.setdefault(row["recording"] or row["trial"], f"{row['stage']}: {row['reason']}")
    return out


def _reason(reasons: Mapping[str, str], row: Row) -> str | None:
    """Give the reason on record for a trial or recording, which shares that of its whole trial."""
    return reasons.get(row.get("recording") or "") or reasons.get(row.get("trial") or "")


def _parsed(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
