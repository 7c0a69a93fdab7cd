"""How far joints are from where they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from viodat.metrics.counted import FloatArray, joint_means_where, mean_where, pair
from viodat.metrics.metric import metric

PCK_MM: Final = 150.0
AUC_STEP_MM: Final = 5.0


@metric(unit="mm", reference="Ionescu et al. 2014 (Human3.6M)")
def mpjpe(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean per-joint position error: the mean Euclidean distance over all joints and frames that count.

    Parameters
    ----------
    pred, target
        (..., T, J, 3) mm, in one frame; roots as they are: a protocol re-centres them before.
    valid
        (..., T, J) or (..., T) bool. What counts: :mod:`viodat.metrics.counted`.

    Examples
    --------
    >>> import numpy as np
    >>> mpjpe(np.zeros((1, 2, 3)), np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]]))
    3.0
    """
    both = pair(pred, target, valid)
    return mean_where(both.errors(), both.valid)


def per_joint(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> FloatArray:
    """Give (J,) mm: each joint's mean distance; NaN for a joint that never counts. Parameters as in :func:`mpjpe`."""
    both = pair(pred, target, valid)
    return joint_means_where(both.errors(), both.valid)


def error_percentiles(
    pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None, *, percentiles: Sequence[float] = (50, 90, 95)
) -> FloatArray:
    """Give the distances below which the stated shares lie, mm; parameters as in :func:`mpjpe`.

    NaN if nothing counts, or a prediction is not finite where it does.
    """
    both = pair(pred, target, valid)
    errors = both.errors()[both.valid]
    if not len(errors) or not np.isfinite(errors).all():
        return np.full(len(percentiles), np.nan)
    return np.asarray(np.percentile(errors, percentiles), dtype=np.float64)


@metric(unit="%", direction="higher", reference="Mehta et al. 2017 (MPI-INF-3DHP), 3D PCK")
def pck(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None, *, threshold_mm: float = PCK_MM) -> float:
    """Share of joints within a distance, percent; parameters as in :func:`mpjpe`."""
    both = pair(pred, target, valid)
    errors = both.errors()
    return 100.0 * mean_where(np.where(np.isnan(errors), np.nan, errors <= threshold_mm), both.valid)


@metric(unit="%", direction="higher", reference="Mehta et al. 2017 (MPI-INF-3DHP), area under the curve of 3D PCK")
def auc(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean of :func:`pck` over thresholds from 0 to 150 mm in steps of 5 mm, percent."""
    both = pair(pred, target, valid)
    errors = both.errors()
    thresholds = np.arange(0.0, PCK_MM + AUC_STEP_MM / 2, AUC_STEP_MM)
    # Of n ascending thresholds, an error is within all from the first that is not below it.
    within = len(thresholds) - np.searchsorted(thresholds, errors, side="left")
    return 100.0 * mean_where(np.where(np.isnan(errors), np.nan, within / len(thresholds)), both.valid)
