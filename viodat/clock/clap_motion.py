"""Claps in the motion: when the hands close fast and stop at once, and where that is.

Before a clap the hands approach each other at one to three metres per second; at contact they lose that speed within
a few frames and then stay or bounce. Both leave a corner in the distance between the hands along the line on which
they close. The corner is found in the joints, which are whole where a marker is hidden between the palms, and timed
to a fraction of a frame in the markers, which nobody has smoothed. World frame, mm; seconds on the mocap clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.inputs import Motion
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HAND_JOINTS: Final = ("wrist", "index", "pinky")
"""Their mean is the middle of the palm; the thumb moves too much of its own."""

_CORNER_SPAN_S: Final = 0.03
"""The change of speed is taken between this long before and after: longer than a palm yields, shorter than a swing."""

_LEAST_STOP_MM_S: Final = 500.0
_LEAST_LIKELY: Final = 0.1
_APART_S: Final = 0.12
"""Nobody claps twice within this time."""

_LIKELY_STOP_MM_S: Final = (750.0, 120.0)
_LIKELY_REACH_MM: Final = (190.0, 20.0)
"""Where a closing is a clap as likely as not, and how fast that changes (logistic). Bows turn at 0.5 m/s at most within
the span above; palms that meet are 30 to 110 mm apart at their middles, up to 180 mm where a hand holds a bow."""

_FIT_S: Final = 0.05
_FIT_FRAMES: Final = 5
"""The corner is fitted in so many seconds, and at least frames, before and after."""

_SEARCH_S: Final = 0.02
_SEARCH_SIGMAS: Final = 2.5
_STEP_S: Final = 0.0005
"""It lies within so many seconds, and two frames, of the frame where most speed is lost."""

_WIDTHS_S: Final = (0.0005, 0.002, 0.004, 0.006, 0.009, 0.013, 0.018)
"""Half widths of the corner that are tried: how long the palms yield."""

_TOWARDS_LEAST: Final = 0.5
_LATEST: Final = 0.5
"""Sound comes while the air between the palms is driven out (Fu et al. 2025, Phys. Rev. Research 7), so between first
touch, before the middle of the corner, and least distance, after it; no curve of markers shows when. Contact is taken
half way from the middle to the least distance; that counts for half a half width at most, for hands that stay together
have no such moment."""

_PALM_S: Final = 0.001
_YIELD: Final = 0.15
"""How well contact is known by that, the same for all claps of a person: so much, and this share of the half width. It
is a judgement, not a measurement: palms yield for 5 to 15 ms, and nobody has measured violinists with markers."""

_NOISE_MM: Final = 0.4
_NOISE_DEGREES: Final = 4.0
"""What the fit leaves over beforehand, and for how many degrees of freedom that counts: it has few of its own."""

_NEAR_JOINT_MM: Final = 65.0
_RIGID_MM: Final = 8.0
_LOOKS: Final = 400
"""A palm's markers are near one of its joints and keep their distance from its middle, in so many frames."""


@dataclass(frozen=True, eq=False)
class MotionClap:
    """One closing of the hands.

    Attributes
    ----------
    time_s, sigma_s
        When they touch, s on the mocap clock, and the standard deviation of what differs from clap to clap.
    common_sigma_s
        Standard deviation of what is the same for all claps of a person: how palms yield.
    width_s
        Half the time in which they stop.
    stop_mm_s
        Closing speed that is lost there.
    apart_mm
        Distance between the middles of the hands.
    likely
        Probability that it is a clap and not another movement, as the speed and the distance tell it.
    place_mm
        (3,) mm, world: the middle between the hands.
    """

    time_s: float
    sigma_s: float
    common_sigma_s: float
    width_s: float
    stop_mm_s: float
    apart_mm: float
    likely: float
    place_mm: FloatArray


