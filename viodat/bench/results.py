"""What rows say together: a table with intervals, comparisons, and all that its pages draw, as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from viodat.bench.poses import RecordingPoses
from viodat.bench.protocol import Protocol
from viodat.bench.rows import Row, over_seeds, without_nan
from viodat.bench.run import Shown
from viodat.bench.series import over_time, strongest_vibrato_mm, vibrato, wrist_path
from viodat.bench.statistics import LEAST_FOR_PEOPLE, Comparison, clustered_interval, compare_all, interval_within
from viodat.bench.store import GridStore
from viodat.bench.truth_error import TruthCheck, check_truth
from viodat.dataset.splits import TRAIN, VALIDATION
from viodat.metrics import get_metric

FORMAT: Final = 1
SHOWN: Final = ("mpjpe", "p_mpjpe", "mpjve", "mpjae", "dtw", "vibrato_band_error")
COMPARED: Final = "mpjpe"
_TITLES: Final = {
    "mpjpe": "MPJPE", "p_mpjpe": "P-MPJPE", "mpjve": "MPJVE", "mpjae": "MPJAE", "dtw": "DTW",
    "vibrato_band_error": "vibrato band",
}  # fmt: skip


def compared(rows: Sequence[Row], metric: str) -> list[Comparison]:
    """Compare every pair of rows, participants being the unit; Holm over all pairs."""
    if len(rows) < 2:
        return []
    values = {
        row.label: {
            person: [one.participants[person][metric] for one in row.scores] for person in row.scores[0].participants
        }
        for row in rows
    }
    return compare_all(values)


def truth_checks(
    rows: Sequence[Row], store: GridStore, protocol: Protocol, shown: Shown = lambda *_: None
) -> dict[tuple[str, str], TruthCheck]:
    """Draw the truth anew for the best row against every other one, with their first seeds."""
    ranked = ranking(rows)
    best = ranked[0]
    first = list(best.poses(store, best.seeds[0])) if len(ranked) > 1 else []
    found = {}
    for k, other in enumerate(ranked[1:]):
        shown(k, len(ranked) - 1, f"truth drawn anew for {other.label}")
        second = list(other.poses(store, other.seeds[0]))
        found[best.label, other.label] = check_truth(first, second, protocol)
    return found


def ranking(rows: Sequence[Row]) -> list[Row]:
    """Give rows from the least MPJPE on; those without a number at the end."""
    return sorted(rows, key=lambda row: (math.isnan(row.overall(COMPARED)), row.overall(COMPARED)))


def results(
    title: str,
    rows: Sequence[Row],
    store: GridStore,
    protocol: Protocol,
    *,
    others: Mapping[str, tuple[Protocol, Sequence[Row]]] | None = None,
    notes: Sequence[str] = (),
    shown: Shown = lambda *_: None,
) -> dict[str, Any]:
    """Put all together that a table, its pages and whoever reads them later needs: plain values, NaN as None.

    Parameters
    ----------
    title
        Of the table.
    rows
        Scored under ``protocol``.
    store
        With the truth.
    protocol
        Of the table.
    others
        Name -> other protocols and the rows scored under them.
    notes
        Sentences to stand under the table.
    shown
        Called with (done, in all, what).
    """
    people = sorted(rows[0].scores[0].participants)
    of_people = len(people) >= LEAST_FOR_PEOPLE
    tested = [one for one in store.recordings if one.recording in rows[0].scores[0].recordings]
    first = rows[0].runs[0].told
    folds, validation = first["folds"], first["validation"]
    # Of several folds, what one is trained on another is tested on.
    of_one = first["identity"]["recordings"] if folds == "dataset" else {}
    stored = {one.recording: one for one in store.recordings}
    drawn = {one.recording: one.participant if of_people else one.trial for one in tested}
    told = {
        "format": FORMAT,
        "title": title,
        "dataset": {
            "name": store.name,
            "sha256": store.dataset_sha256,
            "rate_hz": store.rate_hz,
            "pose2d": store.pose2d,
            "test": _told_of(tested),
            **{part: _told_of([stored[one] for one in of_one[part]]) for part in (TRAIN, VALIDATION) if part in of_one},
        },
        "protocol": {**protocol.card(), "sentence": protocol.sentence()},
        "folds": folds,
        "validation": validation,
        "notes": [*_notes(people, folds, validation), *_notes_of_rows(rows, protocol), *notes],
        "metrics": [
            {
                "name": name,
                "title": _TITLES[name],
                "unit": one.unit,
                "direction": one.direction,
                "reference": one.reference,
            }
            for name in SHOWN
            for one in (get_metric(name),)
        ],
        "interval_of": "participants" if of_people else "recordings",
        "rows": [_row(row, drawn) for row in rows],
        "protocols": {
            name: {
                "title": other.title,
                "sentence": other.sentence(),
                "rows": {row.label: {metric: row.overall(metric) for metric in SHOWN} for row in scored},
            }
            for name, (other, scored) in (others or {}).items()
        },
        "comparisons": _comparisons(rows, tested, truth_checks(rows, store, protocol, shown)),
        "figures": _figures(rows, store, protocol),
    }
    found: dict[str, Any] = without_nan(told)
    return found


def _row(row: Row, drawn: Mapping[str, str]) -> dict[str, Any]:
    first = row.scores[0]
    generator = np.random.default_rng(0)
    people, recordings = ({name: of(name) for name in SHOWN} for of in (row.of_participants, row.of_recordings))
    worst = max(people[COMPARED].items(), key=lambda one: one[1])
    intervals = first.protocol.average == "recordings"
    return {
        "label": row.label,
        "model": row.runs[0].model,
        "recipe": row.runs[0].recipe,
        "source": row.runs[0].told["source"],
        "note": row.runs[0].told["note"],
        "floor": row.runs[0].told["floor"],
        "parameters": row.runs[0].told["parameters"],
        "trained_s": sum(run.told["trained_s"] for run in row.runs),
        "seeds": list(row.seeds),
        "overall": {name: row.overall(name) for name in SHOWN},
        "participant_mean": {name: float(np.mean([*people[name].values()])) for name in SHOWN},
        "interval": {
            name: clustered_interval(recordings[name], drawn, generator) if intervals else None for name in SHOWN
        },
        "seed_sd": {
            name: float(np.std([one.overall[name] for one in row.scores], ddof=1)) if len(row.scores) > 1 else None
            for name in SHOWN
        },
        "worst_participant": {"participant": worst[0], COMPARED: worst[1]},
        "participants": {person: {name: people[name][person] for name in SHOWN} for person in first.participants},
        "recordings": {one: {name: recordings[name][one] for name in SHOWN} for one in first.recordings},
        "joints": over_seeds([dict(one.by_joint) for one in row.scores]),
        "groups": over_seeds([dict(one.by_group) for one in row.scores]),
        "published": dict(row.published),
        "curves": [
            {"seed": run.seed, "fold": run.told["fold"], "stage": stage, **curve}
            for run in row.runs
            for stage, curve in run.told["curves"].items()
        ],
        "environment": row.runs[0].told["environment"],
        "peak_memory_mb": max(run.told["peak_memory_mb"]["process"] for run in row.runs),
        "runs": [run.folder.name for run in row.runs],
    }


def _comparisons(
    rows: Sequence[Row], tested: Sequence[Any], checks: Mapping[tuple[str, str], TruthCheck]
) -> list[dict[str, Any]]:
    found = []
    by_label = {row.label: row for row in rows}
    for metric in SHOWN:
        unit = get_metric(metric).unit
        for one in compared(rows, metric):
            pair = checks.get((one.first, one.second)) or checks.get((one.second, one.first))
            exploratory = metric != COMPARED
            interval = one.interval
            if one.participants < LEAST_FOR_PEOPLE:
                interval = _interval_of_difference(by_label[one.first], by_label[one.second], metric, tested)
            found.append(
                {
                    "first": one.first,
                    "second": one.second,
                    "metric": metric,
                    "unit": unit,
                    "difference": one.difference,
                    "p": one.p_value,
                    "adjusted_p": one.adjusted_p,
                    "least_p": one.least_p,
                    "effect": one.effect,
                    "interval": None if math.isnan(interval[0]) else list(interval),
                    "worst": list(one.worst),
                    "sentence": one.sentence(unit),
                    "exploratory": exploratory,
                    "truth": None if pair is None or exploratory else _told_check(pair),
                }
            )
    return found


def _interval_of_difference(first: Row, second: Row, metric: str, tested: Sequence[Any]) -> tuple[float, float]:
    """Give the interval over takes of these participants, in pairs; seeds are averaged."""
    values, others = first.of_recordings(metric), second.of_recordings(metric)
    apart = {name: value - others[name] for name, value in values.items()}
    trials = {one.recording: one.trial for one in tested}
    people = {one.recording: one.participant for one in tested}
    return interval_within(apart, trials, people, np.random.default_rng(0))


def _told_check(check: TruthCheck) -> dict[str, Any]:
    return {
        "flips": check.flips, "tie": check.tie, "draws": check.draws, "unstated": check.unstated,
        "interval": None if math.isnan(check.interval[0]) else list(check.interval),
    }  # fmt: skip


def _figures(rows: Sequence[Row], store: GridStore, protocol: Protocol) -> dict[str, Any]:
    """Choose recordings by what all models together found easy or hard, and draw from these."""
    names = list(rows[0].scores[0].recordings)
    by_row = [row.of_recordings(COMPARED) for row in rows]
    values = {name: np.mean([found[name] for found in by_row]) for name in names}
    known = sorted((name for name in names if np.isfinite(values[name])), key=lambda name: (values[name], name))
    if not known:
        return {"over_time": [], "wrist": None, "vibrato": None}
    chosen = {"best": known[0], "median": known[len(known) // 2], "worst": known[-1]}
    stored = {one.recording: one for one in store.recordings}
    shaken = {}
    for name in known:
        one = stored[name]
        truth = store.pose3d_mm[one.first : one.first + one.points].astype(np.float64)
        shaken[name] = strongest_vibrato_mm(truth, store.rate_hz)
    most = max(known, key=lambda name: (np.nan_to_num(shaken[name], nan=-1.0), name))
    wanted = {*chosen.values(), most}
    poses: dict[str, dict[str, RecordingPoses]] = {name: {} for name in wanted}
    for row in rows:
        for found in row.poses(store, row.seeds[0], sorted(wanted)):
            poses[found.recording][row.label] = found
    # A recording that is best and worst at once is drawn once.
    once = {name: which for which, name in reversed(chosen.items())}
    return {
        "over_time": [
            {"recording": name, "which": which, **over_time(poses[name], protocol)}
            for which, name in chosen.items()
            if once[name] == which
        ],
        "wrist": wrist_path(poses[chosen["median"]]),
        "vibrato": vibrato(poses[most]) if math.isfinite(shaken[most]) else None,
    }


def _notes(people: Sequence[str], folds: str, validation: str) -> list[str]:
    notes = []
    if len(people) < LEAST_FOR_PEOPLE:
        notes.append(
            f"With {len(people)} test participant{'s' * (len(people) != 1)} no interval can speak of other people: "
            "those given are over takes (each drawn with all its cameras) of these participants alone."
        )
    if folds == "participant":
        notes.append(
            "Each participant was left out in turn. The models of two folds share most of their training data, so that "
            "their scores are not independent."
        )
    if folds == "camera":
        notes.append(
            "Each camera was left out in turn: a diagnostic of what a model does with a view that it never saw, and no "
            "figure to compare with others' tables."
        )
    if validation == "window":
        notes.append("Validation windows overlap with training windows: best epochs were chosen optimistically.")
    return notes


def _notes_of_rows(rows: Sequence[Row], protocol: Protocol) -> list[str]:
    """Say in which rows something else was done than the table's head says, or was not there."""
    notes = []
    ways = {(row.runs[0].told["folds"], row.runs[0].told["validation"]) for row in rows}
    if len(ways) > 1:
        told = "; ".join(f"folds by {folds}, validation by {validation}" for folds, validation in sorted(ways))
        notes.append(f"The rows were trained and tested in several ways: {told}.")
    if other := [row.label for row in rows if row.runs[0].told["averaged"] != protocol.flipped]:
        done = "are not" if protocol.flipped else "are"
        notes.append(f"Predictions {done} averaged with those of the mirror image in: {', '.join(other)}.")
    for row in rows:
        missing = row.runs[0].told["without_sound"]
        if any(missing.values()):
            told = ", ".join(f"{part} {count}" for part, count in missing.items() if count)
            notes.append(f"{row.label} was given zeros for the sound of recordings without it: {told}.")
    return notes


def _told_of(recordings: Sequence[Any]) -> dict[str, Any]:
    return {
        "recordings": len(recordings),
        "trials": len({one.trial for one in recordings}),
        "participants": sorted({one.participant for one in recordings}),
    }
