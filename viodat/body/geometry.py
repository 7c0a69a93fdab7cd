"""Vector geometry of joint centres: unit vectors, segment axes and the Plug-in Gait chord construction.

Every function works on arrays whose last axis is x, y, z (mm, any one right-handed frame) and broadcasts over
the axes before it, so a whole trial is one call. What the geometry does not determine is NaN: a missing
point, coincident or collinear points, an offset longer than the segment it belongs to. Nothing raises and
nothing becomes complex or infinite.

Sources: the chord is that of the Plug-in Gait model (Kadaba 1990, Davis 1991); its rotated form is derived
here by spherical trigonometry.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_COLLINEAR_RAD = 1e-6
"""Below this angle three points do not span a plane: at 400 mm it is 0.4 µm, far under any marker's noise."""


def finite_or_nan(points: FloatArray) -> FloatArray:
    """Set a point (..., 3) to NaN in all three coordinates where any of them is not finite."""
    whole = np.isfinite(points).all(axis=-1, keepdims=True)
    return np.where(whole, points, np.nan)


def norm(vectors: FloatArray) -> FloatArray:
    """Length of each vector, kept as a last axis of size 1: (..., 3) -> (..., 1)."""
    length: FloatArray = np.sqrt(np.sum(vectors * vectors, axis=-1, keepdims=True))
    return length


def unit(vectors: FloatArray) -> FloatArray:
    """Give unit vectors (..., 3); NaN for a vector of length zero or with a NaN."""
    length = norm(vectors)
    with np.errstate(all="ignore"):
        return np.where(length > 0, vectors / length, np.nan)


def normal(a: FloatArray, b: FloatArray) -> FloatArray:
    """Give the unit vector of a × b, (..., 3); NaN where a and b are parallel, antiparallel or zero."""
    with np.errstate(all="ignore"):
        product = np.cross(a, b)
        spans = norm(product) > _COLLINEAR_RAD * norm(a) * norm(b)
        return np.where(spans, unit(product), np.nan)


def midpoint(a: FloatArray, b: FloatArray) -> FloatArray:
    """Midpoint of two points (..., 3); NaN where either is missing."""
    return 0.5 * (a + b)


def chord(
    offset_mm: float,
    joint_marker: FloatArray,
    proximal: FloatArray,
    side_marker: FloatArray,
    angle_rad: float = 0.0,
) -> FloatArray:
    """Joint centre at a known distance from a marker, in a plane given by two further points.

    Parameters
    ----------
    offset_mm
        Distance h from the joint marker J to the centre C: half the joint's width plus the marker's radius.
    joint_marker
        J, (..., 3) mm: the marker over the joint (KNE, ANK, SHO, ELB, FIN).
    proximal
        T, (..., 3) mm: the centre at the segment's other end.
    side_marker
        S, (..., 3) mm: the point that gives the plane (THI, TIB ...).
    angle_rad
        Angle by which the plane through T, C and J stands away from the plane through T, C and S, seen along
        the axis from C to T: positive where the right-hand rule about C→T turns S's half-plane into J's. For
        zero, C lies in the plane of J, T and S.

    Returns
    -------
    FloatArray
        C, (..., 3) mm, with ‖C−J‖ = h and (T−C) ⟂ (J−C), on the side of J that is away from S. NaN where a
        point is missing, where h > ‖T−J‖ or h is not positive, where J, T and S lie on one line, and where no
        centre fulfils the angle (S nearly on the line T–C).

    Notes
    -----
    With X = T−J, E = unit(X × (X × (S−J))), l = h/‖X‖² the unrotated centre is J + X·l·h + E·h·√(1−h·l).
    The centres that fulfil the two conditions form a circle about X; the angle φ on it, from E towards
    unit(X × E), follows from the four-part formula of the spherical triangle that T sees between C, J and S:
    sin φ · cos β − cos φ · cos α · sin β = sin α · cot σ · sin β, with sin α = h/‖X‖, σ the angle between J
    and S, β = ``angle_rad``.
    """
    with np.errstate(all="ignore"):
        x = proximal - joint_marker
        length = norm(x)
        sin_alpha = offset_mm / length
        sin_alpha = np.where((sin_alpha > 0) & (sin_alpha <= 1), sin_alpha, np.nan)
        cos_alpha = np.sqrt(1.0 - sin_alpha**2)
        towards = x / length
        aside = normal(x, normal(x, side_marker - joint_marker))
        around = aside
        if angle_rad != 0.0:
            phi = _circle_angle(angle_rad, sin_alpha, cos_alpha, x, proximal - side_marker)
            around = aside * np.cos(phi) + np.cross(towards, aside) * np.sin(phi)
        return finite_or_nan(joint_marker + offset_mm * (towards * sin_alpha + around * cos_alpha))


def _circle_angle(
    angle_rad: float, sin_alpha: FloatArray, cos_alpha: FloatArray, to_joint: FloatArray, to_side: FloatArray
) -> FloatArray:
    """Angle φ (..., 1) rad on the circle of possible centres; see the notes of :func:`chord`."""
    cross_length = norm(np.cross(to_joint, to_side))
    cot_sigma = np.sum(to_joint * to_side, axis=-1, keepdims=True) / cross_length
    sin_beta, cos_beta = np.sin(angle_rad), np.cos(angle_rad)
    shift = np.arctan2(cos_alpha * sin_beta, cos_beta)
    ratio = sin_alpha * cot_sigma * sin_beta / np.hypot(cos_beta, cos_alpha * sin_beta)
    return np.asarray(shift + np.arcsin(ratio))


def pelvis_axes(
    left_asis: FloatArray, right_asis: FloatArray, mid_psis: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Origin and axes of the pelvis as Plug-in Gait defines them.

    Parameters
    ----------
    left_asis, right_asis, mid_psis
        (..., 3) mm: LASI, RASI, and the midpoint of LPSI and RPSI or the sacral marker SACR.

    Returns
    -------
    tuple of FloatArray
        Origin (mid-ASIS, mm) and the unit vectors x forward, y to the left, z up, each (..., 3).
    """
    origin = midpoint(left_asis, right_asis)
    left = unit(left_asis - right_asis)
    up = normal(origin - mid_psis, left)
    forward = np.cross(left, up)
    return origin, forward, left, up


def thorax_axes(
    c7: FloatArray, t10: FloatArray, clavicle: FloatArray, sternum: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Axes of the thorax by Plug-in Gait: unit vectors x forward, y to the left, z up, (..., 3)."""
    up = unit(midpoint(c7, clavicle) - midpoint(t10, sternum))
    left = normal(up, midpoint(clavicle, sternum) - midpoint(c7, t10))
    forward = np.cross(left, up)
    return forward, left, up
