"""What a failure costs is decided where it happens; how it is told for the record stands here."""

from __future__ import annotations

import contextlib
import errno
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Final

from viodat.errors import ViodatError, ViodatWarning

DISK_FAULTS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""What only a disk says that is written to, and not one that is read from."""

_PASSING: Final = frozenset(
    (errno.EIO, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.EINTR)
)
_REPORT: Final = "(please report this)"
_OURS: Final = re.compile(rf"unexpected \w+: .*?{re.escape(_REPORT)}", re.DOTALL)


class UnwritableError(OSError):
    """The cache refuses what is to be kept."""


class UnderWay:
    """The stage that is under way, for the record of a failure."""

    def __init__(self, name: str = "read") -> None:
        self.name = name

    def __call__(self, name: str) -> None:
        """Begin a stage."""
        self.name = name


def disk_fault(error: BaseException) -> OSError | None:
    """Give the fault of a disk that is behind an error; None where something else is."""
    if isinstance(error, OSError) and error.errno == errno.EIO:
        # Whoever reads a raw file tells it in his own words.
        return error
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, UnwritableError) or (isinstance(behind, OSError) and behind.errno in DISK_FAULTS):
            return behind
        behind = behind.__cause__ or behind.__context__
    return None


def reason_of(error: Exception) -> str:
    """Say in a sentence why a stage failed: a fault of a file, or one of ours, which must be told apart.

    Raises
    ------
    KeyboardInterrupt
        Compiled code has turned Ctrl-C into an error of its own.
    MemoryError
        There was too little memory, which no file can be blamed for.
    OSError
        A disk refuses what is to be written.
    """
    if isinstance(error, MemoryError):
        raise error
    if (refused := disk_fault(error)) is not None:
        raise refused
    if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
        raise KeyboardInterrupt from error
    if isinstance(error, ViodatError):
        return str(error)
    return f"unexpected {type(error).__name__}: {error} {_REPORT}"


def faults_of_ours(texts: Iterable[str]) -> tuple[str, ...]:
    """Find the faults of ours, each once, that reasons, notes or alarms tell of."""
    return tuple(dict.fromkeys(found for text in texts for found in _OURS.findall(text)))


def is_passing(error: Exception) -> bool:
    """Say whether an error is a disk's or the memory's, which may pass: it says nothing of the file."""
    cause = error.__cause__ or error.__context__
    return isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno in _PASSING)


@contextlib.contextmanager
def heeding() -> Iterator[list[str]]:
    """Gather what readers warn of."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ViodatWarning)
        yield told
    told += [str(w.message) for w in caught if issubclass(w.category, ViodatWarning)]
