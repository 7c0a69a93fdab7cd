"""The dataset on disk: its schema, its tables, its splits, the ways to read it, and its export to other formats."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viodat.dataset.export import Exported, Skipped, export_dataset, export_trial

__all__ = ["Exported", "Skipped", "export_dataset", "export_trial"]


def __getattr__(name: str) -> Any:
    # Loaded when first used: whoever asks for a path in a dataset need not wait for pyarrow.
    if name in __all__:
        return getattr(importlib.import_module("viodat.dataset.export"), name)
    raise AttributeError(f"module 'viodat.dataset' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
