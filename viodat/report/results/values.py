"""What the page and the Markdown read from results: numbers that may be missing, the order of models, and digits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from viodat.report.wording import MISSING, joint_name

Results = Mapping[str, Any]
Row = Mapping[str, Any]

MAIN: Final = "mpjpe"
"""The metric that models are sorted by and compared on; all others are exploratory."""
MOST_LINES: Final = 6
"""Models in a figure of lines: the best ones."""


def plain(value: Any) -> Any:
    """Give values as JSON holds them: lists for arrays, None for NaN and infinities."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def known(value: Any) -> float | None:
    """Give a number, or None where it is missing: None, NaN, infinite or no number at all."""
    if isinstance(value, bool | str) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def series(values: Iterable[Any] | None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give an array of numbers, NaN where they are missing."""
    return np.array([math.nan if (one := known(v)) is None else one for v in values or ()], dtype=np.float64)


def pair_of(value: Any) -> tuple[float, float] | None:
    """Give an interval's two ends, or None unless both are known."""
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or len(value) != 2:
        return None
    low, high = known(value[0]), known(value[1])
    return None if low is None or high is None else (low, high)


def score(row: Row, metric: str = MAIN) -> float | None:
    """Give a row's value of a metric over the whole test set."""
    return known((row.get("overall") or {}).get(metric))


def ranked(results: Results) -> list[Row]:
    """Give the rows by MPJPE, the best first and those without one last."""
    return sorted(results.get("rows") or (), key=_rank)


def _rank(row: Row) -> tuple[bool, float, str]:
    value = score(row)
    return value is None, value or 0.0, str(row["label"])


def best(results: Results, *, floor: bool | None = None) -> Row | None:
    """Give the row of least MPJPE, of floors or of other models only where that is asked; None without one."""
    rows = [row for row in ranked(results) if score(row) is not None and floor in (None, bool(row.get("floor")))]
    return rows[0] if rows else None


def drawn_labels(results: Results, labels: Iterable[str]) -> list[str]:
    """Give the labels of a figure of lines in the table's order, at most six: the best."""
    wanted = list(labels)
    order = {str(row["label"]): place for place, row in enumerate(ranked(results))}
    return sorted(wanted, key=lambda label: (order.get(label, len(order)), label))[:MOST_LINES]


def decimals(values: Iterable[float | None]) -> int:
    """Give the digits after the point with which numbers of one column are written."""
    sizes = [abs(value) for value in values if value is not None]
    if not sizes:
        return 2
    typical = float(np.median(sizes))
    return 1 if typical >= 100 else 2 if typical >= 1 else 3


def fixed(value: float | None, digits: int, *, sign: bool = False) -> str:
    """Write a number with so many digits after the point; an en dash where it is missing."""
    if value is None:
        return MISSING
    # Adding zero turns a rounded −0.0 into 0.0.
    text = f"{round(value, digits) + 0.0:{'+' if sign else ''},.{digits}f}"
    return text.replace("-", "−")


def interval_text(interval: tuple[float, float] | None, digits: int) -> str:
    """Write an interval in brackets; nothing where there is none."""
    return "" if interval is None else f"[{fixed(interval[0], digits)}, {fixed(interval[1], digits)}]"


def p_text(value: float | None) -> str:
    """Write a probability with two digits that count."""
    if value is None:
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.2g}"


def parameters_text(value: Any) -> str:
    """Write how many parameters a model has: ``33.6 M``, ``4.1 k``, ``0``."""
    number = known(value)
    if number is None:
        return MISSING
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,.0f}"


def part_title(name: str) -> str:
    """Write a joint or a group of joints for people: ``left_upper_limb`` is ``left upper limb``."""
    return joint_name(name)


def recording_values(row: Row) -> list[tuple[str, float]]:
    """Give a row's recordings with their MPJPE, mm, the best first."""
    found = [(str(name), known((values or {}).get(MAIN))) for name, values in (row.get("recordings") or {}).items()]
    return sorted(((name, value) for name, value in found if value is not None), key=lambda one: (one[1], one[0]))
