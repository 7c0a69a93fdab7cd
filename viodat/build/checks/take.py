"""Checks of a trial's devices together: are they of this trial and of each other, do cameras stand as calibrated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from viodat.build.checks.finding import Check, Level, Problem, RecordingView, TakeView
from viodat.build.checks.sounds import LEAST_CONTRAST_DB, contrast_db
from viodat.camera import Knock
from viodat.clock.estimate import CONFIDENT
from viodat.clock.groups import wrong_rates

LEAST_FOLLOWED: Final = (0.4, 0.6)
FEWEST_PICTURES: Final = 2
"""Share of the arms' movement in the pictures that the motion explains: of at least so many cameras the median one and
the best one, below both of which a trial without any clock is of another take. Simulated trials have 0.6 and 0.65 at
least; recordings of another piece less than 0.46 and 0.67 in 19 of 20, another take of the same piece may have 0.9."""

LEAST_COVERED: Final = 0.9
"""Share of the markers' time that a recording covers by its clock."""

MOST_EXCESS_S: Final = 60.0
"""Devices are started and stopped by hand, some seconds before and after."""


def _other_sound(view: TakeView) -> Iterator[Problem]:
    if view.estimated is None:
        return
    for recording in view.recordings:
        # A microphone that heard nothing has nothing in common with others either, and another check says so.
        if recording.files.device in view.estimated.strangers and contrast_db(recording) >= LEAST_CONTRAST_DB:
            others = sum(other.sound is not None for other in view.recordings) - 1
            yield Problem(
                recording.files.id,
                f"its sound has nothing in common with that of the {others} other devices, which fit each other: it is "
                "of another take",
            )


def _wrong_rate(view: TakeView) -> Iterator[Problem]:
    ratios = wrong_rates(view.estimated.evidence.observations) if view.estimated is not None else {}
    for recording in view.recordings:
        ratio = ratios.get(recording.files.device)
        if ratio is not None and recording.sound is not None:
            stated, true = recording.sound.rate_hz, recording.sound.rate_hz * ratio
            yield Problem(
                recording.files.id,
                f"its file says {stated:g} Hz, but beside the other devices its sound was recorded at {true:.0f} Hz",
                value=stated,
                limit=true,
            )


def _another_take(view: TakeView) -> Iterator[Problem]:
    told = {device: share for device, share in view.follows.items() if math.isfinite(share)}
    if len(told) < FEWEST_PICTURES or view.clocks or view.swaps:
        return
    middle, best = float(np.median(list(told.values()))), max(told.values())
    if middle < LEAST_FOLLOWED[0] and best < LEAST_FOLLOWED[1]:
        yield Problem(
            view.trial.files.id,
            f"the arms in the pictures of {', '.join(told)} do not move as its markers do: where they fit best, "
            f"{max(middle, 0):.0%} of the movement is explained (median camera): its recordings, or its markers, are "
            "of another take",
            value=middle,
            limit=LEAST_FOLLOWED[0],
        )


def _untied(view: TakeView) -> Iterator[Problem]:
    if view.estimated is None or view.motion is None or view.clocks or view.swaps:
        return
    likeliest = max(view.estimated.confidence.values(), default=0.0)
    # What is surely of another take, another check calls so.
    if len(view.pictures) >= FEWEST_PICTURES and not list(_another_take(view)):
        yield Problem(
            view.trial.files.id,
            f"nothing in the pictures and sounds of its {len(view.recordings)} recordings says convincingly when its "
            f"markers were recorded (probability of the likeliest answer: {likeliest:.0%})",
            value=likeliest,
            limit=CONFIDENT,
        )


def _swapped(view: TakeView) -> Iterator[Problem]:
    for recording in view.recordings:
        swap = view.swaps.get(recording.files.device)
        if swap is not None:
            own = f"{swap.own_px:.0f} px" if math.isfinite(swap.own_px) else "nowhere near"
            yield Problem(
                recording.files.id,
                f"its pictures fit the calibration of {swap.camera} (joints lie {swap.other_px:.0f} px from it in the "
                f"median), not that of {recording.files.device} ({own})",
                value=swap.own_px if math.isfinite(swap.own_px) else None,
                limit=swap.other_px,
                mend=f"Exchange its files with those of {swap.camera}, or write {recording.files.device} = "
                f'"{swap.camera}" into capture.toml [cameras] ids if it is so in all trials.',
            )


def _moved(view: TakeView) -> Iterator[Problem]:
    for recording, knock in _knocks(view):
        if knock.moved:
            found = knock.resection
            yield Problem(
                recording.files.id,
                f"joints lie {knock.offset_px:.0f} px from where the calibration draws them; a camera moved by "
                f"{found.moved_mm:.0f} ± {found.position_sigma_mm:.0f} mm and turned by "
                f"{np.degrees(found.turned_rad):.1f} ± {np.degrees(found.rotation_sigma_rad):.1f} degrees explains it "
                f"({found.before_px:.0f} px before, {found.after_px:.0f} px after)",
                value=knock.offset_px,
                limit=knock.limit_px,
            )


