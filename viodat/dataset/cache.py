"""What was read lately, kept in memory up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class Sized(Protocol):
    """A value that knows its size in bytes, as a numpy array does."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        ...


T = TypeVar("T", bound=Sized)


class ByteCache:
    """Values by key; what was asked for longest ago goes first when they exceed ``limit_bytes``.

    A value larger than the limit is given but not kept. A pickled cache comes back empty: a worker process reads for
    itself instead of being sent what its parent read.

    Attributes
    ----------
    limit_bytes
        How much is kept.
    nbytes
        How much is kept now.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.nbytes = 0
        self._values: OrderedDict[object, Any] = OrderedDict()

    def get(self, key: object, load: Callable[[], T]) -> T:
        """Give the value of ``key``, from memory or else from ``load``."""
        if key in self._values:
            self._values.move_to_end(key)
            kept: T = self._values[key]
            return kept
        value = load()
        self._values[key] = value
        self.nbytes += value.nbytes
        while self.nbytes > self.limit_bytes:
            _, oldest = self._values.popitem(last=False)
            self.nbytes -= oldest.nbytes
        return value

    def __reduce__(self) -> tuple[object, ...]:
        return ByteCache, (self.limit_bytes,)
