"""Poses of recordings to score."""

import numpy as np

from viodat.bench import RecordingPoses

FRAMES = 60


def recording(name: str, error_mm: float = 20.0, *, frames: int = FRAMES, sigma_mm: float | None = None, seed: int = 0):
    """Give a recording (P05C01T28) of a body that moves, with a prediction that errs by noise."""
    number = sum(map(ord, name))
    rng = np.random.default_rng([number, seed])
    target = rng.normal(scale=300, size=(1, 18, 3)) + rng.normal(scale=5, size=(frames, 18, 3)).cumsum(axis=0)
    target += [100.0, -50.0, 3000.0]
    pred = target + rng.normal(scale=error_mm, size=target.shape)
    valid = np.ones(target.shape[:2], dtype=bool)
    sigma = None if sigma_mm is None else np.full(valid.shape, sigma_mm)
    return RecordingPoses(name, name[:3] + name[6:], name[:3], 30.0, pred, target, valid, sigma)
