"""What a training's best epoch is chosen by: validation recordings, or windows that are held back. Never the test."""

from __future__ import annotations

from typing import Any

import numpy as np

from viodat.bench.batches import Windows
from viodat.bench.division import Division
from viodat.bench.lifting import POSE, predict
from viodat.bench.network import LiftingModel, NetworkLifter
from viodat.bench.recipe import Stage
from viodat.bench.store import GridStore
from viodat.dataset.splits import leaking_windows
from viodat.joints import ROOT_JOINTS
from viodat.metrics import mpjpe


def training_windows(
    network: LiftingModel, stage: Stage, store: GridStore, division: Division, seed: int
) -> tuple[Windows, Windows | None]:
    """Give the windows to train on, and those of them that are held back to validate."""
    data = stage.data
    windows = Windows(
        store, division.train, frames=data.frames, hop=data.hop, offset=data.offset,
        normalisation=network.normalisation, with_audio=network.audio, cut=data.cut, sound=data.sound,
    )  # fmt: skip
    if not division.held_windows:
        return windows, None
    held = leaking_windows(len(windows), share=division.held_windows, seed=seed)
    return windows.chosen(np.flatnonzero(~held)), windows.chosen(np.flatnonzero(held))


def validated(
    network: LiftingModel, store: GridStore, division: Division, held: Windows | None, size: int
) -> float | None:
    """Give MPJPE in mm, from the root, over all frames of the validation recordings, or of the windows held back."""
    if not network.lifts or not division.validates:
        return None
    lifter = NetworkLifter(network, size)
    total, count = 0.0, 0
    if held is not None:
        for batch in held.epoch(size):
            chosen = slice(network.frames // 2, network.frames // 2 + 1) if network.centre else slice(None)
            pairs = [(lifter.answer(batch)[POSE], batch.target[:, chosen], batch.valid[:, chosen])]
            total, count = _added(total, count, pairs)
    for one in predict(lifter, store, division.validation, flipped=False, batch_size=size):
        target = one.target - one.target[:, list(ROOT_JOINTS)].mean(axis=1, keepdims=True)
        total, count = _added(total, count, [(one.pred, target, np.isfinite(target).all(axis=-1))])
    return total / count if count else None


def _added(total: float, count: int, pairs: Any) -> tuple[float, int]:
    for pred, target, valid in pairs:
        if counted := int(valid.sum()):
            total += mpjpe(pred, target, valid) * counted
            count += counted
    return total, count
