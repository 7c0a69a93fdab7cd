"""``fit_skeleton``: a skeleton of constant bone lengths, fitted to all markers of a trial at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from viodat.body.anatomical_axes import anatomical_axes
from viodat.body.angles import ANGLES, joint_angles
from viodat.body.geometry import FloatArray
from viodat.body.joint_centres import joint_centres, measurements_of
from viodat.body.marker_set import MarkerSet
from viodat.body.marker_sets import detect_marker_set, get_marker_set
from viodat.body.plug_in_gait import listed
from viodat.body.skeleton.building import build_trees, expect, joint_points
from viodat.body.skeleton.calibration import Calibration, calibrate, from_evidence
from viodat.body.skeleton.evidence import Evidence, gather_evidence, knuckles, why_unknown
from viodat.body.skeleton.motion import OUTLYING_WEIGHT, TreeMotion, fit_motion, unseen_for_long
from viodat.body.skeleton.reference import Reference, check_size, reference_posture, unlike
from viodat.body.skeleton.result import FitReport, FittedJoint, FittedMarker, SkeletonFit
from viodat.body.skeleton.sampling import calibration_frames
from viodat.body.skeleton.segments import LIMBS, SEGMENTS_FITTED, TREES, holder_of, joint_of, parent_of
from viodat.body.skeleton.starting_poses import starting_poses
from viodat.body.skeleton.tree import Slides, Tree, subtree
from viodat.body.skeleton.uncertainty import joint_sigmas
from viodat.capture.markers import MarkerTrial, Subject
from viodat.errors import BodyError
from viodat.joints import BONES, JOINT_INDEX, JOINTS

UNDETERMINED_MM: Final = 40.0
"""A joint whose sigma is larger is not determined: its frame is NaN. Ten times what a joint has, and half a hand."""

LEAST_POSTURES: Final = 6
"""A range-of-motion trial with fewer postures of a limb that differ tells little of it; usual are fifteen to twenty."""


@dataclass(frozen=True)
class _Skeleton:
    """Trees with centres and slides, and the calibrations they come from."""

    trees: Mapping[str, Tree]
    centres: Mapping[str, FloatArray]
    slides: Mapping[str, Slides]
    limbs: Mapping[str, Calibration]
    frames_used: Mapping[str, tuple[int, int]]
    uncalibrated: tuple[str, ...]
    hardly_moved: tuple[str, ...]

    @property
    def joints(self) -> dict[str, FloatArray]:
        """(3,) mm, the centres in the reference posture, by joint."""
        return {
            joint: place
            for name, tree in self.trees.items()
            for joint, place in zip(tree.joints, self.centres[name], strict=True)
        }


def fit_skeleton(
    trial: MarkerTrial,
    *,
    static: MarkerTrial | None = None,
    rom: MarkerTrial | None = None,
    subject: Subject | Mapping[str, float] | None = None,
    marker_set: str | MarkerSet | None = None,
    functional: bool = True,
) -> SkeletonFit:
    """Fit a skeleton to all markers of a trial.

    Parameters
    ----------
    trial
        Markers, mm, world frame, labels without subject prefix.
    static
        A static trial of the same session, with medial markers if the set has them. Without one a frame of the trial
        takes its place.
    rom
        A range-of-motion trial of the same session.
    subject
        Measurements, as :func:`viodat.body.joint_centres` takes them.
    marker_set
        A registered name or a set of one's own. Default: the registered set that fits the labels best.
    functional
        Whether joint centres and sliding skin are estimated from motion, too. If not, the centres are where landmarks
        and regressions put them.

    Returns
    -------
    SkeletonFit
        Joints, their uncertainty, angles, velocities, accelerations and a report.

    Raises
    ------
    BodyError
        No marker set fits, or the markers determine no joint.
    ConfigError
        ``marker_set`` or a measurement is unknown.
    """
    for name, given in (("trial", trial), ("static", static), ("rom", rom)):
        if given is not None and not isinstance(given, MarkerTrial):
            raise BodyError(
                f"{name} must be a marker trial, but is {type(given).__name__} {str(given)[:60]!r}",
                mend="Read the file first: viodat.capture.read_c3d(path).",
            )
    # The matrices are many and small: threads of BLAS cost far more than they gain, most of all on shared cores.
    with threadpool_limits(limits=1, user_api="blas"):
        return _fit(trial, static, rom, subject, marker_set, functional)


def _fit(
    trial: MarkerTrial,
    static: MarkerTrial | None,
    rom: MarkerTrial | None,
    subject: Subject | Mapping[str, float] | None,
    marker_set: str | MarkerSet | None,
    functional: bool,
) -> SkeletonFit:
    chosen = _marker_set(trial, marker_set)
    measured = measurements_of(subject, trial, static)
    reference = reference_posture(trial, static)
    evidence, notes = gather_evidence(reference, measured, chosen)
    seen = [label for label in trial.labels if np.isfinite(trial.marker(label)).any()]
    check_size(trial, reference, chosen)
    rom, about_rom = _usable(rom, reference, chosen)
    trees = build_trees(reference.places, evidence, chosen, seen)
    skeleton = _calibrated(trees, evidence, trial, rom, functional)
    wrists = {joint.removesuffix("_wrist"): place for joint, place in skeleton.joints.items() if "wrist" in joint}
    evidence = {**evidence, **knuckles(reference, measured, chosen, wrists)}
    motions = _motions(skeleton, trial)
    notes = (
        *reference.notes,
        *notes,
        *about_rom,
        *unlike(trial, reference, chosen, "the trial"),
        *_left_out(chosen, reference, seen),
        *(f"the fit of the {name} did not settle" for name, motion in motions.items() if not motion.settled),
        *(f"the range-of-motion trial hardly moves the {limb.replace('_', ' ')}" for limb in skeleton.hardly_moved),
        *(f"no frame calibrates the {limb.replace('_', ' ')}" for limb in skeleton.uncalibrated),
    )
    if not any(joint_points(motion.tree, evidence) for motion in motions.values()):
        raise BodyError(
            f"the markers of set {chosen.name!r} determine no joint of the skeleton: it hangs on pelvis and thorax, "
            "each of which needs three of its markers in one frame of the trial and in the static trial, and on joint "
            "centres that landmarks and measurements tell",
            where=trial.source,
            mend="Check the labels with viodat check, or map them in capture.toml [markers.labels].",
        )
    return _result(trial, chosen, reference, evidence, skeleton, motions, notes, measured)


def _marker_set(trial: MarkerTrial, wanted: str | MarkerSet | None) -> MarkerSet:
    found = get_marker_set(wanted) if isinstance(wanted, str) else wanted or detect_marker_set(trial.labels)
    if found is None:
        shown = ", ".join(trial.labels[:8]) + (", ..." if len(trial.labels) > 8 else "")
        raise BodyError(
            f"no marker set fits the {len(trial.labels)} labels {shown}",
            where=trial.source,
            mend="Name the set in capture.toml [markers] set, or define it there under [marker_sets].",
        )
    return found


def _usable(
    rom: MarkerTrial | None, reference: Reference, marker_set: MarkerSet
) -> tuple[MarkerTrial | None, tuple[str, ...]]:
    """Give the range-of-motion trial if it is of the same body, and what is to be said of it."""
    if rom is None:
        return None, ("there is no range-of-motion trial: centres rest on landmarks, regressions and the trial itself",)
    try:
        check_size(rom, reference, marker_set)
    except BodyError as error:
        return None, (f"the range-of-motion trial is not used: {error.problem}",)
    if different := unlike(rom, reference, marker_set, "the range-of-motion trial"):
        return None, tuple(f"the range-of-motion trial is not used: {note}" for note in different)
    return rom, ()


def _left_out(marker_set: MarkerSet, reference: Reference, seen: Sequence[str]) -> tuple[str, ...]:
    """Say what the fit has to do without."""
    unplaced = [
        marker.label
        for marker in marker_set.markers
        if marker.segment in SEGMENTS_FITTED and marker.label in seen and marker.label not in reference.places
    ]
    if not unplaced:
        return ()
    few = len(unplaced) == 1
    return (
        f"{listed(unplaced)} {'is' if few else 'are'} not seen in the reference posture, so the fit does without "
        f"{'it' if few else 'them'}",
    )


def _calibrated(
    trees: Mapping[str, Tree],
    evidence: Mapping[str, Evidence],
    trial: MarkerTrial,
    rom: MarkerTrial | None,
    functional: bool,
) -> _Skeleton:
    centres = {name: np.array([evidence[j].place for j in tree.joints]).reshape(-1, 3) for name, tree in trees.items()}
    slides = {name: Slides.none(len(tree.labels)) for name, tree in trees.items()}
    limbs: dict[str, Calibration] = {}
    used: dict[str, tuple[int, int]] = {}
    uncalibrated: list[str] = []
    hardly: list[str] = []
    for name, tree in trees.items():
        for limb, segments in LIMBS.items():
            if len(tree.segments) < 2 or segments[1] not in tree.segments:
                continue
            part = subtree(tree, segments)
            known = np.array([evidence[j].place for j in part.joints])
            precision = np.array([evidence[j].precision for j in part.joints])
            frames = calibration_frames(part, known, trial, rom) if functional else None
            if frames is None:
                limbs[limb] = from_evidence(part, known, precision, expect(part, known))
                uncalibrated += [limb] if functional else []
                continue
            found = calibrate(part, known, precision, expect(part, known), frames)
            if rom is not None and frames.postures < LEAST_POSTURES:
                hardly.append(limb)
            limbs[limb], used[limb] = found, frames.counts
            for j, joint in enumerate(part.joints):
                centres[name][tree.joints.index(joint)] = found.centres[j]
            slides[name] = _with_limb(slides[name], tree, found)
    return _Skeleton(trees, centres, slides, limbs, used, tuple(uncalibrated), tuple(hardly))


def _with_limb(slides: Slides, tree: Tree, limb: Calibration) -> Slides:
    """Add a limb's slides to those of the tree it belongs to; markers of the root have slides from two limbs."""
    neighbours, coefficients = list(slides.neighbours), list(slides.coefficients)
    for m, label in enumerate(limb.tree.labels):
        whole = tree.labels.index(label)
        others = tuple(tree.segments.index(limb.tree.segments[o]) for o in limb.slides.neighbours[m])
        neighbours[whole] = (*neighbours[whole], *others)
        coefficients[whole] = np.concatenate([coefficients[whole], limb.slides.coefficients[m]])
    return Slides(tuple(neighbours), tuple(coefficients))


