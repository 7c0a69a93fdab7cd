"""Each model's error on each participant: whether the order of models is the same for everyone."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from viodat.report.results import svg
from viodat.report.results.svg import Figure
from viodat.report.results.values import MAIN, Results, Row, fixed, known, ranked
from viodat.report.results.wording import participants_of
from viodat.report.wording import printable

_LEFT: Final = 190.0
_RIGHT: Final = svg.WIDTH - 150.0
_ROW: Final = 24.0
_MOST_MARKED: Final = 12
_FAR: Final = 1.5
"""Times the largest error of any model that is no floor: rows wholly beyond are written, not drawn."""


def participant_dots(results: Results) -> Figure | str:
    """Draw one row of marks per model, one mark per participant; a sentence instead for fewer than two."""
    rows = [row for row in ranked(results) if _values(row)]
    people = list(dict.fromkeys([*participants_of(results), *sorted({one for row in rows for one in _values(row)})]))
    people = [one for one in people if any(one in _values(row) for row in rows)]
    if len(people) < 2:
        return "Is the order of models the same for everyone: errors of fewer than two participants were given."
    near = _near(rows)
    drawn = {row["label"] for row in near}
    marked = len(people) <= _MOST_MARKED
    key, top = _key(people) if marked else ([], 8.0)
    bottom = top + len(rows) * _ROW
    axis = svg.scale(np.array([v for row in near for v in _values(row).values()]), _LEFT, _RIGHT, margin=0.04)
    marks = key + svg.time_axis(axis, top, bottom, "MPJPE (mm)", most=9)
    for k, row in enumerate(rows):
        y = top + (k + 0.5) * _ROW
        if k % 2 == 0:
            marks.insert(0, svg.box(0, y - _ROW / 2, svg.WIDTH, _ROW, "#F6F6F4"))
        found = _values(row)
        name = f"{row['label']}{' (floor)' if row.get('floor') else ''}"
        marks.append(svg.text(0, y + 4, svg.fit(name, _LEFT - 12)))
        worst = max(found, key=lambda one: (found[one], one))
        words = f"worst: {printable(worst, 8)}, {fixed(found[worst], 1)}"
        marks.append(svg.text(svg.WIDTH - 4, y + 4, words, size=svg.SMALL, colour=svg.QUIET, anchor="end"))
        if row["label"] not in drawn:
            words = f"beyond: {fixed(min(found.values()), 1)} to {fixed(max(found.values()), 1)} mm →"
            marks.append(svg.text(_RIGHT, y + 4, words, size=svg.SMALL, anchor="end"))
            continue
        marks.append(svg.segment(axis(min(found.values())), y, axis(max(found.values())), y, svg.AXIS))
        mean = sum(found.values()) / len(found)
        marks += [
            _mark(people.index(one) if marked else 0, axis(value), y)
            for one, value in sorted(found.items(), key=lambda pair: people.index(pair[0]), reverse=True)
        ]
        marks.append(svg.segment(axis(mean), y - 10, axis(mean), y + 10, svg.MARK, 2.2))
    caption = (
        "MPJPE of each test participant, mm: the mean over their recordings and the model's seeds. The tall stroke is "
        "the mean over participants, each of whom counts the same."
        + ("" if marked else " So many participants share one mark.")
        + ("" if len(near) == len(rows) else " A floor beyond the axis is written, not drawn.")
    )
    question = (
        "Is the order of models the same for everyone?" if len(rows) > 1 else "Is the error the same for everyone?"
    )
    return Figure("participants", question, svg.drawing(bottom + 40, "MPJPE by model and participant", marks), caption)


def _near(rows: list[Row]) -> list[Row]:
    """Give the rows that share the axis: a floor that is far beyond all models would push these together."""
    models = [value for row in rows if not row.get("floor") for value in _values(row).values()]
    limit = _FAR * max(models) if models else math.inf
    return [row for row in rows if min(_values(row).values()) <= limit]


def _values(row: Row) -> dict[str, float]:
    found = {printable(str(one)): known((of or {}).get(MAIN)) for one, of in (row.get("participants") or {}).items()}
    return {one: value for one, value in found.items() if value is not None}


def _key(people: list[str]) -> tuple[list[str], float]:
    marks, x, y = [], _LEFT, 12.0
    for k, name in enumerate(people):
        words = svg.fit(name, 120)
        width = svg.text_width(words) + 34
        if x + width > svg.WIDTH:
            x, y = _LEFT, y + 20
        marks += [_mark(k, x + 6, y - 4), svg.text(x + 16, y, words)]
        x += width
    return marks, y + 14


def _mark(place: int, x: float, y: float) -> str:
    """Draw the mark of a participant: six shapes, filled and then hollow, so that none hangs on a colour."""
    shape, hollow = place % 6, place // 6 % 2
    look = f'fill="{"#FFFFFF" if hollow else svg.MODEL}" stroke="{svg.MODEL if hollow else "#FFFFFF"}" '
    look += f'stroke-width="{"1.6" if hollow else "0.8"}"'
    if shape == 0:
        return f'<circle cx="{svg.number(x)}" cy="{svg.number(y)}" r="5" {look}/>'
    corners = {
        1: [(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)],
        2: [(0, -6), (5.8, 4.4), (-5.8, 4.4)],
        3: [(0, -6.2), (6.2, 0), (0, 6.2), (-6.2, 0)],
        4: [(0, 6), (5.8, -4.4), (-5.8, -4.4)],
        5: [(r * math.sin(a), -r * math.cos(a)) for k in range(10) for r, a in [((6.6, 2.9)[k % 2], k * math.pi / 5)]],
    }[shape]
    points = " ".join(f"{svg.number(x + dx)},{svg.number(y + dy)}" for dx, dy in corners)
    return f'<polygon points="{points}" {look}/>'
