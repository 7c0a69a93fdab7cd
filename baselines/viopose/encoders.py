"""What VioPose makes of keypoints and of sound before both meet: one token per frame of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from viodat.baselines.parts.precision import FullLinear
from viodat.baselines.viopose.blocks import Block, Position, batch_norm, glorot, narrow

PoseEncoding = Literal["temporal", "spatial"]
Cnn = Literal["1d", "2d", "none"]


class TemporalPoseEncoder(nn.Module):
    """Frames attend to each other: flattened keypoints, a position per frame, blocks.

    Parameters
    ----------
    joints, frames
        Of (B, T, J, 2).
    width, heads, mlp, layers, dropout
        Of the blocks.
    """

    def __init__(
        self, joints: int, frames: int, width: int, heads: int, mlp: float, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = glorot(FullLinear(2 * joints, width))
        self.position = Position(frames, width)
        self.blocks = nn.ModuleList(Block(width, heads, mlp, dropout, dropout_attention=dropout) for _ in range(layers))

    def forward(self, pose2d: Tensor) -> Tensor:
        """Give (B, T, J, 2) -> (B, T, D)."""
        x = self.position(self.embedding(pose2d.flatten(2)))
        for block in self.blocks:
            x = block(x)
        return torch.as_tensor(x)


class SpatialPoseEncoder(nn.Module):
    """Joints of one frame attend to each other; the frame's joints together become its token.

    Parameters
    ----------
    joints
        Of (B, T, J, 2).
    inner
        Width of a joint's token.
    width
        Of a frame's token.
    heads, mlp, layers, dropout
        Of the blocks.
    """

    def __init__(
        self, joints: int, inner: int, width: int, heads: int, mlp: float, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = glorot(FullLinear(2, inner))
        self.position = Position(joints, inner)
        self.blocks = nn.ModuleList(Block(inner, heads, mlp, dropout, dropout_attention=dropout) for _ in range(layers))
        self.together = narrow(nn.Linear(joints * inner, width))

    def forward(self, pose2d: Tensor) -> Tensor:
        """Give (B, T, J, 2) -> (B, T, D)."""
        x = self.position(self.embedding(pose2d.flatten(0, 1)))
        for block in self.blocks:
            x = block(x)
        return torch.as_tensor(self.together(x.flatten(1).unflatten(0, pose2d.shape[:2])))


class Convolutions(nn.Module):
    """Convolutions over time, each with ReLU and then batch normalisation; padded as Keras pads ``same``.

    Parameters
    ----------
    kind
        ``1d``: features are channels; ``2d``: they are the second dimension of a picture, which is flattened after.
    features
        Of a row of sound.
    filters, kernels, strides
        Of each convolution; a 2D one has square kernels and strides.
    """

    def __init__(
        self, kind: Cnn, features: int, filters: Sequence[int], kernels: Sequence[int], strides: Sequence[int]
    ) -> None:
        super().__init__()
        self.kind, self.kernels, self.strides = kind, tuple(kernels), tuple(strides)
        flat = kind == "1d"
        inputs = [features if flat else 1, *filters[:-1]]
        shapes = zip(inputs, filters, kernels, strides, strict=True)
        self.layers = nn.ModuleList(glorot(nn.Conv1d(*one)) if flat else glorot(nn.Conv2d(*one)) for one in shapes)
        self.norms = nn.ModuleList(batch_norm(width, 1 if flat else 2) for width in filters)
        self.width = filters[-1] * (1 if flat else _strided(features, strides))

    def rows(self, rows: int) -> int:
        """Give how many rows come out."""
        return _strided(rows, self.strides)

    def forward(self, audio: Tensor) -> Tensor:
        """Give (B, F, W) -> (B, width, rows)."""
        x = audio.transpose(1, 2) if self.kind == "1d" else audio[:, None]
        sides = x.dim() - 2
        for layer, norm, kernel, stride in zip(self.layers, self.norms, self.kernels, self.strides, strict=True):
            if kernel > 1 or stride > 1:
                around = [_around(size, kernel, stride) for size in x.shape[:1:-1]]
                x = pad(x, [side for both in around for side in both])
            x = norm(layer(x).relu())
        return x if sides == 1 else x.transpose(2, 3).flatten(1, 2)


class AudioEncoder(nn.Module):
    """Rows of sound become one token per frame: convolutions, resampling along time, blocks.

    Parameters
    ----------
    features, rows, frames
        Of (B, F, W), and T.
    cnn, filters, kernels, strides
        As in :class:`Convolutions`; ``none``: the rows as they are.
    width, heads, mlp, layers, dropout
        Of the blocks.
    """

    def __init__(
        self,
        features: int,
        rows: int,
        frames: int,
        cnn: Cnn,
        filters: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
        width: int,
        heads: int,
        mlp: float,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.convolutions = Convolutions(cnn, features, filters, kernels, strides) if cnn != "none" else None
        if self.convolutions is not None:
            features, rows = self.convolutions.width, self.convolutions.rows(rows)
        self.resampling = narrow(nn.Linear(rows, frames))
        self.embedding = glorot(nn.Linear(features, width))
        self.position = Position(frames, width)
        self.blocks = nn.ModuleList(Block(width, heads, mlp, dropout) for _ in range(layers))

    def forward(self, audio: Tensor) -> list[Tensor]:
        """Give (B, F, W) -> what each block makes of it, (B, T, D) each."""
        x = audio.transpose(1, 2) if self.convolutions is None else self.convolutions(audio)
        x = self.position(self.embedding(self.resampling(x).transpose(1, 2)))
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found


def _strided(size: int, strides: Sequence[int]) -> int:
    for stride in strides:
        size = -(-size // stride)
    return size


def _around(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Give zeros before and after, so that every stride has an output; the odd one is after."""
    zeros = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return zeros // 2, zeros - zeros // 2
