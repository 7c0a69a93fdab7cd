"""Offsets, drifts and skews from few rows, against generalised least squares written out by hand."""

import numpy as np
import pytest

from tests.unit.clock.graphs import in_windows, picture, seen, sound
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, UNKNOWN, DevicePrior, solve, true_time_s
from viodat.clock.observations import MOTION, Hypothesis, Observation

AT = np.linspace(5.0, 95.0, 10)
RATIO = 48.0 / 44.1


def solved(*observations, devices=("C01",), priors=None, skewed=(), rates=None, held=""):
    chosen = [(k, one, one.best) for k, one in enumerate(observations)]
    flags = {name: name in skewed for name in devices}
    return solve(devices, chosen, priors or {}, with_skew=flags, rates=rates, held=held)


def test_offset_is_mocap_time_at_the_devices_zero():
    found = solved(seen(sound("C01"), lag_s=-3.2, at_s=0.0))
    np.testing.assert_allclose(found.values[0], [-3.2, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(found.clock_s(sound("C01"), 10.0), 6.8)


def test_drift_is_how_much_faster_mocap_time_runs():
    found = solved(in_windows(sound("C01"), MOTION, AT, 0.5 + 80e-6 * AT, 2e-4), priors={"C01": UNKNOWN})
    np.testing.assert_allclose(found.values[0, :2], [0.5, 80.0], rtol=1e-4)
    np.testing.assert_allclose(found.clock_s(sound("C01"), 1000.0), 1000.58, atol=1e-4)


def test_a_tie_is_the_difference_of_two_clocks():
    """One event at 10.0 on the clock of C01 and at 13.0 on that of C02: C02 began three seconds earlier."""
    found = solved(
        seen(sound("C01"), lag_s=1.0, at_s=0.0),
        seen(sound("C01"), sound("C02"), 3.0, 1e-4, method="sound", at_s=10.0),
        devices=("C01", "C02"),
    )
    np.testing.assert_allclose(found.values[:, 0], [1.0, -2.0], atol=1e-6)
    np.testing.assert_allclose(found.clock_s(sound("C02"), 13.0), found.clock_s(sound("C01"), 10.0), atol=1e-6)


def test_a_picture_is_seen_later_than_it_is_heard_by_the_skew():
    found = solved(
        seen(sound("C01"), lag_s=1.0, sigma_s=1e-4, at_s=0.0),
        seen(picture("C01"), lag_s=0.97, sigma_s=1e-4, method="picture", at_s=0.0),
        skewed=("C01",),
    )
    np.testing.assert_allclose(found.values[0], [1.0, 0.0, 0.03], atol=1e-5)
    np.testing.assert_allclose(found.clock_s(picture("C01"), 5.03), found.clock_s(sound("C01"), 5.0), atol=1e-4)


def test_a_device_with_one_stream_has_no_skew():
    found = solved(seen(picture("C01"), lag_s=0.97, at_s=0.0))
    np.testing.assert_allclose(found.values[0], [0.97, 0.0, 0.0], atol=1e-8)


def test_a_wrongly_stated_rate_stretches_the_sounds_time_and_not_the_pictures():
    """A file of 48 kHz called 44.1 kHz: its second 10.884 is the tenth one in truth."""
    true = np.array([10.0, 40.0, 70.0])
    heard = in_windows(sound("C01"), MOTION, true * RATIO, true + 0.4 - true * RATIO, 1e-4, method="sound")
    shown = in_windows(picture("C01"), MOTION, true + 0.02, np.full(3, 0.38), 1e-4, method="picture")
    found = solved(heard, shown, skewed=("C01",), rates={"C01": RATIO})
    np.testing.assert_allclose(found.values[0], [0.4, 0.0, 0.02], atol=1e-4)
    np.testing.assert_allclose(found.clock_s(sound("C01"), 20.0 * RATIO), 20.4, atol=1e-3)
    np.testing.assert_allclose(found.clock_s(picture("C01"), 20.02), 20.4, atol=1e-3)
    assert true_time_s(sound("C01"), RATIO, {"C01": RATIO}) == 1.0
    assert true_time_s(picture("C01"), 1.0, {"C01": RATIO}) == 1.0


@pytest.mark.parametrize("common_s", [0.0, 0.008])
def test_sigma_is_that_of_generalised_least_squares(common_s):
    """Windows' own errors, one error that all share, one that grows from end to end, and a quartz's usual drift."""
    sigma = 0.004
    found = solved(in_windows(sound("C01"), MOTION, AT, np.full(10, 0.5), sigma, common_sigma_s=common_s))
    spread = (AT - AT.mean()) / np.ptp(AT)
    noise = sigma**2 * np.eye(10) + common_s**2 * (1 + 0.3**2 * np.outer(spread, spread))
    design = np.stack([np.ones(10), AT * 1e-6], axis=1)
    expected = np.linalg.inv(design.T @ np.linalg.inv(noise) @ design + np.diag([0.0, DRIFT_SIGMA_PPM**-2]))
    np.testing.assert_allclose(found.covariance[0, :2, :2], expected, rtol=2e-3)


def test_the_prior_of_a_drift_counts_by_its_sigma():
    prior = {"C01": DevicePrior(drift_ppm=60.0, drift_sigma_ppm=20.0)}
    found = solved(in_windows(sound("C01"), MOTION, AT, np.zeros(10), 0.002), priors=prior)
    told = 0.002 / np.sqrt(np.square(AT - AT.mean()).sum()) * 1e6
    np.testing.assert_allclose(found.values[0, 1], 60 / 20**2 / (1 / 20**2 + 1 / told**2), rtol=1e-3)
    np.testing.assert_allclose(found.covariance[0, 1, 1], 1 / (1 / 20**2 + 1 / told**2), rtol=1e-3)


def test_windows_weigh_together_no_more_than_their_hypothesis():
    one = in_windows(sound("C01"), MOTION, AT - AT.mean(), np.zeros(10), 0.001)
    unsure = Observation("playing", one.a, one.b, (Hypothesis(0.0, 0.006, 9.0),), windows=one.windows)
    np.testing.assert_allclose(np.sqrt(solved(unsure).covariance[0, 0, 0]), 0.006, rtol=1e-3)
    np.testing.assert_allclose(np.sqrt(solved(one).covariance[0, 0, 0]), 0.001 / np.sqrt(10), rtol=1e-3)


def test_windows_belong_to_the_best_hypothesis_alone():
    one = in_windows(sound("C01"), MOTION, AT, np.zeros(10), 0.001)
    other = Hypothesis(0.3, 0.002, 3.0)
    both = Observation("playing", one.a, one.b, (one.best, other), at_s=50.0, windows=one.windows)
    found = solve(("C01",), [(0, both, other)], {}, with_skew={})
    np.testing.assert_allclose(found.values[0, 0], 0.3, atol=1e-6)


def test_windows_that_say_nothing_are_left_out():
    lags = np.full(10, 0.5)
    lags[3:6] = np.nan
    found = solved(in_windows(sound("C01"), MOTION, AT, lags, 0.001))
    np.testing.assert_allclose(found.values[0, 0], 0.5, atol=1e-9)
    assert np.isfinite(found.covariance).all()


def test_one_window_that_errs_moves_little():
    lags = np.full(10, 0.5)
    lags[8] += 0.1
    found = solved(in_windows(sound("C01"), MOTION, AT, lags, 0.001))
    mean = np.abs(found.clock_s(sound("C01"), AT) - AT - 0.5)
    assert mean.max() < 0.0005, "a tenth of what a plain fit makes of it"
    assert 0.85 < found.used[0] < 0.95, "nine of ten windows are believed"


def test_windows_that_scatter_more_than_they_say_make_it_less_sure():
    rng = np.random.default_rng(3)
    calm = solved(in_windows(sound("C01"), MOTION, AT, np.full(10, 0.5), 0.001))
    wild = solved(in_windows(sound("C01"), MOTION, AT, 0.5 + 0.003 * rng.standard_normal(10), 0.001))
    ratio = np.sqrt(wild.covariance[0, 0, 0] / calm.covariance[0, 0, 0])
    assert 2.0 < ratio < 4.0


def test_a_calm_tie_does_not_vouch_for_claps_that_scatter():
    rng = np.random.default_rng(3)
    wild = in_windows(sound("C01"), MOTION, AT, 0.5 + 0.005 * rng.standard_normal(10), 0.001, method="clap")
    at = np.linspace(5.0, 95.0, 60)
    calm = in_windows(sound("C01"), sound("C02"), at, np.full(60, 2.0), 1e-4, method="sound")
    alone = solved(wild).covariance[0, 0, 0]
    together = solved(wild, calm, devices=("C01", "C02")).covariance[0, 0, 0]
    assert together == pytest.approx(alone, rel=0.2)


def test_sigma_covers_the_errors():
    """Three devices, tied and each against the motion, two hundred times: errors in units of sigma are near 1."""
    rng = np.random.default_rng(0)
    names = ("C01", "C02", "C03")
    at = np.linspace(5.0, 55.0, 5)
    z = []
    for _ in range(120):
        true = np.stack([rng.uniform(-5, 5, 3), rng.normal(0, 50, 3)], axis=1)
        clock = {name: (lambda t, o=o, d=d: t * (1 + d * 1e-6) + o) for name, (o, d) in zip(names, true, strict=True)}
        seen_by = [
            in_windows(sound(name), MOTION, at, clock[name](at) - at + rng.normal(0, 0.004, 5), 0.004) for name in names
        ]
        for a, b in (("C01", "C02"), ("C02", "C03")):
            other = (clock[a](at) - clock[b](0.0)) / (clock[b](1.0) - clock[b](0.0))
            lag = other - at + rng.normal(0, 3e-4, 5)
            seen_by.append(in_windows(sound(a), sound(b), at, lag, 3e-4, method="sound"))
        found = solved(*seen_by, devices=names)
        z.append((found.values[:, :2] - true) / np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2)[:, :2]))
    rms = np.sqrt(np.mean(np.square(z), axis=0))
    assert np.all((rms > 0.6) & (rms < 1.25)), rms


