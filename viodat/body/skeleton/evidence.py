"""Where the joint centres are in the reference posture, as far as landmarks and measurements tell, and how surely.

Each joint takes the first source that its markers and measurements allow:

- elbow, wrist, knee, ankle: the middle of a medial and a lateral marker (Wu 2002, 2005), else Plug-in Gait's chord;
- hip: Harrington's regression (2007), without leg lengths that from the width of the pelvis alone;
- shoulder: the middle of markers before and behind the joint together with the measured offset below the acromion,
  either alone, else Rab's regression (2002);
- sternoclavicular joint: beside and behind the suprasternal notch;
- knuckles: half the hand's thickness below the marker; the thumb's last joint below its marker, away from its back.

The spreads are what such sources err by on people, per coordinate: palpation of landmarks scatters by 2 to 8 mm (Della
Croce et al. 2005, Gait Posture 21:226), joint centres lie a few mm beside the middle of their landmarks, and the
regressions err as imaging has found them to (Mantovani 2016). They weigh this evidence against that of the motion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray, normal, thorax_axes, unit
from viodat.body.joint_centres import JointTrial, joint_centres
from viodat.body.marker_set import MarkerSet
from viodat.body.plug_in_gait import SIDES, listed, marker_diameter, measured_length
from viodat.body.regressions import RegressedCentre, hip_centres, shoulder_centres
from viodat.body.skeleton.reference import Reference
from viodat.errors import BodyError

SPREADS_MM: Final[Mapping[str, Mapping[str, float]]] = {
    "midpoint": {"pelvis": 10.0, "elbow": 3.3, "wrist": 3.5, "knee": 3.3, "ankle": 3.0, "shoulder": 8.0},
    "pig": {"pelvis": 15.0, "knee": 9.0, "ankle": 7.0, "shoulder": 15.0, "elbow": 9.0, "wrist": 12.0},
    "marker": {"index": 1.7, "pinky": 1.7, "thumb": 1.5},
    "named": dict.fromkeys(("pelvis", "knee", "ankle", "shoulder", "elbow", "wrist"), 10.0),
}
"""Standard deviation per coordinate, mm, of a source (first part of its name) for a joint."""

OFFSET_SPREAD_MM: Final = (9.0, 10.0, 6.0)
"""Of the shoulder below the acromion's marker: forward, sideways, upward."""

STERNOCLAVICULAR_MM: Final = (-18.0, 22.0, -8.0)
"""From the marker over the suprasternal notch, forward, outward, upward, on an adult; and its spread."""
STERNOCLAVICULAR_SPREAD_MM: Final = 12.0

STERNOCLAVICULAR_SHARE: Final = 0.13
STERNOCLAVICULAR_GUESS_MM: Final = 25.0
"""Without Plug-in Gait's trunk markers: that share of the way from between the shoulders to one of them, and its
spread. It is only what the collarbone turns about."""

THUMB_OF_HAND: Final = 0.66
"""Thickness of the thumb's last joint, of the hand's: about 19 of 29 mm (Garrett 1971, Hum Factors 13:117)."""
THUMB_PRONATION_RAD: Final = float(np.deg2rad(80.0))
"""Turn of the thumb's back from the hand's towards the thumb's side at rest (Cooney, Lucca, Chao and Linscheid 1981, J
Bone Joint Surg 63A:1371)."""

DEFAULT_HAND_THICKNESS_MM: Final = 28.0
_HAND_WEIGHT_MM: Final = 4.0
_LEAST_BOW_MM: Final = 1.0
_UNMEASURED_MM: Final = 5.0
_TRUNK: Final = ("C7", "T10", "CLAV", "STRN")
_KNUCKLE_ROUNDS: Final = 5


@dataclass(frozen=True)
class Evidence:
    """What is known of one joint centre in the reference posture.

    Attributes
    ----------
    place
        (3,) mm.
    precision
        (3, 3) 1/mm², inverse of its covariance.
    source
        ``midpoint:LKNM+LKNE``, ``regression:harrington``, ...
    """

    place: FloatArray
    precision: FloatArray
    source: str

    @property
    def sigma_mm(self) -> float:
        """Standard deviation per coordinate: root mean square over the three."""
        return float(np.sqrt(np.trace(np.linalg.inv(self.precision)) / 3))


