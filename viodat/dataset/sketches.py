"""A trial in brief: its fingerprints, and the sums that statistics are made of. Taken from the trial's own files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from viodat.dataset import paths, schema
from viodat.dataset.fingerprints import Fingerprint, fingerprint_audio, fingerprint_motion
from viodat.dataset.reader import VioDataset
from viodat.dataset.statistics import StreamSums, from_root, summed, training_statistics
from viodat.dataset.tables import read_arrays

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class TrialSketch:
    """What is compared and summed of a trial.

    Attributes
    ----------
    trial
        Its id.
    motion, sound
        Fingerprints; the sound is that of the recording whose pitch was computed, or else of the first that has any.
        None where there is no such stream.
    sums
        Of its streams.
    """

    trial: str
    motion: Fingerprint | None = None
    sound: Fingerprint | None = None
    sums: StreamSums = field(default_factory=StreamSums)


def sketch_trial(
    folder: Path, trial: Row, recordings: Sequence[Row], version: str = schema.SCHEMA_VERSION
) -> TrialSketch:
    """Read a trial's streams and sketch them.

    Parameters
    ----------
    folder
        The dataset, or any folder in which the trial's files stand as in one.
    trial, recordings
        Its rows of the tables; of excluded ones nothing is read. A trial without frames has no motion.
    version
        Schema version of the files.

    Raises
    ------
    DatasetError
        If a file is missing or damaged.
    """
    name, split, person = trial["trial"], trial["split"], trial["participant"]
    if trial["status"] == schema.STATUS_EXCLUDED:
        return TrialSketch(name)
    motion, sums = None, StreamSums()
    if trial.get("frames") is not None:
        joints = _read(folder / paths.motion(name, person, split), schema.MOTION, version, "joints_mm")["joints_mm"]
        motion = fingerprint_motion(joints, float(trial["rate_hz"]))
        sums += StreamSums({"world_mm": summed(from_root(joints))})
    sounds: list[tuple[bool, str, NDArray[Any]]] = []
    for row in sorted(recordings, key=lambda row: str(row["recording"])):
        if row["status"] == schema.STATUS_EXCLUDED:
            continue
        counts = row["status"] == schema.STATUS_BUILT
        if counts and row.get("frames") is not None:
            sums += _seen(folder / paths.video(row["recording"], person, split), version)
        if row.get("audio_rate_hz") is not None:
            file = folder / paths.audio(row["recording"], person, split)
            columns = _read(file, schema.AUDIO, version, "features", "voiced")
            if counts:
                sums += StreamSums({"audio": summed(columns["features"])})
            pitched = bool(np.isfinite(np.asarray(columns["voiced"], np.float64)).any())
            sounds.append((not pitched, row["recording"], columns["features"]))
    best = min(sounds, key=lambda sound: sound[:2], default=None)
    return TrialSketch(name, motion, fingerprint_audio(best[2]) if best else None, sums)


def compute_statistics(dataset: VioDataset, trials: Collection[str]) -> dict[str, Any]:
    """Compute means and standard deviations over some trials of a dataset, as for the training trials of a fold.

    Parameters
    ----------
    dataset
        The dataset.
    trials
        Ids of its trials.

    Returns
    -------
    dict
        As :func:`viodat.dataset.statistics.training_statistics`, which says what is in it.

    Raises
    ------
    DatasetError
        If a file is missing or damaged.

    Examples
    --------
    >>> train = viodat.PoseWindows("out", split="train", fold="P05")                        # doctest: +SKIP
    >>> compute_statistics(train.dataset, train.trials)["streams"]["detected_px"]["std"]    # doctest: +SKIP
    """
    version = dataset.info["schema_version"]
    sums = []
    for row in dataset.rows("trials"):
        if row["trial"] in trials:
            own = [recording for recording in dataset.rows("recordings") if recording["trial"] == row["trial"]]
            sums.append((row["trial"], sketch_trial(dataset.path, row, own, version).sums))
    return training_statistics(sums)


def _seen(file: Path, version: str) -> StreamSums:
    columns = _read(file, schema.VIDEO, version, "pose3d_mm", "pose2d_px", "detected_px")
    named = zip(("camera_mm", "projected_px", "detected_px"), columns.values(), strict=True)
    return StreamSums({name: summed(from_root(values)) for name, values in named})


def _read(file: Path, kind: pa.Schema, version: str, *columns: str) -> dict[str, NDArray[Any]]:
    return read_arrays(file, kind, columns, version=version)
