"""Cameras among themselves: two calibrated cameras see one body only if they look at the same time.

The viewing rays of a joint pass each other at a distance that is the detectors' and the calibration's error at the
right lag, and the body's movement at any other. The signed distance of each joint loses what is constant or slow by
taking its steps over two or three frames; how much smaller their variance is than at lags in general is the log
likelihood, as in :mod:`viodat.clock.evidence.picture`. Motion is not needed. Pairs that their sound ties are left out:
sound tells a hundred times more.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from viodat.clock.inputs import Device, Picture, TrialEvidence
from viodat.clock.observations import Curve, Hypothesis, Observation, Stream
from viodat.clock.peaks import hypotheses_of

FloatArray = NDArray[np.float64]

_COARSE_HZ: Final = 30.0
_MOST_COARSE: Final = 80
"""Lags that are all tried; beyond them those at which both cameras see most movement at the same time."""
_CANDIDATES: Final = 40
_FINE_S: Final = 0.004
_REACH_S: Final = 0.05
_DENSE_HZ: Final = 240.0
_SMOOTHED: Final = 0.8
"""Standard deviation of the smoothing, in frames."""
_STEP_S: Final = 0.3
"""Of steps of 0.07 to 0.3 s the longest told most: a detector errs slowly, a body moves as slowly."""
_LEAST_WEIGHT: Final = 0.3
_LEAST_STEPS: Final = 20
_LEAST_OVERLAP: Final = 0.3
_CLIPPED: Final = 6.0
_INFORMATION: Final = 0.3
_HONEST: Final = 0.35
"""Slow movements fit somewhere by chance: two bodies that have nothing to do with each other reach this share."""
_COMMON_SIGMA_S: Final = 0.001
_MISS: Final = 0.1


def cameras(trial: TrialEvidence) -> Iterator[Observation]:
    """Compare all pairs of calibrated cameras of which not both have sound."""
    seeing = [one for one in trial.watching if one.picture is not None and one.picture.camera is not None]
    for a, b in combinations(sorted(seeing, key=lambda one: one.name), 2):
        if a.sound is None or b.sound is None:
            yield _observe(a, b)


def _observe(a: Device, b: Device) -> Observation:
    assert a.picture is not None
    assert b.picture is not None
    streams = Stream(a.name, "picture"), Stream(b.name, "picture")
    lags = _tried(a.picture, b.picture)
    if len(lags) < 3:
        return Observation("cameras", *streams, ())
    rays = _Rays(a.picture, b.picture)
    spread, count = rays.spread(lags)
    known = count > 0
    if known.sum() < 3:
        return Observation("cameras", *streams, ())
    usual = _median_of_known(spread, known)
    coarse = rays.gain(spread, count, usual)
    span = float(np.ptp(lags))
    found: list[Hypothesis] = []
    for k in np.argsort(-coarse, kind="stable")[:_LOOKED_AT].tolist():
        near = lags[k] + np.arange(-_REACH_S, _REACH_S + _FINE_S / 2, _FINE_S)
        own = hypotheses_of(near, rays.gain(*rays.spread(near), usual), most=1, common_sigma_s=_COMMON_SIGMA_S)
        if own and all(abs(own[0].lag_s - other.lag_s) > _REACH_S for other in found):
            wide = np.log(max(span / float(np.ptp(near)), 1.0))
            found.append(Hypothesis(own[0].lag_s, own[0].sigma_s, _HONEST * own[0].log_odds - wide))
    best = max(found, key=lambda one: one.log_odds, default=None)
    first, last = a.picture.times_s[[0, -1]].tolist()
    if best is not None:
        first = max(first, float(b.picture.times_s[0]) - best.lag_s)
        last = min(last, float(b.picture.times_s[-1]) - best.lag_s)
    return Observation(
        "cameras",
        *streams,
        tuple(sorted(found, key=lambda one: -one.log_odds)),
        at_s=0.5 * (first + last),
        span_s=max(span, 2 * _REACH_S),
        miss=_MISS,
        common_sigma_s=_COMMON_SIGMA_S,
        curve=Curve(lags, coarse),
    )


_LOOKED_AT: Final = 3


def _tried(a: Picture, b: Picture) -> FloatArray:
    """(L,) coarse lags, increasing, with enough overlap: all, or the likeliest by how much both see move at a time."""
    shorter = min(np.ptp(a.times_s), np.ptp(b.times_s)) if min(len(a.times_s), len(b.times_s)) > 1 else 0.0
    if shorter < _LEAST_STEPS / _COARSE_HZ:
        return np.empty(0)
    low = b.times_s[0] - a.times_s[-1] + _LEAST_OVERLAP * shorter
    high = b.times_s[-1] - a.times_s[0] - _LEAST_OVERLAP * shorter
    lags = np.arange(low, high, 0.5 / _COARSE_HZ)
    if len(lags) <= _MOST_COARSE:
        return lags
    one, two = _liveliness(a), _liveliness(b)
    size = len(one) + len(two) - 1
    padded = next_fast_len(size, real=True)
    # Index k pairs sample i + k - (len(one) - 1) of the second with sample i of the first.
    alike = irfft(rfft(two, padded) * rfft(one[::-1], padded), padded)[:size]
    at = np.arange(-(len(one) - 1), len(two)) / _COARSE_HZ + b.times_s[0] - a.times_s[0]
    alike = np.where((at >= low) & (at <= high), alike, -np.inf)
    best = at[np.argsort(-alike, kind="stable")[:_CANDIDATES]]
    around = best[:, None] + np.arange(-2, 3) * 0.5 / _COARSE_HZ
    # Some lags from everywhere say what the variance usually is.
    return np.unique(np.concatenate([around.ravel(), np.linspace(low, high, _MOST_COARSE)]).round(4))


def _liveliness(picture: Picture) -> FloatArray:
    """(K,) how much the keypoints move, standardised, on an even grid."""
    at = np.arange(picture.times_s[0], picture.times_s[-1], 1 / _COARSE_HZ)
    steps = np.linalg.norm(np.diff(picture.trusted_px, axis=0), axis=2)
    known = np.isfinite(steps)
    some = known.any(axis=1)
    if some.sum() < _LEAST_STEPS:
        return np.zeros(len(at))
    lively = np.minimum(steps / (_median_of_known(steps, known) + 1e-6), 10.0)
    mean = np.where(known, lively, 0.0).sum(axis=1)[some] / known.sum(axis=1)[some]
    level = np.log(np.interp(at, picture.times_s[1:][some], mean) + 0.1)
    return np.asarray((level - level.mean()) / max(float(level.std()), 1e-6))


def _median_of_known(values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """(J,) medians over the first axis of (K, J); 0 where nothing is known."""
    columns = (column[own] for column, own in zip(values.T, known.T, strict=True))
    return np.array([np.median(column) if len(column) else 0.0 for column in columns])


class _Rays:
    """Viewing rays of two cameras: how far they pass each other at a lag."""

    def __init__(self, a: Picture, b: Picture) -> None:
        assert a.camera is not None
        assert b.camera is not None
        self._times_a = a.times_s
        width = _SMOOTHED * float(max(np.median(np.diff(one.times_s)) for one in (a, b)))
        self._apart = max(1, round(_STEP_S / float(np.median(np.diff(a.times_s)))))
        self._a = _smoothed(a.times_s, a.camera.ray(a.trusted_px), a.times_s, width)
        # Straight lines between noisy frames are calmest half way between them and would draw every lag there: so the
        # second camera is smoothed on a dense grid, where its noise is the same at all times.
        self._start_b = float(b.times_s[0])
        dense = np.arange(self._start_b, float(b.times_s[-1]), 1 / _DENSE_HZ)
        self._b = _smoothed(b.times_s, b.camera.ray(b.trusted_px), dense, width)
        self._base = b.camera.centre_mm - a.camera.centre_mm

    def spread(self, lags_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(L, J) mm² mean square of the distance's steps at (L,) lags, and (L, J) how many there are."""
        out, count = np.full((len(lags_s), self._a.shape[1]), np.nan), np.zeros((len(lags_s), self._a.shape[1]))
        for k, lag in enumerate(lags_s.tolist()):
            distance = self._distance(lag)
            steps = distance[self._apart :] - distance[: -self._apart]
            known = np.isfinite(steps)
            count[k] = known.sum(axis=0)
            some = count[k] >= _LEAST_STEPS
            if some.any():
                limit = _CLIPPED * 1.48 * np.nanmedian(np.abs(steps[:, some]), axis=0)
                out[k, some] = np.nanmean(np.square(np.clip(steps[:, some], -limit, limit)), axis=0)
            count[k, ~some] = 0
        return out, count

    def gain(self, spread: FloatArray, count: FloatArray, usual: FloatArray) -> FloatArray:
        """(L,) log likelihood against the variance that lags usually have."""
        ratio = np.where(count > 0, np.maximum(usual, 1e-9) / np.maximum(spread, 1e-9), 1.0)
        # Steps over several frames share most of their frames with the next ones.
        share = _INFORMATION * min(1.0, 2.0 / self._apart)
        return np.asarray(share * 0.5 * (count * np.log(np.where(np.isfinite(ratio), ratio, 1.0))).sum(axis=1))

    def _distance(self, lag_s: float) -> FloatArray:
        """(N, J) mm, signed, at the first camera's frames."""
        place = (self._times_a + lag_s - self._start_b) * _DENSE_HZ
        outside = (place < 0) | (place > len(self._b) - 1)
        before = np.clip(place.astype(np.int64), 0, len(self._b) - 2)
        share = np.clip(place - before, 0.0, 1.0)[:, None, None]
        other = (1 - share) * self._b[before] + share * self._b[before + 1]
        across = np.cross(self._a, other)
        length = np.linalg.norm(across, axis=2)
        distance = across @ self._base / np.maximum(length, 1e-6)
        distance[outside] = np.nan
        return np.asarray(distance)


def _smoothed(times_s: FloatArray, values: FloatArray, at_s: FloatArray, width_s: float) -> FloatArray:
    """(K, ...) weighted mean about each time, Gaussian weights; NaN where nothing was seen within three widths."""
    flat = values.reshape(len(values), -1)
    known = np.isfinite(flat)
    filled = np.where(known, flat, 0.0)
    total, weight = np.zeros((len(at_s), flat.shape[1])), np.zeros((len(at_s), flat.shape[1]))
    nearest = np.searchsorted(times_s, at_s)
    reach = 1 + int(np.ceil(3 * width_s / max(float(np.median(np.diff(times_s))), 1e-6)))
    for shift in range(-reach, reach):
        index = nearest + shift
        inside = (index >= 0) & (index < len(times_s))
        index = np.clip(index, 0, len(times_s) - 1)
        share = np.where(inside, np.exp(-0.5 * np.square((times_s[index] - at_s) / width_s)), 0.0)[:, None]
        total += share * filled[index]
        weight += share * known[index]
    mean = np.where(weight > _LEAST_WEIGHT, total / np.maximum(weight, _LEAST_WEIGHT), np.nan)
    return np.asarray(mean.reshape(len(at_s), *values.shape[1:]))
