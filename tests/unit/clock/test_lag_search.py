"""The search over all lags with made-up signals: noise of some hertz, seen twice."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from viodat.clock import lag_search
from viodat.clock.lag_search import RATE_HZ, Track, compare, without_trend

MARGIN_S = 30.0


def signal(seconds, seed):
    """Noise with a standard deviation of 1, correlated over some 50 ms, from -30 s to 30 s after the end."""
    rng = np.random.default_rng(seed)
    values = gaussian_filter1d(rng.standard_normal(round((seconds + 2 * MARGIN_S) * RATE_HZ)), 6.0)
    return values / values.std()


def tracks(seconds=12.0, *, lag_s=0.0, start_s=0.0, length_s=None, drift_ppm=0.0, noise=0.5, seed=0, moved_s=0.0):
    """The motion's track, and a device's of the same signal with noise: mocap time is device time plus ``lag_s``."""
    values = signal(seconds, seed)
    rng = np.random.default_rng(seed + 1000)

    def at(mocap_s):
        return np.interp((mocap_s + MARGIN_S) * RATE_HZ, np.arange(len(values)), values)

    moved = moved_s + np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    heard = start_s + np.arange(round((length_s or seconds) * RATE_HZ)) / RATE_HZ
    device = at(heard * (1 + drift_ppm * 1e-6) + lag_s) + noise * rng.standard_normal(len(heard))
    return Track(moved_s, at(moved), np.ones(len(moved))), Track(start_s, device, np.ones(len(heard)))


@pytest.mark.parametrize(
    ("lag_s", "start_s", "moved_s"), [(0.3137, 0.0, 0.0), (-2.5521, 0.0, 1.5), (3.201, -0.0087, 0)]
)
def test_lag_is_mocap_time_minus_device_time(lag_s, start_s, moved_s):
    moved, heard = tracks(lag_s=lag_s, start_s=start_s, moved_s=moved_s)
    found = compare([(moved, heard)])
    best = found.hypotheses[0]
    assert best.lag_s == pytest.approx(lag_s, abs=0.002)
    assert best.log_odds > 3
    assert abs(best.lag_s - lag_s) < 2 * best.sigma_s < 0.01
    known = np.isfinite(found.windows.lag_s)
    np.testing.assert_allclose(found.windows.lag_s[known], lag_s, atol=0.005)
    assert known.sum() >= 2
    # The middle of what both have, on the device's clock.
    first, last = max(moved_s, start_s + lag_s), min(moved_s, start_s + lag_s) + 12.0
    assert found.at_s == pytest.approx(0.5 * (first + last) - lag_s, abs=0.01)
    assert found.windows.at_s.mean() == pytest.approx(found.at_s, abs=0.01)
    assert np.all(np.diff(found.curve.lag_s) > 0)
    top = np.argmax(found.curve.log_likelihood)
    assert found.curve.lag_s[top] == pytest.approx(lag_s, abs=0.006)


def test_another_signal_is_not_believed():
    odds = []
    for seed in range(4):
        found = compare([(tracks(seed=seed)[0], tracks(seed=seed + 50)[1])])
        odds.append(max((one.log_odds for one in found.hypotheses), default=-np.inf))
    assert max(odds) <= 0


def test_the_wrong_sign_is_no_relation():
    moved, heard = tracks(noise=0.1)
    found = compare([(moved, Track(0.0, -heard.values, heard.weights))])
    assert all(one.log_odds <= 0 for one in found.hypotheses)
    assert not any(abs(one.lag_s) < 0.005 for one in found.hypotheses)


def test_more_noise_is_less_sure():
    calm, loud = (compare([tracks(noise=noise)]).hypotheses[0] for noise in (0.3, 1.5))
    assert loud.sigma_s > 1.5 * calm.sigma_s
    assert loud.log_odds < calm.log_odds


def test_shared_errors_and_less_information():
    moved, heard = tracks(30.0)
    plain = compare([(moved, heard)]).hypotheses[0]
    common = compare([(moved, heard)], common_sigma_s=0.008).hypotheses[0]
    assert common.sigma_s == pytest.approx(np.hypot(plain.sigma_s, 0.008))
    half = compare([(moved, heard)], information=0.5)
    assert half.hypotheses[0].sigma_s == pytest.approx(np.sqrt(2) * plain.sigma_s, rel=0.02)
    np.testing.assert_allclose(
        2 * half.curve.log_likelihood, compare([(moved, heard)]).curve.log_likelihood, rtol=1e-6, atol=1e-9
    )


def test_windows_sigma_has_nothing_of_what_all_share():
    moved, heard = tracks(30.0)
    plain, common = (compare([(moved, heard)], common_sigma_s=common).windows for common in (0.0, 0.02))
    np.testing.assert_array_equal(plain.sigma_s, common.sigma_s)


@pytest.mark.parametrize("drift_ppm", [100.0, -100.0])
def test_two_minutes_with_a_drift(drift_ppm):
    moved, heard = tracks(120.0, lag_s=0.3, drift_ppm=drift_ppm)
    found = compare([(moved, heard)])
    best = found.hypotheses[0]
    assert best.lag_s == pytest.approx(0.3 + drift_ppm * 1e-6 * found.at_s, abs=0.002)
    assert best.log_odds > 20
    windows = found.windows
    assert len(windows.at_s) == 8, "of 15 s each"
    slope, offset = np.polyfit(windows.at_s, windows.lag_s, 1)
    assert slope * 1e6 == pytest.approx(drift_ppm, abs=20.0)
    assert offset == pytest.approx(0.3, abs=0.002)
    missed = windows.lag_s - 0.3 - drift_ppm * 1e-6 * windows.at_s
    assert np.all(np.abs(missed) < 3 * windows.sigma_s)


def test_partial_overlap():
    """The device began 6 s before the motion ended and ran on."""
    moved, heard = tracks(12.0, lag_s=6.0, length_s=12.0)
    found = compare([(moved, heard)])
    assert found.hypotheses[0].lag_s == pytest.approx(6.0, abs=0.003)
    assert found.at_s == pytest.approx(3.0, abs=0.01)


def test_a_sliver_of_overlap_says_nothing():
    """1 s of 12 could fit anywhere."""
    moved, heard = tracks(12.0, lag_s=11.0, noise=0.1)
    found = compare([(moved, heard)])
    assert not any(abs(one.lag_s - 11.0) < 0.01 for one in found.hypotheses)


def test_only_what_has_weight_counts():
    moved, heard = tracks(20.0, noise=0.3)
    weights = np.ones(len(moved.values))
    weights[: 10 * 200] = 0.0
    spoilt = moved.values.copy()
    spoilt[: 10 * 200] = 5 * np.random.default_rng(9).standard_normal(10 * 200)
    found = compare([(Track(0.0, spoilt, weights), heard)])
    assert found.hypotheses[0].lag_s == pytest.approx(0.0, abs=0.003)
    assert found.hypotheses[0].log_odds > 3
    assert found.at_s == pytest.approx(15.0, abs=0.1)
    assert found.windows.at_s.min() > 10.0
    heavy = compare([(Track(0.0, spoilt, np.ones(len(weights))), heard)])
    assert not heavy.hypotheses or heavy.hypotheses[0].log_odds < found.hypotheses[0].log_odds


def test_empty_weights_and_short_tracks_say_nothing():
    moved, heard = tracks()
    nothing = np.zeros(len(moved.values))
    assert compare([(Track(0.0, moved.values, nothing), heard)]) is None
    assert compare([(moved, Track(0.0, heard.values, nothing))]) is None
    short = Track(0.0, heard.values[:150], heard.weights[:150])
    assert compare([(moved, short)]) is None
    assert compare([(moved, Track(0.0, np.zeros(0), np.zeros(0)))]) is None
    live = nothing.copy()
    live[700] = 1.0
    compare([(Track(0.0, moved.values, live), heard)])


def test_a_constant_track_says_nothing():
    moved, heard = tracks()
    flat = Track(0.0, np.full(len(heard.values), 3.0), heard.weights)
    found = compare([(moved, flat)])
    assert found.hypotheses == () or found.hypotheses[0].log_odds <= 0
    assert np.isfinite(found.curve.log_likelihood).all()


@pytest.mark.parametrize("quiet", [0, 1])
def test_a_swing_below_the_noise_is_none(quiet):
    """Of the motion or of the device."""
    both = list(tracks(noise=0.2))
    assert compare([tuple(both)]).hypotheses[0].log_odds > 3
    one = both[quiet]
    both[quiet] = Track(0.0, 0.01 * one.values, one.weights, noise=1.0)
    assert all(each.log_odds <= 0 for each in compare([tuple(both)]).hypotheses)


def test_another_take_fits_everywhere_and_at_no_lag():
    """The same notes with their times 0.2 s off, now early, now late: each window fits, not all together."""
    values = signal(30.0, 3)
    rng = np.random.default_rng(0)
    times = np.arange(round(30.0 * RATE_HZ)) / RATE_HZ
    knots = np.arange(-1.0, 33.0, 1.5)
    bent = times + np.interp(times, knots, rng.choice([-0.2, -0.1, 0.1, 0.2], len(knots)))

    def at(mocap_s):
        return np.interp((mocap_s + MARGIN_S) * RATE_HZ, np.arange(len(values)), values)

    ones = np.ones(len(times))
    same = compare([(Track(0.0, at(times), ones), Track(0.0, at(times), ones))])
    other = compare([(Track(0.0, at(times), ones), Track(0.0, at(bent), ones))])
    assert same.hypotheses[0].log_odds > 20
    assert all(one.log_odds <= 0 for one in other.hypotheses)


def test_a_second_pair_counts_at_the_same_lag():
    """Two signals that have nothing to do with each other, heard with one lag; and the second heard with another."""
    level, pitch = tracks(lag_s=0.3, noise=3.0, seed=1), tracks(lag_s=0.3, noise=3.0, seed=2)
    elsewhere = tracks(lag_s=0.9, noise=3.0, seed=2)
    one, both, torn = (compare(pairs) for pairs in ([level], [level, pitch], [level, elsewhere]))
    at = [int(np.argmin(np.abs(found.curve.lag_s - 0.3))) for found in (one, both)]
    second = compare([pitch]).curve.log_likelihood
    assert both.curve.log_likelihood[at[1]] == pytest.approx(one.curve.log_likelihood[at[0]] + second[at[0]])
    assert both.hypotheses[0].log_odds > one.hypotheses[0].log_odds > torn.hypotheses[0].log_odds
    assert both.hypotheses[0].lag_s == pytest.approx(0.3, abs=0.006)


def test_a_second_pair_without_weight_changes_nothing():
    level, (moved, heard) = tracks(lag_s=0.3, seed=1), tracks(seed=2)
    blind = (moved, Track(0.0, heard.values, np.zeros(len(heard.values))))
    assert compare([level, blind]).hypotheses == compare([level]).hypotheses


def test_without_trend_keeps_what_is_quick():
    times = np.arange(4000) / RATE_HZ
    quick = np.sin(2 * np.pi * 6 * times)
    kept = without_trend(quick + 0.5 * times + 3, 0.3)
    np.testing.assert_allclose(kept[500:-500], quick[500:-500], atol=0.02)


def test_deterministic():
    first, second = (compare([tracks()]) for _ in range(2))
    assert first.hypotheses == second.hypotheses
    np.testing.assert_array_equal(first.windows.lag_s, second.windows.lag_s)


def _work(monkeypatch, seconds):
    """Elements that pass through the transforms and through the local sums."""
    counted = {"transforms": 0, "locally": 0}
    forth, back, local = lag_search.rfft, lag_search.irfft, lag_search._local

    def counting_rfft(x, n):
        counted["transforms"] += n
        return forth(x, n)

    def counting_irfft(x, n):
        counted["transforms"] += n
        return back(x, n)

    def counting_local(pairs, first, last, shifts):
        counted["locally"] += (last - first) * len(shifts)
        return local(pairs, first, last, shifts)

    with monkeypatch.context() as patch:
        patch.setattr(lag_search, "rfft", counting_rfft)
        patch.setattr(lag_search, "irfft", counting_irfft)
        patch.setattr(lag_search, "_local", counting_local)
        compare([tracks(seconds)])
    return counted


def test_cost_grows_with_the_length_alone(monkeypatch):
    short, long = _work(monkeypatch, 150.0), _work(monkeypatch, 450.0)
    assert short["transforms"] > 150 * RATE_HZ
    assert long["transforms"] < 3.3 * short["transforms"]
    assert long["locally"] < 2.0 * short["locally"], "most of it looks at a fixed number of windows"


def test_a_phone_that_heard_only_the_end_of_a_long_trial():
    moved, heard = tracks(300.0, start_s=260.0, length_s=38.0)
    found = compare([(moved, heard)])
    best = found.hypotheses[0]
    assert best.lag_s == pytest.approx(0.0, abs=4 * best.sigma_s)
    assert 260.0 < found.at_s < 298.0


def test_a_device_that_runs_minutes_longer_than_the_trial():
    """Its weights are some notes of a pitch, before, within and after the trial."""
    moved, heard = tracks(132.0, noise=0.3)
    notes = (np.arange(len(heard.values)) // 150 % 2).astype(float)
    part = slice(round(80 * RATE_HZ), round(92 * RATE_HZ))
    cut = Track(80.0, moved.values[part], moved.weights[part])
    found = compare([(cut, Track(0.0, heard.values, notes))])
    short = compare([(cut, Track(80.0, heard.values[part], notes[part]))])
    for one in (found, short):
        assert one.hypotheses[0].lag_s == pytest.approx(0.0, abs=0.003)
    # Six times as many lags are tried, which costs 1.8.
    assert found.hypotheses[0].log_odds > short.hypotheses[0].log_odds - 4
    assert 80.0 < found.at_s < 92.0


def test_the_devices_own_weights_count_too():
    moved, heard = tracks(20.0, noise=0.3)
    weights = np.ones(len(heard.values))
    weights[: 10 * 200] = 0.0
    spoilt = heard.values.copy()
    spoilt[: 10 * 200] = 5 * np.random.default_rng(9).standard_normal(10 * 200)
    found = compare([(moved, Track(0.0, spoilt, weights))])
    heavy = compare([(moved, Track(0.0, spoilt, np.ones(len(weights))))])
    assert np.isnan(found.windows.lag_s[found.windows.at_s < 7]).all(), "where it has no weight it says nothing"
    assert found.hypotheses[0].lag_s == pytest.approx(0.0, abs=0.003)
    assert found.hypotheses[0].log_odds > 3
    assert not heavy.hypotheses or heavy.hypotheses[0].log_odds < found.hypotheses[0].log_odds
