"""Sound against sound: pairs of devices, wrong rates, and what must not convince."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.clock.sounds import RATE_HZ, device_times, heard, listener, melody, still_player, trial_of
from viodat.clock.evidence.registry import find_evidence
from viodat.clock.evidence.sound import sound

SECONDS = 9.0


@pytest.fixture(scope="module")
def played():
    return melody(12.0, 5)


def recorded(played, start_s, seed, seconds=SECONDS, drift=0.0, rate_hz=RATE_HZ, delay_s=0.0):
    at_s = device_times(seconds, start_s - delay_s, drift, rate_hz)
    return heard(played, at_s, seed)


def only(trial):
    (seen,) = sound(trial)
    return seen


def test_it_is_in_the_registry():
    assert find_evidence("sound") is sound


def test_every_pair_is_compared_once_and_in_order(played):
    devices = [
        listener(name, recorded(played, start, k)) for k, (name, start) in enumerate((("C", 0), ("A", 1), ("B", 2)))
    ]
    seen = list(sound(trial_of(*devices)))
    assert [(one.a.device, one.b.device) for one in seen] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert [round(one.best.lag_s, 3) for one in seen] == [-1.0, 1.0, 2.0]
    assert all(str(one.a).endswith("sound") and str(one.b).endswith("sound") for one in seen)


def test_one_device_alone_has_nobody_to_agree_with(played):
    assert list(sound(trial_of(listener("A", recorded(played, 0.0, 1))))) == []


def test_the_travelling_time_is_taken_off(played):
    near, far = (1_000.0, 0.0, 1_000.0), (0.0, 4_430.0, 1_000.0)
    motion = still_player((0.0, 0.0, 1_000.0))
    a = listener("A", recorded(played, 0.5, 1, delay_s=1_000 / 343_000), microphone_mm=near)
    b = listener("B", recorded(played, 0.7, 2, delay_s=4_430 / 343_000), microphone_mm=far)
    known = only(trial_of(a, b, motion=motion))
    assert known.best.lag_s == pytest.approx(-0.2, abs=5e-5)
    assert np.nanmedian(known.windows.lag_s) == pytest.approx(-0.2, abs=5e-5)
    unknown = only(trial_of(a, b))
    assert unknown.best.lag_s == pytest.approx(-0.2 + 0.010, abs=5e-5)
    assert unknown.common_sigma_s > 5e-3
    assert unknown.best.sigma_s >= unknown.common_sigma_s > known.common_sigma_s


def test_common_sigma_is_not_in_the_windows(played):
    seen = only(trial_of(*(listener(name, recorded(played, 0.5, k)) for k, name in enumerate("AB"))))
    assert seen.windows.sigma_s.max() < 1e-4 < seen.common_sigma_s


def test_a_curve_is_given_for_the_page(played):
    seen = only(trial_of(*(listener(name, recorded(played, k, k)) for k, name in enumerate("AB"))))
    assert len(seen.curve.lag_s) <= 2_000
    assert seen.curve.lag_s[np.argmax(seen.curve.log_likelihood)] == pytest.approx(seen.best.lag_s, abs=0.03)


@pytest.mark.parametrize("what", ["silence", "noise", "another piece"])
def test_what_has_nothing_in_common_does_not_convince(played, what):
    other = {
        "silence": np.zeros(round(SECONDS * RATE_HZ), dtype=np.float32),
        "noise": np.random.default_rng(0).standard_normal(round(SECONDS * RATE_HZ)).astype(np.float32),
        "another piece": recorded(melody(12.0, 77), 0.5, 3),
    }[what]
    seen = only(trial_of(listener("A", recorded(played, 0.0, 1)), listener("B", other)))
    assert seen.best is None or seen.best.log_odds <= 0
    assert seen.rate_ratio == 1
    if what == "silence":
        assert "B recorded nothing but silence." in seen.notes


def test_clipped_sound_is_found(played):
    clipped = np.clip(recorded(played, 1.0, 2) * 50, -1, 1)
    seen = only(trial_of(listener("A", recorded(played, 0.0, 1)), listener("B", clipped)))
    assert seen.best.lag_s == pytest.approx(-1.0, abs=1e-4)
    assert seen.best.log_odds > 5


def test_a_phone_that_stops_halfway_is_found(played):
    half = recorded(played, 1.0, 2, seconds=5.0)
    seen = only(trial_of(listener("A", recorded(played, 0.0, 1)), listener("B", half)))
    assert seen.best.lag_s == pytest.approx(-1.0, abs=1e-4)
    assert seen.at_s == pytest.approx(3.5, abs=0.3)


def with_metronome(sound):
    click = 8.0 * np.random.default_rng(0).standard_normal(400) * np.exp(-np.arange(400) / 80)
    beaten = sound.copy()
    for first in range(2_000, len(beaten) - 400, round(0.6 * RATE_HZ)):
        beaten[first : first + 400] += click
    return beaten


def test_nothing_but_a_metronome_in_common_does_not_convince(played):
    beaten, other = with_metronome(played), with_metronome(melody(12.0, 77))
    seen = only(trial_of(listener("A", recorded(beaten, 0.0, 1)), listener("B", recorded(other, 0.2, 2))))
    assert seen.best is None or seen.best.log_odds <= 0


def test_a_metronomes_clicks_do_not_decide(played):
    beaten = with_metronome(played)
    seen = only(trial_of(listener("A", recorded(beaten, 0.0, 1)), listener("B", recorded(beaten, 1.5, 2))))
    assert seen.best.lag_s == pytest.approx(-1.5, abs=1e-4)


def test_where_a_metronome_is_most_of_what_is_heard_its_unknown_place_widens_sigma(played):
    beaten = with_metronome(0.001 * played)
    places = {"A": (3_000.0, 0.0, 1_000.0), "B": (0.0, 3_000.0, 1_000.0)}
    a, b = (listener(name, recorded(beaten, 1.5 * k, k), microphone_mm=places[name]) for k, name in enumerate("AB"))
    seen = only(trial_of(a, b, motion=still_player((0.0, 0.0, 1_000.0))))
    assert seen.best.lag_s == pytest.approx(-1.5, abs=1e-4)
    assert "repeats" in seen.notes[0]
    assert seen.best.sigma_s > 5e-3


@pytest.mark.parametrize(("true_hz", "stated_hz"), [(48_000, 44_100), (44_100, 48_000), (22_050, 44_100)])
def test_a_wrong_rate_is_named_whichever_device_bears_it(played, true_hz, stated_hz):
    """Where the stated rate is impossible for one device, two are enough to tell whose is wrong."""
    right = recorded(played, 0.0, 1)
    wrong = recorded(played, 1.0, 2, rate_hz=true_hz)
    # Right devices state 44.1 kHz: against those, 44.1 kHz stated as 48 could be the other's fault, so three are there.
    third = listener("C", recorded(played, 0.5, 3))
    for names in ("AB", "BA"):
        devices = listener(names[0], right), listener(names[1], wrong, stated_hz)
        seen = {(one.a.device, one.b.device): one for one in sound(trial_of(*devices, third))}
        one = seen[names[1], names[0]]
        assert one.rate_ratio == pytest.approx(true_hz / stated_hz)
        assert f"{names[1]}'s file says {stated_hz} Hz" in one.notes[0]
        assert f"{true_hz} Hz" in one.notes[0]
        # On the clock that the file states, its sample k is at k / stated.
        stretch = true_hz / stated_hz
        assert one.at_s + one.best.lag_s == pytest.approx(1.0 + one.at_s / stretch, abs=2e-4)
        ok = np.isfinite(one.windows.lag_s)
        expected = 1.0 + one.windows.at_s / stretch
        assert (one.windows.at_s + one.windows.lag_s)[ok] == pytest.approx(expected[ok], abs=3e-4)


@pytest.mark.parametrize("names", ["AB", "BA"])
def test_two_devices_of_the_same_stated_rate_tell_whose_is_wrong(played, names):
    right, wrong = recorded(played, 0.0, 1), recorded(played, 1.0, 2, rate_hz=48_000)
    one = only(trial_of(listener(names[0], right), listener(names[1], wrong)))
    assert one.a.device == names[1]
    assert one.rate_ratio == pytest.approx(48 / 44.1)
    assert one.at_s + one.best.lag_s == pytest.approx(1.0 + one.at_s * 44.1 / 48, abs=2e-4)
    ok = np.isfinite(one.windows.lag_s)
    assert (one.windows.at_s + one.windows.lag_s)[ok] == pytest.approx(
        (1.0 + one.windows.at_s * 44.1 / 48)[ok], abs=3e-4
    )


def test_rates_that_are_stated_rightly_may_differ(played):
    a, b = recorded(played, 0.0, 1), recorded(played, 1.0, 2, rate_hz=48_000)
    seen = only(trial_of(listener("A", a), listener("B", b, 48_000)))
    assert seen.best.lag_s == pytest.approx(-1.0, abs=1e-4)
    assert seen.rate_ratio == 1
    assert seen.notes == ()
