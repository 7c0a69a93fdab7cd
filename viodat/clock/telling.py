"""What is told of a trial's clocks in words: contradictions, strangers, wrong rates, and why there is no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from viodat.clock.groups import SURE, wrong_rates
from viodat.clock.least_squares import Solution
from viodat.clock.modes import Mode
from viodat.clock.observations import MOTION, Observation

if TYPE_CHECKING:
    from viodat.clock.estimate import Evidence

_CONTRADICTS_LOG_ODDS: Final = 6.0
_CONTRADICTS_SIGMAS: Final = 6.0


def tell_wrong_rates(observations: Sequence[Observation], notes: dict[str, list[str]]) -> None:
    """Say whose file states a wrong sample rate."""
    for observation in observations:
        if observation.a.device in wrong_rates([observation]):
            lines = notes.setdefault(observation.a.device, [])
            lines += [note.rstrip(".") for note in observation.notes if note.rstrip(".") not in lines]


def tell_strangers(evidence: Evidence, used: Mapping[int, float], notes: dict[str, list[str]]) -> frozenset[str]:
    """Name the devices whose sound fits neither the motion nor those of others that fit each other."""
    fits: dict[str, set[str]] = {name: set() for name in evidence.with_sound}
    compared: dict[str, set[str]] = {name: set() for name in evidence.with_sound}
    placed = set()
    for number, one in enumerate(evidence.observations):
        if one.a.kind != "sound":
            continue
        if one.b == MOTION:
            placed |= {one.a.device} if used.get(number, 0.0) > 0 and one.best and one.best.log_odds > SURE else set()
        elif one.b.kind == "sound":
            tied = one.best is not None and one.best.log_odds > SURE
            for name, other in ((one.a.device, one.b.device), (one.b.device, one.a.device)):
                compared.setdefault(name, set()).add(other)
                fits.setdefault(name, set()).update({other} if tied else ())
    strangers = set()
    for name in sorted(evidence.with_sound - placed):
        others = sorted(other for other in compared[name] if fits[other])
        if not fits[name] and others:
            strangers.add(name)
            notes.setdefault(name, []).append(
                f"its sound has nothing in common with that of {', '.join(others)}, which fit each other: it is "
                "silent, or it was recorded in another trial"
            )
    return frozenset(strangers)


def tell_no_answer(name: str, confidence: float | None, asked: float, notes: dict[str, list[str]]) -> None:
    """Say why a device has no answer."""
    if confidence is None:
        text = "nothing in its sound or its pictures says when it recorded"
    else:
        text = (
            f"nothing says convincingly when it recorded: the likeliest offset would be right with a probability of "
            f"{confidence:.0%}, and {asked:.0%} is asked for. It may belong to another trial"
        )
    notes.setdefault(name, []).append(text)


def tell_contradictions(
    solution: Solution, observations: Sequence[Observation], mode: Mode, notes: dict[str, list[str]]
) -> set[int]:
    """Name the evidence that is sure of itself and says something else, and give its indices."""
    found = set()
    for number, observation in enumerate(observations):
        best = observation.best
        if observation.b != MOTION or observation.a.device not in solution.devices or best is None:
            continue
        if number in mode.agreeing or best.log_odds < _CONTRADICTS_LOG_ODDS:
            continue
        apart = observation.at_s + best.lag_s - float(solution.clock_s(observation.a, observation.at_s))
        if abs(apart) > _CONTRADICTS_SIGMAS * best.sigma_s:
            found.add(number)
            notes.setdefault(observation.a.device, []).append(
                f"its {observation.a.kind} alone ({observation.method}) would put it {apart * 1e3:+.0f} ms from where "
                "all the evidence together does"
            )
    return found
