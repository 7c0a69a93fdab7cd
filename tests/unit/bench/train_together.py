"""Train a small network without batch normalisation in float64; torchrun starts this once or several times.

Arguments: folder of the store, folder of the checkpoint, file for what came of it, parts of a batch.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn

from viodat.bench.division import divided
from viodat.bench.network import LiftingModel
from viodat.bench.ranks import ranks
from viodat.bench.recipe import Data, Optimiser, Stage
from viodat.bench.store import GridStore
from viodat.bench.training import How, train


class Small(LiftingModel):
    """Two layers over all frames."""

    centre = False
    frames = 10

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(360, 32), nn.GELU(), nn.Linear(32, 540))
        self.unused = nn.Linear(2, 2)

    def forward(self, batch):
        """Answer."""
        return {"pose3d": 1000 * self.layers(batch["pose2d"].flatten(1)).view(-1, 10, 18, 3)}


def main(store_folder: str, folder: str, told: str, parts: str) -> None:
    """Train, and write losses and a sum of all weights."""
    torch.set_num_threads(1)
    store = GridStore(Path(store_folder))
    stage = Stage(
        name="train",
        # 7 windows do not divide by two, and the last batch of an epoch has fewer.
        data=Data(frames=10, hop=9, batch=7, accumulate=int(parts)),
        optimiser=Optimiser(kind="adamw", lr=1e-3),
        epochs=3,
    )
    torch.manual_seed(1)
    with ranks("cpu") as mine:
        found = train(Small().double(), stage, store, divided(store), Path(folder), How(seed=3))
        if mine.first:
            losses = [epoch.loss for epoch in found.epochs]
            errors = [epoch.validation_mm for epoch in found.epochs]
            total = sum(float(value.detach().square().sum()) for value in found.network.parameters())
            Path(told).write_text(json.dumps({"losses": losses, "errors": errors, "weights": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
