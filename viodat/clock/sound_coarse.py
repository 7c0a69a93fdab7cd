"""Where two sounds could belong together, to some 10 ms: the changes of their levels, correlated at every lag.

A lag is the time on b's clock minus that on a's of the same event, s. All overlaps are tried, from the first seconds of
one with the last of the other to the other way round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.peaks import correlation_log_likelihood
from viodat.clock.sound_track import ROW_S, Float32Array, Track

FloatArray = NDArray[np.float64]

LEAST_OVERLAP_S: Final = 1.5
"""Shorter overlaps are not looked for: too little is heard in them to tell chance from agreement."""
MOST_DRIFT: Final = 250e-6
"""Between two devices that are each within 100 ppm, with some room."""
SPREAD_S: Final = 0.020
"""The drift may smear a feature by so much either way: a part of the width of its peak."""
_SAMPLES_PER_ROW = 1.5
"""Bands and neighbouring rows tell partly the same: so many independent samples are in a row of all bands, by the
highest correlation of sounds that have nothing to do with each other."""
PEAK_S: Final = 0.06
"""Width of a peak: candidates are further apart."""
_LEAST_LOG_LIKELIHOOD = 3.0
_LEAST_SHARE = 0.35
"""Of the best candidate's log likelihood: what lies below has never been the true one, even beside a metronome."""


@dataclass(frozen=True)
class Candidate:
    """A lag at which two sounds could belong together.

    Attributes
    ----------
    lag_s, drift
        ``b = a + lag_s + drift * (a - at_s)`` for times a and b of the same event.
    at_s
        Middle of the overlap, on a's clock.
    log_likelihood
        Of the level's changes against no relation.
    """

    lag_s: float
    drift: float
    at_s: float
    log_likelihood: float


@dataclass(frozen=True, eq=False)
class Search:
    """What was found over all overlaps: the candidates, best first, and the curve at (L,) s."""

    candidates: tuple[Candidate, ...]
    lag_s: FloatArray
    log_likelihood: FloatArray


def search(a: Track, b: Track, most: int = 5) -> Search:
    """Correlate two sounds at every lag.

    Parameters
    ----------
    a, b
        At the same rate.
    most
        How many candidates to give at most.
    """
    one, two = a.changes, b.changes
    shared_s = min(a.seconds, b.seconds)
    if shared_s < LEAST_OVERLAP_S:
        return Search((), np.zeros(0), np.zeros(0))
    best: FloatArray | None = None
    drift_at = np.zeros(0)
    for drift in _drifts(shared_s):
        lags, log_likelihood = _correlated(one, _stretched(two, drift))
        # A stretched b runs on a's clock: b = (a + lag) * (1 + drift).
        if best is None:
            best, drift_at = log_likelihood, np.full(len(lags), drift)
        else:
            count = min(len(best), len(log_likelihood))
            better = log_likelihood[:count] > best[:count]
            best[:count][better], drift_at[:count][better] = log_likelihood[:count][better], drift
    assert best is not None
    lag_s = (np.arange(len(best)) - (one.shape[1] - 1)) * ROW_S
    found: list[Candidate] = []
    for top in _tops(best, most):
        height = float(best[top])
        if height < _LEAST_SHARE * found[0].log_likelihood if found else height < _LEAST_LOG_LIKELIHOOD:
            break
        found.append(_candidate(a, b, float(lag_s[top]), float(drift_at[top]), height))
    return Search(tuple(found), lag_s, best)


def _candidate(a: Track, b: Track, lag_s: float, drift: float, log_likelihood: float) -> Candidate:
    start = max(0.0, -lag_s)
    end = min(a.seconds, b.seconds / (1 + drift) - lag_s)
    at = (start + end) / 2
    return Candidate((at + lag_s) * (1 + drift) - at, drift, at, log_likelihood)


def _drifts(seconds: float) -> FloatArray:
    """Give the drifts to try, so that none in between smears the features."""
    widest = 2 * SPREAD_S / (seconds / 2)
    steps = math.ceil(max(MOST_DRIFT / widest - 0.5, 0.0))
    return np.asarray(np.arange(-steps, steps + 1) * (2 * MOST_DRIFT / (2 * steps + 1)), dtype=np.float64)


def _stretched(rows: Float32Array, drift: float) -> Float32Array:
    """Read (B, R) rows at ``(1 + drift)`` times the times of their own."""
    if drift == 0:
        return rows
    count = rows.shape[1]
    at = np.arange(math.floor((count - 1) / (1 + drift)) + 1) * (1 + drift)
    own = np.arange(count)
    return np.stack([np.interp(at, own, row) for row in rows]).astype(np.float32)


def _correlated(a: Float32Array, b: Float32Array) -> tuple[NDArray[np.int64], FloatArray]:
    """(L,) lags in rows and (L,) log likelihood of a linear relation at each, all bands together."""
    from scipy import fft

    rows_a, rows_b = a.shape[1], b.shape[1]
    size = fft.next_fast_len(rows_a + rows_b, real=True)
    across = (np.conj(fft.rfft(a, size, axis=1)) * fft.rfft(b, size, axis=1)).sum(axis=0)
    product = fft.irfft(across, size)
    lags = np.arange(-(rows_a - 1), rows_b)
    start, end = np.maximum(0, -lags), np.minimum(rows_a, rows_b - lags)
    power = _summed(a, start, end) * _summed(b, start + lags, end + lags)
    correlation = np.divide(product[lags], np.sqrt(power), out=np.zeros(len(lags)), where=power > 0)
    count = end - start
    samples = np.where(count * ROW_S >= LEAST_OVERLAP_S, count * _SAMPLES_PER_ROW, 0.0)
    return lags, correlation_log_likelihood(correlation, samples)


def _summed(rows: Float32Array, start: NDArray[np.int64], end: NDArray[np.int64]) -> FloatArray:
    """Sum of squares of (B, R) rows from (L,) start to (L,) end."""
    total = np.concatenate([[0.0], np.cumsum(np.square(rows).sum(axis=0, dtype=np.float64))])
    return np.asarray(total[end] - total[start])


def _tops(curve: FloatArray, most: int) -> list[int]:
    """Highest local maxima, best first, no two within the width of a peak."""
    inside = curve[1:-1]
    tops = 1 + np.flatnonzero((inside >= curve[:-2]) & (inside > curve[2:]))
    kept: list[int] = []
    for top in tops[np.argsort(-curve[tops], kind="stable")[: 8 * most]].tolist():
        if all(abs(top - other) * ROW_S > PEAK_S for other in kept):
            kept.append(top)
        if len(kept) == most:
            break
    return kept
