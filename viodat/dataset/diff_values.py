"""Single values of two datasets side by side: texts, numbers with a unit, lists and keys of JSON.

A number that is not known is None or NaN, and equal to itself; against a number it is a change. Where a field has a
unit its tolerance is that of :class:`Tolerances` in that unit, else a share of the larger of the two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from viodat.errors import ConfigError

_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Tolerances:
    """Differences up to these count as none; 0: numbers must be equal.

    Attributes
    ----------
    mm
        For every number in mm: joints, sigma, measurements.
    ms
        For every time and every clock, whatever its unit.
    share
        For all other numbers: of what they vary by (a column of a stream: the standard deviation of its joint, angle
        or feature over the file), or, where there is one number only, of the number itself.

    Raises
    ------
    ConfigError
        If one is negative or not finite.
    """

    mm: float = 0.0
    ms: float = 0.0
    share: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                option = "--tolerance" if field.name == "share" else f"--tolerance-{field.name}"
                raise ConfigError(f"{option} {value:g}: expected a number that is not negative")

    @property
    def any(self) -> bool:
        """Whether one is above 0."""
        return max(self.mm, self.ms, self.share) > 0

    def fixed(self, unit: str | None) -> float | None:
        """Give the tolerance in ``unit``, or None where it is a share."""
        return {"mm": self.mm, "ms": self.ms, "s": self.ms * 1e-3, "ns": self.ms * 1e6}.get(unit or "")


@dataclass(frozen=True)
class FieldChange:
    """One value that differs.

    Attributes
    ----------
    field
        Column, or place in a JSON document: ``options.sync``, ``joint_methods[left_wrist]``.
    a, b
        What the datasets hold; None where it is not known or not there.
    unit
        Of the numbers, None for anything else.
    delta
        ``b - a`` for numbers, else None.
    counts
        False for what is told without making the datasets different (``NOT_COUNTED`` of ``viodat.dataset.diff``).
    """

    field: str
    a: Any
    b: Any
    unit: str | None = None
    delta: float | None = None
    counts: bool = True


def changes(
    field: str,
    a: Any,
    b: Any,
    tolerances: Tolerances,
    *,
    unit: str | None = None,
    names: Sequence[str] | None = None,
    counts: bool = True,
) -> Iterator[FieldChange]:
    """Give what differs between two values, by its place in them.

    Parameters
    ----------
    field
        What they are called.
    a, b
        None, texts, numbers, booleans, or lists and mappings of such. A key that one lacks is None there; lists of
        different lengths differ as a whole.
    tolerances
        For the numbers.
    unit
        Of the numbers.
    names
        Names of a list's items, for the place; their numbers where None.
    counts
        Passed on.
    """
    a, b = _known(a), _known(b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in sorted({*a, *b}, key=str):
            yield from changes(f"{field}.{key}", a.get(key), b.get(key), tolerances, unit=unit, counts=counts)
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for at, (one, other) in enumerate(zip(a, b, strict=True)):
            place = names[at] if names else str(at)
            yield from changes(f"{field}[{place}]", one, other, tolerances, unit=unit, counts=counts)
    elif _is_number(a) and _is_number(b):
        if abs(b - a) > limit(a, b, tolerances, unit):
            yield FieldChange(field, a, b, unit, float(b - a), counts)
    elif a != b:
        yield FieldChange(field, a, b, unit, None, counts)


def limit(a: float, b: float, tolerances: Tolerances, unit: str | None) -> float:
    """Give by how much two numbers may differ, in their unit; whole numbers that are no times not at all."""
    fixed = tolerances.fixed(unit)
    if fixed is not None:
        return fixed
    return 0.0 if isinstance(a, int) and isinstance(b, int) else tolerances.share * max(abs(a), abs(b))


def same_sentence(a: str | None, b: str | None, tolerances: Tolerances) -> bool:
    """Say whether two sentences are the same; if there is any tolerance, whatever the numbers in them."""
    if a is None or b is None or not tolerances.any:
        return a == b
    return _NUMBER.sub("#", a) == _NUMBER.sub("#", b)


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
