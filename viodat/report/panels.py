"""The panels of a take sheet that share the time axis: joint height, marker gaps, sound and pitch.

Each function draws on axes it is given and takes plain arrays. Time is seconds on the mocap clock, lengths
are mm in the world frame (Z up), NaN is missing and is drawn as nothing: a line never crosses a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from viodat.joints import JOINT_INDEX
from viodat.report.style import GAP, HEADING_PT, INK, LEFT, LINE_IN, PAPER, QUIET, RIGHT, SOUND, TEXT_PT
from viodat.report.wording import count, joint_name, percent, printable

FloatArray = NDArray[np.float64]

KEY_JOINTS: Final = ("wrist", "elbow", "shoulder", "pelvis", "knee", "ankle")
COLUMNS: Final = 1100
"""Time bins of a panel: about one per printed pixel, so that nothing drawn is too thin to see."""

_PITCH_TICKS: Final = (50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200)
_OPEN_STRINGS: Final = (("G3", 196.0), ("D4", 293.66), ("A4", 440.0), ("E5", 659.26))


def heading(axes: Axes, title: str, detail: str = "") -> None:
    """Title of a panel, above its left corner, with a quieter remark after it."""
    text = axes.annotate(
        title,
        (0, 1),
        xytext=(0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=HEADING_PT,
        fontweight="bold",
        va="bottom",
        annotation_clip=False,
    )
    if detail:
        axes.annotate(
            detail,
            (1, 0),
            xytext=(6, 0),
            xycoords=text,
            textcoords="offset points",
            fontsize=TEXT_PT,
            color=QUIET,
            va="bottom",
            annotation_clip=False,
        )


def has_heights(joints_mm: FloatArray) -> bool:
    """Tell whether :func:`draw_heights` has anything to draw of (F, 18, 3) joints."""
    return bool(np.isfinite(joints_mm[:, _key_columns(), 2]).any())


def _key_columns() -> list[int]:
    return [JOINT_INDEX[f"{side}_{joint}"] for joint in KEY_JOINTS for side in ("left", "right")]


def draw_heights(axes: Axes, times_s: FloatArray, joints_mm: FloatArray, marks_s: Sequence[float] = ()) -> None:
    """Height over time of the joints of both arms and legs, each line labelled at its end.

    Parameters
    ----------
    axes
        Where to draw.
    times_s
        (F,) s.
    joints_mm
        (F, 18, 3) mm, NaN where a joint is not determined.
    marks_s
        Instants to mark with a tick at the top: those of the thumbnails.
    """
    pictures = " · ▼ pictures at the right" if marks_s else ""
    heading(axes, "Joint height", f"above the origin of the lab · blue left, vermilion right{pictures}")
    ends: list[tuple[float, float, str, str]] = []
    for joint in KEY_JOINTS:
        # The right line is drawn over the left: a wider left one stays visible where both are at one height.
        for side, colour, width in (("left", LEFT, 1.9), ("right", RIGHT, 0.8)):
            name = f"{side}_{joint}"
            height = joints_mm[:, JOINT_INDEX[name], 2]
            there = np.flatnonzero(np.isfinite(height))
            if there.size == 0:
                continue
            axes.plot(times_s, height, color=colour, linewidth=width)
            alone = there[_isolated(np.isfinite(height))[there]]
            axes.plot(times_s[alone], height[alone], ".", color=colour, markersize=3)
            last = int(there[-1])
            ends.append((float(times_s[last]), float(height[last]), joint_name(name), colour))
    axes.grid(axis="y")
    axes.margins(y=0.04)
    axes.set_ylabel("height Z (mm)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "−")))
    for mark in marks_s:
        axes.plot(
            [mark],
            [1],
            marker="v",
            color=INK,
            markersize=3.5,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )
    _label_ends(axes, ends)


def _isolated(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # A single valid frame between gaps has no neighbour to draw a line to.
    before = np.concatenate([[False], valid[:-1]])
    after = np.concatenate([valid[1:], [False]])
    return np.asarray(valid & ~before & ~after, dtype=np.bool_)


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    page_height = axes.get_figure(root=True).get_size_inches()[1]  # type: ignore[union-attr]
    line = (high - low) * LINE_IN / (axes.get_position().height * page_height)
    places = spread([z for _, z, _, _ in ends], line, low, high)
    for (t, z, name, colour), place in zip(ends, places, strict=True):
        axes.annotate(
            name,
            xy=(t, z),
            xytext=(1.012, place),
            textcoords=axes.get_yaxis_transform(),
            color=colour,
            fontsize=TEXT_PT,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "lw": 0.5,
                "alpha": 0.55,
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def spread(values: Sequence[float], least: float, low: float, high: float) -> FloatArray:
    """Move values apart so that neighbours are at least ``least`` apart, changing them as little as possible.

    Least squares under an ordering constraint: isotonic regression of the sorted values minus their ranks
    times ``least``, by pooling adjacent violators; then kept within ``low`` to ``high``. Where they cannot
    all fit, they are spaced evenly.
    """
    n = len(values)
    if n > 1:
        least = min(least, (high - low) / (n - 1))
    order = np.argsort(np.asarray(values, dtype=np.float64), kind="stable")
    pools: list[list[float]] = []
    for rank, index in enumerate(order):
        pools.append([float(values[index]) - rank * least, 1.0])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            mean, size = pools.pop()
            pools[-1] = [
                (pools[-1][0] * pools[-1][1] + mean * size) / (pools[-1][1] + size),
                pools[-1][1] + size,
            ]
    flat = np.concatenate([np.full(int(size), mean) for mean, size in pools]) if pools else np.empty(0)
    placed = np.empty(n)
    placed[order] = np.clip(flat, low, high - (n - 1) * least) + np.arange(n) * least
    return placed


def gap_rows(valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Columns of the markers that have gaps, the one with most missing frames first.

    Parameters
    ----------
    valid
        (F, M) bool, False where marker m is missing in frame f.
    """
    missing = (~valid).sum(axis=0)
    order = np.argsort(-missing, kind="stable")
    return np.asarray(order[missing[order] > 0], dtype=np.int64)


