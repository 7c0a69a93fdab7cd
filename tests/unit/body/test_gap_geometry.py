import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viodat.body.gaps.bridge import bridge
from viodat.body.gaps.find import find_gaps
from viodat.body.gaps.local_frame import fit_frame, mean_shape, spans_a_frame


@pytest.mark.parametrize(("kind", "degree"), [("line", 1), ("curve", 2)])
def test_a_bridge_reproduces_the_polynomial_it_is_made_for(kind, degree):
    t = np.arange(-4, 24) / 10.0
    values = np.stack([t**power for power in range(degree + 1)], -1)
    beside = np.concatenate([values[:4], values[-4:]])
    np.testing.assert_allclose(bridge(kind, 20, 4, 4) @ beside, values[4:-4], atol=1e-9)


@pytest.mark.parametrize("kind", ["line", "curve"])
@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 4), (3, 2), (2, 0), (0, 3)])
def test_a_bridge_keeps_a_constant_whatever_is_seen_beside_it(kind, before, after):
    np.testing.assert_allclose(bridge(kind, 7, before, after).sum(axis=1), 1.0)


def test_a_curve_leaves_and_arrives_with_the_measured_velocity():
    rising, falling = np.arange(4.0), np.arange(4.0)[::-1] + 5
    path = bridge("curve", 99, 4, 4) @ np.concatenate([rising, falling])
    assert path[0] - 3.0 == pytest.approx(1.0, abs=0.05)
    assert 8.0 - path[-1] == pytest.approx(-1.0, abs=0.05)


def test_a_frame_is_the_motion_that_was_made():
    rng = np.random.default_rng(0)
    shape = rng.uniform(-100, 100, (4, 3))
    turns, shifts = Rotation.random(20, random_state=1), rng.normal(0, 500, (20, 3))
    points = np.stack([turns.apply(np.tile(p, (20, 1))) + shifts for p in shape], axis=1)
    frame = fit_frame(points, shape, np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_allclose(frame.rotations, turns.as_matrix(), atol=1e-9)
    np.testing.assert_allclose(frame.origins, shifts, atol=1e-9)
    np.testing.assert_allclose(frame.world(frame.local(points)[:, 2]), points[:, 2], atol=1e-9)


def test_three_markers_are_never_mirrored():
    shape = np.array([[0.0, 0, 0], [100, 0, 0], [0, 80, 0]])
    turns = Rotation.random(200, random_state=0)
    noise = np.random.default_rng(0).normal(0, 1, (200, 3, 3))
    points = np.stack([turns.apply(np.tile(p, (200, 1))) for p in shape], axis=1) + noise
    rotations = fit_frame(points, shape, np.ones(3)).rotations
    assert np.einsum("nij,nij->n", rotations, turns.as_matrix()).min() > 2.9


def test_a_mean_shape_has_the_distances_of_the_body():
    shape = np.random.default_rng(0).uniform(-100, 100, (5, 3))
    turns = Rotation.random(300, random_state=1)
    points = np.stack([turns.apply(np.tile(p, (300, 1))) for p in shape], axis=1)
    found = mean_shape(points, np.ones(5))
    np.testing.assert_allclose(
        np.linalg.norm(found[:, None] - found, axis=-1), np.linalg.norm(shape[:, None] - shape, axis=-1), atol=1e-6
    )


def test_markers_on_a_line_span_no_frame():
    assert not spans_a_frame(np.array([[0.0, 0, 0], [100, 0, 0], [200, 1, 0]]))
    assert not spans_a_frame(np.array([[0.0, 0, 0], [100, 0, 0]]))
    assert spans_a_frame(np.array([[0.0, 0, 0], [100, 0, 0], [0, 60, 0]]))


def test_gaps_are_found_shortest_first_with_what_is_seen_beside_them():
    seen = np.ones((20, 3), dtype=bool)
    seen[0:3, 0] = seen[5:10, 0] = seen[12:13, 0] = False
    seen[:, 2] = False
    found = [(g.marker, g.first, g.stop, g.before, g.after) for g in find_gaps(seen, 4)]
    assert found == [(0, 12, 13, 2, 4), (0, 0, 3, 0, 2), (0, 5, 10, 2, 2), (2, 0, 20, 0, 0)]
