"""Which models there are: those that came with viodat, and those of anybody's package.

A package names its models in its entry-point group ``viodat.models``; one that is not installed is named as
``package.module:NAME``. Either leads to a :class:`ModelSpec`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from viodat.bench.division import Division
from viodat.bench.joint_sets import JointSet, joint_set
from viodat.bench.lifting import Lifter
from viodat.bench.store import GridStore
from viodat.errors import ConfigError

if TYPE_CHECKING:
    from viodat.bench.network import LiftingModel

GROUP: Final = "viodat.models"


@dataclass(frozen=True)
class ModelSpec:
    """A model.

    Attributes
    ----------
    title
        For tables.
    source
        The paper, or what it is.
    fitted
        For a model without a recipe: gives it, fitted to a division of the store's recordings.
    build
        For a network: gives one that is to be trained, from ``joints`` and the arguments that its recipe's stages name.
    recipes
        The network's recipe.toml.
    adaptors
        Names of the joint sets that it was defined for.
    from_official
        Gives the network with the parameters of a published checkpoint: official name -> array, and the official
        constructor's arguments.
    floor
        Whether it is one of those that any model must beat.
    """

    title: str
    source: str
    fitted: Callable[[GridStore, Division], Lifter] | None = None
    build: Callable[..., LiftingModel] | None = None
    recipes: Path | None = None
    adaptors: tuple[str, ...] = ("viodat18",)
    from_official: Callable[..., LiftingModel] | None = None
    floor: bool = False


def list_models() -> tuple[str, ...]:
    """Give the names of all installed models, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def find_model(name: str) -> ModelSpec:
    """Give a model by its name, or by ``package.module:NAME``.

    Raises
    ------
    ConfigError
        There is none, it cannot be imported, or it is no :class:`ModelSpec`.
    """
    if ":" in name:
        module, _, attribute = name.partition(":")
    else:
        found = [point for point in entry_points(group=GROUP) if point.name == name]
        if not found:
            raise ConfigError(
                f"there is no model {name!r}; there are {', '.join(list_models())}",
                mend="Name one of these, or your own as package.module:NAME.",
            )
        module, attribute = found[0].module, found[0].attr
    try:
        spec: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"model {name!r} cannot be imported: {error}") from error
    if not isinstance(spec, ModelSpec):
        raise ConfigError(f"model {name!r} is a {type(spec).__name__}; a viodat.bench.ModelSpec was expected")
    return spec


def create_model(name: str, *, joints: str | Sequence[str] | JointSet = "viodat18", **options: Any) -> LiftingModel:
    """Give a network with new weights.

    Parameters
    ----------
    name
        As :func:`find_model` knows it.
    joints
        A set of joints by name (``viodat18``, ``h36m17``), or names: they drive flips, weights of joints and the root.
    options
        Of the model: ``frames`` and whatever its recipe's ``[stage.model]`` may name.

    Raises
    ------
    ConfigError
        There is no such model, it is no network, or it refuses its arguments.
    """
    spec = find_model(name)
    if spec.build is None:
        raise ConfigError(f"{name} is fitted to a dataset, not created", mend=f"viodat bench --model {name}")
    return build_network(spec, joint_set(joints), options)


def build_network(spec: ModelSpec, joints: JointSet, options: dict[str, Any]) -> LiftingModel:
    """Build a network; raises as :func:`create_model`."""
    if spec.build is None:
        raise ConfigError(f"model {spec.title} has no network")
    try:
        return spec.build(joints=joints, **options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{spec.title} refuses its arguments: {error}") from error
