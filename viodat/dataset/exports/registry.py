"""The formats that ``viodat export`` writes, by name: one module each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from viodat.dataset.exports import c3d, csv, hub, lerobot, mot, npz_v1, trc
from viodat.dataset.exports.takes import Exported, ExportOptions, Progress, Take
from viodat.dataset.reader import VioDataset
from viodat.errors import DatasetError


@dataclass(frozen=True)
class TrialFormat:
    """A format with one file per trial.

    Attributes
    ----------
    holds
        What is in it, for a list of formats.
    write
        Writes a trial into a folder and gives the file.
    fault
        Gives the reason why a trial lacks what the format holds, or None.
    """

    holds: str
    write: Callable[[Take, Path, ExportOptions], Path]
    fault: Callable[[Take], DatasetError | None] = lambda take: None


@dataclass(frozen=True)
class DatasetFormat:
    """A format that holds many trials.

    Attributes
    ----------
    holds
        What is in it, for a list of formats.
    export
        Writes trials into a folder; what one of them lacks does not stop the others.
    whole_folder
        The folder as a whole is what is written: it is new, and no other format goes into it.
    """

    holds: str
    export: Callable[[VioDataset, Sequence[str], Path, ExportOptions, Progress], Exported]
    whole_folder: bool = False


FORMATS: Final[dict[str, TrialFormat | DatasetFormat]] = {
    "trc": TrialFormat("joint centres as markers, mm, for OpenSim", trc.write),
    "mot": TrialFormat("joint angles, degrees, for OpenSim", mot.write, mot.fault),
    "c3d": TrialFormat("joint centres and joint angles as points", c3d.write),
    "csv": DatasetFormat("every stream and table as plain text", csv.export),
    "npz-v1": DatasetFormat("the two archives of the published VioDat v1.0", npz_v1.export),
    "hf": DatasetFormat("a folder for datasets.load_dataset, arrays in their shape", hub.export, whole_folder=True),
    "lerobot": DatasetFormat("a LeRobotDataset v3.0, one episode per recording", lerobot.export, whole_folder=True),
}

DEFAULT: Final = ("trc", "mot", "c3d")
"""The formats of biomechanics: what is written where none is asked for."""
