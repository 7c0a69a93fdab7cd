from __future__ import annotations

import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.synth.sound.room import (
    RATE_HZ,
    SPEED_OF_SOUND_M_S,
    AutomaticGain,
    Microphone,
    Room,
    automatic_gain,
    delay_s,
    listen,
    record,
    room_response,
)

RATE = int(RATE_HZ)
QUIET = Microphone(gain_db=0.0, noise_db=-200.0, automatic_gain=None)


def rng(seed=0):
    return np.random.default_rng(seed)


def group_delay_s(response):
    """Slope of the phase below 10 kHz: the delay of a single impulse, to a fraction of a sample."""
    hertz = np.fft.rfftfreq(2**15, 1 / RATE)
    band = hertz < 10_000
    phase = np.unwrap(np.angle(np.fft.rfft(response, 2**15)))[band]
    return -np.polyfit(2 * np.pi * hertz[band], phase, 1)[0]


@pytest.mark.parametrize("metres", [0.3, 1.0, 2.345, 3.7071, 6.0])
def test_delay_and_gain_of_the_direct_sound(metres):
    place = np.array([1000.0 * metres * 0.6, 1000.0 * metres * 0.8, 0.0])
    response = room_response(np.zeros(3), place, None, rng=rng())
    assert group_delay_s(response) == pytest.approx(metres / 343, abs=1e-6)
    assert delay_s(np.zeros(3), place) == pytest.approx(metres / 343, abs=1e-12)
    assert response.sum() == pytest.approx(1 / metres, rel=0.01)


