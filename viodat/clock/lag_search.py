"""At which lag two slow signals resemble each other: the search that sound and pitch against the motion share.

Both are brought to one rate and freed of slow change. In blocks of some seconds the correlation over all lags, weighted
by where the first signal has something to say, becomes a log likelihood (a straight line between the two with gain and
noise free in each block); blocks add. Far from the middle of a long trial a clock's drift moves the peak, so a block's
curve is widened by what a drift may move it.
"""

from __future__ import annotations

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
_LEAST_OVERLAP: Final = 0.3
"""Of a block's weight: a correlation of less is chance."""
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


def compare(
    moved: Track, heard: Track, *, weigh_heard: bool = False, information: float = 1.0, common_sigma_s: float = 0.0
) -> Resemblance | None:
    """Compare a track of the motion with a device's.

    Parameters
    ----------
    moved, heard
        On the mocap clock and on the device's.
    weigh_heard
        Let the device's weights say which samples count, and cut the blocks out of its track; else the motion's.
    information
        Independent samples in truth, as a share of what the signals' own correlation in time suggests; measured.
    common_sigma_s
        What would shift all blocks alike.

    Returns
    -------
    Resemblance or None
        None where either is empty.
    """
    cut, whole = (heard, moved) if weigh_heard else (moved, heard)
    if not (cut.weights > 0).any() or len(whole.values) < RATE_HZ:
        return None
    blocks = _blocks(cut)
    rate = information * _independent_per_s(cut, whole)
    size = len(cut.values) + len(whole.values) - 1
    padded = next_fast_len(size, real=True)
    transforms = [rfft(x[::-1], padded) for x in (np.ones(len(whole.values)), whole.values, np.square(whole.values))]
    used = blocks[:: -(-len(blocks) // _MOST_BLOCKS)]
    middle = 0.5 * (used[0][0] + used[-1][1])
    total = np.zeros(size)
    for block in used:
        own = _block_likelihood(cut, block, transforms, padded, size, rate, whole.noise)
        moved_by = abs(0.5 * (block[0] + block[1]) - middle) / RATE_HZ * _DRIFT
        total += maximum_filter1d(own, 2 * round(moved_by * RATE_HZ) + 1)
    # Index k pairs sample i + k - (len(whole) - 1) of the cut track with sample i of the other one.
    lag = np.arange(-(len(whole.values) - 1), len(cut.values)) / RATE_HZ + cut.start_s - whole.start_s
    lag, total = (-lag[::-1], total[::-1]) if weigh_heard else (lag, total)
    found = hypotheses_of(lag, total, common_sigma_s=common_sigma_s)[:_JUDGED]
    judged = [_judged(cut, whole, one, rate, weigh_heard, float(np.ptp(lag)), common_sigma_s) for one in found]
    found = tuple(sorted(judged, key=lambda one: -one.log_odds))
    at = _middle_s(cut)
    if not weigh_heard:
        at -= found[0].lag_s if found else 0.0
    windows = _windows(cut, whole, found[0].lag_s, rate, weigh_heard) if found else None
    return Resemblance(Curve(lag, total), found, windows, at)


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


def _block_likelihood(
    cut: Track,
    block: tuple[int, int],
    transforms: list[NDArray[np.complex128]],
    padded: int,
    size: int,
    rate: float,
    noise: float,
) -> FloatArray:
    """(L,) log likelihood of one block over all lags."""
    weights = np.zeros(len(cut.values))
    weights[block[0] : block[1]] = cut.weights[block[0] : block[1]]
    ones, linear, square = transforms
    sums = [rfft(x, padded) for x in (weights, weights * cut.values, weights * np.square(cut.values))]
    products = [sums[0] * ones, sums[1] * ones, sums[2] * ones, sums[0] * linear, sums[0] * square, sums[1] * linear]
    n, a, aa, b, bb, ab = (irfft(product, padded)[:size] for product in products)
    return _likelihood(n, a, aa, b, bb, ab, float(weights.sum()), rate, (cut.noise, noise))


def _likelihood(
    n: FloatArray,
    a: FloatArray,
    aa: FloatArray,
    b: FloatArray,
    bb: FloatArray,
    ab: FloatArray,
    whole: float,
    rate: float,
    noise: tuple[float, float],
) -> FloatArray:
    enough = n > _LEAST_OVERLAP * whole
    n = np.maximum(n, 1e-9)
    spread_a, spread_b = aa / n - (a / n) ** 2, bb / n - (b / n) ** 2
    spread_a = np.maximum(spread_a, 1e-3 * max(spread_a.max(), 1e-12)) + noise[0] ** 2
    spread_b = np.maximum(spread_b, 1e-3 * max(spread_b.max(), 1e-12)) + noise[1] ** 2
    r = (ab / n - a * b / n**2) / np.sqrt(spread_a * spread_b)
    return correlation_log_likelihood(np.where(enough, r, 0.0), rate * n / RATE_HZ)


def _middle_s(track: Track) -> float:
    return float(np.average(track.times_s, weights=track.weights))


def _windows(cut: Track, whole: Track, lag_s: float, rate: float, weigh_heard: bool) -> Windows:
    """Look for the best lag near ``lag_s`` (mocap minus device) in each of some short windows."""
    live = np.flatnonzero(cut.weights > 0)
    seconds = (live[-1] - live[0] + 1) / RATE_HZ
    size = min(BLOCK_S, max(_LEAST_WINDOW_S, seconds / 4))
    count = max(1, round(seconds / size))
    edges = np.linspace(live[0], live[-1] + 1, count + 1).astype(int)
    at, lags, sigmas = np.empty(count), np.full(count, np.nan), np.full(count, np.nan)
    sign = -1.0 if weigh_heard else 1.0
    middle = 0.5 * (edges[0] + edges[-1])
    for k, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        at[k] = cut.start_s + 0.5 * (first + last) / RATE_HZ - (0.0 if weigh_heard else lag_s)
        reach = round((_NEAR_S + _DRIFT * abs(0.5 * (first + last) - middle) / RATE_HZ) * RATE_HZ)
        steps = np.arange(-reach, reach + 1)
        # Sample i of the cut track stands beside sample i + shift of the other one.
        shift = round((cut.start_s - sign * lag_s - whole.start_s) * RATE_HZ)
        base = (cut.start_s - whole.start_s) - shift / RATE_HZ
        own = _local(cut, whole, first, last, shift - steps, rate)
        found = hypotheses_of(sign * (base + steps / RATE_HZ)[:: int(sign)], own[:: int(sign)], most=1)
        if found and own.max() > _TELLS_NOTHING:
            lags[k], sigmas[k] = found[0].lag_s, found[0].sigma_s
    return Windows(at, lags, sigmas)


def _judged(
    cut: Track, whole: Track, one: Hypothesis, rate: float, weigh_heard: bool, span_s: float, common_sigma_s: float
) -> Hypothesis:
    """Weigh a hypothesis by short windows, each on its own: in all of them the lag must be the same.

    Another take of the same piece fits somewhere in each window, but not at one lag. How well windows fit when each may
    have its own lag near the common one is what such a take would reach, so that much has to be beaten.
    """
    sign = -1.0 if weigh_heard else 1.0
    live = np.flatnonzero(cut.weights > 0)
    count = max(1, round((live[-1] - live[0] + 1) / RATE_HZ / _JUDGED_S))
    edges = np.linspace(live[0], live[-1] + 1, count + 1).astype(int)
    pairs = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    shift = round((cut.start_s - sign * one.lag_s - whole.start_s) * RATE_HZ)
    reach = round(_TAKE_S * RATE_HZ)
    middle = 0.5 * (edges[0] + edges[-1])
    together, apart = 0.0, 0.0
    for first, last in pairs[:: -(-count // _MOST_JUDGED)]:
        own = _local(cut, whole, first, last, shift - np.arange(-reach, reach + 1), rate)
        near = min(_SAME_SAMPLES + round(_DRIFT * abs(0.5 * (first + last) - middle)), reach)
        together += float(own[reach - near : reach + near + 1].max())
        apart += float(np.logaddexp.reduce(own) - np.log(len(own)))
    own_sigma = np.sqrt(max(one.sigma_s**2 - common_sigma_s**2, (0.1 / RATE_HZ) ** 2))
    area = float(np.log(np.sqrt(2 * np.pi) * own_sigma / span_s))
    return replace(one, log_odds=together + area - float(np.logaddexp(np.log1p(-_TAKES), np.log(_TAKES) + apart)))


def _local(cut: Track, whole: Track, first: int, last: int, shifts: NDArray[np.int64], rate: float) -> FloatArray:
    """(K,) log likelihood of the samples ``first`` to ``last`` at some shifts."""
    index = np.arange(first, last)
    values, weights = cut.values[first:last], cut.weights[first:last]
    there = index[None] + shifts[:, None]
    inside = (there >= 0) & (there < len(whole.values))
    w = np.where(inside, weights, 0.0)
    other = np.where(inside, whole.values[np.clip(there, 0, len(whole.values) - 1)], 0.0)
    n, a, aa = w.sum(axis=1), (w * values).sum(axis=1), (w * values**2).sum(axis=1)
    b, bb, ab = (w * other).sum(axis=1), (w * other**2).sum(axis=1), (w * values * other).sum(axis=1)
    return _likelihood(n, a, aa, b, bb, ab, float(weights.sum()), rate, (cut.noise, whole.noise))
