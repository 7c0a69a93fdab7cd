"""MOT: joint angles, degrees, for OpenSim (:mod:`viodat.dataset.mot`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from viodat._version import __version__
from viodat.body.angles import ANGLES
from viodat.dataset import schema
from viodat.dataset.exports.takes import ExportOptions, Take, told
from viodat.dataset.mot import write_mot
from viodat.dataset.streams import Motion
from viodat.errors import DatasetError


def write(take: Take, folder: Path, options: ExportOptions) -> Path:
    """Write ``TRIAL.mot``; ``NaN`` where missing."""
    file = folder / f"{take.name}.mot"
    remarks = (
        f"Joint angles of trial {take.name}, written by viodat {__version__}.",
        "Angles are in degrees, named, signed and taken in sequence as viodat.body.angles has them, after the ISB.",
        "They are not the coordinates of an OpenSim model, whatever their names.",
        "Time is in seconds and counts from frame number 1 of the recording.",
    )
    with told(file):
        write_mot(file, ANGLES, take.motion.angles_rad, take.times_s, remarks=remarks)
    return file


def angles_known(motion: Motion) -> bool:
    """Say whether a trial has a joint angle in any frame."""
    return bool(np.isfinite(motion.angles_rad).any())


def fault(take: Take) -> DatasetError | None:
    """Say why a trial has no joint angles; None if it has some."""
    if angles_known(take.motion):
        return None
    version = str(take.dataset.info["schema_version"])
    if schema.lacks(version, schema.MOTION.field("angles_rad")):
        why = f"has no joint angles: the dataset is of schema version {version}, which had none"
    else:
        methods: dict[str, Any] = dict.fromkeys(method for method in take.row["joint_methods"] or () if method)
        why = "has no joint angles: its joint centres are computed frame by frame"
        why += f" ({', '.join(methods)})" if methods else ""
    return DatasetError(
        f"{why}, so there is no MOT file of it; TRC and C3D need none",
        where=take.name,
        mend="Angles come from the skeleton fit: viodat build --raw RAW --out OUT --joint-centres auto.",
    )
