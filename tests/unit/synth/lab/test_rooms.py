"""The rooms decay as they are said to."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.synth.lab.rooms import ROOMS
from viodat.synth.options import ROOM_NAMES
from viodat.synth.sound.room import RATE_HZ, room_response

DECAY_S = {"curtained": 0.3, "bare": 0.6, "hall": 1.2}


def response(name: str) -> np.ndarray:
    """From the player in the middle of the floor to a phone 2.5 m away."""
    room = ROOMS[name]
    middle = np.zeros(3) if room is None else np.array([room.size_mm[0] / 2, room.size_mm[1] / 2, 0.0])
    violin, phone = middle + np.array([200.0, 0.0, 1_300.0]), middle + np.array([2_000.0, 1_600.0, 1_200.0])
    return room_response(violin, phone, room, rng=np.random.default_rng(1))


def test_every_name_has_a_room():
    assert tuple(ROOMS) == ROOM_NAMES
    assert ROOMS["open"] is None


@pytest.mark.parametrize(("name", "seconds"), DECAY_S.items())
def test_the_energy_decays_by_60_db_in_about_the_rooms_time(name, seconds):
    tail = response(name)[round(0.1 * RATE_HZ) :]
    left = np.cumsum(tail[::-1] ** 2)[::-1]
    decibel = 10 * np.log10(left / left[0])
    # Schroeder 1965. After the early reflections, and where the response's end does not bend the curve.
    low, high = (np.argmax(decibel < level) / RATE_HZ for level in (-5, -25))
    assert 3 * (high - low) == pytest.approx(seconds, rel=0.1)


def test_more_of_the_sound_comes_from_the_walls_in_a_barer_room_and_none_outside():
    shares = {}
    for name in ROOM_NAMES:
        power = response(name) ** 2
        direct = np.argmax(power > 0.5 * power.max())
        shares[name] = power[direct + round(0.003 * RATE_HZ) :].sum() / power.sum()
    assert shares["open"] < 1e-3
    assert shares["bare"] > shares["curtained"] + 0.1
    assert shares["curtained"] > 0.3
