"""The blocks that P-STMO and StridedFormer share: vanilla and strided transformers over frames.

After Li et al. 2022 (*Exploiting temporal contexts with strided transformer for 3D human pose estimation*, IEEE TMM).
Norms are of the unbiased standard deviation, and all projections of attention start with the same
weights, in all layers: so does the published code, by copying one layer.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from viodat.baselines.parts.attention import attend, head_width
from viodat.baselines.parts.dropout import Dropout
from viodat.baselines.parts.lengths import METRE_MM, check_windows
from viodat.baselines.parts.official import given, official_joints, official_names

from viodat.bench.joint_sets import JointSet
from viodat.bench.network import POSITION, LiftingModel, Tensors, distances
from viodat.errors import ConfigError

HEADS: Final = 8
SEQUENCE: Final = "sequence"
DROPOUT: Final = 0.1
_WINDOWS_IN_CACHE: Final = 8
"""More windows at a time than these are slower on a CPU, whose caches they do not fit."""
_POSITIONS: Final = 3
"""Positions are added before so many of the strided layers, the first."""


class UnbiasedNorm(nn.Module):
    """a (x - mean) / (s + 1e-6) + b over the last axis, s with n - 1.

    Parameters
    ----------
    width
        Of the last axis.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Give (..., D) for the same."""
        apart = x - x.mean(dim=-1, keepdim=True)
        # torch.std is ten times slower, and has no better gradient.
        spread = torch.linalg.vector_norm(apart, dim=-1, keepdim=True) / math.sqrt(x.shape[-1] - 1)
        return torch.addcmul(self.bias, apart / (spread + 1e-6), self.weight)


class Pointwise(nn.Conv1d):
    """A convolution over one frame, of frames by features: (B, N, C) -> (B, N, D).

    Parameters
    ----------
    inputs, outputs
        C and D.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)

    def forward(self, input: Tensor) -> Tensor:
        """Give (B, N, C) -> (B, N, D)."""
        return functional.linear(input, self.weight[..., 0], self.bias)


class FullPointwise(Pointwise):
    """The same in its parameters' precision, for keypoints."""

    def forward(self, input: Tensor) -> Tensor:
        """Give (B, N, C) -> (B, N, D)."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype))


def normed(norm: nn.Module, x: Tensor) -> Tensor:
    """Normalise each feature of (B, N, C) over samples and frames."""
    return torch.as_tensor(norm(x.flatten(0, 1)).view(x.shape))


class Head(nn.Module):
    """Batch normalisation and a convolution over one frame, in float32 also where the rest is in bfloat16.

    Parameters
    ----------
    width, outputs
        Of a frame before and after.
    """

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.out = Pointwise(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, D) -> (B, N, outputs)."""
        # bfloat16 would round poses to 4 mm.
        with torch.autocast(x.device.type, enabled=False):
            return torch.as_tensor(self.out(normed(self.norm, x.to(self.out.weight.dtype))))


class SharedAttention(nn.Module):
    """Multi-head self-attention with dropout on its weights; q, k, v and out start alike.

    Parameters
    ----------
    width
        Of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        head_width(width, HEADS)
        self.out = nn.Linear(width, width)
        self.qkv = nn.Linear(width, 3 * width)
        self.dropout = Dropout(DROPOUT)
        with torch.no_grad():
            self.qkv.weight.copy_(self.out.weight.repeat(3, 1))
            self.qkv.bias.copy_(self.out.bias.repeat(3))

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, D) for the same."""
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        dropout = self.dropout.p if self.training else 0.0
        return torch.as_tensor(self.out(attend(query, key, value, HEADS, dropout=dropout)))


class VanillaLayer(nn.Module):
    """Attention and two linear layers, each behind a norm and added to what it was given.

    Parameters
    ----------
    width, hidden
        Of a token, and between the linear layers.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = UnbiasedNorm(width), UnbiasedNorm(width)
        self.attention = SharedAttention(width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.drop1, self.drop2, self.drop3 = Dropout(DROPOUT), Dropout(DROPOUT), Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, D) for the same."""
        x = x + self.drop1(self.attention(self.norm1(x)))
        return torch.as_tensor(x + self.drop3(self.fc2(self.drop2(self.fc1(self.norm2(x)).relu()))))


