"""Values of a stage as JSON and arrays, so that what lies in the cache can be read without running anything of it.

A pickle runs what it holds, and a cache may lie on a shared disk. Here a value is plain: numbers, texts, containers,
arrays without objects, and dataclasses and enumerations of viodat by name. Whatever else is met is refused, when it is
written and when it is read.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.errors import ViodatError

Tree = Any
Arrays = dict[str, NDArray[Any]]

_TAG: Final = "~"
_CLASS: Final = re.compile(r"(viodat(?:\.[A-Za-z_][A-Za-z0-9_]*)+):([A-Za-z_][A-Za-z0-9_]*)")


def encode(value: object, below: Path | None = None) -> tuple[Tree, Arrays]:
    """Take a value apart.

    Parameters
    ----------
    value
        Of plain types, numpy arrays and scalars, dataclasses, enumerations and errors of viodat.
    below
        A folder; paths in it are kept relative to it.

    Returns
    -------
    tree, arrays
        What ``json.dumps`` takes, and the arrays that it names. The same array met twice is kept once.

    Raises
    ------
    TypeError
        Something in it is of another type.
    """
    encoder = _Encoder(below)
    return encoder.tree(value), encoder.arrays


def decode(tree: Tree, arrays: Mapping[str, NDArray[Any]], below: Path | None = None) -> Any:
    """Put together what :func:`encode` took apart; equal values, same types.

    Raises
    ------
    ValueError
        The tree is not one of :func:`encode`'s.
    """
    try:
        return _Decoder(arrays, below).value(tree)
    except (KeyError, TypeError, AttributeError, ImportError, IndexError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


class _Encoder:
    def __init__(self, below: Path | None) -> None:
        self.arrays: Arrays = {}
        self._names: dict[int, str] = {}
        self._below = below

    def tree(self, value: Any) -> Tree:
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else _tagged("float", repr(value))
        if isinstance(value, Enum):
            return _tagged(_name_of(kind), value.value)
        if kind is np.ndarray:
            return _tagged("array", self._array(value))
        if isinstance(value, np.generic):
            return _tagged("scalar", self._array(np.asarray(value)))
        if kind in (list, tuple):
            return _tagged(kind.__name__, [self.tree(item) for item in value])
        if kind in (set, frozenset):
            return _tagged(kind.__name__, sorted((self.tree(item) for item in value), key=json.dumps))
        if isinstance(value, Mapping):
            return _tagged("dict", [[self.tree(key), self.tree(item)] for key, item in value.items()])
        if isinstance(value, Fraction):
            return _tagged("fraction", str(value))
        if isinstance(value, Path):
            if self._below is not None and value.is_relative_to(self._below):
                return _tagged("below", value.relative_to(self._below).as_posix())
            return _tagged("path", str(value))
        if isinstance(value, ViodatError):
            return _tagged(
                _name_of(kind),
                {"problem": value.problem, "where": self.tree(value.path or value.where), "mend": value.mend},
            )
        if is_dataclass(kind):
            return _tagged(_name_of(kind), {one.name: self.tree(getattr(value, one.name)) for one in fields(kind)})
        raise TypeError(f"a {kind.__module__}.{kind.__qualname__} cannot be kept")

    def _array(self, array: NDArray[Any]) -> str:
        if array.dtype.hasobject:
            raise TypeError(f"an array of {array.dtype} cannot be kept")
        name = self._names.get(id(array))
        if name is None:
            name = self._names[id(array)] = f"a{len(self.arrays)}"
            # Kept here too, so that its id is nobody else's while this goes on.
            self.arrays[name] = array
        return name


class _Decoder:
    def __init__(self, arrays: Mapping[str, NDArray[Any]], below: Path | None) -> None:
        self._arrays, self._below = arrays, below

    def value(self, tree: Tree) -> Any:
        if not isinstance(tree, dict):
            return tree
        tag, inner = tree[_TAG], tree["v"]
        match tag:
            case "float":
                return float(inner)
            case "array":
                return self._arrays[inner]
            case "scalar":
                return self._arrays[inner][()]
            case "list":
                return [self.value(item) for item in inner]
            case "tuple":
                return tuple(self.value(item) for item in inner)
            case "set":
                return {self.value(item) for item in inner}
            case "frozenset":
                return frozenset(self.value(item) for item in inner)
            case "dict":
                return {self.value(key): self.value(item) for key, item in inner}
            case "fraction":
                return Fraction(inner)
            case "path":
                return Path(inner)
            case "below":
                if self._below is None:
                    raise ValueError(f"{inner} lies below a folder that is not given")
                return self._below / inner
        return self._of_ours(tag, inner)

    def _of_ours(self, tag: str, inner: Any) -> Any:
        kind = _class_of(tag)
        if issubclass(kind, Enum):
            return kind(inner)
        if issubclass(kind, ViodatError):
            return kind(inner["problem"], where=self.value(inner["where"]), mend=inner["mend"])
        if not is_dataclass(kind):
            raise ValueError(f"{tag} is no dataclass")
        known = {one.name: one for one in fields(kind)}
        values = {name: self.value(item) for name, item in inner.items()}
        made = kind(**{name: value for name, value in values.items() if known[name].init})
        for name, value in values.items():
            if not known[name].init:
                object.__setattr__(made, name, value)
        return made


def _tagged(tag: str, inner: Any) -> Tree:
    return {_TAG: tag, "v": inner}


def _name_of(kind: type) -> str:
    name = f"{kind.__module__}:{kind.__qualname__}"
    if _CLASS.fullmatch(name) is None:
        raise TypeError(f"a {kind.__module__}.{kind.__qualname__} cannot be kept")
    return name


def _class_of(name: str) -> type:
    found = _CLASS.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no class of viodat")
    kind = getattr(importlib.import_module(found[1]), found[2])
    if not isinstance(kind, type) or kind.__module__ != found[1]:
        raise ValueError(f"{name!r} is no class of viodat")
    return kind
