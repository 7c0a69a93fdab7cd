"""Clocks for the tests of their pages: two phones and a trial whose every number is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viodat.clock import (
    MOTION,
    ClockMap,
    Curve,
    DevicePrior,
    Evidence,
    Hypothesis,
    Observation,
    Stream,
    TrialClocks,
    Windows,
)
from viodat.dataset.schema import STATUS_BUILT
from viodat.report.clocks import capture_page, trial_section
from viodat.report.clocks.capture_page import write_capture_page
from viodat.report.clocks.from_estimate import evidence_lines, evidence_rows
from viodat.report.clocks.trial_section import draw_trial_section
from viodat.report.clocks.values import CaptureClocks, ClockLine, TrialClockPage
from viodat.report.clocks.views import Level, PlayingView, TrialViews, WristTiming, WristView
from viodat.report.index import DatasetReport, TrialReport, write_index

NAN = float("nan")
C01 = ClockMap(2.0, 50.0, 0.002, 5.0, 5.0, 0.9999, "playing", -0.02, 0.003, 0.004, 5.0)
C02 = ClockMap(-1.0, -20.0, 0.002, 5.0, 8.0, 0.9999, "playing", 0.01, 0.003, 0.004, 8.0)


def lag_s(one: ClockMap, at_s: float) -> float:
    """Offset of a clock at a time of its own."""
    return float(one.apply(at_s)) - at_s


def curve(lag: float, step: float = 0.005) -> Curve:
    """One peak of 20 in 20 s of lags."""
    lags = lag + np.arange(-2000, 2001) * step
    return Curve(lags, 20 * np.exp(-0.5 * ((lags - lag) / 0.02) ** 2))


def said(
    device: str, lag: float, at: float, *, kind: Any = "sound", method: str = "playing", **more: Any
) -> Observation:
    """One observation against the motion with a single hypothesis."""
    values: dict[str, Any] = {"sigma": 0.01, "odds": 9.0, "common_sigma_s": 0.008, **more}
    hypothesis = Hypothesis(lag, values.pop("sigma"), values.pop("odds"))
    return Observation(method, Stream(device, kind), MOTION, (hypothesis,), at, **values)


def trial_clocks(observations: tuple[Observation, ...] | None = None, **changes: Any) -> TrialClocks:
    """Two phones with an answer, each by its playing, tied by their sound; a third that nothing places."""
    at_1, at_2 = 5.0, 8.0
    windows = Windows(np.array([3.0, 5.0, 7.0]), np.array([lag_s(C01, t) for t in (3.0, 5.0, 7.0)]), np.full(3, 0.02))
    tie = float((C01.apply(5.0) - C02.offset_s) / (1 + C02.drift_ppm * 1e-6) - 5.0)
    if observations is None:
        observations = (
            said("C01", lag_s(C01, at_1), at_1, curve=curve(lag_s(C01, at_1)), windows=windows),
            said("C02", lag_s(C02, at_2) + 0.004, at_2, curve=curve(lag_s(C02, at_2) + 0.004)),
            said("C02", lag_s(C02.of_picture(), at_2), at_2, kind="picture", method="clap", common_sigma_s=0.0),
            Observation(
                "sound", Stream("C01", "sound"), Stream("C02", "sound"), (Hypothesis(tie, 0.0002, 60.0),), 5.0,
                curve=curve(tie),
            ),
            said("C03", 7.5, 4.0, odds=1.0, curve=curve(7.5)),
        )  # fmt: skip
    devices = ("C01", "C02", "C03")
    values: dict[str, Any] = {
        "clocks": {"C01": C01, "C02": C02},
        "confidence": {"C01": 0.9999, "C02": 0.9999, "C03": 0.31},
        "evidence": Evidence(devices, frozenset(devices), frozenset(devices), observations),
        "used": {0: 1.0, 1: 0.9, 2: 0.8, 3: 1.0},
        "alone": {"C01": DevicePrior(48.0, 10.0, -0.021, 0.006), "C02": DevicePrior(-22.0, 10.0, 0.011, 0.006)},
        "notes": {"C03": ("nothing says convincingly when it recorded",)},
    }
    values |= changes
    # Unless it is told otherwise, the best hypothesis is the one that was believed.
    values.setdefault("believed", dict.fromkeys(values["used"], 0))
    return TrialClocks(**values)


def trial_views(seconds: float = 12.0, devices: tuple[str, ...] = ("C01", "C02"), **changes: Any) -> TrialViews:
    """A bow that turns every half second in the middle of the trial, and wrists that are seen as they are."""
    times = 1.0 + np.arange(round(seconds * 100)) / 100
    late = times > 1.0 + seconds / 2
    speed = np.where(late, 300 * np.sin(2 * np.pi * (times - 1.0)), 200.0)
    level = -20 + 10 * np.log10(np.abs(speed) / 300 + 0.01)
    wrist = np.stack([600 + 80 * np.cos(2 * np.pi * times), 300 + 5 * np.sin(times)], axis=1)
    frames = np.arange(times[0], times[-1], 1 / 30)
    seen = np.stack([np.interp(frames, times, wrist[:, axis]) for axis in range(2)], axis=1)
    values: dict[str, Any] = {
        "devices": devices,
        "start_s": float(times[0]),
        "end_s": float(times[-1]),
        "playing": PlayingView(times, speed, np.ones(len(times)), tuple(Level(d, times, level) for d in devices)),
        "wrists": tuple(
            WristView(d, times, wrist, seen, (WristTiming("before", frames + 0.25), WristTiming("after", frames)))
            for d in devices
        ),
    }
    return TrialViews(**{**values, **changes})


def clock_line(device: str = "C01", **changes: Any) -> ClockLine:
    """A device with an answer."""
    values: dict[str, Any] = {
        "recording": f"P05{device}T28", "status": "built", "offset_s": 1.25, "drift_ppm": 40.0, "drift_sigma_ppm": 5.0,
        "skew_s": -0.02, "skew_sigma_s": 0.002, "sigma_s": 0.0014, "picture_sigma_s": 0.003, "limit_s": 1 / 60,
        "confidence": 0.9999,
        "alone_drift_ppm": 45.0, "alone_drift_sigma_ppm": 20.0, "alone_skew_s": -0.018, "alone_skew_sigma_s": 0.006,
    }  # fmt: skip
    return ClockLine(device, **{**values, **changes})


def clock_page(trial: str = "P05T28", *lines: ClockLine, **changes: Any) -> TrialClockPage:
    """What is said of a trial, without figures."""
    values: dict[str, Any] = {"participant": trial[:3], "how": "auto", "clocks": lines, **changes}
    return TrialClockPage(trial, **values)


def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the first bytes of a PNG instead of drawing: for tests of what stands beside the figures."""
    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (1840).to_bytes(4, "big") + (500).to_bytes(4, "big")

    def written(_: object, png: Path, svg: Path | None = None) -> None:
        png.parent.mkdir(parents=True, exist_ok=True)
        png.write_bytes(header)

    for name in ("draw_evidence", "draw_playing", "draw_wrists"):
        monkeypatch.setattr(trial_section, name, written)
    for name in ("draw_devices", "draw_sigmas"):
        monkeypatch.setattr(capture_page, name, written)


def write_all(out: Path, capture: CaptureClocks) -> Path:
    """Write the index, the trials' pages and that of the clocks."""
    page_of_clocks = write_capture_page(out, capture, svg=False)
    trials = tuple(TrialReport(page.trial, "P05", "train", STATUS_BUILT, 12.0, clocks=page) for page in capture.trials)
    write_index(out, DatasetReport("lab", trials, clocks=page_of_clocks))
    return page_of_clocks


def drawn_page(out: Path, trial: str = "P05T28", **changes: Any) -> TrialClockPage:
    """Draw the section of a trial of three phones, one of which has no answer."""
    clocks = trial_clocks()
    values: dict[str, Any] = {
        "how": "auto",
        "participant": "P05",
        "clocks": (clock_line("C01"), clock_line("C02"), clock_line("C03", offset_s=NAN, reason="nothing says when")),
        "evidence": evidence_lines(clocks),
        "views": replace(
            trial_views(4.0, ("C01", "C02", "C03")), evidence=evidence_rows(clocks, (1.0, 5.0))[:1],
            wrists=trial_views(4.0).wrists[:1],
        ),
        **changes,
    }  # fmt: skip
    return draw_trial_section(out, trial, svg=False, **values)
