"""Centres straight from markers, above all how far a knuckle's centre is moved from its marker."""

import numpy as np
import pytest

from tests.unit.body.figure import figure, measurements, trial
from viodat.body.midpoints import dorsal_axis, finger_centre, midpoint_centre

FRAME = ("WRA", "WRB", "IDX", "PNK")


def hand(initial):
    return tuple(initial + stem for stem in FRAME)


@pytest.fixture(scope="module")
def points():
    return figure()[0]


@pytest.fixture
def recorded(points):
    return trial(points, [*hand("L"), *hand("R"), "LKNE", "LKNM"])


def test_midpoint_by_hand():
    points = {"A": np.array([[0.0, 0, 0], [2, 0, 0]]), "B": np.array([[2.0, 4, 6], [np.nan] * 3])}
    found = midpoint_centre(trial(points, ["A", "B"]), "A", "B")
    np.testing.assert_array_equal(found, [[1, 2, 3], [np.nan] * 3])


def test_dorsal_axis_of_a_palm_on_the_table():
    # Fingers along x, thumbs towards each other: the left thumb points to -y, the right one to +y.
    flat = {"WRA": [0.0, 30, 0], "WRB": [0.0, -30, 0], "IDX": [80.0, 25, 0], "PNK": [75.0, -25, 0]}
    points = {"R" + k: np.array([v]) for k, v in flat.items()}
    points |= {"L" + k: np.array([v]) * [1, -1, 1] for k, v in flat.items()}
    recorded = trial(points, list(points))
    np.testing.assert_allclose(dorsal_axis(recorded, "left", hand("L")), [[0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(dorsal_axis(recorded, "right", hand("R")), [[0, 0, 1]], atol=1e-12)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("subject", "own_mm", "correction", "distance"),
    [
        (measurements(), None, "thickness", 15.5),
        ({"marker_diameter_mm": 6.0}, None, "radius", 3.0),
        ({}, None, "radius", 7.0),
        (measurements(), 6.4, "thickness", 11.7),
        ({"marker_diameter_mm": 14.0}, 6.4, "radius", 3.2),
    ],
)
def test_knuckle_lies_below_its_marker(recorded, points, side, subject, own_mm, correction, distance):
    frame = hand(side[0].upper())
    centre, how = finger_centre(recorded, side, frame[2], frame, subject, own_mm)
    assert how == correction
    below = points[frame[2]] - centre
    np.testing.assert_allclose(np.sum(below * dorsal_axis(recorded, side, frame), axis=-1), distance, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(below, axis=-1), distance, atol=1e-9)


def test_without_a_hand_frame_the_centre_is_the_marker(points):
    recorded = trial(points, ["LIDX"])
    for frame in ((), hand("L")):
        centre, how = finger_centre(recorded, "left", "LIDX", frame, measurements())
        assert how == "none"
        np.testing.assert_array_equal(centre, points["LIDX"])


def test_a_gap_of_the_hand_frame_is_a_gap_of_the_knuckle(points):
    gap = points | {"LWRA": points["LWRA"].copy()}
    gap["LWRA"][3] = np.nan
    centre, _ = finger_centre(trial(gap, hand("L")), "left", "LIDX", hand("L"), measurements())
    assert np.isnan(centre).any(axis=-1).tolist() == [False, False, False, True, False]
