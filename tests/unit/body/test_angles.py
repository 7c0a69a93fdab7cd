"""Angles against scipy's rotations, against directions in words, and against the twin's own angles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.unit.synth.player.bodies import anatomy, body
from viodat.body.anatomical_axes import SEGMENTS
from viodat.body.angles import ANGLES, MEANINGS, joint_angles
from viodat.errors import BodyError
from viodat.synth.player.trials import rom_motion

MIRROR = np.diag([1.0, 1.0, -1.0])
UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
SIDES = ("left", "right")

# Distal, proximal, sequence, names and signs of its turns on the right; written down here once more from the papers.
TABLE = [
    ("thorax", "pelvis", "ZXY", ("trunk_extension", "trunk_bending", "trunk_rotation"), (1, 1, 1)),
    ("head", "thorax", "ZXY", ("head_extension", "head_bending", "head_rotation"), (1, 1, 1)),
    ("thigh", "pelvis", "ZXY", ("hip_flexion", "hip_adduction", "hip_internal_rotation"), (1, 1, 1)),
    ("shank", "thigh", "ZXY", ("knee_flexion", "knee_adduction", "knee_internal_rotation"), (-1, 1, 1)),
    ("foot", "shank", "ZXY", ("ankle_dorsiflexion", "ankle_inversion", "ankle_internal_rotation"), (1, 1, 1)),
    ("clavicle", "thorax", "YXZ", ("clavicle_protraction", "clavicle_elevation", None), (1, -1, 1)),
    (
        "upper_arm",
        "thorax",
        "YXY",
        ("shoulder_plane_of_elevation", "shoulder_elevation", "shoulder_axial_rotation"),
        (1, -1, 1),
    ),
    ("forearm", "upper_arm", "ZXY", ("elbow_flexion", "elbow_adduction", "forearm_pronation"), (1, 1, 1)),
    ("hand", "forearm", "ZXY", ("wrist_flexion", "wrist_deviation", None), (1, 1, 1)),
]


def cases():
    for distal, proximal, sequence, names, signs in TABLE:
        if distal in SEGMENTS:
            yield pytest.param(distal, proximal, sequence, names, signs, False, id=distal)
            continue
        for side in SIDES:
            near = proximal if proximal in SEGMENTS else f"{side}_{proximal}"
            sided = tuple(name and f"{side}_{name}" for name in names)
            yield pytest.param(f"{side}_{distal}", near, sequence, sided, signs, side == "left", id=f"{side}_{distal}")


def random_turns(sequence, count=200, seed=0):
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-3.1, -0.05, count) if sequence == "YXY" else rng.uniform(-1.5, 1.5, count)
    return np.stack([rng.uniform(-3.1, 3.1, count), middle, rng.uniform(-3.1, 3.1, count)], axis=-1)


@pytest.mark.parametrize(("distal", "proximal", "sequence", "names", "signs", "mirrored"), list(cases()))
def test_every_sequence_is_that_of_scipy(distal, proximal, sequence, names, signs, mirrored):
    turns = random_turns(sequence)
    relative = Rotation.from_euler(sequence, turns).as_matrix()
    if mirrored:
        relative = MIRROR @ relative @ MIRROR
    near = Rotation.random(len(turns), random_state=1).as_matrix()
    # One frame at a time: the angles of unrelated postures must not be joined up.
    for t in range(len(turns)):
        found = joint_angles({proximal: near[t : t + 1], distal: (near[t] @ relative[t])[None]})
        for name, sign, expected in zip(names, signs, turns[t], strict=True):
            if name:
                assert found[name][0] == pytest.approx(sign * expected, abs=1e-9), name


@pytest.mark.parametrize("segment", ["pelvis", "thorax"])
def test_in_the_room_tilt_and_list_do_not_depend_on_where_a_player_faces(segment):
    rotation, lean, tilt = 2.0, 0.2, -0.3
    for facing in np.linspace(-3, 3, 7):
        carried = Rotation.from_euler("Z", facing).as_matrix() @ UPRIGHT
        turned = carried @ Rotation.from_euler("YXZ", [rotation, lean, tilt]).as_matrix()
        found = joint_angles({segment: turned[None]})
        assert found[f"{segment}_list"][0] == pytest.approx(lean, abs=1e-12)
        assert found[f"{segment}_tilt"][0] == pytest.approx(tilt, abs=1e-12)
        off = found[f"{segment}_rotation"][0] - facing - rotation
        assert off == pytest.approx(2 * np.pi * np.round(off / (2 * np.pi)), abs=1e-12)


# Angle, the segment that moves, which of its directions, and where that one goes when the angle grows. "in" is towards
# the other side of the body, "out" away from it; world x forward, y left, z up, anatomical position.
WORDS = [
    ("pelvis_tilt", "pelvis", "up", "back"),
    ("pelvis_list", "pelvis", "up", "right"),
    ("pelvis_rotation", "pelvis", "forward", "left"),
    ("trunk_extension", "thorax", "up", "back"),
    ("trunk_bending", "thorax", "up", "right"),
    ("trunk_rotation", "thorax", "forward", "left"),
    ("head_extension", "head", "up", "back"),
    ("head_bending", "head", "up", "right"),
    ("head_rotation", "head", "forward", "left"),
    ("hip_flexion", "thigh", "down", "forward"),
    ("hip_adduction", "thigh", "down", "in"),
    ("hip_internal_rotation", "thigh", "forward", "in"),
    ("knee_flexion", "shank", "down", "back"),
    ("knee_adduction", "shank", "down", "in"),
    ("knee_internal_rotation", "shank", "forward", "in"),
    ("ankle_dorsiflexion", "foot", "forward", "up"),
    ("ankle_inversion", "foot", "down", "in"),
    ("ankle_internal_rotation", "foot", "forward", "in"),
    ("clavicle_protraction", "clavicle", "out", "forward"),
    ("clavicle_elevation", "clavicle", "out", "up"),
    ("elbow_flexion", "forearm", "down", "forward"),
    ("elbow_adduction", "forearm", "down", "in"),
    ("forearm_pronation", "forearm", "out", "forward"),
    ("wrist_flexion", "hand", "down", "forward"),
    ("wrist_deviation", "hand", "down", "in"),
]


def direction(word, side):
    left = 1.0 if side == "left" else -1.0
    return {
        "forward": np.array([1.0, 0, 0]),
        "back": np.array([-1.0, 0, 0]),
        "up": np.array([0, 0, 1.0]),
        "down": np.array([0, 0, -1.0]),
        "left": np.array([0, 1.0, 0]),
        "right": np.array([0, -1.0, 0]),
        "out": np.array([0, left, 0]),
        "in": np.array([0, -left, 0]),
    }[word]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("angle", "segment", "what", "where"), WORDS)
def test_signs_are_what_the_words_say_on_both_sides(angle, segment, what, where, side):
    name, moving = (angle, segment) if segment in SEGMENTS else (f"{side}_{angle}", f"{side}_{segment}")
    for turn in np.random.default_rng(0).normal(scale=1e-5, size=(20, 3)):
        axes = {other: UPRIGHT[None] for other in SEGMENTS}
        axes[moving] = (Rotation.from_rotvec(turn).as_matrix() @ UPRIGHT)[None]
        travelled = np.cross(turn, direction(what, side)) @ direction(where, side)
        assert joint_angles(axes)[name][0] == pytest.approx(travelled, abs=1e-8)


@pytest.mark.parametrize("side", SIDES)
def test_the_shoulder_in_words(side):
    left = 1.0 if side == "left" else -1.0

    def arm(plane, elevation, axial):
        """Hang, turn inward about itself, and raise it by the shortest way in a plane."""
        inward = Rotation.from_rotvec([0, 0, -left * axial])
        aim = np.array([np.sin(plane), left * np.cos(plane), 0])
        raised = Rotation.from_rotvec(elevation * np.cross([0, 0, -1.0], aim))
        return (raised * inward).as_matrix() @ UPRIGHT

    for plane, elevation, axial in [(0.0, 1.5, 0.0), (np.pi / 2, 1.0, 0.4), (-0.7, 0.3, -1.0), (1.2, 2.6, 0.2)]:
        found = joint_angles({"thorax": UPRIGHT[None], f"{side}_upper_arm": arm(plane, elevation, axial)[None]})
        assert found[f"{side}_shoulder_plane_of_elevation"][0] == pytest.approx(plane, abs=1e-12)
        assert found[f"{side}_shoulder_elevation"][0] == pytest.approx(elevation, abs=1e-12)
        both = found[f"{side}_shoulder_axial_rotation"][0] + plane
        assert both == pytest.approx(axial, abs=1e-12)


def test_the_hanging_arm_is_singular():
    def found(elevation, other=0.0):
        arm = UPRIGHT @ Rotation.from_euler("YXY", [0.6, -elevation, other]).as_matrix()
        return {k: v[0] for k, v in joint_angles({"thorax": UPRIGHT[None], "right_upper_arm": arm[None]}).items()}

    at = found(0.0)
    assert at["right_shoulder_elevation"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(at["right_shoulder_plane_of_elevation"])
    assert np.isnan(at["right_shoulder_axial_rotation"])
    near = found(1e-4, other=0.3)
    assert near["right_shoulder_plane_of_elevation"] == pytest.approx(0.6, abs=1e-6)
    assert near["right_shoulder_axial_rotation"] == pytest.approx(0.3, abs=1e-6)
    assert np.isnan(found(np.pi)["right_shoulder_plane_of_elevation"])
    # An error of 1e-3 in the axes is 11 times that in the plane at 5°, and stays as it is in the sum.
    small = Rotation.from_rotvec([1e-3, 0, 0]).as_matrix()
    sideways = UPRIGHT @ Rotation.from_euler("YXY", [np.pi / 2, -np.deg2rad(5), 0.0]).as_matrix()
    wrong = joint_angles({"thorax": (UPRIGHT @ small)[None], "right_upper_arm": sideways[None]})
    off = wrong["right_shoulder_plane_of_elevation"][0] - np.pi / 2
    assert abs(off) == pytest.approx(1e-3 / np.sin(np.deg2rad(5)), rel=0.02)
    assert abs(off + wrong["right_shoulder_axial_rotation"][0]) < 1e-3


def test_a_middle_turn_of_a_right_angle_is_singular():
    foot = UPRIGHT @ Rotation.from_euler("ZXY", [0.2, np.pi / 2, 0.1]).as_matrix()
    found = joint_angles({"right_shank": UPRIGHT[None], "right_foot": foot[None]})
    assert found["right_ankle_inversion"][0] == pytest.approx(np.pi / 2)
    assert np.isnan(found["right_ankle_dorsiflexion"][0])
    assert np.isnan(found["right_ankle_internal_rotation"][0])


def test_every_angle_is_there_and_absent_or_missing_segments_are_nan():
    thigh = np.repeat(UPRIGHT[None], 4, axis=0)
    thigh[2] = np.nan
    found = joint_angles({"pelvis": np.repeat(UPRIGHT[None], 4, axis=0), "left_thigh": thigh})
    assert tuple(found) == ANGLES == tuple(MEANINGS)
    assert all(values.shape == (4,) for values in found.values())
    known = {name for name, values in found.items() if np.isfinite(values).any()}
    assert known == {name for name in ANGLES if name.startswith(("pelvis", "left_hip"))}
    assert np.isnan(found["left_hip_flexion"]).tolist() == [False, False, True, False]
    assert found["left_hip_adduction"].dtype == np.float64
    assert len(joint_angles({"pelvis": np.empty((0, 3, 3))})["pelvis_tilt"]) == 0


def test_angles_go_on_beyond_half_a_turn():
    way = np.linspace(2.0, 5.0, 60)
    turned = UPRIGHT @ Rotation.from_euler("Y", way[:, None]).as_matrix()
    turned[20:24] = np.nan
    found = joint_angles({"pelvis": turned})["pelvis_rotation"]
    # The median, 3.5, is nearer to -2.8 within half a turn.
    np.testing.assert_allclose(found, np.where(np.isnan(found), np.nan, way - 2 * np.pi), atol=1e-12)
    assert np.isnan(found).sum() == 4


def test_pronation_of_both_arms_goes_on_beyond_half_a_turn():
    way = np.linspace(0.0, 3.4, 50)
    relative = Rotation.from_euler("ZXY", np.stack([0 * way + 1.0, 0 * way, way], axis=-1)).as_matrix()
    upper = np.repeat(UPRIGHT[None], way.size, axis=0)
    axes = {"right_upper_arm": upper, "right_forearm": upper @ relative}
    axes |= {"left_upper_arm": upper, "left_forearm": upper @ (MIRROR @ relative @ MIRROR)}
    for side in SIDES:
        np.testing.assert_allclose(joint_angles(axes)[f"{side}_forearm_pronation"], way, atol=1e-12)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "at least one segment"),
        ({"radius": UPRIGHT[None]}, "'radius' has no anatomical axes"),
        ({"pelvis": UPRIGHT}, r"axes of pelvis have shape \(3, 3\)"),
        ({"pelvis": UPRIGHT[None], "head": np.tile(UPRIGHT, (2, 1, 1))}, "one T for all"),
        ({"pelvis": 1.01 * UPRIGHT[None]}, "pelvis in frame 0 .* no right-handed unit axes"),
        ({"pelvis": np.stack([UPRIGHT, UPRIGHT @ MIRROR])}, "pelvis in frame 1"),
    ],
)
def test_refuses(axes, message):
    with pytest.raises(BodyError, match=message):
        joint_angles(axes)


def axes_of_the_twin(segments):
    """Anatomical axes of the twin's true segments, whose own axes are x forward, y left, z up with palms inward."""
    out = {}
    for segment in SEGMENTS:
        side, _, part = segment.partition("_")
        local = UPRIGHT
        if part in ("forearm", "hand"):
            # The thumb, forward in the twin's neutral posture, points outward with the palm forward.
            right = 1.0 if side == "right" else -1.0
            local = np.array([[0.0, 0, right], [right, 0, 0], [0, 1, 0]])
        out[segment] = segments[segment.replace("forearm", "radius")].axes @ local
    return out


