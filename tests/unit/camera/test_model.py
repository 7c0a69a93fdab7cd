"""The camera itself: frames, missing values, other sizes of its picture, and its dictionary."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.camera.cameras import LENSES, looking_at, room
from viodat.camera import Camera, ViconRadial
from viodat.errors import ConfigError, ViodatWarning

IDENTITY = np.array([[900.0, 0.0, 639.5], [0.0, 900.0, 359.5], [0.0, 0.0, 1.0]])
PIXELS = st.tuples(st.floats(5, 1270), st.floats(5, 710))


def test_the_camera_frame_is_opencvs():
    camera = Camera("C01", (1280, 720), IDENTITY)
    # x to the right, y down, z forward: 1 m right and 0.5 m up at 3 m.
    np.testing.assert_allclose(camera.project([1000.0, -500.0, 3000.0]), [939.5, 209.5])


def test_a_camera_in_the_room_stands_and_looks_where_it_was_put():
    camera = looking_at("C01", (3500.0, 300.0, 1600.0))
    np.testing.assert_allclose(camera.centre_mm, [3500, 300, 1600], atol=1e-9)
    np.testing.assert_allclose(camera.project([0.0, 0.0, 1000.0]), camera.matrix[:2, 2], atol=1e-9)
    assert camera.project([0.0, 0.0, 1100.0])[1] < camera.project([0.0, 0.0, 1000.0])[1]
    np.testing.assert_allclose(camera.to_world(camera.to_camera([1.0, 2.0, 3.0])), [1, 2, 3], atol=1e-9)


def test_what_is_behind_or_missing_is_nan():
    camera = Camera("C01", (1280, 720), IDENTITY)
    px = camera.project([[[0, 0, -1000], [0, 0, 0]], [[np.nan, 0, 1000], [0, 0, 1000]]])
    assert px.shape == (2, 2, 2)
    assert np.isnan(px[[0, 0, 1], [0, 1, 0]]).all()
    np.testing.assert_allclose(px[1, 1], [639.5, 359.5])


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES.keys())
def test_a_ray_meets_the_point_it_shows(lens):
    camera = looking_at("C01", (3500.0, 300.0, 1600.0), lens=lens)
    px = np.random.default_rng(3).uniform((0, 0), (1280, 720), (50, 2))
    rays = camera.ray(px)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1)
    np.testing.assert_allclose(camera.project(camera.centre_mm + 2500 * rays), px, atol=1e-6)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES.keys())
@given(px=PIXELS, depth=st.floats(300, 9000))
@settings(max_examples=40, deadline=None)
def test_scaling_and_cropping_commute_with_projection(lens, px, depth):
    camera = looking_at("C01", (3500.0, 300.0, 1600.0), lens=lens)
    point = camera.back_project(px, depth)
    half = (np.array(px) + 0.5) * 0.5 - 0.5
    np.testing.assert_allclose(camera.resized((640, 360)).project(point), half, atol=1e-6)
    np.testing.assert_allclose(camera.cropped(40, 12, 1200, 700).project(point), np.subtract(px, (40, 12)), atol=1e-6)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES.keys())
def test_turning_commutes_with_projection(lens):
    camera = looking_at("C01", (3500.0, 300.0, 1600.0), lens=lens)
    px = np.random.default_rng(4).uniform((0, 0), (1279, 719), (40, 2))
    points = camera.back_project(px, 2000.0)
    clockwise = np.stack([719 - px[:, 1], px[:, 0]], axis=-1)
    turned = camera.turned()
    assert turned.size_px == (720, 1280)
    np.testing.assert_allclose(turned.project(points), clockwise, atol=1e-6)
    np.testing.assert_allclose(turned.centre_mm, camera.centre_mm, atol=1e-9)
    np.testing.assert_allclose(camera.turned(2).project(points), (1279, 719) - px, atol=1e-6)
    np.testing.assert_allclose(camera.turned(-1).turned(1).project(points), px, atol=1e-6)


def test_a_video_of_the_calibrated_size_needs_nothing():
    camera = Camera("C01", (1280, 720), IDENTITY)
    assert camera.fitted_to((1280, 720)) is camera


def test_a_scaled_video_scales_the_camera_and_says_so():
    with pytest.warns(ViodatWarning, match="1920 x 1080 px but it was calibrated at 1280 x 720 px.*scaled by 1.5"):
        fitted = Camera("C01", (1280, 720), IDENTITY).fitted_to((1920, 1080))
    np.testing.assert_allclose(fitted.matrix, [[1350, 0, 959.5], [0, 1350, 539.5], [0, 0, 1]])
    assert fitted.size_px == (1920, 1080)
    assert "1920 x 1080" in fitted.notes[0]


def test_a_slightly_smaller_video_is_a_centred_crop_and_says_so():
    camera = Camera("cam_01", (1088, 1920), [[1681, 0, 533], [0, 1681, 948], [0, 0, 1]])
    with pytest.warns(ViodatWarning, match="1080 x 1920 px but it was calibrated at 1088 x 1920 px.*4 px at the left"):
        fitted = camera.fitted_to((1080, 1920))
    assert fitted.size_px == (1080, 1920)
    np.testing.assert_allclose(fitted.matrix[:2, 2], [529, 948])
    assert fitted.matrix[0, 0] == 1681


@pytest.mark.parametrize(
    ("how", "focal", "centre"),
    [
        # The picture's middle, 543.5 and 959.5, is the middle of the video in all three.
        ("crop", (1681, 1681), (529, 948)),
        ("scale", (1681 * 1080 / 1088, 1681), (533.5 * 1080 / 1088 - 0.5, 948)),
        ("letterbox", (1681 * 1080 / 1088,) * 2, (533.5 * 1080 / 1088 - 0.5, 959.5 - 11.5 * 1080 / 1088)),
    ],
)
def test_a_stated_fit_is_not_a_guess(how, focal, centre, recwarn):
    camera = Camera("cam_01", (1088, 1920), [[1681, 0, 533], [0, 1681, 948], [0, 0, 1]])
    fitted = camera.fitted_to((1080, 1920), how)
    assert fitted.size_px == (1080, 1920)
    np.testing.assert_allclose([fitted.matrix[0, 0], fitted.matrix[1, 1]], focal)
    np.testing.assert_allclose(fitted.matrix[:2, 2], centre)
    assert "1080 x 1920" in fitted.notes[0]
    assert "1088 x 1920" in fitted.notes[0]
    assert not recwarn.list


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((720, 1280), "camera C01: .*720 x 1280.*1280 x 720.*display rotation"),
        ((640, 480), "neither scaling nor a small crop"),
        ((1000, 720), "neither scaling nor a small crop"),
        ((1280, 960), "neither scaling nor a small crop"),
        ((0, 720), "at least 1 px"),
    ],
)
def test_a_size_that_nothing_explains_is_refused(size, message):
    with pytest.raises(ConfigError, match=message):
        Camera("C01", (1280, 720), IDENTITY).fitted_to(size)


def test_vicons_lens_cannot_be_scaled_unevenly():
    camera = looking_at("7", (3500.0, 300.0, 1600.0), lens=ViconRadial((640.0, 360.0), (1e-8, 0.0, 0.0)))
    with pytest.raises(ValueError, match="cannot scale"):
        camera.resized((640, 720))


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES.keys())
def test_a_dictionary_and_a_pickle_give_the_camera_back(lens):
    camera = looking_at("C01", (3500.0, 300.0, 1600.0), lens=lens).with_notes("As found.")
    points = np.random.default_rng(5).normal((0, 0, 1000), 300, (20, 3))
    for back in (Camera.from_dict(json.loads(json.dumps(camera.to_dict()))), pickle.loads(pickle.dumps(camera))):
        assert (back.id, back.size_px, back.notes, back.distortion) == (
            camera.id,
            camera.size_px,
            camera.notes,
            camera.distortion,
        )
        np.testing.assert_array_equal(back.project(points), camera.project(points))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": np.eye(4)}, r"matrix: expected shape \(3, 3\), got \(4, 4\)"),
        ({"matrix": IDENTITY * [[-1], [1], [1]]}, "focal lengths above 0"),
        ({"matrix": IDENTITY * 2}, "expected \\[\\[fx"),
        ({"rotation": np.eye(3) * 1.01}, "rotation: expected a right-handed"),
        ({"rotation": np.diag([1, 1, -1])}, "determinant -1"),
        ({"translation_mm": [0, np.nan, 0]}, "translation_mm: expected finite"),
        ({"size_px": (0, 720)}, "size_px"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Camera(**{"id": "C01", "size_px": (1280, 720), "matrix": IDENTITY, **change})


def test_points_of_the_wrong_shape_are_refused():
    camera = room()[0]
    with pytest.raises(ValueError, match="expected 3 numbers per point"):
        camera.project(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="expected 2 numbers per point"):
        camera.undistort(np.zeros((5, 3)))


def test_the_arrays_of_a_camera_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        room()[0].matrix[0, 0] = 1.0
