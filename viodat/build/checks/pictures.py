"""Checks of a recording's pictures by itself: their stamps, and whether anybody is to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from viodat.build.checks.finding import Check, Level, Problem, RecordingView

MOST_HOLE_S: Final = 0.5
MOST_LOST: Final = 0.05
"""A hole in the stamps that is longer, or more lost frames as a share, is worth a look."""

MOST_LENGTHS_APART: Final = 0.04
LEAST_LENGTHS_APART_S: Final = 0.5
"""Sound and pictures of one device begin and end within some tenths of a second of each other."""

LEAST_SEEN: Final = 0.5
LEAST_INSIDE: Final = 0.5
"""Of the frames in which somebody is found, and of the joints that lie within the picture."""


def _holes(view: RecordingView) -> Iterator[Problem]:
    if view.times is None or view.times.n_frames < 3:
        return
    apart = np.diff(view.times.times_s)
    usual = float(np.median(apart))
    lost = float(np.maximum(np.rint(apart / usual) - 1, 0).sum())
    share = lost / (lost + view.times.n_frames)
    longest = int(np.argmax(apart))
    if apart[longest] - usual > MOST_HOLE_S or share > MOST_LOST:
        yield Problem(
            view.files.id,
            f"about {lost:.0f} of its frames are missing ({share:.1%}); the longest hole is {apart[longest]:.2f} s, "
            f"after {view.times.times_s[longest]:.2f} s",
            value=float(apart[longest]),
            limit=MOST_HOLE_S,
        )


def _lengths(view: RecordingView) -> Iterator[Problem]:
    if view.times is None or view.sound is None or view.times.truncated:
        return
    pictures, sound = view.times.duration_s, view.sound.seconds
    apart = abs(pictures - sound)
    if apart > max(LEAST_LENGTHS_APART_S, MOST_LENGTHS_APART * max(pictures, sound)):
        yield Problem(
            view.files.id,
            f"its pictures last {pictures:.2f} s and its sound {sound:.2f} s",
            value=apart,
            limit=max(LEAST_LENGTHS_APART_S, MOST_LENGTHS_APART * max(pictures, sound)),
        )


def _nobody(view: RecordingView) -> Iterator[Problem]:
    if view.keypoints is None or not view.keypoints.n_frames:
        return
    seen = view.keypoints.seen
    share = float(seen.any(axis=1).mean())
    if share < LEAST_SEEN:
        yield Problem(
            view.files.id,
            f"somebody is found in {share:.0%} of its frames",
            value=share,
            limit=LEAST_SEEN,
        )
        return
    size = view.keypoints.image_size_px or (view.times.size_px if view.times is not None else None)
    if size is None:
        return
    places = view.keypoints.px[seen]
    inside = float(((places >= 0) & (places <= np.array(size) - 1)).all(axis=-1).mean())
    if inside < LEAST_INSIDE:
        yield Problem(
            view.files.id,
            f"{inside:.0%} of the joints found lie within its picture: the player stands outside of it",
            value=inside,
            limit=LEAST_INSIDE,
        )


CHECKS: Final[tuple[Check[RecordingView], ...]] = (
    Check(
        "video-holes",
        Level.WARNING,
        "Where frames are missing there is no picture, and keypoints move in leaps.",
        "Nothing, if the phone was busy; free its memory and close its other programs before the next session.",
        _holes,
    ),
    Check(
        "sound-picture-length",
        Level.WARNING,
        "Where one of them ends early it was cut off, or states a wrong rate: then its time runs wrong.",
        "Copy the file again from the device; if it stays so, its end has only the one or the other.",
        _lengths,
    ),
    Check(
        "player-unseen",
        Level.WARNING,
        "A camera that does not show the player gives no keypoints, and nothing to train on.",
        "Look at the video; leave it out in capture.toml [files] ignore if it shows nobody.",
        _nobody,
    ),
)
