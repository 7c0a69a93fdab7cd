"""``viodat bench``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_error, print_json, print_warning, progress
from viodat.cli.result_table import print_results
from viodat.errors import ConfigError, ViodatError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viodat.bench.division import Division
    from viodat.bench.protocol import Protocol
    from viodat.bench.ranks import Ranks
    from viodat.bench.run import Run, Unfinished
    from viodat.bench.store import GridStore
    from viodat.bench.suite import Suite, SuiteModel
    from viodat.bench.training import How

_ALL: Final = "all"
_FLOORS: Final = "floors"
_SECONDS_PER_MINUTE: Final = 60.0
_SOME_FAILED: Final = 1


class Folds(StrEnum):
    """How participants and cameras are divided into what is trained on and what is tested."""

    DATASET = "dataset"
    PARTICIPANT = "participant"
    CAMERA = "camera"


class Validation(StrEnum):
    """What the best epoch is chosen by."""

    TRIAL = "trial"
    PARTICIPANT = "participant"
    WINDOW = "window"


class Device(StrEnum):
    """Where networks are trained."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def bench(
    data: Annotated[Path, typer.Option("--data", help="A dataset.")] = Path("out"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="A model by name, or as package.module:NAME; repeatable. The floors stand beside it."
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option("--suite", help="Models and all else from a suite: its name, or a .toml file.")
    ] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", help="Where runs are kept; else .NAME.runs beside the dataset.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="How networks are trained. [default: paper on a GPU; on a CPU it is asked for]"),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", help="Under which conventions: a name, a .toml file, or all. [default: viopose]"),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Of the training; repeatable. [default: 0]")] = None,
    folds: Annotated[
        Folds | None, typer.Option("--folds", help="Test the dataset's split, or leave each one out in turn.")
    ] = None,
    validation: Annotated[
        Validation | None, typer.Option("--validation", help="What the best epoch is chosen by. [default: trial]")
    ] = None,
    device: Annotated[Device, typer.Option("--device", help="Where networks are trained.")] = Device.AUTO,
    kalman: Annotated[
        bool, typer.Option("--kalman", help="Beside each model also its predictions after VioPose's Kalman filter.")
    ] = False,
    max_minutes: Annotated[
        float, typer.Option("--max-minutes", help="Per training; the same command goes on afterwards. 0: no limit.")
    ] = 0.0,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile networks with torch.compile.")] = False,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Use only kernels that give the same bits each time.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder of the report; else results/ within that of the runs.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train models on a dataset, score them under one protocol, and say what the differences mean."""
    import torch

    from viodat.bench.protocol import list_protocols, load_protocol
    from viodat.bench.ranks import ranks
    from viodat.bench.run import open_store
    from viodat.bench.training import How
    from viodat.report.results import write_results

    if max_minutes < 0:
        raise ConfigError(f"--max-minutes {max_minutes:g}: expected minutes above 0, or 0 for no limit")
    if seed and min(seed) < 0:
        raise ConfigError(f"--seed {min(seed)}: expected 0 or more")
    if model and suite:
        raise ConfigError("--model and --suite: expected one of them", mend="Add the model to a copy of the suite.")
    chosen = _suite(model, suite, recipe, protocol, seed, folds, validation)
    if kalman:
        filtered = tuple(row.model_copy(update={"kalman": True}) for row in chosen.model)
        chosen = chosen.model_copy(update={"model": filtered})
    names = list_protocols() if chosen.protocol == _ALL else (chosen.protocol,)
    protocols = [load_protocol(name) for name in names]
    where = device if device != Device.AUTO else Device.CUDA if torch.cuda.is_available() else Device.CPU
    if where == Device.CUDA and not torch.cuda.is_available():
        raise ConfigError("--device cuda: this machine has no GPU that PyTorch can use", mend="Give --device cpu.")
    place = runs or data.resolve().with_name(f".{data.resolve().name}.runs")
    how = How(
        device=where,
        max_seconds=max_minutes * _SECONDS_PER_MINUTE or float("inf"),
        compiled=compiled,
        deterministic=deterministic,
    )
    with ranks(where) as mine:
        quiet = json or not mine.first
        if mine.first:
            with progress("dataset", quiet=quiet) as show:
                open_store(data, place, shown=show)
        mine.barrier()
        store = open_store(data, place)
        done = _run_all(chosen, store, place, how, protocols[0], quiet=quiet, mine=mine)
    if not mine.first:
        return
    if done.rows:
        told = _told(chosen, done, store, protocols, place, quiet=quiet)
        page = write_results(told, report or place / "results" / (Path(suite).stem if suite else "latest"))
        if json:
            print_json(told)
        else:
            print_results(told)
            console.print(f"report: {page}\nruns: {place}", markup=False)
    if done.failed:
        raise typer.Exit(_SOME_FAILED if done.rows else 2)


