"""Two figures that show whether a trial's clocks are right: the bow with the sound, the wrist with the picture.

A bow that turns round lets the sound fall for a moment: with right clocks each dip stands under a turn. The projected
wrist lies on the detected one only where the picture's clock is right too, and how far off it is without the skew says
how much that matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.signal import lfilter

from viodat.report.clocks.marks import BAND, MARGIN_IN, WIDTH_IN, Look, looks, write_key
from viodat.report.clocks.views import Level, PlayingView, TrialViews, WristTiming, WristView
from viodat.report.clocks.wording import milliseconds
from viodat.report.panels import heading
from viodat.report.style import (
    INK,
    LEFT,
    QUIET,
    RIGHT,
    TEXT_PT,
    axes_at,
    fit,
    new_figure,
    save_figure,
    viodat_style,
    write,
)
from viodat.report.wording import count, printable

FloatArray = NDArray[np.float64]

STRETCH_S: Final = 6.0
"""What is shown in detail: some bow strokes, and still 1.5 pixels per ms."""
MOST_WRISTS: Final = 8

_STROKE_S: Final = 0.08
_STROKE_MM_S: Final = 60.0
_NEAR_STRING: Final = 0.5
_REST_MM_S: Final = 12.0
"""A bow slower than this sounds no softer: noise of the room, and of the speed itself."""
_DIP_S: Final = 0.1
"""A dip of the level is looked for this far from its turn."""
_STEP_S: Final = 0.25
_ENOUGH_TURNS: Final = 12
_RANGE_DB: Final = 45.0
_WHOLE_IN, _BOW_IN, _LEVEL_IN = 0.42, 0.95, 1.25
_UNDER_WHOLE_IN: Final = 0.66
_LABEL_IN: Final = 0.5
_WRIST_IN, _WRIST_PITCH_IN = 0.95, 1.38
_BLUE_FILL: Final = "#A9CBE3"


def bow_turns(view: PlayingView) -> FloatArray:
    """Find the times, s, at which the bow turns round on the string: it moves for a moment before and after."""
    speed, times = view.speed_mm_s, view.times_s
    if len(times) < 3:
        return np.empty(0)
    rate = (len(times) - 1) / (times[-1] - times[0])
    far = max(1, round(_STROKE_S * rate))
    here = np.flatnonzero(np.sign(speed[:-1]) * np.sign(speed[1:]) < 0)
    here = here[(here >= far) & (here + 1 + far < len(speed))]
    before, after = speed[here - far], speed[here + 1 + far]
    strokes = (before * after < 0) & (np.minimum(np.abs(before), np.abs(after)) > _STROKE_MM_S)
    here = here[strokes & (view.on_string[here] > _NEAR_STRING)]
    # A bow that rests trembles about zero: of turns that follow each other at once the first counts.
    here = here[np.diff(here, prepend=-2 * far) > far]
    share = speed[here] / (speed[here] - speed[here + 1])
    return np.asarray(times[here] + share * (times[here + 1] - times[here]))


def predicted_db(view: PlayingView) -> FloatArray:
    """Give the level that the bow should cause, (T,) dB below that of its fast strokes, as the room keeps it."""
    put_in = np.abs(view.speed_mm_s) * np.clip(view.on_string, 0.0, 1.0)
    known = np.isfinite(put_in)
    if not known.any() or len(view.times_s) < 2:
        return np.full(len(put_in), np.nan)
    # Energy goes with the square of the bow's speed.
    power = np.where(known, np.square(put_in), 0.0)
    decays = [level.decay_s for level in view.levels if np.isfinite(level.decay_s)]
    if decays:
        rate = (len(view.times_s) - 1) / (view.times_s[-1] - view.times_s[0])
        kept = float(np.exp(-1 / (rate * np.median(decays))))
        power = lfilter([1 - kept], [1, -kept], power)
    fast = max(float(np.percentile(np.abs(put_in[known]), 95)), _REST_MM_S)
    return np.where(known, 10 * np.log10((power + _REST_MM_S**2) / fast**2), np.nan)


def kept_s(view: PlayingView) -> float:
    """By how much the room makes a dip later than its turn, s: the median over the turns; NaN if it is not known."""
    if all(not np.isfinite(level.decay_s) for level in view.levels):
        return float("nan")
    level = predicted_db(view)
    late = []
    for turn in bow_turns(view).tolist():
        about = np.flatnonzero((np.abs(view.times_s - turn) <= _DIP_S) & np.isfinite(level))
        if len(about):
            late.append(float(view.times_s[about[np.argmin(level[about])]]) - turn)
    return float(np.median(late)) if late else float("nan")


def telling_stretch(views: TrialViews, seconds: float = STRETCH_S) -> tuple[float, float]:
    """Choose a stretch that shows bow changes: with a dozen of them or as many as there are, nearest to the middle."""
    start, end = views.start_s, views.end_s
    if end - start <= seconds:
        return start, end
    middle = 0.5 * (start + end - seconds)
    if views.playing is None:
        return middle, middle + seconds
    turns = bow_turns(views.playing)
    starts = np.arange(start, end - seconds + 1e-9, _STEP_S)
    inside = np.searchsorted(turns, starts + seconds) - np.searchsorted(turns, starts)
    best = np.minimum(inside, _ENOUGH_TURNS)
    first = float(starts[np.lexsort((np.abs(starts - middle), -best))[0]])
    return first, first + seconds


def draw_playing(views: TrialViews, png: Path, svg: Path | None = None) -> None:
    """Draw the bow's speed and the devices' levels: the whole trial in small, and a stretch of some seconds.

    Parameters
    ----------
    views
        Of a trial with ``playing``.
    png, svg
        Destinations; written atomically.
    """
    playing = views.playing
    assert playing is not None
    stretch = telling_stretch(views)
    span = views.start_s, views.end_s
    with viodat_style():
        figure = new_figure((WIDTH_IN, 0.62 + _WHOLE_IN + _UNDER_WHOLE_IN + _BOW_IN + 0.3 + _LEVEL_IN + 0.42))
        marks = looks((*views.palette, *views.devices))
        write_key(figure, MARGIN_IN, 0.2, views.devices, marks)
        left, width = MARGIN_IN + _LABEL_IN, WIDTH_IN - 2 * MARGIN_IN - _LABEL_IN - 0.1
        top = 0.62
        whole = axes_at(figure, left, top, width, _WHOLE_IN)
        _draw_whole(whole, playing, span, stretch, marks)
        top += _WHOLE_IN + _UNDER_WHOLE_IN
        bow = axes_at(figure, left, top, width, _BOW_IN)
        top += _BOW_IN + 0.3
        level = axes_at(figure, left, top, width, _LEVEL_IN)
        turns = bow_turns(playing)
        turns = turns[(turns >= stretch[0]) & (turns <= stretch[1])]
        _draw_bow(bow, playing, stretch)
        _draw_levels(level, playing, stretch, marks)
        for axes in (bow, level):
            for turn in turns.tolist():
                axes.axvline(turn, color=QUIET, linewidth=0.5, linestyle=(0, (1.5, 1.5)), zorder=0.5)
            axes.set_xlim(*stretch)
        bow.tick_params(axis="x", labelbottom=False)
        figure.align_ylabels([whole, bow, level])
        save_figure(figure, png)
        if svg is not None:
            save_figure(figure, svg)
        figure.clear()


def _draw_whole(
    axes: Axes,
    playing: PlayingView,
    span: tuple[float, float],
    stretch: tuple[float, float],
    marks: Mapping[str, Look],
) -> None:
    heading(axes, "The whole trial", "blue: speed of the bow, line: level of the surest device, framed: what is below")
    moved = np.abs(playing.speed_mm_s) * (playing.on_string > _NEAR_STRING)
    top = float(np.nanpercentile(moved, 99)) if np.isfinite(moved).any() else 1.0
    axes.fill_between(playing.times_s, 0, np.clip(moved / max(top, 1e-9), 0, 1.05), color=_BLUE_FILL, linewidth=0)
    if playing.levels:
        one = playing.levels[0]
        inside = (one.times_s >= span[0]) & (one.times_s <= span[1])
        height = 1 + np.clip(one.level_db - _loudest_db(one), -_RANGE_DB, 3) / _RANGE_DB
        axes.plot(one.times_s[inside], height[inside], color=marks[one.device].colour, linewidth=0.7)
    axes.axvspan(*stretch, facecolor="none", edgecolor=INK, linewidth=0.9, zorder=3)
    axes.set_xlim(*span)
    axes.set_xlabel("time on the mocap clock (s)", labelpad=1)
    axes.set_ylim(0, 1.12)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _draw_bow(axes: Axes, playing: PlayingView, stretch: tuple[float, float]) -> None:
    what = "along itself" if playing.from_markers else "the right hand stands for it: the bow has no markers"
    heading(axes, "Speed of the bow", f"{what} · dotted: the bow turns round · pale: off the string")
    inside = (playing.times_s >= stretch[0] - 0.1) & (playing.times_s <= stretch[1] + 0.1)
    times, speed = playing.times_s[inside], playing.speed_mm_s[inside] / 1000
    on = playing.on_string[inside] > _NEAR_STRING
    axes.fill_between(times, 0, np.where(on, speed, np.nan), color=_BLUE_FILL, linewidth=0)
    axes.plot(times, speed, color=_BLUE_FILL, linewidth=0.9)
    axes.plot(times, np.where(on, speed, np.nan), color=LEFT, linewidth=1.1)
    axes.axhline(0, color=BAND, linewidth=0.6, zorder=0)
    axes.set_ylabel("m/s", labelpad=2)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.margins(y=0.08)


def _draw_levels(axes: Axes, playing: PlayingView, stretch: tuple[float, float], marks: Mapping[str, Look]) -> None:
    heading(
        axes,
        "Sound level",
        "of each device on the mocap clock, against its own loudest · grey: what bow and room predict",
    )
    inside = (playing.times_s >= stretch[0] - 0.1) & (playing.times_s <= stretch[1] + 0.1)
    expected = predicted_db(playing)
    if np.isfinite(expected).any():
        axes.fill_between(
            playing.times_s[inside], -2 * _RANGE_DB, expected[inside], color=BAND, linewidth=0, zorder=0.2
        )
    lowest, highest = -15.0, 3.0
    # The surest device is drawn last, over the others.
    for place, level in reversed(list(enumerate(playing.levels))):
        shown = (level.times_s >= stretch[0] - 0.1) & (level.times_s <= stretch[1] + 0.1)
        if not shown.any():
            continue
        relative = level.level_db[shown] - _loudest_db(level)
        lowest, highest = min(lowest, float(np.percentile(relative, 2))), max(highest, float(relative.max()))
        axes.plot(
            level.times_s[shown], relative, color=marks[level.device].colour, linewidth=1.3 if place == 0 else 0.8
        )
    axes.set_ylim(max(lowest - 4, -_RANGE_DB), highest + 2)
    axes.set_ylabel("dB", labelpad=2)
    axes.set_xlabel("time on the mocap clock (s)", labelpad=2)
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _loudest_db(level: Level) -> float:
    return float(np.percentile(level.level_db, 95)) if len(level.level_db) else 0.0


def draw_wrists(views: TrialViews, png: Path, svg: Path | None = None) -> None:
    """Draw the bow arm's wrist, projected and detected, by each account of the clock: one row per camera.

    Parameters
    ----------
    views
        Of a trial with ``wrists``; the first eight cameras are shown.
    png, svg
        Destinations; written atomically.
    """
    shown = views.wrists[:MOST_WRISTS]
    columns = max(len(view.timings) for view in shown)
    stretch = telling_stretch(views, STRETCH_S / columns**0.5)
    with viodat_style():
        figure = new_figure((WIDTH_IN, 0.62 + _WRIST_PITCH_IN * len(shown) + 0.1))
        write(figure, MARGIN_IN, 0.2, "line", colour=RIGHT)
        write(figure, MARGIN_IN + 0.26, 0.2, "the right wrist of the motion, projected into the picture")
        write(figure, MARGIN_IN + 3.5, 0.2, "points", colour=INK, weight="bold")
        hidden = (
            f" · {count(len(views.wrists) - len(shown), 'more camera')} not shown"
            if len(views.wrists) > len(shown)
            else ""
        )
        write(figure, MARGIN_IN + 3.92, 0.2, f"the right wrist that was detected, at its frames' times{hidden}")
        gap = 0.16
        width = (WIDTH_IN - 2 * MARGIN_IN - _LABEL_IN - gap * (columns - 1)) / columns
        for row, view in enumerate(shown):
            top = 0.62 + row * _WRIST_PITCH_IN
            first: Axes | None = None
            # Accounts stand under each other by their end: the estimate is always the last column.
            for column, timing in enumerate(view.timings, columns - len(view.timings)):
                axes = axes_at(figure, MARGIN_IN + _LABEL_IN + column * (width + gap), top, width, _WRIST_IN)
                _draw_wrist(axes, view, timing, stretch, width)
                if first is None:
                    first = axes
                    axes.set_ylabel(f"{'xy'[_axis_of(view)]} (px)", labelpad=2)
                else:
                    axes.sharey(first)
                    axes.tick_params(axis="y", labelleft=False)
                if row == len(shown) - 1:
                    axes.set_xlabel("time on the mocap clock (s)", labelpad=2)
                else:
                    axes.tick_params(axis="x", labelbottom=False)
        save_figure(figure, png)
        if svg is not None:
            save_figure(figure, svg)
        figure.clear()


def _axis_of(view: WristView) -> int:
    """0 or 1: along which of the picture's axes the wrist moves more."""
    moved = np.nanpercentile(view.projected_px, 90, axis=0) - np.nanpercentile(view.projected_px, 10, axis=0)
    return int(moved[1] > moved[0])


