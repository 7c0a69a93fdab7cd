"""From poses of recordings to numbers: per recording, per participant, in all, per joint and group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.bench.poses import RecordingPoses
from viodat.bench.protocol import Protocol
from viodat.errors import MetricError
from viodat.joints import JOINTS
from viodat.metrics import evaluate, list_metrics, per_group, per_joint


@dataclass(frozen=True)
class Scores:
    """Metrics of one set of predictions under one protocol.

    Attributes
    ----------
    protocol
        Which.
    overall
        Metric -> value, averaged as the protocol says.
    recordings
        Recording -> metric -> value.
    participants
        Participant -> metric -> mean over that one's recordings: the unit of all statistics.
    by_joint, by_group
        Joint or group -> MPJPE, mm: the mean over recordings.
    of
        Recording -> its participant.
    """

    protocol: Protocol
    overall: Mapping[str, float]
    recordings: Mapping[str, Mapping[str, float]]
    participants: Mapping[str, Mapping[str, float]]
    by_joint: Mapping[str, float]
    by_group: Mapping[str, float]
    of: Mapping[str, str]

    @property
    def participant_means(self) -> dict[str, float]:
        """Metric -> mean over participants: the recordings' mean favours whoever played most."""
        return _means(self.participants.values())

    def to_json(self) -> dict[str, Any]:
        """Give all of it as plain values; :meth:`from_json` reads them."""
        return {"protocol": self.protocol.card(), **{name: getattr(self, name) for name in _STORED}}

    @classmethod
    def from_json(cls, told: Mapping[str, Any], protocol: Protocol) -> Scores:
        """Give scores back that were made under a protocol."""
        return cls(protocol, *(told[name] for name in _STORED))


_STORED: Final = ("overall", "recordings", "participants", "by_joint", "by_group", "of")


def score(
    poses: Iterable[RecordingPoses],
    protocol: Protocol,
    *,
    joints: Sequence[str] = JOINTS,
    metrics: Sequence[str] | None = None,
) -> Scores:
    """Score predictions under a protocol.

    Parameters
    ----------
    poses
        One of each recording, all of one rate.
    protocol
        Under which.
    joints
        Names of their joints.
    metrics
        Which; None: all.

    Raises
    ------
    MetricError
        There are none, one is there twice, they are not of one rate, or a model's answer is no number.
    """
    applied: list[RecordingPoses] = []
    for one in poses:
        if applied and one.rate_hz != applied[0].rate_hz:
            raise MetricError(
                f"is of {one.rate_hz:g} Hz, others are of {applied[0].rate_hz:g} Hz: errors per frame cannot be "
                "averaged over them",
                where=one.recording,
            )
        applied.append(protocol.applied(one, joints))
        lost = ~np.isfinite(applied[-1].pred).all(axis=-1) & applied[-1].valid
        if lost.any():
            raise MetricError(
                f"the model's answer is no number in {lost.sum():,} of {applied[-1].valid.sum():,} joints and frames "
                f"that count, first in frame {int(np.flatnonzero(lost.any(axis=1))[0])}",
                where=one.recording,
            )
    if not applied:
        raise MetricError("there are no predictions to score")
    names = [one.recording for one in applied]
    if len(set(names)) < len(names):
        raise MetricError(f"recording {next(name for name in names if names.count(name) > 1)} is there twice")
    chosen = list(list_metrics() if metrics is None else metrics)
    recordings = {
        one.recording: evaluate(one.pred, one.target, one.valid, rate_hz=one.rate_hz, metrics=chosen) for one in applied
    }
    of = {one.recording: one.participant for one in applied}
    participants = {
        person: _means(recordings[name] for name in names if of[name] == person) for person in sorted({*of.values()})
    }
    overall = _means(recordings.values()) if protocol.average == "recordings" else _pooled(applied, chosen)
    scored = [*(protocol.joints or joints), *(["root"] if protocol.counts_root else [])]
    by_joint = np.array([per_joint(one.pred, one.target, one.valid) for one in applied])
    groups = [per_group(one.pred, one.target, one.valid, joints=scored) for one in applied]
    return Scores(
        protocol,
        overall,
        recordings,
        participants,
        dict(zip(scored, map(float, _mean_without_nan(by_joint)), strict=True)),
        _means(groups),
        of,
    )


def _pooled(applied: Sequence[RecordingPoses], metrics: Sequence[str]) -> dict[str, float]:
    """Give metrics over all frames together: recordings are padded with frames that do not count."""
    longest = max(len(one.pred) for one in applied)

    def padded(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.pad(values, [(0, longest - len(values)), *[(0, 0)] * (values.ndim - 1)])

    pred, target, valid = (
        np.stack([padded(getattr(one, name)) for one in applied]) for name in ("pred", "target", "valid")
    )
    return evaluate(pred, target, valid, rate_hz=applied[0].rate_hz, metrics=metrics)


def _means(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Give each key's mean over rows; rows of which nothing counts (NaN) are no part of it."""
    table = list(rows)
    values = np.array([[row[name] for name in table[0]] for row in table])
    return dict(zip(table[0], map(float, _mean_without_nan(values)), strict=True))


def _mean_without_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))
