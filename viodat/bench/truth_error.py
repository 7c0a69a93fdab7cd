"""Whether the truth is known well enough to tell two models apart.

Joint centres carry a standard deviation of some millimetres, mostly of what stays the same through a trial (where a
marker sits on a body, how a regression places a hip). Which of two models is nearer may hang on where within that the
truth lies. So the truth is drawn anew from its sigma, many times, and the difference computed again: if its sign
changes in more than 5 % of the draws, the models are called tied. A model that was trained to err as this truth does
is not found out by that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.bench.compiled import compiled
from viodat.bench.poses import FloatArray, RecordingPoses
from viodat.bench.protocol import Protocol
from viodat.errors import MetricError
from viodat.joints import JOINTS

MOST_FLIPS: Final = 0.05
_MOST_FRAMES: Final = 20_000


@dataclass(frozen=True)
class TruthCheck:
    """How a difference in MPJPE fares when the truth is drawn anew.

    Attributes
    ----------
    difference
        First minus second as the truth stands, mm: the mean over participants.
    draws
        How many.
    flips
        Share of the draws in which the sign is another; NaN where no sigma is stated.
    interval
        Within which 95 % of the drawn differences lie, mm.
    unstated
        Share of the joints and frames that count whose sigma is not stated: there the truth stays as it is.
    """

    difference: float
    draws: int
    flips: float
    interval: tuple[float, float]
    unstated: float

    @property
    def tie(self) -> bool:
        """Whether the truth's own error may have decided."""
        return self.flips > MOST_FLIPS


def check_truth(
    first: Sequence[RecordingPoses],
    second: Sequence[RecordingPoses],
    protocol: Protocol,
    *,
    joints: Sequence[str] = JOINTS,
    draws: int = 1000,
    seed: int = 0,
) -> TruthCheck:
    """Draw the truth anew from its sigma, and compare two models on each.

    Parameters
    ----------
    first, second
        Both models' poses of the same recordings, with ``sigma``.
    protocol
        Under which MPJPE is computed.
    joints
        Names of the joints.
    draws, seed
        How many, and of which generator.

    Notes
    -----
    One draw moves each joint of a trial by sigma(t) z, with one z, normal in three axes, for the whole trial and all
    its cameras. Of long test sets every n-th frame is taken, about 20,000 in all.

    Raises
    ------
    MetricError
        They are not of the same recordings.
    """
    others = {one.recording: one for one in second}
    if {one.recording for one in first} != set(others) or not first:
        raise MetricError("the models were not scored on the same recordings", mend="Compare runs on the same data.")
    step = max(1, math.ceil(sum(len(one.pred) for one in first) / _MOST_FRAMES))
    pairs = [_Pair.of(_thinned(one, step), _thinned(others[one.recording], step), protocol, joints) for one in first]
    unstated = _unstated([_thinned(one, step) for one in first])
    still = {pair.trial: np.zeros((len(joints), 3)) for pair in pairs}
    observed = _difference(pairs, still)
    if unstated == 1.0 or math.isnan(unstated):
        return TruthCheck(observed, 0, math.nan, (math.nan, math.nan), unstated)
    generator = np.random.default_rng(seed)
    found = np.empty(draws)
    for k in range(draws):
        found[k] = _difference(pairs, {trial: generator.normal(size=(len(joints), 3)) for trial in still})
    low, high = np.quantile(found, [0.025, 0.975])
    return TruthCheck(
        observed, draws, float(np.mean(np.sign(found) != np.sign(observed))), (float(low), float(high)), unstated
    )


@dataclass(frozen=True)
class _Pair:
    """Two predictions of a recording, as the protocol scores them.

    What a protocol does to a target (centring, choosing joints, adding the root) is linear and the same in all frames:
    a matrix, so that a truth that is moved need not go through it again.

    Attributes
    ----------
    apart
        (2, T, C, 3) mm: prediction minus target, of both.
    valid
        (2, T, C).
    sigma
        (T, J) mm; zero where none is stated.
    matrix
        (C, J).
    """

    trial: str
    participant: str
    apart: NDArray[np.float64]
    valid: NDArray[np.bool_]
    sigma: NDArray[np.float64]
    matrix: NDArray[np.float64]

    @classmethod
    def of(cls, one: RecordingPoses, other: RecordingPoses, protocol: Protocol, joints: Sequence[str]) -> _Pair:
        applied = [protocol.applied(replace(poses, target=one.target), joints) for poses in (one, other)]
        units = np.zeros((len(joints), len(joints), 3))
        units[np.arange(len(joints)), np.arange(len(joints)), 0] = 1.0
        everything = np.ones(units.shape[:2], dtype=bool)
        basis = replace(one, pred=units, target=units, valid=everything, sigma=None)
        matrix = protocol.applied(basis, joints).target[..., 0].T
        return cls(
            one.trial,
            one.participant,
            np.stack([poses.pred - poses.target for poses in applied]),
            np.stack([poses.valid for poses in applied]),
            np.nan_to_num(_sigma(one)),
            np.ascontiguousarray(matrix),
        )

    def difference(self, move: NDArray[np.float64]) -> float:
        """Give the difference in MPJPE, first minus second, with each joint's truth moved by sigma times (J, 3)."""
        of_joints = (self.matrix.T[:, :, None] * move[:, None]).reshape(len(move), -1)
        moved = (self.sigma @ of_joints).reshape(*self.apart.shape[1:])
        first, second = (
            _mean_distance(apart, moved, valid) for apart, valid in zip(self.apart, self.valid, strict=True)
        )
        return float(first - second)


def _difference(pairs: Sequence[_Pair], moves: Mapping[str, NDArray[np.float64]]) -> float:
    """Give the mean over participants of the difference in MPJPE, first minus second."""
    by_person: dict[str, list[float]] = {}
    for pair in pairs:
        by_person.setdefault(pair.participant, []).append(pair.difference(moves[pair.trial]))
    return float(np.nanmean([np.nanmean(values) for values in by_person.values()]))


@compiled
def _mean_distance(apart: Any, moved: Any, valid: Any) -> Any:
    total, count = 0.0, 0
    for t in range(apart.shape[0]):
        for j in range(apart.shape[1]):
            if valid[t, j]:
                x, y, z = (
                    apart[t, j, 0] - moved[t, j, 0],
                    apart[t, j, 1] - moved[t, j, 1],
                    apart[t, j, 2] - moved[t, j, 2],
                )
                total += math.sqrt(x * x + y * y + z * z)
                count += 1
    return total / count if count else math.nan


def _unstated(poses: Sequence[RecordingPoses]) -> float:
    counted = np.concatenate([one.valid.ravel() for one in poses])
    unknown = np.concatenate([np.isnan(_sigma(one)).ravel() for one in poses])
    return float(unknown[counted].mean()) if counted.any() else math.nan


def _thinned(poses: RecordingPoses, step: int) -> RecordingPoses:
    sigma = None if poses.sigma is None else poses.sigma[::step]
    return replace(poses, pred=poses.pred[::step], target=poses.target[::step], valid=poses.valid[::step], sigma=sigma)


def _sigma(poses: RecordingPoses) -> FloatArray:
    return poses.sigma if poses.sigma is not None else np.full(poses.valid.shape, np.nan)
