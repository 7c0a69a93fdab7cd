"""How skin carries markers away from the bone: soft-tissue motion as a smooth function of what the body does.

Three things move a marker within its segment's frame. Skin follows only part of a limb's axial rotation, less so near
the trunk. Skin slides and muscle bulges as the joints above and below bend, in directions of each marker's own. And
what hangs on the bone wobbles when the bone is accelerated, as a damped oscillator driven by the segment's motion. The
first two are smooth functions of posture, so they are as smooth as the body (C²); the third is computed on the uniform
grid of the recording, 100 Hz. Markers of violin and bow are rigid. mm, s, Hz, rad.

:data:`TISSUES` was fixed before any estimator was tuned on it. What it rests on: of the lower limb the thigh is worst,
and the artefact depends on the task and differs from person to person (Leardini, Chiari, Della Croce and Cappozzo 2005,
Gait Posture 21:212); that of the thigh goes with knee flexion (Barré et al. 2017, J Biomech 62:21); a cuff on the upper
arm misses up to 30° of the humerus' axial rotation, and only a few degrees of its elevation (Hamming et al. 2012,
J Biomech 45:1161, PMC3327809). The numbers are viodat's choice, of the size that such studies report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import lfilter, lfilter_zi

from viodat.synth.lab.c3d import MOCAP_HZ
from viodat.synth.lab.marker_set import MARKERS, Placement
from viodat.synth.player.body import FINGERS, Body
from viodat.synth.vectors import FloatArray


@dataclass(frozen=True)
class Tissue:
    """What lies between a marker and the bone.

    Attributes
    ----------
    above_mm, below_mm
        Displacement, root mean square over people, when the joint at the segment's proximal or distal end is bent by a
        right angle from the neutral posture.
    follows
        Share of the axial rotation that the skin follows, at the segment's proximal and distal end. On the forearm it
        is the share of the hand's pronation that its skin takes part in, though the ulna does not.
    natural_hz, damping
        Of the wobble.
    loose
        Share of the acceleration that drives the wobble.
    """

    above_mm: float
    below_mm: float
    follows: tuple[float, float]
    natural_hz: float
    damping: float
    loose: float = 0.5


TISSUES: Final[Mapping[str, Tissue]] = {
    "scalp": Tissue(1.0, 0.0, (1.0, 1.0), 25.0, 0.5, 0.2),
    "trunk": Tissue(8.0, 8.0, (1.0, 1.0), 12.0, 0.5),
    "chest": Tissue(4.0, 5.0, (1.0, 1.0), 15.0, 0.5),
    "pelvis": Tissue(5.0, 6.0, (1.0, 1.0), 12.0, 0.5),
    "shoulder": Tissue(4.0, 12.0, (1.0, 1.0), 12.0, 0.4),
    "upper arm": Tissue(14.0, 10.0, (0.55, 0.80), 9.0, 0.35, 0.4),
    "elbow": Tissue(2.0, 7.0, (0.85, 0.92), 14.0, 0.4),
    "forearm": Tissue(6.0, 3.0, (0.05, 0.65), 11.0, 0.4, 0.3),
    "wrist": Tissue(0.0, 3.0, (0.92, 0.95), 20.0, 0.5),
    "hand": Tissue(2.0, 1.5, (1.0, 1.0), 25.0, 0.5),
    "finger": Tissue(1.5, 1.0, (1.0, 1.0), 25.0, 0.5),
    "thigh": Tissue(16.0, 20.0, (0.65, 0.85), 8.0, 0.3),
    "knee": Tissue(3.0, 16.0, (0.85, 0.90), 10.0, 0.4),
    "shank": Tissue(8.0, 5.0, (0.90, 0.95), 11.0, 0.4),
    "ankle": Tissue(1.0, 5.0, (0.95, 0.95), 18.0, 0.5),
    "foot": Tissue(3.0, 0.0, (1.0, 1.0), 20.0, 0.5),
}
"""Soft tissue by class. On the forearm ``follows`` is of pronation, elsewhere of the segment's own axial rotation."""

_HABIT = 0.6
"""Share of sliding that people have in common: towards the joint that bends. The rest is everyone's own."""
_OTHER_SIDE = 0.3
"""How much of a joint's effect reaches markers of the trunk on the other side."""
_ACROSS = 0.5
"""Motion square to the skin, relative to motion along it."""
# Bent forwards by a right angle, (sin, 0, 1 - cos) is (1, 0, 1): two coefficients add up, each of 2 + _ACROSS² parts.
_PER_COEFFICIENT = float(np.sqrt(2 * (2 + _ACROSS**2)))

