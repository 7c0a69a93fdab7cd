"""Plug-in Gait on a figure with known centres: values, parameter rules, gaps, and reasons for what is missing."""

import numpy as np
import pytest

from tests.unit.body.figure import figure, measurements, trial
from viodat.body import MARKER_SETS
from viodat.body.plug_in_gait import PIG_JOINTS, SIDES, plug_in_gait, requirements

LABELS = MARKER_SETS["plug-in-gait"].labels
ALL = [f"{side}_{joint}" for side in SIDES for joint in PIG_JOINTS]


def shift(a, b):
    return np.linalg.norm(a - b, axis=-1)


@pytest.fixture(scope="module")
def points():
    return figure()[0]


@pytest.fixture(scope="module")
def truth():
    return figure()[1]


def test_finds_every_centre(points, truth):
    found = plug_in_gait(trial(points, LABELS), measurements())
    assert found.missing == {}
    assert found.notes == ()
    for joint in ALL:
        np.testing.assert_allclose(found.centres[joint], truth[joint], atol=1e-6, err_msg=joint)
    for extra in ("left_hand", "right_hand", "thorax_origin"):
        np.testing.assert_allclose(found.extra[extra], truth[extra], atol=1e-6, err_msg=extra)
    middle = (truth["left_pelvis"] + truth["right_pelvis"]) / 2
    np.testing.assert_allclose(found.extra["mid_hip"], middle, atol=1e-6)


def test_marker_diameter_is_14_where_none_is_declared(points):
    subject = measurements()
    declared = plug_in_gait(trial(points, LABELS), subject)
    for absent in ({}, {"marker_diameter_mm": 0.0}, {"marker_diameter_mm": float("nan")}):
        del subject["marker_diameter_mm"]
        subject |= absent
        found = plug_in_gait(trial(points, LABELS), subject)
        np.testing.assert_array_equal(found.centres["left_wrist"], declared.centres["left_wrist"])
        assert found.notes == ("marker_diameter_mm is not given: 14 mm was assumed, as Vicon does",)
        subject.setdefault("marker_diameter_mm", 0.0)


def test_wrong_diameter_moves_centres_by_half_the_difference(points):
    right = plug_in_gait(trial(points, LABELS), measurements())
    wrong = plug_in_gait(trial(points, LABELS), measurements() | {"marker_diameter_mm": 18.0})
    moved = shift(right.centres["left_pelvis"], wrong.centres["left_pelvis"])
    np.testing.assert_allclose(moved, 2.0, atol=1e-9)
    assert (shift(right.centres["left_knee"], wrong.centres["left_knee"]) > 1.9).all()


def test_declared_inter_asis_distance_wins_and_the_note_has_both_numbers(points):
    found = plug_in_gait(trial(points, LABELS), measurements() | {"inter_asis_distance_mm": 204.0})
    apart = shift(found.centres["left_pelvis"], found.centres["right_pelvis"])
    np.testing.assert_allclose(apart, 2 * (204 / 2 - 99.7 * np.sin(0.5)), atol=1e-9)
    (note,) = found.notes
    assert "204.0" in note
    assert "250.0" in note
    assert "23.0 mm elsewhere" in note


@pytest.mark.parametrize("stored", [None, 0.0])
def test_inter_asis_distance_is_measured_where_not_declared(points, truth, stored):
    subject = measurements()
    del subject["inter_asis_distance_mm"]
    if stored is not None:
        subject["inter_asis_distance_mm"] = stored
    gap = points | {"LASI": points["LASI"].copy()}
    gap["LASI"][1] = np.nan
    found = plug_in_gait(trial(gap, LABELS), subject)
    np.testing.assert_allclose(found.centres["left_pelvis"][0], truth["left_pelvis"][0], atol=1e-6)
    assert "250.0 mm" in found.notes[0]


def test_inter_asis_distance_comes_from_the_static_trial_if_there_is_one(points, truth):
    subject = measurements()
    del subject["inter_asis_distance_mm"]
    out = (points["LASI"] - points["RASI"]) * 0.1
    moved = points | {"LASI": points["LASI"] + out, "RASI": points["RASI"] - out}
    found = plug_in_gait(trial(moved, LABELS), subject, static=trial(points, LABELS))
    np.testing.assert_allclose(found.centres["left_pelvis"], truth["left_pelvis"], atol=1e-6)
    assert "the static trial" in found.notes[0]


def test_trochanter_distance_is_used_only_where_given_and_not_zero(points):
    base = plug_in_gait(trial(points, LABELS), measurements())
    zero = plug_in_gait(trial(points, LABELS), measurements() | {"asis_trochanter_distance_left_mm": 0.0})
    given = plug_in_gait(trial(points, LABELS), measurements() | {"asis_trochanter_distance_left_mm": 90.24})
    np.testing.assert_array_equal(zero.centres["left_pelvis"], base.centres["left_pelvis"])
    moved = shift(given.centres["left_pelvis"], base.centres["left_pelvis"])
    np.testing.assert_allclose(moved, 10.0, atol=1e-9)
    np.testing.assert_array_equal(given.centres["right_pelvis"], base.centres["right_pelvis"])


