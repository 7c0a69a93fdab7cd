"""From the measured ends of a gap to the frames between them, in whatever coordinates a filler looks at the marker.

Both ways are linear in the measured samples beside the gap, so each is a matrix that depends on the gap's length only.
``line`` joins the last sample before and the first after by a straight line. ``curve`` is the cubic that has the
velocity at both ends too (Hermite). With one side only, at the start or end of a trial, the last measured value is
held: a velocity carried on would lead anywhere.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from viodat.capture.markers import FloatArray

Kind = Literal["line", "curve"]


def bridge(kind: Kind, length: int, before: int, after: int) -> FloatArray:
    """Weights of the measured samples beside a gap in each of its frames.

    Parameters
    ----------
    kind
        ``line`` or ``curve``.
    length
        Frames in the gap.
    before, after
        Measured samples on each side; one of them may be 0.

    Returns
    -------
    (length, before + after) array
        Rows sum to 1. Multiply by the samples, those before the gap first.
    """
    weights = np.zeros((length, before + after))
    if not (before and after):
        weights[:, before - 1 if before else 0] = 1.0
        return weights
    u = np.arange(1, length + 1) / (length + 1)
    rise = u if kind == "line" else u**2 * (3 - 2 * u)
    weights[:, before - 1] = 1 - rise
    weights[:, before] = rise
    if kind == "curve":
        secant = np.zeros(before + after)
        secant[before - 1], secant[before] = -1 / (length + 1), 1 / (length + 1)
        leaving, arriving = secant.copy(), secant.copy()
        if before > 1:
            leaving = np.concatenate([_slope(before), np.zeros(after)])
        if after > 1:
            arriving = np.concatenate([np.zeros(before), -_slope(after)[::-1]])
        weights += (length + 1) * (np.outer(u * (1 - u) ** 2, leaving) - np.outer(u**2 * (1 - u), arriving))
    return weights


def _slope(count: int) -> FloatArray:
    """(count,) weights that give the change per frame at the last of ``count`` samples, by a parabola from four on."""
    steps = np.arange(count) - (count - 1.0)
    powers = np.vander(steps, 3 if count >= 4 else 2, increasing=True)
    return np.asarray(np.linalg.pinv(powers)[1])