def gather_evidence(
    reference: Reference, measurements: Mapping[str, float], marker_set: MarkerSet
) -> tuple[dict[str, Evidence], tuple[str, ...]]:
    """Collect the evidence for every joint centre that it can be had for.

    Parameters
    ----------
    reference
        The posture.
    measurements
        By canonical name, mm.
    marker_set
        The markers and their rules.

    Returns
    -------
    dict, tuple of str
        By joint: the 18, and ``left_sternoclavicular``, ``right_sternoclavicular``; and what was found, as sentences.
    """
    posture = reference.posture
    found: dict[str, Evidence] = {}
    sources: list[JointTrial] = []
    # Not "pig", which refuses everything where the hips are lacking.
    for method in ("midpoints", "auto"):
        try:
            sources.append(
                joint_centres(posture, subject=measurements, method=method, marker_set=marker_set, static=posture)
            )
        except BodyError:
            continue
    for centres in sources:
        for name, place, how in zip(centres.names, centres.positions_mm[0], centres.method, strict=True):
            kind = how.split(":", 1)[0]
            spread = SPREADS_MM.get(kind, {}).get(name.split("_", 1)[1])
            if name not in found and spread is not None and np.isfinite(place).all():
                found[name] = Evidence(np.asarray(place), np.eye(3) / spread**2, how)
    notes = _hips(found, reference, measurements)
    for side in SIDES:
        _shoulder(found, reference, measurements, side)
    for side in SIDES:
        _sternoclavicular(found, reference, side)
        _thumb(found, reference, measurements, marker_set, side)
    return found, notes


def why_unknown(reference: Reference, measurements: Mapping[str, float], marker_set: MarkerSet) -> dict[str, str]:
    """Say for each joint that the frame-by-frame methods do not determine in the reference posture what it lacks.

    Also for ``left_sternoclavicular`` and ``right_sternoclavicular``, without which an arm hangs on nothing.
    """
    posture = reference.posture
    centres = joint_centres(posture, subject=measurements, marker_set=marker_set, static=posture)
    reasons = {
        name: how.removeprefix("none: ").replace("in all 1 frame", "in the reference posture")
        for name, how in zip(centres.names, centres.method, strict=True)
        if how.startswith("none")
    }
    lacking = [label for label in _TRUNK if label not in reference.places]
    if lacking:
        text = f"{listed(lacking)} {'is' if len(lacking) == 1 else 'are'} missing in the reference posture"
        reasons |= {f"{side}_sternoclavicular": text for side in SIDES}
    return reasons


def knuckles(
    reference: Reference, measurements: Mapping[str, float], marker_set: MarkerSet, wrists: Mapping[str, FloatArray]
) -> dict[str, Evidence]:
    """Put the knuckles' centres below their markers, with the back of the hand seen from a known wrist centre.

    The markers of wrist and knuckles lie at different depths, so the plane through them leans against the hand. The
    plane through the wrist's centre and the knuckles' own does not: it is found by turns.

    Parameters
    ----------
    reference, measurements, marker_set
        As in :func:`gather_evidence`.
    wrists
        By side: (3,) mm, the wrist's centre in the reference posture.
    """
    found: dict[str, Evidence] = {}
    places = reference.places
    for rule in marker_set.rules:
        side, part = rule.joint.split("_", 1)
        if rule.method != "marker" or not rule.hand_frame or side not in wrists:
            continue
        if any(label not in places for label in (rule.labels[0], *rule.hand_frame)):
            continue
        radial, ulnar, *over = (places[label] for label in rule.hand_frame)
        thickness = measured_length(measurements, f"hand_thickness_{side}_mm")
        known = bool(np.isfinite(thickness))
        ball = marker_set.diameters_mm.get(rule.labels[0], marker_diameter(measurements))
        depth = ((thickness if known else DEFAULT_HAND_THICKNESS_MM) + ball) / 2
        outward, lifted = np.zeros(3), np.mean(over, axis=0)
        for _ in range(_KNUCKLE_ROUNDS):
            outward = normal(radial - ulnar, lifted - depth * outward - wrists[side])
            outward = outward if side == "left" else -outward
        spread = SPREADS_MM["marker"][part] if known else _UNMEASURED_MM
        source = f"marker:{rule.labels[0]}-({'hand_thickness' if known else '28mm'}+{ball:g}mm)/2"
        found[rule.joint] = Evidence(places[rule.labels[0]] - depth * outward, np.eye(3) / spread**2, source)
    return found


def _hips(found: dict[str, Evidence], reference: Reference, measurements: Mapping[str, float]) -> tuple[str, ...]:
    notes = []
    for method in ("harrington", "harrington-width"):
        try:
            regressed = hip_centres(reference.posture, measurements, method)
        except BodyError as error:
            notes.append(error.problem)
            continue
        for side, centre in regressed.items():
            place = centre.position_mm[0]
            if np.isfinite(place).all():
                found[f"{side}_pelvis"] = _regressed(centre)
        break
    return tuple(notes)


def _trunk_axes(places: Mapping[str, FloatArray]) -> FloatArray | None:
    """(3, 3) forward, left and up of the thorax in columns."""
    wanted = [places.get(label) for label in _TRUNK]
    if any(place is None for place in wanted):
        return None
    axes = thorax_axes(*(place[None] for place in wanted if place is not None))
    return np.asarray(np.stack([axes[0][0], axes[1][0], axes[2][0]], axis=-1))


