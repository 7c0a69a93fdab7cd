from dataclasses import replace

import numpy as np
import pytest

from tests.unit.clock.clapping import SECONDS, gap_mm, motion_with
from viodat.clock.clap_motion import fit_corner, hand_centres, motion_claps
from viodat.joints import JOINT_INDEX

CLAPS = (2.0034, 2.6071, 5.0)


@pytest.mark.parametrize("rate_hz", [100.0, 200.0])
def test_claps_are_timed_between_frames(rate_hz):
    found = motion_claps(motion_with(CLAPS, rate_hz=rate_hz))
    assert len(found) == len(CLAPS)
    for one, true in zip(found, CLAPS, strict=True):
        assert abs(one.time_s - true) < 0.001
        assert abs(one.time_s - true) < 2.5 * np.hypot(one.sigma_s, one.common_sigma_s)
        assert one.likely > 0.95
        np.testing.assert_allclose(one.place_mm, [100.0, 0.0, 1200.0], atol=10)


def test_without_markers_the_joints_are_used():
    found = motion_claps(replace(motion_with(CLAPS), markers={}))
    np.testing.assert_allclose([one.time_s for one in found], CLAPS, atol=0.001)


def test_one_marker_that_lags_does_no_harm():
    motion = motion_with(CLAPS)
    late = {**motion.markers, "Lwrist": np.roll(motion.markers["Lwrist"], 3, axis=0)}
    found = motion_claps(replace(motion, markers=late))
    assert abs(found[0].time_s - CLAPS[0]) < 0.001


def test_markers_of_the_bow_are_not_the_hand():
    motion = motion_with(CLAPS)
    late = dict.fromkeys(("BOW1", "BOW2", "BOW3", "BOW4"), np.roll(motion.markers["BOW1"], 3, axis=0))
    found = motion_claps(replace(motion, markers={**motion.markers, **late}, bow=tuple(late)))
    assert abs(found[0].time_s - CLAPS[0]) < 0.001


def test_moving_hands_are_no_claps():
    times = np.arange(0, SECONDS, 0.01)
    motion = motion_with(())
    swing = motion.joints_mm.copy()
    # A bow at 0.6 m/s that turns within 60 ms, 100 to 400 mm from the other hand.
    path = 250 + 150 * np.arcsin(0.97 * np.sin(2 * np.pi * times)) / np.arcsin(0.97)
    for part in ("wrist", "index", "pinky", "thumb"):
        swing[:, JOINT_INDEX[f"right_{part}"], 1] = swing[:, JOINT_INDEX[f"left_{part}"], 1] - path
    assert motion_claps(replace(motion, joints_mm=swing, markers={})) == ()


def test_a_stop_far_from_the_other_hand_is_no_clap():
    motion = motion_with(CLAPS)
    far = motion.joints_mm.copy()
    for part in ("wrist", "index", "pinky", "thumb"):
        far[:, JOINT_INDEX[f"right_{part}"], 1] -= 300
    assert motion_claps(replace(motion, joints_mm=far)) == ()


def test_hands_that_part_at_once_have_not_clapped():
    motion = motion_with((4.0,))
    backwards = motion.joints_mm.copy()
    # Together from the start, hardly closing, then apart at 2 m/s.
    tau = motion.times_s - 4.0
    half = 20 + 0.5 * np.where(tau < 0, -20 * tau, np.clip(2000 * tau, 0, 260))
    for side, sign in (("left", 1), ("right", -1)):
        for part in ("wrist", "index", "pinky", "thumb"):
            backwards[:, JOINT_INDEX[f"{side}_{part}"], 1] = sign * half
    assert motion_claps(replace(motion, joints_mm=backwards, markers={})) == ()


def test_gaps_and_short_trials_have_no_claps():
    motion = motion_with(CLAPS)
    assert motion_claps(replace(motion, joints_mm=np.full_like(motion.joints_mm, np.nan))) == ()
    assert motion_claps(replace(motion, joints_mm=motion.joints_mm[:2])) == ()


def test_a_wrist_alone_stands_for_the_hand():
    joints = motion_with(CLAPS).joints_mm.copy()
    for side in ("left", "right"):
        joints[:, [JOINT_INDEX[f"{side}_index"], JOINT_INDEX[f"{side}_pinky"]]] = np.nan
    left, _ = hand_centres(joints)
    np.testing.assert_array_equal(left, joints[:, JOINT_INDEX["left_wrist"]])


@pytest.mark.parametrize("contact_s", [-0.006, 0.0, 0.0043])
def test_sigma_of_a_corner_covers_its_error(contact_s):
    times = np.arange(-5, 6) / 100
    errors, sigmas = [], []
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(0, 0.4, len(times))
        at, sigma, _ = fit_corner(times, gap_mm(times, (contact_s,)) + noise)
        errors.append(at - contact_s)
        sigmas.append(sigma)
    assert np.sqrt(np.mean(np.square(errors))) < 1.5 * np.mean(sigmas) < 0.0015


def test_too_few_frames_have_no_corner():
    assert fit_corner(np.arange(6) / 100, np.arange(6.0)) is None
