"""The mistakes that labs make, made on purpose: what each fault does to a trial.

Faults of the recording itself (a phone at 60 frames per second, a clipped microphone, a phone that was knocked) change
the devices before it is made, or which trial and what sound they record (:mod:`viodat.synth.schedule`,
:mod:`viodat.synth.recordings`); those of files (cut short, copied, missing) come after it. Truth is never faulty: it
describes what happened, under the names that the files bear.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from scipy.signal import resample_poly

from viodat.files import atomic_path, write_bytes
from viodat.synth.lab.c3d import MarkerRecording
from viodat.synth.lab.cameras import PhoneCamera
from viodat.synth.lab.phones import Frames, Phone
from viodat.synth.options import Fault
from viodat.synth.plan import TrialPlan, trial_id
from viodat.synth.sound.room import RATE_HZ
from viodat.synth.vectors import FloatArray

DESCRIPTIONS: Final[Mapping[Fault, str]] = {
    "wrong_units": "a trial's C3D holds metres and says mm",
    "missing_camera": "the first phone's files of a trial are missing",
    "swapped_cameras": "the first two phones' files of a trial bear each other's names",
    "truncated_c3d": "a trial's C3D ends after 60 % of its bytes",
    "truncated_video": "a phone's file of a trial ends after 60 % of its bytes",
    "swapped_sides": "left and right labels of a trial's markers are exchanged",
    "clipped_microphone": "the last phone's gain stands 30 dB too high: its sound is clipped",
    "stereo_microphone": "the last phone records two channels, the second half as loud",
    "sixty_fps": "the first phone of a trial films at 60 frames per second",
    "knocked_phone": "the second phone was moved by 60 mm and turned by 4 degrees after its calibration",
    "short_video": "the pictures of a phone end after two thirds of its recording; its sound goes on",
    "missing_static": "the last participant has no static trial",
    "duplicated_trial": "a trial's files are there a second time, under a number of their own",
    "silent_microphone": "the last phone hears nothing: its sound is its own noise",
    "metronome": "a metronome at 60 to 120 beats per minute clicks through a trial; nobody plays to it",
    "wrong_sound": "the last phone's sound is what it recorded in the participant's next trial",
    "wrong_trial": "all recordings of a trial are those of the participant's next trial",
    "stopped_phone": "the last phone stops, sound and pictures, in the middle of the trial",
    "wrong_rate": "the last recorder, a separate microphone where there is one, samples at 48 kHz and its file says "
    "44.1 kHz: its sound lasts longer and is lower",
    "long_recording": "the first phone runs 120 s (`--long-seconds`) longer than all others, before the trial or after "
    "it, while the player rehearses another piece",
}

KNOCK_MM: Final = 60.0
KNOCK_RAD: Final = float(np.deg2rad(4.0))
CLIPPING_DB: Final = 30.0
SHORT_SHARE: Final = 2 / 3
WRONG_RATE_HZ: Final = 48_000.0
_KEPT = 0.6
_RATES_SHARE = 300  # 48,000 = 160 · 300, 44,100 = 147 · 300


def as_recorded(markers: MarkerRecording, plan: TrialPlan) -> MarkerRecording:
    """Give a trial's markers as they are written to its C3D file."""
    if "wrong_units" in plan.faults:
        ghosts = tuple(replace(ghost, positions_mm=ghost.positions_mm / 1000.0) for ghost in markers.ghosts)
        markers = replace(markers, measured_mm=markers.measured_mm / 1000.0, ghosts=ghosts)
    if "swapped_sides" in plan.faults:
        markers = replace(markers, labels=tuple(_mirrored(label, markers.labels) for label in markers.labels))
    return markers


def _mirrored(label: str, labels: tuple[str, ...]) -> str:
    other = {"L": "R", "R": "L"}.get(label[0], label[0]) + label[1:]
    return other if other in labels else label


