"""What a path holds, as plain facts: a dataset, a raw capture, a marker file, a calibration, a video or a sound."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np

from viodat.build.raw import open_raw
from viodat.capture.audio import has_audio, read_audio
from viodat.capture.c3d import read_c3d
from viodat.capture.cameras import read_cameras
from viodat.capture.markers import MarkerTrial
from viodat.capture.trc import read_trc
from viodat.capture.video import read_video_times
from viodat.capture.vsk import read_vsk
from viodat.dataset.paths import DATASET_JSON
from viodat.dataset.reader import open_dataset
from viodat.errors import ConfigError

_VIDEO: Final = (".mp4", ".mov", ".m4v", ".avi", ".mkv")
_SOUND: Final = (".wav", ".flac", ".m4a", ".mp3", ".ogg", ".aac")
_CALIBRATION: Final = (".toml", ".yml", ".yaml", ".json", ".xml", ".txt", ".xcp")

Facts = dict[str, Any]


def facts_of(path: Path, config: Path | None = None) -> Facts:
    """Tell what a path holds: plain values by name, ready for JSON.

    Raises
    ------
    ViodatError
        If it is damaged, or of a kind that viodat does not read.
    """
    if (path / DATASET_JSON).is_file():
        return _dataset(path)
    if path.is_dir():
        return _capture(path, config)
    suffix = path.suffix.lower()
    if not path.exists():
        raise ConfigError("does not exist", where=str(path), mend="Name a dataset, a raw capture or a raw file.")
    if suffix in (".c3d", ".trc"):
        return _markers(read_c3d(path) if suffix == ".c3d" else read_trc(path))
    if suffix == ".vsk":
        subject = read_vsk(path)
        return {"subject": subject.name, **subject.measurements}
    if suffix in _VIDEO or path.name.lower().endswith(".frames.csv"):
        return _video(path)
    if suffix in _SOUND:
        return _sound(path)
    if suffix in _CALIBRATION:
        return _calibration(path)
    raise ConfigError(
        f"files of type '{path.suffix}' are not raw recordings that viodat reads",
        where=path,
        mend="It reads .c3d, .trc, .vsk, videos, .frames.csv, sounds and calibrations.",
    )


def _dataset(path: Path) -> Facts:
    dataset = open_dataset(path)
    trials, recordings = dataset.trials, dataset.recordings
    return {
        "dataset": dataset.info["name"] or path.name,
        "schema_version": dataset.info["schema_version"],
        "built_by_viodat": dataset.info["viodat_version"],
        "participants": list(dataset.participants["participant"]),
        "trials": _counted(trials["status"]),
        "splits": _counted(trials["split"]),
        "minutes": round(float(trials["seconds"].sum()) / 60, 2),
        "recordings": _counted(recordings["status"]),
        "feature_rates_hz": dataset.info["feature_rates_hz"],
        "exclusions": len(dataset.exclusions),
    }


def _capture(path: Path, config: Path | None) -> Facts:
    raw = open_raw(path, config)
    layout = raw.layout
    return {
        "raw_capture": str(path),
        "config": str(raw.config_path) if raw.config_path else "none: the default layout",
        "participants": list(layout.participants),
        "trials": len(layout.trials),
        "static_trials": sum(trial.static is not None for trial in layout.trials),
        "recordings": len(layout.recordings),
        "devices": sorted({recording.device for recording in layout.recordings}),
        "calibrated": sorted(raw.cameras),
        "notes": [str(note) for note in raw.notes],
        "missing": [str(item) for item in layout.missing],
        "unmatched": [str(item) for item in layout.unmatched],
    }


def _markers(trial: MarkerTrial) -> Facts:
    return {
        "subject": trial.subject.name,
        "frames": trial.n_frames,
        "first_frame": trial.first_frame,
        "rate_hz": trial.rate_hz,
        "seconds": round(trial.seconds, 4),
        "units": trial.units or "none stated (mm assumed)",
        "markers": list(trial.labels),
        "missing_marker_samples": int((~trial.valid).sum()),
        "virtual_points": sorted(trial.virtual),
        "other_points": sorted(trial.other),
        "outputs": len(trial.outputs),
        "analog_channels": list(trial.analog.labels) if trial.analog else [],
        "analog_rate_hz": trial.analog.rate_hz if trial.analog else None,
        "events": [f"{event.time_s:.3f} s {event.context} {event.label}".strip() for event in trial.events],
        "measurements": dict(trial.subject.measurements),
        "notes": list(trial.notes),
    }


def _video(path: Path) -> Facts:
    times = read_video_times(path)
    return {
        "frames": times.n_frames,
        "size_px": list(times.size_px) if times.size_px else None,
        "rotation_deg": times.rotation_deg,
        "codec": times.codec,
        "pixel_format": times.pixel_format,
        "time_base": str(times.time_base),
        "first_pts": int(times.pts[0]),
        "duration_s": times.duration_s,
        "mean_rate_hz": times.mean_rate_hz,
        "sound": path.suffix.lower() in _VIDEO and has_audio(path),
        "notes": list(times.notes),
    }


def _sound(path: Path) -> Facts:
    sound = read_audio(path)
    return {
        "samples": int(sound.samples.shape[0]),
        "channels": int(sound.samples.shape[1]),
        "rate_hz": float(sound.rate_hz),
        "seconds": sound.seconds,
        "start_s": float(sound.start_s),
        "peak": float(np.abs(sound.samples).max()),
        "notes": list(sound.notes),
    }


def _calibration(path: Path) -> Facts:
    return {
        name: f"{camera.size_px[0]} x {camera.size_px[1]} px, focal length {camera.matrix[0, 0]:.1f} px, "
        f"at {', '.join(f'{value:.0f}' for value in camera.centre_mm)} mm"
        for name, camera in read_cameras(path).items()
    }


def _counted(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
