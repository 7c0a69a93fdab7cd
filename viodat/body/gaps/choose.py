"""Which filler, and how wrong it may be: both measured on artificial gaps in the same trial.

The marker is hidden for the same time at other places of the trial, where it and the mates that the real gap has are
seen, and filled in every way. From the errors follow each way's share of the result and the expected error of the
mixture. Places are spread evenly over the trial; nothing is drawn by chance. Gaps fall where the movement is unusual,
so each error is carried over to the gap by how much harder the gap is for that way than the place was: how far the
same bridge misses the mates, whose paths are known in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.gaps.fillers import Candidate, IntArray
from viodat.body.gaps.result import FillMethod
from viodat.capture.markers import FloatArray

PLACES: Final = 12
"""Artificial gaps per real one."""

LEAST_PLACES: Final = 2.0
"""Fewer places that do not overlap say nothing of the error."""

_SHARE_POWER = 3.0
"""Shares go with the inverse expected variance to this power.

1 is right for independent errors, but those of the ways are much alike; 2 to 4 do equally well in real trials.
"""

_DIFFICULTY_POWER = 0.75
"""An error grows with the difficulty to this power: 0 would ignore it, 1 would be right if it told all."""

_SPREAD_POWER = 0.5
"""The expected error grows with the ways' disagreement at the place to this power."""

_LEAST_MM = 1e-3


@dataclass(frozen=True)
class Fill:
    """A filled gap.

    Attributes
    ----------
    path
        (length, 3) mm, world frame.
    sigma_mm
        (length,) mm per coordinate.
    method
        The filler with the largest share.
    """

    path: FloatArray
    sigma_mm: FloatArray
    method: FillMethod


def places(free: NDArray[np.bool_], before: int, length: int, after: int) -> tuple[IntArray, float]:
    """Spread artificial gaps over the frames of a trial.

    Parameters
    ----------
    free
        (F,) bool: frames in which the marker and its mates are seen.
    before, length, after
        Frames that an artificial gap takes.

    Returns
    -------
    first : (K,) array
        First hidden frame of each, K up to :data:`PLACES`.
    apart : float
        How many of them there are room for without overlap, up to K.
    """
    total = before + length + after
    if free.size < total:
        return np.zeros(0, dtype=np.intp), 0.0
    sums = np.concatenate([[0], np.cumsum(free)])
    starts = np.nonzero(sums[total:] - sums[:-total] == total)[0]
    if not starts.size:
        return starts, 0.0
    chosen = starts[np.unique(np.rint(np.linspace(0, starts.size - 1, PLACES)).astype(np.intp))]
    room = float(np.minimum(np.diff(chosen) / length, 1.0).sum()) + 1.0
    return chosen + before, room


def combine(
    fills: Sequence[Candidate], rehearsals: Sequence[Candidate], truth: FloatArray, apart: float, one_sided: bool
) -> Fill:
    """Mix the ways over a gap by the errors they made on artificial gaps.

    Parameters
    ----------
    fills
        Every way over the real gap, each with a path (1, length, 3) mm.
    rehearsals
        The same ways over the K artificial gaps, (K, hidden, 3) mm; ``hidden`` is the gap's length, or less.
    truth
        (K, hidden, 3) mm: what was hidden.
    apart
        How many of the K places do not overlap: with few, the errors are known less well, and sigma is wider.
    one_sided
        Whether only one end of the gap is measured: the error then grows away from it, else it is alike at both ends.

    Returns
    -------
    Fill
        Its sigma is (rms error of the rehearsals, carried over to this gap's difficulty, at that part of the gap) *
        (disagreement here / disagreement there)^0.5 * (1 + 1 / (4 apart)).
    """
    errors = np.stack([way.path for way in rehearsals]) - truth
    harder = np.stack(
        [_harder(now.difficulty[0], then.difficulty) for now, then in zip(fills, rehearsals, strict=True)]
    )
    # What each way would have erred there, had the place been as hard as this one.
    errors = errors * harder[:, :, None, None]
    shares = _shares(errors)
    mixed = np.tensordot(shares, errors, axes=1)
    here = np.stack([way.path[0] for way in fills])
    path = np.tensordot(shares, here, axes=1)
    scale_there = _disagreement(shares, errors)
    scale_here = _disagreement(shares, here[:, None])[0]
    profile = np.mean((mixed / scale_there[:, None, None]) ** 2, axis=(0, 2))
    if not one_sided:
        profile = (profile + profile[::-1]) / 2
    hidden, length = profile.size, path.shape[0]
    stretched = np.interp(np.linspace(0, 1, length), np.linspace(0, 1, hidden), np.sqrt(profile))
    sigma = stretched * scale_here * (1 + 0.25 / apart)
    by_method: dict[FillMethod, float] = {}
    for way, share in zip(fills, shares, strict=True):
        by_method[way.method] = by_method.get(way.method, 0.0) + float(share)
    return Fill(path, np.maximum(sigma, _LEAST_MM), max(by_method, key=lambda name: by_method[name]))


def _harder(here: float, there: FloatArray) -> FloatArray:
    """(K,) factors by which errors are expected to be larger here than at the rehearsed places."""
    usual = float(np.median(there))
    if not usual > 0:
        return np.ones(there.size)
    return np.asarray(((here**2 + usual**2) / (there**2 + usual**2)) ** (_DIFFICULTY_POWER / 2))


def _shares(errors: FloatArray) -> FloatArray:
    """(C,) shares of C ways from their errors (C, K, L, 3) mm."""
    variance = np.maximum(np.mean(errors**2, axis=(1, 2, 3)), _LEAST_MM**2)
    inverse = (variance.min() / variance) ** _SHARE_POWER
    return np.asarray(inverse / inverse.sum())


def _disagreement(shares: FloatArray, paths: FloatArray) -> FloatArray:
    """(K,) root of the ways' rms distance from their mixture, (C, K, L, 3) mm; errors serve as paths do."""
    apart = paths - np.tensordot(shares, paths, axes=1)
    variance = np.tensordot(shares, np.mean(apart**2, axis=(2, 3)), axes=1)
    return np.asarray((variance + _LEAST_MM**2) ** (_SPREAD_POWER / 2))
