"""Joint centres straight from markers: the middle of a medial and a lateral marker, and knuckles of the hand.

Positions are (F, 3) mm in the trial's world frame, NaN where a marker is missing. Knee, ankle, elbow and
wrist centres are the midpoints of their epicondyles, malleoli and styloids (Wu et al. 2002, 2005). A finger
joint has one marker on its dorsal side; :func:`finger_centre` says how far the centre is moved from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from viodat.body.geometry import FloatArray, finite_or_nan, midpoint, normal
from viodat.body.plug_in_gait import Side, marker_diameter, measured_length
from viodat.capture.markers import MarkerTrial

Correction = Literal["thickness", "radius", "none"]


def midpoint_centre(trial: MarkerTrial, medial: str, lateral: str) -> FloatArray:
    """Midpoint of two markers, (F, 3) mm; NaN in frames where either is missing."""
    return finite_or_nan(midpoint(trial.marker(medial), trial.marker(lateral)))


def dorsal_axis(trial: MarkerTrial, side: Side, hand_frame: tuple[str, ...]) -> FloatArray:
    """Give the unit vector out of the back of the hand, (F, 3); NaN where one of its markers is missing.

    Parameters
    ----------
    trial
        Markers.
    side
        ``left`` or ``right``.
    hand_frame
        Labels of the radial and ulnar wrist markers and of the index and little-finger knuckle markers.
    """
    radial, ulnar, index, little = (trial.marker(label) for label in hand_frame)
    along = midpoint(index, little) - midpoint(radial, ulnar)
    out = normal(radial - ulnar, along)
    return out if side == "left" else -out


def finger_centre(
    trial: MarkerTrial,
    side: Side,
    label: str,
    hand_frame: tuple[str, ...],
    measurements: Mapping[str, float],
    diameter_mm: float | None = None,
) -> tuple[FloatArray, Correction]:
    """Centre of a finger joint from the marker on its dorsal side.

    Parameters
    ----------
    trial
        Markers.
    side
        ``left`` or ``right``.
    label
        The marker over the joint.
    hand_frame
        As in :func:`dorsal_axis`; empty where the set defines none, or the joint does not move with the back
        of the hand (the thumb).
    measurements
        ``hand_thickness_<side>_mm`` and ``marker_diameter_mm`` (14 where absent) are used.
    diameter_mm
        Diameter of this marker, where the marker set states it; it stands above that of ``measurements``, which is
        one number for markers that labs mix.

    Returns
    -------
    FloatArray
        (F, 3) mm, NaN in frames where a marker that is used is missing.
    Correction
        ``thickness``: moved by (hand thickness + marker diameter)/2 against the dorsal axis, the distance at
        which Plug-in Gait puts the hand's origin below the third knuckle's marker. ``radius``: no thickness
        was measured, moved by the marker's radius only, so the centre lies on the skin, about half the
        joint's thickness (8–12 mm) too far dorsal. ``none``: there is no hand frame in any frame; the centre
        is the marker itself.
    """
    marker = trial.marker(label)
    if not hand_frame:
        return finite_or_nan(marker), "none"
    with np.errstate(all="ignore"):
        axis = dorsal_axis(trial, side, hand_frame)
        if not np.isfinite(axis).any():
            return finite_or_nan(marker), "none"
        diameter = marker_diameter(measurements) if diameter_mm is None else diameter_mm
        thickness = measured_length(measurements, f"hand_thickness_{side}_mm")
        if np.isnan(thickness):
            return finite_or_nan(marker - diameter / 2 * axis), "radius"
        return finite_or_nan(marker - (thickness + diameter) / 2 * axis), "thickness"
