"""``mmViolin_v1.0.npz`` and ``mmViolin_v1.0_audio.npz``: the layout in which VioDat v1.0 was published.

Two archives of dicts by recording id: 3D and 2D truth at the video frames (``kp_optim_3d_vid``, ``kp_optim_2d_vid``),
3D truth at 100 Hz (``kp_optim_3d``), the video's rate, keypoints, the audio frame and the sound at 8 kHz. A dict in a
``.npz`` is a pickle, so that only a reader that trusts the file, or ``viodat import viodat-v1``, opens it.

The layout has no time stamps: frame k of a recording is taken to be at k / rate, and row k of the sound at k / its rate
after the first frame. What is lost by that is said of each recording. 3D is mm in the dataset's world, missing is NaN.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.lib import format as npy
from numpy.typing import NDArray

from viodat.audio.sound import resampled
from viodat.body.interpolate import at_times
from viodat.dataset import paths, schema
from viodat.dataset.exports.takes import (
    Exported,
    ExportOptions,
    Progress,
    Row,
    Skipped,
    built_row,
    certain_cameras,
    told,
)
from viodat.dataset.reader import VioDataset
from viodat.dataset.schema import NS
from viodat.dataset.sound import SoundRows
from viodat.dataset.streams import Video
from viodat.errors import DatasetError
from viodat.files import atomic_path

POSES_NAME: Final = "mmViolin_v1.0.npz"
SOUND_NAME: Final = "mmViolin_v1.0_audio.npz"

_ID: Final = re.compile(r"P\d{2}C\d{2}T\d{2}")
_MOTION_HZ: Final = 100.0
_SOUND_HZ: Final = 8000
_FEATURE_KEYS: Final = {30: "audio_data", 100: "audio_data_100FPS", 300: "audio_data_300FPS"}
_EVEN_S: Final = 0.001
_SHOWN: Final = 8

FloatArray = NDArray[np.float32]
Dicts = dict[str, dict[str, Any]]
"""By key of an archive and by recording."""


def export(
    dataset: VioDataset, trials: Sequence[str], folder: Path, options: ExportOptions, progress: Progress
) -> Exported:
    """Write the two archives of all recordings that have a certain clock; the second if one of them has sound."""
    cameras, skipped = certain_cameras(dataset, trials, "npz-v1")
    poses: Dicts = {}
    sounds: Dicts = {}
    uneven_s: dict[str, float] = {}
    for done, trial in enumerate(trials, 1):
        rows = [row for row in cameras if row["trial"] == trial]
        try:
            whole = _motion(dataset, trial) if rows else None
        except DatasetError as error:
            skipped.append(Skipped(trial, "npz-v1", error))
            rows = []
        for row in rows:
            name = row["recording"]
            try:
                pose, sound, uneven_s[name] = _recording(dataset, row)
            except DatasetError as error:
                skipped.append(Skipped(trial, "npz-v1", error, name))
                continue
            for dicts, values in ((poses, {"kp_optim_3d": whole, **pose}), (sounds, sound)):
                for key, value in values.items():
                    dicts.setdefault(key, {})[name] = value
        progress(done, len(trials), trial)
    files = []
    for name, dicts in ((POSES_NAME, poses), (SOUND_NAME, sounds)):
        if dicts:
            _write(folder / name, dicts)
            files.append(folder / name)
    return Exported(tuple(files), tuple(skipped), tuple(_notes(sounds, uneven_s)) if files else ())


def _motion(dataset: VioDataset, trial: str) -> FloatArray:
    """Give (F, 18, 3) mm at 100 Hz. One array for all recordings of the trial: a pickle holds it once."""
    motion, rate_hz = dataset.motion(trial), float(built_row(dataset, trial)["rate_hz"])
    if rate_hz == _MOTION_HZ:
        return motion.joints_mm
    count = int((len(motion.time_ns) - 1) / rate_hz * _MOTION_HZ + 1e-6) + 1
    return at_times(motion.joints_mm, 0.0, rate_hz, np.arange(count) / _MOTION_HZ).astype(np.float32)


def _recording(dataset: VioDataset, row: Row) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Give what the archives of poses and of sound hold of a recording, and by how much its stamps are uneven, s."""
    name = row["recording"]
    if not _ID.fullmatch(name):
        raise DatasetError("its id is not like P05C01T28, which is what this layout calls a recording", where=name)
    video = dataset.video(name)
    assert video.time_ns is not None
    if len(video.time_ns) < 2:
        raise DatasetError("it has a single frame, so its rate is unknown", where=name)
    fps, uneven_s = _rate(video.time_ns)
    pose: dict[str, Any] = {
        "kp_optim_3d_vid": _world(dataset, row, video),
        "kp_optim_2d_vid": video.pose2d_px,
        "kp_video_fps": fps,
    }
    if row["keypoints"] is not None:
        openpose = "openpose" in row["keypoints"].lower()
        pose["openpose_2d" if openpose else "mediapipe_2d"] = video.detected_px
    sound = {} if row["audio_rate_hz"] is None else _sound(dataset, name, video.time_ns, fps)
    return pose, sound, uneven_s


