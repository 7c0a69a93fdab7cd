"""Devices that are tied to each other without the motion: by one sound in two microphones, by two cameras' rays.

Ties are taken surest first. One that contradicts those before it is not taken, and told: one of its devices holds
another trial's recording, or its clock jumped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.clock.least_squares import DevicePrior, Solution, solve
from viodat.clock.observations import MOTION, Hypothesis, Observation

_SURE: Final = 3.0
"""Log odds from which two devices count as tied."""
_AGREES_SIGMAS, _AGREES_S = 5.0, 0.005

Chosen = tuple[int, Observation, Hypothesis]


@dataclass(frozen=True, eq=False)
class Group:
    """Devices on one clock: that of the first one.

    Attributes
    ----------
    clocks
        Their clocks against the first device's, whose offset is 0.
    ties
        What ties them.
    """

    clocks: Solution
    ties: tuple[Chosen, ...]

    @property
    def devices(self) -> tuple[str, ...]:
        """Names."""
        return self.clocks.devices


def tie(
    devices: Sequence[str],
    observations: Sequence[Observation],
    priors: Mapping[str, DevicePrior],
    with_skew: Mapping[str, bool],
) -> tuple[list[Group], list[str]]:
    """Put devices into groups.

    Returns
    -------
    groups, notes
        Every device is in one group, alone if nothing ties it; what contradicts itself.
    """
    rates = wrong_rates(observations)
    groups = {name: _alone(name, priors, with_skew, rates) for name in devices}
    notes: list[str] = []
    between = [
        (k, observation, observation.best)
        for k, observation in enumerate(observations)
        if observation.b != MOTION and observation.best is not None and observation.best.log_odds > _SURE
    ]
    # A microphone tells a hundred times more of time than a camera: sound first, each surest first.
    between.sort(key=lambda one: (one[1].a.kind != "sound", -one[2].log_odds))
    for number, observation, hypothesis in between:
        one, other = groups[observation.a.device], groups[observation.b.device]
        if one is other:
            apart = _apart_s(one, observation, hypothesis)
            unsure = np.hypot(hypothesis.sigma_s, _skew_sigma_s(one, observation))
            if abs(apart) > max(_AGREES_SIGMAS * unsure, _AGREES_S):
                notes.append(
                    f"{observation.a} and {observation.b} fit each other {apart * 1e3:+.0f} ms from where the other "
                    f"devices put them ({observation.method})"
                )
                continue
            merged = one.devices
            ties = (*one.ties, (number, observation, hypothesis))
        else:
            merged = (*one.devices, *other.devices)
            ties = (*one.ties, *other.ties, (number, observation, hypothesis))
        new = Group(solve(merged, ties, priors, with_skew=with_skew, rates=rates, held=merged[0]), ties)
        for name in merged:
            groups[name] = new
    return list(dict.fromkeys(groups.values())), notes


def wrong_rates(observations: Sequence[Observation]) -> dict[str, float]:
    """Give true samples per second as a share of what the file states, by device, where the two differ."""
    return {
        observation.a.device: observation.rate_ratio
        for observation in observations
        if observation.rate_ratio != 1.0 and observation.best is not None and observation.best.log_odds > _SURE
    }


def _alone(
    name: str, priors: Mapping[str, DevicePrior], with_skew: Mapping[str, bool], rates: Mapping[str, float]
) -> Group:
    return Group(solve([name], (), priors, with_skew=with_skew, rates=rates, held=name), ())


def _skew_sigma_s(group: Group, observation: Observation) -> float:
    """How far the two streams may be apart by skews that are not known yet, s."""
    pictures = [stream for stream in (observation.a, observation.b) if stream.kind == "picture"]
    rows = [group.devices.index(stream.device) for stream in pictures]
    return float(np.sqrt(sum(float(group.clocks.covariance[row, 2, 2]) for row in rows)))


def _apart_s(group: Group, observation: Observation, hypothesis: Hypothesis) -> float:
    """How far a tie is from where the group has its two streams, s."""
    a, b = observation.a, observation.b
    at = observation.at_s
    return float(group.clocks.clock_s(a, at) - group.clocks.clock_s(b, at + hypothesis.lag_s))
