"""MHFormer, after Li et al. 2022: *MHFormer: multi-hypothesis transformer for 3D human pose estimation*.

Three transformers over the coordinates of all joints, each a token of T numbers, give three hypotheses one from the
other. Each becomes a sequence of T tokens; they are refined by themselves, then with each other, and
poses of all frames are read off all three. That of the middle frame is scored. Lengths inside are
metres.
"""

from __future__ import annotations

import re
from typing import Any, Final

import torch
from torch import Tensor, nn
from viodat.baselines.mhformer.hypotheses import HYPOTHESES, CrossHypothesisInteraction, SelfHypothesisRefinement
from viodat.baselines.parts.attention import Block, position
from viodat.baselines.parts.drop_path import drop_path_rates
from viodat.baselines.parts.dropout import Dropout
from viodat.baselines.parts.lengths import METRE_MM, check_windows, mean_distance
from viodat.baselines.parts.official import (
    Arrays,
    Substitution,
    blocks_in,
    given,
    load_official,
    official_joints,
    official_names,
    shape_of,
    tensors_of,
)
from viodat.baselines.parts.portions import in_portions
from viodat.baselines.parts.precision import FullConv1d

from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.bench.network import POSITION, LiftingModel, Tensors, distances
from viodat.errors import ConfigError

_ENCODER_HEADS: Final = 9
_PLAIN_EMBEDDING_OVER: Final = 27
"""Over more frames than that the embedding is a convolution only, without normalisation, ReLU and dropout."""


