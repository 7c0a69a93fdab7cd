"""The values that checks work with: a check, what it finds, and what it is given to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from viodat.body import JointTrial
from viodat.build.raw import RawCapture
from viodat.build.stages import TrialInputs
from viodat.capture.audio import AudioSignal
from viodat.capture.markers import MarkerTrial, Movie
from viodat.capture.raw import RawRecording, RawTrial
from viodat.capture.video_times import VideoTimes
from viodat.errors import ViodatError
from viodat.pose2d import Keypoints


class Level(StrEnum):
    """How bad a finding is: an error spoils or excludes data, a warning may, a note is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Problem:
    """What a check's function gives: where, what, the numbers behind it, and a remedy if it knows a better one."""

    where: str
    problem: str
    value: float | None = None
    limit: float | None = None
    mend: str | None = None


@dataclass(frozen=True)
class Finding:
    """A problem with the check that found it, why it matters and how to mend it."""

    check: str
    level: Level
    where: str
    problem: str
    why: str
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
    inputs: TrialInputs | None = None
    markers: MarkerTrial | None = None
    joints: JointTrial | None = None
    error: ViodatError | None = None


@dataclass(frozen=True)
class RecordingView:
    """One recording as a check sees it.

    ``trial_s`` is when its trial's markers begin and end, mocap clock; ``movies`` are the videos that its marker file
    names.
    """

    raw: RawCapture
    files: RawRecording
    times: VideoTimes | None = None
    sound: AudioSignal | None = None
    keypoints: Keypoints | None = None
    trial_s: tuple[float, float] | None = None
    movies: tuple[Movie, ...] = ()
    errors: tuple[ViodatError, ...] = ()


def from_error(where: str, error: ViodatError) -> Problem:
    """Say a reader's error as a problem, with the reader's own remedy."""
    text = f"{error.where}: {error.problem}" if error.where else error.problem
    return Problem(where, text, mend=error.mend)


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
