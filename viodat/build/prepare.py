"""The first pass over a trial: from its files to what its clocks are estimated from, step by step through the cache.

A marker file that cannot be read costs the trial; a video, a sound or a keypoint file that cannot be read costs that
recording, and evidence of clocks that cannot be gathered costs the trial's clocks. Each is written down with the stage
and the reason, and the rest is built.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from threadpoolctl import threadpool_limits

from viodat.build.cache.digests import UNREADABLE, FileDigests, FileState
from viodat.build.cache.store import DamagedEntryError, Store
from viodat.build.cache.work import Done, Stage, Step, Work
from viodat.build.faults import UnderWay, faults_of_ours, reason_of
from viodat.build.gates import Exclusion
from viodat.build.joined import Joined, join_markers
from viodat.build.keypoints import Detected, detect_keypoints
from viodat.build.options import BuildOptions, sync_method
from viodat.build.raw import RawCapture
from viodat.build.recording import (
    Recorded,
    RecordingResult,
    join_recording,
    read_files,
)
from viodat.build.solving import Drift, drift_of
from viodat.build.sound import Described, describe_sounds, feature_rates, write_sound
from viodat.build.trial import (
    Gathered,
    TrialResult,
    gather_evidence,
    offered_by,
    with_recordings,
)
from viodat.build.view import digest_parts, files_in, files_read, parts_of, view_of
from viodat.capture.raw import RawRecording, RawTrial
from viodat.clock import DevicePrior, TrialEvidence
from viodat.errors import DatasetError

JOINTS: Final = Stage("joints", ("viodat.build.joined",), ("numpy", "scipy", "numba", "ezc3d", "c3d"))
READ: Final = Stage("read", ("viodat.build.recording", "viodat.build.sound"), ("numpy", "av", "soundfile"))
KEYPOINTS: Final = Stage("keypoints", ("viodat.build.keypoints",), ("numpy", "av", "mediapipe"))
FEATURES: Final = Stage("features", ("viodat.build.sound",), ("numpy", "scipy", "numba", "librosa", "soxr"))
EVIDENCE: Final = Stage("evidence", ("viodat.build.trial",), ("numpy", "scipy", "numba"))
DRIFT: Final = Stage("drift", ("viodat.build.solving",), ("numpy", "scipy"))

FIRST_PASS: Final = (JOINTS, READ, KEYPOINTS, FEATURES, EVIDENCE, DRIFT)
WAVEFORM: Final = "sound.flac"
_NO_SAMPLES: Final = np.empty((0, 1), np.float32)


@dataclass(frozen=True)
class TrialTask:
    """A trial and all that its first pass depends on.

    Attributes
    ----------
    files
        Where its files are.
    raw
        The capture.
    options
        What the build is asked to do.
    digests
        SHA-256 of its files.
    model
        SHA-256 of the detector's model, where one is named.
    states
        What each file was when its digest was taken.
    """

    files: RawTrial
    raw: RawCapture
    options: BuildOptions
    digests: Mapping[Path, str]
    model: str = ""
    states: Mapping[Path, FileState] = field(default_factory=dict)

    @cached_property
    def joints(self) -> Step:
        """From the markers to the joints."""
        files = self.files
        return self._step(
            JOINTS,
            files.id,
            self.joints_view,
            {"option joint_centres": self.options.joint_centres},
            markers=files.marker_file,
            static=files.static,
            rom=files.rom,
            vsk=files.vsk,
        )

    @cached_property
    def joints_view(self) -> RawCapture:
        """What the markers' stages see."""
        view = view_of(self.raw, self.files, ("markers", "marker_sets", "joints", "gates"), person=True)
        # Limits of recordings are no business of markers.
        gates = view.config.gates.model_copy(update={"clock_sigma_ms": None, "reprojection_share": None})
        return replace(view, config=view.config.model_copy(update={"gates": gates}))

    def read(self, recording: RawRecording) -> Step:
        """Read a recording's sound and stamps."""
        return self._reads[recording.id]

    @cached_property
    def _reads(self) -> dict[str, Step]:
        return {
            one.id: self._step(READ, one.id, None, {}, video=one.video, frames_csv=one.frames_csv, audio=one.audio)
            for one in self.files.recordings
        }

    def keypoints(self, recording: RawRecording) -> Step:
        """Read a recording's keypoints, or detect them."""
        return self._keypoints[recording.id]

    @cached_property
    def _keypoints(self) -> dict[str, Step]:
        return {one.id: self._keypoints_of(one) for one in self.files.recordings}

    def _keypoints_of(self, recording: RawRecording) -> Step:
        detects = recording.keypoints is None or self._detector == "mediapipe"
        own = {
            "option pose2d": self.options.pose2d,
            "option pose_model": self.model,
            "a detector": detects and importlib.util.find_spec("mediapipe") is not None,
            **_upstream(self.read(recording)),
        }
        return self._step(KEYPOINTS, recording.id, self.keypoints_view, own, keypoints=recording.keypoints)

    @property
    def _detector(self) -> str:
        return self.options.pose2d if self.options.pose2d != "auto" else self.raw.config.pose2d.source

    @cached_property
    def keypoints_view(self) -> RawCapture:
        """What the keypoints' stage sees."""
        return view_of(self.raw, self.files, ("pose2d",))

    @cached_property
    def features(self) -> Step:
        """Describe the sounds."""
        recordings = self.files.recordings
        rates = list(feature_rates(self.raw.config, self.options))
        best = self.raw.config.audio.best_microphone
        return self._step(
            FEATURES,
            self.files.id,
            None,
            {
                "audio rates": rates,
                "capture.toml [audio] best_microphone": best,
                **_upstream(*map(self.read, recordings)),
            },
        )

    @cached_property
    def evidence(self) -> Step:
        """Gather what the clocks are estimated from."""
        recordings = self.files.recordings
        return self._step(
            EVIDENCE,
            self.files.id,
            self.evidence_view,
            {
                "clocks": sync_method(self.raw.config, self.options.sync),
                **_upstream(self.joints, *map(self.read, recordings), *map(self.keypoints, recordings), self.features),
            },
        )

    @cached_property
    def evidence_view(self) -> RawCapture:
        """What the evidence's stage sees, and all that follows it."""
        return view_of(self.raw, self.files, ("sync", "cameras", "microphones"), cameras=True)

    def drift(self, evidence_key: str) -> Step:
        """Tell what the trial alone says of its devices: little, so that all trials' can be read before the clocks."""
        return Step(DRIFT, self.files.id, {"evidence": evidence_key})

    def steps(self) -> Iterator[Step]:
        """Give all steps, in order."""
        yield self.joints
        for recording in self.files.recordings:
            yield self.read(recording)
            yield self.keypoints(recording)
        yield self.features
        yield self.evidence
        yield self.drift(self.evidence.key)

    def _step(
        self,
        stage: Stage,
        unit: str,
        view: RawCapture | None,
        inputs: Mapping[str, Any],
        **files: Path | None,
    ) -> Step:
        """Give a step; what each file is taken for counts too, as the same two may change places."""
        used = {role: path for role, path in files.items() if path is not None}
        parts = {
            **(parts_of(view) if view is not None else {}),
            **digest_parts(self.raw, self.digests, *used.values()),
            **{f"the {role}": path.relative_to(self.raw.folder).as_posix() for role, path in used.items()},
            **inputs,
        }
        read = {path: self.states[path] for path in files_in(self.digests, *used.values()) if path in self.states}
        return Step(stage, unit, parts, by_itself=stage in (READ, KEYPOINTS), files=read)


