"""What a trial offers its clocks: sounds, pictures and places as they were read, and what a failure there costs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.trials import raw, recording, trial
from viodat.body.interpolate import at_times
from viodat.build import clock_evidence
from viodat.build.clock_evidence import solve_clocks, trial_evidence, without_curves
from viodat.camera import Camera, NoDistortion
from viodat.capture.audio import AudioSignal
from viodat.clock import Claim, Curve, Evidence, Observation, Stream, TrialClocks
from viodat.pose2d import Keypoints

CENTRE_MM = np.array([100.0, -2000.0, 1500.0])
CAMERA = Camera("C01", (1280, 720), np.eye(3), NoDistortion(), np.eye(3), -CENTRE_MM)


def offered(*recordings, config=None):
    one = trial(*recordings)
    return trial_evidence(one.joints, None, None, None, one.recordings, {}, config or raw())


def seen(rows: int) -> Keypoints:
    return Keypoints(np.zeros((rows, 18, 2)), np.ones((rows, 18)))


def test_a_phone_offers_its_sound_in_one_channel_and_its_picture_by_its_stamps():
    samples = np.stack([np.ones(8000), np.zeros(8000)], axis=1).astype(np.float32)
    phone = replace(
        recording(camera=CAMERA, keypoints=seen(150), claims=(Claim("timecode", 0.5, 0.02, True),)),
        sound=AudioSignal(samples, 8000.0, 0.0, Path("x.wav")),
    )
    (device,) = offered(phone).devices
    assert device.name == "C01"
    np.testing.assert_array_equal(device.sound.samples, np.full(8000, 0.5))
    np.testing.assert_array_equal(device.picture.times_s, phone.device_times_s)
    assert device.picture.camera is CAMERA
    np.testing.assert_array_equal(device.microphone_mm, CENTRE_MM)
    assert device.claims == phone.claims


def test_a_picture_that_nobody_looked_at_is_a_picture():
    """Else its skew against the sound would pass for known."""
    (device,) = offered(recording()).devices
    assert device.picture is not None
    assert np.isnan(device.picture.px).all()
    assert device.picture.px.shape == (150, 18, 2)


def test_a_microphone_is_where_capture_toml_says():
    config = raw(microphones={"M01": {"place_mm": [1, 2.5, 3]}, "C01": {"place_mm": [7, 8, 9]}})
    near, far, phone = offered(recording("M01"), recording("M02"), recording(camera=CAMERA), config=config).devices
    np.testing.assert_array_equal(near.microphone_mm, [1, 2.5, 3])
    assert far.microphone_mm is None
    np.testing.assert_array_equal(phone.microphone_mm, [7, 8, 9])


def test_the_motion_between_frames_is_that_of_the_frames():
    joints = replace(trial().joints, positions_mm=np.random.default_rng(0).normal(size=(401, 18, 3)))
    motion = trial_evidence(joints, None, None, None, (), {}, raw()).motion
    times = np.array([0.013, 2.5])
    np.testing.assert_array_equal(motion.joints_at(times), at_times(joints.positions_mm, 0.0, 100.0, times))


def test_curves_are_left_out_and_nothing_else():
    curve = Curve(np.zeros(3), np.zeros(3))
    one = Observation("sound", Stream("C01", "sound"), Stream("C02", "sound"), (), curve=curve, notes=("n",))
    (light,) = without_curves(Evidence(("C01", "C02"), frozenset(), frozenset(), (one,))).observations
    assert light.curve is None
    assert vars(replace(light, curve=curve)) == vars(one)


NOTHING = Evidence((), frozenset(), frozenset(), ())


def test_a_trial_that_breaks_the_estimate_costs_its_own_clocks(monkeypatch):
    solved = TrialClocks({}, {}, NOTHING)

    def solve_trial(evidence):
        if evidence.devices == ("bad",):
            raise ValueError("not this one")
        return solved

    def solve_session(session):
        return {name: solve_trial(evidence) for name, evidence in session.items()}

    monkeypatch.setattr(clock_evidence, "solve_trial", solve_trial)
    monkeypatch.setattr(clock_evidence, "solve_session", solve_session)
    good = {"T01": NOTHING, "T03": NOTHING}
    assert solve_clocks(good) == (dict.fromkeys(good, solved), {})
    clocks, faults = solve_clocks({**good, "T02": replace(NOTHING, devices=("bad",))})
    assert set(clocks) == {"T01", "T03"}
    assert faults == {"T02": "unexpected ValueError: not this one (please report this)"}


def test_a_session_that_cannot_be_solved_costs_all_clocks_and_no_more(monkeypatch):
    def fail(*_):
        raise ValueError("all of it")

    monkeypatch.setattr(clock_evidence, "solve_session", fail)
    clocks, faults = solve_clocks({"T01": NOTHING})
    assert clocks == {}
    assert "all of it" in faults["T01"]


def test_ctrl_c_within_the_estimate_is_ctrl_c(monkeypatch):
    def interrupted(_):
        raise SystemError("compiled code") from KeyboardInterrupt()

    monkeypatch.setattr(clock_evidence, "solve_session", interrupted)
    with pytest.raises(KeyboardInterrupt):
        solve_clocks({"T01": NOTHING})
