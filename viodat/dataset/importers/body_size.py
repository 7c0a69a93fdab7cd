"""The unit of length of published positions, told by the size of the people in them."""

from __future__ import annotations

from typing import Final

TRUNK_MM: Final = (150.0, 900.0)
"""From shoulder to hip, children included; the same numbers in cm or m are no person's in mm."""

UNITS_MM: Final = {"mm": 1.0, "cm": 10.0, "m": 1000.0}


def of_a_person(trunk_mm: float) -> bool:
    """Say whether a person can be so long from shoulder to hip."""
    return TRUNK_MM[0] <= trunk_mm <= TRUNK_MM[1]


def unit_of(trunk: float) -> str | None:
    """Give the unit in which a trunk is a person's, or None.

    Examples
    --------
    >>> unit_of(0.46), unit_of(460.0), unit_of(4.6)
    ('m', 'mm', None)
    """
    return next((unit for unit, scale in UNITS_MM.items() if of_a_person(trunk * scale)), None)
