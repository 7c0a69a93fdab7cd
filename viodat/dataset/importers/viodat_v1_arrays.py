"""The dicts of a VioDat v1.0 archive as arrays by recording id, in the order of viodat's 18 joints.

The release keys every dict by recording (``P05C01T28``); poses are (frames, joints, axes) or lists of frames. Arrays of
14 and 17 joints are older: their points 1 to 5 and 7 to 11 are those of the 18, while 0 and 6 are the toes and the rest
marks on the hands, which are none of the 18 joints (the authors' own names, ``utility/utils.py`` of the published
code); they become NaN.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset.importers.foreign_text import shown
from viodat.dataset.importers.npz import Archive
from viodat.errors import CaptureError
from viodat.joints import JOINTS
from viodat.pose2d.layouts import to_joints

FloatArray = NDArray[np.float32]

RECORDING_ID: Final = re.compile(r"(?P<participant>P\d{2})(?P<camera>C\d{2})(?P<take>T\d{2})")

_OLD_JOINTS: Final = (14, 17)
_SHARED: Final = (1, 2, 3, 4, 5, 7, 8, 9, 10, 11)
_OPENPOSE: Final = (25, 27)
_MOST_NUMBERS: Final = 1 << 28
_FAR_PX: Final = 1e5
_NOTHING: Final = 1e-6

OLD_JOINTS_NOTE: Final = (
    "{count} joints: only elbows, hips, knees, shoulders and wrists are among viodat's 18, the rest is missing"
)


@dataclass
class ByRecording:
    """One dict of the release: arrays by recording id, why others could not be read, and what was noted."""

    arrays: dict[str, FloatArray] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def read_dict(archive: Archive, name: str) -> dict[str, Any]:
    """Read one member as a dict by recording id.

    Raises
    ------
    CaptureError
        If it is no dict, or a key is no recording id: keys become names of files.
    """
    value = archive.read(name)
    if not isinstance(value, dict):
        raise CaptureError(
            f"{name} is a {type(value).__name__}; expected a dict by recording", where=archive.path, mend=_RELEASE
        )
    for key in value:
        if not isinstance(key, str) or not RECORDING_ID.fullmatch(key):
            raise CaptureError(
                f"{name} has a recording called {shown(repr(key))}; expected ids like P05C01T28",
                where=archive.path,
                mend=_RELEASE,
            )
    return value


_RELEASE: Final = "Give the file as it was published, mmViolin_v1.0.npz."


def read_numbers(archive: Archive, name: str) -> dict[str, float]:
    """Read one number per recording; NaN where it is none."""
    return {key: _number(value) for key, value in read_dict(archive, name).items()}


def read_frames(archive: Archive, name: str, convert: Callable[[FloatArray], tuple[FloatArray, str]]) -> ByRecording:
    """Read one array of frames per recording and convert it; one that cannot be is a fault, not the end.

    Raises
    ------
    CaptureError
        As :func:`read_dict`, or if the arrays take more than the archive's limit.
    """
    out = ByRecording()
    taken = 0
    content = read_dict(archive, name)
    for key in sorted(content):
        # What was converted need not stay in memory as it was.
        value = content.pop(key)
        try:
            out.arrays[key], note = convert(frames_of(value))
        except (ValueError, TypeError, OverflowError) as error:
            out.faults[key] = f"{name}: {error}"
            continue
        if note:
            out.notes[key] = f"{name} has {note}"
        # A pickle can hold one array under many names; each becomes an array of its own.
        taken += out.arrays[key].nbytes
        if taken > archive.limit_bytes:
            raise CaptureError(
                f"{name} takes more than {archive.limit_bytes / 2**30:.3g} GiB of memory",
                where=archive.path,
                mend="If the file is to be trusted, raise the limit: --limit-gib.",
            )
    return out


def poses_3d(values: FloatArray) -> tuple[FloatArray, str]:
    """(T, 18, 3) of (T, J, 3), NaN where missing; and a note.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    return _joints(_shaped(values, 3), missing=np.abs(values).max(-1, initial=0) == 0)


