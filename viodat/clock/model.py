"""A device's clock as a function of the mocap clock's: ``t_mocap = t_device * (1 + drift) + offset``.

The mocap clock is zero at C3D frame number 1. A device's own clock is zero at its first presented audio sample,
or, for a video without sound, at container time 0. Seconds are float64 while computing and int64 nanoseconds at
rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ClockMap:
    """The map from one device's clock to the mocap clock.

    Attributes
    ----------
    offset_s
        Mocap time at the device's zero, s.
    drift_ppm
        How much faster mocap time runs than the device's, parts per million.
    offset_sigma_s
        Standard deviation of ``offset_s``, s; NaN where nobody stated one.
    confidence
        Probability in [0, 1] that the offset is right within three sigma; NaN where it was given, not estimated.
    method
        Where it comes from: ``given`` (capture.toml).
    """

    offset_s: float
    drift_ppm: float = 0.0
    offset_sigma_s: float = float("nan")
    confidence: float = float("nan")
    method: str = "given"

    def apply(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Mocap time, s, of device times ``t_s``, s; any shape, NaN stays NaN."""
        return np.asarray(t_s, dtype=np.float64) * (1.0 + self.drift_ppm * 1e-6) + self.offset_s

    def apply_ns(self, t_s: ArrayLike) -> NDArray[np.int64]:
        """Mocap time as int64 ns of device times ``t_s``, s (all finite)."""
        return np.rint(self.apply(t_s) * 1e9).astype(np.int64)

    def sigma_s(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Give the standard deviation of the mocap time at ``t_s``, s, same shape; NaN where nobody stated one."""
        return np.full(np.shape(t_s), self.offset_sigma_s)
