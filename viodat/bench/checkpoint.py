"""The state of a training in one safetensors file: written whole or not at all, and read without running anything.

Tensors are the weights, the optimiser's moments and the random generators' states; all else is JSON in the file's
metadata. Nothing is pickled, so a checkpoint from elsewhere can do no harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from viodat.errors import ConfigError
from viodat.files import atomic_path

FORMAT: Final = 1
_KEY: Final = "viodat"
_MODEL, _BEST, _AVERAGE, _OPTIMISER, _RANDOM = "model", "best", "average", "optimiser", "random"


@dataclass(frozen=True)
class Checkpoint:
    """What a training is at one moment.

    Attributes
    ----------
    model
        Weights and buffers by name.
    best
        Those of the best epoch so far; empty where the last is taken.
    average
        Moving average of the weights; empty without one.
    optimiser
        Moments by ``parameter/key``.
    random
        (processes, N) states of the generators of dropout and the like.
    state
        All else, as plain values.
    """

    model: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    random: Tensor
    state: Mapping[str, Any]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; a process that is killed meanwhile leaves the one that was there."""
    parts = {
        _MODEL: checkpoint.model,
        _BEST: checkpoint.best,
        _AVERAGE: checkpoint.average,
        _OPTIMISER: checkpoint.optimiser,
    }
    tensors = {
        f"{part}/{name}": value.detach().cpu().contiguous().clone()
        for part, values in parts.items()
        for name, value in values.items()
    }
    tensors[_RANDOM] = checkpoint.random
    text = json.dumps({"format": FORMAT, **checkpoint.state}, sort_keys=True)
    with atomic_path(path) as temporary:
        save_file(tensors, str(temporary), metadata={_KEY: text})


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    ConfigError
        It cannot be read, or is none of viodat's.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            state = json.loads(metadata[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if state["format"] != FORMAT:
            raise ConfigError(
                f"is a checkpoint of format {state['format']}, this viodat reads {FORMAT}", where=str(path)
            )
        model, best, average, moments = (_part(tensors, part) for part in (_MODEL, _BEST, _AVERAGE, _OPTIMISER))
        return Checkpoint(model, best, average, moments, tensors[_RANDOM], state)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"is no checkpoint of viodat ({error})",
            where=str(path),
            mend="Checkpoints are .safetensors files that viodat wrote; published ones are read by 'viodat import'.",
        ) from error


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}/"): value for name, value in tensors.items() if name.startswith(f"{part}/")}


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], where: str) -> None:
    """Give a model its weights.

    Raises
    ------
    ConfigError
        They are of another model, with the first name or shape that does not fit.
    """
    mine = model.state_dict()
    missing, extra = sorted(mine.keys() - weights.keys()), sorted(weights.keys() - mine.keys())
    other = [name for name in mine if name in weights and mine[name].shape != weights[name].shape]
    if missing or extra or other:
        if missing:
            told = f"lacks {missing[0]}"
        elif extra:
            told = f"has {extra[0]}, which the model does not"
        else:
            theirs, ours = (tuple(values[other[0]].shape) for values in (weights, mine))
            told = f"has {other[0]} of shape {theirs}, the model's is {ours}"
        raise ConfigError(
            f"holds the weights of another model: it {told}",
            where=where,
            mend="Give the checkpoint of this model, with the same recipe.",
        )
    model.load_state_dict(dict(weights))


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Give an optimiser's moments by ``number of the parameter/key``."""
    return {
        f"{number}/{key}": torch.as_tensor(value)
        for number, moments in optimiser.state_dict()["state"].items()
        for key, value in moments.items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser its moments back."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, key = name.split("/", 1)
        state.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
