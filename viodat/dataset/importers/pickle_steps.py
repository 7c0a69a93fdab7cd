"""What each opcode of a pickle does to the machine; an opcode that is not here is refused."""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, Final, Protocol

from viodat.dataset.importers.pickle_arrays import RefusedError
from viodat.dataset.importers.pickle_machine import Machine, check

_OBJECT_BYTES: Final = 64
"""What one object is taken to cost in memory, whatever it is."""


class Stream(Protocol):
    """What a pickle is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Give up to ``size`` bytes."""
        ...

    def readline(self) -> bytes:
        """Give the bytes up to and with the next line feed."""
        ...


def run(stream: Stream, limit_bytes: int) -> Any:
    """Build what a pickle describes.

    Raises
    ------
    RefusedError
        If it holds what is not admitted.
    TooLargeError
        If it takes more than ``limit_bytes``.
    """
    machine = Machine(limit_bytes)
    for opcode, arg, _ in pickletools.genops(stream):  # type: ignore[arg-type]
        if opcode.name == "STOP":
            value = machine.stack.pop()
            check(value)
            return value
        machine.spend(_OBJECT_BYTES + _size(arg))
        step = _STEPS.get(opcode.name)
        if step is None:
            raise RefusedError(_REASONS.get(opcode.name, f"uses the pickle opcode {opcode.name}"))
        step(machine, arg)
    raise ValueError("it has no end")


def _size(arg: Any) -> int:
    """Bytes of a text, of bytes or of a long number."""
    if isinstance(arg, str | bytes | bytearray):
        return len(arg)
    return arg.bit_length() // 8 if isinstance(arg, int) else 0


def _number_or_flag(machine: Machine, arg: Any) -> None:
    machine.stack.append(arg)


def _pop(machine: Machine, _: Any) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _pop_mark(machine: Machine, _: Any) -> None:
    machine.since_mark()


def _tuple_of(count: int) -> Callable[[Machine, Any], None]:
    def step(machine: Machine, _: Any) -> None:
        if len(machine.stack) < count:
            raise IndexError("a tuple of more than there is")
        values = tuple(machine.stack[len(machine.stack) - count :])
        del machine.stack[len(machine.stack) - count :]
        machine.stack.append(values)

    return step


def _dict(machine: Machine, _: Any) -> None:
    values = machine.since_mark()
    machine.stack.append({})
    machine.set_items(values)


def _set_item(machine: Machine, _: Any) -> None:
    value = machine.stack.pop()
    key = machine.stack.pop()
    machine.set_items([key, value])


def _append(machine: Machine, _: Any) -> None:
    value = machine.stack.pop()
    machine.extend([value])


def _global(machine: Machine, arg: str) -> None:
    machine.refer(*arg.split(" ", 1))


def _stack_global(machine: Machine, _: Any) -> None:
    name = machine.stack.pop()
    machine.refer(machine.stack.pop(), name)


def _push(value: Any) -> Callable[[Machine, Any], None]:
    return lambda machine, _: machine.stack.append(value)


_STEPS: Final[dict[str, Callable[[Machine, Any], None]]] = {
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
