"""Errors of velocity and acceleration, by differences from frame to frame.

Per frame, as the papers have it, a value depends on the frame rate and cannot be compared across rates; per second it
can.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from viodat.metrics.counted import checked_rate, mean_where, pair
from viodat.metrics.metric import metric

_PAVLLO = "Pavllo et al. 2019 (VideoPose3D): MPJPE of the first derivative"
_VIOPOSE = "Yoo et al. 2025 (VioPose): MPJPE of the second derivative"


@metric(unit="mm/frame", reference=_PAVLLO)
def mpjve(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean per-joint velocity error: the mean length of the error of p(t+1) - p(t), mm per frame.

    Parameters
    ----------
    pred, target
        (..., T, J, 3) mm at a constant rate.
    valid
        (..., T, J) or (..., T) bool; a difference counts if both its frames do.
    """
    both = pair(pred, target, valid).differences(1)
    return mean_where(both.errors(), both.valid)


@metric(unit="mm/frame²", reference=_VIOPOSE)
def mpjae(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean per-joint acceleration error: the mean length of the error of p(t+2) - 2 p(t+1) + p(t), mm per frame².

    Parameters as in :func:`mpjve`; a difference counts if all three frames do.
    """
    both = pair(pred, target, valid).differences(2)
    return mean_where(both.errors(), both.valid)


@metric(unit="mm/s", reference=f"{_PAVLLO}, times the rate", per_second=True)
def mpjve_per_second(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None, *, rate_hz: float) -> float:
    """Give :func:`mpjve` in mm/s.

    Raises
    ------
    MetricError
        The rate is not a number above 0.
    """
    return mpjve(pred, target, valid) * checked_rate(rate_hz)


@metric(unit="mm/s²", reference=f"{_VIOPOSE}, times the rate squared", per_second=True)
def mpjae_per_second(pred: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None, *, rate_hz: float) -> float:
    """Give :func:`mpjae` in mm/s².

    Raises
    ------
    MetricError
        The rate is not a number above 0.
    """
    return mpjae(pred, target, valid) * checked_rate(rate_hz) ** 2
