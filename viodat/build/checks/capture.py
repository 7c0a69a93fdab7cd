"""Checks of a capture as a whole: what is missing, what nobody can explain, what contradicts itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from viodat.build.checks.finding import Check, Level, Problem
from viodat.build.raw import RawCapture
from viodat.capture.raw import Unmatched


def _missing(raw: RawCapture) -> Iterator[Problem]:
    for item in raw.layout.missing:
        # An offset that is not given is the business of clock-unknown.
        if item.what != "offset":
            yield Problem(item.where, item.text.rstrip("."), mend=_MENDS.get(item.what))


def _unmatched(raw: RawCapture) -> Iterator[Problem]:
    for item in raw.layout.unmatched:
        if not _for_a_trial(item):
            yield Problem(item.path, item.hint or "no pattern in capture.toml [files] explains it")


def _misnamed_trials(raw: RawCapture) -> Iterator[Problem]:
    for item in raw.layout.unmatched:
        if _for_a_trial(item):
            yield Problem(item.path, item.hint)


def _for_a_trial(item: Unmatched) -> bool:
    return "[files] trial" in item.hint


def _notes(kind: str) -> Callable[[RawCapture], Iterator[Problem]]:
    def find(raw: RawCapture) -> Iterator[Problem]:
        for note in raw.notes:
            if note.kind == kind:
                yield Problem(note.where, note.text)

    return find


def _unplaced_microphones(raw: RawCapture) -> Iterator[Problem]:
    if raw.config.sync.method != "auto":
        return
    for device in sorted({r.device for r in raw.layout.recordings if r.kind == "microphone"}):
        if device not in raw.config.microphones:
            mend = f"Write [microphones.{device}] place_mm = [x, y, z] into capture.toml."
            yield Problem(device, "nobody says where this microphone is", mend=mend)


_MENDS: Final = {
    "participant": "Add the row to participants.csv, or correct the id.",
    "trial": "Add the marker file, or correct capture.toml [files] trial.",
}

CHECKS: Final[tuple[Check[RawCapture], ...]] = (
    Check(
        "missing-file",
        Level.WARNING,
        "What a trial lacks stays null in the dataset.",
        "Add the file, or correct its pattern in capture.toml [files].",
        _missing,
    ),
    Check(
        "trial-misnamed",
        Level.WARNING,
        "A trial under another name is not in the dataset.",
        "Rename it, or describe your names in capture.toml [files] trial and [ids].",
        _misnamed_trials,
    ),
    Check(
        "unexplained-file",
        Level.NOTE,
        "A misnamed recording is not in the dataset, and nobody would notice.",
        "Rename it, add a pattern to capture.toml [files], or list it under [files] ignore.",
        _unmatched,
    ),
    Check(
        "capture-conflict",
        Level.WARNING,
        "Two statements about the capture contradict each other, or one is about nothing that exists.",
        "Correct the one that is wrong.",
        _notes("conflict"),
    ),
    Check(
        "microphone-place",
        Level.NOTE,
        "Sound takes 2.9 ms per metre to a microphone; where its place is not known its clock is some ms less certain.",
        "Say where it is in capture.toml [microphones].",
        _unplaced_microphones,
    ),
    Check(
        "calibration-unusable",
        Level.ERROR,
        "Without its calibration a camera has no 2D and no camera-frame truth.",
        "Export it again, or name the file that holds in capture.toml [files] calibration.",
        _notes("calibration"),
    ),
    Check(
        "camera-uncalibrated",
        Level.WARNING,
        "Without its calibration a camera has no 2D and no camera-frame truth.",
        "Say which camera it is in capture.toml [cameras] ids, or calibrate it.",
        _notes("uncalibrated"),
    ),
    Check(
        "camera-assumption",
        Level.NOTE,
        "The calibration file left something open, and it was filled in.",
        "Compare it with the lab's records.",
        _notes("camera"),
    ),
)
