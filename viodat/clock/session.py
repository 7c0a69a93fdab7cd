"""What a session's trials say together of its devices: each phone's skew of picture and sound, and each clock's drift.

Both hardly change from trial to trial, and one trial tells them badly. They are averaged over the trials with their
scatter between trials as an unknown (Paule and Mandel 1982, J. Res. Natl. Bur. Stand. 87, 377-385): for each trial over
those that were recorded around it, and without itself, so that nothing is used twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.estimate import Evidence, TrialClocks, solve_trial
from viodat.clock.least_squares import SKEW_SIGMA_S, UNKNOWN, DevicePrior

FloatArray = NDArray[np.float64]

SKEW_SCATTER_S: Final = 0.0005
SKEW_COMMON_S: Final = 0.002
"""What all trials of a phone may err by alike: where a detector sees a joint, how soon a violin speaks."""
DRIFT_SCATTER_PPM: Final = 1.5
"""A quartz in a warmer pocket."""
_DRIFT_COMMON: Final = 0.25
"""Share of a trial's uncertainty of the drift that other trials have alike: how bows behave at a trial's two ends."""
NEIGHBOURS: Final = 12
"""Trials of a device whose skew and drift count for another trial: twelve leave less unknown than they err by alike."""
_ROUNDS: Final = 40
_FAR: Final = 3.0
_FEW: Final = 3
"""Fewer trials do not tell how much they scatter."""


def solve_session(trials: Mapping[str, Evidence]) -> dict[str, TrialClocks]:
    """Estimate the clocks of all trials of a session.

    Parameters
    ----------
    trials
        Evidence by trial; a device of the same name is the same device in all of them.

    Returns
    -------
    dict
        Trial -> its clocks, solved with what the other trials say of each device's skew and drift.
    """
    alone = {name: solve_trial(evidence).alone for name, evidence in trials.items()}
    return {name: solve_trial(evidence, neighbours_priors(alone, name)) for name, evidence in trials.items()}


def neighbours_priors(alone: Mapping[str, Mapping[str, DevicePrior]], trial: str) -> dict[str, DevicePrior]:
    """Give what the trials recorded around one say of each device's skew and drift.

    A phone's drift follows its temperature, so trials recorded near one another say most of each other. Those far away
    would add little: what all trials of a phone err by alike does not average out.

    Parameters
    ----------
    alone
        Trial, in the order of recording -> device -> drift and skew as that trial alone has them.
    trial
        Whose neighbours are asked; it is not counted itself.
    """
    told: dict[str, list[tuple[int, DevicePrior]]] = {}
    here = list(alone).index(trial)
    for place, (name, devices) in enumerate(alone.items()):
        if name != trial:
            for device, row in devices.items():
                told.setdefault(device, []).append((place, row))
    nearest = {
        device: [row for _, row in sorted(sorted(rows, key=lambda one: abs(one[0] - here))[:NEIGHBOURS], key=_place)]
        for device, rows in told.items()
    }
    return _priors(nearest)


def _place(told: tuple[int, DevicePrior]) -> int:
    return told[0]


def session_priors(solved: Mapping[str, TrialClocks]) -> dict[str, DevicePrior]:
    """Pool skew and drift by device over all trials, each solved alone."""
    told: dict[str, list[DevicePrior]] = {}
    for clocks in solved.values():
        for device, alone in clocks.alone.items():
            told.setdefault(device, []).append(alone)
    return _priors(told)


def _priors(told: Mapping[str, Sequence[DevicePrior]]) -> dict[str, DevicePrior]:
    priors = {}
    for device, rows in told.items():
        drift = np.array([(row.drift_ppm, row.drift_sigma_ppm) for row in rows]).T
        skew = np.array([(row.skew_s, row.skew_sigma_s) for row in rows]).T
        mean, sigma = _pooled(
            drift, UNKNOWN.drift_sigma_ppm, DRIFT_SCATTER_PPM, _DRIFT_COMMON * float(np.median(drift[1]))
        )
        # What one trial got wrong of the drift it got wrong of all devices that it ties.
        common = float(np.sqrt(max(sigma**2 - DRIFT_SCATTER_PPM**2, 0.0)))
        priors[device] = DevicePrior(
            mean, sigma, *_pooled(skew, SKEW_SIGMA_S, SKEW_SCATTER_S, SKEW_COMMON_S), drift_common_ppm=common
        )
    return priors


def _pooled(told: FloatArray, prior: float, scatter: float, common: float) -> tuple[float, float]:
    """Mean and standard deviation of what a further trial has, from (2, N) values and sigmas and one prior about 0."""
    own, sigma = told
    # A trial that errs altogether counts as one that errs by three times what is usual.
    middle = _median(own, sigma)
    usual = np.maximum(1.48 * _median(np.abs(own - middle), sigma), sigma)
    own = np.clip(own, middle - _FAR * usual, middle + _FAR * usual)
    between = max(scatter**2, _between(own, sigma)) if len(own) > _FEW else scatter**2
    weight = 1 / (np.square(sigma) + between)
    mean = float((weight * own).sum() / weight.sum())
    told_by_trials = 1 / float(weight.sum()) + common**2
    # What the trials err by alike does not average out, so it is weighed against the prior once, with their mean.
    variance = 1 / (1 / told_by_trials + 1 / prior**2)
    return mean * variance / told_by_trials, float(min(np.sqrt(variance + between), prior))


def _median(values: FloatArray, sigma: FloatArray) -> float:
    """Median in which the many that hardly tell anything do not outvote the few that do."""
    order = np.argsort(values, kind="stable")
    counted = np.cumsum(1 / sigma[order])
    return float(values[order][np.searchsorted(counted, 0.5 * counted[-1])])


def _between(own: FloatArray, sigma: FloatArray) -> float:
    """Variance between trials with which their scatter is what it should be, by halving; 0 if they scatter less."""

    def excess(between: float) -> float:
        weight = 1 / (np.square(sigma) + between)
        return float((weight * np.square(own - (weight * own).sum() / weight.sum())).sum()) - (len(own) - 1)

    low, high = 0.0, float(np.var(own)) * 4 + 1e-18
    if excess(low) <= 0:
        return 0.0
    for _ in range(_ROUNDS):
        low, high = (0.5 * (low + high), high) if excess(0.5 * (low + high)) > 0 else (low, 0.5 * (low + high))
    return high
