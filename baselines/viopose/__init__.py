"""VioPose: poses of a violinist from keypoints and sound. See README.md."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from viodat.baselines.viopose.model import VioPose
from viodat.baselines.viopose.official import from_official

from viodat.bench.registry import ModelSpec

SPEC: Final = ModelSpec(
    "VioPose",
    "Yoo et al. 2025 (WACV)",
    build=VioPose,
    recipes=Path(__file__).with_name("recipe.toml"),
    adaptors=("viodat18", "h36m17"),
    from_official=from_official,
)


def _without_audio(**options: Any) -> VioPose:
    return VioPose(**{"audio": "none", **options})


NO_AUDIO: Final = replace(
    SPEC,
    title="VioPose without audio",
    build=_without_audio,
    recipes=Path(__file__).with_name("recipe_no_audio.toml"),
)

__all__ = ["NO_AUDIO", "SPEC", "VioPose", "from_official"]
