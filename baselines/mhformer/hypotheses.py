"""Blocks that refine three hypotheses of the same frames, each by itself and with the others (SHR, CHI).

A hypothesis is (B, T, C); three of them stand in a list.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from viodat.baselines.parts.attention import Mlp, SelfAttention, attend, head_width
from viodat.baselines.parts.drop_path import DropPath
from viodat.baselines.parts.dropout import Dropout

HYPOTHESES: Final = 3


class SelfHypothesisRefinement(nn.Module):
    """Self-attention within each hypothesis, then one MLP over all of them side by side (SHR).

    Parameters
    ----------
    width, heads
        C of a hypothesis, and its heads.
    hidden
        Width inside the MLP, which is 3 C outside.
    dropout
        After the attention's projection, after GELU and after the MLP.
    drop_path
        Of every branch.
    """

    def __init__(self, width: int, heads: int, hidden: int, *, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=1e-6) for _ in range(HYPOTHESES))
        self.attentions = nn.ModuleList(SelfAttention(width, heads, dropout=dropout) for _ in range(HYPOTHESES))
        self.mixer = Mixer(width, hidden, dropout=dropout, drop_path=drop_path)
        self.drop_path = DropPath(drop_path)

    def forward(self, hypotheses: list[Tensor]) -> list[Tensor]:
        """Give three hypotheses for three."""
        attended = [
            x + self.drop_path(attention(norm(x)))
            for x, norm, attention in zip(hypotheses, self.norms, self.attentions, strict=True)
        ]
        return list(self.mixer(torch.cat(attended, dim=-1)).chunk(HYPOTHESES, dim=-1))


class CrossHypothesisInteraction(nn.Module):
    """Attention from hypothesis to hypothesis, then one MLP over all of them side by side (CHI).

    Each takes its values from itself; queries and keys are those of the others, as they are by then. Parameters are
    those of :class:`SelfHypothesisRefinement`.
    """

    def __init__(self, width: int, heads: int, hidden: int, *, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(CrossAttention(width, heads, dropout=dropout) for _ in range(HYPOTHESES))
        self.mixer = Mixer(width, hidden, dropout=dropout, drop_path=drop_path)
        self.drop_path = DropPath(drop_path)

    def forward(self, hypotheses: list[Tensor], scored: slice = slice(None)) -> Tensor:
        """Give all hypotheses side by side, (B, S, 3 C), of those frames that ``scored`` says."""
        x1, x2, x3 = hypotheses
        first, second, third = self.attentions
        x1 = x1 + self.drop_path(first(x2, x3, x1))
        x2 = x2 + self.drop_path(second(x1, x3, x2))
        # Of frames that are not scored, nothing more is needed but keys and values.
        x3 = x3[:, scored] + self.drop_path(third(x1[:, scored], x2, x3))
        mixed: Tensor = self.mixer(torch.cat((x1[:, scored], x2[:, scored], x3), dim=-1))
        return mixed


class CrossAttention(nn.Module):
    """Multi-head attention whose queries, keys and values are of different sequences, each with its own norm."""

    def __init__(self, width: int, heads: int, *, dropout: float) -> None:
        super().__init__()
        head_width(width, heads)
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=1e-6) for _ in range(3))
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.dropout = Dropout(dropout)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Give (B, N, C) for queries (B, N, C), keys and values (B, M, C)."""
        norm_q, norm_k, norm_v = self.norms
        attended = attend(self.query(norm_q(query)), self.key(norm_k(key)), self.value(norm_v(value)), self.heads)
        answer: Tensor = self.dropout(self.out(attended))
        return answer


class Mixer(nn.Module):
    """x + MLP(norm x) over hypotheses side by side, (B, T, 3 C)."""

    def __init__(self, width: int, hidden: int, *, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(HYPOTHESES * width, eps=1e-6)
        self.mlp = Mlp(HYPOTHESES * width, hidden, dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, 3 C) for the same."""
        answer: Tensor = x + self.drop_path(self.mlp(self.norm(x)))
        return answer
