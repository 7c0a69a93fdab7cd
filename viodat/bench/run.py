"""A run: one model trained with one seed on one division of a dataset, and its predictions of the test recordings.

Each lies in a folder of its own, named after what it was made from: dataset, model, recipe, seed, division and code.
What is there already is not done again, and a training that was stopped goes on.
"""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from viodat._version import __version__
from viodat.bench.batches import Sound
from viodat.bench.division import Division, trained_and_tested
from viodat.bench.environment import code_sha256, environment, forget_peak_memory, peak_memory_mb
from viodat.bench.lifting import Lifter, predict
from viodat.bench.poses import RecordingPoses
from viodat.bench.predictions import NAME, read_predictions, write_predictions
from viodat.bench.protocol import Protocol, load_protocol
from viodat.bench.ranks import ranks
from viodat.bench.recipe import Recipe, load_recipe
from viodat.bench.registry import ModelSpec, find_model
from viodat.bench.store import GridStore, grid_store, store_key
from viodat.dataset.reader import open_dataset
from viodat.errors import ConfigError, DatasetError
from viodat.files import sha256, write_text

if TYPE_CHECKING:
    from viodat.bench.training import How

RUN: Final = "run.json"
FORMAT: Final = 3
GRIDS: Final = "grids"
_MEASURED_S: Final = 10.0
_MEASURED_BATCH: Final = 4

Shown = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    folder
        Where it lies: ``run.json`` and its predictions.
    told
        Content of ``run.json``.
    fresh
        Whether it was made now.
    """

    folder: Path
    told: Mapping[str, Any]
    fresh: bool = False

    @property
    def model(self) -> str:
        """As :func:`viodat.bench.registry.find_model` knows it."""
        return str(self.told["identity"]["model"])

    @property
    def recipe(self) -> str:
        """Name of the recipe; empty for a model without one."""
        found = self.told["identity"]["recipe"]
        return str(found["name"]) if found else ""

    @property
    def seed(self) -> int:
        """Of the training."""
        return int(self.told["identity"]["seed"])

    def poses(self, store: GridStore, only: Collection[str] | None = None) -> Iterator[RecordingPoses]:
        """Read its predictions, of all test recordings or of some; raises DatasetError if they are not as written."""
        path = self.folder / NAME
        if not path.is_file() or sha256(path) != self.told["predictions_sha256"]:
            raise DatasetError(
                "is not what the run wrote", where=path, mend=f"Remove the folder {self.folder} and run again."
            )
        return read_predictions(path, store, only)


@dataclass(frozen=True)
class _Ready:
    lifter: Lifter
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Unfinished:
    """A training whose time was up: the same call goes on.

    Attributes
    ----------
    seconds
        Spent so far.
    expected_s
        Seconds that the stage under way takes in all, at this pace.
    stage
        Its name.
    epochs
        Of that stage that are done, and in all.
    later
        Names of the stages that come after it.
    """

    seconds: float
    expected_s: float
    stage: str
    epochs: tuple[int, int]
    later: tuple[str, ...]


def open_store(dataset: str | Path, runs: Path, *, shown: Shown = lambda *_: None) -> GridStore:
    """Open a dataset's store below the folder of runs, made first if need be."""
    return grid_store(open_dataset(dataset), runs / GRIDS, progress=shown)


def read_run(folder: Path) -> Run:
    """Open a run's folder.

    Raises
    ------
    ConfigError
        It is none, or was not finished.
    """
    path = folder / RUN
    try:
        told = json.loads(path.read_text("utf-8"))
        if told["format"] != FORMAT:
            raise ConfigError(f"is a run of format {told['format']}, this viodat reads {FORMAT}", where=str(path))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            "is no finished run of viodat bench",
            where=str(folder),
            mend="Give a folder that has a run.json; a run that was stopped goes on with the same viodat bench.",
        ) from error
    return Run(folder, told)


def store_of(run: Run) -> GridStore:
    """Open the store that a run was made from.

    Raises
    ------
    ConfigError
        It is not there any more.
    """
    identity = run.told["identity"]
    try:
        return GridStore(
            run.folder.parent / GRIDS / store_key(identity["dataset_sha256"], identity["rate_hz"], identity["pose2d"])
        )
    except OSError as error:
        raise ConfigError(
            f"the truth that it was scored by is not there any more ({error.filename})",
            where=str(run.folder),
            mend="viodat bench --data DATASET brings it back.",
        ) from error


