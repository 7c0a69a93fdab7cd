"""Joint angles by the conventions of the ISB, from the axes of the segments over time.

Angles are rad. Axes are those of :mod:`viodat.body.anatomical_axes`: x forward, y up, z to the right on both sides. A
joint's angles are the three turns that carry the proximal segment's axes into the distal one's, each about the axes as
the turn before left them:

- Z-X-Y for hip, knee, ankle, spine, elbow and wrist: flexion about the proximal z, axial rotation about the distal y,
  the third about the floating axis (Grood and Suntay 1983; Wu et al. 2002, 2005);
- Y-X-Y for the shoulder, upper arm on thorax (Wu et al. 2005);
- Y-X-Z for the clavicle (Wu et al. 2005), and for pelvis and thorax in the room. For the latter Wu et al. 2005 have
  Z-X-Y, which supposes that the person faces along the room's x; taking the turn about the vertical first keeps tilt
  and list free of where a player faces (Baker 2001, for the pelvis).

Signs are the same on both sides: a left joint is mirrored in the plane of x and y before its angles are taken, which
turns the sign of rotations about x and y. So flexion, adduction, inversion and internal rotation are positive left and
right; :data:`MEANINGS` says it of each angle. Those of pelvis, thorax, trunk and head follow the right-hand rule about
x, y and z, as in Wu et al. 2005 and OpenSim: leaning back, leaning to the right and turning left are positive. Clinical
reports of gait often count the forward tilt of the pelvis positive.

Near a singularity two turns are about the same line, and only their sum or difference is known. That is an elevation
of the shoulder of 0 or π, for plane of elevation and axial rotation, and a middle turn of ±π/2 elsewhere (elbow
adducted or foot inverted by 90°), for the first and third. Within 1e-6 rad of it both are NaN. Farther away they are
returned as they are, and an error of the axes comes out multiplied by 1/sin(elevation) or 1/cos(middle turn): 11 times
at an elevation of 5°. With hanging arms, use the sum of the two: the arm's turn about itself, which stays good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np

from viodat.body.anatomical_axes import SEGMENTS
from viodat.body.geometry import FloatArray
from viodat.body.plug_in_gait import SIDES
from viodat.capture.spelling import did_you_mean
from viodat.errors import BodyError

_SINGULAR = 1e-6
_NOT_A_ROTATION = 1e-6
_MIRROR: Final = np.diag([1.0, 1.0, -1.0])
_ROOM: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""The room's forward, up and right in columns: world x, z and minus y."""


