"""A standing figure whose joint centres are chosen first and whose markers are then placed around them.

It is the oracle of the joint-centre tests: no line of it solves for a centre. Millimetres; x forward, y to the left,
z up before the figure is carried somewhere by a rigid motion.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.body import MARKER_SETS
from viodat.capture.markers import MarkerTrial, Subject

DIAMETER = 14.0
MEASURED = {
    "leg_length": 1000.0,
    "knee_width": 110.0,
    "ankle_width": 80.0,
    "shoulder_offset": 45.0,
    "elbow_width": 75.0,
    "wrist_width": 60.0,
    "hand_thickness": 17.0,
}
IAD = 250.0

# Davis 1991 for a leg of 1000 mm, an inter-ASIS distance of 250 mm and 14 mm markers, worked out by hand.
_C = 99.7
_DEPTH = 80.24 + 7.0
HIP = np.array(
    [
        _C * math.cos(0.5) * math.sin(0.314) - _DEPTH * math.cos(0.314),
        125.0 - _C * math.sin(0.5),
        -_C * math.cos(0.5) * math.cos(0.314) - _DEPTH * math.sin(0.314),
    ]
)


def measurements() -> dict[str, float]:
    both = {f"{name}_{side}_mm": value for name, value in MEASURED.items() for side in ("left", "right")}
    return {**both, "inter_asis_distance_mm": IAD, "marker_diameter_mm": DIAMETER}


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


def _across(direction: list[float], along: np.ndarray) -> np.ndarray:
    """Give the unit vector nearest to ``direction`` that is perpendicular to ``along``."""
    a, d = _unit(along), np.array(direction)
    return _unit(d - a * (a @ d))


def _left_side(knuckle_mm: float) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    half = {name: (MEASURED[f"{name}_width"] + DIAMETER) / 2 for name in ("knee", "ankle", "elbow", "wrist")}
    pelvis = np.array([0.0, 0.0, 950.0])
    hip = pelvis + HIP
    knee = hip + np.array([20.0, -10.0, -400.0])
    ankle = knee + np.array([-15.0, 5.0, -400.0])
    knee_out, ankle_out = _across([0, 1, 0], hip - knee), _across([0.1, 1, 0], knee - ankle)
    m = {
        "ASI": pelvis + np.array([0, IAD / 2, 0]),
        "PSI": pelvis + np.array([-150.0, 40.0, 0.0]),
        "KNE": knee + half["knee"] * knee_out,
        "KNM": knee - half["knee"] * knee_out,
        "THI": (hip + knee) / 2 + 70 * knee_out,
        "ANK": ankle + half["ankle"] * ankle_out,
        "MED": ankle - half["ankle"] * ankle_out,
        "TIB": (knee + ankle) / 2 + 60 * ankle_out,
        "HEE": ankle + np.array([-60.0, 0.0, -40.0]),
        "TOE": ankle + np.array([130.0, 10.0, -50.0]),
        "FHD": np.array([80.0, 70.0, 1650.0]),
        "BHD": np.array([-80.0, 70.0, 1650.0]),
    }
    neck = np.array([0.0, 0.0, 1400.0])
    shoulder = neck + np.array([0.0, 180.0, -15.0])
    elbow = shoulder + np.array([10.0, 40.0, -290.0])
    elbow_out = _across([0, 1, 0], shoulder - elbow)
    m["SHO"] = shoulder + (MEASURED["shoulder_offset"] + DIAMETER / 2) * np.array([0.0, 15.0, 180.0]) / math.hypot(
        15, 180
    )
    m["ELB"] = elbow + half["elbow"] * elbow_out
    m["ELM"] = elbow - half["elbow"] * elbow_out
    m["UPA"] = (shoulder + elbow) / 2 + 50 * elbow_out
    # The elbow's plane is perpendicular to that of shoulder, elbow marker and wrist bar.
    upper = shoulder - m["ELB"]
    forward = _unit(np.cross(elbow_out, upper))
    mid_wrist = m["ELB"] - 0.2 * upper + 230 * forward
    back = elbow - mid_wrist
    thumbwards = _across([0, 0, 1], back)
    palmar = _unit(np.cross(thumbwards, back))
    wrist = mid_wrist + half["wrist"] * palmar
    distal = -_unit(back)
    m["FRM"] = (elbow + mid_wrist) / 2 - 40 * palmar
    m["WRA"], m["WRB"] = mid_wrist + 30 * thumbwards, mid_wrist - 30 * thumbwards
    thick = (MEASURED["hand_thickness"] + DIAMETER) / 2
    under_knuckle = (MEASURED["hand_thickness"] + knuckle_mm) / 2
    hand = wrist + 80 * distal
    m["FIN"] = hand - thick * palmar
    m["IDX"] = mid_wrist + 80 * distal + 25 * thumbwards
    m["PNK"] = mid_wrist + 75 * distal - 25 * thumbwards
    m["THM"] = mid_wrist + 50 * distal + 45 * thumbwards
    truth = {
        "pelvis": hip,
        "knee": knee,
        "ankle": ankle,
        "shoulder": shoulder,
        "elbow": elbow,
        "wrist": wrist,
        "hand": hand,
        "index": m["IDX"] + under_knuckle * palmar,
        "pinky": m["PNK"] + under_knuckle * palmar,
        "thumb": m["THM"],
        "mid_wrist": mid_wrist,
    }
    return m, truth


_MIDDLE = {
    "SACR": np.array([-150.0, 0.0, 950.0]),
    "C7": np.array([-113.0, 0.0, 1440.0]),
    "CLAV": np.array([DIAMETER / 2, 0.0, 1400.0]),
    "STRN": np.array([27.0, 0.0, 1210.0]),
    "T10": np.array([-133.0, 0.0, 1230.0]),
    "RBAK": np.array([-130.0, -70.0, 1330.0]),
}
_LANDMARK = {
    "FLE": "KNE", "FME": "KNM", "FAL": "ANK", "TAM": "MED", "HLE": "ELB", "HME": "ELM",
    "RSP": "WRA", "USP": "WRB", "HM2": "IDX", "HM5": "PNK",
}  # fmt: skip
_NAMED = {
    "Hip": "pelvis", "Knee": "knee", "Ankle": "ankle", "Shoulder": "shoulder", "Elbow": "elbow",
    "Wrist": "wrist", "Index": "index", "Pinky": "pinky", "Thumb": "thumb",
}  # fmt: skip


def figure(
    frames: int = 5, seed: int = 0, knuckle_mm: float = DIAMETER
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Points of every label that any marker set uses, and the true centres, each (frames, 3).

    ``knuckle_mm`` is the diameter of the markers over the knuckles, DIAMETER that of all others.
    """
    m, t = _left_side(knuckle_mm)
    points, truth = dict(_MIDDLE), {}
    for mark, side, mirror in (("L", "left", [1, 1, 1]), ("R", "right", [1, -1, 1])):
        points |= {mark + stem: p * mirror for stem, p in m.items()}
        points |= {f"{mark}_{name}": m[stem] * mirror for name, stem in _LANDMARK.items()}
        points |= {mark + name: t[joint] * mirror for name, joint in _NAMED.items()}
        truth |= {f"{side}_{joint}": p * mirror for joint, p in t.items()}
    # No rule asks where the other markers are: clusters, fingertips, violin and bow.
    for marker_set in MARKER_SETS.values():
        for n, label in enumerate(marker_set.labels):
            points.setdefault(label, _MIDDLE["C7"] + np.array([10.0 * n, 500.0, 0.0]))
    truth["thorax_origin"] = np.array([0.0, 0.0, 1400.0])
    rng = np.random.default_rng(seed)
    turn = Rotation.from_rotvec(
        rng.normal(scale=0.1, size=(frames, 3)) + np.outer(rng.uniform(-3, 3, frames), [0, 0, 1])
    )
    shift = rng.normal(scale=1000.0, size=(frames, 3))

    def carried(p: np.ndarray) -> np.ndarray:
        return turn.apply(np.tile(p, (frames, 1))) + shift

    return {k: carried(p) for k, p in points.items()}, {k: carried(p) for k, p in truth.items()}


def trial(points: dict[str, np.ndarray], labels: list[str] | tuple[str, ...], **fields) -> MarkerTrial:
    positions = np.stack([points[label] for label in labels], axis=1)
    fields = {"subject": Subject("P01", measurements()), **fields}
    return MarkerTrial(tuple(labels), positions, 100.0, 1, np.zeros(positions.shape[:2]), **fields)
