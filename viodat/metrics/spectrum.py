"""At which frequencies a prediction errs: jitter, and how well vibrato is kept.

A vibrato is some millimetres at 4 to 8 Hz: an error of that size hardly shows in a mean distance, but is all there is
of it. The error's course of each joint is cut into pieces of 2 s that overlap by half, each without its mean and under
a Hann window; the squared spectra are averaged (Welch 1967). Only pieces count whose frames all do.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from viodat.metrics.counted import FloatArray, Pair, checked_rate, pair
from viodat.metrics.metric import metric

PIECE_S: Final = 2.0
VIBRATO_HZ: Final = (4.0, 8.0)


def jitter_spectrum(
    pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None, *, rate_hz: float
) -> tuple[FloatArray, FloatArray]:
    """Give frequencies (K,) Hz and each joint's error density (J, K), mm²/Hz, summed over the three axes.

    Parameters
    ----------
    pred, target
        (..., T, J, 3) mm.
    valid
        (..., T, J) or (..., T) bool.
    rate_hz
        Of the frames.

    Returns
    -------
    frequencies, density
        One-sided. NaN for a joint of which no 2 s in a row count; its integral over all frequencies above 0 is the
        mean square of what the error varies within 2 s.

    Raises
    ------
    MetricError
        The rate is not a number above 0.
    """
    return _spectrum(pair(pred, target, valid), rate_hz)


def _spectrum(both: Pair, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    size = max(round(PIECE_S * checked_rate(rate_hz)), 2)
    errors = (both.pred - both.target).reshape(-1, *both.pred.shape[-3:])
    counts = both.valid.reshape(-1, *both.valid.shape[-2:])
    frequencies: FloatArray = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float64)
    joints = counts.shape[-1]
    total, pieces = np.zeros((joints, len(frequencies))), np.zeros(joints)
    # The window is one of the periodic kind, as spectra have it.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    for start in range(0, counts.shape[1] - size + 1, max(size // 2, 1)):
        whole = np.asarray(counts[:, start : start + size].all(axis=1))
        piece = errors[:, start : start + size]
        varying = (piece - piece.mean(axis=1, keepdims=True)) * window[:, None, None]
        power = np.square(np.abs(np.fft.rfft(varying, axis=1))).sum(axis=-1)
        total += np.where(whole[:, None], power, 0.0).sum(axis=0).T
        pieces += whole.sum(axis=0)
    density: FloatArray = total * 2 / (rate_hz * np.square(window).sum())
    density[:, 0] /= 2
    if size % 2 == 0:
        density[:, -1] /= 2
    counted = np.where(pieces > 0, pieces, np.nan)
    return frequencies, density / counted[:, None]


@metric(unit="mm", reference="viodat; Welch 1967 for the spectrum", per_second=True)
def vibrato_band_error(
    pred: ArrayLike,
    target: ArrayLike,
    valid: ArrayLike | None = None,
    *,
    rate_hz: float,
    band_hz: tuple[float, float] = VIBRATO_HZ,
) -> float:
    """Root mean square of the error's part from 4 to 8 Hz, where vibrato is: mean over joints, mm.

    Parameters as in :func:`jitter_spectrum`; joints of which no 2 s in a row count are left out. NaN where the rate is
    too low to hold the band.
    """
    both = pair(pred, target, valid)
    density_hz, density = _spectrum(both, rate_hz)
    within = (density_hz >= band_hz[0]) & (density_hz <= band_hz[1])
    if rate_hz < 2 * band_hz[1] or not within.any():
        return float("nan")
    of_joint = np.sqrt(density[:, within].sum(axis=1) * (density_hz[1] - density_hz[0]))
    if not np.isfinite(both.pred).all():
        return float("nan")
    found = of_joint[~np.isnan(of_joint)]
    return float(found.mean()) if len(found) else float("nan")
