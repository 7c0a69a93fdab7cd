"""Checks of a participant: consent, measurements, static and range-of-motion trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.check_views import body, markers, participant, problems, trial

MEASURED = {"height_mm": 1700.0, "leg_length_left_mm": 880.0, "leg_length_right_mm": 885.0}


@pytest.mark.parametrize(
    ("check", "unknown"), [("consent-unknown", {"consent": None}), ("handedness-unknown", {"handedness": None})]
)
def test_what_nobody_says_is_told(check, unknown):
    assert not problems(check, participant())
    assert problems(check, participant(**unknown))[0].where == "P05"


def test_a_refusal_is_told_as_such_and_not_as_unknown():
    assert problems("consent-refused", participant(consent=False))
    assert not problems("consent-unknown", participant(consent=False))
    assert not problems("consent-refused", participant())


def test_legs_that_are_no_part_of_the_height_are_told_with_their_share():
    assert not problems("measurement-implausible", participant(measurements=MEASURED))
    short = {**MEASURED, "leg_length_left_mm": 620.0}
    one, _ = problems("measurement-implausible", participant(measurements=short))
    assert "36%" in one.problem
    assert (one.value, one.limit) == (pytest.approx(620 / 1700), 0.42)


def test_sides_that_differ_are_told():
    odd = {"knee_width_left_mm": 104.0, "knee_width_right_mm": 61.0}
    (one,) = problems("measurement-implausible", participant(measurements=odd))
    assert "knee_width_left_mm is 104 and knee_width_right_mm 61" in one.problem
    assert not problems("measurement-implausible", participant(measurements={**odd, "knee_width_right_mm": 96.0}))


def test_a_static_trial_in_which_somebody_walks_is_told():
    walking = body()
    walking[..., 0] += np.linspace(0, 900, len(walking))[:, None]
    static = markers(walking, source=Path("P05_static.c3d"))
    (one,) = problems("static-moves", participant(static=static))
    assert one.where == "P05_static.c3d"
    assert one.value == pytest.approx(864, abs=10)
    assert not problems("static-moves", participant(static=markers(source=Path("P05_static.c3d"))))


def test_a_trial_that_serves_as_static_may_move():
    walking = body()
    walking[..., 0] += np.linspace(0, 900, len(walking))[:, None]
    assert not problems("static-moves", participant(static=markers(walking)))


def test_a_range_of_motion_trial_in_which_nobody_moves_is_told():
    still = markers(source=Path("P05_rom.c3d"))
    (one,) = problems("rom-still", participant(rom=still))
    assert one.where == "P05_rom.c3d"
    swinging = body()
    swinging[..., 1] += 300 * np.sin(np.linspace(0, 12, len(swinging)))[:, None]
    assert not problems("rom-still", participant(rom=markers(swinging, source=Path("P05_rom.c3d"))))


@pytest.mark.parametrize(("size", "foreign"), [(1.0, False), (1.04, False), (1.2, True), (0.8, True), (10.0, False)])
def test_a_static_trial_of_another_body_is_told_and_another_unit_is_not(size, foreign):
    static = markers(body(size=size), source=Path("P05_static.c3d"))
    found = problems("calibration-trial-foreign", participant(static=static, trial=trial()))
    assert bool(found) is foreign
