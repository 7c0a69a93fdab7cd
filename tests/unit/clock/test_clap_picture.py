from dataclasses import replace

import numpy as np

from tests.unit.clock.clapping import motion_with, picture_with
from viodat.camera import Camera
from viodat.clock.clap_motion import motion_claps
from viodat.clock.clap_picture import likeness
from viodat.clock.peaks import hypotheses_of

CLAPS = (3.0, 3.7)


def best_lag(picture, motion):
    found = likeness(picture, motion, motion_claps(motion))
    return hypotheses_of(found.lag_s, found.log_likelihood.sum(axis=1))[0]


def test_the_lag_is_found_from_uneven_stamps():
    motion = motion_with(CLAPS)
    for offset in (-1.5, 0.8):
        best = best_lag(picture_with(CLAPS, offset), motion)
        assert abs(best.lag_s - offset) < 3 * best.sigma_s < 0.02
        assert best.log_odds > 2


def test_lost_frames_and_joints_do_no_harm():
    picture = picture_with(CLAPS, 0.8)
    kept = np.random.default_rng(3).random(len(picture.times_s)) > 0.1
    px = picture.px.copy()
    px[::9] = np.nan
    best = best_lag(replace(picture, times_s=picture.times_s[kept], px=px[kept]), motion_with(CLAPS))
    assert abs(best.lag_s - 0.8) < 0.015


def test_without_a_camera_the_distance_is_compared():
    best = best_lag(replace(picture_with(CLAPS, 0.8), camera=None), motion_with(CLAPS))
    assert abs(best.lag_s - 0.8) < 0.015


def test_hands_of_another_take_agree_nowhere():
    motion = motion_with(CLAPS)
    found = likeness(picture_with((), 0.0), motion, motion_claps(motion))
    assert all(one.log_odds < 0 for one in hypotheses_of(found.lag_s, found.log_likelihood.sum(axis=1)))


def test_a_camera_that_looks_along_the_line_of_closing_knows_that_it_misses():
    motion = motion_with(CLAPS)
    claps = motion_claps(motion)
    front = picture_with(CLAPS, 0.8)
    rotation = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])
    aside = Camera(
        "C02", (1280, 720), front.camera.matrix, rotation=rotation, translation_mm=-rotation @ [100.0, 3000.0, 1200.0]
    )
    assert likeness(front, motion, claps).miss < 0.1 < 0.5 < likeness(replace(front, camera=aside), motion, claps).miss


def test_hands_in_the_middle_of_the_picture_are_in_its_middle_row():
    motion = motion_with(CLAPS)
    assert abs(likeness(picture_with(CLAPS, 0.0), motion, motion_claps(motion)).row) < 0.01


def test_nothing_seen():
    motion = motion_with(CLAPS)
    claps = motion_claps(motion)
    picture = picture_with(CLAPS, 0.0)
    assert likeness(replace(picture, px=np.full_like(picture.px, np.nan)), motion, claps) is None
    assert likeness(picture, motion, ()) is None
    assert likeness(replace(picture, times_s=picture.times_s[:5], px=picture.px[:5]), motion, claps) is None
