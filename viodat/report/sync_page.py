"""The pages about clocks: a section for each trial's page, and ``reports/sync.html`` over the whole capture.

:func:`trial_clock_page` draws a trial's figures and returns what the trial's page says of its clocks;
:func:`write_sync` writes the page of the capture from what was said of the trials, when their arrays are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from viodat.clock.estimate import CONFIDENT
from viodat.files import write_text
from viodat.report import wording
from viodat.report.index import _environment, _links_from, page_path
from viodat.report.sync_capture import devices_of, draw_devices, draw_sigmas
from viodat.report.sync_evidence import draw_evidence
from viodat.report.sync_overlays import MOST_WRISTS, draw_playing, draw_wrists
from viodat.report.sync_values import (
    CaptureClocks,
    ClockLine,
    DevicePool,
    EvidenceLine,
    How,
    PageFigure,
    TrialClockPage,
)
from viodat.report.sync_views import TrialViews
from viodat.report.sync_wording import milliseconds

SHOWN_PROBLEMS: Final = 40
"""Recordings in the open list, the worst first; all others are in a list that opens on a click."""


@dataclass(frozen=True)
class Problem:
    """Recordings of a trial without an answer, with a contradiction, or left out; the larger ``badness``, the worse.

    Without ``recordings`` it is the trial itself.
    """

    trial: str
    recordings: str
    what: str
    reason: str
    sigma_text: str
    confidence_text: str
    badness: tuple[int, float]


@dataclass(frozen=True)
class DeviceSummary:
    """One device over all trials."""

    device: str
    recordings: int
    answered: int
    pool: DevicePool
    sigma_text: str
    picture_sigma_text: str
    contradicted: int


def figure_path(out: Path, trial: str, what: str) -> Path:
    """PNG of one of a trial's figures about clocks in the dataset at ``out``; the SVG is beside it."""
    return out / "reports" / "clocks" / f"{wording.file_stem(trial)}-{what}.png"


def sync_path(out: Path) -> Path:
    """Page about clocks of the dataset at ``out``."""
    return out / "reports" / "sync.html"


def trial_clock_page(
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
        sync_path(out),
    )  # fmt: skip


def _drawn(out: Path, trial: str, what: str, views: TrialViews, svg: bool) -> PageFigure:
    png = figure_path(out, trial, what)
    vector = png.with_suffix(".svg") if svg else None
    {"evidence": draw_evidence, "playing": draw_playing, "wrists": draw_wrists}[what](views, png, vector)
    title, alt, caption = _words(what, views)
    return PageFigure(png, vector, _size_px(png), title, f"{alt} in {wording.printable(trial)}", caption)


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


def _size_px(png: Path) -> tuple[int, int]:
    """Width and height of a PNG from its header."""
    header = png.read_bytes()[:24]
    return int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")


def write_sync(out: Path, capture: CaptureClocks, *, svg: bool = True) -> Path:
    """Write ``reports/sync.html`` with its figures.

    Parameters
    ----------
    out
        Folder of the dataset.
    capture
        What is said of its trials.
    svg
        Whether each figure is also written as a vector graphic.

    Returns
    -------
    Path
        The page.
    """
    lines = [line for trial in capture.trials for line in trial.clocks]
    problems = problems_of(capture)
    page = sync_path(out)
    devices, sigmas = _capture_figures(out, capture, svg) if lines and capture.how == "auto" else (None, None)
    html = (
        _environment()
        .get_template("sync.html")
        .render(
            capture=capture,
            facts=_facts(capture, lines),
            devices=_summaries(capture),
            problems=problems,
            shown_problems=SHOWN_PROBLEMS,
            device_figure=devices,
            sigma_figure=sigmas,
            columns=devices_of(capture),
            limit=milliseconds(capture.limit_s),
            confident=f"{100 * CONFIDENT:g} %",
            has_limit=bool(np.isfinite(capture.limit_s)),
            href=_links_from(page),
            index=out / "reports" / "index.html",
            pages={trial.trial: page_path(out, trial.trial) for trial in capture.trials},
            by_device={trial.trial: {line.device: line for line in trial.clocks} for trial in capture.trials},
        )
    )
    write_text(page, html)
    return page