def run_model(
    name: str,
    store: GridStore,
    division: Division,
    runs: Path,
    *,
    recipe: str = "quick",
    options: Mapping[str, Any] | None = None,
    sound: Sound = "own",
    how: How | None = None,
    protocol: Protocol | None = None,
) -> Run | Unfinished:
    """Train a model and predict the test recordings, or find that this was done.

    Parameters
    ----------
    name
        As :func:`viodat.bench.registry.find_model` knows it.
    store, division
        The dataset.
    runs
        Folder of all runs.
    recipe, options, sound
        Of a network; arguments of it in place of the recipe's; and whose sound it hears, for a control
        (:class:`viodat.bench.batches.Windows`).
    how
        Of the training; None: as its defaults are.
    protocol
        That it is made for: it says whether predictions are averaged with those of the mirror image. None: the default.

    Raises
    ------
    ConfigError
        There is no such model, recipe or option.
    """
    from viodat.bench.training import How

    how, protocol = how or How(), protocol or load_protocol()
    spec = find_model(name)
    chosen = chosen_recipe(spec, recipe, options or {}, sound)
    identity = _identity(name, spec, chosen, store, division, how, protocol.flipped)
    folder = runs / _label(identity, division)
    with ranks(how.device) as mine:
        if (folder / RUN).is_file():
            return read_run(folder)
        mine.barrier()
        began = time.monotonic()
        forget_peak_memory(how.device)
        ready = _fitted(spec, chosen, store, division, folder, how)
        if isinstance(ready, Unfinished):
            return ready
        trained_s = time.monotonic() - began
        if mine.first:
            _write_predicted(ready.lifter, store, division, folder, protocol.flipped, how)
            told = {
                "format": FORMAT,
                "identity": identity,
                "title": spec.title,
                "note": chosen.note if chosen is not None else "",
                "source": spec.source,
                "floor": spec.floor,
                "fold": division.name,
                "folds": division.by,
                "validation": division.held,
                "averaged": protocol.flipped and ready.lifter.mirrors,
                "without_sound": _without_sound(ready.lifter, store, division),
                "protocol": protocol.card(),
                "trained_s": round(trained_s, 3),
                "wall_s": round(time.monotonic() - began, 3),
                "peak_memory_mb": peak_memory_mb(how.device),
                "environment": environment(how.device) | {"processes": str(mine.size)},
                "predictions_sha256": sha256(folder / NAME),
                **ready.told,
            }
            write_text(folder / RUN, json.dumps(told, indent=1) + "\n")
        mine.barrier()
    return replace(read_run(folder), fresh=True)


def chosen_recipe(spec: ModelSpec, name: str, options: Mapping[str, Any], sound: Sound = "own") -> Recipe | None:
    """Give a network's recipe as it is to be trained, None for a model that is none; arguments as in :func:`run_model`.

    Raises
    ------
    ConfigError
        There is no such recipe or option, or a control's sound for a network that does not listen.
    """
    from viodat.bench.joint_sets import VIODAT18
    from viodat.bench.registry import build_network

    if spec.recipes is None:
        if options or sound != "own":
            told = f"option {next(iter(options))!r}" if options else f"sound {sound!r}"
            raise ConfigError(f"model {spec.title} is no network: it has no {told}")
        return None
    recipe = load_recipe(spec.recipes, name).varied(options, sound)
    # Built once, so that wrong arguments are told before anything is trained.
    networks = [build_network(spec, VIODAT18, stage.model) for stage in recipe.stage]
    if sound != "own" and not networks[-1].audio:
        raise ConfigError(f"model {spec.title} does not listen: sound = {sound!r} is no control of it")
    return recipe


