"""The numbers that the gates ask for, measured in one trial: size, gaps, sides, residuals, sigma, bone lengths.

mm and shares (0 to 1); NaN where a number cannot be measured, which rejects nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body import JointTrial, MarkerSet
from viodat.body.labels import LabelReport
from viodat.body.labels.sides import partner_pairs
from viodat.body.marker_set import SEGMENTS
from viodat.body.skeleton.result import SkeletonFit
from viodat.build.gates import Gate, Reading
from viodat.capture.c3d_units import millimetres_per
from viodat.capture.markers import MarkerTrial
from viodat.joints import BONES, JOINTS

FloatArray = NDArray[np.float64]

NEIGHBOURS: Final = (
    ("pelvis", "thorax"),
    ("thorax", "head"),
    *(
        (first.format(side), second.format(side))
        for side in ("left", "right")
        for first, second in (
            ("pelvis", "{}_thigh"),
            ("{}_thigh", "{}_shank"),
            ("{}_shank", "{}_foot"),
            ("thorax", "{}_upper_arm"),
            ("{}_upper_arm", "{}_forearm"),
            ("{}_upper_arm", "{}_wrist"),
        )
    ),
    *(bone for bone in BONES if not {"index", "pinky", "thumb"} & {part.split("_")[1] for part in bone}),
)
"""Segments whose markers lie 100 to 500 mm from each other on anybody, and bones between named joints."""

LARGE: Final = ("pelvis", "thorax", "upper_arm", "forearm", "thigh", "shank")
"""Segments of which a trial without any marker is worth a question; without a side."""

NOT_BODY: Final = ("violin", "bow")

UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "m": ("metres", 1000.0),
    "cm": ("centimetres", 10.0),
    "mm": ("mm", 1.0),
}
"""Unit of capture.toml [markers] units -> its name, and mm in it."""

TYPICAL_SIZE_MM: Final = 270.0
"""Usual median distance of :data:`NEIGHBOURS`: 230 (children) to 300 mm (adults) in our recordings."""

LIMBS: Final = tuple(
    (f"{side}_{first}", f"{side}_{second}")
    for side in ("left", "right")
    for first, second in (("pelvis", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)
"""Bones of the limbs, whose length is constant."""

RIGID: Final = (
    *LIMBS,
    *((f"{side}_wrist", f"{side}_{finger}") for side in ("left", "right") for finger in ("index", "pinky")),
    ("left_pelvis", "right_pelvis"),
)
"""All pairs of joints whose distance is constant in a skeleton."""


def size_readings(
    markers: MarkerTrial, marker_set: MarkerSet | None, gates: Mapping[str, Gate], unit: str | None = None
) -> tuple[Reading, ...]:
    """Measure the size of the body that the markers show, and say which unit a wrong one speaks for.

    ``unit`` is what capture.toml [markers] units says, if it says something: it stands above the file's own.
    """
    value = body_size_mm(markers, marker_set)
    detail, mend = _unit_words(value, markers, unit)
    return tuple(Reading(gates[name], value, detail, mend) for name in ("least_size_mm", "largest_size_mm"))


def body_size_mm(markers: MarkerTrial, marker_set: MarkerSet | None) -> float:
    """Median distance of the markers of neighbouring segments: over frames, then over :data:`NEIGHBOURS`.

    Parameters
    ----------
    markers
        Positions as read, mm if the unit is right.
    marker_set
        Which marker is on which segment.

    Returns
    -------
    float
        mm; NaN where no two neighbours are seen in one frame, or no set is known.
    """
    if marker_set is None:
        return float("nan")
    middles = {segment: _middle(markers, labels) for segment, labels in segment_labels(markers, marker_set).items()}
    found: list[float] = []
    for first, second in NEIGHBOURS:
        if first in middles and second in middles:
            apart = _finite(np.linalg.norm(middles[first] - middles[second], axis=-1))
            if apart.size:
                found.append(float(np.median(apart)))
    return float(np.median(found)) if found else float("nan")


def segment_labels(markers: MarkerTrial, marker_set: MarkerSet) -> dict[str, tuple[str, ...]]:
    """For each segment of the set the labels that the file has, as the file spells them."""
    segment_of = {marker.label: marker.segment for marker in marker_set.markers}
    found: dict[str, list[str]] = {}
    for label in markers.labels:
        if label in segment_of:
            found.setdefault(segment_of[label], []).append(label)
    return {segment: tuple(labels) for segment, labels in found.items()}


def _middle(markers: MarkerTrial, labels: Iterable[str]) -> FloatArray:
    points = np.stack([markers.marker(label) for label in labels])
    seen = np.asarray(np.isfinite(points).all(axis=-1))
    total, count = np.where(seen[..., None], points, 0.0).sum(axis=0), seen.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count[:, None] > 0, total / count[:, None], np.nan))


def spread_reading(markers: MarkerTrial, marker_set: MarkerSet | None, gate: Gate) -> Reading:
    """Measure how far the markers of one segment are from each other: labels of other markers lie anywhere."""
    spreads: dict[str, float] = {}
    for segment, labels in (segment_labels(markers, marker_set) if marker_set is not None else {}).items():
        if segment in SEGMENTS and segment not in NOT_BODY and len(labels) > 1:
            middle = _middle(markers, labels)
            away = _finite(np.stack([np.linalg.norm(markers.marker(label) - middle, axis=-1) for label in labels]))
            if away.size:
                spreads[segment] = float(np.median(away))
    if not spreads:
        return Reading(gate, float("nan"))
    worst = max(spreads, key=lambda segment: spreads[segment])
    return Reading(gate, spreads[worst], f"the markers of {worst} are not on one segment of a body")


def _finite(values: NDArray[np.floating]) -> FloatArray:
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)


def _unit_words(value: float, markers: MarkerTrial, unit: str | None) -> tuple[str, str]:
    """Say which unit explains a size, and what to write; empty where there is no size."""
    if not value > 0:
        return "", ""
    apart = f"markers of neighbouring segments lie {value:.3g} mm apart"
    said = f"capture.toml says {unit}" if unit else f"the file says {markers.units}" if markers.units else ""
    used = millimetres_per(unit or markers.units or "mm") or 1.0
    # The reader has made mm of it: this undoes that.
    inside = value / used
    likely = min(UNITS, key=lambda name: abs(np.log(inside * UNITS[name][1] / TYPICAL_SIZE_MM)))
    name, factor = UNITS[likely]
    if factor == used or not 0.4 < inside * factor / TYPICAL_SIZE_MM < 2.5:
        return f"{apart}, which no unit of length explains", ""
    what = f"{apart}: {said or 'the file states no unit, mm was assumed'}, but the numbers are {name}"
    if markers.source is not None and markers.source.suffix.lower() == ".trc":
        return what, f"Correct the unit in the header of {markers.source.name}."
    return what, f'Write units = "{likely}" into capture.toml [markers].'


def marker_readings(
    repaired: MarkerTrial, labels: LabelReport | None, marker_set: MarkerSet | None, gates: Mapping[str, Gate]
) -> tuple[Reading, ...]:
    """Measure segments, gaps and sides, after the label check and before any gap is filled."""
    share, by_segment = gap_shares(repaired, marker_set)
    large = {s: gap for s, gap in by_segment.items() if s in LARGE or s.partition("_")[2] in LARGE}
    worst = max(large, key=lambda segment: large[segment], default="")
    told = f"{worst}: its markers are missing in {large[worst]:.0%} of their samples" if worst else ""
    return (
        spread_reading(repaired, marker_set, gates["segment_spread_mm"]),
        Reading(gates["gap_share"], share),
        Reading(gates["segment_gap_share"], large[worst] if worst else float("nan"), told),
        _exchanged(repaired, labels, gates["exchanged_share"]),
    )


def gap_shares(markers: MarkerTrial, marker_set: MarkerSet | None) -> tuple[float, dict[str, float]]:
    """Share of the samples that are missing, and by segment.

    With a marker set only the body's markers count, and those that the set has on a take and the file has not count as
    missing in the total. Segments are those of which the file has a marker.
    """
    missing = ~markers.valid
    if not missing.size:
        return float("nan"), {}
    if marker_set is None:
        return float(missing.mean()), {}
    by_label = dict(zip(markers.labels, missing.mean(axis=0), strict=True))
    here = {s: labels for s, labels in segment_labels(markers, marker_set).items() if s not in NOT_BODY}
    body = [marker.label for marker in marker_set.markers if not marker.static_only and marker.segment not in NOT_BODY]
    present = {label for labels in here.values() for label in labels}
    # Where one of two alternatives is there, the other is not expected.
    replaced = {
        label
        for ways in marker_set.alternates
        if any(set(way) <= set(markers.labels) for way in ways)
        for label in (*ways[0], *ways[1])
    }
    wanted = [label for label in body if label in present or label not in replaced]
    if not here or all(rule.method == "named" for rule in marker_set.rules):
        # Names of joints are spelt in many ways: what the file has is what there is.
        return float(missing.mean()), {}
    share = float(np.mean([by_label.get(label, 1.0) for label in wanted]))
    return share, {s: float(np.mean([by_label[label] for label in labels])) for s, labels in here.items()}


def _exchanged(markers: MarkerTrial, labels: LabelReport | None, gate: Gate) -> Reading:
    pairs = partner_pairs(markers.labels)
    if labels is None or not markers.n_frames or not pairs:
        return Reading(gate, float("nan"))
    wrong = [fault for fault in labels.faults if fault.kind == "sides" and not fault.repaired]
    if not wrong:
        return Reading(gate, 0.0)
    against = np.zeros(markers.positions_mm.shape[:2], dtype=bool)
    for fault in wrong:
        columns = [markers.labels.index(label) for label in fault.labels]
        against[fault.start_frame - markers.first_frame : fault.end_frame - markers.first_frame + 1, columns] = True
    worst = max(wrong, key=lambda fault: (fault.end_frame - fault.start_frame, len(fault.labels)))
    sided = sorted({k for pair in pairs for k in pair})
    return Reading(gate, float(against[:, sided].mean()), str(worst))


def joint_readings(
    joints: JointTrial, framewise: JointTrial, fit: SkeletonFit | None, gates: Mapping[str, Gate]
) -> tuple[Reading, ...]:
    """Measure the joints: how many, how often, how well the skeleton fits, how sure it is."""
    shares = joints.valid.mean(axis=0) if joints.n_frames else np.zeros(len(JOINTS))
    known = shares > 0
    why = "; ".join(sorted({how for how in joints.method if how.startswith("none")})[:3])
    return (
        Reading(gates["joints"], float(known.sum()), f"no joint is determined in any frame ({why})" if why else ""),
        Reading(gates["determined_share"], float(shares[known].mean()) if known.any() else float("nan")),
        *(_fit_readings(fit, gates) if fit is not None else ()),
        _bone_reading(framewise, gates["bone_variation"]),
    )


def _fit_readings(fit: SkeletonFit, gates: Mapping[str, Gate]) -> tuple[Reading, ...]:
    seen = [marker for marker in fit.report.markers if marker.missing < 1]
    known = [marker for marker in seen if np.isfinite(marker.residual_mm)]
    residuals = [marker.residual_mm for marker in known]
    worst = max(known, key=lambda marker: marker.residual_mm, default=None)
    samples = np.array([1 - marker.missing for marker in seen])
    outlying = float(samples @ np.array([m.outlying for m in seen]) / samples.sum()) if seen else float("nan")
    sigmas = [joint.sigma_mm for joint in fit.report.joints if np.isfinite(joint.sigma_mm)]
    return (
        Reading(gates["residual_mm"], float(np.median(residuals)) if residuals else float("nan")),
        Reading(
            gates["marker_residual_mm"],
            worst.residual_mm if worst else float("nan"),
            f"the worst marker is {worst.label} of {worst.segment}" if worst else "",
        ),
        Reading(gates["outlying_share"], outlying),
        Reading(gates["sigma_mm"], float(np.median(sigmas)) if sigmas else float("nan")),
    )


def bone_lengths(joints: JointTrial) -> dict[tuple[str, str], tuple[float, float]]:
    """For each bone whose ends are determined in two frames: mean and standard deviation of its length, mm."""
    found = {}
    for first, second in BONES:
        length = _finite(np.linalg.norm(joints.joint(first) - joints.joint(second), axis=-1))
        if length.size > 1:
            found[first, second] = (float(length.mean()), float(length.std()))
    return found


def _bone_reading(framewise: JointTrial, gate: Gate) -> Reading:
    lengths = bone_lengths(framewise)
    shares = {bone: spread / mean for bone, (mean, spread) in lengths.items() if bone in LIMBS and mean > 0}
    if not shares:
        return Reading(gate, float("nan"))
    worst = max(shares, key=lambda bone: shares[bone])
    told = f"the worst bone, {worst[0]} to {worst[1]}, varies by {shares[worst]:.0%} of its length"
    return Reading(gate, float(np.median(list(shares.values()))), told)