def _unexplained(view: TakeView) -> Iterator[Problem]:
    for recording, knock in _knocks(view):
        if knock.unexplained:
            yield Problem(
                recording.files.id,
                f"joints lie {knock.resection.before_px:.0f} px from where the calibration draws them, and no place of "
                f"the camera explains it ({knock.resection.after_px:.0f} px at best)",
                value=knock.resection.after_px,
                limit=knock.unexplained_px,
            )


def _knocks(view: TakeView) -> Iterator[tuple[RecordingView, Knock]]:
    for recording in view.recordings:
        device = recording.files.device
        if device in view.knocks:
            yield recording, view.knocks[device]


def _uncovered(view: TakeView) -> Iterator[Problem]:
    for recording in view.recordings:
        clock = view.clocks.get(recording.files.device)
        span = _span_s(recording)
        if clock is None or span is None or recording.trial_s is None:
            continue
        begin, end = clock.apply(np.array(span)).tolist()
        first, last = recording.trial_s
        share = max(min(end, last) - max(begin, first), 0.0) / max(last - first, 1e-9)
        if 0 < share < LEAST_COVERED:
            late, early = max(begin - first, 0.0), max(last - end, 0.0)
            told = [f"begins {late:.1f} s after the markers"] if late else []
            told += [f"ends {early:.1f} s before {'them' if late else 'the markers'}"] if early else []
            yield Problem(
                recording.files.id,
                f"by its clock it {' and '.join(told)} and covers {share:.0%} of the trial",
                value=share,
                limit=LEAST_COVERED,
            )


def _span_s(view: RecordingView) -> tuple[float, float] | None:
    """First and last of what a device recorded, on its own clock: of its pictures, or else of its sound."""
    if view.times is not None:
        start = view.sound.start_s if view.sound is not None else 0.0
        return float(view.times.times_s[0]) - start, float(view.times.times_s[-1]) - start
    return (0.0, view.sound.seconds) if view.sound is not None else None


def _endless(view: TakeView) -> Iterator[Problem]:
    for recording in view.recordings:
        span = _span_s(recording)
        if span is None or recording.trial_s is None:
            continue
        lasts, trial = span[1] - span[0], recording.trial_s[1] - recording.trial_s[0]
        if lasts - trial > MOST_EXCESS_S:
            yield Problem(
                recording.files.id,
                f"lasts {lasts:.0f} s, {lasts - trial:.0f} s longer than the markers",
                value=lasts - trial,
                limit=MOST_EXCESS_S,
            )


CHECKS: Final[tuple[Check[TakeView], ...]] = (
    Check(
        "sound-foreign",
        Level.ERROR,
        "Sound of another take would be trained on beside this one's motion.",
        "Copy the right file from the device, or delete this one.",
        _other_sound,
    ),
    Check(
        "sound-rate",
        Level.ERROR,
        "At a wrong rate music is out of tune and out of time.",
        "Write the true rate into the file's header, or export the sound again.",
        _wrong_rate,
    ),
    Check(
        "recording-foreign",
        Level.ERROR,
        "Pictures of another take have no truth in this one's motion.",
        "Compare the numbers of the takes with the lab's records, and rename the files.",
        _another_take,
    ),
    Check(
        "clock-untold",
        Level.WARNING,
        "Without a clock there is no truth in the pictures; recordings of another take of the piece look like this.",
        "Compare the numbers of the takes with the lab's records; a build asks more evidence, and other trials.",
        _untied,
    ),
    Check(
        "camera-swapped",
        Level.ERROR,
        "With another camera's calibration every projection is wrong.",
        "Exchange the names of the files, or say which camera it is in capture.toml [cameras] ids.",
        _swapped,
    ),
    Check(
        "camera-moved",
        Level.ERROR,
        "Truth is drawn beside the player in every picture, by the same amount.",
        "Calibrate the camera as it stood in this trial, or let the build solve its pose from the body: --resect.",
        _moved,
    ),
    Check(
        "camera-mismatch",
        Level.WARNING,
        "Something is wrong with the camera, its lens, the picture's size or the keypoints.",
        "Look at the trial's page after a build: it draws truth and keypoints into a picture.",
        _unexplained,
    ),
    Check(
        "recording-incomplete",
        Level.WARNING,
        "Where a device did not record, the trial has no picture or no sound of it.",
        "Nothing, if it was stopped early, or started late; else copy it again from the device.",
        _uncovered,
    ),
    Check(
        "recording-long",
        Level.NOTE,
        "What was recorded before and after the trial is not part of it, and costs time and space.",
        "Nothing, if it was left running; else look whether it holds several takes.",
        _endless,
    ),
)
