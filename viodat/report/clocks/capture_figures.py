"""The figures of a whole capture's clocks: each device over the trials, and how sure the recordings are.

A phone's drift and skew hardly change from trial to trial: a trial that stands apart is a fault, a device that wanders
is a bad clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from viodat.clock.estimate import CONFIDENT
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, SKEW_SIGMA_S
from viodat.report.clocks.marks import BAND, MARGIN_IN, WIDTH_IN, Look, looks, write_key
from viodat.report.clocks.values import CaptureClocks, ClockLine, DevicePool
from viodat.report.panels import heading
from viodat.report.style import (
    GAP,
    HEADING_PT,
    INK,
    QUIET,
    RIGHT,
    TEXT_PT,
    axes_at,
    fit,
    new_figure,
    save_figure,
    text_width,
    viodat_style,
    write,
)
from viodat.report.wording import printable

FloatArray = NDArray[np.float64]

MOST_DEVICES: Final = 24

_TOP_IN: Final = 0.82
_ROW_IN, _PITCH_IN = 0.78, 1.02
_LABEL_IN: Final = 0.55
_BETWEEN_IN: Final = 0.55
_NAMES_IN: Final = 0.72
_HISTOGRAM_IN: Final = 1.35
_LEAST_MS, _MOST_MS = 0.01, 1000.0
_PER_DECADE: Final = 10
_TICKS_MS: Final = tuple(m * 10.0**e for e in range(-2, 4) for m in (1, 2, 5))
_CONFIDENCE_EDGES: Final = (0.0, 0.5, 0.95, 0.99, 0.999, 1.01)
_CONFIDENCE_WORDS: Final = ("< 50 %", "50–95 %", "95–99 %", "99–99.9 %", "> 99.9 %")
_CROWDED: Final = 40
_LIMIT_WORDS: Final = "dashed: the limit for training"
_MOST_HALVES: Final = 2.5
_VAGUE: Final = {"drift_ppm": DRIFT_SIGMA_PPM, "skew_s": SKEW_SIGMA_S}


def devices_of(capture: CaptureClocks) -> tuple[str, ...]:
    """Names of all devices, in the order of their names."""
    return tuple(sorted({line.device for trial in capture.trials for line in trial.clocks}))


def draw_devices(capture: CaptureClocks, png: Path, svg: Path | None = None) -> None:
    """Draw drift, skew and sigma of each device over the trials, one row per device.

    Parameters
    ----------
    capture
        With at least one device; the first 24 are shown.
    png, svg
        Destinations; written atomically.
    """
    devices = devices_of(capture)
    marks = looks(devices)
    shown = devices[:MOST_DEVICES]
    lines = {name: _over_trials(capture, name) for name in shown}
    pools = {pool.device: pool for pool in capture.pools}
    with viodat_style():
        figure = new_figure((WIDTH_IN, _TOP_IN + _PITCH_IN * len(shown) + 0.3))
        _write_legend(figure, len(devices) - len(shown))
        width = (WIDTH_IN - 2 * MARGIN_IN - 3 * _LABEL_IN - 2 * 0.1) / 3
        for k, title in enumerate(("Drift, ppm", "Skew of pictures against sound, ms", "Sigma within the trial, ms")):
            write(
                figure,
                MARGIN_IN + _LABEL_IN + k * (width + _LABEL_IN + 0.1),
                0.45,
                title,
                size=HEADING_PT,
                weight="bold",
            )
        halves = [
            _half(lines, pools, "drift_ppm", 1.0, 2.0),
            _half(lines, pools, "skew_s", 1e3, 1.0),
        ]
        for row, name in enumerate(shown):
            top = _TOP_IN + row * _PITCH_IN
            panels = [
                axes_at(figure, MARGIN_IN + _LABEL_IN + k * (width + _LABEL_IN + 0.1), top, width, _ROW_IN)
                for k in range(3)
            ]
            pool = pools.get(name, DevicePool(name))
            heading(panels[0], fit(printable(name), 2.0))
            _draw_history(panels[0], lines[name], pool, "drift_ppm", 1.0, halves[0], marks[name])
            _draw_history(panels[1], lines[name], pool, "skew_s", 1e3, halves[1], marks[name])
            _draw_sigma(panels[2], lines[name], marks[name])
            for axes in panels:
                _trial_axis(axes, capture, labelled=row == len(shown) - 1)
        save_figure(figure, png)
        if svg is not None:
            save_figure(figure, svg)
        figure.clear()


def _over_trials(capture: CaptureClocks, device: str) -> list[tuple[int, ClockLine]]:
    return [
        (place, line) for place, trial in enumerate(capture.trials) for line in trial.clocks if line.device == device
    ]


def _write_legend(figure: Figure, hidden: int) -> None:
    words = "colour: each trial by itself, ± its sigma · black: with the other trials · grey: all trials together"
    words += " · filled: sound, hollow: pictures"
    write(figure, MARGIN_IN, 0.2, words, colour=QUIET)
    cross = "× no answer"
    at = MARGIN_IN + text_width(words) + 0.15
    write(figure, at, 0.2, cross, colour=GAP)
    write(figure, at + text_width(cross) + 0.15, 0.2, _LIMIT_WORDS, colour=RIGHT)
    if hidden > 0:
        write(figure, MARGIN_IN, 0.36, f"{hidden} more devices are in the table only", colour=QUIET)


def _values(
    lines: Sequence[tuple[int, ClockLine]], name: str, scale: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    at = np.array([place for place, _ in lines], dtype=np.float64)
    value = np.array([getattr(line, f"alone_{name}") for _, line in lines], dtype=np.float64) * scale
    stem, unit = name.rsplit("_", 1)
    sigma = np.array([getattr(line, f"alone_{stem}_sigma_{unit}") for _, line in lines], dtype=np.float64) * scale
    # What is vaguer than what is known of any device would only hide the others.
    return at, np.where(sigma < _VAGUE[name] * scale, value, np.nan), sigma


def _final(lines: Sequence[tuple[int, ClockLine]], name: str, scale: float) -> tuple[FloatArray, FloatArray]:
    value = np.array([getattr(line, name) for _, line in lines], dtype=np.float64) * scale
    stem, unit = name.rsplit("_", 1)
    return value, np.array([getattr(line, f"{stem}_sigma_{unit}") for _, line in lines], dtype=np.float64) * scale


def _pool_of(pool: DevicePool, name: str, scale: float) -> tuple[float, float]:
    stem, unit = name.rsplit("_", 1)
    return getattr(pool, name) * scale, getattr(pool, f"{stem}_sigma_{unit}") * scale


def _half(
    lines: dict[str, list[tuple[int, ClockLine]]], pools: dict[str, DevicePool], name: str, scale: float, least: float
) -> float:
    """Half the height of a panel, the same for all devices, so that a device that wanders looks so.

    One that wanders much does not hide the others: what is beyond the panel is an arrow.
    """
    halves = []
    for device, own in lines.items():
        wanted = [least]
        _, value, sigma = _values(own, name, scale)
        centre, pooled_sigma = _pool_of(pools.get(device, DevicePool(device)), name, scale)
        for values, sigmas in ((value, sigma), _final(own, name, scale)):
            known = values[np.isfinite(values)]
            if known.size:
                centre = centre if np.isfinite(centre) else float(np.median(known))
                wanted.append(float(np.nanpercentile(np.abs(values - centre) + np.nan_to_num(sigmas), 90)))
        if np.isfinite(pooled_sigma):
            wanted.append(1.5 * pooled_sigma)
        halves.append(max(wanted))
    return float(1.2 * min(max(halves), _MOST_HALVES * float(np.median(halves))))


def _draw_history(
    axes: Axes,
    lines: Sequence[tuple[int, ClockLine]],
    pool: DevicePool,
    name: str,
    scale: float,
    half: float,
    look: Look,
) -> None:
    at, value, sigma = _values(lines, name, scale)
    final, final_sigma = _final(lines, name, scale)
    centre, pooled_sigma = _pool_of(pool, name, scale)
    if np.isfinite(centre) and np.isfinite(pooled_sigma):
        axes.axhspan(centre - pooled_sigma, centre + pooled_sigma, color=BAND, linewidth=0, zorder=0)
        axes.axhline(centre, color=QUIET, linewidth=0.7, zorder=0.5)
    known = np.concatenate([value[np.isfinite(value)], final[np.isfinite(final)]])
    if not known.size:
        axes.set_ylim(-1, 1)
        axes.set_yticks([])
        axes.annotate("unknown", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=QUIET)
        return
    centre = centre if np.isfinite(centre) else float(np.median(known))
    crowded = len(lines) > _CROWDED
    inside = np.isfinite(value) & (np.abs(value - centre) <= half)
    if inside.any():
        axes.errorbar(
            at[inside], value[inside], sigma[inside], fmt=look.mark, color=look.colour, alpha=0.55,
            markersize=2.2 if crowded else 4, elinewidth=0.5 if crowded else 0.8, markeredgewidth=0, zorder=2,
        )  # fmt: skip
    for sign, mark in ((1, "^"), (-1, "v")):
        either = np.where(np.isfinite(value), value, final)
        beyond = sign * (either - centre) > half
        axes.plot(at[beyond], np.full(int(beyond.sum()), centre + sign * half * 0.96), mark, color=look.colour,
                  markersize=3.5, markeredgewidth=0, clip_on=False)  # fmt: skip
    shown = np.isfinite(final) & (np.abs(final - centre) <= half)
    if shown.any():
        axes.errorbar(
            at[shown], final[shown], np.nan_to_num(final_sigma[shown]), fmt=".", color=INK, ecolor=QUIET, zorder=3,
            markersize=1.8 if crowded else 3.2, elinewidth=0.4 if crowded else 0.6,
        )  # fmt: skip
    axes.set_ylim(centre - half, centre + half)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{round(tick, 6) + 0.0:g}".replace("-", "−")))


def _draw_sigma(axes: Axes, lines: Sequence[tuple[int, ClockLine]], look: Look) -> None:
    at = np.array([place for place, _ in lines], dtype=np.float64)
    size = 2.2 if len(lines) > _CROWDED else 3.8
    axes.set_yscale("log")
    known = []
    for name, fill in (("sigma_s", look.colour), ("picture_sigma_s", "white")):
        sigma = np.array([getattr(line, name) for _, line in lines], dtype=np.float64) * 1e3
        known += sigma[np.isfinite(sigma)].tolist()
        axes.plot(at, sigma, look.mark, color=look.colour, markersize=size, markerfacecolor=fill, markeredgewidth=0.7)
    lost = np.array([place for place, line in lines if not line.answered], dtype=np.float64)
    axes.plot(lost, np.full(len(lost), 0.93), "x", color=GAP, markersize=4, markeredgewidth=1.1, zorder=3,
              transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
    limit = np.array([line.limit_s for _, line in lines], dtype=np.float64) * 1e3
    limited = np.isfinite(limit)
    if limited.any():
        # Each recording has its own, drawn as wide as its trial.
        x = np.concatenate([[at[limited][0] - 0.5], at[limited], [at[limited][-1] + 0.5]])
        y = np.pad(limit[limited], 1, mode="edge")
        axes.plot(x, y, drawstyle="steps-mid", color=RIGHT, linewidth=0.8, linestyle=(0, (4, 2)))
        known += limit[limited].tolist()
    if not known:
        axes.set_yticks([])
        axes.annotate(
            "no sigma was stated", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=QUIET
        )
        return
    axes.set_ylim(min(known) / 1.6, max(known) * (3.0 if len(lost) else 1.6))
    _log_ticks(axes.yaxis, *axes.get_ylim())


def _log_ticks(axis: Axis, low: float, high: float) -> None:
    """Mark 1, 2 and 5 of each decade of an axis in ms, fewer where there are many."""
    ticks = [value for value in _TICKS_MS if low <= value <= high]
    axis.set_major_locator(FixedLocator(ticks[:: 1 + len(ticks) // 9]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _trial_axis(axes: Axes, capture: CaptureClocks, *, labelled: bool) -> None:
    """Trials from left to right; named where there is room, else their participants are, where each begins."""
    n = len(capture.trials)
    axes.set_xlim(-0.6 if n < _CROWDED else -0.02 * n, n - 0.4 if n < _CROWDED else 1.02 * n - 1)
    names = [printable(trial.trial, 10) for trial in capture.trials]
    width = axes.get_position().width * WIDTH_IN
    if sum(text_width(name) + 0.1 for name in names) <= width:
        ticks = list(enumerate(names))
    else:
        people = [trial.participant for trial in capture.trials]
        begins = [k for k in range(n) if k == 0 or people[k] != people[k - 1]]
        room = text_width("M" * 3) * n / width
        ticks = []
        for k in begins:
            if not ticks or k - ticks[-1][0] >= room:
                ticks.append((k, printable(people[k] or names[k], 5)))
        for k in begins[1:]:
            axes.axvline(k - 0.5, color=BAND, linewidth=0.5, zorder=0)
    axes.set_xticks([k for k, _ in ticks], [name for _, name in ticks] if labelled else [""] * len(ticks))
    if labelled:
        axes.set_xlabel("trial", labelpad=2)


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
        write_key(figure, MARGIN_IN, 0.2, devices, looks(devices), _LIMIT_WORDS if limited else "")
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
    _log_ticks(axes.xaxis, *axes.get_xlim())
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
    unasked = sum(not line.given and line.confidence != line.confidence for line in lines)
    names = [*_CONFIDENCE_WORDS, "given", "not asked"]
    totals = [*left.tolist(), float(given), float(unasked)]
    shown = [k for k in range(len(names)) if k < len(_CONFIDENCE_WORDS) or totals[k]]
    for k in shown:
        if k >= len(_CONFIDENCE_WORDS):
            axes.barh(k, totals[k], 0.72, color=QUIET)
        axes.annotate(f"{totals[k]:,.0f}", (totals[k], k), xytext=(3, 0), textcoords="offset points", va="center",
                      fontsize=TEXT_PT, color=INK if totals[k] else QUIET)  # fmt: skip
    axes.set_yticks(shown, [names[k] for k in shown])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1.18 * max(1.0, *totals))
    axes.set_xlabel("recordings", labelpad=2)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
