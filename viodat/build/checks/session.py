"""Checks across trials: what one device, or one room, does otherwise in one trial than in all others."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

from viodat.build.checks.finding import Check, Level, Problem, RecordingSummary, SessionView

MOST_RATE_CHANGE: Final = 0.05
"""A phone's frame rate varies by less from recording to recording, as a share of it."""

FEWEST_OTHERS: Final = 2
"""Of so many other recordings it can be said that they are the usual ones."""


def _frame_rate(view: SessionView) -> Iterator[Problem]:
    for one, usual, others in _unlike(view, lambda item: item.frames_hz):
        yield Problem(
            one.id,
            f"{one.device} filmed at {one.frames_hz:.1f} pictures per second, its {others} other recordings at "
            f"{usual:.1f}",
            value=one.frames_hz,
            limit=usual,
        )


def _sound_rate(view: SessionView) -> Iterator[Problem]:
    for one, usual, others in _unlike(view, lambda item: item.sound_hz):
        yield Problem(
            one.id,
            f"{one.device} recorded sound at {one.sound_hz:g} Hz, its {others} other recordings at {usual:g} Hz",
            value=one.sound_hz,
            limit=usual,
        )


def _unlike(
    view: SessionView, rate_of: Callable[[RecordingSummary], float | None]
) -> Iterator[tuple[RecordingSummary, float, int]]:
    """Find recordings whose rate is not their device's usual one, that one, and how many others there are."""
    by_device: defaultdict[str, list[RecordingSummary]] = defaultdict(list)
    for item in view.recordings:
        if rate_of(item) is not None:
            by_device[item.device].append(item)
    for items in by_device.values():
        for one in items:
            others = [rate for item in items if item is not one and (rate := rate_of(item)) is not None]
            own = rate_of(one)
            if own is None or len(others) < FEWEST_OTHERS:
                continue
            usual = median(others)
            if abs(own / usual - 1) > MOST_RATE_CHANGE:
                yield one, usual, len(others)


def _picture_size(view: SessionView) -> Iterator[Problem]:
    by_device: defaultdict[str, list[tuple[str, tuple[int, int]]]] = defaultdict(list)
    for item in view.recordings:
        if item.size_px is not None:
            by_device[item.device].append((item.id, item.size_px))
    for device, items in by_device.items():
        sizes = [size for _, size in items]
        usual = max(sorted(set(sizes)), key=sizes.count)
        if sizes.count(usual) < FEWEST_OTHERS:
            continue
        for recording, size in items:
            if size != usual:
                yield Problem(
                    recording,
                    f"{device}'s picture is {size[0]} x {size[1]} px, in {sizes.count(usual)} other recordings "
                    f"{usual[0]} x {usual[1]} px",
                )


def _marker_rate(view: SessionView) -> Iterator[Problem]:
    rates = [trial.rate_hz for trial in view.trials]
    for trial in view.trials:
        usual = max(sorted(set(rates)), key=rates.count)
        if trial.rate_hz != usual and rates.count(usual) >= FEWEST_OTHERS:
            yield Problem(
                trial.id,
                f"its markers were recorded at {trial.rate_hz:g} Hz, those of {rates.count(usual)} other trials at "
                f"{usual:g} Hz",
                value=trial.rate_hz,
                limit=usual,
            )


def _same_motion(view: SessionView) -> Iterator[Problem]:
    first: dict[str, str] = {}
    files = {trial.id: trial.marker_file for trial in view.raw.layout.trials}
    for trial in view.trials:
        other = first.setdefault(trial.fingerprint, trial.id) if trial.fingerprint else trial.id
        # Of files that are the same to the byte another check says so.
        if other != trial.id and not filecmp.cmp(files[other], files[trial.id], shallow=False):
            yield Problem(f"{other}, {trial.id}", "the markers of both move alike, to 0.1 mm in every frame")


CHECKS: Final[tuple[Check[SessionView], ...]] = (
    Check(
        "trial-copied",
        Level.ERROR,
        "One take under two names counts twice, and may be trained on and tested on.",
        "Delete the copy, or export the right take under this name.",
        _same_motion,
    ),
    Check(
        "marker-rate",
        Level.WARNING,
        "Where the rate is stated wrongly, time runs wrong, and no clock fits.",
        "Compare it with the recording software; if it was set so, all is well.",
        _marker_rate,
    ),
    Check(
        "video-rate",
        Level.WARNING,
        "A phone in another mode may have another lens, crop and shutter: its calibration may not hold.",
        "Calibrate it in this mode; if only the rate differs, all is well.",
        _frame_rate,
    ),
    Check(
        "video-mode",
        Level.WARNING,
        "A phone in another mode may have another lens, crop and shutter: its calibration may not hold.",
        "Calibrate it in this mode, or say in capture.toml [cameras] fit how the pictures relate.",
        _picture_size,
    ),
    Check(
        "sound-setting",
        Level.WARNING,
        "A file that states a wrong rate sounds lower or higher, and its clock runs away.",
        "Compare it with the recorder's settings; if it was set so, all is well.",
        _sound_rate,
    ),
)