def difference(a, b):
    off = a - b
    return np.abs(off - 2 * np.pi * np.round(off / (2 * np.pi))).max()


@pytest.mark.parametrize("kind", ["rom", "playing"])
def test_the_twin_bends_by_the_angles_it_says(kind):
    """Equal to 1e-6 rad where the definitions are the same up to sign and zero; by trend where they differ."""
    true = (
        body("P05")
        if kind == "playing"
        else rom_motion(anatomy("P05"), 50.0, np.random.default_rng(2)).at(np.arange(0.0, 50.0, 0.02))
    )
    found, said = joint_angles(axes_of_the_twin(true.segments)), true.angles_rad
    same = {
        "hip_flexion": ("hip_flexion", 1, 0),
        "hip_adduction": ("hip_abduction", -1, 0),
        "hip_internal_rotation": ("hip_rotation", -1, 0),
        "knee_flexion": ("knee_flexion", 1, 0),
        "ankle_dorsiflexion": ("ankle_flexion", 1, 0),
        "clavicle_protraction": ("clavicle_protraction", 1, 0),
        "clavicle_elevation": ("clavicle_elevation", 1, 0),
        "shoulder_plane_of_elevation": ("shoulder_plane", 1, 0),
        "shoulder_elevation": ("shoulder_elevation", 1, 0),
        "elbow_flexion": ("elbow_flexion", 1, 0),
        "forearm_pronation": ("forearm_pronation", 1, np.pi / 2),
        "wrist_flexion": ("wrist_flexion", 1, 0),
        # Its positive direction is the thumb's.
        "wrist_deviation": ("wrist_deviation", -1, 0),
    }
    for side in SIDES:
        for ours, (theirs, sign, zero) in same.items():
            expected = sign * said[f"{side}_{theirs}"] + zero
            assert difference(found[f"{side}_{ours}"], expected) < 1e-6, f"{side}_{ours}"
        # The twin's turn of the upper arm is what is left after the shortest turn; that of Y-X-Y is less by the plane.
        turn = found[f"{side}_shoulder_plane_of_elevation"] + found[f"{side}_shoulder_axial_rotation"]
        assert difference(turn, said[f"{side}_shoulder_rotation"]) < 1e-6
        # The twin's hinges bend in one plane.
        for name in ("knee_adduction", "elbow_adduction"):
            assert np.abs(found[f"{side}_{name}"]).max() < 1e-6
    # The twin turns trunk and head about the vertical first; Z-X-Y comes last to it, and small turns commute.
    trends = {
        "trunk_extension": ("trunk_lean", -1),
        "trunk_bending": ("trunk_tilt", 1),
        "trunk_rotation": ("trunk_turn", 1),
        "head_extension": ("head_nod", -1),
        "head_rotation": ("head_turn", 1),
    }
    for ours, (theirs, sign) in trends.items():
        a, b = found[ours], sign * said[theirs]
        if np.ptp(b) > 0.1:
            assert np.corrcoef(a, b)[0, 1] > 0.9, ours
            assert np.polyfit(b, a, 1)[0] == pytest.approx(1, abs=0.25), ours
