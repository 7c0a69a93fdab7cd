"""``reports/sync.html``: the clocks of a whole capture, from what was said of its trials when their arrays are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from viodat.clock.estimate import CONFIDENT
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, SKEW_SIGMA_S
from viodat.dataset.schema import STATUS_UNCERTAIN
from viodat.files import write_text
from viodat.report import wording
from viodat.report.clocks.capture_figures import draw_devices
from viodat.report.clocks.sigma_figure import draw_sigmas
from viodat.report.clocks.values import CaptureClocks, ClockLine, DevicePool, PageFigure, devices_of
from viodat.report.clocks.wording import milliseconds, milliseconds_between
from viodat.report.html import clocks_path, environment, index_path, links_from, page_path, png_size_px

SHOWN_PROBLEMS: Final = 40
"""Recordings in the open list, the worst first; all others are in a list that opens on a click."""

_USUAL: Final = f"drift 0 ± {DRIFT_SIGMA_PPM:g} ppm, skew 0 ± {1e3 * SKEW_SIGMA_S:g} ms"


@dataclass(frozen=True)
class Problem:
    """Recordings of a trial that were not read, have no answer or a contradiction, or were left out, and why.

    The larger ``badness``, the worse. Without ``recordings`` it is the trial itself.
    """

    trial: str
    recordings: str
    what: str
    reason: str
    sigma_text: str
    limit_text: str
    confidence_text: str
    badness: tuple[int, float]


@dataclass(frozen=True)
class DeviceSummary:
    """One device over all trials."""

    device: str
    recordings: int
    answered: int
    drift_text: str
    skew_text: str
    sigma_text: str
    picture_sigma_text: str
    limit_text: str
    contradicted: int
    uncertain: int


def write_capture_page(out: Path, capture: CaptureClocks, *, svg: bool = True) -> Path:
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
    page = clocks_path(out)
    devices, sigmas = _capture_figures(out, capture, svg) if lines and capture.how == "auto" else (None, None)
    html = (
        environment()
        .get_template("clocks_of_capture.html")
        .render(
            capture=capture,
            facts=_facts(capture, lines),
            devices=_summaries(capture),
            problems=problems,
            shown_problems=SHOWN_PROBLEMS,
            device_figure=devices,
            sigma_figure=sigmas,
            columns=devices_of(capture),
            limits=_limits(lines),
            usual=_USUAL,
            confident=f"{100 * CONFIDENT:g} %",
            href=links_from(page),
            index=index_path(out),
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
            f"device beforehand ({_USUAL}). Black: the "
            "answer, with the help of the other trials and of the devices it is tied to, of which some tell more. "
            "Grey: what all trials say together of the device by itself, weighed with what is known of any, so that it "
            "may lie nearer to 0 than the answers; not drawn where the trials add hardly anything. Filled sigmas are "
            "those of the sound, hollow ones those of the pictures. An arrow stands for a value beyond the panel; a "
            "cross above it for a recording without an answer, a plus for one that could not be read.",
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
        figures.append(PageFigure(png, vector, png_size_px(png), title, alt, caption))
    return figures[0], figures[1]


def problems_of(capture: CaptureClocks) -> tuple[Problem, ...]:
    """List recordings not read or without an answer, then those that contradict themselves, then those left out.

    The worst come first. Recordings of one trial with the same reason are one problem.
    """
    found: dict[tuple[str, str, str], Problem] = {}
    for trial in capture.trials if capture.how != "none" else ():
        for line in trial.clocks:
            contradiction = " ".join(_sentence(text) for text in line.contradictions)
            if line.unread:
                what, badness = "not read", (3, 1.0)
                reason = _sentence(line.reason)
            elif not line.answered:
                what, badness = "no answer", (3, 1 - float(np.nan_to_num(line.confidence)))
                reason = _sentence(line.reason) or contradiction
            elif contradiction:
                what, badness = "contradictory", (2, float(np.nan_to_num(line.judged_sigma_s)))
                reason = " ".join(filter(None, (_sentence(line.reason), contradiction)))
            elif line.reason:
                what = "uncertain" if line.status == STATUS_UNCERTAIN else "left out"
                badness = (1, float(np.nan_to_num(line.judged_sigma_s)))
                reason = _sentence(line.reason)
            else:
                continue
            one = Problem(
                trial.trial, line.recording or line.device, what, reason, milliseconds(line.judged_sigma_s),
                milliseconds(line.limit_s), line.confidence_text, badness,
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
                trial.trial, "", "contradictory", text, wording.MISSING, wording.MISSING, wording.MISSING, (2, np.inf)
            )
    return tuple(sorted(found.values(), key=lambda one: (-one.badness[0], -one.badness[1], one.trial, one.recordings)))


def _sentence(text: str) -> str:
    text = text.strip()
    first, *_ = text.split(maxsplit=1) or [""]
    # A name such as clock_sigma_ms is written as it is.
    begin = text[:1] if "_" in first else text[:1].upper()
    return begin + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def _facts(capture: CaptureClocks, lines: Sequence[ClockLine]) -> list[tuple[str, str]]:
    answered = [line for line in lines if line.answered]
    facts = [("recordings", f"{len(lines):,}"), ("with a clock", f"{len(answered):,}")]
    if capture.how == "none":
        return facts
    unread = sum(line.unread for line in lines)
    facts.append(("without an answer", f"{len(lines) - len(answered) - unread:,}"))
    if unread:
        facts.append(("not read, so not asked", f"{unread:,}"))
    contradicted = sum(bool(line.contradictions) for line in answered)
    facts.append(("contradictory", f"{contradicted:,}"))
    for name, title in (("sigma_s", "sigma of the sound"), ("picture_sigma_s", "sigma of the pictures")):
        values = np.array([getattr(line, name) for line in answered], dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size:
            facts.append((f"{title}, median", milliseconds(float(np.median(values)))))
    if _limits(lines):
        facts.append(("uncertain, so not trained on", f"{_uncertain(lines):,}"))
    return facts


def _uncertain(lines: Sequence[ClockLine]) -> int:
    return sum(line.status == STATUS_UNCERTAIN for line in lines)


def _limits(lines: Sequence[ClockLine]) -> str:
    """Write the least and the greatest limit; empty where none of the recordings has one."""
    known = [line.limit_s for line in lines if np.isfinite(line.limit_s)]
    return milliseconds_between(known) if known else ""


def _summaries(capture: CaptureClocks) -> tuple[DeviceSummary, ...]:
    pools = {pool.device: pool for pool in capture.pools}
    summaries = []
    for device in devices_of(capture):
        lines = [line for trial in capture.trials for line in trial.clocks if line.device == device]
        answered = [line for line in lines if line.answered]
        pool = pools.get(device, DevicePool(device))
        summaries.append(
            DeviceSummary(
                device,
                len(lines),
                len(answered),
                _pooled_or_usual(pool.drift_text, answered, "drift_ppm"),
                _pooled_or_usual(pool.skew_text, answered, "skew_s"),
                _middle_and_most([line.sigma_s for line in answered]),
                _middle_and_most([line.picture_sigma_s for line in answered]),
                _limits(lines) or wording.MISSING,
                sum(bool(line.contradictions) for line in answered),
                _uncertain(lines),
            )
        )
    return tuple(summaries)


def _pooled_or_usual(told: str, answered: Sequence[ClockLine], name: str) -> str:
    """Give what is told of a device, or say that the trials add hardly anything to what is usual of any."""
    estimated = [line for line in answered if not line.given and np.isfinite(getattr(line, name))]
    return "as usual" if told == wording.MISSING and estimated else told


def _middle_and_most(seconds: Sequence[float]) -> str:
    values = np.array(seconds, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return wording.MISSING
    if len(values) == 1:
        return milliseconds(float(values[0]))
    return f"{milliseconds(float(np.median(values)))} ({milliseconds(float(values.max())).removesuffix(' ms')})"
