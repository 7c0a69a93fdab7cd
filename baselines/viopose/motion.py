"""How pose, velocity and acceleration follow from each other, frame by frame: VioPose's targets, mixing and loss.

Poses are (B, T, J, 3) in mm, velocities in mm per frame, accelerations in mm per frame².
"""

from __future__ import annotations

import torch
from torch import Tensor


def velocity_of(pose: Tensor) -> Tensor:
    """Give forward differences along the frames; the last is repeated."""
    steps = pose[:, 1:] - pose[:, :-1]
    return torch.cat([steps, steps[:, -1:]], dim=1)


def acceleration_of(pose: Tensor) -> Tensor:
    """Give p[t + 2] - 2 p[t + 1] + p[t]; the last two values are repeated."""
    bends = pose[:, 2:] - 2 * pose[:, 1:-1] + pose[:, :-2]
    return torch.cat([bends, bends[:, -2:]], dim=1)


def velocity_counts(valid: Tensor) -> Tensor:
    """Give where :func:`velocity_of` is known, from where poses are."""
    both = valid[:, 1:] & valid[:, :-1]
    return torch.cat([both, both[:, -1:]], dim=1)


def acceleration_counts(valid: Tensor) -> Tensor:
    """Give where :func:`acceleration_of` is known, from where poses are."""
    three = valid[:, 2:] & valid[:, 1:-1] & valid[:, :-2]
    return torch.cat([three, three[:, -2:]], dim=1)


def integrated(pose: Tensor, velocity: Tensor, acceleration: Tensor) -> tuple[Tensor, Tensor]:
    """Give pose and velocity, each averaged with what follows from the frame before it (eq. 4 and 5)."""
    velocity = (velocity + _delayed(velocity + acceleration)) / 2
    pose = (pose + _delayed(pose + velocity)) / 2
    return pose, velocity


def differentiated(pose: Tensor, velocity: Tensor, acceleration: Tensor) -> tuple[Tensor, Tensor]:
    """Give velocity and acceleration, each averaged with the differences of what it is the derivative of (eq. 6, 7)."""
    velocity = (velocity + velocity_of(pose)) / 2
    acceleration = (acceleration + velocity_of(velocity)) / 2
    return velocity, acceleration


def unlikeness(one: Tensor, other: Tensor) -> Tensor:
    """Give 1 - x·y / max(‖x‖, ‖y‖)² over the last axis: 0 only where direction and length are the same."""
    longer = torch.maximum(one.square().sum(-1), other.square().sum(-1)) + 1e-8
    return 1 - (one * other).sum(-1) / longer


def _delayed(values: Tensor) -> Tensor:
    """Move one frame forward; the first is repeated."""
    return torch.cat([values[:, :1], values[:, :-1]], dim=1)
