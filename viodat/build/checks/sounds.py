"""Checks of a recording's sound by itself: is there anything to hear, in all channels, and nothing that clicks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.audio.sound import mono
from viodat.build.checks.finding import Check, Level, Problem, RecordingView
from viodat.build.sound import CLIPPED_LEVEL, MAX_CLIPPED_SHARE
from viodat.clock import Hearing
from viodat.clock.clap_sound import transients

FloatArray = NDArray[np.float64]

MOST_CHANNEL_DB: Final = 3.0
"""Two microphones of one device hear nearly the same."""

LEAST_CONTRAST_DB: Final = 3.0
"""Between the loudest twentieth of 50 ms blocks and the quietest 30 %: of a microphone's own noise it is 1 dB, of
playing with its rests 25 or more. What is quieter still may be the start of an automatic gain."""

FEWEST_CLICKS: Final = 8
MOST_CLICK_JITTER_S: Final = 0.012
LEAST_CLICKS_SHARE: Final = 0.6
"""A metronome: so many sudden onsets, so near to a regular grid, at so many of its places."""

_BLOCK_S: Final = 0.05
_PERIODS_S: Final = (0.25, 2.1)


def _silent(view: RecordingView) -> Iterator[Problem]:
    if view.sound is not None and not view.sound.samples.any():
        yield Problem(view.files.id, "all samples of its sound are zero")


def _clipped(view: RecordingView) -> Iterator[Problem]:
    if view.sound is None:
        return
    share = float(np.mean(np.abs(view.sound.samples) >= CLIPPED_LEVEL))
    if share > MAX_CLIPPED_SHARE:
        yield Problem(view.files.id, f"{share:.2%} of its samples are clipped", value=share, limit=MAX_CLIPPED_SHARE)


def _channels(view: RecordingView) -> Iterator[Problem]:
    if view.sound is None or view.sound.samples.shape[1] < 2 or not view.sound.samples.any():
        return
    power = np.mean(np.square(view.sound.samples, dtype=np.float64), axis=0)
    level_db = 10 * np.log10(np.maximum(power, 1e-12) / power.max())
    quietest = int(np.argmin(level_db))
    if -level_db[quietest] > MOST_CHANNEL_DB:
        told = "is silent" if power[quietest] == 0 else f"is {-level_db[quietest]:.1f} dB quieter than the loudest one"
        yield Problem(
            view.files.id,
            f"it has {len(power)} channels, and channel {quietest + 1} {told}; features are those of their mean",
            value=float(-level_db[quietest]),
            limit=MOST_CHANNEL_DB,
        )


def contrast_db(view: RecordingView) -> float:
    """Level of the loudest twentieth of 50 ms blocks over that of the quietest 30 %, dB; NaN without sound."""
    if view.sound is None or not view.sound.samples.any():
        return float("nan")
    sound = view.sound.samples.mean(axis=1)
    block = max(1, round(_BLOCK_S * view.sound.rate_hz))
    count = len(sound) // block
    if count < 20:
        return float("nan")
    power = np.square(sound[: count * block].reshape(count, block), dtype=np.float64).mean(axis=1)
    loud, quiet = np.percentile(power[power > 0], (95, 30))
    return float(10 * np.log10(loud / quiet))


def _nothing_heard(view: RecordingView) -> Iterator[Problem]:
    contrast = contrast_db(view)
    if contrast < LEAST_CONTRAST_DB:
        yield Problem(
            view.files.id,
            f"its sound is all of one loudness, {contrast:.1f} dB from quiet to loud: noise, nobody plays",
            value=contrast,
            limit=LEAST_CONTRAST_DB,
        )


def _clicks(view: RecordingView) -> Iterator[Problem]:
    if view.sound is None or not view.sound.samples.any():
        return
    hearing = Hearing(mono(view.sound.samples, view.sound.rate_hz).astype(np.float64), view.sound.rate_hz)
    times = np.array([one.time_s for one in transients(hearing)])
    period, count = _grid(times)
    if count:
        yield Problem(
            view.files.id,
            f"{count} sudden onsets come every {period:.3f} s ({60 / period:.0f} per minute), as a metronome's do",
            value=float(count),
            limit=float(FEWEST_CLICKS),
        )


def _grid(times_s: FloatArray) -> tuple[float, int]:
    """Find a period at which enough of (K,) onsets come, s, and how many do; 0 where there is none."""
    if len(times_s) < FEWEST_CLICKS:
        return 0.0, 0
    best = (0.0, 0)
    apart = np.unique(np.round(times_s[:, None] - times_s[None], 3))
    for period in apart[(apart >= _PERIODS_S[0]) & (apart <= _PERIODS_S[1])].tolist():
        for start in times_s.tolist():
            place = np.rint((times_s - start) / period)
            near = np.abs(times_s - start - place * period) < MOST_CLICK_JITTER_S
            places = np.unique(place[near])
            enough = len(places) >= LEAST_CLICKS_SHARE * (places[-1] - places[0] + 1)
            if len(places) >= FEWEST_CLICKS and enough and len(places) > best[1]:
                fitted = np.polyfit(place[near], times_s[near], 1)
                best = (float(fitted[0]), len(places))
    return best


CHECKS: Final[tuple[Check[RecordingView], ...]] = (
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
    Check(
        "sound-channels",
        Level.WARNING,
        "The mean of a good and a bad channel is worse than the good one.",
        "Keep the good channel alone in the file, or use another microphone for this trial.",
        _channels,
    ),
    Check(
        "sound-even",
        Level.WARNING,
        "A microphone that was covered, unplugged or in another room gives features of its own noise.",
        "Use another microphone for this trial: capture.toml [audio] best_microphone.",
        _nothing_heard,
    ),
    Check(
        "sound-clicks",
        Level.WARNING,
        "Clicks stand in every feature, and a clock that rests on them may be off by a whole beat.",
        "Nothing, if a metronome ran; else look for what ticks.",
        _clicks,
    ),
)
