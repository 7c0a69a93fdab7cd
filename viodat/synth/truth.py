"""The truth beside a simulated capture: Parquet and JSON files under ``truth/``, which no estimator reads.

Times are int64 nanoseconds on the mocap clock (C3D frame number 1 is 0). Positions are mm in the world frame; each
column's unit stands in its field's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from viodat.files import atomic_path, write_text
from viodat.joints import JOINTS
from viodat.synth.music.control import Control
from viodat.synth.music.performance import PlayedNote
from viodat.synth.vectors import FloatArray

IntArray = NDArray[np.int64]

_NOTE_UNITS = {
    "onset_ns": "ns",
    "offset_ns": "ns",
    "midi": "MIDI number",
    "error_cents": "cents",
    "vibrato_hz": "Hz",
    "vibrato_cents": "cents",
}
_CONTROL_UNITS = {
    "bow_mm": "mm",
    "bow_speed": "mm/s",
    "bow_force": "N",
    "lift_mm": "mm",
    "bridge_mm": "mm",
    "incline_rad": "rad",
    "skew_rad": "rad",
    "hand_mm": "mm",
    "stop_mm": "mm",
    "f0_hz": "Hz",
}


def nanoseconds(times_s: FloatArray) -> IntArray:
    """Round seconds to whole nanoseconds."""
    return np.asarray(np.rint(np.asarray(times_s) * 1e9), dtype=np.int64)


def write_joints(path: Path, time_ns: IntArray, joints_mm: FloatArray) -> None:
    """Write true joint centres: (T,) ns and (T, 18, 3) mm, world, in the order of the 18 joints."""
    flat = pa.array(np.ascontiguousarray(joints_mm, dtype=np.float64).reshape(-1))
    column = pa.FixedSizeListArray.from_arrays(flat, len(JOINTS) * 3)
    _write(
        path,
        {"time_ns": pa.array(time_ns), "joints_mm": column},
        {"time_ns": "ns", "joints_mm": "mm"},
        {"joints": json.dumps(JOINTS), "frame": "world"},
    )


def write_frames(path: Path, pts: IntArray, time_ns: IntArray, time_base: str) -> None:
    """Write each video frame's stamp (counts of ``time_base``) and true time: mid-exposure of its middle row."""
    _write(
        path,
        {"pts": pa.array(pts), "time_ns": pa.array(time_ns)},
        {"pts": time_base, "time_ns": "ns"},
        {"time": "middle of the exposure of the middle row"},
    )


def write_clock(path: Path, recording: str, device_s: FloatArray, mocap_s: FloatArray) -> None:
    """Write one device's clock: the mocap time at which it shows each time of its own, travel of sound apart."""
    columns = {
        "recording": pa.array([recording] * len(device_s)),
        "t_device_s": pa.array(np.asarray(device_s, dtype=np.float64)),
        "t_mocap_s": pa.array(np.asarray(mocap_s, dtype=np.float64)),
    }
    _write(path, columns, {"t_device_s": "s", "t_mocap_s": "s"})


def write_notes(path: Path, notes: Sequence[PlayedNote], start_s: float) -> None:
    """Write the notes of a take that began at ``start_s`` on the mocap clock; null vibrato where there is none."""

    def optional(name: str) -> pa.Array:
        values = np.array([getattr(note, name) for note in notes], dtype=np.float64)
        return pa.array(values, mask=np.isnan(values))

    columns = {
        "onset_ns": pa.array(nanoseconds(np.array([start_s + note.onset_s for note in notes]))),
        "offset_ns": pa.array(nanoseconds(np.array([start_s + note.offset_s for note in notes]))),
        "midi": pa.array([note.midi for note in notes], pa.int16()),
        "string": pa.array([note.string for note in notes]),
        "finger": pa.array([note.finger for note in notes], pa.int8()),
        "position": pa.array([note.position for note in notes], pa.int8()),
        "bow_direction": pa.array([note.bow_direction for note in notes]),
        "slurred": pa.array([note.slurred for note in notes]),
        "articulation": pa.array([note.articulation for note in notes]),
        "dynamic": pa.array([note.dynamic for note in notes], pa.float64()),
        "error_cents": pa.array([note.error_cents for note in notes], pa.float64()),
        "vibrato_hz": optional("vibrato_hz"),
        "vibrato_cents": optional("vibrato_cents"),
    }
    _write(path, columns, _NOTE_UNITS)


def write_control(path: Path, time_ns: IntArray, control: Control) -> None:
    """Write what the two hands do, one row per mocap frame."""
    columns: dict[str, pa.Array] = {"time_ns": pa.array(time_ns)}
    columns |= {name: pa.array(getattr(control, name)) for name in _CONTROL_UNITS}
    columns["string"] = pa.array(control.string.astype(np.int8))
    columns["finger"] = pa.array(control.finger.astype(np.int8))
    columns["playing"] = pa.array(control.playing)
    _write(path, columns, {"time_ns": "ns", **_CONTROL_UNITS})


def write_clocks(path: Path, parts: Sequence[Path]) -> None:
    """Join the clocks of all recordings into one file."""
    tables = [pq.read_table(part) for part in parts]
    with atomic_path(path) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with sorted keys."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def _write(
    path: Path, columns: Mapping[str, pa.Array], units: Mapping[str, str], metadata: Mapping[str, str] | None = None
) -> None:
    fields = [
        pa.field(name, column.type, metadata={"unit": units[name]} if name in units else None)
        for name, column in columns.items()
    ]
    table = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields, metadata=dict(metadata or {})))
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
