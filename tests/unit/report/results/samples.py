"""Results of benchmarks for the tests of their report: any number of models, 3 or 12 participants, all of it made up.

The same arguments give the same values. Nothing here was measured.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np

from viodat.joints import JOINTS
from viodat.metrics.groups import JOINT_GROUPS

KEYS = ("name", "title", "unit", "direction", "reference")
METRICS = (
    ("mpjpe", "MPJPE", "mm", "lower", "Ionescu et al. 2014"),
    ("p_mpjpe", "P-MPJPE", "mm", "lower", "Umeyama 1991; Martinez et al. 2017"),
    ("mpjve", "MPJVE", "mm/frame", "lower", "Pavllo et al. 2019"),
    ("mpjae", "MPJAE", "mm/frame²", "lower", "Yoo et al. 2025"),
    ("dtw", "DTW", "mm", "lower", "Sakoe and Chiba 1978"),
    ("pck", "PCK at 150 mm", "%", "higher", "Mehta et al. 2017"),
)
MODELS = (
    ("mixste", 33_600_000), ("viopose", 8_250_000), ("tcn", 4_210_000), ("ridge", 1_640), ("mean-pose", None),
    ("mhformer", 18_900_000), ("motionbert", 42_500_000), ("pstmo", 5_400_000), ("poseformerv2", 14_300_000),
    ("stridedformer", 4_060_000), ("videopose3d", 16_950_000), ("mixste, T=81", 33_500_000),
    ("viopose, no sound", 7_900_000), ("viopose, T=300", 8_300_000), ("tcn, causal", 4_210_000),
    ("tcn, wide", 16_800_000),
)  # fmt: skip
FLOORS = ("ridge", "mean-pose", "tcn")
PROTOCOLS = {
    "viopose": "VioPose: prediction and target are centred on their own root; root: mean of left_pelvis and "
    "right_pelvis; all joints; mean over recordings of each one's mean, mm; every frame once, averaged with the mirror "
    "image's.",
    "videopose3d": "VideoPose3D: the target is centred on its root, the prediction is taken as it comes; root: mean of "
    "left_pelvis and right_pelvis; all joints and the root as one more; mean over all frames, mm.",
    "mixste": "MixSTE: the target is centred on its root, the prediction is taken as it comes; mean over all frames.",
    "motionbert": "MotionBERT: prediction and target are centred on their own root; mean over all frames, mm.",
}
RATE_HZ = 30.0
_HARD = {"shoulder": 0.6, "elbow": 1.1, "wrist": 1.5, "index": 1.7, "pinky": 1.7, "thumb": 1.6, "pelvis": 0.25,
         "knee": 0.7, "ankle": 0.9}  # fmt: skip
_PUBLISHED = {"mixste": {"mpjpe": 41.2, "p_mpjpe": 31.5, "mpjve": 2.1}, "viopose": {"mpjpe": 39.6, "dtw": 6.39}}
_ENVIRONMENT = {
    "device": "NVIDIA H200", "torch": "2.5.1", "numpy": "1.26.4", "python": "3.11.9", "cpu": "16 cores", "threads": "1",
}  # fmt: skip


def sample_results(models: int = 7, participants: int = 3, *, seconds: float = 40.0, seed: int = 0) -> dict[str, Any]:
    """Make results of the first ``models`` of 16 models on so many participants."""
    generator = np.random.default_rng(seed)
    people = [f"P{number:02d}" for number in (5, 9, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22)[:participants]]
    recordings = [
        f"{person}C{camera:02d}T{trial:02d}" for person in people for trial in (28, 31) for camera in (1, 2, 3, 4)
    ]
    rows = [
        _row(name, size, place, people, recordings, generator) for place, (name, size) in enumerate(MODELS[:models])
    ]
    order = sorted(rows[0]["recordings"], key=lambda one: rows[0]["recordings"][one]["mpjpe"])
    labels = [row["label"] for row in rows]
    return {
        "format": 1,
        "title": "Table 2 on the demo twin",
        "dataset": {
            "name": "demo twin", "sha256": "3f" * 32, "rate_hz": RATE_HZ, "pose2d": "detected",
            "test": {"recordings": len(recordings), "trials": 2 * participants, "participants": people},
            "train": {"recordings": 96, "trials": 24, "participants": ["P01", "P02", "P03", "P04", "P06", "P07"]},
            "validation": {"recordings": 12, "trials": 3, "participants": ["P08"]},
        },
        "protocol": {
            "name": "viopose", "title": "VioPose", "source": "Yoo et al. 2025 (VioPose), section 4.2",
            "note": "Poses are centred on their own mid-pelvis.", "sentence": PROTOCOLS["viopose"], "recentred": "both",
        },
        "folds": "dataset",
        "validation": "participant",
        "notes": ["Keypoints that the detector missed were interpolated in time; those frames count all the same."],
        "metrics": [dict(zip(KEYS, one, strict=True)) for one in METRICS],
        "interval_of": "participants" if participants >= 6 else "recordings",
        "rows": rows,
        "protocols": {
            name: {
                "title": sentence.split(":")[0],
                "sentence": sentence,
                "rows": {
                    row["label"]: {one: row["overall"][one] * (1 + 0.04 * place) for one in ("mpjpe", "p_mpjpe")}
                    for row in rows
                },
            }
            for place, (name, sentence) in enumerate(PROTOCOLS.items())
        },
        "comparisons": _comparisons(rows, people),
        "figures": _figures(labels, order, seconds, generator),
    }  # fmt: skip


def _row(
    name: str, size: int | None, place: int, people: list[str], recordings: list[str], generator: np.random.Generator
) -> dict[str, Any]:
    level = {"mean-pose": 168.0, "ridge": 71.0, "tcn": 55.0}.get(name, 44.0 + 1.1 * place)
    ratios = {"mpjpe": 1.0, "p_mpjpe": 0.76, "mpjve": 0.048, "mpjae": 0.019, "dtw": 0.14}

    def values(of: float) -> dict[str, float]:
        said = {metric: of * ratio * float(generator.uniform(0.97, 1.03)) for metric, ratio in ratios.items()}
        return {**said, "mpjpe": of, "pck": float(100 / (1 + math.exp((of - 150) / 40)))}

    hard = {person: 1 + 0.15 * k / len(people) for k, person in enumerate(people)}
    of_recordings = {
        one: values(level * hard[one[:3]] * float(generator.uniform(0.8, 1.3)) * (1.1 if "C03" in one else 1.0))
        for one in recordings
    }
    of_people = {
        person: {
            metric: float(np.mean([found[metric] for one, found in of_recordings.items() if one.startswith(person)]))
            for metric, *_ in METRICS
        }
        for person in people
    }
    overall = {metric: float(np.mean([found[metric] for found in of_recordings.values()])) for metric, *_ in METRICS}
    worst = max(of_people, key=lambda person: of_people[person]["mpjpe"])
    joints = {
        joint: level
        * _HARD[joint.split("_")[1]]
        * float(generator.uniform(0.85, 1.1))
        * (1.12 if "right" in joint else 1)
        for joint in JOINTS
    }
    floor = name in FLOORS
    return {
        "label": name, "model": name.split(",")[0],
        "recipe": "" if name in FLOORS[:2] else "paper", "source": "viodat" if floor else "the model's paper",
        "note": "λ chosen on validation" if name == "ridge" else "", "floor": floor,
        "parameters": size,
        "trained_s": 0.4 if name == "mean-pose" else 12.0 if name == "ridge" else 3600.0 + 911 * place,
        "seeds": [0] if name in FLOORS[:2] else [0, 1, 2],
        "overall": overall,
        "participant_mean": {one: float(np.mean([of[one] for of in of_people.values()])) for one, *_ in METRICS},
        "interval": {metric: [overall[metric] * 0.94, overall[metric] * 1.07] for metric, *_ in METRICS},
        "seed_sd": {metric: None if name in FLOORS[:2] else overall[metric] * 0.006 for metric, *_ in METRICS},
        "worst_participant": {"participant": worst, "mpjpe": of_people[worst]["mpjpe"]},
        "participants": of_people, "recordings": of_recordings, "joints": joints,
        "groups": {group: float(np.mean([joints[one] for one in names])) for group, names in JOINT_GROUPS.items()},
        "published": _PUBLISHED.get(name, {}),
        "curves": [] if name in FLOORS[:2] else _curves(name, level, generator),
        "environment": _ENVIRONMENT if name not in FLOORS[:2] else {**_ENVIRONMENT, "device": "cpu"},
        "peak_memory_mb": 512.0 + 37 * place,
        "runs": [f"{name}-{seed}-3f3f3f3f".replace(", ", "-") for seed in (0, 1, 2)],
    }  # fmt: skip


def _curves(name: str, level: float, generator: np.random.Generator) -> list[dict[str, Any]]:
    found = []
    for seed in (0, 1, 2):
        for stage in ("pretrain", "train") if name == "pstmo" else ("train",):
            epochs = 40 if stage == "pretrain" else 60
            x = np.arange(epochs)
            loss = 0.9 * np.exp(-x / 9) + 0.04 * np.exp(generator.normal(0, 0.06, epochs))
            error = level * (1 + 1.5 * np.exp(-x / 8) + generator.normal(0, 0.01, epochs))
            validation = [None if stage == "pretrain" or k % 2 else float(v) for k, v in enumerate(error)]
            found.append(
                {
                    "seed": seed,
                    "fold": "",
                    "stage": stage,
                    "loss": [float(v) for v in loss],
                    "validation_mm": validation,
                    "validation_mpjve": [None if one is None else one / 20 for one in validation],
                }
            )
    return found


def _comparisons(rows: list[dict[str, Any]], people: list[str]) -> list[dict[str, Any]]:
    n = len(people)
    least = 2 / 2**n
    few = f"with so few, no two-sided test can show that it would be on others (the smallest p is {least:.2g})."
    verdict = few if n < 6 else f"that would hold for others like them (p = {3 * least:.2g})."
    found = []
    for metric, unit in (("mpjpe", "mm"), ("mpjve", "mm/frame")):
        for first, second in combinations(rows, 2):
            each = {one: first["participants"][one][metric] - second["participants"][one][metric] for one in people}
            apart = float(np.mean(list(each.values())))
            spread = float(np.std(list(each.values()), ddof=1)) if n > 1 else math.nan
            worst = max(each, key=lambda one: each[one])
            flips = float(np.exp(-abs(apart))) / 2
            better, other = (first, second) if apart < 0 else (second, first)
            found.append(
                {
                    "first": first["label"], "second": second["label"], "metric": metric, "unit": unit,
                    "difference": apart, "p": least, "adjusted_p": min(1.0, 3 * least), "least_p": least,
                    "effect": apart / spread if n > 1 else None,
                    "interval": [apart - spread, apart + spread] if n >= 6 else None,
                    "worst": [worst, each[worst]],
                    "sentence": f"{better['label']} is {abs(apart):.2f} {unit} better than {other['label']} on these "
                    f"{n} participants; {verdict}",
                    "exploratory": metric != "mpjpe",
                    "truth": {"flips": flips, "tie": flips > 0.05, "interval": [apart - 1, apart + 1], "unstated": 0.0}
                    if metric == "mpjpe" else None,
                }
            )  # fmt: skip
    return found


def _figures(labels: list[str], order: list[str], seconds: float, generator: np.random.Generator) -> dict[str, Any]:
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    stroke = 0.55 + 0.25 * np.sin(2 * np.pi * time / 23)
    phase = 2 * np.pi * np.cumsum(stroke) / RATE_HZ
    bow = 220 * np.sin(phase) * (0.6 + 0.4 * np.sin(2 * np.pi * time / 11))
    truth = np.stack([-120 + 0.8 * bow, -210 + 0.45 * bow + 15 * np.sin(0.6 * phase), 90 - 0.35 * bow], axis=1)
    depth = np.clip(np.sin(2 * np.pi * time / 9), 0, None) * 2.2
    shake = depth * np.sin(2 * np.pi * 5.6 * time)

    def error(place: int, hard: float) -> list[float | None]:
        level = (44 + 9 * place) * hard * (1 + 0.25 * np.sin(2 * np.pi * time / 13 + place))
        noise = np.convolve(generator.normal(0, 1, len(time)), np.ones(9) / 9, mode="same")
        values: list[float | None] = [float(v) for v in np.abs(level * (1 + 0.3 * noise))]
        for k in range(len(time) // 2, min(len(time), len(time) // 2 + 40)):
            values[k] = None
        return values

    def course(place: int) -> list[list[float]]:
        lag = np.roll(truth, 1 + place, axis=0) * (0.96 - 0.04 * place)
        return [[float(v) for v in one] for one in lag + generator.normal(0, 3 + 3 * place, truth.shape)]

    kept = {label: max(0.9 - 0.17 * place, 0.02) for place, label in enumerate(labels)}
    which = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    times = [float(t) for t in time]
    heard = {label: share * shake + generator.normal(0, 0.1, len(time)) for label, share in kept.items()}
    return {
        "over_time": [
            {"recording": name, "which": kind, "time_s": times,
             "rows": {label: error(place, 0.7 + 0.4 * k) for place, label in enumerate(labels)}}
            for k, (kind, name) in enumerate(which.items())
        ],
        "wrist": {
            "recording": which["median"], "joint": "right_wrist", "time_s": times,
            "truth": [[float(v) for v in one] for one in truth],
            "rows": {label: course(place) for place, label in enumerate(labels)},
        },
        "vibrato": {
            "recording": which["median"], "joint": "left_index", "time_s": times, "band_hz": [4, 8],
            "truth": [float(v) for v in shake],
            "rows": {label: [float(v) for v in values] for label, values in heard.items()},
            "truth_rms_mm": float(np.sqrt(np.mean(shake**2))),
            "rows_rms_mm": {label: float(np.sqrt(np.mean(values**2))) for label, values in heard.items()},
        },
    }  # fmt: skip
