"""``viodat build``: a raw capture in, a dataset out. The manifest is the last file written.

Trials are gone through twice. First each is read and what it says of its clocks is gathered; the rest waits on disk.
Then the clocks of all are estimated together, and each trial is projected at its frames' times, gated, written, drawn.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from viodat._version import __version__
from viodat.build.clock_claims import sync_method
from viodat.build.clock_evidence import solve_clocks, without_curves
from viodat.build.clocks import settle_clocks
from viodat.build.executor import SerialExecutor
from viodat.build.faults import faults_of_ours, reason_of
from viodat.build.gates import Exclusion
from viodat.build.options import BuildOptions
from viodat.build.raw import RawCapture, open_raw
from viodat.build.report import TrialPage, draw_trial, write_report
from viodat.build.settled_sounds import settle_sounds
from viodat.build.staging import staging_folder
from viodat.build.trial import TrialResult, read_trial_evidence
from viodat.build.waiting import WaitingRoom, waiting_room
from viodat.build.writing import Tables, write_tables, write_trial
from viodat.capture.config_sync import SyncMethod
from viodat.capture.raw import RawTrial
from viodat.clock import Evidence, TrialClocks
from viodat.dataset import paths, schema
from viodat.dataset.card import write_card
from viodat.dataset.manifest import write_manifest
from viodat.dataset.reader import open_dataset
from viodat.dataset.splits import Splits, assign_splits
from viodat.errors import ConfigError, DatasetError, counted
from viodat.files import write_text
from viodat.joints import JOINTS
from viodat.pose2d import create_source

_FAULTY_SHOWN: Final = 6
_DISK_FAULTS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)

Progress = Callable[[int, int, str], None]
"""Called with (trials done, trials in all, what). They are counted twice: as they are read, and as they are written."""


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
        Faults of viodat itself, with the trials that met them; the dataset lacks what they cost.
    """

    out: Path
    report: Path
    trials: int
    recordings: int
    unsynchronised: int
    exclusions: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    faults: tuple[str, ...] = ()


