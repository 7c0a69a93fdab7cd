"""Pickles that would run something, and archives that are not what they say; made byte by byte where needed."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class Calls:
    """Pickles as a call of a function; ``pickle.load`` would make it."""

    def __init__(self, function: Callable[..., Any], *args: Any, state: Any = None) -> None:
        self.what = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what


class Plain:
    """An object of a class of somebody's."""

    def __init__(self) -> None:
        self.text = "hidden"


def object_npy(pickled: bytes, shape: tuple[int, ...] = ()) -> bytes:
    """A .npy of objects with that pickle behind its header."""
    return npy_header(shape, "|O") + pickled


def npy_header(shape: tuple[int, ...], descr: str) -> bytes:
    """A .npy header that says what it likes."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def in_array(value: Any, protocol: int = 4) -> bytes:
    """A pickle of an object array without axes that holds a value, as np.savez writes a dict."""
    array = np.empty((), object)
    array[()] = value
    return pickle.dumps(array, protocol=protocol)


def write_zip(path: Path, members: dict[str, bytes], *, packed: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive with members of those names and contents."""
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name) if packed == zipfile.ZIP_STORED else name, content)
    return path


def npy(array: np.ndarray) -> bytes:
    """A .npy as numpy writes it."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()
