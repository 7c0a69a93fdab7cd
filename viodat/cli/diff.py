"""``viodat diff``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, progress
from viodat.errors import counted

if TYPE_CHECKING:
    from viodat.dataset.diff import ClockChange, ColumnSummary, Difference, FieldChange, OnlyIn, RowChange

_SHOWN = 8
_LONG = 60
"""A longer text is cut in the summary."""
_BY_PART = ("joints_mm", "pose2d_px", "features")
_UNITS = {"1": "", "1e-6": "ppm"}


def diff(
    a: Annotated[Path, typer.Argument(help="A dataset.")],
    b: Annotated[Path, typer.Argument(help="Another, told as a change from the first.")],
    tolerance_mm: Annotated[
        float, typer.Option("--tolerance-mm", help="Numbers in mm that differ by no more are the same.")
    ] = 0.0,
    tolerance_ms: Annotated[
        float, typer.Option("--tolerance-ms", help="Times and clocks that differ by no more are the same.")
    ] = 0.0,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", help="The same for all other numbers, as a share of what each varies by: 0.001."),
    ] = 0.0,
    json: Annotated[bool, typer.Option("--json", help="Print everything that differs as JSON.")] = False,
) -> None:
    """Compare two datasets: what only one has, what changed its standing, which numbers moved how far, and why.

    Exit status: 0 they are the same, 1 they differ, 2 one cannot be read.
    """
    from viodat.dataset.diff import Tolerances, diff_datasets
    from viodat.dataset.reader import open_dataset

    tolerances = Tolerances(tolerance_mm, tolerance_ms, tolerance)
    with progress("comparing", quiet=json) as show:
        found = diff_datasets(open_dataset(a), open_dataset(b), tolerances, show)
    if json:
        print_json(found.to_json())
    else:
        _print(found)
    raise typer.Exit(0 if found.same else 1)


def _print(found: Difference) -> None:
    _list("made differently, which does not count but may be why:", map(_field, found.made))
    if found.schema_versions[0] != found.schema_versions[1]:
        _list(f"schema {' and '.join(found.schema_versions)}; not compared:", found.not_compared or ["nothing"])
    _list("dataset.json:", map(_field, found.about))
    for side in ("a", "b"):
        _print_only(side, [item for item in found.only if item.side == side])
    _list(
        "standing:",
        (
            f"{item.id}: {item.field} {_value(item.a)} -> {_value(item.b)}"
            + "".join(f"; {name}: {why}" for name, why in (("A", item.why_a), ("B", item.why_b)) if why)
            for item in found.standings
        ),
    )
    _print_fields([item for item in found.fields if item.change.counts], "tables:")
    _print_fields([item for item in found.fields if not item.change.counts], "notes, which do not count:")
    moved = sorted(found.clocks, key=lambda item: -max(abs(item.start_ms or 0.0), abs(item.end_ms or 0.0)))
    _list("clocks, by how much B is later (+) or earlier:", map(_clock, moved))
    _list(
        "rows:",
        (
            f"{item.stream} {item.id}: {item.only_a:,} only in A, {item.only_b:,} only in B, {item.both:,} in both"
            for item in found.rows
        ),
    )
    _list("numbers, the difference's median, p95 and largest:", map(_column, found.summary), shown=None)
    by_part = [item for item in found.summary if item.by_part and item.column in _BY_PART]
    _list("the largest of each:", map(_parts, by_part))
    compared = f"{counted(found.trials, 'trial')} and {counted(found.recordings, 'recording')} in both"
    console.print(f"{'same' if found.same else 'different'}: {found.a} and {found.b}, {compared}", markup=False)


def _list(title: str, lines: Iterable[str], shown: int | None = _SHOWN) -> None:
    told = list(lines)
    if told:
        console.print(title, style="bold")
    for line in told[:shown]:
        console.print(f"  {line}", markup=False)
    if told[:shown] != told:
        console.print(f"  and {len(told[shown:]):,} more: --json has all")


def _print_only(side: str, items: list[OnlyIn]) -> None:
    lines = []
    for table in dict.fromkeys(item.table for item in items):
        ids = [f"{item.id} ({item.why})" if item.why else item.id for item in items if item.table == table]
        more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
        lines.append(f"{len(ids):,} of {table}: {', '.join(ids[:_SHOWN])}{more}")
    _list(f"only in {side.upper()}:", lines)


def _print_fields(items: list[RowChange], title: str) -> None:
    """One line per column: how many rows, and the one that differs most."""
    columns: dict[tuple[str, str], list[RowChange]] = {}
    for item in items:
        columns.setdefault((item.table, item.change.field.partition("[")[0].partition(".")[0]), []).append(item)
    lines = []
    for (table, column), found in columns.items():
        worst = max(found, key=lambda item: abs(item.change.delta or 0.0))
        rows = len({item.id for item in found})
        more = f" ({column} differs in {counted(rows, 'row')})" if len(found) > 1 else ""
        lines.append(f"{table} {worst.id} {_field(worst.change)}{more}")
    _list(title, lines)


def _clock(item: ClockChange) -> str:
    """How far mocap time moved, then what of the clock did; what follows from the first is not said again."""
    fields = {change.field: change for change in item.fields}
    parts = []
    if item.start_ms is not None and item.end_ms is not None:
        fields.pop("offset_s", None)
        start, end = (f"{_number(value, signed=True)} ms" for value in (item.start_ms, item.end_ms))
        parts.append(f"{start} at the trial's start, {end} at its end")
        for name in ("first_frame_ns", "last_frame_ns"):
            if name in fields and fields[name].delta is not None:
                del fields[name]
    for name, change in fields.items():
        unit = _UNITS.get(change.unit or "", change.unit or "")
        moved = f"{_number(change.delta, signed=True)} {unit}".rstrip() if change.delta is not None else None
        parts.append(f"{name} {moved or f'{_value(change.a)} -> {_value(change.b)}'}")
    return f"{item.recording}: {', '.join(parts)}"


def _column(item: ColumnSummary) -> str:
    """Median, p95 and largest, and where that is; numbers that one of the two lacks."""
    unit = _UNITS.get(item.unit, item.unit)
    noun = "trial" if item.stream == "motion" else "recording"
    where = " ".join([item.id, *([item.part] if item.part else []), *_at(item.at_s)])
    if item.unit == "flag":
        parts = [f"{item.changed:,} differ, {where}"] if item.changed else []
    else:
        numbers = ", ".join(map(_number, (item.median, item.p95, item.largest)))
        parts = [f"{numbers} {unit}".rstrip() + f", {where}"] if item.compared else []
    if item.appeared or item.vanished:
        parts.append(f"missing in A only {item.appeared:,}, in B only {item.vanished:,}")
    return f"{item.stream} {item.column} in {counted(item.ids, noun)}: {'; '.join(parts)}"


def _parts(item: ColumnSummary) -> str:
    worst = sorted(item.by_part.items(), key=lambda pair: -pair[1])[:_SHOWN]
    return f"{item.column}: " + ", ".join(f"{part} {_number(value)}" for part, value in worst)


def _at(at_s: float) -> list[str]:
    return [] if math.isnan(at_s) else [f"at {at_s:.2f} s"]


def _field(change: FieldChange) -> str:
    unit = _UNITS.get(change.unit or "", change.unit or "") if change.delta is not None else ""
    return f"{change.field}: {_value(change.a)} -> {_value(change.b)} {unit}".rstrip()


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."


def _number(value: float, *, signed: bool = False) -> str:
    sign = "+" if signed and value > 0 else ""
    if not value:
        return "0"
    return f"{sign}{value:,.1f}" if abs(value) >= 1 else f"{sign}{value:.2g}"