def _motions(skeleton: _Skeleton, trial: MarkerTrial) -> dict[str, TreeMotion]:
    found = {}
    for name, tree in skeleton.trees.items():
        observed = np.stack([trial.marker(label) for label in tree.labels], axis=1)
        centres = skeleton.centres[name]
        start = starting_poses(tree, centres, observed)
        if start is None:
            continue
        found[name] = fit_motion(
            tree, centres, skeleton.slides[name], expect(tree, centres), start, observed, trial.rate_hz
        )
    return found


def _result(
    trial: MarkerTrial,
    marker_set: MarkerSet,
    reference: Reference,
    evidence: Mapping[str, Evidence],
    skeleton: _Skeleton,
    motions: Mapping[str, TreeMotion],
    notes: tuple[str, ...],
    measured: Mapping[str, float],
) -> SkeletonFit:
    frames = trial.n_frames
    positions, sigma = np.full((frames, len(JOINTS), 3), np.nan), np.full((frames, len(JOINTS)), np.nan)
    fitted: dict[str, FittedJoint] = {}
    for motion in motions.values():
        points = joint_points(motion.tree, evidence)
        sure = joint_sigmas(motion, points, skeleton.limbs)
        origins, rests = motion.tree.origins(motion.pose, motion.centres), motion.tree.places(motion.centres)
        for point in points:
            i, s = JOINT_INDEX[point.joint], point.carrier
            place = motion.centres[point.centre] if point.centre >= 0 else point.evidence.place
            positions[:, i] = origins[:, s] + motion.pose.rotation[:, s] @ (place - rests[s])
            sigma[:, i] = sure[point.joint].frames_mm
            moved = float(np.linalg.norm(place - point.evidence.place))
            beside = {point.carrier} | _turning(motion.tree, point.joint)
            sigma[unseen_for_long(motion, beside, trial.rate_hz), i] = np.inf
            kept = sigma[:, i] <= UNDETERMINED_MM
            fitted[point.joint] = FittedJoint(
                point.joint,
                point.evidence.source,
                moved,
                sure[point.joint].place_mm,
                float(np.median(sigma[kept, i])) if kept.any() else float("nan"),
                float(kept.mean()),
            )
    known = sigma <= UNDETERMINED_MM
    masked = np.where(known[..., None], positions, np.nan)
    axes = _anatomical(motions, reference.places, evidence, skeleton, trial.rate_hz)
    angles = joint_angles(axes) if axes else {name: np.full(frames, np.nan) for name in ANGLES}
    reasons = {} if len(fitted) == len(JOINTS) else why_unknown(reference, measured, marker_set)
    joints = tuple(fitted.get(joint, FittedJoint(joint, "", np.nan, np.nan, np.nan, 0.0)) for joint in JOINTS)
    report = FitReport(
        _markers(trial, motions),
        joints,
        _bones(positions, motions, evidence),
        _bone_variation(trial, measured, marker_set),
        skeleton.frames_used,
        notes,
    )
    return SkeletonFit(
        times_s=trial.times_s,
        positions_mm=masked,
        sigma_frames_mm=np.where(known, sigma, np.nan),
        segment_axes=axes,
        angles_rad=np.stack([angles[name] for name in ANGLES], axis=1),
        method=tuple(
            f"skeleton({joint.source})" if joint.determined else f"none: {_why_not(joint, evidence, motions, reasons)}"
            for joint in joints
        ),
        rate_hz=trial.rate_hz,
        first_frame=trial.first_frame,
        marker_set=marker_set.name,
        report=report,
        unmasked_mm=np.where(np.isfinite(positions), positions, 0.0),
    )