class VanillaEncoder(nn.Module):
    """Layers one after the other; positions are added by whoever has them.

    Parameters
    ----------
    layers
        How many; they start alike.
    width, hidden
        As in :class:`VanillaLayer`.
    """

    def __init__(self, layers: int, width: int, hidden: int) -> None:
        super().__init__()
        first = VanillaLayer(width, hidden)
        self.layers = nn.ModuleList(copy.deepcopy(first) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, D) for the same."""
        for layer in self.layers:
            x = layer(x)
        return x


class StridedLayer(nn.Module):
    """Attention, and two convolutions of which the second keeps every s-th frame.

    Parameters
    ----------
    attention
        Its own.
    width, hidden
        Of a token, and between the convolutions.
    stride
        s.
    """

    def __init__(self, attention: SharedAttention, width: int, hidden: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.norm1, self.norm2 = UnbiasedNorm(width), UnbiasedNorm(width)
        self.attention = attention
        self.fc1 = Pointwise(width, hidden)
        self.fc2 = nn.Conv1d(hidden, width, 3, stride=stride, padding=1)
        self.drop1, self.drop2, self.drop3 = Dropout(DROPOUT), Dropout(DROPOUT), Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, D) -> (B, ⌈N / s⌉, D)."""
        x = x + self.drop1(self.attention(self.norm1(x)))
        hidden = self.drop2(self.fc1(self.norm2(x)).relu())
        kept = self.fc2(hidden.transpose(1, 2)).transpose(1, 2)
        return torch.as_tensor(x[:, :: self.stride] + self.drop3(kept))


