"""Dropout whose masks are drawn quickly on a CPU.

PyTorch draws a number of a generator for each value there, on one thread: a third of a small network's training step.
16 bits of a word tell as well which values are kept; the probability of each is right to 1 in 131072.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_STEPS: Final = 1 << 16
_PER_WORD: Final = 4


class Dropout(nn.Dropout):
    """In training values become 0 with probability p, and x / (1 - p) otherwise (Srivastava et al. 2014, JMLR 15)."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return dropped(x, self.p) if self.training else x


def dropped(x: Tensor, p: float) -> Tensor:
    """Give values of which each is 0 with probability ``p``, independently, and x / (1 - p) otherwise."""
    if p == 0.0:
        return x
    least = round(p * _STEPS)
    if x.device.type != "cpu" or least in (0, _STEPS):
        return functional.dropout(x, p)
    return torch.where(_kept(x.shape, least), x * (_STEPS / (_STEPS - least)), 0.0)


def _kept(shape: torch.Size, least: int) -> Tensor:
    """Draw a mask: each is True unless the number of 16 bits that is drawn for it is below ``least``."""
    count = shape.numel()
    words = torch.empty(-(-count // _PER_WORD), dtype=torch.int64).random_(-(2**63), None)
    return (words.view(torch.int16)[:count] >= least - _STEPS // 2).view(shape)
