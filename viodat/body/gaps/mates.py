"""Which markers say where a missing one is: those that keep their distance to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viodat.body.marker_set import MarkerSet
from viodat.capture.markers import FloatArray, MarkerTrial

_FRAMES_SAMPLED = 200
_FEWEST_SHARED = 10
"""Two markers seen together in fewer of the sampled frames have no known steadiness."""

_STEADY_MM = 8.0
"""Mates of one rigid segment keep their distance to within this (standard deviation): skin moves by some mm."""

_STATIC_MM = 20.0
"""A distance that differs by more between static trial and take (means) crosses a joint, or a marker was moved."""

_LEAST_TOGETHER = 0.5
"""Mates must leave this share of the marker's frames in which all of them are seen."""

_MOST_RIGID = 6
_MOST_NEIGHBOURS = 10
FRAME_MATES = 6
"""How many of the neighbours carry the local frame of the ``pca`` filler."""


@dataclass(frozen=True)
class Mates:
    """Markers that tell where another is, steadiest first.

    Attributes
    ----------
    rigid
        Indices of markers of its segment; fewer than three say nothing.
    neighbours
        Indices of markers of any segment; the first :data:`FRAME_MATES` carry the local frame.
    """

    rigid: tuple[int, ...]
    neighbours: tuple[int, ...]


@dataclass(frozen=True)
class Kinship:
    """How the M markers of a trial move together.

    Attributes
    ----------
    spread
        (M, M) mm: standard deviation of the distance of each two; infinite for a marker and itself, and for two that
        are hardly ever seen together.
    rigid
        (M, M) bool: whether two may sit on one rigid segment, as far as their distance shows.
    named
        (M, M) bool: whether the marker set puts two on one segment; all False without a set.
    """

    spread: FloatArray
    rigid: NDArray[np.bool_]
    named: NDArray[np.bool_]


def kinship(
    positions: FloatArray,
    seen: NDArray[np.bool_],
    labels: tuple[str, ...],
    marker_set: MarkerSet | None = None,
    static: MarkerTrial | None = None,
) -> Kinship:
    """Measure how the markers of a trial move together, on up to 200 frames, evenly spaced.

    Parameters
    ----------
    positions, seen, labels
        (F, M, 3) mm with NaN in gaps, (F, M) bool, and the markers' names.
    marker_set
        Names the segments.
    static
        Two markers whose distance there is another do not sit on one segment: a still trial shows no joint, another
        posture does.
    """
    mean, spread = _distances(positions, seen)
    rigid = spread <= _STEADY_MM
    if static is not None and labels:
        held = np.stack([static.marker(label) for label in labels], axis=1)
        there, _ = _distances(held, np.asarray(np.isfinite(held).all(axis=-1)))
        with np.errstate(invalid="ignore"):
            rigid &= ~(np.abs(mean - there) > _STATIC_MM)
    segments = {} if marker_set is None else {marker.label: marker.segment for marker in marker_set.markers}
    own = [segments.get(label) for label in labels]
    named = np.array([[a is not None and a == b for b in own] for a in own], dtype=bool).reshape(rigid.shape)
    np.fill_diagonal(spread, np.inf)
    return Kinship(spread, rigid, named)


def _distances(positions: FloatArray, seen: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Mean (NaN where unknown) and standard deviation (infinite where unknown) of the distances, (M, M) mm."""
    step = -(-max(positions.shape[0], 1) // _FRAMES_SAMPLED)
    sampled = seen[::step]
    points = np.where(sampled[..., None], positions[::step], 0.0)
    count = np.zeros((seen.shape[1], seen.shape[1]))
    first, second = np.zeros_like(count), np.zeros_like(count)
    for frame, there in zip(points, sampled, strict=True):
        both = np.outer(there, there)
        apart2 = np.sum((frame[:, None] - frame) ** 2, axis=-1) * both
        count += both
        first += np.sqrt(apart2)
        second += apart2
    with np.errstate(all="ignore"):
        mean = first / count
        spread = np.sqrt(np.maximum(second / count - mean**2, 0.0))
    few = count < min(_FEWEST_SHARED, max(sampled.shape[0], 1))
    return np.where(few, np.nan, mean), np.where(few, np.inf, spread)


def choose_mates(
    marker: int,
    there: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    kin: Kinship,
) -> Mates:
    """Choose the mates of one marker for one gap.

    Parameters
    ----------
    marker
        Its index.
    there
        (M,) bool: markers that are seen in the whole gap and beside it.
    seen
        (F, M) bool. A mate that would leave fewer than half of the marker's frames with all in sight is passed over.
    kin
        From :func:`kinship`.

    Returns
    -------
    Mates
        ``rigid`` are steady ones of the same segment, or of any where the marker set names fewer than three: left and
        right may share a segment's name, and only steadiness tells their markers apart.
    """
    own = kin.spread[marker]
    order = [int(i) for i in np.argsort(own, kind="stable") if there[i] and np.isfinite(own[i]) and i != marker]
    steady = [i for i in order if kin.rigid[marker, i]]
    named = [i for i in steady if kin.named[marker, i]]
    together = seen[:, marker]
    least = _LEAST_TOGETHER * together.sum()

    def greedy(wanted: list[int], most: int) -> tuple[int, ...]:
        nonlocal together
        taken: list[int] = []
        for i in wanted:
            if len(taken) == most:
                break
            both = together & seen[:, i]
            if both.sum() >= least:
                together = both
                taken.append(i)
        return tuple(taken)

    rigid = greedy(named if len(named) >= 3 else steady, _MOST_RIGID)
    return Mates(rigid, greedy(order, _MOST_NEIGHBOURS))
