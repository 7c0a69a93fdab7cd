"""Anatomical axes: by hand on a figure, against the twin's true segments, and with points missing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.unit.body.figure import figure
from tests.unit.body.test_angles import UPRIGHT, axes_of_the_twin
from tests.unit.synth.player.bodies import anatomy
from viodat.body import MARKER_SETS
from viodat.body.anatomical_axes import SEGMENTS, anatomical_axes
from viodat.body.angles import joint_angles
from viodat.joints import JOINTS
from viodat.synth.lab.marker_set import MARKERS, place
from viodat.synth.player.trials import static_motion

BOTH = ("left", "right")
ALL = {"pelvis", "thorax", "head"} | {
    f"{side}_{part}" for side in BOTH for part in ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shank", "foot")
}


@pytest.fixture(scope="module")
def posture():
    """Joints and markers of the first frame of the figure, which stands in a turned room."""
    points, truth = figure()
    joints = {joint: truth[joint][0] for joint in JOINTS}
    return joints, {label: points[label][0] for label in MARKER_SETS["plug-in-gait-medial"].labels}


def to_room(posture, axes):
    """Axes as seen by the figure itself: its own forward, left, up, in which its points are listed."""
    left_asis, right_asis, left_psis, right_psis = (posture[1][label] for label in ("LASI", "RASI", "LPSI", "RPSI"))
    # It has ASIS and PSIS at one height, with their middles one behind the other.
    forward, left = left_asis + right_asis - left_psis - right_psis, left_asis - right_asis
    forward, left = forward / np.linalg.norm(forward), left / np.linalg.norm(left)
    own = np.stack([forward, left, np.cross(forward, left)], axis=-1)
    return {segment: own.T @ matrix for segment, matrix in axes.items()}


def test_all_axes_are_right_handed_and_point_forward_up_and_right(posture):
    assert set(SEGMENTS) == ALL
    axes = anatomical_axes(*posture)
    assert set(axes) == ALL
    for segment, matrix in to_room(posture, axes).items():
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(3), atol=1e-12)
        assert np.linalg.det(matrix) == pytest.approx(1)
        if segment.endswith(("forearm", "hand")):
            continue  # The figure's elbows are bent.
        forward, up, right = matrix.T
        assert forward[0] > 0.8, segment
        assert up[2] > 0.8, segment
        assert right[1] < -0.8, segment


def test_by_hand(posture):
    """Places are those of tests/unit/body/figure.py, in the figure's own x forward, y left, z up."""
    axes = to_room(posture, anatomical_axes(*posture))
    np.testing.assert_allclose(axes["pelvis"], UPRIGHT, atol=1e-12)
    # The middle of C7 and CLAV less that of T10 and STRN, in the plane of forward and up.
    up = np.array([(7 - 113) / 2 - (27 - 133) / 2, 0, (1400 + 1440) / 2 - (1210 + 1230) / 2])
    np.testing.assert_allclose(axes["thorax"][:, 1], up / np.linalg.norm(up), atol=1e-12)
    np.testing.assert_allclose(axes["thorax"][:, 2], [0, -1, 0], atol=1e-12)
    # From the notch (7, 0, 1400) to the acromion.
    shoulder = np.array([0, 180, 1385.0]) + 52 * np.array([0, 15, 180]) / np.hypot(180, 15)
    out = shoulder - np.array([7, 0, 1400])
    np.testing.assert_allclose(axes["left_clavicle"][:, 2], -out / np.linalg.norm(out), atol=1e-12)
    np.testing.assert_allclose(axes["right_clavicle"][:, 2], out * [1, -1, 1] / np.linalg.norm(out), atol=1e-12)
    thigh, shank = np.array([20, -10, -400.0]), np.array([-15, 5, -400.0])
    for side, mirror in (("left", [1, 1, 1]), ("right", [1, -1, 1])):
        np.testing.assert_allclose(axes[f"{side}_thigh"][:, 1], -thigh * mirror / np.linalg.norm(thigh), atol=1e-12)
        np.testing.assert_allclose(axes[f"{side}_shank"][:, 1], -shank * mirror / np.linalg.norm(shank), atol=1e-12)
        toe = np.array([190, 10, -10]) * mirror
        np.testing.assert_allclose(axes[f"{side}_foot"][:, 0], toe / np.linalg.norm(toe), atol=1e-12)
        # The epicondyles' line to the right, (0, -1, 0), less its part along the thigh.
        part = (10 if side == "left" else -10) * (thigh * mirror) / (thigh @ thigh)
        right = np.array([0, -1, 0]) - part
        np.testing.assert_allclose(axes[f"{side}_thigh"][:, 2], right / np.linalg.norm(right), atol=1e-12)


