"""capture.toml [joints] and [gates]: how joint centres are found, and where a trial is too bad to be kept."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from viodat.capture.spelling import did_you_mean, shown
from viodat.joints import JOINTS

JointMethod = Literal["auto", "pig", "regression", "functional", "midpoints", "named"]

JOINT_METHODS: Final[tuple[str, ...]] = get_args(JointMethod)
"""What ``--joint-centres`` and [joints] method may be."""

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class JointsTable(_Table):
    """[joints]: how joint centres are found."""

    method: JointMethod = "auto"
    points: dict[str, str] = {}

    @field_validator("points")
    @classmethod
    def _known_joints(cls, points: dict[str, str]) -> dict[str, str]:
        for name in points:
            if name not in JOINTS:
                raise ValueError(f"unknown joint '{shown(name)}'; {did_you_mean(name, JOINTS, 'joints')}")
        return points


class GatesTable(_Table):
    """[gates]: limits that differ from those of :mod:`viodat.build.gates`; None leaves a limit as it is there."""

    frames: Positive | None = None
    least_size_mm: Positive | None = None
    largest_size_mm: Positive | None = None
    segment_spread_mm: Positive | None = None
    gap_share: Share | None = None
    segment_gap_share: Share | None = None
    exchanged_share: Share | None = None
    joints: Positive | None = None
    determined_share: Share | None = None
    residual_mm: Positive | None = None
    marker_residual_mm: Positive | None = None
    outlying_share: Share | None = None
    sigma_mm: Positive | None = None
    bone_variation: Share | None = None
    clock_sigma_ms: Positive | None = None
    reprojection_share: Share | None = None
