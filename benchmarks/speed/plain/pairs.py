"""Each model beside its transcription: how both are made, what they are given, and whether they are the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from viodat.baselines import mhformer, mixste, poseformerv2, pstmo, stridedformer, viopose

from viodat.bench.joint_sets import H36M17, VIODAT18, JointSet
from viodat.bench.network import LiftingModel
from viodat.bench.registry import ModelSpec

from . import take
from .mhformer import MHFormer
from .mixste import MixSte
from .poseformerv2 import PoseFormerV2
from .strided import PStmo, StridedFormer
from .viopose import VioPose

SAME = 1e-4
SAME_IN_TRAINING = 1e-3
"""Batch normalisation of a centre frame, by eight numbers, makes rounding larger."""
Answers = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class Pair:
    """A model, its transcription, and what is asked of the model.

    Attributes
    ----------
    spec, ours, plain
        The model's recipes, its class, and the transcription's.
    small
        Options of both that make them small, to try a script with.
    joints
        Which.
    forward
        Batch -> how many times as fast as the transcription it must answer.
    step
        Batch of a training step.
    slid
        How many times as fast sliding over a recording must be as window by window; None: it does not slide.
    """

    spec: ModelSpec
    ours: Callable[..., LiftingModel]
    plain: Callable[..., nn.Module]
    small: Mapping[str, Any]
    joints: JointSet = H36M17
    forward: Mapping[int, float] = field(default_factory=lambda: {1: 0.95, 8: 0.95})
    step: int = 8
    slid: float | None = None

    def options(self, small: bool) -> Mapping[str, Any]:
        """Give options of both: none, so that they are as in the paper, unless they are to be small."""
        return self.small if small else {}

    def made(self, small: bool) -> tuple[LiftingModel, nn.Module]:
        """Make both, with the same random parameters."""
        options = self.options(small)
        ours, plain = self.ours(joints=self.joints, **options), self.plain(len(self.joints), **options)
        with torch.no_grad():
            # Positions, biases and statistics that are still zero would hide a mistake.
            for value in ours.state_dict().values():
                if value.is_floating_point():
                    value += 0.02 * torch.rand_like(value)
        take(plain, ours)
        return ours, plain

    def given(self, ours: LiftingModel, batch: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """Give random inputs of ``official_forward``, and a target of ``official_loss``."""
        shape = (batch, ours.frames, len(self.joints))
        pose2d, target = torch.randn(*shape, 2), torch.randn(*shape, 3)
        if self.ours is pstmo.PStmo:
            return (as_published(pose2d),), target
        if isinstance(ours, viopose.VioPose):
            return (pose2d, torch.randn(batch, *ours.audio_shape)), target
        return (pose2d,), ours.scored(target) if self.ours is poseformerv2.PoseFormerV2 else target

    def plain_centre(self, plain: nn.Module, pose2d: Tensor) -> Tensor:
        """Give the transcription's pose of the middle frame of windows (B, T, J, 2): (B, J, 3) m."""
        if self.ours is pstmo.PStmo:
            return plain(as_published(pose2d))[0][:, :, 0, :, 0].transpose(1, 2)
        answer = as_tuple(plain(pose2d))[0]
        return answer[:, answer.shape[1] // 2]


PAIRS: Mapping[str, Pair] = {
    "mixste": Pair(
        mixste.SPEC,
        mixste.MixSte,
        MixSte,
        {"frames": 9, "width": 32, "depth": 2},
        forward={1: 0.95, 8: 1.15},
        step=1,
    ),
    "poseformerv2": Pair(
        poseformerv2.SPEC,
        poseformerv2.PoseFormerV2,
        PoseFormerV2,
        {"frames": 27, "kept_frames": 3, "kept_coefficients": 5, "width": 8, "depth": 2},
        slid=3.0,
    ),
    "mhformer": Pair(
        mhformer.SPEC,
        mhformer.MHFormer,
        MHFormer,
        {"frames": 27, "width": 32, "hidden": 48, "depth": 2},
        forward={1: 0.95, 8: 1.2},
        slid=1.0,
    ),
    "pstmo": Pair(
        pstmo.SPEC,
        pstmo.PStmo,
        PStmo,
        {"frames": 27, "width": 32, "hidden": 48, "layers": 2, "strides": (3, 3, 3)},
        slid=1.2,
    ),
    "stridedformer": Pair(
        stridedformer.SPEC,
        stridedformer.StridedFormer,
        StridedFormer,
        {"frames": 27, "width": 32, "hidden": 48, "layers": 2, "strides": (3, 9)},
        slid=1.0,
    ),
    "viopose": Pair(
        viopose.SPEC,
        viopose.VioPose,
        VioPose,
        {"frames": 12, "audio_frames": 40, "width": 32, "layers": 2, "pose_layers": 2},
        VIODAT18,
    ),
}


def as_published(pose2d: Tensor) -> Tensor:
    """Give (B, T, J, 2) as P-STMO's (B, 2, T, J, 1)."""
    return pose2d.permute(0, 3, 1, 2)[..., None].contiguous()


def as_tuple(answers: Answers) -> tuple[Tensor, ...]:
    """Give several answers, or the only one."""
    return (answers,) if isinstance(answers, Tensor) else answers


def check_same(name: str, ours: LiftingModel, plain: nn.Module, batch: int) -> None:
    """Check that both answer alike, in evaluation and in training without dropout, where loss and gradient are too.

    Raises
    ------
    SystemExit
        They do not.
    """
    inputs, target = PAIRS[name].given(ours, batch)
    with torch.inference_mode():
        agree(f"{name}, forward", as_tuple(plain.eval()(*inputs)), as_tuple(ours.eval().official_forward(*inputs)))
    found: list[list[Tensor]] = []
    with _without_dropout(ours, plain):
        for network, forward in ((plain.train(), plain), (ours.train(), ours.official_forward)):
            answers = as_tuple(forward(*inputs))
            loss = ours.official_loss(*answers, target=target)
            loss.backward()
            gradients = torch.stack([one.grad.norm() for one in network.parameters() if one.grad is not None])
            network.zero_grad()
            found.append([one.detach() for one in (*answers, loss, gradients.norm())])
    agree(f"{name}, training step", *found, SAME_IN_TRAINING)


def agree(what: str, found: Sequence[Tensor], expected: Sequence[Tensor], within: float = SAME) -> None:
    """Check that answers are the same, to 1e-4 of the largest or of 1, or to what is said.

    Raises
    ------
    SystemExit
        They are not.
    """
    for one, other in zip(found, expected, strict=True):
        if one.shape != other.shape:
            raise SystemExit(f"{what}: shapes {tuple(one.shape)} and {tuple(other.shape)} differ")
        apart = float((one - other).abs().max() / other.abs().max().clamp(min=1.0))
        if not apart <= within:
            raise SystemExit(f"{what}: answers differ by {apart:.1e}; {within:.0e} is allowed")


@contextlib.contextmanager
def _without_dropout(*networks: nn.Module) -> Iterator[None]:
    found = [(one, one.p) for network in networks for one in network.modules() if isinstance(one, nn.Dropout)]
    for one, _ in found:
        one.p = 0.0
    yield
    for one, rate in found:
        one.p = rate
