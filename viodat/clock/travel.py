"""How long sound travels from where it is made to a microphone: a clock does not contain it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SPEED_MM_S: Final = 343_000.0
"""Dry air of 20 °C: 2.9 ms per metre. At 15 °C sound takes 0.8 % longer."""
_UNKNOWN_MM: Final = 2_500.0
_UNKNOWN_SIGMA_S: Final = 0.004
"""Microphones of which nobody says where they are stand 1 to 5 m away, as a rule."""
_KNOWN_SIGMA_S: Final = 0.0003
"""100 mm: a phone's microphone is not its lens, and a violin is not a point."""


def travel_s(source_mm: FloatArray | None, microphone_mm: FloatArray | None) -> tuple[float, float]:
    """Give the time of travel and its standard deviation, s.

    Parameters
    ----------
    source_mm, microphone_mm
        (3,) mm, world; None or NaN where unknown. Then the usual distance is taken, with its spread.
    """
    if source_mm is not None and microphone_mm is not None:
        distance = float(np.linalg.norm(np.asarray(source_mm) - np.asarray(microphone_mm)))
        if np.isfinite(distance):
            return distance / SPEED_MM_S, _KNOWN_SIGMA_S
    return _UNKNOWN_MM / SPEED_MM_S, _UNKNOWN_SIGMA_S
