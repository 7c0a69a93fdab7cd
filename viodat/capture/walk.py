"""What lies below a raw folder: names only, in one order on every system, nothing opened and nothing written.

Hidden files and what desktops leave behind are passed over. A link to a folder is followed if it leads out of
the raw folder (a lab's disk of videos, say) and has not been followed before, so no loop can form.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from viodat.capture.spelling import shown
from viodat.errors import ConfigError

_LITTER: Final = frozenset({"thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "__macosx"})
_UNWRITABLE: Final = ("Cc", "Cs")
"""Control characters, and bytes that are no UTF-8: neither can stand in a table or a message."""

_MOST_FILES = 1_000_000
_DEEPEST = 30
_ODD = "has a character in its name that cannot be written"
_LONGEST = 300


@dataclass(frozen=True)
class Listing:
    """Paths below the raw folder, with ``/`` between folders, sorted.

    Attributes
    ----------
    files
        Of files.
    folders
        Of folders taken as a whole; each ends in ``/``. What is in them is not listed.
    unusable
        Path and reason of what is neither: broken links, links that were not followed, pipes and devices.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    unusable: tuple[tuple[str, str], ...]


def list_files(raw: Path, is_whole: Callable[[str], bool]) -> Listing:
    """List what lies below ``raw``.

    Parameters
    ----------
    raw
        The folder.
    is_whole
        Whether a folder, given as ``pose/cam01/``, is one thing and should not be looked into.

    Raises
    ------
    ConfigError
        If a folder cannot be listed, or there are more than a million files.
    """
    files: list[str] = []
    folders: list[str] = []
    unusable: list[tuple[str, str]] = []
    root = os.path.realpath(raw)
    followed: set[str] = set()
    pending = [""]
    while pending:
        prefix = pending.pop()
        for entry in _entries(raw, prefix):
            path = f"{prefix}{entry.name}"
            kind = _kind(entry)
            if kind == "file":
                files.append(path)
            elif kind == "neither":
                unusable.append((path, "is a broken link or no regular file"))
            elif is_whole(f"{path}/"):
                folders.append(f"{path}/")
            elif entry.is_symlink() and not _may_follow(entry.path, root, followed):
                unusable.append((path, "is a link to a folder that is here already"))
            elif path.count("/") >= _DEEPEST:
                unusable.append((path, f"lies more than {_DEEPEST} folders deep"))
            else:
                pending.append(f"{path}/")
        if len(files) > _MOST_FILES:
            raise ConfigError(
                f"holds more than {_MOST_FILES:,} files",
                where=raw,
                mend="Is it the folder of the recordings?",
            )
    return Listing(tuple(sorted(files)), tuple(sorted(folders)), tuple(sorted(unusable)))


def with_writable_names(listing: Listing) -> Listing:
    """Count those whose names cannot stand in a table or a message among the unusable."""
    odd = [path for path in (*listing.files, *listing.folders) if not _is_writable(path)]
    return Listing(
        tuple(filter(_is_writable, listing.files)),
        tuple(filter(_is_writable, listing.folders)),
        tuple(
            sorted((shown(path, _LONGEST), why) for path, why in (*listing.unusable, *((path, _ODD) for path in odd)))
        ),
    )


def _is_writable(path: str) -> bool:
    return path.isprintable() or not any(unicodedata.category(letter) in _UNWRITABLE for letter in path)


def _entries(raw: Path, prefix: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(raw / prefix) as entries:
            # In order of names, so that of two links to one folder the same is followed everywhere.
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ConfigError(f"folder '{prefix or '.'}' cannot be listed ({error.strerror})", where=raw) from error
    for entry in found:
        if not entry.name.startswith(".") and entry.name.lower() not in _LITTER:
            yield entry


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return "file" if entry.is_file() else "folder" if entry.is_dir() else "neither"
    except OSError:
        # A link that leads to itself, or to where nobody may look.
        return "neither"


def _may_follow(link: str, root: str, followed: set[str]) -> bool:
    target = os.path.realpath(link)
    inside = target == root or target.startswith(root + os.sep)
    around = root.startswith(target.rstrip(os.sep) + os.sep)
    if inside or around or target in followed:
        return False
    followed.add(target)
    return True
