"""Scoring pose models: the protocol that a number was made under, and what a difference means."""

from viodat.bench.poses import RecordingPoses
from viodat.bench.protocol import Protocol, list_protocols, load_protocol
from viodat.bench.registry import ModelSpec, find_model, list_models
from viodat.bench.scores import Scores, score
from viodat.bench.statistics import Comparison, compare, compare_all, holm
from viodat.bench.truth_error import TruthCheck, check_truth

__all__ = [
    "Comparison",
    "ModelSpec",
    "Protocol",
    "RecordingPoses",
    "Scores",
    "TruthCheck",
    "check_truth",
    "compare",
    "compare_all",
    "find_model",
    "holm",
    "list_models",
    "list_protocols",
    "load_protocol",
    "score",
]
