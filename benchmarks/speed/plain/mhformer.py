"""MHFormer (Li et al. 2022), sections 3.2 to 3.5: three hypotheses, refined by themselves and with each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import Attention, Block, DropPath, Mlp, Scores, rates, zeros

_HYPOTHESES = 3


class MHFormer(nn.Module):
    """(B, T, J, 2) -> (B, T, J, 3)."""

    def __init__(
        self,
        joints: int,
        frames: int = 351,
        width: int = 512,
        layers: int = 3,
        heads: int = 8,
        hidden: int = 1024,
        depth: int = 4,
        dropout: float = 0.1,
        drop_path: float = 0.2,
    ) -> None:
        super().__init__()
        three, all_three = range(_HYPOTHESES), _HYPOTHESES * width
        self.norms = nn.ModuleList(nn.LayerNorm(frames) for _ in three)
        self.encoders = nn.ModuleList(Encoder(2 * joints, frames, depth, dropout, drop_path) for _ in three)
        self.embeddings = nn.ModuleList(_embedding(2 * joints, width, frames) for _ in three)
        self.positions = nn.ParameterList(zeros(1, frames, width) for _ in three)
        self.dropout = nn.Dropout(dropout)
        *of_refinements, of_interaction = rates(drop_path, layers)
        self.refinements = nn.ModuleList(Refinement(width, heads, hidden, dropout, rate) for rate in of_refinements)
        self.interaction = Interaction(width, heads, hidden, dropout, of_interaction)
        self.norm = nn.LayerNorm(all_three, eps=1e-6)
        self.head = nn.Sequential(nn.BatchNorm1d(all_three), nn.Conv1d(all_three, 3 * joints, 1))

    def forward(self, pose2d: Tensor) -> Tensor:
        """Give poses of all frames."""
        batch, frames, joints, _ = pose2d.shape
        x = pose2d.reshape(batch, frames, 2 * joints).transpose(1, 2).contiguous()
        hypotheses = []
        for norm, encoder, embedding, position in zip(
            self.norms, self.encoders, self.embeddings, self.positions, strict=True
        ):
            x = x + encoder(norm(x))
            hypotheses.append(self.dropout(embedding(x).transpose(1, 2).contiguous() + position))
        for refinement in self.refinements:
            hypotheses = refinement(hypotheses)
        x = self.norm(self.interaction(hypotheses))
        return self.head(x.transpose(1, 2).contiguous()).transpose(1, 2).reshape(batch, frames, joints, 3)


class Encoder(nn.Module):
    """Blocks over coordinates, each a token of T numbers."""

    def __init__(self, coordinates: int, frames: int, depth: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.position, self.dropout = zeros(1, coordinates, frames), nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(frames, 9, 2 * frames, dropout, rate) for rate in rates(drop_path, depth))
        self.norm = nn.LayerNorm(frames, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, 2J, T) for the same."""
        x = self.dropout(x + self.position)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Mixer(nn.Module):
    """x + MLP(norm x) over hypotheses side by side."""

    def __init__(self, width: int, hidden: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.norm, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width, hidden, dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, 3C) for the same."""
        return x + self.drop_path(self.mlp(self.norm(x)))


class Refinement(nn.Module):
    """Each hypothesis attends to itself; one MLP over all (section 3.3)."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=1e-6) for _ in range(_HYPOTHESES))
        self.attentions = nn.ModuleList(Attention(width, heads, dropout) for _ in range(_HYPOTHESES))
        self.mixer = Mixer(_HYPOTHESES * width, hidden, dropout, drop_path)
        self.drop_path = DropPath(drop_path)

    def forward(self, hypotheses: list[Tensor]) -> list[Tensor]:
        """Give three for three, (B, T, C) each."""
        attended = [
            x + self.drop_path(attention(norm(x)))
            for x, norm, attention in zip(hypotheses, self.norms, self.attentions, strict=True)
        ]
        return list(self.mixer(torch.cat(attended, dim=-1)).chunk(_HYPOTHESES, dim=-1))


class Interaction(nn.Module):
    """Each hypothesis attends with the other two as queries and keys; one MLP over all (section 3.4)."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(CrossAttention(width, heads, dropout) for _ in range(_HYPOTHESES))
        self.mixer = Mixer(_HYPOTHESES * width, hidden, dropout, drop_path)
        self.drop_path = DropPath(drop_path)

    def forward(self, hypotheses: list[Tensor]) -> Tensor:
        """Give (B, T, 3C)."""
        x1, x2, x3 = hypotheses
        first, second, third = self.attentions
        x1 = x1 + self.drop_path(first(x2, x3, x1))
        x2 = x2 + self.drop_path(second(x1, x3, x2))
        x3 = x3 + self.drop_path(third(x1, x2, x3))
        return self.mixer(torch.cat((x1, x2, x3), dim=-1))


class CrossAttention(nn.Module):
    """Attention of queries, keys and values of three sequences, each behind a norm of its own."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=1e-6) for _ in range(3))
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.scores, self.dropout = Scores(heads), nn.Dropout(dropout)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Give (B, T, C)."""
        norm_q, norm_k, norm_v = self.norms
        return self.dropout(
            self.out(self.scores(self.query(norm_q(query)), self.key(norm_k(key)), self.value(norm_v(value))))
        )


def _embedding(coordinates: int, width: int, frames: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv1d(coordinates, width, 1)]
    if frames <= 27:
        layers += [nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.25)]
    return nn.Sequential(*layers)
