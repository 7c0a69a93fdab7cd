import numpy as np
import pytest

from viodat.clock.travel import travel_s

SOURCE = np.array([100.0, 200.0, 1300.0])


def test_three_milliseconds_per_metre():
    seconds, sigma = travel_s(SOURCE, SOURCE + np.array([0.0, 3430.0, 0.0]))
    np.testing.assert_allclose(seconds, 0.010)
    assert 0.0001 < sigma < 0.001


def test_in_all_three_directions():
    assert travel_s(SOURCE, SOURCE + np.array([3000.0, 4000.0, 12000.0]))[0] == pytest.approx(13.0 / 343)


@pytest.mark.parametrize(
    ("source", "microphone"),
    [
        (None, SOURCE),
        (SOURCE, None),
        (None, None),
        (np.full(3, np.nan), SOURCE),
        (SOURCE, np.array([0.0, np.nan, 0.0])),
    ],
)
def test_an_unknown_place_is_some_metres_away_and_less_sure(source, microphone):
    seconds, sigma = travel_s(source, microphone)
    known = travel_s(SOURCE, SOURCE + 1000)[1]
    assert 1.0 < seconds * 343 < 5.0
    assert sigma > 10 * known
    # Two standard deviations reach from the mouth of the violin to the far end of the room.
    assert seconds - 2 * sigma < 1.0 / 343
    assert seconds + 2 * sigma > 5.0 / 343
