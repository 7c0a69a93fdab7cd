"""Published files: listed, read whole and digested, with one kind of error for what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from viodat.capture.walk import list_files
from viodat.errors import CaptureError
from viodat.files import sha256

_AGAIN: Final = "Copy or download the file again."


def files_below(source: Path) -> dict[str, Path]:
    """List the files of a published folder.

    Returns
    -------
    dict
        Path below the folder, with ``/`` between its parts, to the file; sorted.

    Raises
    ------
    CaptureError
        If there is no such folder.
    """
    if not source.is_dir():
        what = "is a file; a folder was expected" if source.exists() else "there is no such folder"
        raise CaptureError(what, where=source, mend="Name the folder of the published data, unpacked.")
    return {name: source / name for name in list_files(source, lambda _: False).files}


def file_bytes(path: Path, limit_bytes: int) -> bytes:
    """Read a whole file.

    Raises
    ------
    CaptureError
        If it cannot be read or is larger than the limit.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror or error})", where=path, mend=_AGAIN) from error
    if len(content) > limit_bytes:
        raise CaptureError(f"is larger than {limit_bytes / 2**20:,.0f} MiB", where=path)
    return content


def file_text(path: Path, limit_bytes: int) -> str:
    """Read a whole file of text in UTF-8. Raises as :func:`file_bytes`, and if it is not UTF-8."""
    try:
        return file_bytes(path, limit_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CaptureError(f"is not UTF-8 (byte {error.start:,})", where=path, mend=_AGAIN) from error


def digest(path: Path) -> str:
    """SHA-256 of a published file; CaptureError if it cannot be read."""
    try:
        return sha256(path)
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror or error})", where=path, mend=_AGAIN) from error
