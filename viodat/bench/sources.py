"""Which of viodat's own files make a store and what models predict from it: when one changes, both are made anew.

Protocols, metrics but those that choose an epoch, and statistics are none of it: they score what is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import viodat

_ROOT: Final = Path(viodat.__file__).parent
_STORED_BY: Final = (
    "joints.py",
    "body/interpolate.py",
    *(f"camera/{name}.py" for name in ("distortion", "model", "radial")),
    *(f"dataset/{name}.py" for name in ("grid", "grids", "reader", "sound", "splits")),
    *(f"bench/{name}.py" for name in ("sound_store", "store")),
)
_PREDICTED_BY: Final = (
    *_STORED_BY,
    *(f"metrics/{name}.py" for name in ("counted", "motion", "position")),
    *(f"bench/{name}.py" for name in (
        "batches", "division", "floors", "joint_sets", "lifting", "network", "optimisers", "ranks", "recipe", "staged",
        "training", "validation",
    )),
)  # fmt: skip


@cache
def store_sha256() -> str:
    """Give a digest of what reads a dataset into a store."""
    return _digest(_ROOT / name for name in _STORED_BY)


def prediction_sha256(beside: Iterable[Path]) -> str:
    """Give a digest of what makes predictions: of viodat's own files, and of a model's."""
    return _digest([*(_ROOT / name for name in _PREDICTED_BY), *beside])


def _digest(files: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for path in files:
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()
