"""Which joints in which frames count, and means over them.

Arrays are (..., T, J, 3) in any unit of length, the same for both, at a constant rate. Counted is a joint in a frame
where the target is finite and ``valid`` is True. Where the target is NaN it is undetermined, and nothing can be said of
the prediction. A prediction that is not finite where it counts makes the result NaN: nothing is left out because a
model gave no answer. Where nothing counts the result is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viodat.errors import MetricError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pair:
    """A prediction and its target, checked.

    Attributes
    ----------
    pred, target
        (..., T, J, 3) float64; zero in both where they do not count; NaN in a prediction that is not finite.
    valid
        (..., T, J): what counts.
    """

    pred: FloatArray
    target: FloatArray
    valid: BoolArray

    def errors(self) -> FloatArray:
        """Give (..., T, J) the Euclidean distances, zero where they do not count."""
        return _norm(self.pred - self.target)

    def differences(self, order: int) -> Pair:
        """Give both by their n-th differences from frame to frame; one counts if all frames that it is of do."""
        frames = self.valid.shape[-2]
        shape = (*self.valid.shape[:-2], max(frames - order, 0), self.valid.shape[-1])
        valid = np.ones(shape, dtype=bool)
        for shift in range(order + 1):
            valid &= self.valid[..., shift : shift + shape[-2], :]
        pred, target = (
            np.where(valid[..., None], np.diff(values, n=order, axis=-3), 0.0) for values in (self.pred, self.target)
        )
        return Pair(pred, target, valid)


def pair(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> Pair:
    """Check a prediction, its target and their mask.

    Parameters
    ----------
    pred, target
        (..., T, J, 3).
    valid
        (..., T, J) or (..., T) bool; None: all frames and joints in which the target is finite.

    Raises
    ------
    MetricError
        The shapes do not fit, or there is no axis of three coordinates.
    """
    predicted, wanted = np.asarray(pred, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if predicted.shape != wanted.shape or wanted.ndim < 3 or wanted.shape[-1] != 3:
        raise MetricError(
            f"expected a prediction and a target of one shape (..., T, J, 3), "
            f"but got {predicted.shape} and {wanted.shape}"
        )
    counts: BoolArray = np.asarray(np.isfinite(wanted).all(axis=-1))
    if valid is not None:
        mask = np.asarray(valid)
        if mask.dtype != np.bool_ or mask.shape not in (counts.shape, counts.shape[:-1]):
            raise MetricError(
                f"expected a mask of bool of shape {counts.shape} or {counts.shape[:-1]}, "
                f"but got {mask.dtype} of {mask.shape}"
            )
        counts &= mask if mask.shape == counts.shape else mask[..., None]
    at = counts[..., None]
    predicted = np.where(np.isfinite(predicted), predicted, np.nan)
    return Pair(np.where(at, predicted, 0.0), np.where(at, wanted, 0.0), counts)


def checked_rate(rate_hz: float) -> float:
    """Give a rate.

    Raises
    ------
    MetricError
        It is not a number above 0.
    """
    if not 0 < rate_hz < float("inf"):
        raise MetricError(f"expected a rate above 0 Hz, but got {rate_hz}")
    return rate_hz


def mean_where(values: FloatArray, valid: BoolArray) -> float:
    """Give the mean over all that counts; NaN if nothing does."""
    count = np.count_nonzero(valid)
    return float(np.where(valid, values, 0.0).sum() / count) if count else float("nan")


def joint_means_where(values: FloatArray, valid: BoolArray) -> FloatArray:
    """Give (J,) the mean of each joint over all that counts of it; NaN where nothing does."""
    axes = tuple(range(values.ndim - 1))
    count = np.count_nonzero(valid, axis=axes)
    total = np.where(valid, values, 0.0).sum(axis=axes)
    means: FloatArray = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return means


def _norm(vectors: FloatArray) -> FloatArray:
    lengths: FloatArray = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    return lengths
