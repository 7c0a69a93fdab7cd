"""What stands in the tables of page and Markdown, written out: one place, so that the two never disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from viodat.metrics.groups import JOINT_GROUPS
from viodat.report.results.values import (
    MAIN,
    Results,
    Row,
    best,
    decimals,
    fixed,
    interval_text,
    known,
    p_text,
    pair_of,
    parameters_text,
    part_title,
    ranked,
    recording_values,
    score,
)
from viodat.report.results.wording import truth_text
from viodat.report.wording import MISSING, duration, printable

MOST_METRICS: Final = 6
"""Metrics beside each other in one table; more stand in further ones."""
SHOWN_RECORDINGS: Final = 5
SHOWN_PAIRS: Final = 15
"""Comparisons in the open list of the page, and as sentences in the Markdown; all are in the tables of both."""

_ARROWS: Final = {"lower": "↓", "higher": "↑"}


@dataclass(frozen=True)
class Column:
    """Head of a column: its words, and its unit with the arrow to what is better."""

    title: str
    unit: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Cell:
    """A number, what stands small under it, and whether none of its column is better."""

    text: str
    small: str = ""
    best: bool = False


@dataclass(frozen=True)
class Line:
    """One model's row; ``published`` are the paper's numbers, in the columns of the metrics, or empty."""

    label: str
    remark: str
    cells: tuple[Cell, ...]
    published: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The label and the remark, on one line."""
        return f"{self.label} ({self.remark})" if self.remark else self.label


@dataclass(frozen=True)
class Table:
    """Columns and rows, the best model first."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def result_tables(results: Results) -> list[Table]:
    """Give the result table, and further ones for metrics that have no place in it."""
    metrics = list(results.get("metrics") or ())
    metrics.sort(key=lambda metric: metric["name"] != MAIN)
    parts = [metrics[k : k + MOST_METRICS] for k in range(0, len(metrics), MOST_METRICS)] or [[]]
    return [_result_table(results, part, first=part is parts[0]) for part in parts]


def _result_table(results: Results, metrics: Sequence[Mapping[str, Any]], *, first: bool) -> Table:
    rows = ranked(results)
    columns = [_metric_column(metric) for metric in metrics]
    cells: list[list[Cell]] = [[] for _ in rows]
    digits = [decimals([score(row, metric["name"]) for row in rows]) for metric in metrics]
    for metric, places in zip(metrics, digits, strict=True):
        for own, cell in zip(cells, _metric_cells(rows, metric, places), strict=True):
            own.append(cell)
    if first:
        columns += _more_columns()
        for own, row in zip(cells, rows, strict=True):
            own += _more_cells(row, decimals([score(one) for one in rows]))
    lines = [
        Line(printable(str(row["label"])), _remark(row), tuple(own), _published(row, metrics, digits))
        for row, own in zip(rows, cells, strict=True)
    ]
    return Table(tuple(columns), tuple(lines))


def _metric_column(metric: Mapping[str, Any]) -> Column:
    arrow = _ARROWS.get(str(metric.get("direction")), "")
    title = printable(str(metric.get("title") or metric["name"]))
    return Column(title, f"{printable(str(metric.get('unit', '')))} {arrow}".strip(), str(metric.get("reference", "")))


def _metric_cells(rows: Sequence[Row], metric: Mapping[str, Any], places: int) -> list[Cell]:
    name = metric["name"]
    values = [score(row, name) for row in rows]
    there = [value for value in values if value is not None]
    top = (max if metric.get("direction") == "higher" else min)(there) if there else None
    found = []
    for row, value in zip(rows, values, strict=True):
        shown = fixed(value, places)
        # What prints alike is as good; alone it is no winner.
        winner = len(there) > 1 and value is not None and shown == fixed(top, places)
        small = interval_text(pair_of((row.get("interval") or {}).get(name)), places)
        found.append(Cell(shown, small, winner))
    return found


def _more_columns() -> list[Column]:
    return [
        Column("MPJPE by participant", "mean, mm ↓"),
        Column("worst participant", "MPJPE, mm"),
        Column("seeds", "± SD, mm"),
        Column("parameters"),
        Column("training"),
    ]


def _more_cells(row: Row, places: int) -> list[Cell]:
    worst = row.get("worst_participant") or {}
    deviation = known((row.get("seed_sd") or {}).get(MAIN))
    trained = known(row.get("trained_s"))
    return [
        Cell(fixed(known((row.get("participant_mean") or {}).get(MAIN)), places)),
        Cell(fixed(known(worst.get("mpjpe")), places), printable(str(worst.get("participant") or ""))),
        Cell(f"{len(row.get('seeds') or ())}", "" if deviation is None else f"± {fixed(deviation, places)}"),
        Cell(parameters_text(row.get("parameters"))),
        Cell(MISSING if trained is None else duration(trained)),
    ]


def _remark(row: Row) -> str:
    recipe = printable(str(row.get("recipe") or ""))
    parts = [_floor(row), f"recipe {recipe}" if recipe else ""]
    return ", ".join(part for part in parts if part)


def _floor(row: Row) -> str:
    return "floor" if row.get("floor") else ""


def _published(row: Row, metrics: Sequence[Mapping[str, Any]], digits: Sequence[int]) -> tuple[str, ...]:
    told = row.get("published") or {}
    values = [known(told.get(metric["name"])) for metric in metrics]
    if all(value is None for value in values):
        return ()
    return tuple("" if value is None else fixed(value, places) for value, places in zip(values, digits, strict=True))


def protocol_tables(results: Results) -> list[Table]:
    """Give each metric's values under every protocol, one table per metric; none for a single protocol."""
    protocols = results.get("protocols") or {}
    if len(protocols) < 2:
        return []
    rows = ranked(results)
    tables = []
    for metric in results.get("metrics") or ():
        name = metric["name"]
        values = [[known(((one.get("rows") or {}).get(row["label"]) or {}).get(name)) for one in protocols.values()]
                  for row in rows]  # fmt: skip
        flat = [value for own in values for value in own if value is not None]
        if not flat:
            continue
        places = decimals(flat)
        column = _metric_column(metric)
        tables.append(
            Table(
                (
                    Column(column.title, column.unit),
                    *(Column(_protocol_title(key, one)) for key, one in protocols.items()),
                ),
                tuple(
                    Line(printable(str(row["label"])), _floor(row), tuple(Cell(fixed(value, places)) for value in own))
                    for row, own in zip(rows, values, strict=True)
                ),
            )
        )
    return tables


