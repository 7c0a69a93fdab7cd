"""StridedFormer: transformers over frames that come down to the centre one. See README.md."""

from pathlib import Path
from typing import Final

from viodat.baselines.stridedformer.model import Refinement, StridedFormer
from viodat.baselines.stridedformer.official import from_official, refine_from_official

from viodat.bench.registry import ModelSpec

SPEC: Final = ModelSpec(
    "StridedFormer",
    "Li et al. 2022 (IEEE TMM)",
    build=StridedFormer,
    recipes=Path(__file__).with_name("recipe.toml"),
    adaptors=("viodat18", "h36m17"),
    from_official=from_official,
)

__all__ = ["SPEC", "Refinement", "StridedFormer", "from_official", "refine_from_official"]
