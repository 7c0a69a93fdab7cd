"""Things timed in turns in one process, and the table of what came out beside what was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

HEAD = "| model | what | against | that | viodat | ratio | target | |\n|---|---|---|---:|---:|---:|---:|---|"


@dataclass(frozen=True)
class Clock:
    """How often things are timed.

    Attributes
    ----------
    repeats
        Turns at least.
    seconds
        More turns are made until so many have passed.
    """

    repeats: int
    seconds: float

    def turns(self, calls: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
        """Time calls in turns, forwards and backwards; give seconds of each. A first turn does not count."""
        took: dict[str, list[float]] = {name: [] for name in calls}
        for call in calls.values():
            call()
        names, began = list(calls), time.perf_counter()
        while len(took[names[0]]) < self.repeats or time.perf_counter() - began < self.seconds:
            for name in names:
                start = time.perf_counter()
                calls[name]()
                took[name].append(time.perf_counter() - start)
            names.reverse()
        return took


@dataclass(frozen=True)
class Row:
    """A comparison.

    Attributes
    ----------
    model, what, against
        Of which model, what is compared, and with what.
    unit
        Of both, ``ms`` or ``MB``.
    reference, ours
        Medians.
    ratio
        What ``target`` is of: reference / ours where more is better, else ours / reference.
    target
        None: nothing is asked for.
    more
        Whether a higher ratio is better.
    """

    model: str
    what: str
    against: str
    unit: str
    reference: float
    ours: float
    ratio: float
    target: float | None
    more: bool

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.ratio >= self.target if self.more else self.ratio <= self.target

    def as_dict(self) -> dict[str, Any]:
        """Give everything, for JSON."""
        return {**asdict(self), "met": self.met}

    def __str__(self) -> str:
        digits = 1 if self.unit == "ms" and self.reference < 1000 else 0
        values = [f"{value:,.{digits}f} {self.unit}" for value in (self.reference, self.ours)]
        target = "" if self.target is None else f"{'≥' if self.more else '≤'} {self.target:.2f}"
        met = {None: "", True: "met", False: "**missed**"}[self.met]
        return (
            "| " + " | ".join((self.model, self.what, self.against, *values, f"{self.ratio:.3f}", target, met)) + " |"
        )


def times(
    model: str,
    what: str,
    took: Mapping[str, list[float]],
    pair: tuple[str, str],
    target: float | None,
    more: bool = True,
) -> Row:
    """Compare what two calls took, the reference's and ours; the ratio is the median of those of each turn."""
    reference, ours = (took[name] for name in pair)
    over, under = (reference, ours) if more else (ours, reference)
    ratio = median(x / y for x, y in zip(over, under, strict=True))
    return Row(model, what, pair[0], "ms", 1e3 * median(reference), 1e3 * median(ours), ratio, target, more)
