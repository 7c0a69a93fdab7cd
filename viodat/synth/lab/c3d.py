"""One trial as the marker system recorded it, and the two files of it: the C3D file, and the truth that goes beside it.

The C3D file looks like one that Nexus exports: 100 Hz, labels with the subject's prefix, gaps as negative residuals,
unlabelled trajectories as ``*7``, the subject's measurements under PROCESSING, the operator's events, a first frame
that need not be 1. It names viodat as its maker. The truth file holds what no lab has: where each marker really was,
whether it was seen, and which labels were exchanged; ``viodat build`` never reads it. mm, world frame, seconds on the
mocap clock (0 at frame number 1).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import ezc3d
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from viodat._version import __version__
from viodat.files import atomic_path
from viodat.synth.vectors import FloatArray

MOCAP_HZ: Final = 100.0
_GHOST_RESIDUAL_MM = 1.2  # reflections fit badly; viodat's choice

_EVENT_ERROR_S = 0.2  # viodat's choice
_UINT16 = 65536
_HEADER_SCALE_BYTE = 12
_RESIDUAL_STEP_MM = 0.01
"""A file stores a residual as a byte, in steps of POINT:SCALE; this one, Nexus' own, holds up to 2.55 mm."""


@dataclass(frozen=True)
class Swap:
    """Two markers whose labels are exchanged from ``start_s`` until before ``end_s``, mocap clock."""

    first: str
    second: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Ghost:
    """An unlabelled trajectory that is no marker: from frame index ``start`` on, (n, 3) mm."""

    name: str
    start: int
    positions_mm: FloatArray


@dataclass(frozen=True)
class MarkerRecording:
    """One trial as the system recorded it, and what is true of it.

    Attributes
    ----------
    labels
        N.
    times_s
        (T,) mocap clock.
    measured_mm
        (T, N, 3) mm under each label, world; NaN in gaps.
    residuals_mm
        (T, N), -1 in gaps.
    true_mm
        (T, N, 3) mm without noise or gaps, each marker under its own label.
    visible
        (T, N) whether the system saw the marker.
    identity
        (T, N) index of the marker whose place stands under the label; differs from the column's number in swaps.
    swaps, ghosts
        All there are.
    """

    labels: tuple[str, ...]
    times_s: FloatArray
    measured_mm: FloatArray
    residuals_mm: FloatArray
    true_mm: FloatArray
    visible: NDArray[np.bool_]
    identity: NDArray[np.int16]
    swaps: tuple[Swap, ...]
    ghosts: tuple[Ghost, ...]

    @property
    def gap_share(self) -> dict[str, float]:
        """Share of the frames in which each marker is not seen."""
        return dict(zip(self.labels, (1 - self.visible.mean(axis=0)).tolist(), strict=True))


@dataclass(frozen=True)
class OperatorEvent:
    """A moment that the operator marked by hand, s on the mocap clock."""

    label: str
    time_s: float


def operator_events(start_s: float, stop_s: float, rng: np.random.Generator) -> tuple[OperatorEvent, ...]:
    """Mark roughly when playing starts and stops, as an operator who watches does: each within ± 0.2 s."""
    early, late = (float(error) for error in rng.uniform(-_EVENT_ERROR_S, _EVENT_ERROR_S, 2))
    return (OperatorEvent("Start", max(0.0, start_s + early)), OperatorEvent("Stop", max(0.0, stop_s + late)))


