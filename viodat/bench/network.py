"""What a network must be to be trained and scored here.

A network is an ``nn.Module`` that is given a batch of windows as tensors and answers with poses in mm from the root,
in the camera's frame. It says how it wants its pictures and which of its answer is scored; everything else (windows,
flips, optimiser, stitching, protocol) is the harness's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from viodat.bench.batches import Batch, Float32, Normalisation

Tensors = Mapping[str, Tensor]


class LiftingModel(nn.Module):
    """A network from keypoints, and sound if it listens, to poses.

    Attributes
    ----------
    frames
        T of its windows.
    centre
        Whether the centre frame alone is scored, T odd; else all frames are.
    normalisation
        ``screen``, ``root_px`` or ``px`` (:class:`viodat.bench.batches.Windows`).
    audio
        Whether it listens.
    """

    frames: int
    centre: bool
    normalisation: Normalisation = "screen"
    audio: bool = False

    @abstractmethod
    def forward(self, batch: Tensors) -> dict[str, Tensor]:
        """Answer.

        Parameters
        ----------
        batch
            ``pose2d`` (B, T, J, 2) normalised, ``audio`` (B, F, 35) if it listens.

        Returns
        -------
        dict
            ``pose3d`` (B, S, J, 3) mm: the frames that are scored, S = 1 or T; whatever its loss needs besides.
        """

    def loss(self, output: Tensors, batch: Tensors) -> Tensor:
        """Give what is minimised: the mean distance of the scored frames over all joints that count, in mm.

        Parameters
        ----------
        output
            Of :meth:`forward`.
        batch
            As given to it, with ``target`` (B, T, J, 3) mm and ``valid`` (B, T, J).
        """
        return mpjpe_loss(output["pose3d"], self.scored(batch["target"]), self.scored(batch["valid"]))

    def scored(self, values: Tensor) -> Tensor:
        """Give those frames of (B, T, ...) that are scored."""
        middle = values.shape[1] // 2
        return values[:, middle : middle + 1] if self.centre else values


def mpjpe_loss(pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean distance over what counts; zero where nothing does."""
    # A norm has no gradient at zero; what does not count is moved away from there.
    apart = torch.where(valid[..., None], pred - target, torch.ones_like(pred))
    distance = torch.linalg.vector_norm(apart, dim=-1)
    mean: Tensor = (distance * valid).sum() / valid.sum().clamp(min=1)
    return mean


def as_tensors(batch: Batch, device: torch.device, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Give a batch as tensors on a device."""
    found = {"pose2d": torch.from_numpy(batch.pose2d), "target": torch.from_numpy(batch.target)}
    if batch.audio.shape[1]:
        found["audio"] = torch.from_numpy(batch.audio)
    tensors = {name: values.to(device, dtype, non_blocking=True) for name, values in found.items()}
    return {**tensors, "valid": torch.from_numpy(batch.valid).to(device, non_blocking=True)}


class NetworkLifter:
    """A trained network as the harness asks it; attributes as :class:`viodat.bench.lifting.Lifter` has them."""

    def __init__(self, network: LiftingModel, hop: int | None = None) -> None:
        self.network = network.eval()
        self.frames, self.centre = network.frames, network.centre
        self.normalisation, self.audio = network.normalisation, network.audio
        self.hop = hop or network.frames
        self.mirrors = True
        self._first = next(network.parameters())

    def lift(self, batch: Batch) -> Float32:
        """Answer."""
        with torch.inference_mode():
            output = self.network(as_tensors(batch, self._first.device, self._first.dtype))
            return np.asarray(output["pose3d"].float().cpu().numpy(), dtype=np.float32)
