"""What the figures of a result draw: courses over time of some recordings, each model beside the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from viodat.bench.poses import FloatArray, RecordingPoses
from viodat.bench.protocol import Protocol
from viodat.joints import JOINT_INDEX, ROOT_JOINTS
from viodat.metrics.spectrum import VIBRATO_HZ

Poses = Mapping[str, RecordingPoses]
"""Label of a model -> its poses of one recording, roots as they came."""

WRIST: Final = "right_wrist"
FINGER: Final = "left_index"
VIBRATO_S: Final = 3.0


def over_time(poses: Poses, protocol: Protocol) -> dict[str, Any]:
    """Give each model's mean error over joints in each frame of a recording.

    Returns
    -------
    dict
        ``time_s`` of the frames; ``rows``: label -> mm, NaN where nothing counts.
    """
    rows: dict[str, list[float]] = {}
    for label, one in poses.items():
        applied = protocol.applied(one)
        distance = np.where(applied.valid, np.linalg.norm(applied.pred - applied.target, axis=-1), 0.0)
        counted = applied.valid.sum(axis=1)
        rows[label] = _listed(np.where(counted > 0, distance.sum(axis=1) / np.maximum(counted, 1), np.nan))
    return {"time_s": _times(next(iter(poses.values()))), "rows": rows}


def wrist_path(poses: Poses) -> dict[str, Any] | None:
    """Give the bow hand's wrist from the root, camera frame, over a recording; None if it is never determined."""
    one = next(iter(poses.values()))
    truth = _from_root(one.target, WRIST)
    if not np.isfinite(truth).any():
        return None
    return {
        "recording": one.recording,
        "joint": WRIST,
        "time_s": _times(one),
        "truth": _listed(truth),
        "rows": {label: _listed(_from_root(other.pred, WRIST)) for label, other in poses.items()},
    }


def strongest_vibrato_mm(target: FloatArray, rate_hz: float) -> float:
    """Give how much the left hand's index moves from 4 to 8 Hz in those 3 s in which it does most.

    Returns
    -------
    float
        Root mean square over three axes, mm; NaN where 3 s are never determined in a row, or the rate is too low for
        the band.
    """
    path = _from_root(target, FINGER)
    size = round(VIBRATO_S * rate_hz)
    known = np.isfinite(path).all(axis=-1)
    if len(path) < size or rate_hz <= 2 * VIBRATO_HZ[1]:
        return float("nan")
    moved = np.square(_band(path, rate_hz)).sum(axis=-1)
    total = np.convolve(np.where(known, moved, 0.0), np.ones(size), "valid")
    whole = np.convolve(known, np.ones(size), "valid") > size - 0.5
    if not whole.any():
        return float("nan")
    return float(np.sqrt(total[whole].max() / size))


def vibrato(poses: Poses) -> dict[str, Any]:
    """Give the left index's movement from 4 to 8 Hz over a recording, along the line on which the truth moves most."""
    one = next(iter(poses.values()))
    known = np.isfinite(_from_root(one.target, FINGER)).all(axis=-1)
    true = _band(_from_root(one.target, FINGER), one.rate_hz)
    line = np.linalg.svd(true[known] - true[known].mean(axis=0), full_matrices=False)[2][0]
    truth = np.where(known, true @ line, np.nan)
    rows = {label: _band(_from_root(other.pred, FINGER), one.rate_hz) @ line for label, other in poses.items()}
    return {
        "recording": one.recording,
        "joint": FINGER,
        "band_hz": list(VIBRATO_HZ),
        "time_s": _times(one),
        "truth": _listed(truth),
        "rows": {label: _listed(values) for label, values in rows.items()},
        "truth_rms_mm": _rms(truth[known]),
        "rows_rms_mm": {label: _rms(values[known]) for label, values in rows.items()},
    }


def _times(one: RecordingPoses) -> list[float]:
    return [round(k / one.rate_hz, 4) for k in range(len(one.pred))]


def _listed(values: NDArray[np.float64]) -> list[Any]:
    """Give values to a hundredth of a millimetre: a figure shows no more."""
    found: list[Any] = np.round(values, 2).tolist()
    return found


def _from_root(poses: FloatArray, joint: str) -> NDArray[np.float64]:
    return np.asarray(poses[:, JOINT_INDEX[joint]] - poses[:, list(ROOT_JOINTS)].mean(axis=1))


def _band(path: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Keep 4 to 8 Hz of (T, 3); what is not known is bridged by a straight line first."""
    frames = np.arange(len(path))
    whole = np.zeros_like(path)
    for axis in range(path.shape[1]):
        known = np.isfinite(path[:, axis])
        if known.any():
            whole[:, axis] = np.interp(frames, frames[known], path[known, axis])
    filtered = sosfiltfilt(butter(4, VIBRATO_HZ, "bandpass", fs=rate_hz, output="sos"), whole, axis=0)
    return np.asarray(filtered, dtype=np.float64)


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