class MHFormer(LiftingModel):
    """The network.

    Parameters
    ----------
    joints
        Which it takes and gives.
    frames
        T, an odd multiple of 9: so many are the heads of the first transformers, which share a width of T.
    width
        C of a frame's token in each hypothesis.
    layers
        Blocks of refinement, the last of which is that between hypotheses.
    heads
        Of these.
    hidden
        Width inside their MLPs, which is 3 C outside.
    depth
        Blocks of each of the first transformers.
    dropout
        After positions are added, after attention and in MLPs.
    drop_path
        Of the last block of each transformer; it grows linearly from 0 at the first.

    Raises
    ------
    ConfigError
        ``frames`` is no odd multiple of 9, ``layers`` or ``depth`` is less than 1, or ``heads`` does not divide
        ``width``.
    """

    centre = True
    normalisation = "screen"

    def __init__(
        self,
        joints: JointSet = VIODAT18,
        frames: int = 351,
        width: int = 512,
        layers: int = 3,
        heads: int = 8,
        hidden: int = 1024,
        depth: int = 4,
        dropout: float = 0.1,
        drop_path: float = 0.2,
    ) -> None:
        super().__init__()
        if frames < 1 or frames % (2 * _ENCODER_HEADS) != _ENCODER_HEADS:
            raise ConfigError(f"MHFormer over {frames} frames: an odd multiple of 9 was expected (9, 27, 81, 243, 351)")
        if layers < 1 or depth < 1:
            raise ConfigError(f"MHFormer of {layers} layers and depth {depth}: both are expected to be 1 or more")
        self.joints, self.frames = joints, frames
        coordinates = 2 * len(joints)
        self.norms = nn.ModuleList(nn.LayerNorm(frames) for _ in range(HYPOTHESES))
        self.encoders = nn.ModuleList(
            CoordinateEncoder(coordinates, frames, depth, dropout=dropout, drop_path=drop_path)
            for _ in range(HYPOTHESES)
        )
        self.embeddings = nn.ModuleList(_embedding(coordinates, width, frames) for _ in range(HYPOTHESES))
        self.positions = nn.ParameterList(position(1, frames, width) for _ in range(HYPOTHESES))
        self.dropout = Dropout(dropout)
        *rates, last = drop_path_rates(drop_path, layers)
        self.refinements = nn.ModuleList(
            SelfHypothesisRefinement(width, heads, hidden, dropout=dropout, drop_path=rate) for rate in rates
        )
        self.interaction = CrossHypothesisInteraction(width, heads, hidden, dropout=dropout, drop_path=last)
        self.norm = nn.LayerNorm(HYPOTHESES * width, eps=1e-6)
        self.head = nn.Sequential(
            nn.BatchNorm1d(HYPOTHESES * width), FullConv1d(HYPOTHESES * width, 3 * len(joints), 1)
        )

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer with all frames, of which the middle one is scored; in inference mode with that one alone."""
        if torch.is_inference_mode_enabled() and not self.training:
            return {"pose3d": METRE_MM * self._answered(batch["pose2d"], self._middle)}
        poses = METRE_MM * self.official_forward(batch["pose2d"])
        return {"pose3d": self.scored(poses), "pose3d_all": poses}

    def official_forward(self, *inputs: Tensor) -> Tensor:
        """Give poses in metres, (B, T, J, 3), of keypoints (B, T, J, 2) normalised to the screen."""
        (pose2d,) = inputs
        return self._answered(pose2d, slice(None))

    def sliding(self, batch: Tensors, size: int) -> Tensor:
        """Answer for every frame; of each window no more is computed than its middle frame needs."""
        windows = batch["pose2d"][0].unfold(0, self.frames, 1).movedim(-1, 1)
        parts = torch.split(windows, size)
        return METRE_MM * torch.cat([self._answered(part, self._middle) for part in parts])[:, 0]

    def loss_values(self, output: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Give distances of all frames in metres."""
        apart = distances(output["pose3d_all"], batch["target"], batch["valid"])
        return {POSITION: apart / METRE_MM}

    def loss_masks(self, batch: Tensors) -> dict[str, Tensor]:
        """Give what counts: whatever is valid."""
        return {POSITION: batch["valid"]}

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give MPJPE of all frames in metres."""
        (pred,) = outputs
        return mean_distance(pred, target)

    def official_names(self, *, nested: bool | None = None) -> dict[str, tuple[str, ...]]:
        """Give the official name of each parameter.

        ``nested``: whether embeddings are sequences of layers, as they are up to 27 frames.
        """
        nested = self.frames <= _PLAIN_EMBEDDING_OVER if nested is None else nested
        names = official_names(self, _RENAMED)
        if nested:
            return names
        return {ours: (re.sub(r"^(embedding_\d)\.0\.", r"\1.", theirs),) for ours, (theirs,) in names.items()}

    @property
    def _middle(self) -> slice:
        return slice(self.frames // 2, self.frames // 2 + 1)

    def _answered(self, pose2d: Tensor, scored: slice) -> Tensor:
        check_windows(pose2d, self.frames, self.joints, "MHFormer")
        # Of one hypothesis: a CPU answers some ten windows in a fourth less time than as many one by one.
        numbers = self.positions[0].numel()
        return in_portions(lambda part: self._lifted(part, scored), pose2d, numbers, whole=self.training)

    def _lifted(self, pose2d: Tensor, scored: slice) -> Tensor:
        x = pose2d.flatten(2).transpose(1, 2)
        hypotheses = []
        for norm, encoder, embedding, place in zip(
            self.norms, self.encoders, self.embeddings, self.positions, strict=True
        ):
            x = x + encoder(norm(x))
            hypotheses.append(self.dropout(embedding(x).transpose(1, 2) + place))
        for refinement in self.refinements:
            hypotheses = refinement(hypotheses)
        mixed = self.norm(self.interaction(hypotheses, scored))
        poses = self.head(mixed.transpose(1, 2)).transpose(1, 2)
        return torch.unflatten(poses, -1, (len(self.joints), 3))


class CoordinateEncoder(nn.Module):
    """A transformer over coordinates, each of which is a token of T numbers: (B, 2J, T) for the same."""

    def __init__(self, coordinates: int, frames: int, depth: int, *, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.position = position(1, coordinates, frames)
        self.dropout = Dropout(dropout)
        self.blocks = nn.Sequential(
            *(
                Block(frames, _ENCODER_HEADS, 2 * frames, dropout=dropout, drop_path=rate)
                for rate in drop_path_rates(drop_path, depth)
            )
        )
        self.norm = nn.LayerNorm(frames, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, 2J, T) for the same."""
        answer: Tensor = self.norm(self.blocks(self.dropout(x + self.position)))
        return answer


