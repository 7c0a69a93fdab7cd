"""Joints from published markers: no joint that the markers do not determine, and each with the method that gave it.

Published markers come without measurements of the players, so Plug-in Gait's chords (knee, ankle, elbow) are out of
reach: those joints stay missing unless the set has a marker on either side of them. Hips and shoulders have
regressions that need markers only (:mod:`viodat.body.regressions`). Positions are mm, in the markers' own frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body import JointTrial, MarkerSet, audit_upright, detect_marker_set, get_marker_set, joint_centres
from viodat.body.regressions import hip_centres, shoulder_centres
from viodat.capture.config import CaptureConfig
from viodat.capture.markers import MarkerTrial
from viodat.dataset.importers.body_size import TRUNK_MM, UNITS_MM, of_a_person, unit_of
from viodat.errors import BodyError, CaptureError, counted
from viodat.joints import JOINT_INDEX, JOINTS

_FAR_MM: Final = 1e5
_HIP: Final = "harrington-width"
_SHOULDER: Final = "rab"
_NO_SET: Final = MarkerSet("points", "Points that capture.toml names", (), (), "capture.toml [joints] points")
_TRUNK_ENDS: Final = (
    ("left_shoulder", "LSHO", "left_pelvis", "LASI"),
    ("right_shoulder", "RSHO", "right_pelvis", "RASI"),
)

METHODS_NOTE: Final = (
    f"Joints are computed from the published markers by viodat: hips by the regression {_HIP}, shoulders by "
    f"{_SHOULDER}, wrists as midpoints, with markers of 14 mm assumed; `joint_methods` has the method of each. Joints "
    "that need measurements of the player (knees, ankles, elbows) or markers that are not there (fingers) are "
    "missing."
)
"""What a card says of joints that come from here."""


@dataclass(frozen=True)
class MarkerJoints:
    """Joints of one trial.

    Attributes
    ----------
    positions_mm
        (F, 18, 3) mm, NaN where the markers do not determine a joint.
    methods
        How each joint was found, or None.
    marker_set
        Name of the marker set.
    gap_share
        Share of the set's marker samples that are missing.
    rate_hz
        Frames per second; the first is at time 0.
    notes
        What was found and handled.
    """

    positions_mm: NDArray[np.float64]
    methods: tuple[str | None, ...]
    marker_set: str
    gap_share: float
    rate_hz: float
    notes: tuple[str, ...]


def joints_of(markers: MarkerTrial, config: CaptureConfig, default: str | None = None) -> MarkerJoints | str:
    """Find the joints of a trial.

    Parameters
    ----------
    markers
        As published: positions in an unknown unit, in their own frame.
    config
        [markers] labels, set, units and axes, [marker_sets] and [joints] points are used.
    default
        The marker set where ``config`` names none. None: the registered one that fits the labels.

    Returns
    -------
    MarkerJoints or str
        Or why there are none: nothing says what the markers are.

    Raises
    ------
    CaptureError
        If the unit of length cannot be told, or two markers would have one label.
    ConfigError
        If ``config`` names a marker set that there is not.
    """
    named = markers.renamed(config.markers.labels).turned(config.markers.axes)
    marker_set = _marker_set(named, config, default)
    points = config.joints.points
    if marker_set is None and not points:
        some = ", ".join(named.labels[:8]) + (", ..." if len(named.labels) > 8 else "")
        return (
            f"no marker set fits its {len(named.labels)} markers ({some}), so no joint was computed: say in a "
            "capture.toml what they are ([markers] set and labels, or [joints] points), and give it with --config"
        )
    chosen = marker_set or _NO_SET
    scaled, unit_notes = _in_mm(named, config, points)
    centres = joint_centres(scaled, marker_set=chosen, joints=points)
    positions, methods = centres.positions_mm.copy(), list(centres.method)
    for name, regression in ((_HIP, hip_centres), (_SHOULDER, shoulder_centres)):
        try:
            found = regression(scaled, {}, name)
        except BodyError:
            continue
        for centre in found.values():
            i = JOINT_INDEX[centre.joint]
            if methods[i].startswith("none") and np.isfinite(centre.position_mm).any():
                positions[:, i], methods[i] = centre.position_mm, centre.method
    whole = replace(centres, positions_mm=positions, method=tuple(methods))
    valid = scaled.keeping(chosen.labels or scaled.labels).valid
    return MarkerJoints(
        positions,
        tuple(None if method.startswith("none") else method for method in methods),
        marker_set.name if marker_set else "",
        float(1 - valid.mean()) if valid.size else 1.0,
        scaled.rate_hz,
        (*named.notes, *unit_notes, *centres.notes, *_missing(whole), *audit_upright(whole)),
    )


def _marker_set(markers: MarkerTrial, config: CaptureConfig, default: str | None) -> MarkerSet | None:
    name = config.markers.set or default
    if name is None:
        found = detect_marker_set(markers.labels)
        # What a system calls its left elbow may be a marker on it: only capture.toml says that a point is a joint.
        return None if found is None or found.name == "named-joints" else found
    if name in config.marker_sets:
        return MarkerSet.from_config(name, config.marker_sets[name])
    return get_marker_set(name)


def _in_mm(
    markers: MarkerTrial, config: CaptureConfig, points: Mapping[str, str]
) -> tuple[MarkerTrial, tuple[str, ...]]:
    """Give the markers in mm, and what there is to say of it."""
    trunk = _trunk(markers, points)
    unit = config.markers.units or unit_of(trunk)
    if unit is None:
        how_long = f"its trunks are {trunk:.4g} long" if np.isfinite(trunk) else "it has no shoulders with hips"
        raise CaptureError(
            f"{how_long}, so its unit of length is unknown: a person has {TRUNK_MM[0]:g} to {TRUNK_MM[1]:g} mm from "
            "shoulder to hip",
            where=markers.source,
            mend='Say it in a capture.toml, [markers] units = "mm", "cm" or "m", and give it with --config.',
        )
    notes = []
    if np.isfinite(trunk) and not of_a_person(trunk * UNITS_MM[unit]):
        notes.append(f"in {unit}, as capture.toml says, its trunk is {trunk * UNITS_MM[unit]:.4g} mm long")
    elif config.markers.units is None and unit != "mm":
        notes.append(f"its markers are in {unit}, told by the length of the trunk; they were turned into mm")
    positions = markers.positions_mm * UNITS_MM[unit]
    with np.errstate(invalid="ignore"):
        far = np.abs(positions).max(-1) > _FAR_MM
    if far.any():
        notes.append(f"{counted(int(far.sum()), 'marker sample')} beyond {_FAR_MM / 1000:g} m taken for gaps")
        positions = np.where(far[..., None], np.nan, positions)
    return replace(markers, positions_mm=positions), tuple(notes)


def _trunk(markers: MarkerTrial, points: Mapping[str, str]) -> float:
    """Median distance from shoulder to hip, in the unit of the file; NaN where there is none."""
    lengths = []
    for shoulder, shoulder_label, hip, hip_label in _TRUNK_ENDS:
        ends = [
            markers.marker(points.get(joint, label)) for joint, label in ((shoulder, shoulder_label), (hip, hip_label))
        ]
        lengths.append(np.linalg.norm(ends[0] - ends[1], axis=-1))
    known = np.concatenate(lengths)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")


def _missing(joints: JointTrial) -> list[str]:
    """Name the joints that are missing in all frames, by reason."""
    reasons: dict[str, list[str]] = {}
    for joint, method in zip(JOINTS, joints.method, strict=True):
        if method.startswith("none"):
            reasons.setdefault(method.removeprefix("none: "), []).append(joint)
    return [f"missing: {', '.join(names)}; {reason}" for reason, names in reasons.items()]