def draw_gaps(
    axes: Axes,
    times_s: FloatArray,
    labels: Sequence[str],
    valid: NDArray[np.bool_],
    rows: NDArray[np.int64],
    with_gaps: int,
) -> None:
    """One bar per marker, filled where the marker is missing; the share of missing frames at its right.

    Parameters
    ----------
    axes
        Where to draw.
    times_s
        (F,) s.
    labels
        M marker labels.
    valid
        (F, M) bool.
    rows
        Markers to draw, from the top (see :func:`gap_rows`).
    with_gaps
        How many markers have gaps, drawn or not.
    """
    which = f", the worst {len(rows)} shown" if len(rows) < with_gaps else ""
    heading(
        axes,
        "Marker gaps",
        f"{with_gaps} of {count(len(labels), 'marker')}{which} · share of missing frames at the right",
    )
    frames = len(times_s)
    step = float(np.median(np.diff(times_s))) if frames > 1 else 1.0
    edges_s = np.concatenate([times_s - step / 2, [times_s[-1] + step / 2]])
    bars = []
    for row, marker in enumerate(rows):
        for start, stop in missing_runs(valid[:, marker], frames // COLUMNS):
            x0, x1 = edges_s[start], edges_s[stop]
            bars.append([(x0, row - 0.38), (x1, row - 0.38), (x1, row + 0.38), (x0, row + 0.38)])
        axes.axhspan(row - 0.38, row + 0.38, color=PAPER, linewidth=0, zorder=0)
        axes.annotate(
            percent(float((~valid[:, marker]).mean())),
            (1, row),
            xytext=(4, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            fontsize=TEXT_PT,
            color=QUIET,
            va="center",
            annotation_clip=False,
        )
    axes.add_collection(PolyCollection(bars, facecolors=GAP, linewidths=0), autolim=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [printable(labels[marker], 12) for marker in rows])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)


def missing_runs(valid: NDArray[np.bool_], least: int = 0) -> list[tuple[int, int]]:
    """List runs of missing frames as (first, one past the last), widened to at least ``least`` frames.

    Widened runs that touch are joined: a picture shows that there is a gap even where it is too short to see.
    """
    change = np.diff(np.concatenate([[0], (~valid).astype(np.int8), [0]]))
    runs: list[tuple[int, int]] = []
    for start, stop in zip(np.flatnonzero(change == 1), np.flatnonzero(change == -1), strict=True):
        wider = max(0, least - int(stop - start))
        first, last = max(0, int(start) - wider // 2), min(len(valid), int(stop) + (wider + 1) // 2)
        if runs and first <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return runs


def envelope(
    samples: NDArray[np.floating],
    rate_hz: float,
    start_s: float,
    span_s: tuple[float, float],
    bins: int = COLUMNS,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Least, greatest and root-mean-square sample in equal time bins; NaN in bins without sound.

    Parameters
    ----------
    samples
        (S,) mono sound, full scale 1.
    rate_hz
        Samples per second.
    start_s
        Time of the first sample.
    span_s
        Start and end of the bins.
    bins
        How many; fewer if the span holds fewer samples.

    Returns
    -------
    centres_s, least, greatest, rms : (bins,) arrays
    """
    bins = max(1, min(bins, int((span_s[1] - span_s[0]) * rate_hz)))
    edges_s = np.linspace(span_s[0], span_s[1], bins + 1)
    # The tolerance keeps a sample that lies on an edge in the bin that the edge begins.
    edges = np.clip(np.ceil((edges_s - start_s) * rate_hz - 1e-6), 0, len(samples)).astype(np.int64)
    centres = (edges_s[:-1] + edges_s[1:]) / 2
    full = np.flatnonzero(edges[1:] > edges[:-1])
    least, greatest, rms = (np.full(bins, np.nan) for _ in range(3))
    if full.size:
        # Bins that hold samples follow one another without a hole, so reduceat's segments are exactly theirs.
        first, end = edges[full], int(edges[full[-1] + 1])
        sound = np.asarray(samples[:end], dtype=np.float64)
        least[full] = np.minimum.reduceat(sound, first)
        greatest[full] = np.maximum.reduceat(sound, first)
        rms[full] = np.sqrt(np.add.reduceat(sound**2, first) / (edges[full + 1] - first))
    return centres, least, greatest, rms


def draw_sound(
    axes: Axes,
    samples: NDArray[np.floating],
    rate_hz: float,
    start_s: float,
    span_s: tuple[float, float],
    name: str,
) -> None:
    """Waveform as the range of samples per pixel, with the RMS level over it."""
    times, least, greatest, rms = envelope(samples, rate_hz, start_s, span_s)
    peak = float(np.nanmax(np.abs([least, greatest]), initial=0.0))
    who = f"{printable(name, 40)} · " if name else ""
    level = f"peak {20 * np.log10(peak):.1f} dB of full scale".replace("-", "−") if peak > 0 else "silent"
    heading(axes, "Sound", f"{who}{rate_hz:,.0f} Hz, {level} · dark: RMS level")
    axes.fill_between(times, least, greatest, color=SOUND, alpha=0.4, linewidth=0)
    axes.fill_between(times, -rms, rms, color="#00694D", linewidth=0)
    limit = max(peak, 1e-4) * 1.05
    axes.set_ylim(-limit, limit)
    axes.set_ylabel("amplitude")


def voiced(times_s: FloatArray, f0_hz: FloatArray, span_s: tuple[float, float]) -> NDArray[np.bool_]:
    """(N,) bool: frames within the span that have a pitch; unvoiced ones are NaN."""
    return np.asarray((times_s >= span_s[0]) & (times_s <= span_s[1]) & np.isfinite(f0_hz) & (f0_hz > 0))


def draw_pitch(axes: Axes, times_s: FloatArray, f0_hz: FloatArray, span_s: tuple[float, float]) -> None:
    """Fundamental frequency on a logarithmic axis, with the violin's open strings as a ruler."""
    inside = voiced(times_s, f0_hz, span_s)
    heading(axes, "Pitch", "fundamental frequency · lines at the open strings of a violin")
    axes.plot(times_s, np.where(inside, f0_hz, np.nan), ".", color=INK, markersize=1.2)
    low, high = float(f0_hz[inside].min()) / 1.08, float(f0_hz[inside].max()) * 1.08
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = [value for value in _PITCH_TICKS if low <= value <= high]
    if len(ticks) > 5:
        ticks = [value for value in ticks if value in _PITCH_TICKS[::2]]
    axes.yaxis.set_major_locator(FixedLocator(ticks or [round((low * high) ** 0.5)]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylabel("f0 (Hz)")
    for note, frequency_hz in _OPEN_STRINGS:
        if low <= frequency_hz <= high:
            axes.axhline(frequency_hz, color="#DADADA", linewidth=0.6, zorder=0)
            axes.annotate(
                note,
                (1, frequency_hz),
                xytext=(4, 0),
                xycoords=axes.get_yaxis_transform(),
                textcoords="offset points",
                fontsize=TEXT_PT,
                color=QUIET,
                va="center",
                annotation_clip=False,
            )
