"""Lens models against OpenCV, against their own inverse, and beyond the range in which they describe a lens."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.camera.cameras import LENSES, looking_at
from viodat.camera import Camera, FisheyeDistortion, OpenCVDistortion, ViconRadial
from viodat.camera.radial import RadialProfile

CAMERAS = {name: looking_at(name, (3500.0, 300.0, 1600.0), lens=lens) for name, lens in LENSES.items()}
OPENCV = [name for name, lens in LENSES.items() if isinstance(lens, OpenCVDistortion)]


def seen_points(camera: Camera, count: int = 400) -> np.ndarray:
    rng = np.random.default_rng(1)
    ideal = camera.pinhole()
    return ideal.back_project(rng.uniform((0, 0), camera.size_px, (count, 2)), rng.uniform(500, 9000, count))


@pytest.mark.parametrize("name", OPENCV)
def test_projection_is_opencvs(name):
    camera = CAMERAS[name]
    points = seen_points(camera)
    theirs, _ = cv2.projectPoints(
        points,
        cv2.Rodrigues(camera.rotation.copy())[0],
        camera.translation_mm,
        camera.matrix,
        np.array(camera.distortion.coefficients),
    )
    np.testing.assert_allclose(camera.project(points), theirs[:, 0], atol=1e-8)


@pytest.mark.parametrize("name", OPENCV)
def test_undistortion_is_opencvs(name):
    camera = CAMERAS[name]
    px = np.random.default_rng(2).uniform((0, 0), camera.size_px, (300, 2))
    lens = np.array(camera.distortion.coefficients)
    theirs = cv2.undistortPoints(px[:, None], camera.matrix, lens, None, None, camera.matrix)[:, 0]
    ours = camera.undistort(px)
    # OpenCV stops after a few fixed-point steps; where those close, its answer is good to about what is left.
    left = np.linalg.norm(camera.distort(theirs) - px, axis=-1)
    closed = left < 1e-3
    assert closed.sum() > 100
    assert np.linalg.norm(ours - theirs, axis=-1)[closed].max() < 5e-3


def test_fisheye_is_opencvs():
    camera = CAMERAS["fisheye"]
    lens = np.array(camera.distortion.coefficients)
    points = seen_points(camera)
    rvec = cv2.Rodrigues(camera.rotation.copy())[0]
    theirs, _ = cv2.fisheye.projectPoints(points[:, None], rvec, camera.translation_mm, camera.matrix, lens)
    np.testing.assert_allclose(camera.project(points), theirs[:, 0], atol=1e-8)
    back = cv2.fisheye.undistortPoints(theirs, camera.matrix, lens, None, camera.matrix)
    np.testing.assert_allclose(camera.undistort(theirs[:, 0]), back[:, 0], atol=1e-4)


@pytest.mark.parametrize("name", LENSES)
@given(u=st.floats(0, 1279), v=st.floats(0, 719))
@settings(max_examples=60, deadline=None)
def test_distorting_what_was_undistorted_gives_it_back(name, u, v):
    camera = CAMERAS[name]
    np.testing.assert_allclose(camera.distort(camera.undistort([u, v])), [u, v], atol=1e-6)


@pytest.mark.parametrize("name", LENSES)
@given(u=st.floats(0, 1279), v=st.floats(0, 719), depth=st.floats(10, 20000))
@settings(max_examples=60, deadline=None)
def test_projecting_what_was_back_projected_gives_the_pixel(name, u, v, depth):
    camera = CAMERAS[name]
    point = camera.back_project([u, v], depth)
    np.testing.assert_allclose(camera.project(point), [u, v], atol=1e-6)
    assert camera.to_camera(point)[2] == pytest.approx(depth)


def test_a_barrel_lens_does_not_draw_far_points_into_the_picture():
    """OpenCV draws this point inside the picture; it is 73° off the axis."""
    camera = Camera(
        "C01", (1280, 720), [[900, 0, 639.5], [0, 900, 359.5], [0, 0, 1]], OpenCVDistortion((-0.3, 0.0, 0.0, 0.0))
    )
    far = np.array([[2 * 1650.0, 0.0, 1000.0 * 2]])
    theirs, _ = cv2.projectPoints(far, np.zeros(3), np.zeros(3), camera.matrix, np.array([-0.3, 0, 0, 0]))
    assert 0 <= theirs[0, 0, 0] < 1280
    assert np.isnan(camera.project(far)).all()


@pytest.mark.parametrize("tangential", [0.0, 1e-4])
def test_a_pixel_that_no_ray_reaches_has_no_ideal_pixel(tangential):
    lens = OpenCVDistortion((-0.3, 0.0, tangential, 0.0))
    camera = Camera("C01", (1280, 720), np.array([[400, 0, 639.5], [0, 400, 359.5], [0, 0, 1]]), lens)
    # The lens reaches r(1 − 0.3 r²) at its turning point, 0.7027 of the focal length: 281 px.
    assert np.isnan(camera.undistort([639.5 + 290, 359.5])).all()
    assert np.isfinite(camera.undistort([639.5 + 270, 359.5])).all()


def test_the_limit_is_where_the_profile_turns():
    assert RadialProfile((-0.3,)).limit == pytest.approx(np.sqrt(1 / 0.9))
    assert RadialProfile((0.1, 0.2)).limit == np.inf
    assert RadialProfile((), (-0.25,)).limit == pytest.approx(2.0)


@pytest.mark.parametrize("profile", [RadialProfile((-0.3,)), RadialProfile((0.4, -0.1, 0.01)), RadialProfile((1e5,))])
def test_a_radial_profile_is_inverted_to_the_edge_of_its_range(profile):
    end = min(profile.limit, 50.0)
    rho = np.linspace(0, end * (1 - 1e-6), 2000)
    value = rho * profile.factor(rho)
    np.testing.assert_allclose(value * profile.inverse_factor(value), rho, atol=1e-9, rtol=1e-7)


def test_missing_pixels_stay_missing():
    for camera in CAMERAS.values():
        assert np.isnan(camera.undistort([[np.nan, 3.0], [5.0, np.nan]])).all()
        assert np.isnan(camera.distort([np.nan, np.nan])).all()


def test_vicon_acts_in_pixels_from_distorted_to_ideal():
    lens = ViconRadial((600.0, 400.0), (1e-7, 0.0, 0.0))
    camera = Camera("7", (1280, 720), [[900, 0, 640], [0, 900, 360], [0, 0, 1]], lens)
    # r = 500 px: factor 1 + 1e-7 · 250 000 = 1.025.
    np.testing.assert_allclose(camera.undistort([900.0, 800.0]), [600 + 300 * 1.025, 400 + 400 * 1.025], atol=1e-9)


@pytest.mark.parametrize("lens", [(1.0,) * 6, (np.nan, 0, 0, 0), (0.0,) * 14])
def test_coefficients_of_no_known_model_are_refused(lens):
    with pytest.raises(ValueError, match="OpenCV distortion: expected 4 or 5 or 8 or 12 finite numbers"):
        OpenCVDistortion(lens)
    with pytest.raises(ValueError, match="fisheye distortion"):
        FisheyeDistortion(lens)


def test_one_absurd_pixel_does_not_spoil_the_others():
    camera = CAMERAS["opencv5"]
    px = np.array([[300.0, 200.0], [1e9, 1e9], [900.0, 600.0]])
    np.testing.assert_allclose(camera.undistort(px)[[0, 2]], camera.undistort(px[[0, 2]]), atol=1e-9)
    gentle = looking_at("C01", (3500.0, 300.0, 1600.0), lens=OpenCVDistortion((0.1, 0.0, 0.0, 0.0)))
    np.testing.assert_allclose(gentle.undistort(px)[[0, 2]], gentle.undistort(px[[0, 2]]), atol=1e-9)
