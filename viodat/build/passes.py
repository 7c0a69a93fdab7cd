"""Going through the trials of a capture twice, and doing what the cache does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from viodat.build.assemble import TrialParts, damaged, parts_of_trial, static_keys
from viodat.build.cache.digests import FileDigests
from viodat.build.cache.store import Store
from viodat.build.faults import disk_fault, reason_of
from viodat.build.finish import Finished, FinishTask, finish
from viodat.build.gates import Exclusion
from viodat.build.order import Order
from viodat.build.prepare import Prepared, TrialTask, known_of, prepare
from viodat.build.workers import Answer, Lost, Workers
from viodat.errors import DatasetError

DIGESTS: Final = "digests.json"
WORKER: Final = "worker"
"""Stage of the exclusion of a trial whose process failed."""

Progress = Callable[[int, int, str], None]
"""Called with (trials done, trials in all, what). They are counted twice: as they are read, and as they are written."""


def reading_digests(progress: Progress, trials: int) -> Callable[[int, int], None]:
    """Give what tells of files being read for their digests: called with (bytes read, bytes in all)."""
    return lambda done, total: progress(0, trials, f"digests: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")


def look_up(
    order: Order, store: Store, digests: FileDigests, progress: Progress
) -> tuple[dict[str, TrialTask], dict[str, Prepared]]:
    """Give the first pass's tasks, and what it said of those trials that the cache has; none of refused ones."""
    wanted = order.files_read()
    found = digests.of(wanted, reading_digests(progress, len(order.trials)))
    tasks = order.tasks(found, digests.states(wanted))
    known = {
        name: said
        for name, task in tasks.items()
        if name not in order.refused and (said := known_of(task, store)) is not None
    }
    return tasks, known


class Passes:
    """Goes through the trials of an order twice, and does what the cache does not have."""

    def __init__(self, order: Order, store: Store, workers: Workers, progress: Progress) -> None:
        self.worked_on: set[str] = set()
        self.finished: dict[str, Finished] = {}
        self._order, self._store, self._workers, self._progress = order, store, workers, progress
        self._reading = reading_digests(progress, len(order.trials))
        self._digests = FileDigests(store.folder / DIGESTS if store.folder is not None else None)

    def run(self, staging: Path) -> dict[str, TrialParts]:
        """Give what the cache has of each trial in the end, by trial."""
        trials = self._order.trials
        self._progress(0, len(trials), "reading digests")
        tasks, known = look_up(self._order, self._store, self._digests, self._progress)
        self._digests.save()
        finishing = self._order.finishing(tasks, self._first(tasks, known))
        return self._second(finishing, staging)

    def _first(self, tasks: Mapping[str, TrialTask], known: Mapping[str, Prepared]) -> dict[str, Prepared | Exclusion]:
        """Read what the cache does not have; a trial whose process fails is lost."""
        found: dict[str, Prepared | Exclusion] = {**self._order.refused, **known}
        for name in self._order.refused:
            # Whoever withdraws consent is not kept either.
            for unit in (name, *(recording.id for recording in tasks[name].files.recordings)):
                self._store.forget_unit(unit)
        todo = {name: task for name, task in tasks.items() if name not in found}
        for answer in self._answers(_Prepare(self._store), todo, "read"):
            value = answer.value
            found[answer.name] = value if isinstance(value, Prepared) else self._lost(answer.name, value)
        return found

    def _second(self, finishing: Mapping[str, FinishTask], staging: Path) -> dict[str, TrialParts]:
        """Write and draw what the cache does not have."""
        parts: dict[str, TrialParts] = {}
        for name, task in finishing.items():
            self.finished[name] = static_keys(task)
            if task.lost is None and (known := parts_of_trial(self._store, self.finished[name], staging)) is not None:
                parts[name] = known
        if spoilt := damaged(list(parts.values()), self._digests, self._reading):
            self._store.forget(spoilt)
            parts = {
                name: part for name, part in parts.items() if not spoilt & {path for path, _ in part.files.values()}
            }
        todo = {name: task for name, task in finishing.items() if name not in parts}
        for answer in self._answers(_Finish(self._store), todo, "written"):
            value = answer.value
            if not isinstance(value, Finished):
                lost = replace(finishing[answer.name], lost=self._lost(answer.name, value))
                value = finish(lost, self._store)
            self.finished[answer.name] = value
            done = parts_of_trial(self._store, value, staging)
            if done is None:
                raise DatasetError(
                    f"the results of {answer.name} are gone from the cache",
                    where=self._store.url,
                    mend="Leave it alone while a build runs, and run the same command again.",
                )
            for path, fact in done.files.values():
                self._digests.know(path, fact.sha256)
            parts[answer.name] = done
        self._digests.save()
        return {name: parts[name] for name in finishing}

    def _answers(self, function: Callable[[Any], Any], todo: Mapping[str, Any], what: str) -> Iterator[Answer[Any]]:
        total = len(self._order.trials)
        done = total - len(todo)
        self._progress(done, total, f"{done:,} {what} before" if done else f"0 {what}")
        for answer in self._workers.run(function, todo):
            self.worked_on.add(answer.name)
            done += 1
            yield answer
            self._progress(done, total, f"{answer.name} {what}")

    def _lost(self, trial: str, value: object) -> Exclusion:
        """Say that a trial's process failed; raise the error again where the disk is the cause."""
        if isinstance(value, Exception) and (refused := disk_fault(value)) is not None:
            raise refused
        if isinstance(value, MemoryError):
            why = "there was too little memory"
        elif isinstance(value, Lost):
            under_way = self._store.noted(trial)
            why = f"{value.why}, at stage {under_way}" if under_way else value.why
        else:
            assert isinstance(value, Exception)
            why = reason_of(value)
        return Exclusion(trial, WORKER, f"its worker failed: {why}")


@dataclass(frozen=True)
class _Prepare:
    """The first pass, as it is sent to a worker."""

    store: Store

    def __call__(self, task: TrialTask) -> Prepared:
        return prepare(task, self.store)


@dataclass(frozen=True)
class _Finish:
    """The second pass, as it is sent to a worker."""

    store: Store

    def __call__(self, task: FinishTask) -> Finished:
        return finish(task, self.store)
