"""At which lag two slow signals resemble each other: the search that sound and pitch against the motion share.

Both are brought to one rate and freed of slow change. In blocks of some seconds the correlation over all lags, weighted
by where the first signal has something to say, becomes a log likelihood (a straight line between the two with gain and
noise free in each block); blocks add. Far from the middle of a long trial a clock's drift moves the peak, so a block's
curve is widened by what a drift may move it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from viodat.clock.observations import Curve, Hypothesis, Windows
from viodat.clock.peaks import correlation_log_likelihood, hypotheses_of

FloatArray = NDArray[np.float64]

RATE_HZ: Final = 200.0
"""Of both signals: 5 ms, a quarter of the narrowest peak."""
BLOCK_S: Final = 15.0
_LEAST_WINDOW_S: Final = 4.0
_MOST_BLOCKS: Final = 12
"""In the search over all lags; longer trials are sampled evenly, so that its cost grows with the length alone."""
_DRIFT: Final = 150e-6
"""The most that a clock may be off, with a reserve."""
_LEAST_S: Final = 0.5
_LEAST_OVERLAP: Final = 0.3
"""Of the most that a block shares with the device at any lag: a correlation of less is chance."""
_JUDGED: Final = 6
_JUDGED_S, _MOST_JUDGED = 5.0, 24
_TAKE_S: Final = 0.6
_TAKES: Final = 0.02
"""Share of wrong recordings that are another take of the same piece."""
_SAME_SAMPLES: Final = 3
_CORRELATED_S: Final = 1.0
_NEAR_S: Final = 0.06
_TELLS_NOTHING: Final = 2.0
"""Log likelihood below which a window has no lag of its own."""


@dataclass(frozen=True, eq=False)
class Track:
    """A signal at :data:`RATE_HZ` from ``start_s``, (N,) each: values, and how much each counts (0 to 1).

    ``noise`` is the standard deviation of what would be in the values if nothing happened: a swing below it is none.
    """

    start_s: float
    values: FloatArray
    weights: FloatArray
    noise: float = 0.0

    @property
    def times_s(self) -> FloatArray:
        """(N,) s."""
        return self.start_s + np.arange(len(self.values)) / RATE_HZ


@dataclass(frozen=True, eq=False)
class Resemblance:
    """Where a device's track fits the motion's.

    Attributes
    ----------
    curve
        Lags (mocap time minus device time) and log likelihood.
    hypotheses
        Best first.
    windows
        Lags of the best hypothesis by stretches, at device times; None without one.
    at_s
        Device time in the middle of what was compared.
    """

    curve: Curve
    hypotheses: tuple[Hypothesis, ...]
    windows: Windows | None
    at_s: float


def without_trend(values: FloatArray, seconds: float) -> FloatArray:
    """Take off what changes more slowly than a Gaussian of this standard deviation, s."""
    return np.asarray(values - gaussian_filter1d(values, seconds * RATE_HZ, mode="nearest"))


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two tracks that are compared, and how many independent samples they have per second of weight."""

    moved: Track
    heard: Track
    per_s: float


