"""How a model is trained: stages of model, data, optimiser and schedule, read from a recipe.toml.

A file holds several recipes of one model by name, ``paper`` (as published) and ``quick`` (for a CPU, smaller where it
says so) among them; each is a list of stages that are trained one after the other.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from viodat.bench.batches import Cut, Sound
from viodat.capture.spelling import did_you_mean
from viodat.errors import ConfigError

Positive = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(_Table):
    """What is trained on.

    Attributes
    ----------
    frames, hop, offset, cut, sound
        Of windows, as in :class:`viodat.bench.batches.Windows`.
    batch
        Windows of which one step is made.
    accumulate
        Parts that a batch is worked on in, one after the other.
    flips
        Whether each window is trained on a second time, mirrored.
    """

    frames: Positive
    hop: Positive = 1
    offset: int = 0
    cut: Cut = "hop"
    sound: Sound = "own"
    batch: Positive
    accumulate: Positive = 1
    flips: bool = True


class Optimiser(_Table):
    """Which optimiser, with PyTorch's names and defaults.

    Attributes
    ----------
    scaled_by_loss
        Whether gradients are multiplied by the loss, as some published code does.
    ema
        Decay of the exponential moving average of the weights that is validated and scored; 0: none.
    """

    kind: Literal["adam", "adamw"]
    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0)] = 1e-8
    amsgrad: bool = False
    scaled_by_loss: bool = False
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Schedule(_Table):
    """How the learning rate goes from epoch to epoch.

    Attributes
    ----------
    kind
        ``constant``; ``exponential``: times ``factor`` each epoch; ``steps``: times each of ``factors`` from that of
        ``epochs`` on; ``cosine``: to zero over the stage.
    factor
        See there.
    every, at_every
        ``exponential``: at every n-th epoch times ``at_every`` in place of ``factor``; 0: never.
    epochs, factors
        Of ``steps``, as many of the one as of the other.
    """

    kind: Literal["constant", "exponential", "steps", "cosine"] = "constant"
    factor: Annotated[float, Field(gt=0)] = 1.0
    every: Annotated[int, Field(ge=0)] = 0
    at_every: Annotated[float, Field(gt=0)] = 1.0
    epochs: tuple[Positive, ...] = ()
    factors: tuple[Annotated[float, Field(gt=0)], ...] = ()

    @model_validator(mode="after")
    def _as_many(self) -> Schedule:
        if len(self.epochs) != len(self.factors):
            raise ValueError(f"{len(self.epochs)} epochs and {len(self.factors)} factors: expected as many of each")
        return self


class Stage(_Table):
    """One round of training.

    Attributes
    ----------
    name
        For messages and files.
    model
        Arguments of the model.
    data, optimiser, schedule
        See there.
    loss
        Weights of the model's loss by name, where they are others than its own.
    epochs
        How many.
    least_steps
        Of the optimiser: where there are so few windows that the epochs have less, there are more epochs.
    init_from
        Name of an earlier stage whose weights are the start, for those parameters that both have; empty: none.
    select
        ``last``: the weights of the last epoch; ``best``: of the epoch with the least MPJPE on validation. Never by
        the test recordings.
    """

    name: str
    model: dict[str, Any] = Field(default_factory=dict)
    data: Data
    loss: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    optimiser: Optimiser
    schedule: Schedule = Schedule()
    epochs: Positive
    least_steps: Annotated[int, Field(ge=0)] = 0
    init_from: str = ""
    select: Literal["last", "best"] = "best"

    def epochs_of(self, batches: int) -> int:
        """Give how many epochs there are, each of so many batches."""
        return max(self.epochs, math.ceil(self.least_steps / batches))


class Recipe(_Table):
    """All stages of one way to train a model.

    Attributes
    ----------
    name
        ``paper``, ``quick`` ...
    note
        What differs from the paper, for tables.
    stage
        In the order of training; the last one's model is scored.
    """

    name: str
    note: str = ""
    stage: tuple[Stage, ...] = Field(min_length=1)

    def varied(self, options: Mapping[str, Any], sound: Sound = "own") -> Recipe:
        """Give it with other arguments of the model, or the sound of a control, in all stages.

        ``frames`` are then also those of the windows. Windows that began half a window before their recording, so that
        its first frame was the middle of the first, still do.
        """
        told = [f"{name} = {value}" for name, value in options.items()]
        told += [] if sound == "own" else [{"another": "another trial's sound", "silent": "zeros for sound"}[sound]]
        if not told:
            return self
        stages = []
        for stage in self.stage:
            data: dict[str, Any] = {"sound": sound}
            if (frames := options.get("frames")) is not None:
                half = stage.data.offset == (stage.data.frames - 1) // 2
                data |= {"frames": frames} | ({"offset": (frames - 1) // 2} if half else {})
            changed = {"model": {**stage.model, **options}, "data": {**stage.data.model_dump(), **data}}
            stages.append({**stage.model_dump(), **changed})
        note = "; ".join(filter(None, (self.note, ", ".join(told))))
        try:
            return Recipe.model_validate({"name": self.name, "note": note, "stage": stages})
        except ValidationError as error:
            raise ConfigError(_told(error, self.name)) from error


def load_recipe(path: Path, name: str) -> Recipe:
    """Read one recipe of a file.

    Raises
    ------
    ConfigError
        The file cannot be read, has no recipe of the name, or a key or value in it is wrong: with its place.
    """
    tables = _tables(path)
    if name not in tables:
        there = ", ".join(tables) or "none"
        raise ConfigError(f"has no recipe {name!r}; it has {there}", where=str(path), mend="Name one with --recipe.")
    try:
        recipe = Recipe.model_validate({"name": name, **tables[name]})
    except ValidationError as error:
        raise ConfigError(_told(error, name), where=str(path)) from error
    names = [stage.name for stage in recipe.stage]
    for k, stage in enumerate(recipe.stage):
        if stage.name in names[:k]:
            raise ConfigError(f"[{name}] has two stages of the name {stage.name!r}", where=str(path))
        if stage.init_from and stage.init_from not in names[:k]:
            raise ConfigError(
                f"[{name}] stage {stage.name}: init_from names {stage.init_from!r}, which is no earlier stage",
                where=str(path),
            )
    return recipe


def recipe_names(path: Path) -> tuple[str, ...]:
    """Give the names of a file's recipes; raises as :func:`load_recipe`."""
    return tuple(_tables(path))


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot be read as TOML ({error})", where=str(path)) from error
    return {name: table for name, table in tables.items() if isinstance(table, dict)}


def _told(error: ValidationError, name: str) -> str:
    first = error.errors()[0]
    place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
    hint = ""
    if first["type"] == "extra_forbidden":
        known = [key for kind in (Stage, Data, Optimiser, Schedule, Recipe) for key in kind.model_fields]
        hint = f". {did_you_mean(str(first['loc'][-1]), known, 'keys')}"
    return f"[{name}] {place}: {first['msg']}{hint}"
