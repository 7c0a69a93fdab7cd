"""One trial from its files to its arrays: the stages in order, and what a failure costs.

A marker file that cannot be read costs the trial; a video, a sound or a keypoint file that cannot be read costs
that recording. Either is written down with the stage and the reason, and the rest is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from viodat.audio import SoundDescription, describe
from viodat.body import JointTrial, audit_sides
from viodat.build.gates import Exclusion, gate_consent, gate_joints
from viodat.build.options import BuildOptions
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult, build_recording
from viodat.build.sound import best_microphone
from viodat.build.stages import Measurements, find_joints, gather_measurements, read_markers
from viodat.capture.markers import MarkerTrial
from viodat.capture.raw import RawRecording, RawTrial
from viodat.errors import ViodatError


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
    """Run the stages of one trial; never raises for what its files hold."""
    stage = _Stage()
    try:
        return _build(files, raw, options, stage)
    except Exception as error:
        return TrialResult(files, exclusions=(_exclusion(files, None, stage, error),))


def _build(files: RawTrial, raw: RawCapture, options: BuildOptions, stage: _Stage) -> TrialResult:
    if refused := gate_consent(files.id, raw.layout.participants[files.participant]):
        return TrialResult(files, exclusions=(refused,))
    markers = read_markers(files.marker_file, raw.config)
    notes = list(markers.notes)
    static = None
    if files.static is not None:
        try:
            static = read_markers(files.static, raw.config)
        except ViodatError as error:
            notes.append(f"the static trial is not used: {error}")
    measurements = gather_measurements(raw, files, markers)
    notes += measurements.conflicts
    stage("joints")
    markers, joints = find_joints(markers, static, measurements, raw.config, options.joint_centres)
    notes += joints.notes
    notes += audit_sides(markers, joints)
    stage("gates")
    if refused := gate_joints(files.id, joints):
        return TrialResult(files, markers, joints, measurements, exclusions=(refused,))
    results: list[RecordingResult] = []
    exclusions: list[Exclusion] = []
    for recording in files.recordings:
        try:
            results.append(build_recording(recording, joints, raw, options, stage))
        except Exception as error:
            exclusions.append(_exclusion(files, recording, stage, error))
    stage("audio")
    best, descriptions = _describe(results, raw, options, exclusions, files)
    kept = tuple(r for r in results if r.files.id not in {e.recording for e in exclusions})
    return TrialResult(files, markers, joints, measurements, kept, descriptions, best, tuple(exclusions), tuple(notes))


def _describe(
    results: list[RecordingResult],
    raw: RawCapture,
    options: BuildOptions,
    exclusions: list[Exclusion],
    files: RawTrial,
) -> tuple[str, dict[str, SoundDescription]]:
    sounds = {r.files.id: r.sound for r in results if r.sound is not None}
    if not sounds:
        return "", {}
    wished = {r.files.id for r in results if r.files.device == raw.config.audio.best_microphone}
    best = best_microphone({k: v for k, v in sounds.items() if k in wished} or sounds)
    rates = tuple(sorted({*options.feature_rates_hz, *raw.config.audio.rates_hz}))
    descriptions = {}
    stage = _Stage()
    stage("audio")
    for result in results:
        if result.sound is None:
            continue
        try:
            descriptions[result.files.id] = describe(
                result.sound.samples, result.sound.rate_hz, rates=rates, with_f0=result.files.id == best
            )
        except Exception as error:
            exclusions.append(_exclusion(files, result.files, stage, error))
    return best, descriptions


def _exclusion(files: RawTrial, recording: RawRecording | None, stage: _Stage, error: Exception) -> Exclusion:
    # A fault of ours must not cost the build either, but it must be told apart from a fault of the file.
    reason = (
        str(error)
        if isinstance(error, ViodatError)
        else f"unexpected {type(error).__name__}: {error} (please report this)"
    )
    return Exclusion(files.id, stage.name, reason, recording.id if recording else None)
