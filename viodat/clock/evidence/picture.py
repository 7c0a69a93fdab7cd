"""Pictures: detected keypoints against the projected joints, as a function of the offset.

A detector sees a joint some pixels from where it is, and that error changes slowly, so what is compared is how far a
keypoint moves from frame to frame: constant offsets and slow drifts fall out. At the right lag the projection's step
leaves only jitter of the step detected. Of each coordinate that gives ``n / 2 log(variance of the steps / variance of
what is left)``, the Gaussian log likelihood against no relation with the noise free; the bow arm weighs most by itself.
Steps that no body makes (left taken for right) are clipped.

Detectors also guess, or leave a hidden finger where it was. So a landmark follows its joint with a probability p only,
and else says nothing of the lag: ``log(1 - p + p exp(g))``, where g is what it gains if it follows. This holds twice,
for a recording and, in one that it follows in, for a window of some seconds. Without it, a landmark that stands still
would speak against the right lag as loudly as a moving one speaks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from viodat.body.interpolate import at_times
from viodat.clock.inputs import Device, Motion, Picture, TrialEvidence
from viodat.clock.observations import MOTION, Curve, Hypothesis, Observation, Stream, Windows
from viodat.clock.peaks import hypotheses_of

FloatArray = NDArray[np.float64]

_GRID_HZ: Final = 30.0
_FINE_S: Final = 0.004
_REACH_S: Final = 0.06
_INSIDE: Final = 0.6
_CANDIDATES: Final = 3
_CLIPPED: Final = 4.0
_DENSE_HZ: Final = 400.0
_MOVES: Final = 0.5
_LONGEST_STEP_S: Final = 0.15
_LEAST_STEPS: Final = 30
_LEAST_OVERLAP: Final = 0.3
_WINDOW_S: Final = 5.0
_LEAST_WINDOWS: Final = 3
"""Each of a second at least."""
_TELLS_NOTHING: Final = 2.0
_INFORMATION: Final = 0.1
"""Landmarks of one hand err together, and for longer than a frame; measured."""
_DOUBTFUL_S, _SURE = 0.01, 3.0
"""Where a picture hardly fits, it errs by more than its noise: by so much where its log odds are 0; measured."""
_LANDMARKS_SIGMA_S: Final = 0.0035
"""A landmark is not the joint: what turns about it moves before or after it."""
_FOLLOWS: Final = 0.8
_FOLLOWS_NOW: Final = 0.95
"""Probability that a landmark follows its joint in a recording at all; and then, in a window. A judgement: simulated
detections always follow, and lose little by it."""
_MISS: Final = 0.05


def picture(trial: TrialEvidence) -> Iterator[Observation]:
    """Compare each calibrated camera's keypoints with the projected joints."""
    if trial.motion is None or len(trial.motion.joints_mm) < _LEAST_STEPS:
        return
    for device in trial.watching:
        assert device.picture is not None
        if device.picture.camera is not None:
            observation = _observe(trial.motion, device, device.picture)
            if observation is not None:
                yield observation


def _observe(motion: Motion, device: Device, seen: Picture) -> Observation | None:
    assert seen.camera is not None
    if len(seen.times_s) < _LEAST_STEPS:
        return None
    projected, detected = seen.camera.project(motion.joints_mm), seen.trusted_px
    usable = (_frames(detected) > _LEAST_STEPS) & (_frames(projected) > _LEAST_STEPS)
    if not usable.any():
        return None
    detected, projected = detected[:, usable], projected[:, usable]
    coarse = _coarse(seen.times_s, detected, projected, motion)
    if coarse is None:
        return None
    lags, likelihood = coarse
    span = float(np.ptp(lags))
    steps = _Steps(seen.times_s, detected, projected, motion)
    found: list[tuple[Hypothesis, float]] = []
    for lag in _tops(lags, likelihood):
        near = lag + np.arange(-_REACH_S, _REACH_S + _FINE_S / 2, _FINE_S)
        gained = steps.likelihood(near)
        own = hypotheses_of(near, gained.sum(axis=0), most=1, common_sigma_s=_LANDMARKS_SIGMA_S)
        if own and all(abs(own[0].lag_s - other.lag_s) > _REACH_S for other, _ in found):
            # The peak was looked for in the whole range, not only near it.
            wide = np.log(span / float(np.ptp(near)))
            alike = float(gained[:, int(np.argmin(np.abs(near - own[0].lag_s)))].max())
            odds = own[0].log_odds - wide - alike
            doubtful = _DOUBTFUL_S * float(np.clip(1 - odds / _SURE, 0.0, 1.0))
            found.append((Hypothesis(own[0].lag_s, float(np.hypot(own[0].sigma_s, doubtful)), odds), lag))
    hypotheses = tuple(sorted((one for one, _ in found), key=lambda one: -one.log_odds))
    stream = Stream(device.name, "picture")
    curve = Curve(lags, likelihood)
    middle = float(np.mean(seen.times_s[[0, -1]]))
    if not hypotheses:
        return Observation("picture", stream, MOTION, (), middle, span, _MISS, curve=curve)
    best = hypotheses[0].lag_s
    first, last = motion.times_s[0] - best, motion.times_s[-1] - best
    middle = 0.5 * float(max(seen.times_s[0], first) + min(seen.times_s[-1], last))
    return Observation(
        "picture", stream, MOTION, hypotheses, middle, span, _MISS, _LANDMARKS_SIGMA_S, steps.windows(best), curve
    )


