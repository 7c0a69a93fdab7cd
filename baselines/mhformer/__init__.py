"""MHFormer: three hypotheses of a pose that learn from each other. See README.md."""

from pathlib import Path
from typing import Final

from viodat.baselines.mhformer.model import MHFormer, from_official

from viodat.bench.registry import ModelSpec

SPEC: Final = ModelSpec(
    "MHFormer",
    "Li et al. 2022 (CVPR)",
    build=MHFormer,
    recipes=Path(__file__).with_name("recipe.toml"),
    adaptors=("viodat18", "h36m17"),
    from_official=from_official,
)

__all__ = ["SPEC", "MHFormer", "from_official"]
