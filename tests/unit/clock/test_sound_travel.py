"""Where the violin sounds, and how long its sound is on its way."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.clock.sounds import listener, still_player
from viodat.clock.sound_travel import UNKNOWN_S, delay_between, sounding_place
from viodat.clock.travel import SPEED_MM_S

SILENCE = np.zeros(10, dtype=np.float32)


def at(name, place):
    return listener(name, SILENCE, microphone_mm=place)


def test_the_violins_markers_say_where_it_sounds():
    place = sounding_place(still_player((300.0, 200.0, 1_450.0)))
    assert place.at_mm == pytest.approx([300, 200, 1_450])


def test_one_marker_far_from_the_others_does_not_draw_the_place_away():
    motion = still_player((0.0, 0.0, 1_000.0))
    for k, offset in enumerate(((10.0, 0, 0), (0, 10.0, 0), (400.0, 0, 0))):
        motion.markers[f"V{k}"] = motion.markers["VLN1"] + np.array(offset)
    object.__setattr__(motion, "violin", tuple(motion.markers))
    assert np.linalg.norm(sounding_place(motion).at_mm - [0, 0, 1_000]) < 20


def test_gaps_of_the_violin_are_left_out():
    motion = still_player((300.0, 200.0, 1_450.0))
    motion.markers["VLN1"][::2] = np.nan
    assert sounding_place(motion).at_mm == pytest.approx([300, 200, 1_450])


def test_without_a_violin_the_shoulders_say_it_less_surely():
    place = sounding_place(still_player())
    assert place.at_mm[0] > 100  # in front
    assert place.at_mm[1] > 100  # left
    assert place.sigma_mm > sounding_place(still_player((0.0, 0.0, 0.0))).sigma_mm


def test_nothing_is_known_without_motion():
    assert sounding_place(None) is None
    motion = still_player()
    motion.joints_mm[:] = np.nan
    assert sounding_place(motion) is None


def test_the_delay_is_the_difference_of_the_ways():
    place = sounding_place(still_player((0.0, 0.0, 1_000.0)))
    delay = delay_between(at("A", (2_000, 0, 1_000)), at("B", (0, 3_000, 1_000)), place)
    assert delay.seconds == pytest.approx(1_000 / SPEED_MM_S)
    assert 0.05e-3 < delay.sigma_s < 0.5e-3
    back = delay_between(at("B", (0, 3_000, 1_000)), at("A", (2_000, 0, 1_000)), place)
    assert back.seconds == pytest.approx(-delay.seconds)


def test_microphones_side_by_side_hear_at_once_wherever_the_violin_is():
    a, b = at("A", (2_000, 0, 1_000)), at("B", (2_000, 0, 1_050))
    assert delay_between(a, b, None).sigma_s < 0.15e-3
    assert delay_between(a, b, sounding_place(still_player((0.0, 0.0, 1_000.0)))).sigma_s < 0.15e-3


def test_unknown_places_widen_sigma():
    a, b = at("A", (2_000, 0, 1_000)), at("B", (-2_000, 0, 1_000))
    assert delay_between(a, b, None).sigma_s == pytest.approx(2_000 / SPEED_MM_S)
    assert delay_between(a, at("B", None), None).sigma_s == UNKNOWN_S
    assert delay_between(a, at("B", (np.nan, 0, 0)), None).sigma_s == UNKNOWN_S