def test_both_sides_are_mirror_images(posture):
    axes = to_room(posture, anatomical_axes(*posture))
    flip, mirror = np.diag([1.0, -1, 1]), np.diag([1.0, 1, -1])
    for part in ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shank", "foot"):
        np.testing.assert_allclose(axes[f"left_{part}"], flip @ axes[f"right_{part}"] @ mirror, atol=1e-12)
    angles = joint_angles({segment: matrix[None] for segment, matrix in axes.items()})
    for name, values in angles.items():
        if name.startswith("left_"):
            assert values == pytest.approx(angles[name.replace("left", "right")], abs=1e-9), name
    assert angles["left_elbow_flexion"][0] > 1.0
    assert np.abs(angles["left_wrist_deviation"][0]) < 0.1


def test_axes_turn_with_the_body_and_do_not_care_where_it_stands(posture):
    turn, shift = Rotation.from_rotvec([0.3, -1.2, 2.0]), np.array([300.0, -2000, 50])
    moved = [{name: turn.apply(point) + shift for name, point in points.items()} for points in posture]
    for segment, matrix in anatomical_axes(*moved).items():
        np.testing.assert_allclose(matrix, turn.as_matrix() @ anatomical_axes(*posture)[segment], atol=1e-10)


@pytest.mark.parametrize(
    ("absent", "gone"),
    [
        (("LASI",), {"pelvis"}),
        (("LPSI",), {"pelvis"}),
        (("C7",), {"thorax", "left_clavicle", "right_clavicle"}),
        (("RFHD",), {"head"}),
        (("LSHO",), {"left_clavicle"}),
        (("left_shoulder",), {"left_upper_arm"}),
        (("left_elbow",), {"left_upper_arm", "left_forearm"}),
        (("RWRA",), {"right_forearm"}),
        (("right_wrist",), {"right_forearm", "right_hand"}),
        (("right_knee",), {"right_thigh", "right_shank", "right_foot"}),
        (("LTOE",), {"left_foot"}),
    ],
)
def test_what_its_points_do_not_define_is_absent(posture, absent, gone):
    for missing in (None, np.full(3, np.nan)):
        points = [dict(each) for each in posture]
        for each in points:
            for name in absent:
                if name in each:
                    each.pop(name)
                    if missing is not None:
                        each[name] = missing
        assert ALL - set(anatomical_axes(*points)) == gone
    assert anatomical_axes({}, {}) == {}


def test_points_on_one_line_define_nothing():
    joints = {"left_pelvis": [0, 0, 800.0], "left_knee": [0, 0, 400.0], "left_ankle": [0, 0, 0.0]}
    assert anatomical_axes(joints, {"LKNE": [0, 0, 390.0], "LANK": [0, 50, 0.0]}).keys() == {"left_shank"}


def test_without_medial_markers_the_lateral_one_and_the_centre_give_the_plane(posture):
    joints, markers = posture
    few = {label: point for label, point in markers.items() if label[1:] not in ("ELM", "KNM", "MED")}
    medial = {label: point for label, point in markers.items() if label[1:] not in ("ELB", "KNE", "ANK")}
    full = anatomical_axes(joints, markers)
    # The figure's joints are midway, so nothing changes.
    for points in (few, medial):
        axes = anatomical_axes(joints, points)
        assert set(axes) == ALL
        for segment in full:
            np.testing.assert_allclose(axes[segment], full[segment], atol=1e-9, err_msg=segment)


def test_other_labels_for_the_same_landmarks(posture):
    joints, markers = posture
    full = anatomical_axes(joints, markers)
    names = {"ELB": "HLE", "ELM": "HME", "WRA": "RSP", "WRB": "USP", "KNE": "FLE", "KNM": "FME", "ANK": "FAL"}
    names["MED"] = "TAM"
    bony = {f"{mark}_{name}": markers[mark + stem] for mark in "LR" for stem, name in names.items()}
    axes = anatomical_axes(joints, bony)
    limbs = ("upper_arm", "forearm", "hand", "thigh", "shank")
    assert set(axes) == {f"{side}_{part}" for side in BOTH for part in limbs}
    for segment, matrix in axes.items():
        np.testing.assert_allclose(matrix, full[segment], atol=1e-12)
    middle = (markers["LPSI"] + markers["RPSI"]) / 2
    pelvis = {"LASI": markers["LASI"], "RASI": markers["RASI"], "SACR": middle}
    np.testing.assert_allclose(anatomical_axes({}, pelvis)["pelvis"], full["pelvis"], atol=1e-12)
    with_t8 = anatomical_axes(joints, markers | {"T8": markers["T10"] + (markers["C7"] - markers["T10"]) / 4})
    assert not np.allclose(with_t8["thorax"], full["thorax"])


