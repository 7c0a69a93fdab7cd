"""What a camera saw of a moving body: points of the world at the times of its pictures, and where they were detected.

World frame, mm; px as in :mod:`viodat.camera.model`; s on the clock of the points; NaN is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

LEAST_JOINTS: Final = 6
LEAST_SIGHTINGS: Final = 60
"""Fewer joints, or sightings of them, do not determine a pose beside the joints' own constants."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """Points of the world at the times of N pictures, and where a detector saw them.

    Attributes
    ----------
    times_s
        (N,) s, increasing, on the clock of the points.
    points_mm
        (N, J, 3) mm, world, NaN where unknown.
    px
        (N, J, 2) px, NaN where not seen.
    weight
        (N, J) from 0 to 1, as the detector rates itself.

    Raises
    ------
    ValueError
        The shapes do not fit, or times do not increase.
    """

    times_s: FloatArray
    points_mm: FloatArray
    px: FloatArray
    weight: FloatArray

    def __post_init__(self) -> None:
        frames, joints = self.px.shape[:2]
        for name, shape in (
            ("times_s", (frames,)),
            ("points_mm", (frames, joints, 3)),
            ("px", (frames, joints, 2)),
            ("weight", (frames, joints)),
        ):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, got {getattr(self, name).shape}")
        if np.any(np.diff(self.times_s) <= 0):
            raise ValueError("times_s: expected increasing times")

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N, J) whether a point is seen, and known in the pictures before and after, too: it moves in between."""
        there = np.asarray(np.isfinite(self.points_mm).all(-1))
        between = there.copy()
        between[1:] &= there[:-1]
        between[:-1] &= there[1:]
        return np.asarray(between & np.isfinite(self.px).all(-1) & ~(self.weight <= 0))

    @property
    def enough(self) -> bool:
        """Whether there is enough to determine a pose."""
        seen = self.known.sum(axis=0)
        return bool((seen >= LEAST_SIGHTINGS / LEAST_JOINTS).sum() >= LEAST_JOINTS and seen.sum() >= LEAST_SIGHTINGS)


def sightings_of(
    times_s: ArrayLike, points_mm: ArrayLike, px: ArrayLike, confidence: ArrayLike | None = None
) -> Sightings:
    """Gather sightings from arrays as they are at hand.

    Parameters
    ----------
    times_s
        (N,) s, increasing: when each picture was taken, on the clock of the points.
    points_mm
        (N, J, 3) mm, world, at those times; NaN where undetermined.
    px
        (N, J, 2) px as detected, NaN where not seen.
    confidence
        (N, J) in [0, 1]; NaN, or none at all, counts as 1.
    """
    places = np.asarray(px, dtype=np.float64)
    weight = np.ones(places.shape[:2]) if confidence is None else np.asarray(confidence, dtype=np.float64)
    weight = np.where(np.isfinite(weight), np.clip(weight, 0.0, 1.0), 1.0)
    return Sightings(
        np.asarray(times_s, dtype=np.float64), np.asarray(points_mm, dtype=np.float64), places, np.asarray(weight)
    )
