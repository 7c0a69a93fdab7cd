"""Reading a pickle that somebody else made without running any of it.

``pickle.load`` calls whatever the file names. Here a pickle is only read: its opcodes are told apart by the standard
library's ``pickletools``, and a small machine builds from them what is admitted: numpy arrays of numbers or text
(object arrays of admitted things), dicts, lists, tuples, text, bytes, numbers and None. Nothing is ever imported or
called: the few names that numpy writes for an array are compared as text, and any other name, opcode or kind of object
ends the reading with one line that says what it was. An array's declared shape is held against its data before memory
is taken.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

from viodat.dataset.importers.foreign_text import shown
from viodat.dataset.importers.pickle_arrays import RefusedError
from viodat.dataset.importers.pickle_machine import TooLargeError
from viodat.dataset.importers.pickle_steps import Stream, run
from viodat.errors import CaptureError

ADMITTED: Final = "numpy arrays, dicts, lists, tuples, text, numbers and None"

_MEND: Final = "Do not open it with pickle or numpy either; get the file again from where it was published."
# What pickletools and numpy were seen to raise, or document, for damaged bytes.
_DAMAGE: Final = (
    ValueError, TypeError, IndexError, KeyError, OverflowError, EOFError, struct.error, RecursionError, AttributeError,
)  # fmt: skip


def read_pickle(stream: Stream, *, where: Path, name: str, limit_bytes: int) -> Any:
    """Read one pickle, and refuse whatever is not plain data.

    Parameters
    ----------
    stream
        It stands at the pickle's first byte.
    where, name
        The file, and what in it the pickle is, for the message.
    limit_bytes
        What its objects may take in memory.

    Returns
    -------
    Any
        Numpy arrays (read only), dicts with text or whole numbers as keys, lists, tuples, str, bytes, numbers, None.
        Numpy scalars come as Python's.

    Raises
    ------
    CaptureError
        If the pickle names anything else, is damaged, or takes more than ``limit_bytes``.
    """
    try:
        return run(stream, limit_bytes)
    except RefusedError as error:
        raise CaptureError(f"{name} {error}; only {ADMITTED} are admitted", where=where, mend=_MEND) from None
    except TooLargeError as error:
        raise CaptureError(
            f"{name} {error}", where=where, mend="If the file is to be trusted, raise the limit: --limit-gib."
        ) from None
    except _DAMAGE as error:
        raise CaptureError(
            f"{name} is a damaged pickle ({shown(str(error) or type(error).__name__)})", where=where, mend=_MEND
        ) from error
