"""Sounds of clocks that change their pace: followed, kept where they are straight, and not led astray by a wall."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from tests.unit.clock.sounds import listener, trial_of
from viodat.clock.estimate import gather
from viodat.clock.least_squares import solve
from viodat.clock.observations import Stream
from viodat.clock.sound_coarse import search
from viodat.clock.sound_curves import phase_correlation
from viodat.clock.sound_lag import match
from viodat.clock.sound_path import bend_of
from viodat.clock.sound_track import track_of

RATE_HZ = 16_000.0
SECONDS = 200
TIMES = np.arange(SECONDS * int(RATE_HZ)) / RATE_HZ
FINE = np.linspace(1.0, 198.0, 400)


@pytest.fixture(scope="module")
def sound():
    """Coloured noise that swells and falls."""
    rng = np.random.default_rng(0)
    level = np.repeat(np.abs(rng.normal(size=5 * SECONDS)) ** 1.5, int(RATE_HZ) // 5)
    level = lfilter([0.002], [1, -0.998], level)
    return lfilter([1], [1, -0.7], rng.normal(size=len(TIMES))) * level


def shown_s(ppm, at_s=100.0):
    """(N,) time on the first clock at the samples of the second, which changes its pace once."""
    return TIMES * (1 + 20e-6) + ppm * 1e-6 * np.maximum(TIMES - at_s, 0.0)


def recorded(sound, shown, seed):
    noise = np.random.default_rng(seed).normal(0, 0.01 * sound.std(), len(shown))
    return np.interp(shown, TIMES, sound) + noise


def tracks(sound, shown):
    return track_of(recorded(sound, TIMES, 1), RATE_HZ), track_of(recorded(sound, shown, 2), RATE_HZ)


def wrong_s(windows, shown):
    """(S,) errors of windows, NaN where they say nothing."""
    return windows.lag_s - (np.interp(windows.at_s, shown, TIMES) - windows.at_s)


@pytest.mark.parametrize(("ppm", "at_s"), [(60.0, 100.0), (10.0, 100.0), (-100.0, 60.0), (60.0, 160.0)])
def test_a_clock_that_jumps_is_followed(sound, ppm, at_s):
    shown = shown_s(ppm, at_s)
    heard = [
        listener(name, recorded(sound, at, k), RATE_HZ) for k, (name, at) in enumerate((("A", TIMES), ("B", shown)))
    ]
    (seen,) = gather(trial_of(*heard), kinds=("sound",)).observations
    wrong = wrong_s(seen.windows, shown)
    known = np.isfinite(wrong)
    assert known.mean() > 0.85
    assert np.abs(wrong[known]).max() < 5e-5
    assert np.flatnonzero(known)[[0, -1]].tolist() == [0, len(wrong) - 1]
    true = np.interp(seen.at_s, shown, TIMES) - seen.at_s
    assert seen.best.lag_s == pytest.approx(true, abs=1e-4)
    found = solve(("A", "B"), [(0, seen, seen.best)], {}, with_skew={}, held="A")
    a = found.clock_s(Stream("A", "sound"), np.interp(FINE, TIMES, shown))
    b = found.clock_s(Stream("B", "sound"), FINE)
    assert np.abs(a - b).max() < 3e-4


def test_a_straight_clock_has_no_bend(sound):
    shown = shown_s(0.0)
    a, b = tracks(sound, shown)
    found = search(a, b).candidates[0]
    line = match(a, b, found)[0]
    wrong = wrong_s(line.windows, shown)
    assert np.isfinite(wrong).all()
    assert np.abs(wrong).max() < 1e-5
    curves = phase_correlation(a, b, found)
    # The candidate's own drift is not quite that of the clock.
    slope = np.polyfit(curves.at_s, np.interp(curves.at_s, shown, TIMES) - curves.at_s, 1)[0] - found.drift
    offset = line.lag_s - found.lag_s - found.drift * (curves.middle_s - found.at_s)
    assert not bend_of(curves, curves.clear(), offset, slope).any()


@pytest.mark.parametrize("late_s", [0.0007, 0.0015])
def test_a_reflection_that_becomes_louder_is_not_taken_for_a_change_of_pace(sound, late_s):
    delayed = np.interp(TIMES - late_s, TIMES, sound)
    shown = shown_s(0.0)
    a, _ = tracks(sound, shown)
    _, b = tracks(sound + np.where(TIMES < 100.0, 0.5, 1.5) * delayed, shown)
    wrong = wrong_s(match(a, b, search(a, b).candidates[0])[0].windows, shown)
    assert np.isfinite(wrong).mean() > 0.45
    assert np.nanmax(np.abs(wrong)) < 5e-5


def test_a_loud_reflection_bends_as_the_direct_sound_does(sound):
    shown = shown_s(60.0)
    a, _ = tracks(sound, shown)
    _, b = tracks(sound + 0.97 * np.interp(TIMES - 0.004, TIMES, sound), shown)
    direct, late = match(a, b, search(a, b).candidates[0])[:2]
    assert np.isfinite(direct.windows.lag_s).mean() > 0.9
    assert np.nanmax(np.abs(wrong_s(direct.windows, shown))) < 5e-5
    assert np.nanmax(np.abs(wrong_s(late.windows, shown) - 0.004)) < 5e-5


def test_a_recorder_that_loses_a_moment_is_believed_on_one_side_of_it(sound):
    shown = TIMES + np.where(TIMES < 120.0, 0.0, 0.025)
    a, b = tracks(sound, shown)
    windows = match(a, b, search(a, b).candidates[0])[0].windows
    known = np.isfinite(windows.lag_s)
    assert 0.4 < known.mean() < 0.65
    assert np.abs(windows.lag_s[known]).max() < 1e-4
