"""The figure of a whole capture's sigmas: how they and the confidence are distributed over the recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from viodat.clock.estimate import CONFIDENT
from viodat.report.clocks.marks import LIMIT_WORDS, MARGIN_IN, WIDTH_IN, log_ticks, looks, write_key
from viodat.report.clocks.values import CaptureClocks, ClockLine, devices_of
from viodat.report.panels import heading
from viodat.report.style import INK, QUIET, RIGHT, TEXT_PT, axes_at, new_figure, save_figure, viodat_style

FloatArray = NDArray[np.float64]

_HISTOGRAM_IN: Final = 1.35
_LEAST_MS, _MOST_MS = 0.01, 1000.0
_PER_DECADE: Final = 10
_CONFIDENCE_EDGES: Final = (0.0, 0.5, 0.95, 0.99, 0.999, 1.01)
_CONFIDENCE_WORDS: Final = ("< 50 %", "50–95 %", "95–99 %", "99–99.9 %", "> 99.9 %")
_BETWEEN_IN: Final = 0.55
_NAMES_IN: Final = 0.72


def draw_sigmas(capture: CaptureClocks, png: Path, svg: Path | None = None) -> None:
    """Draw how sigma and confidence are distributed over the recordings, by device.

    Parameters
    ----------
    capture
        With at least one device.
    png, svg
        Destinations; written atomically.
    """
    devices = devices_of(capture)
    lines = [line for trial in capture.trials for line in trial.clocks]
    with viodat_style():
        figure = new_figure((WIDTH_IN, 0.68 + _HISTOGRAM_IN + 0.48))
        limited = any(np.isfinite(line.limit_s) for line in lines)
        write_key(figure, MARGIN_IN, 0.2, devices, looks(devices), LIMIT_WORDS if limited else "")
        width = (WIDTH_IN - 2 * MARGIN_IN - 0.45 - _BETWEEN_IN - _NAMES_IN) / 3
        for place, (name, title) in enumerate(
            (("sigma_s", "Sigma of the sound"), ("picture_sigma_s", "Sigma of the pictures"))
        ):
            axes = axes_at(figure, MARGIN_IN + 0.45 + place * (width + _BETWEEN_IN), 0.62, width, _HISTOGRAM_IN)
            values = {
                d: np.array([getattr(one, name) for one in lines if one.device == d], dtype=np.float64) for d in devices
            }
            _draw_histogram(axes, values, title, _limits_s(lines, of_pictures=name == "picture_sigma_s"))
        left = WIDTH_IN - MARGIN_IN - width
        axes = axes_at(figure, left, 0.62, width, _HISTOGRAM_IN)
        _draw_confidence(axes, lines, devices)
        save_figure(figure, png)
        if svg is not None:
            save_figure(figure, svg)
        figure.clear()


def _limits_s(lines: Sequence[ClockLine], *, of_pictures: bool) -> list[float]:
    """Give the limits that sigmas of pictures, or of sounds, are held against: those that can be told apart."""
    judged = [line for line in lines if np.isfinite(line.picture_sigma_s) == of_pictures]
    return sorted({float(f"{line.limit_s:.2g}") for line in judged if np.isfinite(line.limit_s)})


def _draw_histogram(axes: Axes, seconds: dict[str, FloatArray], title: str, limits_s: Sequence[float]) -> None:
    together = np.concatenate(list(seconds.values())) * 1e3
    known = np.clip(together[np.isfinite(together)], _LEAST_MS, _MOST_MS)
    if not known.size:
        heading(axes, title, "")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.annotate("none was stated", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=QUIET)
        return
    heading(axes, title, f"median {np.median(known):.2g}, 95 % ≤ {np.percentile(known, 95):.2g} ms")
    ends = [known.min(), known.max(), *(limit * 1e3 for limit in limits_s)]
    low, high = np.floor(np.log10(min(ends)) * 2 - 0.3) / 2, np.ceil(np.log10(max(ends)) * 2 + 0.3) / 2
    low, high = (low - 0.5, high + 0.5) if high - low < 1 else (low, high)
    edges = 10 ** np.linspace(low, high, round((high - low) * _PER_DECADE) + 1)
    marks = looks(list(seconds))
    bottom = np.zeros(len(edges) - 1)
    for device, values in seconds.items():
        counts = np.histogram(np.clip(values[np.isfinite(values)] * 1e3, _LEAST_MS, _MOST_MS), edges)[0]
        axes.bar(
            edges[:-1],
            counts,
            np.diff(edges),
            bottom,
            align="edge",
            color=marks[device].colour,
            edgecolor="white",
            linewidth=0.4,
        )
        bottom += counts
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    for limit in limits_s:
        axes.axvline(limit * 1e3, color=RIGHT, linewidth=0.9, linestyle=(0, (4, 2)))
    log_ticks(axes.xaxis, *axes.get_xlim())
    axes.set_xlabel("largest within the trial (ms)", labelpad=2)
    axes.set_ylabel("recordings", labelpad=3)
    axes.set_ylim(0, 1.08 * max(1.0, float(bottom.max())))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _draw_confidence(axes: Axes, lines: Sequence[ClockLine], devices: Sequence[str]) -> None:
    heading(axes, "Confidence", f"an answer needs {100 * CONFIDENT:g} %")
    marks = looks(devices)
    left = np.zeros(len(_CONFIDENCE_WORDS))
    for device in devices:
        values = np.array([line.confidence for line in lines if line.device == device], dtype=np.float64)
        counts = np.histogram(values[np.isfinite(values)], _CONFIDENCE_EDGES)[0]
        axes.barh(range(len(counts)), counts, 0.72, left, color=marks[device].colour, edgecolor="white", linewidth=0.4)
        left += counts
    given = sum(line.given for line in lines)
    unread = sum(line.unread for line in lines)
    unasked = sum(not line.given and not line.unread and line.confidence != line.confidence for line in lines)
    names = [*_CONFIDENCE_WORDS, "given", "not asked", "not read"]
    totals = [*left.tolist(), float(given), float(unasked), float(unread)]
    shown = [k for k in range(len(names)) if k < len(_CONFIDENCE_WORDS) or totals[k]]
    for row, k in enumerate(shown):
        if k >= len(_CONFIDENCE_WORDS):
            axes.barh(row, totals[k], 0.72, color=QUIET)
        axes.annotate(f"{totals[k]:,.0f}", (totals[k], row), xytext=(3, 0), textcoords="offset points", va="center",
                      fontsize=TEXT_PT, color=INK if totals[k] else QUIET)  # fmt: skip
    axes.set_yticks(range(len(shown)), [names[k] for k in shown])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1.18 * max(1.0, *totals))
    axes.set_xlabel("recordings", labelpad=2)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
