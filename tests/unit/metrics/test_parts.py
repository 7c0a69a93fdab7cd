"""Percentiles, thresholds, groups of joints and moments of music."""

import numpy as np
import pytest

from viodat.errors import MetricError
from viodat.joints import JOINT_INDEX, JOINTS
from viodat.metrics import (
    JOINT_GROUPS,
    around_events,
    auc,
    error_percentiles,
    n_mpjpe,
    p_mpjpe,
    pck,
    per_group,
    rigid_mpjpe,
)


def apart(distances_mm) -> tuple[np.ndarray, np.ndarray]:
    """One joint that is off by these distances."""
    pred = np.zeros((len(distances_mm), 1, 3))
    pred[:, 0, 2] = distances_mm
    return pred, np.zeros_like(pred)


def test_percentiles_are_those_of_the_distances():
    pred, target = apart(np.arange(101.0))
    np.testing.assert_allclose(error_percentiles(pred, target, percentiles=(0, 50, 95, 100)), [0, 50, 95, 100])
    pred[3] = np.nan
    assert np.isnan(error_percentiles(pred, target)).all()


def test_what_lies_at_the_threshold_is_within():
    assert pck(*apart([10.0, 150.0, 150.1, 400.0])) == 50.0
    assert pck(*apart([10.0, 20.0]), threshold_mm=15.0) == 50.0
    # 31 thresholds from 0 to 150: 0 is within all, 75 within 16 of them, 151 within none.
    assert auc(*apart([0.0, 75.0, 151.0])) == pytest.approx(100 * (31 + 16 + 0) / 31 / 3)


def test_each_fit_forgives_what_it_fits_and_no_more():
    rng = np.random.default_rng(0)
    target = rng.normal(scale=300, size=(20, 18, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    moved = target @ turn.T + [10.0, 200.0, -30.0]
    assert rigid_mpjpe(moved, target) < 1e-9
    assert p_mpjpe(0.7 * moved, target) < 1e-9
    assert rigid_mpjpe(0.7 * moved, target) > 50
    assert n_mpjpe(0.7 * target, target) < 1e-9
    assert n_mpjpe(moved, target) > 100
    mirrored = target * [1.0, 1.0, -1.0]
    assert min(fit(mirrored, target) for fit in (p_mpjpe, rigid_mpjpe, n_mpjpe)) > 50


def test_two_joints_fit_whatever_was_predicted_and_do_not_count():
    rng = np.random.default_rng(0)
    target = rng.normal(scale=300, size=(2, 18, 3))
    target[1, 2:] = np.nan
    pred = rng.normal(scale=300, size=target.shape)
    assert p_mpjpe(pred, target) == p_mpjpe(pred[:1], target[:1])


def test_every_joint_is_of_one_group():
    assert sorted(name for names in JOINT_GROUPS.values() for name in names) == sorted(JOINTS)


def test_groups_are_scored_by_name():
    pred, target = np.zeros((4, 18, 3)), np.zeros((4, 18, 3))
    pred[:, JOINT_INDEX["left_thumb"], 0] = 30.0
    found = per_group(pred, target)
    assert found == {name: (10.0 if name == "left_hand" else 0.0) for name in JOINT_GROUPS}
    some = per_group(pred[:, :2], target[:, :2], joints=("left_wrist", "left_thumb"))
    assert np.isnan(some["right_hand"])
    assert some["left_upper_limb"] == 0.0
    with pytest.raises(MetricError, match="a name for each of 18 joints, but got 2"):
        per_group(pred, target, joints=("left_wrist", "left_thumb"))


def test_frames_around_notes_are_those_within_the_stated_times():
    times = np.arange(100) / 10
    found = around_events(times, [2.0, np.nan, 5.0, 5.1, 99.0], before_s=0.1, after_s=0.2)
    assert np.flatnonzero(found).tolist() == [19, 20, 21, 22, 49, 50, 51, 52, 53]
    assert not around_events(times, []).any()
