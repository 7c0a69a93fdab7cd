import numpy as np
import pytest

from viodat.clock import ClockMap

RATIO = 48.0 / 44.1


def test_offset_and_drift():
    clock = ClockMap(offset_s=-1.5, drift_ppm=40.0)
    np.testing.assert_allclose(clock.apply([0.0, 1000.0]), [-1.5, 998.54], atol=1e-12)


def test_nanoseconds_are_exact_after_an_hour():
    assert ClockMap(offset_s=0.25).apply_ns(3600.0 + 1 / 3) == 3600_583_333_333


def test_nobody_stated_an_uncertainty():
    assert np.isnan(ClockMap(offset_s=0.0).sigma_s([0.0, 1.0])).all()


def test_missing_stays_missing_and_shapes_stay():
    clock = ClockMap(offset_s=1.0, knots_s=((0.0, 1.0), (1.0, 2.0)))
    for one in (clock, ClockMap(offset_s=1.0)):
        found = one.apply([[0.5, np.nan], [2.0, 3.0]])
        np.testing.assert_allclose(found, [[1.5, np.nan], [3.0, 4.0]])
        assert one.apply(0.5).shape == ()


def test_sigma_is_that_of_a_line_whose_two_errors_are_independent():
    clock = ClockMap(offset_s=2.0, offset_sigma_s=0.003, drift_sigma_ppm=40.0, at_s=100.0)
    rng = np.random.default_rng(0)
    times = np.array([-50.0, 100.0, 400.0])
    drawn = 0.003 * rng.standard_normal((40_000, 1)) + 40e-6 * rng.standard_normal((40_000, 1)) * (times - 100.0)
    np.testing.assert_allclose(clock.sigma_s(times), drawn.std(axis=0), rtol=0.02)
    assert clock.sigma_s(100.0) == 0.003


def test_a_clock_that_changes_its_pace_goes_through_its_knots_and_on():
    clock = ClockMap(offset_s=0.0, knots_s=((10.0, 5.0), (20.0, 15.01), (40.0, 34.99)))
    np.testing.assert_allclose(clock.apply([10.0, 20.0, 40.0]), [5.0, 15.01, 34.99])
    np.testing.assert_allclose(clock.apply([15.0, 30.0]), [10.005, 25.0])
    np.testing.assert_allclose(clock.apply([0.0, 50.0]), [5.0 - 10.01, 34.99 + 9.99])
    found = clock.apply(np.linspace(-10, 60, 300))
    slopes = np.diff(found) / np.diff(np.linspace(-10, 60, 300))
    assert np.all((slopes > 0.9989) & (slopes < 1.0011))


def test_one_knot_is_no_line():
    clock = ClockMap(offset_s=3.0, drift_ppm=10.0, knots_s=((0.0, 99.0),))
    np.testing.assert_allclose(clock.apply(1.0), 4.00001)


SKEWED = ClockMap(
    offset_s=-2.0,
    drift_ppm=80.0,
    offset_sigma_s=0.002,
    drift_sigma_ppm=20.0,
    at_s=6.0,
    skew_s=0.03,
    skew_sigma_s=0.004,
    picture_sigma_s=0.005,
)


def test_what_is_seen_in_the_frame_stamped_s_is_heard_at_s_less_the_skew():
    stamps = np.array([0.0, 3.3, 50.0])
    np.testing.assert_allclose(SKEWED.of_picture().apply(stamps), SKEWED.apply(stamps - 0.03), atol=1e-12)


def test_a_picture_has_its_own_sigma_where_its_sound_has_another():
    picture = SKEWED.of_picture()
    assert picture.at_s == pytest.approx(6.03)
    assert picture.sigma_s(6.03) == 0.005
    np.testing.assert_allclose(picture.sigma_s(106.03), np.hypot(0.005, 100 * 20e-6))
    assert ClockMap(offset_s=1.0, offset_sigma_s=0.002).of_picture().sigma_s(0.0) == 0.002


def test_the_picture_of_a_picture_is_itself():
    picture = SKEWED.of_picture()
    assert picture.of_picture() == picture


@pytest.mark.parametrize("knots", [(), ((0.0, -2.0), (108.0, 97.2), (216.0, 196.5))])
def test_stamps_know_nothing_of_a_wrong_sample_rate(knots):
    """48 kHz called 44.1 kHz: a minute lasts 65.3 s in the file."""
    clock = ClockMap(
        offset_s=-2.0, drift_ppm=(1.00005 / RATIO - 1) * 1e6, skew_s=-0.02, rate_ratio=RATIO, at_s=20.0, knots_s=knots
    )
    true = np.array([0.0, 10.0, 60.0, 150.0])
    np.testing.assert_allclose(clock.of_picture().apply(true - 0.02), clock.apply(true * RATIO), atol=1e-9)
    picture = clock.of_picture()
    assert picture.at_s == pytest.approx(20.0 / RATIO - 0.02)
    assert picture.rate_ratio == 1.0
    assert picture.drift_ppm == pytest.approx(50.0, abs=1e-6)
    if not knots:
        np.testing.assert_allclose(picture.apply(60.0 - 0.02), 60.0 * 1.00005 - 2.0, atol=1e-9)