def test_a_held_device_is_where_the_clock_counts_from():
    found = solved(seen(sound("C01"), sound("C02"), 3.0, 1e-4, method="sound"), devices=("C01", "C02"), held="C01")
    np.testing.assert_allclose(found.values[:, 0], [0.0, -3.0], atol=1e-6)


def test_what_a_kind_of_evidence_errs_by_does_not_average_out_over_devices():
    names = ("C01", "C02", "C03", "C04")
    rows = [seen(sound(name), sigma_s=np.hypot(0.008, 0.001), common_sigma_s=0.008) for name in names]
    ties = [seen(sound("C01"), sound(name), 0.0, 1e-4, method="sound") for name in names[1:]]
    found = solved(*rows, *ties, devices=names)
    assert np.sqrt(found.covariance[0, 0, 0]) > 0.0079
    own = [seen(sound(name), sigma_s=0.008) for name in names]
    assert np.sqrt(solved(*own, *ties, devices=names).covariance[0, 0, 0]) < 0.0045


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_each_device_has_its_own_common_sigma(order):
    """A phone whose place is known and a microphone whose travel of sound is not, in either order."""
    known = seen(sound("C01"), sigma_s=np.hypot(0.001, 0.0005), common_sigma_s=0.0005, method="clap")
    unknown = seen(sound("M01"), sigma_s=np.hypot(0.001, 0.004), common_sigma_s=0.004, method="clap")
    both = (known, unknown)
    found = solved(*(both[k] for k in order), devices=("C01", "M01"))
    sigma = np.sqrt(found.covariance[:, 0, 0])
    assert 0.0009 < sigma[0] < 0.0015
    assert 0.0035 < sigma[1] < 0.0050