def _why_not(
    joint: FittedJoint, evidence: Mapping[str, Evidence], motions: Mapping[str, TreeMotion], reasons: Mapping[str, str]
) -> str:
    if joint.source:
        return f"no frame determines it to {UNDETERMINED_MM:.0f} mm"
    for centre in _way_to(joint.joint):
        if centre not in evidence:
            reason = reasons.get(centre, "neither markers nor measurements tell where it is in the skeleton")
            return reason if centre == joint.joint else f"{centre} is not known: {reason}"
    if joint.joint.endswith("thumb"):
        return "the fit needs three markers of the thumb in one frame, and in the reference posture"
    root = next((segments[0] for segments in TREES.values() if joint.joint in map(joint_of, segments)), "")
    if root and root not in {motion.tree.segments[0] for motion in motions.values()}:
        return f"the {root}, on which it hangs, shows three of its markers in no frame"
    return "the segments beside it have no marker in the trial"


def _way_to(joint: str) -> list[str]:
    """Name the joint centres from the root to a joint, itself last."""
    segment: str | None = holder_of(joint)
    way = [joint]
    while segment is not None:
        if (centre := joint_of(segment)) is not None and centre not in way:
            way.insert(0, centre)
        segment = parent_of(segment)
    return way


def _anatomical(
    motions: Mapping[str, TreeMotion],
    places: Mapping[str, FloatArray],
    evidence: Mapping[str, Evidence],
    skeleton: _Skeleton,
    rate_hz: float,
) -> dict[str, FloatArray]:
    resting = anatomical_axes({**{joint: known.place for joint, known in evidence.items()}, **skeleton.joints}, places)
    axes = {}
    for motion in motions.values():
        for s, segment in enumerate(motion.tree.segments):
            # What the ISB calls the forearm turns with the radius.
            named = segment.replace("wrist", "forearm") if segment.endswith("wrist") else segment
            if named in resting and not segment.endswith("forearm"):
                hidden = unseen_for_long(motion, {s}, rate_hz)
                axes[named] = np.where(hidden[:, None, None], np.nan, motion.pose.rotation[:, s] @ resting[named])
    return axes


