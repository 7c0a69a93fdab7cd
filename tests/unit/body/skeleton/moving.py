"""The standing figure of :mod:`tests.unit.body.figure`, set in motion: each segment turns about its true joint centre.

Markers are rigid on their segments. Knees and elbows bend about the line through their two markers, the radius turns
about the forearm; hips, shoulders, ankles and wrists turn about all axes. mm, s, rad.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from tests.unit.body.figure import figure, trial
from viodat.body import MARKER_SETS, get_marker_set
from viodat.capture.markers import MarkerTrial

RATE_HZ = 100.0
_CHAINS = {
    "pelvis": (("thigh", "pelvis", ""), ("shank", "knee", "KNE KNM"), ("foot", "ankle", "")),
    "thorax": (("upper_arm", "shoulder", ""), ("forearm", "elbow", "ELB ELM"), ("wrist", "wrist", "along"),
               ("hand", "wrist", "")),
}  # fmt: skip
_HELD_BY = {"pelvis": "thigh", "knee": "shank", "ankle": "foot", "shoulder": "upper_arm", "elbow": "forearm",
            "wrist": "hand", "index": "hand", "pinky": "hand", "thumb": "hand"}  # fmt: skip
_RIGID_WITH = {"clavicle": "thorax", "head": "thorax", "violin": "thorax", "bow": "right_hand",
               **{f: "hand" for f in ("index", "pinky", "thumb")}}  # fmt: skip


def _segment_of(label: str) -> str:
    named = (m.segment for s in MARKER_SETS.values() for m in s.markers if m.label == label)
    segment = next(named)
    side, _, part = segment.partition("_")
    if segment in _RIGID_WITH:
        return _RIGID_WITH[segment]
    if part in _RIGID_WITH:
        held = _RIGID_WITH[part]
        return held if held == "thorax" else f"{side}_{held}"
    return segment


def _standing() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    points, truth = ({k: v[0] for k, v in part.items()} for part in figure(1))
    # The figure puts markers that no rule of the per-frame methods asks for half a metre away.
    forward = points["CLAV"] - points["C7"]
    forward = 60.0 * forward / np.linalg.norm(forward)
    for mark, side in (("L", "left"), ("R", "right")):
        points[f"{mark}ILC"] = 0.7 * points[f"{mark}ASI"] + 0.3 * points[f"{mark}PSI"]
        points[f"{mark}SHA"] = truth[f"{side}_shoulder"] + forward
        points[f"{mark}SHP"] = truth[f"{side}_shoulder"] - forward
    points["T5"] = (points["C7"] + points["T10"]) / 2
    points["LBAK"] = points["RBAK"] + 0.4 * (points["LSHO"] - points["RSHO"])
    return points, truth


def static_trial(labels: tuple[str, ...], frames: int = 10) -> MarkerTrial:
    """The figure standing still."""
    points, _ = _standing()
    return trial({label: np.tile(points[label], (frames, 1)) for label in labels}, labels)


def moving_trial(
    labels: tuple[str, ...],
    frames: int = 120,
    turn_rad: float = 0.5,
    seed: int = 0,
    hz: float = 0.8,
    *,
    wrist: str = "wrist",
) -> tuple[MarkerTrial, dict[str, np.ndarray]]:
    """A trial of some labels, and where the true centres are: joint -> (F, 3).

    The hand turns about the figure's ``wrist``, which is Plug-in Gait's, beside the bar that carries the two markers,
    or about ``mid_wrist``, between the markers, as if they stood on the styloids.
    """
    points, truth = _standing()
    for side in ("left", "right"):
        truth[f"{side}_wrist"] = truth[f"{side}_{wrist}"]
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / RATE_HZ

    def smooth(size: float, axes: int = 3) -> np.ndarray:
        phase, rate = rng.uniform(0, 2 * np.pi, (2, axes)), hz * rng.uniform(0.5, 1.0, (2, axes))
        return size * np.sin(2 * np.pi * rate * times[:, None, None] + phase).mean(axis=1)

    motion: dict[str, tuple[Rotation, np.ndarray]] = {}
    for root, chain in _CHAINS.items():
        middle = points["LASI"] if root == "pelvis" else points["C7"]
        turned = Rotation.from_rotvec(smooth(0.3))
        motion[root] = turned, middle + smooth(200.0) - turned.apply(middle)
        for side in ("left", "right"):
            above = motion[root]
            for part, joint, axis in chain:
                centre = truth[f"{side}_{joint}"]
                if axis == "along":
                    direction = centre - truth[f"{side}_elbow"]
                elif axis:
                    first, second = (points[side[0].upper() + stem] for stem in axis.split())
                    direction = first - second
                if axis:
                    direction = direction / np.linalg.norm(direction)
                    own = Rotation.from_rotvec(smooth(turn_rad, 1) * direction)
                else:
                    own = Rotation.from_rotvec(smooth(turn_rad))
                placed = above[0].apply(centre) + above[1]
                whole = above[0] * own
                above = whole, placed - whole.apply(centre)
                motion[f"{side}_{part}"] = above

    def carried(place: np.ndarray, segment: str) -> np.ndarray:
        turn, shift = motion[segment]
        return turn.apply(place) + shift

    moved = {label: carried(points[label], _segment_of(label)) for label in labels}
    joints = {
        f"{s}_{j}": carried(truth[f"{s}_{j}"], f"{s}_{part}") for s in ("left", "right") for j, part in _HELD_BY.items()
    }
    return trial(moved, labels), joints


def of_set(name: str, frames: int = 120, **options: float) -> tuple[MarkerTrial, MarkerTrial, dict[str, np.ndarray]]:
    """Take, static trial and true centres of the figure with the markers of a registered set."""
    chosen = get_marker_set(name)
    between = any(rule.joint == "left_wrist" and rule.method == "midpoint" for rule in chosen.rules)
    take, truth = moving_trial(chosen.take_labels, frames, **options, wrist="mid_wrist" if between else "wrist")
    return take, static_trial(chosen.labels), truth


def hidden(take: MarkerTrial, labels: tuple[str, ...], frames: slice = slice(None)) -> MarkerTrial:
    """Lose some markers in some frames."""
    positions = take.positions_mm.copy()
    for label in labels:
        positions[frames, take.labels.index(label)] = np.nan
    return replace(take, positions_mm=positions)
