import numpy as np
import pytest
from scipy.signal import lfilter

from viodat.clock.clap_sound import transients
from viodat.clock.hearing import LEVEL_HZ, Hearing

RATE_HZ = 44_100.0


def noise(seconds, seed=0, rate_hz=RATE_HZ):
    return np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))


def room(decay_s, *, seed=0, gain=0.2, floor=2e-4):
    """Eight bursts of noise in a room in which energy falls to 1/e in ``decay_s``."""
    energy = np.zeros(round(6 * RATE_HZ))
    for start in 0.5 + 0.7 * np.arange(8):
        energy[round(start * RATE_HZ) : round((start + 0.25) * RATE_HZ)] = 1.0
    kept = np.exp(-1 / (decay_s * RATE_HZ))
    energy = lfilter([1 - kept], [1, -kept], energy)
    return Hearing(gain * np.sqrt(energy) * noise(6, seed) + floor * noise(6, seed + 1), RATE_HZ)


@pytest.mark.parametrize("rate_hz", [8_000.0, 44_100.0, 48_000.0])
def test_level_is_that_of_a_sine_in_decibels_of_full_scale(rate_hz):
    times = np.arange(round(2 * rate_hz)) / rate_hz
    heard = Hearing(0.1 * np.sin(2 * np.pi * 1000 * times), rate_hz)
    assert heard.seconds == pytest.approx(2.0)
    assert len(heard.level_db) == 2 * LEVEL_HZ
    np.testing.assert_allclose(heard.level_db[20:-20], 10 * np.log10(0.1**2 / 2), atol=0.1)


def test_a_row_is_centred_on_its_time():
    """Half the power is in the 20 ms about the onset: 3 dB less."""
    times = np.arange(round(2 * RATE_HZ)) / RATE_HZ
    onset = 1.0
    samples = np.where(times >= onset, np.sin(2 * np.pi * 3000 * times), 0.0)
    level = Hearing(samples, RATE_HZ).level_db
    row = round(onset * LEVEL_HZ)
    np.testing.assert_allclose(level[row] - level[row + 40], -3.0, atol=0.3)
    assert level[row - 3] < level[row + 40] - 20


def test_rumble_is_not_heard():
    times = np.arange(round(2 * RATE_HZ)) / RATE_HZ
    low, high = (Hearing(np.sin(2 * np.pi * hz * times), RATE_HZ).level_db[100:300].max() for hz in (20.0, 440.0))
    assert low < high - 25


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(3), np.zeros(44_100)])
def test_silence_and_nothing(samples):
    heard = Hearing(samples, RATE_HZ)
    assert len(heard.level_db) == int(len(samples) / RATE_HZ * LEVEL_HZ)
    assert np.isfinite(heard.level_db).all()
    assert (heard.level_db <= -100).all()
    assert heard.decay_s == 0.03


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_counts_as_silence(bad):
    """In all that is heard, and what was handed over stays as it is."""
    whole = room(0.03).samples
    spoilt, silenced = whole.copy(), whole.copy()
    spoilt[70_000:70_500] = bad
    silenced[70_000:70_500] = 0.0
    heard, expected = Hearing(spoilt, RATE_HZ), Hearing(silenced, RATE_HZ)
    np.testing.assert_array_equal(heard.samples, silenced)
    np.testing.assert_array_equal(heard.level_db, expected.level_db)
    assert heard.decay_s == expected.decay_s
    assert transients(heard) == transients(expected)
    assert not np.isfinite(spoilt[70_000])
    assert Hearing(whole, RATE_HZ).samples is whole


@pytest.mark.parametrize("rate_hz", [500.0, 1_000.0, 8_000.0])
def test_the_shortest_sounds_have_levels(rate_hz):
    for count in range(100):
        level = Hearing(noise(count / rate_hz, rate_hz=rate_hz), rate_hz).level_db
        assert len(level) == int(count / rate_hz * LEVEL_HZ)
        assert np.isfinite(level).all()


def test_gain_shifts_the_level_and_leaves_the_decay():
    loud, soft = room(0.03), room(0.03, gain=0.02, floor=2e-5)
    np.testing.assert_allclose(loud.level_db[100:-100] - soft.level_db[100:-100], 20.0, atol=0.01)
    assert loud.decay_s == pytest.approx(soft.decay_s, rel=1e-3)


@pytest.mark.parametrize("decay_s", [0.015, 0.03, 0.05, 0.08])
def test_decay_of_a_known_room(decay_s):
    """Never longer than it is; in live rooms it is told up to a third too short: noise makes some falls steeper."""
    told = [room(decay_s, seed=seed).decay_s for seed in (0, 10)]
    assert max(told) < 1.1 * decay_s
    assert min(told) > (0.82 if decay_s <= 0.03 else 0.66) * decay_s


def test_a_livelier_room_is_told_from_a_dry_one():
    told = [room(decay_s).decay_s for decay_s in (0.01, 0.02, 0.04, 0.08, 0.16)]
    assert np.all(np.diff(told) > 0)
    assert room(0.03).late_s == pytest.approx(0.7 * room(0.03).decay_s)


def test_notes_that_a_player_lets_die_away_are_not_the_rooms():
    """Six of eight notes fade in 150 ms, two are stopped: these show the room of 20 ms."""
    times = np.arange(round(8 * RATE_HZ)) / RATE_HZ
    energy = np.zeros(len(times))
    for k in range(8):
        since = times - 0.5 - 0.9 * k
        fades = np.exp(-np.maximum(since - 0.2, 0) / 0.15) if k % 4 else (since < 0.2).astype(float)
        energy += np.where((since >= 0) & (since < 0.85), fades, 0.0)
    kept = np.exp(-1 / (0.02 * RATE_HZ))
    energy = lfilter([1 - kept], [1, -kept], energy)
    told = Hearing(0.2 * np.sqrt(energy) * noise(8) + 2e-4 * noise(8, 1), RATE_HZ).decay_s
    assert 0.014 < told < 0.030


def test_sound_that_never_falls_tells_nothing_of_the_room():
    assert Hearing(0.1 * noise(4), RATE_HZ).decay_s == 0.03
    assert Hearing(0.1 * noise(0.2), RATE_HZ).decay_s == 0.03


def test_decay_stays_within_what_rooms_have():
    clicks = np.zeros(round(6 * RATE_HZ))
    clicks[(np.arange(1, 11) * 0.5 * RATE_HZ).astype(int)] = 1.0
    assert 0.005 <= Hearing(clicks + 1e-5 * noise(6), RATE_HZ).decay_s <= 0.15
