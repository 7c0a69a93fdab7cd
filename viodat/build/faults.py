"""What a failure costs is decided where it happens; how it is told for the record stands here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from viodat.errors import ViodatError

_REPORT: Final = "(please report this)"
_OURS: Final = re.compile(rf"unexpected \w+: .*?{re.escape(_REPORT)}", re.DOTALL)


def reason_of(error: Exception) -> str:
    """Say in a sentence why a stage failed: a fault of a file, or one of ours, which must be told apart.

    Raises
    ------
    KeyboardInterrupt
        Compiled code has turned Ctrl-C into an error of its own.
    """
    if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
        raise KeyboardInterrupt from error
    if isinstance(error, ViodatError):
        return str(error)
    return f"unexpected {type(error).__name__}: {error} {_REPORT}"


def faults_of_ours(texts: Iterable[str]) -> tuple[str, ...]:
    """Find the faults of ours, each once, that reasons, notes or alarms tell of."""
    return tuple(dict.fromkeys(found for text in texts for found in _OURS.findall(text)))
