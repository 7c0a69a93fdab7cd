"""Whether the truth's own error decides between two models."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bench.poses import recording
from viodat.bench import check_truth, load_protocol
from viodat.errors import MetricError

NAMES = ("P05C01T01", "P05C02T01", "P08C01T02")


def models(first_mm: float, second_mm: float, sigma_mm: float | None):
    return tuple(
        [recording(name, error, sigma_mm=sigma_mm, seed=seed) for name in NAMES]
        for error, seed in ((first_mm, 0), (second_mm, 1))
    )


def shared(first, second):
    """The same truth under both predictions."""
    return first, [
        replace(two, target=one.target, pred=one.target + (two.pred - two.target))
        for one, two in zip(first, second, strict=True)
    ]


def test_a_clear_difference_stands():
    found = check_truth(*shared(*models(20.0, 40.0, 5.0)), load_protocol(), draws=100)
    assert found.difference < -20
    assert found.flips == 0.0
    assert not found.tie
    assert found.interval[0] < found.difference + 5
    assert found.interval[1] < 0


def test_a_difference_within_the_truths_error_is_a_tie():
    """Both are off by the same distances to different sides: which of them is nearer hangs on where the truth lies."""
    first, second = shared(*models(0.1, 0.1, 20.0))
    rng = np.random.default_rng(5)
    first = [replace(one, pred=one.pred + rng.normal(scale=20.0, size=(1, 18, 3))) for one in first]
    second = [replace(one, pred=one.pred + rng.normal(scale=20.5, size=(1, 18, 3))) for one in second]
    found = check_truth(first, second, load_protocol(), draws=200)
    assert found.flips > 0.05
    assert found.tie
    sure = [[replace(one, sigma=one.sigma / 200) for one in model] for model in (first, second)]
    assert not check_truth(*sure, load_protocol(), draws=200).tie


def test_a_truth_without_sigma_is_not_drawn():
    found = check_truth(*shared(*models(20.0, 40.0, None)), load_protocol(), draws=10)
    assert (found.draws, found.unstated) == (0, 1.0)
    assert np.isnan(found.flips)
    assert not found.tie


def test_the_same_seed_gives_the_same_answer():
    pairs = shared(*models(20.0, 21.0, 5.0))
    assert check_truth(*pairs, load_protocol(), draws=20, seed=3) == check_truth(
        *pairs, load_protocol(), draws=20, seed=3
    )


def test_other_recordings_are_refused():
    first, second = models(20.0, 40.0, 5.0)
    with pytest.raises(MetricError, match="not scored on the same recordings"):
        check_truth(first, second[:-1], load_protocol())
