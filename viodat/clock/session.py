"""What a session's trials say together of its devices: each phone's skew of picture and sound, and each clock's drift.

Both hardly change from trial to trial, and one trial tells them badly. They are averaged over the trials with their
scatter between trials as an unknown (DerSimonian and Laird 1986, Control. Clin. Trials 7, 177-188), leaving out the
trial that is to be solved with them, so that nothing is used twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.estimate import Evidence, TrialClocks, solve_trial
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, SKEW_SIGMA_S, DevicePrior

FloatArray = NDArray[np.float64]

SKEW_SCATTER_S: Final = 0.0005
SKEW_COMMON_S: Final = 0.002
"""What all trials of a phone may err by alike: where a detector sees a joint, how soon a violin speaks."""
DRIFT_SCATTER_PPM: Final = 1.5
"""A quartz in a warmer pocket."""
_DRIFT_COMMON: Final = 0.25
"""Share of a trial's uncertainty of the drift that other trials have alike: how bows behave at a trial's two ends."""
_ROUNDS: Final = 20
_STUDENT: Final = 4.0
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
    alone = {name: solve_trial(evidence) for name, evidence in trials.items()}
    return {name: solve_trial(evidence, session_priors(alone, leave_out=name)) for name, evidence in trials.items()}


def session_priors(solved: Mapping[str, TrialClocks], *, leave_out: str = "") -> dict[str, DevicePrior]:
    """Pool skew and drift by device over trials that were each solved alone.

    Parameters
    ----------
    solved
        By trial, solved without priors.
    leave_out
        A trial that is not counted.
    """
    told: dict[str, list[DevicePrior]] = {}
    for trial, clocks in solved.items():
        if trial != leave_out:
            for device, alone in clocks.alone.items():
                told.setdefault(device, []).append(alone)
    priors = {}
    for device, rows in told.items():
        drift = np.array([(row.drift_ppm, row.drift_sigma_ppm) for row in rows]).T
        skew = np.array([(row.skew_s, row.skew_sigma_s) for row in rows]).T
        priors[device] = DevicePrior(
            *_pooled(drift, DRIFT_SIGMA_PPM, DRIFT_SCATTER_PPM, _DRIFT_COMMON * float(np.median(drift[1]))),
            *_pooled(skew, SKEW_SIGMA_S, SKEW_SCATTER_S, SKEW_COMMON_S),
        )
    return priors


def _pooled(told: FloatArray, prior: float, scatter: float, common: float) -> tuple[float, float]:
    """Mean and standard deviation of what a further trial has, from (2, N) values and sigmas and one prior about 0."""
    own, sigma = told
    between = scatter**2
    belief = np.ones(len(own))
    mean = 0.0
    for _ in range(_ROUNDS):
        weight = belief / (np.square(sigma) + between)
        mean = float((weight * own).sum() / weight.sum())
        belief = np.minimum((_STUDENT + 1) / (_STUDENT + np.square(own - mean) / (np.square(sigma) + between)), 1.0)
        if len(own) > _FEW:
            excess = float((weight * np.square(own - mean)).sum()) - (len(own) - 1)
            room = float(weight.sum() - np.square(weight).sum() / weight.sum())
            between = max(scatter**2, between + excess / room)
    told_by_trials = 1 / float((belief / (np.square(sigma) + between)).sum()) + common**2
    # What the trials err by alike does not average out, so it is weighed against the prior once, with their mean.
    variance = 1 / (1 / told_by_trials + 1 / prior**2)
    return mean * variance / told_by_trials, float(min(np.sqrt(variance + between), prior))
