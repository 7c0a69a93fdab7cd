"""What happens over time: the error along a recording, the bow arm's path, and the left hand's vibrato.

All are small multiples, one row per model: the model is a dark line on what it is to be held against, so that no colour
has to be known by heart. At most six models are drawn, the best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from viodat.report.results import svg
from viodat.report.results.svg import Figure, FloatArray, Scale
from viodat.report.results.values import MOST_LINES, Results, drawn_labels, fixed, known, series
from viodat.report.wording import joint_name, percent, printable

WRIST_S: Final = 10.0
VIBRATO_S: Final = 6.0

_LEFT: Final = 170.0
_ROW: Final = 74.0
_PITCH: Final = 90.0
_TOP: Final = 26.0
_AXIS: Final = 42.0
_PALE: Final = "#A9CDE4"


@dataclass(frozen=True)
class _Panel:
    """Lines over time (s), each (values, colour, width), and a few words in its upper right corner."""

    time_s: FloatArray
    lines: tuple[tuple[FloatArray, str, float], ...]
    words: str = ""


def error_over_time(results: Results) -> Figure | str:
    """Draw the error over time on the best, the median and the worst recording."""
    told = [one for one in _figures(results).get("over_time") or () if one.get("rows") and _runs_on(one)]
    labels = drawn_labels(results, dict.fromkeys(str(label) for one in told for label in one["rows"]))
    panels = [[_error_panel(one, label) for one in told] for label in labels]
    values = _all_values(panels)
    if not values.size:
        return "Does the error change over a recording: no error over time was given."
    # A few frames that are far off would flatten all others.
    top = float(np.percentile(values, 99.5)) * 1.15
    titles = [f"{printable(str(one.get('which', '')))}: {printable(str(one.get('recording', '')))}" for one in told]
    drawn = _grid(labels, titles, panels, [np.array([0.0, top])] * len(told), "mm", shared=True, zero=True)
    caption = (
        "Mean error over the joints in each frame, mm, under the protocol of the table (pale), and its running mean "
        "over 1 s (dark), over time from the first frame, on the best, the median and the worst recording; in the "
        "corner, the mean over the recording. All panels share one axis, which ends above 99.5\u00a0% of the frames: "
        "peaks beyond are cut. A gap is where the truth is not determined."
        + _left_out(labels, [str(label) for one in told for label in one["rows"]])
    )
    return Figure("time", "Does the error change over a recording?", drawn, caption)


def _error_panel(told: Mapping[str, Any], label: str) -> _Panel:
    time, error = _same_length(series(told["time_s"]), series(told["rows"].get(label)))
    known_there = error[np.isfinite(error)]
    words = f"{fixed(float(known_there.mean()), 1)} mm" if known_there.size else "not given"
    return _Panel(time, ((error, _PALE, 0.8), (running_mean(time, error), svg.MODEL, 1.5)), words)


def running_mean(time_s: FloatArray, values: FloatArray, seconds: float = 1.0) -> FloatArray:
    """Average what is known within so many seconds about each frame; NaN stays where it is."""
    if len(values) < 2:
        return values
    step = float(np.median(np.diff(time_s)))
    half = max(round(seconds / step / 2), 0) if step > 0 else 0
    there = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(there, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(there)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    last = np.minimum(np.arange(len(values)) + half + 1, len(values))
    number = counts[last] - counts[first]
    return np.where(there, (sums[last] - sums[first]) / np.maximum(number, 1), np.nan)


def wrist_paths(results: Results) -> Figure | str:
    """Draw the three coordinates of a wrist against the truth."""
    told = _figures(results).get("wrist") or {}
    rows = told.get("rows") or {}
    time, truth = _same_length(series(told.get("time_s")), _points(told.get("truth")))
    labels = drawn_labels(results, map(str, rows))
    if not labels or not _runs_on(told) or not np.isfinite(truth).any():
        return "Does the bow arm's path look right: no path of a wrist was given."
    shown = telling(time, truth, WRIST_S)
    panels = []
    for label in labels:
        path = _stretch(_points(rows[label]), shown)
        words = ("", "", _distance_words(truth[shown], path))
        panels.append([_against(time[shown], truth[shown, k], path[:, k], words[k]) for k in range(3)])
    ranges = [_about(truth[shown, axis], 0.3, 1.0) for axis in range(3)]
    joint = joint_name(printable(str(told.get("joint", ""))))
    drawn = _grid(labels, ["x, to the right", "y, downwards", "z, away from the camera"], panels, ranges, "mm")
    root = (
        "each pose counted from its own root"
        if (results.get("protocol") or {}).get("recentred") == "both"
        else "roots as the protocol takes them"
    )
    caption = (
        f"Place of the {joint}, mm, in the camera's frame, {root}, over time from the first frame in recording "
        f"{printable(str(told.get('recording', '')))}: truth (broad, grey) and model (dark); in the corner, their mean "
        f"distance in what is shown. {_stretch_words(time, shown)} Drawn as in Fig. 4 of Yoo et al. 2025 (VioPose)."
        + _left_out(labels, list(map(str, rows)))
    )
    return Figure("wrist", f"Does the path of the {joint} look right?", drawn, caption)


def _distance_words(truth: FloatArray, path: FloatArray) -> str:
    apart = np.linalg.norm(truth - path, axis=1)
    apart = apart[np.isfinite(apart)]
    return f"{fixed(float(apart.mean()), 1)} mm apart" if apart.size else "not given"


def vibrato_courses(results: Results) -> Figure | str:
    """Draw the band-passed displacement of a finger against the truth."""
    told = _figures(results).get("vibrato") or {}
    rows = told.get("rows") or {}
    time, truth = _same_length(series(told.get("time_s")), series(told.get("truth")))
    labels = drawn_labels(results, map(str, rows))
    if not labels or not _runs_on(told) or not np.isfinite(truth).any():
        return "Is the vibrato still there: no displacement of a finger was given."
    shown = telling(time, truth, VIBRATO_S, moves=False)
    truth_rms = known(told.get("truth_rms_mm"))
    panels = []
    for label in labels:
        rms = known((told.get("rows_rms_mm") or {}).get(label))
        words = f"{fixed(rms, 2)} mm" + (f", {percent(rms / truth_rms)} of it" if rms is not None and truth_rms else "")
        panels.append([_against(time[shown], truth[shown], _stretch(series(rows[label]), shown), words)])
    band = [known(one) for one in told.get("band_hz") or ()]
    band_words = "–".join(f"{one:g}" for one in band if one is not None)
    # Half as high again as the truth: a model that shakes more is cut rather than the truth made small.
    range_mm = _about(truth[shown], 0.25, 0.01)
    drawn = _grid(labels, [f"truth: {fixed(truth_rms, 2)} mm RMS"], panels, [range_mm], "mm")
    caption = (
        f"Displacement of the {joint_name(printable(str(told.get('joint', ''))))}, band-passed to {band_words} Hz, mm, "
        f"over time from the first frame in recording {printable(str(told.get('recording', '')))}: truth (broad, grey) "
        f"and model (dark); in the corner, the model's root mean square over the recording and its share of the "
        f"truth's. {_stretch_words(time, shown)} Drawn as in Fig. 5 of Yoo et al. 2025 (VioPose)."
        + _left_out(labels, list(map(str, rows)))
    )
    return Figure("vibrato", "Is the vibrato still there?", drawn, caption)


def telling(time_s: FloatArray, truth: FloatArray, seconds: float, *, moves: bool = True) -> slice:
    """Give the ``seconds`` in which the truth, whatever the models, moves most (or is largest); all if it is short."""
    if len(time_s) < 2 or time_s[-1] - time_s[0] <= seconds * 1.2:
        return slice(0, len(time_s))
    values = truth.reshape(len(truth), -1)
    size = np.abs(np.diff(values, axis=0, append=values[-1:])) if moves else values**2
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(size).sum(axis=1))])
    count = int(np.searchsorted(time_s, time_s[0] + seconds, side="right"))
    begin = int(np.argmax(total[count:] - total[:-count]))
    return slice(begin, begin + count)


def _stretch_words(time_s: FloatArray, shown: slice) -> str:
    if shown.stop - shown.start >= len(time_s):
        return "The whole recording is shown."
    length = float(time_s[shown.stop - 1] - time_s[shown.start])
    return f"Shown are the {length:.0f} s in which the truth moves most."


def _grid(
    labels: Sequence[str],
    titles: Sequence[str],
    panels: Sequence[Sequence[_Panel]],
    ranges: Sequence[FloatArray],
    unit: str,
    *,
    shared: bool = False,
    zero: bool = False,
) -> str:
    """Draw panels, one row per label and one column per title; ``ranges`` are what each column's axis holds."""
    gap = 16.0 if shared else 54.0
    first = _LEFT + 46
    width = (svg.WIDTH - first - 2 - gap * (len(titles) - 1)) / len(titles)
    bottom = _TOP + _PITCH * (len(labels) - 1) + _ROW
    marks = []
    for column, title in enumerate(titles):
        left = first + column * (width + gap)
        marks.append(svg.text(left, 14, svg.fit(title, width), bold=True))
        times = np.concatenate([row[column].time_s for row in panels])
        for k, row in enumerate(panels):
            top = _TOP + k * _PITCH
            across = svg.scale(times, left, left + width, margin=0.0)
            upward = svg.scale(ranges[column], top + _ROW, top, zero=zero, margin=0.0)
            marks += svg.value_axis(upward, left, left + width, most=4, labelled=column == 0 or not shared)
            last = k == len(panels) - 1
            words = "time from the first frame (s)" if last else ""
            marks += svg.time_axis(
                across, top, top + _ROW, words, most=8 if width > 500 else 6, labelled=last, grid=False
            )
            marks += _drawn_panel(row[column], across, upward, (left, top, width))
    for k, label in enumerate(labels):
        marks.append(svg.text(0, _TOP + k * _PITCH + _ROW / 2 + 4, svg.fit(label, _LEFT - 14)))
        middle = _TOP + k * _PITCH + _ROW / 2
        marks.append(svg.text(_LEFT, middle, unit, size=svg.SMALL, colour=svg.QUIET, anchor="middle", turned=True))
    return svg.drawing(bottom + _AXIS, "; ".join(titles), marks)


