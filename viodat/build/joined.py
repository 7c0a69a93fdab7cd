"""The first stage of one trial: from its marker file to its joints, and the gates on the way.

It knows nothing of sounds, pictures or clocks, so that nothing of these makes its results stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from viodat.body import JointTrial, MarkerSet, audit_sides, audit_upright, detect_marker_set
from viodat.body.gaps import GapReport
from viodat.body.labels import LabelReport
from viodat.body.skeleton.result import SkeletonFit
from viodat.build.faults import UnderWay, reason_of
from viodat.build.functional import FunctionalJoint
from viodat.build.gates import Exclusion, Reading, gate_consent, gate_readings, with_limits
from viodat.build.joints import (
    PreparedMarkers,
    chosen_method,
    find_joints,
    named_marker_set,
    prepare_markers,
    used_markers,
)
from viodat.build.options import BuildOptions
from viodat.build.quality import bone_lengths, joint_readings, marker_readings, size_readings
from viodat.build.raw import RawCapture
from viodat.build.reading import Measurements, TrialInputs, read_trial
from viodat.capture.markers import MarkerTrial
from viodat.capture.raw import RawTrial
from viodat.errors import ViodatError


@dataclass(frozen=True)
class FromMarkers:
    """What the marker file of a trial gives, and the trial keeps.

    Attributes
    ----------
    files
        Where the trial's files are.
    markers, joints, measurements
        What was read and computed; None if the trial is excluded before. The markers are those measured.
    fit
        The skeleton fit; None where the joints were computed frame by frame.
    labels, gaps
        What was wrong with the labels and what was missing; None where the points are no markers.
    bones
        Bone -> mean and standard deviation of its length in mm, by the frame-by-frame method.
    functional
        What the range-of-motion trial determines by itself.
    readings
        The numbers that the gates asked for.
    """

    files: RawTrial
    markers: MarkerTrial | None = None
    joints: JointTrial | None = None
    measurements: Measurements | None = None
    fit: SkeletonFit | None = None
    labels: LabelReport | None = None
    gaps: GapReport | None = None
    bones: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    functional: tuple[FunctionalJoint, ...] = ()
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Joined(FromMarkers):
    """What the first stage gives.

    Attributes
    ----------
    exclusions
        Why the trial is left out.
    notes
        What was found, handled, or is missing.
    alarms
        Those notes that say that something is probably wrong.
    filled
        The markers repaired and filled: what evidence of clocks is drawn from. None for an excluded trial.
    marker_set
        Which they are; None where none fits.
    """

    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    filled: MarkerTrial | None = None
    marker_set: MarkerSet | None = None

    @property
    def excluded(self) -> bool:
        """Whether the trial is left out."""
        return bool(self.exclusions)

    def kept(self) -> dict[str, Any]:
        """Give by name what the trial keeps of it."""
        return {one.name: getattr(self, one.name) for one in fields(FromMarkers)}


def join_markers(files: RawTrial, raw: RawCapture, options: BuildOptions, stage: UnderWay) -> Joined:
    """Run the stages from the marker file to the joints; a file that cannot be used is an exclusion in the answer.

    ``stage`` is told which stage begins, for the record of a fault of ours.
    """
    if refused := gate_consent(files.id, raw.layout.participants[files.participant]):
        return Joined(files, exclusions=(refused,))
    try:
        joined, prepared = _joints(files, read_trial(files, raw), raw, options, stage)
    except ViodatError as error:
        if isinstance(error.__cause__, OSError):
            # A disk may read tomorrow what it does not read today.
            raise
        return Joined(files, exclusions=(Exclusion(files.id, stage.name, reason_of(error)),))
    if joined.excluded or prepared is None:
        return joined
    return replace(joined, filled=prepared.best, marker_set=prepared.marker_set)


def _joints(
    files: RawTrial, inputs: TrialInputs, raw: RawCapture, options: BuildOptions, stage: UnderWay
) -> tuple[Joined, PreparedMarkers | None]:
    """Run the stages from the markers to the joints, each followed by its gates; give the markers they are from."""
    config, gates = raw.config, with_limits(raw.config.gates)
    method = chosen_method(config, options.joint_centres)
    measured = used_markers(inputs.markers, config)
    marker_set = named_marker_set(config) or detect_marker_set(measured.labels)
    joined = Joined(files, measured, measurements=inputs.measurements, notes=inputs.notes)

    stage("gates")
    joined = _gated(
        joined,
        Reading(gates["frames"], float(measured.n_frames)),
        *size_readings(measured, marker_set, gates, config.markers.units),
    )
    if joined.excluded:
        return joined, None
    stage("labels")
    prepared = prepare_markers(inputs, config, gates, method)
    gaps = prepared.filled.report if prepared.filled is not None else None
    joined = replace(
        joined,
        labels=prepared.labels,
        gaps=gaps,
        notes=(*joined.notes, *prepared.notes),
        alarms=prepared.alarms,
    )
    stage("gates")
    joined = _gated(joined, *marker_readings(prepared.repaired, prepared.labels, prepared.marker_set, gates))
    if joined.excluded:
        return joined, prepared
    stage("joints")
    found = find_joints(prepared, inputs.measurements.values, config, method)
    audit = (*audit_sides(prepared.repaired, found.joints), *audit_upright(found.joints))
    joined = replace(
        joined,
        joints=found.joints,
        fit=found.fit,
        bones=bone_lengths(found.framewise),
        functional=found.functional,
        notes=(*joined.notes, *found.notes, *audit),
        alarms=(*joined.alarms, *found.alarms, *audit),
    )
    stage("gates")
    return _gated(joined, *joint_readings(found.joints, found.framewise, found.fit, gates)), prepared


def _gated(joined: Joined, *readings: Reading) -> Joined:
    """Add readings, and the exclusion by the first gate that is not kept, which says more than any alarm."""
    joined = replace(joined, readings=(*joined.readings, *readings))
    refused = gate_readings(joined.files.id, readings)
    return replace(joined, exclusions=(*joined.exclusions, refused), alarms=()) if refused else joined
