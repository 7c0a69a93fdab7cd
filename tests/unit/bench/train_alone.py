"""Train a small network with a checkpoint after every step; whoever started this kills it.

Arguments: folder of the store, folder of the checkpoint, file for the digest of all weights.
"""

import hashlib
import sys
from pathlib import Path

import torch
from viodat.baselines import tcn

from viodat.bench.division import divided
from viodat.bench.recipe import load_recipe
from viodat.bench.staged import train_stages
from viodat.bench.store import GridStore
from viodat.bench.training import How


def main(store_folder: str, folder: str, told: str) -> None:
    """Train."""
    torch.set_num_threads(1)
    store = GridStore(Path(store_folder))
    recipe = load_recipe(Path(tcn.__file__).with_name("recipe.toml"), "quick")
    (stage,) = recipe.stage
    # Dropout and the average have states of their own.
    stage = stage.model_copy(
        update={
            "epochs": 4,
            "least_steps": 0,
            "model": {"frames": 9, "channels": 48, "dropout": 0.2},
            "data": stage.data.model_copy(update={"frames": 9, "offset": 4, "batch": 16}),
            "optimiser": stage.optimiser.model_copy(update={"ema": 0.9}),
        }
    )
    recipe = recipe.model_copy(update={"stage": (stage,)})
    Path(told + ".began").write_text("")
    found = train_stages(tcn.SPEC, recipe, store, divided(store), Path(folder), How(save_every_s=0.0))
    content = hashlib.sha256()
    for name, value in sorted(found.lifter.network.state_dict().items()):
        content.update(name.encode() + value.numpy().tobytes())
    Path(told).write_text(content.hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
