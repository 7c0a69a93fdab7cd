"""Models that anything must beat: the mean pose of each camera, and a linear regression from the pictures.

They stand in every table. A network that is no better than the mean pose has learnt where players sit; one that is no
better than a ridge regression has learnt what a matrix can.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.bench.batches import Batch, Cut, Float32, Normalisation, Sound, Windows
from viodat.bench.division import Division
from viodat.bench.lifting import POSE
from viodat.bench.registry import ModelSpec
from viodat.bench.store import GridStore, StoredRecording
from viodat.errors import DatasetError
from viodat.joints import JOINTS
from viodat.metrics import mpjpe

RIDGE_FRAMES: Final = 27
_LAMBDAS: Final = tuple(10.0**power for power in range(-4, 5))
_SCALE_PX: Final = 100.0
_TRAINED_EVERY: Final = 3
_BATCH: Final = 256


@dataclass
class MeanPose:
    """The mean of all training poses that a camera saw, whatever it sees now; of a new camera the mean of all."""

    frames: int = 1
    hop: int = 1
    centre: bool = True
    whole: bool = False
    normalisation: Normalisation = "px"
    cut: Cut = "hop"
    audio: str | None = None
    sound: Sound = "own"
    mirrors: bool = False
    means: dict[str, Float32] = field(default_factory=dict)

    @classmethod
    def fitted(cls, store: GridStore, train: tuple[StoredRecording, ...]) -> MeanPose:
        """Average the poses of training recordings; a joint that is never determined lies at the root."""
        total: dict[str, NDArray[np.float64]] = {}
        count: dict[str, NDArray[np.float64]] = {}
        for batch in Windows(store, train, frames=1, hop=1, normalisation="px").epoch(4096):
            for device in np.unique(batch.devices):
                mine = batch.devices == device
                for name in (str(device), ""):
                    total[name] = total.get(name, 0.0) + batch.target[mine].sum(axis=(0, 1), dtype=np.float64)
                    count[name] = count.get(name, 0.0) + batch.valid[mine].sum(axis=(0, 1))[:, None]
        means = {name: (total[name] / np.maximum(count[name], 1)).astype(np.float32) for name in total}
        return cls(means=means)

    def lift(self, batch: Batch) -> dict[str, Float32]:
        """Answer."""
        return {POSE: np.stack([self.means.get(device, self.means[""]) for device in batch.devices])[:, None]}


@dataclass
class Ridge:
    """Ridge regression from the keypoints of 27 frames, in pixels from the root, to the pose of the middle one.

    Attributes
    ----------
    weights
        (27 * 18 * 2 + 1, 18 * 3).
    penalty
        λ, of those from 1e-4 to 1e4 the one with the least MPJPE on the validation recordings.
    """

    weights: NDArray[np.float64]
    penalty: float
    frames: int = RIDGE_FRAMES
    hop: int = 1
    centre: bool = True
    whole: bool = False
    normalisation: Normalisation = "root_px"
    cut: Cut = "hop"
    audio: str | None = None
    sound: Sound = "own"
    mirrors: bool = True

    @classmethod
    def fitted(cls, store: GridStore, division: Division) -> Ridge:
        """Solve the normal equations over every third training frame and its mirror image.

        A frame counts if all its joints do. Where windows validate, λ is chosen by every tenth of those frames, which
        are then not trained on.

        Raises
        ------
        DatasetError
            There is nothing to choose λ by, or no frame to train on.
        """
        if not division.validates:
            raise DatasetError(
                "there are no validation trials to choose the penalty of the ridge regression by",
                mend="Set [splits] validation in capture.toml, or build with more trials.",
            )
        size = RIDGE_FRAMES * len(JOINTS) * 2 + 1
        gram, moment = np.zeros((size, size)), np.zeros((size, len(JOINTS) * 3))
        frames = 0
        windows = _windows(store, division.train)
        numbers = np.arange(len(windows))
        back = numbers % round(1 / division.held_windows) == 0 if division.held_windows else numbers < 0
        for batch in windows.chosen(numbers[~back]).epoch(_BATCH, flips=True):
            inputs, targets = _equations(batch)
            gram += inputs.T @ inputs
            moment += inputs.T @ targets
            frames += len(inputs)
        if not frames:
            raise DatasetError("no frame of the training trials has all joints determined")
        values, vectors = np.linalg.eigh(gram / frames)
        turned = vectors.T @ (moment / frames)
        validation = windows.chosen(numbers[back]) if back.any() else _windows(store, division.validation)
        held_out = [found for batch in validation.epoch(_BATCH) if len((found := _equations(batch))[0])]
        if not held_out:
            raise DatasetError(
                "no frame of the validation trials has all joints determined: nothing tells the penalty of the ridge "
                "regression",
                mend="Build with more trials.",
            )
        best: tuple[float, Ridge] | None = None
        for penalty in _LAMBDAS:
            weights = vectors @ (turned / (np.maximum(values, 0.0) + penalty)[:, None])
            error = float(np.mean([_mpjpe(inputs @ weights, targets) for inputs, targets in held_out]))
            if best is None or error < best[0]:
                best = error, cls(weights, penalty)
        assert best is not None
        return best[1]

    def lift(self, batch: Batch) -> dict[str, Float32]:
        """Answer."""
        poses = _inputs(batch) @ self.weights
        return {POSE: poses.reshape(len(poses), 1, len(JOINTS), 3).astype(np.float32)}


MEAN_POSE: Final = ModelSpec(
    "mean pose",
    "viodat: of each camera",
    fitted=lambda store, division: MeanPose.fitted(store, division.train),
    floor=True,
)
RIDGE: Final = ModelSpec("ridge regression", "Hoerl and Kennard 1970; 27 frames", fitted=Ridge.fitted, floor=True)


def _windows(store: GridStore, recordings: tuple[StoredRecording, ...]) -> Windows:
    offset = (RIDGE_FRAMES - 1) // 2
    return Windows(store, recordings, frames=RIDGE_FRAMES, hop=_TRAINED_EVERY, offset=offset, normalisation="root_px")


def _inputs(batch: Batch) -> NDArray[np.float64]:
    flat = batch.pose2d.reshape(len(batch.pose2d), -1).astype(np.float64) / _SCALE_PX
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)


def _equations(batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    middle = RIDGE_FRAMES // 2
    whole = np.asarray(batch.valid[:, middle].all(axis=-1))
    targets = batch.target[whole, middle].reshape(int(whole.sum()), -1).astype(np.float64)
    return _inputs(batch)[whole], targets


def _mpjpe(flat_pred: NDArray[np.float64], flat_target: NDArray[np.float64]) -> float:
    return mpjpe(flat_pred.reshape(-1, len(JOINTS), 3), flat_target.reshape(-1, len(JOINTS), 3))
