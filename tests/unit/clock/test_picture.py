"""Keypoints against projected joints, and two cameras against each other, on a body that this file makes up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from viodat.camera import Camera
from viodat.clock import MOTION, Device, Hearing, Motion, Picture, Stream, TrialEvidence
from viodat.clock.evidence.cameras import cameras
from viodat.clock.evidence.picture import picture

SIZE = (1280, 720)
SECONDS = 14.0


def looking(angle_rad: float) -> Camera:
    """A camera 4 m from the origin that looks at it."""
    forward = -np.array([np.cos(angle_rad), np.sin(angle_rad), 0.0])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[1000.0, 0, 640], [0, 1000.0, 360], [0, 0, 1]])
    return Camera("C", SIZE, matrix, rotation=rotation, translation_mm=-rotation @ (-4000.0 * forward))


def path(seed: int):
    """Positions (T, 18, 3) mm at any mocap time: each joint wanders about a place of its own."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(-500, 500, (18, 3))
    wander = gaussian_filter1d(rng.standard_normal((round(200 * (SECONDS + 20)), 18, 3)), 40.0, axis=0)
    wander *= 80.0 / wander.std(axis=0)

    def at(times_s):
        index = (np.asarray(times_s) + 10) * 200
        grid = np.arange(len(wander))
        flat = wander.reshape(len(wander), -1)
        moved = np.stack([np.interp(index, grid, column) for column in flat.T], axis=1)
        return places + moved.reshape(-1, 18, 3)

    return at


def motion_of(at, start_s: float = 1.0, seconds: float = 12.0) -> Motion:
    joints = at(start_s + np.arange(round(seconds * 100)) / 100)
    return Motion(start_s, 100.0, joints, lambda times_s: at(times_s))