def _world(dataset: VioDataset, row: Row, video: Video) -> FloatArray:
    """(T, 18, 3) mm: a recording's own poses, brought back into the world; of an uncalibrated camera the trial's."""
    camera = dataset.camera(row["recording"])
    if camera is not None:
        return np.asarray(camera.to_world(video.pose3d_mm.astype(np.float64)), np.float32)
    assert video.time_ns is not None
    motion, rate_hz = dataset.motion(row["trial"]), float(built_row(dataset, row["trial"])["rate_hz"])
    since_s = (video.time_ns - motion.time_ns[0]) / NS
    return at_times(motion.joints_mm, 0.0, rate_hz, since_s).astype(np.float32)


def _rate(time_ns: NDArray[np.int64]) -> tuple[float, float]:
    """Frames per second, and the most by which a stamp is off the line through all of them, s."""
    since_s = (time_ns - time_ns[0]) / NS
    index = np.arange(len(time_ns))
    step_s, first_s = np.polyfit(index, since_s, 1)
    return float(1 / step_s), float(np.abs(since_s - (first_s + index * step_s)).max())


def _sound(dataset: VioDataset, name: str, frames_ns: NDArray[np.int64], fps: float) -> dict[str, Any]:
    """Give rows of the audio frame and samples, from the first video frame on."""
    out: dict[str, Any] = {}
    start_ns = int(frames_ns[0])
    for rate in dataset.info["feature_rates_hz"]:
        audio = dataset.audio(name, rate)
        assert audio.time_ns is not None
        # The published loader takes row k of audio_data with frame k.
        rate_hz = fps if rate == 30 else float(rate)
        count = len(frames_ns) if rate == 30 else int(len(frames_ns) / fps * rate_hz)
        values = np.full((count, schema.N_FEATURES + 1), np.nan, np.float32)
        values[:, :-1] = SoundRows(audio.features, audio.time_ns).nearest(start_ns, rate_hz, count)
        out[_FEATURE_KEYS[rate]] = values
        file = dataset.path / paths.waveform(name)
        if rate == 100 and file.is_file():
            out["audio_raw"] = _waveform(file, (start_ns - int(audio.time_ns[0])) / NS, len(frames_ns) / fps)
    return out


def _waveform(file: Path, start_s: float, seconds: float) -> FloatArray:
    """Give (samples,) at 8 kHz from ``start_s`` after the first sample on; silence where there is none."""
    try:
        sound, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DatasetError(
            f"cannot be read ({error})", where=file, mend="Run 'viodat check' on the dataset."
        ) from error
    low = resampled(sound.mean(1), rate_hz, _SOUND_HZ)
    out = np.zeros(round(seconds * _SOUND_HZ), np.float32)
    shift = round(start_s * _SOUND_HZ)
    source = low[max(shift, 0) : shift + len(out)] if shift + len(out) > 0 else low[:0]
    out[max(-shift, 0) : max(-shift, 0) + len(source)] = source
    return out


def _write(file: Path, dicts: Dicts) -> None:
    """Write dicts as numpy does, but without the time of day: the same dataset gives the same bytes."""
    with told(file), atomic_path(file) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for key, values in dicts.items():
            member = zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0))
            with archive.open(member, "w", force_zip64=True) as stream:
                npy.write_array(stream, np.array(values, dtype=object), allow_pickle=True)


def _notes(sounds: Dicts, uneven_s: Mapping[str, float]) -> Iterator[str]:
    yield "a reader must trust these files: dicts in an .npz are pickles (viodat import viodat-v1 runs none of it)"
    yield "left out, because their kind was never published: audio_spectrogram, audio_spectrogram_100FPS"
    if sounds and "audio_data" not in sounds:
        yield "audio_data (a row per video frame) needs features at 30 Hz: build with --audio-rate 30"
    worst = sorted((name for name in uneven_s if uneven_s[name] > _EVEN_S), key=lambda name: -uneven_s[name])
    if worst:
        shown = ", ".join(f"{name} {uneven_s[name] * 1000:.0f} ms" for name in worst[:_SHOWN])
        more = " ..." if len(worst) > _SHOWN else ""
        yield f"frames are counted, not timed; stamps differ from a uniform rate by up to: {shown}{more}"
