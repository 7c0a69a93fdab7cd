"""capture.toml [sessions] and [pieces]: which trials were recorded together, and what is played in them.

Both are tables of name -> trials, each a trial's id or a pattern in which ``*`` stands for any text:
``"Kreutzer 2" = ["*T28", "P05T31"]``. What is not named is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from viodat.capture.spelling import shown
from viodat.errors import ConfigError

_PATTERN: Final = re.compile(r"[A-Za-z0-9_*-]+")
_LONGEST: Final = 100
_MOST_STARS: Final = 2


def _known_letters(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern) or len(pattern) > _LONGEST or pattern.count("*") > _MOST_STARS:
        raise ValueError(
            f"'{shown(pattern, 30)}' is no trial id or pattern; they consist of the letters A-Z, digits, '-', '_' "
            f"and at most {_MOST_STARS} '*'"
        )
    return pattern


def _printable_names(groups: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for name in groups:
        if not name.strip() or len(name) > _LONGEST or not name.isprintable():
            raise ValueError(f"name '{shown(name, 30)}' is not 1 to {_LONGEST} printable characters")
    return groups


Pattern = Annotated[str, AfterValidator(_known_letters)]
Groups = Annotated[
    dict[str, Annotated[tuple[Pattern, ...], Field(strict=False)]],
    AfterValidator(_printable_names),
]
"""Name -> ids or patterns of its trials."""


def group_of(groups: Mapping[str, Sequence[str]], trials: Iterable[str], table: str) -> dict[str, str]:
    """Give the group of each trial that is in one.

    Parameters
    ----------
    groups
        A table of capture.toml.
    trials
        All trial ids of the capture.
    table
        ``sessions`` or ``pieces``, for the message.

    Raises
    ------
    ConfigError
        If a pattern matches no trial, or a trial is in two groups.

    Examples
    --------
    >>> group_of({"Kreutzer 2": ["*T28"]}, ["P04T28", "P05T28", "P05T29"], "pieces")
    {'P04T28': 'Kreutzer 2', 'P05T28': 'Kreutzer 2'}
    """
    known = sorted(trials)
    found: dict[str, str] = {}
    for name, patterns in groups.items():
        for pattern in patterns:
            regex = re.compile(re.escape(pattern).replace(r"\*", ".*"))
            members = [trial for trial in known if regex.fullmatch(trial)]
            if not members:
                raise ConfigError(
                    f"[{table}] '{name}': '{pattern}' is no trial; there are {', '.join(known[:8])}"
                    + (" ..." if len(known) > 8 else ""),
                    where="capture.toml",
                    mend="Correct the id, or leave it out.",
                )
            for trial in members:
                if found.setdefault(trial, name) != name:
                    raise ConfigError(
                        f"[{table}] puts {trial} into '{found[trial]}' and '{name}'",
                        where="capture.toml",
                        mend="Leave it in one of them.",
                    )
    return found
