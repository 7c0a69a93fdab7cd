"""Decoding C3D files in a child process that may crash, hang or run out of memory without harm.

One child per process is started with the first file, kept, and replaced when it fails. It is a plain subprocess,
not :mod:`multiprocessing`: spawning would run a user's script again (scripts have no ``__main__`` guard) and
forking a process with threads (torch, PyAV) is unsafe. The client may be used from several threads, which take
turns, and in forked children, which start a child of their own.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from viodat.capture.c3d_decode import RawC3D
from viodat.capture.c3d_layout import C3DLayout
from viodat.capture.c3d_worker import read_message, write_message
from viodat.errors import CaptureError

DECODE_LIMIT_S = 30.0
"""How long decoding one file may take, plus :data:`SECONDS_PER_MEGABYTE` for its size."""

SECONDS_PER_MEGABYTE = 0.2
"""ezc3d takes about 0.03 s per megabyte of file on one core."""

MEMORY_BYTES = 1 << 30
"""Memory that decoding one file may take, plus :data:`MEMORY_PER_BYTE` times its size."""

MEMORY_PER_BYTE = 64
"""ezc3d holds about 13 bytes for each byte of a floating-point file, 26 for integers; the arrays come on top."""

_START_LIMIT_S = 60.0
_WORKER = ("-P", "-m", "viodat.capture.c3d_worker")
_INSPECT = "Open it in the recording software and export it again; isolated=False decodes without this guard."


class _Decoder:
    """The client's end: starts the child, asks it, replaces it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def decode(self, path: Path, layout: C3DLayout, limit_s: float) -> RawC3D:
        with self._lock:
            process = self._running(path)
            try:
                return self._ask(process, path, layout, limit_s)
            except CaptureError:
                raise
            except BaseException:
                # An interrupt leaves half an answer in the pipe: the child cannot be asked again.
                self._stop()
                raise

    def _ask(self, process: subprocess.Popen[bytes], path: Path, layout: C3DLayout, limit_s: float) -> RawC3D:
        limit_s += SECONDS_PER_MEGABYTE * layout.file_bytes / 1e6
        memory = MEMORY_BYTES + MEMORY_PER_BYTE * layout.file_bytes
        request = {
            "path": str(path.absolute()),
            "layout": dataclasses.asdict(layout),
            "limit_s": limit_s,
            "memory_bytes": memory,
        }
        late = threading.Event()
        timer = threading.Timer(limit_s, _kill, (process, late))
        timer.daemon = True
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            write_message(process.stdin, request)
            message, arrays = read_message(process.stdout)
        except (EOFError, OSError, ValueError) as error:
            code = self._stop()
            raise CaptureError(_death(code, late.is_set(), limit_s), where=path, mend=_INSPECT) from error
        finally:
            timer.cancel()
        if late.is_set():
            self._stop()
        if "problem" in message:
            raise CaptureError(message["problem"], where=path, mend=message["mend"])
        return RawC3D(message["parameters"], arrays["points"], arrays["residuals"], arrays["analog"])

    def _running(self, path: Path) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        try:
            self._process = _start()
        except OSError as error:
            raise CaptureError(
                f"the C3D decoder's process cannot be started ({error})", where=path, mend="Use isolated=False."
            ) from error
        late = threading.Event()
        timer = threading.Timer(_START_LIMIT_S, _kill, (self._process, late))
        timer.daemon = True
        timer.start()
        message: dict[str, Any] = {}
        try:
            assert self._process.stdout is not None
            with contextlib.suppress(EOFError, OSError, ValueError):
                message, _ = read_message(self._process.stdout)
        except BaseException:
            self._stop()
            raise
        finally:
            timer.cancel()
        if not message.get("ready"):
            code = self._stop()
            reason = message.get("failed") or f"exit code {code}"
            raise CaptureError(
                f"the C3D decoder's process did not start ({reason})", where=path, mend="Use isolated=False."
            )
        return self._process

    def _stop(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        _close_pipes(process)
        # An idle child ends when its input does; one that died keeps its own code, which the error names.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.kill()
        process.wait()
        return process.returncode

    def close(self) -> None:
        with self._lock:
            self._stop()

    def forget(self) -> None:
        """In a forked child: drop the parent's decoder without touching it."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            # Else the parent's decoder would not notice its parent's end while this process lives.
            _close_pipes(process)
            process.returncode = 0


def _start() -> subprocess.Popen[bytes]:
    # The child finds the same packages as this process, and -P keeps the working directory out of its path.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable or "python3", *_WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Unbuffered: a forked child closes its copies of the pipes without writing to them.
        bufsize=0,
        env=environment,
        # Ctrl-C reaches only this process, which then ends the child in good order.
        start_new_session=True,
    )


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _kill(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _death(code: int | None, late: bool, limit_s: float) -> str:
    if late:
        return f"the C3D decoder did not finish this file within {limit_s:.1f} s and was ended"
    if code is not None and code < 0:
        return f"the C3D decoder crashed (signal {-code}, {_signal_name(-code)}) on this file, which must be damaged"
    return f"the C3D decoder ended (exit code {code}) on this file, which must be damaged"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def decode_isolated(path: Path, layout: C3DLayout, *, limit_s: float = DECODE_LIMIT_S) -> RawC3D:
    """Decode a validated C3D file in the child process.

    Parameters
    ----------
    path
        The file.
    layout
        From :func:`viodat.capture.c3d_layout.check_c3d`.
    limit_s
        Time limit, to which :data:`SECONDS_PER_MEGABYTE` is added for the file's size.

    Raises
    ------
    CaptureError
        As :func:`viodat.capture.c3d_decode.decode`; and if the decoder crashes, takes longer, or asks for more
        memory than the file can need.
    """
    return _DECODER.decode(path, layout, limit_s)


_DECODER = _Decoder()
atexit.register(_DECODER.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_DECODER.forget)