def time_to_train(spec: ModelSpec, recipe: Recipe, store: GridStore, division: Division, how: How) -> float:
    """Measure some seconds of each stage of a recipe, in small batches, and give how many the whole would take.

    Raises
    ------
    ConfigError
        As :func:`run_model`.
    """
    from viodat.bench.joint_sets import VIODAT18
    from viodat.bench.registry import build_network
    from viodat.bench.training import train

    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number, stage in enumerate(recipe.stage):
            network = build_network(spec, VIODAT18, stage.model)
            place = Path(folder) / str(number)
            # One batch of a paper may take minutes on a CPU.
            small = stage.data.model_copy(update={"batch": min(stage.data.batch, _MEASURED_BATCH)})
            stage = stage.model_copy(update={"data": small})
            total += train(network, stage, store, division, place, replace(how, max_seconds=_MEASURED_S)).expected_s
    return total


def _identity(
    name: str, spec: ModelSpec, recipe: Recipe | None, store: GridStore, division: Division, how: How, flipped: bool
) -> dict[str, Any]:
    made_by = spec.build or spec.fitted
    if made_by is None or (spec.build is not None and recipe is None):
        raise ConfigError(f"model {spec.title} has neither a fit nor a network with recipes")
    # What a partial is of makes the network.
    while isinstance(made_by, functools.partial):
        made_by = made_by.func
    trained = {"device": str(how.device), "compiled": how.compiled, "deterministic": how.deterministic}
    return {
        "model": name,
        # Another note is no other training.
        "recipe": recipe.model_dump(mode="json", exclude={"note"}) if recipe is not None else None,
        "seed": how.seed,
        "trained": trained if recipe is not None else None,
        "flipped": flipped,
        "recordings": trained_and_tested(division),
        "held_windows": division.held_windows,
        "dataset_sha256": store.dataset_sha256,
        "rate_hz": store.rate_hz,
        "pose2d": store.pose2d,
        "viodat": __version__,
        "code_sha256": code_sha256(made_by.__module__),
    }


def _without_sound(lifter: Lifter, store: GridStore, division: Division) -> dict[str, int]:
    """Count the recordings of each part for whose sound a model that listens was given zeros."""
    if not lifter.audio or lifter.sound == "silent":
        return {}
    spans = store.sound(lifter.audio).spans
    return {part: sum(not spans[one][1] for one in names) for part, names in trained_and_tested(division).items()}


def _label(identity: Mapping[str, Any], division: Division) -> str:
    parts = [identity["model"].replace(":", ".")]
    if identity["recipe"] is not None:
        parts += [identity["recipe"]["name"], f"s{identity['seed']}"]
    if division.name:
        parts.append(division.name.replace(" ", "-"))
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    return "-".join([*parts, digest])


def _fitted(
    spec: ModelSpec, recipe: Recipe | None, store: GridStore, division: Division, folder: Path, how: How
) -> _Ready | Unfinished:
    """Give a model that is ready, and what is to be told of its training; or how far that is."""
    if spec.fitted is not None:
        return _Ready(spec.fitted(store, division), {"parameters": None, "curves": {}})
    assert recipe is not None
    from viodat.bench.staged import train_stages

    found = train_stages(spec, recipe, store, division, folder, how)
    if found.lifter is None:
        stage, *later = (one.name for one in recipe.stage[len(found.epochs) - 1 :])
        done = (len(found.epochs[stage]), found.in_all)
        return Unfinished(found.seconds, found.expected_s, stage, done, tuple(later))
    curves = {
        name: {
            "loss": [epoch.loss for epoch in epochs],
            "validation_mm": [epoch.validation_mm for epoch in epochs],
            "validation_mpjve": [epoch.validation_mpjve for epoch in epochs],
            "seconds": [round(epoch.seconds, 3) for epoch in epochs],
        }
        for name, epochs in found.epochs.items()
    }
    # What earlier calls spent is part of it.
    return _Ready(
        found.lifter, {"trained_s": round(found.seconds, 3), "parameters": found.parameters, "curves": curves}
    )


def _write_predicted(
    lifter: Lifter, store: GridStore, division: Division, folder: Path, flipped: bool, how: How
) -> None:
    total = len(division.test)

    def shown() -> Iterator[RecordingPoses]:
        for k, one in enumerate(predict(lifter, store, division.test, flipped=flipped)):
            how.progress(k + 1, total, f"{one.recording} predicted")
            yield one

    folder.mkdir(parents=True, exist_ok=True)
    write_predictions(folder / NAME, shown())