def compare(
    tracks: Sequence[tuple[Track, Track]], *, information: float = 1.0, common_sigma_s: float = 0.0
) -> Resemblance | None:
    """Compare tracks of the motion with a device's.

    Parameters
    ----------
    tracks
        Pairs of what moved, on the mocap clock, and what was heard, on the device's; two samples count by the product
        of their weights. All that moved have the same times, and so has all that was heard. The first pair says
        where something happens; pairs without weight are left out.
    information
        Independent samples in truth, as a share of what the signals' own correlation in time suggests; measured.
    common_sigma_s
        What would shift all blocks alike.

    Returns
    -------
    Resemblance or None
        None where the first pair is empty.
    """
    moved, heard = tracks[0]
    if not _has_weight(moved, heard) or len(heard.values) < RATE_HZ:
        return None
    pairs = [_Pair(a, b, information * _independent_per_s(a, b)) for a, b in tracks if _has_weight(a, b)]
    blocks = _blocks(moved)
    size = len(moved.values) + len(heard.values) - 1
    padded = next_fast_len(size, real=True)
    transforms = [[rfft(x[::-1], padded) for x in _sums(pair.heard.weights, pair.heard.values)] for pair in pairs]
    used = blocks[:: -(-len(blocks) // _MOST_BLOCKS)]
    middle = 0.5 * (used[0][0] + used[-1][1])
    total = np.zeros(size)
    for block in used:
        own = np.sum(
            [_block_likelihood(pair, block, t, padded, size) for pair, t in zip(pairs, transforms, strict=True)], axis=0
        )
        moved_by = abs(0.5 * (block[0] + block[1]) - middle) / RATE_HZ * _DRIFT
        total += maximum_filter1d(own, 2 * round(moved_by * RATE_HZ) + 1)
    # Index k pairs sample i + k - (len(heard) - 1) of the motion with sample i of the device.
    lag = np.arange(-(len(heard.values) - 1), len(moved.values)) / RATE_HZ + moved.start_s - heard.start_s
    found = hypotheses_of(lag, total, common_sigma_s=common_sigma_s)[:_JUDGED]
    if len(blocks) > 1:
        found = tuple(_sharpened(pairs, one, common_sigma_s) for one in found)
    judged = [_judged(pairs, one, float(np.ptp(lag)), common_sigma_s) for one in found]
    found = tuple(sorted(judged, key=lambda one: -one.log_odds))
    if not found:
        return Resemblance(Curve(lag, total), (), None, float(np.mean(heard.times_s[[0, -1]])))
    best = found[0].lag_s
    first, last = _shared(moved, heard, best)
    at = moved.start_s + 0.5 * (first + last) / RATE_HZ - best
    return Resemblance(Curve(lag, total), found, _windows(pairs, best), at)


def _shared(moved: Track, heard: Track, lag_s: float) -> tuple[int, int]:
    """First and last sample of the motion, exclusive, that has weight and a sample of the device beside it."""
    live = np.flatnonzero(moved.weights > 0)
    shift = round((moved.start_s - lag_s - heard.start_s) * RATE_HZ)
    first = max(int(live[0]), -shift)
    last = min(int(live[-1]) + 1, len(heard.values) - shift)
    return first, max(last, first + 1)


def _blocks(track: Track) -> list[tuple[int, int]]:
    """Cut where the track has weight into blocks of about :data:`BLOCK_S`."""
    live = np.flatnonzero(track.weights > 0)
    first, last = int(live[0]), int(live[-1]) + 1
    count = max(1, round((last - first) / (BLOCK_S * RATE_HZ)))
    edges = np.linspace(first, last, count + 1).astype(int)
    pairs = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    return [(a, b) for a, b in pairs if track.weights[a:b].sum() > RATE_HZ] or pairs


def _independent_per_s(a: Track, b: Track) -> float:
    """Independent products of the two tracks per second of weight (Bartlett 1946): both are correlated in time."""
    most = round(_CORRELATED_S * RATE_HZ)
    both = _autocorrelation(a.values * a.weights, most) * _autocorrelation(b.values * b.weights, most)
    return float(RATE_HZ / max(1.0, 1 + 2 * both.sum()))


def _autocorrelation(values: FloatArray, most: int) -> FloatArray:
    centred = values - values.mean()
    size = next_fast_len(len(centred) + most, real=True)
    power = np.square(np.abs(rfft(centred, size)))
    products = irfft(power, size)[: most + 1]
    return np.asarray(products[1:] / max(float(products[0]), 1e-12))


def _has_weight(moved: Track, heard: Track) -> bool:
    return bool((moved.weights > 0).any() and (heard.weights > 0).any())


def _sums(weights: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    return weights, weights * values, weights * np.square(values)


def _block_likelihood(
    pair: _Pair, block: tuple[int, int], transforms: list[NDArray[np.complex128]], padded: int, size: int
) -> FloatArray:
    """(L,) log likelihood of one block over all lags."""
    weights = np.zeros(len(pair.moved.values))
    weights[block[0] : block[1]] = pair.moved.weights[block[0] : block[1]]
    ones, linear, square = transforms
    sums = [rfft(x, padded) for x in _sums(weights, pair.moved.values)]
    products = [sums[0] * ones, sums[1] * ones, sums[2] * ones, sums[0] * linear, sums[0] * square, sums[1] * linear]
    n, a, aa, b, bb, ab = (irfft(product, padded)[:size] for product in products)
    return _likelihood(n, a, aa, b, bb, ab, pair)


def _likelihood(
    n: FloatArray, a: FloatArray, aa: FloatArray, b: FloatArray, bb: FloatArray, ab: FloatArray, pair: _Pair
) -> FloatArray:
    enough = (n > _LEAST_OVERLAP * float(n.max())) & (n > RATE_HZ * _LEAST_S)
    n = np.maximum(n, 1e-9)
    spread_a, spread_b = aa / n - (a / n) ** 2, bb / n - (b / n) ** 2
    spread_a = np.maximum(spread_a, 1e-3 * max(spread_a.max(), 1e-12)) + pair.moved.noise**2
    spread_b = np.maximum(spread_b, 1e-3 * max(spread_b.max(), 1e-12)) + pair.heard.noise**2
    r = (ab / n - a * b / n**2) / np.sqrt(spread_a * spread_b)
    return correlation_log_likelihood(np.where(enough, r, 0.0), pair.per_s * n / RATE_HZ)


def _windows(pairs: Sequence[_Pair], lag_s: float) -> Windows:
    """Look for the best lag near ``lag_s`` in each of some short windows."""
    moved, heard = pairs[0].moved, pairs[0].heard
    begin, end = _shared(moved, heard, lag_s)
    seconds = (end - begin) / RATE_HZ
    size = min(BLOCK_S, max(_LEAST_WINDOW_S, seconds / 4))
    count = max(1, round(seconds / size))
    edges = np.linspace(begin, end, count + 1).astype(int)
    at, lags, sigmas = np.empty(count), np.full(count, np.nan), np.full(count, np.nan)
    shift = round((moved.start_s - lag_s - heard.start_s) * RATE_HZ)
    nearest = moved.start_s - heard.start_s - shift / RATE_HZ
    for k, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        at[k] = moved.start_s + 0.5 * (first + last) / RATE_HZ - lag_s
        away = abs(0.5 * (first + last) - 0.5 * (begin + end)) / RATE_HZ
        reach = round((_NEAR_S + _DRIFT * away) * RATE_HZ)
        steps = np.arange(-reach, reach + 1)
        own = _local(pairs, first, last, shift - steps)
        found = hypotheses_of(nearest + steps / RATE_HZ, own, most=1)
        if found and own.max() > _TELLS_NOTHING:
            lags[k], sigmas[k] = found[0].lag_s, found[0].sigma_s
    return Windows(at, lags, sigmas)


def _sharpened(pairs: Sequence[_Pair], one: Hypothesis, common_sigma_s: float) -> Hypothesis:
    """Look again near a hypothesis, in short windows and with the drift about the middle of what both tracks share."""
    moved, heard = pairs[0].moved, pairs[0].heard
    begin, end = _shared(moved, heard, one.lag_s)
    edges = np.linspace(begin, end, max(1, round((end - begin) / RATE_HZ / _JUDGED_S)) + 1).astype(int)
    windows = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    shift = round((moved.start_s - one.lag_s - heard.start_s) * RATE_HZ)
    nearest = moved.start_s - heard.start_s - shift / RATE_HZ
    steps = np.arange(-round(_NEAR_S * RATE_HZ), round(_NEAR_S * RATE_HZ) + 1)
    total = np.zeros(len(steps))
    for first, last in windows[:: -(-len(windows) // _MOST_JUDGED)]:
        moved_by = round(_DRIFT * abs(0.5 * (first + last) - 0.5 * (begin + end)))
        total += maximum_filter1d(_local(pairs, first, last, shift - steps), 2 * moved_by + 1)
    again = hypotheses_of(nearest + steps / RATE_HZ, total, most=1, common_sigma_s=common_sigma_s)
    return replace(again[0], log_odds=one.log_odds) if again else one


def _judged(pairs: Sequence[_Pair], one: Hypothesis, span_s: float, common_sigma_s: float) -> Hypothesis:
    """Weigh a hypothesis by short windows, each on its own: in all of them the lag must be the same.

    Another take of the same piece fits somewhere in each window, but not at one lag. How well windows fit when each may
    have its own lag near the common one is what such a take would reach, so that much has to be beaten.
    """
    moved, heard = pairs[0].moved, pairs[0].heard
    begin, end = _shared(moved, heard, one.lag_s)
    count = max(1, round((end - begin) / RATE_HZ / _JUDGED_S))
    edges = np.linspace(begin, end, count + 1).astype(int)
    windows = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    shift = round((moved.start_s - one.lag_s - heard.start_s) * RATE_HZ)
    reach = round(_TAKE_S * RATE_HZ)
    middle = 0.5 * (begin + end)
    together, apart = 0.0, 0.0
    for first, last in windows[:: -(-count // _MOST_JUDGED)]:
        own = _local(pairs, first, last, shift - np.arange(-reach, reach + 1))
        near = min(_SAME_SAMPLES + round(_DRIFT * abs(0.5 * (first + last) - middle)), reach)
        together += float(own[reach - near : reach + near + 1].max())
        apart += float(np.logaddexp.reduce(own) - np.log(len(own)))
    own_sigma = np.sqrt(max(one.sigma_s**2 - common_sigma_s**2, (0.1 / RATE_HZ) ** 2))
    area = min(float(np.log(np.sqrt(2 * np.pi) * own_sigma / span_s)), 0.0)
    # Such a take may lie anywhere, too, but within what its windows allow.
    apart += min(float(np.log(2 * _TAKE_S / span_s)), 0.0)
    return replace(one, log_odds=together + area - float(np.logaddexp(np.log1p(-_TAKES), np.log(_TAKES) + apart)))


def _local(pairs: Sequence[_Pair], first: int, last: int, shifts: NDArray[np.int64]) -> FloatArray:
    """(K,) log likelihood of the motion's samples ``first`` to ``last`` at some shifts, all pairs together."""
    return np.asarray(np.sum([_local_of(pair, first, last, shifts) for pair in pairs], axis=0))


def _local_of(pair: _Pair, first: int, last: int, shifts: NDArray[np.int64]) -> FloatArray:
    moved, heard = pair.moved, pair.heard
    index = np.arange(first, last)
    values = moved.values[first:last]
    there = index[None] + shifts[:, None]
    inside = (there >= 0) & (there < len(heard.values))
    there = np.clip(there, 0, len(heard.values) - 1)
    w = np.where(inside, moved.weights[first:last] * heard.weights[there], 0.0)
    other = heard.values[there]
    n, a, aa = w.sum(axis=1), (w * values).sum(axis=1), (w * values**2).sum(axis=1)
    b, bb, ab = (w * other).sum(axis=1), (w * other**2).sum(axis=1), (w * values * other).sum(axis=1)
    return _likelihood(n, a, aa, b, bb, ab, pair)
