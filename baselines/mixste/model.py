"""MixSTE, after Zhang et al. 2022: *Seq2seq mixed spatio-temporal encoder for 3D human pose estimation in video*.

Keypoints of T frames become tokens, one for each joint and frame. Blocks of attention alternate: over the
joints of each frame, then over the frames of each joint; every frame's pose is read off its tokens.
Layout of tokens: (B, T, J, C) throughout. Lengths inside are metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from viodat.baselines.parts.attention import Block, position
from viodat.baselines.parts.drop_path import drop_path_rates
from viodat.baselines.parts.lengths import METRE_MM, check_windows, mean_distance
from viodat.baselines.parts.official import (
    Arrays,
    blocks_in,
    given,
    load_official,
    official_joints,
    official_names,
    shape_of,
    tensors_of,
)
from viodat.baselines.parts.portions import in_portions
from viodat.baselines.parts.precision import FullLinear

from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.bench.network import POSITION, LiftingModel, Tensors, distances
from viodat.errors import ConfigError

SMOOTHNESS: Final = "smoothness"
VELOCITY: Final = "velocity"

JOINT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "knee": 2.5, "ankle": 2.5, "head": 1.5, "shoulder": 1.5, "elbow": 4.0, "wrist": 4.0,
        # Proposed here: the paper has no hands. They move as wrists do.
        "index": 4.0, "pinky": 4.0, "thumb": 4.0,
    }
)  # fmt: skip
"""Weight of a joint by its name without its side (W-MPJPE); 1 for all others."""


class MixSte(LiftingModel):
    """The network.

    Parameters
    ----------
    joints
        Which it takes and gives.
    frames
        T; any number.
    width
        C of a token.
    depth
        Pairs of a spatial and a temporal block.
    heads
        Of each block; they share ``width``.
    mlp_ratio
        Width inside MLPs by ``width``.
    qkv_bias, qk_scale
        Whether queries, keys and values have a bias; what scores are multiplied by (None: 1 / √(width / heads)).
    dropout
        After positions are added, after attention and in MLPs; the paper has none.
    drop_path
        Of the last pair; it grows linearly from 0 at the first.
    checkpointing
        Whether a training step keeps only what goes into a block, and computes the rest again: the same gradients, from
        far less memory, in about a quarter more time. The last quarter of the blocks keep everything: that is
        given back before the first is computed again.

    Raises
    ------
    ConfigError
        ``frames`` or ``depth`` is less than 1, or ``heads`` does not divide ``width``.
    """

    centre = False
    normalisation = "screen"
    cut = "inside"
    loss_weights = MappingProxyType({POSITION: 1.0, SMOOTHNESS: 0.5, VELOCITY: 2.0})

    joint_weights: Tensor

    def __init__(
        self,
        joints: JointSet = VIODAT18,
        frames: int = 243,
        width: int = 512,
        depth: int = 8,
        heads: int = 8,
        mlp_ratio: float = 2.0,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        dropout: float = 0.0,
        drop_path: float = 0.1,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if frames < 1 or depth < 1:
            raise ConfigError(f"MixSTE of {frames} frames and depth {depth}: both are expected to be 1 or more")
        self.joints, self.frames, self.checkpointing = joints, frames, checkpointing
        self.embedding = FullLinear(2, width)
        self.spatial_position = position(1, len(joints), width)
        self.temporal_position = position(1, frames, width)
        self.dropout = nn.Dropout(dropout)

        def blocks() -> nn.ModuleList:
            return nn.ModuleList(
                Block(
                    width,
                    heads,
                    int(width * mlp_ratio),
                    bias=qkv_bias,
                    scale=qk_scale,
                    dropout=dropout,
                    drop_path=rate,
                    lean=True,
                )
                for rate in drop_path_rates(drop_path, depth)
            )

        self.spatial, self.temporal = blocks(), blocks()
        self.spatial_norm = nn.LayerNorm(width, eps=1e-6)
        self.temporal_norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), FullLinear(width, 3))
        weights = torch.tensor(joints.weights(JOINT_WEIGHTS, 1.0))
        self.register_buffer("joint_weights", weights, persistent=False)

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer with every frame."""
        return {"pose3d": METRE_MM * self.official_forward(batch["pose2d"])}

    def official_forward(self, *inputs: Tensor) -> Tensor:
        """Give poses in metres, (B, T, J, 3), of keypoints (B, T, J, 2) normalised to the screen."""
        (pose2d,) = inputs
        check_windows(pose2d, self.frames, self.joints, "MixSTE")
        return in_portions(self._lifted, pose2d, self.frames * self.spatial_position.numel(), whole=self.training)

    def _lifted(self, pose2d: Tensor) -> Tensor:
        x = self.dropout(self.embedding(pose2d) + self.spatial_position)
        lean = len(self.spatial) - len(self.spatial) // 4
        for k, (spatial, temporal) in enumerate(zip(self.spatial, self.temporal, strict=True)):
            again = self.checkpointing and k < lean
            x = _run(spatial, x.flatten(0, 1), again=again).view(x.shape)
            x = self.spatial_norm(x)
            if k == 0:
                x = self.dropout(x + self.temporal_position[:, :, None])
            x = self.temporal_norm(_run(temporal, x, again=again))
        answer: Tensor = self.head(x)
        return answer

    def loss_values(self, output: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Give the loss's three terms in metres: weighted distances, squared steps, and errors of velocity."""
        pred, target, valid = output["pose3d"] / METRE_MM, batch["target"] / METRE_MM, batch["valid"]
        steps, both = pred.diff(dim=1), _both(valid)
        return {
            POSITION: self.joint_weights * distances(pred, target, valid),
            SMOOTHNESS: self.joint_weights * torch.where(both[..., None], steps, 0.0).square().mean(dim=-1),
            VELOCITY: distances(steps, target.diff(dim=1), both),
        }

    def loss_masks(self, batch: Tensors) -> dict[str, Tensor]:
        """Give what counts: valid joints, and steps between two frames that are."""
        both = _both(batch["valid"])
        return {POSITION: batch["valid"], SMOOTHNESS: both, VELOCITY: both}

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give the published loss of (B, T, J, 3) m; ``w_mpjpe`` (J,) weighs joints in place of ours by name."""
        (pred,) = outputs
        weights = aux.get("w_mpjpe", self.joint_weights).to(pred)
        steps = pred.diff(dim=1)
        position_m = (weights * torch.linalg.vector_norm(pred - target, dim=-1)).mean()
        smoothness_m2 = (weights[:, None] * steps.square()).mean()
        velocity_m = mean_distance(steps, target.diff(dim=1))
        total: Tensor = position_m + 0.5 * smoothness_m2 + 2.0 * velocity_m
        return total

    def official_names(self) -> dict[str, tuple[str, ...]]:
        """Give the official name of each parameter."""
        return official_names(self, _RENAMED)


def from_official(state: Arrays, **config: Any) -> MixSte:
    """Give the network with the parameters of a published checkpoint.

    Parameters
    ----------
    state
        Official parameter name -> array.
    config
        Official constructor's arguments (``num_frame``, ``num_joints``, ``embed_dim_ratio``, ``depth``, ``num_heads``,
        ``mlp_ratio`` ...); what is left out follows from the shapes, where they tell it. ``joints`` names the joints.

    Raises
    ------
    ConfigError
        A parameter is missing, left over or of another shape, or an argument is unknown.
    """
    tensors = tensors_of(state)
    joints = config.pop("joints", None)
    options = given(config, _ARGUMENTS, {"in_chans": (2,), "norm_layer": (None,), "attn_drop_rate": (0.0,)})
    _, count, width = shape_of(tensors, "Spatial_pos_embed")
    options.setdefault("frames", shape_of(tensors, "Temporal_pos_embed")[1])
    options.setdefault("depth", blocks_in(tensors, "STEblocks"))
    options.setdefault("width", width)
    network = MixSte(joints=official_joints(options.pop("count", count), joints), **options)
    load_official(network, tensors, network.official_names())
    return network


_RENAMED: Final = (
    (r"^embedding\.", "Spatial_patch_to_embedding."),
    (r"^spatial_position", "Spatial_pos_embed"),
    (r"^temporal_position", "Temporal_pos_embed"),
    (r"^spatial\.", "STEblocks."),
    (r"^temporal\.", "TTEblocks."),
    (r"\.attention\.out\.", ".attn.proj."),
    (r"\.attention\.", ".attn."),
    (r"^spatial_norm", "Spatial_norm"),
    (r"^temporal_norm", "Temporal_norm"),
)
_ARGUMENTS: Final = {
    "num_frame": "frames",
    "num_joints": "count",
    "embed_dim_ratio": "width",
    "depth": "depth",
    "num_heads": "heads",
    "mlp_ratio": "mlp_ratio",
    "qkv_bias": "qkv_bias",
    "qk_scale": "qk_scale",
    "drop_rate": "dropout",
    "drop_path_rate": "drop_path",
}


def _run(block: nn.Module, x: Tensor, *, again: bool) -> Tensor:
    """Run a block, in training so that what is in it is computed ``again`` when its gradient is."""
    answer: Tensor = checkpoint(block, x, use_reentrant=False) if again and torch.is_grad_enabled() else block(x)
    return answer


def _both(valid: Tensor) -> Tensor:
    """Give whether a frame and the one after it are valid, (B, T - 1, J)."""
    both: Tensor = valid[:, 1:] & valid[:, :-1]
    return both
