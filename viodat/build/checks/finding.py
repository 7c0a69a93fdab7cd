"""The values that checks work with: a check, what it finds, and what it is given to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from viodat.body import JointTrial
from viodat.build.raw import RawCapture
from viodat.build.stages import Measurements
from viodat.capture.audio import AudioSignal
from viodat.capture.markers import MarkerTrial
from viodat.capture.raw import RawRecording, RawTrial
from viodat.capture.video_times import VideoTimes
from viodat.errors import ViodatError


class Level(StrEnum):
    """How bad a finding is: an error spoils or excludes data, a warning may, a note is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Problem:
    """What a check's function gives: where, what, and the numbers behind it."""

    where: str
    problem: str
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Finding:
    """A problem with the check that found it."""

    check: str
    level: Level
    where: str
    problem: str
    mend: str
    value: float | None = None
    limit: float | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}. {self.mend}"


@dataclass(frozen=True)
class TrialView:
    """One trial as a check sees it: what could be read of it, and what stopped the rest."""

    raw: RawCapture
    files: RawTrial
    markers: MarkerTrial | None = None
    measurements: Measurements | None = None
    joints: JointTrial | None = None
    error: ViodatError | None = None


@dataclass(frozen=True)
class RecordingView:
    """One recording as a check sees it."""

    raw: RawCapture
    files: RawRecording
    times: VideoTimes | None = None
    sound: AudioSignal | None = None
    errors: tuple[ViodatError, ...] = ()


View = TypeVar("View", RawCapture, TrialView, RecordingView)


@dataclass(frozen=True)
class Check(Generic[View]):
    """One check.

    Attributes
    ----------
    id
        What capture.toml [[check.ignore]] names.
    level
        How bad what it finds is.
    why
        Why it matters.
    mend
        How to mend what it finds.
    find
        Gives the problems of one capture, trial or recording.
    """

    id: str
    level: Level
    why: str
    mend: str
    find: Callable[[View], Iterator[Problem]]