def faulty_phone(phone: Phone, k: int, plan: TrialPlan, phones: int) -> Phone:
    """Give the phone as it was used in a trial: ``k`` is its index, ``phones`` how many were running."""
    if "sixty_fps" in plan.faults and k == 0:
        fps = 2 * phone.fps
        phone = replace(phone, fps=fps, readout_s=min(phone.readout_s, 0.9 / fps))
    if "clipped_microphone" in plan.faults and k == phones - 1:
        loud = replace(phone.microphone, gain_db=phone.microphone.gain_db + CLIPPING_DB, automatic_gain=None)
        phone = replace(phone, microphone=loud)
    return phone


def as_heard(sound: FloatArray, k: int, plan: TrialPlan, phones: int) -> FloatArray:
    """Give a phone's (N,) samples as its file holds them: (N, 2) where it records two channels."""
    if "stereo_microphone" in plan.faults and k == phones - 1:
        return np.stack([sound, 0.5 * sound], axis=1)
    return sound


def at_wrong_rate(sound: FloatArray) -> FloatArray:
    """Give (N,) or (N, 2) samples at 44.1 kHz as they are at 48 kHz: more samples, which a file calls 44.1 kHz."""
    up, down = (int(rate) // _RATES_SHARE for rate in (WRONG_RATE_HZ, RATE_HZ))
    return np.asarray(np.clip(resample_poly(sound, up, down, axis=0), -1.0, 1.0))


def as_filmed(frames: Frames, k: int, plan: TrialPlan, seconds: float) -> Frames:
    """Give the frames that a phone's recording of so many seconds holds."""
    if "short_video" in plan.faults and k == 0:
        return frames.until(SHORT_SHARE * seconds)
    return frames


def knocked(camera: PhoneCamera, k: int, plan: TrialPlan, cameras: int) -> PhoneCamera:
    """Give the camera where it really stood in a trial: the second one, or the only one, may have been knocked."""
    if "knocked_phone" not in plan.faults or k != min(1, cameras - 1):
        return camera
    turn = cv2.Rodrigues(np.array([0.0, KNOCK_RAD, 0.0]))[0]
    centre = camera.centre + KNOCK_MM * camera.rotation[0]
    rotation = turn @ camera.rotation
    return replace(camera, rotation=rotation, translation=-rotation @ centre)


def spoil_files(folder: Path, plan: TrialPlan, phones: list[str], recordings: list[str], number: int) -> list[str]:
    """Cut, delete and copy a trial's files as its faults say.

    Parameters
    ----------
    folder
        Of the participant.
    phones, recordings
        Recordings of the trial's phones, in the order of their names, and of all its devices.
    number
        Of the copy of a duplicated trial; nobody has it.

    Returns
    -------
    list of str
        Names of the files that were touched.
    """
    touched: list[Path] = []
    if "truncated_c3d" in plan.faults:
        touched.append(_cut(folder / f"{plan.trial}.c3d"))
    if "truncated_video" in plan.faults:
        touched += [_cut(path) for path in _media(folder, phones[-1])]
    if "missing_camera" in plan.faults:
        for path in sorted(folder.glob(f"{phones[0]}.*")):
            path.unlink()
            touched.append(path)
    if "duplicated_trial" in plan.faults:
        copy = trial_id(plan.person.participant, number)
        touched.append(_copied(folder / f"{plan.trial}.c3d", folder / f"{copy}.c3d"))
        for recording in recordings:
            for path in sorted(folder.glob(f"{recording}.*")):
                name = path.name.replace(f"T{plan.number:02d}", f"T{number:02d}", 1)
                touched.append(_copied(path, folder / name))
    return [path.name for path in touched]


def _media(folder: Path, recording: str) -> list[Path]:
    return [path for suffix in (".mp4", ".m4a") if (path := folder / f"{recording}{suffix}").is_file()]


def _cut(path: Path) -> Path:
    content = path.read_bytes()
    write_bytes(path, content[: int(len(content) * _KEPT)])
    return path


def _copied(path: Path, copy: Path) -> Path:
    with atomic_path(copy) as temporary:
        shutil.copyfile(path, temporary)
    return copy
