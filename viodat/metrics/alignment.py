"""Fitting each frame's prediction to its target before it is judged: similarity, rigid motion, or scale.

The similarity fit is Umeyama's (1991): with both centred on the means of the joints that count, H = Σ p gᵀ = U S Vᵀ,
the rotation is V diag(1, 1, d) Uᵀ with d = sign det(V Uᵀ), so that a reflection is never a fit, the scale
Σ s_i d_i / Σ |p|². Without d, a mirrored skeleton would be called perfect.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from viodat.metrics.counted import BoolArray, FloatArray, Pair, mean_where, pair
from viodat.metrics.metric import metric

Alignment = Literal["similarity", "rigid", "scale"]

LEAST_JOINTS = 3
"""A frame with fewer joints that count does not determine a rotation, and fits whatever was predicted."""


def align(
    pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None, *, by: Alignment = "similarity"
) -> FloatArray:
    """Give each frame's prediction, fitted to its target by least squares over the joints that count.

    Parameters
    ----------
    pred, target
        (..., T, J, 3), of one unit.
    valid
        (..., T, J) or (..., T) bool.
    by
        ``similarity`` (rotation, scale and translation), ``rigid`` (rotation and translation), or ``scale`` (a factor
        about the origin, so of root-centred poses). None of them mirrors.

    Returns
    -------
    array
        (..., T, J, 3); NaN in joints that do not count and in frames with fewer than 3 that do.
    """
    both = pair(pred, target, valid)
    fitted, valid_now = _fitted(both, by)
    return np.where(valid_now[..., None], fitted, np.nan)


@metric(unit="mm", reference="Umeyama 1991; Martinez et al. 2017 (protocol 2)")
def p_mpjpe(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """:func:`viodat.metrics.mpjpe` after a similarity fit of each frame, without reflections.

    Parameters
    ----------
    pred, target
        (..., T, J, 3) mm.
    valid
        (..., T, J) or (..., T) bool; frames with fewer than 3 joints that count do not count.
    """
    return _aligned_error(pred, target, valid, "similarity")


@metric(unit="mm", reference="Umeyama 1991, with scale 1")
def rigid_mpjpe(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """:func:`viodat.metrics.mpjpe` after a rigid fit of each frame: size counts. Parameters as in :func:`p_mpjpe`."""
    return _aligned_error(pred, target, valid, "rigid")


@metric(unit="mm", reference="Rhodin et al. 2018 (N-MPJPE)")
def n_mpjpe(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """:func:`viodat.metrics.mpjpe` after scaling each frame about the origin: size does not count.

    Parameters as in :func:`p_mpjpe`; poses are root-centred.
    """
    return _aligned_error(pred, target, valid, "scale")


def _aligned_error(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None, by: Alignment) -> float:
    both = pair(pred, target, valid)
    fitted, counts = _fitted(both, by)
    return mean_where(Pair(fitted, both.target, counts).errors(), counts)


def _fitted(both: Pair, by: Alignment) -> tuple[FloatArray, BoolArray]:
    """Give the fitted prediction, and what counts of it."""
    enough = np.count_nonzero(both.valid, axis=-1) >= LEAST_JOINTS
    counts = both.valid & enough[..., None]
    # An answer that is no number must not stop the fit of others; it is NaN in the end.
    numbers = np.asarray(np.isfinite(both.pred).all(axis=(-2, -1)))
    pred = np.where(numbers[..., None, None], both.pred, 0.0)
    fitted = _scaled(pred, both.target) if by == "scale" else _moved(pred, both.target, counts, by == "similarity")
    return np.where(numbers[..., None, None], fitted, np.nan), counts


def _scaled(pred: FloatArray, target: FloatArray) -> FloatArray:
    # Joints that do not count are zero in both.
    above, below = np.einsum("...ji,...ji->...", pred, target), np.einsum("...ji,...ji->...", pred, pred)
    factor = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return np.asarray(pred * np.maximum(factor, 0.0)[..., None, None])


def _moved(pred: FloatArray, target: FloatArray, counts: BoolArray, with_scale: bool) -> FloatArray:
    weight = counts[..., None].astype(np.float64)
    count = np.maximum(weight.sum(axis=-2, keepdims=True), 1.0)
    pred_mean, target_mean = ((values * weight).sum(axis=-2, keepdims=True) / count for values in (pred, target))
    centred, wanted = (pred - pred_mean) * weight, (target - target_mean) * weight
    u, s, vt = np.linalg.svd(np.einsum("...ji,...jk->...ik", centred, wanted))
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    sign[sign == 0] = 1.0
    last = np.stack([np.ones_like(sign), np.ones_like(sign), sign], axis=-1)
    rotation = np.einsum("...ik,...k,...kj->...ij", u, last, vt)
    factor = np.ones_like(sign)
    if with_scale:
        below = np.einsum("...ji,...ji->...", centred, centred)
        factor = np.divide((s * last).sum(axis=-1), below, out=np.ones_like(below), where=below > 0)
    return np.asarray(factor[..., None, None] * (centred @ rotation) + target_mean)
