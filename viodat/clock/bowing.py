"""What the bow does, read off the markers: how fast it moves along itself, if it is on a string, and where that is.

With markers on violin and bow the bow's line is followed in the violin's own frame; the point that the lines pass
nearest to is where bow and strings meet. Without them the right hand stands for the bow, seen from the left shoulder,
which carries the violin; then nothing tells when the bow is lifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d, percentile_filter
from scipy.signal import savgol_filter

from viodat.body.rigid_motion import cluster_motion, common_shape
from viodat.clock.inputs import Motion
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]

_SMOOTHED_FRAMES: Final = 5
_NEAR_MM: Final = 25.0
"""From the meeting point to a bow that plays: strings and contact points lie some 15 mm about their middle."""
_LIFTED_MM: Final = 1.8
"""Spiccato leaves the string by some millimetres; markers tell tenths."""
_TOUCHES, _NOISE_MM = 0.15, 0.15
_JUST_S: Final = 1.0
_ROBUST_MM: Final = 8.0
_ROUNDS: Final = 25
_STARTS, _PER_START = 60, 8
_ON_STRING_SHARE: Final = 40.0
"""Percentile of the lines' distances by which starts are compared: bows are on the string for that share at least."""
_LONGEST_GAP_S: Final = 0.2
_LEAST_FRAMES: Final = 50
_SHORTEST_MM: Final = 150.0
"""Two markers closer than this do not say where a bow points."""


@dataclass(frozen=True, eq=False)
class Bowing:
    """The bow through a trial.

    Attributes
    ----------
    start_s, rate_hz
        Of the motion.
    speed_mm_s
        (T,) along the bow, relative to the violin; its sign is that of the stroke.
    on_string
        (T,) from 0 (away) to 1 (near the strings); 1 throughout where nothing tells.
    bouncing
        (T,) as ``on_string``, and 0 also where a bow that stays near has left the string for a moment; None where
        nothing tells. It is read off some millimetres of height, so it errs where strings change.
    tilt_rad
        (T,) by how much its tip stands higher than its frog against how it usually does, in the violin's frame: upwards
        for the higher strings. None where nothing tells.
    known
        (T,) whether the markers determine it.
    place_mm
        (3,) mm, world: where bow and strings meet, on average.
    from_markers
        Whether violin and bow themselves were seen.
    """

    start_s: float
    rate_hz: float
    speed_mm_s: FloatArray
    on_string: FloatArray
    bouncing: FloatArray | None
    tilt_rad: FloatArray | None
    known: NDArray[np.bool_]
    place_mm: FloatArray
    from_markers: bool

    @property
    def lifted(self) -> float:
        """Share of the way near the strings that the bow makes off them, 0 to 1: what spiccato has and legato lacks."""
        if self.bouncing is None:
            return 0.0
        way = np.abs(self.speed_mm_s) * self.known
        near = float((way * self.on_string).sum())
        return float((way * (self.on_string - self.bouncing)).sum() / near) if near > 0 else 0.0


def bowing_of(motion: Motion) -> Bowing | None:
    """Read the bow off a trial's motion; None where neither markers nor joints show it."""
    return _from_markers(motion) or _from_joints(motion)


