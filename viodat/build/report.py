"""From results to pictures: what the take sheets and the report pages are told of a build."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from viodat._version import __version__
from viodat.body import JointTrial
from viodat.body.gaps import MarkerGaps
from viodat.body.skeleton.result import SkeletonFit
from viodat.build.clock_report import SettledClock, TrialToShow, capture_page, clock_page, reasons_told_once
from viodat.build.clocks import gate_of, worst_sigma_s
from viodat.build.gates import CAMERA, CLOCKS, Exclusion
from viodat.build.joints import FROM_FIT
from viodat.build.quality import RIGID
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult
from viodat.build.trial import TrialResult
from viodat.capture.config_joints import GatesTable
from viodat.capture.raw import RawRecording
from viodat.clock import TrialClocks, session_priors
from viodat.dataset import schema
from viodat.dataset.splits import Splits
from viodat.joints import JOINTS
from viodat.report import faces
from viodat.report.clocks.values import NAN, How, TrialClockPage
from viodat.report.evidence import BoneLine, FaultLine, FunctionalLine, GateLine, MarkerEvidence, MarkerLine
from viodat.report.html import sheet_paths
from viodat.report.index import DatasetReport, ExclusionLine, JointLine, TrialReport, write_index
from viodat.report.take_sheet import SheetAudio, SheetPitch, SheetRecording, TakeSheet, Thumbnail, draw_take_sheet
from viodat.report.wording import MISSING

_VERSIONS = ("numpy", "scipy", "pyarrow", "ezc3d", "av", "librosa", "opencv-python-headless")
_MISSING_SHOWN = 40
_KEPT = {CLOCKS: "not trained on", CAMERA: "without truth in pictures"}
"""What is said of a recording that is in the dataset all the same, by the stage that found something."""


@dataclass(frozen=True)
class TrialPage:
    """What the index and the page about clocks need of a trial after its arrays are gone.

    Attributes
    ----------
    report, exclusions
        What is said of it.
    clocks
        As estimated, without the evidence; None where none were.
    clock_page
        What the page about the clocks of the capture is told; None for a trial that was left out.
    """

    report: TrialReport
    exclusions: tuple[ExclusionLine, ...]
    clocks: TrialClocks | None = None
    clock_page: TrialClockPage | None = None


def draw_trial(
    out: Path,
    result: TrialResult,
    raw: RawCapture,
    split: str,
    how: How,
    devices: Sequence[str] = (),
    *,
    blur_faces: bool = False,
) -> TrialPage:
    """Draw the take sheet of one trial and the figures about its clocks below ``out``; return what its page says.

    Parameters
    ----------
    out
        The dataset.
    result
        The trial, with its clocks.
    raw, split
        The capture, and where the trial stands in it.
    how
        Where clocks come from.
    devices
        All devices of the capture, so that one has the same colour in every trial.
    blur_faces
        Make everybody in the pictures unrecognisable.
    """
    files = result.files
    exclusions = tuple(
        ExclusionLine(files.id, e.recording or "", e.stage, e.reason, e.value, e.limit) for e in result.exclusions
    )
    provenance = f"viodat {__version__}, {files.marker_file.relative_to(raw.folder).as_posix()}"
    told = {(e.recording, e.reason) for e in result.exclusions}
    of_recordings = ((r.files.id, note) for r in result.recordings for note in r.notes)
    notes = (
        *_left_out(result.exclusions),
        *result.notes,
        *(f"{name}: {note}" for name, note in of_recordings if (name, note) not in told),
    )
    if result.excluded or result.joints is None or result.markers is None:
        seconds = result.markers.seconds if result.markers else float("nan")
        report = TrialReport(
            files.id,
            files.participant,
            split,
            schema.STATUS_EXCLUDED,
            seconds,
            notes=notes,
            provenance=provenance,
            evidence=_evidence(result),
        )
        return TrialPage(report, exclusions)
    there = {r.files.id for r in result.recordings}
    recordings = (
        *(_sheet_recording(r) for r in result.recordings),
        *(
            SheetRecording(r.id, r.device, None, None, schema.STATUS_EXCLUDED)
            for r in files.recordings
            if r.id not in there
        ),
    )
    lines = _joint_lines(result.joints, result.fit)
    png, svg = sheet_paths(out, files.id)
    draw_take_sheet(
        TakeSheet(
            trial=files.id,
            participant=files.participant,
            split=split,
            seconds=result.markers.seconds,
            times_s=result.joints.times_s,
            joints_mm=result.joints.positions_mm,
            methods=tuple("" if how.startswith("none") else how for how in result.joints.method),
            markers=result.markers.labels,
            marker_valid=result.markers.valid,
            sigma_mm=tuple(line.sigma_mm for line in lines),
            audio=_sheet_audio(result),
            pitch=_sheet_pitch(result),
            recordings=recordings,
            sounds=sum(r.sound is not None for r in result.recordings),
            thumbnails=tuple(t for r in result.recordings if (t := _thumbnail(r, blur_faces)) is not None),
            notes=notes,
            provenance=provenance,
        ),
        png,
        svg,
    )
    clocks = _clocks(out, result, raw, how, devices)
    report = TrialReport(
        files.id, files.participant, split, schema.STATUS_BUILT, result.markers.seconds, lines, recordings, notes,
        png, svg, provenance, _evidence(result), reasons_told_once(clocks),
    )  # fmt: skip
    return TrialPage(report, exclusions, _without_evidence(result.clocks), clocks)


def _without_evidence(clocks: TrialClocks | None) -> TrialClocks | None:
    """Drop the curves, which are some MB of a trial."""
    if clocks is None:
        return None
    return replace(
        clocks, evidence=replace(clocks.evidence, observations=()), used={}, believed={}, contradicting=frozenset()
    )


def _clocks(out: Path, result: TrialResult, raw: RawCapture, how: How, devices: Sequence[str]) -> TrialClockPage:
    settled = settled_clocks(result, raw.config.gates)
    shown = TrialToShow(result.files.id, result.files.participant, settled, result.clock_picture, result.clocks)
    return clock_page(out, shown, how, devices=devices)


def settled_clocks(result: TrialResult, gates: GatesTable) -> tuple[SettledClock, ...]:
    """Say what became of each recording of a trial, with the numbers that its gate had."""
    if result.joints is None:
        return ()
    span = float(result.joints.times_s[0]), float(result.joints.times_s[-1])
    reasons = {e.recording: e.reason for e in result.exclusions if e.recording}
    there = {recording.files.id: recording for recording in result.recordings}
    return tuple(
        _settled(files, there.get(files.id), span, gates, reasons.get(files.id, ""))
        for files in result.files.recordings
    )


def _settled(
    files: RawRecording,
    recording: RecordingResult | None,
    span_s: tuple[float, float],
    gates: GatesTable,
    reason: str,
) -> SettledClock:
    if recording is None or recording.clock is None:
        status = schema.STATUS_EXCLUDED if recording is None else recording.status
        return SettledClock(files.device, files.id, status, reason=reason)
    gate = gate_of(recording, gates)
    without_pictures = replace(recording, times=None)
    return SettledClock(
        files.device,
        files.id,
        recording.status,
        recording.clock,
        sigma_s=worst_sigma_s(without_pictures, recording.clock, span_s) if recording.sound is not None else NAN,
        picture_sigma_s=recording.sigma_s if recording.times is not None else NAN,
        limit_s=gate.limit / 1000,
        reason=reason,
    )


def _left_out(exclusions: Iterable[Exclusion]) -> list[str]:
    """Say which recordings are left out, those with the same reason together."""
    together: dict[tuple[str, str], list[str]] = {}
    for exclusion in exclusions:
        if exclusion.recording:
            together.setdefault((exclusion.stage, exclusion.reason), []).append(exclusion.recording)
    return [
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {_KEPT.get(stage, 'left out')} ({stage}): {reason}"
        for (stage, reason), names in together.items()
    ]


def _joint_lines(joints: JointTrial, fit: SkeletonFit | None) -> tuple[JointLine, ...]:
    fitted = {line.joint: line for line in fit.report.joints} if fit is not None else {}
    lines = []
    for joint, how, share in zip(JOINTS, joints.method, joints.valid.mean(0), strict=True):
        if how.startswith("none"):
            lines.append(JointLine(joint, "", float(share), how.removeprefix("none: ")))
        elif how.startswith(FROM_FIT):
            of = fitted[joint]
            lines.append(JointLine(joint, how, float(share), "", of.sigma_mm, of.calibration_mm, of.moved_mm))
        else:
            lines.append(JointLine(joint, how, float(share)))
    return tuple(lines)


def _evidence(result: TrialResult) -> MarkerEvidence | None:
    if result.markers is None:
        return None
    gates = tuple(
        GateLine(
            reading.gate.name,
            reading.gate.measures,
            reading.gate.written(reading.value) if np.isfinite(reading.value) else MISSING,
            f"{reading.gate.sense} {reading.gate.written(reading.gate.limit)}",
            reading.kept,
        )
        for reading in result.readings
    )
    bones = result.fit.report.bones_mm if result.fit is not None else {}
    return MarkerEvidence(
        gates=gates,
        faults=tuple(
            FaultLine(str(fault), fault.repaired) for fault in (result.labels.faults if result.labels else ())
        ),
        markers=_marker_lines(result),
        missing_share=result.gaps.missing_share if result.gaps else float("nan"),
        filled_share=result.gaps.filled_share if result.gaps else float("nan"),
        fitted=result.fit is not None,
        bones=tuple(
            BoneLine(f"{first} to {second}", bones.get(f"{first}-{second}", float("nan")), mean, spread)
            for (first, second), (mean, spread) in result.bones.items()
            if (first, second) in RIGID
        ),
        functional=tuple(
            FunctionalLine(f.joint, f.kind, f.condition, f.residual_mm, f.range_rad, f.frames, f.accepted, f.reason)
            for f in result.functional
        ),
    )


def _marker_lines(result: TrialResult) -> tuple[MarkerLine, ...]:
    """One line per marker of the fit, or without a fit per marker that has gaps."""
    if result.gaps is None or result.markers is None:
        return ()
    filled: dict[str, list[MarkerGaps]] = {}
    for row in result.gaps.rows:
        filled.setdefault(row.marker, []).append(row)
    fitted = {marker.label: marker for marker in result.fit.report.markers} if result.fit is not None else {}
    lines = []
    for label in result.markers.labels:
        rows = filled.get(label, [])
        of_fit = fitted.get(label)
        if of_fit is None and (fitted or not rows):
            continue
        done = [row for row in rows if row.method is not None]
        samples = sum(row.samples for row in done)
        error = np.sqrt(sum(row.samples * row.sigma_mm**2 for row in done) / samples) if samples else np.nan
        lines.append(
            MarkerLine(
                label,
                of_fit.segment if of_fit else "",
                sum(row.share for row in rows),
                sum(row.share for row in done),
                float(error),
                of_fit.residual_mm if of_fit else float("nan"),
                of_fit.outlying if of_fit else float("nan"),
            )
        )
    return tuple(lines)


def write_report(
    out: Path, pages: list[TrialPage], alarms: list[str], raw: RawCapture, splits: Splits, how: How
) -> Path:
    """Write reports/index.html, the trials' pages and reports/sync.html; returns the index."""
    missing = [
        *alarms,
        *map(str, raw.notes),
        *splits.notes,
        *_missing_streams(raw),
        *map(str, raw.layout.missing),
        *map(str, raw.layout.unmatched),
    ]
    if len(missing) > _MISSING_SHOWN:
        more = f"... and {len(missing) - _MISSING_SHOWN} more: viodat check RAW lists all of them"
        missing = [*missing[:_MISSING_SHOWN], more]
    name = raw.config.capture.name or "dataset"
    clocks = [page.clock_page for page in pages if page.clock_page is not None]
    told = {page.report.trial: page.clocks for page in pages if page.clocks is not None}
    return write_index(
        out,
        DatasetReport(
            name=name,
            trials=tuple(page.report for page in pages),
            exclusions=tuple(line for page in pages for line in page.exclusions),
            missing=tuple(missing),
            versions=versions(),
            open_with='import viodat\nds = viodat.open_dataset(".")  # in the folder that holds reports/\nds.trials',
            clocks=capture_page(out, name, clocks, how, session_priors(told)) if clocks else None,
        ),
    )


