"""What a training's best epoch is chosen by: validation recordings, or windows that are held back. Never the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from viodat.bench.batches import Windows
from viodat.bench.division import Division
from viodat.bench.lifting import POSE, predict
from viodat.bench.network import LiftingModel, NetworkLifter, require_middle
from viodat.bench.recipe import Stage
from viodat.bench.store import GridStore
from viodat.dataset.splits import leaking_windows
from viodat.errors import ConfigError
from viodat.joints import ROOT_JOINTS
from viodat.metrics import mpjpe, mpjve


def training_windows(
    network: LiftingModel, stage: Stage, store: GridStore, division: Division, seed: int
) -> tuple[Windows, Windows | None]:
    """Give the windows to train on, and those of them that are held back to validate.

    Raises
    ------
    ConfigError
        The recipe's windows are not the model's, T of a model of the centre frame is even, or no window is held back.
    """
    data = stage.data
    if data.frames != network.frames:
        raise ConfigError(
            f"stage {stage.name} trains on windows of {data.frames} frames, and the model has {network.frames}",
            mend="Let frames of [stage.data] and of [stage.model] be the same.",
        )
    require_middle(network)
    windows = Windows(
        store, division.train, frames=data.frames, hop=data.hop, offset=data.offset,
        normalisation=network.normalisation, audio=network.audio, cut=data.cut, sound=data.sound,
    )  # fmt: skip
    if not division.held_windows:
        return windows, None
    held = leaking_windows(len(windows), share=division.held_windows, seed=seed)
    if not held.any():
        raise ConfigError(
            f"stage {stage.name} has {len(windows)} windows: to validate by {division.held_windows:g} of them is none",
            mend="Use --validation trial, or train on more recordings.",
        )
    return windows.chosen(np.flatnonzero(~held)), windows.chosen(np.flatnonzero(held))


@dataclass(frozen=True)
class Errors:
    """Of the validation recordings, or of the windows held back; None where nothing counts.

    Attributes
    ----------
    mpjpe_mm
        From the root.
    mpjve
        mm per frame.
    """

    mpjpe_mm: float | None = None
    mpjve: float | None = None


def validated(network: LiftingModel, store: GridStore, division: Division, held: Windows | None, size: int) -> Errors:
    """Give errors over all frames of the validation recordings, or of the windows held back."""
    if not network.lifts or not division.validates:
        return Errors()
    lifter = NetworkLifter(network, size)
    poses, velocities = _Mean(), _Mean()
    for pred, target, valid in _predicted(lifter, store, division, held, size):
        poses.add(mpjpe, pred, target, valid, valid)
        if pred.shape[-3] > 1:
            velocities.add(mpjve, pred, target, valid, valid[..., 1:, :] & valid[..., :-1, :])
    return Errors(poses.value, velocities.value)


def _predicted(
    lifter: NetworkLifter, store: GridStore, division: Division, held: Windows | None, size: int
) -> Iterator[tuple[Any, Any, Any]]:
    """Give poses that were predicted, true ones, from the root, and which count."""
    if held is not None:
        middle = lifter.frames // 2
        chosen = slice(middle, middle + 1) if lifter.centre else slice(None)
        for batch in held.epoch(size):
            yield lifter.answer(batch)[POSE], batch.target[:, chosen], batch.valid[:, chosen]
    for one in predict(lifter, store, division.validation, flipped=False, batch_size=size):
        target = one.target - one.target[:, list(ROOT_JOINTS)].mean(axis=1, keepdims=True)
        yield one.pred, target, np.isfinite(target).all(axis=-1)


@dataclass
class _Mean:
    total: float = 0.0
    count: int = 0

    def add(self, metric: Callable[..., float], pred: Any, target: Any, valid: Any, counted: Any) -> None:
        if count := int(counted.sum()):
            self.total += metric(pred, target, valid) * count
            self.count += count

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None