def violin_frame(motion: Motion) -> tuple[FloatArray, FloatArray] | None:
    """Give the violin's (T, 3, 3) axes and (T, 3) mm origin in the world, NaN where undetermined.

    From three markers on it or more; with two, the line between them and the vertical; None with fewer.
    """
    points = [motion.markers[label] for label in motion.violin]
    if len(points) >= 3:
        cluster = np.stack(points, axis=1)
        if len(cluster) < _LEAST_FRAMES:
            return None
        share = np.isfinite(cluster).all(axis=2).mean(axis=0)
        # A marker that fell off is not waited for where the others suffice.
        cluster = cluster[:, share >= 0.5 * np.sort(share)[-3]]
        whole = np.flatnonzero(np.isfinite(cluster).all(axis=(1, 2)))
        if len(whole) < _LEAST_FRAMES:
            return None
        moved = cluster_motion(cluster, common_shape(cluster, cluster[whole[len(whole) // 2]], rounds=3))
        return moved.rotation, moved.translation
    if len(points) == 2:
        along = points[1] - points[0]
        x = along / np.linalg.norm(along, axis=1, keepdims=True)
        y = np.cross([0.0, 0.0, 1.0], x)
        y /= np.linalg.norm(y, axis=1, keepdims=True)
        return np.stack([x, y, np.cross(x, y)], axis=-1), (points[0] + points[1]) / 2
    return None


def _from_markers(motion: Motion) -> Bowing | None:
    frame = violin_frame(motion)
    line = _bow_line(motion)
    if frame is None or line is None:
        return None
    axes, origin = frame
    point = np.einsum("tji,tj->ti", axes, line[0] - origin)
    along = np.einsum("tji,tj->ti", axes, line[1])
    known = np.isfinite(point).all(axis=1) & np.isfinite(along).all(axis=1)
    if known.sum() < _LEAST_FRAMES:
        return None
    known = _short_gaps_filled(np.asarray(known), motion.rate_hz)
    point, along = through_gaps(point), through_gaps(along)
    place, distance = _meeting_point(point, along)
    speed = np.einsum("ti,ti->t", _rate(point, motion.rate_hz), along)
    world = np.einsum("tij,j->ti", axes, place) + origin
    near = 1 / (1 + (distance / _NEAR_MM) ** 8)
    up = through_gaps(axes[:, 2])
    lift = _lift_mm(point, along, place, up, near > 0.5, motion.rate_hz)
    towards_tip = _towards_tip(motion, line)
    return Bowing(
        motion.start_s,
        motion.rate_hz,
        speed,
        near,
        near / (1 + (np.maximum(lift, 0.0) / _LIFTED_MM) ** 4),
        _tilt_rad(along * towards_tip, np.nanmean(axes[:, 2], axis=0), known) if towards_tip else None,
        known,
        np.nanmean(world, axis=0),
        from_markers=True,
    )


def _from_joints(motion: Motion) -> Bowing | None:
    parts = [motion.joints_mm[:, JOINT_INDEX[f"right_{name}"]] for name in ("wrist", "index", "pinky", "thumb")]
    seen = [part for part in parts if np.isfinite(part).all(axis=1).sum() >= _LEAST_FRAMES]
    held = motion.joints_mm[:, JOINT_INDEX["left_shoulder"]]
    if not seen:
        return None
    # A finger that is lost for a moment must not make the hand jump: each goes straight through its gaps.
    hand = np.mean([through_gaps(part) for part in seen], axis=0)
    lost = ~np.any([np.isfinite(part).all(axis=1) for part in seen], axis=0)
    hand[lost] = np.nan
    relative = hand - held
    known = np.isfinite(relative).all(axis=1)
    if known.sum() < _LEAST_FRAMES:
        return None
    velocity = _rate(through_gaps(relative), motion.rate_hz)
    main = np.linalg.svd(velocity[known] - velocity[known].mean(axis=0), full_matrices=False)[2][0]
    left = motion.joints_mm[:, JOINT_INDEX["left_wrist"]]
    seen_left = np.isfinite(left).all(axis=1)
    # The bow meets the strings about half way between the left shoulder and the left hand.
    place = np.nanmean(held, axis=0)
    place = (place + left[seen_left].mean(axis=0)) / 2 if seen_left.any() else place
    return Bowing(
        motion.start_s,
        motion.rate_hz,
        velocity @ main,
        np.ones(len(velocity)),
        None,
        None,
        _short_gaps_filled(np.asarray(known), motion.rate_hz),
        place,
        from_markers=False,
    )


def _bow_line(motion: Motion) -> tuple[FloatArray, FloatArray] | None:
    """(T, 3) mm a point of the bow, and (T, 3) its direction, world: between its two markers farthest apart."""
    points = [motion.markers[label] for label in motion.bow]
    ends = []
    for i, j in combinations(range(len(points)), 2):
        distance = np.linalg.norm(points[j] - points[i], axis=1)
        seen = int(np.isfinite(distance).sum())
        if seen:
            ends.append((seen, float(np.nanmedian(distance)), i, j))
    # A marker that fell off is not waited for where the others suffice.
    often = 0.5 * max((seen for seen, *_ in ends), default=0)
    ends = [end for end in ends if end[0] >= often]
    if not ends:
        return None
    _, length, i, j = max(ends, key=lambda end: end[1])
    if length < _SHORTEST_MM:
        return None
    along = points[j] - points[i]
    return (points[i] + points[j]) / 2, along / np.linalg.norm(along, axis=1, keepdims=True)


def _towards_tip(motion: Motion, line: tuple[FloatArray, FloatArray]) -> float:
    """1 where the bow's direction runs from the hand that holds it to the tip, -1 where it runs back, 0 unknown."""
    point, along = line
    found = (np.inf, 0.0)
    for side in ("left", "right"):
        away = motion.joints_mm[:, JOINT_INDEX[f"{side}_wrist"]] - point
        seen = np.isfinite(away).all(axis=1) & np.isfinite(along).all(axis=1)
        if seen.sum() >= _LEAST_FRAMES:
            beyond = float(np.median(np.einsum("ti,ti->t", away[seen], along[seen])))
            found = min(found, (float(np.median(np.linalg.norm(away[seen], axis=1))), -float(np.sign(beyond))))
    return found[1]


def _tilt_rad(along: FloatArray, up: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """(T,) rad: the angle of directions (T, 3) towards ``up`` (3,), across their mean."""
    mean = along[known].mean(axis=0)
    mean /= np.linalg.norm(mean)
    across = up - up @ mean * mean
    return np.asarray(np.arcsin(np.clip(along @ across / np.linalg.norm(across), -1.0, 1.0)))


def _meeting_point(point: FloatArray, along: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(3,) mm the point that most lines pass near, and (T,) mm their distances from it."""
    across = np.eye(3) - np.einsum("ti,tj->tij", along, along)
    pulled = np.einsum("tij,tj->ti", across, point)

    def nearest(weights: FloatArray) -> FloatArray:
        system = np.tensordot(weights, across, axes=1)
        # A bow that never tilts leaves the place along itself open: it stays near the bow's middle.
        ease = 1e-6 * weights.sum()
        return np.linalg.solve(system + ease * np.eye(3), weights @ pulled + ease * (weights @ point) / weights.sum())

    def distances(place: FloatArray) -> FloatArray:
        return np.asarray(np.linalg.norm(np.einsum("tij,tj->ti", across, point - place), axis=1))

    rng = np.random.default_rng(0)
    best: tuple[float, FloatArray] | None = None
    for _ in range(_STARTS):
        drawn = np.bincount(rng.integers(0, len(point), _PER_START), minlength=len(point)).astype(np.float64)
        place = nearest(drawn)
        near = float(np.percentile(distances(place), _ON_STRING_SHARE))
        if best is None or near < best[0]:
            best = near, place
    assert best is not None
    place = best[1]
    for _ in range(_ROUNDS):
        place = nearest(1 / (1 + (distances(place) / _ROBUST_MM) ** 2) ** 2)
    return place, distances(place)


def _lift_mm(
    point: FloatArray, along: FloatArray, place: FloatArray, up: FloatArray, near: NDArray[np.bool_], rate_hz: float
) -> FloatArray:
    """(T,) mm how high the bow is over where it would touch a string.

    Height is what is vertical across the bow. Where the strings are follows from the bow's tilt (a curve below most of
    the heights, by quantile regression; Koenker and Bassett 1978), and from how low it has just been.
    """
    normal = up - np.einsum("ti,ti->t", up, along)[:, None] * along
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    closest = point + np.einsum("ti,ti->t", place - point, along)[:, None] * along - place
    height = np.einsum("ti,ti->t", closest, normal)
    tilt = np.einsum("ti,ti->t", along, up)
    if near.sum() < _LEAST_FRAMES:
        return np.zeros(len(height))
    mean, spread = tilt[near].mean(), tilt[near].std() + 1e-6
    powers = np.vander(np.clip((tilt - mean) / spread, -3.0, 3.0), 4)
    design, wanted = powers[near], height[near]
    strings = np.linalg.lstsq(design, wanted, rcond=None)[0]
    for _ in range(_ROUNDS):
        missed = wanted - design @ strings
        weights = np.where(missed < 0, 1 - _TOUCHES, _TOUCHES) / np.maximum(np.abs(missed), _NOISE_MM)
        strings = np.linalg.solve(
            design.T @ (design * weights[:, None]) + 1e-9 * np.eye(4), design.T @ (weights * wanted)
        )
    over = height - powers @ strings
    size = 2 * round(_JUST_S * rate_hz / 2) + 1
    low = percentile_filter(np.where(near, over, np.median(over[near])), 30, size=size)
    return np.asarray(over - gaussian_filter1d(low, _JUST_S / 5 * rate_hz))


def _rate(values: FloatArray, rate_hz: float) -> FloatArray:
    return np.asarray(savgol_filter(values, _SMOOTHED_FRAMES, 2, deriv=1, delta=1 / rate_hz, axis=0))


def through_gaps(values: FloatArray) -> FloatArray:
    """(T, K) with straight lines through gaps; where it is known at all must be told otherwise."""
    frames = np.arange(len(values))
    known = np.isfinite(values).all(axis=1)
    return np.stack([np.interp(frames, frames[known], column[known]) for column in values.T], axis=1)


def _short_gaps_filled(known: NDArray[np.bool_], rate_hz: float) -> NDArray[np.bool_]:
    size = 2 * round(_LONGEST_GAP_S * rate_hz / 2) + 1
    return np.asarray(minimum_filter1d(maximum_filter1d(known, size), size) | known)
