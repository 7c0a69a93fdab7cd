"""The results as Markdown: what the tables of the page hold, for a README, an issue or a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from viodat.report.results import wording
from viodat.report.results.tables import (
    SHOWN_PAIRS,
    Cell,
    Table,
    comparison_tables,
    environments,
    group_table,
    protocol_tables,
    recording_table,
    result_tables,
    run_lines,
)
from viodat.report.results.values import Results, plain
from viodat.report.wording import printable

_SPECIAL = re.compile(r"([\\`*\[\]<>|~#&])|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown or the HTML in it would read as a sign; an underscore within a word is none."""


def results_markdown(results: Results) -> str:
    """Make the Markdown of a benchmark's results.

    Parameters
    ----------
    results
        As :func:`viodat.report.results.results_page` takes them.

    Returns
    -------
    str
        GitHub-flavoured Markdown; every name in it is escaped.
    """
    results = plain(results)
    protocol = results.get("protocol") or {}
    parts = [
        f"# {_escaped(str(results.get('title') or 'Results'))}",
        _escaped(wording.top_sentence(results)),
        "## Results",
    ]
    tables = result_tables(results)
    parts += [_table(table, "model") for table in tables]
    published = _published(tables)
    if published:
        parts += ["Published by the models' authors, on another test set:", *published]
    sentences = [str(protocol.get("sentence") or ""), wording.interval_sentence(results)]
    sentences += [*wording.division_sentences(results), *map(str, results.get("notes") or ())]
    parts.append("\n".join(f"- {_escaped(sentence)}" for sentence in sentences if sentence))
    parts += _protocols(results)
    parts += _comparisons(results)
    groups = group_table(results)
    if groups:
        parts += ["## Error by group of joints", _table(groups, "model")]
    recordings = recording_table(results)
    if recordings:
        label, table, _ = recordings
        parts += [f"## Worst and best recordings of {_escaped(label)}", _table(table, "recording")]
    parts += _provenance(results)
    return "\n\n".join(parts) + "\n"


def _protocols(results: Results) -> list[str]:
    tables = protocol_tables(results)
    if not tables:
        return []
    parts = ["## The same predictions under other protocols"]
    for table in tables:
        head = table.columns[0]
        parts.append(_table(Table(table.columns[1:], table.lines), f"{head.title} ({head.unit})"))
    sentences = [str(one.get("sentence") or "") for one in (results.get("protocols") or {}).values()]
    return [*parts, "\n".join(f"- {_escaped(sentence)}" for sentence in sentences if sentence)]


def _comparisons(results: Results) -> list[str]:
    confirmatory, exploratory = comparison_tables(results)
    parts = []
    if confirmatory:
        said = [line.remark for line in confirmatory.lines[:SHOWN_PAIRS] if line.remark]
        parts += ["## Comparisons on MPJPE", "\n".join(f"- {_escaped(sentence)}" for sentence in said)]
        parts.append(_table(confirmatory, "pair", remarks=False))
    if exploratory:
        parts += [
            "## Exploratory comparisons",
            "On other metrics: for new questions, not as evidence.",
            _table(exploratory, "pair"),
        ]
    return [part for part in parts if part]


def _provenance(results: Results) -> list[str]:
    dataset = results.get("dataset") or {}
    name = _escaped(str(dataset.get("name") or "–"))
    parts = [
        "## What was run",
        f"Dataset {name}, SHA-256 `{re.sub(r'[^0-9A-Za-z]', '', str(dataset.get('sha256') or '')) or '–'}`.",
    ]
    parts.append("\n".join(f"- {_escaped(labels)}: {_escaped(words)}" for labels, words in environments(results)))
    titles = ("label", "model", "recipe", "source", "note", "seeds", "peak memory", "runs")
    runs = run_lines(results)
    parts.append(_rows(titles, runs) if runs else "")
    return [part for part in parts if part]


def _table(table: Table, corner: str, *, remarks: bool = True) -> str:
    titles = [corner, *(f"{column.title} ({column.unit})" if column.unit else column.title for column in table.columns)]
    rows = [[line.name if remarks else line.label, *map(_cell, line.cells)] for line in table.lines]
    return _rows(titles, rows, [[False, *(cell.best for cell in line.cells)] for line in table.lines])


def _cell(cell: Cell) -> str:
    return f"{cell.text} {cell.small}".strip()


def _published(tables: Sequence[Table]) -> list[str]:
    parts = []
    for table in tables:
        lines = [line for line in table.lines if line.published]
        if lines:
            columns = table.columns[: len(lines[0].published)]
            titles = ["model", *(f"{column.title} ({column.unit})" for column in columns)]
            parts.append(_rows(titles, [[line.label, *(one or "–" for one in line.published)] for line in lines]))
    return parts


def _rows(titles: Sequence[str], rows: Sequence[Sequence[str]], bold: Sequence[Sequence[bool]] = ()) -> str:
    lines = [_row(map(_escaped, titles)), _row(["---", *["---:"] * (len(titles) - 1)])]
    for k, row in enumerate(rows):
        marks = bold[k] if bold else [False] * len(row)
        lines.append(
            _row(f"**{_escaped(one)}**" if mark else _escaped(one) for one, mark in zip(row, marks, strict=True))
        )
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: "\\" + found.group(0), printable(text))
