"""What the lab recorded: one module per kind of raw file, and the layout that finds them under --raw.

All raw formats are read here and nowhere else. Each reader checks its file first and raises
:class:`viodat.errors.CaptureError` with the file, what was found, what was expected and what mends it.
The readers load when first used, so that looking at C3D files needs no video library.
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "AudioSignal": "viodat.capture.audio",
    "CaptureConfig": "viodat.capture.config",
    "CaptureLayout": "viodat.capture.layout",
    "MarkerTrial": "viodat.capture.markers",
    "VideoTimes": "viodat.capture.video",
    "iter_frames": "viodat.capture.video",
    "load_config": "viodat.capture.config",
    "read_audio": "viodat.capture.audio",
    "read_c3d": "viodat.capture.c3d",
    "read_cameras": "viodat.capture.cameras",
    "read_participants": "viodat.capture.participants",
    "read_trc": "viodat.capture.trc",
    "read_video_times": "viodat.capture.video",
    "read_vsk": "viodat.capture.vsk",
}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'viodat.capture' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