def median_apart_px(view: WristView, timing: WristTiming) -> float:
    """Median distance of the detected wrist from the projected one at the frames' times, px; NaN without a frame."""
    there = np.stack(
        [
            np.interp(timing.times_s, view.times_s, view.projected_px[:, axis], left=np.nan, right=np.nan)
            for axis in range(2)
        ],
        axis=1,
    )
    apart = np.linalg.norm(there - view.detected_px, axis=1)
    known = np.isfinite(apart)
    return float(np.median(apart[known])) if known.any() else float("nan")


def median_speed_px_s(view: WristView) -> float:
    """Median speed of the projected wrist, px/s; 0 where it is not determined."""
    speed = np.linalg.norm(np.diff(view.projected_px, axis=0), axis=1) / np.diff(view.times_s)
    return float(np.median(speed[np.isfinite(speed)])) if np.isfinite(speed).any() else 0.0


def _draw_wrist(axes: Axes, view: WristView, timing: WristTiming, stretch: tuple[float, float], width: float) -> None:
    axis = _axis_of(view)
    inside = (view.times_s >= stretch[0] - 0.05) & (view.times_s <= stretch[1] + 0.05)
    frames = (timing.times_s >= stretch[0]) & (timing.times_s <= stretch[1])
    apart = median_apart_px(view, timing)
    said = (
        f"median {apart:.{1 if apart < 9.95 else 0}f} px apart"
        if np.isfinite(apart)
        else "no frame of it within the trial"
    )
    name = fit(printable(view.device), 0.8)
    words = timing.words
    if timing.apart_s:
        moves = median_speed_px_s(view) * abs(timing.apart_s)
        words += f" of {milliseconds(timing.apart_s, sign=True)}, which is {moves:.1f} px"
    heading(axes, name, fit(f"{words} · {said}", width - 0.35))
    axes.plot(view.times_s[inside], view.projected_px[inside, axis], color=RIGHT, linewidth=1.2)
    axes.plot(timing.times_s[frames], view.detected_px[frames, axis], ".", color=INK, markersize=2.6)
    if np.isfinite(apart) and not frames.any():
        axes.annotate(
            "no frame here", (0.5, 0.9), xycoords="axes fraction", ha="center", va="top", color=QUIET,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    axes.set_xlim(*stretch)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=TEXT_PT)
    axes.margins(y=0.1)
