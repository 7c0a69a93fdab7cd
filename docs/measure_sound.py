"""Ask whether the sound of a dataset tells of motion what its keypoints do not: the question before any model's claim.

    python docs/measure_sound.py OUT [--seeds 0 1 2] [--page docs/science/what_sound_tells.md]

A network of two layers predicts the velocity of every joint (mm/frame, from the root) at the middle of a window of 27
frames: from keypoints alone, from keypoints and sound, and from keypoints and the sound of another trial, which has as
many parameters. It is trained on the training split, its epoch chosen by validation, and scored on the test split. If
the second is no better than both others, no model can be expected to learn anything from the sound of this dataset.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from torch import Tensor, nn

from viodat.bench.batches import Sound, Windows
from viodat.bench.run import open_store
from viodat.bench.store import GridStore
from viodat.joints import JOINTS

FRAMES = 27
AUDIO = "features100"
KINDS: Mapping[str, Sound | None] = {
    "keypoints": None,
    "keypoints and sound": "own",
    "keypoints and another trial's sound": "another",
}
GROUPS = {
    "all joints": tuple(JOINTS),
    "bow arm": ("right_elbow", "right_wrist"),
    "bow hand": ("right_index", "right_pinky", "right_thumb"),
    "left hand": ("left_wrist", "left_index", "left_pinky", "left_thumb"),
}
EPOCHS, BATCH, RATE = 15, 256, 1e-3
HIDDEN, HEARD = 256, 64


@dataclass
class Examples:
    """Inputs (N, D), velocities (N, J, 3) mm/frame, and which are known (N, J)."""

    inputs: Tensor
    velocity: Tensor
    known: Tensor


class Probe(nn.Module):
    """Two layers; what is heard comes in by fewer units than what is seen."""

    def __init__(self, seen: int, heard: int) -> None:
        super().__init__()
        self.seen = nn.Linear(seen, HIDDEN)
        self.heard = nn.Sequential(nn.Dropout(0.3), nn.Linear(heard, HEARD)) if heard else None
        width = HIDDEN + (HEARD if heard else 0)
        self.rest = nn.Sequential(
            nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 3 * len(JOINTS))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give velocities of all joints."""
        seen = self.seen.in_features
        hidden = self.seen(x[:, :seen])
        if self.heard is not None:
            hidden = torch.cat([hidden, self.heard(x[:, seen:])], dim=1)
        answer: Tensor = self.rest(hidden)
        return answer.view(-1, len(JOINTS), 3)


def examples(store: GridStore, split: str, sound: Sound | None, hop: int) -> Examples:
    """Give every ``hop``-th window of a split."""
    windows = Windows(
        store, store.of_split(split), frames=FRAMES, hop=hop, normalisation="root_px",
        audio=AUDIO if sound else None, sound=sound or "own",
    )  # fmt: skip
    inputs, velocities, known = [], [], []
    at = FRAMES // 2
    for batch in windows.epoch(512):
        parts = [batch.pose2d.reshape(len(batch.pose2d), -1), batch.audio.reshape(len(batch.audio), -1)]
        inputs.append(np.concatenate(parts, axis=1))
        velocities.append(batch.target[:, at + 1] - batch.target[:, at])
        known.append(batch.valid[:, at + 1] & batch.valid[:, at])
    return Examples(*(torch.from_numpy(np.concatenate(parts)) for parts in (inputs, velocities, known)))


def errors(network: Probe, of: Examples) -> dict[str, float]:
    """Give MPJVE of each group of joints, mm/frame."""
    network.eval()
    with torch.inference_mode():
        predicted = torch.cat([network(part) for part in of.inputs.split(4096)])
    apart = torch.linalg.vector_norm(predicted - of.velocity, dim=-1)
    at = {name: [JOINTS.index(joint) for joint in joints] for name, joints in GROUPS.items()}
    return {name: float(apart[:, joints][of.known[:, joints]].mean()) for name, joints in at.items()}


def probed(store: GridStore, sound: Sound | None, seed: int) -> dict[str, float]:
    """Train once; give MPJVE on the test split at the epoch that is best on validation."""
    train, validation, test = (
        examples(store, split, sound, hop) for split, hop in (("train", 2), ("validation", 3), ("test", 3))
    )
    middle, spread = train.inputs.mean(dim=0), train.inputs.std(dim=0).clamp(min=1e-3)
    for part in (train, validation, test):
        part.inputs = ((part.inputs - middle) / spread).clamp(-5, 5)
    torch.manual_seed(seed)
    seen = 2 * len(JOINTS) * FRAMES
    network = Probe(seen, train.inputs.shape[1] - seen)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    best, found = math.inf, {}
    for epoch in range(EPOCHS):
        optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS))
        network.train()
        for part in torch.randperm(len(train.inputs)).split(BATCH):
            apart = torch.linalg.vector_norm(network(train.inputs[part]) - train.velocity[part], dim=-1)
            optimiser.zero_grad()
            apart[train.known[part]].mean().backward()
            optimiser.step()
        if (error := errors(network, validation)["all joints"]) < best:
            best, found = error, errors(network, test)
    return found


def table(store: GridStore, seeds: list[int]) -> str:
    """Give the Markdown table of all kinds, means over seeds and their range."""
    lines = [f"| seen and heard | {' | '.join(GROUPS)} |", f"|---|{'---:|' * len(GROUPS)}"]
    for name, sound in KINDS.items():
        found = [probed(store, sound, seed) for seed in seeds]
        cells = []
        for group in GROUPS:
            values = [one[group] for one in found]
            spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
            cells.append(f"{mean(values):.2f}{spread}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--runs", type=Path, help="Where stores lie; else beside the dataset, as viodat bench has it.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--page", type=Path, help="Page whose table, after <!-- sound -->, is written anew.")
    arguments = parser.parse_args()
    dataset = arguments.dataset.resolve()
    store = open_store(dataset, arguments.runs or dataset.with_name(f".{dataset.name}.runs"))
    found = table(store, arguments.seeds)
    if arguments.page:
        text = arguments.page.read_text("utf-8")
        before, _, after = text.partition("<!-- sound -->\n\n")
        _, _, rest = after.partition("\n\n")
        arguments.page.write_text(f"{before}<!-- sound -->\n\n{found}\n{rest}", "utf-8")


if __name__ == "__main__":
    main()