@pytest.mark.parametrize("microphone", [(2000, 1500, 1200), (7000, 5500, 1400), (4600, 3300, 1500)])
def test_sound_arrives_in_a_room_after_d_over_343(microphone):
    source = np.array([4500.0, 3500.0, 1500.0])
    click = np.zeros(RATE // 2)
    click[1000] = 1.0
    sound = np.abs(record(click, source, microphone, Room(), QUIET, rng=rng()))
    metres = np.linalg.norm(np.array(microphone) - source) / 1000
    # The recorder's low-pass holds a click up by 0.015 ms (√2 / (2π · 15 kHz)).
    assert (sound.argmax() - 1000) / RATE - 1.5e-5 == pytest.approx(metres / 343, abs=5e-5)


def test_first_reflection_is_that_of_the_floor():
    source, microphone = np.array([4000.0, 3500.0, 1000.0]), np.array([6000.0, 3500.0, 1000.0])
    room = Room((60_000.0, 50_000.0, 40_000.0), absorption=0.19, order=1)
    response = room_response(source, microphone, room, rng=rng())
    # By hand: 2 m straight, √(2² + 2²) m by the floor, whose reflection is √(1 − 0.19) = 0.9.
    for metres, gain in ((2.0, 1.0), (np.sqrt(8), 0.9)):
        at = round(metres / 343 * RATE)
        assert response[at - 12 : at + 13].sum() == pytest.approx(gain / metres, rel=0.08)


def test_room_decays_as_sabine_says():
    room = Room()
    response = room_response((3000, 2500, 1500), (7000, 5000, 1300), room, rng=rng(3))
    left = 10 * np.log10(np.cumsum((response**2)[::-1])[::-1] / np.sum(response**2))
    t = np.arange(response.size) / RATE
    fitted = (left < -5) & (left > -30)
    assert -60 / np.polyfit(t[fitted], left[fitted], 1)[0] == pytest.approx(room.t60_s, rel=0.2)
    assert 0.2 < room.t60_s < 1.5


def test_reverberation_joins_the_reflections_without_a_step():
    energy = []
    for seed in range(4):
        response = room_response((3000, 2500, 1500), (7000, 5000, 1300), Room(), rng=rng(seed))
        energy.append(10 * np.log10(np.add.reduceat(response[: RATE // 4] ** 2, np.arange(0, RATE // 4, RATE // 50))))
    curve = np.mean(energy, axis=0)[1:]
    expected = -60 / Room().t60_s / 50
    assert np.abs(np.diff(curve) - expected).max() < 6


def test_absorbent_room_is_the_open_air():
    places = (3000, 2500, 1500), (7000, 5000, 1300)
    dead = room_response(*places, Room(absorption=1.0), rng=rng())
    free = room_response(*places, None, rng=rng())
    late = dead.copy()
    late[: free.size] -= free
    # What is left is the noise of a room whose decay Sabine still puts at its smallest.
    assert np.sum(late**2) < np.sum(room_response(*places, Room(), rng=rng()) ** 2) / 4


def test_automatic_gain_levels_loud_and_soft():
    t = np.arange(8 * RATE) / RATE
    size = np.where(t < 3, 0.3, 0.03)
    tone = size * np.sin(2 * np.pi * 440 * t)
    out = listen(tone, Microphone(noise_db=-120.0, gain_db=0.0), rng=rng())
    loud, soft = out[2 * RATE : 3 * RATE].std(), out[7 * RATE :].std()
    # 20 dB apart at the microphone; the default removes 60 % of that.
    assert 20 * np.log10(loud / soft) == pytest.approx(8.0, abs=1.0)
    plain = listen(tone, Microphone(noise_db=-120.0, gain_db=0.0, automatic_gain=None), rng=rng())
    assert 20 * np.log10(plain[2 * RATE : 3 * RATE].std() / plain[7 * RATE :].std()) == pytest.approx(20.0, abs=0.1)


def test_automatic_gain_closes_faster_than_it_opens_and_is_limited():
    control = AutomaticGain()
    loud, soft = np.full(RATE, 0.5), np.full(2 * RATE, 0.005)
    gain = automatic_gain(np.concatenate([soft, loud, soft]), control)
    up, down = gain[2 * RATE :], gain[3 * RATE :]
    assert np.abs(20 * np.log10(gain)).max() <= control.most_db + 1e-9
    closing = np.flatnonzero(20 * np.log10(up) < 0)[0] / RATE
    opening = np.flatnonzero(20 * np.log10(down) > 0)[0] / RATE
    assert closing < 0.02 < 0.5 < opening
    np.testing.assert_array_equal(gain[:RATE], automatic_gain(soft[:RATE], control))  # causal


def test_noise_and_clipping():
    silence = listen(np.zeros(2 * RATE), Microphone(gain_db=0.0, noise_db=-60.0, automatic_gain=None), rng=rng())
    assert 20 * np.log10(silence.std()) == pytest.approx(-61.0, abs=1.5)  # the band leaves about two thirds of it
    shout = listen(50 * np.sin(np.arange(RATE) * 0.05), QUIET, rng=rng())
    assert np.abs(shout).max() == 1.0


def test_same_seed_same_samples():
    sound = rng(5).normal(0, 0.1, RATE // 2)
    args = (sound, (3000, 2500, 1500), (7000, 5000, 1300), Room(), Microphone())
    np.testing.assert_array_equal(record(*args, rng=rng(1)), record(*args, rng=rng(1)))
    assert np.abs(record(*args, rng=rng(1)) - record(*args, rng=rng(2))).max() > 1e-5


def test_two_microphones_hear_one_violin_at_their_distances():
    sound = rng(5).normal(0, 0.1, RATE)
    source = (4500, 3500, 1500)
    near, far = (5500, 3500, 1500), (8000, 5000, 1500)
    a, b = (record(sound, source, place, Room(), QUIET, rng=rng(k)) for k, place in enumerate((near, far)))
    whitened = np.fft.rfft(b, 2 * RATE) * np.conj(np.fft.rfft(a, 2 * RATE))
    lag = np.argmax(np.fft.irfft(whitened / np.abs(whitened))[:2000]) / RATE
    metres = (np.linalg.norm(np.subtract(far, source)) - np.linalg.norm(np.subtract(near, source))) / 1000
    assert lag == pytest.approx(metres / SPEED_OF_SOUND_M_S, abs=5e-5)


def test_places_outside_and_senseless_rooms_are_refused():
    with pytest.raises(ConfigError, match="outside the room"):
        room_response((0, 0, 5000), (1000, 1000, 1000), Room(), rng=rng())
    with pytest.raises(ConfigError, match="absorption"):
        Room(absorption=0.0)
    with pytest.raises(ConfigError, match="finite"):
        room_response((0, 0, np.nan), (1000, 1000, 1000), Room(), rng=rng())