def filmed(
    at, camera: Camera, offset_s: float, *, noise_px: float = 1.5, seed: int = 0, seconds: float = SECONDS
) -> Picture:
    """What a camera sees whose device time t is mocap time t + offset: uneven frames, landmarks beside the joints."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.031, 0.036, round(seconds * 30)))
    times = times[rng.random(len(times)) > 0.01]
    px = camera.project(at(times + offset_s)) + rng.normal(0, 8, (18, 2)) + rng.normal(0, noise_px, (len(times), 18, 2))
    return Picture(times, px, np.full(px.shape[:2], 0.9), camera)


@pytest.mark.parametrize("offset_s", [0.3137, -1.204, 0.0])
def test_the_lag_is_mocap_time_minus_stamp(offset_s):
    at = path(1)
    device = Device("C01", picture=filmed(at, looking(0.3), offset_s))
    (one,) = picture(TrialEvidence(motion_of(at), (device,)))
    assert (one.a, one.b) == (Stream("C01", "picture"), MOTION)
    assert one.best.lag_s == pytest.approx(offset_s, abs=0.006)
    assert one.best.log_odds > 10
    np.testing.assert_allclose(one.windows.lag_s, offset_s, atol=0.02)


def test_left_taken_for_right_for_a_moment_moves_nothing():
    at = path(2)
    seen = filmed(at, looking(0.3), 0.2)
    seen.px[100:108, [5, 11]] = seen.px[100:108, [11, 5]]
    seen.px[200:206] = np.nan
    (one,) = picture(TrialEvidence(motion_of(at), (Device("C01", picture=seen),)))
    assert one.best.lag_s == pytest.approx(0.2, abs=0.006)


@pytest.mark.parametrize("frozen", [9, 12])
def test_landmarks_that_stand_still_do_not_speak_against_the_right_lag(frozen):
    """A detector leaves what it does not see where it was, and is sure of it."""
    at = path(2)
    seen = filmed(at, looking(0.3), 0.2)
    seen.px[:, :frozen] = seen.px[0, :frozen] + np.random.default_rng(5).normal(0, 1.5, (len(seen.px), frozen, 2))
    (one,) = picture(TrialEvidence(motion_of(at), (Device("C01", picture=seen),)))
    assert one.best.lag_s == pytest.approx(0.2, abs=0.006)
    assert one.best.log_odds > 30


def test_what_the_detector_doubts_does_not_count():
    """Three landmarks in four move with another body; whether they do is not told by their looks."""
    at, other = path(2), filmed(path(13), looking(0.3), 0.2)
    seen = filmed(at, looking(0.3), 0.2)
    seen.px[:, :14] = other.px[:, :14]
    seen.confidence[:, :14] = 0.2
    (one,) = picture(TrialEvidence(motion_of(at), (Device("C01", picture=seen),)))
    seen.px[:, :14] = np.nan
    (without,) = picture(TrialEvidence(motion_of(at), (Device("C01", picture=replace(seen)),)))
    assert one.best == without.best
    assert one.best.log_odds > 3


@pytest.mark.parametrize(("after", "hole_s"), [(60, 3.0), (60, 6.0), (200, 3.0), (200, 8.0), (380, 3.0), (380, 30.0)])
def test_a_hole_in_the_stamps(after, hole_s):
    """The app stood still for some seconds: what was filmed before and after it has its own time."""
    at = path(2)
    seen = filmed(at, looking(0.3), 0.2)
    late = np.where(np.arange(len(seen.times_s)) > after, seen.times_s + hole_s, seen.times_s)
    shown = filmed(lambda t: at(np.interp(t, seen.times_s + 0.2, late + 0.2)), looking(0.3), 0.2)
    (one,) = picture(TrialEvidence(motion_of(at), (Device("C01", picture=replace(shown, times_s=late)),)))
    assert one.best.lag_s == pytest.approx(0.2, abs=0.006)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_joint_that_nobody_ever_sees_is_left_out():
    at = path(8)
    a, b = (filmed(at, looking(k), 0.0, seed=k, seconds=12.0) for k in (0, 1))
    a.px[:, 3] = np.nan
    a.px[100:130] = np.nan
    b.px[:, 4:9] = np.nan
    assert len(list(picture(TrialEvidence(motion_of(at), (Device("C01", picture=a),))))) == 1
    (one,) = cameras(TrialEvidence(None, (Device("C01", picture=a), Device("C02", picture=b))))
    assert one.best.lag_s == pytest.approx(0.0, abs=0.006)


def test_another_trials_picture_is_not_believed():
    device = Device("C01", picture=filmed(path(3), looking(0.3), 0.2))
    for one in picture(TrialEvidence(motion_of(path(4)), (device,))):
        assert all(each.log_odds <= 0 for each in one.hypotheses)


def test_one_movement_that_fits_is_not_enough():
    """Who claps moves in the same way before every trial; the playing after it is another."""
    one, other = path(5), path(6)

    def alike(times_s):
        early = (np.asarray(times_s) < 4.0)[:, None, None]
        return np.where(early, one(times_s), other(times_s))

    device = Device("C01", picture=filmed(alike, looking(0.3), 0.0))
    for seen in picture(TrialEvidence(motion_of(one), (device,))):
        assert all(each.log_odds <= 0 for each in seen.hypotheses)


def test_without_calibration_or_frames_there_is_nothing_to_say():
    at = path(7)
    seen = filmed(at, looking(0.3), 0.0)
    plain = Device("C01", picture=Picture(seen.times_s, seen.px, seen.confidence, None))
    short = Device("C02", picture=Picture(seen.times_s[:5], seen.px[:5], seen.confidence[:5], seen.camera))
    assert list(picture(TrialEvidence(motion_of(at), (plain, short)))) == []
    assert list(picture(TrialEvidence(None, (Device("C01", picture=seen),)))) == []


@pytest.mark.parametrize("offset_s", [0.0, 0.4171])
def test_two_cameras_are_tied_without_any_motion(offset_s):
    at = path(8)
    a = Device("C01", picture=filmed(at, looking(0.2), 0.0, seconds=6.0))
    b = Device("C02", picture=filmed(at, looking(1.5), offset_s, seed=1, seconds=6.0))
    (one,) = cameras(TrialEvidence(None, (a, b)))
    assert (one.a, one.b) == (Stream("C01", "picture"), Stream("C02", "picture"))
    # The same event has the smaller stamp where the clock was started later.
    assert one.best.lag_s == pytest.approx(-offset_s, abs=0.006)
    assert one.best.log_odds > 5


@pytest.mark.parametrize("frames", [0, 1, 2, 10])
def test_a_camera_with_hardly_a_frame_is_tied_to_nothing(frames):
    whole = filmed(path(8), looking(0.2), 0.0, seconds=3.0)
    few = Picture(whole.times_s[:frames], whole.px[:frames], whole.confidence[:frames], looking(1.5))
    for pair in ((few, whole), (whole, few), (few, few)):
        (one,) = cameras(TrialEvidence(None, tuple(Device(f"C0{k}", picture=own) for k, own in enumerate(pair))))
        assert one.hypotheses == ()


def test_cameras_that_saw_different_things_are_not_tied():
    a = Device("C01", picture=filmed(path(9), looking(0.2), 0.0, seconds=5.0))
    b = Device("C02", picture=filmed(path(10), looking(1.5), 0.0, seed=1, seconds=5.0))
    (one,) = cameras(TrialEvidence(None, (a, b)))
    assert one.best is None or one.best.log_odds < 3


def test_cameras_with_sound_are_left_to_it():
    at = path(11)
    heard = Hearing(np.zeros(8000), 8000.0)
    devices = tuple(Device(f"C0{k}", heard, filmed(at, looking(k), 0.0, seconds=3.0)) for k in (1, 2))
    assert list(cameras(TrialEvidence(None, devices))) == []
