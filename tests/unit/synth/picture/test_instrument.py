from __future__ import annotations

import numpy as np
import pytest

from viodat.synth.music.violin import HAIR_MM, INCLINE_RAD, STRING_MM, STRINGS
from viodat.synth.picture import instrument
from viodat.synth.picture.instrument import BRIDGE, CONTACT, NUT, add_bow, bow_axes, string_at
from viodat.synth.picture.solids import Modeller


@pytest.mark.parametrize("scale", [1.0, 0.716])
def test_strings_are_as_long_as_the_pitch_model_has_them(scale):
    for string in range(4):
        ends = string_at(string, np.array([0.0, scale * STRING_MM]), scale)
        assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(scale * STRING_MM, abs=0.5)
    assert np.linalg.norm(np.array(NUT) - BRIDGE) == pytest.approx(STRING_MM)


def test_the_g_string_is_on_the_left_and_the_bow_inclines_with_the_bridge():
    at_bridge = np.array([string_at(i, STRING_MM) for i in range(4)])
    assert at_bridge[0, 1] > 0 > at_bridge[3, 1]
    np.testing.assert_allclose(np.diff(at_bridge[:, 1]), -11.3, atol=1e-9)
    for i, name in enumerate(STRINGS):
        # The bow hand is on the right (-y): high where the incline is positive.
        along = np.array([0, -np.cos(INCLINE_RAD[name]), np.sin(INCLINE_RAD[name])])
        normal = np.array([0, np.sin(INCLINE_RAD[name]), np.cos(INCLINE_RAD[name])])
        heights = (at_bridge - at_bridge[i]) @ normal
        assert along @ normal == pytest.approx(0)
        assert np.delete(heights, i).max() < -0.5, "on one string the hair clears the others"


def test_the_contact_lies_on_the_strings_thirty_millimetres_from_the_bridge():
    middle = (string_at(1, STRING_MM - 30) + string_at(2, STRING_MM - 30)) / 2
    np.testing.assert_allclose(middle, CONTACT, atol=0.5)


def test_parts_are_in_order_from_button_to_scroll():
    places = (
        instrument.END_BUTTON,
        instrument.CHIN_REST,
        BRIDGE,
        CONTACT,
        instrument.FINGERBOARD_END,
        NUT,
        instrument.SCROLL,
    )
    x = [place[0] for place in places]
    assert x == sorted(x)
    assert instrument.CHIN_REST[1] > 0 > instrument.SHOULDER_REST[2]


@pytest.mark.parametrize("scale", [1.0, 0.716])
def test_the_bow_is_as_long_as_a_bow_and_its_hair_runs_from_frog_to_tip(scale):
    frog, tip = np.array([[100.0, 0, 1000]]), np.array([[100.0, HAIR_MM * scale, 1000]])
    axes = bow_axes(frog, tip, np.array([[0.1, 0.3, 1.0]]))
    np.testing.assert_allclose(axes[0].T @ axes[0], np.eye(3), atol=1e-12)
    modeller = Modeller(1)
    add_bow(modeller, frog, axes, scale)
    figure = modeller.built()[0]
    ends = np.concatenate([figure.origin, figure.origin + figure.axes[..., 2] * figure.shape[:, :1]])
    assert np.ptp(ends[:, 1]) == pytest.approx(instrument.BOW_MM * scale, abs=25)
    stick = ends[np.abs(ends[:, 1] - HAIR_MM * scale / 2) < 5]
    assert stick[:, 2].min() == pytest.approx(1000, abs=1e-6)
    assert 1000 + 5 * scale < stick[:, 2].max() < 1000 + 15 * scale
