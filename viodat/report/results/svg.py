"""Small drawings as inline SVG: text that stays text, axes with round numbers, and lines that break where nothing is.

Lengths are units of the drawing, whose width is always :data:`WIDTH`; a page scales it. All looks are attributes of
the marks themselves, so that a drawing copied from the page stays what it was. Every text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from viodat.report.wording import printable

FloatArray = NDArray[np.float64]

WIDTH: Final = 1160.0
TEXT: Final = 12.0
SMALL: Final = 11.0

INK: Final = "#1F1F1F"
QUIET: Final = "#5A5A5A"
RULE: Final = "#E2E2DF"
AXIS: Final = "#9A9A96"
BAND: Final = "#C4C4C0"
MODEL: Final = "#00558B"
MARK: Final = "#A33A00"

_FONT: Final = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
_NARROW: Final = frozenset("ijltfrI.,:;|'!()[]1- ")


def number(value: float) -> str:
    """Write a coordinate with one digit after the point."""
    text = f"{round(value, 1) + 0.0:.1f}"
    return text.removesuffix(".0")


def text_width(text: str, size: float = TEXT) -> float:
    """Estimate how wide a text is at most, in units."""
    return sum(0.4 if letter in _NARROW else 0.66 for letter in text) * size


def fit(text: str, width: float, size: float = TEXT) -> str:
    """Cut a text to a width, ending it in ``…`` if something was cut."""
    shown = printable(text)
    if text_width(shown, size) <= width:
        return shown
    while shown and text_width(shown + "…", size) > width:
        shown = shown[:-1]
    return shown + "…"


def drawing(height: float, label: str, marks: Sequence[str]) -> str:
    """Make a drawing of marks; ``label`` is what it is for those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {number(WIDTH)} {number(height)}" width="{number(WIDTH)}" height="{number(height)}" '
        f'role="img" aria-label="{escape(printable(label))}" font-family="{_FONT}" font-size="{number(TEXT)}" '
        f'fill="{INK}">\n' + "\n".join(mark for mark in marks if mark) + "\n</svg>"
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = TEXT,
    colour: str = INK,
    anchor: Literal["start", "middle", "end"] = "start",
    bold: bool = False,
    turned: bool = False,
) -> str:
    """Write one line with its baseline at y."""
    more = "" if anchor == "start" else f' text-anchor="{anchor}"'
    more += "" if size == TEXT else f' font-size="{number(size)}"'
    more += "" if colour == INK else f' fill="{colour}"'
    more += ' font-weight="600"' if bold else ""
    more += f' transform="rotate(-90 {number(x)} {number(y)})"' if turned else ""
    return f'<text x="{number(x)}" y="{number(y)}"{more}>{escape(printable(words), quote=False)}</text>'


def note(right: float, y: float, words: str) -> list[str]:
    """Write small words that end at ``right``, on white, over what is drawn there."""
    room = text_width(words, SMALL)
    return [box(right - room, y - 11, room + 2, 15, "#FFFFFF"), text(right, y, words, size=SMALL, anchor="end")]


