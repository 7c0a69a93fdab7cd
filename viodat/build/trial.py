"""One trial from its files to its arrays: the stages in order, and what a failure costs.

A marker file that cannot be read costs the trial; a video, a sound or a keypoint file that cannot be read costs
that recording. Either is written down with the stage and the reason, and the rest is built.
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
from viodat.build.functional import FunctionalJoint
from viodat.build.gates import Exclusion, Reading, gate_consent, gate_readings, with_limits
from viodat.build.joints import chosen_method, find_joints, named_marker_set, prepare_markers, used_markers
from viodat.build.options import BuildOptions
from viodat.build.quality import bone_lengths, joint_readings, marker_readings, size_readings
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult, build_recording
from viodat.build.sound import best_microphone
from viodat.build.stages import Measurements, TrialInputs, read_trial
from viodat.capture.markers import MarkerTrial
from viodat.capture.raw import RawRecording, RawTrial
from viodat.errors import ViodatError
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
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def excluded(self) -> bool:
        """Whether the whole trial is left out."""
        return any(exclusion.recording is None for exclusion in self.exclusions)


class _Stage:
    """The stage that is under way, for the record of a failure."""

    def __init__(self) -> None:
        self.name = "read"

    def __call__(self, name: str) -> None:
        self.name = name


def build_trial(files: RawTrial, raw: RawCapture, options: BuildOptions) -> TrialResult:
    """Run the stages of one trial.

    Whatever its files hold, the answer is a result: a failure is an exclusion in it, with the stage and the reason.
    """
    stage = _Stage()
    try:
        result = _build(files, raw, options, stage)
    except Exception as error:
        result = TrialResult(files, exclusions=(_exclusion(files, None, stage, error),))
    return replace(result, inputs=_digests(files, raw))


def _build(files: RawTrial, raw: RawCapture, options: BuildOptions, stage: _Stage) -> TrialResult:
    if refused := gate_consent(files.id, raw.layout.participants[files.participant]):
        return TrialResult(files, exclusions=(refused,))
    result = _joints(files, read_trial(files, raw), raw, options, stage)
    if result.excluded or result.joints is None:
        return result
    results: list[RecordingResult] = []
    exclusions: list[Exclusion] = []
    for recording in files.recordings:
        try:
            results.append(build_recording(recording, result.joints, raw, options, stage))
        except Exception as error:
            exclusions.append(_exclusion(files, recording, stage, error))
    best, described = _describe(results, raw, options)
    recordings = described.recordings
    return replace(
        result,
        recordings=recordings,
        descriptions=described.sounds,
        best_microphone=best,
        exclusions=tuple(exclusions),
        alarms=(*result.alarms, *(f"{r.files.id}: {alarm}" for r in recordings for alarm in r.alarms)),
    )


def _joints(files: RawTrial, inputs: TrialInputs, raw: RawCapture, options: BuildOptions, stage: _Stage) -> TrialResult:
    """Run the stages from the markers to the joints, each followed by its gates."""
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
        return result
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
        return result
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
    return _gated(result, *joint_readings(found.joints, found.framewise, found.fit, gates))


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


def _stop_if_interrupted(error: Exception) -> None:
    """Let Ctrl-C through where compiled code has turned it into an error of its own."""
    if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
        raise KeyboardInterrupt from error


def _exclusion(files: RawTrial, recording: RawRecording | None, stage: _Stage, error: Exception) -> Exclusion:
    _stop_if_interrupted(error)
    # A fault of ours must not cost the build either, but it must be told apart from a fault of the file.
    reason = (
        str(error)
        if isinstance(error, ViodatError)
        else f"unexpected {type(error).__name__}: {error} (please report this)"
    )
    return Exclusion(files.id, stage.name, reason, recording.id if recording else None)
