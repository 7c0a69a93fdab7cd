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
from viodat.clock.observations import Hypothesis, Observation, Stream

SURE: Final = 3.0
"""Log odds from which two devices count as tied."""
CERTAIN: Final = 20.0
"""Log odds from which nothing else undoes a tie."""
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

    def sigma_s(self, stream: Stream) -> float:
        """How far a stream may be from where the group has it, s, its drift aside: by ties, and by a skew not known."""
        cov = self.clocks.covariance[self.devices.index(stream.device)]
        known = cov - np.outer(cov[:, 1], cov[1]) / cov[1, 1]
        weights = np.array([1.0, 0.0, -1.0 if stream.kind == "picture" else 0.0])
        return float(np.sqrt(max(weights @ known @ weights, 0.0)))


def tie(
    devices: Sequence[str],
    observations: Sequence[Observation],
    priors: Mapping[str, DevicePrior],
    with_skew: Mapping[str, bool],
    *,
    least_log_odds: float = SURE,
) -> tuple[list[Group], dict[int, str]]:
    """Put devices into groups.

    Parameters
    ----------
    devices
        Names; what is between others is not looked at.
    observations, priors, with_skew
        As for :func:`viodat.clock.least_squares.solve`.
    least_log_odds
        From which two devices count as tied.

    Returns
    -------
    groups, notes
        Every device is in one group, alone if nothing ties it; index of a tie that contradicts others -> what it says.
    """
    rates = wrong_rates(observations)
    groups = {name: alone_of(name, observations, priors, with_skew) for name in devices}
    notes: dict[int, str] = {}

    def solved(names: tuple[str, ...], ties: tuple[Chosen, ...]) -> Group:
        return Group(solve(names, ties, priors, with_skew=with_skew, rates=rates, held=names[0]), ties)

    between = [
        (k, observation, observation.best)
        for k, observation in enumerate(observations)
        if observation.a.device in groups
        and observation.b.device in groups
        and observation.best is not None
        and observation.best.log_odds > least_log_odds
    ]
    # A microphone tells a hundred times more of time than a camera: sound first, each surest first.
    between.sort(key=lambda one: (one[1].a.kind != "sound", -one[2].log_odds))
    for number, observation, hypothesis in between:
        one, other = groups[observation.a.device], groups[observation.b.device]
        if one is other:
            apart = _apart_s(one, observation, hypothesis)
            unsure = np.hypot(hypothesis.sigma_s, _skew_sigma_s(one, observation))
            if abs(apart) > max(_AGREES_SIGMAS * unsure, _AGREES_S):
                notes[number] = (
                    f"{observation.a} and {observation.b} fit each other {apart * 1e3:+.0f} ms from where the other "
                    f"devices put them ({observation.method})"
                )
                continue
            # What agrees moves little: it counts in the end.
            new = Group(one.clocks, (*one.ties, (number, observation, hypothesis)))
        else:
            new = solved((*one.devices, *other.devices), (*one.ties, *other.ties, (number, observation, hypothesis)))
        for name in new.devices:
            groups[name] = new
    found = dict.fromkeys(groups.values())
    return [one if len(one.ties) < len(one.devices) else solved(one.devices, one.ties) for one in found], notes


def wrong_rates(observations: Sequence[Observation]) -> dict[str, float]:
    """Give true samples per second as a share of what the file states, by device, where the two differ."""
    return {
        observation.a.device: observation.rate_ratio
        for observation in observations
        if observation.rate_ratio != 1.0 and observation.best is not None and observation.best.log_odds > SURE
    }


def alone_of(
    name: str, observations: Sequence[Observation], priors: Mapping[str, DevicePrior], with_skew: Mapping[str, bool]
) -> Group:
    """Give a device as a group of its own."""
    return Group(solve([name], (), priors, with_skew=with_skew, rates=wrong_rates(observations), held=name), ())


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