def build_dataset(
    raw: str | Path,
    out: str | Path,
    *,
    config: str | Path | None = None,
    options: BuildOptions | None = None,
    progress: Progress = lambda done, total, what: None,
    executor: Executor | None = None,
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
    executor
        Where trials are read; default: this process.

    Raises
    ------
    ConfigError
        If the capture cannot be understood, or ``out`` is no place for a dataset.
    DatasetError
        If no trial could be built; the message has the first reasons.
    """
    options = options or BuildOptions()
    source = open_raw(Path(raw), Path(config) if config else None, options.sync)
    trials = _chosen(source, options)
    splits = assign_splits(
        ((trial.id, trial.participant) for trial in source.layout.trials),
        test=source.config.splits.test,
        train=source.config.splits.train,
        validation=source.config.splits.validation,
    )
    method = sync_method(source.config, options.sync)
    _check_given(source, method)
    _check_detector(source, options)
    _check_not_shrinking(Path(out), trials, options)
    tables = Tables()
    alarms: list[str] = []
    ours: dict[str, list[str]] = {}
    with staging_folder(source.folder, Path(out)) as staging, _told_as_config_error(staging, Path(out)):
        pages = []
        with waiting_room(staging) as room:
            progress(0, len(trials), trials[0].id)
            session = _read_all(trials, source, options, executor or SerialExecutor(), room, progress)
            progress(0, len(trials), "clocks" if session else trials[0].id)
            clocks, faults = solve_clocks(session)
            for done, trial in enumerate(trials, 1):
                result = _settled(room.take(trial.id), source, method, clocks, faults)
                result, page = _store(staging, result, source, splits, tables, method)
                pages.append(page)
                alarms += [f"{trial.id}: {alarm}" for alarm in result.alarms]
                for fault in faults_of_ours(_told(result)):
                    ours.setdefault(fault, []).append(trial.id)
                # Else its sounds would stay in memory until the next trial is read.
                del result
                progress(done, len(trials), f"{trial.id} written")
        built = sum(row["status"] == schema.STATUS_BUILT for row in tables.trials)
        if not built:
            reasons = list(dict.fromkeys(row["reason"].rstrip(".") for row in tables.exclusions))
            raise DatasetError(
                f"none of the {counted(len(trials), 'trial')} could be built: {'; '.join(reasons[:3])}",
                where=source.folder,
                mend="Run 'viodat check' on it.",
            )
        write_tables(staging, source, splits, tables)
        report = write_report(staging, pages, alarms, source, splits, method)
        info = _info(source, options, tables)
        write_text(staging / paths.DATASET_JSON, json.dumps(info, indent=1) + "\n")
        write_card(staging, info, tables.trials, tables.recordings, tables.exclusions)
        write_manifest(staging, tables.file_rows)
    statuses = Counter(row["status"] for row in tables.recordings)
    # That a recording has no offset is the reason of its exclusion.
    missing = (str(item) for item in source.layout.missing if item.what != "offset")
    return BuildResult(
        Path(out),
        Path(out) / report.relative_to(staging),
        trials=built,
        recordings=statuses.total() - statuses[schema.STATUS_EXCLUDED],
        unsynchronised=statuses[schema.STATUS_UNSYNCHRONISED],
        exclusions=tuple(tables.exclusions),
        notes=(*alarms, *map(str, source.notes), *splits.notes, *missing),
        faults=tuple(f"{fault}, met at {_some(names)}" for fault, names in ours.items()),
    )


def _told(result: TrialResult) -> Iterator[str]:
    """Give all that is said of a trial and its recordings."""
    yield from (exclusion.reason for exclusion in result.exclusions)
    yield from (*result.notes, *result.alarms)
    for recording in result.recordings:
        yield from recording.notes


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FAULTY_SHOWN])
    return shown if len(names) <= _FAULTY_SHOWN else f"{shown} and {counted(len(names) - _FAULTY_SHOWN, 'more trial')}"


def _read_all(
    trials: Sequence[RawTrial],
    source: RawCapture,
    options: BuildOptions,
    executor: Executor,
    room: WaitingRoom,
    progress: Progress,
) -> dict[str, Evidence]:
    """Read all trials, and let them wait; give what each says of its clocks."""
    session = {}
    for done, trial in enumerate(trials, 1):
        evidence = _evidence_of(trial, source, options, executor, room)
        if evidence is not None:
            session[trial.id] = evidence
        progress(done, len(trials), f"{trial.id} read")
    return session


def _evidence_of(
    trial: RawTrial, source: RawCapture, options: BuildOptions, executor: Executor, room: WaitingRoom
) -> Evidence | None:
    """Read a trial and let it wait; nothing of it stays in memory but what it says of its clocks."""
    kept = _kept(room, _result(trial, source, options, executor))
    return without_curves(kept.evidence) if kept.evidence is not None else None


def _result(trial: RawTrial, source: RawCapture, options: BuildOptions, executor: Executor) -> TrialResult:
    """Give a trial's result; a worker that dies costs its trial."""
    try:
        return executor.submit(read_trial_evidence, trial, source, options).result()
    except Exception as error:
        reason = f"its worker failed: {reason_of(error)}"
        return TrialResult(trial, exclusions=(Exclusion(trial.id, "worker", reason),))


def _kept(room: WaitingRoom, result: TrialResult) -> TrialResult:
    """Let a trial wait; what cannot be written costs the trial, unless the disk is the cause."""
    try:
        room.put(result)
    except Exception as error:
        result = _unwritten(result, error)
        room.put(result)
    return result


def _settled(
    result: TrialResult,
    source: RawCapture,
    method: SyncMethod,
    clocks: Mapping[str, TrialClocks],
    faults: Mapping[str, str],
) -> TrialResult:
    """Bring a trial onto its clocks; a fault of ours costs the trial."""
    name = result.files.id
    found = clocks.get(name)
    if found is not None and result.evidence is not None:
        # The session was solved without what only pages show.
        found = replace(found, evidence=result.evidence)
    try:
        heard = result if found is None else settle_sounds(result, found)
        return settle_clocks(heard, source, method, found, faults.get(name, result.clock_fault))
    except Exception as error:
        lost = Exclusion(name, "clocks", reason_of(error))
        return TrialResult(result.files, exclusions=(lost,), notes=result.notes, inputs=result.inputs)


def _store(
    staging: Path, result: TrialResult, source: RawCapture, splits: Splits, tables: Tables, method: SyncMethod
) -> tuple[TrialResult, TrialPage]:
    """Write a trial and its picture; what cannot be written costs the trial, unless the disk is the cause."""
    try:
        write_trial(staging, result, source, splits, tables)
        return result, draw_trial(staging, result, source, splits, method)
    except Exception as error:
        lost = _unwritten(result, error)
        tables.forget(staging, result.files)
        write_trial(staging, lost, source, splits, tables)
        return lost, draw_trial(staging, lost, source, splits, method)


def _unwritten(result: TrialResult, error: Exception) -> TrialResult:
    """Give what is left of a trial that cannot be written; raise the error again where the disk is the cause."""
    reason = reason_of(error)
    if isinstance(error, OSError):
        if error.errno in _DISK_FAULTS:
            raise error
        reason = str(error)
    lost = Exclusion(result.files.id, "write", f"cannot be written: {reason}")
    return TrialResult(result.files, exclusions=(lost,), notes=result.notes)


@contextlib.contextmanager
def _told_as_config_error(staging: Path, out: Path) -> Iterator[None]:
    """Turn a fault of the disk below the staging folder into one line."""
    try:
        yield
    except OSError as error:
        inside = error.filename is not None and str(error.filename).startswith(str(staging))
        if error.errno not in _DISK_FAULTS and not inside:
            raise
        raise ConfigError(
            f"cannot be written ({error.strerror or error}); what stood there before is as it was",
            where=str(out),
            mend="Make room on the disk or choose another --out, then run the same command again.",
        ) from error


def _chosen(source: RawCapture, options: BuildOptions) -> tuple[RawTrial, ...]:
    known = {trial.id: trial for trial in source.layout.trials}
    if unknown := [name for name in options.trials if name not in known]:
        raise ConfigError(
            f"--trial {unknown[0]}: the capture has no such trial; it has {', '.join(sorted(known)[:12])}"
            + (" ..." if len(known) > 12 else "")
        )
    return tuple(known[name] for name in sorted(set(options.trials) or known))


def _check_given(source: RawCapture, method: SyncMethod) -> None:
    """Refuse offsets that are to be the clocks and are of no recording that there is."""
    recordings, sync = source.layout.recordings, source.config.sync
    if method != "given" or not recordings or any(sync.given_offset(r.id, r.device) for r in recordings):
        return
    named = ", ".join(sorted({*sync.offset_s, *sync.recordings})[:12])
    there = ", ".join(sorted({recording.device for recording in recordings})[:12])
    raise ConfigError(
        f"--sync given: capture.toml gives offsets of {named}, and there are recordings by {there} only",
        mend="Correct the names in capture.toml [sync], or use --sync auto.",
    )


def _check_detector(source: RawCapture, options: BuildOptions) -> None:
    """Make the detector that was asked for once, so that a missing one is told before any work."""
    if "mediapipe" in (options.pose2d, source.config.pose2d.source if options.pose2d == "auto" else ""):
        create_source("mediapipe", **({"model": options.pose_model} if options.pose_model else {}))


def _check_not_shrinking(out: Path, trials: tuple[RawTrial, ...], options: BuildOptions) -> None:
    """Refuse to replace a dataset by some of its trials."""
    if not options.trials or not (out / paths.DATASET_JSON).is_file():
        return
    there = set(open_dataset(out).trials["trial"])
    if lost := sorted(there - {trial.id for trial in trials}):
        raise ConfigError(
            f"holds {counted(len(lost), 'trial')} that a build with --trial would not have: {', '.join(lost[:6])}"
            + (" ..." if len(lost) > 6 else ""),
            where=str(out),
            mend="Choose another --out for a try, or leave --trial out.",
        )


def _info(source: RawCapture, options: BuildOptions, tables: Tables) -> dict[str, Any]:
    rates = sorted({*options.feature_rates_hz, *source.config.audio.rates_hz})
    return {
        "schema_version": schema.SCHEMA_VERSION,
        "name": source.config.capture.name,
        "description": source.config.capture.description,
        "licence": source.config.capture.licence,
        "citation": source.config.capture.citation,
        "viodat_version": __version__,
        "joints": list(JOINTS),
        "units": {"length": "mm", "time": "ns", "image": "px"},
        "feature_rates_hz": rates,
        "options": {
            **options.to_json(),
            "audio_rates_hz": rates,
            "sync": sync_method(source.config, options.sync),
        },
        "config": _published_config(source),
        "inputs_sha256": tables.inputs_digest(),
    }


def _published_config(source: RawCapture) -> dict[str, Any]:
    """Give capture.toml as it may be published: without those who did not consent."""
    config: dict[str, Any] = source.config.model_dump(mode="json", exclude_defaults=True)
    people = config.pop("participants", {})
    refused = {name for name, person in source.layout.participants.items() if person.consent is False}
    kept = {name: values for name, values in people.items() if name not in refused}
    return {**config, "participants": kept} if kept else config
