"""The one matplotlib style of viodat's pictures: colours, type, sizes, and how a figure becomes a file.

Colours are those of Okabe and Ito's colour-universal palette (gaps: its reddish purple, darkened for print),
which people with any of the common colour-vision deficiencies can tell apart. A side of the body has the same
colour in every picture: left is blue, right is vermilion. Lengths of a layout are inches. The object-oriented
interface alone is used: no window, no pyplot state, nothing global left behind. The same figure gives the
same bytes: no dates, a fixed salt for SVG ids, the font inside matplotlib.
"""

from __future__ import annotations

import bisect
import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from viodat.files import atomic_path

LEFT: Final = "#0072B2"
RIGHT: Final = "#D55E00"
DETECTED: Final = "#F0E442"
SOUND: Final = "#009E73"
GAP: Final = "#B3457F"
INK: Final = "#1F1F1F"
QUIET: Final = "#5F5F5F"
RULE: Final = "#C9C9C9"
PAPER: Final = "#F4F4F2"

A4_LANDSCAPE_IN: Final = (11.69, 8.27)
DPI: Final = 200
TEXT_PT: Final = 7.0
HEADING_PT: Final = 8.0
LINE_IN: Final = TEXT_PT / 72 * 1.38

_RC: Final[Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT_PT,
    # Labels come from foreign files: a dollar sign in one is not mathematics.
    "text.parse_math": False,
    # Unhinted text is as wide in the PNG as it was measured, and as in the SVG.
    "text.hinting": "none",
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": QUIET,
    "axes.labelsize": TEXT_PT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": TEXT_PT,
    "ytick.labelsize": TEXT_PT,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "lines.linewidth": 0.9,
    "lines.solid_joinstyle": "round",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "viodat",
}


@contextlib.contextmanager
def viodat_style() -> Iterator[None]:
    """Draw in viodat's style, whatever the user's matplotlibrc says, and put their settings back."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in a script that the bundled font lacks is drawn as boxes; the HTML page shows it in full.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def new_figure(size_in: tuple[float, float] = A4_LANDSCAPE_IN) -> Figure:
    """Make a white figure of ``size_in`` (width, height) inches on an Agg canvas."""
    figure = Figure(figsize=size_in, dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def axes_at(
    figure: Figure, left: float, top: float, width: float, height: float, *, sharex: Axes | None = None
) -> Axes:
    """Add axes by their place in inches: ``left`` from the left edge, ``top`` from the top edge."""
    page_width, page_height = figure.get_size_inches()
    bounds = (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    return figure.add_axes(bounds, sharex=sharex)


def write(
    figure: Figure,
    left: float,
    top: float,
    text: str,
    *,
    size: float = TEXT_PT,
    colour: str = INK,
    weight: Literal["normal", "bold"] = "normal",
    align: Literal["left", "right", "center"] = "left",
) -> None:
    """Write one line with its baseline ``top`` inches below the page's top edge."""
    page_width, page_height = figure.get_size_inches()
    figure.text(
        left / page_width,
        1 - top / page_height,
        text,
        fontsize=size,
        color=colour,
        fontweight=weight,
        ha=align,
        va="baseline",
    )


def text_width(text: str, size: float = TEXT_PT, weight: Literal["normal", "bold"] = "normal") -> float:
    """Width of one line of text in inches."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


def wrap(text: str, width: float, size: float = TEXT_PT) -> list[str]:
    """Break a text into lines of at most ``width`` inches; a word longer than a line is cut."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        candidate = f"{line} {word}" if line else word
        if text_width(candidate, size) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        while (fits := max(1, _fitting(word, "", width, size))) < len(word):
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    return [*lines, line] if line else lines


def fit(text: str, width: float, size: float = TEXT_PT) -> str:
    """Cut a text to ``width`` inches, ending it in ``…`` if something was cut."""
    if _fitting(text, "", width, size) == len(text):
        return text
    return text[: _fitting(text, "…", width, size)] + "…"


def _fitting(text: str, ending: str, width: float, size: float) -> int:
    """Count the leading characters that, with ``ending``, are at most ``width`` inches wide."""
    # No character of the font is narrower than a fifth of its size: a name of a megabyte is cut unmeasured.
    longest = min(len(text), int(width / (size / 72 / 5)))
    counts = range(1, longest + 1)
    return bisect.bisect_right(counts, width, key=lambda n: text_width(text[:n] + ending, size))


def save_figure(figure: Figure, destination: Path) -> None:
    """Write a figure as PNG or SVG by the suffix, atomically and with the same bytes every time.

    Call it within :func:`viodat_style`, in which the figure was drawn.
    """
    kind = destination.suffix.lower()
    metadata: dict[str, str | None]
    if kind == ".png":
        metadata = {"Software": None}
    elif kind == ".svg":
        metadata = {"Date": None, "Creator": "viodat"}
    else:
        raise ValueError(f"{destination.name}: expected a name that ends in .png or .svg")
    with atomic_path(destination) as temporary:
        figure.savefig(temporary, format=kind[1:], dpi=DPI, metadata=metadata)
