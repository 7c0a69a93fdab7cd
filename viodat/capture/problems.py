"""Several mistakes of one text file in one error: a user mends them all at once, not one per run.

A :class:`Problem` is one mistake with the line it stands on; :func:`config_error` makes the one
:class:`~viodat.errors.ConfigError` of them, each on a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from viodat.errors import ConfigError

_MOST_SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """One mistake in a text file.

    Attributes
    ----------
    text
        What was found and what was expected, with the way to mend it; no full stop at the end.
    line
        The line it stands on, counted from 1; None where it is not known.
    """

    text: str
    line: int | None = None

    def __str__(self) -> str:
        return self.text if self.line is None else f"line {self.line}: {self.text}"


def config_error(problems: Sequence[Problem], where: str | Path) -> ConfigError:
    """Make one error of all that is wrong with a file, in the order of its lines.

    Parameters
    ----------
    problems
        At least one.
    where
        The file.
    """
    ordered = sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0))
    if len(ordered) == 1:
        return ConfigError(str(ordered[0]), where=where)
    lines = [f"  {problem}" for problem in ordered[:_MOST_SHOWN]]
    if len(ordered) > _MOST_SHOWN:
        lines.append(f"  and {len(ordered) - _MOST_SHOWN} more")
    return ConfigError("\n".join([f"{len(ordered)} mistakes", *lines]), where=where)
