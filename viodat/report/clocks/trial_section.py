"""The section about clocks of a trial's page: its figures are drawn, and what it says of them is handed on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from viodat.report import wording
from viodat.report.clocks.evidence_figure import draw_evidence
from viodat.report.clocks.overlay_figures import MOST_WRISTS, draw_playing, draw_wrists, kept_s
from viodat.report.clocks.values import NAN, ClockLine, EvidenceLine, How, PageFigure, TrialClockPage
from viodat.report.clocks.views import TrialViews, WristTiming
from viodat.report.html import clocks_path, png_size_px

_SPEAKS_S: Final = 0.010, 0.050
"""How soon after the bow a note speaks."""
_TRAVEL_S: Final = 0.010
"""Of sound, to a device some metres away."""


def figure_path(out: Path, trial: str, what: str) -> Path:
    """PNG of one of a trial's figures about clocks in the dataset at ``out``; the SVG is beside it."""
    return out / "reports" / "clocks" / f"{wording.file_stem(trial)}-{what}.png"


def draw_trial_section(
    out: Path,
    trial: str,
    *,
    how: How,
    participant: str = "",
    clocks: Sequence[ClockLine] = (),
    evidence: Sequence[EvidenceLine] = (),
    contradictions: Sequence[str] = (),
    views: TrialViews | None = None,
    svg: bool = True,
) -> TrialClockPage:
    """Draw a trial's figures about clocks below ``out`` and return what its page says of them.

    Parameters
    ----------
    out
        Folder of the dataset.
    trial, participant
        Ids.
    how
        Where the clocks come from.
    clocks, evidence, contradictions
        As on the page.
    views
        What is drawn; None if nothing is.
    svg
        Whether each figure is also written as a vector graphic.
    """
    figures: list[PageFigure] = []
    missing: list[str] = []
    if views is not None and how != "none":
        if any(view.speaks for row in views.evidence for view in row.views):
            figures.append(_drawn(out, trial, "evidence", views, svg))
        elif how == "auto":
            missing.append("No piece of evidence says anything, so there are no curves.")
        if views.playing is not None and views.playing.levels:
            figures.append(_drawn(out, trial, "playing", views, svg))
        else:
            missing.append(
                "There is no picture of bow and sound: neither markers nor joints show the bow."
                if views.playing is None
                else "There is no picture of bow and sound: no device with sound has a clock."
            )
        if views.wrists:
            figures.append(_drawn(out, trial, "wrists", views, svg))
        else:
            missing.append(
                "There is no picture of the wrist: no calibrated camera with keypoints has a clock, or the bow arm's "
                "wrist is not determined."
            )
    return TrialClockPage(
        trial, participant, how, tuple(clocks), tuple(evidence), tuple(contradictions), tuple(figures), tuple(missing),
        clocks_path(out),
    )  # fmt: skip


def _drawn(out: Path, trial: str, what: str, views: TrialViews, svg: bool) -> PageFigure:
    png = figure_path(out, trial, what)
    vector = png.with_suffix(".svg") if svg else None
    {"evidence": draw_evidence, "playing": draw_playing, "wrists": draw_wrists}[what](views, png, vector)
    title, alt, caption = _words(what, views)
    return PageFigure(png, vector, png_size_px(png), title, f"{alt} in {wording.printable(trial)}", caption)


def _words(what: str, views: TrialViews) -> tuple[str, str, str]:
    """Title, alternative text and caption of a figure."""
    if what == "evidence":
        return (
            "Evidence",
            "Curves of log likelihood by lag and residuals over time of each kind of evidence",
            "One row per kind of evidence, everything relative to the answer (0; grey: its sigma, which may be thinner "
            "than the line, and which between two devices is not known). Apart is the lag of the evidence less that of "
            "the clocks: right of 0, or above it, the evidence alone would put what the device recorded later. Left: "
            "log likelihood against two streams that have nothing to do with each other; filled marks are the "
            "hypotheses that were believed by half or more, open ones the others. A good answer has one clear peak, "
            "and the kinds agree. The table's log odds are less than a curve's height: what the choice among all lags "
            "costs, and what another take would reach by chance, is taken off. Middle: the same over all lags that "
            "were tried. Right: the lag window by window, less the clock: a slope would be a wrong drift, a step a "
            "clock that jumped. At its edge (whole) what the evidence says of the whole recording, with its own sigma. "
            "Arrows (↑ ↓) stand for marks beyond the panel; an error bar with a small head at the edge is longer "
            "than is shown. Curves between two devices have the colours of both.",
        )
    if what == "playing":
        return (
            "Bow and sound",
            "Speed of the bow and sound level of the devices over time",
            "Where the bow turns round (dotted) the sound dips, later than the turn also by a right clock: "
            f"{_lateness(views)} A wrong clock moves all dips alike: where all come well before their turns, "
            "or still later than that, it is wrong. Shown are the seconds in which the bow turns round most.",
        )
    accounts = max((view.timings for view in views.wrists), key=len)
    more = f" The first {MOST_WRISTS} cameras are shown." if len(views.wrists) > MOST_WRISTS else ""
    return (
        "Wrist of the bow arm",
        "Projected and detected wrist of the bow arm over time",
        "The wrist in each calibrated picture, along the picture's axis on which it moves more."
        f"{_account(accounts)} The distance is the median over all frames of the trial, in both axes. With its clock, "
        "what is left of it is the detector's noise, and that it sees the wrist elsewhere than the motion has the "
        f"joint: points that lie beside the line at rest too are no error of time.{more}",
    )


def _lateness(views: TrialViews) -> str:
    """Say by how much dips of the sound are later than the bow's turns, by what is known of room and notes."""
    kept = kept_s(views.playing) if views.playing is not None else NAN
    least, most = _SPEAKS_S
    if kept != kept:
        return (
            f"the room keeps the sound, it travels 2.9 ms per metre, and a note speaks {least * 1e3:.0f} to "
            f"{most * 1e3:.0f} ms after the bow (Guettler and Askenfelt 1997)."
        )
    return (
        f"by {kept * 1e3:.0f} ms because the room keeps the sound (the grey prediction has that), by 2.9 ms per "
        f"metre of way, and by the {least * 1e3:.0f} to {most * 1e3:.0f} ms in which a note speaks (Guettler and "
        f"Askenfelt 1997). So dips between their turns and some {(kept + most + _TRAVEL_S) * 1e3:.0f} ms after, "
        "not at each turn alike, are no sign of a wrong clock."
    )


def _account(accounts: Sequence[WristTiming]) -> str:
    """Explain the columns of the wrists."""
    if len(accounts) < 2:
        return ""
    if accounts[0].apart_s:
        return (
            " Left: by the sound's clock, as if pictures had no skew; how far the skew moves the wrist at its median "
            "speed is said above each panel. Right: by the clock of the pictures. Where the skew moves the wrist by "
            "less than the detector errs, the distance hardly falls, and may rise by chance."
        )
    return " Left: as if the device had started with the markers, which nobody says it did. Right: by its clock."
