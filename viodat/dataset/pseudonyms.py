"""Names of people, replaced by participant ids in whatever is written.

Motion-capture software asks for a subject's name and puts it before every marker's label; labs name files after people.
A dataset knows participants by their ids. So every name that is met in the raw files is replaced in paths, notes,
reasons and configuration before these are written. Names are found in any case, with blanks, ``_``, ``-``, ``.`` or
nothing between their parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

NOBODY: Final = "subject"
"""Stands for a name that several participants have, such as a template's."""

_LEAST_INSIDE: Final = 6
"""So many letters of a name are found inside other words too (``AnnabelQuistT01``); fewer only by themselves."""
_PARTS: Final = re.compile(r"[^\W_]+")
_BETWEEN: Final = r"[\s_.\-]*"


class Pseudonyms:
    """Replaces names.

    Parameters
    ----------
    names
        (name, participant id) pairs, as often as they are met. What is the id itself is left alone, and so is a name
        without a letter.

    Examples
    --------
    >>> people = Pseudonyms([("Annabel Quist", "P04")])
    >>> people.text("annabel_quist/Annabel Quist T01.c3d")
    'P04/P04 T01.c3d'
    """

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        owners: dict[str, set[str]] = {}
        for name, participant in names:
            parts = _PARTS.findall(name.casefold())
            if any(not part.isdigit() for part in parts) and name.casefold() != participant.casefold():
                owners.setdefault(" ".join(parts), set()).add(participant)
        self._ids = {name.replace(" ", ""): min(ids) if len(ids) == 1 else NOBODY for name, ids in owners.items()}
        # The longest first: a name may begin with another.
        patterns = [_pattern(name.split()) for name in sorted(owners, key=lambda name: (-len(name), name))]
        self._names = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None

    def text(self, text: str) -> str:
        """Give a text with ids in place of names."""
        if self._names is None:
            return text
        return self._names.sub(lambda found: self._ids["".join(_PARTS.findall(found[0].casefold()))], text)

    def plain(self, value: Any) -> Any:
        """Give plain values (mappings, lists, tuples, texts, numbers) with ids in place of names, in keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.plain(key): self.plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.plain(item) for item in value)
        return value


def _pattern(parts: list[str]) -> str:
    body = _BETWEEN.join(map(re.escape, parts))
    return body if sum(map(len, parts)) >= _LEAST_INSIDE else rf"(?<![^\W_]){body}(?![^\W_])"
