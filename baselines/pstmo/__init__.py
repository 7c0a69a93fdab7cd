"""P-STMO: a transformer that learns to restore masked keypoints before it lifts. See README.md."""

from pathlib import Path
from typing import Final

from viodat.baselines.pstmo.model import MaskedPStmo, PStmo, build
from viodat.baselines.pstmo.official import from_official, pretrain_from_official

from viodat.bench.registry import ModelSpec

SPEC: Final = ModelSpec(
    "P-STMO",
    "Shan et al. 2022 (ECCV)",
    build=build,
    recipes=Path(__file__).with_name("recipe.toml"),
    adaptors=("viodat18", "h36m17"),
    from_official=from_official,
)

__all__ = ["SPEC", "MaskedPStmo", "PStmo", "build", "from_official", "pretrain_from_official"]
