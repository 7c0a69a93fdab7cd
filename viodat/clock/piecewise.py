"""A clock whose drift changes: what a device's broken line adds to the straight one, and how sure that is.

A quartz wanders by about a part per million within a minute, and now and then a recorder's clock changes its pace at
once. Over a longer recording the drift is therefore a random walk from knot to knot, with steps that are Student's t
distributed: mostly small, seldom large. The straight line that fits the broken one best is taken off, so that offset
and drift remain what they are without knots. Times are those of the device, s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEAST_SPAN_S: Final = 40.0
"""Over less a quartz's wander is no more than some microseconds."""
SPACING_S: Final = 20.0
WANDER_PPM: Final = 1.0
"""Standard deviation of the change of drift from one knot to the next, at :data:`SPACING_S`."""
MOST_KNOTS: Final = 60
_CERTAIN_SIGMAS: Final = 2.0
_LEAST_BEND_S: Final = 1e-4
_POINTS_BETWEEN: Final = 8
_PLACES: Final = 41
_SLOPES: Final = 40
_LEAST_SIGMA_S: Final = 1e-9
_PPM: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Knots:
    """Where a device's drift may change.

    Attributes
    ----------
    nodes_s
        (K + 2,) first time, K knots, last time, evenly.
    """

    nodes_s: FloatArray

    @property
    def count(self) -> int:
        """K."""
        return len(self.nodes_s) - 2

    @property
    def sigma_ppm(self) -> float:
        """Standard deviation of one change before anything is seen."""
        return WANDER_PPM * float(np.sqrt((self.nodes_s[1] - self.nodes_s[0]) / SPACING_S))

    @property
    def fine_s(self) -> FloatArray:
        """(8 K + 9,) times over all of it, the knots among them."""
        return np.linspace(self.nodes_s[0], self.nodes_s[-1], _POINTS_BETWEEN * (self.count + 1) + 1)

    def columns(self, times_s: FloatArray) -> FloatArray:
        """(T, K) s by which the broken line leaves the best straight one, at times, for 1 ppm more from each knot on.

        Beyond the first and the last time they go on straight.
        """
        inner = self.nodes_s[1:-1]
        fine = self.fine_s
        middle = fine.mean()
        line = np.stack([np.ones(len(fine)), fine - middle], axis=1)
        straight = np.linalg.lstsq(line, np.maximum(fine[:, None] - inner, 0.0), rcond=None)[0]
        times = np.asarray(times_s, dtype=np.float64)[:, None]
        return np.asarray((np.maximum(times - inner, 0.0) - straight[0] - (times - middle) * straight[1]) * _PPM)


def knots_over(first_s: float, last_s: float) -> Knots | None:
    """Give the knots for what was seen from a first to a last time; None where that is too short for any."""
    span = last_s - first_s
    if span < LEAST_SPAN_S:
        return None
    return Knots(np.linspace(first_s, last_s, min(round(span / SPACING_S) - 1, MOST_KNOTS) + 2))


@dataclass(frozen=True, eq=False)
class Bend:
    """By how much a device's clock leaves its straight line.

    Attributes
    ----------
    knots
        Where.
    changes_ppm
        (K,) change of the drift at each.
    covariance
        (3 + K, 3 + K) of the device's offset, drift, skew and changes, in s and ppm.
    """

    knots: Knots
    changes_ppm: FloatArray
    covariance: FloatArray

    def at(self, times_s: FloatArray | float) -> FloatArray:
        """S by which the broken line is later than the straight one, at times of any shape."""
        times = np.asarray(times_s, dtype=np.float64)
        return np.asarray(self.knots.columns(times.ravel()) @ self.changes_ppm).reshape(times.shape)

    @property
    def is_certain(self) -> bool:
        """Whether the clock cannot be told by a straight line alone."""
        columns = self.knots.columns(self.knots.nodes_s)
        own = np.sqrt(((columns @ self.covariance[3:, 3:]) * columns).sum(axis=1))
        away = np.abs(columns @ self.changes_ppm)
        return bool(np.any((away > _CERTAIN_SIGMAS * own) & (away > _LEAST_BEND_S)))

    def variance(self, times_s: FloatArray, *, of_picture: bool = False) -> FloatArray:
        """(T,) variance of the broken line at (T,) times, s², or of a picture that is stamped later by the skew."""
        skew = np.full(len(times_s), -1.0 if of_picture else 0.0)
        functional = np.column_stack([np.ones(len(times_s)), times_s * _PPM, skew, self.knots.columns(times_s)])
        return np.asarray(np.maximum(((functional @ self.covariance) * functional).sum(axis=1), _LEAST_SIGMA_S**2))


def narrowest(times_s: FloatArray, variances: FloatArray, at_s: float, slope: float) -> tuple[float, float, float]:
    """Find the errors of a line that nowhere claim less than they should, and hardly anywhere more.

    Parameters
    ----------
    times_s, variances
        (T,) where, in any order, and which variance it must have there at least, s and s².
    at_s, slope
        Where the two errors of the best straight line are independent, and its drift's standard deviation, s per s;
        the slope that is found is not less.

    Returns
    -------
    at_s, sigma_s, slope
        Such that ``sigma_s ** 2 + (slope * (times_s - at_s)) ** 2`` is the narrowest by its mean logarithm.
    """
    places = np.append(np.linspace(times_s.min(), times_s.max(), _PLACES), at_s)
    most = np.sqrt(variances.max()) / np.ptp(times_s)
    slopes = slope * np.geomspace(1.0, max(4 * most / slope, 1.0), _SLOPES)
    rise = np.square(slopes[:, None] * (times_s - places[:, None, None]))
    # Nowhere is anything known better than at the best of the times.
    least = np.maximum((variances - rise).max(axis=2), variances.min())
    wide = np.log(least[:, :, None] + rise).mean(axis=2)
    place, steep = np.unravel_index(np.argmin(wide), wide.shape)
    return float(places[place]), float(np.sqrt(least[place, steep])), float(slopes[steep])
