"""A whole simulated capture: the session's files, then trial by trial, in one process or several.

A trial's record (``truth/trials/P05T28.json``) is written after all its files; a capture that was stopped goes on with
the trials that have none. The folder remembers the options it was made with and takes no others.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pebble import ProcessPool

from viodat._version import __version__
from viodat.errors import ConfigError, counted
from viodat.synth.options import TwinOptions
from viodat.synth.plan import TrialPlan, faults_made, plan_trials
from viodat.synth.session import write_session
from viodat.synth.trial import sweep, write_trial
from viodat.synth.truth import write_clocks, write_json

Progress = Callable[[int, int, str], None]

_TWIN = "truth/twin.json"
_SECONDS_PER_PROCESS = 200.0
"""Of markers that a process writes before another takes its place: ezc3d keeps about half a MB of each second."""


@dataclass(frozen=True)
class TwinSummary:
    """What a capture holds: trials and recordings, and how many of the trials are new."""

    trials: int
    recordings: int
    new: int


def write_twin(
    out: str | Path, options: TwinOptions, *, workers: int = 1, progress: Progress | None = None
) -> TwinSummary:
    """Write a capture, or go on with one.

    Parameters
    ----------
    out
        Folder of the capture: new, empty, or begun with the same options.
    workers
        Processes that work on trials; 0 takes one per core. 1 works in this one, whose memory grows by about half a MB
        per second of a trial.
    progress
        Called with (trials done, trials in all, trial) after each.

    Raises
    ------
    ConfigError
        The folder is a file, holds something else, or a capture of other options or another version.
    """
    out = Path(out)
    if workers < 0:
        raise ConfigError(f"cannot work in {workers} processes", mend="Use 1 or more, or 0 for one per core.")
    _claim(out, options)
    if not (out / "capture.toml").is_file():
        write_session(out, options)
    plans = plan_trials(options)
    waiting = [plan for plan in plans if not _is_whole(out, plan)]
    done = len(plans) - len(waiting)
    show = progress or (lambda done, total, what: None)

    def finish(plan: TrialPlan, record: dict[str, Any]) -> None:
        nonlocal done
        write_json(_record(out, plan), record)
        done += 1
        show(done, len(plans), plan.trial)

    # A process that was killed had no time to remove what it was writing.
    for plan in waiting:
        sweep(out, plan)
    workers = min(workers or os.cpu_count() or 1, max(len(waiting), 1))
    if workers == 1:
        for plan in waiting:
            finish(plan, write_trial(out, options, plan))
    else:
        _in_processes(out, options, waiting, workers, finish)
    records = [json.loads(_record(out, plan).read_text(encoding="utf-8")) for plan in plans]
    _finish(out, records)
    return TwinSummary(len(plans), sum(len(record["recordings"]) for record in records), len(waiting))


def _in_processes(
    out: Path,
    options: TwinOptions,
    waiting: list[TrialPlan],
    workers: int,
    finish: Callable[[TrialPlan, dict[str, Any]], None],
) -> None:
    tasks = max(1, int(_SECONDS_PER_PROCESS / options.seconds))
    pool = ProcessPool(max_workers=workers, max_tasks=tasks, context=get_context("spawn"))
    try:
        with _uninterrupted():
            futures = {pool.schedule(write_trial, args=(out, options, plan)): plan for plan in waiting}
        for future in as_completed(futures):
            finish(futures[future], future.result())
        pool.close()
        pool.join()
    except BaseException:
        pool.stop()
        pool.join()
        for plan in waiting:
            sweep(out, plan)
        raise


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Start threads and processes that Ctrl-C does not reach: they inherit what is blocked here.

    It is the parent's business to stop the pool; its workers would each print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _claim(out: Path, options: TwinOptions) -> None:
    if out.exists() and not out.is_dir():
        raise ConfigError("is a file; a folder was expected", where=out, mend="Name another folder.")
    described = {"version": __version__, "options": options.as_json(), "faults": faults_made(options)}
    known = out / _TWIN
    if not known.is_file():
        others = [path.name for path in sorted(out.iterdir())] if out.is_dir() else []
        if others:
            raise ConfigError(
                f"holds {counted(len(others), 'file')} that no simulated capture wrote, such as {others[0]}",
                where=out,
                mend="Name another folder.",
            )
        try:
            write_json(known, described)
        except OSError as error:
            raise ConfigError(
                f"cannot be written to: {error.strerror}", where=out, mend="Name another folder."
            ) from error
        return
    try:
        found = json.loads(known.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"is damaged: {error}", where=known, mend="Delete the folder, or name another.") from error
    if found.get("version") != __version__:
        raise ConfigError(
            f"was begun by viodat {found.get('version')}, this is {__version__}",
            where=known,
            mend="Delete the folder, or name another.",
        )
    was, now = found.get("options", {}), described["options"]
    if was != now:
        assert isinstance(now, dict)
        differs = ", ".join(f"{key} = {was.get(key)}, not {now[key]}" for key in now if was.get(key) != now[key])
        raise ConfigError(
            f"holds a capture of other options: {differs}",
            where=out,
            mend="Give the same options to go on with it, delete the folder, or name another.",
        )


def _is_whole(out: Path, plan: TrialPlan) -> bool:
    """Tell whether a trial was finished and all that was written of it is there."""
    record = _record(out, plan)
    if not record.is_file():
        return False
    return all((out / name).is_file() for name in json.loads(record.read_text(encoding="utf-8"))["files"])


def _record(out: Path, plan: TrialPlan) -> Path:
    return out / "truth" / "trials" / f"{plan.trial}.json"


def _finish(out: Path, records: list[dict[str, Any]]) -> None:
    parts = [out / "truth" / "clocks" / f"{name}.parquet" for r in records for name in sorted(r["recordings"])]
    write_clocks(out / "truth" / "audio_clocks.parquet", parts)
