"""Layers that autocast leaves alone.

bfloat16 has 8 bits: on a picture of 1920 px it tells places apart that are some 4 px from each other, and at 1 m
lengths that are 4 mm from each other. So what takes keypoints and what gives poses stays in the parameters' precision.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FullLinear(nn.Linear):
    """A linear layer in its parameters' precision."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.to(self.weight.dtype))


class FullConv1d(nn.Conv1d):
    """A convolution in its parameters' precision."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.to(self.weight.dtype))
