"""Finding near-duplicate trials: every fingerprint held against every other, at every shift in time.

A first pass over all pairs takes Fourier transforms; the few pairs that may match are looked at sample by sample.
A match is found whatever the shift, if it lasts 8 s (sound: 15 s) and 40 % of the shorter fingerprint. What is shorter
is known as a copy only if it is the same number for number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.stats import theilslopes

from viodat.dataset.fingerprints import RATE_HZ, Fingerprint, Series

By = Literal["motion", "sound"]

SHORTEST_S: Final[Mapping[By, float]] = {"motion": 8.0, "sound": 15.0}
SHORTEST_SHARE: Final = 0.4
LEAST_CORRELATION: Final[Mapping[By, float]] = {"motion": 0.70, "sound": 0.72}
MOST_RESIDUAL_MM: Final = 2.5
MOST_SPREAD_MS: Final = 5.5
"""Of the times of a copied sound. Nobody plays a note twice at the same time: those of a second take differ by more."""

_COARSE: Final = 0.45
_COARSE_RESIDUAL_MM: Final = 15.0
"""A shift by half a row (20 ms) at the speed of a fast arm leaves less than this of a copy."""
_COARSE_LOSS: Final = 0.12
_SURROUNDINGS_S: Final = 1.5
_FLOOR: Final = 0.3
_BLOCK: Final = 64
_SHIFTS: Final = np.linspace(-0.6, 0.6, 13)
_WINDOW: Final = 50
_WINDOW_SHIFTS: Final = np.linspace(-4, 4, 17)
_LEAST_OF_WINDOW: Final = 0.4


@dataclass(frozen=True)
class NearDuplicate:
    """Two trials that hold the same performance.

    Attributes
    ----------
    a, b
        The trials, in the order of their ids.
    by
        What is the same.
    identical
        Whether all numbers are; then nothing else was measured.
    lag_s
        What happens at t in the fingerprint of ``b`` happens at t + lag in that of ``a``.
    overlap_s
        How long they are the same.
    correlation
        Of the two series there.
    residual_mm
        Root mean square difference there; None for sound.
    spread_ms
        By how much the shift varies from one stretch of 2 s to the next (1.48 times the median deviation); None for
        motion.
    """

    a: str
    b: str
    by: By
    identical: bool
    lag_s: float = 0.0
    overlap_s: float = 0.0
    correlation: float = 1.0
    residual_mm: float | None = None
    spread_ms: float | None = None

    def __str__(self) -> str:
        what = f"{self.a} and {self.b} have the same {self.by}"
        if self.identical:
            return f"{what}, number for number"
        apart = f"{self.residual_mm:.1f} mm" if self.residual_mm is not None else f"{self.spread_ms:.0f} ms"
        return f"{what} for {self.overlap_s:.0f} s (correlation {self.correlation:.2f}, {apart} apart)"


def comparable(fingerprint: Fingerprint, by: By) -> bool:
    """Tell whether a fingerprint is long enough to be found again in another."""
    return len(fingerprint.series) >= SHORTEST_S[by] * RATE_HZ and bool(np.any(fingerprint.series))


def near_duplicates(fingerprints: Mapping[str, Fingerprint], by: By) -> tuple[NearDuplicate, ...]:
    """Find all pairs of trials that hold the same performance.

    Parameters
    ----------
    fingerprints
        By trial, all of motion or all of sound.
    by
        Which of the two.
    """
    names = sorted(fingerprints)
    found = {
        (a, b): NearDuplicate(a, b, by, identical=True)
        for a, b in combinations(names, 2)
        if fingerprints[a].digest and fingerprints[a].digest == fingerprints[b].digest
    }
    long = [name for name in names if comparable(fingerprints[name], by)]
    series = [fingerprints[name].series for name in long]
    for i, j, lag in _candidates(series, round(SHORTEST_S[by] * RATE_HZ)):
        pair = long[i], long[j]
        if pair not in found and (match := _match(*pair, series[i], series[j], lag, by)):
            found[pair] = match
    return tuple(found[pair] for pair in sorted(found))


def _candidates(series: list[Series], least: int) -> Iterator[tuple[int, int, int]]:
    """Give pairs that may match, with the shift at which they do best: row k of the second is row k + lag of the first.

    The series are brought to the same level everywhere, so that the energy of any overlap is known from its length.
    """
    if len(series) < 2:
        return
    *_, second, longest = sorted(len(one) for one in series)
    size = next_fast_len(longest + second, real=True)
    spectra = np.stack([rfft(_even(one), size, axis=0).T for one in series])
    lengths = np.array([len(one) for one in series])
    lags = np.fft.fftfreq(size, 1 / size).astype(int)
    for i in range(len(series) - 1):
        for start in range(i + 1, len(series), _BLOCK):
            others = slice(start, start + _BLOCK)
            cross = irfft(np.einsum("cf,kcf->kf", spectra[i], spectra[others].conj()), size)
            overlap = np.minimum(lengths[i], lengths[others, None] + lags) - np.maximum(0, lags)
            shorter = np.minimum(lengths[i], lengths[others])
            enough = overlap >= np.maximum(least, np.ceil(SHORTEST_SHARE * shorter))[:, None]
            likeness = np.where(enough, cross / np.maximum(overlap, 1), 0)
            best = likeness.argmax(1)
            for k in np.flatnonzero(likeness[np.arange(len(best)), best] >= _COARSE):
                yield i, start + int(k), int(lags[best[k]])


def _even(series: Series) -> Series:
    """Give the series with a mean square of one, summed over its columns, wherever it is not quiet."""
    energy = (series**2).sum(1)
    around = gaussian_filter1d(energy, _SURROUNDINGS_S * RATE_HZ, mode="nearest") + _FLOOR**2 * energy.mean()
    return np.asarray(series / np.sqrt(around)[:, None], dtype=np.float32)


def _match(name_a: str, name_b: str, a: Series, b: Series, lag: int, by: By) -> NearDuplicate | None:
    """Look at one pair at one shift and its neighbours."""
    known = a.any(0) & b.any(0)
    first, second = a[:, known].astype(np.float64), b[:, known].astype(np.float64)
    correlation, residual = _compared(*_overlapping(first, second, lag))
    if correlation < LEAST_CORRELATION[by] - _COARSE_LOSS or (by == "motion" and residual > _COARSE_RESIDUAL_MM):
        return None
    between = CubicSpline(np.arange(len(a)), first)
    best, shift, rows = (0.0, np.inf), 0.0, 0
    for part in _SHIFTS:
        start, stop = max(0, int(np.ceil(-lag - part))), min(len(b), int(np.floor(len(a) - 1 - lag - part)) + 1)
        found = _compared(between(np.arange(start, stop) + lag + part), second[start:stop])
        if found[0] > best[0]:
            best, shift, rows = found, float(part), stop - start
    correlation, residual = best
    spread = _spread_ms(between, len(a), second, lag + shift) if by == "sound" else None
    too_different = residual > MOST_RESIDUAL_MM if spread is None else spread > MOST_SPREAD_MS
    if correlation < LEAST_CORRELATION[by] or too_different:
        return None
    return NearDuplicate(
        name_a,
        name_b,
        by,
        identical=False,
        lag_s=round((lag + shift) / RATE_HZ, 3),
        overlap_s=round(rows / RATE_HZ, 2),
        correlation=round(correlation, 3),
        residual_mm=round(residual, 2) if spread is None else None,
        spread_ms=None if spread is None else round(spread, 1),
    )


def _spread_ms(a: CubicSpline, rows_a: int, b: NDArray[np.float64], lag: float) -> float:
    """Give how much the shift varies from window to window; infinite where too few windows tell."""
    reach = _WINDOW_SHIFTS[-1]
    first, stop = max(0, int(np.ceil(reach - lag))), min(len(b), int(np.floor(rows_a - 1 - lag - reach)) + 1)
    count = max(0, stop - first) // _WINDOW
    rows = np.arange(first, first + count * _WINDOW)
    windows = b[rows].reshape(count, -1)
    energy = (windows**2).sum(1)
    likeness = np.zeros((len(_WINDOW_SHIFTS), count))
    for k, shift in enumerate(_WINDOW_SHIFTS):
        there = a(rows + lag + shift).reshape(count, -1)
        both = np.sqrt(energy * (there**2).sum(1))
        likeness[k] = np.divide((windows * there).sum(1), both, out=np.zeros(count), where=both > 0)
    best = likeness.argmax(0)
    told = (likeness.max(0, initial=0) >= _LEAST_OF_WINDOW) & (best > 0) & (best < len(_WINDOW_SHIFTS) - 1)
    if not count or told.sum() < count / 2:
        return np.inf
    best, at = best[told], np.flatnonzero(told)
    left, top, right = (likeness[best + step, at] for step in (-1, 0, 1))
    bend = left - 2 * top + right
    step = _WINDOW_SHIFTS[1] - _WINDOW_SHIFTS[0]
    shifts = _WINDOW_SHIFTS[best] + step * np.divide((left - right) / 2, bend, out=np.zeros(len(at)), where=bend < 0)
    # A clock that runs a little faster moves the shift along a line.
    slope, start, *_ = theilslopes(shifts, at)
    return float(1.4826 * np.median(np.abs(shifts - start - slope * at)) * 1000 / RATE_HZ)


def _overlapping(a: NDArray[np.float64], b: NDArray[np.float64], lag: int) -> tuple[NDArray[np.float64], ...]:
    start, stop = max(0, -lag), min(len(b), len(a) - lag)
    return a[start + lag : stop + lag], b[start:stop]


def _compared(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Give correlation and root mean square difference of two equally long series."""
    both = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / both if both > 0 else 0.0, float(np.sqrt(((a - b) ** 2).mean())) if a.size else np.inf
