"""The values of a capture layout: trials, recordings, what is missing, what nothing explains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from viodat.capture.spelling import shown


@dataclass(frozen=True)
class RawRecording:
    """One device's files of one trial.

    Attributes
    ----------
    id
        ``P05C01T28``.
    participant, trial, device
        ``P05``, ``P05T28`` (the trial's id), ``C01``.
    kind
        Of the device, as [ids] tells.
    video, frames_csv, audio, keypoints
        Its files, or None: the video; the stamps of its frames without pictures; separate sound; 2D keypoints
        from another detector (a folder where they come as one file per frame).
    """

    id: str
    participant: str
    trial: str
    device: str
    kind: Literal["camera", "microphone"]
    video: Path | None = None
    frames_csv: Path | None = None
    audio: Path | None = None
    keypoints: Path | None = None


@dataclass(frozen=True)
class RawTrial:
    """One take.

    Attributes
    ----------
    id
        ``P05T28``.
    participant
        ``P05``.
    marker_file
        C3D or TRC; the only file that a trial must have.
    static, rom, vsk
        The participant's static trial, functional trial and subject file, or None.
    recordings
        Of this trial, by device.
    """

    id: str
    participant: str
    marker_file: Path
    static: Path | None = None
    rom: Path | None = None
    vsk: Path | None = None
    recordings: tuple[RawRecording, ...] = ()


@dataclass(frozen=True)
class Unmatched:
    """A file that no pattern explains: its path below the raw folder, and what is likely wrong with it."""

    path: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{shown(self.path, 120)}: {self.hint or 'no pattern in capture.toml [files] explains it'}"


@dataclass(frozen=True)
class Missing:
    """Something absent that the rest of the capture lets one expect.

    Attributes
    ----------
    what
        ``static``, ``recording``, ``frames``, ``trial``, ``calibration``, ``participant``, ``offset`` or
        ``device``.
    where
        Id of the participant, trial or recording that lacks it, or the file that names it.
    text
        What is absent, and where it was expected.
    """

    what: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"