def test_without_knuckles_the_hand_follows_the_styloids(posture):
    joints, markers = posture
    few = {joint: point for joint, point in joints.items() if not joint.endswith(("index", "pinky"))}
    axes = anatomical_axes(few, markers)
    for side in BOTH:
        hand, forearm = axes[f"{side}_hand"], axes[f"{side}_forearm"]
        wrist, knuckle = joints[f"{side}_wrist"], markers[f"{side[0].upper()}FIN"]
        np.testing.assert_allclose(hand[:, 1], (wrist - knuckle) / np.linalg.norm(wrist - knuckle), atol=1e-12)
        assert abs((forearm.T @ hand)[2, 0]) < 0.05
    # The hand's origin goes before the marker on its back.
    origin = few | {"left_hand": joints["left_wrist"] + [0, 0, -100.0]}
    np.testing.assert_allclose(anatomical_axes(origin, markers)["left_hand"][:, 1], [0, 0, 1], atol=1e-12)


def test_metatarsal_heads_turn_the_foot_about_its_length(posture):
    joints, markers = posture
    flat = anatomical_axes(joints, markers)["left_foot"]
    lifted = 90 * (flat[:, 2] * np.cos(0.3) + flat[:, 1] * np.sin(0.3))
    heads = {"LMT1": markers["LTOE"] + lifted / 2, "LMT5": markers["LTOE"] - lifted / 2}
    foot = anatomical_axes(joints, markers | heads)["left_foot"]
    np.testing.assert_allclose(foot[:, 0], flat[:, 0], atol=1e-12)
    assert np.arctan2(foot[:, 2] @ flat[:, 1], foot[:, 2] @ flat[:, 2]) == pytest.approx(0.3)


# Rotation between our axes and the twin's own, degrees about x, y, z of the right side, and how near to it they are.
# Its bones' axes: pelvis upright where the ISB's is tilted with the iliac spines; clavicle straight to the side where
# the ISB's runs back to the acromion; malleoli turned by 5.7°; knuckles oblique; heads of the metatarsals sloping.
DEFINITIONS = {
    "pelvis": ((0, 0, -12.9), 0.5),
    "thorax": ((0, 0, 0.5), 0.5),
    "head": ((0, 0, 3.2), 0.5),
    "clavicle": ((-10, -17, -1), 6),
    "upper_arm": ((0, 0, 0), 0.5),
    "forearm": ((0, 0, 0), 0.5),
    "hand": ((2.7, -1.7, -0.5), 0.5),
    "thigh": ((0, 0, 0), 0.5),
    "shank": ((0, -5.7, 0), 0.5),
    "foot": ((3.7, -1.4, 2.2), 1.5),
}


class _Steady:
    """A hand that errs nowhere, for a random generator."""

    def standard_normal(self, count: int) -> np.ndarray:
        return np.zeros(count)


@pytest.mark.parametrize("who", ["P05", "P08", "P11"])
def test_axes_of_the_twin_are_its_own_up_to_their_definitions(who):
    person = anatomy(who)
    body = static_motion(person, np.random.default_rng(2)).at(np.array([0.0]))
    places = place(person, _Steady()).places
    markers = {m.label: body.segments[m.segment].point(places[i])[0] for i, m in enumerate(MARKERS) if m.tissue}
    found = anatomical_axes({joint: body.joint(joint)[0] for joint in JOINTS}, markers)
    true = axes_of_the_twin(body.segments)
    assert set(found) == ALL
    for segment, matrix in found.items():
        expected, within = DEFINITIONS[segment.removeprefix("left_").removeprefix("right_")]
        off = np.rad2deg(Rotation.from_matrix(true[segment][0].T @ matrix).as_rotvec())
        mirror = np.array([-1, -1, 1]) if segment.startswith("left_") else np.ones(3)
        np.testing.assert_allclose(off * mirror, expected, atol=within, err_msg=segment)
