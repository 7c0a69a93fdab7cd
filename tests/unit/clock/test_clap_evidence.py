from dataclasses import replace

import numpy as np
import pytest

from tests.unit.clock.clapping import camera_at, motion_with, picture_with, sound_with
from viodat.clock.clap_motion import motion_claps
from viodat.clock.evidence.clap import clap
from viodat.clock.inputs import Device, TrialEvidence
from viodat.clock.observations import MOTION, Stream

CLAPS = np.array([3.0, 3.64, 4.41])
TRAVEL_S = 3.0 / 343


def heard(offset_s, claps_s=CLAPS, **more):
    return Device("C01", sound_with(claps_s - offset_s + TRAVEL_S, seconds=12.0), **more)


def observe(device, motion=None):
    return list(clap(TrialEvidence(motion_with(CLAPS) if motion is None else motion, (device,))))


def test_a_known_microphone_hears_without_the_travel_of_sound():
    (one,) = observe(heard(-2.0, microphone_mm=camera_at().centre_mm))
    assert (one.a, one.b, one.method) == (Stream("C01", "sound"), MOTION, "clap")
    assert abs(one.best.lag_s + 2.0) < 0.0015
    assert one.best.sigma_s < 0.002
    assert one.best.log_odds > 4
    np.testing.assert_allclose(one.windows.at_s, CLAPS + 2.0 + TRAVEL_S, atol=0.001)
    np.testing.assert_allclose(one.at_s, np.mean(one.windows.at_s))
    assert one.notes[:2] == ("The motion has 3 claps.", "The sound has 3 sudden onsets, 3 of them such as a clap's.")


def test_an_unknown_microphone_widens_sigma_of_all_claps_alike():
    (one,) = observe(heard(-2.0))
    assert abs(one.best.lag_s + 2.0) < one.best.sigma_s
    assert 0.004 < one.common_sigma_s < one.best.sigma_s < 0.006
    assert np.all(one.windows.sigma_s < 0.001)


def test_one_clap_alone_is_a_guess():
    (one,) = observe(heard(1.0, CLAPS[:1]), motion_with(CLAPS[:1]))
    assert abs(one.best.lag_s - 1.0) < 0.01
    assert one.best.log_odds < 0


def test_the_picture_has_its_own_lag():
    sound, picture = observe(replace(heard(-2.0), picture=picture_with(CLAPS, 0.7)))
    assert picture.a == Stream("C01", "picture")
    assert abs(picture.best.lag_s - 0.7) < 3 * picture.best.sigma_s < 0.05
    assert abs(sound.best.lag_s + 2.0) < 0.01
    assert picture.curve is not None
    assert picture.span_s == np.ptp(picture.curve.lag_s)


def test_what_all_cameras_are_wrong_by_alike_is_said():
    """Shutter and detector: another camera does not make it less."""
    (picture,) = observe(Device("C01", picture=picture_with(CLAPS, 0.7)))
    assert 0.0029 < picture.common_sigma_s < picture.best.sigma_s
    (longer,) = observe(Device("C01", picture=replace(picture_with(CLAPS, 0.7), camera=None)))
    assert 0.006 < longer.common_sigma_s < longer.best.sigma_s


@pytest.mark.parametrize("seconds", [0.0, 12.0])
def test_a_clap_that_may_be_none_is_no_loss_if_it_is_not_heard(monkeypatch, seconds):
    """One that is certain is missed by a device of the trial in one of ten, whatever else the device hears."""
    (certain,) = motion_claps(motion_with(CLAPS[:1]))
    thud = Device("C01", sound_with((), seconds=seconds))
    for likely in ((1.0,), (0.12,), (0.12, 0.5)):
        found = tuple(replace(certain, time_s=3.0 + k, likely=own) for k, own in enumerate(likely))
        monkeypatch.setattr("viodat.clock.evidence.clap.motion_claps", lambda motion, found=found: found)
        (one,) = observe(thud)
        assert one.miss == pytest.approx(1 - 0.9 * (1 - np.prod(1 - np.array(likely))))


def test_a_picture_with_another_takes_clap_is_not_believed():
    (one,) = observe(Device("C01", picture=picture_with((5.0,), 0.0)), motion_with(CLAPS[:1]))
    assert one.best is None or one.best.log_odds <= 0


def test_a_sound_with_another_takes_claps_is_not_believed():
    (one,) = observe(heard(0.0, np.array([3.0, 3.5, 4.4])))
    assert one.best.log_odds < -3


def test_nothing_to_hear_or_to_see_in_the_motion():
    device = replace(heard(0.0), picture=picture_with(CLAPS, 0.0))
    assert list(clap(TrialEvidence(None, (device,)))) == []
    (one,) = observe(device, motion_with(()))
    assert one.hypotheses == ()
    assert one.notes == ("The motion has 0 claps.", "The sound has 3 sudden onsets, 3 of them such as a clap's.")


def test_silence_has_no_hypotheses():
    (one,) = observe(Device("C01", replace(heard(0.0).sound, samples=np.zeros(441000))))
    assert one.hypotheses == ()