def poses_2d(values: FloatArray) -> tuple[FloatArray, str]:
    """(T, 18, 2) px of (T, J, 2), NaN where missing; and a note. Raises as :func:`poses_3d`."""
    return _joints(_shaped(values, 2), missing=_nowhere(values))


def keypoints_2d(values: FloatArray) -> tuple[FloatArray, str]:
    """(T, 18, 3) px, px, confidence of a detector's (T, J, 2 or 3); and a note.

    J is 18, 14 or 17 (as for poses), 25 or 27 (OpenPose's BODY_25, and two points on the hands). Only OpenPose's third
    number is a confidence. Points at (0, 0) or far outside any picture are missing: the authors' code leaves frames
    without a detection unset.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    if values.ndim != 3 or values.shape[2] not in (2, 3):
        raise ValueError(f"has shape {values.shape}; expected (frames, joints, 2 or 3)")
    px = np.where(_nowhere(values[..., :2])[..., None], np.nan, values[..., :2])
    rated = np.full(px.shape[:2], np.nan, np.float32)
    note = ""
    if values.shape[2] == 3 and values.shape[1] != len(JOINTS):
        rated = np.where(np.isfinite(px).all(-1), values[..., 2], np.nan)
        px = np.where((rated > 0)[..., None], px, np.nan)
    if values.shape[1] in _OPENPOSE:
        joints, rated18 = to_joints(px[:, :25].astype(float), rated[:, :25].astype(float), "body25")
        px, rated = joints.astype(np.float32), rated18.astype(np.float32)
    else:
        both, note = _joints(np.concatenate([px, rated[..., None]], -1), missing=None)
        px, rated = both[..., :2], both[..., 2]
    return np.concatenate([px, rated[..., None]], -1).astype(np.float32), note


def audio_rows(values: FloatArray) -> tuple[FloatArray, str]:
    """(rows, 35) of the published (rows, 36 or 35): the 36th is not part of the audio frame.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    if values.ndim != 2 or values.shape[1] not in (35, 36):
        raise ValueError(f"has shape {values.shape}; expected (rows, 36)")
    return values[:, :35], ""


