"""Files that are either whole or not there: atomic writes and content digests.

A file is written under a temporary name in the folder of its destination, flushed to the disk, and renamed.
A reader, or a build that starts again after a power cut, meets the old file or the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_CHUNK_BYTES = 1 << 20


@contextlib.contextmanager
def atomic_path(destination: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and move it to ``destination`` if the block succeeds.

    Parameters
    ----------
    destination
        Where the file will stand. Its folder is created.

    Yields
    ------
    Path
        A name in the same folder with the same suffix (writers choose a format by it). It is removed if the
        block raises.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{destination.stem}.", suffix=destination.suffix, dir=destination.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~umask())
        temporary.replace(destination)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(destination: Path, content: bytes) -> None:
    """Write ``content`` to ``destination`` atomically."""
    with atomic_path(destination) as temporary:
        temporary.write_bytes(content)


def write_text(destination: Path, content: str) -> None:
    """Write ``content`` as UTF-8 to ``destination`` atomically."""
    write_bytes(destination, content.encode("utf-8"))


def sha256(path: Path, stop: threading.Event | None = None) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits.

    Raises
    ------
    OSError
        It cannot be read, or ``stop`` was set before its end.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if stop is not None and stop.is_set():
                raise InterruptedError(errno.EINTR, "stopped", str(path))
            digest.update(chunk)
    return digest.hexdigest()


def umask() -> int:
    """Give the permissions that the process takes from new files."""
    # mkstemp makes files private (0600); a dataset is shared, so the process's own umask decides instead.
    mask = os.umask(0)
    os.umask(mask)
    return mask
