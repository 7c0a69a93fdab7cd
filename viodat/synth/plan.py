"""Who records what: the trials of a capture, their seeds and the mistakes made in them.

The plan follows from the options alone. Every random draw has a generator of its own, named by a stream and the
numbers of participant, trial and device, so that any trial can be made without the others and in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

import numpy as np

from viodat.synth.music.score import Style
from viodat.synth.options import FAULTS, Fault, TwinOptions
from viodat.synth.player.roster import Person, roster

_PIECES_SHARE = 0.7
"""Share of a participant's trials that are different pieces; the others are second takes."""


class Stream(IntEnum):
    """Purposes of random draws; numbers are part of what a seed means."""

    ROSTER = 1
    ANATOMY = 2
    TRAITS = 3
    LOOK = 4
    ROOM = 5
    PHONE = 6
    PLACEMENT = 7
    MEASURING = 8
    STATIC = 9
    RANGE_OF_MOTION = 10
    TAKE = 11
    MARKERS = 12
    CLOCK = 13
    SOUND = 14
    DETECTOR = 15
    FAULTS = 16
    PIECE = 17
    SCHEDULE = 18
    SYNC = 19
    FRAMES = 20
    MICROPHONE = 21
    METRONOME = 22
    REHEARSAL = 23


def generator(options: TwinOptions, stream: Stream, *numbers: int) -> np.random.Generator:
    """Give the generator of one purpose, participant, trial and device."""
    return np.random.default_rng([options.seed, int(stream), *numbers])


@dataclass(frozen=True)
class TrialPlan:
    """One take.

    Attributes
    ----------
    person
        Who plays.
    participant, number
        Index of the participant from 0, number of the trial from 1.
    piece
        Which of the participant's pieces is played; most are played once, some again as a second take.
    missed
        So many of the last phones were not started.
    faults
        What goes wrong.
    """

    person: Person
    participant: int
    number: int
    piece: int
    missed: int
    faults: frozenset[Fault]

    @property
    def style(self) -> Style:
        """Studies and free playing take turns."""
        return "free" if self.piece % 2 else "study"

    @property
    def trial(self) -> str:
        """Id such as P05T28."""
        return trial_id(self.person.participant, self.number)

    def recording(self, device: str) -> str:
        """Id such as P05C01T28."""
        return f"{self.person.participant}{device}T{self.number:02d}"


def trial_id(participant: str, number: int) -> str:
    """Id of a trial."""
    return f"{participant}T{number:02d}"


@lru_cache(maxsize=8)
def people(options: TwinOptions) -> tuple[Person, ...]:
    """Who takes part."""
    return roster(options.participants, generator(options, Stream.ROSTER))


@lru_cache(maxsize=8)
def plan_trials(options: TwinOptions) -> tuple[TrialPlan, ...]:
    """Plan all takes, participant by participant."""
    takes = [
        (i, number)
        for i in range(options.participants)
        for number in range(1, options.trials + 1 + (i < options.extra_trials))
    ]
    struck = _struck(options, takes)
    everyone, pieces = people(options), max(1, round(_PIECES_SHARE * options.trials))
    return tuple(
        TrialPlan(
            person=everyone[i],
            participant=i,
            number=number,
            piece=(number - 1) % pieces,
            missed=options.missed_recordings if (i, number) == takes[-1] else 0,
            faults=frozenset(struck.get((i, number), ())),
        )
        for i, number in takes
    )


def recorded_trial(options: TwinOptions, plan: TrialPlan) -> TrialPlan:
    """Give the trial whose recordings bear a trial's name: itself, or the next one where someone mixed them up."""
    return after(options, plan, "wrong_trial") if "wrong_trial" in plan.faults else plan


def after(options: TwinOptions, plan: TrialPlan, fault: Fault) -> TrialPlan:
    """Give the participant's next trial, after the last one the first, to stand in for a trial by a fault.

    It has the faults of the trial that it stands in for, less the one that put it there: those struck the recordings
    that bear that trial's name.
    """
    own = [other for other in plan_trials(options) if other.participant == plan.participant]
    return replace(own[plan.number % len(own)], faults=plan.faults - {fault})


def next_number(options: TwinOptions, plan: TrialPlan) -> int:
    """First trial number that the participant has not."""
    return options.trials + (plan.participant < options.extra_trials) + 1


def lacks_static(options: TwinOptions, participant: int) -> bool:
    """Tell whether a participant's static trial is missing: the last one's, where that fault is asked for."""
    return "missing_static" in options.faults and participant == options.participants - 1


def faults_made(options: TwinOptions) -> dict[str, list[str]]:
    """Faults by trial, or by participant where they strike no trial."""
    made: dict[str, list[str]] = {p.trial: [*sorted(p.faults)] for p in plan_trials(options) if p.faults}
    for i, person in enumerate(people(options)):
        if lacks_static(options, i):
            made[person.participant] = ["missing_static"]
    return made


def _struck(options: TwinOptions, takes: list[tuple[int, int]]) -> dict[tuple[int, int], list[Fault]]:
    """Spread the faults over the trials, as evenly as there are trials."""
    order = generator(options, Stream.FAULTS).permutation(len(takes))
    struck: dict[tuple[int, int], list[Fault]] = {}
    asked = [fault for fault in FAULTS if fault in options.faults and fault != "missing_static"]
    for k, fault in enumerate(asked):
        struck.setdefault(takes[order[k % len(takes)]], []).append(fault)
    return struck
