"""Stochastic depth, after Huang et al. 2016 (*Deep networks with stochastic depth*, ECCV): branches left out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Dropout):
    """Leave a residual branch out with probability p, for each sequence by itself.

    It takes (B, N, C), or (B, N, G, C) where N is the sequence of each of G. What is kept is divided by 1 - p, so that
    its mean stays; in evaluation nothing is done. It is an ``nn.Dropout``, so that whoever sets p = 0 on all of those
    turns this off as well.
    """

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        if not self.training or self.p == 0.0:
            return x
        kept = 1.0 - self.p
        chosen = torch.empty((len(x), 1, *x.shape[2:-1], 1), dtype=x.dtype, device=x.device).bernoulli_(kept)
        return x * (chosen / kept if kept else chosen)


def drop_path_rates(last: float, depth: int) -> list[float]:
    """Give the probability of each of ``depth`` blocks, from 0 for the first linearly to ``last``."""
    return [last * k / (depth - 1) if depth > 1 else 0.0 for k in range(depth)]