def _protocol_title(name: str, protocol: Mapping[str, Any]) -> str:
    return printable(str(protocol.get("title") or name))


def group_table(results: Results) -> Table | None:
    """Give the error by group of joints, mm; None where it was not given."""
    rows = ranked(results)
    there = {str(group) for row in rows for group in row.get("groups") or {}}
    names = [group for group in JOINT_GROUPS if group in there] + sorted(there - set(JOINT_GROUPS))
    values = [[known((row.get("groups") or {}).get(name)) for name in names] for row in rows]
    if not any(value is not None for own in values for value in own):
        return None
    columns = zip(*values, strict=True)
    lowest = [min((value for value in column if value is not None), default=None) for column in columns]
    places = 1
    lines = [
        Line(
            printable(str(row["label"])),
            _floor(row),
            tuple(
                Cell(fixed(v, places), best=len(rows) > 1 and v is not None and fixed(v, places) == fixed(low, places))
                for v, low in zip(own, lowest, strict=True)
            ),
        )
        for row, own in zip(rows, values, strict=True)
    ]
    return Table(tuple(Column(part_title(printable(name)), "mm ↓") for name in names), tuple(lines))


def comparison_tables(results: Results) -> tuple[Table | None, Table | None]:
    """Give the comparisons on MPJPE, those with the best model first, and the exploratory ones."""
    told = list(results.get("comparisons") or ())
    order = {str(row["label"]): place for place, row in enumerate(ranked(results))}

    def place(pair: Mapping[str, Any]) -> tuple[int, int]:
        places = sorted(order.get(str(pair[side]), len(order)) for side in ("first", "second"))
        return places[0], places[1]

    confirmatory = sorted((pair for pair in told if not _exploratory(pair)), key=place)
    exploratory = sorted(
        (pair for pair in told if _exploratory(pair)), key=lambda pair: (str(pair["metric"]), place(pair))
    )
    return (
        _comparison_table(results, confirmatory, main=True) if confirmatory else None,
        _comparison_table(results, exploratory, main=False) if exploratory else None,
    )


def _exploratory(pair: Mapping[str, Any]) -> bool:
    return bool(pair.get("exploratory")) or pair.get("metric") != MAIN


