"""By how much one recording of a sound is later than another: phase correlation in windows, and a line through them.

A lag is the time on b's clock minus that on a's of the same event, s. About a candidate each window's cross-spectrum
is reduced to its phases (GCC-PHAT: Knapp & Carter 1976, "The generalized correlation method for estimation of time
delay", IEEE Trans. ASSP 24, 320-327), so that a room's and a microphone's colours count for nothing and its peak is as
narrow as the band allows. The windows' curves are then added along every line of offset and drift (the fast slant stack
of Götz & Druckmüller 1996, "A fast digital Radon transform", Pattern Recognition 29, 711-718: its cost grows as the
length times its logarithm), and followed from the best line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.observations import Windows
from viodat.clock.sound_coarse import LEAST_OVERLAP_S, MOST_DRIFT, PEAK_S, Candidate
from viodat.clock.sound_track import WORK_HZ, Float32Array, Track

FloatArray = NDArray[np.float64]

WINDOW_S: Final = 0.256
"""Long against a room's early reflections, short against its decay and the drift: 200 ppm are 0.05 ms in it."""
REACH_S: Final = 0.040
"""Either side of the candidate: the coarse search's error and what drift it leaves."""
_BAND_HZ = (200.0, 7_200.0)
_BAND_OF_NYQUIST = 0.9
_BLOCK = 128
_MOST_SIGMAS = 10.0
"""What one window may say at most, in standard deviations of its own curve: a single bang decides nothing."""
_SLOPE_SIGMAS = 6.0
_CHANCE_SIGMAS = 3.0
"""The highest of a curve's values where there is no relation: so many standard deviations of it."""
_LEAST_CLARITY = 0.1
_NEAR_S = 0.000_15
"""Either side of a line: what counts as on it."""
_FAR_S = 0.003
"""Nearer to a line its own peak's feet and the floor's reflection are no example of chance."""
_GROUP = 4
"""Windows of which the sum is judged: 0.6 s."""
_INDEPENDENT = 0.6
"""Share of such groups that count as independent. While a note is held its windows tell the same, even about another
take of the piece, whose harmonics agree for as long. Measured on second takes (420 pairs) in three simulated rooms: one
in a hundred reaches log odds of 0."""
_TAIL_SHARE = 8
"""The highest one in so many of a curve's values away from the line tell how fast higher ones get rare."""
_RAREST = -12.0
"""Logarithm of the smallest chance that one group may claim."""
_COHERENT: Final = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 30)])
"""Shares of groups that follow the line, to choose from."""
_MOST_ALTERNATIVES = 4
_ALTERNATIVE_SHARE = 0.6
"""Of the best peak's height: in three simulated rooms lower ones were the direct sound's in 1 of 50 pairs."""
_ALTERNATIVE_S = 0.000_5
"""Lines are further apart."""
_MOVED_S = 0.000_3
"""By how much lags change with the source's place: some 10 cm."""
_FOLLOW_S = 0.001_0
_GROUP_S = 2.0
_MOST_GROUPS = 200
_LEAST_GROUP_SIGMAS = 6.0
"""Height of a group's peak from which on its place counts."""
_FINE = 4
"""Places per step at which curves are read about a line."""
_LEAST_POINTS = 4
"""With fewer groups the slope of the stack stands."""
_LEAST_SPREAD_S = 5e-6
_UNHEARD_SPREAD_S = 1e-4


@dataclass(frozen=True, eq=False)
class Match:
    """Two sounds laid upon each other.

    Attributes
    ----------
    lag_s, drift
        ``b = a + lag_s + drift * (a - at_s)`` for times a and b of the same event.
    at_s
        Middle of the overlap, on a's clock.
    sigma_s
        Standard deviation of ``lag_s``.
    log_odds
        Against two sounds that have nothing to do with each other; the choice among all lines is in it.
    windows
        Lags by stretches of time.
    share
        Height of this line's peak as a share of that of the best line nearby.
    """

    lag_s: float
    drift: float
    at_s: float
    sigma_s: float
    log_odds: float
    windows: Windows
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class _Curves:
    """Phase correlation about a line: (W, P) in standard deviations of each window, P offsets of ``step_s``.

    Windows are cut at whole samples, so that offset 0 is ``missed`` (W,) steps before the line.
    """

    at_s: FloatArray
    values: Float32Array
    step_s: float
    missed: FloatArray

    @property
    def middle(self) -> int:
        return int(self.values.shape[1]) // 2


