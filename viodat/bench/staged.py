"""Training a network through all stages of a recipe, each from the weights of an earlier one if it says so."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch

from viodat.bench.network import LiftingModel, NetworkLifter
from viodat.bench.recipe import Recipe
from viodat.bench.store import GridStore, StoredRecording
from viodat.bench.training import train
from viodat.errors import ConfigError


def train_stages(
    make: Callable[..., LiftingModel],
    recipe: Recipe,
    store: GridStore,
    training: tuple[StoredRecording, ...],
    validation: tuple[StoredRecording, ...],
    folder: Path,
    *,
    seed: int = 0,
    device: str = "cpu",
    max_seconds: float = math.inf,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> NetworkLifter | None:
    """Train all stages; parameters as in :func:`viodat.bench.training.train`.

    Returns
    -------
    NetworkLifter or None
        The last stage's network; None if the time was up before.

    Raises
    ------
    ConfigError
        The arguments of the model are wrong, or there is nothing to choose the best epoch by.
    """
    began = time.monotonic()
    done: dict[str, dict[str, torch.Tensor]] = {}
    network: LiftingModel | None = None
    for number, stage in enumerate(recipe.stage):
        if stage.select == "best" and not validation:
            raise ConfigError(
                f"stage {stage.name} takes the best epoch, and there are no validation trials to tell it by",
                mend='Set [splits] validation in capture.toml, or select = "last" in the recipe.',
            )
        torch.manual_seed(seed)
        try:
            network = make(**stage.model)
        except TypeError as error:
            raise ConfigError(f"stage {stage.name}: the model refuses its arguments: {error}") from error
        if stage.init_from:
            own = network.state_dict()
            found = done[stage.init_from]
            shared = {name: found[name] for name in own if name in found and found[name].shape == own[name].shape}
            network.load_state_dict({**own, **shared})
        left = max_seconds - (time.monotonic() - began)
        trained = train(
            network, stage, store, training, validation, folder / f"{number + 1}-{stage.name}", seed=seed,
            device=device, max_seconds=left, progress=progress,
        )  # fmt: skip
        if not trained.finished:
            return None
        done[stage.name] = {name: value.detach().clone() for name, value in network.state_dict().items()}
    assert network is not None
    return NetworkLifter(network)
