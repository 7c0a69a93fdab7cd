"""Reading a pickle that somebody else made without running any of it.

``pickle.load`` calls whatever the file names. Here a pickle is only read: its opcodes are told apart by the standard
library's ``pickletools``, and a small machine builds from them what is admitted: numpy arrays of numbers or text
(object arrays of admitted things), dicts, lists, tuples, text, bytes, numbers and None. Nothing is ever imported or
called: the few names that numpy writes for an array are compared as text, and any other name, opcode or kind of object
ends the reading with one line that says what it was. An array's declared shape is held against its data before memory
is taken.
"""

from __future__ import annotations

import math
import pickletools
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from viodat.errors import CaptureError

ADMITTED: Final = "numpy arrays, dicts, lists, tuples, text, numbers and None"

_MEND: Final = "Do not open it with pickle or numpy either; get the file again from where it was published."
_NUMPY: Final = ("numpy.core", "numpy._core")
_RECONSTRUCT: Final = frozenset(f"{core}.multiarray._reconstruct" for core in _NUMPY)
_SCALAR: Final = frozenset(f"{core}.multiarray.scalar" for core in _NUMPY)
_FROM_BUFFER: Final = frozenset(f"{core}.numeric._frombuffer" for core in _NUMPY)
_NDARRAY: Final = "numpy.ndarray"
_DTYPE: Final = "numpy.dtype"
_ENCODE: Final = "_codecs.encode"
# Before protocol 3, bytes are text to be encoded, and no bytes a call of bytes.
_BYTES: Final = frozenset({"__builtin__.bytes", "builtins.bytes"})
_KNOWN: Final = _RECONSTRUCT | _SCALAR | _FROM_BUFFER | _BYTES | {_NDARRAY, _DTYPE, _ENCODE}

# What pickletools and numpy were seen to raise, or document, for damaged bytes.
_DAMAGE: Final = (
    ValueError, TypeError, IndexError, KeyError, OverflowError, EOFError, struct.error, RecursionError, AttributeError,
)  # fmt: skip

_DTYPES: Final = re.compile(r"[<>|=]?(?:b1|\?|[iu][1248]|f(?:2|4|8|16)|c(?:8|16)|[SU][1-9]\d{0,6}|O8?)")
_MOST_AXES: Final = 32
_OBJECT_BYTES: Final = 64
"""What one object is taken to cost in memory, whatever it is."""

_SCALARS: Final = frozenset({str, bytes, int, float, bool, complex, type(None)})


class Stream(Protocol):
    """What a pickle is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Give up to ``size`` bytes."""
        ...

    def readline(self) -> bytes:
        """Give the bytes up to and with the next line feed."""
        ...


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
    machine = _Machine(limit_bytes)
    try:
        return machine.run(stream)
    except _RefusedError as error:
        raise CaptureError(f"{name} {error}; only {ADMITTED} are admitted", where=where, mend=_MEND) from None
    except _TooLargeError as error:
        raise CaptureError(
            f"{name} {error}", where=where, mend="If the file is to be trusted, raise the limit: --limit-gib."
        ) from None
    except _DAMAGE as error:
        raise CaptureError(
            f"{name} is a damaged pickle ({shown(str(error) or type(error).__name__)})", where=where, mend=_MEND
        ) from error


def shown(text: str, most: int = 80) -> str:
    """Give a foreign text as it may be printed: one line, printable ASCII, not too long."""
    clean = text.encode("ascii", "backslashreplace").decode().replace("\n", " ")
    clean = "".join(letter if letter.isprintable() else "?" for letter in clean)
    return clean if len(clean) <= most else clean[: most - 3] + "..."


