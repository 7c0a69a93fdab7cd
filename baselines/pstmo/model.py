"""P-STMO: frames are encoded one by one, then a vanilla and a strided transformer see them together.

After Shan et al. 2022. Both stages share the frame encoder and the vanilla transformer, which the first
learns without any truth: it restores keypoints of which frames and joints were masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from viodat.baselines.parts.dropout import Dropout
from viodat.baselines.parts.lengths import check_windows, mean_distance
from viodat.baselines.parts.strided import (
    FullPointwise,
    Head,
    Pointwise,
    StridedLifter,
    UnbiasedNorm,
    VanillaEncoder,
    normed,
)

from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.bench.network import LiftingModel, Tensors, distances
from viodat.errors import ConfigError

RESTORED: Final = "restored"
_SLOPE: Final = 0.2
_DROPOUT: Final = 0.1


class FrameEncoder(nn.Module):
    """The keypoints of each frame, by themselves, become its token: a spatial MLP with one residual block.

    Parameters
    ----------
    inputs
        2J.
    inner, width
        Inside, and of the token.
    """

    def __init__(self, inputs: int, inner: int, width: int) -> None:
        super().__init__()
        self.first, self.norm = FullPointwise(inputs, inner), nn.BatchNorm1d(inner)
        self.fc1, self.norm1 = Pointwise(inner, inner), nn.BatchNorm1d(inner)
        self.fc2, self.norm2 = Pointwise(inner, inner), nn.BatchNorm1d(inner)
        self.last = Pointwise(inner, width)
        self.dropout = Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, 2J) -> (B, T, width)."""
        x = self._active(self.norm, self.first(x))
        inside = self._active(self.norm1, self.fc1(x))
        return torch.as_tensor(self.last(x + self._active(self.norm2, self.fc2(inside))))

    def _active(self, norm: nn.Module, x: Tensor) -> Tensor:
        return torch.as_tensor(self.dropout(leaky_relu(normed(norm, x), _SLOPE)))


class PStmo(StridedLifter):
    """The second stage, which lifts.

    Parameters
    ----------
    joints
        Which it takes and gives.
    frames
        T, odd; the paper has 243, and 27 and 81.
    width, hidden
        Of tokens, and inside a layer and the frame encoder.
    layers
        Of the vanilla transformer; 3 for P-STMO-S.
    strides
        Of the strided one; None: 3 as often as it takes for ``frames``, at least three layers.

    Raises
    ------
    ConfigError
        Sizes do not go together.
    """

    def __init__(
        self,
        joints: JointSet = VIODAT18,
        frames: int = 243,
        width: int = 256,
        hidden: int = 512,
        layers: int = 4,
        strides: Sequence[int] | None = None,
    ) -> None:
        encoder = FrameEncoder(2 * len(joints), hidden, width)
        chosen = _strides_for(frames) if strides is None else strides
        super().__init__(encoder, "P-STMO", joints, frames, width, hidden, layers, chosen)

    def official_forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Give (B, 3, 1, J, 1) and (B, 3, T, J, 1), in metres, of (B, 2, T, J, 1)."""
        centre, sequence = self._lifted_m(inputs[0][..., 0].permute(0, 2, 3, 1))
        return _as_published(centre), _as_published(sequence)

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give MPJPE of the centre frame + MPJPE of all, in metres, with ``target`` (B, T, J, 3)."""
        centre, sequence = (one[..., 0].permute(0, 2, 3, 1) for one in outputs)
        return mean_distance(centre, self.scored(target)) + mean_distance(sequence, target)


