"""The figure of a whole capture's devices: each one's drift, skew and sigma over the trials.

A phone's drift and skew hardly change from trial to trial: a trial that stands apart is a fault, a device that wanders
is a bad clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from viodat.clock.least_squares import DRIFT_SIGMA_PPM, SKEW_SIGMA_S
from viodat.report.clocks.marks import BAND, DOWN, LIMIT_WORDS, MARGIN_IN, UP, WIDTH_IN, Look, log_ticks, looks
from viodat.report.clocks.values import CaptureClocks, ClockLine, DevicePool, devices_of
from viodat.report.panels import heading
from viodat.report.style import (
    GAP,
    HEADING_PT,
    INK,
    LINE_IN,
    QUIET,
    RIGHT,
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

_TOP_IN: Final = 0.88
_TITLES_IN: Final = 0.53
_ROW_IN, _PITCH_IN = 0.78, 1.02
_LABEL_IN: Final = 0.55
_CROWDED: Final = 40
_MOST_HALVES: Final = 2.5
_EDGE: Final = 1.08
_VAGUE: Final = {"drift_ppm": DRIFT_SIGMA_PPM, "skew_s": SKEW_SIGMA_S}


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
        _write_legend(figure, len(devices) - len(shown), [line for own in lines.values() for _, line in own])
        width = (WIDTH_IN - 2 * MARGIN_IN - 3 * _LABEL_IN - 2 * 0.1) / 3
        for k, title in enumerate(("Drift, ppm", "Skew of pictures against sound, ms", "Sigma within the trial, ms")):
            write(
                figure,
                MARGIN_IN + _LABEL_IN + k * (width + _LABEL_IN + 0.1),
                _TITLES_IN,
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


def _write_legend(figure: Figure, hidden: int, lines: Sequence[ClockLine]) -> None:
    words = "colour: each trial by itself, ± its sigma · black: with the other trials"
    words += " · grey: all trials together, with what is usual of any device"
    if hidden > 0:
        words += f" · {hidden} more devices are in the table only"
    write(figure, MARGIN_IN, 0.16, words, colour=QUIET)
    at = MARGIN_IN
    for word, colour, there in (
        ("filled: sound, hollow: pictures", QUIET, True),
        ("above the panel: × no answer", GAP, any(not line.answered and not line.unread for line in lines)),
        ("+ not read", INK, any(line.unread for line in lines)),
        (LIMIT_WORDS, RIGHT, any(np.isfinite(line.limit_s) for line in lines)),
    ):
        if there:
            write(figure, at, 0.16 + LINE_IN + 0.02, word, colour=colour)
            at += text_width(word) + 0.15


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
        _say(axes, _why_unknown([line for _, line in lines], name))
        return
    centre = centre if np.isfinite(centre) else float(np.median(known))
    crowded = len(lines) > _CROWDED
    inside = np.isfinite(value) & (np.abs(value - centre) <= half)
    if inside.any():
        axes.errorbar(
            at[inside], value[inside], sigma[inside], fmt=look.mark, color=look.colour, alpha=0.55,
            markersize=2.2 if crowded else 4, elinewidth=0.5 if crowded else 0.8, markeredgewidth=0, zorder=2,
        )  # fmt: skip
    for sign, mark in ((1, UP), (-1, DOWN)):
        either = np.where(np.isfinite(value), value, final)
        beyond = sign * (either - centre) > half
        axes.plot(at[beyond], np.full(int(beyond.sum()), centre + sign * half * 0.97), marker=mark,
                  color=look.colour, markersize=7, markeredgewidth=0, clip_on=False, linestyle="none")  # fmt: skip
    shown = np.isfinite(final) & (np.abs(final - centre) <= half)
    if shown.any():
        axes.errorbar(
            at[shown], final[shown], np.nan_to_num(final_sigma[shown]), fmt=".", color=INK, ecolor=QUIET, zorder=3,
            markersize=1.8 if crowded else 3.2, elinewidth=0.4 if crowded else 0.6,
        )  # fmt: skip
    # A mark at the very edge is still whole.
    axes.set_ylim(centre - _EDGE * half, centre + _EDGE * half)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{round(tick, 6) + 0.0:g}".replace("-", "−")))


def _why_unknown(lines: Sequence[ClockLine], name: str) -> str:
    answered = [line for line in lines if line.answered]
    if name == "skew_s" and answered:
        if all(line.picture_sigma_s != line.picture_sigma_s for line in answered):
            return "no pictures"
        if all(line.sigma_s != line.sigma_s for line in answered):
            return "no sound"
    return "unknown"


def _say(axes: Axes, words: str) -> None:
    """Write into the middle of an empty panel."""
    axes.annotate(
        words, (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=QUIET,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2.0},
    )  # fmt: skip


def _draw_sigma(axes: Axes, lines: Sequence[tuple[int, ClockLine]], look: Look) -> None:
    at = np.array([place for place, _ in lines], dtype=np.float64)
    size = 2.2 if len(lines) > _CROWDED else 3.8
    axes.set_yscale("log")
    known = []
    for name, fill in (("sigma_s", look.colour), ("picture_sigma_s", "white")):
        sigma = np.array([getattr(line, name) for _, line in lines], dtype=np.float64) * 1e3
        known += sigma[np.isfinite(sigma)].tolist()
        axes.plot(at, sigma, look.mark, color=look.colour, markersize=size, markerfacecolor=fill, markeredgewidth=0.7)
    for unread, mark, colour in ((False, "x", GAP), (True, "+", INK)):
        lost = np.array([place for place, line in lines if not line.answered and line.unread == unread], dtype=float)
        # Above the panel: on its axis they would stand for a number.
        axes.plot(lost, np.full(len(lost), 1.09), mark, color=colour, markersize=size, markeredgewidth=1.1, zorder=3,
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
        _say(axes, "no sigma was stated")
        return
    axes.set_ylim(min(known) / 1.6, max(known) * 1.6)
    log_ticks(axes.yaxis, *axes.get_ylim())


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