def test_sacral_marker_stands_in_for_the_psis_pair(points, truth):
    found = plug_in_gait(trial(points, MARKER_SETS["plug-in-gait-sacr"].labels), measurements())
    np.testing.assert_allclose(found.centres["right_knee"], truth["right_knee"], atol=1e-6)


@pytest.mark.parametrize(("name", "joint", "plane_marker"), [("thigh", "knee", "THI"), ("shank", "ankle", "TIB")])
def test_rotation_turns_the_plane_by_its_angle_and_mirrors(points, name, joint, plane_marker):
    angle = 0.2
    subject = measurements() | {f"{name}_rotation_{side}_rad": angle for side in SIDES}
    found = plug_in_gait(trial(points, LABELS), subject)
    before = {"knee": "pelvis", "ankle": "knee"}[joint]
    signed = {}
    for side in SIDES:
        c, t = found.centres[f"{side}_{joint}"], found.centres[f"{side}_{before}"]
        j = points[side[0].upper() + {"knee": "KNE", "ankle": "ANK"}[joint]]
        s = points[side[0].upper() + plane_marker]
        np.testing.assert_allclose(np.sum((t - c) * (j - c), axis=-1), 0, atol=1e-6)
        n1, n2 = np.cross(t - c, j - c), np.cross(t - c, s - c)
        between = np.arccos(np.sum(n1 * n2, axis=-1) / shift(n1, 0) / shift(n2, 0))
        np.testing.assert_allclose(between, angle, atol=1e-9)
        signed[side] = np.sign(np.sum(np.cross(n2, n1) * (t - c), axis=-1))
    np.testing.assert_array_equal(signed["left"], -signed["right"])


@pytest.mark.parametrize(
    ("label", "lost"),
    [
        ("SACR", set()),
        ("LASI", {"left_pelvis", "right_pelvis", "left_knee", "right_knee", "left_ankle", "right_ankle"}),
        ("LTHI", {"left_knee", "left_ankle"}),
        ("LTIB", {"left_ankle"}),
        ("C7", {f"{side}_{joint}" for side in SIDES for joint in ("shoulder", "elbow", "wrist")}),
        ("RSHO", {"right_shoulder", "right_elbow", "right_wrist"}),
        ("RWRB", {"right_elbow", "right_wrist"}),
        ("LFIN", set()),
    ],
)
def test_a_gap_costs_its_own_frame_and_what_follows_from_it(points, label, lost):
    gap = points | {label: points[label].copy()}
    gap[label][2] = np.nan
    found = plug_in_gait(trial(gap, LABELS), measurements())
    for joint in ALL:
        missing = np.isnan(found.centres[joint]).all(axis=-1)
        assert missing.tolist() == [i == 2 and joint in lost for i in range(5)], joint


@pytest.mark.parametrize(
    ("removed", "joint", "reason"),
    [
        ("LASI", "right_pelvis", "marker LASI is missing in all 5 frames"),
        ("LPSI", "left_pelvis", "markers LPSI and RPSI (or SACR in their place) are missing in all 5 frames"),
        ("knee_width_left_mm", "left_ankle", "measurement knee_width_left_mm is missing"),
        ("leg_length_right_mm", "left_pelvis", "measurement leg_length_right_mm is missing"),
    ],
)
def test_says_why_a_joint_is_missing(points, removed, joint, reason):
    labels = [label for label in LABELS if label != removed]
    subject = {name: value for name, value in measurements().items() if name != removed}
    assert plug_in_gait(trial(points, labels), subject).missing[joint] == reason


def test_markers_that_never_meet(points):
    parted = points | {"LASI": points["LASI"].copy(), "RASI": points["RASI"].copy()}
    parted["LASI"][:3] = np.nan
    parted["RASI"][3:] = np.nan
    reason = plug_in_gait(trial(parted, LABELS), measurements()).missing["left_pelvis"]
    assert reason.startswith("no frame of 5 frames holds all of LASI and RASI")


@pytest.mark.parametrize("value", [-110.0, 0.0, np.nan, np.inf])
def test_impossible_lengths_count_as_not_measured(points, value):
    found = plug_in_gait(trial(points, LABELS), measurements() | {"knee_width_right_mm": value})
    assert found.missing["right_knee"] == "measurement knee_width_right_mm is missing"
    assert "left_knee" not in found.missing


@pytest.mark.filterwarnings("error")
def test_absurd_values_give_nan_not_infinity(points):
    wild = {label: p * 1e200 for label, p in points.items()}
    found = plug_in_gait(trial(wild, LABELS), measurements())
    for centre in (*found.centres.values(), *found.extra.values()):
        assert not np.isinf(centre).any()


def test_requirements_follow_the_chain():
    markers, lengths = requirements("ankle", "left")
    assert markers == ("LASI", "RASI", "LKNE", "LTHI", "LANK", "LTIB")
    assert lengths[-2:] == ("knee_width_left_mm", "ankle_width_left_mm")