class StridedEncoder(nn.Module):
    """Strided layers, which leave one frame of all.

    Parameters
    ----------
    frames
        How many come in.
    width, hidden
        As in :class:`StridedLayer`.
    strides
        Of each layer.
    """

    def __init__(self, frames: int, width: int, hidden: int, strides: Sequence[int]) -> None:
        super().__init__()
        first = SharedAttention(width)
        self.layers = nn.ModuleList(StridedLayer(copy.deepcopy(first), width, hidden, stride) for stride in strides)
        self.positions = nn.ParameterList(torch.randn(1, frames, width) for _ in strides[:_POSITIONS])

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, N, D) -> (B, 1, D)."""
        for k, layer in enumerate(self.layers):
            if k < len(self.positions):
                x = x + self.positions[k][:, : x.shape[1]]
            x = layer(x)
        return x


class StridedLifter(LiftingModel):
    """An encoder of each frame by itself, a vanilla transformer over all, a strided one down to the centre frame.

    It gives poses of all frames after the vanilla transformer, and of the centre frame after the strided one, and is
    trained on both.

    Parameters
    ----------
    encoder
        (B, T, 2J) -> (B, T, width), of each frame by itself.
    name
        For messages.
    joints
        Which it takes and gives.
    frames
        T, odd.
    width, hidden
        Of tokens, and inside a layer.
    layers
        Of the vanilla transformer.
    strides
        Of the strided one.

    Raises
    ------
    ConfigError
        ``frames`` is even, ``strides`` leave more than one frame of it, or heads do not divide ``width``.
    """

    centre = True
    normalisation = "screen"
    loss_weights: Mapping[str, float] = MappingProxyType({POSITION: 1.0, SEQUENCE: 1.0})

    def __init__(
        self,
        encoder: nn.Module,
        name: str,
        joints: JointSet,
        frames: int,
        width: int,
        hidden: int,
        layers: int,
        strides: Sequence[int],
    ) -> None:
        super().__init__()
        self.joints, self.frames, self.name = joints, frames, name
        check_strides(name, frames, strides)
        self.encoder = encoder
        self.position = nn.Parameter(torch.randn(1, frames, width))
        self.vanilla = VanillaEncoder(layers, width, hidden)
        self.strided = StridedEncoder(frames, width, hidden, strides)
        self.centre_head, self.sequence_head = (Head(width, 3 * len(joints)) for _ in range(2))

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer with the centre frame, and with all that it is trained on."""
        centre, sequence = self._lifted_m(batch["pose2d"])
        return {"pose3d": METRE_MM * centre, "pose3d_all": METRE_MM * sequence}

    def loss_values(self, output: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Give distances in metres: ``position`` of the centre frame, ``sequence`` of all."""
        target, valid = batch["target"], batch["valid"]
        centre = distances(output["pose3d"], self.scored(target), self.scored(valid))
        sequence = distances(output["pose3d_all"], target, valid)
        return {POSITION: centre / METRE_MM, SEQUENCE: sequence / METRE_MM}

    def loss_masks(self, batch: Tensors) -> dict[str, Tensor]:
        """Give where truth is known."""
        return {POSITION: self.scored(batch["valid"]), SEQUENCE: batch["valid"]}

    def sliding(self, batch: Tensors, size: int) -> Tensor:
        """Answer for every frame: each is encoded once, whatever windows it is in."""
        encoded = self.encoder(batch["pose2d"].flatten(2))[0]
        windows = encoded.unfold(0, self.frames, 1).movedim(-1, 1)
        if encoded.device.type == "cpu":
            size = min(size, _WINDOWS_IN_CACHE)
        parts = [self._centre_m(self._seen(part)) for part in windows.split(size)]
        return METRE_MM * torch.cat(parts)[:, 0]

    def _lifted_m(self, pose2d: Tensor) -> tuple[Tensor, Tensor]:
        """Give (B, 1, J, 3) and (B, T, J, 3) in metres."""
        check_windows(pose2d, self.frames, self.joints, self.name)
        seen = self._seen(self.encoder(pose2d.flatten(2)))
        return self._centre_m(seen), self._poses(self.sequence_head(seen))

    def _seen(self, encoded: Tensor) -> Tensor:
        return torch.as_tensor(self.vanilla(encoded + self.position))

    def _centre_m(self, seen: Tensor) -> Tensor:
        return self._poses(self.centre_head(self.strided(seen)))

    def _poses(self, answers: Tensor) -> Tensor:
        return answers.view(*answers.shape[:2], len(self.joints), 3)


def check_strides(name: str, frames: int, strides: Sequence[int]) -> None:
    """Check that strided layers leave the centre frame alone.

    Raises
    ------
    ConfigError
        They do not.
    """
    left = frames
    for stride in strides:
        if stride < 1:
            raise ConfigError(f"{name} with a stride of {stride}: expected 1 or more")
        left = -(-left // stride)
    if frames < 1 or not frames % 2:
        raise ConfigError(f"{name} over {frames} frames: expected an odd number, so that one is the centre")
    if left != 1:
        told = ", ".join(str(stride) for stride in strides) or "none"
        raise ConfigError(f"{name} over {frames} frames with strides {told}: {left} are left, 1 was expected")


RENAMED: Final = (
    (r"^position$", "Transformer.pos_embedding"),
    (r"^vanilla\.", "Transformer.model."),
    (r"^strided\.positions\.0$", "Transformer_reduce.model.pos_embedding_1"),
    (r"^strided\.positions\.1$", "Transformer_reduce.model.pos_embedding_2"),
    (r"^strided\.positions\.2$", "Transformer_reduce.model.pos_embedding_3"),
    (r"^strided\.", "Transformer_reduce.model."),
    (r"\.attention\.out\.", ".self_attn.linears.3."),
    (r"\.norm1\.weight$", ".sublayer.0.norm.a_2"),
    (r"\.norm1\.bias$", ".sublayer.0.norm.b_2"),
    (r"\.norm2\.weight$", ".sublayer.1.norm.a_2"),
    (r"\.norm2\.bias$", ".sublayer.1.norm.b_2"),
    (r"(layers\.\d+)\.fc1\.", r"\1.feed_forward.w_1."),
    (r"(layers\.\d+)\.fc2\.", r"\1.feed_forward.w_2."),
    (r"^centre_head\.norm\.", "fcn.0."),
    (r"^centre_head\.out\.", "fcn.1."),
    (r"^sequence_head\.norm\.", "fcn_1.0."),
    (r"^sequence_head\.out\.", "fcn_1.1."),
)
"""Official names of what is shared."""

ARGUMENTS: Final = {
    "layers": "layers",
    "channel": "width",
    "d_hid": "hidden",
    "frames": "frames",
    "stride_num": "strides",
}
"""Official arguments -> ours."""

UNUSED: Final = (r"Transformer\w*\.model\.norm\.[ab]_2", r"Transformer_reduce\.model\.pos_embedding_[123]")
"""Official parameters that nothing is computed from: a last norm, and positions of strided layers beyond the last."""


def arguments_of(
    config: Mapping[str, Any], names: Mapping[str, str] = ARGUMENTS, *, idle: Sequence[str] = ()
) -> dict[str, Any]:
    """Give our constructor's arguments, the joints among them, for official ones.

    Parameters
    ----------
    config
        Official arguments; ``joints`` may name the joints.
    names
        Official name -> ours.
    idle
        Official names that mean nothing to the network.

    Raises
    ------
    ConfigError
        An argument is unknown or wrong, or ``joints`` are not so many.
    """
    rest = {name: value for name, value in config.items() if name not in ("n_joints", "joints", *idle)}
    count = config.get("n_joints", config.get("out_joints", 17))
    found = given(rest, names, {"out_joints": (count,)})
    return {**found, "joints": official_joints(count, config.get("joints"))}


def names_of(network: nn.Module, renamed: Sequence[tuple[str, str]] = ()) -> dict[str, tuple[str, ...]]:
    """Give the official names of each parameter and buffer; ``renamed`` go before those that are shared."""
    names = official_names(network, (*renamed, *RENAMED))
    for ours, (theirs,) in names.items():
        for leaf in ("weight", "bias"):
            if theirs.endswith(f".attention.qkv.{leaf}"):
                stem = theirs.removesuffix(f"attention.qkv.{leaf}") + "self_attn.linears"
                names[ours] = tuple(f"{stem}.{k}.{leaf}" for k in range(3))
    return names
