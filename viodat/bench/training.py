"""Training a network by a recipe's stage: epochs over windows, a checkpoint now and then, and going on from there.

On a CPU with the same number of threads a training that was stopped and went on ends with the same weights, bit for
bit, as one that was not: batches follow from seed and epoch, and the state of the random generator is in the
checkpoint. The epoch is never chosen by the test recordings: it is the last, or the best on validation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from viodat.bench.batches import Windows
from viodat.bench.checkpoint import (
    Checkpoint,
    load_optimiser,
    load_weights,
    optimiser_tensors,
    read_checkpoint,
    write_checkpoint,
)
from viodat.bench.lifting import windows_for
from viodat.bench.network import LiftingModel, NetworkLifter, as_tensors
from viodat.bench.recipe import Optimiser, Schedule, Stage
from viodat.bench.store import GridStore, StoredRecording
from viodat.errors import ConfigError, MetricError
from viodat.metrics import mpjpe

CHECKPOINT: Final = "checkpoint.safetensors"


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave: the mean loss of its batches, and MPJPE on validation in mm (NaN without any)."""

    loss: float
    validation_mm: float
    seconds: float


@dataclass
class Progress:
    """Where a training stands.

    Attributes
    ----------
    epoch, batch
        The next to be done.
    epochs
        Those that are done.
    loss_sum
        Of the batches of the epoch under way.
    best_mm
        The least MPJPE on validation so far.
    seconds
        Spent so far.
    """

    epoch: int = 0
    batch: int = 0
    epochs: list[Epoch] = field(default_factory=list)
    loss_sum: float = 0.0
    best_mm: float = math.inf
    seconds: float = 0.0


@dataclass(frozen=True)
class Trained:
    """A finished training, or one whose time was up: then ``finished`` is False, and the same call goes on."""

    network: LiftingModel
    epochs: tuple[Epoch, ...]
    seconds: float
    finished: bool


