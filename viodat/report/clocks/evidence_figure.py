"""The figure of a trial's evidence: one row per kind, everything relative to the answer.

Left, the log likelihood by lag near the answer; beside it, over all lags that were tried, so that a second peak cannot
hide; right, what is left over time, window by window, with each piece's whole statement at the edge. Zero is the
answer, the grey band its standard deviation.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWNBASE, CARETUPBASE
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from viodat.report.clocks.marks import BAND, DOWN, MARGIN_IN, UP, WIDTH_IN, Look, looks, outline, write_key, zero_line
from viodat.report.clocks.views import EvidenceRow, EvidenceView, TrialViews
from viodat.report.clocks.wording import milliseconds_between
from viodat.report.panels import heading
from viodat.report.style import INK, axes_at, new_figure, save_figure, viodat_style

FloatArray = NDArray[np.float64]

_LABEL_IN: Final = 0.46
_NEAR_IN, _ALL_IN, _LEFT_IN, _WHOLE_IN = 2.62, 1.7, 2.55, 0.52
_GAP_IN: Final = 0.3
_ROW_IN, _PITCH_IN = 1.0, 1.62
_TOP_IN: Final = 0.62
_COLUMNS: Final = 500
_LEAST_ALL_S: Final = 1.0
_NEAR_PEAKS, _BANDS = 6.0, 4.0
_LEAST_NEAR_S, _MOST_NEAR_S, _MOST_ALONE_S = 0.005, 0.6, 0.1
_WHOLE_SHARE, _LEAST_LEFT_S = 0.35, 5e-5
_MOST_WHOLE: Final = 30


def draw_evidence(views: TrialViews, png: Path, svg: Path | None = None) -> None:
    """Draw all rows and write the figure.

    Parameters
    ----------
    views
        Of a trial with at least one row that says something.
    png, svg
        Destinations; written atomically.
    """
    rows = [row for row in views.evidence if any(view.speaks for view in row.views)]
    height = _TOP_IN + _PITCH_IN * (len(rows) - 1) + _ROW_IN + 0.46
    with viodat_style():
        figure = new_figure((WIDTH_IN, height))
        words = "line at 0: the answer, grey band: its sigma, filled marks: what was believed, open ones: the rest"
        if not all(view.answered for row in rows for view in row.views):
            words += ", dashed: no answer, so relative to the likeliest lag"
        marks = looks((*views.palette, *views.devices))
        write_key(figure, MARGIN_IN, 0.2, views.devices, marks, words)
        for place, row in enumerate(rows):
            _draw_row(figure, _TOP_IN + place * _PITCH_IN, row, marks, (views.start_s, views.end_s))
        save_figure(figure, png)
        if svg is not None:
            save_figure(figure, svg)
        figure.clear()


def _draw_row(
    figure: Figure, top: float, row: EvidenceRow, marks: Mapping[str, Look], span_s: tuple[float, float]
) -> None:
    left = MARGIN_IN + _LABEL_IN
    near = axes_at(figure, left, top, _NEAR_IN, _ROW_IN)
    left += _NEAR_IN + _GAP_IN
    everything = axes_at(figure, left, top, _ALL_IN, _ROW_IN)
    everything.sharey(near)
    left += _ALL_IN + _GAP_IN + _LABEL_IN
    over_time = axes_at(figure, left, top, _LEFT_IN, _ROW_IN)
    whole = axes_at(figure, left + _LEFT_IN + 0.06, top, _WHOLE_IN, _ROW_IN)
    whole.sharey(over_time)
    heading(near, row.title, row.detail)
    heading(over_time, "", _band_words(row))
    _draw_near(near, row, marks)
    _draw_all(everything, row, marks)
    _draw_left(over_time, whole, row, marks, span_s)


def _ms(axes: Axes, *, vertical: bool = False) -> None:
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_major_locator(MaxNLocator(3 if vertical else 5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda value, _: f"{round(value, 6) + 0.0:g}".replace("-", "−"))


def _draw_near(axes: Axes, row: EvidenceRow, marks: Mapping[str, Look]) -> None:
    half = _near_s(row)
    _band(axes, row, vertical=True)
    for view in row.views:
        look = marks[view.device]
        inside = np.abs(view.lags_s) <= 1.2 * half
        if inside.any():
            _line(axes, view.lags_s[inside] * 1e3, view.log_likelihood[inside], view, marks)
        for k in range(len(view.apart_s)):
            x = float(view.apart_s[k]) * 1e3
            if abs(x) > half * 1e3:
                continue
            y = _height(view, k)
            if not len(view.lags_s):
                reach = float(view.sigma_s[k]) * 1e3
                axes.plot([x - reach, x + reach], [y, y], color=look.colour, linewidth=0.8)
            hollow = k != view.used
            axes.plot(
                x, y, look.mark, color=look.colour, markersize=2.8 if hollow else 4.2, markeredgewidth=0.8,
                markerfacecolor="white" if hollow else look.colour,
            )  # fmt: skip
    zero_line(axes, vertical=True)
    axes.set_xlim(-half * 1e3, half * 1e3)
    axes.axhline(0, color=BAND, linewidth=0.6, zorder=0)
    _headroom(axes, row)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_ylabel("log likelihood" if any(len(view.lags_s) for view in row.views) else "log odds", labelpad=2)
    axes.set_xlabel("lag apart from the answer (ms)", labelpad=1)
    _ms(axes)


def _headroom(axes: Axes, row: EvidenceRow) -> None:
    tops = [float(view.log_likelihood.max()) for view in row.views if len(view.lags_s)]
    tops += [float(view.log_odds.max()) for view in row.views if len(view.log_odds) and not len(view.lags_s)]
    lows = [float(view.log_odds.min()) for view in row.views if len(view.log_odds) and not len(view.lags_s)]
    top, low = max([1.0, *tops]), min([0.0, *lows])
    axes.set_ylim(low - 0.06 * (top - low), top + 0.12 * (top - low))


def _height(view: EvidenceView, k: int) -> float:
    if not len(view.lags_s):
        return float(view.log_odds[k])
    # A curve that was searched coarsely has its peak beside the hypothesis, which was refined.
    place = int(np.searchsorted(view.lags_s, view.apart_s[k]))
    return float(view.log_likelihood[max(place - 2, 0) : place + 2].max())


def _near_s(row: EvidenceRow) -> float:
    """Half the width of what counts as near: some times the width of the peaks and what they are apart."""
    wanted = [_LEAST_NEAR_S, *(_BANDS * row.band_sigma_s[-1:])]
    nobody = all(view.used is None for view in row.views)
    for view in row.views:
        # Where nobody's is believed, or there is no curve, the likeliest hypothesis is worth seeing.
        first = abs(float(view.apart_s[0])) if len(view.apart_s) else np.inf
        if first < (_MOST_NEAR_S if nobody else 0.0 if len(view.lags_s) else _MOST_ALONE_S):
            wanted.append(1.2 * first)
        if view.used is not None:
            wanted.append(abs(float(view.apart_s[view.used])) + _NEAR_PEAKS * float(view.sigma_s[view.used]))
        if len(view.lags_s) > 1:
            # A curve that was searched coarsely needs room for some of its points.
            near = np.sort(np.abs(view.lags_s))[:4]
            wanted.append(2.5 * float(near[-1]))
    return float(np.clip(max(wanted), _LEAST_NEAR_S, _MOST_NEAR_S))


def _line(axes: Axes, x: FloatArray, y: FloatArray, view: EvidenceView, marks: Mapping[str, Look]) -> None:
    """Draw one curve: of two devices in both colours, by turns; dashed where there is no answer."""
    style: dict[str, Any] = {"linewidth": 1.0, "solid_capstyle": "butt"}
    axes.plot(x, y, color=marks[view.device].colour, linestyle="-" if view.answered else (0, (3, 1.5)), **style)
    if view.other:
        axes.plot(x, y, color=marks[view.other].colour, linestyle=(0, (4, 4)), dash_capstyle="butt", **style)


def _draw_all(axes: Axes, row: EvidenceRow, marks: Mapping[str, Look]) -> None:
    curves = [view for view in row.views if len(view.lags_s)]
    reach = [0.0, 0.0]
    for view in curves:
        _line(axes, *outline(view.lags_s, view.log_likelihood, _COLUMNS), view, marks)
        reach = [min(reach[0], float(view.lags_s[0])), max(reach[1], float(view.lags_s[-1]))]
    if not curves:
        for view in row.views:
            for k, (x, y) in enumerate(zip(view.apart_s.tolist(), view.log_odds.tolist(), strict=True)):
                look = marks[view.device]
                fill = look.colour if k == view.used else "white"
                axes.plot(x, y, look.mark, color=look.colour, markersize=2.8, markerfacecolor=fill)
                reach = [min(reach[0], x), max(reach[1], x)]
    pad = max(0.06 * (reach[1] - reach[0]), 0.0 if curves else _LEAST_ALL_S - 0.5 * (reach[1] - reach[0]))
    axes.axvline(0, color=INK, linewidth=0.5, zorder=0.5)
    axes.set_xlim(reach[0] - (0 if curves else pad), reach[1] + (0 if curves else pad))
    axes.tick_params(axis="y", labelleft=False, left=False)
    axes.spines["left"].set_visible(False)
    axes.axhline(0, color=BAND, linewidth=0.6, zorder=0)
    axes.set_xlabel("all lags (s)" if curves else "all hypotheses (s)", labelpad=1)
    _ms(axes)


def _band_words(row: EvidenceRow) -> str:
    """Say how wide the band is, which may be thinner than the line of the answer."""
    if not len(row.band_sigma_s):
        return ""
    return (
        f"sigma of the answer: {milliseconds_between([float(row.band_sigma_s.min()), float(row.band_sigma_s.max())])}"
    )


def _band(axes: Axes, row: EvidenceRow, *, vertical: bool = False) -> None:
    if not len(row.band_sigma_s):
        return
    if vertical:
        half = float(np.max(row.band_sigma_s)) * 1e3
        axes.axvspan(-half, half, color=BAND, linewidth=0, zorder=0)
        return
    half_ms = row.band_sigma_s * 1e3
    axes.fill_between(row.band_times_s, -half_ms, half_ms, color=BAND, linewidth=0, zorder=0)


def _draw_left(
    axes: Axes, whole: Axes, row: EvidenceRow, marks: Mapping[str, Look], span_s: tuple[float, float]
) -> None:
    """Windows over time, and at the edge the hypotheses that were believed, else the likeliest."""
    _band(axes, row)
    if len(row.band_sigma_s):
        half_ms = float(np.max(row.band_sigma_s)) * 1e3
        whole.axhspan(-half_ms, half_ms, color=BAND, linewidth=0, zorder=0)
    axes.set_xlim(*span_s)
    whole.set_xlim(0, 1)
    limit = _left_limit_s(row)
    spread = np.linspace(-0.5, 0.5, len(row.views) + 2)[1:-1] * min(0.5, (span_s[1] - span_s[0]) / 30)
    for place, view in enumerate(row.views):
        hollow = view.used is None
        _errors(axes, view.times_s + spread[place], view.left_s, view.left_sigma_s, view, marks, limit, hollow=hollow)
    shown = [view for view in row.views if len(view.apart_s)][:_MOST_WHOLE]
    for place, view in enumerate(shown):
        k = view.chosen if view.chosen is not None else 0
        at = (place + 0.5) / len(shown)
        _errors(
            whole, np.array([at]), view.apart_s[k : k + 1], view.sigma_s[k : k + 1], view, marks, limit,
            hollow=view.used is None,
        )  # fmt: skip
    for one in (axes, whole):
        zero_line(one)
        one.set_ylim(-limit * 1e3, limit * 1e3)
    whole.set_xticks([])
    whole.tick_params(axis="y", labelleft=False, left=False)
    whole.spines["left"].set_visible(False)
    whole.set_xlabel("whole", labelpad=3)
    axes.set_ylabel("apart (ms)", labelpad=2)
    axes.set_xlabel("mocap time (s)", labelpad=1)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    _ms(axes, vertical=True)


def _left_limit_s(row: EvidenceRow) -> float:
    """Half the height of the panel: all but the worst twentieth of the windows, and all that was believed.

    A hypothesis' own error bar may reach beyond: what all windows may err by alike would make them too small to see.
    """
    wanted = [_LEAST_LEFT_S, *(1.5 * row.band_sigma_s)]
    believed = [view for view in row.views if view.used is not None] or row.views
    windows = [np.abs(view.left_s) + view.left_sigma_s for view in believed]
    windows = [values[np.isfinite(values)] for values in windows]
    together = np.concatenate([np.empty(0), *windows])
    if together.size:
        wanted.append(float(np.percentile(together, 95)))
    for view in row.views:
        if view.used is not None:
            apart, sigma = abs(float(view.apart_s[view.used])), float(view.sigma_s[view.used])
            wanted.append(1.1 * apart + (sigma if not len(view.times_s) else _WHOLE_SHARE * sigma))
    return float(1.15 * max(wanted))


def _errors(
    axes: Axes,
    x: FloatArray,
    y_s: FloatArray,
    sigma_s: FloatArray,
    view: EvidenceView,
    marks: Mapping[str, Look],
    limit_s: float,
    *,
    hollow: bool = False,
) -> None:
    """Draw marks with error bars; what is beyond the panel is an arrow at its edge, a longer bar has a head there."""
    look = marks[view.device]
    edge = marks[view.other].colour if view.other else look.colour
    first, last = axes.get_xlim()
    known = np.isfinite(y_s) & (x >= first) & (x <= last)
    inside = known & (np.abs(y_s) <= limit_s)
    fill = "white" if hollow or not view.answered else look.colour
    if inside.any():
        axes.errorbar(
            x[inside], y_s[inside] * 1e3, sigma_s[inside] * 1e3, fmt=look.mark, color=look.colour, ecolor=look.colour,
            elinewidth=0.8, markersize=3.4, markerfacecolor=fill, markeredgecolor=edge, markeredgewidth=0.9, zorder=2.5,
        )  # fmt: skip
    for sign, mark, head in ((1, UP, CARETUPBASE), (-1, DOWN, CARETDOWNBASE)):
        outside = known & (sign * y_s > limit_s)
        if outside.any():
            axes.plot(
                x[outside], np.full(outside.sum(), sign * limit_s * 1e3 * 0.93), marker=mark, color=look.colour,
                markersize=7, clip_on=False, markeredgewidth=0.0, linestyle="none",
            )  # fmt: skip
        longer = inside & (sign * y_s + sigma_s > limit_s)
        if longer.any():
            axes.plot(
                x[longer], np.full(longer.sum(), sign * limit_s * 1e3), marker=head, color=look.colour, markersize=3,
                clip_on=False, markeredgewidth=0.0, linestyle="none",
            )  # fmt: skip
