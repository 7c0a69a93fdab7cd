"""From a curve of log likelihood over the lag to hypotheses: its peaks, how wide they are, and how much they weigh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viodat.clock.observations import Hypothesis

FloatArray = NDArray[np.float64]

_LEAST_SHARE = 1e-4
_LEAST_HEIGHT = 0.01


def correlation_log_likelihood(correlation: FloatArray, samples: FloatArray | float) -> FloatArray:
    """Log likelihood of a linear relation against none, from a correlation of so many independent samples.

    ``-n / 2 log(1 - r²)``: the profile likelihood of a straight line with Gaussian errors, its slope and variance free.
    Only r > 0 counts: a relation of the wrong sign is none.

    Parameters
    ----------
    correlation
        (..., L) in [-1, 1]; NaN says nothing (0).
    samples
        Effective number of independent samples, to broadcast against it.
    """
    r = np.clip(np.nan_to_num(correlation), 0.0, 1 - 1e-9)
    return np.asarray(-0.5 * np.asarray(samples) * np.log1p(-np.square(r)))


def hypotheses_of(
    lag_s: FloatArray,
    log_likelihood: FloatArray,
    *,
    common_sigma_s: float = 0.0,
    most: int = 12,
    cost: float = 0.0,
) -> tuple[Hypothesis, ...]:
    """Give the peaks of a curve.

    Parameters
    ----------
    lag_s
        (L,) s, evenly spaced, fine enough that a peak covers several.
    log_likelihood
        (L,) against no relation.
    common_sigma_s
        Added to the peaks' own width in quadrature.
    most
        How many to give at most.
    cost
        Taken off every hypothesis: what the free parameters of the relation cost against none.

    Returns
    -------
    tuple of Hypothesis
        Best first. A hypothesis' odds are its peak's area over the range of all lags that were tried, so that each of
        them counts as equally likely beforehand.
    """
    if len(lag_s) < 3:
        return ()
    step = float(lag_s[1] - lag_s[0])
    inside = log_likelihood[1:-1]
    tops = 1 + np.flatnonzero((inside >= log_likelihood[:-2]) & (inside > log_likelihood[2:]))
    tops = tops[np.argsort(-log_likelihood[tops], kind="stable")]
    found: list[Hypothesis] = []
    best = float(log_likelihood[tops[0]]) if len(tops) else 0.0
    span = float(lag_s[-1] - lag_s[0]) + step
    for top in tops[: 4 * most].tolist():
        height = float(log_likelihood[top])
        if height < best + np.log(_LEAST_SHARE) or height <= _LEAST_HEIGHT or len(found) >= most:
            break
        before, after = float(log_likelihood[top - 1]), float(log_likelihood[top + 1])
        bend = 2 * height - before - after
        if bend <= 0:
            continue
        place = float(np.clip(0.5 * (after - before) / bend, -0.5, 0.5))
        # However flat a peak is, it is no wider than all lags together.
        own = min(step / float(np.sqrt(bend)), span / float(np.sqrt(2 * np.pi)))
        at = float(lag_s[top]) + place * step
        if any(abs(at - other.lag_s) < 2 * own for other in found):
            continue
        area = height + 0.5 * bend * place**2 + np.log(np.sqrt(2 * np.pi) * own / span)
        found.append(Hypothesis(at, float(np.hypot(own, common_sigma_s)), area - cost))
    return tuple(sorted(found, key=lambda one: -one.log_odds))
