"""What an export is asked for, what it works on, and what it gives back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset import schema
from viodat.dataset.reader import VioDataset
from viodat.dataset.streams import Motion
from viodat.errors import ConfigError, DatasetError, ViodatError

Row = dict[str, Any]

Progress = Callable[[int, int, str], None]
"""Called with (trials done, trials in all, trial)."""

UP_AXES: Final = {"y": "x-zy", "z": "xyz"}
"""Which axis of a TRC file is up -> which of the file's axes are the world's X, Y and Z, as ``read_trc`` takes them."""


@dataclass(frozen=True)
class ExportOptions:
    """What a format may ask for.

    Attributes
    ----------
    up
        ``y`` or ``z``: the axis that is up in a TRC file.
    rate_hz
        Frames per second of a LeRobot dataset, a whole number.

    Raises
    ------
    ConfigError
        If one of them is none of these.
    """

    up: str = "y"
    rate_hz: int = 30

    def __post_init__(self) -> None:
        if self.up not in UP_AXES:
            raise ConfigError(f"the axis {self.up!r} cannot be up in a TRC file", mend="Say y or z.")
        if not 1 <= self.rate_hz <= 1000:
            raise ConfigError(f"--rate {self.rate_hz}: expected a whole number of Hz, 1 to 1000")


@dataclass(frozen=True)
class Skipped:
    """A trial, or one of its recordings, that could not be written in a format, and why."""

    trial: str
    format: str
    error: ViodatError
    recording: str | None = None


@dataclass(frozen=True)
class Exported:
    """What an export wrote, what it could not, and what is otherwise in the files than in the dataset.

    Attributes
    ----------
    files
        The files.
    skipped
        Trials and recordings that are not in them, by format.
    notes
        What a reader of the files should know.
    trials
        The trials that are in at least one of the files, whole or in part.
    """

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Take:
    """One trial, ready to be written; ``name`` is also that of its files."""

    dataset: VioDataset
    name: str
    row: Row
    motion: Motion

    @property
    def rate_hz(self) -> float:
        """Rate of the marker recording."""
        return float(self.row["rate_hz"])

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(F,) s on the mocap clock."""
        return self.motion.time_ns / 1e9

    @property
    def first_frame(self) -> int:
        """Number of the first frame, counted from 1."""
        return round(float(self.motion.time_ns[0]) / 1e9 * self.rate_hz) + 1


def take_of(dataset: VioDataset, trial: str) -> Take:
    """Read a trial.

    Raises
    ------
    DatasetError
        As :meth:`VioDataset.motion`, or if the trial has no frames or no rate.
    """
    motion = dataset.motion(trial)
    row = built_row(dataset, trial)
    if not len(motion.time_ns) or not row["rate_hz"]:
        raise DatasetError(f"trial {trial} has no frames or no rate", where=dataset.path, mend="Build it again.")
    return Take(dataset, trial, row, motion)


def built_row(dataset: VioDataset, trial: str) -> Row:
    """Give a trial's row of the table of trials.

    Raises
    ------
    DatasetError
        If the trial is excluded, with the reason on record.
    """
    rows = [row for row in dataset.rows("trials") if row["trial"] == trial]
    if not rows or rows[0]["status"] == schema.STATUS_EXCLUDED:
        # A trial of somebody who did not consent has no row, but a reason, which reading it gives.
        dataset.motion_arrays(trial, ())
    return rows[0]


def recordings_of(dataset: VioDataset, trial: str) -> list[Row]:
    """Give the rows of a trial's recordings, without those that are excluded."""
    return [
        row for row in dataset.rows("recordings") if row["trial"] == trial and row["status"] != schema.STATUS_EXCLUDED
    ]


def certain_cameras(dataset: VioDataset, trials: Sequence[str], format: str) -> tuple[list[Row], list[Skipped]]:
    """Choose the recordings that one can train on, with frames and a certain clock, and say what is wrong with others.

    Recordings that the dataset itself excludes are not spoken of; a trial that is excluded is.
    """
    chosen: list[Row] = []
    skipped: list[Skipped] = []
    for trial in trials:
        try:
            built_row(dataset, trial)
        except DatasetError as error:
            skipped.append(Skipped(trial, format, error))
            continue
        for row in recordings_of(dataset, trial):
            if fault := _unfit(row):
                skipped.append(Skipped(trial, format, DatasetError(fault, where=row["recording"]), row["recording"]))
            else:
                chosen.append(row)
    return chosen, skipped


def _unfit(row: Row) -> str:
    if row["status"] == schema.STATUS_UNSYNCHRONISED:
        return "its clock is unknown, so its frames have no truth"
    if row["status"] == schema.STATUS_UNCERTAIN:
        return "its clock is less certain than the gate asks for"
    if row["frames"] is None or row["first_frame_ns"] is None:
        return "it has no video frames"
    return ""


@contextlib.contextmanager
def told(file: Path) -> Iterator[None]:
    """Turn a file that cannot be written into one line."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror or error})",
            where=str(file),
            mend="Name a folder with --to where there is room and you may write.",
        ) from error
