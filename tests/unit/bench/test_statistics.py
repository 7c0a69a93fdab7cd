"""What a difference means: against scipy, by simulation, and in plain words."""

import math

import numpy as np
import pytest
from scipy import stats

from viodat.bench import compare, compare_all, holm
from viodat.bench.statistics import bootstrap_interval, permutation_p
from viodat.errors import MetricError

SCORES = {f"P{k:02d}": 50.0 + k for k in range(4, 16)}


def better(by: float, people=tuple(SCORES), noise: float = 0.5):
    rng = np.random.default_rng(1)
    return {name: SCORES[name] - by + noise * rng.normal() for name in people}


@pytest.mark.parametrize("n", [2, 3, 6, 12])
@pytest.mark.parametrize("seed", range(3))
def test_the_exact_p_is_scipys(n, seed):
    differences = np.random.default_rng(seed).normal(loc=0.5, size=n)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert permutation_p(differences, np.random.default_rng(0)) == pytest.approx(expected.pvalue)


def test_with_three_participants_nothing_falls_below_a_quarter_and_it_is_said():
    people = ("P05", "P08", "P13")
    found = compare(better(10.0, people), {name: SCORES[name] for name in people}, ("viopose", "mixste"))
    assert (found.p_value, found.least_p) == (0.25, 0.25)
    assert found.difference == pytest.approx(-10, abs=1)
    assert np.isnan(found.interval).all()
    assert (
        "with so few, no two-sided test can show that it would be on others (the smallest p is 0.25)"
        in found.sentence()
    )
    assert found.sentence().startswith("viopose is")


def test_twelve_participants_can_tell():
    found = compare(better(1.0), SCORES, ("a", "b"))
    assert found.p_value <= 0.01
    assert found.interval[0] < found.difference < found.interval[1] < 0
    assert found.effect < -1
    assert "would hold for others like them" in found.sentence()
    other = compare(SCORES, better(1.0), ("b", "a"))
    assert other.difference == pytest.approx(-found.difference)
    assert other.p_value == found.p_value
    assert other.sentence().startswith("a is")


def test_more_is_better_where_it_is():
    found = compare(better(1.0), SCORES, ("a", "b"))
    assert found.sentence("%", lower_is_better=False).startswith("b is")


def test_many_participants_are_drawn_and_agree_with_the_exact():
    differences = np.random.default_rng(0).normal(loc=0.25, size=21)
    drawn = permutation_p(differences, np.random.default_rng(0))
    numbers = np.arange(2**20)
    sums = np.full(len(numbers), differences[-1])
    for k in range(20):
        sums += np.where((numbers >> k) & 1, differences[k], -differences[k])
    assert drawn == pytest.approx(np.mean(np.abs(sums) >= abs(differences.sum())), abs=0.01)


def test_seeds_and_recordings_are_no_people():
    """More of them change the mean of a participant, never how many there are."""
    few = {"P05": [1.0], "P08": [2.0], "P13": [3.0]}
    many = {name: np.repeat(values, 50) for name, values in few.items()}
    base = {"P05": 0.0, "P08": 0.0, "P13": 0.0}
    assert compare(few, base, ("a", "b")) == compare(many, base, ("a", "b"))


def test_the_worst_participant_is_named():
    found = compare({"P05": 1.0, "P08": 9.0, "P13": 2.0}, {"P05": 2.0, "P08": 4.0, "P13": 2.5}, ("a", "b"))
    assert found.worst == ("P08", 5.0)


def test_holm_is_what_holm_wrote():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    found = holm([math.nan, 0.02])
    assert math.isnan(found[0])
    assert found[1] == 0.02


def test_all_pairs_are_adjusted_together():
    found = compare_all({"a": better(1.0), "b": SCORES, "c": better(5.0)})
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [one.adjusted_p for one in found] == pytest.approx(holm([one.p_value for one in found]))


def test_an_interval_holds_what_it_should_about_as_often():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(300):
        low, high = bootstrap_interval(rng.normal(size=30), rng, draws=500)
        inside += low <= 0 <= high
    assert 0.88 <= inside / 300 <= 0.98


def test_under_no_difference_few_are_called_one():
    rng = np.random.default_rng(0)
    p_values = [permutation_p(rng.normal(size=8), rng) for _ in range(400)]
    assert 0.02 < np.mean(np.array(p_values) <= 0.05) < 0.08


def test_other_participants_are_refused():
    with pytest.raises(MetricError, match="not scored on the same participants: P05"):
        compare({"P05": 1.0}, {}, ("a", "b"))


def test_equal_models_do_not_differ():
    found = compare(SCORES, SCORES, ("a", "b"))
    assert math.isnan(found.p_value)
    assert "do not differ" in found.sentence()
