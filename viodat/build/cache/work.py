"""Running a stage, or taking its result from the cache.

A step is one stage of one trial or recording with all that its result depends on, by name: digests of files, sections
of capture.toml, options, versions of libraries, viodat's own code, and the keys of the steps before it. Its key is the
digest of these. So a step whose key is in the cache need not run, and one that is not can say what changed.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from viodat.build.cache.digests import FileState
from viodat.build.cache.sources import code_digest, library_version
from viodat.build.cache.store import DamagedEntryError, Entry, Store, key_of
from viodat.build.faults import UnwritableError
from viodat.errors import CaptureError, ViodatError
from viodat.files import sha256

T = TypeVar("T")

FAILED: Final = "a fault before it"
"""Part of a step that goes on after a fault of ours or of a disk: its result holds for as long as that fault does."""
_WAITS_S: Final = (0.05, 0.5)


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline.

    Attributes
    ----------
    name
        As plans, reports and the cache call it.
    modules
        Where its work is done: their code and that of all they import counts.
    libraries
        Packages whose version may change a result.
    """

    name: str
    modules: tuple[str, ...]
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One stage of one trial or recording.

    Attributes
    ----------
    stage, unit
        Which.
    inputs
        What its result depends on, beside code and libraries: plain values by name.
    by_itself
        Whether a fault elsewhere in its trial is none of its business.
    files
        Raw files that it reads, as they were when their digests were taken.
    """

    stage: Stage
    unit: str
    inputs: Mapping[str, Any]
    by_itself: bool = False
    files: Mapping[Path, FileState] = field(default_factory=dict)

    @cached_property
    def parts(self) -> dict[str, Any]:
        """All that its result depends on."""
        return {
            **self.inputs,
            "stage": self.stage.name,
            "unit": self.unit,
            "code": key_of({module: code_digest(module) for module in self.stage.modules}),
            **{f"library {name}": library_version(name) for name in self.stage.libraries},
        }

    @cached_property
    def key(self) -> str:
        """Digest of its parts."""
        return key_of(self.parts)

    def after(self, faults: tuple[str, ...]) -> Step:
        """Give the step as it is after faults that another time may not have."""
        return replace(self, inputs={**self.inputs, FAILED: list(faults)}) if faults and not self.by_itself else self


@dataclass
class Done(Generic[T]):
    """The result of a step.

    Attributes
    ----------
    key
        Of the step, as it was run.
    value
        What came out; paths in it lie below ``folder``.
    entry
        Where it is stored; None for one that is not to be kept.
    files
        Path of each file that the stage wrote, by its name.
    """

    key: str
    value: T
    entry: Entry | None = None
    files: Mapping[str, Path] = field(default_factory=dict)


def _changed(step: Step) -> Path | None:
    """Give a file that is not what it was when its digest was taken: what was read of it is of another key."""
    return next((path for path, state in step.files.items() if not state.holds(path)), None)


class Work:
    """Runs the steps of a trial.

    Parameters
    ----------
    store
        The cache.
    trial
        Whose steps are run: what is under way is noted for it, so that a process that dies leaves word.
    """

    def __init__(self, store: Store, trial: str) -> None:
        self.store = store
        self.faults: tuple[str, ...] = ()
        self._trial = trial

    def run(
        self,
        step: Step,
        compute: Callable[[Path], T],
        *,
        faulty: Callable[[T], tuple[str, ...]] = lambda value: (),
        keeps_errors: bool = True,
    ) -> Done[T]:
        """Give the result of a step: from the cache, or computed and stored.

        Parameters
        ----------
        step
            What is to be done. If there were faults of ours before, it is the step after those.
        compute
            Gives the value; it is given an empty folder for files.
        faulty
            Finds faults of ours in a value. It is given, but not found again by the next build.
        keeps_errors
            Whether a ViodatError is a result like any, found again by the next build.

        Raises
        ------
        ViodatError
            As ``compute``; that is kept too, if it may be, unless a disk is the cause. Or a file is not what it was
            when its digest was taken.
        Exception
            As ``compute``; the next build tries again.
        """
        step = step.after(self.faults)
        found = self._found(step)
        if found is None:
            found = self._computed(step, compute, faulty, keeps_errors=keeps_errors)
        if isinstance(found.value, ViodatError):
            raise found.value
        return found

    def _found(self, step: Step) -> Done[Any] | None:
        entry = self.store.read(step.stage.name, step.unit, step.key)
        if entry is None:
            return None
        try:
            folder = self.store.folder_of(entry)
            files = {name: folder / name for name in entry.files}
            if any(sha256(path) != entry.files[name].sha256 for name, path in files.items()):
                return None
            return Done(step.key, entry.value(folder), entry, files)
        except (DamagedEntryError, OSError):
            return None

    def _check_unchanged(self, step: Step) -> None:
        if (path := _changed(step)) is not None:
            error = CaptureError(
                "was changed or removed while the build read it",
                where=path,
                mend="Build again when nobody writes to the raw recordings.",
            )
            self.faults = (*self.faults, str(error))
            raise error

    def _computed(
        self,
        step: Step,
        compute: Callable[[Path], Any],
        faulty: Callable[[Any], tuple[str, ...]],
        *,
        keeps_errors: bool,
    ) -> Done[Any]:
        self.store.note(self._trial, step.stage.name, step.unit)
        with self.store.scratch(step.stage.name, step.unit) as folder:
            began = time.perf_counter()
            try:
                value = compute(folder)
            except ViodatError as error:
                if not keeps_errors or isinstance(error.__cause__, OSError) or _changed(step) is not None:
                    # A disk may read tomorrow what it does not read today.
                    self.faults = (*self.faults, str(error))
                    raise
                value = error
            else:
                self._check_unchanged(step)
            seconds = time.perf_counter() - began
            faults = () if isinstance(value, ViodatError) else faulty(value)
            if faults:
                # Whatever follows is computed in spite of a fault, and must not be taken for the real thing.
                self.faults = (*self.faults, *faults)
                step = step.after(self.faults)
            entry = self.store.write(step.stage.name, step.unit, step.key, step.parts, value, folder, seconds)
        # What is used is what was kept, so that a build from the cache gives the same bytes.
        found = self._found(step)
        for wait_s in _WAITS_S:
            if found is not None:
                break
            # Another build that shares the cache may be putting the same there.
            time.sleep(wait_s)
            found = self._found(step)
        if found is None:
            raise UnwritableError(errno.EIO, f"{entry.stage} of {entry.unit} cannot be read back", self.store.url)
        return found
