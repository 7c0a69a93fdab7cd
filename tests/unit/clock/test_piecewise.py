"""Clocks whose drift changes, from windows with known truth, against sums written out by hand."""

from dataclasses import replace

import numpy as np
import pytest

import viodat.clock.least_squares as least_squares
import viodat.clock.piecewise as piecewise
from tests.unit.clock.graphs import evidence_of, in_windows, picture, seen, sound
from viodat.clock.estimate import estimate_clocks, solve_trial
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, DevicePrior, solve
from viodat.clock.observations import MOTION
from viodat.clock.piecewise import LEAST_SPAN_S, MOST_KNOTS, SPACING_S, Bend, Knots, knots_over, narrowest
from viodat.clock.session import solve_session
from viodat.synth.lab.clocks import draw_clock

RATIO = 48.0 / 44.1
AT = np.arange(2.5, 200.0, 5.0)
FINE = np.linspace(0.0, 200.0, 801)


def jumping(times, at_s=100.0, ppm=60.0):
    """Mocap time of a clock that changes its pace once."""
    return 1.0 + times * (1 + 20e-6) + ppm * 1e-6 * np.maximum(times - at_s, 0.0)


def windows(true, at, sigma_s, rng, **more):
    return in_windows(sound("C01"), MOTION, at, true(at) - at + rng.normal(0, sigma_s, len(at)), sigma_s, **more)


def clock_of(*observations, **more):
    return estimate_clocks(evidence_of(*observations), **more)["C01"]


def wandering(rng, seconds):
    """A quartz of which the drift is a random walk of 1 ppm in 20 s, by seconds."""
    times = np.arange(0.0, seconds + 1.0)
    rate = rng.normal(0, 40) + np.cumsum(rng.normal(0, 1 / np.sqrt(20), len(times)))
    gained = 1e-6 * np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2)])
    return lambda t: 1.0 + t + np.interp(t, times, gained)


@pytest.mark.parametrize(
    ("at_s", "ppm"), [(100.0, 60.0), (93.0, 60.0), (100.0, -100.0), (41.0, 80.0), (160.0, 60.0), (180.0, 60.0)]
)
def test_a_clock_that_jumps_is_followed(at_s, ppm):
    def true(t):
        return jumping(t, at_s, ppm)

    clock = clock_of(windows(true, AT, 5e-5, np.random.default_rng(0)))
    wrong = np.abs(clock.apply(FINE) - true(FINE))
    assert wrong.max() < 3e-4
    inside = np.linspace(AT[0], AT[-1], 801)
    best = np.polyfit(inside, true(inside), 1)
    assert clock.drift_ppm == pytest.approx((best[0] - 1) * 1e6, abs=1.5)
    assert clock.offset_s == pytest.approx(best[1], abs=2e-4)
    straight = np.abs(replace(clock, knots_s=()).apply(FINE) - true(FINE))
    assert straight.max() > max(4 * wrong.max(), 0.9e-3)


def test_the_solution_follows_too():
    one = windows(jumping, AT, 5e-5, np.random.default_rng(0))
    found = solve(("C01",), [(0, one, one.best)], {}, with_skew={})
    np.testing.assert_allclose(found.clock_s(sound("C01"), FINE), jumping(FINE), atol=3e-4)
    assert found.clock_s(sound("C01"), 150.0).shape == ()


@pytest.mark.parametrize("sigma_s", [5e-5, 1e-3, 8e-3])
def test_a_straight_clock_stays_straight(sigma_s):
    for seed in range(8):
        clock = clock_of(windows(lambda t: 1 + t * 1.00003, AT, sigma_s, np.random.default_rng(seed)))
        assert clock.knots_s == ()


def test_what_the_windows_cannot_show_is_not_made_up():
    rng = np.random.default_rng(2)
    assert clock_of(windows(lambda t: jumping(t, ppm=30.0), AT, 8e-3, rng)).knots_s == ()


