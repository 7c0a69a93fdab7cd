"""Claps in the picture: where the hands close in a video as they close in the motion.

From the left to the right hand leads a vector. Around the motion's claps it is projected into the camera and compared
with the detected one as a function of the lag; of a camera that is not calibrated its length alone is known, in units
of the torso. Detections jitter, wander, and lie beside the joints by something constant: both series go through the
filter that whitens the detected one, so that chance agreement is that of white noise, and the constant is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.clap_motion import MotionClap, hand_centres
from viodat.clock.inputs import Motion, Picture
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Span = tuple[float, float]

_AROUND_S: Final = 0.35
"""So much before and after a clap is compared: the hands' coming and going, not the playing."""

_GRID_S: Final = 0.004
_COARSE: Final = 4
_WORTH: Final = 12.0
"""Every fourth lag is tried, and those between where that comes within a factor of exp(12) of the best."""

_TEMPLATE_S: Final = 0.002
_ORDER: Final = 2
_LONGEST_S: Final = 0.2
_LEAST_FRAMES: Final = 8
_CHUNK: Final = 4096

_SCALE: Final = (1.0, 0.3)
_SCALE_UNCALIBRATED: Final = (0.7, 0.4)
"""How large the detected movement is against the projected one, mean and standard deviation: a camera that is not
calibrated sees it foreshortened."""

_INDEPENDENT: Final = 0.35
"""How much a frame counts as a sample of its own: a detector's errors last longer than the hands' movements, for which
the filter is made. Measured on simulated detections, so that sigma holds."""

_MISS: Final = 0.05
_MISS_WEAK: Final = 0.65
_WEAK: Final = 9.0
"""The right lag is missed with the first probability, and with the second more by a camera in which the whitened
movement has less power than the last, in units of the noise: the hands close along its line of sight. Measured."""

