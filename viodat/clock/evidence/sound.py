"""Sound against sound: two devices that heard the same playing, to a fraction of a millisecond.

Where two recordings agree at no lag, one of them may bear the wrong rate in its header (48 kHz labelled 44.1 kHz): its
clock then runs several per cent wrong, which no drift explains. The usual confusions are tried, and what fits is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.inputs import Device, TrialEvidence
from viodat.clock.observations import Curve, Hypothesis, Observation, Stream, Windows
from viodat.clock.sound_coarse import Search, search
from viodat.clock.sound_lag import Match, match
from viodat.clock.sound_track import WORK_HZ, Track, track_of
from viodat.clock.sound_travel import Delay, delay_between, sounding_place

FloatArray = NDArray[np.float64]

USUAL_HZ: Final = (22_050.0, 32_000.0, 44_100.0, 48_000.0, 96_000.0)
"""Rates that are taken for each other."""
_SAME_RATE = 0.002
_OVERLAP_SHARE = 0.25
"""By how much the agreement may fall at the next lag for the shorter overlap alone."""
_RATES_FOLLOWED = 2
_LEAST_COARSE = 10.0
"""Log likelihood of the coarse search at another rate from which on it is followed: chance reaches it rarely."""
LEAST_LOG_ODDS: Final = -3.0
"""What is less likely is not worth a hypothesis; what is as likely as that may still agree with other evidence."""
_CURVE_POINTS = 2_000
_LEAST_SIGMA_S = 0.000_03
"""Own standard deviation at best: a room's early reflections move the peak by some hundredths of a millisecond."""
_PER_SHARE = 11.0
"""Fall of the log odds over the whole height of the best peak: by a multinomial logit over 555 pairs in three simulated
rooms (60 dB in 0.3 to 0.8 s, microphones from 0.1 m before a wall), of which peak was the direct sound's."""


@dataclass(eq=False)
class _Ears:
    """The devices' sounds, ready for comparison; each rate that is tried is prepared once."""

    devices: tuple[Device, ...]
    tracks: dict[tuple[str, float], Track | None] = field(default_factory=dict)

    def track(self, device: Device, ratio: float = 1.0) -> Track | None:
        key = device.name, round(ratio, 6)
        if key not in self.tracks:
            assert device.sound is not None
            self.tracks[key] = track_of(device.sound.samples, device.sound.rate_hz * ratio, WORK_HZ)
        return self.tracks[key]


def sound(trial: TrialEvidence) -> Iterable[Observation]:
    """Compare the sounds of all pairs of listening devices.

    Parameters
    ----------
    trial
        Its motion says where the violin is, by which the sound's travelling time is corrected.

    Returns
    -------
    iterable of Observation
        One per pair, between the devices' sounds; ``a`` is the first by name, but where a device's file bears the wrong
        rate, that one. Its clock, and so all lags, is then what the file says: ``rate_ratio`` tells what to make of it.
        Without hypotheses where nothing agrees.
    """
    devices = tuple(sorted(trial.listening, key=lambda device: device.name))
    place = sounding_place(trial.motion)
    ears = _Ears(devices)
    found: dict[tuple[str, str], Observation] = {}
    for a, b in combinations(devices, 2):
        found[a.name, b.name] = _observed(a, b, ears.track(a), ears.track(b), delay_between(a, b, place))
    trusted = {name for pair, one in found.items() if _convinces(one) for name in pair}
    for a, b in combinations(devices, 2):
        if not _convinces(found[a.name, b.name]):
            other = _at_other_rates(ears, a, b, trusted, delay_between(a, b, place))
            found[a.name, b.name] = other or found[a.name, b.name]
    return tuple(found.values())


def _convinces(seen: Observation) -> bool:
    return seen.best is not None and seen.best.log_odds > 0


def _observed(a: Device, b: Device, one: Track | None, two: Track | None, delay: Delay) -> Observation:
    streams = Stream(a.name, "sound"), Stream(b.name, "sound")
    for device, track in ((a, one), (b, two)):
        if track is None:
            return Observation("sound", *streams, (), notes=(f"{device.name} recorded nothing but silence.",))
    assert one is not None
    assert two is not None
    searched = search(one, two)
    times = len(searched.candidates)
    if times > 1:
        # What repeats may stand anywhere in the room, and be what the fine lag is drawn from.
        delay = replace(delay, sigma_s=math.hypot(delay.sigma_s, delay_between(a, b, None).sigma_s))
    seen = observation_of("sound", *streams, searched, best_matches(one, two, searched), delay)
    if times > 1 and _convinces(seen):
        return replace(seen, notes=(f"The sounds agree at {times} lags or more: something in them repeats.",))
    return seen


