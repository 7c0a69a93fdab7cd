"""How long sound is on its way: from where the violin sounds to each microphone, and how sure that is.

A device hears an event later than it happens by the distance over the speed of sound; its clock does not. Places are
mm, world; NaN is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.inputs import Device, Motion
from viodat.clock.travel import SPEED_MM_S
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]


UNKNOWN_S: Final = 0.006
"""Standard deviation of the difference of two travelling times where nobody knows the places: 2 m."""
_VIOLIN_SIGMA_MM = 45.0
"""Per axis: the violin's top sounds, its markers are on scroll, ribs and bouts."""
_BODY_SIGMA_MM = 120.0
_MICROPHONE_SIGMA_MM = 25.0
"""Along the sound's way: a phone's microphone is some 70 mm beside its camera, but that is across its view."""
_LEFT_MM, _FRONT_MM = 150.0, 200.0
"""From the middle of the shoulders to the middle of a violin that is held."""
_MEDIAN_STEPS = 30


@dataclass(frozen=True, eq=False)
class Place:
    """Where the sound comes from: (3,) mm, world, and its standard deviation per axis, mm."""

    at_mm: FloatArray
    sigma_mm: float


@dataclass(frozen=True)
class Delay:
    """How much later than at a device a a sound arrives at b, s, and the standard deviation of that."""

    seconds: float
    sigma_s: float


def sounding_place(motion: Motion | None) -> Place | None:
    """Say where the violin sounds, on average over the trial; None where nothing tells."""
    if motion is None:
        return None
    markers = _medians([motion.markers[label] for label in motion.violin if label in motion.markers])
    if len(markers):
        return Place(_geometric_median(markers), _VIOLIN_SIGMA_MM)
    shoulders = _medians([motion.joints_mm[:, JOINT_INDEX[f"{side}_shoulder"]] for side in ("left", "right")])
    if len(shoulders) < 2:
        return None
    left = shoulders[0] - shoulders[1]
    left[2] = 0.0
    length = float(np.linalg.norm(left))
    if length == 0:
        return None
    left /= length
    front = np.array([left[1], -left[0], 0.0])
    return Place(shoulders.mean(axis=0) + _LEFT_MM * left + _FRONT_MM * front, _BODY_SIGMA_MM)


def delay_between(a: Device, b: Device, place: Place | None) -> Delay:
    """Give the difference of two devices' travelling times.

    Parameters
    ----------
    a, b
        Their microphones may be unknown.
    place
        Of the source, or None.
    """
    one, two = a.microphone_mm, b.microphone_mm
    if one is None or two is None or not np.isfinite([one, two]).all():
        return Delay(0.0, UNKNOWN_S)
    if place is None:
        # Whatever the place, the times differ by no more than what sound needs from one microphone to the other.
        return Delay(0.0, float(np.linalg.norm(two - one)) / 2 / SPEED_MM_S)
    ways = np.stack([one, two]) - place.at_mm
    lengths = np.linalg.norm(ways, axis=1)
    turn = np.linalg.norm(np.subtract(*(ways / np.maximum(lengths, 1.0)[:, None])))
    sigma_mm = np.hypot(place.sigma_mm * turn, np.sqrt(2) * _MICROPHONE_SIGMA_MM)
    return Delay(float(lengths[1] - lengths[0]) / SPEED_MM_S, float(sigma_mm) / SPEED_MM_S)


def _medians(tracks: list[FloatArray]) -> FloatArray:
    """(K, 3) each point's median over the frames in which it is known; points that never are, are left out."""
    known = [track[np.isfinite(track).all(axis=1)] for track in tracks]
    return np.array([np.median(track, axis=0) for track in known if len(track)]).reshape(-1, 3)


def _geometric_median(points: FloatArray) -> FloatArray:
    """(3,) of (K, 3) by Weiszfeld's steps: most markers are on the body, and one on the scroll draws a mean away."""
    place = points.mean(axis=0)
    for _ in range(_MEDIAN_STEPS):
        weight = 1 / np.maximum(np.linalg.norm(points - place, axis=1), 1.0)
        place = (points * weight[:, None]).sum(axis=0) / weight.sum()
    return np.asarray(place)