@pytest.mark.parametrize("wrong", [slice(7, 8), slice(20, 22), slice(3, 40, 9)])
def test_windows_that_err_bend_nothing(wrong):
    lags = np.full(len(AT), 0.5) + np.random.default_rng(1).normal(0, 5e-5, len(AT))
    lags[wrong] += 0.02
    clock = clock_of(in_windows(sound("C01"), MOTION, AT, lags, 5e-5))
    assert clock.knots_s == ()
    np.testing.assert_allclose(clock.apply(FINE), FINE + 0.5, atol=2e-4)


def test_drift_beyond_the_last_window_is_that_of_the_last_piece():
    clock = clock_of(windows(jumping, AT, 5e-5, np.random.default_rng(0)))
    assert clock.apply(400.0) - clock.apply(300.0) == pytest.approx(100 * (1 + 80e-6), abs=5e-4)


def test_the_one_of_three_that_jumps_is_bent():
    rng = np.random.default_rng(0)
    names = ("C01", "C02", "C03")
    own = {"C01": lambda t: t + 1.0, "C02": jumping, "C03": lambda t: t - 2.0}
    # Where the others' clocks stand at what C02 calls AT.
    ties = [
        in_windows(
            sound("C02"), sound(b), AT, own["C02"](AT) + zero - AT + rng.normal(0, 5e-5, len(AT)), 5e-5, method="sound"
        )
        for b, zero in (("C01", -1.0), ("C03", 2.0))
    ]
    others = in_windows(sound("C01"), sound("C03"), AT, 3.0 + rng.normal(0, 5e-5, len(AT)), 5e-5, method="sound")
    clap = seen(sound("C01"), lag_s=1.0, sigma_s=1e-3, method="clap", at_s=100.0)
    chosen = [(k, one, one.best) for k, one in enumerate([clap, others, *ties])]
    found = solve(names, chosen, {}, with_skew={})
    away = {name: np.abs(found.bends[name].at(FINE)).max() for name in names}
    assert away["C02"] > 1.2e-3
    assert max(away["C01"], away["C03"]) < 1.5e-4
    between = found.clock_s(sound("C02"), FINE) - found.clock_s(sound("C01"), FINE)
    np.testing.assert_allclose(between, jumping(FINE) - FINE - 1.0, atol=3e-4)


@pytest.mark.parametrize("rate", [1.0, RATIO])
def test_knots_are_in_the_time_that_the_file_states_and_the_picture_has_its_own(rate):
    rng = np.random.default_rng(0)
    heard = in_windows(
        sound("C01"),
        MOTION,
        AT * rate,
        jumping(AT) - AT * rate + rng.normal(0, 5e-5, len(AT)),
        5e-5,
        rate_ratio=rate,
    )
    lags = jumping(AT) - AT - 0.03 + rng.normal(0, 1e-3, len(AT))
    clock = clock_of(heard, in_windows(picture("C01"), MOTION, AT + 0.03, lags, 1e-3, method="picture"))
    assert clock.rate_ratio == rate
    assert len(clock.knots_s) > 2
    np.testing.assert_allclose(clock.apply(FINE * rate), jumping(FINE), atol=3e-4)
    np.testing.assert_allclose(clock.of_picture().apply(FINE + 0.03), jumping(FINE), atol=1.5e-3)


def test_drift_in_a_session_is_that_of_the_straight_line():
    trials = {str(seed): evidence_of(windows(jumping, AT, 5e-5, np.random.default_rng(seed))) for seed in range(4)}
    found = solve_session(trials)
    best = (np.polyfit(FINE, jumping(FINE), 1)[0] - 1) * 1e6
    for clocks in found.values():
        assert clocks.alone["C01"].drift_ppm == pytest.approx(best, abs=1.0)
        assert clocks.clocks["C01"].drift_ppm == pytest.approx(best, abs=1.0)
        np.testing.assert_allclose(clocks.clocks["C01"].apply(FINE), jumping(FINE), atol=3e-4)


