"""A fully convolutional network over time, after Pavllo et al. 2019 (VideoPose3D).

Keypoints of 3^n frames go through a convolution over 3 frames and n - 1 residual blocks, each a convolution over 3
frames (dilated 3, 9, ...) and one over 1, with batch normalisation, ReLU and dropout; a last one gives the pose of the
middle frame. Nothing is padded, so each block's residual is the middle of its input.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from viodat.baselines.parts.dropout import Dropout
from viodat.baselines.parts.lengths import METRE_MM, check_windows
from viodat.baselines.parts.precision import FullConv1d

from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.bench.network import LiftingModel, Tensors
from viodat.errors import ConfigError


class TemporalConvolutions(LiftingModel):
    """The network.

    Parameters
    ----------
    joints
        Which it takes and gives.
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

    def __init__(
        self, joints: JointSet = VIODAT18, frames: int = 27, channels: int = 1024, dropout: float = 0.25
    ) -> None:
        super().__init__()
        self.joints = joints
        field, dilations = 3, []
        while field < frames:
            dilations.append(field)
            field *= 3
        if field != frames:
            raise ConfigError(f"temporal convolutions over {frames} frames: expected a power of 3 (9, 27, 81, 243)")
        self.frames = frames
        self.first = _Layer(2 * len(joints), channels, 3, 1, dropout)
        self.blocks = nn.ModuleList(_Block(channels, dilation, dropout) for dilation in dilations)
        self.last = FullConv1d(channels, 3 * len(joints), 1)

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer with the middle frame, by strided convolutions: what no middle frame hangs on is not computed."""
        check_windows(batch["pose2d"], self.frames, self.joints, "a temporal network")
        x = self._begun(batch["pose2d"], strided=True)
        for block in self.blocks:
            x = block(x, strided=True)
        return {"pose3d": self._poses(x)}

    def sliding(self, batch: Tensors, size: int) -> Tensor:
        """Answer for every frame: dilated convolutions over the recording do what strided ones do over each window."""
        x = self._begun(batch["pose2d"])
        for block in self.blocks:
            x = block(x)
        return self._poses(x)[0]

    def _begun(self, pose2d: Tensor, strided: bool = False) -> Tensor:
        # Keypoints are not rounded (viodat.baselines.parts.precision).
        with torch.autocast(pose2d.device.type, enabled=False):
            return torch.as_tensor(self.first(pose2d.flatten(2).transpose(1, 2), strided))

    def _poses(self, x: Tensor) -> Tensor:
        poses: Tensor = self.last(x)
        # Weights learn best near 1, so inside are metres.
        return METRE_MM * poses.transpose(1, 2).reshape(len(poses), -1, len(self.joints), 3)


class _Layer(nn.Module):
    """A convolution over some frames, dilated or strided: of one window the middle frame comes out the same."""

    def __init__(self, inputs: int, outputs: int, size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(inputs, outputs, size, dilation=dilation, bias=False)
        self.rest = nn.Sequential(nn.BatchNorm1d(outputs), nn.ReLU(), Dropout(dropout))

    def forward(self, x: Tensor, strided: bool = False) -> Tensor:
        """Convolve (B, C, T); strided over each three frames once, whatever the dilation."""
        if strided:
            found: Tensor = self.rest(functional.conv1d(x, self.convolution.weight, stride=3))
        else:
            found = self.rest(self.convolution(x))
        return found


class _Block(nn.Module):
    """A layer over three frames and one over one, beside the middle of what goes in."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.over_time = _Layer(channels, channels, 3, dilation, dropout)
        self.alone = _Layer(channels, channels, 1, 1, dropout)

    def forward(self, x: Tensor, strided: bool = False) -> Tensor:
        """Convolve (B, C, T)."""
        middle = x[..., 1::3] if strided else x[..., self.dilation : x.shape[-1] - self.dilation]
        found: Tensor = middle + self.alone(self.over_time(x, strided))
        return found
