"""The known name nearest to a misspelt one, and how to say so: for keys, columns, joints and placeholders.

Names are compared without regard to case, hyphens and spaces, so ``Left Knee`` finds ``left_knee``.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection

_CUTOFF = 0.6
"""Ratio of matching letters (Ratcliff/Obershelp) below which a name is not offered."""

_SHORTEST_BEGINNING = 3
"""So many letters are enough to take a name for the beginning of another: ``hand`` for ``handedness``."""

_LONGEST_NAME = 100
"""Comparing is quadratic in the length; nothing that long is a typing mistake."""

_MOST_LISTED = 15
"""So many known names are listed where one of them is near already."""


def nearest(name: str, known: Collection[str]) -> str | None:
    """Give the known name most like ``name``, or None if none is like it.

    Examples
    --------
    >>> nearest("splts", ["splits", "sync"])
    'splits'
    >>> nearest("quaternion", ["splits", "sync"]) is None
    True
    """
    if len(name) > _LONGEST_NAME:
        return None
    by_folded = {_folded(candidate): candidate for candidate in sorted(known, reverse=True)}
    folded = _folded(name)
    found = difflib.get_close_matches(folded, by_folded, n=1, cutoff=_CUTOFF)
    if not found and len(folded) >= _SHORTEST_BEGINNING:
        found = [candidate for candidate in by_folded if candidate.startswith(folded)]
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Collection[str], what: str) -> str:
    """Give the words that mend a misspelt name: the nearest one, and the known ones unless they are many.

    Parameters
    ----------
    name
        As it was written.
    known
        The names that are right; they are listed in their own order.
    what
        What they are, in the plural: ``keys``, ``columns``.

    Examples
    --------
    >>> did_you_mean("splts", ["splits", "sync"], "keys")
    "did you mean 'splits'? Known keys: splits, sync"
    """
    suggestion = nearest(name, known)
    listed = f"nown {what}: {', '.join(known)}"
    if suggestion is None:
        return f"k{listed}"
    return f"did you mean '{suggestion}'?" + (f" K{listed}" if len(known) <= _MOST_LISTED else "")


def shown(text: object, longest: int = 60) -> str:
    """Give a value as an error message shows it: on one line, printable everywhere, cut where it is long."""
    try:
        whole = str(text)
    except ValueError:
        # Python refuses to print integers of more than 4300 digits.
        whole = f"a very long {type(text).__name__}"
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in whole[: longest + 1])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")
