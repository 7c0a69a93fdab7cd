"""The manifest of a dataset: every file with its size, digest and number of rows, written last.

A folder without manifest.json is not a finished dataset. ``verify`` compares the files with it and tells, for each
one, whether it is ok, changed or missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from viodat.dataset.paths import MANIFEST_NAME
from viodat.errors import DatasetError
from viodat.files import sha256, write_text


class FileState(StrEnum):
    """What became of a file since the dataset was built."""

    OK = "ok"
    CHANGED = "changed"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    EXTRA = "extra"


@dataclass(frozen=True)
class Verification:
    """The state of every file, by path relative to the dataset."""

    files: Mapping[str, FileState]

    def having(self, state: FileState) -> list[str]:
        """Paths in that state, sorted."""
        return sorted(path for path, found in self.files.items() if found is state)

    @property
    def ok(self) -> bool:
        """Whether every file is as it was built; files the manifest does not list do no harm."""
        return all(state in (FileState.OK, FileState.EXTRA) for state in self.files.values())


def write_manifest(folder: Path, rows: Mapping[str, int]) -> None:
    """List every file below ``folder`` with bytes, sha256 and, where ``rows`` has it, its number of rows."""
    files: dict[str, dict[str, Any]] = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        files[name] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
        if name in rows:
            files[name]["rows"] = rows[name]
    write_text(folder / MANIFEST_NAME, json.dumps({"files": files}, indent=1) + "\n")


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Read the manifest's entries by relative path.

    Raises
    ------
    DatasetError
        If the manifest is missing (the build did not finish) or damaged.
    """
    path = folder / MANIFEST_NAME
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        for name, entry in files.items():
            int(entry["bytes"]), str(entry["sha256"])
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise DatasetError(f"lists {name!r}, which is outside the dataset", where=path)
    except FileNotFoundError:
        raise DatasetError(
            "has no manifest.json: it is not a finished viodat dataset",
            where=folder,
            mend="Name a folder that 'viodat build' wrote, or build it again.",
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise DatasetError(
            f"is damaged ({type(error).__name__}: {error})", where=path, mend="Build the dataset again."
        ) from error
    return dict(files)


def verify(folder: Path, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Compare every file with the manifest.

    Parameters
    ----------
    folder
        The dataset.
    progress
        Called with (bytes done, bytes in all) after each file.
    """
    entries = read_manifest(folder)
    total = sum(int(entry["bytes"]) for entry in entries.values())
    done = 0
    states: dict[str, FileState] = {}
    for name, entry in entries.items():
        states[name] = _state(folder / name, entry)
        done += int(entry["bytes"])
        if progress:
            progress(done, total)
    for path in _files(folder):
        states.setdefault(path.relative_to(folder).as_posix(), FileState.EXTRA)
    return Verification(states)


def _state(path: Path, entry: Mapping[str, Any]) -> FileState:
    try:
        if path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]:
            return FileState.CHANGED
    except FileNotFoundError:
        return FileState.MISSING
    except OSError:
        return FileState.UNREADABLE
    return FileState.OK


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.name != MANIFEST_NAME
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
