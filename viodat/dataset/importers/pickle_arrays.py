"""What numpy writes into a pickle for an array: the names, the types, and the numbers behind a declared shape.

An array's declared shape is held against its data before memory is taken, and a type against a list of those without
code in them.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset.importers.foreign_text import shown

_NUMPY: Final = ("numpy.core", "numpy._core")
RECONSTRUCT: Final = frozenset(f"{core}.multiarray._reconstruct" for core in _NUMPY)
SCALAR: Final = frozenset(f"{core}.multiarray.scalar" for core in _NUMPY)
FROM_BUFFER: Final = frozenset(f"{core}.numeric._frombuffer" for core in _NUMPY)
NDARRAY: Final = "numpy.ndarray"
DTYPE: Final = "numpy.dtype"
ENCODE: Final = "_codecs.encode"
# Before protocol 3, bytes are text to be encoded, and no bytes a call of bytes.
BYTES: Final = frozenset({"__builtin__.bytes", "builtins.bytes"})
KNOWN: Final = RECONSTRUCT | SCALAR | FROM_BUFFER | BYTES | {NDARRAY, DTYPE, ENCODE}

_DTYPES: Final = re.compile(r"[<>|=]?(?:b1|\?|[iu][1248]|f(?:2|4|8|16)|c(?:8|16)|[SU][1-9]\d{0,6}|O8?)")
_MOST_AXES: Final = 32


class RefusedError(Exception):
    """It holds what is not admitted."""


def plain_array(data: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give (N,) items of a dtype without objects, read only; ValueError if a text has a letter that there is not."""
    if dtype.kind == "U" and len(data) and np.frombuffer(data, f"{dtype.str[0]}u4").max() > sys.maxunicode:
        raise ValueError("a text has a letter beyond Unicode")
    return np.frombuffer(data, dtype) if len(data) else np.empty(0, dtype)


def declared_array(
    data: Any, dtype: np.dtype[Any], shape: Any, order: str, spend: Callable[[int], None], kind: Callable[[Any], str]
) -> NDArray[Any]:
    """Make an array once its declared shape is known to be that of its data.

    Parameters
    ----------
    data
        Bytes, text of a Python 2 pickle, or of objects a list.
    dtype, shape, order
        As declared.
    spend
        Is told how many bytes the places of objects take.
    kind
        Says in words what a thing is.

    Raises
    ------
    RefusedError
        If they do not fit each other.
    """
    lengths = shape if type(shape) is tuple else (shape,)
    if len(lengths) > _MOST_AXES or not all(type(n) is int and 0 <= n < 2**62 for n in lengths):
        raise RefusedError(f"declares an array of shape {shown(repr(shape))}")
    if order not in ("C", "F"):
        raise RefusedError(f"declares an array of order {shown(order)}")
    count = math.prod(lengths)
    if isinstance(data, str):
        data = data.encode("latin-1")  # Python 2 did not tell bytes from text
    if dtype.hasobject:
        if type(data) is not list or len(data) != count:
            raise RefusedError(f"declares an object array of shape {lengths} without its objects")
        spend(8 * count)
        flat: NDArray[Any] = np.empty(count, object)
        for place, value in enumerate(data):
            flat[place] = value
    else:
        if not isinstance(data, bytes | bytearray) or len(data) != count * dtype.itemsize:
            size = f"{len(data):,} bytes" if isinstance(data, bytes | bytearray) else kind(data)
            raise RefusedError(f"declares an array of shape {lengths} and type {dtype}, and gives it {size}")
        flat = plain_array(bytes(data), dtype)
    return flat.reshape(lengths, order="F" if order == "F" else "C")


def dtype_of(text: str) -> np.dtype[Any]:
    """Give the type of that name; RefusedError if it is none of numbers, text or objects."""
    if not _DTYPES.fullmatch(text):
        raise RefusedError(f"has an array of type {shown(text)}")
    return np.dtype("O" if text.startswith("O") else text)


def dtype_with_state(dtype: np.dtype[Any], state: tuple[Any, ...]) -> np.dtype[Any]:
    """Give a type the byte order of its state; RefusedError if the state makes it one of records."""
    if len(state) < 5 or any(part is not None for part in state[2:5]) or len(state) > 8:
        raise RefusedError("has an array of records")
    if state[1] not in ("<", ">", "|", "="):
        raise RefusedError(f"has an array of byte order {shown(repr(state[1]))}")
    return dtype.newbyteorder(state[1])
