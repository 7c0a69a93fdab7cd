"""A benchmark's result on the terminal."""

from __future__ import annotations

import math
from typing import Any, Final

from rich.table import Table

from viodat.cli.console import out as console
from viodat.cli.console import print_table, table_width
from viodat.errors import counted

_NONE: Final = "–"
_MPJPE: Final = "mpjpe"
_NAME_WIDTH: Final = 20
_WITH_INTERVALS: Final = 125


def print_results(told: dict[str, Any]) -> None:
    """Print the table, the protocol, and what the differences mean.

    Parameters
    ----------
    told
        As :func:`viodat.bench.results.results` gives it.
    """
    rows = sorted(told["rows"], key=lambda row: _rank(row["overall"][_MPJPE]))
    print_table(_table(told, rows))
    console.print(told["protocol"]["sentence"], markup=False)
    for name, other in told["protocols"].items():
        if name != told["protocol"]["name"]:
            print_table(_short_table(told, other))
            console.print(other["sentence"], markup=False)
    print_table(_about(rows))
    for note in told["notes"]:
        console.print(note, markup=False)
    if rows:
        _tell_comparisons(told, rows[0]["label"])
    test = told["dataset"]["test"]
    console.print(
        f"{counted(test['recordings'], 'test recording')} of {counted(test['trials'], 'trial')} and "
        f"{counted(len(test['participants']), 'participant')}: {', '.join(test['participants'])}",
        markup=False,
    )


def _table(told: dict[str, Any], rows: list[dict[str, Any]]) -> Table:
    table = _headed("model", [(one["title"], one["unit"]) for one in told["metrics"]])
    for row in rows:
        values = (_cell(row["overall"][one["name"]], row["interval"][one["name"]]) for one in told["metrics"])
        table.add_row(row["label"], *values)
        if row["published"]:
            published = (_number(row["published"].get(one["name"])) for one in told["metrics"])
            table.add_row("  published, other data", *published, style="dim")
    return table


def _about(rows: list[dict[str, Any]]) -> Table:
    """Give what stands behind each number: people, seeds, size, time."""
    headings = [
        ("MPJPE over", "participants, mm"),
        ("worst of", "them, mm"),
        ("seeds", ""),
        ("parameters", ""),
        ("trained", "s"),
    ]
    table = _headed("model", headings)
    for row in rows:
        worst = row["worst_participant"]
        table.add_row(
            row["label"],
            _number(row["participant_mean"][_MPJPE]),
            f"{worst['participant']} {_number(worst[_MPJPE])}",
            str(len(row["seeds"])),
            _NONE if row["parameters"] is None else f"{row['parameters']:,}",
            f"{row['trained_s']:.1f}",
        )
    return table


def _short_table(told: dict[str, Any], other: dict[str, Any]) -> Table:
    table = _headed(f"as {other['title']}", [(one["title"], one["unit"]) for one in told["metrics"]])
    for label, values in other["rows"].items():
        table.add_row(label, *(_number(values[one["name"]]) for one in told["metrics"]))
    return table


def _headed(first: str, headings: list[tuple[str, str]]) -> Table:
    """Give a table whose numbers are never broken: where there is no room, names are."""
    table = Table(box=None, pad_edge=False)
    table.add_column(first, ratio=1, overflow="fold", min_width=_NAME_WIDTH)
    for title, unit in headings:
        table.add_column(f"{title}\n{unit}", justify="right", no_wrap=True)
    return table


def _tell_comparisons(told: dict[str, Any], best: str) -> None:
    """Print what the difference of the best model to each other one means."""
    for one in told["comparisons"]:
        if one["exploratory"] or best not in (one["first"], one["second"]):
            continue
        truth = one["truth"]
        tied = ""
        if truth is not None and truth["tie"]:
            tied = f" The truth's own error could turn it round ({100 * truth['flips']:.0f} % of draws): a tie."
        console.print(f"MPJPE: {one['sentence']}{tied}", markup=False)


def _cell(value: float | None, interval: list[float | None] | None) -> str:
    # Where there is no room for intervals, the report has them.
    if interval is None or None in interval or table_width() < _WITH_INTERVALS:
        return _number(value)
    low, high = interval
    return f"{_number(value)}\n[{_number(low)}, {_number(high)}]"


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f}"


def _rank(value: float | None) -> float:
    return math.inf if value is None else value
