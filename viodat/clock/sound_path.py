"""How two sounds' lag goes with time: where it leaves its straight line, and what each stretch of some seconds says.

A recorder's clock may change its pace, and its lag is then somewhere else by milliseconds after a minute. From the
stretch where the straight line fits best a broken line is followed both ways, through the places where something is
heard; each break has its price (dynamic programming over place and slope: Viterbi 1967). About it each stretch's own
peak is read, and judged by a robust line through its neighbours (Cleveland 1979, "Robust locally weighted regression
and smoothing scatterplots", JASA 74, 829-836). What is shorter than :data:`LEAST_SPAN_S` is taken to be straight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.piecewise import LEAST_SPAN_S
from viodat.clock.sound_curves import CHANCE_SIGMAS, NEAR_S, REACH_S, Curves
from viodat.clock.sound_track import Float32Array

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MOST_CHANGE: Final = 150e-6
"""By how much the drift may differ from that of the straight line."""
_FINEST_CHANGE: Final = 8e-6
"""Steps of the drift: off by half of it, a path is near for a minute."""
_BREAK: Final = 4.0
"""What a break costs: so many stretches must be heard better after it."""
_ANCHOR_SHARE: Final = 4
"""Where one in so many of the stretches, together, are heard best on the straight line, the path begins."""
_FOLLOW_S: Final = 0.001_0
_STRETCH_S: Final = 2.0
_MOST_STRETCHES: Final = 200
_HEARD_SIGMAS: Final = 6.0
"""Height of a stretch's peak from which on its place counts."""
_FINE: Final = 4
"""Places per step at which curves are read about a path."""
_LEAST_NEIGHBOURS: Final = 4
"""Either side."""
_KEPT_SPREADS: Final = 4.0
_KEPT_S: Final = 5e-5
"""What errs by no more is kept, however exact the others are."""
_LEAST_POINTS: Final = 4
"""With fewer stretches the slope of the path stands."""
_LEAST_SPREAD_S: Final = 5e-6
_UNHEARD_SPREAD_S: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Followed:
    """What is heard along a path.

    Attributes
    ----------
    offset_s
        By how much what is heard about the middle of the overlap is later than the path.
    slope
        Of the robust line through what all stretches say beyond the path.
    sigma_s
        Standard deviation of ``offset_s``.
    at_s, beyond_s
        (S,) middle of each stretch on a's clock, and by how much it is later than the path; NaN where it says nothing.
    spread_s
        Standard deviation of ``beyond_s``.
    """

    offset_s: float
    slope: float
    sigma_s: float
    at_s: FloatArray
    beyond_s: FloatArray
    spread_s: float


