"""A small dataset written straight with the schema, whose every value is known: no capture, no build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from viodat.camera import Camera, NoDistortion
from viodat.dataset import paths, schema
from viodat.dataset.manifest import write_manifest
from viodat.dataset.tables import write_arrays, write_rows
from viodat.joints import JOINTS

MOTION_HZ = 100.0
VIDEO_HZ = 30.0


def camera() -> Camera:
    """A camera 3 m in front of the origin that looks along +Y."""
    return Camera(
        id="C01",
        size_px=(1280, 720),
        matrix=np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]]),
        distortion=NoDistortion(),
        rotation=np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
        translation_mm=np.array([0.0, 0, 3000]),
    )


def joints_at(times_s: np.ndarray) -> np.ndarray:
    """(T, 18, 3) mm, world: every joint on its own straight line, so that any interpolation is exact."""
    index = np.arange(len(JOINTS))
    along = 100.0 * times_s[:, None] + 10.0 * index
    return np.stack([along, 0 * along, 50.0 * index + 0 * along], -1)


def info(**changes: Any) -> dict[str, Any]:
    """dataset.json."""
    return {
        "schema_version": schema.SCHEMA_VERSION,
        "name": "small",
        "viodat_version": "0.1.0",
        "joints": list(JOINTS),
        "units": {"length": "mm", "time": "ns", "image": "px"},
        "feature_rates_hz": [100],
        **changes,
    }


def write_dataset(
    folder: Path,
    *,
    seconds: float = 6.0,
    video_frames: int = 150,
    drift_ppm: float = 0.0,
    keypoints: tuple[bool, ...] = (True,),
    splits: tuple[str, ...] = ("train",),
    excluded: tuple[str, ...] = (),
) -> Path:
    """Write one trial per split, T01, T02 ..., each with the cameras that ``keypoints`` lists, C01, C02 ...

    Feature 0 of audio row k is k; its time on the mocap clock is k / 100 s * (1 + drift).
    """
    frames = round(seconds * MOTION_HZ) + 1
    motion_s = np.arange(frames) / MOTION_HZ
    video_ns = np.rint(np.arange(video_frames) / VIDEO_HZ * 1e9).astype(np.int64)
    device_ns = np.arange(frames, dtype=np.int64) * 10_000_000
    trials, recordings, exclusions = [], [], []
    for number, split in enumerate(splits, 1):
        trial = {"trial": f"P04T{number:02d}", "participant": "P04", "split": split}
        if trial["trial"] in excluded:
            trials.append({**trial, "status": "excluded"})
            exclusions.append({"trial": trial["trial"], "recording": None, "stage": "gates", "reason": "too short"})
        else:
            trials.append(
                {**trial, "status": "built", "seconds": seconds, "rate_hz": MOTION_HZ, "frames": frames, "start_ns": 0}
            )
            write_arrays(
                folder / paths.motion(trial["trial"], "P04", split),
                schema.MOTION,
                {
                    "trial": trial["trial"],
                    "time_ns": device_ns,
                    "joints_mm": joints_at(motion_s),
                    "sigma_mm": None,
                    "valid": np.ones((frames, 18), bool),
                    "velocity_mm_s": None,
                    "acceleration_mm_s2": None,
                    "angles_rad": None,
                },
            )
        for device, detected in enumerate(keypoints, 1):
            name = f"P04C{device:02d}T{number:02d}"
            row = {"recording": name, **trial, "device": f"C{device:02d}", "kind": "camera"}
            if trial["trial"] in excluded:
                recordings.append({**row, "status": "excluded"})
                continue
            recordings.append(
                {
                    **row,
                    "status": "built",
                    "calibrated": True,
                    "camera_model": json.dumps(camera().to_dict()),
                    "frames": video_frames,
                    "first_frame_ns": int(video_ns[0]),
                    "last_frame_ns": int(video_ns[-1]),
                    "width_px": 1280,
                    "height_px": 720,
                    "audio_rate_hz": 44100.0,
                    "keypoints": "file" if detected else None,
                }
            )
            world = joints_at(video_ns / 1e9)
            pixels = camera().project(world)
            ids = {"trial": trial["trial"], "recording": name}
            write_arrays(
                folder / paths.video(name, "P04", split),
                schema.VIDEO,
                {
                    **ids,
                    "time_ns": video_ns,
                    "device_time_ns": video_ns,
                    "pts": np.arange(video_frames),
                    "pose3d_mm": camera().to_camera(world),
                    "pose2d_px": pixels,
                    "detected_px": pixels if detected else None,
                    "confidence": None,
                    "valid": np.ones((video_frames, 18), bool),
                },
            )
            features = np.zeros((frames, 35))
            features[:, 0] = np.arange(frames)
            write_arrays(
                folder / paths.audio(name, "P04", split),
                schema.AUDIO,
                {
                    **ids,
                    "time_ns": np.rint(device_ns * (1 + drift_ppm * 1e-6)).astype(np.int64),
                    "device_time_ns": device_ns,
                    "features": features,
                    "log_mel_db": np.linspace(-100.0, 0.0, frames)[:, None].repeat(schema.N_MELS, axis=1),
                    "f0_hz": None,
                    "voiced": None,
                },
            )
    rows: dict[str, list[dict[str, Any]]] = {
        "participants": [{"participant": "P04", "split": "train", "measurement_sources": {"height_mm": "P04.vsk"}}],
        "trials": trials,
        "cameras": [],
        "recordings": recordings,
        "exclusions": exclusions,
    }
    for name, kind in schema.TABLES.items():
        write_rows(folder / paths.table(name), kind, rows[name])
    (folder / paths.DATASET_JSON).write_text(json.dumps(info()))
    write_manifest(folder, {})
    return folder
