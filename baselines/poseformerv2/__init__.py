"""PoseFormerV2: a few frames and the low frequencies of many. See README.md."""

from pathlib import Path
from typing import Final

from viodat.baselines.poseformerv2.model import PoseFormerV2, from_official

from viodat.bench.registry import ModelSpec

SPEC: Final = ModelSpec(
    "PoseFormerV2",
    "Zhao et al. 2023 (CVPR)",
    build=PoseFormerV2,
    recipes=Path(__file__).with_name("recipe.toml"),
    adaptors=("viodat18", "h36m17"),
    from_official=from_official,
)

__all__ = ["SPEC", "PoseFormerV2", "from_official"]
