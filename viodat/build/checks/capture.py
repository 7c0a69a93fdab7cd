"""Checks of a capture as a whole: what is missing, what nobody can explain, what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from viodat.build.checks.finding import Check, Level, Problem
from viodat.build.raw import RawCapture


def _missing(raw: RawCapture) -> Iterator[Problem]:
    for item in raw.layout.missing:
        yield Problem(item.where, item.text)


def _unmatched(raw: RawCapture) -> Iterator[Problem]:
    for item in raw.layout.unmatched:
        yield Problem(item.path, item.hint or "no pattern in capture.toml [files] explains it")


def _notes(raw: RawCapture) -> Iterator[Problem]:
    for note in raw.notes:
        yield Problem("capture", note.rstrip("."))


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
        _notes,
    ),
)
