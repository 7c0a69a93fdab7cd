"""Attention as Vaswani et al. 2017 write it, the pre-norm block of ViT, and stochastic depth."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Scores(nn.Module):
    """softmax(q kᵀ / √d) v for each head; q, k and v are (B, N, C)."""

    def __init__(self, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Give (B, N, C)."""
        batch, tokens, width = query.shape
        query, key, value = (
            x.reshape(batch, tokens, self.heads, width // self.heads).transpose(1, 2) for x in (query, key, value)
        )
        matrix = self.dropout((query @ key.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1))
        return (matrix @ value).transpose(1, 2).reshape(batch, tokens, width)


class Attention(nn.Module):
    """Self-attention, its queries, keys and values from one linear layer, with dropout after the last."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, C) for the same."""
        batch, tokens, width = x.shape
        query, key, value = (
            self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        )
        matrix = (query @ key.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)
        return self.dropout(self.out((matrix @ value).transpose(1, 2).reshape(batch, tokens, width)))


class Mlp(nn.Module):
    """Two linear layers with GELU between them, and dropout after either."""

    def __init__(self, width: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.gelu, self.dropout = nn.GELU(), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Give (..., C) for the same."""
        return self.dropout(self.fc2(self.dropout(self.gelu(self.fc1(x)))))


class DropPath(nn.Dropout):
    """A branch left out for whole samples."""

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, ...) for the same."""
        if not self.training or self.p == 0.0:
            return x
        kept = 1.0 - self.p
        return x / kept * torch.rand(len(x), *[1] * (x.dim() - 1)).add(kept).floor()


class Block(nn.Module):
    """x + attention(norm x), then x + MLP(norm x)."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float = 0.0, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads, dropout)
        self.mlp = Mlp(width, hidden, dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, C) for the same."""
        x = x + self.drop_path(self.attention(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def rates(last: float, depth: int) -> list[float]:
    """Give linearly growing rates of dropped paths."""
    return torch.linspace(0, last, depth).tolist()


def zeros(*shape: int) -> nn.Parameter:
    """Give a position embedding that starts at zero."""
    return nn.Parameter(torch.zeros(shape))
