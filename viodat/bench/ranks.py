"""The processes that train one network together, as torchrun starts them; one alone without it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from viodat.errors import ConfigError

_LONGEST_WAIT: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Ranks:
    """One process among those that train together.

    Attributes
    ----------
    rank, size
        Which of how many.
    local
        Which on this machine: its GPU's number.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether it is the one that writes and tells."""
        return self.rank == 0

    def device(self, kind: str) -> torch.device:
        """Give this process's device of a kind, ``cpu`` or ``cuda``."""
        return torch.device(kind, self.local) if kind == "cuda" else torch.device(kind)

    def wrapped(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Give a network whose gradients are averaged over all processes."""
        if self.size == 1:
            return network
        ids = [device.index] if device.type == "cuda" else None
        # Published networks have parameters that nothing uses.
        return DistributedDataParallel(network, device_ids=ids, find_unused_parameters=True)

    def unsummed(self, forward: Any) -> AbstractContextManager[Any]:
        """Within it, gradients of a wrapped network are added to its own and not yet averaged."""
        found: AbstractContextManager[Any] = forward.no_sync() if self.size > 1 else nullcontext()
        return found

    def summed(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Add numbers up over all processes."""
        if self.size == 1:
            return [float(value) for value in values]
        together = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(together)
        return [float(value) for value in together.cpu()]

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """Give every process's tensor, all of one shape, to every process."""
        if self.size == 1:
            return [tensor]
        everyones: list[Tensor | None] = [None] * self.size
        dist.all_gather_object(everyones, tensor)
        return [one for one in everyones if one is not None]

    def barrier(self) -> None:
        """Wait for all."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def ranks(device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun started, if it did; leave them at the end.

    Raises
    ------
    ConfigError
        A machine has fewer GPUs than processes.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or dist.is_initialized():
        yield Ranks() if size == 1 else _mine()
        return
    mine = _mine()
    if device == "cuda":
        if mine.local >= torch.cuda.device_count():
            raise ConfigError(
                f"this machine has {torch.cuda.device_count()} GPUs, torchrun started process {mine.local + 1} on it",
                mend="Give torchrun --nproc-per-node the number of GPUs.",
            )
        torch.cuda.set_device(mine.local)
    # The first process predicts and writes while the others wait.
    dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=_LONGEST_WAIT)
    try:
        yield mine
        # Whoever is done first must not leave while others still talk.
        dist.barrier()
    finally:
        dist.destroy_process_group()


def _mine() -> Ranks:
    return Ranks(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