_DEGREES: Final = 10.0
"""The noise of the whole video counts for so many frames beside that around the claps."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """How well the hands in a video agree with the motion's around its claps.

    Attributes
    ----------
    lag_s
        (L,) s, evenly spaced: mocap time minus time on the device's clock.
    log_likelihood
        (L, K) natural logarithm, by clap, against hands that have nothing to do with these; their sum is that of all.
    miss
        Probability that the right lag is none of the curve's peaks: the camera hardly sees the hands close.
    row
        Where the hands are in the picture, from -0.5 at its first row to 0.5 at its last; NaN where that is unknown.
    """

    lag_s: FloatArray
    log_likelihood: FloatArray
    miss: float
    row: float


@dataclass(frozen=True, eq=False)
class _Template:
    """What the hands do around claps: (T, C) every ``_TEMPLATE_S`` from ``start_s``, to compare within ``span``."""

    span: Span
    start_s: float
    values: FloatArray


@dataclass(frozen=True, eq=False)
class _Seen:
    """Whitened detections (N, C), NaN where unknown, at the stamps (N,).

    ``white[k] = (detected[k] - filters[0] detected[k - 1] - ...) / spread`` by component; filters (_ORDER, C).
    """

    times_s: FloatArray
    white: FloatArray
    filters: FloatArray
    spread: FloatArray


def likeness(picture: Picture, motion: Motion, claps: tuple[MotionClap, ...]) -> Likeness | None:
    """Compare the hands in a video with those of the motion, around the motion's claps.

    Parameters
    ----------
    picture
        Detected keypoints, with a camera or without.
    motion, claps
        The motion and its claps.

    Returns
    -------
    Likeness or None
        None where there is no clap, or the video does not show both hands in enough frames.
    """
    if not claps or len(picture.times_s) < 4 * _LEAST_FRAMES:
        return None
    seen = _whitened(picture.times_s, _detected(picture))
    if seen is None:
        return None
    spans = _spans(claps)
    templates = [_template(span, motion, picture) for span in spans]
    prior = _SCALE if picture.camera is not None else _SCALE_UNCALIBRATED
    low = claps[0].time_s - float(picture.times_s[-1])
    high = claps[-1].time_s - float(picture.times_s[0])
    lag: FloatArray = low + _GRID_S * np.arange(int((high - low) / _GRID_S) + 1, dtype=np.float64)
    coarse = np.arange(0, len(lag), _COARSE)
    values = _by_clap(lag[coarse], seen, templates, prior)
    total = values.sum(axis=1)
    near = np.repeat(total > total.max() - _WORTH, _COARSE)[: len(lag)]
    for shift in (_COARSE, -_COARSE):
        near |= np.roll(near, shift)
    curves = np.stack([np.interp(lag, lag[coarse], column) for column in values.T], axis=1)
    curves[near] = _by_clap(lag[near], seen, templates, prior)
    best = lag[[int(np.argmax(curves.sum(axis=1)))]]
    power = sum(float(_sums(best, seen, template)[3, 0]) for template in templates)
    return Likeness(lag, curves, _MISS + _MISS_WEAK / (1 + (power / _WEAK) ** 4), _row(picture, claps))


def _spans(claps: tuple[MotionClap, ...]) -> list[Span]:
    """Give the stretch of mocap time around each clap; between two of them it ends in the middle."""
    at = [clap.time_s for clap in claps]
    middles = [0.5 * (one + other) for one, other in pairwise(at)]
    starts = [max(t - _AROUND_S, middle) for t, middle in zip(at, [-np.inf, *middles], strict=True)]
    ends = [min(t + _AROUND_S, middle) for t, middle in zip(at, [*middles, np.inf], strict=True)]
    return list(zip(starts, ends, strict=True))


def _detected(picture: Picture) -> FloatArray:
    """(N, C): from the left to the right hand, px; without a camera its length in units of the torso, C = 1."""
    left, right = hand_centres(np.asarray(picture.px, dtype=np.float64))
    if picture.camera is not None:
        return right - left
    return np.asarray(np.linalg.norm(right - left, axis=1)[:, None] / _size(picture.px), dtype=np.float64)


def _size(poses: FloatArray) -> float:
    """Median length of the torso, from the middle of the hips to that of the shoulders; NaN where it is never seen."""
    at = [poses[:, JOINT_INDEX[f"{side}_{part}"]] for part in ("shoulder", "pelvis") for side in ("left", "right")]
    length = np.linalg.norm(0.5 * (at[0] + at[1]) - 0.5 * (at[2] + at[3]), axis=-1)
    known = length[np.isfinite(length)]
    return float(np.median(known)) if len(known) else float("nan")


def _template(span: Span, motion: Motion, picture: Picture) -> _Template:
    longest = float(np.max(np.diff(picture.times_s)))
    start = span[0] - _ORDER * min(longest, _LONGEST_S)
    times = np.arange(start, span[1] + _TEMPLATE_S, _TEMPLATE_S)
    poses = motion.joints_at(times)
    left, right = hand_centres(poses)
    if picture.camera is not None:
        return _Template(span, start, picture.camera.project(right) - picture.camera.project(left))
    return _Template(span, start, np.linalg.norm(right - left, axis=1)[:, None] / _size(poses))


def _whitened(times_s: FloatArray, detected: FloatArray) -> _Seen | None:
    """Fit an autoregression to each component and keep what it does not foretell, in units of its usual size."""
    components = detected.shape[1]
    white = np.full(detected.shape, np.nan)
    filters, spread = np.zeros((_ORDER, components)), np.zeros(components)
    for c in range(components):
        series = detected[:, c]
        past = np.stack([series[_ORDER - 1 - k : len(series) - 1 - k] for k in range(_ORDER)], axis=1)
        known = np.isfinite(past).all(axis=1) & np.isfinite(series[_ORDER:])
        if known.sum() < 4 * _LEAST_FRAMES:
            return None
        middle = float(np.median(series[np.isfinite(series)]))
        filters[:, c] = np.linalg.lstsq(past[known] - middle, series[_ORDER:][known] - middle, rcond=None)[0]
        rest = series[_ORDER:] - past @ filters[:, c]
        spread[c] = 1.4826 * float(np.median(np.abs(rest[known] - np.median(rest[known]))))
        if spread[c] <= 0:
            return None
        white[_ORDER:, c] = rest / spread[c]
    return _Seen(times_s, white, filters, spread)


def _by_clap(lag_s: FloatArray, seen: _Seen, templates: list[_Template], prior: tuple[float, float]) -> FloatArray:
    """(L, K) log likelihood against no relation, by lag and clap.

    With the sums e·e, e·f, f·f of whitened detections e and whitened template f over the frames around a clap:
    e = scale f + noise, where the scale is normal beforehand, and the noise's variance is that of the frames at hand
    and, for ``_DEGREES`` more, that of the whole video. Both are taken where they are likeliest.
    """
    out = np.zeros((len(lag_s), len(templates)))
    mean, tight = prior[0], 1 / prior[1] ** 2
    for k, template in enumerate(templates):
        for start in range(0, len(lag_s), _CHUNK):
            n, ee, ef, ff = _sums(lag_s[start : start + _CHUNK], seen, template)
            scale = (ef + tight * mean) / (ff + tight)
            rest = np.maximum(ee - 2 * scale * ef + scale**2 * ff, 0.0) + tight * np.square(scale - mean)
            better = -0.5 * (n + _DEGREES) * np.log((rest + _DEGREES) / (ee + _DEGREES)) - 0.5 * np.log1p(ff / tight)
            out[start : start + _CHUNK, k] = np.where(n >= _LEAST_FRAMES, _INDEPENDENT * better, 0.0)
    return out


def _sums(lags: FloatArray, seen: _Seen, template: _Template) -> FloatArray:
    """(4, L): numbers that count, e·e, e·f and f·f of the frames that fall around one clap, by lag."""
    times = seen.times_s
    low, high = template.span
    first = np.searchsorted(times, low - lags)
    most = int((np.searchsorted(times, high - lags) - first).max(initial=0))
    if most < 1:
        return np.zeros((4, len(lags)))
    at = first[:, None] + np.arange(-_ORDER, most)
    inside = (at >= 0) & (at < len(times))
    at = np.clip(at, 0, len(times) - 1)
    place = (times[at] + lags[:, None] - template.start_s) / _TEMPLATE_S
    place = np.clip(place, 0, len(template.values) - 1.001)
    before = place.astype(np.int64)
    share = place - before
    used = inside[:, _ORDER:] & (times[at[:, _ORDER:]] + lags[:, None] <= high)
    out = np.zeros((4, len(lags)))
    for c in range(seen.white.shape[1]):
        values = template.values[:, c]
        foreseen = values[before] * (1 - share) + values[before + 1] * share
        f = foreseen[:, _ORDER:].copy()
        for k in range(_ORDER):
            f -= seen.filters[k, c] * foreseen[:, _ORDER - 1 - k : foreseen.shape[1] - 1 - k]
        f /= seen.spread[c]
        e = seen.white[at[:, _ORDER:], c]
        known = used & np.isfinite(e) & np.isfinite(f)
        count = known.sum(axis=1)
        each = np.maximum(count, 1)
        e, f = np.where(known, e, 0.0), np.where(known, f, 0.0)
        # The landmark lies beside the joint by something constant, which the filter leaves constant.
        sum_e, sum_f = e.sum(axis=1), f.sum(axis=1)
        out[0] += np.maximum(count - 1, 0)
        out[1] += np.square(e).sum(axis=1) - sum_e**2 / each
        out[2] += (e * f).sum(axis=1) - sum_e * sum_f / each
        out[3] += np.square(f).sum(axis=1) - sum_f**2 / each
    return out


def _row(picture: Picture, claps: tuple[MotionClap, ...]) -> float:
    if picture.camera is None:
        return float("nan")
    rows = picture.camera.project(np.stack([clap.place_mm for clap in claps]))[:, 1]
    height = picture.camera.size_px[1]
    known = rows[np.isfinite(rows)]
    return float(np.mean(known) + 0.5) / height - 0.5 if len(known) else float("nan")
