"""Checks of a capture as a whole: what is missing, what nobody can explain, what contradicts itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Final

import numpy as np

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


def _numbering(raw: RawCapture) -> Iterator[Problem]:
    for participant in raw.layout.participants:
        own = [trial.id.removeprefix(participant) for trial in raw.layout.trials if trial.participant == participant]
        parts = [re.fullmatch(r"(.*?)(\d+)", name) for name in own]
        numbers = {int(part[2]): part for part in parts if part is not None}
        if len(numbers) < len(own) or len({part[1] for part in numbers.values()}) != 1:
            continue
        absent = sorted(set(range(min(numbers), max(numbers))) - set(numbers))
        if absent and len(absent) < len(numbers):
            some = next(iter(numbers.values()))
            names = ", ".join(f"{some[1]}{number:0{len(some[2])}d}" for number in absent)
            yield Problem(participant, f"has no trial {names}, but those before and after", value=float(len(absent)))


def _same_camera(raw: RawCapture) -> Iterator[Problem]:
    for (one, a), (other, b) in combinations(sorted(raw.cameras.items()), 2):
        apart = float(np.linalg.norm(a.centre_mm - b.centre_mm))
        if apart < _CAMERAS_APART_MM:
            yield Problem(
                f"{one}, {other}",
                f"both cameras stand at one place, {apart:.1f} mm apart",
                value=apart,
                limit=_CAMERAS_APART_MM,
            )


def _strange_camera(raw: RawCapture) -> Iterator[Problem]:
    for device, camera in sorted(raw.cameras.items()):
        (width, height), matrix = camera.size_px, camera.matrix
        field_deg = float(np.degrees(2 * np.arctan(max(width, height) / (2 * matrix[0, 0]))))
        if not _FIELD_DEG[0] <= field_deg <= _FIELD_DEG[1]:
            limit = _FIELD_DEG[0] if field_deg < _FIELD_DEG[0] else _FIELD_DEG[1]
            told = f"its field of view is {field_deg:.0f} degrees; {_FIELD_DEG[0]:g} to {_FIELD_DEG[1]:g} was expected"
            yield Problem(device, told, value=field_deg, limit=limit)
        share = max(abs(matrix[0, 2] / width - 0.5), abs(matrix[1, 2] / height - 0.5))
        if share > _CENTRE_SHARE:
            yield Problem(
                device,
                f"its optical axis meets the picture {share:.0%} of its size from the middle: the matrix is of another "
                "size or orientation of the picture",
                value=share,
                limit=_CENTRE_SHARE,
            )
        away_m = float(np.linalg.norm(camera.centre_mm)) / 1000
        if away_m > _FARTHEST_M:
            yield Problem(
                device,
                f"it stands {away_m:.0f} m from the origin: its file may be in another unit",
                value=away_m,
                limit=_FARTHEST_M,
            )


_CAMERAS_APART_MM: Final = 20.0
_FIELD_DEG: Final = (10.0, 140.0)
_CENTRE_SHARE: Final = 0.2
_FARTHEST_M: Final = 50.0

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
    Check(
        "camera-double",
        Level.WARNING,
        "Two cameras cannot stand at one place: one has the other's calibration.",
        "Export the calibration of each camera, or correct capture.toml [cameras] ids.",
        _same_camera,
    ),
    Check(
        "camera-implausible",
        Level.WARNING,
        "A matrix of another picture size, or a place in another unit, draws every joint somewhere else.",
        "Export the calibration again, in mm and at the size of the videos.",
        _strange_camera,
    ),
    Check(
        "trial-numbering",
        Level.NOTE,
        "A hole in the numbers may be a file that was never copied.",
        "Nothing, if the take was not recorded or not kept.",
        _numbering,
    ),
)
