"""Parsing JSON that someone else wrote, with one kind of error for all that can be wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from viodat.errors import CaptureError


def read_json(file: Path, *, most_bytes: int) -> Any:
    """Parse a JSON file (``NaN`` and ``Infinity`` allowed, as detectors write them).

    Raises
    ------
    CaptureError
        It is no file, cannot be opened, is larger than ``most_bytes`` or is not JSON.
    """
    try:
        if not file.is_file():
            raise CaptureError("is no file" if file.exists() else "there is no such file", where=file)
        size = file.stat().st_size
        if size > most_bytes:
            raise CaptureError(
                f"{size / 2**20:.0f} MiB of JSON; expected at most {most_bytes / 2**20:.0f}",
                where=file,
                mend="Give the keypoints as .npz.",
            )
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror})", where=file) from error
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"is not JSON ({error})", where=file, mend="Copy or write it again.") from error
