"""Every metric of the registry keeps the promises that metrics make."""

import math

import numpy as np
import pytest

from viodat.errors import MetricError
from viodat.joints import MIRROR
from viodat.metrics import Metric, evaluate, get_metric, list_metrics, register_metric

RATE_HZ = 30.0
ALIGNED = ("p_mpjpe", "rigid_mpjpe", "n_mpjpe")


def poses(seed: int = 0, frames: int = 150):
    rng = np.random.default_rng(seed)
    still = rng.normal(scale=300, size=(1, 18, 3))
    moving = rng.normal(scale=5, size=(frames, 18, 3)).cumsum(axis=0)
    return still + moving


def score(name, pred, target, valid=None):
    return evaluate(pred, target, valid, rate_hz=RATE_HZ, metrics=[name])[name]


@pytest.fixture(params=list_metrics())
def name(request):
    return request.param


def test_it_says_what_it_is(name):
    found = get_metric(name)
    assert found.name == name
    assert found.unit in {"mm", "mm/frame", "mm/frame²", "mm/s", "mm/s²", "%"}
    assert found.direction in {"lower", "higher"}
    assert len(found.reference) > 5
    assert found.__doc__
    assert found.__name__ == name


def test_the_truth_is_the_best_prediction(name):
    target = poses()
    best = score(name, target, target)
    assert best == pytest.approx(100.0 if get_metric(name).unit == "%" else 0.0, abs=1e-9)
    worse = score(name, target + np.random.default_rng(1).normal(scale=60, size=target.shape), target)
    assert (worse > best) == (get_metric(name).direction == "lower")


def test_what_does_not_count_does_not_count(name):
    target = poses()
    pred = target + np.random.default_rng(1).normal(scale=20, size=target.shape)
    valid = np.ones(target.shape[:2], dtype=bool)
    valid[-40:] = False
    valid[:, 4] = False
    expected = score(name, pred, target, valid)
    spoilt = pred.copy()
    spoilt[~valid] = 1e6
    assert score(name, spoilt, target, valid) == expected
    unknown = target.copy()
    unknown[~valid] = np.nan
    assert score(name, spoilt, unknown) == expected


def test_no_answer_is_no_way_out(name):
    target = poses()
    pred = target + 5.0
    pred[70, 3, 1] = np.nan
    assert math.isnan(score(name, pred, target))
    pred[70, 3, 1] = np.inf
    assert math.isnan(score(name, pred, target))


def test_nothing_that_counts_is_no_number(name):
    target = poses()
    assert math.isnan(score(name, target, target, np.zeros(target.shape[:1], dtype=bool)))
    assert math.isnan(score(name, target, np.full_like(target, np.nan)))


def test_a_single_frame_is_scored_or_has_no_number(name):
    target = poses(frames=1)
    found = score(name, target + 3.0, target)
    if name.startswith(("mpjve", "mpjae", "vibrato")):
        assert math.isnan(found)
    else:
        assert np.isfinite(found)


def test_moving_both_changes_nothing(name):
    """Rotation and translation of the world are nobody's error; of N-MPJPE the origin is the root."""
    rng = np.random.default_rng(2)
    target = poses()
    pred = target + rng.normal(scale=20, size=target.shape)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    shift = 0.0 if name == "n_mpjpe" else np.array([1000.0, -50.0, 300.0])
    moved = score(name, pred @ turn.T + shift, target @ turn.T + shift)
    assert moved == pytest.approx(score(name, pred, target), rel=1e-9)


def test_the_order_of_joints_changes_nothing(name):
    rng = np.random.default_rng(3)
    target = poses()
    pred = target + rng.normal(scale=20, size=target.shape)
    order = rng.permutation(18)
    assert score(name, pred[:, order], target[:, order]) == pytest.approx(score(name, pred, target), rel=1e-9)


def test_a_mirrored_player_is_never_perfect(name):
    """Nor one whose sides are exchanged."""
    target = poses()
    best = score(name, target, target)
    assert score(name, target * np.array([-1.0, 1.0, 1.0]), target) != pytest.approx(best, abs=1.0)
    if not name.startswith(("mpjve", "mpjae", "vibrato")):
        assert score(name, target[:, list(MIRROR)], target) != pytest.approx(best, abs=1.0)


def test_shapes_that_do_not_fit_are_told(name):
    with pytest.raises(MetricError, match=r"one shape \(\.\.\., T, J, 3\)"):
        score(name, np.zeros((5, 18, 3)), np.zeros((5, 17, 3)))
    with pytest.raises(MetricError, match="mask of bool"):
        score(name, np.zeros((5, 18, 3)), np.zeros((5, 18, 3)), np.ones((5, 17), dtype=bool))
    with pytest.raises(MetricError, match="mask of bool"):
        score(name, np.zeros((5, 18, 3)), np.zeros((5, 18, 3)), np.ones((5, 18)))


def test_a_rate_that_is_none_is_told():
    for name in (one for one in list_metrics() if get_metric(one).per_second):
        for rate_hz in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(MetricError, match="rate above 0 Hz"):
                get_metric(name)(poses(), poses(), rate_hz=rate_hz)


def test_a_name_is_given_once():
    other = Metric(get_metric("mpjpe").function, "mpjpe", "mm", "lower", "another")
    with pytest.raises(MetricError, match="there is a metric 'mpjpe' already"):
        register_metric(other)
    with pytest.raises(MetricError, match="there is no metric 'mpjep'; there are mpjpe"):
        get_metric("mpjep")
