"""What checks look at, made by hand: recordings, trials and participants without files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.unit.build.trials import raw
from viodat.build.checks import CHECKS
from viodat.build.checks.finding import ParticipantView, Problem, RecordingView, TrialView
from viodat.build.reading import Measurements, TrialInputs
from viodat.capture.audio import AudioSignal
from viodat.capture.markers import MarkerTrial
from viodat.capture.participants import Participant
from viodat.capture.raw import RawRecording, RawTrial
from viodat.capture.video_times import video_times
from viodat.pose2d import Keypoints

RATE_HZ = 8000.0
FILES = RawRecording("P05C01T28", "P05", "P05T28", "C01", "camera", video=Path("P05C01T28.mp4"))
LABELS = ("LASI", "RASI", "LPSI", "RPSI", "C7", "T10", "CLAV", "STRN", "LKNE", "LTHI")


def problems(check: str, view: object) -> list[Problem]:
    return list(CHECKS[check].find(view))


def playing(seconds: float = 12.0) -> np.ndarray:
    """(N, 1) a second of rest before each second of a tone."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    noise = 1e-4 * np.random.default_rng(0).normal(size=len(times))
    return (noise + 0.2 * np.sin(2 * np.pi * 440 * times) * (times % 2 > 1))[:, None].astype(np.float32)


def recording(
    *,
    samples: np.ndarray | None = None,
    stamps: np.ndarray | None = None,
    keypoints: Keypoints | None = None,
    device: str = "C01",
    config: dict | None = None,
    **values: Any,
) -> RecordingView:
    """A recording of 12 s at 25 pictures per second; ``stamps`` count 25ths of a second."""
    files = RawRecording(f"P05{device}T28", "P05", "P05T28", device, "camera", video=Path("v.mp4"))
    counts = np.arange(300, dtype=np.int64) if stamps is None else stamps
    times = video_times(counts, Fraction(1, 25), source=Path("v.mp4"), size_px=(1280, 720))
    sound = AudioSignal(playing() if samples is None else samples, RATE_HZ, 0.0, Path("v.mp4"))
    return RecordingView(raw(**(config or {})), files, times, sound, keypoints, **{"trial_s": (0.0, 12.0), **values})


def markers(
    positions: np.ndarray | None = None, labels: tuple[str, ...] = LABELS, *, rate_hz: float = 100.0, **values: Any
) -> MarkerTrial:
    """Markers of somebody who sways by a few mm."""
    places = body(labels) if positions is None else positions
    residuals = np.where(np.isfinite(places).all(-1), 0.1, np.nan)
    return MarkerTrial(labels, places, rate_hz, 1, residuals, source=values.pop("source", Path("P05T28.c3d")), **values)


def body(labels: tuple[str, ...] = LABELS, frames: int = 1000, size: float = 1.0) -> np.ndarray:
    """(F, M, 3) mm."""
    rng = np.random.default_rng(1)
    rest = size * np.array(
        [[100, 120, 950], [100, -120, 950], [-90, 50, 960], [-90, -50, 960], [-90, 0, 1400], [-110, 0, 1200],
         [60, 0, 1350], [80, 0, 1200], [30, 160, 480], [30, 170, 700]], dtype=float
    )[: len(labels)]  # fmt: skip
    return rest + rng.normal(0, 0.5, (frames, len(rest), 3))


def trial(found: MarkerTrial | None = None, **values: Any) -> TrialView:
    files = RawTrial("P05T28", "P05", Path("P05T28.c3d"))
    own = markers() if found is None else found
    inputs = TrialInputs(own, values.pop("static", None), Measurements({}, {}, ()), values.pop("rom", None))
    return TrialView(raw(**values.pop("config", {})), files, inputs, own, **values)


def participant(**values: Any) -> ParticipantView:
    """A participant of whom all is known; ``measurements`` and others may be given."""
    said = {"consent": True, "handedness": "right", "measurements": {}}
    person = Participant("P05", **{name: values.pop(name, usual) for name, usual in said.items()})
    layout = SimpleNamespace(trials=(RawTrial("P05T28", "P05", Path("P05T28.c3d")),))
    capture: Any = SimpleNamespace(config=raw(markers={"set": "plug-in-gait"}).config, layout=layout)
    return ParticipantView(capture, person, **values)