def _drawn_panel(panel: _Panel, across: Scale, upward: Scale, corner: tuple[float, float, float]) -> list[str]:
    left, top, width = corner
    x = across.of(panel.time_s) - left
    lines = [svg.line(x, upward.of(values) - top, colour, size) for values, colour, size in panel.lines]
    marks = [svg.clipped(left, top, width, _ROW, lines)]
    if panel.words:
        marks += svg.note(left + width - 2, top + 10, panel.words)
    return marks


def _runs_on(told: Mapping[str, Any]) -> bool:
    """Tell whether a figure has times that are all known and never go back."""
    time = series(told.get("time_s"))
    return bool(time.size and np.isfinite(time).all() and (np.diff(time) >= 0).all())


def _figures(results: Results) -> Mapping[str, Any]:
    return results.get("figures") or {}


def _points(values: Any) -> FloatArray:
    points = [series(one) for one in values or ()]
    return np.array([one if len(one) == 3 else np.full(3, np.nan) for one in points]).reshape(-1, 3)


def _same_length(time_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    count = min(len(time_s), len(values))
    return time_s[:count], values[:count]


def _against(time_s: FloatArray, truth: FloatArray, model: FloatArray, words: str) -> _Panel:
    return _Panel(time_s, ((truth, svg.BAND, 4.0), (model, svg.MODEL, 1.3)), words)


def _stretch(values: FloatArray, shown: slice) -> FloatArray:
    """Give the frames that are shown, NaN where a model's course ends before."""
    part = values[shown]
    missing = np.full((shown.stop - shown.start - len(part), *values.shape[1:]), np.nan)
    return np.concatenate([part, missing])


def _about(truth: FloatArray, share: float, least: float) -> FloatArray:
    """Give the range of an axis: that of the truth, and a share of it, or at least so much, more on either side."""
    finite = truth[np.isfinite(truth)]
    if not finite.size:
        return np.array([-1.0, 1.0])
    room = max(share * float(finite.max() - finite.min()), least)
    return np.array([finite.min() - room, finite.max() + room])


def _all_values(panels: Sequence[Sequence[_Panel]]) -> FloatArray:
    values = np.concatenate([panel.lines[0][0] for row in panels for panel in row] or [np.zeros(0)])
    return np.asarray(values[np.isfinite(values)])


def _left_out(labels: Sequence[str], all_labels: Sequence[str]) -> str:
    count = len(set(all_labels))
    return f" Of {count} models the best {MOST_LINES} are drawn." if count > len(labels) else ""
