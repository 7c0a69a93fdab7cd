"""P-STMO (Shan et al. 2022, section 3) and StridedFormer (Li et al. 2022, section III), which share their transformers.

Convolutions are over (B, C, T), transformers over (B, T, C). Norms are of the unbiased standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .attention import Scores

_HEADS = 8
_DROPOUT = 0.1


class Norm(nn.Module):
    """a (x - mean) / (std + 1e-6) + b."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Give (..., C) for the same."""
        mean, std = x.mean(dim=-1, keepdim=True), x.std(dim=-1, keepdim=True)
        return self.weight * (x - mean) / (std + 1e-6) + self.bias


class Attention(nn.Module):
    """Self-attention of four linear layers, with dropout on its matrix."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.scores = Scores(_HEADS, _DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, C) for the same."""
        return self.out(self.scores(self.query(x), self.key(x), self.value(x)))


class VanillaLayer(nn.Module):
    """Attention, then two linear layers with ReLU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.attention = Norm(width), Norm(width), Attention(width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, C) for the same."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.fc2(self.dropout(torch.relu(self.fc1(self.norm2(x))))))


class StridedLayer(nn.Module):
    """Attention, then two convolutions with ReLU between them, the second of which strides."""

    def __init__(self, width: int, hidden: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.norm1, self.norm2, self.attention = Norm(width), Norm(width), Attention(width)
        self.fc1, self.fc2 = nn.Conv1d(width, hidden, 1), nn.Conv1d(hidden, width, 3, stride=stride, padding=1)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, C) -> (B, ⌈T / s⌉, C)."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        hidden = self.dropout(torch.relu(self.fc1(self.norm2(x).transpose(1, 2))))
        return x[:, :: self.stride] + self.dropout(self.fc2(hidden).transpose(1, 2))


class _Lifter(nn.Module):
    """Of tokens of frames: a vanilla transformer, a strided one, a head after either."""

    def __init__(
        self, encoder: nn.Module, joints: int, frames: int, width: int, hidden: int, layers: int, strides: Sequence[int]
    ) -> None:
        super().__init__()
        self.encoder, self.joints = encoder, joints
        self.position = nn.Parameter(torch.randn(1, frames, width))
        self.vanilla, self.strided = nn.Module(), nn.Module()
        self.vanilla.layers = nn.ModuleList(VanillaLayer(width, hidden) for _ in range(layers))
        self.strided.layers = nn.ModuleList(StridedLayer(width, hidden, stride) for stride in strides)
        self.strided.positions = nn.ParameterList(torch.randn(1, frames, width) for _ in strides[:3])
        self.centre_head, self.sequence_head = _head(width, 3 * joints), _head(width, 3 * joints)

    def lifted(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give the centre frame (B, 3J, 1) and all frames (B, 3J, T) of keypoints (B, 2J, T)."""
        x = self.encoder(x).transpose(1, 2) + self.position
        for layer in self.vanilla.layers:
            x = layer(x)
        sequence = _headed(self.sequence_head, x)
        for k, layer in enumerate(self.strided.layers):
            if k < 3:
                x = x + self.strided.positions[k][:, : x.shape[1]]
            x = layer(x)
        return _headed(self.centre_head, x), sequence


class PStmo(_Lifter):
    """(B, 2, T, J, 1) -> (B, 3, 1, J, 1) and (B, 3, T, J, 1)."""

    def __init__(
        self,
        joints: int,
        frames: int = 243,
        width: int = 256,
        hidden: int = 512,
        layers: int = 4,
        strides: Sequence[int] = (3, 3, 3, 3, 3),
    ) -> None:
        super().__init__(ResidualEncoder(2 * joints, hidden, width), joints, frames, width, hidden, layers, strides)

    def forward(self, pose2d: Tensor) -> tuple[Tensor, Tensor]:
        """Give poses of the centre frame and of all frames."""
        batch, _, frames, joints, _ = pose2d.shape
        answers = self.lifted(pose2d[..., 0].permute(0, 3, 1, 2).reshape(batch, 2 * joints, frames))
        centre, sequence = (x.reshape(batch, joints, 3, -1).permute(0, 2, 3, 1)[..., None] for x in answers)
        return centre, sequence


class StridedFormer(_Lifter):
    """(B, T, J, 2) -> (B, 1, J, 3) and (B, T, J, 3)."""

    def __init__(
        self,
        joints: int,
        frames: int = 351,
        width: int = 256,
        hidden: int = 512,
        layers: int = 3,
        strides: Sequence[int] = (3, 9, 13),
    ) -> None:
        super().__init__(Embedding(2 * joints, width), joints, frames, width, hidden, layers, strides)

    def forward(self, pose2d: Tensor) -> tuple[Tensor, Tensor]:
        """Give poses of the centre frame and of all frames."""
        batch, frames, joints, _ = pose2d.shape
        answers = self.lifted(pose2d.reshape(batch, frames, 2 * joints).transpose(1, 2).contiguous())
        centre, sequence = (x.transpose(1, 2).reshape(batch, -1, joints, 3) for x in answers)
        return centre, sequence


class ResidualEncoder(nn.Module):
    """The keypoints of a frame to a token by convolutions over it alone, with one residual block."""

    def __init__(self, inputs: int, inner: int, width: int) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv1d(inputs, inner, 1), nn.BatchNorm1d(inner)
        self.fc1, self.norm1 = nn.Conv1d(inner, inner, 1), nn.BatchNorm1d(inner)
        self.fc2, self.norm2 = nn.Conv1d(inner, inner, 1), nn.BatchNorm1d(inner)
        self.last = nn.Conv1d(inner, width, 1)
        self.active = nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout(_DROPOUT))

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, 2J, T) -> (B, C, T)."""
        x = self.active(self.norm(self.first(x)))
        inside = self.active(self.norm1(self.fc1(x)))
        return self.last(x + self.active(self.norm2(self.fc2(inside))))


class Embedding(nn.Module):
    """The keypoints of a frame to a token by one convolution over it alone."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.embedding, self.norm, self.dropout = nn.Conv1d(inputs, width, 1), nn.BatchNorm1d(width), nn.Dropout(0.25)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, 2J, T) -> (B, C, T)."""
        return self.dropout(torch.relu(self.norm(self.embedding(x))))


def _head(width: int, outputs: int) -> nn.Module:
    head = nn.Module()
    head.norm, head.out = nn.BatchNorm1d(width), nn.Conv1d(width, outputs, 1)
    return head


def _headed(head: nn.Module, x: Tensor) -> Tensor:
    return head.out(head.norm(x.transpose(1, 2).contiguous()))
