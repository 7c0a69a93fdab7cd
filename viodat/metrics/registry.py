"""All metrics by name: those of viodat and those that users add."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import ArrayLike

from viodat.errors import MetricError
from viodat.metrics.alignment import n_mpjpe, p_mpjpe, rigid_mpjpe
from viodat.metrics.metric import Metric
from viodat.metrics.motion import mpjae, mpjae_per_second, mpjve, mpjve_per_second
from viodat.metrics.position import auc, mpjpe, pck
from viodat.metrics.spectrum import vibrato_band_error
from viodat.metrics.warping import dtw

_METRICS: dict[str, Metric[Any]] = {}


def register_metric(added: Metric[Any]) -> Metric[Any]:
    """Add a metric under its name; :func:`evaluate` and every table know it then.

    Raises
    ------
    MetricError
        Another one has the name.
    """
    if _METRICS.setdefault(added.name, added) is not added:
        raise MetricError(f"there is a metric {added.name!r} already", mend="Choose another name.")
    return added


def list_metrics() -> tuple[str, ...]:
    """Give the names of all metrics, in the order of tables."""
    return tuple(_METRICS)


def get_metric(name: str) -> Metric[Any]:
    """Give a metric by its name.

    Raises
    ------
    MetricError
        There is none.
    """
    if name not in _METRICS:
        raise MetricError(f"there is no metric {name!r}; there are {', '.join(_METRICS)}")
    return _METRICS[name]


def evaluate(
    pred: ArrayLike,
    target: ArrayLike,
    valid: ArrayLike | None = None,
    *,
    rate_hz: float,
    metrics: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute metrics of a prediction, by name.

    Parameters
    ----------
    pred, target
        (..., T, J, 3) mm at a constant rate, aligned as the protocol says: nothing is re-centred here.
    valid
        (..., T, J) or (..., T) bool. What counts: :mod:`viodat.metrics.counted`.
    rate_hz
        Of the frames.
    metrics
        Their names; None: all.

    Raises
    ------
    MetricError
        A name is not known, or the arrays do not fit.
    """
    chosen = [get_metric(name) for name in (list_metrics() if metrics is None else metrics)]
    return {
        one.name: one(pred, target, valid, rate_hz=rate_hz) if one.per_second else one(pred, target, valid)
        for one in chosen
    }


for _metric in (
    mpjpe, p_mpjpe, mpjve, mpjae, dtw, rigid_mpjpe, n_mpjpe, mpjve_per_second, mpjae_per_second, vibrato_band_error,
    pck, auc,
):  # fmt: skip
    register_metric(_metric)
