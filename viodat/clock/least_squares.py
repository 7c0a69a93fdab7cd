"""All clocks of a trial at once, when it is known which hypotheses belong together: weighted least squares.

Unknown are, of each device, its offset (s), its drift (ppm) and the skew of its pictures against its sound (s), and of
each kind of evidence what it is wrong by in the whole trial. Every row is a lag that was seen: what the two streams'
clocks make of its time must differ by nothing. Weights are Student's t (Lange, Little and Taylor 1989), so that one
window that errs moves little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.observations import MOTION, Hypothesis, Observation, Stream

FloatArray = NDArray[np.float64]

DRIFT_SIGMA_PPM: Final = 55.0
"""Quartz clocks of phones and recorders are off by tens of ppm."""
SKEW_SIGMA_S: Final = 0.025
"""Sound and picture of a phone are skewed by tens of ms."""
_STUDENT: Final = 4.0
_ROUNDS: Final = 12
_TREND_SHARE: Final = 0.3
"""A kind of evidence that errs by so much may err by this share of it more at one end of a trial than at the other."""
_LEAST_EXTENT_S: Final = 5.0
_PPM: Final = 1e-6
_LEAST_SIGMA_S: Final = 2e-5


@dataclass(frozen=True)
class DevicePrior:
    """What is known of a device before a trial, from its other trials: drift in ppm and skew in s, with their sigma."""

    drift_ppm: float = 0.0
    drift_sigma_ppm: float = DRIFT_SIGMA_PPM
    skew_s: float = 0.0
    skew_sigma_s: float = SKEW_SIGMA_S


UNKNOWN: Final = DevicePrior(0.0, 5000.0, 0.0, 1.0)
"""Nothing is known: what a solution says then is what the trial alone says."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Clocks of D devices.

    Attributes
    ----------
    devices
        Their names.
    values
        (D, 3): offset in s, drift in ppm, skew in s.
    covariance
        (D, 3, 3) of each device's own.
    used
        Of each observation that took part: its share of belief, 0 to 1.
    rates
        True samples per second as a share of what the file states, of devices whose sound states a wrong rate.
    """

    devices: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    used: Mapping[int, float]
    rates: Mapping[str, float]

    def clock_s(self, stream: Stream, times_s: FloatArray | float) -> FloatArray:
        """Time on the common clock at times on a stream's clock."""
        offset, drift, skew = self.values[self.devices.index(stream.device)]
        shown = true_time_s(stream, np.asarray(times_s), self.rates) - (skew if stream.kind == "picture" else 0.0)
        return np.asarray(shown * (1 + drift * _PPM) + offset)


def true_time_s(stream: Stream, times_s: FloatArray | float, rates: Mapping[str, float]) -> FloatArray:
    """Time on a stream's clock with the error of a wrongly stated sample rate taken off."""
    return np.asarray(times_s) / (rates.get(stream.device, 1.0) if stream.kind == "sound" else 1.0)


@dataclass(frozen=True, eq=False)
class _Row:
    weights: dict[int, float]
    value: float
    sigma: float
    observation: int = -1


def solve(
    devices: Sequence[str],
    chosen: Sequence[tuple[int, Observation, Hypothesis]],
    priors: Mapping[str, DevicePrior],
    *,
    with_skew: Mapping[str, bool],
    rates: Mapping[str, float] | None = None,
    held: str = "",
) -> Solution:
    """Find the clocks that explain the chosen hypotheses best.

    Parameters
    ----------
    devices
        Names of the D devices; every stream of ``chosen`` is one of theirs, or the motion.
    chosen
        Index, observation and its hypothesis that is believed.
    priors
        By device; :class:`DevicePrior` where it is not among them.
    with_skew
        Whether a device has both sound and pictures; else its skew is 0.
    rates
        As in :class:`Solution`.
    held
        A device whose offset is set to 0: for devices whose place on the mocap clock is not known yet.
    """
    rates = rates or {}
    index = {name: 3 * k for k, name in enumerate(devices)}
    rows: list[_Row] = []
    for name in devices:
        prior = priors.get(name, DevicePrior())
        rows.append(_Row({index[name] + 1: 1.0}, prior.drift_ppm, prior.drift_sigma_ppm))
        skew = (prior.skew_s, prior.skew_sigma_s) if with_skew.get(name) else (0.0, 1e-9)
        rows.append(_Row({index[name] + 2: 1.0}, *skew))
    if held:
        rows.append(_Row({index[held]: 1.0}, 0.0, 1e-9))
    biases: dict[str, int] = {}
    for number, observation, hypothesis in chosen:
        if observation.common_sigma_s > 0:
            shared = _shared(observation)
            if shared not in biases:
                biases[shared] = 3 * len(devices) + 2 * len(biases)
                rows.append(_Row({biases[shared]: 1.0}, 0.0, 1.0))
                rows.append(_Row({biases[shared] + 1: 1.0}, 0.0, _TREND_SHARE))
        rows += _rows_of((number, observation, hypothesis), index, biases, rates)
    return _solved(devices, rows, 3 * len(devices) + 2 * len(biases), rates)