def _capture_figures(out: Path, capture: CaptureClocks, svg: bool) -> tuple[PageFigure, PageFigure]:
    figures = []
    for what, draw, title, alt, caption in (
        (
            "devices", draw_devices, "Devices over the trials",
            "Drift, skew and sigma of each device over the trials",
            "Coloured: what each trial says by itself, with its sigma, where that is better than what is known of any "
            "device. Black: the answer with the help of the other trials. Grey: what all trials say together of the "
            "device by itself, and so expected of a further one. Filled sigmas are those of the sound, hollow ones "
            "those of the pictures. An arrow stands for a value beyond the panel.",
        ),
        (
            "sigma", draw_sigmas, "Sigma and confidence",
            "Distribution of sigma and confidence over the recordings",
            "How many recordings have which sigma (the largest within the trial, on a logarithmic axis) and which "
            "confidence, by device.",
        ),
    ):  # fmt: skip
        png = out / "reports" / f"sync-{what}.png"
        vector = png.with_suffix(".svg") if svg else None
        draw(capture, png, vector)
        figures.append(PageFigure(png, vector, _size_px(png), title, alt, caption))
    return figures[0], figures[1]


def problems_of(capture: CaptureClocks) -> tuple[Problem, ...]:
    """List recordings without an answer, then those that contradict themselves, then those left out; worst first.

    Recordings of one trial with the same reason are one problem.
    """
    found: dict[tuple[str, str, str], Problem] = {}
    for trial in capture.trials if capture.how != "none" else ():
        for line in trial.clocks:
            contradiction = " ".join(_sentence(text) for text in line.contradictions)
            if not line.answered:
                what, badness = "no answer", (3, 1 - float(np.nan_to_num(line.confidence)))
                reason = _sentence(line.reason) or contradiction
            elif contradiction:
                what, badness = "contradictory", (2, float(np.nan_to_num(line.worst_sigma_s)))
                reason = " ".join(filter(None, (_sentence(line.reason), contradiction)))
            elif line.reason:
                what, badness = "left out", (1, float(np.nan_to_num(line.worst_sigma_s)))
                reason = _sentence(line.reason)
            else:
                continue
            one = Problem(
                trial.trial, line.recording or line.device, what, reason, milliseconds(line.worst_sigma_s),
                line.confidence_text, badness,
            )  # fmt: skip
            key = trial.trial, what, reason
            same = found.get(key)
            if same is not None:
                worse = max(same, one, key=lambda each: each.badness)
                one = replace(worse, recordings=f"{same.recordings}, {one.recordings}")
            found[key] = one
        if trial.contradictions:
            text = " ".join(_sentence(line) for line in trial.contradictions)
            found[trial.trial, "contradictory", text] = Problem(
                trial.trial, "", "contradictory", text, wording.MISSING, wording.MISSING, (2, np.inf)
            )
    return tuple(sorted(found.values(), key=lambda one: (-one.badness[0], -one.badness[1], one.trial, one.recordings)))


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def _facts(capture: CaptureClocks, lines: Sequence[ClockLine]) -> list[tuple[str, str]]:
    answered = [line for line in lines if line.answered]
    facts = [("recordings", f"{len(lines):,}"), ("with a clock", f"{len(answered):,}")]
    if capture.how == "none":
        return facts
    facts.append(("without an answer", f"{len(lines) - len(answered):,}"))
    contradicted = sum(bool(line.contradictions) for line in answered)
    facts.append(("contradictory", f"{contradicted:,}"))
    for name, title in (("sigma_s", "sigma of the sound"), ("picture_sigma_s", "sigma of the pictures")):
        values = np.array([getattr(line, name) for line in answered], dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size:
            facts.append((f"{title}, median", milliseconds(float(np.median(values)))))
    if np.isfinite(capture.limit_s):
        over = sum(line.worst_sigma_s > capture.limit_s for line in answered)
        facts.append(("with a sigma above the limit", f"{over:,}"))
    return facts


def _summaries(capture: CaptureClocks) -> tuple[DeviceSummary, ...]:
    pools = {pool.device: pool for pool in capture.pools}
    summaries = []
    for device in devices_of(capture):
        lines = [line for trial in capture.trials for line in trial.clocks if line.device == device]
        answered = [line for line in lines if line.answered]
        summaries.append(
            DeviceSummary(
                device,
                len(lines),
                len(answered),
                pools.get(device, DevicePool(device)),
                _middle_and_most([line.sigma_s for line in answered]),
                _middle_and_most([line.picture_sigma_s for line in answered]),
                sum(bool(line.contradictions) for line in answered),
            )
        )
    return tuple(summaries)


def _middle_and_most(seconds: Sequence[float]) -> str:
    values = np.array(seconds, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return wording.MISSING
    if len(values) == 1:
        return milliseconds(float(values[0]))
    return f"{milliseconds(float(np.median(values)))}, at most {milliseconds(float(values.max()))}"