def within(shares, count):
    """Shares within 1 and 2 sigma are 68 and 95 % but for chance, one in a thousand each."""
    for share, expected in zip(shares, (0.683, 0.954), strict=True):
        assert abs(share - expected) < 3.3 * np.sqrt(expected * (1 - expected) / count), shares


@pytest.mark.parametrize(("seconds", "sigma_s"), [(70.0, 5e-4), (200.0, 1e-3), (1000.0, 1e-3)])
def test_sigma_is_honest_of_a_clock_that_wanders(seconds, sigma_s):
    rng = np.random.default_rng(0)
    at = np.arange(2.5, seconds, 5.0)
    ends = np.array([at[0], at.mean(), at[-1]])
    z = []
    for _ in range(120):
        true = wandering(rng, seconds)
        clock = clock_of(windows(true, at, sigma_s, rng))
        z.append(np.abs(clock.apply(ends) - true(ends)) / clock.sigma_s(ends))
    for one in np.array(z).T:
        within((np.mean(one < 1), np.mean(one < 2)), len(z))


@pytest.mark.parametrize("sigma_s", [2e-4, 2e-3])
@pytest.mark.parametrize("true", [jumping, wandering(np.random.default_rng(1), 200.0)], ids=["jumps", "wanders"])
def test_sigma_is_that_of_the_broken_line_and_what_is_not_told_of_it(true, sigma_s):
    rng = np.random.default_rng(0)
    shown = in_windows(picture("C01"), MOTION, AT, true(AT) - AT - 0.03 + rng.normal(0, 5e-3, len(AT)), 5e-3)
    both = (windows(true, AT, sigma_s, rng, method="clap"), shown)
    clock = clock_of(*both)
    bend = solve(("C01",), [(k, one, one.best) for k, one in enumerate(both)], {}, with_skew={"C01": True}).bends["C01"]
    times = bend.knots.nodes_s
    untold = 0.0 if clock.knots_s else bend.at(times)
    assert bool(clock.knots_s) == (true is jumping and sigma_s < 1e-3)
    for of_picture, map_ in ((False, clock), (True, clock.of_picture())):
        least = np.hypot(np.sqrt(bend.variance(times, of_picture=of_picture)), untold)
        stated = map_.sigma_s(times + (clock.skew_s if of_picture else 0.0))
        assert np.all(stated > least * (1 - 1e-6))
        assert np.mean(stated / least) < 1.6


def test_no_more_than_promised_is_wrong_of_the_twins_clocks():
    """Sines are less than a random walk of the same step in the long run: sigma may be larger than the errors."""
    rng = np.random.default_rng(0)
    ends = np.array([AT[0], AT.mean(), AT[-1]])
    z, drift = [], []
    for _ in range(100):
        twin = draw_clock(rng)
        clock = clock_of(windows(twin.mocap, AT, 5e-5, rng))
        assert clock.sigma_s(ends).max() < 1.5e-4
        z.append(np.abs(clock.apply(ends) - twin.mocap(ends)) / clock.sigma_s(ends))
        mean = float(np.ptp(twin.mocap([0.0, 200.0]))) / 200 - 1
        drift.append(abs(clock.drift_ppm - mean * 1e6) / clock.drift_sigma_ppm)
    for one in (*np.array(z).T, np.array(drift)):
        assert np.mean(one < 1) > 0.6
        assert np.mean(one < 2) > 0.9