def _rows_of(
    chosen: tuple[int, Observation, Hypothesis],
    index: Mapping[str, int],
    biases: Mapping[str, int],
    rates: Mapping[str, float],
) -> list[_Row]:
    number, observation, hypothesis = chosen
    own = float(np.sqrt(max(hypothesis.sigma_s**2 - observation.common_sigma_s**2, _LEAST_SIGMA_S**2)))
    at, lags, sigmas = _spread_in_time(observation, hypothesis, own)
    shared = _shared(observation)
    rows = []
    middle, extent = float(at.mean()), max(float(np.ptp(at)), _LEAST_EXTENT_S)
    for t, lag, sigma in zip(at.tolist(), lags.tolist(), sigmas.tolist(), strict=True):
        weights: dict[int, float] = {}
        value = 0.0
        for stream, time, sign in ((observation.a, t, 1.0), (observation.b, t + lag, -1.0)):
            true = float(true_time_s(stream, time, rates))
            value -= sign * true
            if stream == MOTION:
                continue
            first = index[stream.device]
            weights[first] = weights.get(first, 0.0) + sign
            weights[first + 1] = weights.get(first + 1, 0.0) + sign * true * _PPM
            if stream.kind == "picture":
                weights[first + 2] = weights.get(first + 2, 0.0) - sign
        if shared in biases and observation.common_sigma_s > 0:
            # The unknown is in sigmas: one device may be less certain of the same than another.
            weights[biases[shared]] = observation.common_sigma_s
            weights[biases[shared] + 1] = observation.common_sigma_s * (t - middle) / extent
        rows.append(_Row(weights, value, sigma, number))
    return rows


def _shared(observation: Observation) -> str:
    """Name what errs alike: a kind of evidence against the motion in all devices; between two streams those two."""
    if observation.b == MOTION:
        return f"{observation.method} {observation.a.kind}"
    return f"{observation.method} {observation.a} {observation.b}"


def _spread_in_time(
    observation: Observation, hypothesis: Hypothesis, own: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the windows of the best hypothesis, weighing together as much as it does; else the hypothesis itself."""
    windows = observation.windows
    if windows is not None and hypothesis is observation.best:
        known = np.isfinite(windows.lag_s) & (windows.sigma_s > 0)
        if known.sum() >= 2:
            sigmas = windows.sigma_s[known]
            together = 1 / np.sqrt(np.square(1 / sigmas).sum())
            return windows.at_s[known], windows.lag_s[known], sigmas * max(own / together, 1.0)
    return np.array([observation.at_s]), np.array([hypothesis.lag_s]), np.array([own])


def _solved(devices: Sequence[str], rows: Sequence[_Row], size: int, rates: Mapping[str, float]) -> Solution:
    design = np.zeros((len(rows), size))
    for k, row in enumerate(rows):
        for column, weight in row.weights.items():
            design[k, column] = weight
    value = np.array([row.value for row in rows])
    sigma = np.array([row.sigma for row in rows])
    seen = np.array([row.observation for row in rows])
    belief = np.ones(len(rows))
    # Columns of a drift in ppm are a million times smaller than those of an offset.
    scale = np.ones(size)
    scale[1 : 3 * len(devices) : 3] = 1 / _PPM
    solution = np.zeros(size)
    for _ in range(_ROUNDS):
        weighted = (design * scale) * (np.sqrt(belief) / sigma)[:, None]
        solution = scale * np.linalg.lstsq(weighted, value * np.sqrt(belief) / sigma, rcond=None)[0]
        z = (value - design @ solution) / sigma
        belief = np.where(seen >= 0, np.minimum((_STUDENT + 1) / (_STUDENT + np.square(z)), 1.0), 1.0)
    weighted = (design * scale) * (np.sqrt(belief) / sigma)[:, None]
    normal = weighted.T @ weighted
    # Some rows are a thousand million times surer than others: each column is brought to its own size before inverting.
    size_of = np.sqrt(np.diagonal(normal))
    covariance = np.linalg.inv(normal / np.outer(size_of, size_of)) * np.outer(scale / size_of, scale / size_of)
    z = (value - design @ solution) / sigma
    of_data = seen >= 0
    freedom = max(int(of_data.sum()) - len(devices), 1)
    # Windows that scatter more than they say make everything less sure; never the other way round.
    excess = max(1.0, float((belief * np.square(z))[of_data].sum()) / freedom) if of_data.any() else 1.0
    count = len(devices)
    own = np.stack([covariance[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] for k in range(count)])
    used = {int(n): float(belief[seen == n].mean()) for n in np.unique(seen[of_data])}
    return Solution(tuple(devices), solution[: 3 * count].reshape(count, 3), own * min(excess, 9.0), used, rates)
