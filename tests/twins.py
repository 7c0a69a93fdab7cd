"""Small simulated captures that tests build on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from viodat.capture import MarkerTrial, read_c3d
from viodat.capture.c3d_write import PointSeries, write_c3d
from viodat.synth import TwinOptions, write_twin


def write_small_capture(
    raw: Path, *, participants: int = 2, trials: int = 2, cameras: int = 1, video: bool = True, seed: int = 0
) -> None:
    """Write a capture of 3 s trials by phones that start together, clocks given; no range-of-motion trials."""
    write_twin(
        raw,
        TwinOptions(
            participants=participants,
            trials=trials,
            seconds=3.0,
            seed=seed,
            cameras=cameras,
            video=video,
            device_start_s=0.2,
            rom_seconds=0.0,
            given_clocks=True,
        ),
    )


def spoil_markers(path: Path, change: Callable[[MarkerTrial], MarkerTrial]) -> None:
    """Write a marker file again with other markers; nothing but markers and their rate is kept."""
    trial = change(read_c3d(path))
    points = PointSeries(trial.labels, ("",) * len(trial.labels), trial.positions_mm)
    residuals = np.nan_to_num(trial.residuals, nan=0.1)
    write_c3d(path, points, residuals, rate_hz=trial.rate_hz, first_frame=trial.first_frame)
