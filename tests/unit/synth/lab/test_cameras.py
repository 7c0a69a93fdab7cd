from __future__ import annotations

import json

import numpy as np
import pytest

from viodat.capture import read_cameras
from viodat.synth.lab.cameras import (
    CALIBRATION_FORMATS,
    PHONES,
    SIZE_PX,
    calibrated,
    camera_truth,
    set_up_room,
)

STATURES = (1200.0, 1700.0, 1900.0)


def session(stature, seed):
    return set_up_room(stature, np.random.default_rng([seed, int(stature)]))


def volume(stature, count=400):
    rng = np.random.default_rng(5)
    return rng.uniform([-0.3 * stature, -0.3 * stature, 0], [0.3 * stature, 0.3 * stature, 1.05 * stature], (count, 3))


@pytest.fixture(scope="module")
def believed():
    """True and calibrated cameras of several sessions."""
    pairs = []
    for seed in range(5):
        for true in session(1700.0, seed):
            pairs.append((true, calibrated(true, 1700.0, np.random.default_rng([seed, int(true.name[1:])]))))
    return pairs


@pytest.mark.parametrize("stature", STATURES)
@pytest.mark.parametrize("seed", range(4))
def test_a_standing_player_with_the_bow_stays_in_the_picture(stature, seed):
    # Feet, head, and hands and bow tip within reach; the camera must not see them within 5 px of the edge.
    around = np.linspace(0, 2 * np.pi, 24)
    reach = [(0.1, 0.0), (0.4, 0.6), (0.4, 0.8), (0.2, 1.1)]
    points = np.array([[r * np.cos(a) + 0.06, r * np.sin(a), z] for r, z in reach for a in around]) * stature
    for camera in session(stature, seed):
        px = camera.project(points)
        assert ((px > 5) & (px < np.array(SIZE_PX) - 6)).all(), camera.name
        tall = np.ptp(px[:, 1])
        assert tall > 0.6 * SIZE_PX[1], "the player should fill the picture"


def test_phones_stand_where_a_lab_would_put_them():
    for seed in range(4):
        for stature in STATURES:
            cameras = session(stature, seed)
            assert [camera.name for camera in cameras] == ["C01", "C02", "C07", "C08"]
            for camera in cameras:
                x, y, height = camera.centre - [0.06 * stature, 0, 0]
                assert 2299 <= np.hypot(x, y) <= 3501
                assert 1200 <= height <= 1500
                assert abs(np.rad2deg(np.arctan2(y, x)) - PHONES[camera.name]) < 6.001
                assert 945 < camera.matrix[0, 0] < 1055
                assert camera.distortion.shape == (5,)
                assert np.linalg.det(camera.rotation) == pytest.approx(1.0)
                # Upright: the world's up is up in the picture, to the roll of a tripod.
                assert np.arctan2(*camera.rotation[:2, 2]) == pytest.approx(np.pi, abs=0.03) or np.arctan2(
                    *camera.rotation[:2, 2]
                ) == pytest.approx(-np.pi, abs=0.03)


def test_sessions_differ_and_seeds_do_not():
    one, same, other = (session(1700.0, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(one.matrix, same.matrix)
    assert np.array_equal(one.translation, same.translation)
    assert np.linalg.norm(one.centre - other.centre) > 10


def test_lenses_can_be_undone_everywhere_in_the_picture():
    for seed in range(6):
        for camera in session(1700.0, seed):
            k1, k2, _, _, k3 = camera.distortion
            r = np.linspace(0, 0.85, 200)
            assert (np.diff(r * (1 + k1 * r**2 + k2 * r**4 + k3 * r**6)) > 0).all()


def test_calibration_errs_as_a_careful_lab_does(believed):
    focal = np.array([c.matrix[0, 0] / t.matrix[0, 0] - 1 for t, c in believed])
    middle = np.array([c.matrix[:2, 2] - t.matrix[:2, 2] for t, c in believed])
    place = np.array([np.linalg.norm(c.centre - t.centre) for t, c in believed])
    turn = np.array(
        [np.rad2deg(np.arccos(np.clip((np.trace(c.rotation @ t.rotation.T) - 1) / 2, -1, 1))) for t, c in believed]
    )
    missed = np.array(
        [np.sqrt(((c.project(volume(1700)) - t.project(volume(1700))) ** 2).sum(-1).mean()) for t, c in believed]
    )
    assert 0.0002 < focal.std() < 0.002
    assert 0.3 < middle.std() < 2.5
    assert 1.0 < np.sqrt((place**2).mean()) < 10
    assert 0.01 < np.sqrt((turn**2).mean()) < 0.25
    assert 0.15 < missed.mean() < 0.6
    assert missed.max() < 1.0
    assert missed.min() > 0.02


def test_calibration_errors_hang_together(believed):
    """Turn and principal point compensate: with one alone the picture would move by much more."""
    together, alone = [], []
    for true, stated in believed:
        points = volume(1700)
        mixed = type(true)(true.size, stated.matrix, true.distortion, true.rotation, true.translation, true.name)
        together.append(np.linalg.norm(stated.project(points) - true.project(points), axis=-1).mean())
        alone.append(np.linalg.norm(mixed.project(points) - true.project(points), axis=-1).mean())
    assert np.mean(alone) > 1.5 * np.mean(together)


def test_calibration_is_repeatable():
    true = session(1700.0, 3)[1]
    one, two = (calibrated(true, 1700.0, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one.matrix, two.matrix)
    assert np.array_equal(one.translation, two.translation)


# What each format calls the cameras.
IDS = {"caliscope": {"C01": "cam_1", "C02": "cam_2", "C07": "cam_7", "C08": "cam_8"}}


@pytest.mark.parametrize("name", [name for name in CALIBRATION_FORMATS if name != "matlab"])
def test_viodat_reads_what_was_written(name, tmp_path):
    cameras = [calibrated(c, 1700.0, np.random.default_rng(int(c.name[1:]))) for c in session(1700.0, 2)]
    files = CALIBRATION_FORMATS[name](tmp_path, cameras)
    assert all(path.is_file() for path in files)
    read = read_cameras(tmp_path)
    assert len(read) == 4
    points = volume(1700)
    for camera in cameras:
        found = read[IDS.get(name, {}).get(camera.name, camera.name)]
        assert found.size_px == camera.size
        assert np.abs(found.project(points) - camera.project(points)).max() < 1e-6


def test_matlab_states_the_second_camera_in_the_frame_of_the_first(tmp_path):
    first, second = session(1700.0, 2)[:2]
    CALIBRATION_FORMATS["matlab"](tmp_path, [first, second])
    read = read_cameras(tmp_path)
    points = volume(1700)
    seen_by_first = points @ first.rotation.T + first.translation
    for number, camera in (("1", first), ("2", second)):
        assert np.abs(read[number].project(seen_by_first) - camera.project(points)).max() < 1e-6


def test_truth_states_both_cameras():
    true = session(1700.0, 1)
    stated = [calibrated(c, 1700.0, np.random.default_rng(1)) for c in true]
    content = json.loads(json.dumps(camera_truth(true, stated)))
    assert content["C07"]["true"]["camera_matrix"] == true[2].matrix.tolist()
    assert content["C07"]["calibrated"]["T"] == stated[2].translation.tolist()
