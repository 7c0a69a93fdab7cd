"""One trial from its files to what its clocks are estimated from: the stages in order, and what a failure costs.

A marker file that cannot be read costs the trial; a video, a sound or a keypoint file that cannot be read costs
that recording, and evidence of clocks that cannot be gathered costs the trial's clocks. Each is written down with the
stage and the reason, and the rest is built. Clocks are estimated for all trials together, so what needs them is in
:mod:`viodat.build.clocks`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from viodat.audio import SoundDescription, describe
from viodat.body import JointTrial, audit_sides, audit_upright, detect_marker_set
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
from viodat.build.recording import RecordingResult, read_recording
from viodat.build.sound import best_microphone
from viodat.build.stages import Measurements, TrialInputs, read_trial
from viodat.capture.markers import MarkerTrial
from viodat.capture.raw import RawRecording, RawTrial
from viodat.clock import Evidence, TrialClocks, TrialEvidence, gather
from viodat.errors import DatasetError, ViodatError
from viodat.files import sha256


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

    def __init__(self) -> None:
        self.name = "read"

    def __call__(self, name: str) -> None:
        """Begin a stage."""
        self.name = name


def read_trial_evidence(files: RawTrial, raw: RawCapture, options: BuildOptions) -> TrialResult:
    """Run the stages of one trial that need no clock, and gather what its clocks are estimated from.

    Whatever its files hold, the answer is a result: a failure is an exclusion in it, with the stage and the reason.
    """
    stage = Stage()
    try:
        result = _with_evidence(*_read(files, raw, options, stage), raw, options, stage)
    except Exception as error:
        result = TrialResult(files, exclusions=(_exclusion(files, None, stage, error),))
    return replace(result, inputs=_digests(files, raw))


def trial_offers(files: RawTrial, raw: RawCapture, options: BuildOptions) -> TrialEvidence:
    """Read a trial as a build does, up to what its clocks are estimated from.

    Raises
    ------
    DatasetError
        It is left out, or has no joints.
    """
    result, prepared = _read(files, raw, options, Stage())
    if prepared is None or result.joints is None:
        raise DatasetError("; ".join(one.reason for one in result.exclusions) or "has no joints", where=files.id)
    return _offered(result, prepared, raw)


def _read(
    files: RawTrial, raw: RawCapture, options: BuildOptions, stage: Stage
) -> tuple[TrialResult, PreparedMarkers | None]:
    """Run the stages that need no clock; the markers are None where the trial is left out."""
    if refused := gate_consent(files.id, raw.layout.participants[files.participant]):
        return TrialResult(files, exclusions=(refused,)), None
    result, prepared = _joints(files, read_trial(files, raw), raw, options, stage)
    if result.excluded or result.markers is None or prepared is None:
        return result, None
    results: list[RecordingResult] = []
    exclusions: list[Exclusion] = []
    for recording in files.recordings:
        try:
            results.append(read_recording(recording, result.markers.movies, raw, options, stage))
        except Exception as error:
            exclusions.append(_exclusion(files, recording, stage, error))
    best, described = _describe(results, raw, options)
    result = replace(
        result,
        recordings=described.recordings,
        descriptions=described.sounds,
        best_microphone=best,
        exclusions=tuple(exclusions),
    )
    return result, prepared


def _offered(result: TrialResult, prepared: PreparedMarkers, raw: RawCapture) -> TrialEvidence:
    assert result.joints is not None
    return trial_evidence(
        result.joints, result.fit, prepared.best, prepared.marker_set, result.recordings, result.descriptions, raw
    )


def _with_evidence(
    result: TrialResult, prepared: PreparedMarkers | None, raw: RawCapture, options: BuildOptions, stage: Stage
) -> TrialResult:
    """Gather what the trial says of its clocks; a failure costs no more than these, one of the picture only that."""
    method = sync_method(raw.config, options.sync)
    if method == "none" or prepared is None or result.joints is None or not result.recordings:
        return result
    stage("clocks")
    try:
        offered = _offered(result, prepared, raw)
    except Exception as error:
        fault = reason_of(error)
        return replace(result, clock_fault=fault, notes=(*result.notes, _not_drawn(fault)))
    try:
        result = replace(result, clock_picture=clock_picture(offered))
    except Exception as error:
        result = replace(result, notes=(*result.notes, _not_drawn(reason_of(error))))
    if method != "auto":
        return result
    try:
        return replace(result, evidence=gather(offered))
    except Exception as error:
        return replace(result, clock_fault=reason_of(error))


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


@dataclass(frozen=True)
class _Described:
    recordings: tuple[RecordingResult, ...]
    sounds: Mapping[str, SoundDescription]


def _describe(results: list[RecordingResult], raw: RawCapture, options: BuildOptions) -> tuple[str, _Described]:
    """Compute the audio features; a sound that has none costs the recording its sound, not its picture."""
    rates = tuple(sorted({*options.feature_rates_hz, *raw.config.audio.rates_hz}))
    waiting = {r.files.id: r.sound for r in results if r.sound is not None}
    wished = {r.files.id for r in results if r.files.device == raw.config.audio.best_microphone}
    best = ""
    sounds: dict[str, SoundDescription] = {}
    failed: dict[str, ViodatError] = {}
    while waiting:
        candidate = best_microphone({k: v for k, v in waiting.items() if k in wished} or waiting)
        sound = waiting.pop(candidate)
        try:
            # The best one comes first, and the pitch is computed for it alone; if it fails, the next best takes over.
            sounds[candidate] = describe(sound.samples, sound.rate_hz, rates=rates, with_f0=not best)
            best = best or candidate
        except ViodatError as error:
            failed[candidate] = error
    recordings = tuple(
        replace(r, sound=None, notes=(*r.notes, f"it has no audio features: {failed[r.files.id]}"))
        if r.files.id in failed
        else r
        for r in results
    )
    return best, _Described(recordings, sounds)


def _digests(files: RawTrial, raw: RawCapture) -> dict[str, str]:
    """SHA-256 of each file of the trial that can be read, by its path under the raw capture."""
    used = [files.marker_file, files.static, files.rom, files.vsk]
    for recording in files.recordings:
        used += [recording.video, recording.frames_csv, recording.audio, recording.keypoints]
    found = {}
    for path in used:
        if path is not None and path.is_file():
            with contextlib.suppress(OSError):
                found[path.relative_to(raw.folder).as_posix()] = sha256(path)
    return found


def _exclusion(files: RawTrial, recording: RawRecording | None, stage: Stage, error: Exception) -> Exclusion:
    return Exclusion(files.id, stage.name, reason_of(error), recording.id if recording else None)