def _markers(trial: MarkerTrial, motions: Mapping[str, TreeMotion]) -> tuple[FittedMarker, ...]:
    rows = []
    for motion in motions.values():
        for m, label in enumerate(motion.tree.labels):
            seen = np.isfinite(motion.residual[:, m]).all(axis=-1)
            outlying = seen & (motion.weights[:, m] < OUTLYING_WEIGHT)
            fits = seen & ~outlying
            size = np.einsum("ti,ti->t", motion.residual[fits, m], motion.residual[fits, m])
            rows.append(
                FittedMarker(
                    label,
                    motion.tree.segments[motion.tree.carrier[m]],
                    float(1 - seen.mean()),
                    float(np.sqrt(size.mean())) if fits.any() else float("nan"),
                    float(outlying.sum() / max(seen.sum(), 1)),
                )
            )
    return tuple(rows)


def _bones(
    positions: FloatArray, motions: Mapping[str, TreeMotion], evidence: Mapping[str, Evidence]
) -> dict[str, float]:
    """Lengths between joints that one segment carries: those do not change."""
    out = {}
    for motion in motions.values():
        points = {point.joint: point for point in joint_points(motion.tree, evidence)}
        on = {name: {point.carrier} | _turning(motion.tree, name) for name, point in points.items()}
        for first, second in BONES:
            if first in on and second in on and on[first] & on[second]:
                length = np.linalg.norm(positions[0, JOINT_INDEX[first]] - positions[0, JOINT_INDEX[second]])
                out[f"{first}-{second}"] = float(length)
    return out


def _turning(tree: Tree, joint: str) -> set[int]:
    """Segments that turn about a joint: it is fixed in them, too."""
    return {s for s, j in enumerate(tree.joint_of) if j >= 0 and tree.joints[j] == joint}


def _bone_variation(trial: MarkerTrial, measured: Mapping[str, float], marker_set: MarkerSet) -> dict[str, float]:
    framewise = joint_centres(trial, subject=measured, marker_set=marker_set).positions_mm
    out = {}
    for first, second in BONES:
        with np.errstate(all="ignore"):
            length = np.linalg.norm(framewise[:, JOINT_INDEX[first]] - framewise[:, JOINT_INDEX[second]], axis=-1)
        length = length[np.isfinite(length)]
        if length.size > 1:
            out[f"{first}-{second}"] = float(length.std())
    return out
