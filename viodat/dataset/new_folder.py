"""A folder that is either whole or not there: written under another name beside it, and renamed at the end."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from viodat.errors import ConfigError


@contextlib.contextmanager
def new_folder(destination: Path, *, option: str) -> Iterator[Path]:
    """Give an empty folder to write to, and put it in the place of ``destination`` if the block succeeds.

    Parameters
    ----------
    destination
        Where the folder will stand. Nothing is there, or an empty folder.
    option
        The option of the command that names it, for messages.

    Yields
    ------
    Path
        A folder beside it. It is removed if the block raises.

    Raises
    ------
    ConfigError
        If something is there already, or the folder cannot be written.
    """
    target = destination.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(
            "is there already, and is not an empty folder",
            where=str(destination),
            mend=f"Name a new folder with {option}.",
        )
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with path.open("rb") as written:
                    os.fsync(written.fileno())
        if target.exists():
            target.rmdir()
        temporary.rename(target)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror or error})",
            where=str(destination),
            mend=f"Name a folder with {option} where there is room and you may write.",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
