"""What is measured on a participant: one name and unit each, whatever file it came from.

Plug-in Gait needs body measurements to place joint centres. Nexus stores them in the C3D file (PROCESSING:LLegLength),
in the subject file (.vsk, LeftLegLength), and labs keep them in a table; viodat uses the names of
participants.csv everywhere. Lengths are mm, masses kg, rotations rad (a .vsk calls them QUANTITY="angle" and
Nexus stores radians: typical static plantar flexions are 0.1 to 0.2).

A length, mass or diameter of 0 means "not measured" and is dropped: Nexus writes 0 for an ASIS-trochanter distance that
it is to compute, and taken literally that moves the hip by 80 mm. An angle or sole offset of 0 is a value and is kept.

Source: Vicon Plug-in Gait Reference Guide, subject measurements.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from viodat.capture.spelling import did_you_mean
from viodat.errors import ConfigError


@dataclass(frozen=True)
class MeasurementSpec:
    """What one measurement is.

    Attributes
    ----------
    unit
        ``mm``, ``kg`` or ``rad``.
    meaning
        In words.
    processing, vsk
        Its names in the PROCESSING group of a C3D file and in a .vsk file.
    low, high
        What a human body has; a value outside is reported, not refused.
    zero_is_missing
        Whether 0 stands for "not measured".
    """

    unit: str
    meaning: str
    processing: tuple[str, ...]
    vsk: tuple[str, ...]
    low: float
    high: float
    zero_is_missing: bool = True


@dataclass(frozen=True)
class MergedMeasurements:
    """Measurements from several sources.

    Attributes
    ----------
    values
        By viodat's names.
    sources
        Which source each value came from.
    conflicts
        One sentence for each measurement on which two sources differ.
    """

    values: Mapping[str, float]
    sources: Mapping[str, str]
    conflicts: tuple[str, ...]


# Stem of viodat's name, unit, meaning, stem in PROCESSING and .vsk (L/R or Left/Right goes before), low, high.
_BY_SIDE: tuple[tuple[str, str, str, str, float, float], ...] = (
    ("leg_length", "mm", "anterior superior iliac spine to medial malleolus", "LegLength", 300, 1300),
    ("knee_width", "mm", "width of the knee across the condyles", "KneeWidth", 40, 200),
    ("ankle_width", "mm", "width of the ankle across the malleoli", "AnkleWidth", 25, 150),
    ("thigh_rotation", "rad", "rotation of the thigh marker about the thigh", "ThighRotation", -1.6, 1.6),
    ("shank_rotation", "rad", "rotation of the tibia marker about the shank", "ShankRotation", -1.6, 1.6),
    ("tibial_torsion", "rad", "rotation of the ankle axis against the knee axis", "TibialTorsion", -1.6, 1.6),
    ("asis_trochanter_distance", "mm", "iliac spine to trochanter, horizontal", "AsisTrocanterDistance", 1, 200),
    ("sole_delta", "mm", "thickness of the sole, toe against heel", "SoleDelta", -100, 100),
    ("static_plantar_flexion", "rad", "foot offset in the static trial", "StaticPlantFlex", -1.6, 1.6),
    ("static_rotation_offset", "rad", "foot rotation in the static trial", "StaticRotOff", -1.6, 1.6),
    ("ankle_abduction_offset", "rad", "added ankle abduction", "AnkleAbAdd", -1.6, 1.6),
    ("shoulder_offset", "mm", "shoulder marker's base to shoulder joint centre", "ShoulderOffset", 10, 120),
    ("elbow_width", "mm", "width of the elbow across the epicondyles", "ElbowWidth", 30, 150),
    ("wrist_width", "mm", "thickness of the wrist at the wrist bar", "WristWidth", 15, 120),
    ("hand_thickness", "mm", "thickness of the hand between palm and dorsum", "HandThickness", 8, 80),
)  # fmt: skip
_ZERO_COUNTS = ("rad", "sole_delta")


def _specs() -> Iterator[tuple[str, MeasurementSpec]]:
    for stem, unit, meaning, theirs, low, high in _BY_SIDE:
        for side, short, long in (("left", "L", "Left"), ("right", "R", "Right")):
            missing = unit not in _ZERO_COUNTS and stem not in _ZERO_COUNTS
            yield (
                f"{stem}_{side}_{unit}",
                MeasurementSpec(unit, f"{meaning}, {side}", (short + theirs,), (long + theirs,), low, high, missing),
            )
    both = ("InterAsisDistance",)
    yield "inter_asis_distance_mm", MeasurementSpec("mm", "distance of the two iliac spines", both, both, 80, 500)
    diameter = ("MarkerDiameter",)
    yield "marker_diameter_mm", MeasurementSpec("mm", "diameter of a marker", diameter, diameter, 2, 40)
    yield "height_mm", MeasurementSpec("mm", "height of the body", ("Height",), ("Height",), 500, 2500)
    mass = ("Bodymass", "BodyMass")
    yield "mass_kg", MeasurementSpec("kg", "mass of the body", mass, mass, 5, 300)


MEASUREMENTS: Mapping[str, MeasurementSpec] = dict(_specs())
"""All measurements by viodat's name; the columns of participants.csv."""


