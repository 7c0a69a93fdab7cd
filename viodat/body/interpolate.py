"""Joint positions between the motion-capture frames: at the real time of a video frame, or on a model's grid.

Four-point (cubic) Lagrange interpolation on the uniform mocap grid. On a 10 mm, 6 Hz vibrato sampled at 100 Hz its
error is at most 0.005 mm, that of a straight line 0.18 mm. Nothing is extrapolated, and a gap stays a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def at_times(values: ArrayLike, start_s: float, rate_hz: float, times_s: ArrayLike) -> NDArray[np.float64]:
    """Sample uniformly sampled values at other times.

    Parameters
    ----------
    values
        (F, ...) any unit, NaN where missing (an infinite value counts as missing); frame k is at
        ``start_s + k / rate_hz``.
    start_s, rate_hz
        Time of the first frame, s, and frames per second.
    times_s
        (T,) s, on the same clock; any order. NaN gives NaN. Other shapes are kept: one number gives the sample
        itself, without an axis of time.

    Returns
    -------
    (T, ...) array
        Cubic where the two frames before and the two after are there, linear where only the nearest two are,
        the frame itself where the time falls on it (to 1 ns), NaN elsewhere and outside the recording.
    """
    samples = np.asarray(values, dtype=np.float64)
    samples = np.where(np.isfinite(samples), samples, np.nan)
    frames = samples.shape[0]
    shape = np.shape(times_s)
    times = np.asarray(times_s, dtype=np.float64).reshape(-1)
    out = np.full((times.size, *samples.shape[1:]), np.nan)
    position = (times - start_s) * rate_hz
    tolerance = rate_hz * 1e-9
    inside = (position >= -tolerance) & (position <= frames - 1 + tolerance)
    if frames == 0 or not inside.any():
        return out.reshape(*shape, *samples.shape[1:])
    position = np.clip(position[inside], 0, frames - 1)
    before = np.minimum(position.astype(np.int64), max(frames - 2, 0))
    fraction = position - before
    expand = (slice(None),) + (None,) * (samples.ndim - 1)
    u = fraction[expand]
    p1 = samples[before]
    p2 = samples[np.minimum(before + 1, frames - 1)]
    linear = p1 + u * (p2 - p1)
    # A time that falls on a frame needs no neighbour: next to a gap the frame itself is still known.
    linear = np.where(np.abs(u) <= tolerance, p1, np.where(np.abs(u - 1) <= tolerance, p2, linear))
    p0 = samples[np.maximum(before - 1, 0)]
    p3 = samples[np.minimum(before + 2, frames - 1)]
    cubic = (
        -u * (u - 1) * (u - 2) / 6 * p0
        + (u + 1) * (u - 1) * (u - 2) / 2 * p1
        - (u + 1) * u * (u - 2) / 2 * p2
        + (u + 1) * u * (u - 1) / 6 * p3
    )
    at_edge = ((before < 1) | (before + 2 > frames - 1))[expand]
    out[inside] = np.where(at_edge | np.isnan(cubic), linear, cubic)
    return out.reshape(*shape, *samples.shape[1:])
