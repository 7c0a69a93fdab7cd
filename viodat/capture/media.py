"""Opening a phone's or microphone's file with FFmpeg (PyAV), so that damage ends in one clear line.

Whatever the decoders raise on a foreign file becomes a :class:`~viodat.errors.CaptureError` here, and a
recording that was cut off before its index was written is told apart from a file that is no recording at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from viodat.errors import CaptureError

MAX_PIXELS = 8192 * 8192
"""A damaged header can declare a picture of any size: the decoder refuses more than this."""

_MAX_BOXES = 10_000

# FFmpegError is PyAV's own; the others come from its conversions of damaged values (text, sizes, shapes,
# types).
DECODER_ERRORS: tuple[type[Exception], ...] = (
    av.error.FFmpegError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def require_file(path: Path) -> None:
    """Raise unless ``path`` is a file with something in it.

    Raises
    ------
    CaptureError
        It is absent, a folder, or empty.
    """
    try:
        if not path.exists():
            raise CaptureError(
                "the file does not exist", where=path, mend="Check the name and the folder given with --raw."
            )
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no file"
            raise CaptureError(f"is {what}; a media file was expected", where=path)
        if path.stat().st_size == 0:
            raise CaptureError("the file is empty (0 bytes)", where=path, mend="Copy it again from the device.")
    except (OSError, ValueError) as error:
        raise CaptureError(f"the file cannot be opened ({error})", where=path) from error


@contextlib.contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """Open a media file for reading and turn what its decoders raise into :class:`CaptureError`.

    Parameters
    ----------
    path
        Any container that FFmpeg reads: mp4, mov, m4a, mkv, wav ...

    Yields
    ------
    av.container.InputContainer
        Closed when the block ends.

    Raises
    ------
    CaptureError
        The file is absent, empty, cut off before its index, or not a recording; also for any decoder error
        that the block lets through.
    """
    require_file(path)
    try:
        # A bare name could be taken for a protocol or a pattern ("concat:", "%03d"), an absolute path not.
        container = av.open(str(path.resolve()), metadata_errors="replace")
    except DECODER_ERRORS as error:
        if _lacks_index(path):
            raise CaptureError(
                "the recording was cut off before its index was written (an mp4/mov without a 'moov' box)",
                where=path,
                mend="Copy it again from the device; if it is no better there, rebuild the index with a repair "
                "tool (untrunc) from an intact file of the same device.",
            ) from error
        raise unreadable(path, error) from error
    try:
        with container:
            yield container
    except CaptureError:
        raise
    except DECODER_ERRORS as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> CaptureError:
    """Give the error to raise where a decoder refused the file."""
    if isinstance(error, MemoryError):
        reason = "it asks for more memory than there is"
    else:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return CaptureError(
        f"cannot be read as video or sound ({' '.join(str(reason).split())[:200]})",
        where=path,
        mend="The file is damaged or of another kind: copy it again from the device, or leave the recording out.",
    )


def decode_packet(packet: Any) -> tuple[list[Any], bool]:
    """Decode one packet. Returns its frames, and whether the decoder refused it (then there are none)."""
    try:
        return list(packet.decode()), True
    except av.error.EOFError:
        return [], True
    except DECODER_ERRORS:
        return [], False


def _lacks_index(path: Path) -> bool:
    # ISO 14496-12, 4.2: a box is a 4-byte length and a 4-byte name; length 1 means 8 more bytes of length,
    # 0 "to the end".
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            at = 0
            names: list[bytes] = []
            while at + 8 <= size and len(names) < _MAX_BOXES:
                file.seek(at)
                head = file.read(16)
                length, name = int.from_bytes(head[:4], "big"), head[4:8]
                names.append(name)
                if length == 1:
                    length = int.from_bytes(head[8:16], "big")
                if length < 8:
                    break
                at += length
    except OSError:
        return False
    return bool(names) and names[0] == b"ftyp" and b"moov" not in names
