"""Attention blocks of VioPose and their initial weights."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from viodat.baselines.parts.attention import SelfAttention, attend
from viodat.baselines.parts.dropout import Dropout

_Layer = TypeVar("_Layer", nn.Linear, nn.Conv1d, nn.Conv2d)


class CrossAttention(nn.Module):
    """Multi-head attention whose keys and values are of other tokens; they and queries have no bias.

    Parameters
    ----------
    width
        Of a token.
    heads
        They share it.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.kv = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = glorot(nn.Linear(width, width))
        _glorot_each(self.q, width)
        _glorot_each(self.kv, width)

    def forward(self, x: Tensor, of: Tensor) -> Tensor:
        """Give (B, N, D) for the same, attending to (B, M, D)."""
        keys, values = self.kv(of).chunk(2, dim=-1)
        return torch.as_tensor(self.out(attend(self.q(x), keys, values, self.heads)))


class Block(nn.Module):
    """Attention and MLP, each behind a LayerNorm and added to what it was given.

    Parameters
    ----------
    width, heads
        Of attention.
    mlp
        Hidden width of the MLP in widths.
    dropout
        After the MLP's GELU.
    dropout_attention
        After the attention's projection; only the pose encoder has it.
    across
        Whether it attends to other tokens than those it is given, behind a LayerNorm of their own.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        mlp: float,
        dropout: float,
        *,
        dropout_attention: float = 0.0,
        across: bool = False,
    ) -> None:
        super().__init__()
        hidden = round(width * mlp)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.norm_of = nn.LayerNorm(width) if across else None
        self.attention: nn.Module
        if across:
            self.attention = CrossAttention(width, heads)
        else:
            self.attention = SelfAttention(width, heads, bias=False, dropout=dropout_attention)
            _glorot_each(self.attention.qkv, width)
            glorot(self.attention.out)
        self.mlp = nn.Sequential(
            glorot(nn.Linear(width, hidden)),
            nn.GELU(approximate="tanh"),
            Dropout(dropout),
            glorot(nn.Linear(hidden, width)),
        )

    def forward(self, x: Tensor, of: Tensor | None = None) -> Tensor:
        """Give (B, N, D) for the same, attending to ``of`` (B, M, D) if it is across."""
        others = () if self.norm_of is None else (self.norm_of(of),)
        x = x + self.attention(self.norm1(x), *others)
        return torch.as_tensor(x + self.mlp(self.norm2(x)))


class Position(nn.Module):
    """A learned embedding of a token's place, added to it.

    Parameters
    ----------
    places, width
        Of the tokens.
    """

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(places, width))
        _truncated(self.embedding)

    def forward(self, x: Tensor) -> Tensor:
        """Give (..., places, width) -> the same shape."""
        return x + self.embedding


class TokenNorm(nn.Module):
    """Batch normalisation of each feature of (B, N, D) over samples and tokens, with Keras's constants."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = batch_norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, D) -> (B, N, D)."""
        return torch.as_tensor(self.norm(x.flatten(0, 1)).view(x.shape))


def batch_norm(width: int, dimensions: int = 1) -> nn.BatchNorm1d | nn.BatchNorm2d:
    """Give a batch normalisation with Keras's constants; what it calls a momentum of 0.9 is PyTorch's 0.1."""
    kind = nn.BatchNorm1d if dimensions == 1 else nn.BatchNorm2d
    return kind(width, eps=1e-3, momentum=0.1)


def glorot(layer: _Layer) -> _Layer:
    """Give a layer Keras's first weights: Glorot-uniform, biases zero."""
    nn.init.xavier_uniform_(layer.weight)
    return _unbiased(layer)


def narrow(layer: _Layer) -> _Layer:
    """Give a layer first weights of standard deviation 0.02, cut off at twice that, biases zero."""
    _truncated(layer.weight)
    return _unbiased(layer)


def _glorot_each(layer: nn.Linear, width: int) -> None:
    """Fill a matrix that is, only for speed, several layers' stacked."""
    for part in torch.split(layer.weight.detach(), width):
        nn.init.xavier_uniform_(part)


def _unbiased(layer: _Layer) -> _Layer:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _truncated(values: Tensor) -> None:
    nn.init.trunc_normal_(values, std=0.02, a=-0.04, b=0.04)