def bend_of(curves: Curves, clear: Float32Array, offset: float, slope: float) -> FloatArray:
    """(W,) s by which the lag leaves a straight line at each window.

    Parameters
    ----------
    curves, clear
        As they are, and weighted by their clarity.
    offset, slope
        The line along which the curves add up most.
    """
    from scipy.ndimage import maximum_filter1d

    if curves.seconds < LEAST_SPAN_S:
        return np.zeros(len(curves.at_s))
    reach = round(min(_MOST_CHANGE * curves.seconds, REACH_S) / curves.step_s)
    places = np.rint(curves.on_line(offset, slope)).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    inside = (places >= 0) & (places < clear.shape[1])
    along = np.where(inside, np.take_along_axis(clear, np.clip(places, 0, clear.shape[1] - 1), axis=1), 0)
    parts = _stretches(curves)
    at = np.array([curves.at_s[part].mean() for part in parts])
    summed = np.stack([along[part].sum(axis=0) for part in parts])
    sigmas = maximum_filter1d(summed, 2 * round(NEAR_S / curves.step_s) + 1, axis=1) / _noise(clear, parts)[:, None]
    # A reflection may be twice as loud, and the feet of a high peak are no place to be.
    enough = np.maximum(sigmas.max(axis=1, keepdims=True) / 2, _HEARD_SIGMAS)
    heard = np.clip((sigmas - CHANCE_SIGMAS) / (enough - CHANCE_SIGMAS), 0, 1)
    # Drifts are whole steps from one stretch to the next: where the curves' own are too large they are divided.
    step_s = _FINEST_CHANGE * (curves.seconds / len(parts))
    finer = max(math.ceil(curves.step_s / step_s), 1)
    heard = np.repeat(heard.astype(np.float32), finer, axis=1)
    step_s = curves.step_s / finer
    most = round(_MOST_CHANGE * (curves.seconds / len(parts)) / step_s)
    many = np.convolve(heard[:, heard.shape[1] // 2], np.ones(max(len(parts) // _ANCHOR_SHARE, 1)), mode="same")
    anchor = int(np.argmax(many))
    path = np.concatenate([_path(heard[anchor::-1], most)[:0:-1], _path(heard[anchor:], most)]) * step_s
    # The first and the last windows are outside of the stretches' middles.
    at, path = (np.concatenate([[2 * x[0] - x[1]], x, [2 * x[-1] - x[-2]]]) for x in (at, path))
    return np.asarray(np.interp(curves.at_s, at, path))


def _path(heard: Float32Array, most: int) -> IntArray:
    """(S,) places from the middle, of the path through (S, P) that hears most; it begins in the middle, straight on.

    From one stretch to the next it moves by at most ``most`` places, and by as many as before unless it breaks.
    """
    count, width = heard.shape
    middle = width // 2
    best = np.full((2 * most + 1, width), -np.inf, dtype=np.float32)
    best[most, middle] = 0
    broken = np.zeros((count, *best.shape), dtype=bool)
    left = np.zeros((count, width), dtype=np.int64)
    for k in range(1, count):
        left[k] = best.argmax(axis=0)
        anew = best.max(axis=0) - _BREAK
        broken[k] = anew > best
        best = np.maximum(best, anew)
        for fall in range(-most, most + 1):
            row = best[fall + most]
            if fall > 0:
                row[fall:] = row[:-fall].copy()
                row[:fall] = -np.inf
            elif fall < 0:
                row[:fall] = row[-fall:].copy()
                row[fall:] = -np.inf
        best += heard[k]
    way, place = (int(each) for each in np.unravel_index(np.argmax(best), best.shape))
    path = [place]
    for k in range(count - 1, 0, -1):
        place -= way - most
        way = int(left[k, place]) if broken[k, way, place] else way
        path.append(place)
    return np.asarray(path[::-1], dtype=np.int64) - np.int64(middle)


def follow(curves: Curves, clear: Float32Array, places: FloatArray) -> Followed:
    """Read each stretch's own peak beside (W,) places of a path, and judge it by its neighbours."""
    from scipy.ndimage import map_coordinates

    reach = round(_FOLLOW_S / curves.step_s) * _FINE
    beside = places[:, None] + np.arange(-reach, reach + 1) / _FINE
    rows = np.broadcast_to(np.arange(len(beside))[:, None], beside.shape)
    near = map_coordinates(clear, [rows, beside], order=3, mode="constant")
    parts = _stretches(curves)
    at = np.array([curves.at_s[part].mean() for part in parts])
    summed = np.stack([near[part].sum(axis=0) for part in parts])
    (heard,) = np.nonzero(summed.max(axis=1) > _HEARD_SIGMAS * _noise(clear, parts))
    to_s = curves.step_s / _FINE
    t, y = at[heard], np.array([_peak(summed[k]) for k in heard]) * to_s
    offset, slope, sigma, spread = _robust_line(t - curves.middle_s, y, _peak(near.sum(axis=0)) * to_s)
    expected = straight = offset + slope * (t - curves.middle_s)
    half = max(math.ceil(LEAST_SPAN_S / 2 * len(parts) / max(curves.seconds, 1e-9)), _LEAST_NEIGHBOURS)
    if len(t) > 2 * half + 1:

        def about(time_s: float) -> tuple[float, float]:
            first = int(np.clip(np.searchsorted(t, time_s) - half, 0, len(t) - 2 * half - 1))
            by = slice(first, first + 2 * half + 1)
            there, _, sigma, _ = _robust_line(t[by] - time_s, y[by], _peak(summed[heard[by]].sum(axis=0)) * to_s)
            return there, sigma

        expected = np.array([about(time)[0] for time in t.tolist()])
        spread = max(1.4826 * float(np.median(np.abs(y - expected))), _LEAST_SPREAD_S)
        offset, sigma = about(curves.middle_s)
    # Neighbours may all hear the same reflection, but what is on the path is never far from it.
    kept = (np.abs(y - expected) < max(_KEPT_SPREADS * spread, _KEPT_S)) & (np.abs(expected - straight) < 2 * NEAR_S)
    beyond = np.full(len(at), np.nan)
    beyond[heard[kept]] = y[kept]
    return Followed(offset, slope, sigma, at, beyond, spread)


def _stretches(curves: Curves) -> list[slice]:
    size = max(round(max(_STRETCH_S, curves.seconds / _MOST_STRETCHES) / curves.hop_s), 1)
    count = max(len(curves.at_s) // size, 1)
    bounds = np.linspace(0, len(curves.at_s), count + 1).round().astype(int)
    return [slice(i, j) for i, j in pairwise(bounds.tolist())]


def _noise(clear: Float32Array, parts: list[slice]) -> FloatArray:
    """(S,) standard deviation of the sum of each stretch's curves."""
    own = clear.std(axis=1)
    return np.maximum([math.sqrt(np.square(own[part]).sum()) for part in parts], 1e-9)


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
