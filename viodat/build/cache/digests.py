"""SHA-256 of raw files, computed once: a file of the same size and time of change is taken to be the same.

Who wants to be sure removes the cache, or asks for ``--no-cache``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from viodat.build.cache.sealed import sealed, unsealed
from viodat.files import sha256, write_bytes

UNREADABLE: Final = "unreadable"
_THREADS: Final = 4
_ROUNDING_NS: Final = 2_000_000_000
_FORMAT: Final = 1


@dataclass(frozen=True)
class FileState:
    """Size and time of change of a file, by which another content is told without reading it."""

    bytes: int
    mtime_ns: int

    def holds(self, path: Path) -> bool:
        """Whether the file is still the same; computers that share a disk may round its times."""
        try:
            found = path.stat()
        except OSError:
            return False
        return found.st_size == self.bytes and abs(found.st_mtime_ns - self.mtime_ns) < _ROUNDING_NS


class FileDigests:
    """Digests by path.

    Parameters
    ----------
    record
        The file that they are kept in between runs; None keeps them for this run only.
    """

    def __init__(self, record: Path | None) -> None:
        self._record = record
        self._known: dict[str, tuple[list[int], str]] = {}
        if record is not None:
            self._known = _read(record)

    def of(
        self, paths: Iterable[Path], progress: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[Path, str]:
        """Give the digest of each file; :data:`UNREADABLE` with the reason for one that cannot be read.

        Parameters
        ----------
        paths
            Files.
        progress
            Called with (bytes read, bytes in all) of those that must be read.
        """
        found: dict[Path, str] = {}
        unread: dict[Path, list[int]] = {}
        for path in dict.fromkeys(paths):
            try:
                state = _state(path)
            except OSError as error:
                found[path] = _unreadable(error)
                continue
            known = self._known.get(str(path))
            if known is not None and known[0] == state:
                found[path] = known[1]
            else:
                unread[path] = state
        total, done = sum(state[0] for state in unread.values()), 0
        stop = threading.Event()
        with ThreadPoolExecutor(_THREADS) as pool:
            waiting = {pool.submit(sha256, path, stop): path for path in unread}
            try:
                for future in as_completed(waiting):
                    path = waiting[future]
                    try:
                        found[path] = future.result()
                        self._known[str(path)] = unread[path], found[path]
                    except OSError as error:
                        found[path] = _unreadable(error)
                    done += unread[path][0]
                    progress(done, total)
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                self.save()
                raise
        return found

    def states(self, paths: Iterable[Path]) -> dict[Path, FileState]:
        """Give what each file was when its digest was taken; nothing of one that could not be read."""
        return {path: FileState(*self._known[str(path)][0][:2]) for path in paths if str(path) in self._known}

    def know(self, path: Path, digest: str) -> None:
        """Take over a digest that is known from elsewhere."""
        self._known[str(path)] = _state(path), digest

    def save(self) -> None:
        """Keep them for the next run, without those of files that are gone."""
        if self._record is not None:
            there = {path: known for path, known in self._known.items() if os.path.exists(path)}
            write_bytes(self._record, sealed({"format": _FORMAT, "files": there}))


def _read(record: Path) -> dict[str, tuple[list[int], str]]:
    """Read what an earlier run kept; nothing if it cannot be read."""
    try:
        content = unsealed(record.read_bytes())
        if content["format"] != _FORMAT:
            return {}
        return {str(path): ([int(n) for n in state], str(digest)) for path, (state, digest) in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _unreadable(error: OSError) -> str:
    return f"{UNREADABLE}: {error.strerror or error}"
