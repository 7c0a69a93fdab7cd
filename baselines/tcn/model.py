"""A fully convolutional network over time, after Pavllo et al. 2019 (VideoPose3D), section 3.

Keypoints of 3^n frames go through a convolution over 3 frames and n - 1 residual blocks, each a convolution over 3
frames (dilated 3, 9, ...) and one over 1, with batch normalisation, ReLU and dropout; a last one gives the pose of the
middle frame. Nothing is padded, so each block's residual is the middle of its input.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from viodat.bench.network import LiftingModel, Tensors
from viodat.errors import ConfigError
from viodat.joints import JOINTS

_METRE_MM: Final = 1000.0


class TemporalConvolutions(LiftingModel):
    """The network.

    Parameters
    ----------
    frames
        T = 3^n, n ≥ 1: its receptive field.
    channels
        Of every layer; the paper has 1024.
    dropout
        The paper has 0.25.

    Raises
    ------
    ConfigError
        ``frames`` is no power of 3.
    """

    centre = True
    normalisation = "screen"

    def __init__(self, frames: int = 27, channels: int = 1024, dropout: float = 0.25) -> None:
        super().__init__()
        field, dilations = 3, []
        while field < frames:
            dilations.append(field)
            field *= 3
        if field != frames:
            raise ConfigError(f"temporal convolutions over {frames} frames: expected a power of 3 (9, 27, 81, 243)")
        self.frames = frames
        self.first = _layer(2 * len(JOINTS), channels, 3, 1, dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(_layer(channels, channels, 3, dilation, dropout), _layer(channels, channels, 1, 1, dropout))
            for dilation in dilations
        )
        self._dilations = dilations
        self.last = nn.Conv1d(channels, 3 * len(JOINTS), 1)

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer with the middle frame."""
        x = self.first(batch["pose2d"].flatten(2).transpose(1, 2))
        for block, dilation in zip(self.blocks, self._dilations, strict=True):
            x = x[..., dilation : x.shape[-1] - dilation] + block(x)
        poses = self.last(x).transpose(1, 2)
        # Weights learn best near 1, so inside are metres.
        return {"pose3d": _METRE_MM * poses.unflatten(-1, (len(JOINTS), 3))}


def _layer(inputs: int, outputs: int, size: int, dilation: int, dropout: float) -> nn.Sequential:
    convolution = nn.Conv1d(inputs, outputs, size, dilation=dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(dropout))
