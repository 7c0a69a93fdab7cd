"""Small datasets of drawn performances: every trial moves and sounds in its own way, and copies can be made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tests.unit.dataset.small import camera, info
from viodat.dataset import paths, schema
from viodat.dataset.certificate import certify, statistics_of
from viodat.dataset.manifest import write_manifest
from viodat.dataset.reader import open_dataset
from viodat.dataset.sketches import sketch_trial
from viodat.dataset.tables import write_arrays, write_rows
from viodat.joints import JOINTS

HZ = 100.0


def motion(seed: int, seconds: float = 20.0) -> np.ndarray:
    """(T, 18, 3) mm: joints that wander about their places by some 100 mm, with changes every half second."""
    frames = round(seconds * HZ) + 1
    drawn = np.random.default_rng(seed).normal(size=(frames, len(JOINTS), 3))
    wander = gaussian_filter1d(drawn, 0.15 * HZ, axis=0)
    place = np.random.default_rng(0).uniform((-600, -600, 400), (600, 600, 1600), (len(JOINTS), 3))
    return (place + 100 * wander / wander.std()).astype(np.float32)


def sound(seed: int, seconds: float = 20.0) -> np.ndarray:
    """(F, 35) features: onsets at drawn times, and colours that change with them."""
    rows = round(seconds * HZ) + 1
    rng = np.random.default_rng([seed, 1])
    onsets = (rng.random(rows) < 3 / HZ).astype(float)
    colour = np.cumsum(onsets[:, None] * rng.normal(size=(rows, 35)), 0)
    features = gaussian_filter1d(colour - colour.mean(0), 2, axis=0)
    features[:, 0] = gaussian_filter1d(onsets, 2) * 10
    return features.astype(np.float32)


@dataclass(frozen=True)
class Played:
    """A trial to write."""

    trial: str
    split: str
    joints_mm: np.ndarray
    features: np.ndarray
    session: str | None = None
    piece: str | None = None

    @property
    def participant(self) -> str:
        return self.trial[:3]


def played(trial: str, split: str, seconds: float = 20.0, **changes: Any) -> Played:
    """Draw a trial; its id is its seed."""
    seed = int.from_bytes(trial.encode(), "big") % 2**32
    return replace(Played(trial, split, motion(seed, seconds), sound(seed, seconds)), **changes)


def write_played(folder: Path, trials: Sequence[Played], *, certified: bool = True) -> Path:
    """Write a dataset with one camera recording per trial, certified as a build does."""
    rows, recordings = [], []
    for one in trials:
        row, recording = _write(folder, one)
        rows.append(row)
        recordings.append(recording)
    for name, kind in schema.TABLES.items():
        given = {"trials": rows, "recordings": recordings}.get(name, [])
        write_rows(folder / paths.table(name), kind, [{k: v for k, v in r.items() if k in kind.names} for r in given])
    content = info()
    if certified:
        sketches = {row["trial"]: sketch_trial(folder, row, [rec]) for row, rec in zip(rows, recordings, strict=True)}
        content["statistics"] = statistics_of(rows, sketches)
        content["certificate"] = certify(rows, sketches, content["statistics"]).to_json()
    (folder / paths.DATASET_JSON).write_text(json.dumps(content))
    write_manifest(folder, {})
    open_dataset(folder)
    return folder


def _write(folder: Path, one: Played) -> tuple[dict[str, Any], dict[str, Any]]:
    frames = len(one.joints_mm)
    times = np.arange(frames, dtype=np.int64) * 10_000_000
    common = {"trial": one.trial, "participant": one.participant, "split": one.split, "status": "built"}
    row = {
        **common,
        "seconds": (frames - 1) / HZ,
        "rate_hz": HZ,
        "frames": frames,
        "start_ns": 0,
        "session": one.session,
        "piece": one.piece,
    }
    name = f"{one.participant}C01{one.trial[3:]}"
    shown = np.arange(0, frames, 4)
    recording = {
        **common,
        "recording": name,
        "device": "C01",
        "kind": "camera",
        "calibrated": True,
        "camera_model": json.dumps(camera().to_dict()),
        "frames": len(shown),
        "first_frame_ns": 0,
        "last_frame_ns": int(times[shown[-1]]),
        "width_px": 1280,
        "height_px": 720,
        "audio_rate_hz": 44100.0,
        "keypoints": "file",
    }
    nothing = dict.fromkeys(("sigma_mm", "velocity_mm_s", "acceleration_mm_s2", "angles_rad"))
    write_arrays(
        folder / paths.motion(one.trial, one.participant, one.split),
        schema.MOTION,
        {
            "trial": one.trial,
            "time_ns": times,
            "joints_mm": one.joints_mm,
            "valid": np.isfinite(one.joints_mm).all(-1),
            **nothing,
        },
    )
    pixels = camera().project(one.joints_mm[shown].astype(float))
    ids = {"trial": one.trial, "recording": name}
    write_arrays(
        folder / paths.video(name, one.participant, one.split),
        schema.VIDEO,
        {
            **ids,
            "time_ns": times[shown],
            "device_time_ns": times[shown],
            "pts": np.arange(len(shown)),
            "pose3d_mm": camera().to_camera(one.joints_mm[shown].astype(float)),
            "pose2d_px": pixels,
            "detected_px": pixels,
            "confidence": None,
            "valid": np.isfinite(pixels).all(-1),
        },
    )
    sounding = np.arange(len(one.features), dtype=np.int64) * 10_000_000
    write_arrays(
        folder / paths.audio(name, one.participant, one.split),
        schema.AUDIO,
        {
            **ids,
            "time_ns": sounding,
            "device_time_ns": sounding,
            "features": one.features,
            "log_mel_db": None,
            "f0_hz": None,
            "voiced": None,
        },
    )
    return row, recording
