"""Means and standard deviations of the training trials, for normalising: dataset.json `statistics`.

They are sums per trial, added in the order of trial ids, so that trials can be summed anywhere and the result has the
same bytes. Validation and test trials are never in them.

==============  ==========================================================================================
world_mm        (18, 3) joints, mm, world frame, from the root (mid-pelvis) of their frame
camera_mm       (18, 3) joints, mm, camera frame, from the root of their frame; every camera recording counts
projected_px    (18, 2) projected truth, px, from the projected root (mean of both pelvis joints)
detected_px     (18, 2) detected keypoints, px, from the detected root
audio           (35,) the audio frame at 100 Hz; every recording with sound counts
==============  ==========================================================================================

Only recordings with a certain clock (status ``built``) count, as in :class:`viodat.PoseWindows`. The standard deviation
is that of the whole population (divided by n). Where there is no number, mean and standard deviation are null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.joints import JOINTS

FloatArray = NDArray[np.float64]

UNITS: Final = {"world_mm": "mm", "camera_mm": "mm", "projected_px": "px", "detected_px": "px", "audio": "1"}

_ROOT: Final = [JOINTS.index("left_pelvis"), JOINTS.index("right_pelvis")]


@dataclass(frozen=True, eq=False)
class Sums:
    """Count, sum and sum of squares of each column, NaN left out: float64 arrays of one shape."""

    count: FloatArray
    total: FloatArray
    squares: FloatArray

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> FloatArray:
        """NaN where there is no number."""
        return np.divide(self.total, self.count, out=np.full_like(self.total, np.nan), where=self.count > 0)

    @property
    def std(self) -> FloatArray:
        """NaN where there is no number."""
        square = np.divide(self.squares, self.count, out=np.full_like(self.total, np.nan), where=self.count > 0)
        return np.asarray(np.sqrt(np.maximum(square - self.mean**2, 0)))


@dataclass(frozen=True, eq=False)
class StreamSums:
    """Sums of a trial's streams, or of several trials'; by the names of :data:`UNITS`, those that there are."""

    sums: Mapping[str, Sums] = field(default_factory=dict)

    def __add__(self, other: StreamSums) -> StreamSums:
        both = dict(self.sums)
        for name, one in other.sums.items():
            both[name] = both[name] + one if name in both else one
        return StreamSums(both)


def summed(values: NDArray[np.floating]) -> Sums:
    """Sum (N, ...) values over their first axis; NaN is left out."""
    numbers = np.asarray(values, np.float64)
    known = np.isfinite(numbers)
    numbers = np.where(known, numbers, 0.0)
    return Sums(known.sum(0).astype(np.float64), numbers.sum(0), (numbers**2).sum(0))


def from_root(joints: NDArray[np.floating]) -> FloatArray:
    """(T, 18, ...) places less the mean of both pelvis joints of their frame; NaN where one of these is missing."""
    places = np.asarray(joints, np.float64)
    return np.asarray(places - places[:, _ROOT].mean(1, keepdims=True))


def training_statistics(trials: Iterable[tuple[str, StreamSums]]) -> dict[str, Any]:
    """Give what dataset.json holds.

    Parameters
    ----------
    trials
        Id and sums of each training trial that was built.

    Returns
    -------
    dict
        ``trials``, the ids, sorted; and per stream ``unit``, ``count`` (of the column with the most numbers), ``mean``
        and ``std`` as nested lists of :class:`StreamSums`' shapes, None where there is no number.
    """
    ordered = sorted(trials, key=lambda trial: trial[0])
    whole = sum((sums for _, sums in ordered), StreamSums())
    return {
        "trials": [name for name, _ in ordered],
        "streams": {
            name: {
                "unit": unit,
                "count": int(whole.sums[name].count.max()),
                "mean": _listed(whole.sums[name].mean),
                "std": _listed(whole.sums[name].std),
            }
            for name, unit in UNITS.items()
            if name in whole.sums
        },
    }


def _listed(values: FloatArray) -> list[Any]:
    listed: list[Any] = np.where(np.isfinite(values), values.astype(object), np.array(None)).tolist()
    return listed