def _comparison_table(results: Results, pairs: Sequence[Mapping[str, Any]], *, main: bool) -> Table:
    titles = {metric["name"]: str(metric.get("title") or metric["name"]) for metric in results.get("metrics") or ()}
    digits = {
        str(pair.get("metric")): decimals(
            [known(one.get("difference")) for one in pairs if one["metric"] == pair["metric"]]
        )
        for pair in pairs
    }
    has_intervals = any(pair_of(pair.get("interval")) for pair in pairs)
    columns = [
        Column("difference"),
        *([Column("95 % interval")] if has_intervals else []),
        Column("p"),
        Column("p after Holm"),
        Column("effect", "Cohen's d"),
        Column("worst participant", "difference"),
    ]
    lines = []
    for pair in pairs:
        difference, unit = known(pair.get("difference")), printable(str(pair.get("unit", "")))
        places = digits[str(pair.get("metric"))]
        person, apart = (pair.get("worst") or ("", None))[:2]
        interval = interval_text(pair_of(pair.get("interval")), places) or MISSING
        size = fixed(difference, places, sign=True)
        cells = [
            Cell(size if size == MISSING else f"{size} {unit}"),
            *([Cell(interval)] if has_intervals else []),
            Cell(p_text(known(pair.get("p")))),
            Cell(p_text(known(pair.get("adjusted_p")))),
            Cell(fixed(known(pair.get("effect")), 2, sign=True)),
            Cell(fixed(known(apart), places, sign=True) + (f" ({printable(str(person))})" if person else "")),
        ]
        words = f"{printable(str(pair['first']))} − {printable(str(pair['second']))}"
        if main:
            cells.append(Cell(truth_text(pair.get("truth"))))
            lines.append(Line(words, printable(str(pair.get("sentence") or "")), tuple(cells)))
        else:
            name = str(pair.get("metric"))
            lines.append(Line(words, "", (Cell(printable(titles.get(name, name))), *cells)))
    return Table((*columns, Column("the truth's own error")) if main else (Column("metric"), *columns), tuple(lines))


def recording_table(results: Results) -> tuple[str, Table, int] | None:
    """Give the best model's label, its worst and best recordings, and how many of the rows are the worst ones.

    None where no errors by recording are known.
    """
    leader = best(results)
    recordings = recording_values(leader) if leader else []
    if leader is None or not recordings:
        return None
    worst_first = recordings[::-1]
    whole = len(recordings) <= 2 * SHOWN_RECORDINGS
    shown = worst_first if whole else worst_first[:SHOWN_RECORDINGS] + worst_first[-SHOWN_RECORDINGS:]
    floor = best(results, floor=True)
    others = [row for row in (floor,) if row is not None and row is not leader]
    metrics = [metric for metric in results.get("metrics") or () if metric["name"] != MAIN][: MOST_METRICS - 1]
    main = [metric for metric in results.get("metrics") or () if metric["name"] == MAIN]
    own = leader.get("recordings") or {}
    columns = [*(_metric_column(metric) for metric in main + metrics)]
    columns += [Column(f"MPJPE of {printable(str(row['label']))}", "floor, mm ↓") for row in others]
    digits = [decimals([known((of or {}).get(metric["name"])) for of in own.values()]) for metric in main + metrics]
    lines = []
    for name, _ in shown:
        of = next((values for key, values in own.items() if str(key) == name), None) or {}
        cells = [
            Cell(fixed(known(of.get(m["name"])), places)) for m, places in zip(main + metrics, digits, strict=True)
        ]
        for row in others:
            value = known(((row.get("recordings") or {}).get(name) or {}).get(MAIN))
            cells.append(Cell(fixed(value, digits[0] if digits else 2)))
        lines.append(Line(printable(name), "", tuple(cells)))
    count = len(shown) if whole else SHOWN_RECORDINGS
    return printable(str(leader["label"])), Table(tuple(columns), tuple(lines)), count


def environments(results: Results) -> list[tuple[str, str]]:
    """Give the models and the environment that they ran in, those of one environment together."""
    found: dict[str, list[str]] = {}
    for row in ranked(results):
        told = row.get("environment") or {}
        words = " · ".join(f"{printable(str(key))} {printable(str(value))}" for key, value in told.items() if value)
        found.setdefault(words or MISSING, []).append(printable(str(row["label"])))
    return [(", ".join(labels), words) for words, labels in found.items()]


def run_lines(results: Results) -> list[tuple[str, ...]]:
    """Give label, model, recipe, source, note, seeds, peak memory and run folders of each row."""
    lines = []
    for row in ranked(results):
        memory = known(row.get("peak_memory_mb"))
        cells = (
            row["label"], row.get("model"), row.get("recipe"), row.get("source"), row.get("note"),
            ", ".join(map(str, row.get("seeds") or ())), None if memory is None else f"{memory:,.0f} MB",
            ", ".join(map(str, row.get("runs") or ())),
        )  # fmt: skip
        lines.append(tuple(printable(str(cell)) if cell else MISSING for cell in cells))
    return lines
