"""The stages of one trial that need no clock, each a pure function of its inputs, and what they give together.

From the markers to the joints; from the sounds to their features; from both to what the clocks are estimated from. What
a failure costs is decided in :mod:`viodat.build.prepare`; what needs clocks is in :mod:`viodat.build.clocks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from viodat.audio import SoundDescription
from viodat.body import JointTrial, MarkerSet, audit_sides, audit_upright, detect_marker_set
from viodat.body.gaps import GapReport
from viodat.body.labels import LabelReport
from viodat.body.skeleton.result import SkeletonFit
from viodat.build.clock_claims import sync_method
from viodat.build.clock_evidence import trial_evidence
from viodat.build.clock_report import ClockPicture, clock_picture
from viodat.build.faults import reason_of
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
from viodat.build.recording import RecordingResult
from viodat.build.sound import Described
from viodat.build.stages import Measurements, TrialInputs, read_trial
from viodat.capture.markers import MarkerTrial
from viodat.capture.raw import RawTrial
from viodat.clock import DevicePrior, Evidence, TrialClocks, TrialEvidence, gather, solve_trial
from viodat.errors import ViodatError


@dataclass(frozen=True)
class TrialResult:
    """What became of one trial.

    Attributes
    ----------
    files
        Where its files are.
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
    recordings
        Results by recording id, of those that could be read.
    descriptions
        Audio features by recording id.
    best_microphone
        The recording whose pitch was computed; empty without sound.
    evidence
        What its clocks are estimated from; None where they are not, or cannot be.
    clock_fault
        Why they cannot be; else empty.
    clocks
        As estimated, with the evidence; None where they are given, not asked for, or cannot be estimated.
    clock_picture
        What the pages show of them; None where nothing is to be shown.
    exclusions
        What is left out; one without ``recording`` is the trial itself.
    notes
        What was found, handled, or is missing.
    alarms
        Those notes that say that something is probably wrong.
    inputs
        SHA-256 of each raw file, by its path under the raw capture.
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
    recordings: tuple[RecordingResult, ...] = ()
    descriptions: Mapping[str, SoundDescription] = field(default_factory=dict)
    best_microphone: str = ""
    evidence: Evidence | None = None
    clock_fault: str = ""
    clocks: TrialClocks | None = None
    clock_picture: ClockPicture | None = None
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def excluded(self) -> bool:
        """Whether the whole trial is left out."""
        return any(exclusion.recording is None for exclusion in self.exclusions)


class Stage:
    """The stage that is under way, for the record of a failure."""

    def __init__(self, name: str = "read") -> None:
        self.name = name

    def __call__(self, name: str) -> None:
        """Begin a stage."""
        self.name = name


@dataclass(frozen=True)
class Joined:
    """What the markers of a trial give.

    Attributes
    ----------
    result
        Without recordings; excluded where a gate says so or something fails.
    markers
        Repaired and filled: what evidence of clocks is drawn from. None for an excluded trial.
    marker_set
        Which they are; None where none fits.
    """

    result: TrialResult
    markers: MarkerTrial | None = None
    marker_set: MarkerSet | None = None


@dataclass(frozen=True)
class Gathered:
    """What a trial says of its clocks.

    Attributes
    ----------
    evidence
        None where clocks are not estimated, or it cannot be gathered.
    picture
        What the pages show; None where nothing is to be shown.
    alone
        Drift and skew by device as this trial alone has them.
    fault
        Why there is no evidence; else empty.
    notes
        What was found.
    """

    evidence: Evidence | None = None
    picture: ClockPicture | None = None
    alone: Mapping[str, DevicePrior] = field(default_factory=dict)
    fault: str = ""
    notes: tuple[str, ...] = ()


def join_markers(files: RawTrial, raw: RawCapture, options: BuildOptions, stage: Stage) -> Joined:
    """Run the stages from the marker file to the joints; a file that cannot be used is an exclusion in the answer.

    ``stage`` is told which stage begins, for the record of a fault of ours.
    """
    if refused := gate_consent(files.id, raw.layout.participants[files.participant]):
        return Joined(TrialResult(files, exclusions=(refused,)))
    try:
        result, prepared = _joints(files, read_trial(files, raw), raw, options, stage)
    except ViodatError as error:
        if isinstance(error.__cause__, OSError):
            # A disk may read tomorrow what it does not read today.
            raise
        return Joined(TrialResult(files, exclusions=(Exclusion(files.id, stage.name, reason_of(error)),)))
    if result.excluded or prepared is None:
        return Joined(result)
    return Joined(result, prepared.best, prepared.marker_set)


