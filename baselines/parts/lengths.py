"""Lengths: the published systems but VioPose work in metres, viodat in mm."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from viodat.bench.joint_sets import JointSet
from viodat.errors import ConfigError

METRE_MM: Final = 1000.0


def mean_distance(pred: Tensor, target: Tensor) -> Tensor:
    """Give MPJPE: the mean of ‖pred - target‖ over everything, in the unit of its arguments."""
    distances: Tensor = torch.linalg.vector_norm(pred - target, dim=-1)
    return distances.mean()


def check_windows(pose2d: Tensor, frames: int, joints: JointSet, model: str) -> None:
    """Check that windows are those that a network was made for.

    Raises
    ------
    ConfigError
        They have other frames, joints or coordinates.
    """
    if pose2d.dim() != 4 or tuple(pose2d.shape[1:]) != (frames, len(joints), 2):
        found = ", ".join(str(size) for size in pose2d.shape)
        raise ConfigError(
            f"{model} of {frames} frames and {len(joints)} joints was given windows ({found}); "
            f"(B, {frames}, {len(joints)}, 2) was expected"
        )
