"""By how much one recording of a sound is later than another: the best line through windows, and a path about it.

A lag is the time on b's clock minus that on a's of the same event, s. The windows' curves are added along every line of
offset and drift (the fast slant stack of Götz & Druckmüller 1996, "A fast digital Radon transform", Pattern Recognition
29, 711-718: its cost grows as the length times its logarithm), and followed from the best line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.observations import Windows
from viodat.clock.sound_coarse import MOST_DRIFT, PEAK_S, Candidate
from viodat.clock.sound_curves import NEAR_S, REACH_S, Curves, phase_correlation
from viodat.clock.sound_path import bend_of, follow
from viodat.clock.sound_track import Float32Array, Track

FloatArray = NDArray[np.float64]

_SLOPE_SIGMAS = 6.0
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
    curves = phase_correlation(a, b, candidate)
    if curves is None:
        return ()
    clear = curves.clear()
    slope = _slope(curves)
    # What the coarse search did not decide, the choice among all its lags, is left for the fine one.
    undecided = max(math.log((a.seconds + b.seconds) / PEAK_S) - candidate.log_likelihood, 0.0)
    peaks = _peaks(curves, clear, slope)
    # The direct sound and all reflections drift alike: one bend is that of all lines.
    bend = bend_of(curves, clear, peaks[0][0], slope) if peaks else np.zeros(len(curves.at_s))
    found: list[Match] = []
    for offset, share in peaks:
        log_odds = _log_odds(curves, clear, offset, slope) - undecided
        one = _followed(curves, clear, candidate, offset, slope, bend, log_odds, share)
        if all(abs(one.lag_s - other.lag_s) > _ALTERNATIVE_S / 2 for other in found):
            found.append(one)
    return tuple(found)


def _slope(curves: Curves) -> float:
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
    hop_s = curves.hop_s
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


def _peaks(curves: Curves, clear: Float32Array, slope: float) -> list[tuple[float, float]]:
    """Offsets (s, at the middle of the windows) at which the curves add up most, and the sums as shares of the best."""
    from scipy.ndimage import maximum_filter1d

    reach = curves.middle
    places = np.rint(curves.on_line(0.0, slope)).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
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


def _log_odds(curves: Curves, clear: Float32Array, offset: float, slope: float) -> float:
    """Log odds of a line against none, the choice among all lines about the candidate in it.

    Each group of windows says by what chance its height on the line stands above its heights elsewhere. Where there is
    no relation that chance p is uniform, whatever the sound is. Where there is one, some share of the groups, which is
    fitted, has chances that are anywhere between the rarest and 1 on a logarithmic scale, and the others are uniform.
    """
    near = max(1, round(NEAR_S / curves.step_s))
    reach = curves.middle
    places = np.rint(curves.on_line(offset, slope)).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
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
    lines = 2 * REACH_S / peak_s * (1 + MOST_DRIFT * curves.seconds / peak_s)
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


def _followed(
    curves: Curves,
    clear: Float32Array,
    candidate: Candidate,
    offset: float,
    slope: float,
    bend: FloatArray,
    log_odds: float,
    share: float,
) -> Match:
    """Follow a line with a bend."""
    middle_s = curves.middle_s
    heard = follow(curves, clear, curves.on_line(offset, slope) + bend / curves.step_s)

    def lag_at(times_s: FloatArray) -> FloatArray:
        coarse = candidate.lag_s + candidate.drift * (times_s - candidate.at_s)
        return coarse + offset + slope * (times_s - middle_s) + np.interp(times_s, curves.at_s, bend)

    windows = Windows(heard.at_s, lag_at(heard.at_s) + heard.beyond_s, np.full(len(heard.at_s), heard.spread_s))
    drift = candidate.drift + slope + heard.slope + float(np.polyfit(curves.at_s - middle_s, bend, 1)[0])
    lag_s = float(lag_at(np.array(middle_s))) + heard.offset_s
    return Match(lag_s, drift, middle_s, heard.sigma_s, log_odds, windows, share)
