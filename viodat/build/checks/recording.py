"""Checks of one recording: can it be read, does it fit its calibration, is its clock known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from viodat.build.checks.finding import Check, Level, Problem, RecordingView, from_error
from viodat.build.sound import CLIPPED_LEVEL, MAX_CLIPPED_SHARE
from viodat.build.stages import given_clock
from viodat.build.truth import overlap_fault


def _unreadable(view: RecordingView) -> Iterator[Problem]:
    for error in view.errors:
        yield from_error(view.files.id, error)


def _size(view: RecordingView) -> Iterator[Problem]:
    camera = view.raw.cameras.get(view.files.device)
    if camera is None or view.times is None or view.times.size_px in (None, camera.size_px):
        return
    if view.raw.config.cameras.fit.get(view.files.device, "guess") != "guess":
        return
    have, want = view.times.size_px, camera.size_px
    assert have is not None
    yield Problem(view.files.id, f"the video is {have[0]} x {have[1]} px, its calibration {want[0]} x {want[1]} px")


def _clock(view: RecordingView) -> Iterator[Problem]:
    if given_clock(view.raw.config, view.files.id, view.files.device) is None:
        yield Problem(view.files.id, "its offset to the mocap clock is not given")


def _no_overlap(view: RecordingView) -> Iterator[Problem]:
    clock = given_clock(view.raw.config, view.files.id, view.files.device)
    if view.times is None:
        return
    device_times_s = view.times.times_s - (view.sound.start_s if view.sound else 0.0)
    if fault := overlap_fault(clock, device_times_s, view.trial_s):
        yield Problem(view.files.id, fault)


def _truncated(view: RecordingView) -> Iterator[Problem]:
    if view.times is not None and view.times.truncated:
        yield Problem(view.files.id, "; ".join(note for note in view.times.notes if "truncated" in note))


def _reader_notes(view: RecordingView) -> Iterator[Problem]:
    for part in (view.times, view.sound, view.keypoints):
        for note in part.notes if part is not None else ():
            yield Problem(view.files.id, note.rstrip("."))


def _silent(view: RecordingView) -> Iterator[Problem]:
    if view.sound is not None and not view.sound.samples.any():
        yield Problem(view.files.id, "all samples of its sound are zero")


def _clipped(view: RecordingView) -> Iterator[Problem]:
    if view.sound is None:
        return
    share = float(np.mean(np.abs(view.sound.samples) >= CLIPPED_LEVEL))
    if share > MAX_CLIPPED_SHARE:
        yield Problem(view.files.id, f"{share:.2%} of its samples are clipped", value=share, limit=MAX_CLIPPED_SHARE)


CHECKS: Final[tuple[Check[RecordingView], ...]] = (
    Check(
        "recording-unreadable",
        Level.ERROR,
        "The recording will be left out.",
        "Copy it again from the device.",
        _unreadable,
    ),
    Check(
        "video-size",
        Level.WARNING,
        "The calibration holds for another picture; it is cropped or scaled by a guess.",
        "Say how in capture.toml [cameras] fit, or calibrate at the size of the videos.",
        _size,
    ),
    Check(
        "clock-unknown",
        Level.WARNING,
        "Without a clock the recording has no truth and no place in training windows.",
        "Give it in capture.toml [sync] offset_s.",
        _clock,
    ),
    Check(
        "clock-no-overlap",
        Level.ERROR,
        "A recording of another time has no truth and no place in training windows.",
        "Correct its offset in capture.toml [sync].",
        _no_overlap,
    ),
    Check(
        "video-truncated",
        Level.WARNING,
        "The rest of the trial has no picture.",
        "Copy it again from the device.",
        _truncated,
    ),
    Check(
        "recording-note",
        Level.NOTE,
        "The reader found something unusual in a file of the recording and handled it as it says.",
        "Nothing, if that is right.",
        _reader_notes,
    ),
    Check(
        "sound-silent",
        Level.WARNING,
        "A muted microphone gives no audio features.",
        "Use another microphone for this trial.",
        _silent,
    ),
    Check(
        "sound-clipped",
        Level.WARNING,
        "Clipped sound has false harmonics and no level.",
        "Use another microphone for this trial: capture.toml [audio] best_microphone.",
        _clipped,
    ),
)
