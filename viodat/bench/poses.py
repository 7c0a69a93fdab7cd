"""A model's poses of one recording, whole, beside the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viodat.errors import MetricError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RecordingPoses:
    """What a model says of one recording, each frame once, and what is true.

    Attributes
    ----------
    recording, trial, participant
        Ids.
    rate_hz
        Of the frames, constant.
    pred, target
        (T, J, 3) mm, camera frame, roots as they came; NaN where undetermined.
    valid
        (T, J): what the truth determines.
    sigma
        (T, J) mm, per axis: the truth's own standard deviation, NaN where it is not stated; None without any.
    velocity, acceleration
        (T, J, 3) mm per frame and per frame², as the model predicts them from the root; None: it does not.

    Raises
    ------
    MetricError
        The shapes do not fit.
    """

    recording: str
    trial: str
    participant: str
    rate_hz: float
    pred: FloatArray
    target: FloatArray
    valid: NDArray[np.bool_]
    sigma: FloatArray | None = None
    velocity: FloatArray | None = None
    acceleration: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.pred.shape != self.target.shape or self.pred.ndim != 3 or self.valid.shape != self.pred.shape[:2]:
            raise MetricError(
                f"expected a prediction and a target (T, J, 3) and a mask (T, J), but got {self.pred.shape}, "
                f"{self.target.shape} and {self.valid.shape}",
                where=self.recording,
            )