def _shoulder(found: dict[str, Evidence], reference: Reference, measurements: Mapping[str, float], side: str) -> None:
    places, name = reference.places, f"{side}_shoulder"
    axes, acromion = _trunk_axes(places), places.get(f"{side[0].upper()}SHO")
    offset = measured_length(measurements, f"shoulder_offset_{side}_mm")
    if axes is None or acromion is None:
        return
    if not np.isfinite(offset):
        _rab(found, reference, measurements, name)
        return
    below = acromion - (offset + marker_diameter(measurements) / 2) * axes[:, 2]
    precision = axes @ np.diag(1 / np.square(OFFSET_SPREAD_MM)) @ axes.T
    known = found.get(name)
    if known is None or known.source.startswith("pig"):
        found[name] = Evidence(below, precision, "offset:SHO")
        return
    both = known.precision + precision
    place = np.asarray(np.linalg.solve(both, known.precision @ known.place + precision @ below))
    found[name] = Evidence(place, both, f"{known.source},offset:SHO")


def _rab(found: dict[str, Evidence], reference: Reference, measurements: Mapping[str, float], name: str) -> None:
    if name in found:
        return
    try:
        centre = shoulder_centres(reference.posture, measurements, "rab")[
            "left" if name.startswith("left") else "right"
        ]
    except BodyError:
        return
    if np.isfinite(centre.position_mm).all():
        found[name] = _regressed(centre)


def _regressed(centre: RegressedCentre) -> Evidence:
    """Take a regressed centre with the error that imaging has found, alike in all directions."""
    return Evidence(centre.position_mm[0], np.eye(3) / float(np.mean(centre.sigma_mm**2)), centre.method)


def _sternoclavicular(found: dict[str, Evidence], reference: Reference, side: str) -> None:
    axes, notch = _trunk_axes(reference.places), reference.places.get("CLAV")
    if axes is None or notch is None:
        shoulders = [found.get(f"{name}_shoulder") for name in (side, "right" if side == "left" else "left")]
        if shoulders[0] is not None and shoulders[1] is not None:
            own, other = shoulders[0].place, shoulders[1].place
            place = (own + other) / 2 + STERNOCLAVICULAR_SHARE * (own - other) / 2
            precision = np.eye(3) / STERNOCLAVICULAR_GUESS_MM**2
            found[f"{side}_sternoclavicular"] = Evidence(place, precision, "between the shoulders")
        return
    forward, outward, up = STERNOCLAVICULAR_MM
    place = notch + axes @ np.array([forward, outward if side == "left" else -outward, up])
    found[f"{side}_sternoclavicular"] = Evidence(place, np.eye(3) / STERNOCLAVICULAR_SPREAD_MM**2, "regression:notch")


def _thumb(
    found: dict[str, Evidence],
    reference: Reference,
    measurements: Mapping[str, float],
    marker_set: MarkerSet,
    side: str,
) -> None:
    """Move the thumb's joint from its marker into the thumb, away from its back.

    The back of the thumb is where its three markers bow outward, and, as those stand on skin, where the hand's posture
    puts it: the metacarpal is pronated by 80 degrees to that of the middle finger (Cooney et al. 1981).
    """
    name, places = f"{side}_thumb", reference.places
    rule = next((r for r in marker_set.rules if r.joint == name and r.method == "marker"), None)
    over = [label for label in marker_set.of_segment(name) if label in places]
    if rule is None or rule.labels[0] not in over or len(over) < 3:
        return
    first, marker, last = (places[label] for label in (over[0], rule.labels[0], over[-1]))
    along = unit(last - first)
    outward = marker - (first + last) / 2
    hand = next((r.hand_frame for r in marker_set.rules if r.hand_frame and r.joint.startswith(side)), ())
    if hand and all(label in places for label in hand):
        radial, ulnar, index, little = (places[label] for label in hand)
        down = unit((index + little) / 2 - (radial + ulnar) / 2)
        back = normal(radial - ulnar, down) * (1.0 if side == "left" else -1.0)
        thumbward = np.cross(down, back) * (1.0 if side == "left" else -1.0)
        turned = np.cos(THUMB_PRONATION_RAD) * back + np.sin(THUMB_PRONATION_RAD) * thumbward
        outward = outward + _HAND_WEIGHT_MM * unit(turned - along * (turned @ along))
    outward = outward - along * (outward @ along)
    if np.linalg.norm(outward) < _LEAST_BOW_MM:
        return
    thickness = measured_length(measurements, f"hand_thickness_{side}_mm")
    thickness = THUMB_OF_HAND * (thickness if np.isfinite(thickness) else DEFAULT_HAND_THICKNESS_MM)
    depth = (thickness + marker_set.diameters_mm.get(rule.labels[0], marker_diameter(measurements))) / 2
    precision = np.eye(3) / SPREADS_MM["marker"]["thumb"] ** 2
    source = f"marker:{rule.labels[0]}-(thumb_thickness+d)/2"
    found[name] = Evidence(marker - depth * unit(outward), precision, source)