class MaskedPStmo(LiftingModel):
    """The first stage, which restores keypoints that were masked and needs no truth.

    In training it masks frames, the same of all windows of a batch, and joints of each frame, drawn by torch's global
    generator; otherwise it masks nothing.

    Parameters
    ----------
    joints, frames, width, hidden, layers
        As in :class:`PStmo`; the decoder has half the widths and a layer less.
    masked_frames
        Share of the frames; the paper has 0.6, and 0.8 for P-STMO-S.
    masked_joints
        How many of each frame; the paper has 3, and 2 for P-STMO-S.
    kept_joints
        Names of joints that are never masked. The published code keeps ``right_wrist``, the last of its 17, by a
        number that stands in it.

    Raises
    ------
    ConfigError
        Sizes do not go together, or more is to be masked than there is.
    """

    centre = True
    normalisation = "screen"
    lifts = False
    loss_weights: Mapping[str, float] = MappingProxyType({RESTORED: 1.0})

    def __init__(
        self,
        joints: JointSet = VIODAT18,
        frames: int = 243,
        width: int = 256,
        hidden: int = 512,
        layers: int = 4,
        masked_frames: float = 0.6,
        masked_joints: int = 3,
        kept_joints: Sequence[str] = (),
    ) -> None:
        super().__init__()
        unknown = sorted(set(kept_joints) - set(joints.names))
        if unknown:
            raise ConfigError(f"P-STMO is to keep the joint {unknown[0]!r}; expected names of {joints.name}")
        self.maskable = [k for k, name in enumerate(joints.names) if name not in kept_joints]
        if not 0 <= masked_frames < 1:
            raise ConfigError(f"P-STMO with {masked_frames} of its frames masked: expected a share from 0 to below 1")
        if not 0 <= masked_joints <= len(self.maskable):
            raise ConfigError(
                f"P-STMO with {masked_joints} joints of a frame masked: expected 0 to {len(self.maskable)}"
            )
        if frames < 1 or not frames % 2:
            raise ConfigError(f"P-STMO over {frames} frames: expected an odd number")
        if layers < 1 or width % 2 or hidden % 2:
            raise ConfigError(
                f"P-STMO of {layers} layers, {width} and {hidden} wide: expected 1 or more, and even widths"
            )
        self.joints, self.frames = joints, frames
        self.masked_frames, self.masked_joints = int(frames * masked_frames), masked_joints
        narrow = width // 2
        self.encoder = FrameEncoder(2 * len(joints), hidden, width)
        self.position = nn.Parameter(torch.randn(1, frames, width))
        self.vanilla = VanillaEncoder(layers, width, hidden)
        self.joint_token = nn.Parameter(torch.randn(1, 1, 2))
        self.seen_norm = UnbiasedNorm(width)
        self.narrowing = nn.Linear(width, narrow, bias=False)
        self.frame_token = nn.Parameter(torch.randn(1, 1, narrow))
        self.restoring_position = nn.Parameter(torch.randn(1, frames, narrow))
        self.restoring = VanillaEncoder(layers - 1, narrow, hidden // 2)
        self.restoring_head = Head(narrow, 2 * len(joints))

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Give keypoints of all frames, restored, in order: ``pose2d`` (B, T, J, 2)."""
        frames, joints = self.drawn(batch["pose2d"].device)
        order = _visible_first(frames)
        restored = self._restored(batch["pose2d"], frames, joints)
        return {"pose2d": restored[:, order.argsort()]}

    def drawn(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Draw which frames (T,) and which joints of each (T, J) are masked."""
        frames = torch.zeros(self.frames, dtype=torch.bool, device=device)
        joints = torch.zeros(self.frames, len(self.joints), dtype=torch.bool, device=device)
        if self.training:
            frames[torch.randperm(self.frames)[: self.masked_frames].to(device)] = True
            chosen = torch.rand(self.frames, len(self.maskable)).argsort(dim=1)[:, : self.masked_joints]
            joints.scatter_(1, torch.tensor(self.maskable)[chosen].to(device), True)
        return frames, joints

    def loss_values(self, output: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Give distances between keypoints, in halves of the pictures' width, (B, T, J)."""
        return {RESTORED: distances(output["pose2d"], batch["pose2d"], self.loss_masks(batch)[RESTORED])}

    def loss_masks(self, batch: Tensors) -> dict[str, Tensor]:
        """Give all joints and frames of windows in which anything counts: keypoints are there without truth."""
        valid = batch["valid"]
        return {RESTORED: valid.any(dim=(1, 2), keepdim=True).expand_as(valid)}

    def official_forward(self, *inputs: Tensor) -> Tensor:
        """Give (B, 2, T, J, 1), visible frames first, of the same and masks of frames (T,) and of joints (T, J)."""
        pose2d, frames, joints = inputs
        return _as_published(self._restored(pose2d[..., 0].permute(0, 2, 3, 1), frames, joints))

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give the mean distance to ``target`` (B, 2, T, J, 1), of which ``mask`` (T,) frames were masked."""
        (restored,) = outputs
        ordered = target[:, :, _visible_first(aux["mask"])] if "mask" in aux else target
        return mean_distance(restored.movedim(1, -1), ordered.movedim(1, -1))

    def _restored(self, pose2d: Tensor, frames: Tensor, joints: Tensor) -> Tensor:
        """Give keypoints of the visible frames, then of the masked ones: (B, T, J, 2)."""
        check_windows(pose2d, self.frames, self.joints, "P-STMO")
        order, seen = _visible_first(frames), self.frames - int(frames.sum())
        masked = torch.where(joints[..., None], self.joint_token, pose2d)
        tokens = self.encoder(masked.flatten(2)) + self.position
        tokens = self.narrowing(self.seen_norm(self.vanilla(tokens[:, order[:seen]])))
        hidden = self.frame_token.expand(len(pose2d), self.frames - seen, -1)
        together = torch.cat([tokens, hidden.to(tokens.dtype)], dim=1) + self.restoring_position[:, order]
        restored: Tensor = self.restoring_head(self.restoring(together))
        return restored.view(*restored.shape[:2], len(self.joints), 2)


def build(joints: JointSet = VIODAT18, part: Literal["lift", "pretrain"] = "lift", **options: Any) -> LiftingModel:
    """Build one of the two stages.

    Parameters
    ----------
    joints
        As in :class:`PStmo`.
    part
        ``pretrain`` for :class:`MaskedPStmo`, ``lift`` for :class:`PStmo`.
    options
        Of that.

    Raises
    ------
    ConfigError
        There is no such part, or as those say.
    """
    kinds: dict[str, Callable[..., LiftingModel]] = {"lift": PStmo, "pretrain": MaskedPStmo}
    if part not in kinds:
        raise ConfigError(f"P-STMO has no part {part!r}; expected {', '.join(kinds)}")
    return kinds[part](joints=joints, **options)


def _strides_for(frames: int) -> list[int]:
    """Give 3 as often as it takes until one frame is left; no fewer layers than three, of which the first keep all."""
    strides = []
    while frames > 1:
        strides.append(3)
        frames = -(-frames // 3)
    return [1] * (3 - len(strides)) + strides


def _visible_first(masked: Tensor) -> Tensor:
    return masked.to(torch.uint8).argsort(stable=True)


def _as_published(pose: Tensor) -> Tensor:
    """Give (B, T, J, C) as (B, C, T, J, 1)."""
    return pose.permute(0, 3, 1, 2)[..., None]
