"""Where trials are worked on: this process, a pool of local processes, or (:mod:`viodat.build.cluster`) a cluster.

All give results as they come and treat failure alike: a process that dies, takes too long or asks for too much memory
costs the task that it was at, after a second try. The tasks and their results are small; what they work on lies in
the cache.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from viodat.errors import ConfigError

R = TypeVar("R")

TRIES: Final = 2
_GIGABYTE: Final = 1 << 30
_PARENT_POLL_S: Final = 1.0


@dataclass(frozen=True)
class Lost:
    """Why a task has no result: not because of what it found, but because its process failed."""

    why: str


@dataclass(frozen=True)
class Answer(Generic[R]):
    """What became of a task: ``value`` is its result, or :class:`Lost`, or the exception that it raised."""

    name: str
    value: R | Lost | Exception


class Workers(Protocol):
    """Runs tasks."""

    def run(self, function: Callable[[Any], R], tasks: Mapping[str, Any]) -> Iterator[Answer[R]]:
        """Run a function of a module on each task; give the answers as they come, in any order."""
        ...


class ThisProcess:
    """Runs one task after the other here: nothing is guarded, and a debugger sees all."""

    def run(self, function: Callable[[Any], R], tasks: Mapping[str, Any]) -> Iterator[Answer[R]]:
        """Run a function on each task, in order."""
        for name, task in tasks.items():
            try:
                yield Answer(name, function(task))
            except Exception as error:
                yield Answer(name, error)


@dataclass(frozen=True)
class LocalPool:
    """Runs tasks in processes of this machine.

    Attributes
    ----------
    workers
        How many.
    limit_s
        Seconds that one task may take.
    memory_gb
        Gigabytes that one process may ask for; 0 sets no limit.
    """

    workers: int
    limit_s: float = 1800.0
    memory_gb: float = 4.0

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"--workers {self.workers}: expected 1 or more")
        if self.limit_s <= 0:
            raise ConfigError(f"--time-limit {self.limit_s:g}: expected seconds above 0")
        if self.memory_gb < 0:
            raise ConfigError(f"--memory-limit {self.memory_gb:g}: expected gigabytes, or 0 for no limit")

    def run(self, function: Callable[[Any], R], tasks: Mapping[str, Any]) -> Iterator[Answer[R]]:
        """Run a function on each task in the pool; a task whose process fails is tried once more."""
        if not tasks:
            return
        # A fork would take over locks and threads of this process.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPool(
            max_workers=min(self.workers, len(tasks)),
            initializer=_begin,
            initargs=(self.memory_gb, os.getpid()),
            context=context,
        )
        try:
            with _one_thread_each():
                with _deaf_to_ctrl_c():
                    waiting = {self._submit(pool, function, task): (name, 1) for name, task in tasks.items()}
                while waiting:
                    done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in done:
                        name, tried = waiting.pop(future)
                        value = self._answer(future)
                        if isinstance(value, Lost) and tried < TRIES:
                            waiting[self._submit(pool, function, tasks[name])] = name, tried + 1
                        else:
                            yield Answer(name, value)
            pool.close()
        finally:
            pool.stop()
            pool.join()

    def _submit(self, pool: ProcessPool, function: Callable[[Any], R], task: Any) -> concurrent.futures.Future[R]:
        future: concurrent.futures.Future[R] = pool.schedule(function, args=(task,), timeout=self.limit_s)
        return future

    def _answer(self, future: concurrent.futures.Future[R]) -> R | Lost | Exception:
        try:
            return future.result()
        except concurrent.futures.TimeoutError:
            return Lost(f"it took longer than {self.limit_s:g} s (--time-limit)")
        except ProcessExpired as error:
            return Lost(_death(error.exitcode))
        except MemoryError:
            return Lost(f"it needs more than {self.memory_gb:g} GB of memory (--memory-limit)")
        except Exception as error:
            return error


def default_workers() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin(memory_gb: float, parent: int) -> None:
    """Set up a worker: it leaves Ctrl-C to its parent, ends with it, and asks for no more memory than it may have."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if memory_gb and sys.platform == "linux":
        import resource

        limit = int(memory_gb * _GIGABYTE)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _end_with(parent: int) -> None:
    """End this process when its parent is no more, so that a killed build leaves nobody writing."""
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    os._exit(1)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that are started now use one thread each for linear algebra: they share the cores as it is."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let threads and processes that are started now never hear Ctrl-C: it is for this process to stop them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"its process was ended by signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            pass
    return f"its process ended with exit code {code}"
