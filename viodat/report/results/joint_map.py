"""Each model's error at each joint, as a map whose cells carry their number: dark is far off, also in grey print."""

from __future__ import annotations

import math
from itertools import groupby, pairwise
from typing import Final

from viodat.metrics.groups import JOINT_GROUPS
from viodat.report.results import svg
from viodat.report.results.svg import Figure
from viodat.report.results.values import Results, Row, decimals, fixed, known, part_title, ranked

_LEFT: Final = 172.0
_GAP: Final = 8.0
_ROW: Final = 24.0
_TOP: Final = 84.0
_DARK: Final = 0.2
"""Relative luminance below which white has more contrast than the ink."""
_RAMP: Final = ((0.0, (247, 251, 255)), (0.35, (170, 207, 229)), (0.7, (49, 130, 189)), (1.0, (8, 40, 90)))
"""One hue from light to dark: its order is its lightness, which no deficiency of colour vision and no printer takes."""


def joint_columns(rows: list[Row]) -> list[tuple[str, str, str]]:
    """Give (part, side, joint) of every joint that a row has, limb by limb; what is of no group comes last."""
    there = {str(joint) for row in rows for joint in row.get("joints") or {}}
    grouped = [
        (group.split("_", 1)[1], group.split("_", 1)[0], joint)
        for group, joints in JOINT_GROUPS.items()
        for joint in joints
        if joint in there
    ]
    return grouped + [("other", "", joint) for joint in sorted(there - {joint for _, _, joint in grouped})]


def joint_map(results: Results) -> Figure | str:
    """Draw the map of models and joints; a sentence instead where no error by joint is known."""
    rows = ranked(results)
    values = [known(value) for row in rows for value in (row.get("joints") or {}).values()]
    positive = [value for value in values if value is not None and value > 0]
    if not positive:
        return "Which joints are hard: no error by joint was given."
    columns = joint_columns(rows)
    low, high = min(positive), max(positive)
    places, cell = _places(columns)
    marks = _header(columns, places, cell)
    marks += _key(low, high)
    digits = 1 if decimals(positive) < 3 else 2
    for k, row in enumerate(rows):
        y = _TOP + k * _ROW
        marks.append(svg.text(0, y + _ROW / 2 + 4, svg.fit(_name(row), _LEFT - 8)))
        for (_, _, joint), x in zip(columns, places, strict=True):
            value = known((row.get("joints") or {}).get(joint))
            middle = x + cell / 2
            if value is None:
                marks.append(svg.text(middle, y + _ROW / 2 + 4, "–", size=svg.SMALL, anchor="middle", colour=svg.QUIET))
                continue
            shade = _shade(value, low, high)
            marks.append(svg.box(x, y, cell - 1, _ROW - 1, _hex(shade)))
            ink = "#FFFFFF" if _luminance(shade) < _DARK else svg.INK
            words = fixed(value, 0 if value >= 1000 else digits)
            marks.append(svg.text(middle, y + _ROW / 2 + 4, words, size=svg.SMALL, anchor="middle", colour=ink))
    height = _TOP + len(rows) * _ROW + 4
    caption = (
        "Mean error of each joint over the test set, mm, under the protocol of the table, models in its order; the "
        "darker the larger, on a log scale. Left and right are the player's: the left hand "
        "fingers, the right one bows. Index and pinky are the knuckles, hip is the hip joint centre."
    )
    return Figure("joints", "Which joints are hard?", svg.drawing(height, "Error by model and joint", marks), caption)


def _name(row: Row) -> str:
    return f"{row['label']}{' (floor)' if row.get('floor') else ''}"


def _places(columns: list[tuple[str, str, str]]) -> tuple[list[float], float]:
    """Give the left edge of each column and their width: a gap stands between sides, a wider one between parts."""
    gaps = [0.0]
    for before, after in pairwise(columns):
        gaps.append(2 * _GAP if before[0] != after[0] else _GAP if before[1] != after[1] else 0.0)
    cell = min((svg.WIDTH - _LEFT - sum(gaps)) / len(columns), 120.0)
    places, at = [], _LEFT
    for gap in gaps:
        at += gap
        places.append(at)
        at += cell
    return places, cell


def _header(columns: list[tuple[str, str, str]], places: list[float], cell: float) -> list[str]:
    marks = []
    for k, (_, _, joint) in enumerate(columns):
        words = svg.fit(part_title(joint.removeprefix("left_").removeprefix("right_")), cell + 4, svg.SMALL)
        marks.append(svg.text(places[k] + cell / 2, _TOP - 8, words, size=svg.SMALL, colour=svg.QUIET, anchor="middle"))
    for level, y in ((1, _TOP - 28), (2, _TOP - 50)):
        for key, members in groupby(range(len(columns)), key=lambda k: (columns[k][0], columns[k][1])[: 3 - level]):
            these = list(members)
            start, end = places[these[0]], places[these[-1]] + cell
            words = key[0].replace("_", " ") if level == 2 else key[1]
            if words:
                marks.append(svg.text((start + end) / 2, y, words, anchor="middle", bold=level == 2))
                marks.append(svg.segment(start, y + 5, end - 1, y + 5, svg.AXIS if level == 2 else svg.RULE))
    return marks


def _key(low: float, high: float) -> list[str]:
    """Draw the scale of the colours, above the map's right end."""
    width, start = 180.0, svg.WIDTH - 250.0
    steps = 45
    marks = [svg.text(start - 8, 12, f"{low:.3g} mm", size=svg.SMALL, colour=svg.QUIET, anchor="end")]
    for k in range(steps):
        value = low * (high / low) ** (k / (steps - 1))
        marks.append(svg.box(start + k * width / steps, 3, width / steps + 0.5, 11, _hex(_shade(value, low, high))))
    marks.append(svg.text(svg.WIDTH, 12, f"{high:.3g} mm", size=svg.SMALL, colour=svg.QUIET, anchor="end"))
    return marks if high > low else []


def _shade(value: float, low: float, high: float) -> tuple[int, int, int]:
    place = math.log(max(value, low) / low) / math.log(high / low) if high > low else 0.35
    for (start, one), (end, other) in pairwise(_RAMP):
        if place <= end:
            part = (place - start) / (end - start)
            red, green, blue = (round(a + part * (b - a)) for a, b in zip(one, other, strict=True))
            return red, green, blue
    return _RAMP[-1][1]


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02X}{:02X}{:02X}".format(*colour)


def _luminance(colour: tuple[int, int, int]) -> float:
    red, green, blue = (float((one / 255) ** 2.2) for one in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
