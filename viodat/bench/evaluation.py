"""Scoring a model that is ready, in one call."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

from viodat.bench.lifting import Lifter, predict
from viodat.bench.protocol import DEFAULT, Protocol, load_protocol
from viodat.bench.scores import Scores, score
from viodat.bench.store import grid_store
from viodat.dataset.reader import VioDataset, open_dataset
from viodat.errors import ConfigError, DatasetError
from viodat.joints import JOINTS

if TYPE_CHECKING:
    from viodat.bench.network import LiftingModel


def evaluate_model(
    model: LiftingModel | Lifter,
    dataset: VioDataset | str | Path,
    *,
    split: str = "test",
    protocol: Protocol | str = DEFAULT,
    rate_hz: float = 30.0,
    pose2d: str = "detected",
    cache: Path | None = None,
) -> Scores:
    """Predict a split's recordings with a trained model, and score them.

    Parameters
    ----------
    model
        A network, with its weights, or whatever lifts windows (:class:`viodat.bench.lifting.Lifter`).
    dataset
        An open one, or its folder.
    split
        Which recordings.
    protocol
        Under which; a name or one that was loaded.
    rate_hz, pose2d
        As in :class:`viodat.PoseWindows`.
    cache
        Where the dataset's grid is kept for the next call; None: it is made and removed.

    Raises
    ------
    ConfigError
        The network has other joints than the dataset.
    DatasetError
        The split has no recording that can be used, or the dataset cannot be read.
    MetricError
        The model's answers are no numbers, or of another shape.
    """
    under = protocol if isinstance(protocol, Protocol) else load_protocol(protocol)
    opened = dataset if isinstance(dataset, VioDataset) else open_dataset(dataset)
    with ExitStack() as stack:
        folder = cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = grid_store(opened, folder, rate_hz=rate_hz, pose2d=pose2d)
        recordings = store.of_split(split)
        if not recordings:
            there = ", ".join(sorted({one.split for one in store.recordings}))
            raise DatasetError(f"no recording of split {split!r} can be used; there are {there}", where=opened.path)
        return score(predict(_ready(model), store, recordings, flipped=under.flipped), under)


def _ready(model: LiftingModel | Lifter) -> Lifter:
    # A network is asked for by what all networks have, so that none but them needs PyTorch.
    if not hasattr(model, "state_dict"):
        return model
    from viodat.bench.network import NetworkLifter

    network = cast("LiftingModel", model)
    if network.joints.names != JOINTS:
        raise ConfigError(
            f"the network has the {len(network.joints)} joints of {network.joints.name}, the dataset has "
            f"{len(JOINTS)} others",
            mend="Train one for these: create_model(..., joints='viodat18').",
        )
    return NetworkLifter(network)
