from dataclasses import replace

import numpy as np
import pytest

from tests.unit.clock.bowed import bridge_mm, motion_of_take, sound_of_take, take
from viodat.clock.evidence.vibrato import vibrato
from viodat.clock.inputs import Device, TrialEvidence
from viodat.clock.observations import MOTION, Stream
from viodat.joints import JOINT_INDEX

TAKE = take(3)
PLAYED = motion_of_take(TAKE)
TRAVEL_S = 3.0 / 343
DECAY_S = 0.03
MICROPHONE_MM = bridge_mm(PLAYED.times_s).mean(axis=0) + np.array([3000.0, 0.0, 0.0])
LEFT_HAND = [JOINT_INDEX[f"left_{name}"] for name in ("index", "pinky", "thumb", "wrist")]


def device(offset_s, *, played=TAKE, late_s=TRAVEL_S + 0.7 * DECAY_S, **more):
    """Two thirds of the energy come from the walls: what is heard is late by their mean delay."""
    sound = sound_of_take(played, offset_s, late_s=late_s, decay_s=DECAY_S, pitch=True, **more)
    return Device("C01", sound, microphone_mm=MICROPHONE_MM)


def observe(one, motion=PLAYED):
    return list(vibrato(TrialEvidence(motion, (one,))))


def with_joints(motion, joints):
    return replace(motion, joints_mm=joints)


@pytest.mark.parametrize("offset_s", [-1.87, 0.0, 1.2345])
def test_the_lag_is_mocap_time_at_the_devices_zero(offset_s):
    (one,) = observe(device(offset_s))
    assert (one.method, one.a, one.b) == ("vibrato", Stream("C01", "sound"), MOTION)
    assert one.best.lag_s == pytest.approx(offset_s, abs=0.005)
    assert abs(one.best.lag_s - offset_s) < one.best.sigma_s < 0.010
    assert one.best.log_odds > 1.5
    assert 0 < one.at_s < 12
    assert one.miss == 0.5


def test_whole_periods_are_rivals():
    """At 6 Hz the next ones are 160 ms away on both sides, and less likely."""
    (one,) = observe(device(0.3))
    others = [each.lag_s - 0.3 for each in one.hypotheses[1:] if abs(each.lag_s - 0.3) < 0.22]
    assert len(others) == 2
    np.testing.assert_allclose(np.sort(others), [-1 / 6, 1 / 6], atol=0.025)


def test_the_finger_that_moves_towards_the_bridge_raises_the_pitch():
    """Were it the other way round the lag would be half a period off."""
    against = replace(TAKE, rocking_mm=-TAKE.rocking_mm)
    found = observe(device(0.3, played=against))
    near = [each for one in found for each in one.hypotheses if abs(each.lag_s - 0.3) < 0.04]
    assert near == []


def test_travel_and_room_are_taken_off():
    (dry,) = observe(replace(device(0.3, late_s=0.0), microphone_mm=MICROPHONE_MM - np.array([3000.0, 0.0, 0.0])))
    (wet,) = observe(device(0.3, late_s=0.0))
    assert wet.best.lag_s - dry.best.lag_s == pytest.approx(TRAVEL_S, abs=1e-4)
    sound = device(0.3).sound
    assert dry.best.lag_s - 0.3 == pytest.approx(sound.late_s, abs=0.004)


def test_without_markers_the_hand_is_seen_from_the_shoulder():
    (one,) = observe(device(0.3), motion_of_take(TAKE, violin=(), bow=()))
    assert one.best.lag_s == pytest.approx(0.3, abs=0.005)


def test_a_gap_of_the_hand_is_left_out():
    joints = PLAYED.joints_mm.copy()
    joints[300:350, LEFT_HAND[0]] = np.nan
    joints[700:780, LEFT_HAND] = np.nan
    (one,) = observe(device(0.3), with_joints(PLAYED, joints))
    assert one.best.lag_s == pytest.approx(0.3, abs=0.006)


def test_notes_are_no_vibrato():
    """A hand that shifts and a pitch that steps from note to note, without any vibrato."""
    plain = replace(TAKE, rocking_mm=np.zeros(len(TAKE.rocking_mm)))
    for one in observe(device(0.3, played=plain), motion_of_take(plain)):
        assert all(each.log_odds <= 0 for each in one.hypotheses)


def test_a_hand_that_does_not_rock_explains_no_vibrato():
    plain = replace(TAKE, rocking_mm=np.zeros(len(TAKE.rocking_mm)))
    for one in observe(device(0.3), motion_of_take(plain)):
        assert all(each.log_odds <= 0 for each in one.hypotheses)


def test_another_take_is_not_believed():
    for seed in (31, 32):
        for one in observe(device(0.0, played=take(seed))):
            assert all(each.log_odds <= 0 for each in one.hypotheses)


def test_nothing_to_compare():
    assert list(vibrato(TrialEvidence(None, (device(0.0),)))) == []
    assert list(vibrato(TrialEvidence(PLAYED, ()))) == []
    deaf = device(0.0)
    assert observe(replace(deaf, sound=replace(deaf.sound, pitch=None))) == []
    unvoiced = replace(deaf.sound.pitch, f0_hz=np.full(1200, np.nan))
    assert observe(replace(deaf, sound=replace(deaf.sound, pitch=unvoiced))) == []
    no_rows = replace(deaf.sound.pitch, f0_hz=np.zeros(0))
    assert observe(replace(deaf, sound=replace(deaf.sound, pitch=no_rows))) == []
    assert observe(device(0.0, seconds=0.2)) == []
    assert observe(deaf, motion_of_take(TAKE, seconds=0.8)) == []
    joints = PLAYED.joints_mm.copy()
    joints[:, LEFT_HAND] = np.nan
    assert observe(deaf, with_joints(PLAYED, joints)) == []


def test_a_device_that_runs_minutes_longer_than_the_trial():
    long = take(3, seconds=200.0, start_s=-100.0)
    motion = motion_of_take(long)
    (short,) = observe(device(-0.4, played=long), motion)
    (one,) = observe(device(-90.4, played=long, seconds=180.0, rate_hz=4000.0), motion)
    assert short.best.log_odds > 2
    assert one.best.lag_s == pytest.approx(-90.4, abs=0.006)
    assert one.best.log_odds > short.best.log_odds - 6
    assert 90.4 < one.at_s < 102.4


def test_a_hand_that_is_perfectly_still_explains_nothing():
    plain = replace(TAKE, rocking_mm=np.zeros(len(TAKE.rocking_mm)))
    for one in observe(device(0.3), motion_of_take(plain, noise_mm=1e-6)):
        assert all(each.log_odds <= 0 for each in one.hypotheses)
