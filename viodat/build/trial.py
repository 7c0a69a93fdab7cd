"""One trial from its files to its arrays: the stages in order, and what a failure costs.

A marker file that cannot be read costs the trial; a video, a sound or a keypoint file that cannot be read costs
that recording. Either is written down with the stage and the reason, and the rest is built.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from viodat.audio import SoundDescription, describe
from viodat.body import JointTrial, audit_sides, audit_upright
from viodat.build.gates import Exclusion, gate_consent, gate_joints
from viodat.build.options import BuildOptions
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult, build_recording
from viodat.build.sound import best_microphone
from viodat.build.stages import Measurements, find_joints, read_trial
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
        What was read and computed; None if the trial is excluded before.
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
    inputs = read_trial(files, raw)
    stage("joints")
    markers, joints = find_joints(inputs, raw.config, options.joint_centres)
    alarms = (*audit_sides(markers, joints), *audit_upright(joints))
    notes = (*inputs.notes, *joints.notes, *alarms)
    stage("gates")
    if refused := gate_joints(files.id, joints):
        return TrialResult(files, markers, joints, inputs.measurements, exclusions=(refused,), notes=notes)
    results: list[RecordingResult] = []
    exclusions: list[Exclusion] = []
    for recording in files.recordings:
        try:
            results.append(build_recording(recording, joints, raw, options, stage))
        except Exception as error:
            exclusions.append(_exclusion(files, recording, stage, error))
    best, described = _describe(results, raw, options)
    recordings = described.recordings
    return TrialResult(
        files,
        markers,
        joints,
        inputs.measurements,
        recordings,
        described.sounds,
        best,
        tuple(exclusions),
        notes,
        (*alarms, *(f"{r.files.id}: {alarm}" for r in recordings for alarm in r.alarms)),
    )


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
    used = [files.marker_file, files.static, files.vsk]
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
