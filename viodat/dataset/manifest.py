"""The manifest of a dataset: every file with its size, digest and number of rows, written last.

A folder without manifest.json is not a finished dataset. ``verify`` compares the files with it and tells, for each
one, whether it is ok, changed, missing or unreadable. Only what lies inside the folder is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath
from threading import Event, Lock
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from viodat.dataset.paths import MANIFEST_NAME
from viodat.errors import DatasetError
from viodat.files import sha256, write_text

_CHUNK_BYTES: Final = 1 << 20
_MOST_THREADS: Final = 8
_SECONDS_BETWEEN_CALLS: Final = 0.1
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class FileState(StrEnum):
    """What became of a file since the dataset was built."""

    OK = "ok"
    CHANGED = "changed"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    EXTRA = "extra"


@dataclass(frozen=True)
class Verification:
    """What became of every file.

    Attributes
    ----------
    files
        State by path relative to the dataset.
    faults
        A sentence for each file whose state needs one: why it is unreadable, or how its rows differ.
    """

    files: Mapping[str, FileState]
    faults: Mapping[str, str] = field(default_factory=dict)

    def having(self, state: FileState) -> list[str]:
        """Paths in that state, sorted."""
        return sorted(path for path, found in self.files.items() if found is state)

    @property
    def ok(self) -> bool:
        """Whether every file is as it was built; files the manifest does not list do no harm."""
        return all(state in (FileState.OK, FileState.EXTRA) for state in self.files.values())


@dataclass(frozen=True)
class FileEntry:
    """What a file holds, where that is known already: its size, and its SHA-256 as 64 hexadecimal digits."""

    bytes: int
    sha256: str


def write_manifest(folder: Path, rows: Mapping[str, int], known: Mapping[str, FileEntry] | None = None) -> None:
    """List every file below ``folder`` with bytes, sha256 and, where ``rows`` has it, its number of rows.

    Files in ``known`` are not read again.
    """
    known = known or {}
    files: dict[str, dict[str, Any]] = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        found = known.get(name) or FileEntry(path.stat().st_size, sha256(path))
        files[name] = {"bytes": found.bytes, "sha256": found.sha256}
        if name in rows:
            files[name]["rows"] = rows[name]
    write_text(folder / MANIFEST_NAME, json.dumps({"files": files}, indent=1) + "\n")


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Read the manifest's entries by relative path.

    Raises
    ------
    DatasetError
        If the manifest is missing (the build did not finish) or damaged, names a file outside the dataset, or names
        two that are one on a disk that does not tell capitals.
    """
    path = folder / MANIFEST_NAME
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        for entry in files.values():
            if int(entry["bytes"]) < 0 or not _SHA256.fullmatch(entry["sha256"]) or int(entry.get("rows", 0)) < 0:
                raise ValueError(f"{entry} is no entry")
    except FileNotFoundError:
        raise DatasetError(
            "has no manifest.json: it is not a finished viodat dataset",
            where=folder,
            mend="Name a folder that 'viodat build' wrote, or build it again.",
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, OSError, RecursionError) as error:
        raise DatasetError(
            f"is damaged ({type(error).__name__}: {error})", where=path, mend="Build the dataset again."
        ) from error
    seen: dict[str, str] = {}
    for name in files:
        if not _stays_inside(name):
            raise DatasetError(f"lists {name!r}, which is outside the dataset", where=path)
        other = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            raise DatasetError(f"lists {other!r} and {name!r}, which are one file on many disks", where=path)
    return dict(files)


def verify(
    folder: Path, progress: Callable[[int, int], None] | None = None, *, threads: int | None = None
) -> Verification:
    """Compare every file with the manifest.

    Parameters
    ----------
    folder
        The dataset.
    progress
        Called from this thread with (bytes done, bytes in all), up to ten times a second and at the end.
    threads
        How many files are read at a time. None: one per processor, at most 8.

    Raises
    ------
    DatasetError
        As :func:`read_manifest`.
    """
    entries = read_manifest(folder)
    root, count = folder.resolve(), _Counter()
    threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    try:
        # The largest first, so that none is left alone at the end.
        order = sorted(entries, key=lambda name: (-int(entries[name]["bytes"]), name))
        futures = {name: pool.submit(_compare, root, name, entries[name], count) for name in order}
        total, waiting = sum(int(entry["bytes"]) for entry in entries.values()), set(futures.values())
        while waiting:
            _, waiting = wait(waiting, timeout=_SECONDS_BETWEEN_CALLS)
            if progress and waiting:
                progress(min(count.done, total), total)
        found = {name: futures[name].result() for name in entries}
    finally:
        count.stop.set()
        pool.shutdown(cancel_futures=True)
    if progress:
        progress(total, total)
    states = {name: state for name, (state, _) in found.items()}
    for path in _files(folder):
        states.setdefault(path.relative_to(folder).as_posix(), FileState.EXTRA)
    return Verification(states, {name: fault for name, (_, fault) in found.items() if fault})


class _Counter:
    """Bytes that all threads have read, and the word to stop."""

    def __init__(self) -> None:
        self.done = 0
        self.stop = Event()
        self._lock = Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self.done += count


def _compare(root: Path, name: str, entry: Mapping[str, Any], count: _Counter) -> tuple[FileState, str]:
    """Give the state of one file, and a sentence if it needs one."""
    path, read = root / name, 0
    try:
        if not path.resolve(strict=True).is_relative_to(root):
            return FileState.UNREADABLE, "is a link that leaves the dataset; it was not followed"
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return FileState.UNREADABLE, "is no file"
        if found.st_size != entry["bytes"]:
            return FileState.CHANGED, f"has {found.st_size:,} bytes; {int(entry['bytes']):,} were built"
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while not count.stop.is_set() and (chunk := file.read(_CHUNK_BYTES)):
                digest.update(chunk)
                read += len(chunk)
                count.add(len(chunk))
        if digest.hexdigest() != entry["sha256"]:
            return FileState.CHANGED, ""
        if "rows" in entry and (rows := _parquet_rows(path)) not in (None, entry["rows"]):
            return FileState.CHANGED, f"has {rows:,} rows; the manifest says {int(entry['rows']):,}"
    except FileNotFoundError:
        return FileState.MISSING, ""
    except (OSError, RuntimeError) as error:
        # RuntimeError: a link that leads to itself.
        return FileState.UNREADABLE, f"cannot be read ({getattr(error, 'strerror', None) or error})"
    finally:
        count.add(int(entry["bytes"]) - read)
    return FileState.OK, ""


def _parquet_rows(path: Path) -> int | None:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, ValueError):
        return None


def _stays_inside(name: str) -> bool:
    """Tell whether a path of the manifest leads to a place below the dataset, on every system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return (
        bool(posix.parts)
        and "\0" not in name
        and not posix.is_absolute()
        and not windows.anchor
        and ".." not in windows.parts
        and "\\" not in name
        and posix.as_posix() == name
    )


def _files(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if name != MANIFEST_NAME and not name.startswith(".")]
    return sorted(path for path in found if path.is_file())
