"""Which models there are: those that came with viodat, and those of anybody's package.

A package names its models in its entry-point group ``viodat.models``; one that is not installed is named as
``package.module:NAME``. Either leads to a :class:`ModelSpec`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from viodat.bench.lifting import Lifter
from viodat.bench.store import GridStore, StoredRecording
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
        For a model without a recipe: gives it, fitted to the store's training and validation recordings.
    network
        For a network: gives one that is to be trained, from the arguments that its recipe's stages name.
    recipes
        The network's recipe.toml.
    """

    title: str
    source: str
    fitted: Callable[[GridStore, tuple[StoredRecording, ...], tuple[StoredRecording, ...]], Lifter] | None = None
    network: Callable[..., LiftingModel] | None = None
    recipes: Path | None = None


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
