"""VioPose (Yoo et al. 2025), sections 3 and 4, with sound, temporal pose encoder, cascade and mixing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import Scores

_FEATURES = 35
_FILTERS = (64, 32, 16)


class VioPose(nn.Module):
    """(B, T, J, 2) and (B, F, 35) -> pose, velocity and acceleration, (B, T, J, 3) each."""

    def __init__(
        self,
        joints: int,
        frames: int = 150,
        audio_frames: int = 500,
        width: int = 256,
        heads: int = 8,
        pose_layers: int = 3,
        layers: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.pose_encoder = Tokens(2 * joints, frames, width, heads, pose_layers, dropout, dropout)
        self.audio_encoder = AudioEncoder(audio_frames, frames, width, heads, layers, dropout)
        self.fusion = nn.Linear(2 * width, width)
        self.acceleration_level, self.velocity_level, self.pose_level = (
            Level(frames, width, heads, layers, dropout) for _ in range(3)
        )
        self.acceleration_head = nn.Sequential(
            nn.Linear(width, 128), nn.LeakyReLU(0.3), nn.Linear(128, 64), nn.LeakyReLU(0.3), nn.Linear(64, 3 * joints)
        )
        self.velocity_head, self.pose_head = nn.Linear(width, 3 * joints), nn.Linear(width, 3 * joints)

    def forward(self, pose2d: Tensor, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give pose, velocity and acceleration of all frames."""
        batch, frames, joints, _ = pose2d.shape
        seen = self.pose_encoder(pose2d.reshape(batch, frames, 2 * joints))[-1]
        heard = self.audio_encoder(audio)
        start = self.acceleration_level.position(self.fusion(torch.cat((heard[-1], seen), dim=-1)))
        of_acceleration = self.acceleration_level(start, heard)
        of_velocity = self.velocity_level(self.velocity_level.position(start), of_acceleration)
        of_pose = self.pose_level(self.pose_level.position(start), of_velocity)
        shape = (batch, frames, joints, 3)
        acceleration = self.acceleration_head(of_acceleration[-1]).reshape(shape)
        velocity = self.velocity_head(of_velocity[-1]).reshape(shape)
        pose = self.pose_head(of_pose[-1]).reshape(shape)
        velocity = (velocity + _shifted(velocity + acceleration)) / 2
        pose = (pose + _shifted(pose + velocity)) / 2
        velocity = (velocity + _difference(pose)) / 2
        acceleration = (acceleration + _difference(velocity)) / 2
        return pose, velocity, acceleration


class Attention(nn.Module):
    """Self-attention whose queries, keys and values have no bias."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.scores, self.dropout = Scores(heads), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, D) for the same."""
        return self.dropout(self.out(self.scores(self.query(x), self.key(x), self.value(x))))


class Block(nn.Module):
    """x + attention(norm x), then x + MLP(norm x), whose GELU is the approximate one."""

    def __init__(self, width: int, heads: int, dropout: float, dropout_attention: float = 0.0) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout_attention)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(approximate="tanh"), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, D) for the same."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Position(nn.Module):
    """A learned position, added."""

    def __init__(self, frames: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(0.02 * torch.randn(frames, width))

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, D) for the same."""
        return x + self.embedding


class TokenNorm(nn.Module):
    """Batch normalisation of (B, T, D) by feature, with Keras's constants."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, D) for the same."""
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Tokens(nn.Module):
    """Embedding, position, blocks: (B, T, C) -> (B, T, D) after each."""

    def __init__(
        self, inputs: int, frames: int, width: int, heads: int, layers: int, dropout: float, dropout_attention: float
    ) -> None:
        super().__init__()
        self.embedding, self.position = nn.Linear(inputs, width), Position(frames, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout, dropout_attention) for _ in range(layers))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Give what each block makes of it."""
        x = self.position(self.embedding(x))
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found


class AudioEncoder(Tokens):
    """Convolutions over rows of sound, a linear layer along time from F to T, tokens: (B, F, 35) -> (B, T, D) each."""

    def __init__(self, rows: int, frames: int, width: int, heads: int, layers: int, dropout: float) -> None:
        super().__init__(_FILTERS[-1], frames, width, heads, layers, dropout, 0.0)
        sizes = zip((_FEATURES, *_FILTERS), _FILTERS, strict=False)
        self.convolutions = nn.Module()
        self.convolutions.layers = nn.ModuleList(nn.Conv1d(*size, 3, padding=1) for size in sizes)
        self.convolutions.norms = nn.ModuleList(nn.BatchNorm1d(size, eps=1e-3) for size in _FILTERS)
        self.resampling = nn.Linear(rows, frames)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Give what each block makes of it."""
        x = x.transpose(1, 2)
        for layer, norm in zip(self.convolutions.layers, self.convolutions.norms, strict=True):
            x = norm(torch.relu(layer(x)))
        return super().forward(self.resampling(x).transpose(1, 2))


class Level(nn.Module):
    """Blocks, to each of whose answers a hidden state of the level below is added, and both are normalised."""

    def __init__(self, frames: int, width: int, heads: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.position = Position(frames, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norms = nn.ModuleList(TokenNorm(width) for _ in range(layers))

    def forward(self, x: Tensor, below: list[Tensor]) -> list[Tensor]:
        """Give the hidden state after each block, (B, T, D)."""
        found = []
        for block, norm, state in zip(self.blocks, self.norms, below, strict=True):
            x = norm(block(x) + state)
            found.append(x)
        return found


def _shifted(x: Tensor) -> Tensor:
    return torch.cat((x[:, :1], x[:, :-1]), dim=1)


def _difference(x: Tensor) -> Tensor:
    steps = x[:, 1:] - x[:, :-1]
    return torch.cat((steps, steps[:, -1:]), dim=1)
