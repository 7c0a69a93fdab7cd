"""Checks of files as such, without reading what they mean: empty, unreadable, copied, linked from elsewhere."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from viodat.build.checks.finding import Check, Level, Problem
from viodat.build.raw import RawCapture
from viodat.errors import counted
from viodat.files import sha256


def _files(raw: RawCapture) -> dict[Path, str]:
    """Every file that a build reads, with the id of the trial or recording it belongs to, or its own path."""
    owned: dict[Path, str] = {}
    for trial in raw.layout.trials:
        owned[trial.marker_file] = trial.id
    for recording in raw.layout.recordings:
        for path in (recording.video, recording.frames_csv, recording.audio, recording.keypoints):
            if path is not None:
                owned[path] = recording.id
    others = [path for trial in raw.layout.trials for path in (trial.static, trial.rom, trial.vsk) if path is not None]
    for path in (*others, *raw.layout.calibration):
        owned.setdefault(path, _below(raw, path))
    return owned


def _below(raw: RawCapture, path: Path) -> str:
    return path.relative_to(raw.folder).as_posix() if path.is_relative_to(raw.folder) else path.as_posix()


def _empty(raw: RawCapture) -> Iterator[Problem]:
    for path in _files(raw):
        if path.is_file() and path.stat().st_size == 0:
            yield Problem(_below(raw, path), "is empty, 0 bytes", value=0.0, limit=1.0)


def _forbidden(raw: RawCapture) -> Iterator[Problem]:
    for path in _files(raw):
        if not os.access(path, os.R_OK):
            yield Problem(_below(raw, path), "may not be read by this user")


def _linked(raw: RawCapture) -> Iterator[Problem]:
    root = raw.folder.resolve()
    for path in _files(raw):
        target = path.resolve()
        if not target.is_relative_to(root):
            yield Problem(_below(raw, path), f"is a link to {target}, outside of the capture")


def _copied(raw: RawCapture) -> Iterator[Problem]:
    """Files that are the same to the byte; only those of equal size are read."""
    copies: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    owners = _files(raw)
    for group in _same_content(owners):
        first, *others = sorted(group, key=lambda path: (_trial_of(raw, owners[path]), path.as_posix()))
        for other in others:
            one, two = _trial_of(raw, owners[first]), _trial_of(raw, owners[other])
            # One static trial that serves as a trial, too, is one file.
            if owners[first] != owners[other]:
                key = (owners[first], owners[other]) if one == two else (one, two)
                copies[key].append(f"{other.name} is {first.name}")
    for (one, two), names in sorted(copies.items()):
        yield Problem(
            f"{one}, {two}",
            f"{counted(len(names), 'file')} of {one} and {two} are the same, byte for byte: {names[0]}",
            value=float(len(names)),
            limit=0.0,
        )


def _trial_of(raw: RawCapture, owner: str) -> str:
    return next((item.trial for item in raw.layout.recordings if item.id == owner), owner)


def _same_content(paths: Iterable[Path]) -> Iterator[list[Path]]:
    by_size: defaultdict[int, list[Path]] = defaultdict(list)
    for path in paths:
        if path.is_file() and (size := path.stat().st_size):
            by_size[size].append(path)
    for alike in by_size.values():
        if len(alike) < 2:
            continue
        by_digest: defaultdict[str, list[Path]] = defaultdict(list)
        for path in alike:
            try:
                by_digest[sha256(path)].append(path)
            except OSError:
                continue
        yield from (group for group in by_digest.values() if len(group) > 1)


CHECKS: Final[tuple[Check[RawCapture], ...]] = (
    Check(
        "file-empty",
        Level.ERROR,
        "An empty file is a copy that failed, or a recording that was never saved.",
        "Copy it again from the device.",
        _empty,
    ),
    Check(
        "file-forbidden",
        Level.ERROR,
        "What cannot be read is not in the dataset.",
        "Give this user the right to read it.",
        _forbidden,
    ),
    Check(
        "file-linked",
        Level.NOTE,
        "A copy of the folder does not hold the file, and the other place may change.",
        "Put the file itself into the capture, if the capture is to be kept or handed on.",
        _linked,
    ),
    Check(
        "file-copied",
        Level.ERROR,
        "One take under two names counts twice, and may be trained on and tested on.",
        "Delete the copy, or put the right file in its place.",
        _copied,
    ),
)
