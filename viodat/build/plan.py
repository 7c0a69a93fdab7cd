"""What a build would do, and why: for ``viodat build --dry-run``. Nothing is computed and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from viodat.build.cache.digests import FileDigests
from viodat.build.cache.place import default_cache
from viodat.build.cache.store import Store
from viodat.build.cache.work import FAILED, Step
from viodat.build.finish import SECOND_PASS, FinishTask
from viodat.build.options import BuildOptions
from viodat.build.order import plan_order
from viodat.build.passes import DIGESTS, Progress, look_up
from viodat.build.prepare import FIRST_PASS

_SHOWN: Final = 3
_NEVER: Final = "never done"
_WAITS: Final = "other trials are read anew, which may move its clocks"
_AGAIN: Final = "its result is gone from the cache"


@dataclass(frozen=True)
class PlannedStep:
    """One stage of one trial or recording.

    Attributes
    ----------
    stage, unit
        Which.
    why
        Why it must be done; empty where the cache has its result.
    """

    stage: str
    unit: str
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """What a build would do.

    Attributes
    ----------
    trials
        How many there are.
    steps
        All of them, trial by trial, in the order of the pipeline.
    cache
        Where results are kept.
    """

    trials: int
    steps: tuple[PlannedStep, ...]
    cache: str

    @property
    def stale(self) -> tuple[PlannedStep, ...]:
        """What must be done."""
        return tuple(step for step in self.steps if step.why)

    def summary(self) -> Iterator[str]:
        """Give a line per stage: how much of it is to be done, and why, the commonest reasons first."""
        for stage in (*FIRST_PASS, *SECOND_PASS):
            mine = [step for step in self.steps if step.stage == stage.name]
            reasons = Counter(step.why for step in mine if step.why)
            if not reasons:
                yield f"{stage.name}: nothing to do, {len(mine):,} in the cache"
                continue
            told = "; ".join(f"{why} ({count:,})" for why, count in reasons.most_common(_SHOWN))
            more = f"; {len(reasons) - _SHOWN:,} more reasons" if len(reasons) > _SHOWN else ""
            yield f"{stage.name}: {reasons.total():,} of {len(mine):,} to do: {told}{more}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"trials": self.trials, "cache": self.cache, "steps": [asdict(step) for step in self.steps]}


def plan_build(
    raw: str | Path,
    out: str | Path,
    *,
    config: str | Path | None = None,
    options: BuildOptions | None = None,
    cache: str | Path | None = None,
    progress: Progress = lambda done, total, what: None,
) -> Plan:
    """Tell what :func:`viodat.build.build_dataset` would do with the same arguments.

    ``progress`` is called while the raw files are read, which is all that takes long.

    Raises
    ------
    ConfigError
        If the capture cannot be understood.
    """
    order = plan_order(Path(raw), Path(config) if config else None, options or BuildOptions())
    store = Store(cache if cache is not None else default_cache(Path(out)))
    digests = FileDigests(store.folder / DIGESTS if store.folder is not None else None)
    tasks, prepared = look_up(order, store, digests, progress)
    for name in order.refused:
        # Nothing of theirs is done.
        del tasks[name]
    finishing = order.finishing(tasks, prepared)
    waits = _WAITS if order.method == "auto" and len(prepared) < len(tasks) else ""
    steps: list[PlannedStep] = []
    for name, task in tasks.items():
        if name in prepared:
            steps += [PlannedStep(step.stage.name, step.unit) for step in task.steps()]
            steps += _second(finishing[name], store, waits)
            continue
        steps += _first(task.steps(), store)
        steps += [PlannedStep(stage.name, name, "evidence is done anew") for stage in SECOND_PASS]
    return Plan(len(tasks), tuple(steps), store.url)


def _first(steps: Iterator[Step], store: Store) -> Iterator[PlannedStep]:
    anew: set[str] = set()
    for step in steps:
        why = _why(step, store, anew)
        if why:
            anew.add(step.key)
        yield PlannedStep(step.stage.name, step.unit, why)


def _second(task: FinishTask, store: Store, waits: str) -> Iterator[PlannedStep]:
    evidence = task.trial.evidence.key
    anew: set[str] = set()
    clocks = task.clocks(evidence)
    cameras = task.cameras(clocks.key)
    write = task.write(evidence, cameras.key)
    for step in (clocks, cameras, write, task.draw(write.key)):
        why = waits or _why(step, store, anew)
        if why:
            anew.add(step.key)
        yield PlannedStep(step.stage.name, step.unit, why)


def _why(step: Step, store: Store, anew: set[str]) -> str:
    """Say why a step must be done; empty if the cache has its result."""
    if store.has(step.stage.name, step.unit, step.key):
        return ""
    before = store.latest(step.stage.name, step.unit)
    if before is None:
        return _NEVER
    if FAILED in before:
        return f"it met a fault before: {'; '.join(before[FAILED])}"
    changed = [name for name in sorted({*before, *step.parts}) if before.get(name) != step.parts.get(name)]
    told = [_told(name, before.get(name), step.parts.get(name), anew) for name in changed]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return (", ".join(told[:_SHOWN]) + more) if told else _AGAIN


def _told(name: str, before: Any, now: Any, anew: set[str]) -> str:
    if name == "code":
        return "viodat's own code of it changed"
    if isinstance(now, str) and now in anew:
        return f"{name.split(' of ')[0]} is done anew"
    plain = isinstance(before, str | int | float | None) and isinstance(now, str | int | float | None)
    if plain and not _is_digest(before) and not _is_digest(now):
        return f"{name}: {before if before is not None else 'none'} -> {now if now is not None else 'none'}"
    if before is None:
        return f"{name} is new"
    if now is None:
        return f"{name} is gone"
    return f"{name} changed"


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) in (32, 64) and all(digit in "0123456789abcdef" for digit in value)
