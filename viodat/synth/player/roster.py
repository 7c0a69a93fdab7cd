"""Who takes part: twelve people as in the published recordings, and any number drawn after them.

VioDat has 12 participants, 7 novices and 5 advanced players, children to adults; its test participants are 5 (an
advanced adult man), 8 (a novice teenage girl) and 13 (a novice boy). Ages and statures here are viodat's choice:
statures run from 1.20 to 1.90 m and suit the ages.
Three of the novices play at an intermediate level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from viodat.errors import ConfigError
from viodat.synth.music.performance import Handedness
from viodat.synth.music.score import LEVELS, Level

Sex = Literal["female", "male"]
AgeGroup = Literal["child", "teenager", "adult"]

FIRST_ID: Final = 4
MOST_PARTICIPANTS: Final = 90


@dataclass(frozen=True)
class Person:
    """One participant, as they would fill in a form."""

    participant: str
    sex: Sex
    age_years: int
    level: Level
    handedness: Handedness
    stature_mm: float

    @property
    def age_group(self) -> AgeGroup:
        """Child below 13, teenager below 18, else adult."""
        return "child" if self.age_years < 13 else "teenager" if self.age_years < 18 else "adult"


_PUBLISHED: Final[tuple[tuple[Sex, int, Level, Handedness, float], ...]] = (
    ("female", 24, "advanced", "right", 1650.0),  # P04
    ("male", 31, "advanced", "right", 1820.0),  # P05
    ("female", 9, "novice", "right", 1330.0),  # P06
    ("male", 19, "advanced", "right", 1760.0),  # P07
    ("female", 15, "novice", "right", 1620.0),  # P08
    ("female", 28, "advanced", "left", 1720.0),  # P09
    ("male", 14, "intermediate", "right", 1690.0),  # P10
    ("female", 7, "novice", "right", 1200.0),  # P11
    ("male", 42, "intermediate", "right", 1900.0),  # P12
    ("male", 11, "novice", "left", 1450.0),  # P13
    ("female", 35, "advanced", "right", 1570.0),  # P14
    ("female", 12, "intermediate", "right", 1510.0),  # P15
)


def roster(participants: int, rng: np.random.Generator) -> tuple[Person, ...]:
    """Name the first ``participants`` people, P04, P05 ...; the generator draws those after the twelfth.

    Raises
    ------
    ConfigError
        Fewer than 1 or more than 90 participants.
    """
    if not 1 <= participants <= MOST_PARTICIPANTS:
        raise ConfigError(
            f"cannot simulate {participants} participants", mend=f"Use 1 to {MOST_PARTICIPANTS} participants."
        )
    rows = [*_PUBLISHED, *(_drawn(rng) for _ in range(participants - len(_PUBLISHED)))]
    return tuple(Person(f"P{FIRST_ID + i:02d}", *row) for i, row in enumerate(rows[:participants]))


def _drawn(rng: np.random.Generator) -> tuple[Sex, int, Level, Handedness, float]:
    sex: Sex = "female" if rng.random() < 0.5 else "male"
    age = int(rng.integers(7, 60))
    grown = 1630.0 if sex == "female" else 1760.0
    # Children grow by about 55 mm a year until 15 (WHO growth reference 2007, medians).
    median = grown - 55.0 * max(0, 15 - age)
    stature = float(np.clip(np.rint(rng.normal(median, 0.035 * median) / 10) * 10, 1200.0, 1900.0))
    handedness: Handedness = "left" if rng.random() < 0.1 else "right"
    return sex, age, LEVELS[int(rng.integers(len(LEVELS)))], handedness, stature