def train(
    network: LiftingModel,
    stage: Stage,
    store: GridStore,
    training: tuple[StoredRecording, ...],
    validation: tuple[StoredRecording, ...],
    folder: Path,
    *,
    seed: int = 0,
    device: str = "cpu",
    max_seconds: float = math.inf,
    save_every_s: float = 60.0,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Trained:
    """Train a network, or go on with it.

    Parameters
    ----------
    network
        With the weights to start from.
    stage
        How.
    store, training, validation
        On what; validation may be empty if the last epoch is taken.
    folder
        Where the checkpoint lies, one per training.
    seed
        Of the order of windows and of dropout.
    device
        ``cpu`` or ``cuda``; on the latter the forward pass is in bfloat16 where that is safe.
    max_seconds
        When to stop; the next call with the same arguments goes on.
    save_every_s
        Seconds between checkpoints; one is also written after each epoch.
    progress
        Called with (batches done, batches in all, what).

    Raises
    ------
    ConfigError
        The folder has a checkpoint of another training.
    MetricError
        The loss is no number.
    """
    where = torch.device(device)
    network = network.to(where)
    optimiser = _optimiser(network, stage.optimiser)
    windows = Windows(
        store,
        training,
        frames=stage.data.frames,
        hop=stage.data.hop,
        offset=stage.data.offset,
        normalisation=network.normalisation,
        with_audio=network.audio,
    )
    torch.manual_seed(seed)
    identity = {
        "stage": stage.model_dump(mode="json"),
        "seed": seed,
        "data": store.dataset_sha256,
        "trained_on": [one.recording for one in training],
    }
    state, best = _resumed(network, optimiser, folder / CHECKPOINT, identity)
    per_epoch = windows.batches(stage.data.batch, flips=stage.data.flips)
    began = saved = time.monotonic()
    spent_before = state.seconds

    def save() -> None:
        state.seconds = spent_before + time.monotonic() - began
        told: dict[str, Any] = {"identity": identity, "progress": asdict(state)}
        told["progress"]["best_mm"] = None if math.isinf(state.best_mm) else state.best_mm
        folder.mkdir(parents=True, exist_ok=True)
        write_checkpoint(
            folder / CHECKPOINT,
            Checkpoint(network.state_dict(), best, optimiser_tensors(optimiser), torch.get_rng_state(), told),
        )

    while state.epoch < stage.epochs:
        epoch_began = time.monotonic()
        rate = learning_rate(stage.schedule, stage.optimiser.lr, state.epoch, stage.epochs)
        for group in optimiser.param_groups:
            group["lr"] = rate
        network.train()
        # Which batches an epoch has follows from the seed alone, so that one under way can be gone on with.
        order = windows.order(np.random.default_rng([seed, state.epoch]), flips=stage.data.flips)
        while state.batch < per_epoch:
            part = order[state.batch * stage.data.batch : (state.batch + 1) * stage.data.batch]
            state.loss_sum += step(network, optimiser, windows, part, stage.data.accumulate, where)
            state.batch += 1
            progress(state.epoch * per_epoch + state.batch, stage.epochs * per_epoch, f"epoch {state.epoch + 1}")
            now = time.monotonic()
            if now - began > max_seconds:
                save()
                return Trained(network, tuple(state.epochs), state.seconds, finished=False)
            if now - saved > save_every_s:
                save()
                saved = now
        error = _validated(network, store, validation, stage.data.batch) if validation else math.nan
        state.epochs.append(Epoch(state.loss_sum / per_epoch, error, time.monotonic() - epoch_began))
        if stage.select == "best" and (error < state.best_mm or not best):
            state.best_mm = error if not math.isnan(error) else math.inf
            best = {name: value.detach().clone() for name, value in network.state_dict().items()}
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
        save()
        saved = time.monotonic()
    if stage.select == "best" and best:
        network.load_state_dict(dict(best))
    return Trained(network, tuple(state.epochs), state.seconds, finished=True)


def learning_rate(schedule: Schedule, base: float, epoch: int, epochs: int) -> float:
    """Give the learning rate of an epoch, counted from 0."""
    match schedule.kind:
        case "exponential":
            rate = base
            for k in range(1, epoch + 1):
                rate *= schedule.at_every if schedule.every and k % schedule.every == 0 else schedule.factor
            return rate
        case "steps":
            return base * schedule.factor ** sum(epoch >= at for at in schedule.epochs)
        case "cosine":
            return base * (1 + math.cos(math.pi * epoch / epochs)) / 2
    return base


def step(
    network: LiftingModel,
    optimiser: torch.optim.Optimizer,
    windows: Windows,
    part: np.ndarray[Any, np.dtype[np.int64]],
    accumulate: int,
    device: torch.device,
) -> float:
    """Make one step with a batch, worked on in parts; give its loss."""
    optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for piece in np.array_split(part, min(accumulate, len(part))):
        batch = as_tensors(windows.numbered(piece), device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            output = network(batch)
        loss = network.loss({name: value.float() for name, value in output.items()}, batch) * (len(piece) / len(part))
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    if not math.isfinite(total):
        raise MetricError("the loss is no number any more", mend="Lower the learning rate in the recipe.")
    optimiser.step()
    return total


def _validated(network: LiftingModel, store: GridStore, recordings: tuple[StoredRecording, ...], size: int) -> float:
    """Give MPJPE in mm over all validation windows, each frame as often as it is in one."""
    lifter = NetworkLifter(network)
    windows = windows_for(lifter, store, recordings)
    total, count = 0.0, 0
    for batch in windows.epoch(size):
        answer = lifter.lift(batch)
        middle = network.frames // 2
        chosen = slice(middle, middle + 1) if network.centre else slice(None)
        valid = batch.valid[:, chosen]
        if counted := int(valid.sum()):
            total += mpjpe(answer, batch.target[:, chosen], valid) * counted
            count += counted
    return total / count if count else math.nan


def _optimiser(network: LiftingModel, asked: Optimiser) -> torch.optim.Optimizer:
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[asked.kind]
    made: torch.optim.Optimizer = kind(
        network.parameters(),
        lr=asked.lr,
        betas=asked.betas,
        eps=asked.eps,
        weight_decay=asked.weight_decay,
        amsgrad=asked.amsgrad,
    )
    return made


def _resumed(
    network: LiftingModel, optimiser: torch.optim.Optimizer, path: Path, identity: dict[str, Any]
) -> tuple[Progress, dict[str, torch.Tensor]]:
    """Give where a training stands, with network and optimiser as they were; the beginning without a checkpoint."""
    if not path.exists():
        return Progress(), {}
    found = read_checkpoint(path)
    theirs = found.state["identity"]
    other = [name for name in identity if theirs.get(name) != identity[name]]
    if other:
        raise ConfigError(
            f"is the checkpoint of another training: it differs in {', '.join(other)}",
            where=str(path),
            mend="Choose another folder, or remove it to begin anew.",
        )
    load_weights(network, found.model, str(path))
    load_optimiser(optimiser, found.optimiser)
    torch.set_rng_state(found.random)
    told = dict(found.state["progress"])
    told["epochs"] = [Epoch(**row) for row in told["epochs"]]
    told["best_mm"] = math.inf if told["best_mm"] is None else told["best_mm"]
    return Progress(**told), dict(found.best)