def _missing_streams(raw: RawCapture) -> list[str]:
    """Say in one line per stream which trials lack it."""
    trials = raw.layout.trials
    lines = []
    for what, cost, lacking in (
        (
            "no camera recording", "no picture, no 2D and no camera-frame truth",
            [trial.id for trial in trials if not any(r.kind == "camera" for r in trial.recordings)],
        ),
        (
            "no recording that could hold sound", "no audio features",
            [trial.id for trial in trials if not any(r.audio or r.video for r in trial.recordings)],
        ),
    ):  # fmt: skip
        if lacking:
            shown = ", ".join(lacking[:6]) + (" ..." if len(lacking) > 6 else "")
            lines.append(f"{len(lacking)} of {len(trials)} trials have {what}, so {cost}: {shown}")
    return lines


def _sheet_recording(recording: RecordingResult) -> SheetRecording:
    files, clock = recording.files, recording.clock
    sigma_ms = recording.sigma_s * 1000 if np.isfinite(recording.sigma_s) else None
    return SheetRecording(files.id, files.device, clock.offset_s if clock else None, sigma_ms, recording.status)


def _sheet_audio(result: TrialResult) -> SheetAudio | None:
    for recording in result.recordings:
        if recording.files.id == result.best_microphone and recording.sound and recording.clock:
            sound, clock = recording.sound, recording.clock
            true_hz = sound.rate_hz * clock.rate_ratio
            return SheetAudio(sound.samples.mean(axis=1), true_hz, clock.offset_s, recording.files.id)
    return None