def write_c3d(
    path: Path,
    subject: str,
    recording: MarkerRecording,
    processing: Mapping[str, float],
    *,
    events: Sequence[OperatorEvent] = (),
    static: bool = False,
) -> None:
    """Write a trial as Nexus does.

    Parameters
    ----------
    path
        Written atomically; the same arguments give the same bytes.
    subject
        Such as ``P05``: labels are ``P05:LASI``.
    recording
        At 100 Hz. Its first time gives the number of the file's first frame.
    processing
        As :func:`viodat.synth.lab.measuring.processing_parameters` gives them.
    events
        In any order.
    static
        Whether it is the static trial.
    """
    file = ezc3d.c3d()
    points, residuals, labels = _points(recording, subject)
    count = points.shape[2]
    first = round(float(recording.times_s[0]) * MOCAP_HZ) + 1
    file["header"]["points"]["first_frame"] = first - 1  # ezc3d counts from 0
    point = file["parameters"]["POINT"]
    point["RATE"]["value"], point["UNITS"]["value"], point["LABELS"]["value"] = [MOCAP_HZ], ["mm"], labels
    point["DESCRIPTIONS"]["value"] = [""] * len(labels)
    point["SCALE"]["value"] = np.array([-_RESIDUAL_STEP_MM])  # negative: positions are stored as floats
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = residuals[None]
    file["data"]["meta_points"]["camera_masks"] = np.zeros((7, *residuals.shape), dtype=bool)
    last = first + count - 1
    groups: dict[str, dict[str, list[Any]]] = {
        "POINT": {"X_SCREEN": ["+X"], "Y_SCREEN": ["+Z"]},
        "TRIAL": {
            "ACTUAL_START_FIELD": [first % _UINT16, first // _UINT16],
            "ACTUAL_END_FIELD": [last % _UINT16, last // _UINT16],
            "CAMERA_RATE": [MOCAP_HZ],
        },
        "SUBJECTS": {
            "USED": [1],
            "IS_STATIC": [int(static)],
            "USES_PREFIXES": [1],
            "NAMES": [subject],
            "LABEL_PREFIXES": [f"{subject}:"],
            "MARKER_SETS": ["viodat-96"],
        },
        "EVENT_CONTEXT": {"USED": [1], "LABELS": ["General"], "DESCRIPTIONS": ["For other events"]},
        "EVENT": {"USED": [len(events)]},
        "MANUFACTURER": {"COMPANY": ["viodat"], "SOFTWARE": ["viodat synth"], "VERSION_LABEL": [__version__]},
        "PROCESSING": {name: [float(value)] for name, value in processing.items()},
    }
    if events:
        ordered = sorted(events, key=lambda event: event.time_s)
        groups["EVENT"] |= {
            "CONTEXTS": ["General"] * len(ordered),
            "LABELS": [event.label for event in ordered],
            "SUBJECTS": [subject] * len(ordered),
        }
    for group, parameters in groups.items():
        for name, value in parameters.items():
            file.add_parameter(group, name, value)
            if all(isinstance(entry, int) for entry in value):
                # ezc3d takes lists of integers for floats.
                stored = file["parameters"][group][name]
                stored["type"], stored["value"] = point["USED"]["type"], np.array(value)
    if events:
        # Minutes and seconds of each event in a column.
        minutes = [divmod(event.time_s, 60.0) for event in ordered]
        file.add_parameter("EVENT", "TIMES", np.array(minutes).T)
    with atomic_path(path) as temporary:
        file.write(str(temporary))
        with temporary.open("r+b") as written:
            # ezc3d writes -1 into the header whatever POINT:SCALE says.
            written.seek(_HEADER_SCALE_BYTE)
            written.write(struct.pack("<f", -_RESIDUAL_STEP_MM))


def _points(recording: MarkerRecording, subject: str) -> tuple[FloatArray, FloatArray, list[str]]:
    """Give (4, N + ghosts, T) positions, (N + ghosts, T) residuals and labels; missing is 0 with residual -1."""
    count = recording.times_s.size
    positions = [recording.measured_mm.transpose(2, 1, 0)]
    residuals = [recording.residuals_mm.T]
    for ghost in recording.ghosts:
        here = slice(ghost.start, ghost.start + len(ghost.positions_mm))
        path, residual = np.full((3, 1, count), np.nan), np.full((1, count), -1.0)
        path[:, 0, here], residual[0, here] = ghost.positions_mm.T, _GHOST_RESIDUAL_MM
        positions.append(path)
        residuals.append(residual)
    joined = np.concatenate(positions, axis=1)
    missing = np.isnan(joined).any(axis=0)
    points = np.ones((4, *missing.shape))
    points[:3] = np.where(missing, 0.0, joined)
    labels = [f"{subject}:{label}" for label in recording.labels] + [ghost.name for ghost in recording.ghosts]
    stored = np.clip(np.concatenate(residuals, axis=0), _RESIDUAL_STEP_MM, 255 * _RESIDUAL_STEP_MM)
    return points, np.where(missing, -1.0, stored), labels


def write_marker_truth(path: Path, recording: MarkerRecording) -> None:
    """Write what is true of a trial's markers as Parquet, one row per frame.

    Columns: ``time_ns`` int64 on the mocap clock; ``positions_mm`` float32[3N], true marker centres in the world,
    without noise and gaps, label by label; ``visible`` bool[N]; ``identity`` int16[N], which marker's measurements
    stand under each label, in places of the labels' list. The schema's metadata holds JSON: ``labels`` (N names),
    ``swaps`` and ``ghosts`` (name, start_s, frames).
    """
    count = len(recording.labels)
    swaps = [asdict(swap) for swap in recording.swaps]
    ghosts = [
        {"name": g.name, "start_s": float(recording.times_s[g.start]), "frames": len(g.positions_mm)}
        for g in recording.ghosts
    ]
    metadata = {"labels": list(recording.labels), "swaps": swaps, "ghosts": ghosts}
    schema = pa.schema(
        [
            pa.field("time_ns", pa.int64(), nullable=False),
            pa.field("positions_mm", pa.list_(pa.float32(), 3 * count), nullable=False),
            pa.field("visible", pa.list_(pa.bool_(), count), nullable=False),
            pa.field("identity", pa.list_(pa.int16(), count), nullable=False),
        ],
        metadata={key: json.dumps(value) for key, value in metadata.items()},
    )
    columns = (
        pa.array(np.rint(recording.times_s * 1e9).astype(np.int64)),
        _fixed(recording.true_mm.astype(np.float32), 3 * count),
        _fixed(recording.visible, count),
        _fixed(recording.identity, count),
    )
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_arrays(list(columns), schema=schema), temporary, compression="zstd")


def _fixed(values: NDArray[Any], size: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).reshape(-1)), size)
