"""Is this a C3D file at all? The validator that looks at the raw bytes before any decoder does.

ezc3d crashes, hangs or silently reads fewer frames on damaged files; most damage shows in a few bytes. Here: does
the file exist, is it a C3D file, do its pointers lead inside it. What the header says about the data is compared
with the parameters and with the file's size in :mod:`viodat.capture.c3d_layout`.

Source: The C3D File Format User Guide (Motion Lab Systems), chapter on the header section.
"""

from __future__ import annotations

import difflib
import struct
from dataclasses import dataclass
from pathlib import Path

from viodat.capture.c3d_parameters import RawParameters, dec_float, walk_parameters
from viodat.errors import CaptureError

BLOCK_BYTES = 512
COPY_AGAIN = "Copy it again from the recording computer, or export the trial again."

_MAGIC = 0x50
_PROCESSORS = {84: "intel", 85: "dec", 86: "mips"}
_PARAMETER_BYTES = 4 << 20
_TEXT_CONTROLS = b"\t\r\n"


@dataclass(frozen=True)
class C3DHeader:
    """The first block of a C3D file, as it stands, and its parameter section.

    Attributes
    ----------
    processor
        ``intel``, ``dec`` or ``mips``: order of bytes and form of floating-point numbers.
    points
        Points per frame.
    analog_values, analog_samples
        Analog numbers per frame, and samples of each channel per frame.
    first_frame, last_frame
        Frame numbers counted from 1; 16 bits, so that 65535 stands for "see elsewhere".
    scale
        Negative: 32-bit floating-point data. Positive: 16-bit integers to multiply with it.
    rate_hz
        Frames per second.
    data_block
        The 512-byte block of the first frame, counted from 1.
    file_bytes
        Size of the file.
    parameters
        What the bytes of the parameter section say.
    """

    processor: str
    points: int
    analog_values: int
    analog_samples: int
    first_frame: int
    last_frame: int
    scale: float
    rate_hz: float
    data_block: int
    file_bytes: int
    parameters: RawParameters


def read_header(path: Path) -> C3DHeader:
    """Read the header and the parameters of a C3D file from its bytes.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    CaptureError
        It does not exist, is a folder, is empty, is another kind of file, or ends before its parameters.
    """
    _check_path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(BLOCK_BYTES)
            start = _parameter_start(path, head, size)
            file.seek(start)
            section = file.read(min(_PARAMETER_BYTES, size))
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror or error})", where=path) from error
    code = section[3] if len(section) > 3 else 0
    if code not in _PROCESSORS:
        raise CaptureError(
            f"names processor type {code} at byte {start + 3}, expected 84 (Intel), 85 (DEC) or 86 (MIPS)",
            where=path,
            mend=COPY_AGAIN,
        )
    processor = _PROCESSORS[code]
    order = ">" if processor == "mips" else "<"
    points, analog_values, first, last = struct.unpack_from(order + "4H", head, 2)
    data_block, analog_samples = struct.unpack_from(order + "2H", head, 16)
    data_start = (data_block - 1) * BLOCK_BYTES
    if data_start > start:
        section = section[: data_start - start]
    return C3DHeader(
        processor=processor,
        points=points,
        analog_values=analog_values,
        analog_samples=analog_samples,
        first_frame=first,
        last_frame=last,
        scale=_float(head[12:16], processor),
        rate_hz=_float(head[20:24], processor),
        data_block=data_block,
        file_bytes=size,
        parameters=walk_parameters(section, offset=start, processor=processor),
    )


def _float(raw: bytes, processor: str) -> float:
    if processor == "dec":
        return dec_float(raw)
    return float(struct.unpack(">f" if processor == "mips" else "<f", raw)[0])


def _check_path(path: Path) -> None:
    if path.is_dir():
        raise CaptureError("is a folder, not a C3D file", where=path, mend="Give one file inside it.")
    if path.exists():
        return
    if not path.parent.is_dir():
        raise CaptureError(f"does not exist: there is no folder {path.parent}", where=path)
    names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    raise CaptureError(
        f"no such file in {path.parent}",
        where=path,
        mend=f"Did you mean {near[0]}?" if near else "No file there has a similar name.",
    )


def _parameter_start(path: Path, head: bytes, size: int) -> int:
    if not size:
        raise CaptureError("is empty (0 bytes)", where=path, mend=COPY_AGAIN)
    if len(head) < 2 or head[1] != _MAGIC:
        if _is_text(head):
            line = head[:60].decode("latin-1").splitlines()[0]
            raise CaptureError(
                f"is a text file, not a C3D file: it begins with {line!r}",
                where=path,
                mend="Export the trial as C3D, or give the file its own suffix (.trc, .csv).",
            )
        found = f"0x{head[1]:02x}" if len(head) > 1 else "absent"
        raise CaptureError(f"is not a C3D file: its second byte is {found}, expected 0x50", where=path, mend=COPY_AGAIN)
    if len(head) < BLOCK_BYTES:
        raise CaptureError(
            f"is cut short inside its header: {size} bytes, expected at least {BLOCK_BYTES}",
            where=path,
            mend=COPY_AGAIN,
        )
    start = (head[0] - 1) * BLOCK_BYTES
    if start < BLOCK_BYTES or start + 4 > size:
        raise CaptureError(
            f"its parameters should start in block {head[0]}, expected a block from 2 to "
            f"{size // BLOCK_BYTES} (the file has {size} bytes)",
            where=path,
            mend=COPY_AGAIN,
        )
    return start


def _is_text(head: bytes) -> bool:
    return bool(head.strip()) and all(byte in _TEXT_CONTROLS or 32 <= byte < 127 or byte > 127 for byte in head)
