"""VioDat v1.0 as published: ``mmViolin_v1.0.npz`` and ``mmViolin_v1.0_audio.npz``, two archives of pickled dicts.

What the release holds, by recording id: 3D and 2D truth at the video frames (``kp_optim_3d_vid``, ``kp_optim_2d_vid``),
3D truth at 100 Hz (``kp_optim_3d``), the video's rate (``kp_video_fps``), keypoints (``mediapipe_2d``,
``openpose_2d``), the audio frame (``audio_data`` per video frame, ``audio_data_100FPS``, ``audio_data_300FPS``) and the
sound at 8 kHz (``audio_raw``). It holds no markers, no calibration, no time stamps and no facts about the participants.

What it does not state is found from what it holds, with the error that is left, or stays missing: when a camera started
and in which frame its poses are (:func:`viodat.dataset.importers.placing.place`), and the camera itself
(:func:`viodat.dataset.importers.placing.fit_camera`). Source: Yoo et al., VioPose (WACV 2025), and the loader published
with it, whose splits and left-out recordings these are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viodat.dataset import schema
from viodat.dataset.importers import viodat_v1_arrays as arrays
from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.sources import digest
from viodat.dataset.importers.viodat_v1_facts import ABOUT, TEST, TRAIN
from viodat.dataset.importers.viodat_v1_output import ReleaseOutput
from viodat.dataset.importers.viodat_v1_release import read_release
from viodat.dataset.importers.viodat_v1_sound import write_sound
from viodat.dataset.importers.viodat_v1_trial import write_trial
from viodat.dataset.splits import assign_splits
from viodat.errors import DatasetError


def import_viodat_v1(source: Path, folder: Path, options: ImportOptions, progress: Progress) -> Imported:
    """Write the published VioDat v1.0 as a dataset of viodat's schema.

    Parameters
    ----------
    source
        ``mmViolin_v1.0.npz``. Its sound is looked for beside it (``mmViolin_v1.0_audio.npz``) unless ``options`` names
        it.
    folder
        An empty folder; the manifest is written last.
    options
        Rates of the audio frame, keypoints, limits.
    progress
        Called after each trial, and after each recording's sound.

    Raises
    ------
    CaptureError
        If an archive is damaged, holds what it should not (code, paths, more than the limit), or is not this release.
    DatasetError
        If not one recording can be imported.
    """
    release = read_release(source, options)
    sound = _sound_file(source, options)
    ids = sorted({*release.poses.arrays, *release.poses.faults, *release.fps})
    trials: dict[str, list[str]] = {}
    for recording in ids:
        trials.setdefault(arrays.ids_of(recording)[2], []).append(recording)
    people = {name[:3] for name in trials}
    splits = assign_splits(((name, name[:3]) for name in trials), test=TEST & people)
    out = ReleaseOutput(folder, splits)
    notes = [*release.notes, *splits.notes]
    if strangers := sorted(people - TEST - TRAIN):
        notes.append(f"in no split of the paper, so in training: {', '.join(strangers)}")
    for done, (trial, recordings) in enumerate(sorted(trials.items()), 1):
        write_trial(trial, recordings, release, options, out)
        progress(done, len(trials), trial)
    built = [row for row in out.trials if row["status"] == schema.STATUS_BUILT]
    if not built:
        reasons = dict.fromkeys(row["reason"] for row in out.exclusions)
        raise DatasetError(f"not one recording can be imported: {'; '.join(list(reasons)[:3])}", where=source)
    notes += _summary(out)
    del release
    rates: list[int] = []
    if sound is None:
        notes.append(f"no sound: there is no {_audio_name(source).name} beside the release; --audio names it")
    else:
        rates = write_sound(sound, options, out, notes, progress)
    inputs = {path.name: digest(path) for path in (source, sound) if path is not None}
    asked = {"audio_rates_hz": list(options.audio_rates_hz), "keypoints": options.keypoints}
    return out.finish(ABOUT, asked, rates, inputs, notes)


def _summary(out: ReleaseOutput) -> list[str]:
    """Say how well cameras and clocks could be found, over all recordings."""
    kept = sum(row["status"] != schema.STATUS_EXCLUDED for row in out.recordings.values())
    lines = []
    for errors, what, unit in (
        (out.camera_errors_px, "a camera was fitted for", "px"),
        (out.placing_errors_mm, "poses lie on their trial's motion in", "mm"),
    ):
        line = f"{what} {len(errors)} of {kept} recordings"
        if errors:
            line += f": error {np.median(errors):.2f} {unit} in the median, {max(errors):.2f} {unit} at most"
        lines.append(line)
    return lines


def _audio_name(source: Path) -> Path:
    return source.with_name(f"{source.stem}_audio.npz")


def _sound_file(source: Path, options: ImportOptions) -> Path | None:
    if options.audio is not None:
        return options.audio
    beside = _audio_name(source)
    return beside if beside.is_file() else None
