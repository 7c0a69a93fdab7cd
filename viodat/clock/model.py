"""A device's clock as a function of the mocap clock's: ``t_mocap = t_device * (1 + drift) + offset``.

The mocap clock is zero at C3D frame number 1. A device's own clock is zero at its first presented audio sample,
or, for a video without sound, at container time 0. Seconds are float64 while computing and int64 nanoseconds at
rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
        How much faster mocap time runs than the device's, parts per million. Where a file states a wrong sample rate it
        is as large as that error: -81,250 for 48 kHz called 44.1 kHz.
    offset_sigma_s
        Standard deviation of the mocap time at device time ``at_s``, s; NaN where nobody stated one.
    drift_sigma_ppm
        Standard deviation of the drift; over a long recording as much larger as a quartz's wander makes times unsure.
    at_s
        Device time where the two errors are independent: where the clock is known best.
    confidence
        Probability in [0, 1] that the recording belongs to the trial and the offset is not another one altogether; NaN
        where it was given, not estimated.
    method
        Where it comes from: ``given`` (capture.toml), or the kinds of evidence, by weight.
    skew_s, skew_sigma_s
        By how much a picture's stamp is later than the sound of the same event, s, and its standard deviation; 0
        without sound or without picture.
    picture_sigma_s, picture_at_s
        Standard deviation of the mocap time of a picture stamped ``picture_at_s``, s, where it is known best; NaN where
        nobody stated one, and where it is the sound's.
    rate_ratio
        True samples per second of its sound as a share of what its file states; 1 where that is right. The pictures'
        stamps know nothing of it.
    knots_s
        (K, 2) device time and mocap time, s, increasing, where the drift changes: then the map is the broken line
        through them, and offset and drift are those of the straight line that fits it best. Empty: a straight line
        tells as much.
    """

    offset_s: float
    drift_ppm: float = 0.0
    offset_sigma_s: float = float("nan")
    drift_sigma_ppm: float = 0.0
    at_s: float = 0.0
    confidence: float = float("nan")
    method: str = "given"
    skew_s: float = 0.0
    skew_sigma_s: float = 0.0
    picture_sigma_s: float = float("nan")
    picture_at_s: float = float("nan")
    rate_ratio: float = 1.0
    knots_s: tuple[tuple[float, float], ...] = ()

    def apply(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Mocap time, s, of device times ``t_s``, s; any shape, NaN stays NaN. Beyond the knots it goes on straight."""
        times = np.asarray(t_s, dtype=np.float64)
        if len(self.knots_s) < 2:
            return np.asarray(times * (1.0 + self.drift_ppm * 1e-6) + self.offset_s)
        device, mocap = np.array(self.knots_s).T
        piece = np.clip(np.searchsorted(device, times, side="right") - 1, 0, len(device) - 2)
        slope = np.diff(mocap) / np.diff(device)
        return np.asarray(mocap[piece] + slope[piece] * (times - device[piece]))

    def apply_ns(self, t_s: ArrayLike) -> NDArray[np.int64]:
        """Mocap time as int64 ns of device times ``t_s``, s (all finite)."""
        return np.rint(self.apply(t_s) * 1e9).astype(np.int64)

    def sigma_s(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Give the standard deviation of the mocap time at ``t_s``, s, same shape; NaN where nobody stated one."""
        far = np.asarray(t_s, dtype=np.float64) - self.at_s
        return np.asarray(np.hypot(self.offset_sigma_s, self.drift_sigma_ppm * 1e-6 * far))

    def of_picture(self) -> ClockMap:
        """Give the map of the same device's pictures: of their stamps, which lag its sound by the skew."""
        drift = (1.0 + self.drift_ppm * 1e-6) * self.rate_ratio
        best = self.at_s / self.rate_ratio + self.skew_s
        moved = tuple((device / self.rate_ratio + self.skew_s, mocap) for device, mocap in self.knots_s)
        return replace(
            self,
            offset_s=self.offset_s - self.skew_s * drift,
            drift_ppm=(drift - 1.0) * 1e6,
            offset_sigma_s=self.picture_sigma_s if self.skew_sigma_s else self.offset_sigma_s,
            at_s=self.picture_at_s if self.skew_sigma_s and np.isfinite(self.picture_at_s) else best,
            skew_s=0.0,
            skew_sigma_s=0.0,
            rate_ratio=1.0,
            knots_s=moved,
        )