@pytest.mark.parametrize("sigma_s", [0.02, 0.04, 0.3])
def test_an_unsure_answer_is_never_a_certain_one(sigma_s):
    found = solved(seen(picture("C01"), sigma_s=sigma_s, at_s=0.0, method="picture"))
    assert np.sqrt(found.covariance[0, 0, 0]) == pytest.approx(sigma_s, rel=1e-3)


def test_what_nothing_tells_stays_unknown_beside_a_device_without_a_skew():
    found = solved(
        seen(sound("C01"), at_s=0.0),
        seen(sound("C01"), sound("M01"), 0.0, 1e-4, method="sound", at_s=0.0),
        devices=("C01", "M01"),
        skewed=("C01",),
        priors={"C01": UNKNOWN, "M01": UNKNOWN},
    )
    assert np.sqrt(found.covariance[0, 2, 2]) == pytest.approx(1.0, rel=1e-3)
    assert np.sqrt(found.covariance[0, 1, 1]) == pytest.approx(5000.0, rel=1e-3)


@pytest.mark.parametrize("count", [2, 4, 8])
def test_what_a_microphone_hears_too_late_it_hears_too_late_in_every_tie(count):
    """Nobody knows where the microphones are: more of them do not tell how far any one is."""
    names = [f"C{k}" for k in range(count)]
    ties = [
        seen(sound(a), sound(b), 0.0, 0.006, 60.0, method="sound", common_sigma_s=0.006 - 1e-7)
        for k, a in enumerate(names)
        for b in names[k + 1 :]
    ]
    found = solved(*ties, devices=names, held="C0")
    assert np.sqrt(found.covariance[1, 0, 0]) == pytest.approx(0.006, rel=0.02)
