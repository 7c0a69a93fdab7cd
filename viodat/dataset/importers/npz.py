"""A ``.npz`` archive that somebody else made: its names, sizes and headers are held against limits before they count.

Nothing is unpacked to the disk and no pickle is run (:mod:`viodat.dataset.importers.pickled`). A member is read only
when it is asked for, and no further than the limit, whatever size the archive states for it.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Self

import numpy as np
from numpy.lib import format as npy

from viodat.dataset.importers.foreign_text import shown
from viodat.dataset.importers.pickle_arrays import plain_array
from viodat.dataset.importers.pickled import read_pickle
from viodat.errors import CaptureError

DEFAULT_LIMIT_GIB: Final = 4.0
"""By the length of VioDat its largest member, the audio frame at 300 Hz, comes to 2.6 GiB."""

_RAISE: Final = "If the file is to be trusted, raise the limit: --limit-gib."
_AGAIN: Final = "Copy or download the file again."
_KINDS: Final = "biufcSU"
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, KeyError, TypeError, SyntaxError,
    NotImplementedError, OverflowError, RecursionError, RuntimeError, MemoryError, UnicodeError, tokenize.TokenError,
)  # fmt: skip


class Archive:
    """A ``.npz`` file, open for reading; a context manager.

    Parameters
    ----------
    path
        The file.
    limit_bytes
        How much one member may hold, unpacked, and take in memory.

    Raises
    ------
    CaptureError
        If there is no such file, it is no archive, or it names, packs or encrypts a member in a way that numpy does
        not.
    """

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self.path = path
        self.limit_bytes = limit_bytes
        try:
            with path.open("rb") as file:
                head = file.read(2)
            if head[:1] == b"\x80":
                raise CaptureError("is a bare pickle; expected a .npz archive", where=path)
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise CaptureError("there is no such file", where=path) from None
        except _DAMAGE as error:
            raise CaptureError(f"is not a .npz archive ({_reason(error)})", where=path, mend=_AGAIN) from error
        try:
            self._members = _members(self._zip, path)
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """What the archive holds, without the suffix ``.npy``, in its order."""
        return tuple(self._members)

    def read(self, name: str) -> Any:
        """Read one member.

        Returns
        -------
        Any
            A numpy array; or of an object array what it holds: the object itself where it has no axes, else an
            object array.

        Raises
        ------
        CaptureError
            If it is damaged, larger than the limit, of another type than numbers, text or objects, or holds an object
            that is not plain data.
        KeyError
            If there is no such member.
        """
        info = self._members[name]
        if info.file_size > self.limit_bytes:
            raise CaptureError(
                f"{name} unpacks to {info.file_size / 2**30:,.3g} GiB; the limit is {self.limit_bytes / 2**30:.3g}",
                where=self.path,
                mend=_RAISE,
            )
        try:
            with self._zip.open(info) as file:
                stream = _Counted(file, self.limit_bytes)
                return self._array(stream, name, info.file_size)
        except CaptureError:
            raise
        except _TooLongError as error:
            raise CaptureError(f"{name} {error}", where=self.path, mend=_RAISE) from None
        except _DAMAGE as error:
            raise CaptureError(f"{name} cannot be read ({_reason(error)})", where=self.path, mend=_AGAIN) from error

    def _array(self, stream: _Counted, name: str, size: int) -> Any:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(stream)
        if dtype == np.dtype(object):
            value = read_pickle(stream, where=self.path, name=name, limit_bytes=self.limit_bytes)
            if not isinstance(value, np.ndarray) or value.shape != tuple(shape):
                raise CaptureError(f"{name} says shape {shape} and holds something else", where=self.path, mend=_AGAIN)
            # Its end is read, so that the archive's own checksum is tested.
            stream.drain()
            return value if shape or not value.dtype.hasobject else value[()]
        if dtype.kind not in _KINDS:
            raise CaptureError(
                f"{name} is of type {shown(str(dtype))}; only numbers, text and objects are admitted", where=self.path
            )
        wanted, there = math.prod(shape) * dtype.itemsize, size - stream.count
        if wanted != there:
            raise CaptureError(
                f"{name} declares shape {shape} of {dtype}, {wanted:,} bytes, and holds {there:,}",
                where=self.path,
                mend=_AGAIN,
            )
        data = stream.read(wanted)
        stream.drain()
        if not wanted:
            return np.empty(shape, dtype)
        return plain_array(data, dtype).reshape(shape, order="F" if fortran else "C")


class _TooLongError(Exception):
    """A member goes on beyond the limit."""


class _Counted:
    """A stream that counts what is read from it and ends at a limit; it never asks for more than is there at once."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._limit = limit
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._limit - self.count:
            size = self._limit - self.count + 1
        return self._counted(self._file.read(size))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._limit - self.count + 1))

    def drain(self) -> None:
        while self.read(1 << 20):
            pass

    def _counted(self, data: bytes) -> bytes:
        self.count += len(data)
        if self.count > self._limit:
            raise _TooLongError(f"unpacks to more than {self._limit / 2**30:.3g} GiB")
        return data


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        named = info.orig_filename
        parts = PurePosixPath(named.replace("\\", "/")).parts
        if ".." in parts or named.startswith(("/", "\\")) or named[1:2] == ":" or "\0" in named:
            raise CaptureError(
                f"has a member called {shown(named)!r}, which would lie outside the folder it is unpacked in",
                where=path,
                mend=_AGAIN,
            )
        if info.flag_bits & 0x1:
            raise CaptureError(f"{shown(named)} is encrypted", where=path, mend="Unlock it first.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CaptureError(f"{shown(named)} is packed in a way that numpy does not use", where=path, mend=_AGAIN)
        name = named.removesuffix(".npy")
        if name in members:
            raise CaptureError(f"has two members called {shown(name)}", where=path, mend=_AGAIN)
        members[name] = info
    return members


def _reason(error: BaseException) -> str:
    return shown(str(error) or type(error).__name__)
