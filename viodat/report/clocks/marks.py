"""How a device looks in the figures about clocks: its colour and its mark, the same in all figures of a capture.

The colours are those of Paul Tol's muted scheme (https://personal.sron.nl/~pault/), which people with any of the common
colour-vision deficiencies can tell apart; Okabe and Ito's blue and vermilion mean left and right in viodat's pictures.
Marks differ too: no figure relies on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from viodat.report.style import INK, LINE_IN, QUIET, fit, text_width, write
from viodat.report.wording import printable

FloatArray = NDArray[np.float64]

WIDTH_IN: Final = 9.2
"""Of every figure: on a page of 78 rem its text is as large as the page's small print."""
MARGIN_IN: Final = 0.12
BAND: Final = "#D9D9D6"
LIMIT_WORDS: Final = "dashed: the limit for training"
_ARROW: Final = ((-0.12, -1), (0.12, -1), (0.12, 0.1), (0.5, 0.1), (0, 1), (-0.5, 0.1), (-0.12, 0.1), (-0.12, -1))
UP, DOWN = Path(_ARROW, closed=True), Path([(x, -y) for x, y in _ARROW], closed=True)
"""Marks of what lies beyond a panel: arrows with a shaft, which no device has."""

_COLOURS: Final = ("#332288", "#CC6677", "#117733", "#999933", "#882255", "#44AA99", "#AA4499")
_MARKS: Final = ("o", "s", "^", "D", "v", "P", "X", "p")
_NAME_IN: Final = 1.3
_TICKS_MS: Final = tuple(m * 10.0**e for e in range(-2, 4) for m in (1, 2, 5))


@dataclass(frozen=True)
class Look:
    """Colour and mark of a device."""

    colour: str
    mark: str


def looks(devices: Sequence[str]) -> dict[str, Look]:
    """Give each device its look, by its place among those that differ; 56 looks do."""
    return {
        name: Look(_COLOURS[k % len(_COLOURS)], _MARKS[(k + 2 * (k // len(_COLOURS))) % len(_MARKS)])
        for k, name in enumerate(dict.fromkeys(devices))
    }


def write_key(
    figure: Figure, left: float, top: float, devices: Sequence[str], marks: Mapping[str, Look], words: str = ""
) -> None:
    """Write the devices' marks and names on one line from ``left`` inches on, then ``words``.

    Devices that do not fit are counted; words that do not fit stand below.
    """
    page_width, page_height = figure.get_size_inches()
    right = page_width - MARGIN_IN
    at = left
    for place, name in enumerate(devices):
        look = marks[name]
        text = fit(printable(name), _NAME_IN)
        width = 0.11 + text_width(text) + 0.16
        if at + width > right:
            write(figure, at, top, f"and {len(devices) - place} more", colour=QUIET)
            at = right
            break
        figure.add_artist(
            Line2D(
                [(at + 0.04) / page_width], [1 - (top - 0.035) / page_height],
                marker=look.mark, color=look.colour, markersize=4.2, linestyle="none",
            )
        )  # fmt: skip
        write(figure, at + 0.11, top, text)
        at += width
    if at + text_width(words) < right:
        write(figure, at, top, words, colour=QUIET)
    else:
        write(figure, left, top + LINE_IN + 0.02, fit(words, right - left), colour=QUIET)


def outline(x: FloatArray, y: FloatArray, bins: int) -> tuple[FloatArray, FloatArray]:
    """Highest value in each of ``bins`` equal stretches of x: a thin peak stays as high as it is, NaN are left out."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) <= bins:
        return x, y
    edges = np.linspace(x[0], x[-1], bins + 1)
    first = np.unique(np.searchsorted(x, edges[:-1]))
    top = np.maximum.reduceat(y, first)
    # Where in its stretch each highest value stands: the first place that reaches it.
    stretch = np.searchsorted(first, np.arange(len(x)), side="right") - 1
    reached = np.flatnonzero(y == top[stretch])
    at = reached[np.unique(stretch[reached], return_index=True)[1]]
    return x[at], y[at]


def zero_line(axes: Axes, *, vertical: bool = False) -> None:
    """Draw the line of the answer."""
    (axes.axvline if vertical else axes.axhline)(0, color=INK, linewidth=0.8, zorder=1.5)


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Mark 1, 2 and 5 of each decade of an axis in ms, fewer where there are many."""
    ticks = [value for value in _TICKS_MS if low <= value <= high]
    axis.set_major_locator(FixedLocator(ticks[:: 1 + len(ticks) // 9]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
