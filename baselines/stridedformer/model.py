"""StridedFormer: a vanilla transformer over frames, then a strided one that comes down to the centre frame.

After Li et al. 2022; the second stage of its training, which refines what was predicted, is an option.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from viodat.baselines.parts.dropout import Dropout
from viodat.baselines.parts.lengths import mean_distance
from viodat.baselines.parts.strided import FullPointwise, StridedLifter, normed

from viodat.bench.joint_sets import VIODAT18, JointSet

_DROPOUT: Final = 0.25
_REFINING_DROPOUT: Final = 0.5
_REFINING_WIDTH: Final = 1024


class FrameEncoder(nn.Module):
    """The keypoints of each frame, by themselves, become its token.

    Parameters
    ----------
    inputs, width
        2J, and of the token.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.embedding, self.norm = FullPointwise(inputs, width), nn.BatchNorm1d(width)
        self.dropout = Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, T, 2J) -> (B, T, width)."""
        return torch.as_tensor(self.dropout(normed(self.norm, self.embedding(x)).relu()))


class StridedFormer(StridedLifter):
    """The network.

    Parameters
    ----------
    joints
        Which it takes and gives.
    frames
        T, odd; the paper has 351.
    width, hidden
        Of tokens, and inside a layer.
    layers
        Of the vanilla transformer.
    strides
        Of the strided one; None: 3, 9, 13 for 351 frames, else 3 as often as it takes.

    Raises
    ------
    ConfigError
        Sizes do not go together.
    """

    def __init__(
        self,
        joints: JointSet = VIODAT18,
        frames: int = 351,
        width: int = 256,
        hidden: int = 512,
        layers: int = 3,
        strides: Sequence[int] | None = None,
    ) -> None:
        encoder = FrameEncoder(2 * len(joints), width)
        chosen = _strides_for(frames) if strides is None else strides
        super().__init__(encoder, "StridedFormer", joints, frames, width, hidden, layers, chosen)

    def official_forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Give (B, 1, J, 3) and (B, T, J, 3), in metres, of (B, T, J, 2)."""
        return self._lifted_m(inputs[0])

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give MPJPE of the centre frame + MPJPE of all, in metres, with ``target`` (B, T, J, 3)."""
        centre, sequence = outputs
        return mean_distance(centre, self.scored(target)) + mean_distance(sequence, target)


class Refinement(nn.Module):
    """The second stage: x and y are drawn to where the keypoints say that they are, at the predicted depth.

    It is given poses that were made from the keypoints with the camera's intrinsics and the root's depth. The published
    training and test take that depth from the truth, which no model has: so it is no part of any recipe here, and
    what it gives must not stand in a table beside models that are given keypoints alone.

    Parameters
    ----------
    joints
        Which it takes and gives.
    """

    def __init__(self, joints: JointSet = VIODAT18) -> None:
        super().__init__()
        self.joints = joints
        self.layers = nn.Sequential(
            nn.Linear(6 * len(joints), _REFINING_WIDTH),
            nn.ReLU(),
            Dropout(_REFINING_DROPOUT),
            nn.Linear(_REFINING_WIDTH, 2 * len(joints)),
            nn.Sigmoid(),
        )

    def forward(self, predicted: Tensor, projected: Tensor) -> Tensor:
        """Refine poses.

        Parameters
        ----------
        predicted
            (B, 1, J, 3), from the root.
        projected
            (B, 1, J, 3): the keypoints brought to the predicted depth, in the same unit.

        Returns
        -------
        Tensor
            (B, 1, J, 3): x and y between the two, by a share that it computes from both; z is the predicted.
        """
        both = torch.cat([predicted, projected], dim=-1)
        share = self.layers(both.flatten(2)).unflatten(-1, (len(self.joints), 2))
        between = torch.lerp(projected[..., :2], predicted[..., :2], share)
        return torch.cat([between, predicted[..., 2:]], dim=-1)

    def official_forward(self, *inputs: Tensor) -> Tensor:
        """Give (B, 1, J, 3) of x and x1, as :meth:`forward`."""
        return torch.as_tensor(self(*inputs))

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give MPJPE, with ``target`` (B, 1, J, 3)."""
        return mean_distance(outputs[0], target)


def _strides_for(frames: int) -> list[int]:
    if frames == 351:
        return [3, 9, 13]
    strides = []
    while frames > 1:
        strides.append(3)
        frames = -(-frames // 3)
    return strides
