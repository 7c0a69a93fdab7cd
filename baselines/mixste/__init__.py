"""MixSTE: a transformer over joints and one over each joint's time, in turn. See README.md."""

from pathlib import Path
from typing import Final

from viodat.baselines.mixste.model import MixSte, from_official

from viodat.bench.registry import ModelSpec

SPEC: Final = ModelSpec(
    "MixSTE",
    "Zhang et al. 2022 (CVPR)",
    build=MixSte,
    recipes=Path(__file__).with_name("recipe.toml"),
    adaptors=("viodat18", "h36m17"),
    from_official=from_official,
)

__all__ = ["SPEC", "MixSte", "from_official"]
