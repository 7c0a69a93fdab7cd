"""PoseFormerV2, after Zhao et al. 2023.

*PoseFormerV2: exploring frequency domain for efficient and robust 3D human pose estimation*, CVPR.

A window of T frames is seen twice: its F middle frames by a transformer over the joints of each, and all
of it by the C lowest coefficients of each coordinate's discrete cosine transform. Both become tokens of one
transformer, whose answer is the pose of the middle frame. Lengths inside are metres.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from viodat.baselines.parts.attention import Block, Mlp, SelfAttention, position
from viodat.baselines.parts.dct import dct, inverse_dct
from viodat.baselines.parts.drop_path import DropPath, drop_path_rates
from viodat.baselines.parts.dropout import Dropout
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
from viodat.baselines.parts.precision import FullLinear

from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.bench.network import LiftingModel, Tensors
from viodat.errors import ConfigError


class PoseFormerV2(LiftingModel):
    """The network.

    Parameters
    ----------
    joints
        Which it takes and gives.
    frames
        T, odd.
    kept_frames
        F, odd: so many in the middle are seen one by one.
    kept_coefficients
        C; None: as many as frames.
    width
        Of a joint's token; that of a frame's is J times as much.
    depth
        Blocks of either transformer.
    heads
        Of each block.
    mlp_ratio
        Width inside MLPs by that outside.
    qkv_bias, qk_scale
        Whether queries, keys and values have a bias; what scores are multiplied by (None: 1 / √(width of a head)).
    dropout
        After positions are added, after attention and in MLPs; the paper has none.
    drop_path
        Of the last block of either transformer; it grows linearly from 0 at the first.

    Raises
    ------
    ConfigError
        ``frames`` or ``kept_frames`` is even, more are kept than there are, or ``heads`` does not divide ``width``.
    """

    centre = True
    normalisation = "screen"

    def __init__(
        self,
        joints: JointSet = VIODAT18,
        frames: int = 81,
        kept_frames: int = 9,
        kept_coefficients: int | None = None,
        width: int = 32,
        depth: int = 4,
        heads: int = 8,
        mlp_ratio: float = 2.0,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        dropout: float = 0.0,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        coefficients = kept_frames if kept_coefficients is None else kept_coefficients
        if frames < 1 or frames % 2 == 0:
            raise ConfigError(f"PoseFormerV2 over {frames} frames: an odd number was expected")
        if not 1 <= kept_frames <= frames or kept_frames % 2 == 0:
            raise ConfigError(
                f"PoseFormerV2 over {frames} frames keeps {kept_frames}: an odd number up to {frames} was expected"
            )
        if not 1 <= coefficients <= frames:
            raise ConfigError(
                f"PoseFormerV2 over {frames} frames keeps {coefficients} coefficients: 1 to {frames} were expected"
            )
        if depth < 1:
            raise ConfigError(f"PoseFormerV2 of depth {depth}: 1 or more was expected")
        self.joints, self.frames = joints, frames
        self.kept_frames, self.kept_coefficients = kept_frames, coefficients
        whole = width * len(joints)
        common: dict[str, Any] = {"bias": qkv_bias, "scale": qk_scale, "dropout": dropout}
        rates = drop_path_rates(drop_path, depth)
        self.embedding = FullLinear(2, width)
        self.spatial_position = position(1, len(joints), width)
        self.spatial = nn.ModuleList(
            Block(width, heads, int(width * mlp_ratio), drop_path=rate, **common) for rate in rates
        )
        self.spatial_norm = nn.LayerNorm(width, eps=1e-6)
        self.temporal_position = position(1, kept_frames, whole)
        self.frequency_embedding = nn.Linear(2 * len(joints), whole)
        self.frequency_position = position(1, coefficients, whole)
        # A dropout of nothing takes as long as adding positions does.
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.mixed = nn.ModuleList(
            MixedBlock(whole, heads, int(whole * mlp_ratio), drop_path=rate, **common) for rate in rates
        )
        self.mixed_norm = nn.LayerNorm(whole, eps=1e-6)
        self.frequency_mean = nn.Conv1d(coefficients, 1, 1)
        self.temporal_mean = nn.Conv1d(kept_frames, 1, 1)
        self.head = nn.Sequential(nn.LayerNorm(2 * whole), FullLinear(2 * whole, 3 * len(joints)))

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer with the middle frame."""
        return {"pose3d": METRE_MM * self.official_forward(batch["pose2d"])}

    def official_forward(self, *inputs: Tensor) -> Tensor:
        """Give poses in metres, (B, 1, J, 3), of keypoints (B, T, J, 2) normalised to the screen."""
        (pose2d,) = inputs
        check_windows(pose2d, self.frames, self.joints, "PoseFormerV2")
        first = (self.frames - self.kept_frames) // 2
        return self._answered(pose2d, self._seen(pose2d[:, first : first + self.kept_frames]))

    def sliding(self, batch: Tensors, size: int) -> Tensor:
        """Answer for every frame; each frame goes through the transformer over joints once, whatever its windows."""
        pose2d = batch["pose2d"][0]
        first = (self.frames - self.kept_frames) // 2
        frames = pose2d[first : len(pose2d) - first]
        seen = torch.cat([self._seen(part) for part in torch.split(frames[:, None], size * self.kept_frames)])[:, 0]
        windows = pose2d.unfold(0, self.frames, 1).movedim(-1, 1)
        kept = seen.unfold(0, self.kept_frames, 1).movedim(-1, 1)
        parts = zip(torch.split(windows, size), torch.split(kept, size), strict=True)
        return METRE_MM * torch.cat([self._answered(part, tokens) for part, tokens in parts])[:, 0]

    def loss_values(self, output: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Give distances of the middle frame in metres."""
        return {name: values / METRE_MM for name, values in super().loss_values(output, batch).items()}

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give MPJPE of the middle frame in metres."""
        (pred,) = outputs
        return mean_distance(pred, target)

    def official_names(self) -> dict[str, tuple[str, ...]]:
        """Give the official name of each parameter."""
        return official_names(self, _RENAMED)

    def _seen(self, pose2d: Tensor) -> Tensor:
        """Give what each frame of (B, F, J, 2) says by itself: (B, F, J · width)."""
        x = self.dropout(self.embedding(pose2d.flatten(0, 1)) + self.spatial_position)
        for block in self.spatial:
            x = block(x)
        return torch.unflatten(self.spatial_norm(x).flatten(1), 0, pose2d.shape[:2])

    def _answered(self, windows: Tensor, seen: Tensor) -> Tensor:
        """Give poses (B, 1, J, 3) of windows (B, T, J, 2) and of what their middle frames say, (B, F, J · width)."""
        # Keypoints are not for bfloat16, as in FullLinear.
        with torch.autocast(windows.device.type, enabled=False):
            frequency = self.frequency_embedding(dct(windows.flatten(2), self.kept_coefficients))
        frequency = self.dropout(frequency + self.frequency_position)
        x = torch.cat((frequency, self.dropout(seen + self.temporal_position)), dim=1)
        for block in self.mixed:
            x = block(x)
        x = self.mixed_norm(x)
        middle = torch.cat(
            (
                self.frequency_mean(x[:, : self.kept_coefficients]),
                self.temporal_mean(x[:, self.kept_coefficients :]),
            ),
            dim=-1,
        )
        return torch.unflatten(self.head(middle), -1, (len(self.joints), 3))


class MixedBlock(nn.Module):
    """A block over tokens of frequencies and of frames.

    All attend to all; then the first half of them, rounded down, goes through an MLP, and the rest through one that
    works on their discrete cosine transform. Parameters are those of :class:`viodat.baselines.parts.attention.Block`.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        bias: bool = True,
        scale: float | None = None,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = SelfAttention(width, heads, bias=bias, scale=scale, dropout=dropout)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, hidden, dropout)
        self.norm3 = nn.LayerNorm(width, eps=1e-6)
        self.frequency_mlp = FrequencyMlp(width, hidden, dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, C) for the same."""
        x = x + self.drop_path(self.attention(self.norm1(x)))
        half = x.shape[1] // 2
        first, rest = x[:, :half], x[:, half:]
        first = first + self.drop_path(self.mlp(self.norm2(first)))
        rest = rest + self.drop_path(self.frequency_mlp(self.norm3(rest)))
        return torch.cat((first, rest), dim=1)


class FrequencyMlp(Mlp):
    """An MLP between a discrete cosine transform along the tokens and its inverse."""

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, C) for the same."""
        hidden = self.dropout(functional.gelu(self.fc1(dct(x))))
        return inverse_dct(self.dropout(self.fc2(hidden)))


def from_official(state: Arrays, **config: Any) -> PoseFormerV2:
    """Give the network with the parameters of a published checkpoint.

    Parameters
    ----------
    state
        Official parameter name -> array.
    config
        Official constructor's arguments (``num_frame``, which no shape tells: 81 if it is left out; ``num_joints``,
        ``number_of_kept_frames``, ``number_of_kept_coeffs``, ``embed_dim_ratio``, ``depth``, ``num_heads`` ...); what
        is left out follows from the shapes, where they tell it. ``joints`` names the joints.

    Raises
    ------
    ConfigError
        A parameter is missing, left over or of another shape, or an argument is unknown.
    """
    tensors = tensors_of(state)
    joints = config.pop("joints", None)
    options = given(config, _ARGUMENTS, {"in_chans": (2,), "norm_layer": (None,), "attn_drop_rate": (0.0,)})
    _, count, width = shape_of(tensors, "Spatial_pos_embed")
    options.setdefault("kept_frames", shape_of(tensors, "Temporal_pos_embed")[1])
    options.setdefault("kept_coefficients", shape_of(tensors, "Temporal_pos_embed_")[1])
    options.setdefault("depth", blocks_in(tensors, "blocks"))
    options.setdefault("width", width)
    network = PoseFormerV2(joints=official_joints(options.pop("count", count), joints), **options)
    load_official(network, tensors, network.official_names())
    return network


_RENAMED: Final = (
    (r"^embedding\.", "Joint_embedding."),
    (r"^frequency_embedding\.", "Freq_embedding."),
    (r"^spatial_position", "Spatial_pos_embed"),
    (r"^temporal_position", "Temporal_pos_embed"),
    (r"^frequency_position", "Temporal_pos_embed_"),
    (r"\.attention\.out\.", ".attn.proj."),
    (r"\.attention\.", ".attn."),
    (r"^mixed\.(\d+)\.mlp\.", r"blocks.\1.mlp1."),
    (r"^mixed\.(\d+)\.frequency_mlp\.", r"blocks.\1.mlp2."),
    (r"^mixed\.", "blocks."),
    (r"^spatial\.", "Spatial_blocks."),
    (r"^spatial_norm", "Spatial_norm"),
    (r"^mixed_norm", "Temporal_norm"),
    (r"^frequency_mean", "weighted_mean"),
    (r"^temporal_mean", "weighted_mean_"),
)
_ARGUMENTS: Final = {
    "num_frame": "frames",
    "num_joints": "count",
    "number_of_kept_frames": "kept_frames",
    "number_of_kept_coeffs": "kept_coefficients",
    "embed_dim_ratio": "width",
    "depth": "depth",
    "num_heads": "heads",
    "mlp_ratio": "mlp_ratio",
    "qkv_bias": "qkv_bias",
    "qk_scale": "qk_scale",
    "drop_rate": "dropout",
    "drop_path_rate": "drop_path",
}
