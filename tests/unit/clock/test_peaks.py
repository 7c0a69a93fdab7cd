import numpy as np
import pytest

from viodat.clock.peaks import correlation_log_likelihood, hypotheses_of

LAGS = np.arange(-400, 401) * 0.005


def peak(at_s, sigma_s, height):
    return height - 0.5 * np.square((LAGS - at_s) / sigma_s)


def test_log_likelihood_is_that_of_a_line_fitted_by_least_squares():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(40)
    y = 0.7 * x + rng.standard_normal(40)
    left = np.square(y - np.polyval(np.polyfit(x, y, 1), x)).sum()
    expected = 20 * np.log(np.square(y - y.mean()).sum() / left)
    np.testing.assert_allclose(correlation_log_likelihood(np.corrcoef(x, y)[0, 1], 40), expected)


def test_no_and_negative_and_unknown_relations_say_nothing():
    found = correlation_log_likelihood(np.array([-0.9, 0.0, np.nan]), 100.0)
    np.testing.assert_array_equal(found, 0.0)
    assert np.isfinite(correlation_log_likelihood(np.array([1.0]), 100.0)).all()


def test_a_parabola_between_two_samples_gives_its_own_place_width_and_area():
    curve = peak(0.1234, 0.012, 9.0)
    (one,) = hypotheses_of(LAGS, curve)
    np.testing.assert_allclose([one.lag_s, one.sigma_s], [0.1234, 0.012], rtol=1e-6)
    area = np.exp(curve).sum() * 0.005 / (LAGS[-1] - LAGS[0] + 0.005)
    np.testing.assert_allclose(one.log_odds, np.log(area), rtol=1e-6)


def test_what_all_windows_share_widens_sigma_and_not_the_odds():
    (alone,) = hypotheses_of(LAGS, peak(0.0, 0.012, 9.0))
    (shared,) = hypotheses_of(LAGS, peak(0.0, 0.012, 9.0), common_sigma_s=0.009)
    np.testing.assert_allclose(shared.sigma_s, 0.015)
    np.testing.assert_allclose(shared.log_odds, alone.log_odds)


def test_free_parameters_cost():
    (alone,) = hypotheses_of(LAGS, peak(0.0, 0.012, 9.0))
    (paid,) = hypotheses_of(LAGS, peak(0.0, 0.012, 9.0), cost=1.5)
    np.testing.assert_allclose(paid.log_odds, alone.log_odds - 1.5)


def test_rivals_are_ordered_by_area_not_by_height():
    narrow, wide = peak(-0.5, 0.01, 9.0), peak(0.5, 0.05, 8.5)
    first, second = hypotheses_of(LAGS, np.maximum(narrow, wide))
    np.testing.assert_allclose([first.lag_s, second.lag_s], [0.5, -0.5], atol=1e-9)
    np.testing.assert_allclose(first.log_odds - second.log_odds, np.log(5) - 0.5, rtol=1e-6)


def test_a_dent_in_a_peak_makes_no_second_one():
    curve = peak(0.0, 0.05, 20.0)
    curve[402] -= 0.02
    found = hypotheses_of(LAGS, curve)
    assert len([one for one in found if abs(one.lag_s) < 0.02]) == 1


def test_two_equal_samples_are_one_peak_between_them():
    curve = peak(0.0025, 0.012, 9.0)
    assert np.isclose(curve[400], curve[401])
    curve[401] = curve[400]
    (one,) = hypotheses_of(LAGS, curve)
    np.testing.assert_allclose(one.lag_s, 0.0025, atol=1e-9)


def test_the_highest_are_kept_and_the_hopeless_left_out():
    heights = [5.0, 9.0, 7.0, 9.0 - 12.0]
    curve = np.max([peak(at, 0.01, height) for at, height in zip((-1, -0.3, 0.3, 1), heights, strict=True)], axis=0)
    assert [round(one.lag_s, 6) for one in hypotheses_of(LAGS, curve)] == [-0.3, 0.3, -1.0]
    assert [round(one.lag_s, 6) for one in hypotheses_of(LAGS, curve, most=2)] == [-0.3, 0.3]


def test_nothing_to_find():
    assert hypotheses_of(LAGS, np.zeros(len(LAGS))) == ()
    assert hypotheses_of(LAGS, peak(0.0, 0.01, -0.1)) == ()
    assert hypotheses_of(LAGS[:2], np.array([0.0, 1.0])) == ()
    assert hypotheses_of(LAGS, LAGS + 5) == (), "a curve that rises to its end has no peak"


@pytest.mark.parametrize("bend", [1e-2, 1e-6, 1e-12])
def test_odds_never_exceed_the_height_of_the_curve(bend):
    """However flat it is: the mean of a likelihood over all lags is at most its highest value."""
    for one in hypotheses_of(LAGS, 0.5 + bend * np.exp(-0.5 * np.square(LAGS / 0.5))):
        assert one.log_odds <= 0.51
        assert one.sigma_s <= LAGS[-1] - LAGS[0]
