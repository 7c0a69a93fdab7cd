"""A camera's pose from a moving body, against poses that are known: in mm, degrees, ms and px."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viodat.camera import Camera, OpenCVDistortion, guessed_camera, knocked, resect, sightings_of

TIMES = np.arange(240) / 30
CAMERA = Camera(
    "C01",
    (1280, 720),
    np.array([[980.0, 0, 645.0], [0, 985, 355.0], [0, 0, 1]]),
    OpenCVDistortion((0.03, -0.04, 0.0003, 0.0002, 0.01)),
    # From the front: the player looks along x, the camera back along it.
    np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]]),
    np.array([0.0, 900.0, 3000.0]),
)


def body(times_s: np.ndarray = TIMES) -> np.ndarray:
    """(N, 12, 3) mm of a player who stands and bows: ankles, knees, hips, shoulders, elbows, wrists."""
    rng = np.random.default_rng(3)
    rest = np.array(
        [[x, side * y, z] for x, y, z in ((0, 110, 90), (40, 120, 480), (0, 100, 900), (0, 190, 1380), (160, 330, 1250),
                                          (350, 180, 1350)) for side in (1, -1)], dtype=float
    )  # fmt: skip
    places = np.repeat(rest[None], len(times_s), axis=0)
    sway = 15 * np.sin(2 * np.pi * 0.3 * times_s)[:, None, None] * rng.normal(size=(12, 3))
    places += sway
    places[:, 11, 1] += 250 * np.sin(2 * np.pi * 0.9 * times_s)
    places[:, 9, 1] += 120 * np.sin(2 * np.pi * 0.9 * times_s)
    return places


def moved(camera: Camera, degrees: tuple[float, float, float], mm: tuple[float, float, float]) -> Camera:
    rotation = Rotation.from_rotvec(np.deg2rad(degrees)).as_matrix() @ camera.rotation
    return replace(camera, rotation=rotation, translation_mm=-rotation @ (camera.centre_mm + np.array(mm)))


def detected(camera: Camera, points: np.ndarray, *, bias_px: float = 8.0, noise_px: float = 3.0, seed: int = 0):
    """Where a detector sees the points: each joint beside its centre by a constant, and some far out."""
    rng = np.random.default_rng(seed)
    px = camera.project(points) + rng.normal(0, bias_px, (1, 12, 2)) + rng.normal(0, noise_px, (*points.shape[:2], 2))
    wrong = rng.random(points.shape[:2]) < 0.03
    px[wrong] += rng.normal(0, 150, (int(wrong.sum()), 2))
    return px


def degrees_between(one: Camera, other: Camera) -> float:
    return float(np.degrees(Rotation.from_matrix(one.rotation @ other.rotation.T).magnitude()))


def drawn_apart(one: Camera, other: Camera) -> float:
    return float(np.sqrt(np.mean(np.sum((one.project(body()) - other.project(body())) ** 2, axis=-1))))


def test_without_errors_the_pose_is_found_again():
    true = moved(CAMERA, (0.0, 2.0, 1.0), (30.0, -20.0, 10.0))
    found = resect(CAMERA, sightings_of(TIMES, body(), true.project(body())))
    assert found is not None
    assert np.linalg.norm(found.camera.centre_mm - true.centre_mm) < 5
    assert degrees_between(found.camera, true) < 0.05
    assert found.before_px > 20
    assert found.after_px < 0.2
    assert found.moved_mm == pytest.approx(np.linalg.norm((30, -20, 10)), abs=2)


@pytest.mark.parametrize(("degrees", "mm"), [((0, 4, 0), (60, 0, 0)), ((-2, 0, 0), (0, 0, 0)), ((0, 0, 9), (0, 50, 0))])
@pytest.mark.parametrize("seed", range(3))
def test_a_knocked_camera_is_told_and_draws_within_its_landmarks_error(degrees, mm, seed):
    true = moved(CAMERA, degrees, mm)
    found = knocked(CAMERA, sightings_of(TIMES, body(), detected(true, body(), seed=seed)))
    assert found is not None
    assert found.moved
    assert found.sigmas > 2
    assert found.offset_px == pytest.approx(drawn_apart(CAMERA, true), abs=8)
    assert drawn_apart(found.resection.camera, true) < 8


@pytest.mark.parametrize("seed", range(8))
def test_landmarks_beside_their_joints_are_no_knock(seed):
    found = knocked(CAMERA, sightings_of(TIMES, body(), detected(CAMERA, body(), seed=seed)))
    assert found is not None
    assert not found.moved
    assert not found.unexplained


def test_the_stated_sigma_is_that_of_the_errors():
    squares = []
    for seed in range(20):
        found = resect(CAMERA, sightings_of(TIMES, body(), detected(CAMERA, body(), seed=seed)))
        assert found is not None
        squares.append(found.sigmas**2)
    assert 0.1 < np.mean(squares) < 1.5


def test_late_stamps_are_no_knock_and_the_lateness_is_found():
    late_s = 0.04
    px = detected(CAMERA, body(TIMES - late_s), noise_px=1.0)
    found = knocked(CAMERA, sightings_of(TIMES, body(), px))
    assert found is not None
    assert not found.moved
    assert found.resection.late_s == pytest.approx(late_s, abs=4 * found.resection.late_sigma_s)
    assert found.resection.late_s == pytest.approx(late_s, abs=0.01)


def test_a_camera_without_pose_is_placed():
    start = replace(CAMERA, rotation=np.eye(3), translation_mm=np.zeros(3))
    found = resect(start, sightings_of(TIMES, body(), detected(CAMERA, body())), has_pose=False)
    assert found is not None
    assert drawn_apart(found.camera, CAMERA) < 8
    assert np.linalg.norm(found.camera.centre_mm - CAMERA.centre_mm) < 4 * found.position_sigma_mm
    assert np.isnan(found.moved_mm)
    assert np.isnan(found.offset_px)


def test_a_phone_of_which_nothing_is_known_is_placed_with_its_focal_length():
    start = guessed_camera("C01", (1280, 720))
    plain = replace(CAMERA, distortion=start.distortion)
    found = resect(start, sightings_of(TIMES, body(), plain.project(body())), has_pose=False, focal=True)
    assert found is not None
    assert found.camera.matrix[0, 0] == pytest.approx(980, rel=0.1)
    assert found.focal_sigma > 0
    assert drawn_apart(found.camera, plain) < 3


def test_pictures_of_another_body_are_not_explained():
    upside_down = body()[:, ::-1]
    found = knocked(CAMERA, sightings_of(TIMES, body(), CAMERA.project(upside_down)))
    assert found is None or (found.unexplained and not found.moved)


def test_too_little_gives_no_answer():
    px = CAMERA.project(body())
    few = np.where(np.arange(12)[None, :, None] < 4, px, np.nan)
    assert resect(CAMERA, sightings_of(TIMES, body(), few)) is None
    assert knocked(CAMERA, sightings_of(TIMES[:4], body()[:4], px[:4])) is None
    assert resect(CAMERA, sightings_of(TIMES, np.full_like(body(), np.nan), px)) is None


def test_gaps_and_missing_confidences_are_left_out():
    points, px = body(), detected(CAMERA, body())
    points[50:90, 3] = np.nan
    px[100:160] = np.nan
    confidence = np.full(px.shape[:2], np.nan)
    confidence[:, 0] = 0.0
    found = resect(CAMERA, sightings_of(TIMES, points, px, confidence))
    assert found is not None
    assert drawn_apart(found.camera, CAMERA) < 8
    assert np.isnan(found.bias_px[0]).all()
    assert np.isfinite(found.bias_px[1:]).all()


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="points_mm: expected shape"):
        sightings_of(TIMES, body()[:, :5], CAMERA.project(body()))
    with pytest.raises(ValueError, match="increasing"):
        sightings_of(TIMES[::-1], body(), CAMERA.project(body()))
