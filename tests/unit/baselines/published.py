"""What the published implementations compute, as numbers, and what every model is checked against with them.

Each file of ``tests/data/published_<model>_*.npz`` holds the official parameters by name, inputs, and what the official
code made of them in float64: outputs, loss, gradient norms, running statistics and five steps of its optimiser.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from viodat.bench.network import LiftingModel, Tensors

DATA = Path(__file__).resolve().parents[2] / "data"
EXACT = 1e-9
Names = Mapping[str, tuple[str, ...]]
Loss = Callable[[], Tensor]


@dataclass(frozen=True)
class Published:
    """One file of numbers."""

    name: str

    @cached_property
    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        with np.load(DATA / f"published_{self.name}.npz", allow_pickle=False) as file:
            return dict(file)

    @property
    def config(self) -> dict[str, Any]:
        """The official constructor's arguments."""
        return dict(json.loads(str(self.arrays["config_json"])))

    @property
    def state(self) -> dict[str, np.ndarray[Any, Any]]:
        """The official parameters and buffers, float32."""
        return self.group("state")

    def group(self, prefix: str) -> dict[str, np.ndarray[Any, Any]]:
        """Arrays whose names begin with ``prefix/``, by the rest of their names."""
        start = prefix + "/"
        return {name.removeprefix(start): value for name, value in self.arrays.items() if name.startswith(start)}

    def tensor(self, name: str) -> Tensor:
        """An array, floats as float64."""
        value = torch.from_numpy(np.array(self.arrays[name]))
        return value.double() if value.is_floating_point() else value

    @property
    def steps(self) -> Published:
        """The file of five training steps that belongs to this one."""
        return Published(f"{self.name}_train5")


def without_dropout(network: nn.Module) -> nn.Module:
    """Turn all dropout off, drop path among it, whatever mode the network is in."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


def apart(found: Tensor, expected: Tensor) -> float:
    """The largest difference; shapes must be equal."""
    assert found.shape == expected.shape
    return float((found - expected).detach().abs().max())


def assert_gradients(network: nn.Module, names: Names, published: Published) -> None:
    """Gradient norms are the published ones to 1e-9 of themselves, or to 1e-12 (key biases have no gradient)."""
    expected = published.group("gradnorm")
    for ours, value in network.named_parameters():
        gradient = torch.zeros_like(value) if value.grad is None else value.grad
        for name, part in zip(names[ours], gradient.chunk(len(names[ours])), strict=True):
            norm = float(expected.pop(name))
            assert abs(float(part.norm()) - norm) <= max(EXACT * norm, 1e-12), name
    assert not expected


def assert_norms(network: nn.Module, names: Names, published: Published, within: float) -> None:
    """Parameters and running statistics have the published norms, as they are after training steps."""
    state = network.state_dict()
    found = {
        name: part
        for ours, several in names.items()
        if state[ours].dim()
        for name, part in zip(several, state[ours].chunk(len(several)), strict=True)
    }
    for name, norm in published.group("norm").items():
        if not name.endswith("num_batches_tracked"):
            assert abs(float(found[name].norm()) - float(norm)) <= within * max(1.0, float(norm)), name


def assert_statistics(network: nn.Module, names: Names, published: Published) -> None:
    """BatchNorm's running statistics are what they were after one forward pass in training."""
    state = network.state_dict()
    ours = {theirs: name for name, several in names.items() for theirs in several}
    expected = published.group("after_train_fwd")
    assert expected
    for name, value in expected.items():
        if not name.endswith("num_batches_tracked"):
            assert apart(state[ours[name]], torch.from_numpy(value).double()) < EXACT, name


def five_steps(network: nn.Module, loss: Loss, published: Published, *, scaled: bool = False) -> list[float]:
    """Make five steps of the published optimiser; give the loss before each.

    With ``scaled`` gradients are multiplied by the loss, as MixSTE's authors do.
    """
    kind, options = json.loads(str(published.arrays["optimizer_json"]))
    optimiser = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}[kind](network.parameters(), **options)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        value = loss()
        value.backward(value.detach() if scaled else None)
        optimiser.step()
        losses.append(float(value.detach()))
    return losses


def batch_of(pose2d: Tensor, target_m: Tensor) -> dict[str, Tensor]:
    """A batch of the harness in which everything counts: keypoints, and a target in metres for all frames."""
    return {
        "pose2d": pose2d,
        "image_size": torch.full((len(pose2d), 2), 1000.0, dtype=pose2d.dtype),
        "target": 1000.0 * target_m,
        "valid": torch.ones(target_m.shape[:-1], dtype=torch.bool),
    }


def random_batch(network: LiftingModel, size: int = 2, seed: int = 0) -> dict[str, Tensor]:
    """A batch of random keypoints and poses for a network, in its dtype."""
    generator = torch.Generator().manual_seed(seed)
    shape = (size, network.frames, len(network.joints))
    dtype = next(network.parameters()).dtype
    pose2d = torch.randn(*shape, 2, generator=generator, dtype=torch.float64)
    target = torch.randn(*shape, 3, generator=generator, dtype=torch.float64)
    return batch_of(pose2d.to(dtype), target.to(dtype))


def assert_masked_frames_have_no_gradient(network: LiftingModel, frame: int) -> None:
    """The target of a frame that is not valid may be anything, and moves nothing."""
    batch = random_batch(network)
    batch["valid"][0, frame] = False
    wild = {**batch, "target": batch["target"].clone()}
    wild["target"][0, frame] = 1e6
    network.eval()
    gradients = []
    for one in (batch, wild):
        output = {name: value.detach().requires_grad_() for name, value in network(one).items()}
        loss = network.loss(output, one)
        loss.backward()
        gradients.append((loss.detach(), output))
    assert torch.equal(gradients[0][0], gradients[1][0])
    for name, value in gradients[0][1].items():
        other = gradients[1][1][name]
        if value.grad is None:
            assert other.grad is None
            continue
        assert torch.isfinite(value.grad).all()
        assert torch.equal(value.grad, other.grad)
        if value.shape[1] == network.frames:
            assert not value.grad[0, frame].any()


def slid_window_by_window(network: LiftingModel, batch: Tensors) -> Tensor:
    """What ``sliding`` must equal: each window by itself."""
    pose2d, frames = batch["pose2d"][0], network.frames
    answers = [
        network({**batch, "pose2d": pose2d[k : k + frames][None]})["pose3d"][0, 0]
        for k in range(len(pose2d) - frames + 1)
    ]
    return torch.stack(answers)


def parameter_count(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


def random_state(network: nn.Module, names: Names) -> dict[str, Tensor]:
    """A network's parameters by official name, all of them moved from where they start."""
    generator = torch.Generator().manual_seed(1)
    state = {}
    for ours, value in network.state_dict().items():
        moved = value
        if value.is_floating_point():
            moved = value + 0.1 * torch.rand(value.shape, generator=generator).to(value)
        for name, part in zip(names[ours], moved.chunk(len(names[ours])) if value.dim() else [moved], strict=True):
            state[name] = part
    return state