@dataclass(frozen=True)
class Prepared:
    """What the first pass says of a trial to whoever asked for it; all else lies in the cache.

    Attributes
    ----------
    drift
        Drift and skew by device as this trial alone has them.
    faults
        Faults of ours that it met.
    """

    drift: Mapping[str, DevicePrior] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def prepare(task: TrialTask, store: Store) -> Prepared:
    """Run the first pass over a trial; what a file holds never raises."""
    with threadpool_limits(1):
        work = Work(store, task.files.id)
        _, gathered = first_pass(task, work)
        evidence = gathered.value.evidence
        drift = work.run(
            task.drift(gathered.key),
            lambda folder: drift_of(evidence) if evidence is not None else Drift(),
            faulty=lambda value: faults_of_ours((value.fault,)),
        )
        return Prepared(drift.value.devices, work.faults)


def known_of(task: TrialTask, store: Store) -> Prepared | None:
    """Give what the first pass said of a trial, if the cache has it."""
    step = task.drift(task.evidence.key)
    entry = store.read(DRIFT.name, step.unit, step.key)
    if entry is None:
        return None
    try:
        return Prepared(entry.value().devices)
    except DamagedEntryError:
        return None


def first_pass(task: TrialTask, work: Work) -> tuple[TrialResult, Done[Gathered]]:
    """Give a trial before its clocks are known, and what it says of them."""
    joined, result = read_pass(task, work)
    gathered = work.run(
        task.evidence,
        lambda folder: gather_evidence(joined, result, task.evidence_view, task.options),
        faulty=lambda value: faults_of_ours((value.fault, *value.notes)),
    )
    said = gathered.value
    known = digest_parts(task.raw, task.digests, *files_read(task.files))
    return replace(
        result,
        notes=(*result.notes, *said.notes),
        evidence=said.evidence,
        clock_fault=said.fault,
        clock_picture=said.picture,
        inputs={name: digest for name, digest in known.items() if not digest.startswith(UNREADABLE)},
    ), gathered