def match(a: Track, b: Track, candidate: Candidate) -> tuple[Match, ...]:
    """Follow a candidate.

    Parameters
    ----------
    a, b
        At the same rate.
    candidate
        Where to look.

    Returns
    -------
    tuple of Match
        The line along which the sounds agree best, then others nearby that could be the direct sound's where a
        wall's reflection is as loud; none where the overlap is too short.
    """
    curves = _phase_correlation(a, b, candidate)
    if curves is None:
        return ()
    clear = _clear(curves)
    slope = _slope(curves)
    # What the coarse search did not decide, the choice among all its lags, is left for the fine one.
    undecided = max(math.log((a.seconds + b.seconds) / PEAK_S) - candidate.log_likelihood, 0.0)
    found: list[Match] = []
    for offset, share in _peaks(curves, clear, slope):
        log_odds = _log_odds(curves, clear, offset, slope) - undecided
        one = _follow(curves, clear, candidate, offset, slope, log_odds, share)
        if all(abs(one.lag_s - other.lag_s) > _ALTERNATIVE_S / 2 for other in found):
            found.append(one)
    return tuple(found)


def _phase_correlation(a: Track, b: Track, candidate: Candidate) -> _Curves | None:
    from scipy import fft

    rate = a.rate_hz
    length = 2 * round(WINDOW_S * rate / 2)
    half_s = length / 2 / rate
    start = max(0.0, -candidate.lag_s + candidate.drift * candidate.at_s)
    middles = half_s + np.arange(math.ceil(start / half_s), len(a.samples) * 2 // length - 1) * half_s
    first_a = np.rint((middles - half_s) * rate).astype(np.int64)
    exact = (middles + candidate.lag_s + candidate.drift * (middles - candidate.at_s) - half_s) * rate
    first_b = np.rint(exact).astype(np.int64)
    inside = (first_b >= 0) & (first_b + length <= len(b.samples)) & (first_a + length <= len(a.samples))
    middles, first_a, first_b, exact = middles[inside], first_a[inside], first_b[inside], exact[inside]
    if len(middles) * half_s < LEAST_OVERLAP_S:
        return None
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    low = math.ceil(_BAND_HZ[0] * length / rate)
    high = math.floor(min(_BAND_HZ[1], _BAND_OF_NYQUIST * rate / 2) * length / rate)
    # Sounds of a low rate are read between their samples.
    finer = math.ceil(WORK_HZ / rate)
    reach = round(REACH_S * rate * finer)
    framed_a = np.lib.stride_tricks.sliding_window_view(a.samples, length)
    framed_b = np.lib.stride_tricks.sliding_window_view(b.samples, length)
    values = np.empty((len(middles), 2 * reach + 1), dtype=np.float32)
    for first in range(0, len(middles), _BLOCK):
        block = slice(first, first + _BLOCK)
        one = fft.rfft(framed_a[first_a[block]] * window, axis=1)[:, low:high]
        two = fft.rfft(framed_b[first_b[block]] * window, axis=1)[:, low:high]
        across = two * np.conj(one)
        size = np.abs(across)
        spectrum = np.zeros((len(across), length // 2 + 1), dtype=np.complex64)
        np.divide(across, size, out=spectrum[:, low:high], where=size > 0)
        curve = fft.irfft(spectrum, finer * length, axis=1)
        values[block, reach:] = curve[:, : reach + 1]
        values[block, :reach] = curve[:, -reach:]
    values -= values.mean(axis=1, keepdims=True)
    spread = values.std(axis=1, keepdims=True)
    np.divide(values, spread, out=values, where=spread > 0)
    return _Curves(middles, values, 1 / (finer * rate), finer * (exact - first_b))


def _clear(curves: _Curves) -> Float32Array:
    """(W, P) curves, each the heavier the clearer its peak.

    Where the sound sets in, it comes straight from the source; later the room answers. Windows with an onset are clear.
    """
    capped = np.minimum(curves.values, _MOST_SIGMAS)
    clarity = np.maximum(capped.max(axis=1, keepdims=True) - _CHANCE_SIGMAS, _LEAST_CLARITY)
    return np.asarray(capped * clarity, dtype=np.float32)


def _slope(curves: _Curves) -> float:
    """Slope (s per s) of the lines along which the curves add up to the sharpest peaks.

    The direct sound and all reflections drift alike: the slope at which the stack's fourth power is largest has more to
    go by than a single line.
    """
    capped = np.clip(curves.values, -_SLOPE_SIGMAS, _SLOPE_SIGMAS)
    # The stack moves in whole samples: a peak must be wide enough to bear half of one.
    capped[:, 1:-1] = 0.5 * capped[:, 1:-1] + 0.25 * (capped[:, :-2] + capped[:, 2:])
    stack = capped[:, None, :]
    length = 1
    width = capped.shape[1]
    hop_s = float(curves.at_s[1] - curves.at_s[0])
    per_window = min(1.0, MOST_DRIFT * hop_s / curves.step_s)
    while stack.shape[0] > 1:
        if stack.shape[0] % 2:
            stack = np.concatenate([stack, np.zeros((1, *stack.shape[1:]), dtype=np.float32)])
        left, right = stack[::2], stack[1::2]
        inner = stack.shape[1] // 2
        length *= 2
        most = min(math.ceil(per_window * (length - 1)), 2 * inner + 1, width // 2)
        joined = np.zeros((left.shape[0], 2 * most + 1, width), dtype=np.float32)
        for fall in range(-most, most + 1):
            # A line that moves by ``fall`` over the pair moves by half of it in each, and by the rest in between.
            half = int(np.clip(fall // 2, -inner, inner))
            between = fall - half
            row = joined[:, fall + most]
            row += left[:, half + inner]
            if between >= 0:
                row[:, : width - between] += right[:, half + inner, between:]
            else:
                row[:, -between:] += right[:, half + inner, :between]
        stack = joined
    focus = np.square(np.square(np.maximum(stack[0], 0.0))).sum(axis=1)
    fall = int(np.argmax(focus)) - stack.shape[1] // 2
    return float(fall * curves.step_s / (max(length - 1, 1) * hop_s))


def _peaks(curves: _Curves, clear: Float32Array, slope: float) -> list[tuple[float, float]]:
    """Offsets (s, at the middle of the windows) at which the curves add up most, and the sums as shares of the best."""
    from scipy.ndimage import maximum_filter1d

    reach = curves.middle
    places = np.rint(_on_line(curves, 0.0, slope)).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    inside = (places >= 0) & (places < clear.shape[1])
    # Playing and clapping are not at one place, and the player moves.
    moved = round(_MOVED_S / curves.step_s)
    wide = maximum_filter1d(clear, 2 * moved + 1, axis=1)
    places = np.clip(places, 0, clear.shape[1] - 1)
    sharp, heights = (
        np.where(inside, np.take_along_axis(each, places, axis=1), 0).sum(axis=0) for each in (clear, wide)
    )
    tops = 1 + np.flatnonzero((heights[1:-1] >= heights[:-2]) & (heights[1:-1] > heights[2:]))
    tops = tops[np.argsort(-heights[tops], kind="stable")]
    found: list[tuple[float, float]] = []
    for top in tops.tolist():
        share = float(heights[top] / heights[tops[0]])
        if heights[top] <= 0 or share < _ALTERNATIVE_SHARE or len(found) > _MOST_ALTERNATIVES:
            break
        first = max(top - moved, 0)
        offset = (first + int(np.argmax(sharp[first : top + moved + 1])) - reach) * curves.step_s
        if all(abs(offset - other) > _ALTERNATIVE_S for other, _ in found):
            found.append((offset, share))
    return found


def _on_line(curves: _Curves, offset: float, slope: float) -> FloatArray:
    """(W,) places of a line among the offsets."""
    middle_s = (curves.at_s[0] + curves.at_s[-1]) / 2
    return np.asarray((offset + slope * (curves.at_s - middle_s)) / curves.step_s + curves.middle + curves.missed)


def _log_odds(curves: _Curves, clear: Float32Array, offset: float, slope: float) -> float:
    """Log odds of a line against none, the choice among all lines about the candidate in it.

    Each group of windows says by what chance its height on the line stands above its heights elsewhere. Where there is
    no relation that chance p is uniform, whatever the sound is. Where there is one, some share of the groups, which is
    fitted, has chances that are anywhere between the rarest and 1 on a logarithmic scale, and the others are uniform.
    """
    near = max(1, round(_NEAR_S / curves.step_s))
    reach = curves.middle
    places = np.rint(_on_line(curves, offset, slope)).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    # Round the ends: what leaves the curve on one side comes in on the other, as good as any other noise.
    values = np.take_along_axis(clear, places % clear.shape[1], axis=1)
    values = values[np.ptp(values, axis=1) > 0]
    count = len(values) // _GROUP
    if count == 0:
        return -math.inf
    grouped = values[: count * _GROUP].reshape(count, _GROUP, -1).sum(axis=1)
    chance = _log_chances(grouped, near, round(_FAR_S / curves.step_s))
    gain = np.exp(-chance) / -_RAREST
    fitted = float(np.log1p(_COHERENT[:, None] * (gain - 1)).sum(axis=1).max())
    # Lines that were tried: all offsets, and drifts that differ by a peak's width at the ends.
    peak_s = (2 * near + 1) * curves.step_s
    seconds = float(curves.at_s[-1] - curves.at_s[0])
    lines = 2 * REACH_S / peak_s * (1 + MOST_DRIFT * seconds / peak_s)
    return _INDEPENDENT * fitted - math.log(lines)


def _log_chances(curves: NDArray[np.floating], near: int, far: int) -> FloatArray:
    """(G,) logarithm of the chance that (G, P) curves are as high further than ``far`` from their middles as there."""
    middle = curves.shape[1] // 2
    pool = 2 * near + 1
    own = curves[:, middle - near : middle + near + 1].max(axis=1)
    count = (middle - far) // pool
    sides = (curves[:, : count * pool], curves[:, -count * pool :])
    elsewhere = np.concatenate([side.reshape(len(curves), count, pool).max(axis=2) for side in sides], axis=1)
    elsewhere.sort(axis=1)
    high = elsewhere.shape[1] // _TAIL_SHARE
    start = elsewhere[:, -high - 1]
    # Beyond the start of the tail heights fall off exponentially: slower than noise does, as those of music do.
    excess = (elsewhere[:, -high:] - start[:, None]).mean(axis=1)
    rank = (1.0 + (elsewhere >= own[:, None]).sum(axis=1)) / (1.0 + elsewhere.shape[1])
    tail = math.log(high / elsewhere.shape[1]) - (own - start) / np.maximum(excess, 1e-12)
    chance = np.where(own > start, np.minimum(tail, 0.0), np.log(rank))
    return np.asarray(np.maximum(chance, _RAREST), dtype=np.float64)


def _follow(
    curves: _Curves,
    clear: Float32Array,
    candidate: Candidate,
    offset: float,
    slope: float,
    log_odds: float,
    share: float,
) -> Match:
    """Follow a line in groups of windows: each group's own peak beside it, and a robust line through those."""
    from scipy.ndimage import map_coordinates

    reach = round(_FOLLOW_S / curves.step_s) * _FINE
    places = _on_line(curves, offset, slope)[:, None] + np.arange(-reach, reach + 1) / _FINE
    rows = np.broadcast_to(np.arange(len(places))[:, None], places.shape)
    near = map_coordinates(clear, [rows, places], order=3, mode="constant")
    noise = clear.std(axis=1)
    seconds = float(curves.at_s[-1] - curves.at_s[0])
    hop_s = float(curves.at_s[1] - curves.at_s[0])
    size = max(round(max(_GROUP_S, seconds / _MOST_GROUPS) / hop_s), 1)
    groups = max(len(near) // size, 1)
    bounds = np.linspace(0, len(near), groups + 1).round().astype(int)
    parts = [slice(i, j) for i, j in pairwise(bounds.tolist())]
    at = np.array([curves.at_s[part].mean() for part in parts])
    summed = np.stack([near[part].sum(axis=0) for part in parts])
    spread_of = np.array([math.sqrt(np.square(noise[part]).sum()) for part in parts])
    heard = summed.max(axis=1) > _LEAST_GROUP_SIGMAS * np.maximum(spread_of, 1e-9)
    local = np.where(heard, np.array([_peak(curve) for curve in summed]) * curves.step_s / _FINE, np.nan)
    whole = _peak(near.sum(axis=0)) * curves.step_s / _FINE
    middle_s = float(curves.at_s[0] + curves.at_s[-1]) / 2
    centre, tilt, sigma, spread = _robust_line(at[heard] - middle_s, local[heard], whole)

    def lag_at(times_s: FloatArray | float) -> FloatArray | float:
        coarse = candidate.lag_s + candidate.drift * (times_s - candidate.at_s)
        return coarse + offset + slope * (times_s - middle_s)

    kept = heard & (np.abs(local - centre - tilt * (at - middle_s)) < 4 * spread)
    windows = Windows(at, np.where(kept, lag_at(at) + local, np.nan), np.full(len(at), spread))
    return Match(
        float(lag_at(middle_s)) + centre, candidate.drift + slope + tilt, middle_s, sigma, log_odds, windows, share
    )


def _peak(curve: FloatArray) -> float:
    """Place of the highest value, in steps from the middle, between steps by a parabola."""
    top = int(np.clip(np.argmax(curve), 1, len(curve) - 2))
    before, at, after = (float(curve[top + k]) for k in (-1, 0, 1))
    bend = 2 * at - before - after
    return top - len(curve) // 2 + (0.5 * (after - before) / bend if bend > 0 else 0.0)


def _robust_line(t: FloatArray, y: FloatArray, start: float) -> tuple[float, float, float, float]:
    """Offset at t = 0, slope, the offset's standard deviation, and the points' spread, by Tukey's biweight."""
    if len(y) == 0:
        return start, 0.0, _UNHEARD_SPREAD_S, _UNHEARD_SPREAD_S
    spread = max(1.4826 * float(np.median(np.abs(y - start))), _LEAST_SPREAD_S)
    offset, slope = start, 0.0
    weight = np.ones(len(y))
    for _ in range(10):
        residual = y - offset - slope * t
        weight = np.square(np.clip(1 - np.square(residual / (4.685 * spread)), 0, None))
        if weight.sum() < 1e-9:
            break
        mean = np.average(t, weights=weight)
        moment = float((weight * np.square(t - mean)).sum())
        level = float(np.average(y, weights=weight))
        slope = (
            float((weight * (t - mean) * (y - level)).sum()) / moment if moment > 0 and len(y) >= _LEAST_POINTS else 0.0
        )
        offset = level - slope * float(mean)
        spread = max(1.4826 * float(np.median(np.abs(y - offset - slope * t))), _LEAST_SPREAD_S)
    count = max(float(weight.sum()), 1.0)
    return offset, slope, spread / math.sqrt(count), spread