def best_matches(a: Track, b: Track, searched: Search) -> tuple[Match, ...]:
    """Follow each candidate; give the lines of the best one.

    Where the sounds agree at several lags, something in them repeats, such as a metronome. It is then clipped, so that
    it does not outweigh the music, and the best lag must be better than the next by what that lag's shorter overlap
    does not explain: else nothing but the repetition is common to them.
    """
    repeats = len(searched.candidates) > 1
    one, two = (a.limited, b.limited) if repeats else (a, b)
    followed = [(match(one, two, candidate), candidate.log_likelihood) for candidate in searched.candidates]
    lines = sorted(
        ((found, found[0].log_odds + coarse) for found, coarse in followed if found), key=lambda each: -each[1]
    )
    if not lines:
        return ()
    found, best = lines[0]
    if len(lines) == 1:
        return found
    at_most = (1 - _OVERLAP_SHARE) * best - lines[1][1]
    return tuple(replace(line, log_odds=min(line.log_odds, at_most)) for line in found)


def observation_of(
    method: str,
    a: Stream,
    b: Stream,
    searched: Search,
    matches: tuple[Match, ...],
    delay: Delay,
    *,
    start_s: float = 0.0,
    choice: float = 0.0,
    notes: tuple[str, ...] = (),
) -> Observation:
    """Make an observation of what was found.

    Parameters
    ----------
    method, a, b
        As in the observation.
    searched, matches
        What :func:`~viodat.clock.sound_coarse.search` and :func:`~viodat.clock.sound_lag.match` found.
    delay
        Of the sound at b against that at a; it is taken off the lags.
    start_s
        Time on b's clock of b's first sample.
    choice
        Logarithm of how many other things were tried.
    notes
        To hand on.
    """
    shift = start_s - delay.seconds
    curve = _thinned(searched, shift)
    best = matches[0] if matches else None
    if best is None or best.log_odds - choice < LEAST_LOG_ODDS:
        return Observation(method, a, b, (), common_sigma_s=delay.sigma_s, curve=curve, notes=notes)
    hypotheses = tuple(
        Hypothesis(
            one.lag_s + one.drift * (best.at_s - one.at_s) + shift,
            math.hypot(one.sigma_s, _LEAST_SIGMA_S, delay.sigma_s),
            best.log_odds - choice - _PER_SHARE * (best.share - one.share),
        )
        for one in matches
    )
    windows = Windows(best.windows.at_s, best.windows.lag_s + shift, np.hypot(best.windows.sigma_s, _LEAST_SIGMA_S))
    return Observation(
        method,
        a,
        b,
        tuple(sorted(hypotheses, key=lambda one: -one.log_odds)),
        at_s=best.at_s,
        common_sigma_s=delay.sigma_s,
        windows=windows,
        curve=curve,
        notes=notes,
    )


def _thinned(searched: Search, shift_s: float) -> Curve | None:
    """Keep the highest of neighbouring points, few enough for a page."""
    size = math.ceil(len(searched.lag_s) / _CURVE_POINTS)
    if size == 0:
        return None
    count = len(searched.lag_s) // size
    heights = searched.log_likelihood[: count * size].reshape(count, size)
    top = np.argmax(heights, axis=1)
    rows = np.arange(count)
    return Curve(searched.lag_s[: count * size].reshape(count, size)[rows, top] + shift_s, heights[rows, top])


def _at_other_rates(ears: _Ears, a: Device, b: Device, trusted: set[str], delay: Delay) -> Observation | None:
    """Compare two sounds of which one may bear the wrong rate; None where that explains nothing."""
    assert a.sound is not None
    assert b.sound is not None
    if ears.track(a) is None or ears.track(b) is None or {a.name, b.name} <= trusted:
        return None
    # Only the ratio of the two rates can be heard: it is tried on the one that nobody else agrees with.
    suspect, other = (b, a) if a.name in trusted else (a, b)
    assert suspect.sound is not None
    assert other.sound is not None
    ratios = _ratios(suspect.sound.rate_hz, other.sound.rate_hz)
    fixed = ears.track(other)
    assert fixed is not None
    tried: list[tuple[float, Track, Search]] = []
    for ratio in ratios:
        track = ears.track(suspect, ratio)
        assert track is not None
        tried.append((ratio, track, search(track, fixed)))
    tried = [each for each in tried if each[2].candidates and each[2].candidates[0].log_likelihood > _LEAST_COARSE]
    tried.sort(key=lambda each: -each[2].candidates[0].log_likelihood)
    best: tuple[float, Search, tuple[Match, ...]] | None = None
    for ratio, track, searched in tried[:_RATES_FOLLOWED]:
        matches = best_matches(track, fixed, searched)
        if matches and (best is None or matches[0].log_odds > best[2][0].log_odds):
            best = ratio, searched, matches
    if best is None or best[2][0].log_odds <= math.log(len(ratios)):
        return None
    turned = Delay(delay.seconds if suspect is a else -delay.seconds, delay.sigma_s)
    ratio, searched, matches = best
    seen = observation_of(
        "sound",
        Stream(suspect.name, "sound"),
        Stream(other.name, "sound"),
        searched,
        matches,
        turned,
        choice=math.log(len(ratios)),
    )
    return _named(seen, suspect, other, ratio, other.name in trusted)