def trial_offers(files: RawTrial, raw: RawCapture, options: BuildOptions) -> TrialEvidence:
    """Read a trial as a build does, up to what its clocks are estimated from; nothing is kept.

    Raises
    ------
    DatasetError
        It is left out, or has no joints.
    """
    with tempfile.TemporaryDirectory(prefix="viodat-") as folder:
        task = TrialTask(files, raw, options, FileDigests(None).of(files_read(files)))
        joined, result = read_pass(task, Work(Store(folder), files.id))
        if result.excluded or result.joints is None:
            raise DatasetError("; ".join(one.reason for one in result.exclusions) or "has no joints", where=files.id)
        return offered_by(joined, result, raw)


def read_pass(task: TrialTask, work: Work) -> tuple[Joined, TrialResult]:
    """Give a trial's markers and all that is known before evidence of its clocks is gathered."""
    files, options = task.files, task.options
    joined = _joined(task, work)
    recordings: list[RecordingResult] = []
    exclusions: list[Exclusion] = []
    if not joined.excluded and joined.markers is not None:
        movies = joined.markers.movies
        for recording in files.recordings:
            stage = UnderWay()
            try:
                read = _read(task, recording, work)
                stage("keypoints")
                detected = _detected(task, recording, read[0], work)
                stage("read")
                joint = join_recording(recording, read[0], detected, movies, task.evidence_view, options)
                recordings.append(replace(joint, waveform=read[1]))
            except Exception as error:
                exclusions.append(_exclusion(files, stage.name, error, work, recording.id))
    try:
        described = _described(task, recordings, work)
    except Exception as error:
        exclusions.append(_exclusion(files, FEATURES.name, error, work))
        described = Described()
    result = with_recordings(joined, recordings, described, exclusions)
    return joined, result


def _joined(task: TrialTask, work: Work) -> Joined:
    under_way = UnderWay()
    try:
        joined = work.run(
            task.joints, lambda folder: join_markers(task.files, task.joints_view, task.options, under_way)
        ).value
    except Exception as error:
        return Joined(task.files, exclusions=(_exclusion(task.files, under_way.name, error, work),))
    # The paths are those of the computer that it was computed on.
    return replace(joined, files=task.files)


def _read(task: TrialTask, recording: RawRecording, work: Work) -> tuple[Recorded, Path | None]:
    """Give what a recording holds, its sound as the dataset will have it, and the file of that."""

    def compute(folder: Path) -> Recorded:
        found = read_files(recording)
        if found.sound is None:
            return found
        write_sound(folder / WAVEFORM, found.sound)
        return replace(found, sound=replace(found.sound, samples=_NO_SAMPLES))

    done = work.run(task.read(recording), compute)
    if done.value.sound is None:
        return done.value, None
    waveform = done.files[WAVEFORM]
    samples, _ = soundfile.read(waveform, dtype="float32", always_2d=True)
    return replace(done.value, sound=replace(done.value.sound, samples=samples)), waveform


def _detected(task: TrialTask, recording: RawRecording, read: Recorded, work: Work) -> Detected:
    config = task.keypoints_view.config
    return work.run(
        task.keypoints(recording), lambda folder: detect_keypoints(recording, read.times, config, task.options)
    ).value


def _described(task: TrialTask, recordings: list[RecordingResult], work: Work) -> Described:
    sounds = {one.files.id: one.sound for one in recordings if one.sound is not None}
    if not sounds:
        return Described()
    devices = {one.files.id: one.files.device for one in recordings}
    return work.run(task.features, lambda folder: describe_sounds(sounds, devices, task.raw.config, task.options)).value


def _exclusion(files: RawTrial, stage: str, error: Exception, work: Work, recording: str | None = None) -> Exclusion:
    reason = reason_of(error)
    work.faults += faults_of_ours((reason,))
    return Exclusion(files.id, stage, reason, recording)


def _upstream(*steps: Step) -> dict[str, str]:
    return {f"{step.stage.name} of {step.unit}": step.key for step in steps}
