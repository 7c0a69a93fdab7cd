"""All clocks of a trial at once, when it is known which hypotheses belong together: weighted least squares.

Unknown are, of each device, its offset (s), its drift (ppm) and the skew of its pictures against its sound (s), and of
each kind of evidence what it is wrong by in the whole trial; of a device that was seen for long also how its drift
changes (:mod:`viodat.clock.piecewise`). Every row is a lag that was seen: what the two streams' clocks make of its time
must differ by nothing. Weights are Student's t (Lange, Little and Taylor 1989), so that one window that errs moves
little; so are those of the changes of drift, so that a large one is taken where windows show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.observations import MOTION, Hypothesis, Observation, Stream
from viodat.clock.piecewise import Bend, Knots, knots_over

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DRIFT_SIGMA_PPM: Final = 55.0
"""Quartz clocks of phones and recorders are off by tens of ppm."""
SKEW_SIGMA_S: Final = 0.025
"""Sound and picture of a phone are skewed by tens of ms."""
_STUDENT: Final = 4.0
_STUDENT_CHANGE: Final = 2.0
"""Degrees of freedom of the changes of drift: jumps are rarer than windows that err, and far larger."""
_ROUNDS: Final = 12
_MOST_ROUNDS, _ROUNDS_HELD, _SETTLED = 40, 2, 1e-3
_WIDE: Final = 30.0
"""So many times as much as usual may a drift change where a search begins with jumps."""
_TREND_SHARE: Final = 0.3
"""A kind of evidence that errs by so much may err by this share of it more at one end of a trial than at the other."""
_LEAST_EXTENT_S: Final = 5.0
_PPM: Final = 1e-6
_LEAST_SIGMA_S: Final = 2e-5
_SESSION: Final = "drift of a session"
_LEAST_OWN_PPM: Final = 0.5
_MOST_EXCESS: Final = 9.0
_PRIOR, _CHANGE = -1, -2
"""Rows that are no observation: what is known beforehand, and that of a change of drift."""


@dataclass(frozen=True)
class DevicePrior:
    """What is known of a device before a trial, from its other trials: drift in ppm and skew in s, with their sigma.

    ``drift_common_ppm`` is the part of the drift's sigma by which all devices err alike: trials tell the drifts of
    devices that hear each other to a part per million against one another, and to twenty against the mocap clock. Where
    it is given, the drift is what trials tell, and what is usual of a quartz counts besides.
    """

    drift_ppm: float = 0.0
    drift_sigma_ppm: float = DRIFT_SIGMA_PPM
    skew_s: float = 0.0
    skew_sigma_s: float = SKEW_SIGMA_S
    drift_common_ppm: float = 0.0


UNKNOWN: Final = DevicePrior(0.0, 5000.0, 0.0, 1.0)
"""Nothing is known: what a solution says then is what the trial alone says."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Clocks of D devices.

    Attributes
    ----------
    devices
        Their names.
    values
        (D, 3): offset in s, drift in ppm, skew in s; of the best straight line where a clock's drift changes.
    covariance
        (D, 3, 3) of each device's own.
    used
        Of each observation that took part: its share of belief, 0 to 1.
    rates
        True samples per second as a share of what the file states, of devices whose sound states a wrong rate.
    bends
        By device that was seen for long: how its clock leaves the straight line.
    """

    devices: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    used: Mapping[int, float]
    rates: Mapping[str, float]
    bends: Mapping[str, Bend] = field(default_factory=dict)

    def clock_s(self, stream: Stream, times_s: FloatArray | float) -> FloatArray:
        """Time on the common clock at times on a stream's clock."""
        offset, drift, skew = self.values[self.devices.index(stream.device)]
        shown = true_time_s(stream, np.asarray(times_s), self.rates) - (skew if stream.kind == "picture" else 0.0)
        line = shown * (1 + drift * _PPM) + offset
        bend = self.bends.get(stream.device)
        return np.asarray(line if bend is None else line + bend.at(shown))


def true_time_s(stream: Stream, times_s: FloatArray | float, rates: Mapping[str, float]) -> FloatArray:
    """Time on a stream's clock with the error of a wrongly stated sample rate taken off."""
    return np.asarray(times_s) / (rates.get(stream.device, 1.0) if stream.kind == "sound" else 1.0)


@dataclass(frozen=True, eq=False)
class _Row:
    weights: dict[int, float]
    value: float
    sigma: float
    observation: int = _PRIOR
    kind: str = ""
    """What scatters alike; empty for what is known beforehand."""
    ends: tuple[tuple[str, float, float], ...] = ()
    """Device, time on its clock and sign of each of its two streams that is not the motion."""


