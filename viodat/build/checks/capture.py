"""Checks of a capture as a whole: what is missing, what nobody can explain, what contradicts itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from viodat.build.checks.finding import Check, Level, Problem
from viodat.build.raw import RawCapture


def _missing(raw: RawCapture) -> Iterator[Problem]:
    for item in raw.layout.missing:
        yield Problem(item.where, item.text.rstrip("."))


def _unmatched(raw: RawCapture) -> Iterator[Problem]:
    for item in raw.layout.unmatched:
        yield Problem(item.path, item.hint or "no pattern in capture.toml [files] explains it")


def _notes(kind: str) -> Callable[[RawCapture], Iterator[Problem]]:
    def find(raw: RawCapture) -> Iterator[Problem]:
        for note in raw.notes:
            if note.kind == kind:
                yield Problem(note.where, note.text)

    return find


CHECKS: Final[tuple[Check[RawCapture], ...]] = (
    Check(
        "missing-file",
        Level.WARNING,
        "What a trial lacks stays null in the dataset.",
        "Add the file, or correct its pattern in capture.toml [files].",
        _missing,
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
