"""Functional centres and axes against known joints: exact, noisy, exchanged, refused, and on a simulated body."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viodat.body.functional import (
    LEAST_CENTRE_RANGE_RAD,
    RigidMotion,
    cluster_motion,
    common_shape,
    sara,
    score,
)
from viodat.joints import JOINT_INDEX
from viodat.synth.lab.marker_motion import marker_motion
from viodat.synth.lab.marker_set import labels_of
from viodat.synth.options import TwinOptions
from viodat.synth.player.trials import rom_motion, static_motion
from viodat.synth.session import player

CENTRE_1, CENTRE_2 = np.array([40.0, -85.0, 920.0]), np.array([-12.0, 30.0, 410.0])
AXIS = np.array([0.2, -0.3, 0.93]) / np.linalg.norm([0.2, -0.3, 0.93])
PELVIS = np.array([[0.0, 125, 950], [0, -125, 950], [-150, 40, 960], [-150, -40, 960]])
THIGH = np.array([[30.0, 60, 280], [70, -20, 200], [-40, 30, 120], [10, 70, 20]])


def star(frames: int = 600, degrees: float = 40.0) -> Rotation:
    """Swing in turning directions, out and back."""
    t = np.arange(frames) / frames
    swing = np.deg2rad(degrees) * np.sin(2 * np.pi * 6 * t)
    way = 2 * np.pi * t
    return Rotation.from_rotvec(np.stack([swing * np.cos(way), swing * np.sin(way), 0.2 * np.sin(9 * t)], axis=1))


def trunk(frames: int, seed: int = 1) -> tuple[Rotation, np.ndarray]:
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, frames)[:, None]
    turn = Rotation.from_rotvec(0.3 * np.sin(2 * np.pi * t * rng.uniform(1, 3, 3) + rng.uniform(0, 6, 3)))
    return turn, 200 * np.sin(2 * np.pi * t * rng.uniform(1, 3, 3)) + [1500.0, -2500.0, 0.0]


def as_motion(turn: Rotation, shift: np.ndarray) -> RigidMotion:
    return RigidMotion(turn.as_matrix(), shift, np.zeros(len(shift)), np.zeros(3))


def as_moved(motion: RigidMotion, by: list[float]) -> RigidMotion:
    return RigidMotion(motion.rotation, motion.translation + by, motion.residual_mm, motion.centre_mm)


def joint(relative: Rotation, first_point=CENTRE_1, second_point=CENTRE_2) -> tuple[RigidMotion, RigidMotion]:
    """Two segments that share the point in every frame; ``relative`` turns the second in the first."""
    turn, shift = trunk(len(relative))
    second = turn * relative
    world = turn.apply(np.tile(first_point, (len(relative), 1))) + shift
    return as_motion(turn, shift), as_motion(second, world - second.apply(np.tile(second_point, (len(relative), 1))))


def markers(motion: RigidMotion, local: np.ndarray) -> np.ndarray:
    return np.einsum("fij,mj->fmi", motion.rotation, local) + motion.translation[:, None]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float, length: int = 60) -> np.ndarray:
    """Noise of standard deviation ``sigma`` that stays alike over about ``length`` frames."""
    white = rng.normal(size=(shape[0] + length, *shape[1:]))
    summed = np.cumsum(white, axis=0)
    return sigma * (summed[length:] - summed[:-length]) / np.sqrt(length)


def test_cluster_motion_finds_the_motion_from_any_three_markers():
    first, _ = joint(star(50))
    for seen in ([0, 1, 2, 3], [0, 1, 2], [1, 2, 3], [0, 3, 1]):
        positions = np.full((50, 4, 3), np.nan)
        positions[:, seen] = markers(first, PELVIS)[:, seen]
        found = cluster_motion(positions, PELVIS)
        np.testing.assert_allclose(found.rotation, first.rotation, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.translation, first.translation, rtol=0, atol=1e-9)
        assert found.residual_mm.max() < 1e-9
        np.testing.assert_allclose(found.carried(CENTRE_1), first.carried(CENTRE_1), rtol=0, atol=1e-9)


def test_cluster_motion_weighs_as_scipy_does():
    rng = np.random.default_rng(5)
    positions = PELVIS + rng.normal(scale=8.0, size=(20, 4, 3))
    weights = np.array([1.0, 3.0, 0.5, 2.0])
    found = cluster_motion(positions, PELVIS, weights)
    middle = weights @ PELVIS / weights.sum()
    for frame, rotation in zip(positions, found.rotation, strict=True):
        there = weights @ frame / weights.sum()
        expected, _ = Rotation.align_vectors(frame - there, PELVIS - middle, weights)
        np.testing.assert_allclose(rotation, expected.as_matrix(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(found.rotation), 1.0)


def test_a_mirrored_cluster_is_no_rotation():
    found = cluster_motion((THIGH * [1, -1, 1])[None], THIGH)
    assert np.linalg.det(found.rotation[0]) == pytest.approx(1.0)
    assert found.residual_mm[0] > 10


def test_what_does_not_determine_the_motion_is_nan():
    positions = np.tile(THIGH, (3, 1, 1))
    positions[0, :2] = np.nan
    line = np.array([[0.0, 0, 0], [0, 1, 100], [0, 0, 200], [0, 1, 300]])
    positions[1] = line
    found = cluster_motion(positions, THIGH)
    assert np.isnan(found.rotation[:2]).all()
    assert np.isnan(found.translation[:2]).all()
    assert np.isnan(found.residual_mm[:2]).all()
    assert np.isfinite(found.rotation[2]).all()
    assert np.isnan(cluster_motion(positions, line).rotation).all()
    assert np.isnan(cluster_motion(positions, THIGH * np.nan).rotation).all()


def test_cluster_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="reference"):
        cluster_motion(np.zeros((5, 4, 3)), PELVIS[:3])
    with pytest.raises(ValueError, match="weights"):
        cluster_motion(np.zeros((5, 4, 3)), PELVIS, np.array([1.0, -1, 1, 1]))


def test_common_shape_forgets_a_wrong_start():
    first, _ = joint(star(100))
    start = THIGH + np.random.default_rng(2).normal(scale=6.0, size=THIGH.shape)
    shape = common_shape(markers(first, THIGH), start)
    distances = np.linalg.norm(shape[:, None] - shape, axis=-1)
    np.testing.assert_allclose(distances, np.linalg.norm(THIGH[:, None] - THIGH, axis=-1), rtol=0, atol=1e-9)
    assert np.linalg.norm(shape.mean(axis=0) - start.mean(axis=0)) < 1e-9


def test_score_is_exact_on_exact_motion():
    found = score(*joint(star()))
    np.testing.assert_allclose(found.in_first, CENTRE_1, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.in_second, CENTRE_2, rtol=0, atol=1e-9)
    assert found.residual_mm < 1e-9
    assert found.accepted
    assert found.reason == ""
    assert found.frames == 600
    assert np.rad2deg(found.range_rad) == pytest.approx(80, abs=8)


def test_score_is_exact_on_a_small_exact_motion_far_from_the_origin():
    first, second = joint(star(degrees=0.5))
    away = [5e5, -8e5, 2e5]
    found = score(as_moved(first, away), as_moved(second, away))
    assert not found.accepted
    np.testing.assert_allclose(found.in_first, CENTRE_1, rtol=0, atol=1e-9)


def test_frames_without_a_segment_are_left_out():
    first, second = joint(star())
    first.rotation[100:200] = np.nan
    first.translation[100:200] = np.nan
    found = score(first, second)
    assert found.frames == 500
    np.testing.assert_allclose(found.in_second, CENTRE_2, rtol=0, atol=1e-9)


def test_score_with_noise_errs_as_it_says():
    wrong = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        first, second = joint(star())
        noisy = [
            cluster_motion(markers(m, c) + smooth_noise(rng, (600, 4, 3), 1.0), c)
            for m, c in ((first, PELVIS), (second, THIGH))
        ]
        found = score(*noisy)
        assert found.accepted
        assert np.linalg.norm(found.in_first - CENTRE_1) < 5
        wrong.append((found.in_first - CENTRE_1) / found.sigma_first_mm)
        wrong.append((found.in_second - CENTRE_2) / found.sigma_second_mm)
    assert 0.4 < np.sqrt(np.mean(np.square(wrong))) < 1.3


def test_exchanged_labels_do_not_move_the_centre():
    first, second = joint(star())
    positions = markers(second, THIGH) + np.random.default_rng(3).normal(scale=0.3, size=(600, 4, 3))
    positions[50:110] = positions[50:110][:, [3, 1, 2, 0]]
    found = score(first, cluster_motion(positions, THIGH))
    assert found.frames == 540
    assert np.linalg.norm(found.in_first - CENTRE_1) < 0.5


def test_a_few_frames_off_the_joint_do_not_move_the_centre():
    first, second = joint(star())
    second.translation[200:215] += [80.0, -60.0, 90.0]
    found = score(first, second)
    assert np.linalg.norm(found.in_first - CENTRE_1) < 1.0


def test_a_long_rest_counts_as_one_posture():
    relative = star(1000)
    still = Rotation.concatenate([relative, Rotation.from_matrix(np.tile(relative[300].as_matrix(), (4000, 1, 1)))])
    first, second = joint(still)
    second.translation[1000:] += [4.0, 0.0, 0.0]
    found = score(first, second)
    equations = np.concatenate([first.rotation, -second.rotation], axis=2).reshape(-1, 6)
    plain = np.linalg.lstsq(equations, (second.translation - first.translation).ravel(), rcond=None)[0]
    assert np.linalg.norm(found.in_first - CENTRE_1) < 0.5
    assert np.linalg.norm(plain[:3] - CENTRE_1) > 2.0


def test_deformed_clusters_count_less():
    first, second = joint(star())
    bent = np.deg2rad(40) * np.abs(np.sin(2 * np.pi * 6 * np.arange(600) / 600))
    second.translation[:] += (20 * bent**2)[:, None] * [1.0, 0.0, 0.0]
    unaware = score(first, second)
    aware = score(first, RigidMotion(second.rotation, second.translation, 20 * bent**2, second.centre_mm))
    assert np.linalg.norm(aware.in_first - CENTRE_1) < 0.7 * np.linalg.norm(unaware.in_first - CENTRE_1)
    assert (aware.sigma_first_mm > 1.0).all()


@pytest.mark.parametrize(
    ("relative", "words"),
    [
        pytest.param(star(degrees=8.0), "is 17°, below the limit of 30°", id="small"),
        pytest.param(
            Rotation.from_rotvec(np.linspace(-1, 1, 600)[:, None] * AXIS), "is 0°, below the limit of 30°", id="hinge"
        ),
        pytest.param(Rotation.identity(600), "is 0°, below the limit of 30°", id="still"),
        pytest.param(star(60), "60 frames, but at least 100 are needed", id="few frames"),
        pytest.param(star(1), "1 frame, but at least 100 are needed", id="one frame"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_motion_that_determines_no_centre_is_refused(relative, words):
    found = score(*joint(relative))
    assert not found.accepted
    assert words in found.reason


def test_what_a_hinge_leaves_free_is_nan():
    found = score(*joint(Rotation.from_rotvec(np.linspace(-1, 1, 600)[:, None] * AXIS)))
    assert found.condition == np.inf
    assert np.isnan(found.in_first).all()
    assert np.isnan(found.sigma_second_mm).all()


def test_two_segments_without_a_common_point_are_refused():
    first, second = joint(star())
    second.translation[:] += smooth_noise(np.random.default_rng(1), (600, 3), 60.0)
    found = score(first, second)
    assert not found.accepted
    assert "mm, above the limit of 20 mm" in found.reason
    assert score(first, second, largest_residual_mm=500.0).accepted


def test_limits_can_be_set_by_the_caller():
    small = joint(star(degrees=12.0))
    assert not score(*small).accepted
    assert score(*small, least_range_rad=LEAST_CENTRE_RANGE_RAD / 2).accepted


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 600])
@pytest.mark.filterwarnings("error")
def test_nothing_seen_is_refused(frames):
    nothing = cluster_motion(np.full((frames, 4, 3), np.nan), PELVIS)
    for found in (score(nothing, nothing), sara(nothing, nothing)):
        assert found.frames == 0
        assert found.reason == "both segments are determined in 0 frames, but at least 100 are needed"
    few = cluster_motion(np.tile(PELVIS, (frames, 1, 1)), PELVIS)
    assert not score(few, few, least_frames=0).accepted
    assert not sara(few, few, least_frames=0).accepted


def test_motions_of_different_length_are_refused():
    first, second = joint(star())
    short = RigidMotion(second.rotation[:10], second.translation[:10], second.residual_mm[:10], second.centre_mm)
    with pytest.raises(ValueError, match="600 and 10 frames"):
        score(first, short)


@pytest.mark.parametrize("axis", [AXIS, -AXIS, AXIS[[2, 0, 1]], -AXIS[[1, 2, 0]], np.array([0.0, 1.0, 0.0])])
def test_sara_is_exact_on_an_exact_hinge(axis):
    angles = np.deg2rad(60) * np.sin(np.linspace(0, 9, 400))
    first, second = joint(Rotation.from_rotvec(angles[:, None] * axis))
    found = sara(first, second, near_mm=CENTRE_1 + 30 * axis + [0.0, 3.1, 1.0])
    sense = np.sign(axis[np.argmax(np.abs(axis))])
    np.testing.assert_allclose(found.axis_in_first, sense * axis, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.axis_in_second, sense * axis, rtol=0, atol=1e-9)
    assert np.linalg.norm(np.cross(found.point_in_first - CENTRE_1, axis)) < 1e-7
    assert np.linalg.norm(np.cross(found.point_in_second - CENTRE_2, axis)) < 1e-7
    np.testing.assert_allclose(
        first.carried(found.point_in_first), second.carried(found.point_in_second), rtol=0, atol=1e-7
    )
    np.testing.assert_allclose(
        found.point_in_first - CENTRE_1, (30 + 3.1 * axis[1] + axis[2]) * axis, rtol=0, atol=1e-7
    )
    np.testing.assert_allclose(found.nearest_in_first(CENTRE_1), CENTRE_1, rtol=0, atol=1e-7)
    assert found.accepted
    assert np.rad2deg(found.range_rad) == pytest.approx(120, abs=1)


def test_sara_with_noise_and_a_little_play():
    rng = np.random.default_rng(4)
    angles = 0.6 + 0.6 * np.sin(np.linspace(0, 20, 800))
    play = Rotation.from_rotvec(smooth_noise(rng, (800, 3), 0.04))
    first, second = joint(Rotation.from_rotvec(angles[:, None] * AXIS) * play)
    found = sara(
        cluster_motion(markers(first, PELVIS) + rng.normal(size=(800, 4, 3)), PELVIS),
        cluster_motion(markers(second, THIGH) + rng.normal(size=(800, 4, 3)), THIGH),
        near_mm=CENTRE_1,
    )
    assert found.accepted
    angle = np.arccos(min(1.0, abs(found.axis_in_first @ AXIS)))
    assert angle < np.deg2rad(4)
    assert angle < 3 * found.sigma_rad
    assert np.linalg.norm(np.cross(found.point_in_first - CENTRE_1, AXIS)) < 3 * found.sigma_mm


@pytest.mark.parametrize(
    ("relative", "words"),
    [
        pytest.param(Rotation.from_rotvec(np.linspace(0, 0.3, 400)[:, None] * AXIS), "is 17°, below", id="small"),
        pytest.param(star(), "this is no hinge", id="ball"),
        pytest.param(Rotation.identity(400), "is 0°, below", id="still"),
        pytest.param(star(20), "20 frames, but at least 100 are needed", id="few frames"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_motion_that_has_no_axis_is_refused(relative, words):
    found = sara(*joint(relative))
    assert not found.accepted
    assert words in found.reason


def test_hips_shoulders_and_wrists_of_a_simulated_body():
    errors: dict[str, list[float]] = {"pelvis": [], "shoulder": [], "wrist": []}
    sets = {
        "pelvis": ("LASI RASI LPSI RPSI LILC RILC", "{s}THI {s}KNE {s}THF {s}THB"),
        "shoulder": ("{s}SHO {s}SHA {s}SHP", "{s}UPA {s}UPB {s}UPC {s}ELB"),
        "wrist": ("{s}FRM {s}WRA {s}WRB", "{s}FIN {s}IDX {s}HND {s}PNK"),
    }
    labels = labels_of("rom")
    for number in range(2):
        who = player(TwinOptions(seed=77), number)
        rng = np.random.default_rng(number)
        rom = rom_motion(who.anatomy, 22.0, rng).at(np.arange(1100) / 50)
        stand = static_motion(who.anatomy, rng).at(np.arange(3) / 100)
        moving = marker_motion(rom, who.placement, who.skin, labels, wobble=False).positions
        still = marker_motion(stand, who.placement, who.skin, labels, wobble=False).positions[0]
        for name, clusters in sets.items():
            for side in ("left", "right"):
                motions = []
                for text in clusters:
                    chosen = [labels.index(label) for label in text.format(s=side[0].upper()).split()]
                    motions.append(cluster_motion(moving[:, chosen], still[chosen]))
                found = score(*motions, least_range_rad=np.deg2rad(10))
                true = stand.joints[0, JOINT_INDEX[f"{side}_{name}"]]
                errors[name].append(float(np.linalg.norm(found.in_first - true)))
    assert np.median(errors["pelvis"]) < 12
    assert np.median(errors["shoulder"]) < 15
    assert np.median(errors["wrist"]) < 4