def plain_array(data: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give (N,) items of a dtype without objects, read only; ValueError if a text has a letter that there is not."""
    if dtype.kind == "U" and len(data) and np.frombuffer(data, f"{dtype.str[0]}u4").max() > sys.maxunicode:
        raise ValueError("a text has a letter beyond Unicode")
    return np.frombuffer(data, dtype) if len(data) else np.empty(0, dtype)


class _RefusedError(Exception):
    """It holds what is not admitted."""


class _TooLargeError(Exception):
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


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self, limit_bytes: int) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.limit = limit_bytes
        self.spent = 0

    def run(self, stream: Stream) -> Any:
        for opcode, arg, _ in pickletools.genops(stream):  # type: ignore[arg-type]
            if opcode.name == "STOP":
                value = self.stack.pop()
                _check(value)
                return value
            self.spend(_OBJECT_BYTES + _size(arg))
            step = _STEPS.get(opcode.name)
            if step is None:
                raise _RefusedError(_REASONS.get(opcode.name, f"uses the pickle opcode {opcode.name}"))
            step(self, arg)
        raise ValueError("it has no end")

    def spend(self, count: int) -> None:
        self.spent += count
        if self.spent > self.limit:
            raise _TooLargeError(f"takes more than {self.limit / 2**30:.3g} GiB of memory")

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def put(self, key: int) -> None:
        value = self.stack[-1]
        if isinstance(value, _Blank):
            value.keys.append(key)
        self.memo[key] = value

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise _RefusedError(f"appends to {_kind(target)}")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            raise _RefusedError(f"sets items of {_kind(target)}")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if type(key) not in (str, int):
                raise _RefusedError(f"has {_kind(key)} as the key of a dict")
            target[key] = value

    def refer(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise _RefusedError("builds the name of what is to be loaded")
        full = f"{module}.{name}"
        if full not in _KNOWN:
            raise _RefusedError(f"would load {shown(full)}")
        self.stack.append(_Global(full))

    def reduce(self) -> None:
        args = self.stack.pop()
        function = self.stack.pop()
        if not isinstance(function, _Global):
            raise _RefusedError(f"calls {_kind(function)}")
        if type(args) is not tuple:
            raise _RefusedError(f"calls {function.name} with {_kind(args)}")
        self.stack.append(self.call(function.name, args))

    def call(self, name: str, args: tuple[Any, ...]) -> Any:
        if name in _RECONSTRUCT and len(args) == 3 and isinstance(args[0], _Global) and args[0].name == _NDARRAY:
            return _Blank()
        if name == _DTYPE and args and isinstance(args[0], str):
            return _Blank(_dtype(args[0]))
        if name in _SCALAR and len(args) == 2:
            return self.array(args[1], _made(args[0]), (1,), "C")[0].item()
        if name in _FROM_BUFFER and len(args) == 4:
            return self.array(args[0], _made(args[1]), args[2], str(args[3]))
        if name == _ENCODE and len(args) == 2 and isinstance(args[0], str) and args[1] in ("latin1", "latin-1"):
            return args[0].encode("latin-1")
        if name in _BYTES and not args:
            return b""
        raise _RefusedError(f"calls {name} in a way that numpy does not")

    def build(self) -> None:
        state = self.stack.pop()
        blank = self.stack.pop()
        if not isinstance(blank, _Blank):
            raise _RefusedError(f"sets the state of {_kind(blank)}")
        if type(state) is not tuple:
            raise _RefusedError(f"gives an array {_kind(state)} as its state")
        value: Any
        if blank.dtype is not None:
            value = _Made(_dtype_with_state(blank.dtype, state))
        else:
            _, shape, dtype, fortran, data = state if len(state) == 5 else (0, *state)
            value = self.array(data, _made(dtype), shape, "F" if fortran else "C")
        for key in blank.keys:
            self.memo[key] = value
        self.stack.append(value)

    def array(self, data: Any, dtype: np.dtype[Any], shape: Any, order: str) -> NDArray[Any]:
        """Make an array once its declared shape is known to be that of its data."""
        lengths = shape if type(shape) is tuple else (shape,)
        if len(lengths) > _MOST_AXES or not all(type(n) is int and 0 <= n < 2**62 for n in lengths):
            raise _RefusedError(f"declares an array of shape {shown(repr(shape))}")
        if order not in ("C", "F"):
            raise _RefusedError(f"declares an array of order {shown(order)}")
        count = math.prod(lengths)
        if isinstance(data, str):
            data = data.encode("latin-1")  # Python 2 did not tell bytes from text
        if dtype.hasobject:
            if type(data) is not list or len(data) != count:
                raise _RefusedError(f"declares an object array of shape {lengths} without its objects")
            self.spend(8 * count)
            flat: NDArray[Any] = np.empty(count, object)
            for place, value in enumerate(data):
                flat[place] = value
        else:
            if not isinstance(data, bytes | bytearray) or len(data) != count * dtype.itemsize:
                size = f"{len(data):,} bytes" if isinstance(data, bytes | bytearray) else _kind(data)
                raise _RefusedError(f"declares an array of shape {lengths} and type {dtype}, and gives it {size}")
            flat = plain_array(bytes(data), dtype)
        return flat.reshape(lengths, order="F" if order == "F" else "C")


class _Made:
    """A dtype with its state."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


def _dtype(text: str) -> np.dtype[Any]:
    if not _DTYPES.fullmatch(text):
        raise _RefusedError(f"has an array of type {shown(text)}")
    return np.dtype("O" if text.startswith("O") else text)


def _dtype_with_state(dtype: np.dtype[Any], state: tuple[Any, ...]) -> np.dtype[Any]:
    if len(state) < 5 or any(part is not None for part in state[2:5]) or len(state) > 8:
        raise _RefusedError("has an array of records")
    if state[1] not in ("<", ">", "|", "="):
        raise _RefusedError(f"has an array of byte order {shown(repr(state[1]))}")
    return dtype.newbyteorder(state[1])


def _size(arg: Any) -> int:
    """Bytes of a text, of bytes or of a long number."""
    if isinstance(arg, str | bytes | bytearray):
        return len(arg)
    return arg.bit_length() // 8 if isinstance(arg, int) else 0


def _made(value: Any) -> np.dtype[Any]:
    if not isinstance(value, _Made):
        raise _RefusedError(f"has {_kind(value)} where the type of an array stands")
    return value.dtype


def _kind(value: Any) -> str:
    if isinstance(value, _Global):
        return value.name
    if isinstance(value, _Blank):
        return "an unfinished array"
    if isinstance(value, _Made):
        return "the type of an array"
    return f"a {type(value).__name__}"


def _check(value: Any) -> None:
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
            raise _RefusedError(f"holds {_kind(item)}")


def _number_or_flag(machine: _Machine, arg: Any) -> None:
    machine.stack.append(arg)


def _pop(machine: _Machine, _: Any) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _pop_mark(machine: _Machine, _: Any) -> None:
    machine.since_mark()


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: Any) -> None:
        if len(machine.stack) < count:
            raise IndexError("a tuple of more than there is")
        values = tuple(machine.stack[len(machine.stack) - count :])
        del machine.stack[len(machine.stack) - count :]
        machine.stack.append(values)

    return step


