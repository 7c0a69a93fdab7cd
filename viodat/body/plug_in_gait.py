"""Joint centres by Plug-in Gait, frame by frame, from markers and a participant's measurements.

Positions are (F, 3) mm in the trial's world frame, NaN where the markers of that frame do not determine them.
Against Vicon's own points (Nexus 1.8.5 and 2.2.3, two adults and four children) every centre agrees to better
than 0.01 mm. Thigh and shank rotation are zero in all those recordings: that part follows the model's
definition but its sign is unverified against Vicon.

Sources: Davis et al. 1991 (hip regression), Kadaba et al. 1990 (chord), Vicon's Plug-in Gait reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from viodat.body.geometry import (
    FloatArray,
    chord,
    finite_or_nan,
    midpoint,
    normal,
    pelvis_axes,
    thorax_axes,
    unit,
)
from viodat.capture.markers import MarkerTrial

Side = Literal["left", "right"]
SIDES: Final[tuple[Side, Side]] = ("left", "right")

DEFAULT_MARKER_DIAMETER_MM: Final = 14.0
"""What Vicon assumes where a subject declares no marker diameter."""

HIP_THETA_RAD: Final = 0.5
HIP_BETA_RAD: Final = 0.314
_PLANE_REACH_MM: Final = 50.0
"""How far from the elbow marker the auxiliary point of its chord lies; any length gives the same plane."""

IAD_NOTE_MM: Final = 5.0
"""From this difference between the declared and the measured inter-ASIS distance on, a note is made."""

PIG_JOINTS: Final[tuple[str, ...]] = ("pelvis", "knee", "ankle", "shoulder", "elbow", "wrist")
"""The joints of one side that Plug-in Gait determines, by viodat's names; it knows no finger joints."""

PIG_LABELS: Final[Mapping[str, str]] = {
    "pelvis": "pig:hip_davis",
    "knee": "pig:knee_chord",
    "ankle": "pig:ankle_chord",
    "shoulder": "pig:shoulder_chord",
    "elbow": "pig:elbow_chord",
    "wrist": "pig:wrist_offset",
}

# What each joint needs beyond the joint before it in the chain: markers ({s} is L or R) and measurements.
_CHAIN: Final[Mapping[str, tuple[str | None, tuple[str, ...], tuple[str, ...]]]] = {
    "pelvis": (None, ("LASI", "RASI"), ("leg_length_left_mm", "leg_length_right_mm")),
    "knee": ("pelvis", ("{s}KNE", "{s}THI"), ("knee_width_{side}_mm",)),
    "ankle": ("knee", ("{s}ANK", "{s}TIB"), ("ankle_width_{side}_mm",)),
    "shoulder": (None, ("C7", "T10", "CLAV", "STRN", "{s}SHO"), ("shoulder_offset_{side}_mm",)),
    "elbow": ("shoulder", ("{s}ELB", "{s}WRA", "{s}WRB"), ("elbow_width_{side}_mm",)),
    "wrist": ("elbow", (), ("wrist_width_{side}_mm",)),
    "hand": ("wrist", ("{s}FIN",), ("hand_thickness_{side}_mm",)),
}


@dataclass(frozen=True)
class PlugInGait:
    """Plug-in Gait centres of one trial.

    Attributes
    ----------
    centres
        ``left_pelvis`` (hip joint centre), ``left_knee`` ... ``right_wrist`` -> (F, 3) mm, world frame; a
        joint that is determined in no frame is all NaN.
    missing
        For each joint that is determined in no frame: why, as half a sentence.
    extra
        ``mid_hip``, ``thorax_origin``, ``left_hand``, ``right_hand`` (hand origins) -> (F, 3) mm.
    notes
        Choices made between conflicting values, one sentence each.
    """

    centres: Mapping[str, FloatArray]
    missing: Mapping[str, str]
    extra: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def plug_in_gait(
    trial: MarkerTrial, measurements: Mapping[str, float], static: MarkerTrial | None = None
) -> PlugInGait:
    """Compute all Plug-in Gait joint centres that markers and measurements determine.

    Parameters
    ----------
    trial
        Markers named as in Plug-in Gait: LASI, RASI, LPSI and RPSI or SACR, LTHI, LKNE ... (39- and 35-marker
        sets, and any part of them).
    measurements
        By canonical name, mm and rad. A length that is not positive counts as not measured (Nexus stores 0
        for those). Rotations default to 0, ``marker_diameter_mm`` to 14.
    static
        A static trial of the same session; where the inter-ASIS distance is not among the measurements, it is
        measured there instead of in ``trial``.

    Returns
    -------
    PlugInGait
        Centres, reasons for what is missing, and notes.

    Notes
    -----
    The inter-ASIS distance is the measurement where given, also where the markers disagree (a note names both
    numbers), else the mean distance of LASI and RASI over the frames of the static trial, or of the trial
    itself. The distance from ASIS to trochanter is the measurement where given and not 0, else 0.1288·leg −
    48.56 mm.
    """
    notes: list[str] = []
    diameter = marker_diameter(measurements)
    if np.isnan(measured_length(measurements, "marker_diameter_mm")):
        notes.append(f"marker_diameter_mm is not given: {diameter:.0f} mm was assumed, as Vicon does")
    asis_distance = _inter_asis_distance(trial, static, measurements, notes)
    with np.errstate(all="ignore"):
        hips, mid_hip = _hips(trial, measurements, asis_distance, diameter)
        thorax_origin, thorax_forward = _thorax(trial, diameter)
        centres: dict[str, FloatArray] = {}
        extra: dict[str, FloatArray] = {"mid_hip": mid_hip, "thorax_origin": thorax_origin}
        for side in SIDES:
            leg = _leg(trial, side, hips[side], measurements, diameter)
            arm = _arm(trial, side, thorax_origin, thorax_forward, measurements, diameter)
            for joint, positions in {"pelvis": hips[side], **leg, **arm}.items():
                (extra if joint == "hand" else centres)[f"{side}_{joint}"] = finite_or_nan(positions)
    missing = {
        f"{side}_{joint}": _why_missing(trial, joint, side, measurements)
        for side in SIDES
        for joint in PIG_JOINTS
        if np.isnan(centres[f"{side}_{joint}"]).all()
    }
    return PlugInGait(centres, missing, extra, tuple(notes))


