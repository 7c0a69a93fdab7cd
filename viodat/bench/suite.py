"""A suite: which models are run how, and scored under which protocol, as a file that anybody can run again."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from viodat.bench.batches import Sound
from viodat.bench.protocol import DEFAULT
from viodat.errors import ConfigError

_PACKAGE = "viodat.suites"


class SuiteModel(BaseModel):
    """One row of a suite's table.

    Attributes
    ----------
    model
        As :func:`viodat.bench.registry.find_model` knows it.
    label
        What the table calls it; empty: the model's title.
    recipe
        Of its own; empty: the suite's.
    options
        Arguments of the network, in place of the recipe's: an ablation. ``frames`` are then also those of the windows.
    sound
        For controls of a model that listens: ``another``: of another trial, in training and test; ``silent``: zeros.
    published
        Metric -> value that a paper printed, on other test recordings.
    kalman
        Whether a second row has its predictions after a Kalman filter; published values stand in that row then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    label: str = ""
    recipe: str = ""
    options: dict[str, Any] = Field(default_factory=dict)
    sound: Sound = "own"
    published: dict[str, float] = Field(default_factory=dict)
    kalman: bool = False


class Suite(BaseModel):
    """What ``viodat bench`` does.

    Attributes
    ----------
    title
        Of the table.
    note
        What it repeats, and what it cannot.
    protocol
        Name or file.
    recipe
        Of every network that names none; empty: ``paper`` on a GPU, on a CPU a choice is asked for.
    seeds
        Each network is trained once with each.
    folds, validation
        As in :func:`viodat.bench.division.folds`.
    model
        Rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    note: str = ""
    protocol: str = DEFAULT
    recipe: str = ""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    folds: Literal["dataset", "participant", "camera"] = "dataset"
    validation: Literal["trial", "participant", "window"] = "trial"
    model: tuple[SuiteModel, ...] = Field(min_length=1)

    @field_validator("seeds")
    @classmethod
    def _once_each(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(seeds))


def list_suites() -> tuple[str, ...]:
    """Give the names of the suites that came with viodat."""
    names = (path.name for path in files(_PACKAGE).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_suite(name: str | Path) -> Suite:
    """Give a suite by its name, or from a .toml file.

    Raises
    ------
    ConfigError
        There is none, or a key or value in it is wrong: with its place.
    """
    if Path(name).suffix != ".toml":
        if str(name) not in list_suites():
            raise ConfigError(
                f"there is no suite {str(name)!r}; there are {', '.join(list_suites())}",
                mend="Name one of these, or a .toml file.",
            )
        text, where = (files(_PACKAGE) / f"{name}.toml").read_text("utf-8"), str(name)
    else:
        try:
            text, where = Path(name).read_text("utf-8"), str(name)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot be read ({error})", where=str(name)) from error
    try:
        return Suite.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is no TOML: {error}", where=where) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where=where) from error
