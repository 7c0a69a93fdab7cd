"""The chord construction by the properties that define it, and what becomes of degenerate geometry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viodat.body.geometry import chord, finite_or_nan, normal, pelvis_axes, thorax_axes, unit

T = np.array([0.0, 0.0, 800.0])
J = np.array([10.0, -60.0, 400.0])
S = np.array([-20.0, -130.0, 600.0])


def half_plane_angle(t, c, j, s):
    """Signed angle (rad) from the half-plane of S to that of J about the axis from C to T."""
    axis = (t - c) / np.linalg.norm(t - c, axis=-1, keepdims=True)
    to_s, to_j = s - c, j - c
    to_s = to_s - axis * np.sum(axis * to_s, axis=-1, keepdims=True)
    return np.arctan2(np.sum(np.cross(to_s, to_j) * axis, axis=-1), np.sum(to_s * to_j, axis=-1))


@pytest.mark.parametrize("angle_rad", [0.0, 0.02, -0.02, 0.35, -0.35, 1.0])
def test_chord_fulfils_its_definition(angle_rad: float):
    rng = np.random.default_rng(3)
    t, j, s = (p + rng.normal(scale=12.0, size=(500, 3)) for p in (T, J, S))
    c = chord(55.0, j, t, s, angle_rad)
    assert np.isfinite(c).all()
    np.testing.assert_allclose(np.linalg.norm(c - j, axis=-1), 55.0, atol=1e-9)
    np.testing.assert_allclose(np.sum((t - c) * (j - c), axis=-1), 0.0, atol=1e-7)
    np.testing.assert_allclose(half_plane_angle(t, c, j, s), angle_rad, atol=1e-9)


def test_chord_lies_away_from_the_side_marker():
    # By hand: T above J by 500, h = 300: the centre is 180 up and 240 aside, away from S.
    c = chord(300.0, np.zeros(3), np.array([0.0, 0.0, 500.0]), np.array([100.0, 0.0, 250.0]))
    np.testing.assert_allclose(c, [-240.0, 0.0, 180.0], atol=1e-12)


def test_rotation_is_continuous_at_zero():
    still, turned = chord(55.0, J, T, S), chord(55.0, J, T, S, 1e-6)
    assert 0 < np.linalg.norm(turned - still) < 1e-3


@pytest.mark.parametrize(
    ("offset", "t", "j", "s"),
    [
        pytest.param(500.0, T, J, S, id="offset longer than the segment"),
        pytest.param(0.0, T, J, S, id="offset zero"),
        pytest.param(-5.0, T, J, S, id="offset negative"),
        pytest.param(np.nan, T, J, S, id="offset unknown"),
        pytest.param(55.0, J, J, S, id="T on J"),
        pytest.param(55.0, T, J, J, id="S on J"),
        pytest.param(55.0, T, J, (T + J) / 2, id="collinear"),
        pytest.param(55.0, T, J, J + (T - J) / 3 + [1e-9, 0.0, 0.0], id="collinear but for rounding"),
        pytest.param(55.0, T, J, S * np.nan, id="S missing"),
        pytest.param(55.0, T, J * np.inf, S, id="J infinite"),
        pytest.param(55.0, T * 1e300, J, S * 1e300, id="overflow"),
    ],
)
@pytest.mark.parametrize("angle_rad", [0.0, 0.3])
@pytest.mark.filterwarnings("error")
def test_degenerate_geometry_is_nan(offset, t, j, s, angle_rad):
    c = chord(offset, j, t, s, angle_rad)
    assert c.dtype == np.float64
    assert np.isnan(c).all()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=9, max_size=9), st.floats(-3, 3))
def test_chord_is_finite_or_nan_whatever_comes(values, angle_rad):
    j, t, s = np.array(values).reshape(3, 3)
    c = chord(50.0, j, t, s, angle_rad)
    assert c.dtype == np.float64
    assert np.isnan(c).all() or np.isfinite(c).all()


def test_finite_or_nan_takes_the_whole_point():
    points = np.array([[1.0, np.inf, 3.0], [1.0, 2.0, 3.0]])
    assert np.isnan(finite_or_nan(points)[0]).all()
    np.testing.assert_array_equal(finite_or_nan(points)[1], points[1])


def test_unit_and_normal_of_nothing():
    assert np.isnan(unit(np.zeros(3))).all()
    assert np.isnan(normal(np.array([1.0, 0, 0]), np.array([-2.0, 0, 0]))).all()
    np.testing.assert_allclose(normal(np.array([2.0, 0, 0]), np.array([0.0, 3, 0])), [0, 0, 1])


def test_axes_point_forward_left_and_up():
    origin, *axes = pelvis_axes(np.array([0.0, 125, 950]), np.array([0.0, -125, 950]), np.array([-150.0, 0, 950]))
    np.testing.assert_allclose(origin, [0, 0, 950])
    np.testing.assert_allclose(axes, np.eye(3), atol=1e-12)
    thorax = thorax_axes(
        np.array([-113.0, 0, 1440]), np.array([-133.0, 0, 1230]), np.array([7.0, 0, 1400]), np.array([27.0, 0, 1210])
    )
    np.testing.assert_allclose(thorax, np.eye(3), atol=1e-12)
