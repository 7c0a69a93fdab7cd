"""What a metric is: a function with a unit, a direction and a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import WRAPPER_ASSIGNMENTS
from typing import Generic, Literal, ParamSpec

P = ParamSpec("P")

Direction = Literal["lower", "higher"]


@dataclass(frozen=True, eq=False)
class Metric(Generic[P]):
    """A metric: call it with a prediction and its target.

    Attributes
    ----------
    function
        What computes it.
    name
        As results and protocols call it.
    unit
        Of its value.
    direction
        Which values are better.
    reference
        Where its definition is from.
    per_second
        Whether it needs ``rate_hz``.
    """

    function: Callable[P, float]
    name: str
    unit: str
    direction: Direction
    reference: str
    per_second: bool = False

    def __post_init__(self) -> None:
        for attribute in WRAPPER_ASSIGNMENTS:
            object.__setattr__(self, attribute, getattr(self.function, attribute))
        object.__setattr__(self, "__wrapped__", self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> float:
        """Compute it."""
        return self.function(*args, **kwargs)


def metric(
    *, unit: str, reference: str, name: str = "", direction: Direction = "lower", per_second: bool = False
) -> Callable[[Callable[P, float]], Metric[P]]:
    """Make a function a metric of its own name."""
    return lambda function: Metric(function, name or function.__name__, unit, direction, reference, per_second)
