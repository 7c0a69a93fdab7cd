"""What the published implementations compute on the same poses, in float64."""

from pathlib import Path

import numpy as np
import pytest

from viodat import metrics
from viodat.joints import ROOT_JOINTS

PUBLISHED = np.load(Path(__file__).parents[2] / "data" / "published_metrics.npz", allow_pickle=False)


def poses(scale: str, roots: str) -> list[np.ndarray]:
    found = [PUBLISHED[f"{scale}/{name}"].astype(np.float64) for name in ("pred", "gt")]
    if roots == "aligned":
        found = [one - one[..., list(ROOT_JOINTS), :].mean(axis=-2, keepdims=True) for one in found]
    return found


@pytest.mark.parametrize("scale", ["randn", "mm"])
@pytest.mark.parametrize("roots", ["raw", "aligned"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.mpjpe, "mpjpe"),
        (metrics.per_joint, "mpjpe_joint"),
        (metrics.mpjve, "mpjve"),
        (metrics.mpjae, "mpjae"),
        (metrics.p_mpjpe, "pa_mpjpe"),
    ],
)
def test_ours_is_what_was_published(scale, roots, ours, theirs):
    """They add 1e-8 under their roots, which shows in the eighth digit."""
    np.testing.assert_allclose(ours(*poses(scale, roots)), PUBLISHED[f"{scale}/{roots}/{theirs}_f64"], rtol=1e-6)


@pytest.mark.parametrize("scale", ["randn", "mm"])
def test_warping_costs_and_paths_are_the_exact_ones(scale):
    pred, gt = (one[0] for one in poses(scale, "aligned"))
    found = [metrics.warp(pred[:, j], gt[:, j]) for j in range(18)]
    np.testing.assert_allclose([one.cost for one in found], PUBLISHED[f"{scale}/dtw/exact_joint_cost"], rtol=1e-6)
    assert [one.steps for one in found] == PUBLISHED[f"{scale}/dtw/exact_joint_pathlen"].tolist()
    whole = metrics.warp(pred.reshape(200, -1), gt.reshape(200, -1))
    assert whole.cost == pytest.approx(float(PUBLISHED[f"{scale}/dtw/exact_flat54_cost"]), rel=1e-6)
    assert whole.steps == PUBLISHED[f"{scale}/dtw/exact_flat54_pathlen"]
