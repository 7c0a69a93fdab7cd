"""Trials on an existing Dask cluster: the same tasks, sent to whoever is free.

The cluster's workers must see the raw capture and the cache under the same paths, and have the same versions of viodat
and of the libraries that it computes with. A worker that dies costs nothing: Dask gives its task to another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from viodat._version import __version__
from viodat.build.cache.sources import library_version
from viodat.build.finish import SECOND_PASS
from viodat.build.prepare import FIRST_PASS
from viodat.build.workers import Answer, Lost
from viodat.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from distributed import Client

R = TypeVar("R")

_ANSWERS_WITHIN_S: Final = 20
_WORKERS_WITHIN_S: Final = 60


@dataclass(frozen=True)
class Cluster:
    """Runs tasks on a Dask cluster.

    Attributes
    ----------
    address
        Of its scheduler: ``tcp://host:8786``.
    """

    address: str

    def run(self, function: Callable[[Any], R], tasks: Mapping[str, Any]) -> Iterator[Answer[R]]:
        """Run a function on each task; a task whose worker dies goes to another.

        Raises
        ------
        MissingExtraError
            ``distributed`` is not installed.
        ConfigError
            Nobody answers at the address, or there is another viodat or library.
        """
        if not tasks:
            return
        try:
            from distributed import Client, as_completed
        except ImportError as error:
            raise MissingExtraError(
                "--scheduler needs the package distributed", mend="pip install 'viodat[dask]'"
            ) from error
        with _connected(Client, self.address) as client:
            futures = {
                client.submit(function, task, key=f"viodat-{name}-{uuid4().hex}"): name for name, task in tasks.items()
            }
            try:
                for future in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
                    if future.status in ("cancelled", "lost"):
                        raise ConfigError(
                            f"--scheduler {self.address}: the scheduler is gone; what was there before is as it was",
                            mend="Start it again; the same command goes on from what is done.",
                        )
                    yield Answer(futures[future], _answer(future))
            finally:
                client.cancel(list(futures))  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def _connected(kind: type[Client], address: str) -> Iterator[Client]:
    try:
        client = kind(address, timeout=_ANSWERS_WITHIN_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ConfigError(
            f"--scheduler {address}: no Dask scheduler answers ({error or type(error).__name__})",
            mend="Start one with 'dask scheduler', and workers with 'dask worker ADDRESS'.",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_WITHIN_S)
        except TimeoutError as error:
            raise ConfigError(
                f"--scheduler {address}: it has no workers", mend=f"Start some: dask worker {address}"
            ) from error
        # One that dies at this moment answers with an error.
        answers = client.run(versions, on_error="return").values()
        mine = versions()
        for theirs in (answer for answer in answers if isinstance(answer, dict)):
            other = [
                f"{name} {theirs.get(name, 'absent')} (here {version})"
                for name, version in mine.items()
                if theirs.get(name) != version
            ]
            if other:
                raise ConfigError(
                    f"--scheduler {address}: a worker has {', '.join(other)}; results would depend on who made them",
                    mend="Install the same versions everywhere.",
                )
        yield client


def versions() -> dict[str, str]:
    """Give the version of viodat and of each library whose version may change a result."""
    libraries = {name for stage in (*FIRST_PASS, *SECOND_PASS) for name in stage.libraries}
    return {"viodat": __version__} | {name: library_version(name) for name in sorted(libraries)}


def _answer(future: Any) -> Any:
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        return Lost(f"the workers that had it died: {error}")
    except MemoryError:
        return Lost("it needs more memory than its worker has")
    except Exception as error:
        return error
