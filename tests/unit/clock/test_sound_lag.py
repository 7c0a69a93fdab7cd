"""The search for the lag of two sounds, and the line through their windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.clock.sounds import RATE_HZ, device_times, heard, melody
from viodat.clock.sound_coarse import search
from viodat.clock.sound_lag import match
from viodat.clock.sound_track import WORK_HZ, Track, track_of


@pytest.fixture(scope="module")
def sound():
    return melody(14.0, 1)


def recorded(sound, seconds, start_s, drift=0.0, seed=0):
    track = track_of(heard(sound, device_times(seconds, start_s, drift), seed), RATE_HZ)
    assert track is not None
    return track


def test_what_is_silent_or_empty_makes_no_track():
    assert track_of(np.zeros(44_100), RATE_HZ) is None
    assert track_of(np.full(44_100, 0.3), RATE_HZ) is None
    assert track_of(np.zeros(0), RATE_HZ) is None


def test_a_track_starts_when_its_recording_does():
    clicks = np.zeros(44_100)
    clicks[[441, 22_050]] = 1.0
    track = track_of(clicks, RATE_HZ)
    assert track.rate_hz == WORK_HZ
    assert np.argmax(track.samples[:8_000]) / WORK_HZ == pytest.approx(0.01, abs=1 / WORK_HZ)
    assert (8_000 - 500 + np.argmax(track.samples[7_500:])) / WORK_HZ == pytest.approx(0.5, abs=1 / WORK_HZ)


def test_missing_samples_count_as_silence(sound):
    spoilt = sound.copy()
    spoilt[1_000:2_000] = np.nan
    assert np.isfinite(track_of(spoilt, RATE_HZ).samples).all()


@pytest.mark.parametrize("start_s", [-3.0, 0.0, 2.5, 6.0])
def test_the_coarse_search_tries_all_overlaps(sound, start_s):
    a, b = recorded(sound, 12.0, 0.0, seed=1), recorded(sound, 8.0, start_s, seed=2)
    best = search(a, b).candidates[0]
    assert best.lag_s == pytest.approx(-start_s, abs=0.02)


def test_sounds_that_have_nothing_in_common_look_so():
    a, b = recorded(melody(10.0, 1), 10.0, 0.0), recorded(melody(10.0, 2), 10.0, 0.0)
    found = search(a, b).candidates
    related = search(a, recorded(melody(10.0, 1), 10.0, 1.0, seed=3)).candidates[0].log_likelihood
    assert max((one.log_likelihood for one in found), default=0.0) < 12 < related
    odds = [line.log_odds for candidate in found for line in match(a, b, candidate)]
    assert max(odds, default=-1.0) < 0


def test_too_short_an_overlap_gives_nothing(sound):
    a, b = recorded(sound, 12.0, 0.0), recorded(sound, 1.0, 3.0)
    assert search(a, b).candidates == ()


@pytest.mark.parametrize("drift", [-180e-6, 0.0, 90e-6])
def test_lag_and_drift_are_found(sound, drift):
    a, b = recorded(sound, 12.0, 0.0, seed=1), recorded(sound, 12.0, 1.2345, drift, seed=2)
    line = match(a, b, search(a, b).candidates[0])[0]
    # What is at t in a is at (t - start) / (1 + drift) in b.
    assert line.lag_s == pytest.approx((line.at_s - 1.2345) / (1 + drift) - line.at_s, abs=30e-6)
    assert line.drift == pytest.approx(1 / (1 + drift) - 1, abs=6e-6)
    assert line.log_odds > 10
    windows = line.windows
    assert np.isfinite(windows.lag_s).mean() > 0.7
    true = (windows.at_s - 1.2345) / (1 + drift) - windows.at_s
    assert np.nanmax(np.abs(windows.lag_s - true)) < 60e-6


def test_the_answer_does_not_depend_on_where_the_search_put_its_candidate(sound):
    a, b = recorded(sound, 8.0, 0.0, seed=1), recorded(sound, 8.0, 1.0, seed=2)
    found = search(a, b).candidates[0]
    lags = [match(a, b, replace(found, lag_s=-1.0 + k / 4 / WORK_HZ))[0].lag_s for k in range(4)]
    assert lags == pytest.approx([-1.0] * 4, abs=8e-6)


def test_clipping_the_loudest_leaves_the_rest():
    samples = np.full(10_000, 0.1, dtype=np.float32)
    samples[::50] = 3.0
    limited = Track(samples, WORK_HZ).limited.samples
    assert limited.max() == pytest.approx(0.1)
    assert (limited[1:50] == samples[1:50]).all()


def test_a_loud_reflection_is_an_alternative(sound):
    a = recorded(sound, 12.0, 0.0, seed=1)
    b = recorded(sound, 12.0, 1.0, seed=2)
    echo = round(0.004 * WORK_HZ)
    mixed = b.samples.copy()
    mixed[echo:] += 0.97 * b.samples[:-echo]
    lines = match(a, Track(mixed, WORK_HZ), search(a, Track(mixed, WORK_HZ)).candidates[0])
    lags = sorted(line.lag_s for line in lines)[:2]
    assert lags == pytest.approx([-1.0, -0.996], abs=1e-4)


def test_clocks_that_drift_are_followed_for_long():
    sound = melody(42.0, 3)
    a, b = recorded(sound, 40.0, 0.0, seed=1), recorded(sound, 40.0, 1.5, 200e-6, seed=2)
    found = search(a, b).candidates[0]
    line = match(a, b, found)[0]
    assert line.drift == pytest.approx(-200e-6, abs=1e-6)
    assert line.lag_s == pytest.approx((line.at_s - 1.5) / (1 + 200e-6) - line.at_s, abs=50e-6)