_TURNS_AGAINST: Final[Mapping[str, str]] = {
    "upper_arm": "{side}_clavicle",
    "radius": "{side}_forearm",
    "thigh": "pelvis",
    "shank": "{side}_thigh",
}

Joint = tuple[str, str]


def _joints() -> dict[str, tuple[tuple[Joint, ...], tuple[Joint, ...]]]:
    """Joints above and below each segment, as (segment, segment whose bending counts)."""
    trunk = ("pelvis", "thorax")
    found: dict[str, tuple[tuple[Joint, ...], tuple[Joint, ...]]] = {
        "pelvis": ((trunk,), (("pelvis", "left_thigh"), ("pelvis", "right_thigh"))),
        "thorax": ((trunk,), (("thorax", "left_upper_arm"), ("thorax", "right_upper_arm"))),
        "head": ((("thorax", "head"),), ()),
    }
    for s in ("left_", "right_"):
        chains: tuple[tuple[str, ...], ...] = (
            ("thorax", f"{s}clavicle", f"{s}upper_arm", f"{s}forearm"),
            ("pelvis", f"{s}thigh", f"{s}shank", f"{s}foot"),
            (f"{s}radius", f"{s}hand", f"{s}middle_proximal"),
            *((f"{s}hand", *(f"{s}{f}_{bone}" for bone in ("proximal", "middle", "distal"))) for f in FINGERS),
            (f"{s}hand", *(f"{s}thumb_{bone}" for bone in ("metacarpal", "proximal", "distal"))),
        )
        for chain in chains:
            for i, segment in enumerate(chain[1:], start=1):
                below = ((segment, chain[i + 1]),) if i + 1 < len(chain) else ()
                found.setdefault(segment, (((chain[i - 1], segment),), below))
        found[f"{s}forearm"] = (((f"{s}upper_arm", f"{s}forearm"),), ((f"{s}radius", f"{s}hand"),))
        found[f"{s}radius"] = ((), ((f"{s}radius", f"{s}hand"),))
    return found


_JOINTS: Final = _joints()


@dataclass(frozen=True)
class Skin:
    """How one participant's skin slides: for each marker of :data:`MARKERS` (J, 3, 3) mm, drivers in the second axis.

    The J joints are those above, then those below the marker's segment; the drivers of a joint are how far the bone
    below leans forwards, to the left, and away from straight (sine, sine, 1 - cosine).
    """

    slides: tuple[FloatArray, ...]


def draw_skin(placement: Placement, rng: np.random.Generator) -> Skin:
    """Draw one participant's skin; it stays the same through static trial, range of motion and takes."""
    slides = []
    for i, marker in enumerate(MARKERS):
        own = TISSUES.get(marker.tissue)
        above, below = _JOINTS.get(marker.segment, ((), ()))
        if own is None:
            slides.append(np.zeros((0, 3, 3)))
            continue
        rows = []
        for joints, size, towards in ((above, own.above_mm, 1.0), (below, own.below_mm, -1.0)):
            for joint in joints:
                coefficients = rng.standard_normal((3, 3)) * np.sqrt(1 - _HABIT**2)
                # The whole habit in one coefficient and one direction: of the same root mean square as the rest.
                coefficients[2, 2] += towards * _HABIT * _PER_COEFFICIENT
                normal = placement.outward[i]
                coefficients -= (1 - _ACROSS) * (coefficients @ normal)[:, None] * normal
                rows.append(coefficients * size / _PER_COEFFICIENT * _reach(marker.label, joint))
        slides.append(np.array(rows).reshape(-1, 3, 3))
    return Skin(tuple(slides))


def _reach(label: str, joint: Joint) -> float:
    other = {"L": "right_", "R": "left_"}.get(label[0], "")
    return _OTHER_SIDE if other and joint[1].startswith(other) else 1.0


@dataclass(frozen=True)
class MarkerMotion:
    """True markers over time: labels (N), centres (T, N, 3) mm and directions out of the skin (T, N, 3), world."""

    labels: tuple[str, ...]
    positions: FloatArray
    outward: FloatArray


