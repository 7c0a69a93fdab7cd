"""MixSTE (Zhang et al. 2022), sections 3.1 to 3.3: blocks over joints and over frames in turn."""

from __future__ import annotations

from torch import Tensor, nn

from .attention import Block, rates, zeros


class MixSte(nn.Module):
    """(B, T, J, 2) -> (B, T, J, 3)."""

    def __init__(
        self,
        joints: int,
        frames: int = 243,
        width: int = 512,
        depth: int = 8,
        heads: int = 8,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = nn.Linear(2, width)
        self.spatial_position, self.temporal_position = zeros(1, joints, width), zeros(1, frames, width)
        self.spatial, self.temporal = (
            nn.ModuleList(Block(width, heads, 2 * width, drop_path=rate) for rate in rates(drop_path, depth))
            for _ in range(2)
        )
        self.spatial_norm, self.temporal_norm = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))

    def forward(self, pose2d: Tensor) -> Tensor:
        """Give poses of all frames."""
        batch, frames, joints, _ = pose2d.shape
        x = self.embedding(pose2d.reshape(batch * frames, joints, 2)) + self.spatial_position
        for k, (spatial, temporal) in enumerate(zip(self.spatial, self.temporal, strict=True)):
            x = self.spatial_norm(spatial(x))
            x = x.reshape(batch, frames, joints, -1).transpose(1, 2).reshape(batch * joints, frames, -1)
            if k == 0:
                x = x + self.temporal_position
            x = self.temporal_norm(temporal(x))
            x = x.reshape(batch, joints, frames, -1).transpose(1, 2).reshape(batch * frames, joints, -1)
        return self.head(x).reshape(batch, frames, joints, 3)
