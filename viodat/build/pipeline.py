"""``viodat build``: a raw capture in, a dataset out. The manifest is the last file written.

Trials are gone through twice. First each is read and what it says of its clocks is gathered
(:mod:`viodat.build.prepare`). Then each is brought onto its clocks, which take account of the other trials', and is
written and drawn (:mod:`viodat.build.finish`). All of it lies in the cache, from which the dataset is put together.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from viodat._version import __version__
from viodat.build.anonymous import anonymous_capture
from viodat.build.assemble import TrialParts, place
from viodat.build.cache.place import cache_of, default_cache
from viodat.build.cache.store import Store
from viodat.build.faults import UnwritableError, disk_fault
from viodat.build.options import BuildOptions, sync_method
from viodat.build.order import Order, plan_order
from viodat.build.passes import WORKER, Passes, Progress
from viodat.build.raw import RawCapture
from viodat.build.report import write_report
from viodat.build.sound import feature_rates
from viodat.build.staging import staging_folder
from viodat.build.unchanged import remember, unchanged
from viodat.build.workers import ThisProcess, Workers
from viodat.build.writing import Tables, write_tables
from viodat.capture.raw import RawTrial
from viodat.dataset import paths, schema
from viodat.dataset.card import write_card
from viodat.dataset.certificate import certify, statistics_of
from viodat.dataset.croissant import write_croissant
from viodat.dataset.manifest import FileEntry, write_manifest
from viodat.dataset.pseudonyms import Pseudonyms
from viodat.dataset.reader import open_dataset
from viodat.errors import ConfigError, DatasetError, counted
from viodat.files import write_text
from viodat.joints import JOINTS
from viodat.report.html import index_path

_FAULTY_SHOWN: Final = 6


@dataclass(frozen=True)
class BuildResult:
    """What a build made.

    Attributes
    ----------
    out
        The dataset.
    report
        Its reports/index.html.
    trials, recordings
        How many were built.
    unsynchronised
        How many of those recordings have no clock.
    exclusions
        What was left out: rows of exclusions.parquet.
    notes
        What is probably wrong in a trial, and what is missing in the capture as a whole.
    faults
        Faults of viodat itself, and processes that died, took too long or needed too much memory, with the trials that
        met them: the dataset lacks what they cost, and the next build tries again.
    worked_on
        How many trials had to be read, written or drawn; the others lay in the cache.
    cache
        Where that is; None where none was kept.
    """

    out: Path
    report: Path
    trials: int
    recordings: int
    unsynchronised: int
    exclusions: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    faults: tuple[str, ...] = ()
    worked_on: int = 0
    cache: str | None = None


def build_dataset(
    raw: str | Path,
    out: str | Path,
    *,
    config: str | Path | None = None,
    options: BuildOptions | None = None,
    progress: Progress = lambda done, total, what: None,
    workers: Workers | None = None,
    cache: str | Path | None = None,
    keep_cache: bool = True,
) -> BuildResult:
    """Build a dataset from a raw capture.

    Parameters
    ----------
    raw
        Folder of the capture; nothing is written below it.
    out
        Folder of the dataset. A dataset that is there already is replaced when the new one is whole; a folder with
        anything else in it is refused.
    config
        capture.toml, if it is not the capture's own.
    options
        What to do; default: everything that the capture allows.
    progress
        Called after each trial, once when it is read and once when it is written.
    workers
        Where trials are worked on; default: this process, one after the other.
    cache
        Where results of stages are kept, so that a build that was stopped goes on, and the next one repeats nothing: a
        folder, or anything that fsspec opens. Default: ``.NAME.cache`` beside ``out``.
    keep_cache
        Whether they are kept after the build. A build that does not keep them uses none either.

    Raises
    ------
    ConfigError
        If the capture cannot be understood, or ``out`` is no place for a dataset.
    DatasetError
        If no trial could be built; the message has the first reasons.
    """
    options = options or BuildOptions()
    order = plan_order(Path(raw), Path(config) if config else None, options)
    _check_not_shrinking(Path(out), order.trials, options)
    if keep_cache and (same := _standing(order, Path(out), cache, progress)) is not None:
        return same
    with (
        staging_folder(order.source.folder, Path(out)) as staging,
        cache_of(cache, order.source.folder, Path(out), staging, kept=keep_cache) as store,
        _told_as_config_error(staging, Path(out), str(store.folder or store.url)),
    ):
        passes = Passes(order, store, workers or ThisProcess(), progress)
        parts = passes.run(staging)
        _check_still_there(order)
        result = _assembled(staging, Path(out), order, parts)
    if keep_cache and not result.faults:
        told = {
            "trials": result.trials,
            "recordings": result.recordings,
            "unsynchronised": result.unsynchronised,
            "exclusions": result.exclusions,
            "notes": result.notes,
        }
        remember(order, store, Path(out), passes.finished.values(), told)
    cached = store.url if keep_cache else None
    return replace(result, worked_on=len(passes.worked_on), cache=cached)


def _standing(order: Order, out: Path, cache: str | Path | None, progress: Progress) -> BuildResult | None:
    """Tell of the dataset that stands there, if this build would only make it again."""
    store = Store(cache if cache is not None else default_cache(out))
    told = unchanged(order, store, out, progress)
    if told is None:
        return None
    return BuildResult(
        out,
        index_path(out),
        told["trials"],
        told["recordings"],
        told["unsynchronised"],
        tuple(told["exclusions"]),
        tuple(told["notes"]),
        cache=store.url,
    )


def _assembled(staging: Path, out: Path, order: Order, parts: Mapping[str, TrialParts]) -> BuildResult:
    """Put the dataset together from what the cache has; the manifest is the last file."""
    source, splits = order.source, order.splits
    tables = Tables()
    alarms: list[str] = []
    ours: dict[str, list[str]] = {}
    known: dict[str, FileEntry] = {}
    for name, part in parts.items():
        tables.add(part.written.tables)
        alarms += [f"{name}: {alarm}" for alarm in part.written.alarms]
        for fault in part.written.faults:
            ours.setdefault(fault, []).append(name)
    built = sum(row["status"] == schema.STATUS_BUILT for row in tables.trials)
    for row in tables.exclusions:
        if row["stage"] == WORKER:
            ours.setdefault(row["reason"], []).append(row["trial"])
    if not built:
        reasons = list(dict.fromkeys(row["reason"].rstrip(".") for row in tables.exclusions))
        raise DatasetError(
            f"none of the {counted(len(parts), 'trial')} could be built: {'; '.join(reasons[:3])}",
            where=source.folder,
            mend="Run 'viodat check' on it.",
        )
    for part in parts.values():
        known |= place(part, staging)
    people = Pseudonyms(name for part in parts.values() for name in part.written.names)
    sketches = {name: part.written.sketch for name, part in parts.items() if part.written.sketch is not None}
    statistics = statistics_of(tables.trials, sketches)
    certificate = certify(tables.trials, sketches, statistics)
    alarms += certificate.broken
    public = anonymous_capture(source, people)
    write_tables(staging, public, splits, tables)
    pages = [part.page for part in parts.values()]
    report = write_report(staging, pages, list(map(people.text, alarms)), public, splits, order.method)
    info = _info(source, order.options, tables) | {
        "config": people.plain(_published_config(source)),
        "statistics": statistics,
        "certificate": certificate.to_json(),
    }
    write_text(staging / paths.DATASET_JSON, json.dumps(info, indent=1) + "\n")
    write_card(staging, info, tables.trials, tables.recordings, tables.exclusions)
    write_croissant(staging, info)
    write_manifest(staging, tables.file_rows, known)
    statuses = Counter(row["status"] for row in tables.recordings)
    # That a recording has no offset is the reason of its exclusion.
    missing = (str(item) for item in source.layout.missing if item.what != "offset")
    return BuildResult(
        out,
        out / report.relative_to(staging),
        trials=built,
        recordings=statuses.total() - statuses[schema.STATUS_EXCLUDED],
        unsynchronised=statuses[schema.STATUS_UNSYNCHRONISED],
        exclusions=tuple(tables.exclusions),
        notes=(*alarms, *map(str, source.notes), *splits.notes, *missing),
        faults=tuple(f"{fault}, met at {_some(names)}" for fault, names in ours.items()),
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FAULTY_SHOWN])
    return shown if len(names) <= _FAULTY_SHOWN else f"{shown} and {counted(len(names) - _FAULTY_SHOWN, 'more trial')}"


@contextlib.contextmanager
def _told_as_config_error(staging: Path, out: Path, cache: str) -> Iterator[None]:
    """Turn a fault of the disk that the dataset or the cache is written to into one line."""
    try:
        yield
    except OSError as error:
        # Of a copy, the second is what is written.
        file = Path(error.filename2 or error.filename or "")
        in_cache = isinstance(error, UnwritableError) or file.is_relative_to(cache)
        if disk_fault(error) is None and not in_cache and not file.is_relative_to(staging):
            raise
        in_cache &= not Path(cache).is_relative_to(staging)
        raise ConfigError(
            f"cannot be written ({error.strerror or error}); a dataset that stood at {out} is as it was",
            where=cache if in_cache else str(out),
            mend=f"Make room on the disk or choose another {'--cache' if in_cache else '--out'}, "
            "then run the same command again.",
        ) from error


def _info(source: RawCapture, options: BuildOptions, tables: Tables) -> dict[str, Any]:
    rates = list(feature_rates(source.config, options))
    return {
        "schema_version": schema.SCHEMA_VERSION,
        "name": source.config.capture.name,
        "description": source.config.capture.description,
        "licence": source.config.capture.licence,
        "citation": source.config.capture.citation,
        "creator": source.config.capture.creator,
        "url": source.config.capture.url,
        "version": source.config.capture.version,
        "date_published": source.config.capture.date_published,
        "viodat_version": __version__,
        "joints": list(JOINTS),
        "units": {"length": "mm", "time": "ns", "image": "px"},
        "feature_rates_hz": rates,
        "options": {
            **options.to_json(),
            "audio_rates_hz": rates,
            "sync": sync_method(source.config, options.sync),
        },
        "inputs_sha256": tables.inputs_digest(),
    }


def _published_config(source: RawCapture) -> dict[str, Any]:
    """Give capture.toml as it may be published: without those who did not consent."""
    config: dict[str, Any] = source.config.model_dump(mode="json", exclude_defaults=True)
    refused = {name for name, person in source.layout.participants.items() if person.consent is False}
    people = config.pop("participants", {})
    if kept := {name: values for name, values in people.items() if name not in refused}:
        config["participants"] = kept
    gone = {trial.id for trial in source.layout.trials if trial.participant in refused}
    for table in ("sessions", "pieces"):
        if table in config:
            config[table] = {name: [one for one in ids if one not in gone] for name, ids in config[table].items()}
    return config


def _check_still_there(order: Order) -> None:
    """Refuse to replace a dataset by what was read before the disk of the raw recordings was taken away."""
    if not any(trial.marker_file.exists() for trial in order.trials):
        raise ConfigError(
            "is gone, with all marker files, since the build began",
            where=str(order.source.folder),
            mend="Bring the disk back, then run the same command again: it goes on from there.",
        )


def _check_not_shrinking(out: Path, trials: tuple[RawTrial, ...], options: BuildOptions) -> None:
    """Refuse to replace a dataset by some of its trials."""
    if not options.trials or not (out / paths.DATASET_JSON).is_file():
        return
    try:
        there = {row["trial"] for row in open_dataset(out).rows("trials")}
    except DatasetError as error:
        raise ConfigError(
            f"is a dataset that cannot be read, and may hold trials that a build with --trial would not have: {error}",
            where=str(out),
            mend="Choose another --out for a try, or leave --trial out.",
        ) from error
    if lost := sorted(there - {trial.id for trial in trials}):
        raise ConfigError(
            f"holds {counted(len(lost), 'trial')} that a build with --trial would not have: {', '.join(lost[:6])}"
            + (" ..." if len(lost) > 6 else ""),
            where=str(out),
            mend="Choose another --out for a try, or leave --trial out.",
        )
