"""Which of a recording's sudden sounds are the motion's claps.

Every pairing of a clap with a sound proposes a lag. At that lag each clap should be heard, with some probability; what
is heard without it comes by chance at the rate of such sounds in this very recording. The odds of a proposal against
"these two have nothing to do with each other" are the ratio of these two explanations, with the lag anywhere
beforehand. One pair alone therefore never decides: an unrelated recording with one clap offers it too. The second and
third do, if their intervals agree; even then a person claps in every take at much the same tempo, and that limits what
an interval can prove.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_HEARD: Final = 0.95
"""Probability that a clap stands out in a sound of its time."""

_SERIES_HZ: Final = 10.0
"""Most claps per second at a given distance from another: by one person, in another take, intervals scatter by about
40 ms (some 7 % of half a second), which is this density at its top."""

_PAIR_S: Final = 0.0007
_LOOSE: Final = 4.0
_LOOSE_SHARE: Final = 0.1
"""A tenth of the pairs scatter four times as much: touches with the fingers first, a clap half hidden."""

_DRIFT: Final = 60e-6
"""Standard deviation of a device's rate against the mocap system's; devices are off by up to 100 ppm."""

_MOST_SOUNDS: Final = 60
_MOST_CLAPS: Final = 40
_MOST: Final = 12
_ROUNDS: Final = 3
_SIGMAS: Final = 4.0
_LEAST_SHARE: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Events:
    """Events on one clock, in the order of time: (N,) each.

    Attributes
    ----------
    times_s, sigma_s
        When, s, and the standard deviation.
    likely
        Probability of each to be a clap by its own looks.
    strength
        What orders those that look alike, any unit.
    """

    times_s: FloatArray
    sigma_s: FloatArray
    likely: FloatArray
    strength: FloatArray


@dataclass(frozen=True, eq=False)
class Match:
    """One proposal.

    Attributes
    ----------
    lag_s, sigma_s
        Time of the claps minus time of the sounds, and its standard deviation.
    log_odds
        Against no relation.
    claps, sounds
        (P,) indices of the pairs.
    """

    lag_s: float
    sigma_s: float
    log_odds: float
    claps: IntArray
    sounds: IntArray


def match_events(claps: Events, sounds: Events, *, claps_span_s: float, sounds_span_s: float) -> tuple[Match, ...]:
    """Propose lags between claps and sounds.

    Parameters
    ----------
    claps
        On the clock of the motion, the travel of sound added.
    sounds
        On the clock of the device.
    claps_span_s, sounds_span_s
        How long the motion and the recording last; a sound lies between 0 and the latter.

    Returns
    -------
    tuple of Match
        Best first, at most 12; none where either has no events.

    Notes
    -----
    With T the recording's length and M claps, a sound that stands r-th by its looks is a given clap with density
    ``f = likely / max(r, M)``, scaled so that they sum to 1 at most; by chance it is where it is with density 1/T. So
    a pair's share in the odds is ``heard T f N(residual)``, that of a clap in view without a partner ``1 - heard``;
    from the second pair on ``T f`` is at most ``1 / 10 Hz``. The lag is free beforehand over the sum of both spans.
    """
    if not len(claps.times_s) or not len(sounds.times_s):
        return ()
    # Only the likeliest propose: an hour of metronome would make the pairs many and no better.
    clap_at = np.argsort(-claps.likely, kind="stable")[:_MOST_CLAPS]
    by_looks = np.lexsort((-sounds.strength, -np.round(sounds.likely, 2)))
    sound_at = by_looks[:_MOST_SOUNDS]
    weight = np.zeros(len(sounds.times_s))
    weight[by_looks] = sounds.likely[by_looks] / np.maximum(np.arange(1, len(by_looks) + 1), len(claps.times_s))
    weight *= sounds_span_s / max(1.0, float(weight.sum()))
    lag = (claps.times_s[clap_at][:, None] - sounds.times_s[sound_at]).ravel()
    seed = np.repeat(clap_at, len(sound_at))
    for _ in range(_ROUNDS):
        pairs = _pairs(lag, seed, claps, sounds, weight, sounds_span_s)
        precision = pairs.share / np.square(pairs.sigma_s)
        total = precision.sum(axis=1)
        lag = lag - np.where(total > 0, (precision * pairs.residual_s).sum(axis=1) / np.maximum(total, 1e-12), 0.0)
    sigma = 1 / np.sqrt(np.maximum(total, 1e-12))
    span = claps_span_s + sounds_span_s
    log_odds = pairs.log_ratio.sum(axis=1) + np.log(np.sqrt(2 * np.pi) * sigma / span)
    kept: list[Match] = []
    order = [k for k in np.argsort(-log_odds, kind="stable").tolist() if total[k] > 0]
    for k in order:
        if len(kept) >= _MOST or log_odds[k] < log_odds[order[0]] + np.log(_LEAST_SHARE):
            break
        if all(abs(lag[k] - other.lag_s) > _SIGMAS * (sigma[k] + other.sigma_s) for other in kept):
            heard = np.flatnonzero(pairs.share[k] > 0)
            kept.append(Match(float(lag[k]), float(sigma[k]), float(log_odds[k]), heard, pairs.sound[k, heard]))
    return tuple(kept)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Proposals (L,) by claps (M,): the nearest sound, where it is, and how a pair with it weighs."""

    sound: IntArray
    residual_s: FloatArray
    sigma_s: FloatArray
    share: FloatArray
    log_ratio: FloatArray


def _pairs(
    lag: FloatArray, seed: IntArray, claps: Events, sounds: Events, weight: FloatArray, sounds_span_s: float
) -> _Pairs:
    expected = claps.times_s - lag[:, None]
    after = np.searchsorted(sounds.times_s, expected)
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(sounds.times_s) - 1)
    sound = np.where(sounds.times_s[after] - expected < expected - sounds.times_s[before], after, before)
    residual = sounds.times_s[sound] - expected
    away = claps.times_s - claps.times_s[seed][:, None]
    sigma = np.sqrt(claps.sigma_s**2 + np.square(sounds.sigma_s[sound]) + _PAIR_S**2 + np.square(_DRIFT * away))
    is_seed = np.arange(len(claps.times_s)) == seed[:, None]
    dense = np.where(is_seed, weight[sound], np.minimum(weight[sound], 1 / _SERIES_HZ))
    heard = _HEARD * claps.likely
    tight = (1 - _LOOSE_SHARE) * _normal(residual, sigma)
    loose = _LOOSE_SHARE * _normal(residual, _LOOSE * sigma)
    alone = 1 - heard
    paired = heard * dense * (tight + loose)
    in_view = (expected >= 0) & (expected <= sounds_span_s)
    log_ratio = np.where(in_view, np.log(alone + paired), 0.0)
    # A pair counts for the lag as far as it is one, and as far as it is no loose one.
    share = paired / (alone + paired)
    share = np.where(
        in_view & (share > 0.5), share * (tight + loose / _LOOSE**2) / np.maximum(tight + loose, 1e-300), 0.0
    )
    return _Pairs(sound, residual, sigma, share, log_ratio)


def _normal(residual: FloatArray, sigma: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * np.square(residual / sigma)) / (np.sqrt(2 * np.pi) * sigma))
