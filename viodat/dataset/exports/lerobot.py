"""A LeRobotDataset of format v3.0: an episode per recording, everything on one uniform rate of the mocap clock.

====================================  =================================================================================
``observation.state``                 (54,) joint centres, mm, world frame
``observation.valid``                 (18,) the joint is determined in this frame
``observation.pose2d``                (36,) projected joint centres, px; only if a camera is calibrated
``observation.keypoints``             (36,) detected keypoints, px; only if there are some
``observation.audio``                 (35,) the row of the audio frame nearest in time; only if there is sound
``mocap_time_ns``                     the frame's time on the mocap clock
====================================  =================================================================================

Missing is NaN. There is no ``action``, and there are no pictures. Episodes are in the order train, validation, test, as
``meta/info.json`` ``splits`` says; ``meta/episodes`` names each one's recording, trial, participant and camera.
Source: the format as ``lerobot`` 0.4 reads it, https://huggingface.co/docs/lerobot/lerobot-dataset-v3
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.audio.features import FEATURE_NAMES
from viodat.body.interpolate import at_times
from viodat.dataset.exports.lerobot_files import Arrays, Feature, LeRobotWriter
from viodat.dataset.exports.takes import (
    Exported,
    ExportOptions,
    Progress,
    Row,
    Skipped,
    built_row,
    certain_cameras,
)
from viodat.dataset.grid import Detections, Span, read_world, span_of
from viodat.dataset.hub_header import header
from viodat.dataset.new_folder import new_folder
from viodat.dataset.reader import VioDataset
from viodat.dataset.schema import NS
from viodat.dataset.sound import AUDIO_KINDS, read_sound
from viodat.dataset.splits import SPLITS
from viodat.errors import DatasetError
from viodat.files import write_text
from viodat.joints import JOINTS

_FACTS: Final = ("recording", "trial", "participant", "split", "sigma_ms", "camera_model", "width_px", "height_px")
"""What meta/episodes says of each recording, from the dataset's table."""

_CARD: Final = """\
# {title}

{description}

**Licence.** {licence}

**Cite.** {citation}

Written by `viodat export --format lerobot`: LeRobotDataset v3.0, {rate_hz} frames per second, an episode per recording.
`observation.state` is 18 joint centres, mm, in the frame of the motion capture, Z up; missing is NaN. `meta/episodes`
names the recording, trial, participant, split and camera (JSON) of each episode.
"""


_AXES: Final = {axes: tuple(f"{joint}_{axis}" for joint in JOINTS for axis in axes) for axes in ("xyz", "xy")}
_ALWAYS: Final = {
    "observation.state": Feature("float32", _AXES["xyz"]),
    "observation.valid": Feature("bool", JOINTS),
}
_IF_THERE: Final = {
    "observation.pose2d": Feature("float32", _AXES["xy"]),
    "observation.keypoints": Feature("float32", _AXES["xy"]),
    "observation.audio": Feature("float32", FEATURE_NAMES),
}
_INDEX: Final = {
    "mocap_time_ns": Feature("int64"),
    "timestamp": Feature("float32"),
    "frame_index": Feature("int64"),
    "episode_index": Feature("int64"),
    "index": Feature("int64"),
    "task_index": Feature("int64"),
}
"""The last five are those that every LeRobotDataset has."""


def export(
    dataset: VioDataset, trials: Sequence[str], folder: Path, options: ExportOptions, progress: Progress
) -> Exported:
    """Write the recordings of trials that have a certain clock; ``folder`` is new."""
    rows, skipped = certain_cameras(dataset, trials, "lerobot")
    rows.sort(key=lambda row: (SPLITS.index(row["split"]), row["recording"]))
    features = _features(rows)
    with new_folder(folder, option="--to") as temporary:
        writer = LeRobotWriter(temporary, features, options.rate_hz)
        with writer:
            for done, row in enumerate(rows, 1):
                try:
                    arrays = _episode(dataset, row, options.rate_hz, features)
                except DatasetError as error:
                    skipped.append(Skipped(row["trial"], "lerobot", error, row["recording"]))
                else:
                    writer.add(arrays, {name: row[name] for name in _FACTS}, row["split"])
                progress(done, len(rows), row["recording"])
        if not writer.episodes:
            raise skipped[0].error if skipped else DatasetError("has no recording with frames", where=dataset.path)
        writer.write_meta()
        info = dataset.info
        card = _CARD.format(
            title=info["name"] or "A viodat dataset",
            description=info.get("description") or "The 4D pose of musicians at work.",
            licence=info.get("licence") or "The lab states no licence.",
            citation=info.get("citation") or "The lab states no citation.",
            rate_hz=options.rate_hz,
        )
        write_text(temporary / "README.md", header({"default": {"train": "data/*/*.parquet"}}, info) + card)
        files = sorted(path.relative_to(temporary) for path in temporary.rglob("*") if path.is_file())
    return Exported(tuple(folder / file for file in files), tuple(skipped))


def _features(rows: Sequence[Row]) -> dict[str, Feature]:
    there = {
        "observation.pose2d": any(row["calibrated"] for row in rows),
        "observation.keypoints": any(row["keypoints"] is not None for row in rows),
        "observation.audio": any(row["audio_rate_hz"] is not None for row in rows),
    }
    return {**_ALWAYS, **{name: kind for name, kind in _IF_THERE.items() if there[name]}, **_INDEX}


def _episode(dataset: VioDataset, row: Row, rate_hz: int, features: dict[str, Feature]) -> Arrays:
    """Give the frames of one recording on the grid, without the numbers that count over episodes."""
    span = span_of(row, built_row(dataset, row["trial"]), rate_hz)
    if span is None or span.points < 2:
        raise DatasetError("markers and video have no time in common", where=row["recording"])
    times_s = np.arange(span.points) / rate_hz
    world = read_world(dataset, row["trial"])
    joints = at_times(world.joints_mm, (world.start_ns - span.start_ns) / NS, span.trial_rate_hz, times_s)
    arrays: Arrays = {
        "observation.state": joints.reshape(span.points, -1).astype(np.float32),
        "observation.valid": np.asarray(np.isfinite(joints).all(-1)),
        "mocap_time_ns": span.start_ns + np.rint(times_s * NS).astype(np.int64),
        "timestamp": times_s.astype(np.float32),
        "frame_index": np.arange(span.points),
    }
    if "observation.pose2d" in features:
        arrays["observation.pose2d"] = _projected(dataset, row, joints)
    if "observation.keypoints" in features:
        arrays["observation.keypoints"] = _keypoints(dataset, row, span, times_s)
    if "observation.audio" in features:
        sound = read_sound(dataset, span.recording, AUDIO_KINDS["features100"])
        arrays["observation.audio"] = sound.nearest(span.start_ns, rate_hz, span.points)
    return arrays


def _projected(dataset: VioDataset, row: Row, joints: NDArray[np.float64]) -> NDArray[np.float32]:
    camera = dataset.camera(row["recording"])
    if camera is None:
        return np.full((len(joints), 2 * len(JOINTS)), np.nan, np.float32)
    return camera.project(joints).reshape(len(joints), -1).astype(np.float32)


def _keypoints(dataset: VioDataset, row: Row, span: Span, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
    if row["keypoints"] is None:
        return np.full((len(times_s), 2 * len(JOINTS)), np.nan, np.float32)
    columns = dataset.video_arrays(row["recording"], ("time_ns", "detected_px"))
    found = Detections(columns["detected_px"], columns["time_ns"]).at(span.start_ns, times_s)
    return found.reshape(len(times_s), -1).astype(np.float32)