@pytest.mark.parametrize("sigma_s", [1.5e-4, 1e-3])
def test_the_covariance_is_that_of_generalised_least_squares(sigma_s):
    one = in_windows(sound("C01"), MOTION, AT, np.full(len(AT), 0.5), sigma_s)
    found = solve(("C01",), [(0, one, one.best)], {}, with_skew={})
    knots = knots_over(AT[0], AT[-1])
    wander = piecewise.WANDER_PPM * np.sqrt(np.diff(knots.nodes_s)[0] / SPACING_S) * knots.columns(AT)
    noise = sigma_s**2 * np.eye(len(AT)) + wander @ wander.T
    design = np.stack([np.ones(len(AT)), AT * 1e-6], axis=1)
    expected = np.linalg.inv(design.T @ np.linalg.inv(noise) @ design + np.diag([0.0, DRIFT_SIGMA_PPM**-2]))
    np.testing.assert_allclose(found.covariance[0, :2, :2], expected, rtol=1e-4)
    np.testing.assert_allclose(found.bends["C01"].covariance[:2, :2], expected, rtol=1e-4)
    np.testing.assert_allclose(found.values[0, :2], [0.5, 0.0], atol=1e-9)


def test_without_wander_it_is_what_it_was(monkeypatch):
    """The sums in blocks, with changes of nothing, against the straight solution."""
    rng = np.random.default_rng(0)
    names = ("C01", "C02")
    rows = [
        windows(lambda t: 1 + t * 1.00005, AT, 2e-3, rng, common_sigma_s=0.008),
        in_windows(picture("C01"), MOTION, AT, 0.97 + rng.normal(0, 4e-3, len(AT)), 4e-3, method="picture"),
        in_windows(sound("C01"), sound("C02"), AT, 3.0 + rng.normal(0, 1e-4, len(AT)), 1e-4, method="sound"),
        seen(sound("C02"), lag_s=-2.0, sigma_s=1e-3, method="clap", at_s=150.0),
    ]
    chosen = [(k, one, one.best) for k, one in enumerate(rows)]

    def solution(**more):
        return solve(names, chosen, {"C01": DevicePrior(40.0, 5.0)}, with_skew={"C01": True}, **more)

    monkeypatch.setattr(piecewise, "WANDER_PPM", 1e-7)
    bent = solution()
    monkeypatch.setattr(least_squares, "knots_over", lambda *_: None)
    straight = solution()
    assert set(bent.bends) == {"C01", "C02"}
    np.testing.assert_allclose(bent.values, straight.values, rtol=2e-3, atol=1e-6)
    scale = np.sqrt(np.diagonal(straight.covariance, axis1=1, axis2=2))
    np.testing.assert_allclose(np.sqrt(np.diagonal(bent.covariance, axis1=1, axis2=2)), scale, rtol=2e-3)
    assert bent.used == pytest.approx(straight.used, abs=2e-3)


def test_a_short_trial_is_as_it_was_to_the_last_bit(monkeypatch):
    rng = np.random.default_rng(0)
    at = np.linspace(1.0, 11.0, 12)
    observed = evidence_of(
        windows(lambda t: 1 + t * 1.00005, at, 2e-3, rng, common_sigma_s=0.008),
        in_windows(picture("C01"), MOTION, at, 0.97 + rng.normal(0, 4e-3, 12), 4e-3, method="picture"),
        in_windows(sound("C01"), sound("C02"), at, 3.0 + rng.normal(0, 1e-4, 12), 1e-4, method="sound"),
    )
    now = solve_trial(observed)
    monkeypatch.setattr(least_squares, "knots_over", lambda *_: None)
    before = solve_trial(observed)
    assert len(now.clocks) == 2
    assert (now.clocks, now.used, now.alone) == (before.clocks, before.used, before.alone)


def test_knots_are_even_and_not_too_many():
    assert knots_over(5.0, 5.0 + LEAST_SPAN_S - 0.1) is None
    assert knots_over(-3.0, 57.0).nodes_s.tolist() == [-3.0, 17.0, 37.0, 57.0]
    assert knots_over(0.0, 1000.0).count == 49
    assert knots_over(0.0, 7200.0).count == MOST_KNOTS


