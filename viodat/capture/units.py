"""Whether a body measurement is in the unit its name says: a height of 1.72 mm is one of 1.72 m.

A value that no body has, but would have in another unit, names that unit. What the table of
:mod:`viodat.capture.measurements` calls impossible is refused here, since here it was typed by hand and can
be mended by hand; the ranges hold a small child and a giant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from viodat.capture.measurements import MEASUREMENTS

_OTHER_UNITS: Final[Mapping[str, tuple[tuple[str, float], ...]]] = {
    "mm": (("metres", 1000.0), ("centimetres", 10.0), ("inches", 25.4)),
    "kg": (("grams", 0.001), ("pounds", 0.45359237)),
    "rad": (("degrees", math.pi / 180),),
}


def unit_fault(name: str, value: float) -> str | None:
    """Say what is wrong with a value in the unit of its name, or None.

    Parameters
    ----------
    name
        One of :data:`viodat.capture.measurements.MEASUREMENTS`.
    value
        In that unit.

    Examples
    --------
    >>> unit_fault("height_mm", 1.72)
    'height_mm is 1.72, which looks like metres; write 1720'
    """
    spec = MEASUREMENTS[name]
    if spec.low <= value <= spec.high:
        return None
    for unit, factor in _OTHER_UNITS[spec.unit]:
        if value and spec.low <= value * factor <= spec.high:
            return f"{name} is {value:g}, which looks like {unit}; write {value * factor:.6g}"
    hint = "; leave it out where it is unknown" if value == 0 else ""
    return f"{name} is {value:g}, {spec.low:g} to {spec.high:g} {spec.unit} was expected{hint}"
