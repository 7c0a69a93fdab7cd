"""Scoring pose models: the protocol that a number was made under, and what a difference means."""

from viodat.bench.division import Division, divided, folds
from viodat.bench.evaluation import evaluate_model
from viodat.bench.joint_sets import JointSet, joint_set
from viodat.bench.poses import RecordingPoses
from viodat.bench.protocol import Protocol, list_protocols, load_protocol
from viodat.bench.registry import ModelSpec, create_model, find_model, list_models
from viodat.bench.scores import Scores, score
from viodat.bench.statistics import Comparison, compare, compare_all, holm
from viodat.bench.truth_error import TruthCheck, check_truth

__all__ = [
    "Comparison",
    "Division",
    "JointSet",
    "ModelSpec",
    "Protocol",
    "RecordingPoses",
    "Scores",
    "TruthCheck",
    "check_truth",
    "compare",
    "compare_all",
    "create_model",
    "divided",
    "evaluate_model",
    "find_model",
    "folds",
    "holm",
    "joint_set",
    "list_models",
    "list_protocols",
    "load_protocol",
    "score",
]
