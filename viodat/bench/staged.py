"""Training a network through all stages of a recipe, each from the weights of an earlier one if it says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from viodat.bench.division import Division
from viodat.bench.joint_sets import VIODAT18
from viodat.bench.network import LiftingModel, NetworkLifter
from viodat.bench.recipe import Recipe
from viodat.bench.registry import ModelSpec, build_network
from viodat.bench.store import GridStore
from viodat.bench.training import Epoch, How, train
from viodat.errors import ConfigError


@dataclass(frozen=True)
class StagedTraining:
    """Where the training of all stages stands.

    Attributes
    ----------
    lifter
        The last stage's network; None if the time was up before.
    epochs, in_all
        Stage -> its epochs so far; and how many the stage under way has.
    seconds
        Spent so far, over all calls.
    expected_s
        Seconds that the stage under way takes in all, at this pace.
    parameters
        Of the network of the last stage that was begun.
    """

    lifter: NetworkLifter | None
    epochs: dict[str, tuple[Epoch, ...]]
    in_all: int
    seconds: float
    expected_s: float
    parameters: int


def train_stages(
    spec: ModelSpec,
    recipe: Recipe,
    store: GridStore,
    division: Division,
    folder: Path,
    how: How = How(),  # noqa: B008
) -> StagedTraining:
    """Train all stages, or go on with them; parameters as in :func:`viodat.bench.training.train`.

    Raises
    ------
    ConfigError
        The arguments of the model are wrong, or there is nothing to choose the best epoch by.
    """
    done: dict[str, dict[str, torch.Tensor]] = {}
    epochs: dict[str, tuple[Epoch, ...]] = {}
    seconds, left = 0.0, how.max_seconds
    network: LiftingModel | None = None
    for number, stage in enumerate(recipe.stage):
        torch.manual_seed(how.seed)
        network = build_network(spec, VIODAT18, stage.model)
        if stage.select == "best" and not network.lifts:
            raise ConfigError(
                f"stage {stage.name} takes the best epoch, and its network gives no poses to tell it by",
                mend='Set select = "last" in the recipe.',
            )
        if stage.select == "best" and not division.validates:
            raise ConfigError(
                f"stage {stage.name} takes the best epoch, and there are no validation trials to tell it by",
                mend='Set [splits] validation in capture.toml, give --validation, or select = "last" in the recipe.',
            )
        if stage.init_from:
            own, found = network.state_dict(), done[stage.init_from]
            shared = {name: found[name] for name in own if name in found and found[name].shape == own[name].shape}
            if not shared:
                raise ConfigError(f"stage {stage.name} shares no weights with stage {stage.init_from}")
            network.load_state_dict({**own, **shared})
        place = folder / f"{number + 1}-{stage.name}"
        trained = train(network, stage, store, division, place, replace(how, max_seconds=left))
        epochs[stage.name] = trained.epochs
        seconds += trained.seconds
        left -= trained.spent_s
        parameters = sum(value.numel() for value in network.parameters())
        if not trained.finished:
            return StagedTraining(None, epochs, trained.in_all, seconds, trained.expected_s, parameters)
        done[stage.name] = {name: value.detach().clone() for name, value in network.state_dict().items()}
    assert network is not None
    lifter = NetworkLifter(network, recipe.stage[-1].data.batch)
    return StagedTraining(lifter, epochs, trained.in_all, seconds, seconds, parameters)