def _dict(machine: _Machine, _: Any) -> None:
    values = machine.since_mark()
    machine.stack.append({})
    machine.set_items(values)


def _set_item(machine: _Machine, _: Any) -> None:
    value = machine.stack.pop()
    key = machine.stack.pop()
    machine.set_items([key, value])


def _append(machine: _Machine, _: Any) -> None:
    value = machine.stack.pop()
    machine.extend([value])


def _global(machine: _Machine, arg: str) -> None:
    machine.refer(*arg.split(" ", 1))


def _stack_global(machine: _Machine, _: Any) -> None:
    name = machine.stack.pop()
    machine.refer(machine.stack.pop(), name)


def _push(value: Any) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(value)


_STEPS: Final[dict[str, Callable[[_Machine, Any], None]]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "NONE": _push(None),
    "NEWTRUE": _push(True),
    "NEWFALSE": _push(False),
    **dict.fromkeys(
        (
            "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
            "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
            "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
        ),
        _number_or_flag,
    ),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_TUPLE": _tuple_of(0),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "DICT": _dict,
    "APPEND": _append,
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "PUT": lambda machine, arg: machine.put(arg),
    "BINPUT": lambda machine, arg: machine.put(arg),
    "LONG_BINPUT": lambda machine, arg: machine.put(arg),
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "GET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "BINGET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "LONG_BINGET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
}  # fmt: skip
"""What may be done; an opcode that is not here is refused."""

_REASONS: Final = {
    "PERSID": "refers to an object outside it (persistent id)",
    "BINPERSID": "refers to an object outside it (persistent id)",
    "INST": "makes an object of a class (INST)",
    "OBJ": "makes an object of a class (OBJ)",
    "NEWOBJ": "makes an object of a class (NEWOBJ)",
    "NEWOBJ_EX": "makes an object of a class (NEWOBJ_EX)",
    "EXT1": "refers to the registry of extensions (EXT1)",
    "EXT2": "refers to the registry of extensions (EXT2)",
    "EXT4": "refers to the registry of extensions (EXT4)",
}
