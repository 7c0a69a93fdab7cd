import numpy as np
import pytest

from tests.unit.body.figure import trial
from viodat.body import MARKER_SETS, JointTrial
from viodat.clock import Device, Hearing, Picture, TrialEvidence, motion_of

FRAMES = 11
JOINTS_MM = np.arange(FRAMES)[:, None, None] * np.ones((FRAMES, 18, 3))
JOINTS = JointTrial(JOINTS_MM, ("named",) * 18, 100.0, 251)
BOWED = next(one for one in MARKER_SETS.values() if len(one.of_segment("violin")) >= 3 and one.of_segment("bow"))


class Fit:
    """A skeleton fit that would put every joint elsewhere."""

    def joints(self, times_s):
        return np.full((len(times_s), 18, 3), 7.0)


def test_motion_starts_at_its_first_frames_time():
    """Frame 251 is at 2.5 s: the file is cropped."""
    motion = motion_of(JOINTS)
    assert (motion.start_s, motion.rate_hz) == (2.5, 100.0)
    np.testing.assert_allclose(motion.times_s, 2.5 + np.arange(FRAMES) / 100)
    assert motion.seconds == pytest.approx(0.1)
    assert (dict(motion.markers), motion.violin, motion.bow, motion.analog) == ({}, (), (), None)


def test_joints_between_frames_are_interpolated_or_the_fits_own():
    times = np.array([2.4, 2.505, 2.6, 2.7])
    between = motion_of(JOINTS).joints_at(times)[:, 3, 0]
    np.testing.assert_allclose(between, [np.nan, 0.5, 10.0, np.nan])
    assert (motion_of(JOINTS, Fit()).joints_at(times) == 7.0).all()


def test_only_markers_that_are_there_are_on_violin_and_bow():
    violin, bow = BOWED.of_segment("violin"), BOWED.of_segment("bow")
    labels = [*violin[1:], *bow, "LASI"]
    points = {label: np.full((FRAMES, 3), float(k)) for k, label in enumerate(labels)}
    recorded = trial(points, labels)
    motion = motion_of(JOINTS, markers=recorded, marker_set=BOWED)
    assert motion.violin == tuple(violin[1:])
    assert motion.bow == tuple(bow)
    np.testing.assert_array_equal(motion.markers["LASI"], points["LASI"])
    unknown = motion_of(JOINTS, markers=recorded)
    assert (unknown.violin, unknown.bow, set(unknown.markers)) == ((), (), set(labels))


def test_a_trial_names_each_device_once_and_knows_what_it_has():
    sound = Hearing(np.zeros(800), 8000.0)
    none = np.zeros((0, 18, 2))
    picture = Picture(np.zeros(0), none, none[..., 0])
    devices = (Device("C01", sound, picture), Device("M01", sound), Device("C02", picture=picture), Device("C03"))
    found = TrialEvidence(None, devices)
    assert [one.name for one in found.listening] == ["C01", "M01"]
    assert [one.name for one in found.watching] == ["C01", "C02"]
    with pytest.raises(ValueError, match="each name once, but got C01, C01"):
        TrialEvidence(None, (Device("C01"), Device("C01")))