def from_official(state: Arrays, **config: Any) -> MHFormer:
    """Give the network with the parameters of a published checkpoint.

    Parameters
    ----------
    state
        Official parameter name -> array.
    config
        Official constructor's arguments (``layers``, ``channel``, ``d_hid``, ``frames``, ``n_joints``, ``out_joints``);
        what is left out follows from the shapes. ``joints`` names the joints.

    Raises
    ------
    ConfigError
        A parameter is missing, left over or of another shape, or an argument is unknown.
    """
    tensors = tensors_of(state)
    joints = config.pop("joints", None)
    options = given(config, _ARGUMENTS, {})
    _, coordinates, frames = shape_of(tensors, "Transformer_encoder_1.pos_embed")
    count = options.pop("count", coordinates // 2)
    answered = options.pop("answered", count)
    if answered != count:
        raise ConfigError(f"the checkpoint answers with {answered} joints of {count}; as many were expected")
    options.setdefault("frames", frames)
    options.setdefault("width", shape_of(tensors, "Transformer_hypothesis.pos_embed_1")[2])
    options.setdefault("layers", 1 + blocks_in(tensors, "Transformer_hypothesis.SHR_blocks"))
    options.setdefault("hidden", shape_of(tensors, "Transformer_hypothesis.CHI_blocks.0.mlp.fc1.weight")[0])
    options.setdefault("depth", blocks_in(tensors, "Transformer_encoder_1.blocks"))
    network = MHFormer(joints=official_joints(count, joints), **options)
    load_official(network, tensors, network.official_names(nested="embedding_1.0.weight" in tensors))
    return network


def _embedding(coordinates: int, width: int, frames: int) -> nn.Sequential:
    """Make frames of tokens: (B, 2J, T) -> (B, C, T)."""
    layers: list[nn.Module] = [FullConv1d(coordinates, width, 1)]
    if frames <= _PLAIN_EMBEDDING_OVER:
        layers += [nn.BatchNorm1d(width), nn.ReLU(), Dropout(0.25)]
    return nn.Sequential(*layers)


def _from_one(template: str) -> Substitution:
    """Give a substitution that puts each group, a number from 0, into a template as one from 1."""
    return lambda found: template.format(*(int(one) + 1 for one in found.groups()))


_HYPOTHESIS: Final = "Transformer_hypothesis."
_RENAMED: Final[tuple[tuple[str, str | Substitution], ...]] = (
    (r"^norms\.(\d)", _from_one("norm_{}")),
    (r"^encoders\.(\d)\.position", _from_one("Transformer_encoder_{}.pos_embed")),
    (r"^encoders\.(\d)\.", _from_one("Transformer_encoder_{}.")),
    (r"^embeddings\.(\d)", _from_one("embedding_{}")),
    (r"^positions\.(\d)", _from_one(_HYPOTHESIS + "pos_embed_{}")),
    (r"(?<=^refinements\.\d\.)norms\.(\d)", _from_one("norm1_{}")),
    (r"^interaction\.attentions\.(\d)\.norms\.(\d)", _from_one("interaction.norm3_{}{}")),
    (r"(?<=\.)attentions\.(\d)\.", _from_one("attn_{}.")),
    (r"(?<=\.)mixer\.norm\.", "norm2."),
    (r"(?<=\.)mixer\.", ""),
    (r"(?<=\.)attention\.", "attn."),
    (r"(?<=\.)(query|key|value)\.", lambda found: f"linear_{found[1][0]}."),
    (r"(?<=\.)out\.", "proj."),
    (r"^refinements\.", _HYPOTHESIS + "SHR_blocks."),
    (r"^interaction\.", _HYPOTHESIS + "CHI_blocks.0."),
    (r"^norm\.", _HYPOTHESIS + "norm."),
    (r"^head\.", "regression."),
)
_ARGUMENTS: Final = {
    "frames": "frames",
    "channel": "width",
    "layers": "layers",
    "d_hid": "hidden",
    "n_joints": "count",
    "out_joints": "answered",
}