def test_a_change_is_counted_from_its_knot_on_and_leaves_the_straight_line_alone():
    knots = Knots(np.linspace(10.0, 110.0, 6))
    fine = knots.fine_s
    columns = knots.columns(fine)
    for column, knot in zip(columns.T, knots.nodes_s[1:-1], strict=True):
        slopes = np.diff(column) / np.diff(fine) * 1e6
        np.testing.assert_allclose(slopes[fine[1:] > knot + 1e-9] - slopes[0], 1.0, rtol=1e-9)
        np.testing.assert_allclose(slopes[fine[1:] <= knot + 1e-9], slopes[0], rtol=1e-9)
    np.testing.assert_allclose(np.stack([np.ones(len(fine)), fine]) @ columns, 0.0, atol=1e-12)


def test_a_line_keeps_its_own_errors():
    times = np.linspace(0.0, 100.0, 101)
    variance = 0.002**2 + np.square(30e-6 * (times - 37.0))
    np.testing.assert_allclose(narrowest(times, variance, 37.0, 30e-6), (37.0, 0.002, 30e-6), rtol=1e-9)


@pytest.mark.parametrize("shape", ["ends", "bump", "slope", "flat"])
def test_errors_of_a_line_are_never_less_than_those_of_the_clock(shape):
    times = np.linspace(-20.0, 180.0, 81)
    far = (times - 80.0) / 100
    sigma = {"ends": 1 + 3 * far**4, "bump": 2 - far**2, "slope": 3 + 2 * far, "flat": np.ones(81)}[shape] * 1e-3
    at, least, slope = narrowest(times, sigma**2, 80.0, 1e-6)
    stated = np.hypot(least, slope * (times - at))
    assert np.all(stated > sigma * (1 - 1e-9))
    assert np.mean(stated / sigma) < 1.55
    assert slope >= 1e-6


def test_a_bend_is_told_where_it_is_certain_and_large():
    knots = Knots(np.linspace(0.0, 200.0, 11))

    def certain(ppm, sigma_ppm):
        changes = np.zeros(9)
        changes[4] = ppm
        return Bend(knots, changes, np.diag([1e-8, 1.0, 1e-18, *[sigma_ppm**2] * 9])).is_certain

    assert certain(40.0, 3.0)
    assert not certain(40.0, 30.0)
    assert not certain(2.0, 0.01), "less than a tenth of a millisecond"


def test_a_long_trial_of_five_devices():
    """A thousand seconds, each pair tied in two hundred windows; one of the devices jumps."""
    rng = np.random.default_rng(0)
    names = [f"C{k:02d}" for k in range(5)]
    at, slow = np.linspace(1.0, 999.0, 200), np.arange(2.5, 1000.0, 5.0)
    lag = {name: rng.normal(0, 3) for name in names}

    def gained(name, t):
        return 60e-6 * np.maximum(t - 500.0, 0.0) if name == "C02" else 0.0 * t

    rows = []
    for k, a in enumerate(names):
        noise = rng.normal(0, 8e-3, len(slow))
        rows.append(in_windows(sound(a), MOTION, slow, lag[a] + gained(a, slow) + noise, 8e-3, common_sigma_s=0.008))
        for b in names[k + 1 :]:
            mocap = at + lag[a] + gained(a, at)
            there = mocap - lag[b]
            there = there - gained(b, there - gained(b, there))
            rows.append(
                in_windows(
                    sound(a), sound(b), at, there - at + rng.normal(0, 5e-5, 200), 5e-5, method="sound", log_odds=99.0
                )
            )
    chosen = [(k, one, one.best) for k, one in enumerate(rows)]
    found = solve(names, chosen, {}, with_skew={})
    assert {bend.knots.count for bend in found.bends.values()} <= set(range(48, 51))
    times = np.linspace(0.0, 1000.0, 501)
    wrong = {name: found.clock_s(sound(name), times) - times - lag[name] - gained(name, times) for name in names}
    for name in names:
        assert np.abs(wrong[name] - wrong["C00"]).max() < 3e-4