def segment(x1: float, y1: float, x2: float, y2: float, colour: str = AXIS, width: float = 1.0, dash: str = "") -> str:
    """Draw a straight line."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{number(width)}"{dashed}/>'


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """Draw a filled rectangle."""
    return f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" fill="{fill}"/>'


def clipped(x: float, y: float, width: float, height: float, marks: Sequence[str]) -> str:
    """Show what of marks, drawn from a corner of their own, lies within a rectangle."""
    inside = "\n".join(mark for mark in marks if mark)
    return (
        f'<svg x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
        f'overflow="hidden">\n{inside}\n</svg>'
    )


@dataclass(frozen=True)
class Scale:
    """A map from values, of an axis, to places in a drawing; ``log`` for one that is even in ratios."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Give the place of a value."""
        low, high, at = (math.log(one) for one in (self.low, self.high, value)) if self.log else (
            self.low, self.high, value,
        )  # fmt: skip
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def of(self, values: FloatArray) -> FloatArray:
        """Give the places of values; NaN where there is none."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            at = np.log(np.where(values > 0, values, np.nan))
        else:
            low, high, at = self.low, self.high, values
        return np.asarray(self.start + (at - low) / (high - low) * (self.end - self.start), dtype=np.float64)


def scale(
    values: FloatArray, start: float, end: float, *, zero: bool = False, log: bool = False, margin: float = 0.05
) -> Scale:
    """Make a scale that shows all finite values, with a margin; from zero on where that is asked."""
    finite = values[np.isfinite(values)]
    if log:
        finite = finite[finite > 0]
        if not finite.size:
            return Scale(1.0, 10.0, start, end, log=True)
        low, high = float(finite.min()), float(finite.max())
        # Two equal values still need a scale about them; a decade's fifth shows that they are equal.
        grow = max((high / low) ** margin, 1.1)
        return Scale(low / grow, high * grow, start, end, log=True)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if zero:
        low = min(low, 0.0)
    room = (high - low) * margin if high > low else max(abs(high) * 0.1, 1e-6)
    return Scale(low if zero and low == 0 else low - room, high + room, start, end)


def ticks(axis: Scale, most: int = 5) -> list[float]:
    """Give round values within a scale, at most ``most`` and as many as fit."""
    if axis.log:
        found: list[float] = []
        for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), tuple(np.arange(1.0, 10.0))):
            exponents = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
            values = [step * 10.0**e for e in exponents for step in steps]
            inside = [value for value in values if axis.low <= value <= axis.high]
            if len(inside) > most:
                return found or inside[:: math.ceil(len(inside) / most)]
            found = inside
        return found if len(found) > 1 else ticks(Scale(axis.low, axis.high, axis.start, axis.end), min(most, 3))
    power = 10.0 ** math.floor(math.log10((axis.high - axis.low) / most))
    for step in (power * m for m in (1, 2, 2.5, 5, 10, 20)):
        first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
        if last - first < most:
            break
    return [k * step for k in range(first, last + 1)]


def tick_text(value: float) -> str:
    """Write a value of an axis."""
    return f"{round(value, 9) + 0.0:,.6g}".replace("-", "−")


def value_axis(axis: Scale, left: float, right: float, *, most: int = 4, labelled: bool = True) -> list[str]:
    """Draw the grid of a vertical axis from ``left`` to ``right``, its numbers before it."""
    marks = []
    for value in ticks(axis, most):
        y = axis(value)
        marks.append(segment(left, y, right, y, RULE))
        if labelled:
            marks.append(text(left - 6, y + 4, tick_text(value), size=SMALL, colour=QUIET, anchor="end"))
    return marks


def time_axis(
    axis: Scale, top: float, bottom: float, words: str, *, most: int = 6, labelled: bool = True, grid: bool = True
) -> list[str]:
    """Draw a horizontal axis at ``bottom``: its grid up to ``top``, numbers and what it is below."""
    marks = []
    for value in ticks(axis, most):
        x = axis(value)
        if grid:
            marks.append(segment(x, top, x, bottom, RULE))
        marks.append(segment(x, bottom, x, bottom + 4))
        if labelled:
            marks.append(text(x, bottom + 16, tick_text(value), size=SMALL, colour=QUIET, anchor="middle"))
    marks.append(segment(axis.start, bottom, axis.end, bottom))
    if labelled and words:
        middle = (axis.start + axis.end) / 2
        marks.append(text(middle, bottom + 32, words, size=SMALL, colour=QUIET, anchor="middle"))
    return marks


def line(x: FloatArray, y: FloatArray, colour: str, width: float = 1.2) -> str:
    """Draw a line through places, (n,) each; it never crosses a gap (NaN), and a place alone is a dot.

    Where many places share a column of pixels, the first, lowest, highest and last of them are kept: what is seen
    stays the same.
    """
    x, y = _thinned(x, y)
    there = np.isfinite(x) & np.isfinite(y)
    steps = []
    begun = False
    for k in range(len(x)):
        if not there[k]:
            begun = False
            continue
        place = f"{number(float(x[k]))} {number(float(y[k]))}"
        alone = not begun and (k + 1 == len(x) or not there[k + 1])
        # A path of no length has round ends, and so is a dot.
        steps.append(f"M{place}h0" if alone else f"{'L' if begun else 'M'}{place}")
        begun = True
    if not steps:
        return ""
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="{number(width)}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _thinned(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    count = min(len(x), len(y))
    x, y = x[:count], y[:count]
    known = x[np.isfinite(x)]
    if not known.size or count <= 4 * (float(known.max() - known.min()) + 1):
        return x, y
    columns = np.where(np.isfinite(x), np.floor(np.nan_to_num(x)), -1)
    kept: list[int] = []
    for part in np.split(np.arange(count), np.flatnonzero(np.diff(columns)) + 1):
        inside = part[np.isfinite(y[part])]
        if inside.size < part.size:
            # A gap is kept whole: a line must not close it.
            kept.extend(part.tolist())
            continue
        extremes = (inside[0], inside[int(np.argmin(y[inside]))], inside[int(np.argmax(y[inside]))], inside[-1])
        kept.extend(sorted({int(k) for k in extremes}))
    return x[kept], y[kept]


@dataclass(frozen=True)
class Figure:
    """A drawing with the question that it answers and what is to be seen in it; ``name`` is its place on the page."""

    name: str
    question: str
    drawn: str
    caption: str
