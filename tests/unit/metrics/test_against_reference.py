"""The fast metrics against the same definitions, one frame and joint at a time."""

import math

import numpy as np
import pytest

from viodat import metrics
from viodat.metrics import reference

PAIRS = {
    name: (getattr(metrics, name), getattr(reference, name)) for name in ("mpjpe", "mpjve", "mpjae", "p_mpjpe", "dtw")
}


def recording(seed: int, frames: int = 23, joints: int = 7):
    """Poses with frames and joints that do not count, by NaN of the target and by the mask."""
    rng = np.random.default_rng(seed)
    target = rng.normal(scale=300, size=(frames, joints, 3)).cumsum(axis=0)
    pred = target + rng.normal(scale=40, size=target.shape)
    target[rng.random((frames, joints)) < 0.1] = np.nan
    target[3:5] = np.nan
    valid = rng.random((frames, joints)) < 0.9
    valid[:, joints - 1] = False
    return pred, target, valid


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", PAIRS)
def test_both_agree(name, seed):
    fast, slow = PAIRS[name]
    args = recording(seed)
    assert fast(*args) == pytest.approx(slow(*args), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_each_joint_agrees(seed):
    args = recording(seed)
    np.testing.assert_allclose(metrics.per_joint(*args), reference.per_joint(*args), rtol=1e-9)
    assert math.isnan(metrics.per_joint(*args)[-1])


@pytest.mark.parametrize("name", ["mpjpe", "mpjve", "mpjae", "p_mpjpe"])
def test_several_recordings_at_once_count_by_what_counts_in_them(name):
    fast, _ = PAIRS[name]
    parts = [recording(seed) for seed in range(4)]
    together = fast(*(np.stack(values) for values in zip(*parts, strict=True)))
    # Each weighs by what it counts, which the errors of a constant tell.
    weights = [_count(name, target, valid) for _, target, valid in parts]
    assert together == pytest.approx(np.average([fast(*part) for part in parts], weights=weights), rel=1e-9)


def _count(name, target, valid):
    counts = valid & np.isfinite(target).all(axis=-1)
    for _ in range({"mpjve": 1, "mpjae": 2}.get(name, 0)):
        counts = counts[1:] & counts[:-1]
    if name == "p_mpjpe":
        counts = counts & (counts.sum(axis=-1, keepdims=True) >= 3)
    return counts.sum()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 1), (5, 17), (17, 5), (12, 12)])
def test_warping_is_the_optimum_of_the_whole_table(seed, size):
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(size=(n, 3)).cumsum(axis=0) for n in size)
    found = metrics.warp(first, second)
    assert (found.cost, found.steps) == (
        pytest.approx(reference.warp(first, second)[0], rel=1e-12),
        reference.warp(first, second)[1],
    )


def test_of_paths_of_one_cost_the_diagonal_is_taken():
    """In whole numbers many paths cost the same; the way through the corner is the shortest."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        first, second = (rng.integers(0, 2, size=(rng.integers(1, 8), 1)).astype(float) for _ in range(2))
        found = metrics.warp(first, second)
        assert (found.cost, found.steps) == reference.warp(first, second)