def with_recordings(
    joined: Joined, recordings: Sequence[RecordingResult], described: Described, exclusions: Sequence[Exclusion]
) -> TrialResult:
    """Put together what is known of a trial before its clocks are."""
    return replace(
        joined.result,
        recordings=tuple(
            replace(one, sound=None).noting(f"it has no audio features: {described.failed[one.files.id]}")
            if one.files.id in described.failed
            else one
            for one in recordings
        ),
        descriptions=described.sounds,
        best_microphone=described.best,
        exclusions=(*joined.result.exclusions, *exclusions),
    )


def gather_evidence(joined: Joined, result: TrialResult, raw: RawCapture, options: BuildOptions) -> Gathered:
    """Gather what a trial says of its clocks; a failure costs no more than these, one of the picture only that.

    Parameters
    ----------
    joined
        Its markers.
    result
        From :func:`with_recordings`.
    raw, options
        Say where microphones and cameras are, and how clocks are found.
    """
    method = sync_method(raw.config, options.sync)
    if method == "none" or result.excluded or result.joints is None or not result.recordings:
        return Gathered()
    notes: list[str] = []
    picture, evidence = None, None
    try:
        offered = offered_by(joined, result, raw)
    except Exception as error:
        fault = reason_of(error)
        return Gathered(fault=fault, notes=(_not_drawn(fault),))
    try:
        picture = clock_picture(offered)
    except Exception as error:
        notes.append(_not_drawn(reason_of(error)))
    if method != "auto":
        return Gathered(None, picture, notes=tuple(notes))
    try:
        evidence = gather(offered)
        return Gathered(evidence, picture, solve_trial(evidence).alone, notes=tuple(notes))
    except Exception as error:
        return Gathered(evidence, picture, fault=reason_of(error), notes=tuple(notes))


def offered_by(joined: Joined, result: TrialResult, raw: RawCapture) -> TrialEvidence:
    """Give what a trial's clocks are estimated from."""
    assert result.joints is not None
    return trial_evidence(
        result.joints, result.fit, joined.markers, joined.marker_set, result.recordings, result.descriptions, raw
    )


def _not_drawn(fault: str) -> str:
    return f"its page has no figures about clocks: {fault}"


def _joints(
    files: RawTrial, inputs: TrialInputs, raw: RawCapture, options: BuildOptions, stage: Stage
) -> tuple[TrialResult, PreparedMarkers | None]:
    """Run the stages from the markers to the joints, each followed by its gates; give the markers they are from."""
    config, gates = raw.config, with_limits(raw.config.gates)
    method = chosen_method(config, options.joint_centres)
    measured = used_markers(inputs.markers, config)
    marker_set = named_marker_set(config) or detect_marker_set(measured.labels)
    result = TrialResult(files, measured, measurements=inputs.measurements, notes=inputs.notes)

    stage("gates")
    result = _gated(
        result,
        Reading(gates["frames"], float(measured.n_frames)),
        *size_readings(measured, marker_set, gates, config.markers.units),
    )
    if result.excluded:
        return result, None
    stage("labels")
    prepared = prepare_markers(inputs, config, gates, method)
    gaps = prepared.filled.report if prepared.filled is not None else None
    result = replace(
        result,
        labels=prepared.labels,
        gaps=gaps,
        notes=(*result.notes, *prepared.notes),
        alarms=prepared.alarms,
    )
    stage("gates")
    result = _gated(result, *marker_readings(prepared.repaired, prepared.labels, prepared.marker_set, gates))
    if result.excluded:
        return result, prepared
    stage("joints")
    found = find_joints(prepared, inputs.measurements.values, config, method)
    audit = (*audit_sides(prepared.repaired, found.joints), *audit_upright(found.joints))
    result = replace(
        result,
        joints=found.joints,
        fit=found.fit,
        bones=bone_lengths(found.framewise),
        functional=found.functional,
        notes=(*result.notes, *found.notes, *audit),
        alarms=(*result.alarms, *found.alarms, *audit),
    )
    stage("gates")
    return _gated(result, *joint_readings(found.joints, found.framewise, found.fit, gates)), prepared


def _gated(result: TrialResult, *readings: Reading) -> TrialResult:
    """Add readings, and the exclusion by the first gate that is not kept, which says more than any alarm."""
    result = replace(result, readings=(*result.readings, *readings))
    refused = gate_readings(result.files.id, readings)
    return replace(result, exclusions=(*result.exclusions, refused), alarms=()) if refused else result
