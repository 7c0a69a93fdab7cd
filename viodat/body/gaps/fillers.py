"""The three fillers, as one idea: look at the marker where little happens, and bridge the gap there.

``spline`` looks at it in the room. ``rigid`` looks at it in the frame that moves with at least three mates of its
segment (Söderkvist and Wedin 1993): what is left is the movement of its skin against theirs. ``pca`` looks at it in the
frame of its steadiest neighbours, less what the neighbours' movement in that frame predicts, as learnt from the trial's
own frames by a regression in which directions of small movement count little. That is the idea of Gløersen and Federolf
2016 (PLoS ONE 11, e0152616: movement of markers is correlated and low-dimensional, near markers count more), written
anew, with the smooth cut-off of ridge regression in place of a number of components. Each joins the measured ends by
construction, so an offset that the soft tissue has before and after is honoured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.gaps.bridge import Kind, bridge
from viodat.body.gaps.local_frame import LocalFrame, fit_frame, mean_shape, spans_a_frame
from viodat.body.gaps.mates import FRAME_MATES, Mates
from viodat.body.gaps.result import FillMethod
from viodat.capture.markers import FloatArray

IntArray = NDArray[np.intp]

KINDS: Final[tuple[Kind, ...]] = ("line", "curve")

_CUT_MM = 0.3
"""Directions in which the neighbours move less than this (standard deviation) count little: there is mostly noise."""

_HALF_WEIGHT_MM = 3.0
"""A neighbour whose distance varies by this counts half as much as one at a fixed distance."""

_FRAME_NOISE_MM = 2.0
"""Least movement of skin that is assumed when neighbours are weighted for the local frame."""


@dataclass(frozen=True)
class Windows:
    """K stretches of the trial of equal length: the gap to fill, and places to try the fillers.

    Attributes
    ----------
    first
        (K,) first missing frame of each.
    length, before, after
        Missing frames, and measured frames beside them.
    """

    first: IntArray
    length: int
    before: int
    after: int

    @property
    def inside(self) -> IntArray:
        """(K, length) frames in the gaps."""
        return np.asarray(self.first[:, None] + np.arange(self.length))

    @property
    def beside(self) -> IntArray:
        """(K, before + after) frames beside them."""
        steps = np.concatenate([np.arange(-self.before, 0), self.length + np.arange(self.after)])
        return np.asarray(self.first[:, None] + steps)

    @property
    def frames(self) -> IntArray:
        """(N,) all frames of all windows, each once, in order."""
        return np.unique(np.concatenate([self.inside.ravel(), self.beside.ravel()]))


@dataclass(frozen=True)
class Candidate:
    """One filler's way over the windows.

    Attributes
    ----------
    method, kind
        Which filler, and which bridge.
    path
        (K, length, 3) mm, world frame.
    difficulty
        (K,): how far this bridge misses the marker's mates, which are seen, in the same windows and coordinates; no
        unit, only its ratios between windows say something. 1 where there are no mates.
    """

    method: FillMethod
    kind: Kind
    path: FloatArray
    difficulty: FloatArray


def spline(positions: FloatArray, marker: int, windows: Windows, mates: Mates) -> list[Candidate]:
    """Bridge the gap in the room; nothing where one side is missing.

    Parameters
    ----------
    positions
        (F, M, 3) mm, world frame.
    marker, windows
        Which marker, and where.
    mates
        Their own paths show how hard the windows are.
    """
    if not (windows.before and windows.after):
        return []
    samples = positions[windows.beside, marker]
    carriers = list(mates.neighbours[:FRAME_MATES])
    beside = positions[windows.beside][:, :, carriers].reshape(*windows.beside.shape, -1)
    inside = positions[windows.inside][:, :, carriers].reshape(*windows.inside.shape, -1)
    return [
        Candidate("spline", kind, _bridged(kind, samples, windows), _missed(kind, beside, inside, None, windows))
        for kind in KINDS
    ]


def rigid(positions: FloatArray, marker: int, windows: Windows, mates: Mates) -> list[Candidate]:
    """Bridge the gap in the frame of the mates of the marker's segment.

    Parameters are those of :func:`spline`; nothing where the mates do not span a frame.
    """
    if len(mates.rigid) < 3:
        return []
    frames = windows.frames
    group = positions[np.ix_(frames, np.array(mates.rigid))]
    weights = np.ones(len(mates.rigid))
    shape = mean_shape(group, weights)
    if not spans_a_frame(shape):
        return []
    frame = fit_frame(group, shape, weights)
    local = frame.local(positions[frames, marker])
    others = frame.local(group).reshape(frames.size, -1)
    beside, inside = np.searchsorted(frames, windows.beside), np.searchsorted(frames, windows.inside)
    return _in_frame("rigid", frame, local[beside], None, windows, inside, (others[beside], others[inside], None))


def pca(
    positions: FloatArray, marker: int, windows: Windows, mates: Mates, spread: FloatArray, training: IntArray
) -> list[Candidate]:
    """Bridge the gap in the frame of the neighbours, less what their movement predicts.

    Parameters
    ----------
    positions, marker, windows, mates
        As for :func:`rigid`.
    spread
        (M,) mm: how the distance of each marker to this one varies.
    training
        (T,) frames in which the marker and all neighbours are seen. The window that is filled is left out of its own
        training.

    Returns
    -------
    list of Candidate
        Empty where the neighbours do not span a frame.
    """
    neighbours = list(mates.neighbours)
    carriers = neighbours[:FRAME_MATES]
    if len(carriers) < 3:
        return []
    frames = np.union1d(windows.frames, training)
    group = positions[np.ix_(frames, np.array(neighbours))]
    weights = 1.0 / (spread[carriers] ** 2 + _FRAME_NOISE_MM**2)
    shape = mean_shape(group[:, : len(carriers)], weights)
    if not spans_a_frame(shape):
        return []
    frame = fit_frame(group[:, : len(carriers)], shape, weights)
    own = frame.local(positions[frames, marker])
    nearness = np.repeat(1.0 / (1.0 + spread[neighbours] / _HALF_WEIGHT_MM), 3)
    others = frame.local(group).reshape(frames.size, -1)

    at = np.searchsorted(frames, training)
    others = (others - others[at].mean(axis=0)) * nearness
    inputs, targets = others[at], own[at] - own[at].mean(axis=0)
    left_out = (training >= windows.first[:, None]) & (training < windows.first[:, None] + windows.length)
    gram, cross = inputs.T @ inputs, inputs.T @ targets
    grams, crosses = [], []
    for out in left_out:
        grams.append(gram - inputs[out].T @ inputs[out])
        crosses.append(cross - inputs[out].T @ targets[out])
    cut = _CUT_MM**2 * training.size * np.eye(others.shape[1])
    learnt = np.linalg.solve(np.stack(grams) + cut, np.stack(crosses))
    beside, inside = np.searchsorted(frames, windows.beside), np.searchsorted(frames, windows.inside)
    rest = own[beside] - others[beside] @ learnt
    metric = np.linalg.inv(gram + cut)
    seen = (others[beside], others[inside], metric)
    return _in_frame("pca", frame, rest, others[inside] @ learnt, windows, inside, seen)


def _bridged(kind: Kind, samples: FloatArray, windows: Windows) -> FloatArray:
    weights = bridge(kind, windows.length, windows.before, windows.after)
    return np.asarray(weights @ samples)


def _missed(
    kind: Kind, beside: FloatArray, inside: FloatArray, metric: FloatArray | None, windows: Windows
) -> FloatArray:
    """(K,) rms by which a bridge misses the paths of the mates, (K, ..., p), in a metric (p, p)."""
    if inside.shape[-1] == 0:
        return np.ones(inside.shape[0])
    missed = inside - _bridged(kind, beside, windows)
    square = np.sum(missed * (missed if metric is None else missed @ metric), axis=-1)
    return np.asarray(np.sqrt(np.mean(square, axis=-1)))


def _in_frame(
    method: FillMethod,
    frame: LocalFrame,
    rest: FloatArray,
    predicted: FloatArray | None,
    windows: Windows,
    inside: IntArray,
    mates: tuple[FloatArray, FloatArray, FloatArray | None],
) -> list[Candidate]:
    """Bridge the rest (K, before + after, 3) mm and carry it, with what is predicted, back into the room.

    ``inside`` (K, length) says where in ``frame`` the windows are; ``mates`` are the mates' coordinates beside and
    inside the windows, and the metric in which a miss of them counts.
    """
    at = inside.ravel()
    moving = LocalFrame(frame.rotations[at], frame.origins[at])
    kinds = KINDS if windows.before and windows.after else KINDS[:1]
    out = []
    for kind in kinds:
        local = _bridged(kind, rest, windows)
        if predicted is not None:
            local = local + predicted
        path = moving.world(local.reshape(-1, 3)).reshape(local.shape)
        out.append(Candidate(method, kind, path, _missed(kind, *mates, windows)))
    return out
