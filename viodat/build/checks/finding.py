"""The values that checks work with: a check, what it finds, and what it is given to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from viodat.body import JointTrial
from viodat.build.raw import RawCapture
from viodat.build.reading import TrialInputs
from viodat.camera import Knock
from viodat.capture.audio import AudioSignal
from viodat.capture.markers import MarkerTrial, Movie
from viodat.capture.participants import Participant
from viodat.capture.raw import RawRecording, RawTrial
from viodat.capture.video_times import VideoTimes
from viodat.clock import ClockMap, Motion, Picture, TrialClocks
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


@dataclass(frozen=True)
class ParticipantView:
    """One participant as a check sees them: what is said, and the trials that serve all others.

    ``trial`` is the first of the trials that could be read.
    """

    raw: RawCapture
    person: Participant
    static: MarkerTrial | None = None
    rom: MarkerTrial | None = None
    trial: TrialView | None = None


@dataclass(frozen=True)
class Swap:
    """Another camera whose calibration a device's pictures fit; median distances in px from its own and from that."""

    camera: str
    own_px: float
    other_px: float


@dataclass(frozen=True)
class TakeView:
    """One trial with its recordings: do the devices belong together, and to the motion.

    Attributes
    ----------
    trial, recordings
        As the other checks see them.
    motion
        The trial's; None where there are no joints, or where its markers are themselves in doubt.
    pictures
        By device, those with a calibrated camera and keypoints.
    estimated
        Clocks by the evidence at hand; None where they are not estimated.
    clocks
        By device: estimated, or as given in capture.toml.
    swaps
        By device, whose pictures fit another camera than their own.
    knocks
        By device, of those with a clock: whether the camera stands as it was calibrated.
    follows
        By device: share of the arms' movement in its pictures that the motion explains.
    """

    trial: TrialView
    recordings: tuple[RecordingView, ...]
    motion: Motion | None = None
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    estimated: TrialClocks | None = None
    clocks: Mapping[str, ClockMap] = field(default_factory=dict)
    swaps: Mapping[str, Swap] = field(default_factory=dict)
    knocks: Mapping[str, Knock] = field(default_factory=dict)
    follows: Mapping[str, float] = field(default_factory=dict)

    @property
    def raw(self) -> RawCapture:
        """The capture."""
        return self.trial.raw


@dataclass(frozen=True)
class TrialSummary:
    """What is remembered of a trial: its marker rate, Hz, and a fingerprint of its motion (empty without motion)."""

    id: str
    rate_hz: float
    fingerprint: str = ""


@dataclass(frozen=True)
class RecordingSummary:
    """What is remembered of a recording: rates of its pictures and its sound, Hz, and its size in px; or None."""

    id: str
    device: str
    frames_hz: float | None = None
    sound_hz: float | None = None
    size_px: tuple[int, int] | None = None


@dataclass(frozen=True)
class SessionView:
    """All trials and recordings that could be read, as far as they are remembered."""

    raw: RawCapture
    trials: tuple[TrialSummary, ...]
    recordings: tuple[RecordingSummary, ...]


def from_error(where: str, error: ViodatError) -> Problem:
    """Say a reader's error as a problem, with the reader's own remedy."""
    text = f"{error.where}: {error.problem}" if error.where else error.problem
    return Problem(where, text, mend=error.mend)


View = TypeVar("View", RawCapture, ParticipantView, TrialView, RecordingView, TakeView, SessionView)


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
        Gives the problems of one capture, participant, trial, recording, take or session.
    """

    id: str
    level: Level
    why: str
    mend: str
    find: Callable[[View], Iterator[Problem]]