def marker_motion(
    body: Body, placement: Placement, skin: Skin, labels: Sequence[str], wobble: bool = True
) -> MarkerMotion:
    """Carry markers along with a body.

    Parameters
    ----------
    body
        At T instants; at 100 Hz, evenly spaced, if ``wobble``.
    placement, skin
        Of the participant.
    labels
        Which markers, as :func:`viodat.synth.lab.marker_set.labels_of` gives them; their segments must be in the body.
    wobble
        Whether soft tissue wobbles.
    """
    wanted = {label: k for k, label in enumerate(labels)}
    chosen = [i for i, marker in enumerate(MARKERS) if marker.label in wanted]
    if len(chosen) != len(wanted):
        raise ValueError(f"unknown labels: {sorted(set(wanted) - {m.label for m in MARKERS})}")
    drivers: dict[Joint, FloatArray] = {}
    positions = np.empty((body.times_s.size, len(labels), 3))
    outward = np.empty_like(positions)
    for i in chosen:
        marker, k = MARKERS[i], wanted[MARKERS[i].label]
        frame = body.segments[marker.segment]
        place, normal = placement.places[i], placement.outward[i]
        if not marker.tissue:
            positions[:, k], outward[:, k] = frame.point(place), frame.axes @ normal
            continue
        tissue = TISSUES[marker.tissue]
        angle = _axial_slip(body, marker.segment, tissue, float(placement.along[i]))
        local = _about_z(place, angle)
        joints = [joint for group in _JOINTS[marker.segment] for joint in group]
        for joint, coefficients in zip(joints, skin.slides[i], strict=True):
            if joint not in drivers:
                drivers[joint] = _bend(body, *joint)
            local = local + drivers[joint] @ coefficients
        if wobble:
            shaken = _wobble(frame.point(place), frame.axes, tissue)
            shaken -= (1 - _ACROSS) * (shaken @ normal)[:, None] * normal
            local = local + shaken
        positions[:, k] = frame.point(local)
        outward[:, k] = np.einsum("tij,tj->ti", frame.axes, _about_z(normal, angle))
    return MarkerMotion(tuple(labels), positions, outward)


def twist_rad(body: Body, of: str, relative_to: str) -> FloatArray:
    """(T,) rotation of one segment about its own long axis (z), relative to another: the twist of swing and twist."""
    turn = np.swapaxes(body.segments[relative_to].axes, -1, -2) @ body.segments[of].axes
    return np.asarray(np.arctan2(turn[:, 1, 0] - turn[:, 0, 1], turn[:, 0, 0] + turn[:, 1, 1]))


def _bend(body: Body, above: str, below: str) -> FloatArray:
    """(T, 3) how far a bone leans in the frame of the one above: forwards, to the left, and 1 - cosine of the angle."""
    down = -np.einsum("tij,ti->tj", body.segments[above].axes, body.segments[below].axes[..., 2])
    return np.stack([down[:, 0], down[:, 1], 1 + down[:, 2]], axis=-1)


def _axial_slip(body: Body, segment: str, tissue: Tissue, along: float) -> FloatArray:
    """(T,) rad by which the skin turns about the bone under it."""
    side, _, part = segment.partition("_")
    near, far = tissue.follows
    follows = near + along * (far - near)
    if part == "forearm":
        return follows * twist_rad(body, f"{side}_radius", segment)
    if part not in _TURNS_AGAINST:
        return np.zeros(body.times_s.size)
    return -(1 - follows) * twist_rad(body, segment, _TURNS_AGAINST[part].format(side=side))


def _about_z(v: FloatArray, angle: FloatArray) -> FloatArray:
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * v[0] - s * v[1], s * v[0] + c * v[1], np.full_like(c, v[2])], axis=-1)


def _wobble(path: FloatArray, axes: FloatArray, tissue: Tissue) -> FloatArray:
    """(T, 3) mm in the segment's frame: x″ + 2ζωx′ + ω²x = -loose · a, in the world's directions, at rest at first."""
    if len(path) < 3:
        return np.zeros_like(path)
    omega = 2 * np.pi * tissue.natural_hz
    acceleration = np.gradient(np.gradient(path, 1 / MOCAP_HZ, axis=0), 1 / MOCAP_HZ, axis=0)
    # The bilinear transform, warped so that the natural frequency stays where it is.
    k = omega / np.tan(omega / MOCAP_HZ / 2)
    damped = 2 * tissue.damping * omega * k
    bottom = np.array([k**2 + damped + omega**2, 2 * (omega**2 - k**2), k**2 - damped + omega**2])
    top = -tissue.loose * np.array([1.0, 2.0, 1.0])
    start = lfilter_zi(top / bottom[0], bottom / bottom[0])[:, None] * acceleration[0]
    moved = np.asarray(lfilter(top, bottom, acceleration, axis=0, zi=start)[0], dtype=np.float64)
    return np.asarray(np.einsum("tij,ti->tj", axes, moved))
