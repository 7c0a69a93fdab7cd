"""The page of a benchmark's results: one HTML file that opens from disk, prints on A4, and needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from viodat.report.html import environment
from viodat.report.results import wording
from viodat.report.results.courses import error_over_time, vibrato_courses, wrist_paths
from viodat.report.results.curves import learning_curves
from viodat.report.results.joint_map import joint_map
from viodat.report.results.people import participant_dots
from viodat.report.results.svg import Figure
from viodat.report.results.tables import (
    SHOWN_PAIRS,
    comparison_tables,
    environments,
    group_table,
    protocol_tables,
    recording_table,
    result_tables,
    run_lines,
)
from viodat.report.results.values import Results, known, plain, ranked
from viodat.report.wording import printable


def results_page(results: Results) -> str:
    """Make the page of a benchmark's results.

    Parameters
    ----------
    results
        The content of ``results.json``: plain values. Parts that are missing, None or empty leave their section out,
        or the page says why it is not there.

    Returns
    -------
    str
        HTML with everything in it: no script, nothing from elsewhere. All names are escaped, and the same values give
        the same bytes.
    """
    results = plain(results)
    drawn: list[Figure | str] = [joint_map(results), participant_dots(results), error_over_time(results)]
    drawn += [wrist_paths(results), vibrato_courses(results)]
    curves = learning_curves(results)
    drawn += [curves] if isinstance(curves, str) else curves
    figures = [one for one in drawn if isinstance(one, Figure)]
    confirmatory, exploratory = comparison_tables(results)
    dataset = results.get("dataset") or {}
    tables = result_tables(results)
    return environment().get_template("results.html").render(
        title=printable(str(results.get("title") or "Results")),
        top=wording.top_sentence(results),
        facts=_facts(results),
        results=tables,
        published=any(line.published for table in tables for line in table.lines),
        protocol=_said(results.get("protocol"), "sentence"),
        source=_said(results.get("protocol"), "source"),
        interval=wording.interval_sentence(results),
        divisions=wording.division_sentences(results),
        notes=[printable(str(note)) for note in results.get("notes") or ()],
        dataset={key: _said(dataset, key) for key in ("name", "pose2d", "sha256")},
        rate_hz=known(dataset.get("rate_hz")),
        splits=wording.split_rows(results),
        protocols=protocol_tables(results),
        protocol_sentences=[_said(one, "sentence") for one in (results.get("protocols") or {}).values()],
        comparisons=confirmatory,
        exploratory=exploratory,
        least_p=_least_p(results),
        shown_pairs=SHOWN_PAIRS,
        figures={one.name: one for one in figures},
        drawn={one.name: Markup(one.drawn) for one in figures},
        not_drawn=[one for one in drawn if isinstance(one, str)],
        groups=group_table(results),
        recordings=recording_table(results),
        environments=environments(results),
        runs=run_lines(results),
        definitions=wording.definitions(results),
    )  # fmt: skip


def _said(told: Mapping[str, Any] | None, key: str) -> str:
    return printable(str((told or {}).get(key) or ""))


def _facts(results: Results) -> list[tuple[str, str]]:
    test = (results.get("dataset") or {}).get("test") or {}
    rows = ranked(results)
    floors = sum(bool(row.get("floor")) for row in rows)
    names, numbers = ["model" if len(rows) - floors == 1 else "models"], [f"{len(rows) - floors}"]
    if floors:
        names.append("floor" if floors == 1 else "floors")
        numbers.append(f"{floors}")
    people = len(test.get("participants") or ())
    said = [(" and ".join(names), " + ".join(numbers)), ("test participants", f"{people}")]
    said += [
        (f"test {key}", f"{value:,.0f}")
        for key in ("recordings", "trials")
        if (value := known(test.get(key))) is not None
    ]
    title = (results.get("protocol") or {}).get("title") or (results.get("protocol") or {}).get("name")
    return [*said, ("protocol", printable(str(title)))] if title else said


def _least_p(results: Results) -> float | None:
    values = [known(pair.get("least_p")) for pair in results.get("comparisons") or ()]
    return max((value for value in values if value is not None), default=None)