def _ratios(suspect_hz: float, other_hz: float) -> list[float]:
    """Give the ratios of the true rates that the usual confusions make of two files' rates, 1 left out."""
    found: list[float] = []
    for ratio in (*(true / suspect_hz for true in USUAL_HZ), *(other_hz / true for true in USUAL_HZ)):
        if all(abs(ratio / known - 1) > _SAME_RATE for known in (1.0, *found)):
            found.append(ratio)
    return found


def _usual(rate_hz: float) -> float | None:
    """Give the usual rate that this one is, or None."""
    return next((usual for usual in USUAL_HZ if abs(rate_hz / usual - 1) < _SAME_RATE), None)


def _named(seen: Observation, suspect: Device, other: Device, ratio: float, trusted: bool) -> Observation:
    """Say whose rate is wrong, and give the lags on the clocks that the files state.

    Parameters
    ----------
    seen
        With the suspect's sound at ``ratio`` times its rate.
    trusted
        Whether the other one agrees with a third device.
    """
    assert suspect.sound is not None
    assert other.sound is not None
    own = _usual(suspect.sound.rate_hz * ratio)
    others = _usual(other.sound.rate_hz / ratio)
    either = ""
    if own is not None and others is not None and not trusted:
        either = f"; or {other.name}'s, which says {other.sound.rate_hz:g} Hz, was recorded at {others:g} Hz"
    if own is None and others is not None and not trusted:
        turned = _turned_about(seen, ratio)
        return _with_note(turned, 1 / ratio, _note(other.name, other.sound.rate_hz, others))
    stated = suspect.sound.rate_hz
    note = _note(suspect.name, stated, own or stated * ratio, either)
    return _with_note(_on_stated_clock(seen, ratio), ratio, note)


def _note(name: str, stated_hz: float, true_hz: float, either: str = "") -> str:
    return f"{name}'s file says {stated_hz:g} Hz, but its sound was recorded at {true_hz:g} Hz{either}."


def _with_note(seen: Observation, ratio: float, note: str) -> Observation:
    # The curve belongs to the mended clock: on the stated one no lag holds for longer than a moment.
    return replace(seen, curve=None, rate_ratio=ratio, notes=(*seen.notes, note))


def _on_stated_clock(seen: Observation, ratio: float) -> Observation:
    """Lags to a clock that runs ``ratio`` times as far as the true one: at ``ratio`` t it is true time t."""

    def lag(lag_s: FloatArray | float, at_s: FloatArray | float) -> FloatArray | float:
        return lag_s + (1 - ratio) * at_s

    windows = seen.windows
    assert windows is not None
    return replace(
        seen,
        hypotheses=tuple(replace(one, lag_s=float(lag(one.lag_s, seen.at_s))) for one in seen.hypotheses),
        at_s=seen.at_s * ratio,
        windows=replace(windows, at_s=windows.at_s * ratio, lag_s=np.asarray(lag(windows.lag_s, windows.at_s))),
    )


def _turned_about(seen: Observation, ratio: float) -> Observation:
    """Exchange a and b, with a at the rate that its file states and b's clock ``ratio`` times what it was as a."""
    windows = seen.windows
    assert windows is not None
    best = seen.hypotheses[0]
    at = seen.at_s + best.lag_s
    hypotheses = tuple(
        # All hypotheses to the same time on the new a's clock, where the new b's is ``ratio * (time - old lag)``.
        replace(one, lag_s=ratio * (at - one.lag_s) - at, sigma_s=ratio * one.sigma_s)
        for one in seen.hypotheses
    )
    middle = windows.at_s + windows.lag_s
    # Where a window says nothing its place follows the best hypothesis.
    middle = np.where(np.isfinite(middle), middle, windows.at_s + best.lag_s)
    turned = Windows(middle, ratio * windows.at_s - middle + 0 * windows.lag_s, ratio * windows.sigma_s)
    return replace(
        seen,
        a=seen.b,
        b=seen.a,
        hypotheses=hypotheses,
        at_s=at,
        common_sigma_s=ratio * seen.common_sigma_s,
        windows=turned,
    )
