"""Training a network by a recipe's stage: epochs over windows, a checkpoint now and then, and going on from there.

On a CPU with the same number of threads a training that was stopped and went on ends with the same weights, bit for
bit, as one that was not: batches follow from seed and epoch, and the state of the random generator is in the
checkpoint. The epoch is never chosen by the test recordings: it is the last, or the best on validation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from viodat.bench.batches import Batch, Windows
from viodat.bench.checkpoint import (
    Checkpoint,
    load_optimiser,
    load_weights,
    optimiser_tensors,
    read_checkpoint,
    write_checkpoint,
)
from viodat.bench.division import Division, trained_and_tested
from viodat.bench.network import LiftingModel, as_tensors
from viodat.bench.optimisers import averaged, learning_rate, optimiser_of
from viodat.bench.ranks import Ranks, ranks
from viodat.bench.recipe import Stage
from viodat.bench.store import GridStore
from viodat.bench.validation import training_windows, validated
from viodat.errors import ConfigError, MetricError

CHECKPOINT: Final = "checkpoint.safetensors"


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave: mean loss of its batches; on validation, None without, MPJPE in mm and MPJVE in mm/frame."""

    loss: float
    validation_mm: float | None
    validation_mpjve: float | None
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
    loss_sum, epoch_s
        Of the batches of the epoch under way, and the seconds spent on them.
    best_mm
        The least MPJPE on validation so far.
    seconds
        Spent so far.
    """

    epoch: int = 0
    batch: int = 0
    epochs: list[Epoch] = field(default_factory=list)
    loss_sum: float = 0.0
    epoch_s: float = 0.0
    best_mm: float = math.inf
    seconds: float = 0.0


@dataclass(frozen=True)
class Trained:
    """A training that was finished, or whose time was up: then the same call goes on.

    Attributes
    ----------
    network
        With the weights that were chosen, if it was finished.
    epochs, in_all
        Those that are done, and how many there are to be.
    seconds, spent_s
        Spent so far over all calls, and in this one.
    finished
        Whether all epochs are done.
    expected_s
        Seconds that the whole takes at this pace.
    """

    network: LiftingModel
    epochs: tuple[Epoch, ...]
    in_all: int
    seconds: float
    spent_s: float
    finished: bool
    expected_s: float


@dataclass(frozen=True)
class How:
    """What of a training is no part of the recipe.

    Attributes
    ----------
    seed
        Of the first weights, the order of windows and dropout.
    device
        ``cpu`` or ``cuda``; on the latter the forward pass is in bfloat16 where that is safe.
    max_seconds
        When to stop; the next call with the same arguments goes on.
    save_every_s
        Seconds between checkpoints; one is also written after each epoch.
    compiled
        Whether ``torch.compile`` makes the forward pass.
    deterministic
        Whether only such kernels are used as give the same bits each time; on a GPU that costs speed.
    progress
        Called with (batches done, batches in all, what).
    """

    seed: int = 0
    device: str = "cpu"
    max_seconds: float = math.inf
    save_every_s: float = 60.0
    compiled: bool = False
    deterministic: bool = False
    progress: Callable[[int, int, str], None] = lambda done, total, what: None


def train(
    network: LiftingModel,
    stage: Stage,
    store: GridStore,
    division: Division,
    folder: Path,
    how: How = How(),
) -> Trained:
    """Train a network, or go on with it; under torchrun all its processes call this together.

    Parameters
    ----------
    network
        With the weights to start from.
    stage
        What to do.
    store, division
        On what.
    folder
        Where the checkpoint lies, one per training.
    how
        See there.

    Raises
    ------
    ConfigError
        The folder has a checkpoint of another training, the recipe does not fit the network (its windows, or a loss
        that the network does not have), or there is nothing to choose the best epoch by.
    MetricError
        The loss is no number.
    """
    with ranks(how.device) as mine, _deterministic(how.deterministic):
        return _train(network, stage, store, division, folder, how, mine)


def _train(
    network: LiftingModel, stage: Stage, store: GridStore, division: Division, folder: Path, how: How, mine: Ranks
) -> Trained:
    device = mine.device(how.device)
    network = _prepared(network, stage, device, mine)
    optimiser = optimiser_of(network, stage.optimiser)
    average = averaged(network, stage.optimiser.ema)
    if network.audio and mine.first:
        store.sound(network.audio)  # Brought here by one process, for all.
    mine.barrier()
    windows, held = training_windows(network, stage, store, division, how.seed)
    torch.manual_seed(how.seed + mine.rank)
    identity = {
        "stage": stage.model_dump(mode="json"),
        "seed": how.seed,
        "data": store.dataset_sha256,
        "recordings": trained_and_tested(division),
        "held_windows": division.held_windows,
        "processes": mine.size,
    }
    state, best = _resumed(network, optimiser, average, folder / CHECKPOINT, identity, device, mine)
    wrapped = mine.wrapped(network, device)
    forward = torch.compile(wrapped) if how.compiled else wrapped
    size = stage.data.batch
    per_epoch = windows.batches(size, flips=stage.data.flips)
    epochs = stage.epochs_of(per_epoch)
    began = saved = last = time.monotonic()
    spent_before = state.seconds

    def save() -> None:
        state.seconds = spent_before + time.monotonic() - began
        random = torch.stack(mine.gathered(_random_state(device)))
        if mine.first:
            told: dict[str, Any] = {"identity": identity, "progress": asdict(state)}
            told["progress"]["best_mm"] = None if math.isinf(state.best_mm) else state.best_mm
            folder.mkdir(parents=True, exist_ok=True)
            moments, shadow = optimiser_tensors(optimiser), average.module.state_dict() if average else {}
            write_checkpoint(folder / CHECKPOINT, Checkpoint(network.state_dict(), best, shadow, moments, random, told))
        mine.barrier()

    def standing(finished: bool) -> Trained:
        done = state.epoch * per_epoch + state.batch
        expected = state.seconds * epochs * per_epoch / max(done, 1)
        spent_s = state.seconds - spent_before
        return Trained(network, tuple(state.epochs), epochs, state.seconds, spent_s, finished, expected)

    while state.epoch < epochs:
        rate = learning_rate(stage.schedule, stage.optimiser.lr, state.epoch, epochs)
        for group in optimiser.param_groups:
            group["lr"] = rate
        network.train()
        # Which batches an epoch has follows from the seed alone, so that one under way can be gone on with.
        order = windows.order(np.random.default_rng([how.seed, state.epoch]), flips=stage.data.flips)
        while state.batch < per_epoch:
            part = order[state.batch * size : (state.batch + 1) * size]
            state.loss_sum += step(network, optimiser, windows, part, stage, forward=forward, mine=mine)
            if average:
                average.update_parameters(network)
            state.batch += 1
            done = state.epoch * per_epoch + state.batch
            how.progress(done, epochs * per_epoch, f"epoch {state.epoch + 1}")
            now = time.monotonic()
            state.epoch_s, last = state.epoch_s + now - last, now
            # All processes stop and save together.
            up, due = mine.summed([now - began > how.max_seconds, now - saved > how.save_every_s], device)
            if up and state.batch < per_epoch:
                save()
                return standing(finished=False)
            if due:
                save()
                saved = now
        scored = cast(LiftingModel, average.module) if average else network
        errors = validated(scored, store, division, held, size)
        error = errors.mpjpe_mm
        now = time.monotonic()
        state.epochs.append(Epoch(state.loss_sum / per_epoch, error, errors.mpjve, state.epoch_s + now - last))
        if stage.select == "best":
            if error is None or math.isnan(error):
                raise ConfigError(
                    f"stage {stage.name} takes the best epoch, and validation gives no number to tell it by",
                    mend='Check that validation trials have truth, or set select = "last" in the recipe.',
                )
            if error < state.best_mm:
                state.best_mm = error
                best = {name: value.detach().clone() for name, value in scored.state_dict().items()}
        state.epoch, state.batch, state.loss_sum, state.epoch_s, last = state.epoch + 1, 0, 0.0, 0.0, now
        save()
        saved = time.monotonic()
        (up,) = mine.summed([saved - began > how.max_seconds], device)
        if up and state.epoch < epochs:
            return standing(finished=False)
    if stage.select == "best":
        network.load_state_dict(dict(best))
    elif average:
        network.load_state_dict(average.module.state_dict())
    return standing(finished=True)


def step(
    network: LiftingModel,
    optimiser: torch.optim.Optimizer,
    windows: Windows,
    part: np.ndarray[Any, np.dtype[np.int64]],
    stage: Stage,
    *,
    forward: Callable[..., dict[str, torch.Tensor]] | None = None,
    mine: Ranks = Ranks(),  # noqa: B008
) -> float:
    """Make one step with a batch, worked on in parts by all processes together; give its loss.

    The loss is that of the whole batch, the sum over all parts by the count over all parts, however it is parted.
    """
    # A compiled network is not asked whether it is true: that would be its length.
    forward = network if forward is None else forward
    first = next(network.parameters())
    # All processes must have as many pieces as the others; one alone needs none that are empty.
    pieces = np.array_split(part, stage.data.accumulate * mine.size)[mine.rank :: mine.size]
    taken = [piece for piece in pieces if len(piece) or mine.size > 1]
    batches = [as_tensors(_piece(windows, piece), first.device, first.dtype) for piece in taken]
    names = sorted(network.loss_masks(batches[0]))
    counted = [sum(float(network.loss_masks(batch)[name].sum()) for batch in batches) for name in names]
    counts = dict(zip(names, mine.summed(counted, first.device), strict=True))
    optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for k, batch in enumerate(batches):
        with mine.unsummed(forward) if k < len(batches) - 1 else nullcontext():
            with torch.autocast(first.device.type, torch.bfloat16, enabled=_in_bfloat16(first)):
                output = forward(batch)
            loss = network.loss({name: value.to(first.dtype) for name, value in output.items()}, batch, counts)
            # The gradients of all processes will be averaged; their sum is wanted.
            (loss * mine.size).backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    (total,) = mine.summed([total], first.device)
    if not math.isfinite(total):
        raise MetricError("the loss is no number any more", mend="Lower the learning rate in the recipe.")
    if stage.optimiser.scaled_by_loss:
        for value in network.parameters():
            if value.grad is not None:
                value.grad.mul_(total)
    optimiser.step()
    return total


def _piece(windows: Windows, numbers: np.ndarray[Any, np.dtype[np.int64]]) -> Batch:
    """Give windows by their numbers; for none a window of which nothing counts, so that all processes do the same."""
    if len(numbers):
        return windows.numbered(numbers)
    one = windows.numbered(np.zeros(1, dtype=np.int64))
    return replace(one, valid=np.zeros_like(one.valid))


def _in_bfloat16(parameter: torch.Tensor) -> bool:
    return parameter.device.type == "cuda" and parameter.dtype == torch.float32


def _prepared(network: LiftingModel, stage: Stage, device: torch.device, mine: Ranks) -> LiftingModel:
    """Put a network onto its device, and make it what the recipe says."""
    unknown = sorted(stage.loss.keys() - network.loss_weights.keys())
    if unknown:
        raise ConfigError(
            f"stage {stage.name} weighs the loss {unknown[0]!r}; the model has {', '.join(network.loss_weights)}"
        )
    network.loss_weights = {**network.loss_weights, **stage.loss}
    network.sound = stage.data.sound
    if mine.size > 1 and device.type == "cuda":
        network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return network.to(device)


@contextmanager
def _deterministic(wanted: bool) -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(wanted or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def _random_state(device: torch.device) -> torch.Tensor:
    """Give the state of the CPU's generator, and after it that of the GPU's, which draws what is dropped there."""
    own = torch.get_rng_state()
    return torch.cat([own, torch.cuda.get_rng_state(device)]) if device.type == "cuda" else own


def _set_random_state(state: torch.Tensor, device: torch.device) -> None:
    own = len(torch.get_rng_state())
    # PyTorch wants a state at the beginning of a storage of its own.
    torch.set_rng_state(state[:own].clone())
    if device.type == "cuda" and len(state) > own:
        torch.cuda.set_rng_state(state[own:].clone(), device)


def _resumed(
    network: LiftingModel,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel | None,
    path: Path,
    identity: dict[str, Any],
    device: torch.device,
    mine: Ranks,
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
    if average:
        load_weights(average.module, found.average, str(path))
        # It counts its updates only to know whether it has any.
        average.n_averaged.fill_(1 if found.state["progress"]["batch"] or found.state["progress"]["epoch"] else 0)
    _set_random_state(found.random[mine.rank], device)
    told = dict(found.state["progress"])
    told["epochs"] = [Epoch(**row) for row in told["epochs"]]
    told["best_mm"] = math.inf if told["best_mm"] is None else told["best_mm"]
    return Progress(**told), dict(found.best)
