"""A run: one model trained on a dataset, its predictions of the test recordings, and their scores under a protocol.

Each lies in a folder of its own, named after what it was made from: the dataset, the model, the recipe, the seed and
viodat's version. What is there already is not done again, and a training that was stopped goes on.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from viodat._version import __version__
from viodat.bench.lifting import Lifter, predict
from viodat.bench.poses import RecordingPoses
from viodat.bench.predictions import NAME, read_predictions, write_predictions
from viodat.bench.recipe import Recipe, load_recipe
from viodat.bench.registry import ModelSpec, find_model
from viodat.bench.store import GridStore, grid_store
from viodat.dataset.reader import open_dataset
from viodat.dataset.splits import TEST, TRAIN, VALIDATION
from viodat.errors import ConfigError, DatasetError
from viodat.files import write_text

RUN: Final = "run.json"
_SECONDS_PER_MINUTE: Final = 60.0

Shown = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    model, title, recipe, seed
        What was run.
    folder
        Where it lies.
    poses
        Its predictions of the test recordings.
    trained_s
        Seconds of training.
    fresh
        Whether it was made now.
    """

    model: str
    title: str
    recipe: str
    seed: int
    folder: Path
    poses: tuple[RecordingPoses, ...]
    trained_s: float
    fresh: bool


def open_store(
    dataset: str | Path, runs: Path, *, audio_rate_hz: int | None = 100, shown: Shown = lambda *_: None
) -> GridStore:
    """Open a dataset's store below the folder of runs, made first if need be."""
    return grid_store(open_dataset(dataset), runs / "grids", audio_rate_hz=audio_rate_hz, progress=shown)


def run_model(
    name: str,
    store: GridStore,
    runs: Path,
    *,
    recipe: str = "quick",
    seed: int = 0,
    device: str = "cpu",
    max_minutes: float = math.inf,
    flipped: bool = True,
    shown: Shown = lambda done, total, what: None,
) -> Run | None:
    """Train a model and predict the test recordings, or find that this was done; None if the time was up first.

    Parameters
    ----------
    name
        As :func:`viodat.bench.registry.find_model` knows it.
    store
        The dataset.
    runs
        Folder of all runs.
    recipe
        Of a network.
    seed, device, max_minutes
        Of the training.
    flipped
        Whether predictions are averaged with those of the mirror image.
    shown
        Called with (done, in all, what).

    Raises
    ------
    ConfigError
        There is no such model or recipe.
    DatasetError
        A split has no recording.
    """
    spec = find_model(name)
    chosen = load_recipe(spec.recipes, recipe) if spec.recipes is not None else None
    splits = {split: store.of_split(split) for split in (TRAIN, VALIDATION, TEST)}
    for split in (TRAIN, TEST):
        if not splits[split]:
            raise DatasetError(
                f"no recording of split {split!r} has clock, calibration and keypoints",
                mend="Set [splits] in capture.toml and build again.",
            )
    identity = {
        "model": name,
        "recipe": chosen.model_dump(mode="json") if chosen is not None else None,
        "seed": seed,
        "flipped": flipped,
        "dataset_sha256": store.dataset_sha256,
        "rate_hz": store.rate_hz,
        "pose2d": store.pose2d,
        "audio_rate_hz": store.audio_rate_hz,
        "viodat": __version__,
    }
    label = f"{name.replace(':', '.')}-{recipe}-s{seed}" if chosen is not None else name.replace(":", ".")
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    folder = runs / f"{label}-{digest}"
    told = recipe if chosen is not None else ""
    if (folder / RUN).is_file():
        done = json.loads((folder / RUN).read_text("utf-8"))
        poses = tuple(read_predictions(folder / NAME, store))
        return Run(name, spec.title, told, seed, folder, poses, float(done["trained_s"]), fresh=False)
    began = time.monotonic()
    lifter = _fitted(spec, chosen, store, splits, folder, seed, device, max_minutes * _SECONDS_PER_MINUTE, shown)
    if lifter is None:
        return None
    trained_s = time.monotonic() - began
    total = len(splits[TEST])

    def predicted() -> Any:
        for k, one in enumerate(predict(lifter, store, splits[TEST], flipped=flipped)):
            shown(k + 1, total, f"{one.recording} predicted")
            yield one

    folder.mkdir(parents=True, exist_ok=True)
    poses = tuple(write_predictions(folder / NAME, predicted()))
    content = {"identity": identity, "trained_s": round(trained_s, 3), "test": [one.recording for one in poses]}
    write_text(folder / RUN, json.dumps(content, indent=1) + "\n")
    # What is scored is what was written.
    poses = tuple(read_predictions(folder / NAME, store))
    return Run(name, spec.title, told, seed, folder, poses, trained_s, fresh=True)


def _fitted(
    spec: ModelSpec,
    recipe: Recipe | None,
    store: GridStore,
    splits: dict[str, tuple[Any, ...]],
    folder: Path,
    seed: int,
    device: str,
    max_seconds: float,
    shown: Shown,
) -> Lifter | None:
    if spec.fitted is not None:
        return spec.fitted(store, splits[TRAIN], splits[VALIDATION])
    if spec.network is None or recipe is None:
        raise ConfigError(f"model {spec.title} has neither a fit nor a network with recipes")
    from viodat.bench.staged import train_stages

    return train_stages(
        spec.network, recipe, store, splits[TRAIN], splits[VALIDATION], folder, seed=seed, device=device,
        max_seconds=max_seconds, progress=shown,
    )  # fmt: skip


def to_json(run: Run) -> dict[str, Any]:
    """Give what a run is, without its poses."""
    values = asdict(run) | {"folder": str(run.folder)}
    del values["poses"]
    return values


def compared(runs: Sequence[Run], scores: Sequence[Any], metric: str) -> dict[str, dict[str, list[float]]]:
    """Give each model's values of a metric by participant, one per seed: what statistics are made from."""
    found: dict[str, dict[str, list[float]]] = {}
    for run, score in zip(runs, scores, strict=True):
        for person, row in score.participants.items():
            found.setdefault(run.title, {}).setdefault(person, []).append(row[metric])
    return found
