"""Where results of stages lie: ``<cache>/<stage>/<trial or recording>/<key>/``, on any file system that fsspec knows.

An entry is a folder: ``value.json`` (what it was computed from, the value without its arrays, and the digests of all
else), ``arrays.npz`` and the files that the stage wrote. Its name is the digest of what it was computed from, so
whoever finds it may use it. On a local disk the folder appears by one rename; elsewhere ``value.json`` is written last.
What cannot be read, or is not as it was written, is not there: the stage runs again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import fsspec
import numpy as np
from fsspec.implementations.local import LocalFileSystem

from viodat.build.cache.codec import decode, encode
from viodat.build.cache.sealed import sealed, unsealed
from viodat.build.faults import UnwritableError
from viodat.errors import ConfigError
from viodat.files import sha256, umask

FORMAT: Final = 1
VALUE: Final = "value.json"
ARRAYS: Final = "arrays.npz"
_KEPT: Final = 2
"""Results of one stage of one trial that are kept, so that an option can be tried and taken back."""

_TRIES: Final = 5
_KEY_DIGITS: Final = 32
_RUNNING: Final = ".running"


@dataclass(frozen=True)
class FileFact:
    """A file of an entry."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A stored result.

    Attributes
    ----------
    stage, unit
        Which stage, of which trial or recording.
    key
        Digest of ``parts``.
    parts
        What it was computed from, by name.
    seconds
        What it cost.
    files
        By name within the entry.
    """

    stage: str
    unit: str
    key: str
    parts: Mapping[str, Any]
    seconds: float
    files: Mapping[str, FileFact]
    _tree: Any = field(repr=False)
    _arrays: FileFact | None = field(repr=False)
    _store: Store = field(repr=False)

    def value(self, below: Path | None = None) -> Any:
        """Give the value; paths that were kept relative are below a folder.

        Raises
        ------
        DamagedEntryError
            It is not what was written.
        """
        arrays = self._store.arrays(self) if self._arrays is not None else {}
        try:
            return decode(self._tree, arrays, below)
        except ValueError as error:
            raise DamagedEntryError(f"{self.stage} of {self.unit}: {error}") from error


class DamagedEntryError(Exception):
    """An entry of the cache is not what was written; whoever meets it runs the stage again."""


class Store:
    """The results of a build's stages.

    Parameters
    ----------
    url
        A folder, or anything that fsspec opens (``memory://cache``, ``s3://bucket/cache``).

    Raises
    ------
    ConfigError
        fsspec does not know the place, or it is a file.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = str(url)
        try:
            self._fs, root = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise ConfigError(
                f"--cache {self.url}: {error}", mend="Name a folder, or install the file system's package."
            ) from error
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)
        if self._local:
            # Processes elsewhere need not stand in the same folder.
            self.url = self._root
        if self._local and Path(self._root).exists() and not Path(self._root).is_dir():
            raise ConfigError(
                f"--cache {self.url} is a file; a folder was expected", mend="Choose another, or remove it."
            )
        self._copies: tempfile.TemporaryDirectory[str] | None = None

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        return Store, (self.url,)

    def read(self, stage: str, unit: str, key: str) -> Entry | None:
        """Give an entry, or None if there is none that can be read."""
        try:
            content = unsealed(self._fs.cat_file(self._path(stage, unit, key, VALUE)))
            if content["format"] != FORMAT or content["key"] != key:
                return None
            files = {name: FileFact(**fact) for name, fact in content["files"].items()}
            arrays = FileFact(**content["arrays"]) if content["arrays"] else None
            entry = Entry(stage, unit, key, content["parts"], content["seconds"], files, content["tree"], arrays, self)
            sizes = {**files, ARRAYS: arrays} if arrays else files
            if any(_leads_away(name) for name in files):
                return None
            there = all(self._fs.size(self._path(stage, unit, key, name)) == fact.bytes for name, fact in sizes.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return entry if there else None

    def has(self, stage: str, unit: str, key: str) -> bool:
        """Whether there is an entry of that name."""
        return bool(self._fs.exists(self._path(stage, unit, key, VALUE)))

    @contextlib.contextmanager
    def scratch(self, stage: str, unit: str) -> Iterator[Path]:
        """Give an empty folder for the files of a result; whatever is left of it in the end is removed.

        Raises
        ------
        UnwritableError
            The disk refuses it.
        """
        with _writing():
            if self._local:
                place = Path(self._path(stage, unit))
                place.mkdir(parents=True, exist_ok=True)
                folder = Path(tempfile.mkdtemp(prefix=f".{os.getpid()}-", dir=place))
            else:
                folder = Path(tempfile.mkdtemp(prefix="viodat-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write(
        self, stage: str, unit: str, key: str, parts: Mapping[str, Any], value: object, folder: Path, seconds: float
    ) -> Entry:
        """Store a result.

        Parameters
        ----------
        stage, unit, key, parts, seconds
            As in :class:`Entry`.
        value
            What :func:`viodat.build.cache.codec.encode` takes; paths below ``folder`` are kept relative to it.
        folder
            From :meth:`scratch`, with the files that the stage wrote; it is used up.

        Raises
        ------
        UnwritableError
            The disk refuses it.
        """
        tree, arrays = encode(value, folder)
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        facts = {name: FileFact(path.stat().st_size, sha256(path)) for name, path in files.items()}
        packed = _packed(arrays) if arrays else b""
        arrays_fact = FileFact(len(packed), hashlib.sha256(packed).hexdigest()) if arrays else None
        content = {
            "format": FORMAT,
            "stage": stage,
            "unit": unit,
            "key": key,
            "parts": dict(parts),
            "seconds": round(seconds, 4),
            "files": {name: vars(fact) for name, fact in facts.items()},
            "arrays": vars(arrays_fact) if arrays_fact else None,
            "tree": tree,
        }
        text = sealed(content)
        with _writing():
            if self._local:
                if packed:
                    (folder / ARRAYS).write_bytes(packed)
                (folder / VALUE).write_bytes(text)
                folder.chmod(0o777 & ~umask())
                self._put(folder, Path(self._path(stage, unit, key)))
            else:
                for name, path in files.items():
                    self._fs.put_file(str(path), self._path(stage, unit, key, name))
                if packed:
                    self._fs.pipe_file(self._path(stage, unit, key, ARRAYS), packed)
                self._fs.pipe_file(self._path(stage, unit, key, VALUE), text)
            self._drop_old(stage, unit, key)
        return Entry(stage, unit, key, parts, seconds, facts, tree, arrays_fact, self)

    def _put(self, made: Path, final: Path) -> None:
        """Give a finished entry its name; where another process was faster, or a damaged one lies there, it goes."""
        for left in reversed(range(_TRIES)):
            try:
                made.replace(final)
                return
            except OSError:
                if not left:
                    raise
                gone = made.with_name(f"{made.name}-old{left}")
                # Another build that shares the cache may move it away first.
                with contextlib.suppress(FileNotFoundError):
                    final.replace(gone)
                shutil.rmtree(gone, ignore_errors=True)

    def arrays(self, entry: Entry) -> dict[str, Any]:
        """Read the arrays of an entry.

        Raises
        ------
        DamagedEntryError
            They are not what was written.
        """
        fact = entry._arrays
        assert fact is not None
        try:
            packed = self._fs.cat_file(self._path(entry.stage, entry.unit, entry.key, ARRAYS))
            if hashlib.sha256(packed).hexdigest() != fact.sha256:
                raise DamagedEntryError(f"{entry.stage} of {entry.unit}: its arrays are not what was written")
            with np.load(io.BytesIO(packed), allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise DamagedEntryError(f"{entry.stage} of {entry.unit}: {error}") from error

    def folder_of(self, entry: Entry) -> Path:
        """Give the folder of an entry's files, to be read only: itself on a local disk, else a copy for this process.

        Raises
        ------
        OSError
            It cannot be fetched.
        """
        own = self._path(entry.stage, entry.unit, entry.key)
        if self._local:
            return Path(own)
        if self._copies is None:
            self._copies = tempfile.TemporaryDirectory(prefix="viodat-", ignore_cleanup_errors=True)
        folder = Path(self._copies.name) / entry.stage / entry.unit / entry.key
        for name in entry.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(f"{own}/{name}", str(folder / name))
        return folder

    def note(self, trial: str, stage: str, unit: str) -> None:
        """Leave word of what is under way, for the case that the process dies."""
        if self._local:
            with _writing():
                place = Path(self._path(_RUNNING))
                place.mkdir(parents=True, exist_ok=True)
                (place / trial).write_text(f"{stage} of {unit}", encoding="utf-8")

    def noted(self, trial: str) -> str:
        """Tell what was under way last; empty if that is not known."""
        with contextlib.suppress(OSError):
            if self._local:
                return Path(self._path(_RUNNING, trial)).read_text(encoding="utf-8")
        return ""

    def sweep(self, older_than_s: float = 0.0) -> None:
        """Remove what builds left behind that were killed, if it is of such an age: of others that still run it is not.

        Builds that share the cache are no older than that.
        """
        if not self._local or not Path(self._root).is_dir():
            return
        before = time.time() - older_than_s
        for left in (*Path(self._root).glob("*/*/.*"), *Path(self._path(_RUNNING)).glob("*")):
            with contextlib.suppress(OSError):
                if left.stat().st_mtime > before:
                    continue
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()

    def latest(self, stage: str, unit: str) -> Mapping[str, Any] | None:
        """Give what the newest entry of a stage of a trial or recording was computed from; None without one."""
        for key in self._newest_first(stage, unit):
            if (entry := self.read(stage, unit, key)) is not None:
                return entry.parts
        return None

    def forget(self, files: Iterable[Path]) -> None:
        """Remove the entries that damaged files are part of."""
        root = Path(self._root)
        for path in files:
            if self._local and path.is_relative_to(root):
                shutil.rmtree(root.joinpath(*path.relative_to(root).parts[:3]), ignore_errors=True)

    def forget_unit(self, unit: str) -> None:
        """Remove all that is kept of a trial or recording."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for stage in self._fs.ls(self._root, detail=True):
                if stage["type"] == "directory":
                    with contextlib.suppress(FileNotFoundError):
                        self._fs.rm(f"{stage['name'].rstrip('/')}/{unit}", recursive=True)

    @property
    def folder(self) -> Path | None:
        """The folder, if it is one of this machine."""
        return Path(self._root) if self._local else None

    def _newest_first(self, stage: str, unit: str) -> list[str]:
        try:
            found = self._fs.ls(self._path(stage, unit), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = [(_age(item), Path(item["name"]).name) for item in found if item["type"] == "directory"]
        return [name for _, name in sorted(names, reverse=True) if not name.startswith(".")]

    def _drop_old(self, stage: str, unit: str, key: str) -> None:
        for old in [name for name in self._newest_first(stage, unit) if name != key][_KEPT - 1 :]:
            # Another build that shares the cache may be faster.
            with contextlib.suppress(OSError):
                self._fs.rm(self._path(stage, unit, old), recursive=True)

    def _path(self, *parts: str) -> str:
        return "/".join((self._root, *parts))


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Tell a fault of the cache's disk from one of a raw file's."""
    try:
        yield
    except OSError as error:
        raise UnwritableError(error.errno, error.strerror or str(error), error.filename) from error


def _leads_away(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


def key_of(parts: Mapping[str, Any]) -> str:
    """Digest of what a stage is computed from: its name in the cache."""
    text = json.dumps(parts, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def _packed(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _age(item: Mapping[str, Any]) -> float:
    return float(item.get("mtime") or 0.0)
