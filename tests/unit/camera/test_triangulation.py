"""Triangulation against known points, against scipy's least squares, and where views are missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from tests.unit.camera.cameras import LENSES, looking_at, room
from viodat.camera import reprojection_error, triangulate

COORDINATE = st.floats(-900, 900)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES.keys())
@pytest.mark.parametrize("refine", [False, True])
@given(point=st.tuples(COORDINATE, COORDINATE, st.floats(200, 1800)))
@settings(max_examples=15, deadline=None)
def test_exact_views_give_the_point(lens, refine, point):
    cameras = room(lens)
    px = np.stack([camera.project(point) for camera in cameras])
    np.testing.assert_allclose(triangulate(cameras, px, refine=refine), point, atol=1e-6)
    assert np.nanmax(reprojection_error(cameras, point, px)) == 0


def noisy_views(lens_name: str = "opencv5"):
    rng = np.random.default_rng(6)
    cameras = room(LENSES[lens_name])
    points = rng.uniform((-700, -700, 300), (700, 700, 1700), (5, 8, 3))
    px = np.stack([camera.project(points) for camera in cameras])
    return cameras, points, px + rng.normal(0, 3, px.shape), rng.uniform(0.3, 1, px.shape[:-1])


def test_refinement_is_the_weighted_least_squares_answer():
    cameras, _, px, weights = noisy_views()
    ours = triangulate(cameras, px, weights, refine=True)
    for index in [(0, 0), (2, 5), (4, 7)]:

        def residuals(x, index=index):
            drawn = np.stack([camera.project(x) for camera in cameras])
            return (weights[:, *index, None] * (drawn - px[:, *index])).ravel()

        theirs = least_squares(residuals, [0.0, 0.0, 1000.0], xtol=1e-15, ftol=1e-15, gtol=1e-15, x_scale=100.0)
        np.testing.assert_allclose(ours[index], theirs.x, atol=2e-4)


def test_refinement_lowers_the_error_that_is_left():
    cameras, points, px, weights = noisy_views()
    cost = {
        refine: np.sum(
            (weights * reprojection_error(cameras, triangulate(cameras, px, weights, refine=refine), px)) ** 2
        )
        for refine in (False, True)
    }
    assert cost[True] < cost[False]
    off = np.linalg.norm(triangulate(cameras, px, weights, refine=True) - points, axis=-1)
    assert np.median(off) < 15


def test_missing_and_weightless_views_do_not_count():
    cameras, points, px, weights = noisy_views()
    px[1, 0, 0] = np.nan
    weights[2, 0, 0] = 0
    weights[1, 1, 1] = np.nan
    for refine in (False, True):
        all_views = triangulate(cameras, px, weights, refine=refine)
        two = [cameras[0], cameras[3]]
        np.testing.assert_allclose(
            all_views[0, 0], triangulate(two, px[[0, 3], 0, 0], weights[[0, 3], 0, 0], refine=refine), atol=1e-6
        )
        three = [0, 2, 3]
        np.testing.assert_allclose(
            all_views[1, 1],
            triangulate([cameras[i] for i in three], px[three, 1, 1], weights[three, 1, 1], refine=refine),
            atol=1e-6,
        )
    assert points.shape == all_views.shape


def test_fewer_than_two_views_determine_nothing():
    cameras, _, px, _ = noisy_views()
    px[1:, 0, 0] = np.nan
    px[:, 0, 1] = np.nan
    found = triangulate(cameras, px, refine=True)
    assert np.isnan(found[0, :2]).all()
    assert np.isfinite(found[0, 2:]).all()
    assert np.isnan(triangulate(cameras[:1], px[:1])).all()


def test_the_same_ray_twice_determines_nothing():
    camera = room()[0]
    assert np.isnan(triangulate([camera, camera], [[600.0, 300.0], [600.0, 300.0]])).all()


def test_a_point_behind_a_camera_that_saw_it_is_not_a_point():
    left = looking_at("L", (-200.0, 0.0, 1000.0), (-200.0, 5000.0, 1000.0))
    right = looking_at("R", (200.0, 0.0, 1000.0), (200.0, 5000.0, 1000.0))
    # The left camera sees it far to the left and the right camera far to the right: the rays meet behind both.
    found = triangulate([left, right], [[300.0, 352.8], [990.0, 352.8]])
    assert np.isnan(found).all()


def test_no_points_give_no_points():
    cameras = room()
    assert triangulate(cameras, np.zeros((4, 0, 18, 2)), refine=True).shape == (0, 18, 3)


@pytest.mark.parametrize(
    ("px", "weights", "message"),
    [
        (np.zeros((3, 5, 2)), None, r"px: expected shape \(4, ..., 2\) for 4 cameras, got \(3, 5, 2\)"),
        (np.zeros((4, 5, 3)), None, "px: expected"),
        (np.zeros((4, 5, 2)), np.zeros((4, 6)), "weights: expected shape"),
        (np.zeros((4, 5, 2)), -np.ones((4, 5)), "weights: expected 0 or more"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(px, weights, message):
    with pytest.raises(ValueError, match=message):
        triangulate(room(), px, weights)


def test_the_error_is_a_distance_in_pixels():
    camera = room()[0]
    px = camera.project([0.0, 0.0, 1000.0])
    errors = reprojection_error([camera], [0.0, 0.0, 1000.0], [px + np.array([3.0, 4.0])])
    np.testing.assert_allclose(errors, [5.0])
    with pytest.raises(ValueError, match="points_mm"):
        reprojection_error([camera], np.zeros((2, 3)), [px])