def hand_centres(joints_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the middle of the left and of the right hand.

    Parameters
    ----------
    joints_mm
        (..., 18, C), C coordinates in any unit; NaN where undetermined.

    Returns
    -------
    left, right : (..., C) array
        Mean of wrist, index and pinky, or of those of them that are known on both sides in at least half of all poses
        in which any is; NaN where one of these is missing.
    """
    sides = [[JOINT_INDEX[f"{side}_{part}"] for part in HAND_JOINTS] for side in ("left", "right")]
    both = joints_mm[..., sides[0], :] + joints_mm[..., sides[1], :]
    known = np.isfinite(both).all(axis=-1).reshape(-1, len(HAND_JOINTS))
    share = known.sum(axis=0)
    used = np.flatnonzero((share > 0) & (2 * share >= known.any(axis=1).sum()))
    if not len(used):
        nothing = np.full(both.shape[:-2] + both.shape[-1:], np.nan)
        return nothing, nothing
    left, right = (joints_mm[..., [side[k] for k in used.tolist()], :].mean(axis=-2) for side in sides)
    return left, right


def motion_claps(motion: Motion) -> tuple[MotionClap, ...]:
    """Find the claps of a trial, in the order of time.

    Parameters
    ----------
    motion
        What was recorded. Where no markers are on the hands, the joints are used for the time too.
    """
    if len(motion.joints_mm) < 3:
        return ()
    left, right = hand_centres(motion.joints_mm)
    gap = right - left
    apart = np.linalg.norm(gap, axis=1)
    candidates = _corners(apart, motion.rate_hz)
    if not len(candidates):
        return ()
    held = _palm_markers(motion, left, right)
    found: list[MotionClap] = []
    for frame, stop in candidates:
        likely = _logistic(stop, *_LIKELY_STOP_MM_S) * _logistic(
            -apart[frame], -_LIKELY_REACH_MM[0], _LIKELY_REACH_MM[1]
        )
        if likely < _LEAST_LIKELY:
            continue
        window = _window(frame, len(gap), motion.rate_hz)
        curve = _closing(window, frame, motion, gap, held)
        if curve is None:
            continue
        centre_s = motion.start_s + frame / motion.rate_hz
        timed = fit_corner(motion.start_s + window / motion.rate_hz - centre_s, curve)
        if timed is None:
            continue
        at, sigma, width = timed
        found.append(
            MotionClap(
                centre_s + at,
                sigma,
                float(np.hypot(_YIELD * width, _PALM_S)),
                width,
                stop,
                float(apart[frame]),
                float(likely),
                0.5 * (left[frame] + right[frame]),
            )
        )
    return tuple(found)


def _logistic(value: float, middle: float, scale: float) -> float:
    return float(1 / (1 + np.exp(-np.clip((value - middle) / scale, -50, 50))))


def _corners(apart: FloatArray, rate_hz: float) -> list[tuple[int, float]]:
    """Frames at which the hands' closing ends at once, and the speed that is lost, mm/s: the strongest around each."""
    h = max(1, round(_CORNER_SPAN_S * rate_hz))
    if len(apart) < 2 * h + 1:
        return []
    before = (apart[h:-h] - apart[: -2 * h]) * rate_hz / h
    after = (apart[2 * h :] - apart[h:-h]) * rate_hz / h
    # Only speed of closing that is lost counts: hands that part fast after having rested together have not clapped.
    stop = np.minimum(after - before, -2 * before)
    stop = np.where(np.isfinite(stop) & (before < 0), stop, -np.inf)
    found: list[tuple[int, float]] = []
    reach = max(1, round(_APART_S * rate_hz))
    for k in np.flatnonzero(stop >= _LEAST_STOP_MM_S).tolist():
        if stop[k] >= stop[max(0, k - reach) : k + reach + 1].max() and (not found or k + h - found[-1][0] > reach):
            found.append((k + h, float(stop[k])))
    return found


def _palm_markers(motion: Motion, left: FloatArray, right: FloatArray) -> tuple[list[str], list[str]]:
    """Labels of the markers that are fixed to the left and to the right palm."""
    looks = np.unique(np.linspace(0, len(left) - 1, min(_LOOKS, len(left))).astype(np.int64))
    joints = motion.joints_mm[looks]
    others = {*motion.violin, *motion.bow}
    labels = [label for label in motion.markers if label not in others]
    if not labels:
        return [], []
    markers = np.stack([motion.markers[label][looks] for label in labels], axis=1)
    held = []
    for side, centre in (("left", left), ("right", right)):
        at = joints[:, [JOINT_INDEX[f"{side}_{part}"] for part in HAND_JOINTS]]
        reach = _median(np.linalg.norm(markers[:, :, None] - at[:, None], axis=-1))
        near = np.where(np.isfinite(reach), reach, np.inf).min(axis=1) < _NEAR_JOINT_MM
        off = np.linalg.norm(markers - centre[looks][:, None], axis=-1)
        rigid = _median(np.abs(off - _median(off))) < _RIGID_MM
        held.append([label for label, fits in zip(labels, near & rigid, strict=True) if fits])
    return held[0], held[1]


def _median(values: FloatArray) -> FloatArray:
    """Median over the first axis of what is there, NaN where that is less than half."""
    there = np.isfinite(values).sum(axis=0)
    ordered = np.sort(values, axis=0)
    at = np.maximum(there - 1, 0)
    low, high = (np.take_along_axis(ordered, (k // 2)[None], axis=0)[0] for k in (at, at + 1))
    return np.where(2 * there >= len(values), 0.5 * (low + high), np.nan)


def _window(frame: int, frames: int, rate_hz: float) -> IntArray:
    half = max(round(_FIT_S * rate_hz), _FIT_FRAMES)
    return np.arange(max(0, frame - half), min(frames, frame + half + 1))


def _closing(
    window: IntArray, frame: int, motion: Motion, gap: FloatArray, held: tuple[list[str], list[str]]
) -> FloatArray | None:
    """(W,) mm, how far the hands are apart along the line on which they closed, but for a constant."""
    h = max(2, round(_CORNER_SPAN_S * motion.rate_hz))
    lost = gap[max(0, frame - h)] - gap[frame]
    length = float(np.linalg.norm(lost))
    if not np.isfinite(length) or length == 0:
        return None
    line = lost / length
    sides = [_along(window, [motion.markers[label] for label in labels], line) for labels in held]
    curve = gap[window] @ line if sides[0] is None or sides[1] is None else sides[1] - sides[0]
    return curve if np.isfinite(curve).all() else None


def _along(window: IntArray, markers: list[FloatArray], line: FloatArray) -> FloatArray | None:
    """(W,) mm, the median of the markers that are whole there: palms hide some, and gaps are filled smoothly."""
    places = [marker[window] @ line for marker in markers]
    whole = [place - place.mean() for place in places if np.isfinite(place).all()]
    return np.asarray(np.median(whole, axis=0), dtype=np.float64) if whole else None


def fit_corner(times_s: FloatArray, curve_mm: FloatArray) -> tuple[float, float, float] | None:
    """Time the corner of a curve.

    The curve is taken for two parabolas that meet in a hyperbola,
    ``a + b τ + c s + d τ² + e τ s`` with ``τ = t - corner`` and ``s = sqrt(τ² + width²)``, with Gaussian errors of
    unknown size. Corner and width lie on a grid, the corner normal around zero beforehand; the rest is linear, and the
    result is the mean over that posterior.

    Parameters
    ----------
    times_s, curve_mm
        (W,) s, near zero, and (W,) mm, finite.

    Returns
    -------
    contact_s, sigma_s, width_s : float or None
        When the palms touch (see ``_TOWARDS_LEAST``), its standard deviation, and the half width. None where there
        are too few frames.
    """
    if len(times_s) < 7:
        return None
    reach = max(_SEARCH_S, 2 * float(np.median(np.diff(times_s))))
    corners = np.arange(-reach, reach + _STEP_S / 2, _STEP_S)
    widths = np.asarray(_WIDTHS_S)
    tau = times_s - corners[:, None, None]
    smooth = np.sqrt(np.square(tau) + np.square(widths)[:, None])
    tau = np.broadcast_to(tau, smooth.shape)
    scale = max(abs(float(times_s[0])), abs(float(times_s[-1])))
    columns = np.stack(
        [np.ones_like(tau), tau / scale, smooth / scale, (tau / scale) ** 2, tau * smooth / scale**2], -1
    )
    base, upper = np.linalg.qr(columns)
    along = np.einsum("...wk,w->...k", base, curve_mm)
    left_over = np.maximum(np.square(curve_mm).sum() - np.square(along).sum(axis=-1), 0.0)
    degrees = len(times_s) - 7
    variance = (left_over.min() + _NOISE_DEGREES * _NOISE_MM**2) / (degrees + _NOISE_DEGREES)
    cost = 0.5 * (left_over - left_over.min()) / variance + 0.5 * np.square(corners * _SEARCH_SIGMAS / reach)[:, None]
    weight = np.exp(cost.min() - cost)
    weight /= weight.sum()
    linear = np.linalg.solve(upper, along[..., None])[..., 0]
    # The hyperbola b τ + c s is least where τ / s = -b / c.
    lean = np.clip(-linear[..., 1] / np.where(linear[..., 2] > 0, linear[..., 2], np.inf), -0.99, 0.99)
    least = np.clip(lean / np.sqrt(1 - lean**2), -_LATEST, _LATEST)
    place = corners[:, None] + _TOWARDS_LEAST * widths * least
    contact = float((weight * place).sum())
    spread = float((weight * np.square(place - contact)).sum())
    return contact, float(np.sqrt(spread)), float(weight.sum(axis=0) @ widths)