def from_processing(values: Mapping[str, float]) -> dict[str, float]:
    """Give the PROCESSING group of a C3D file under viodat's names.

    Parameters
    ----------
    values
        Parameter name (``LLegLength``) -> first value. Other parameters are ignored.

    Returns
    -------
    dict
        Only what was measured: no zeros (see the module's text), no negative or non-finite lengths.
    """
    return _named(values, {alias: name for name, spec in MEASUREMENTS.items() for alias in spec.processing})


def from_vsk(values: Mapping[str, float]) -> dict[str, float]:
    """Give the parameters of a .vsk file (``LeftLegLength``) under viodat's names.

    As :func:`from_processing`.
    """
    return _named(values, {alias: name for name, spec in MEASUREMENTS.items() for alias in spec.vsk})


def canonical(values: Mapping[str, float]) -> dict[str, float]:
    """Give measurements under viodat's names, whichever of the three spellings each is in.

    Parameters
    ----------
    values
        By viodat's names, those of PROCESSING (``LLegLength``) or those of a .vsk file (``LeftLegLength``); a parameter
        of Vicon's that is no measurement is left out.

    Raises
    ------
    ConfigError
        A name in viodat's spelling (lower case) that is none of :data:`MEASUREMENTS`.

    Examples
    --------
    >>> canonical({"LKneeWidth": 102.0, "knee_width_right_mm": 104.0})
    {'knee_width_left_mm': 102.0, 'knee_width_right_mm': 104.0}
    """
    for name in values:
        if name.islower() and name not in MEASUREMENTS:
            raise ConfigError(
                f"there is no measurement {name!r}", mend=did_you_mean(name, tuple(MEASUREMENTS), "measurements")
            )
    own = {name: float(value) for name, value in values.items() if name in MEASUREMENTS}
    return {**from_vsk(values), **from_processing(values), **own}


def implausible(values: Mapping[str, float]) -> tuple[str, ...]:
    """Say which measurements no human body has, one sentence each.

    Examples
    --------
    >>> implausible({"leg_length_left_mm": 0.86})
    ('leg_length_left_mm is 0.86 mm, expected 300 to 1300 mm',)
    """
    return tuple(
        f"{name} is {value:g} {spec.unit}, expected {spec.low:g} to {spec.high:g} {spec.unit}"
        for name, value in values.items()
        if (spec := MEASUREMENTS.get(name)) and not spec.low <= value <= spec.high
    )


def merge_measurements(*sources: tuple[str, Mapping[str, float]], tolerance: float = 1e-3) -> MergedMeasurements:
    """Merge measurements of one participant from several sources, the most trusted first.

    viodat's order is capture.toml, participants.csv, .vsk, PROCESSING.

    Parameters
    ----------
    *sources
        Name of the source and its measurements by viodat's names; NaN counts as absent.
    tolerance
        Relative difference below which two values are the same (files store single precision).

    Returns
    -------
    MergedMeasurements
        The first source that has a measurement gives it; each later source that differs gives a conflict.

    Examples
    --------
    >>> merged = merge_measurements(("P05.vsk", {"leg_length_left_mm": 860.0}),
    ...                             ("PROCESSING", {"leg_length_left_mm": 890.0}))
    >>> merged.values["leg_length_left_mm"], merged.conflicts
    (860.0, ('leg_length_left_mm: P05.vsk says 860 mm, PROCESSING says 890 mm; 860 mm is used',))
    """
    values: dict[str, float] = {}
    origin: dict[str, str] = {}
    conflicts: list[str] = []
    for source, given in sources:
        for name, value in given.items():
            if not math.isfinite(value):
                continue
            if name not in values:
                values[name], origin[name] = float(value), source
            elif not math.isclose(values[name], value, rel_tol=tolerance, abs_tol=1e-6):
                unit = MEASUREMENTS[name].unit if name in MEASUREMENTS else ""
                used = f"{values[name]:.6g} {unit}".strip()
                other = f"{value:.6g} {unit}".strip()
                conflicts.append(f"{name}: {origin[name]} says {used}, {source} says {other}; {used} is used")
    return MergedMeasurements(values, origin, tuple(conflicts))


def _named(values: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for alias, value in values.items():
        name = names.get(alias)
        if name is None or not math.isfinite(value):
            continue
        spec = MEASUREMENTS[name]
        if spec.zero_is_missing and value <= 0.0:
            continue
        found[name] = float(value)
    return found
