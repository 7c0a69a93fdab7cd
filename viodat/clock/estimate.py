"""All clocks of a trial from all evidence, and those of a session's trials together.

In a trial devices that hear the same sound form a group (:mod:`viodat.clock.groups`); the group is placed on the mocap
clock by everything that any of its devices heard or saw (:mod:`viodat.clock.modes`); then offsets, drifts and skews
follow at once (:mod:`viodat.clock.least_squares`). So a phone with a bad picture has its clock from its sound, and the
other way round. A phone's skew and drift hardly change from trial to trial: :mod:`viodat.clock.session` solves each
trial again with what the others say of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from viodat.clock.evidence.registry import evidence_names, find_evidence
from viodat.clock.groups import CERTAIN, Chosen, Group, alone_of, tie
from viodat.clock.inputs import TrialEvidence
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, UNKNOWN, DevicePrior, Solution, solve
from viodat.clock.model import ClockMap
from viodat.clock.modes import CLAP, Factor, Mode, find_mode
from viodat.clock.observations import MOTION, Observation
from viodat.clock.piecewise import Bend, narrowest
from viodat.clock.telling import tell_contradictions, tell_no_answer, tell_strangers, tell_wrong_rates

CONFIDENT: Final = 0.99
"""Confidence from which an answer is one."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a trial's evidence says, without the sounds and pictures that it was drawn from.

    Attributes
    ----------
    devices
        Names of the devices.
    with_sound, with_picture
        Names of those that have one.
    observations
        Of all kinds.
    """

    devices: tuple[str, ...]
    with_sound: frozenset[str]
    with_picture: frozenset[str]
    observations: tuple[Observation, ...]


@dataclass(frozen=True, eq=False)
class TrialClocks:
    """The clocks of one trial.

    Attributes
    ----------
    clocks
        By device, of those that have an answer.
    confidence
        By device: also of those that have none.
    evidence
        What they follow from.
    used
        Index of an observation in the evidence -> its share of belief in the answer, 0 to 1.
    believed
        Index of an observation that was used -> index of the hypothesis that was believed.
    contradicting
        Indices of observations that are sure of something else.
    strangers
        Devices whose sound has nothing in common with that of others which fit each other: it is silent, or of another
        trial. Their clocks are those of their pictures.
    alone
        By device: drift and skew as this trial alone has them, no prior in them.
    notes
        By device: contradictions, and why there is no answer; "" is the trial itself.
    """

    clocks: Mapping[str, ClockMap]
    confidence: Mapping[str, float]
    evidence: Evidence
    used: Mapping[int, float] = field(default_factory=dict)
    believed: Mapping[int, int] = field(default_factory=dict)
    contradicting: frozenset[int] = frozenset()
    strangers: frozenset[str] = frozenset()
    alone: Mapping[str, DevicePrior] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def gather(trial: TrialEvidence, kinds: Sequence[str] | None = None) -> Evidence:
    """Ask all kinds of evidence, or those named.

    Raises
    ------
    ConfigError
        There is no evidence of a name.
    """
    observations: list[Observation] = []
    for kind in evidence_names() if kinds is None else kinds:
        observations += find_evidence(kind)(trial)
    return Evidence(
        tuple(device.name for device in trial.devices),
        frozenset(device.name for device in trial.listening),
        frozenset(device.name for device in trial.watching),
        tuple(observations),
    )


def estimate_clocks(
    trial: TrialEvidence | Evidence, priors: Mapping[str, DevicePrior] | None = None
) -> dict[str, ClockMap]:
    """Estimate the clocks of a trial's devices against the motion.

    Parameters
    ----------
    trial
        What the trial offers, or what :func:`gather` drew from it.
    priors
        What other trials of the session say of drift and skew, by device (:func:`session_priors`).

    Returns
    -------
    dict
        Device -> its clock. A device for which nothing convinces is not in it: nothing is guessed.
    """
    return dict(solve_trial(trial if isinstance(trial, Evidence) else gather(trial), priors).clocks)


def solve_trial(evidence: Evidence, priors: Mapping[str, DevicePrior] | None = None) -> TrialClocks:
    """Estimate the clocks of a trial, with what they rest on; see :func:`estimate_clocks`."""
    priors = priors or {}
    with_skew = {name: name in evidence.with_sound and name in evidence.with_picture for name in evidence.devices}
    groups, contradictions = tie(evidence.devices, evidence.observations, priors, with_skew)
    clocks: dict[str, ClockMap] = {}
    confidence: dict[str, float] = {}
    used: dict[int, float] = {}
    alone: dict[str, DevicePrior] = {}
    believed: dict[int, int] = {}
    contradicting = set(contradictions)
    notes: dict[str, list[str]] = {"": list(contradictions.values())}
    tell_wrong_rates(evidence.observations, notes)
    while groups:
        group = groups.pop(0)
        factors = _factors(group, evidence, priors)
        mode = find_mode(factors)
        sure = mode.confidence if mode else 0.0
        confidence |= _confidence(group, mode, factors, evidence.observations)
        if sure < CONFIDENT and any(hypothesis.log_odds < CERTAIN for *_, hypothesis in group.ties):
            # What does not fit together may fit apart.
            groups += tie(group.devices, evidence.observations, priors, with_skew, least_log_odds=CERTAIN)[0]
            continue
        if mode is None or sure < CONFIDENT:
            for name in group.devices:
                tell_no_answer(name, None if mode is None else sure, CONFIDENT, notes)
            continue
        chosen = [*group.ties, *_agreeing(mode, evidence.observations)]
        solution = solve(group.devices, chosen, priors, with_skew=with_skew, rates=group.clocks.rates)
        used |= solution.used
        believed |= {number: observation.hypotheses.index(picked) for number, observation, picked in chosen}
        answered = {name for name in group.devices if confidence[name] >= CONFIDENT}
        alone |= {name: told for name, told in _alone(group, chosen, with_skew).items() if name in answered}
        methods = _methods(evidence.observations, solution.used)
        for k, name in enumerate(group.devices):
            if name in answered:
                clocks[name] = _clock(solution, k, confidence[name], methods, with_skew[name])
            elif len(group.devices) > 1 and _has_its_own(name, mode, evidence.observations):
                groups.append(alone_of(name, evidence.observations, priors, with_skew))
            else:
                tell_no_answer(name, confidence[name], CONFIDENT, notes)
        contradicting |= tell_contradictions(solution, evidence.observations, mode, notes)
    strangers = tell_strangers(evidence, used, notes)
    told = {name: tuple(lines) for name, lines in notes.items() if lines}
    return TrialClocks(clocks, confidence, evidence, used, believed, frozenset(contradicting), strangers, alone, told)


def _factors(group: Group, evidence: Evidence, priors: Mapping[str, DevicePrior]) -> list[Factor]:
    own = [
        (number, observation, float(group.clocks.clock_s(observation.a, observation.at_s)))
        for number, observation in enumerate(evidence.observations)
        if observation.b == MOTION and observation.a.device in group.devices
    ]
    middle = float(np.mean([at for _, _, at in own])) if own else 0.0
    drift_sigma = min(priors.get(group.devices[0], DevicePrior()).drift_sigma_ppm, DRIFT_SIGMA_PPM)
    factors = []
    for number, observation, at in own:
        lags = np.array([hypothesis.lag_s for hypothesis in observation.hypotheses])
        sigmas = np.array([hypothesis.sigma_s for hypothesis in observation.hypotheses])
        sigmas = np.hypot(sigmas, group.sigma_s(observation.a))
        # Until the drift is known, places at different times of the group's clock are not quite the same place.
        away = (at - middle) * 1e-6
        places = observation.at_s + lags - at
        factors.append(
            Factor(
                number,
                _alike(observation),
                places,
                np.hypot(sigmas, drift_sigma * away),
                np.array([hypothesis.log_odds for hypothesis in observation.hypotheses]),
                observation.span_s,
                observation.miss,
            )
        )
    return factors


def _confidence(
    group: Group, mode: Mode | None, factors: Sequence[Factor], observations: Sequence[Observation]
) -> dict[str, float]:
    """By device: one that nothing of its own places is as sure as what ties it, less what its own says against that."""
    if mode is None:
        return dict.fromkeys(group.devices, 0.0)
    placed = {observations[number].a.device for number in mode.agreeing}
    sure = {name: float(name in placed) for name in group.devices}
    against = {
        name: _against(mode.place_s, [one for one in factors if observations[one.number].a.device == name])
        for name in group.devices
    }
    ties = [(one.a.device, one.b.device, hypothesis.log_odds) for _, one, hypothesis in group.ties]
    for name, doubt in against.items():
        if doubt > 0 and len(group.devices) > 1:
            sure[name] = min(sure[name], max(_share(odds - doubt) for *pair, odds in ties if name in pair))
    for _ in group.devices:
        for a, b, odds in ties:
            sure[a] = max(sure[a], _share(odds - against[a]) * sure[b])
            sure[b] = max(sure[b], _share(odds - against[b]) * sure[a])
    return {name: mode.confidence * share for name, share in sure.items()}


def _share(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(log_odds, -50.0, 50.0))))


def _against(place_s: float, factors: Sequence[Factor]) -> float:
    """Log odds of a device's own evidence for another place than its group's, 0 or more."""
    tried = np.concatenate([np.array([place_s]), *(factor.places_s for factor in factors)])
    said = np.sum([factor.log_ratio(tried) for factor in factors], axis=0) if factors else np.zeros(1)
    return float(np.max(said) - said[0])


def _has_its_own(name: str, mode: Mode, observations: Sequence[Observation]) -> bool:
    return any(
        one.a.device == name and one.b == MOTION and one.best is not None and number not in mode.agreeing
        for number, one in enumerate(observations)
    )


def _alike(observation: Observation) -> str:
    """Name what other devices of a group say as well: they hear one music, and all hear and see one clap."""
    if observation.method == "clap":
        return CLAP
    return f"{observation.method} sound" if observation.a.kind == "sound" else ""


def _agreeing(mode: Mode, observations: Sequence[Observation]) -> list[Chosen]:
    return [(n, observations[n], observations[n].hypotheses[pick]) for n, pick in sorted(mode.agreeing.items())]


def _clock(solution: Solution, k: int, confidence: float, methods: str, skewed: bool) -> ClockMap:
    offset, drift, skew = solution.values[k].tolist()
    cov = solution.covariance[k]
    rate = solution.rates.get(solution.devices[k], 1.0)
    # Where along the recording the two errors of the line are independent.
    at = float(-cov[0, 1] / cov[1, 1]) * 1e6
    least = float(cov[0, 0] - cov[0, 1] ** 2 / cov[1, 1])
    # A picture's time is less certain by the skew's error, which may go with that of the drift.
    slope = float(cov[0, 1] - cov[1, 2])
    seen = float(cov[0, 0] + cov[2, 2] - 2 * cov[0, 2] - slope**2 / cov[1, 1])
    straight = ClockMap(
        offset_s=offset,
        drift_ppm=((1 + drift * 1e-6) / rate - 1) * 1e6,
        offset_sigma_s=float(np.sqrt(max(least, 0.0))),
        drift_sigma_ppm=float(np.sqrt(cov[1, 1])),
        at_s=at * rate,
        confidence=confidence,
        method=methods,
        skew_s=skew if skewed else 0.0,
        skew_sigma_s=float(np.sqrt(cov[2, 2])) if skewed else 0.0,
        picture_sigma_s=float(np.sqrt(max(seen, 0.0))),
        picture_at_s=-slope / float(cov[1, 1]) * 1e6 + skew,
        rate_ratio=rate,
    )
    bend = solution.bends.get(solution.devices[k])
    return straight if bend is None else _bent(straight, bend)


def _bent(straight: ClockMap, bend: Bend) -> ClockMap:
    """Make the line a broken one where it is certain that it is, and its errors those of a clock that wanders."""
    rate = straight.rate_ratio
    told = bend.is_certain
    # Another device may have heard what makes this one's clock surest, before or after its own evidence.
    times = np.append(bend.knots.fine_s, straight.at_s / rate)
    # What is known of the bend and not told is an error of the line.
    untold = np.zeros(len(times)) if told else np.square(bend.at(times))
    heard, seen = (bend.variance(times, of_picture=of_picture) + untold for of_picture in (False, True))
    at, sigma, slope = narrowest(times, heard, straight.at_s / rate, straight.drift_sigma_ppm * 1e-6)
    nodes = bend.knots.nodes_s if told else np.empty(0)
    knots = zip((nodes * rate).tolist(), (straight.apply(nodes * rate) + bend.at(nodes)).tolist(), strict=True)
    least = seen - np.square(slope * (times + straight.skew_s - straight.picture_at_s))
    return replace(
        straight,
        offset_sigma_s=sigma,
        drift_sigma_ppm=slope * 1e6,
        at_s=at * rate,
        picture_sigma_s=float(np.sqrt(max(least.max(), seen.min()))),
        knots_s=tuple(knots),
    )


def _alone(group: Group, chosen: Sequence[Chosen], with_skew: Mapping[str, bool]) -> dict[str, DevicePrior]:
    rates = group.clocks.rates
    free = solve(group.devices, chosen, dict.fromkeys(group.devices, UNKNOWN), with_skew=with_skew, rates=rates)
    sigmas = np.sqrt(np.diagonal(free.covariance, axis1=1, axis2=2))
    return {
        name: DevicePrior(
            float(value[1]),
            float(sigma[1]),
            float(value[2]),
            float(sigma[2]) if with_skew[name] else UNKNOWN.skew_sigma_s,
        )
        for name, value, sigma in zip(group.devices, free.values, sigmas, strict=True)
    }


def _methods(observations: Sequence[Observation], used: Mapping[int, float]) -> str:
    """Kinds of evidence against the motion, or between devices, that were believed, in the order of the registry."""
    names = [observations[n].method for n, belief in sorted(used.items()) if belief > 0.2]
    return "+".join(dict.fromkeys(names))
