"""Trials that wait on disk until the clocks of all are known, so that a capture of any size fits into memory.

They lie in a folder of the staging folder and go with it, whatever ends the build. A trial is a pickle: it is written
and read by the same process, and never part of a dataset. Nobody else may enter the folder: what is read from a pickle
is run. Its sounds, the largest part, lie beside it as the dataset
will have them, and are moved there in the end.
"""

from __future__ import annotations

import contextlib
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from viodat.build.recording import RecordingResult
from viodat.build.sound import write_waveform
from viodat.build.trial import TrialResult

_FOLDER: Final = ".waiting"
_NONE: Final = np.empty((0, 1), np.float32)


class WaitingRoom:
    """Where trials wait.

    Parameters
    ----------
    staging
        The dataset that is being made.
    """

    def __init__(self, staging: Path) -> None:
        self._folder = staging / _FOLDER

    def put(self, result: TrialResult) -> None:
        """Let a trial wait.

        Raises
        ------
        OSError
            The disk refuses it.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        light = replace(result, recordings=tuple(self._put_sound(one) for one in result.recordings))
        with self._file(result.files.id).open("wb") as file:
            pickle.dump(light, file, protocol=pickle.HIGHEST_PROTOCOL)

    def take(self, trial: str) -> TrialResult:
        """Give a trial back, its sounds as the dataset will have them; those lie there until they are moved.

        Raises
        ------
        OSError
            The disk refuses it.
        """
        path = self._file(trial)
        with path.open("rb") as file:
            result: TrialResult = pickle.load(file)
        path.unlink()
        return replace(result, recordings=tuple(map(_with_samples, result.recordings)))

    def _file(self, trial: str) -> Path:
        return self._folder / f"{trial}.pickle"

    def _put_sound(self, recording: RecordingResult) -> RecordingResult:
        if recording.sound is None:
            return recording
        waveform = self._folder / f"{recording.files.id}.flac"
        write_waveform(waveform, recording.sound)
        return replace(recording, waveform=waveform, sound=replace(recording.sound, samples=_NONE))


def _with_samples(recording: RecordingResult) -> RecordingResult:
    if recording.sound is None or recording.waveform is None:
        return recording
    samples, _ = soundfile.read(recording.waveform, dtype="float32", always_2d=True)
    return replace(recording, sound=replace(recording.sound, samples=samples))


@contextlib.contextmanager
def waiting_room(staging: Path) -> Iterator[WaitingRoom]:
    """Give a place for trials to wait; nothing is left of it afterwards."""
    room = WaitingRoom(staging)
    try:
        yield room
    finally:
        shutil.rmtree(staging / _FOLDER, ignore_errors=True)
