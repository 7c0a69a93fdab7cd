"""How long the metrics take on a test set as large as VioDat's, against the way published code computes them.

    pip install fastdtw dtaidistance tslearn aeon       # those that are absent are left out
    python benchmarks/speed/metrics.py [--recordings 192 --frames 1500]

The published way is one SVD per frame in a Python loop, and fastdtw with a Python distance for each joint; it is run on
a few recordings and counted up. Warping is compared with other libraries' on the cost alone, which is all they give.
"""

from __future__ import annotations

import argparse
import importlib
import os
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from viodat import metrics

FloatArray = NDArray[np.float64]


def poses(recordings: int, frames: int) -> tuple[FloatArray, FloatArray]:
    """Give a prediction and its target, (R, T, 18, 3) mm: a body that moves smoothly, and errors that last."""
    rng = np.random.default_rng(0)
    target = rng.normal(scale=300, size=(recordings, 1, 18, 3)) + rng.normal(
        scale=8, size=(recordings, frames, 18, 3)
    ).cumsum(axis=1)
    error = rng.normal(scale=30, size=(recordings, 1, 18, 3)) + rng.normal(
        scale=2, size=(recordings, frames, 18, 3)
    ).cumsum(axis=1)
    return target + error, target


def ours(pred: FloatArray, target: FloatArray) -> None:
    """Compute the five metrics and each joint's, recording by recording."""
    for one, truth in zip(pred, target, strict=True):
        metrics.evaluate(one, truth, rate_hz=30.0, metrics=["mpjpe", "p_mpjpe", "mpjve", "mpjae", "dtw"])
        metrics.per_joint(one, truth)


def published(pred: FloatArray, target: FloatArray) -> None:
    """Compute the same as published code does."""
    from fastdtw import fastdtw

    def distance(a: FloatArray, b: FloatArray) -> float:
        return float(np.linalg.norm(a - b))

    for one, truth in zip(pred, target, strict=True):
        np.linalg.norm(one - truth, axis=-1).mean()
        np.linalg.norm(one - truth, axis=-1).mean(axis=0)
        for order in (1, 2):
            np.linalg.norm(np.diff(one, order, axis=0) - np.diff(truth, order, axis=0), axis=-1).mean()
        for x, y in zip(one, truth, strict=True):
            _procrustes(x, y)
        for joint in range(one.shape[1]):
            fastdtw(one[:, joint], truth[:, joint], dist=distance)


def _procrustes(x: FloatArray, y: FloatArray) -> float:
    mx, my = x.mean(0), y.mean(0)
    x0, y0 = x - mx, y - my
    norm_x, norm_y = np.sqrt((x0**2).sum()), np.sqrt((y0**2).sum())
    u, s, vt = np.linalg.svd((y0 / norm_y).T @ (x0 / norm_x))
    v = vt.T
    if np.linalg.det(v @ u.T) < 0:
        v[:, -1] *= -1
        s[-1] *= -1
    turn = v @ u.T
    fitted = s.sum() * norm_y / norm_x * x @ turn + my - s.sum() * norm_y / norm_x * mx @ turn
    return float(np.linalg.norm(fitted - y, axis=-1).mean())


def warpings() -> dict[str, Callable[[FloatArray, FloatArray], object]]:
    """Give what computes the cost of the best warping of two courses (T, 3), by library."""
    found: dict[str, Callable[[FloatArray, FloatArray], object]] = {"viodat": metrics.warp}
    for name, module, function in (
        ("dtaidistance", "dtaidistance.dtw_ndim", "distance_fast"),
        ("tslearn", "tslearn.metrics", "dtw"),
        ("aeon", "aeon.distances", "dtw_distance"),
    ):
        try:
            found[name] = getattr(importlib.import_module(module), function)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    if "aeon" in found:
        aeon = found["aeon"]
        # Its axes are (channels, time).
        found["aeon"] = lambda a, b: aeon(np.ascontiguousarray(a.T), np.ascontiguousarray(b.T))
    return found


def seconds(function: Callable[[], object]) -> float:
    """Time one call."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=192)
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--published", type=int, default=1, help="Recordings that the published way is run on.")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    pred, target = poses(arguments.recordings, arguments.frames)
    ours(pred[:1], target[:1])
    mine = seconds(lambda: ours(pred, target))
    frames = arguments.recordings * arguments.frames
    print(f"- {frames:,} frames x 18 joints in {arguments.recordings} recordings: {mine:.1f} s")
    try:
        few = arguments.published
        theirs = seconds(lambda: published(pred[:few], target[:few])) * arguments.recordings / few
        print(f"- as published code does it, from {few}: {theirs:.0f} s, {theirs / mine:.0f} times as long")
    except ImportError as error:
        print(f"- the published way is left out: {error}")
    a, b = np.ascontiguousarray(pred[0, :, 5]), np.ascontiguousarray(target[0, :, 5])
    contenders = warpings()
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for repeat in range(arguments.repeats + 1):
        for name, function in contenders.items():
            spent = seconds(lambda function=function: function(a, b))  # type: ignore[misc]
            if repeat:
                took[name].append(spent)
    print(f"\n| warping of {arguments.frames:,} x {arguments.frames:,} frames | ms | times viodat's |\n|---|---:|---:|")
    for name, spent in took.items():
        ratio = median(x / y for x, y in zip(spent, took["viodat"], strict=True))
        print(f"| {name} | {median(spent) * 1e3:.2f} | {ratio:.2f} |")
    print(f"\n- cores: {len(os.sched_getaffinity(0))}")


if __name__ == "__main__":
    main()