def solve(
    devices: Sequence[str],
    chosen: Sequence[tuple[int, Observation, Hypothesis]],
    priors: Mapping[str, DevicePrior],
    *,
    with_skew: Mapping[str, bool],
    rates: Mapping[str, float] | None = None,
    held: str = "",
) -> Solution:
    """Find the clocks that explain the chosen hypotheses best.

    Parameters
    ----------
    devices
        Names of the D devices; every stream of ``chosen`` is one of theirs, or the motion.
    chosen
        Index, observation and its hypothesis that is believed.
    priors
        By device; :class:`DevicePrior` where it is not among them.
    with_skew
        Whether a device has both sound and pictures; else its skew is 0.
    rates
        As in :class:`Solution`.
    held
        A device whose offset is set to 0: for devices whose place on the mocap clock is not known yet.
    """
    rates = rates or {}
    index = {name: 3 * k for k, name in enumerate(devices)}
    rows: list[_Row] = []
    biases: dict[str, int] = {}
    for name in devices:
        prior = priors.get(name, DevicePrior())
        own = float(np.sqrt(max(prior.drift_sigma_ppm**2 - prior.drift_common_ppm**2, _LEAST_OWN_PPM**2)))
        weights = {index[name] + 1: 1.0}
        if prior.drift_common_ppm > 0:
            if _SESSION not in biases:
                biases[_SESSION] = 3 * len(devices)
                rows.append(_Row({biases[_SESSION]: 1.0}, 0.0, 1.0))
                rows.append(_Row({biases[_SESSION] + 1: 1.0}, 0.0, 1.0))
            weights[biases[_SESSION]] = prior.drift_common_ppm
            rows.append(_Row({index[name] + 1: 1.0}, 0.0, DRIFT_SIGMA_PPM))
        rows.append(_Row(weights, prior.drift_ppm, own))
        skew = (prior.skew_s, prior.skew_sigma_s) if with_skew.get(name) else (0.0, 1e-9)
        rows.append(_Row({index[name] + 2: 1.0}, *skew))
    if held:
        rows.append(_Row({index[held]: 1.0}, 0.0, 1e-9))
    for number, observation, hypothesis in chosen:
        if observation.common_sigma_s > 0:
            for shared in _shared(observation):
                if shared not in biases:
                    biases[shared] = 3 * len(devices) + 2 * len(biases)
                    rows.append(_Row({biases[shared]: 1.0}, 0.0, 1.0))
                    rows.append(_Row({biases[shared] + 1: 1.0}, 0.0, _TREND_SHARE))
        rows += _rows_of((number, observation, hypothesis), index, biases, rates)
    return _solved(devices, rows, 3 * len(devices) + 2 * len(biases), rates)


def _rows_of(
    chosen: tuple[int, Observation, Hypothesis],
    index: Mapping[str, int],
    biases: Mapping[str, int],
    rates: Mapping[str, float],
) -> list[_Row]:
    number, observation, hypothesis = chosen
    own = float(np.sqrt(max(hypothesis.sigma_s**2 - observation.common_sigma_s**2, _LEAST_SIGMA_S**2)))
    at, lags, sigmas = _spread_in_time(observation, hypothesis, own)
    shared = _shared(observation) if observation.common_sigma_s > 0 else {}
    rows = []
    middle, extent = float(at.mean()), max(float(np.ptp(at)), _LEAST_EXTENT_S)
    for t, lag, sigma in zip(at.tolist(), lags.tolist(), sigmas.tolist(), strict=True):
        weights: dict[int, float] = {}
        value = 0.0
        ends: list[tuple[str, float, float]] = []
        for stream, time, sign in ((observation.a, t, 1.0), (observation.b, t + lag, -1.0)):
            true = float(true_time_s(stream, time, rates))
            value -= sign * true
            if stream == MOTION:
                continue
            ends.append((stream.device, true, sign))
            first = index[stream.device]
            weights[first] = weights.get(first, 0.0) + sign
            weights[first + 1] = weights.get(first + 1, 0.0) + sign * true * _PPM
            if stream.kind == "picture":
                weights[first + 2] = weights.get(first + 2, 0.0) - sign
        for name, share in shared.items():
            # The unknown is in sigmas: one device may be less certain of the same than another.
            weights[biases[name]] = share * observation.common_sigma_s
            weights[biases[name] + 1] = share * observation.common_sigma_s * (t - middle) / extent
        rows.append(_Row(weights, value, sigma, number, _kind(observation), tuple(ends)))
    return rows


