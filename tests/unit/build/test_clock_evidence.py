"""What a trial offers its clocks: sounds, pictures and places as they were read, and what a failure there costs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.trials import raw, recording, trial
from viodat.body.interpolate import at_times
from viodat.build import trial as building
from viodat.build.clock_evidence import trial_evidence, without_curves
from viodat.build.joined import Joined
from viodat.build.options import BuildOptions
from viodat.build.trial import Gathered
from viodat.camera import Camera, NoDistortion
from viodat.capture.audio import AudioSignal
from viodat.clock import Claim, Curve, Evidence, Observation, Stream
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
    config = raw(microphones={"M01": {"place_mm": [100, 2.5, 3]}, "C01": {"place_mm": [7, 8, 900]}})
    near, far, phone = offered(recording("M01"), recording("M02"), recording(camera=CAMERA), config=config).devices
    np.testing.assert_array_equal(near.microphone_mm, [100, 2.5, 3])
    assert far.microphone_mm is None
    np.testing.assert_array_equal(phone.microphone_mm, [7, 8, 900])


class Fit:
    """A skeleton of which every joint is somewhere else than in the trial."""

    def joints(self, times_s):
        return np.full((len(times_s), 18, 3), 7.0)


def test_the_motion_between_frames_is_that_of_the_frames():
    """Of the joints that a fit determines its own curve, of all others their own: the fit has these elsewhere."""
    joints = replace(
        trial().joints,
        positions_mm=np.random.default_rng(0).normal(size=(401, 18, 3)),
        method=("skeleton(pig:x)",) * 9 + ("pig:x",) * 9,
    )
    times = np.array([0.013, 2.5])
    between = at_times(joints.positions_mm, 0.0, 100.0, times)
    motion = trial_evidence(joints, None, None, None, (), {}, raw()).motion
    np.testing.assert_array_equal(motion.joints_at(times), between)
    fitted = trial_evidence(joints, Fit(), None, None, (), {}, raw()).motion.joints_at(times)
    np.testing.assert_array_equal(fitted[:, :9], 7.0)
    np.testing.assert_array_equal(fitted[:, 9:], between[:, 9:])


def test_curves_are_left_out_and_nothing_else():
    curve = Curve(np.zeros(3), np.zeros(3))
    one = Observation("sound", Stream("C01", "sound"), Stream("C02", "sound"), (), curve=curve, notes=("n",))
    (light,) = without_curves(Evidence(("C01", "C02"), frozenset(), frozenset(), (one,))).observations
    assert light.curve is None
    assert vars(replace(light, curve=curve)) == vars(one)


NOTHING = Evidence((), frozenset(), frozenset(), ())


def fail(*_):
    raise ValueError("no such thing")


def gathered(monkeypatch, failing: str, sync: str) -> Gathered:
    """What a trial says of its clocks where one of the steps fails."""
    steps = {"trial_evidence": lambda *_: None, "clock_picture": lambda _: "a picture", "gather": lambda _: NOTHING}
    for name, step in steps.items():
        monkeypatch.setattr(building, name, fail if name == failing else step)
    one = trial(recording())
    return building.gather_evidence(Joined(one.files), one, raw(), BuildOptions(sync=sync))


FAULT = "unexpected ValueError: no such thing (please report this)"
NOT_DRAWN = (f"its page has no figures about clocks: {FAULT}",)


def test_a_picture_that_fails_costs_itself_and_leaves_a_note(monkeypatch):
    result = gathered(monkeypatch, "clock_picture", "auto")
    assert (result.evidence, result.fault) == (NOTHING, "")
    assert (result.picture, result.notes) == (None, NOT_DRAWN)


def test_evidence_that_fails_costs_the_clocks_and_not_the_picture(monkeypatch):
    result = gathered(monkeypatch, "gather", "auto")
    assert (result.evidence, result.fault) == (None, FAULT)
    assert (result.picture, result.notes) == ("a picture", ())


@pytest.mark.parametrize("failing", ["trial_evidence", "clock_picture"])
def test_with_given_clocks_the_figures_that_fail_are_told(monkeypatch, failing):
    monkeypatch.setattr(building, "sync_method", lambda *_: "given")
    result = gathered(monkeypatch, failing, "given")
    assert (result.picture, result.notes) == (None, NOT_DRAWN)


def test_what_cannot_be_offered_costs_clocks_and_figures(monkeypatch):
    result = gathered(monkeypatch, "trial_evidence", "auto")
    assert (result.evidence, result.fault) == (None, FAULT)
    assert result.notes == NOT_DRAWN
