"""What is said of a recording's clock: an offset in capture.toml, MOVIE_DELAY of the C3D, a time code of the video.

With ``--sync given`` an offset of capture.toml is the clock. With ``--sync auto`` all of these are claims: evidence
like any other, each with its own sigma. Offsets are the mocap time, s, at the device's zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.capture.config import CaptureConfig
from viodat.capture.markers import Movie
from viodat.capture.raw import RawRecording
from viodat.capture.spelling import shown
from viodat.capture.timecode import TimeCode, nominal_rate, parse_timecode, seconds_between, seconds_of
from viodat.capture.video_times import VideoTimes
from viodat.clock import Claim, ClockMap
from viodat.clock.least_squares import SKEW_SIGMA_S
from viodat.errors import CaptureError

UNSTATED_SIGMA_S: Final = 0.010
"""Of an offset in capture.toml whose sigma is not stated: read off pictures at 30 Hz, or off a clap by eye."""

STATED: Final = "capture.toml"
"""Source of the claim that is an offset in capture.toml."""

_FRAME_S: Final = 1 / 30
"""Of a video with a single frame."""


def given_clock(config: CaptureConfig, recording: str, device: str, *, skewed: bool = False) -> ClockMap | None:
    """Return the clock of a recording as capture.toml [sync] states it, or None; it counts with method 'given' only.

    ``skewed`` says that it has both sound and pictures: then an offset that was read off the pictures holds for the
    sound less surely, by the skew that nobody states.
    """
    known = config.sync.given_offset(recording, device)
    if known is None:
        return None
    sigma_s = float("nan") if known.sigma_ms is None else known.sigma_ms / 1000
    if skewed and config.sync.of == "picture":
        heard_s = math.hypot(sigma_s, SKEW_SIGMA_S)
        return ClockMap(known.offset_s, offset_sigma_s=heard_s, skew_sigma_s=SKEW_SIGMA_S, picture_sigma_s=sigma_s)
    return ClockMap(offset_s=known.offset_s, offset_sigma_s=sigma_s, picture_sigma_s=sigma_s)


def claims_of(
    files: RawRecording,
    config: CaptureConfig,
    movies: Sequence[Movie],
    times: VideoTimes | None,
    zero_s: float | None,
    *,
    has_sound: bool,
) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """Gather what is said of a recording's clock.

    Parameters
    ----------
    files
        The recording.
    config
        capture.toml: offsets, and time codes of frame number 1.
    movies
        Those that name this recording (:func:`movies_of`).
    times
        Stamps of its frames; None without picture.
    zero_s
        Container time of the device's zero, s; None where a damaged sound track hides it.
    has_sound
        Whether it has a sound that could be skewed against its pictures.

    Returns
    -------
    claims, notes
        What is said, and what of it cannot be used, a sentence each.
    """
    claims: list[Claim] = []
    notes: list[str] = []
    stated = config.sync.given_offset(files.id, files.device)
    if stated is not None and zero_s is None:
        notes.append("its offset in capture.toml counts from its sound, which cannot be read, and is not used")
    elif stated is not None:
        sigma_s = UNSTATED_SIGMA_S if stated.sigma_ms is None else stated.sigma_ms / 1000
        of_picture = times is not None and (config.sync.of == "picture" or not has_sound)
        claims.append(Claim(STATED, stated.offset_s, sigma_s, of_picture))
    if times is None:
        return tuple(claims), tuple(notes)
    first_s = float(times.times_s[0]) - (zero_s or 0.0)
    if len(movies) == 1:
        claims.append(Claim("MOVIE_DELAY", movies[0].delay_s - first_s, _frame_s(times.times_s), True))
    elif movies:
        notes.append(ambiguity(movies))
    code = config.sync.code_of(files.trial)
    if code is not None and times.timecode:
        rate = code_rate(times)
        late_s, fault = _lateness(files.trial, code, times.timecode, rate)
        if fault:
            notes.append(f"its time code is not used: {fault}")
        else:
            claims.append(Claim("timecode", late_s - first_s, 0.5 / float(rate), True))
    return tuple(claims), tuple(notes)


def code_rate(times: VideoTimes) -> Fraction:
    """Give the nominal rate that the time codes of a video count at."""
    # Without a declared rate the stamps' own is the best there is.
    return nominal_rate(times.nominal_hz or Fraction(1 / _frame_s(times.times_s)))


def _lateness(trial: str, stated: TimeCode, tag: str, rate: Fraction) -> tuple[float, str]:
    """Give how much later a video's first picture is than frame number 1, s; or else whose code is wrong, and how."""
    key = f"capture.toml [sync.timecode] {trial}"
    try:
        own = parse_timecode(tag)
    except ValueError as error:
        return math.nan, f"its video's tag timecode {error}; correct the tag"
    for whose, code, mend in ((key, stated, "correct it there"), ("its video's tag timecode", own, "correct the tag")):
        try:
            seconds_of(code, rate)
        except CaptureError as error:
            return math.nan, f"{whose}: {error.problem}; {mend}"
    if stated.drop != own.drop:
        counts = {True: "counts drop-frame", False: "counts every number"}
        meant = replace(stated, drop=own.drop)
        return math.nan, (
            f"{key} is {stated}, which {counts[stated.drop]}, and its video's tag timecode is {own}, which "
            f"{counts[own.drop]}; where both count alike, write {trial} = '{meant}'"
        )
    return seconds_between(stated, own, rate), ""


def movies_of(files: RawRecording, movies: Sequence[Movie]) -> tuple[Movie, ...]:
    """Find the movies of a C3D that are a recording's video.

    POINT:MOVIE_ID is the name of the file or, in files of Nexus, of the camera: its videos are named
    ``trial.camera.date.avi``. So an id must be the video's name, with or without its type, a part of it between dots,
    or the device's id; capitals do not count.
    """
    if files.video is None:
        return ()
    video = Path(files.video)
    names = {video.name, video.stem, *video.stem.split("."), files.device}
    folded = {name.casefold() for name in names}
    return tuple(movie for movie in movies if Path(movie.id.replace("\\", "/")).name.casefold() in folded)


def ambiguity(movies: Sequence[Movie]) -> str:
    """Say that several movies are one video; empty where they are not."""
    if len(movies) < 2:
        return ""
    told = " and ".join(f"{shown(movie.id)} ({movie.delay_s:.3f} s)" for movie in movies)
    return (
        f"MOVIE_DELAY is not used: {len(movies)} movies of the marker file are its video, {told}; leave one in "
        "POINT:MOVIE_ID"
    )


def _frame_s(times_s: NDArray[np.float64]) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else _FRAME_S