def _sheet_pitch(result: TrialResult) -> SheetPitch | None:
    for recording in result.recordings:
        if recording.files.id == result.best_microphone and recording.clock:
            track = result.descriptions[recording.files.id].pitch
            clock = recording.clock
            return SheetPitch(clock.apply(track.times_s * clock.rate_ratio), track.f0_hz) if track else None
    return None


def _thumbnail(recording: RecordingResult, blur: bool) -> Thumbnail | None:
    if recording.picture is None or recording.times is None:
        return None
    index, image = recording.picture
    scale = np.array([1.0, 1.0])
    if recording.times.size_px:
        scale = np.array([image.shape[1], image.shape[0]]) / recording.times.size_px
    truth, keypoints = recording.truth, recording.keypoints
    nothing = np.full((schema.N_JOINTS, 2), np.nan)
    # Pixel centres are at whole numbers, so scaling keeps the picture's edge: (x + 1/2) s - 1/2.
    projected = (truth.pose2d_px[index] + 0.5) * scale - 0.5 if truth and truth.pose2d_px is not None else nothing
    detected = (keypoints.px[index] + 0.5) * scale - 0.5 if keypoints else nothing
    return Thumbnail(
        recording.files.id,
        faces.blur_faces(image, projected, detected) if blur else image,
        projected,
        detected,
        float(truth.time_ns[index]) / 1e9 if truth and truth.time_ns is not None else None,
        float(scale[0]),
    )


def versions() -> dict[str, str]:
    """Give the versions that the report prints."""
    return {"viodat": __version__, "Python": platform.python_version()} | {name: version(name) for name in _VERSIONS}
