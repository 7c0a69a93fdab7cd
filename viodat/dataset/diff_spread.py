"""Quantiles of more numbers than fit into memory: a histogram with bins 1 % wide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LEAST: Final = 1e-9
_PER_DECADE: Final = 231  # bins 1 % wide
_DECADES: Final = 21


@dataclass
class Spread:
    """Quantiles of any number of differences in constant memory: to 1 %, and 0 below 1e-9."""

    _counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_DECADES * _PER_DECADE + 1, np.int64))
    _least: float = np.inf
    _largest: float = -np.inf

    def add(self, values: NDArray[Any]) -> None:
        """Take in differences, not negative and without NaN, any shape."""
        if not values.size:
            return
        with np.errstate(divide="ignore"):
            place = np.log10(values.ravel() / _LEAST) * _PER_DECADE
        bins = np.clip(place + 1, 0, len(self._counts) - 1).astype(np.int64)
        self._counts += np.bincount(bins, minlength=len(self._counts))
        self._least = min(self._least, float(values.min()))
        self._largest = max(self._largest, float(values.max()))

    def merge(self, other: Spread) -> None:
        """Take in all that another has."""
        self._counts += other._counts
        self._least = min(self._least, other._least)
        self._largest = max(self._largest, other._largest)

    def quantile(self, share: float) -> float:
        """Give the value that ``share`` of them do not exceed; NaN if there is none."""
        total = int(self._counts.sum())
        if not total:
            return float("nan")
        at = int(np.searchsorted(np.cumsum(self._counts), max(share * total, 1)))
        middle = 0.0 if at == 0 else _LEAST * 10 ** ((at - 0.5) / _PER_DECADE)
        return min(max(middle, self._least), self._largest)
