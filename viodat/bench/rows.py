"""Rows of a table: a model under one recipe, its seeds averaged, its folds put together, scored once and kept."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np

import viodat
from viodat.bench.kalman import kalman
from viodat.bench.poses import RecordingPoses
from viodat.bench.protocol import Protocol
from viodat.bench.run import Run, Shown
from viodat.bench.scores import Scores, score
from viodat.bench.store import GridStore
from viodat.errors import ConfigError
from viodat.files import write_text

SCORES: Final = "scores"
# Differences of the second order need three frames.
_LEAST_FILTERED: Final = 2


@dataclass(frozen=True)
class Row:
    """A model under one recipe.

    Attributes
    ----------
    label
        What the table calls it.
    runs
        Of all seeds and folds.
    scores
        Of each seed, under the protocol of the table.
    published
        Metric -> value that a paper printed.
    filtered
        Whether predictions went through the Kalman filter (:func:`viodat.bench.kalman.kalman`).
    """

    label: str
    runs: tuple[Run, ...]
    scores: tuple[Scores, ...]
    published: Mapping[str, float] = field(default_factory=dict)
    filtered: bool = False

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of its trainings."""
        return tuple(sorted({run.seed for run in self.runs}))

    def overall(self, metric: str) -> float:
        """Give the mean over seeds."""
        return float(np.mean([one.overall[metric] for one in self.scores]))

    def of_participants(self, metric: str) -> dict[str, float]:
        """Give each participant's mean over recordings, averaged over seeds."""
        return over_seeds([{name: row[metric] for name, row in one.participants.items()} for one in self.scores])

    def of_recordings(self, metric: str) -> dict[str, float]:
        """Give each recording's mean over seeds."""
        return over_seeds([{name: row[metric] for name, row in one.recordings.items()} for one in self.scores])

    def poses(self, store: GridStore, seed: int, only: Sequence[str] | None = None) -> Iterator[RecordingPoses]:
        """Read its predictions with one seed, those of all folds."""
        return _predictions([run for run in self.runs if run.seed == seed], store, self.filtered, only)


@dataclass(frozen=True)
class Asked:
    """A row that is wanted.

    Attributes
    ----------
    label
        What the table calls it.
    runs
        Of all seeds and folds.
    published, filtered
        As in :class:`Row`.
    """

    label: str
    runs: Sequence[Run]
    published: Mapping[str, float] = field(default_factory=dict)
    filtered: bool = False


def rows_of(
    asked: Sequence[Asked],
    store: GridStore,
    protocol: Protocol,
    runs: Path,
    shown: Shown = lambda *_: None,
) -> list[Row]:
    """Score each row's runs, or find that this was done.

    Parameters
    ----------
    asked
        Rows.
    store
        With the truth.
    protocol
        Under which.
    runs
        Folder below which scores are kept.
    shown
        Called with (rows done, in all, label).
    """
    rows = []
    for k, one in enumerate(asked):
        shown(k, len(asked), f"{one.label} scored")
        seeds = sorted({run.seed for run in one.runs})
        by_seed = [[run for run in one.runs if run.seed == seed] for seed in seeds]
        scores = [_scored(found, store, protocol, runs / SCORES, one.filtered) for found in by_seed]
        rows.append(Row(one.label, tuple(one.runs), tuple(scores), one.published, one.filtered))
    return rows


def _predictions(
    runs: Sequence[Run], store: GridStore, filtered: bool, only: Sequence[str] | None = None
) -> Iterator[RecordingPoses]:
    for one in chain.from_iterable(run.poses(store, only) for run in runs):
        if filtered and len(one.pred) > _LEAST_FILTERED:
            yield replace(one, pred=kalman(one.pred, one.velocity, one.acceleration, one.rate_hz))
        else:
            yield one


def _scored(runs: Sequence[Run], store: GridStore, protocol: Protocol, folder: Path, filtered: bool) -> Scores:
    made_of = {
        "predictions": [run.told["predictions_sha256"] for run in runs],
        "dataset": store.dataset_sha256,
        "protocol": protocol.card(),
        "filtered": filtered,
        "code": _scoring_code(),
    }
    # One run's scores lie beside its predictions.
    place = runs[0].folder if len(runs) == 1 else folder
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
    path = place / f"scores-{protocol.name}{'-filtered' * filtered}-{digest}.json"
    if path.is_file():
        try:
            return Scores.from_json(_with_nan(json.loads(path.read_text("utf-8"))), protocol)
        except (OSError, ValueError, KeyError):
            # What was damaged is made again.
            pass
    found = score(_predictions(runs, store, filtered), protocol)
    place.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(without_nan(found.to_json()), indent=1, allow_nan=False) + "\n")
    return found


@cache
def _scoring_code() -> str:
    root = Path(viodat.__file__).parent
    content = hashlib.sha256()
    for path in (
        *sorted((root / "metrics").glob("*.py")),
        *(root / "bench" / name for name in ("kalman.py", "protocol.py", "scores.py")),
    ):
        content.update(path.read_bytes())
    return content.hexdigest()


def labels(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Put runs of one model and recipe together, under a label of their own.

    Raises
    ------
    ConfigError
        They are of several datasets, or two of one row tested the same recording.
    """
    if len({run.told["identity"]["dataset_sha256"] for run in runs}) > 1:
        raise ConfigError(
            "the runs are of several datasets, whose numbers cannot be compared",
            mend="Run all of them on one: viodat bench --data DATASET --model ...",
        )
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        # Recipes of one name may differ, after somebody edited the file.
        made_by = {
            name: run.told["identity"][name]
            for name in ("model", "recipe", "trained", "flipped", "held_windows", "code_sha256")
        }
        grouped.setdefault((run.model, json.dumps(made_by, sort_keys=True)), []).append(run)
    for group in grouped.values():
        _require_apart(group)
    found: dict[str, list[Run]] = {}
    for group in grouped.values():
        label = str(group[0].told["title"]) + (f" ({group[0].recipe})" if group[0].recipe else "")
        found[another(label, found)] = group
    return found


def another(label: str, taken: Collection[str]) -> str:
    """Give a label, numbered if it is taken: results go by label."""
    unique, number = label, 2
    while unique in taken:
        unique, number = f"{label} {number}", number + 1
    return unique


def _require_apart(runs: Sequence[Run]) -> None:
    """Raise ConfigError if a recording was tested twice with one seed: by folds of two ways, or a run named twice."""
    seen: dict[tuple[int, str], Run] = {}
    for run in runs:
        for recording in run.told["identity"]["recordings"]["test"]:
            other = seen.setdefault((run.seed, recording), run)
            if other is not run:
                raise ConfigError(
                    f"{other.folder.name} and {run.folder.name} both tested {recording}",
                    mend="Compare runs of one split, or of one way to leave out, each named once.",
                )


def over_seeds(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Give the mean over rows, name by name."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def without_nan(value: Any) -> Any:
    """Give plain values with None for every number that is not finite."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, np.floating):
        value = float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(value: Any) -> Any:
    """Undo :func:`without_nan` in scores, whose values are all numbers."""
    if isinstance(value, dict):
        return {key: _with_nan(item) for key, item in value.items()}
    return math.nan if value is None else value