def marker_diameter(measurements: Mapping[str, float]) -> float:
    """Marker diameter in mm: ``marker_diameter_mm`` where it is a positive number, else 14."""
    declared = measured_length(measurements, "marker_diameter_mm")
    return DEFAULT_MARKER_DIAMETER_MM if np.isnan(declared) else declared


def measured_length(measurements: Mapping[str, float], name: str) -> float:
    """Give a measured length in mm, NaN where it is absent, not a finite number or not positive."""
    value = float(measurements.get(name, np.nan))
    return value if np.isfinite(value) and value > 0 else float("nan")


def _angle(measurements: Mapping[str, float], name: str) -> float:
    value = float(measurements.get(name, 0.0))
    return value if np.isfinite(value) else 0.0


def _inter_asis_distance(
    trial: MarkerTrial, static: MarkerTrial | None, measurements: Mapping[str, float], notes: list[str]
) -> float:
    measured, where = _mean_asis_distance(trial), "this trial"
    if static is not None and np.isfinite(from_static := _mean_asis_distance(static)):
        measured, where = from_static, "the static trial"
    declared = measured_length(measurements, "inter_asis_distance_mm")
    if np.isnan(declared):
        if np.isfinite(measured):
            notes.append(
                f"inter_asis_distance_mm is not given: the mean distance of LASI and RASI in {where}, "
                f"{measured:.1f} mm, was used"
            )
        return measured
    if abs(declared - measured) > IAD_NOTE_MM:
        notes.append(
            f"inter_asis_distance_mm is declared as {declared:.1f} mm but LASI and RASI are "
            f"{measured:.1f} mm apart in {where}; the declared value was used, as Vicon does: "
            f"each hip would lie {abs(declared - measured) / 2:.1f} mm elsewhere with the measured one"
        )
    return declared


def _mean_asis_distance(trial: MarkerTrial) -> float:
    with np.errstate(all="ignore"):
        distances = np.linalg.norm(trial.marker("LASI") - trial.marker("RASI"), axis=-1)
    finite = distances[np.isfinite(distances)]
    return float(finite.mean()) if finite.size else float("nan")


def _mid_psis(trial: MarkerTrial) -> FloatArray:
    # One definition for the whole trial: changing between the pair and SACR would tilt the pelvis mid-trial.
    pair = midpoint(trial.marker("LPSI"), trial.marker("RPSI"))
    return pair if np.isfinite(pair).any() else trial.marker("SACR")


def _hips(
    trial: MarkerTrial, measurements: Mapping[str, float], asis_distance: float, diameter: float
) -> tuple[dict[Side, FloatArray], FloatArray]:
    """Hip joint centres by the regression of Davis et al. 1991, and their midpoint."""
    origin, forward, left, up = pelvis_axes(trial.marker("LASI"), trial.marker("RASI"), _mid_psis(trial))
    legs = {side: measured_length(measurements, f"leg_length_{side}_mm") for side in SIDES}
    c = 0.115 * (legs["left"] + legs["right"]) / 2 - 15.3
    sin_theta, cos_theta = np.sin(HIP_THETA_RAD), np.cos(HIP_THETA_RAD)
    sin_beta, cos_beta = np.sin(HIP_BETA_RAD), np.cos(HIP_BETA_RAD)
    hips: dict[Side, FloatArray] = {}
    for side, sign in zip(SIDES, (-1.0, 1.0), strict=True):
        depth = measured_length(measurements, f"asis_trochanter_distance_{side}_mm")
        if np.isnan(depth):
            depth = 0.1288 * legs[side] - 48.56
        depth += diameter / 2
        x = c * cos_theta * sin_beta - depth * cos_beta
        y = sign * (c * sin_theta - asis_distance / 2)
        z = -c * cos_theta * cos_beta - depth * sin_beta
        hips[side] = origin + x * forward + y * left + z * up
    return hips, finite_or_nan(midpoint(hips["left"], hips["right"]))