def _frames(points: FloatArray) -> NDArray[np.int64]:
    """(J,) in how many frames each of (N, J, 2) points is known."""
    return np.asarray(np.isfinite(points).all(axis=2).sum(axis=0))


def _tops(lags: FloatArray, likelihood: FloatArray) -> list[float]:
    order = np.argsort(-likelihood, kind="stable")
    kept: list[float] = []
    for k in order[: 50 * _CANDIDATES].tolist():
        if likelihood[k] > 0 and all(abs(lags[k] - other) > _REACH_S for other in kept):
            kept.append(float(lags[k]))
        if len(kept) == _CANDIDATES:
            break
    return kept


def _coarse(
    times_s: FloatArray, detected: FloatArray, projected: FloatArray, motion: Motion
) -> tuple[FloatArray, FloatArray] | None:
    """(L,) lags at the grid's step over all overlaps, and (L,) log likelihood; all that overlaps is one window."""
    if times_s[-1] - times_s[0] < _LEAST_STEPS / _GRID_HZ:
        return None
    at = np.arange(times_s[0], times_s[-1], 1 / _GRID_HZ)
    seen = np.diff(_on_grid(times_s, detected, at), axis=0)
    moved_at = np.arange(0.0, motion.seconds, 1 / _GRID_HZ)
    moved = np.diff(at_times(projected, 0.0, motion.rate_hz, moved_at), axis=0)
    seen = _clipped(seen, moved)
    size = len(seen) + len(moved) - 1
    padded = next_fast_len(size, real=True)
    total = np.zeros(size)

    def sums(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.asarray(irfft(rfft(a, padded) * rfft(b[::-1], padded), padded)[:size])

    def gain(y: FloatArray, s: FloatArray) -> FloatArray:
        with_y, with_s = np.isfinite(y).astype(np.float64), np.isfinite(s).astype(np.float64)
        y, s = np.nan_to_num(y), np.nan_to_num(s)
        n = sums(with_s, with_y)
        yy, ss, sy = sums(with_s, y * y), sums(s * s, with_y), sums(s, y)
        enough = n > _LEAST_OVERLAP * min(with_y.sum(), with_s.sum())
        return np.where(enough, _gain(n, yy, yy + ss - 2 * sy), 0.0)

    for landmark in range(seen.shape[1]):
        x, y = (gain(seen[:, landmark, c], moved[:, landmark, c]) for c in range(2))
        total += _unless_idle(_INFORMATION * (x + y), _FOLLOWS)
    lags = np.arange(-(len(seen) - 1), len(moved)) / _GRID_HZ + motion.start_s - at[0]
    return lags, total


def _gain(n: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Log likelihood of n steps whose sum of squares a prediction brings from ``before`` to ``after``."""
    n = np.maximum(n, 1.0)
    return np.asarray(0.5 * n * np.log(np.maximum(before / n, 1e-6) / np.maximum(after / n, 0.02 * before / n + 1e-6)))


def _unless_idle(gain: FloatArray, follows: float) -> FloatArray:
    """Log likelihood of a landmark that gains so much if it follows its joint, and else says nothing."""
    return np.asarray(np.logaddexp(np.log1p(-follows), np.log(follows) + gain))


def _on_grid(times_s: FloatArray, points: FloatArray, at: FloatArray) -> FloatArray:
    """(K, J, 2) at even times by straight lines between (N, J, 2), NaN where frames on both sides are far apart."""
    out = np.full((len(at), points.shape[1], 2), np.nan)
    for k in range(points.shape[1]):
        known = np.isfinite(points[:, k]).all(axis=1)
        own = times_s[known]
        after = np.clip(np.searchsorted(own, at), 1, len(own) - 1)
        near = own[after] - own[after - 1] < _LONGEST_STEP_S
        for c in range(2):
            out[:, k, c] = np.where(near, np.interp(at, own, points[known, k, c]), np.nan)
    return out


def _clipped(steps: FloatArray, moved: FloatArray) -> FloatArray:
    """Bring steps that no body makes (left taken for right) down to the largest that it makes."""
    jitter = 1.48 * _of_known(np.median, np.abs(steps))
    most = _of_known(lambda x: np.percentile(x, 99.5), np.abs(moved)) + _CLIPPED * jitter + 1e-6
    return np.asarray(np.clip(steps, -most, most))


def _of_known(function: Callable[[FloatArray], np.float64], values: FloatArray) -> FloatArray:
    """(J, 2): a function of what is known of each coordinate of (N, J, 2); 0 where nothing is."""
    flat = values.reshape(len(values), -1)
    known = [column[np.isfinite(column)] for column in flat.T]
    return np.array([function(one) if len(one) else 0.0 for one in known]).reshape(values.shape[1:])


class _Steps:
    """Steps between frames at their real times, to be compared with the projection's at any lag."""

    def __init__(self, times_s: FloatArray, detected: FloatArray, projected: FloatArray, motion: Motion) -> None:
        self._times, self._motion = times_s, motion
        steps = np.diff(detected, axis=0)
        steps[np.diff(times_s) > _LONGEST_STEP_S] = np.nan
        moved = np.diff(projected[:: max(1, round(motion.rate_hz / _GRID_HZ))], axis=0)
        steps = _clipped(steps, moved)
        # What hardly moves tells nothing of time and costs as much.
        tells = _of_known(np.mean, np.square(moved)) > _MOVES * np.square(_of_known(np.median, np.abs(steps)))
        some = tells.any(axis=1)
        self._steps = np.where(tells, steps, np.nan)[:, some]
        fine = np.arange(0.0, motion.seconds, 1 / _DENSE_HZ)
        self._dense = at_times(projected[:, some], 0.0, motion.rate_hz, fine)

    def _sums(self, lag_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(N - 1, J, 2) squares of the steps and of what is left of them, and 1 where both are known, else 0."""
        place = (self._times + lag_s - self._motion.start_s) * _DENSE_HZ
        inside = (place >= 0) & (place <= len(self._dense) - 2)
        before = np.clip(place.astype(np.int64), 0, len(self._dense) - 2)
        share = (place - before)[:, None, None]
        at = (1 - share) * self._dense[before] + share * self._dense[before + 1]
        at[~inside] = np.nan
        left = self._steps - np.diff(at, axis=0)
        known = np.isfinite(left)
        return np.where(known, np.square(self._steps), 0.0), np.where(known, np.square(left), 0.0), known.astype(float)

    def likelihood(self, lags_s: FloatArray) -> FloatArray:
        """(W, L) log likelihood in W windows at (L,) lags near each other, noise free in each window.

        Who claps moves in the same way before every trial: fitting that is worth little if the playing does not fit.
        """
        edges = np.searchsorted(self._times[:-1], self.edges(float(np.mean(lags_s))))

        def by_window(part: FloatArray) -> FloatArray:
            # A window in a hole of the stamps has no step.
            return np.stack([part[a:b].sum(axis=0) for a, b in pairwise(edges.tolist())])

        out = np.empty((len(edges) - 1, len(lags_s)))
        for k, lag in enumerate(lags_s.tolist()):
            before, after, known = (by_window(part) for part in self._sums(lag))
            own = _unless_idle(_INFORMATION * _gain(known, before, after).sum(axis=2), _FOLLOWS_NOW)
            total = own.sum(axis=0)
            mixed = _unless_idle(total, _FOLLOWS)
            # A window has its part of that as far as the landmark is believed to follow; the doubt costs all alike.
            belief = _FOLLOWS * np.exp(total - mixed)
            out[:, k] = (belief * own + (mixed - belief * total) / len(own)).sum(axis=1)
        return out

    def edges(self, lag_s: float) -> FloatArray:
        """(W + 1,) s: windows of some seconds over what both cover at a lag, device time."""
        first = max(self._times[0], self._motion.times_s[0] - lag_s)
        last = max(min(self._times[-1], self._motion.times_s[-1] - lag_s), first + 1 / _GRID_HZ)
        count = max(_LEAST_WINDOWS, round((last - first) / _WINDOW_S)) if last - first > _LEAST_WINDOWS else 1
        return np.linspace(first, last, count + 1)

    def windows(self, lag_s: float) -> Windows:
        """Lags near one in each window."""
        near = lag_s + np.arange(-_REACH_S, _REACH_S + _FINE_S / 2, _FINE_S)
        gained, edges = self.likelihood(near), self.edges(lag_s)
        count = len(gained)
        lags, sigmas = np.full(count, np.nan), np.full(count, np.nan)
        for window in range(count):
            own = hypotheses_of(near, gained[window], most=1)
            told = float(gained[window].max()) > _TELLS_NOTHING
            # A peak at the end of what was searched belongs to something else.
            if own and told and abs(own[0].lag_s - lag_s) < _INSIDE * _REACH_S:
                lags[window], sigmas[window] = own[0].lag_s, own[0].sigma_s
        return Windows((edges[:-1] + edges[1:]) / 2, lags, sigmas)