def _shared(observation: Observation) -> dict[str, float]:
    """Name what errs alike, with its share: a kind of evidence against the motion, in all devices.

    Between two streams each has its half of the error, the same in all ties: how long sound travels to a microphone.
    """
    if observation.b == MOTION:
        return {f"{observation.method} {observation.a.kind}": 1.0}
    return {f"{observation.method} {observation.a}": 0.5**0.5, f"{observation.method} {observation.b}": -(0.5**0.5)}


def _kind(observation: Observation) -> str:
    """Name what scatters alike."""
    of = observation.a.kind if observation.b == MOTION else f"{observation.a} {observation.b}"
    return f"{observation.method} {of}"


def _spread_in_time(
    observation: Observation, hypothesis: Hypothesis, own: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the windows of the best hypothesis, weighing together as much as it does; else the hypothesis itself."""
    windows = observation.windows
    if windows is not None and hypothesis is observation.best:
        known = np.isfinite(windows.lag_s) & (windows.sigma_s > 0)
        if known.sum() >= 2:
            sigmas = windows.sigma_s[known]
            together = 1 / np.sqrt(np.square(1 / sigmas).sum())
            return windows.at_s[known], windows.lag_s[known], sigmas * max(own / together, 1.0)
    return np.array([observation.at_s]), np.array([hypothesis.lag_s]), np.array([own])


def _solved(devices: Sequence[str], rows: Sequence[_Row], size: int, rates: Mapping[str, float]) -> Solution:
    knots = _knots(rows)
    bent = {name: size + at for name, at in zip(knots, _starts(knots), strict=True)}
    changes = [k for name, first in bent.items() for k in range(first, first + knots[name].count)]
    sigmas = [knots[name].sigma_ppm for name in bent for _ in range(knots[name].count)]
    rows = [*rows, *(_Row({k: 1.0}, 0.0, sigma, _CHANGE) for k, sigma in zip(changes, sigmas, strict=True))]
    size += len(changes)
    design = np.zeros((len(rows), size))
    for k, row in enumerate(rows):
        for column, weight in row.weights.items():
            design[k, column] = weight
    for name, first in bent.items():
        _bend(design, rows, name, first, knots[name])
    value = np.array([row.value for row in rows])
    sigma = np.array([row.sigma for row in rows])
    seen = np.array([row.observation for row in rows])
    # Columns of a drift in ppm are a million times smaller than those of an offset.
    scale = np.ones(size)
    scale[1 : 3 * len(devices) : 3] = 1 / _PPM
    scale[changes] = 1 / _PPM
    if knots:
        solution, belief = _by_blocks(design * scale, value, sigma, seen)
        solution = scale * solution
    else:
        solution, belief = _at_once(design, scale, value, sigma, seen)
    counted = belief / _excess([row.kind for row in rows], belief * np.square((value - design @ solution) / sigma))
    weighted = (design * scale) * (np.sqrt(counted) / sigma)[:, None]
    normal = weighted.T @ weighted
    # Some rows are a thousand million times surer than others: each column is brought to its own size before inverting.
    size_of = np.sqrt(np.diagonal(normal))
    covariance = np.linalg.inv(normal / np.outer(size_of, size_of)) * np.outer(scale / size_of, scale / size_of)
    count = len(devices)
    own = np.stack([covariance[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] for k in range(count)])
    used = {int(n): float(belief[seen == n].mean()) for n in np.unique(seen[seen >= 0])}
    bends = {}
    for name, first in bent.items():
        its = np.arange(first, first + knots[name].count)
        all_its = np.append(3 * devices.index(name) + np.arange(3), its)
        bends[name] = Bend(knots[name], solution[its], covariance[np.ix_(all_its, all_its)])
    return Solution(tuple(devices), solution[: 3 * count].reshape(count, 3), own, used, rates, bends)


def _excess(kinds: Sequence[str], squares: FloatArray) -> FloatArray:
    """(N,) variance of each row as a multiple of what it says, 1 or more: by how the rows of its kind scatter.

    Windows that scatter more than they say make what they tell less sure; calm ones vouch for nothing but themselves.
    """
    numbers = np.unique(kinds, return_inverse=True)[1]
    freedom = np.maximum(np.bincount(numbers) - 1, 1)
    excess = np.clip(np.bincount(numbers, squares) / freedom, 1.0, _MOST_EXCESS)
    return np.where(np.array(kinds) == "", 1.0, excess[numbers])


def _knots(rows: Sequence[_Row]) -> dict[str, Knots]:
    """By device that was seen for long enough."""
    times: dict[str, list[float]] = {}
    for row in rows:
        for device, time, _ in row.ends:
            times.setdefault(device, []).append(time)
    knots = {device: knots_over(min(own), max(own)) for device, own in times.items()}
    return {device: own for device, own in knots.items() if own is not None}


def _starts(knots: Mapping[str, Knots]) -> list[int]:
    return [0, *np.cumsum([own.count for own in knots.values()]).tolist()][: len(knots)]


def _bend(design: FloatArray, rows: Sequence[_Row], name: str, first: int, knots: Knots) -> None:
    """Fill in what a device's changes of drift do to the rows."""
    ends = [(k, time, sign) for k, row in enumerate(rows) for device, time, sign in row.ends if device == name]
    at, times, signs = (np.array(column) for column in zip(*ends, strict=True))
    columns = first + np.arange(knots.count)
    # A row may be about two streams of one device.
    np.add.at(design, (at[:, None], columns), signs[:, None] * knots.columns(times))


def _at_once(
    design: FloatArray, scale: FloatArray, value: FloatArray, sigma: FloatArray, seen: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Give solution and belief in each row."""
    belief = np.ones(len(value))
    solution = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        weighted = (design * scale) * (np.sqrt(belief) / sigma)[:, None]
        solution = scale * np.linalg.lstsq(weighted, value * np.sqrt(belief) / sigma, rcond=None)[0]
        z = (value - design @ solution) / sigma
        belief = _belief(z, np.where(seen >= 0, _STUDENT, np.inf))
    return solution, belief


def _by_blocks(
    design: FloatArray, value: FloatArray, sigma: FloatArray, seen: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Do the same for many columns, in units of the scale.

    An observation's rows know of two devices only and those of a prior mostly of one column, so the normal matrix is
    summed from small blocks. Each round solves for what is still missing: what it has lost to rounding comes back.
    """
    blocks = []
    several = (seen < 0) & (np.count_nonzero(design, axis=1) > 1)
    of_data = (np.flatnonzero(seen == n) for n in np.unique(seen[seen >= 0]))
    for part in (*of_data, np.flatnonzero(several)):
        columns = np.flatnonzero(np.any(design[part], axis=0))
        blocks.append((part, columns, design[np.ix_(part, columns)] / sigma[part, None]))
    (priors,) = np.nonzero((seen < 0) & ~several)
    column_of = np.argmax(design[priors] != 0, axis=1)
    prior = design[priors, column_of] / sigma[priors]

    def normal_of(belief: FloatArray, residual: FloatArray) -> tuple[FloatArray, FloatArray]:
        normal, missing = np.zeros((design.shape[1], design.shape[1])), np.zeros(design.shape[1])
        np.add.at(normal, (column_of, column_of), belief[priors] * np.square(prior))
        np.add.at(missing, column_of, belief[priors] * prior * residual[priors])
        for part, columns, block in blocks:
            weighted = block * belief[part, None]
            normal[np.ix_(columns, columns)] += block.T @ weighted
            missing[columns] += weighted.T @ residual[part]
        return normal, missing

    freedom = np.where(seen == _PRIOR, np.inf, np.where(seen == _CHANGE, _STUDENT_CHANGE, _STUDENT))
    found = []
    # What departs from a straight line is windows that err or a clock that jumps: the likelier of the two is taken.
    for belief in (np.ones(len(value)), np.where(seen == _CHANGE, _WIDE**-2, 1.0)):
        solution = np.zeros(design.shape[1])
        residual = value / sigma
        for done in range(_MOST_ROUNDS):
            normal, missing = normal_of(belief, residual)
            size_of = np.sqrt(np.diagonal(normal))
            solution = solution + np.linalg.solve(normal / np.outer(size_of, size_of), missing / size_of) / size_of
            residual = (value - design @ solution) / sigma
            before = belief
            if done >= _ROUNDS_HELD:
                belief = _belief(residual, freedom)
                if np.abs(belief - before).max() < _SETTLED:
                    break
        found.append((_doubt(residual, freedom), solution, belief))
    _, solution, belief = min(found, key=lambda one: one[0])
    return solution, belief


def _belief(residual: FloatArray, freedom: FloatArray) -> FloatArray:
    """Student's t weights; 1 where the degrees of freedom are infinite."""
    finite = np.where(np.isfinite(freedom), freedom, 1.0)
    return np.where(np.isfinite(freedom), np.minimum((finite + 1) / (finite + np.square(residual)), 1.0), 1.0)


def _doubt(residual: FloatArray, freedom: FloatArray) -> float:
    """Negative logarithm of the likelihood of which the beliefs are the weights."""
    finite = np.where(np.isfinite(freedom), freedom, 1.0)
    square = np.square(residual)
    far = 0.5 + 0.5 * (finite + 1) * np.log((finite + np.maximum(square, 1.0)) / (finite + 1))
    return float(np.where(np.isfinite(freedom) & (square > 1), far, 0.5 * square).sum())
