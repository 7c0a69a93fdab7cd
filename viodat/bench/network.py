"""What a network must be to be trained and scored here.

A network is an ``nn.Module`` that is given a batch of windows as tensors and answers with poses in mm from the root,
in the camera's frame. It says how it wants its pictures, which of its answer is scored, and what is minimised;
everything else (windows, flips, optimiser, stitching, protocol) is the harness's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from viodat.bench.batches import Batch, Cut, Float32, Normalisation, Sound
from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.bench.lifting import KEPT, POSE
from viodat.errors import ConfigError

Tensors = Mapping[str, Tensor]
POSITION: Final = "position"


class LiftingModel(nn.Module):
    """A network from keypoints, and sound if it listens, to poses.

    Attributes
    ----------
    frames
        T of its windows.
    centre
        Whether the centre frame alone is scored, T odd; else all frames are.
    joints
        Which it has.
    normalisation
        ``screen``, ``root_px`` or ``px`` (:class:`viodat.bench.batches.Windows`).
    audio
        What it listens to, of :data:`viodat.dataset.sound.AUDIO_KINDS`; None: nothing.
    cut
        How recordings that are predicted are cut into windows, where all frames are scored.
    sound
        Whose sound it is given; the harness sets it for controls.
    mirrors
        Whether its answer to the mirror image is averaged with that to the picture, where the protocol says so.
    lifts
        Whether it answers with poses; False for a stage of pre-training, which nothing can score.
    loss_weights
        Of each of :meth:`loss_values`; a recipe may name others.
    """

    frames: int
    centre: bool
    joints: JointSet = VIODAT18
    normalisation: Normalisation = "screen"
    audio: str | None = None
    cut: Cut = "hop"
    sound: Sound = "own"
    mirrors: bool = True
    lifts: bool = True
    loss_weights: Mapping[str, float] = MappingProxyType({POSITION: 1.0})

    @abstractmethod
    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer.

        Parameters
        ----------
        batch
            ``pose2d`` (B, T, J, 2) normalised, ``image_size`` (B, 2) px, ``audio`` (B, F, W) if it listens, all as
            in :class:`viodat.bench.batches.Batch`.

        Returns
        -------
        dict
            ``pose3d`` (B, S, J, 3) mm: the frames that are scored, S = 1 or T; ``pose3d_all`` (B, T, J, 3) mm where
            more is trained on; ``velocity`` and ``acceleration`` (mm per frame, per frame²) where it has them.
        """

    def loss_values(self, output: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Give what is minimised, unreduced: the loss is the weighted sum over names of the mean of what counts.

        Parameters
        ----------
        output
            Of :meth:`forward`.
        batch
            As given to it, with ``target`` (B, T, J, 3) mm and ``valid`` (B, T, J).

        Returns
        -------
        dict
            Name -> values; here ``position``: distances of the scored frames in mm, (B, S, J).
        """
        return {POSITION: distances(output["pose3d"], self.scored(batch["target"]), self.scored(batch["valid"]))}

    def loss_masks(self, batch: Tensors) -> dict[str, Tensor]:
        """Give which of :meth:`loss_values` count: for each name a mask of the same shape.

        It follows from the batch alone, so that the mean over a batch can be made in parts, by several processes.
        """
        return {POSITION: self.scored(batch["valid"])}

    def loss(self, output: Tensors, batch: Tensors, counts: Mapping[str, float] | None = None) -> Tensor:
        """Give the loss of a batch, or its part of the loss of a larger one.

        Parameters
        ----------
        output, batch
            As in :meth:`loss_values`.
        counts
            How many values count for each name in the whole; None: in this batch.
        """
        masks = self.loss_masks(batch)
        terms = []
        for name, values in self.loss_values(output, batch).items():
            mask = masks[name]
            count = mask.sum().clamp(min=1) if counts is None else max(counts[name], 1.0)
            terms.append(self.loss_weights[name] * torch.where(mask, values, torch.zeros_like(values)).sum() / count)
        return torch.stack(terms).sum()

    def sliding(self, batch: Tensors, size: int) -> Tensor:
        """Answer for every frame of a recording, by windows that slide over it: for models of a centre frame.

        Parameters
        ----------
        batch
            One recording whose ends are repeated: ``pose2d`` (1, N + T - 1, J, 2), ``image_size`` (1, 2).
        size
            Windows at a time.

        Returns
        -------
        Tensor
            (N, J, 3) mm, equal to what :meth:`forward` says of each window.
        """
        windows = batch["pose2d"][0].unfold(0, self.frames, 1).movedim(-1, 1)
        parts = []
        for part in torch.split(windows, size):
            sizes = batch["image_size"].expand(len(part), -1)
            parts.append(self({"pose2d": part, "image_size": sizes})["pose3d"][:, 0])
        return torch.cat(parts)

    def scored(self, values: Tensor) -> Tensor:
        """Give those frames of (B, T, ...) that are scored."""
        middle = values.shape[1] // 2
        return values[:, middle : middle + 1] if self.centre else values

    def official_forward(self, *inputs: Tensor) -> Any:
        """Answer as the published implementation does: its inputs in its order, its outputs in its units."""
        raise NotImplementedError(f"{type(self).__name__} has no published implementation to be compared with")

    def official_loss(self, *outputs: Tensor, target: Tensor, **aux: Tensor) -> Tensor:
        """Give the published loss of what :meth:`official_forward` returned; everything counts."""
        raise NotImplementedError(f"{type(self).__name__} has no published implementation to be compared with")


def require_middle(network: LiftingModel) -> None:
    """Check that a model of the centre frame has one.

    Raises
    ------
    ConfigError
        Its T is even.
    """
    if network.centre and network.frames % 2 == 0:
        raise ConfigError(
            f"{type(network).__name__} answers with the centre frame of {network.frames}: an odd number was expected"
        )


def distances(pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Give ‖pred - target‖ over the last axis; 0, without a gradient, where ``valid`` is False."""
    # A norm has no gradient at zero; what does not count is moved away from there.
    apart = torch.where(valid[..., None], pred - target, torch.ones_like(pred))
    return torch.where(valid, torch.linalg.vector_norm(apart, dim=-1), torch.zeros_like(pred[..., 0]))


def as_tensors(batch: Batch, device: torch.device, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Give a batch as tensors on a device."""
    found = {name: torch.from_numpy(getattr(batch, name)) for name in ("pose2d", "image_size", "target")}
    if batch.audio.shape[1]:
        found["audio"] = torch.from_numpy(batch.audio)
    tensors = {name: values.to(device, dtype, non_blocking=True) for name, values in found.items()}
    return {**tensors, "valid": torch.from_numpy(batch.valid).to(device, non_blocking=True)}


class NetworkLifter:
    """A trained network as the harness asks it; attributes as :class:`viodat.bench.lifting.Lifter` has them.

    Parameters
    ----------
    network
        Trained.
    size
        Windows at a time.

    Raises
    ------
    ConfigError
        It gives no poses, being a stage of pre-training, or T of a model of the centre frame is even.
    """

    def __init__(self, network: LiftingModel, size: int = 64) -> None:
        if not network.lifts:
            raise ConfigError(f"{type(network).__name__} gives no poses: it is there for pre-training")
        require_middle(network)
        self.network, self.size = network.eval(), size
        self.frames, self.hop, self.centre = network.frames, network.frames, network.centre
        self.normalisation, self.cut = network.normalisation, network.cut
        self.audio, self.sound, self.mirrors = network.audio, network.sound, network.mirrors
        self.whole = network.centre and not network.audio
        self._first = next(network.parameters())

    def lift(self, batch: Batch) -> dict[str, Float32]:
        """Answer."""
        if not self.whole:
            return self.answer(batch)
        with torch.inference_mode():
            return {POSE: _array(self.network.sliding(self._tensors(batch), self.size)[None])}

    def answer(self, batch: Batch) -> dict[str, Float32]:
        """Answer window by window; values (B, S, J, 3)."""
        tensors = self._tensors(batch)
        parts: dict[str, list[Float32]] = {}
        with torch.inference_mode():
            for begin in range(0, len(batch.pose2d), self.size):
                part = {name: values[begin : begin + self.size] for name, values in tensors.items()}
                for name, value in self.network(part).items():
                    # What is there for the loss alone need not leave the device.
                    if name in KEPT:
                        parts.setdefault(name, []).append(_array(value))
        return {name: np.concatenate(values) for name, values in parts.items()}

    def _tensors(self, batch: Batch) -> dict[str, Tensor]:
        return as_tensors(batch, self._first.device, self._first.dtype)


def _array(values: Tensor) -> Float32:
    return np.asarray(values.float().cpu().numpy(), dtype=np.float32)
