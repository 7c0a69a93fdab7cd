"""PoseFormerV2 (Zhao et al. 2023), section 3: middle frames and low frequencies as tokens of one transformer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .attention import Attention, Block, DropPath, Mlp, rates, zeros


class PoseFormerV2(nn.Module):
    """(B, T, J, 2) -> (B, 1, J, 3)."""

    def __init__(
        self,
        joints: int,
        frames: int = 81,
        kept_frames: int = 9,
        kept_coefficients: int = 9,
        width: int = 32,
        depth: int = 4,
        heads: int = 8,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        self.kept_frames, self.kept_coefficients = kept_frames, kept_coefficients
        whole = joints * width
        self.embedding, self.spatial_position = nn.Linear(2, width), zeros(1, joints, width)
        self.spatial = nn.ModuleList(Block(width, heads, 2 * width, drop_path=rate) for rate in rates(drop_path, depth))
        self.spatial_norm = nn.LayerNorm(width, eps=1e-6)
        self.temporal_position = zeros(1, kept_frames, whole)
        self.frequency_embedding = nn.Linear(2 * joints, whole)
        self.frequency_position = zeros(1, kept_coefficients, whole)
        tokens = kept_coefficients + kept_frames
        self.mixed = nn.ModuleList(MixedBlock(whole, heads, tokens, rate) for rate in rates(drop_path, depth))
        self.mixed_norm = nn.LayerNorm(whole, eps=1e-6)
        self.frequency_mean, self.temporal_mean = nn.Conv1d(kept_coefficients, 1, 1), nn.Conv1d(kept_frames, 1, 1)
        self.head = nn.Sequential(nn.LayerNorm(2 * whole), nn.Linear(2 * whole, 3 * joints))
        self.register_buffer("cosines", cosines(frames)[:kept_coefficients], persistent=False)

    def forward(self, pose2d: Tensor) -> Tensor:
        """Give the pose of the middle frame."""
        batch, frames, joints, _ = pose2d.shape
        first = (frames - self.kept_frames) // 2
        x = pose2d[:, first : first + self.kept_frames].reshape(batch * self.kept_frames, joints, 2)
        x = self.embedding(x) + self.spatial_position
        for block in self.spatial:
            x = block(x)
        x = self.spatial_norm(x).reshape(batch, self.kept_frames, -1) + self.temporal_position
        coefficients = self.cosines @ pose2d.reshape(batch, frames, 2 * joints)
        x = torch.cat((self.frequency_embedding(coefficients) + self.frequency_position, x), dim=1)
        for block in self.mixed:
            x = block(x)
        x = self.mixed_norm(x)
        frequency = self.frequency_mean(x[:, : self.kept_coefficients])
        time = self.temporal_mean(x[:, self.kept_coefficients :])
        return self.head(torch.cat((frequency, time), dim=-1)).reshape(batch, 1, joints, 3)


class MixedBlock(nn.Module):
    """A block whose second half of tokens has its MLP between a cosine transform and its inverse."""

    def __init__(self, width: int, heads: int, tokens: int, drop_path: float) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width, eps=1e-6) for _ in range(3))
        self.attention = Attention(width, heads)
        self.mlp, self.frequency_mlp = Mlp(width, 2 * width), Mlp(width, 2 * width)
        self.drop_path = DropPath(drop_path)
        there = cosines(tokens - tokens // 2)
        self.register_buffer("there", there, persistent=False)
        self.register_buffer("back", torch.linalg.inv(there.double()).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, C) for the same."""
        x = x + self.drop_path(self.attention(self.norm1(x)))
        first, rest = x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]
        first = first + self.drop_path(self.mlp(self.norm2(first)))
        rest = rest + self.drop_path(self.back @ self.frequency_mlp(self.there @ self.norm3(rest)))
        return torch.cat((first, rest), dim=1)


def cosines(size: int) -> Tensor:
    """Give the matrix of the cosine transform of type II, unnormalised."""
    places = torch.arange(size, dtype=torch.float64)
    return (2 * torch.cos(math.pi * places[:, None] * (2 * places + 1) / (2 * size))).float()
