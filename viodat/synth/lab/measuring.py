"""A participant with tape and calliper: the body measurements that Plug-in Gait needs, as wrong as hands make them.

What is measured is the simulated body itself, so an estimator that takes the numbers at their word errs as it would
on a person. Lengths are mm, masses kg, under the names of participants.csv; the C3D file's PROCESSING group states the
same numbers. :data:`ERRORS_MM` is viodat's choice (a tape laid over clothes and soft tissue, a calliper that
squeezes them), fixed before any estimator was tuned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from viodat.synth.lab.marker_set import BODY_MARKER_MM
from viodat.synth.player.anatomy import SIDES, Anatomy

ERRORS_MM: Final[Mapping[str, float]] = {
    "leg_length": 5.0,
    "knee_width": 2.0,
    "ankle_width": 2.0,
    "shoulder_offset": 5.0,
    "elbow_width": 2.0,
    "wrist_width": 2.0,
    "hand_thickness": 2.0,
    "inter_asis_distance": 6.0,
}
"""Standard deviation of one measurement, mm, cut at two and a half of it."""

SHARED: Final = 0.5
"""Share of the variance that both sides have in common: one examiner, one way of holding the calliper."""

WRIST_THICKNESS: Final = 0.70
"""Thickness of the wrist from back to front, relative to its width across the styloids; viodat's choice."""

_HEIGHT_ERROR_MM = 4.0
_MASS_ERROR_KG = 0.4
_CUT = 2.5

PROCESSING: Final[Mapping[str, str]] = {
    "leg_length": "LegLength",
    "knee_width": "KneeWidth",
    "ankle_width": "AnkleWidth",
    "shoulder_offset": "ShoulderOffset",
    "elbow_width": "ElbowWidth",
    "wrist_width": "WristWidth",
    "hand_thickness": "HandThickness",
}
"""Nexus' names of the measurements that each side has, to which L or R is put."""

FACTS: Final = ("participant", "sex", "age_group", "level", "handedness", "height_mm", "mass_kg", "consent")
"""The first columns of participants.csv."""


def true_measurements(anatomy: Anatomy) -> dict[str, float]:
    """Give what error-free tape and calliper would find, by the names of participants.csv.

    The shoulder's offset is from the skin over the acromion straight down to the joint's centre; the hand is twice as
    thick as its knuckles' centres lie below its back.
    """
    marks = anatomy.landmarks

    def apart(a: str, b: str) -> float:
        return float(np.linalg.norm(marks[a].place - marks[b].place))

    found = {
        "height_mm": anatomy.person.stature_mm,
        "mass_kg": anatomy.mass_kg,
        "inter_asis_distance_mm": apart("LASI", "RASI"),
        "marker_diameter_mm": BODY_MARKER_MM,
    }
    for side, mark, _ in SIDES:
        shoulder = marks[f"{mark}SHO"].place - anatomy.places[f"{side}_shoulder"]
        knuckle = marks[f"{mark}IDX"].place - anatomy.places[f"{side}_index"]
        found |= {
            f"leg_length_{side}_mm": anatomy.leg_length[side],
            f"knee_width_{side}_mm": apart(f"{mark}KNE", f"{mark}KNM"),
            f"ankle_width_{side}_mm": apart(f"{mark}ANK", f"{mark}MED"),
            f"shoulder_offset_{side}_mm": float(shoulder[2]),
            f"elbow_width_{side}_mm": apart(f"{mark}ELB", f"{mark}ELM"),
            f"wrist_width_{side}_mm": WRIST_THICKNESS * apart(f"{mark}WRA", f"{mark}WRB"),
            f"hand_thickness_{side}_mm": 2 * float(abs(knuckle[1])),
        }
    return found


def measure(anatomy: Anatomy, rng: np.random.Generator) -> dict[str, float]:
    """Measure a participant: lengths to the millimetre, the mass to 0.1 kg, errors as in :data:`ERRORS_MM`."""
    measured = true_measurements(anatomy)
    for stem, size in ERRORS_MM.items():
        names = [name for name in measured if name.startswith(stem)]
        both, *own = rng.standard_normal(1 + len(names)).clip(-_CUT, _CUT)
        share = SHARED if len(names) > 1 else 0.0
        for name, alone in zip(names, own, strict=True):
            measured[name] += size * (np.sqrt(share) * both + np.sqrt(1 - share) * alone)
    height, mass = rng.standard_normal(2).clip(-_CUT, _CUT)
    measured["height_mm"] += _HEIGHT_ERROR_MM * height
    measured["mass_kg"] += _MASS_ERROR_KG * mass
    return {name: float(np.round(value, 1 if name == "mass_kg" else 0)) for name, value in measured.items()}


def processing_parameters(measured: Mapping[str, float]) -> dict[str, float]:
    """Give measurements the names of a Nexus file's PROCESSING group, in its order."""
    found = {
        "MarkerDiameter": measured["marker_diameter_mm"],
        "Bodymass": measured["mass_kg"],
        "Height": measured["height_mm"],
        "InterAsisDistance": measured["inter_asis_distance_mm"],
    }
    for stem, name in PROCESSING.items():
        found |= {mark + name: measured[f"{stem}_{side}_mm"] for side, mark, _ in SIDES}
    return found


def participants_csv(people: Sequence[tuple[Anatomy, Mapping[str, float]]]) -> str:
    """Text of participants.csv: one row per participant, of anatomy (who it is) and measurements."""
    sided = [f"{stem}_{side}_mm" for stem in PROCESSING for side, _, _ in SIDES]
    columns = [*FACTS, *sided, "inter_asis_distance_mm", "marker_diameter_mm"]
    lines = [",".join(columns)]
    for anatomy, measured in people:
        person = anatomy.person
        known = [person.participant, person.sex, person.age_group, person.level, person.handedness]
        values = [f"{measured[name]:g}" for name in ("height_mm", "mass_kg")]
        rest = [f"{measured[name]:g}" for name in columns[len(FACTS) :]]
        lines.append(",".join([*known, *values, "yes", *rest]))
    return "\n".join(lines) + "\n"