def waveform(values: FloatArray) -> tuple[FloatArray, str]:
    """Give (samples,) of (samples,) or (samples, 1), full scale 1; and a note if it was scaled: 16 bit, or by its peak.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    sound = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if sound.ndim != 1:
        raise ValueError(f"has shape {values.shape}; expected (samples,)")
    sound = np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(np.abs(sound).max(initial=0))
    if peak <= 1:
        return sound, ""
    full = 2.0**15 if 2.0**8 < peak <= 2.0**15 else peak
    return sound / np.float32(full), f"a peak of {peak:g}; full scale was taken to be {full:g}"


def frames_of(value: Any) -> FloatArray:
    """One array of what holds the frames of a recording: an array, or a list of frames, of which some may be empty.

    Raises
    ------
    ValueError
        If it holds no numbers, or frames of different shapes.
    """
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return _floats(value)
    frames = value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value
    if not isinstance(frames, list | tuple):
        raise ValueError(f"is a {type(value).__name__}; expected an array")
    if frames and all(isinstance(item, int | float) for item in frames):
        return np.asarray(frames, np.float32)
    arrays = [_frame(item) for item in frames]
    shapes = {array.shape for array in arrays if array is not None}
    if len(shapes) > 1:
        raise ValueError(f"has frames of different shapes, {' and '.join(map(str, sorted(shapes)[:2]))}")
    if not shapes:
        raise ValueError("holds no frame")
    shape = shapes.pop()
    if len(arrays) * int(np.prod(shape)) > _MOST_NUMBERS:
        raise ValueError(f"has {len(arrays):,} frames of {shape}, more than any recording")
    empty = np.full(shape, np.nan, np.float32)
    return np.stack([empty if array is None else array for array in arrays])


def _frame(item: Any) -> FloatArray | None:
    if item is None or (isinstance(item, np.ndarray | list | tuple) and len(item) == 0):
        return None
    if isinstance(item, np.ndarray):
        return _floats(item)
    if isinstance(item, list | tuple) and len(item) <= 1000:
        rows = [_floats(row) if isinstance(row, np.ndarray) else _row(row) for row in item]
        if len({row.shape for row in rows}) == 1:
            return np.stack(rows)
    raise ValueError("has a frame that is no array of numbers")


def _row(row: Any) -> FloatArray:
    if isinstance(row, list | tuple) and len(row) <= 1000 and all(isinstance(item, int | float) for item in row):
        return np.asarray(row, np.float32)
    raise ValueError("has a frame that is no array of numbers")


def _floats(array: NDArray[Any]) -> FloatArray:
    if array.dtype.kind not in "iuf":
        raise ValueError(f"is an array of {shown(str(array.dtype))}; expected numbers")
    with np.errstate(over="ignore"):
        return np.asarray(array, np.float32)


def _number(value: Any) -> float:
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "iuf":
        value = value.item()
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _shaped(values: FloatArray, axes: int) -> FloatArray:
    if values.ndim != 3 or values.shape[2] != axes:
        raise ValueError(f"has shape {values.shape}; expected (frames, joints, {axes})")
    return values


def _nowhere(px: FloatArray) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        size = np.abs(px).max(-1, initial=0)
        return np.asarray(~np.isfinite(size) | (size < _NOTHING) | (size > _FAR_PX))


def _joints(values: FloatArray, *, missing: NDArray[np.bool_] | None) -> tuple[FloatArray, str]:
    there = values if missing is None else np.where(missing[..., None], np.nan, values).astype(np.float32)
    there = np.where(np.isfinite(there), there, np.nan).astype(np.float32)
    count = there.shape[1]
    if count == len(JOINTS):
        return there, ""
    if count not in _OLD_JOINTS:
        raise ValueError(f"has {count} joints; expected {len(JOINTS)}, 17 or 14")
    out = np.full((len(there), len(JOINTS), there.shape[2]), np.nan, np.float32)
    out[:, _SHARED] = there[:, _SHARED]
    return out, OLD_JOINTS_NOTE.format(count=count)


def ids_of(recording: str) -> tuple[str, str, str]:
    """Participant, camera and trial of a recording: ``P05C01T28`` gives P05, C01, P05T28."""
    found = RECORDING_ID.fullmatch(recording)
    assert found is not None
    participant, camera, take = found["participant"], found["camera"], found["take"]
    return participant, camera, participant + take


def unit_scale(poses: Mapping[str, FloatArray]) -> tuple[float | None, dict[str, str]]:
    """Tell the unit of 3D poses by the length of the trunk, shoulder to hip.

    Returns
    -------
    scale
        1 if most recordings are in mm, 1000 if in m, None if no trunk is of a length that people have in either; 1 as
        well where no recording has hips and shoulders.
    odd
        Recordings whose trunk is no person's in that unit, with the reason.
    """
    trunks = {name: _trunk(values) for name, values in poses.items()}
    known = {name: length for name, length in trunks.items() if np.isfinite(length)}
    if not known:
        return 1.0, {}
    votes = {unit: sum(_of_a_person(length * unit) for length in known.values()) for unit in (1.0, 1000.0)}
    scale = max(votes, key=lambda unit: votes[unit])
    if not votes[scale]:
        return None, {}
    return scale, {
        name: f"its trunk is {length * scale:.4g} mm long if it is in the unit of the others"
        for name, length in known.items()
        if not _of_a_person(length * scale)
    }


def _trunk(poses: FloatArray) -> float:
    """Median length over some frames and both sides; NaN where it is missing in all."""
    few = poses[:: max(len(poses) // 50, 1)].astype(np.float64)
    lengths = np.concatenate([np.linalg.norm(few[:, a] - few[:, b], axis=-1) for a, b in ((2, 4), (8, 10))])
    lengths = lengths[np.isfinite(lengths)]
    return float(np.median(lengths)) if len(lengths) else float("nan")


def _of_a_person(trunk_mm: float) -> bool:
    return _TRUNK_MM[0] <= trunk_mm <= _TRUNK_MM[1]


_TRUNK_MM: Final = (150.0, 900.0)
