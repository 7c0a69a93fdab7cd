"""Checks of one recording: can it be read, does it fit its calibration, can its clock be known."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.build.checks.finding import Check, Level, Problem, RecordingView, from_error
from viodat.build.clock_claims import STATED, ambiguity, claims_of, code_rate, given_clock, movies_of
from viodat.build.truth import milliseconds_hint, overlap_fault
from viodat.capture.spelling import shown
from viodat.capture.timecode import seconds_of
from viodat.capture.video_times import VideoTimes
from viodat.clock import Claim, ClockMap
from viodat.errors import CaptureError

MOST_SKEW_S: Final = 0.05
"""A phone's sound and picture are some tens of ms apart; more contradicts."""

CLAIM_SIGMAS: Final = 4.0

LEAST_SHARE: Final = 0.8
"""Of a trial that a recording should last; phones are started and stopped by hand."""


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
    method = view.raw.config.sync.method
    if method == "none":
        mend = 'Write method = "auto" into capture.toml [sync].'
        yield Problem(view.files.id, "its clock is not asked for: capture.toml [sync] method is 'none'", mend=mend)
    elif method == "given":
        if given_clock(view.raw.config, view.files.id, view.files.device) is None:
            yield Problem(view.files.id, "its offset to the mocap clock is not given")
    elif not (view.errors or _heard(view) or _seen(view) or _claims(view)):
        yield Problem(
            view.files.id,
            "nothing tells its clock: it has no sound, nobody looks for keypoints in its pictures, and nothing is said "
            "of it",
        )


def _heard(view: RecordingView) -> bool:
    return view.sound is not None and bool(view.sound.samples.any())


def _seen(view: RecordingView) -> bool:
    """Whether there are keypoints, or a build would look for them."""
    if view.keypoints is not None:
        return True
    wanted = view.raw.config.pose2d.source in ("auto", "mediapipe")
    return wanted and view.files.video is not None and importlib.util.find_spec("mediapipe") is not None


def _claims(view: RecordingView) -> tuple[Claim, ...]:
    zero_s = view.sound.start_s if view.sound is not None else None if view.errors else 0.0
    movies = movies_of(view.files, view.movies)
    found, _ = claims_of(view.files, view.raw.config, movies, view.times, zero_s, has_sound=_heard(view))
    return found


def _no_overlap(view: RecordingView) -> Iterator[Problem]:
    if view.times is None or view.raw.config.sync.method != "given":
        return
    clock = given_clock(view.raw.config, view.files.id, view.files.device)
    if fault := overlap_fault(clock, _device_times_s(view, view.times), view.trial_s):
        yield Problem(view.files.id, fault)


def _device_times_s(view: RecordingView, times: VideoTimes) -> NDArray[np.float64]:
    return times.times_s - (view.sound.start_s if view.sound else 0.0)


def _contradictory_claims(view: RecordingView) -> Iterator[Problem]:
    if view.raw.config.sync.method != "auto":
        return
    if fault := ambiguity(movies_of(view.files, view.movies)):
        yield Problem(view.files.id, fault)
    claims = _claims(view)
    for one, other in combinations(claims, 2):
        apart_s = abs(one.offset_s - other.offset_s)
        skew_s = MOST_SKEW_S if one.of_picture != other.of_picture else 0.0
        limit_s = skew_s + CLAIM_SIGMAS * math.hypot(one.sigma_s, other.sigma_s)
        if apart_s > limit_s:
            yield Problem(
                view.files.id,
                f"{one.source} says that its zero is at {one.offset_s:.3f} s, {other.source} at {other.offset_s:.3f} s",
                value=apart_s,
                limit=limit_s,
            )
    for claim in claims:
        if view.times is None or view.trial_s is None:
            continue
        clock, times = ClockMap(claim.offset_s, method=claim.source), _device_times_s(view, view.times)
        if overlap_fault(clock, times, view.trial_s):
            hint = milliseconds_hint(clock, times, view.trial_s) if claim.source == STATED else ""
            yield Problem(
                view.files.id,
                f"{claim.source} says that its zero is at {claim.offset_s:.3f} s, which is not while the markers were "
                f"recorded, {view.trial_s[0]:.1f} to {view.trial_s[1]:.1f} s{hint}",
            )


def _timecode(view: RecordingView) -> Iterator[Problem]:
    config = view.raw.config
    if view.times is None or config.sync.method != "auto":
        return
    given, own = config.sync.code_of(view.files.trial), view.times.timecode
    if given is not None and not own:
        trial = view.files.trial
        yield Problem(
            view.files.id,
            f"capture.toml gives {trial}'s time code, but its video bears none",
            mend="Copy the video from the camera with its time code; where no video of the trial has one, leave "
            f"{trial} out of [sync.timecode].",
        )
        try:
            seconds_of(given, code_rate(view.times))
        except CaptureError as error:
            yield Problem(
                view.files.id, f"capture.toml [sync.timecode] {trial}: {error.problem}", mend="Correct it there."
            )
    elif own and given is None:
        yield Problem(view.files.id, f"its video bears the time code {shown(own)}, and nobody says what that means")
    elif own:
        _, notes = claims_of(view.files, config, (), view.times, 0.0, has_sound=_heard(view))
        for note in notes:
            yield Problem(view.files.id, note)


def _short(view: RecordingView) -> Iterator[Problem]:
    if view.trial_s is None:
        return
    lasts = [part.duration_s for part in (view.times,) if part] + [part.seconds for part in (view.sound,) if part]
    trial_s = view.trial_s[1] - view.trial_s[0]
    if lasts and min(lasts) < LEAST_SHARE * trial_s:
        what = "video" if view.times is not None and view.times.duration_s == min(lasts) else "sound"
        yield Problem(
            view.files.id,
            f"its {what} lasts {min(lasts):.1f} s, the markers {trial_s:.1f} s",
            value=min(lasts) / trial_s,
            limit=LEAST_SHARE,
        )


def _truncated(view: RecordingView) -> Iterator[Problem]:
    if view.times is not None and view.times.truncated:
        yield Problem(view.files.id, "; ".join(note for note in view.times.notes if "truncated" in note))


def _reader_notes(view: RecordingView) -> Iterator[Problem]:
    for part in (view.times, view.sound, view.keypoints):
        for note in part.notes if part is not None else ():
            yield Problem(view.files.id, note.rstrip("."))


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
        "clock-claims",
        Level.WARNING,
        "What is said of a clock is weighed with all other evidence; where there is little, the wrong one may win.",
        "Correct the one that is wrong: capture.toml [sync], or MOVIE_DELAY in the recording software.",
        _contradictory_claims,
    ),
    Check(
        "clock-timecode",
        Level.NOTE,
        "A time code tells a clock to half a frame, if that of frame number 1 of the markers is known.",
        "Write it into capture.toml [sync.timecode], as hh:mm:ss:ff for each trial.",
        _timecode,
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
        "recording-short",
        Level.NOTE,
        "Where a device did not record, the trial has no picture or no sound of it.",
        "Nothing, if it was stopped early, or started late.",
        _short,
    ),
    Check(
        "recording-note",
        Level.NOTE,
        "The reader found something unusual in a file of the recording and handled it as it says.",
        "Nothing, if that is right.",
        _reader_notes,
    ),
)
