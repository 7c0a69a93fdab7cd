"""Temporal convolutions after VideoPose3D: the floor that learns. See README.md."""

from pathlib import Path
from typing import Final

from viodat.baselines.tcn.model import TemporalConvolutions

from viodat.bench.registry import ModelSpec

SPEC: Final = ModelSpec(
    "temporal CNN",
    "after Pavllo et al. 2019 (VideoPose3D)",
    build=TemporalConvolutions,
    recipes=Path(__file__).with_name("recipe.toml"),
    adaptors=("viodat18", "h36m17"),
    floor=True,
)

__all__ = ["SPEC", "TemporalConvolutions"]
