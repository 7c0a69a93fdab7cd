"""Attention and the pre-norm transformer block, after Vaswani et al. 2017 and Dosovitskiy et al. 2021 (ViT).

A sequence is (B, N, C), or (B, N, G, C): then N is the sequence of each of G, which do not see each other, and nothing
has to be moved in memory for that. Attention matrices are not stored, ``scaled_dot_product_attention`` computes them
piece by piece; but for the smallest, and for those that dropout thins on a CPU, of which not all at a time are there.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from viodat.baselines.parts.drop_path import DropPath
from viodat.baselines.parts.dropout import Dropout, dropped

from viodat.errors import ConfigError

_NARROW: Final = 16
_SHORT: Final = 64
"""With heads so narrow and sequences so short a CPU is faster, backwards above all, with the plain formula."""
_KEPT: Final = 1 << 23
"""A training step with dropout keeps so many attention weights of a layer at most, and draws the others again."""


def attend(
    query: Tensor, key: Tensor, value: Tensor, heads: int, *, scale: float | None = None, dropout: float = 0.0
) -> Tensor:
    """Attend with several heads: softmax(q kᵀ · scale) v for each (Vaswani et al. 2017, eq. 1).

    Parameters
    ----------
    query, key, value
        (B, N, C) or (B, N, G, C); C is that of all heads together.
    heads
        How many.
    scale
        None: 1 / √(C / heads).
    dropout
        Of the attention weights; nonzero only in training.

    Returns
    -------
    Tensor
        As ``query``.
    """
    # Heads of all groups stand side by side in memory, so this is a view.
    width = query.shape[-1] // heads
    query_h, key_h, value_h = (x.reshape(len(x), x.shape[1], -1, width).transpose(1, 2) for x in (query, key, value))
    # On a CPU small attention is faster backwards by the formula, and dropout drawn so; forwards alone it is not.
    small = width < _NARROW and key.shape[1] <= _SHORT
    if query.device.type == "cpu" and (dropout > 0.0 or (torch.is_grad_enabled() and small)):
        scaled = query_h * (width**-0.5 if scale is None else scale)
        answer = _by_formula(scaled, key_h, value_h, dropout)
    else:
        answer = functional.scaled_dot_product_attention(query_h, key_h, value_h, dropout_p=dropout, scale=scale)
    return answer.transpose(1, 2).reshape(query.shape)


def _by_formula(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    """Attend, all (B, H, N, D); with dropout, weights of many windows are drawn again backwards instead of kept."""
    together = max(1, _KEPT // (query[0, ..., 0].numel() * key.shape[2]))
    if dropout == 0.0 or len(query) <= together:
        return _weighed(query, key, value, dropout)
    parts = zip(*(torch.split(x, together) for x in (query, key, value)), strict=True)
    return torch.cat([checkpoint(_weighed, *part, dropout, use_reentrant=False) for part in parts])


def _weighed(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    return dropped((query @ key.transpose(-2, -1)).softmax(dim=-1), dropout) @ value


def head_width(width: int, heads: int) -> int:
    """Give the width of each head.

    Raises
    ------
    ConfigError
        ``heads`` does not divide ``width``.
    """
    if heads < 1 or width % heads:
        raise ConfigError(f"{heads} heads cannot share a width of {width}; a divisor of {width} was expected")
    return width // heads


class SelfAttention(nn.Module):
    """Multi-head self-attention with one projection for queries, keys and values.

    Parameters
    ----------
    width
        C.
    heads
        They share it.
    bias
        Whether queries, keys and values have one; what comes out always has.
    scale
        As in :func:`attend`.
    dropout
        After the projection.
    weight_dropout
        Of the attention weights.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        bias: bool = True,
        scale: float | None = None,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        head_width(width, heads)
        self.heads, self.scale = heads, scale
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.weight_dropout = Dropout(weight_dropout)
        self.out = nn.Linear(width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, C) or (B, N, G, C) for the same."""
        query, key, value = self._projected(x)
        dropout = self.weight_dropout.p if self.training else 0.0
        attended = attend(query, key, value, self.heads, scale=self.scale, dropout=dropout)
        answer: Tensor = self.dropout(self.out(attended))
        return answer

    def _projected(self, x: Tensor) -> tuple[Tensor, ...]:
        if x.dim() == 3:
            return self.qkv(x).chunk(3, dim=-1)  # type: ignore[no-any-return]
        # One product for all three would leave the heads of neighbouring groups apart in memory, to be copied together.
        weights = self.qkv.weight.chunk(3)
        biases = (None,) * 3 if self.qkv.bias is None else self.qkv.bias.chunk(3)
        return tuple(functional.linear(x, weight, bias) for weight, bias in zip(weights, biases, strict=True))


class Mlp(nn.Module):
    """Two linear layers with the exact GELU between them, and dropout after either.

    Parameters
    ----------
    width, hidden
        C outside and inside.
    dropout
        After either layer.
    lean
        Whether a training step keeps what goes into GELU only, and computes what comes out of it again.
    """

    def __init__(self, width: int, hidden: int, dropout: float = 0.0, *, lean: bool = False) -> None:
        super().__init__()
        self.lean = lean
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Give (..., C) for the same."""
        hidden = self.fc1(x)
        if not self.lean or not torch.is_grad_enabled():
            return self._second(hidden)
        # Recomputation ends where fc2 is given its input, so it costs one GELU.
        answer: Tensor = checkpoint(self._second, hidden, use_reentrant=False, preserve_rng_state=self.dropout.p > 0.0)
        return answer

    def _second(self, hidden: Tensor) -> Tensor:
        answer: Tensor = self.dropout(self.fc2(self.dropout(functional.gelu(hidden))))
        return answer


class Block(nn.Module):
    """A pre-norm transformer block: x + attention(norm x), then x + MLP(norm x).

    Parameters
    ----------
    width, heads, bias, scale
        As in :class:`SelfAttention`.
    hidden
        Width inside the MLP.
    dropout
        After the attention's projection, after GELU and after the MLP.
    drop_path
        Of either branch.
    eps
        Of both norms.
    lean
        As in :class:`Mlp`.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        bias: bool = True,
        scale: float | None = None,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        eps: float = 1e-6,
        lean: bool = False,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attention = SelfAttention(width, heads, bias=bias, scale=scale, dropout=dropout)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Mlp(width, hidden, dropout, lean=lean)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, C) or (B, N, G, C) for the same."""
        x = x + self.drop_path(self.attention(self.norm1(x)))
        answer: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return answer


def position(*shape: int) -> nn.Parameter:
    """Give a learned position embedding that starts at zero."""
    return nn.Parameter(torch.zeros(shape))
