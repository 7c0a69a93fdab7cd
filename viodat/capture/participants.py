"""Who was recorded: participants.csv, and the values that capture.toml [participants.P05] puts above it.

Lengths are mm, mass kg, angles rad; a blank cell is unknown and stays unknown, never 0. Spreadsheets of every
country are read: UTF-8 with or without its mark, UTF-16, ``,`` ``;`` or tab between cells, decimal commas. A
value that looks like another unit (a height of 1.72) is refused, since no later stage could tell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from viodat.capture.csv_text import read_rows
from viodat.capture.measurements import MEASUREMENTS, merge_measurements
from viodat.capture.problems import Problem, config_error
from viodat.capture.spelling import did_you_mean, shown
from viodat.capture.units import unit_fault

FACTS: Final = ("sex", "age_group", "level", "handedness", "height_mm", "mass_kg", "consent")
"""What is known of a participant beside the measurements."""

VALUES: Final[tuple[str, ...]] = (*FACTS, *(name for name in MEASUREMENTS if name not in FACTS))
"""All columns of participants.csv but ``participant``, and all keys of capture.toml [participants.P05]."""

_NUMBERS: Final = frozenset(VALUES) - {"sex", "age_group", "level", "handedness", "consent"}
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "sex": {"female": "female", "f": "female", "male": "male", "m": "male", "other": "other"},
    "handedness": {"left": "left", "l": "left", "right": "right", "r": "right", "both": "both"},
    "consent": {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"},
}
_LONGEST_TEXT = 100
_ABOVE, _BELOW = "capture.toml", "participants.csv"
_SAME_VALUE = 1e-6
"""Relative difference; both are typed by hand, so nothing was rounded to single precision."""


@dataclass(frozen=True)
class Participant:
    """A person who was recorded, as far as is known.

    Attributes
    ----------
    id
        ``P05``.
    sex
        ``female``, ``male`` or ``other``.
    age_group, level
        In the lab's own words: ``adult``, ``novice``.
    handedness
        ``left``, ``right`` or ``both``.
    height_mm, mass_kg
        Of the body.
    consent
        Whether the participant agrees to be in the dataset.
    measurements
        By the names in :data:`viodat.capture.measurements.MEASUREMENTS`, height and mass among them if
        they are there. Only what is known.
    """

    id: str
    sex: str | None = None
    age_group: str | None = None
    level: str | None = None
    handedness: str | None = None
    height_mm: float | None = None
    mass_kg: float | None = None
    consent: bool | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)


def read_participants(path: Path) -> dict[str, Participant]:
    """Read participants.csv.

    The first row names the columns: ``participant`` and any of :data:`VALUES`.

    Returns
    -------
    dict
        Participants by id, in the order of the file.

    Raises
    ------
    ConfigError
        If the file is not a table, has an unknown column or a participant twice, or a value is not of its
        kind or looks like another unit; all that is wrong is listed with its line.
    """
    rows = read_rows(path)
    header, *body = rows if rows else [(1, ())]
    columns = [name.strip().lower() for name in header[1]]
    if problems := _header_problems(columns, header[0]):
        raise config_error(problems, path)
    people: dict[str, Participant] = {}
    lines: dict[str, int] = {}
    for line, cells in body:
        values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
        name = values.pop("participant", "")
        if len(cells) != len(columns):
            problems.append(Problem(_width_fault(len(cells), len(columns)), line))
        elif not name:
            problems.append(Problem("no participant in this row; give the id, or delete the row", line))
        elif name in people:
            problems.append(Problem(f"participant {shown(name)} stands in line {lines[name]} too", line))
        else:
            person, faults = make_participant(name, {k: cell for k, cell in values.items() if cell})
            problems += [Problem(f"{shown(name)}: {fault}", line) for fault in faults]
            people[name], lines[name] = person, line
    if problems:
        raise config_error(problems, path)
    return people


def make_participant(name: str, values: Mapping[str, Any]) -> tuple[Participant, list[str]]:
    """Make a participant of named values, as text or as numbers.

    Returns
    -------
    tuple
        The participant, of the values that are right, and what is wrong with the others.
    """
    facts: dict[str, Any] = {}
    measurements: dict[str, float] = {}
    faults = []
    for key, value in values.items():
        if key not in VALUES:
            faults.append(f"unknown value '{shown(key)}'; {did_you_mean(key, VALUES, 'values')}")
            continue
        parsed, fault = parse_value(key, value)
        if fault:
            faults.append(fault)
            continue
        if key in MEASUREMENTS and isinstance(parsed, float):
            measurements[key] = parsed
        if key in FACTS:
            facts[key] = parsed == "yes" if key == "consent" else parsed
    return Participant(name, **facts, measurements=measurements), faults


def parse_value(key: str, value: Any) -> tuple[str | float | None, str | None]:
    """Read one value, given as text or as a number.

    Parameters
    ----------
    key
        One of :data:`VALUES`.

    Returns
    -------
    tuple
        The value and None, or None and what is wrong with it.
    """
    return _number(key, value) if key in _NUMBERS else _text(key, value)


def overlay(below: Participant | None, above: Participant | None) -> tuple[Participant, tuple[str, ...]]:
    """Put what capture.toml says of a participant above what participants.csv says.

    Parameters
    ----------
    below, above
        At least one is there.

    Returns
    -------
    tuple
        The participant, and a sentence for each value that both state differently.
    """
    if below is None or above is None:
        single = above or below
        if single is None:
            raise ValueError("overlay: both participants are None")
        return single, ()
    merged = merge_measurements((_ABOVE, above.measurements), (_BELOW, below.measurements), tolerance=_SAME_VALUE)
    conflicts = list(merged.conflicts)
    facts = {}
    for name in FACTS:
        old, new = getattr(below, name), getattr(above, name)
        facts[name] = old if new is None else new
        if None not in (old, new) and old != new and name not in MEASUREMENTS:
            conflicts.append(f"{name}: {_ABOVE} says {new}, {_BELOW} says {old}; {new} is used")
    person = replace(below, **facts, measurements=merged.values)
    return person, tuple(f"{above.id}: {conflict}" for conflict in conflicts)


def _header_problems(columns: list[str], line: int) -> list[Problem]:
    known = ("participant", *VALUES)
    if "participant" not in columns:
        found = ", ".join(shown(name, 30) for name in columns[:8]) or "nothing"
        return [Problem(f"no column 'participant' in the first row, which holds {found}", line)]
    problems = []
    for index, name in enumerate(columns):
        if not name:
            problems.append(Problem(f"column {index + 1} has no name", line))
        elif name not in known:
            hint = did_you_mean(name, known, "columns")
            problems.append(Problem(f"unknown column '{shown(name)}'; {hint}", line))
        elif name in columns[:index]:
            problems.append(Problem(f"column '{name}' stands twice", line))
    return problems


def _width_fault(cells: int, columns: int) -> str:
    why = (
        "a decimal comma in a comma-separated file? Write 1720.5, or put ; between the cells"
        if cells > columns
        else "leave unknown cells blank, but keep their separators"
    )
    return f"{cells} cells, but the first row names {columns} columns; {why}"


def _text(key: str, value: Any) -> tuple[str | None, str | None]:
    if isinstance(value, bool) and key == "consent":
        value = "yes" if value else "no"
    if not isinstance(value, str):
        return None, f"{key} is {shown(value)}, text was expected"
    if key not in _CHOICES:
        if not value.strip() or len(value) > _LONGEST_TEXT or not value.isprintable():
            return None, f"{key} is '{shown(value)}', 1 to {_LONGEST_TEXT} printable characters were expected"
        return value.strip(), None
    choice = _CHOICES[key].get(value.strip().lower())
    if choice is None:
        allowed = ", ".join(dict.fromkeys(_CHOICES[key].values()))
        return None, f"{key} is '{shown(value)}', one of {allowed} was expected"
    return choice, None


def _number(key: str, value: Any) -> tuple[float | None, str | None]:
    if isinstance(value, str):
        parsed, why = _parse_number(value)
        if parsed is None:
            return None, f"{key} is '{shown(value)}', {why}"
        value = parsed
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9 or math.isnan(value):
        return None, f"{key} is {shown(value)}, a number was expected"
    fault = unit_fault(key, float(value))
    return (None, fault) if fault else (float(value), None)


def _parse_number(text: str) -> tuple[float | None, str]:
    """Read a number with a decimal point or comma; what may be a thousands separator is refused."""
    compact = text.strip().replace("\u00a0", "").replace("\u202f", "")
    if re.fullmatch(r"[+-]?[1-9]\d{0,2}[,.]\d{3}", compact) and "," in compact:
        return None, "which is read in two ways; write it without a comma"
    if re.fullmatch(r"[+-]?(\d{1,9}([.,]\d{0,17})?|[.,]\d{1,17})(e[+-]?\d{1,2})?", compact, re.ASCII | re.I):
        return float(compact.replace(",", ".")), ""
    return None, "a number without unit was expected; leave the cell blank where it is unknown"
