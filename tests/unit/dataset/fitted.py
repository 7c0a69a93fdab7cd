"""A small dataset as a skeleton fit would give it: one trial with sigma and angles, one without, one excluded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.unit.dataset.small import write_dataset
from viodat.body.angles import ANGLES
from viodat.dataset import paths, schema
from viodat.dataset.manifest import write_manifest
from viodat.dataset.tables import write_arrays

FITTED, PLAIN, EXCLUDED = "P04T01", "P04T02", "P04T03"
FRAMES = 40
FIRST_FRAME = 50


def write_fitted_dataset(folder: Path) -> Path:
    """Write it. The fitted trial begins at frame number 50; joints and angles are missing here and there."""
    write_dataset(folder, seconds=0.5, splits=("train", "test", "train"), excluded=(EXCLUDED,), video_frames=10)
    rng = np.random.default_rng(7)
    joints = rng.normal(0, 700, (FRAMES, 18, 3)).astype(np.float32)
    joints[3, 17] = joints[5] = np.nan
    joints[:, 12] = np.nan
    sigma = rng.uniform(0.5, 12, (FRAMES, 18)).astype(np.float32)
    sigma[np.isnan(joints).any(-1)] = np.nan
    angles = rng.uniform(-3, 3, (FRAMES, len(ANGLES))).astype(np.float32)
    angles[8] = angles[9, 0] = np.nan
    angles[:, 1] = np.nan
    write_arrays(
        folder / paths.motion(FITTED, "P04", "train"),
        schema.MOTION,
        {
            "trial": FITTED,
            "time_ns": (FIRST_FRAME - 1 + np.arange(FRAMES, dtype=np.int64)) * 10_000_000,
            "joints_mm": joints,
            "sigma_mm": sigma,
            "valid": np.isfinite(joints).all(-1),
            "velocity_mm_s": joints * 2,
            "acceleration_mm_s2": joints * 3,
            "angles_rad": angles,
        },
    )
    write_manifest(folder, {})
    return folder
