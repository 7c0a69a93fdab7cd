"""VioPose: keypoints and sound become acceleration, velocity and pose, each level fed by the one below it.

After Yoo et al. 2025, sections 3 and 4. Sound meets the keypoints at the level of acceleration, where bow and sound
are closest; its hidden states feed those of velocity, these those of pose. In the end pose, velocity and acceleration
are mixed with each other's differences and sums (eq. 4 to 7). Everything is in mm and frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn
from viodat.baselines.parts.lengths import check_windows, mean_distance
from viodat.baselines.viopose.blocks import Block, Position, TokenNorm, glorot, narrow
from viodat.baselines.viopose.encoders import AudioEncoder, Cnn, PoseEncoding, SpatialPoseEncoder, TemporalPoseEncoder
from viodat.baselines.viopose.motion import (
    acceleration_counts,
    acceleration_of,
    differentiated,
    integrated,
    unlikeness,
    velocity_counts,
    velocity_of,
)

from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.bench.network import POSITION, LiftingModel, Tensors, distances
from viodat.dataset.sound import AUDIO_KINDS
from viodat.errors import ConfigError

Audio = Literal["features", "none", "spectrogram"]
Hierarchy = Literal["cascade", "none", "concatenation", "conditioning", "parallel"]

_RATE_HZ: Final = 30.0
_FEWEST_FRAMES: Final = 4
VELOCITY, ACCELERATION = "velocity", "acceleration"


class VioPose(LiftingModel):
    """The network.

    Parameters
    ----------
    joints
        Which it takes and gives.
    frames
        T, at 30 Hz; the paper has 150 and tries 90, 120 and 180.
    audio
        ``features``: 35 of them a row; ``spectrogram``: viodat's own, 128 levels a row; ``none``: it does not listen.
    audio_rate_hz
        Rows of sound per second; the paper has 100 and tries 30 and 300. Spectrograms have 100.
    audio_frames
        F, rows of sound in a window; None: as many as ``audio_rate_hz`` makes of ``frames``.
    cnn
        Over the rows of sound: ``1d``, ``2d`` or ``none``.
    filters, kernels, strides
        Of its convolutions.
    pose_encoder
        ``temporal``: frames attend to each other; ``spatial``: the joints of a frame.
    width, heads, mlp
        Of all blocks; ``mlp`` in widths.
    joint_width
        Of a joint's token in the spatial pose encoder.
    pose_layers, layers
        Blocks of the pose encoder, and of sound and of each level.
    pose_unit_mm
        What the head of poses counts in. The paper's is 1 mm, which takes tens of thousands of steps to grow to the
        length of a body.
    dropout
        See :class:`viodat.baselines.viopose.blocks.Block`.
    hierarchy
        How a level's hidden states z enter the level above it, h after each of its blocks: ``cascade``:
        BN(h + z); ``concatenation``: Linear(BN(h, z)); ``conditioning``: BN(block), whose keys and values are z;
        ``none``: not at all; ``parallel``: not at all, and nothing is mixed in the end.
    integration, differentiation
        Whether eq. 4 and 5, and eq. 6 and 7, are applied in the end.

    Raises
    ------
    ConfigError
        An option is none of these, or sizes do not go together.
    """

    centre = False
    normalisation = "root_px"
    mirrors = False
    loss_weights: Mapping[str, float] = MappingProxyType({POSITION: 1.0, VELOCITY: 100.0, ACCELERATION: 100.0})

    def __init__(
        self,
        joints: JointSet = VIODAT18,
        frames: int = 150,
        audio: Audio = "features",
        audio_rate_hz: float = 100.0,
        audio_frames: int | None = None,
        cnn: Cnn = "1d",
        filters: Sequence[int] = (64, 32, 16),
        kernels: Sequence[int] = (3, 3, 3),
        strides: Sequence[int] = (1, 1, 1),
        pose_encoder: PoseEncoding = "temporal",
        width: int = 256,
        heads: int = 8,
        mlp: float = 2.0,
        joint_width: int = 16,
        pose_layers: int = 3,
        layers: int = 3,
        pose_unit_mm: float = 1.0,
        dropout: float = 0.1,
        hierarchy: Hierarchy = "cascade",
        integration: bool = True,
        differentiation: bool = True,
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("audio", audio, Audio),
            ("cnn", cnn, Cnn),
            ("pose_encoder", pose_encoder, PoseEncoding),
            ("hierarchy", hierarchy, Hierarchy),
        ):
            if value not in get_args(known):
                raise ConfigError(f"VioPose has no {name} {value!r}; expected {', '.join(get_args(known))}")
        kind = None if audio == "none" else f"{audio}{audio_rate_hz:g}"
        if kind is not None and kind not in AUDIO_KINDS:
            raise ConfigError(
                f"VioPose cannot listen to {audio} at {audio_rate_hz:g} Hz; datasets store {', '.join(AUDIO_KINDS)}",
                mend="Set audio and audio_rate_hz to one of these.",
            )
        if frames < _FEWEST_FRAMES:
            raise ConfigError(f"VioPose over {frames} frames: expected {_FEWEST_FRAMES} or more")
        if not len(filters) == len(kernels) == len(strides) > 0:
            raise ConfigError(
                f"VioPose with {len(filters)} filters, {len(kernels)} kernels and {len(strides)} strides: expected as "
                "many of each, and one or more"
            )
        self.joints, self.frames, self.audio = joints, frames, kind
        self.hierarchy = "none" if hierarchy == "parallel" else hierarchy
        self.integration = integration and hierarchy != "parallel"
        self.differentiation = differentiation and hierarchy != "parallel"
        self.audio_shape, self.pose_unit_mm = (0, 0), pose_unit_mm
        if pose_encoder == "temporal":
            self.pose_encoder: nn.Module = TemporalPoseEncoder(
                len(joints), frames, width, heads, mlp, pose_layers, dropout
            )
        else:
            self.pose_encoder = SpatialPoseEncoder(len(joints), joint_width, width, heads, mlp, pose_layers, dropout)
        if kind is not None:
            rows = rows_of_sound(frames, audio_rate_hz) if audio_frames is None else audio_frames
            if rows < 1:
                raise ConfigError(f"VioPose with {rows} rows of sound a window: expected 1 or more")
            self.audio_shape = (rows, AUDIO_KINDS[kind].width)
            self.audio_encoder = AudioEncoder(
                AUDIO_KINDS[kind].width, rows, frames, cnn, filters, kernels, strides, width, heads, mlp, layers,
                dropout,
            )  # fmt: skip
            self.fusion = narrow(nn.Linear(2 * width, width))
        fused = "cascade" if self.audio else "none"
        self.acceleration_level = Level(fused, frames, width, heads, mlp, layers, dropout)
        self.velocity_level = Level(self.hierarchy, frames, width, heads, mlp, layers, dropout)
        self.pose_level = Level(self.hierarchy, frames, width, heads, mlp, layers, dropout)
        answers = 3 * len(joints)
        self.acceleration_head = nn.Sequential(
            narrow(nn.Linear(width, 128)),
            nn.LeakyReLU(0.3),
            narrow(nn.Linear(128, 64)),
            nn.LeakyReLU(0.3),
            narrow(nn.Linear(64, answers)),
        )
        self.velocity_head = narrow(nn.Linear(width, answers))
        self.pose_head = narrow(nn.Linear(width, answers))

    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer with poses, velocities and accelerations of all frames."""
        audio = batch.get("audio") if self.audio else None
        pose, velocity, acceleration = self._moved(batch["pose2d"], audio)
        return {"pose3d": pose, VELOCITY: velocity, ACCELERATION: acceleration}

    def loss_values(self, output: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Give distances in mm, and 1 - maxcos of velocities and of accelerations, all (B, T, J)."""
        target, valid = batch["target"], batch["valid"]
        return {
            POSITION: distances(output["pose3d"], target, valid),
            VELOCITY: unlikeness(output[VELOCITY], velocity_of(target)),
            ACCELERATION: unlikeness(output[ACCELERATION], acceleration_of(target)),
        }

    def loss_masks(self, batch: Tensors) -> dict[str, Tensor]:
        """Give where poses, and all two or three poses of a difference, are known."""
        valid = batch["valid"]
        return {POSITION: valid, VELOCITY: velocity_counts(valid), ACCELERATION: acceleration_counts(valid)}

    def official_forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give pose, velocity and acceleration, (B, T, J, 3) in mm and frames, of pose (B, T, J, 2) and audio."""
        pose2d, *audio = inputs
        return self._moved(pose2d, audio[0] if audio and self.audio else None)

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give MPJPE + 100 (1 - maxcos(v)) + 100 (1 - maxcos(a)) of all frames."""
        pose, velocity, acceleration = outputs
        unlike_velocity = unlikeness(velocity, velocity_of(target)).mean()
        unlike_acceleration = unlikeness(acceleration, acceleration_of(target)).mean()
        return mean_distance(pose, target) + 100 * unlike_velocity + 100 * unlike_acceleration

    def _moved(self, pose2d: Tensor, audio: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        check_windows(pose2d, self.frames, self.joints, "VioPose")
        seen = self.pose_encoder(pose2d)
        heard: list[Tensor] = []
        if self.audio:
            heard = self.audio_encoder(self._checked(audio))
            seen = self.fusion(torch.cat([heard[-1], seen], dim=-1))
        start = self.acceleration_level.position(seen)
        of_acceleration = self.acceleration_level(start, heard)
        of_velocity = self.velocity_level(self.velocity_level.position(start), of_acceleration)
        of_pose = self.pose_level(self.pose_level.position(start), of_velocity)
        pose, velocity, acceleration = (
            self._headed(head, states[-1])
            for head, states in (
                (self.pose_head, of_pose),
                (self.velocity_head, of_velocity),
                (self.acceleration_head, of_acceleration),
            )
        )
        if self.pose_unit_mm != 1.0:
            pose = pose * self.pose_unit_mm
        if self.integration:
            pose, velocity = integrated(pose, velocity, acceleration)
        if self.differentiation:
            velocity, acceleration = differentiated(pose, velocity, acceleration)
        return pose, velocity, acceleration

    def _headed(self, head: nn.Module, states: Tensor) -> Tensor:
        # bfloat16 would round poses to 4 mm.
        with torch.autocast(states.device.type, enabled=False):
            answer: Tensor = head(states.to(self.pose_head.weight.dtype))
        return answer.view(*answer.shape[:2], len(self.joints), 3)

    def _checked(self, audio: Tensor | None) -> Tensor:
        if audio is None:
            raise ConfigError(
                "VioPose listens, and there is no sound",
                mend=f"Give it windows with audio={self.audio!r}, or take the model viopose-no-audio.",
            )
        if audio.shape[1:] != self.audio_shape:
            raise ConfigError(
                f"VioPose was built for sound of {self.audio_shape} a window, {self.frames} frames at {_RATE_HZ:g} Hz, "
                f"but got {tuple(audio.shape[1:])}",
                mend=f"Give it windows of such frames, with audio={self.audio!r}.",
            )
        return audio


def rows_of_sound(frames: int, audio_rate_hz: float) -> int:
    """Give how many rows of sound there are in a window."""
    return round(frames * audio_rate_hz / _RATE_HZ)


class Level(nn.Module):
    """Hidden states of pose, velocity or acceleration: blocks, each fed by one of the level below.

    Parameters
    ----------
    hierarchy
        How, as in :class:`VioPose`.
    frames, width, heads, mlp, layers, dropout
        Of tokens and blocks.
    """

    def __init__(
        self, hierarchy: str, frames: int, width: int, heads: int, mlp: float, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.hierarchy = hierarchy
        self.position = Position(frames, width)
        across = hierarchy == "conditioning"
        self.blocks = nn.ModuleList(Block(width, heads, mlp, dropout, across=across) for _ in range(layers))
        normed = {"none": 0, "concatenation": 2 * width}.get(hierarchy, width)
        self.norms = nn.ModuleList(TokenNorm(normed) for _ in range(layers if normed else 0))
        joined = layers if hierarchy == "concatenation" else 0
        self.back = nn.ModuleList(glorot(nn.Linear(2 * width, width)) for _ in range(joined))

    def forward(self, x: Tensor, below: Sequence[Tensor]) -> list[Tensor]:
        """Give (B, T, D) and the level below's hidden states -> its own after each block."""
        found = []
        for k, block in enumerate(self.blocks):
            match self.hierarchy:
                case "cascade":
                    x = self.norms[k](block(x) + below[k])
                case "concatenation":
                    x = self.back[k](self.norms[k](torch.cat([block(x), below[k]], dim=-1)))
                case "conditioning":
                    x = self.norms[k](block(x, below[k]))
                case _:
                    x = block(x)
            found.append(x)
        return found
