"""The story of one trial as plain values: what was read, what was decided, and which gate said what, with numbers.

It is written beside the trial's page, so that it can be asked for wherever the dataset is: ``viodat why``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from viodat.build.gates import Reading
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult
from viodat.build.report import settled_clocks
from viodat.build.trial import TrialResult
from viodat.capture.raw import RawRecording
from viodat.dataset import schema
from viodat.files import write_text
from viodat.joints import JOINTS
from viodat.report.html import story_path

Story = dict[str, Any]


def write_story(out: Path, result: TrialResult, raw: RawCapture, split: str) -> None:
    """Write a trial's story below the dataset."""
    story = _finite(story_of(result, raw, split))
    write_text(story_path(out, result.files.id), json.dumps(story, indent=1, allow_nan=False) + "\n")


def story_of(result: TrialResult, raw: RawCapture, split: str) -> Story:
    """Tell what became of a trial; ready for JSON but for numbers that are not finite."""
    files = result.files
    return {
        "trial": files.id,
        "participant": files.participant,
        "split": split,
        "status": schema.STATUS_EXCLUDED if result.excluded else schema.STATUS_BUILT,
        "read": dict(result.inputs),
        "markers": _markers(result),
        "measurements": _measurements(result),
        "joints": _joints(result),
        "gates": [_gate(reading) for reading in result.readings],
        "recordings": _recordings(result, raw),
        "left_out": [
            {
                "recording": one.recording,
                "stage": one.stage,
                "reason": one.reason,
                "value": one.value,
                "limit": one.limit,
            }
            for one in result.exclusions
        ],
        "alarms": list(result.alarms),
        "notes": list(result.notes),
    }


def _markers(result: TrialResult) -> Story | None:
    markers = result.markers
    if markers is None:
        return None
    return {
        "file": result.files.marker_file.name,
        "marker_set": result.joints.marker_set or None if result.joints is not None else None,
        "markers": len(markers.labels),
        "frames": markers.n_frames,
        "rate_hz": markers.rate_hz,
        "missing_share": float(np.mean(~markers.valid)) if markers.valid.size else None,
        "filled_share": result.gaps.filled_share if result.gaps is not None else None,
        "labels": [str(fault) for fault in result.labels.faults] if result.labels is not None else [],
    }


def _measurements(result: TrialResult) -> Story:
    known = result.measurements
    if known is None:
        return {}
    return {name: {"value": value, "source": known.sources.get(name)} for name, value in known.values.items()}


def _joints(result: TrialResult) -> Story:
    if result.joints is None:
        return {}
    sigma = [line.sigma_mm for line in result.fit.report.joints] if result.fit is not None else [math.nan] * len(JOINTS)
    shares = result.joints.valid.mean(axis=0) if result.joints.n_frames else np.zeros(len(JOINTS))
    return {
        joint: {"method": how, "determined_share": float(share), "sigma_mm": float(one)}
        for joint, how, share, one in zip(JOINTS, result.joints.method, shares, sigma, strict=True)
    }


def _gate(reading: Reading) -> Story:
    gate = reading.gate
    return {
        "gate": gate.name,
        "value": reading.value,
        "sense": gate.sense,
        "limit": gate.limit,
        "unit": gate.unit,
        "kept": reading.kept,
        "measures": gate.measures,
    }


def _recordings(result: TrialResult, raw: RawCapture) -> Story:
    known = {one.files.id: one for one in result.recordings}
    clocks = {one.recording: one for one in settled_clocks(result, raw.config.gates)}
    told: Story = {}
    for files in result.files.recordings:
        one, clock = known.get(files.id), clocks.get(files.id)
        status = one.status if one is not None and not result.excluded else schema.STATUS_EXCLUDED
        told[files.id] = {"device": files.device, "status": status, "files": _names(files), **_found(one)}
        if clock is not None and clock.clock is not None:
            told[files.id]["clock"] = {
                "offset_s": clock.clock.offset_s,
                "drift_ppm": clock.clock.drift_ppm,
                "skew_ms": clock.clock.skew_s * 1000,
                "method": clock.clock.method,
                "confidence": clock.clock.confidence,
                "sigma_sound_ms": clock.sigma_s * 1000,
                "sigma_picture_ms": clock.picture_sigma_s * 1000,
                "limit_ms": clock.limit_s * 1000,
            }
    return told


def _names(files: RawRecording) -> list[str]:
    used = (files.video, files.frames_csv, files.audio, files.keypoints)
    return [path.name for path in used if path is not None]


def _found(one: RecordingResult | None) -> Story:
    if one is None:
        return {}
    return {
        "frames": one.times.n_frames if one.times is not None else None,
        "keypoints": one.keypoints.source if one.keypoints is not None else None,
        "calibrated": one.camera is not None and one.times is not None,
        "sound_s": one.sound.seconds if one.sound is not None else None,
        "claims": [f"{claim.source}: {claim.offset_s:.4f} s" for claim in one.claims],
        "notes": list(one.notes),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
