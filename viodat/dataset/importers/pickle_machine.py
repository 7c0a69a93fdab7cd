"""The small machine that builds plain data from the opcodes of a pickle: its stack, its memo, and what it may make.

Nothing is imported or called: the few names that numpy writes for an array are compared as text
(:mod:`viodat.dataset.importers.pickle_arrays`), and any other ends the reading.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset.importers.foreign_text import shown
from viodat.dataset.importers.pickle_arrays import (
    BYTES,
    DTYPE,
    ENCODE,
    FROM_BUFFER,
    KNOWN,
    NDARRAY,
    RECONSTRUCT,
    SCALAR,
    RefusedError,
    declared_array,
    dtype_of,
    dtype_with_state,
)

_SCALARS: Final = frozenset({str, bytes, int, float, bool, complex, type(None)})


class TooLargeError(Exception):
    """It takes more than it may."""


class _Global:
    """A name that the pickle refers to; it is never looked up."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Blank:
    """An array or dtype whose state is still to come, and under which keys the memo knows it."""

    __slots__ = ("dtype", "keys")

    def __init__(self, dtype: np.dtype[Any] | None = None) -> None:
        self.dtype = dtype
        self.keys: list[int] = []


class Machine:
    """The stack and the memo of one pickle."""

    def __init__(self, limit_bytes: int) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.limit = limit_bytes
        self.spent = 0

    def spend(self, count: int) -> None:
        """Count bytes of memory; TooLargeError above the limit."""
        self.spent += count
        if self.spent > self.limit:
            raise TooLargeError(f"takes more than {self.limit / 2**30:.3g} GiB of memory")

    def since_mark(self) -> list[Any]:
        """Take what was pushed since the last mark."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def put(self, key: int) -> None:
        """Remember the top of the stack."""
        value = self.stack[-1]
        if isinstance(value, _Blank):
            value.keys.append(key)
        self.memo[key] = value

    def extend(self, values: list[Any]) -> None:
        """Append to the list on top of the stack."""
        target = self.stack[-1]
        if type(target) is not list:
            raise RefusedError(f"appends to {kind_of(target)}")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        """Set items, key and value in turn, of the dict on top of the stack."""
        target = self.stack[-1]
        if type(target) is not dict:
            raise RefusedError(f"sets items of {kind_of(target)}")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if type(key) not in (str, int):
                raise RefusedError(f"has {kind_of(key)} as the key of a dict")
            target[key] = value

    def refer(self, module: Any, name: Any) -> None:
        """Push a name, if it is one that numpy writes."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise RefusedError("builds the name of what is to be loaded")
        full = f"{module}.{name}"
        if full not in KNOWN:
            raise RefusedError(f"would load {shown(full)}")
        self.stack.append(_Global(full))

    def reduce(self) -> None:
        """Take arguments and a name, and push what numpy would have made of them."""
        args = self.stack.pop()
        function = self.stack.pop()
        if not isinstance(function, _Global):
            raise RefusedError(f"calls {kind_of(function)}")
        if type(args) is not tuple:
            raise RefusedError(f"calls {function.name} with {kind_of(args)}")
        self.stack.append(self.call(function.name, args))

    def call(self, name: str, args: tuple[Any, ...]) -> Any:
        """Do what numpy does under that name."""
        if name in RECONSTRUCT and len(args) == 3 and isinstance(args[0], _Global) and args[0].name == NDARRAY:
            return _Blank()
        if name == DTYPE and args and isinstance(args[0], str):
            return _Blank(dtype_of(args[0]))
        if name in SCALAR and len(args) == 2:
            return self.array(args[1], _made(args[0]), (1,), "C")[0].item()
        if name in FROM_BUFFER and len(args) == 4:
            return self.array(args[0], _made(args[1]), args[2], str(args[3]))
        if name == ENCODE and len(args) == 2 and isinstance(args[0], str) and args[1] in ("latin1", "latin-1"):
            return args[0].encode("latin-1")
        if name in BYTES and not args:
            return b""
        raise RefusedError(f"calls {name} in a way that numpy does not")

    def build(self) -> None:
        """Give the array or type on the stack the state above it."""
        state = self.stack.pop()
        blank = self.stack.pop()
        if not isinstance(blank, _Blank):
            raise RefusedError(f"sets the state of {kind_of(blank)}")
        if type(state) is not tuple:
            raise RefusedError(f"gives an array {kind_of(state)} as its state")
        value: Any
        if blank.dtype is not None:
            value = _Made(dtype_with_state(blank.dtype, state))
        else:
            _, shape, dtype, fortran, data = state if len(state) == 5 else (0, *state)
            value = self.array(data, _made(dtype), shape, "F" if fortran else "C")
        for key in blank.keys:
            self.memo[key] = value
        self.stack.append(value)

    def array(self, data: Any, dtype: np.dtype[Any], shape: Any, order: str) -> NDArray[Any]:
        """Make an array of what the pickle declares."""
        return declared_array(data, dtype, shape, order, self.spend, kind_of)


class _Made:
    """A dtype with its state."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


def _made(value: Any) -> np.dtype[Any]:
    if not isinstance(value, _Made):
        raise RefusedError(f"has {kind_of(value)} where the type of an array stands")
    return value.dtype


def kind_of(value: Any) -> str:
    """Say what a thing on the stack is."""
    if isinstance(value, _Global):
        return value.name
    if isinstance(value, _Blank):
        return "an unfinished array"
    if isinstance(value, _Made):
        return "the type of an array"
    return f"a {type(value).__name__}"


def check(value: Any) -> None:
    """Refuse a result that holds anything but data: a bare name, an unfinished array, itself."""
    seen: set[int] = set()
    left = [value]
    while left:
        item = left.pop()
        kind = type(item)
        if kind in _SCALARS:
            continue
        if kind is np.ndarray and not item.dtype.hasobject:
            continue
        if id(item) in seen:
            continue
        seen.add(id(item))
        if kind is dict:
            left.extend(item.values())
        elif kind in (list, tuple):
            left.extend(item)
        elif kind is np.ndarray:
            left.extend(item.ravel().tolist())
        else:
            raise RefusedError(f"holds {kind_of(item)}")
