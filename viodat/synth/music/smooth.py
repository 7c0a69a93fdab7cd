"""Smooth building blocks of a human movement: steps, trapezia of speed, slow wander.

Every block is twice continuously differentiable. A move from rest to rest follows the minimum-jerk polynomial
(Flash and Hogan 1985, J Neurosci 5:1688), whose peak acceleration is 5.77 D/T² for a distance D in a time T.
Times are seconds.
"""

from __future__ import annotations

import numpy as np

from viodat.synth.vectors import FloatArray

MINIMUM_JERK_PEAK = 10 / np.sqrt(3)
"""Peak acceleration of a minimum-jerk move, in units of D/T²."""
STEEPEST = 15 / 8
"""Largest slope of :func:`minimum_jerk`."""
_SINES = 8


def minimum_jerk(x: FloatArray) -> FloatArray:
    """Rise from 0 at x ≤ 0 to 1 at x ≥ 1 with zero slope and curvature at both ends."""
    u = np.clip(x, 0.0, 1.0)
    return np.asarray(u**3 * (10 - 15 * u + 6 * u**2))


def staircase(times_s: FloatArray, first: float, steps: list[tuple[float, float, float]]) -> FloatArray:
    """Hold levels, with a minimum-jerk move from each to the next.

    Parameters
    ----------
    times_s
        (T,) s, ascending.
    first
        Level before the first step.
    steps
        (start_s, duration_s, level) of each move, in order of start; moves may overlap, they add up.
    """
    out = np.full(times_s.shape, first)
    held = first
    for start, duration, level in steps:
        begin, end = np.searchsorted(times_s, (start, start + duration))
        out[begin:end] += (level - held) * minimum_jerk((times_s[begin:end] - start) / duration)
        out[end:] += level - held
        held = level
    return out


def plateau(times_s: FloatArray, start_s: float, end_s: float, rise_s: float) -> FloatArray:
    """Rise from 0 to 1 in ``rise_s``, hold, and fall to 0 at ``end_s``; its integral is end − start − rise.

    ``rise_s`` is at most half the time there is.
    """
    return minimum_jerk((times_s - start_s) / rise_s) * minimum_jerk((end_s - times_s) / rise_s)


def wander(times_s: FloatArray, low_hz: float, high_hz: float, rng: np.random.Generator) -> FloatArray:
    """Noise of root mean square 1 and never beyond ±4: eight sines of random phase between two frequencies."""
    hz = rng.uniform(low_hz, high_hz, _SINES)
    phase = rng.uniform(0, 2 * np.pi, _SINES)
    out = np.zeros_like(times_s)
    for f, start in zip(hz, phase, strict=True):
        out += np.sin(2 * np.pi * f * times_s + start)
    return np.asarray(out * np.sqrt(2 / _SINES))