def _leg(
    trial: MarkerTrial, side: Side, hip: FloatArray, measurements: Mapping[str, float], diameter: float
) -> dict[str, FloatArray]:
    initial, sign = side[0].upper(), -1.0 if side == "left" else 1.0
    knee = chord(
        (measured_length(measurements, f"knee_width_{side}_mm") + diameter) / 2,
        trial.marker(f"{initial}KNE"),
        hip,
        trial.marker(f"{initial}THI"),
        sign * _angle(measurements, f"thigh_rotation_{side}_rad"),
    )
    ankle = chord(
        (measured_length(measurements, f"ankle_width_{side}_mm") + diameter) / 2,
        trial.marker(f"{initial}ANK"),
        knee,
        trial.marker(f"{initial}TIB"),
        sign * _angle(measurements, f"shank_rotation_{side}_rad"),
    )
    return {"knee": knee, "ankle": ankle}


def _thorax(trial: MarkerTrial, diameter: float) -> tuple[FloatArray, FloatArray]:
    """Thorax origin (F, 3) mm, one marker radius behind CLAV, and the thorax's forward axis (F, 3)."""
    clavicle = trial.marker("CLAV")
    forward, _, _ = thorax_axes(trial.marker("C7"), trial.marker("T10"), clavicle, trial.marker("STRN"))
    return finite_or_nan(clavicle - diameter / 2 * forward), forward


def _arm(
    trial: MarkerTrial,
    side: Side,
    thorax_origin: FloatArray,
    thorax_forward: FloatArray,
    measurements: Mapping[str, float],
    diameter: float,
) -> dict[str, FloatArray]:
    initial, sign = side[0].upper(), 1.0 if side == "left" else -1.0
    acromion, elbow_marker = trial.marker(f"{initial}SHO"), trial.marker(f"{initial}ELB")
    radial, ulnar = trial.marker(f"{initial}WRA"), trial.marker(f"{initial}WRB")
    mid_wrist = midpoint(radial, ulnar)
    shoulder = chord(
        measured_length(measurements, f"shoulder_offset_{side}_mm") + diameter / 2,
        acromion,
        thorax_origin,
        acromion + sign * unit(np.cross(thorax_forward, acromion - thorax_origin)),
    )
    elbow = chord(
        (measured_length(measurements, f"elbow_width_{side}_mm") + diameter) / 2,
        elbow_marker,
        shoulder,
        elbow_marker - sign * _PLANE_REACH_MM * normal(mid_wrist - elbow_marker, shoulder - elbow_marker),
    )
    wrist_offset = (measured_length(measurements, f"wrist_width_{side}_mm") + diameter) / 2
    wrist = mid_wrist + sign * wrist_offset * normal(radial - ulnar, elbow - mid_wrist)
    hand = chord(
        (measured_length(measurements, f"hand_thickness_{side}_mm") + diameter) / 2,
        trial.marker(f"{initial}FIN"),
        wrist,
        mid_wrist,
    )
    return {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "hand": hand}


def requirements(joint: str, side: Side) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Markers and measurements that a joint needs, with those of the joints before it in the chain.

    The back of the pelvis (LPSI and RPSI, or SACR) is needed by ``pelvis`` too but not listed, as it has
    alternatives.

    Parameters
    ----------
    joint
        One of :data:`PIG_JOINTS`, or ``hand``.
    side
        ``left`` or ``right``.
    """
    before, labels, lengths = _CHAIN[joint]
    first = requirements(before, side) if before else ((), ())
    own = tuple(label.format(s=side[0].upper()) for label in labels)
    return first[0] + own, first[1] + tuple(length.format(side=side) for length in lengths)


def _why_missing(trial: MarkerTrial, joint: str, side: Side, measurements: Mapping[str, float]) -> str:
    labels, lengths = requirements(joint, side)
    frames = f"{trial.n_frames:,} frame{'' if trial.n_frames == 1 else 's'}"
    absent = [label for label in labels if not np.isfinite(trial.marker(label)).any()]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        return f"marker{'' if len(absent) == 1 else 's'} {listed(absent)} {verb} missing in all {frames}"
    if "LASI" in labels and not np.isfinite(_mid_psis(trial)).any():
        return f"markers LPSI and RPSI (or SACR in their place) are missing in all {frames}"
    unmeasured = [name for name in lengths if np.isnan(measured_length(measurements, name))]
    if unmeasured:
        verb = "is" if len(unmeasured) == 1 else "are"
        return f"measurement{'' if len(unmeasured) == 1 else 's'} {listed(unmeasured)} {verb} missing"
    return f"no frame of {frames} holds all of {listed(labels)} in a geometry that determines it"


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Join names as a sentence does: ``a``, ``a and b``, ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