def _zxy(m: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Take (T, 3, 3) apart into turns about z, x, y, and the cosine that is 0 where first and third are lost."""
    cosine = np.hypot(m[:, 0, 1], m[:, 1, 1])
    return (
        np.arctan2(-m[:, 0, 1], m[:, 1, 1]),
        np.arctan2(m[:, 2, 1], cosine),
        np.arctan2(-m[:, 2, 0], m[:, 2, 2]),
        cosine,
    )


def _yxz(m: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Take apart into turns about y, x, z; else as :func:`_zxy`."""
    cosine = np.hypot(m[:, 0, 2], m[:, 2, 2])
    return (
        np.arctan2(m[:, 0, 2], m[:, 2, 2]),
        np.arctan2(-m[:, 1, 2], cosine),
        np.arctan2(m[:, 1, 0], m[:, 1, 1]),
        cosine,
    )


def _yxy(m: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Take apart into turns about y, x, y, the second from -π to 0 as an elevation is; its sine, as :func:`_zxy`."""
    sine = np.hypot(m[:, 0, 1], m[:, 2, 1])
    return (
        np.arctan2(-m[:, 0, 1], -m[:, 2, 1]),
        -np.arctan2(sine, m[:, 1, 1]),
        np.arctan2(-m[:, 1, 0], m[:, 1, 2]),
        sine,
    )


_Sequence = Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray, FloatArray]]


class _Angle(NamedTuple):
    """Name, sign of the turn on the right side, and what it is."""

    name: str
    sign: float
    meaning: str


class _Joint(NamedTuple):
    """Distal and proximal segment (empty: the room), sequence, and the three turns in its order."""

    distal: str
    proximal: str
    sequence: _Sequence
    turns: tuple[_Angle | None, _Angle | None, _Angle | None]


def _in_the_room(segment: str) -> _Joint:
    return _Joint(
        segment,
        "",
        _yxz,
        (
            _Angle(f"{segment}_rotation", 1, "turn about the vertical; to the left +, 0 facing along the world's x"),
            _Angle(f"{segment}_list", 1, "lean to the side; right side down +"),
            _Angle(f"{segment}_tilt", 1, "lean forward and back; back +"),
        ),
    )


def _on_the_spine(name: str, distal: str, proximal: str) -> _Joint:
    return _Joint(
        distal,
        proximal,
        _zxy,
        (
            _Angle(f"{name}_extension", 1, f"{distal} on {proximal}; back +"),
            _Angle(f"{name}_bending", 1, f"{distal} on {proximal}; to the right +"),
            _Angle(f"{name}_rotation", 1, f"{distal} on {proximal}; to the left +"),
        ),
    )


_MIDDLE: Final = (
    _in_the_room("pelvis"),
    _in_the_room("thorax"),
    _on_the_spine("trunk", "thorax", "pelvis"),
    _on_the_spine("head", "head", "thorax"),
)

_SIDED: Final = (
    _Joint(
        "thigh",
        "pelvis",
        _zxy,
        (
            _Angle("hip_flexion", 1, "thigh on pelvis; forward +"),
            _Angle("hip_adduction", 1, "towards the other leg +"),
            _Angle("hip_internal_rotation", 1, "toes in +"),
        ),
    ),
    _Joint(
        "shank",
        "thigh",
        _zxy,
        (
            _Angle("knee_flexion", -1, "shank on thigh; heel to the buttocks +"),
            _Angle("knee_adduction", 1, "shank inward (varus) +"),
            _Angle("knee_internal_rotation", 1, "toes in +; a constant of tibial torsion is in it"),
        ),
    ),
    _Joint(
        "foot",
        "shank",
        _zxy,
        (
            _Angle("ankle_dorsiflexion", 1, "foot on shank; toes up +, 0 with heel and toe marker square to the shank"),
            _Angle("ankle_inversion", 1, "sole inward +"),
            _Angle("ankle_internal_rotation", 1, "toes in +"),
        ),
    ),
    _Joint(
        "clavicle",
        "thorax",
        _yxz,
        (
            _Angle("clavicle_protraction", 1, "clavicle on thorax; shoulder forward +, 0 straight to the side"),
            _Angle("clavicle_elevation", -1, "shoulder up +, 0 level with the notch"),
            None,  # Two points do not show how the clavicle turns about itself.
        ),
    ),
    _Joint(
        "upper_arm",
        "thorax",
        _yxy,
        (
            _Angle(
                "shoulder_plane_of_elevation",
                1,
                "direction in which the upper arm is raised from the thorax; 0 to the side, π/2 forward",
            ),
            _Angle("shoulder_elevation", -1, "angle between upper arm and the thorax' downward axis; 0 hanging, to π"),
            _Angle("shoulder_axial_rotation", 1, "turn of the upper arm about itself; inward +"),
        ),
    ),
    _Joint(
        "forearm",
        "upper_arm",
        _zxy,
        (
            _Angle("elbow_flexion", 1, "forearm on upper arm; bent +"),
            _Angle("elbow_adduction", 1, "forearm inward (varus) +; the carrying angle is its negative"),
            _Angle("forearm_pronation", 1, "palm back +; 0 supinated with the palm forward, π/2 thumb forward"),
        ),
    ),
    _Joint(
        "hand",
        "forearm",
        _zxy,
        (
            _Angle("wrist_flexion", 1, "hand on forearm; towards the palm +"),
            _Angle("wrist_deviation", 1, "towards the little finger (ulnar) +"),
            None,  # No muscle turns the hand about itself on the radius.
        ),
    ),
)

MEANINGS: Final[Mapping[str, str]] = {
    **{turn.name: turn.meaning for joint in _MIDDLE for turn in joint.turns if turn},
    **{f"{side}_{turn.name}": turn.meaning for side in SIDES for joint in _SIDED for turn in joint.turns if turn},
}
"""Name of each angle -> what turns on what, and its sign."""

ANGLES: Final[tuple[str, ...]] = tuple(MEANINGS)
"""Names of all angles, in the order in which they are stored."""


def joint_angles(axes: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Joint angles over time.

    Parameters
    ----------
    axes
        Segment of :data:`viodat.body.anatomical_axes.SEGMENTS` -> (T, 3, 3), its anatomical axes in columns, world;
        NaN in frames where the segment is not determined. Segments may be absent. Those of ``forearm`` turn with the
        radius.

    Returns
    -------
    dict
        For every name of :data:`ANGLES` (T,) rad: NaN where one of the two segments is absent or NaN, and where a
        singularity leaves the angle undetermined. Angles that can pass ±π are continuous over time, with their median
        within ±π; across a gap, the shorter way is taken.

    Raises
    ------
    BodyError
        No segment is given or one is unknown, the numbers of frames differ, or a matrix is no rotation.

    Examples
    --------
    >>> straight = np.eye(3)[None]
    >>> bent = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    >>> round(float(joint_angles({"left_upper_arm": straight, "left_forearm": bent})["left_elbow_flexion"][0]), 4)
    1.5708
    """
    frames = _check(axes)
    out: dict[str, FloatArray] = {}
    for prefix, joints in (("", _MIDDLE), *((f"{side}_", _SIDED) for side in SIDES)):
        for joint in joints:
            relative = _relative(axes, joint, prefix, frames)
            out |= {prefix + name: values for name, values in _turns(relative, joint).items()}
    return {name: out[name] for name in ANGLES}


def _check(axes: Mapping[str, FloatArray]) -> int:
    if not axes:
        raise BodyError("joint angles need the axes of at least one segment", mend="Give some, e.g. 'pelvis'.")
    frames = {np.shape(matrices)[0] if np.ndim(matrices) else 0 for matrices in axes.values()}
    for segment, matrices in axes.items():
        if segment not in SEGMENTS:
            raise BodyError(f"{segment!r} has no anatomical axes", mend=did_you_mean(segment, SEGMENTS, "segments"))
        if np.ndim(matrices) != 3 or np.shape(matrices)[1:] != (3, 3) or len(frames) > 1:
            raise BodyError(
                f"axes of {segment} have shape {np.shape(matrices)}, but (T, 3, 3) with one T for all was expected",
                mend="Repeat or resample them to the same frames.",
            )
        with np.errstate(all="ignore"):
            off = np.abs(np.swapaxes(matrices, -1, -2) @ matrices - np.eye(3)).max(axis=(-1, -2))
            wrong = (off > _NOT_A_ROTATION) | (np.linalg.det(matrices) < 0)
        if wrong.any():
            raise BodyError(
                f"axes of {segment} in frame {int(np.argmax(wrong))} (counted from 0) are no right-handed unit axes",
                mend="Columns must be x forward, y up and z to the right.",
            )
    return frames.pop()


def _relative(axes: Mapping[str, FloatArray], joint: _Joint, prefix: str, frames: int) -> FloatArray:
    """(T, 3, 3): the distal segment's axes in those of the proximal one, of a left joint as its mirror image."""
    missing = np.full((frames, 3, 3), np.nan)
    distal = np.asarray(axes.get(prefix + joint.distal, missing))
    if not joint.proximal:
        proximal = np.broadcast_to(_ROOM, distal.shape)
    else:
        sided = joint.proximal if joint.proximal in SEGMENTS else prefix + joint.proximal
        proximal = np.asarray(axes.get(sided, missing))
    relative = np.swapaxes(proximal, -1, -2) @ distal
    return np.asarray(_MIRROR @ relative @ _MIRROR if prefix == "left_" else relative)


def _turns(relative: FloatArray, joint: _Joint) -> dict[str, FloatArray]:
    first, second, third, determined = joint.sequence(relative)
    with np.errstate(invalid="ignore"):
        lost = ~(determined > _SINGULAR)
    out = {}
    for turn, values in zip(joint.turns, (first, second, third), strict=True):
        if turn is None:
            continue
        # The middle turn covers half a circle and never jumps.
        angle = values if values is second else _unwrapped(np.where(lost, np.nan, values))
        out[turn.name] = turn.sign * angle
    return out


def _unwrapped(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    if not known.any():
        return values
    out = values.copy()
    out[known] = np.unwrap(values[known])
    # By the median, not the first frame: that may lie on either side of ±π in takes that are alike.
    return out - 2 * np.pi * np.round(np.median(out[known]) / (2 * np.pi))
