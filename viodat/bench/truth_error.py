"""Whether the truth is known well enough to tell two models apart.

Joint centres carry a standard deviation of some millimetres, mostly of what stays the same through a trial (where a
marker sits on a body, how a regression places a hip). Which of two models is nearer may hang on where within that the
truth lies. So the truth is drawn anew from its sigma, many times, and the difference computed again: if its sign
changes in more than 5 % of the draws, the models are called tied. A model that was trained to err as this truth does
is not found out by that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.bench.poses import FloatArray, RecordingPoses
from viodat.bench.protocol import Protocol
from viodat.errors import MetricError
from viodat.joints import JOINTS
from viodat.metrics import mpjpe

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
    pairs = [(_thinned(one, step), _thinned(others[one.recording], step)) for one in first]
    counted = np.concatenate([one.valid.ravel() for one, _ in pairs])
    unknown = np.concatenate([np.isnan(_sigma(one)).ravel() for one, _ in pairs])
    unstated = float(unknown[counted].mean()) if counted.any() else math.nan
    observed = _difference([(one, other, one.target) for one, other in pairs], protocol, joints)
    if unstated == 1.0 or math.isnan(unstated):
        return TruthCheck(observed, 0, math.nan, (math.nan, math.nan), unstated)
    generator = np.random.default_rng(seed)
    found = np.array([_difference(_drawn(pairs, generator), protocol, joints) for _ in range(draws)])
    low, high = np.quantile(found, [0.025, 0.975])
    return TruthCheck(
        observed, draws, float(np.mean(np.sign(found) != np.sign(observed))), (float(low), float(high)), unstated
    )


Pairs = Sequence[tuple[RecordingPoses, RecordingPoses]]


def _drawn(pairs: Pairs, generator: np.random.Generator) -> Iterator[tuple[RecordingPoses, RecordingPoses, FloatArray]]:
    moves: dict[str, NDArray[np.float64]] = {}
    for one, other in pairs:
        joints = one.pred.shape[1]
        if one.trial not in moves:
            moves[one.trial] = generator.normal(size=(joints, 3))
        moved = np.nan_to_num(_sigma(one))[..., None] * moves[one.trial]
        yield one, other, one.target + moved


def _difference(
    pairs: Iterable[tuple[RecordingPoses, RecordingPoses, FloatArray]],
    protocol: Protocol,
    joints: Sequence[str],
) -> float:
    """Give the mean over participants of the difference in MPJPE, first minus second."""
    by_person: dict[str, list[float]] = {}
    for one, other, target in pairs:
        scores = []
        for poses in (one, other):
            applied = protocol.applied(replace(poses, target=target), joints)
            scores.append(mpjpe(applied.pred, applied.target, applied.valid))
        by_person.setdefault(one.participant, []).append(scores[0] - scores[1])
    return float(np.nanmean([np.nanmean(values) for values in by_person.values()]))


def _thinned(poses: RecordingPoses, step: int) -> RecordingPoses:
    sigma = None if poses.sigma is None else poses.sigma[::step]
    return replace(poses, pred=poses.pred[::step], target=poses.target[::step], valid=poses.valid[::step], sigma=sigma)


def _sigma(poses: RecordingPoses) -> FloatArray:
    return poses.sigma if poses.sigma is not None else np.full(poses.valid.shape, np.nan)
