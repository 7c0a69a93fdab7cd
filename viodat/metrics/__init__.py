"""Metrics of poses over time: pure functions on arrays, each with its unit, direction and source.

Arrays are (..., T, J, 3) in mm: prediction and target of one frame, rate and order of joints. Nothing is re-centred
here: what is done to poses before they are compared belongs to a protocol (:mod:`viodat.bench`). What counts, and what
NaN means: :mod:`viodat.metrics.counted`.
"""

from viodat.metrics.alignment import align, n_mpjpe, p_mpjpe, rigid_mpjpe
from viodat.metrics.events import around_events
from viodat.metrics.groups import JOINT_GROUPS, per_group
from viodat.metrics.metric import Metric, metric
from viodat.metrics.motion import mpjae, mpjae_per_second, mpjve, mpjve_per_second
from viodat.metrics.position import auc, error_percentiles, mpjpe, pck, per_joint
from viodat.metrics.registry import evaluate, get_metric, list_metrics, register_metric
from viodat.metrics.spectrum import jitter_spectrum, vibrato_band_error
from viodat.metrics.warping import Warping, dtw, joint_dtw, warp

__all__ = [
    "JOINT_GROUPS",
    "Metric",
    "Warping",
    "align",
    "around_events",
    "auc",
    "dtw",
    "error_percentiles",
    "evaluate",
    "get_metric",
    "jitter_spectrum",
    "joint_dtw",
    "list_metrics",
    "metric",
    "mpjae",
    "mpjae_per_second",
    "mpjpe",
    "mpjve",
    "mpjve_per_second",
    "n_mpjpe",
    "p_mpjpe",
    "pck",
    "per_group",
    "per_joint",
    "register_metric",
    "rigid_mpjpe",
    "vibrato_band_error",
    "warp",
]
