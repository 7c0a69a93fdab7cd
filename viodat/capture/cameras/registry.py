"""What a calibration reader is.

Each format is one module with a ``READER``, listed in :data:`viodat.capture.cameras.READERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from viodat.camera import Camera


@dataclass(frozen=True)
class CalibrationReader:
    """One calibration format.

    Attributes
    ----------
    name
        Short name, for error texts and the registry.
    description
        What writes it, its units and conventions, in one sentence.
    suffixes
        Lower-case file name endings under which it occurs; files with other endings are not looked at in
        folders.
    sniff
        (path, head) -> bool: does the file's first 64 KiB look like this format? Must not raise.
    read
        path -> cameras by id; raises CaptureError only.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path, bytes], bool]
    read: Callable[[Path], Mapping[str, Camera]]
