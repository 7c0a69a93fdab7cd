"""What a failure costs is decided where it happens; how it is told for the record stands here."""

from __future__ import annotations

from viodat.errors import ViodatError


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
    return f"unexpected {type(error).__name__}: {error} (please report this)"
