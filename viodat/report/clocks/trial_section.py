"""The section about clocks of a trial's page: its figures are drawn, and what it says of them is handed on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from viodat.report import wording
from viodat.report.clocks.evidence_figure import draw_evidence
from viodat.report.clocks.overlay_figures import MOST_WRISTS, draw_playing, draw_wrists
from viodat.report.clocks.values import ClockLine, EvidenceLine, How, PageFigure, TrialClockPage
from viodat.report.clocks.views import TrialViews
from viodat.report.html import clocks_path, png_size_px


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
            "One row per kind of evidence, everything relative to the answer (0; grey: its sigma). Left: log "
            "likelihood against two streams that have nothing to do with each other; filled marks are the hypotheses "
            "that were believed, hollow ones others. A good answer has one clear peak, and the kinds agree. Middle: "
            "the same over all lags that were tried. Right: the lag window by window, less the clock: a slope would be "
            "a wrong drift, a step a clock that jumped. At its edge what the evidence says of the whole recording, "
            "with its own sigma. Curves between two devices have the colours of both.",
        )
    if what == "playing":
        return (
            "Bow and sound",
            "Speed of the bow and sound level of the devices over time",
            "Where the bow turns round (dotted) the sound dips; the sound is a little later than the bow, because the "
            "room keeps it and it travels 2.9 ms per metre. Shown are the seconds in which the bow turns round most.",
        )
    accounts = [timing.words for timing in max(views.wrists, key=lambda view: len(view.timings)).timings]
    before = f" Left to right: {', '.join(accounts)}." if len(accounts) > 1 else ""
    more = f" The first {MOST_WRISTS} cameras are shown." if len(views.wrists) > MOST_WRISTS else ""
    return (
        "Wrist of the bow arm",
        "Projected and detected wrist of the bow arm over time, before and after",
        "The wrist in each calibrated picture, along the picture's axis on which it moves more."
        f"{before} The distance is the median over all frames of the trial, in both axes; what is left of it in the "
        f"end is the detector's noise, and that it sees the wrist elsewhere than the motion has the joint.{more}",
    )
