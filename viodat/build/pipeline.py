"""``viodat build``: a raw capture in, a dataset out.

The dataset is made in a hidden folder beside its destination and takes its place only when it is whole: whatever
stops a build, the old dataset stays as it was. The manifest is the last file written.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viodat._version import __version__
from viodat.build.executor import SerialExecutor
from viodat.build.options import BuildOptions
from viodat.build.raw import RawCapture, open_raw
from viodat.build.report import draw_trial, write_report
from viodat.build.trial import build_trial
from viodat.build.writing import Tables, write_tables, write_trial
from viodat.capture.raw import RawTrial
from viodat.dataset import paths, schema
from viodat.dataset.card import write_card
from viodat.dataset.manifest import write_manifest
from viodat.dataset.splits import assign_splits
from viodat.errors import ConfigError, DatasetError
from viodat.files import write_text
from viodat.joints import JOINTS

Progress = Callable[[int, int, str], None]
"""Called with (trials done, trials in all, what)."""


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
    exclusions
        What was left out: rows of exclusions.parquet.
    notes
        What was missing in the capture as a whole.
    """

    out: Path
    report: Path
    trials: int
    recordings: int
    exclusions: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


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
        Called after each trial.
    executor
        Where trials are worked on; default: this process.

    Raises
    ------
    ConfigError
        If the capture cannot be understood, or ``out`` is no place for a dataset.
    DatasetError
        If no trial could be built; the message has the first reasons.
    """
    options = options or BuildOptions()
    source = open_raw(Path(raw), Path(config) if config else None)
    trials = _chosen(source, options)
    splits = assign_splits(
        ((trial.id, trial.participant) for trial in source.layout.trials),
        test=source.config.splits.test,
        train=source.config.splits.train,
        validation=source.config.splits.validation,
    )
    with _staging(source.folder, Path(out)) as staging:
        tables, pages = Tables(), []
        pool = executor or SerialExecutor()
        progress(0, len(trials), trials[0].id)
        for done, trial in enumerate(trials, 1):
            result = pool.submit(build_trial, trial, source, options).result()
            write_trial(staging, result, source, splits, tables)
            pages.append(draw_trial(staging, result, source, splits))
            progress(done, len(trials), trial.id)
        built = sum(row["status"] == schema.STATUS_BUILT for row in tables.trials)
        if not built:
            reasons = list(dict.fromkeys(row["reason"] for row in tables.exclusions))
            raise DatasetError(
                f"none of the {len(trials)} trials could be built: {'; '.join(reasons[:3])}",
                where=source.folder,
                mend="Run 'viodat check' on it.",
            )
        write_tables(staging, source, splits, tables)
        report = write_report(staging, pages, source, splits)
        info = _info(source, options)
        write_text(staging / paths.DATASET_JSON, json.dumps(info, indent=1) + "\n")
        write_card(staging, info, tables.trials, tables.recordings, tables.exclusions)
        write_manifest(staging, tables.file_rows)
    used = sum(row["status"] != schema.STATUS_EXCLUDED for row in tables.recordings)
    return BuildResult(
        Path(out), Path(out) / report.relative_to(staging), built, used, tuple(tables.exclusions),
        (*source.notes, *splits.notes, *map(str, source.layout.missing)),
    )  # fmt: skip


def _chosen(source: RawCapture, options: BuildOptions) -> tuple[RawTrial, ...]:
    known = {trial.id: trial for trial in source.layout.trials}
    if unknown := [name for name in options.trials if name not in known]:
        raise ConfigError(
            f"--trial {unknown[0]}: the capture has no such trial; it has {', '.join(sorted(known)[:12])}"
            + (" ..." if len(known) > 12 else "")
        )
    return tuple(known[name] for name in sorted(options.trials or known))


def _info(source: RawCapture, options: BuildOptions) -> dict[str, Any]:
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
        "options": options.to_json(),
        "config": source.config.model_dump(mode="json", exclude_defaults=True),
    }


@contextlib.contextmanager
def _staging(raw: Path, out: Path) -> Iterator[Path]:
    """Give a folder to build in, and put it in the place of ``out`` if the block succeeds."""
    target = out.resolve()
    if target == raw.resolve() or raw.resolve() in target.parents or target in raw.resolve().parents:
        raise ConfigError(
            f"--out {out} and --raw {raw} lie one in the other; raw recordings are never written to",
            mend="Choose another folder for the dataset.",
        )
    if target.exists() and not target.is_dir():
        raise ConfigError("is a file; a folder was expected", where=str(out), mend="Choose another --out.")
    if target.is_dir() and any(target.iterdir()) and not (target / paths.DATASET_JSON).is_file():
        raise ConfigError(
            "holds files that are no viodat dataset, and would be replaced",
            where=str(out),
            mend="Choose another --out, or empty the folder.",
        )
    staging = target.with_name(f".{target.name}.building")
    old = target.with_name(f".{target.name}.replaced")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(
            f"cannot be written to ({error.strerror})", where=str(out), mend="Choose another --out."
        ) from error
    try:
        yield staging
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        staging.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror or error}); what stood there before is as it was",
            where=str(out),
            mend="Make room on the disk or choose another --out, then run the same command again.",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
