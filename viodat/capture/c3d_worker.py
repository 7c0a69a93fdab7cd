"""The child process in which C3D files are decoded: ``python -m viodat.capture.c3d_worker``.

A damaged file can crash the decoder, keep it busy for ever or make it ask for all memory; here that costs
one child process. Requests come on standard input and answers leave on standard output, each a length, a JSON header
and the raw bytes of the arrays that the header describes. Nothing is pickled. The process ends when its input does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from viodat.errors import CaptureError

_LENGTH = struct.Struct("<Q")
_JSON_LIMIT_BYTES = 1 << 28
_ARRAY_LIMIT_BYTES = 1 << 36
_GRACE_S = 5.0
_DTYPE = np.dtype("<f8")


def write_message(
    stream: IO[bytes], message: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float64]] | None = None
) -> None:
    """Write a JSON header and float64 arrays to ``stream`` and flush it."""
    contents = {name: np.ascontiguousarray(a, dtype=_DTYPE) for name, a in (arrays or {}).items()}
    shapes = {name: list(content.shape) for name, content in contents.items()}
    header = json.dumps({"message": message, "arrays": shapes}).encode("ascii")
    _write_all(stream, _LENGTH.pack(len(header)) + header)
    for content in contents.values():
        _write_all(stream, content.reshape(-1).view(np.uint8).data)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """Read what :func:`write_message` wrote.

    Raises
    ------
    EOFError
        The other side is gone.
    """
    (length,) = _LENGTH.unpack(_read_exactly(stream, bytearray(_LENGTH.size)))
    if length > _JSON_LIMIT_BYTES:
        raise EOFError
    header = json.loads(bytes(_read_exactly(stream, bytearray(length))))
    arrays: dict[str, NDArray[np.float64]] = {}
    for name, shape in header["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        if count * _DTYPE.itemsize > _ARRAY_LIMIT_BYTES:
            raise EOFError
        content = np.empty(count, dtype=_DTYPE)
        _read_exactly(stream, content.view(np.uint8).data)
        arrays[name] = content.reshape(shape)
    return header["message"], arrays


def _write_all(stream: IO[bytes], content: bytes | memoryview) -> None:
    view = memoryview(content)
    while len(view):
        # An unbuffered stream may take a part only.
        view = view[stream.write(view) :]


def _read_exactly(stream: IO[bytes], buffer: bytearray | memoryview) -> bytearray | memoryview:
    view = memoryview(buffer)
    position = 0
    while position < len(view):
        count = stream.readinto(view[position:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        position += count
    return buffer


def main() -> None:
    """Answer requests until the input ends."""
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    try:
        from viodat.capture.c3d_decode import decode
        from viodat.capture.c3d_layout import C3DLayout
    except ImportError as error:
        write_message(answers, {"failed": str(error)})
        return
    write_message(answers, {"ready": True})
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            request, _ = read_message(requests)
            _limit(request["limit_s"], request["memory_bytes"])
            fields = {f.name for f in dataclasses.fields(C3DLayout)}
            layout = C3DLayout(**{k: v for k, v in request["layout"].items() if k in fields})
            try:
                raw = decode(Path(request["path"]), layout)
            except CaptureError as error:
                write_message(answers, {"problem": error.problem, "mend": error.mend})
            else:
                arrays = {"points": raw.points, "residuals": raw.residuals, "analog": raw.analog}
                write_message(answers, {"parameters": raw.parameters}, arrays)
            if hasattr(signal, "alarm"):
                signal.alarm(0)


def _limit(limit_s: float, memory_bytes: int) -> None:
    """End this process if it outlives its request, and bound the memory that one file may take."""
    if hasattr(signal, "alarm"):
        # The parent kills a late child; this ends the child of a parent that is gone, even inside C++.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(limit_s + _GRACE_S) + 1)
    try:
        import resource
    except ImportError:
        return
    used = 0
    with contextlib.suppress(OSError, ValueError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, hard))


if __name__ == "__main__":
    main()