@dataclass
class _Done:
    """What came of a suite: rows that were finished, and which are not and why."""

    rows: list[tuple[SuiteModel, list[Run]]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Say which rows the table lacks."""
        said = [f"Not in the table, for it failed: {one}." for one in self.failed]
        return said + [f"Not in the table, for its time was up: {one}." for one in self.unfinished]


def _suite(
    model: list[str] | None,
    suite: str | None,
    recipe: str | None,
    protocol: str | None,
    seed: list[int] | None,
    folds: Folds | None,
    validation: Validation | None,
) -> Suite:
    """Give what is to be done: a suite, or the floors and the models that were named; options go before a suite's."""
    from viodat.bench.suite import SuiteModel, load_suite

    found = load_suite(suite or _FLOORS)
    if model:
        named = tuple(SuiteModel(model=name) for name in model)
        # A floor has a recipe of its own; whoever names it asks for another.
        floors = tuple(one for one in found.model if one.model not in model)
        floors = tuple(one.model_copy(update={"recipe": one.recipe or found.recipe}) for one in floors)
        found = found.model_copy(update={"model": (*floors, *named), "recipe": "", "title": ", ".join(model)})
    given = {
        "recipe": recipe,
        "protocol": protocol,
        "seeds": tuple(dict.fromkeys(seed)) if seed else None,
        "folds": folds,
        "validation": validation,
    }
    return found.model_copy(update={name: value for name, value in given.items() if value is not None})


def _run_all(
    suite: Suite, store: GridStore, place: Path, how: How, protocol: Protocol, *, quiet: bool, mine: Ranks
) -> _Done:
    """Run all rows of a suite."""
    from viodat.bench.division import folds

    divisions = folds(store, suite.folds, suite.validation)
    recipes = _recipes(suite, store, divisions[0], how, quiet=quiet)
    done = _Done()
    for row, recipe in zip(suite.model, recipes, strict=True):
        try:
            runs = _row(row, recipe, suite, store, divisions, place, how, protocol, quiet=quiet)
        except (ViodatError, RuntimeError, MemoryError) as error:
            # PyTorch's own, memory of a GPU that is full among them, are RuntimeErrors.
            if mine.size > 1:
                raise
            print_error(f"{row.label or row.model}: {error}")
            problem = error.problem if isinstance(error, ViodatError) else str(error).partition("\n")[0]
            done.failed.append(f"{row.label or row.model} ({problem})")
        else:
            if runs:
                done.rows.append((row, runs))
            else:
                done.unfinished.append(row.model)
    return done


def _recipes(suite: Suite, store: GridStore, division: Division, how: How, *, quiet: bool) -> list[str]:
    """Give each row's recipe, all read once so that a mistake is told before anything is trained.

    Raises
    ------
    ConfigError
        A model, recipe or option is not there, or networks are to be trained on a CPU and nobody said how.
    """
    from viodat.bench.recipe import recipe_names
    from viodat.bench.registry import find_model
    from viodat.bench.run import chosen_recipe, time_to_train

    chosen = []
    for row in suite.model:
        spec = find_model(row.model)
        name = row.recipe or suite.recipe
        recipe = chosen_recipe(spec, name or "paper", row.options, row.sound)
        if recipe is not None and spec.recipes is not None:
            if not name and how.device == Device.CPU:
                with progress(f"{row.model}: how long it would take", quiet=quiet) as show:
                    show(0, 1, "some steps of its paper recipe")
                    seconds = time_to_train(spec, recipe, store, division, how)
                others = [one for one in recipe_names(spec.recipes) if one != "paper"]
                raise ConfigError(
                    f"the paper recipe of {row.model} would take about {_long(seconds)} on this CPU",
                    mend=f"Give --recipe {' or '.join(others)}, or --recipe paper to do so all the same.",
                )
            name = name or "paper"
        chosen.append(name)
    return chosen


def _row(
    row: SuiteModel,
    recipe: str,
    suite: Suite,
    store: GridStore,
    divisions: Sequence[Division],
    place: Path,
    how: How,
    protocol: Protocol,
    *,
    quiet: bool,
) -> list[Run]:
    """Run one row's model with all seeds and folds; nothing if the time was up for one of them."""
    from dataclasses import replace

    from viodat.bench.registry import find_model
    from viodat.bench.run import Run, run_model

    runs: list[Run] = []
    # What is solved has no seed.
    seeds = suite.seeds if find_model(row.model).recipes is not None else suite.seeds[:1]
    for seed in seeds:
        for division in divisions:
            title = " ".join(
                filter(None, (row.label or row.model, f"seed {seed}" if len(seeds) > 1 else "", division.name))
            )
            with progress(title, quiet=quiet) as show:
                this = replace(how, seed=seed, progress=show)
                run = run_model(
                    row.model, store, division, place, recipe=recipe, options=row.options, sound=row.sound, how=this,
                    protocol=protocol,
                )  # fmt: skip
            if not isinstance(run, Run):
                if not quiet:
                    print_warning(_time_is_up(title, run))
                return []
            runs.append(run)
    return runs


def _time_is_up(title: str, found: Unfinished) -> str:
    done, total = found.epochs
    then = f", and then stage {', stage '.join(found.later)}" if found.later else ""
    return (
        f"the time for {title} is up after {_long(found.seconds)}: stage {found.stage}, {done} of "
        f"{counted(total, 'epoch')} done, which takes about {_long(found.expected_s)} in all at this pace{then}; "
        "the same command goes on"
    )


def _long(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _told(
    suite: Suite,
    done: _Done,
    store: GridStore,
    protocols: Sequence[Protocol],
    place: Path,
    *,
    quiet: bool,
) -> dict[str, Any]:
    from viodat.bench.results import results
    from viodat.bench.rows import Asked, another, labels, rows_of

    asked: list[Asked] = []
    for row, runs in done.rows:
        (given,) = labels(runs)
        label = another(row.label or given, [one.label for one in asked])
        # Published values were made with the filter on where there is one.
        asked.append(Asked(label, runs, {} if row.kalman else row.published))
        if row.kalman:
            asked.append(Asked(f"{label}, Kalman filter", runs, row.published, filtered=True))
    with progress("scores", quiet=quiet) as show:
        scored = {one.name: rows_of(asked, store, one, place, show) for one in protocols}
        return results(
            suite.title,
            scored[protocols[0].name],
            store,
            protocols[0],
            others={one.name: (one, scored[one.name]) for one in protocols} if len(protocols) > 1 else None,
            notes=[*([suite.note] if suite.note else []), *done.notes()],
            shown=show,
        )
