"""viodat: datasets and benchmarks for the 4D pose of musicians at work.

From a raw motion-capture session (C3D markers, camera calibrations, phone videos, microphones) to a
machine-learning-ready dataset whose every number carries its unit, clock and error.

``viodat.open_dataset(path)`` reads a built dataset; ``viodat.PoseWindows`` is a PyTorch Dataset over it.
Importing this module is cheap: torch, pandas, pyarrow, librosa and matplotlib load when first needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from viodat._version import __version__

if TYPE_CHECKING:
    from viodat.dataset.reader import VioDataset, open_dataset
    from viodat.dataset.torch import PoseWindows

__all__ = ["PoseWindows", "VioDataset", "__version__", "open_dataset"]

_LAZY = {
    "PoseWindows": "viodat.dataset.torch",
    "VioDataset": "viodat.dataset.reader",
    "open_dataset": "viodat.dataset.reader",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'viodat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
