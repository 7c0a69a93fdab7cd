"""Exchanged left and right labels are found, and straight ones left alone."""

import numpy as np
import pytest

from tests.unit.body.figure import figure, trial
from viodat.body import MARKER_SETS, audit_sides, joint_centres

PIG = MARKER_SETS["plug-in-gait"].labels
STEMS = sorted({label[1:] for label in PIG if label[0] in "LR" and label != "RBAK"})


@pytest.fixture(scope="module")
def points():
    return figure()[0]


def exchanged(recorded, *stems):
    return recorded.renamed({a + stem: b + stem for stem in stems for a, b in ("LR", "RL")})


def test_straight_labels_are_left_alone(points):
    for marker_set in MARKER_SETS.values():
        recorded = trial(points, marker_set.labels)
        assert audit_sides(recorded, joint_centres(recorded)) == [], marker_set.name


@pytest.mark.parametrize("stem", STEMS)
def test_one_exchanged_pair_is_named(points, stem):
    (finding,) = audit_sides(exchanged(trial(points, PIG), stem))
    assert finding.startswith(f"L{stem} and R{stem} look exchanged: L{stem} ")
    assert " mm " in finding


def test_the_numbers_are_the_distances(points):
    (finding,) = audit_sides(exchanged(trial(points, PIG), "ASI"))
    assert "LASI lies 250 mm to the right of RASI" in finding
    (finding,) = audit_sides(exchanged(trial(points, PIG), "KNE"))
    other = finding.split("mm from ")[1].split(" ")[0]
    measured = np.linalg.norm(points["RKNE"] - points[other], axis=-1)[0]
    assert f"LKNE is {measured:.0f} mm from {other}" in finding


def test_two_pairs_of_one_limb(points):
    found = audit_sides(exchanged(trial(points, PIG), "KNE", "ANK"))
    assert [f.split(" ")[0] for f in found] == ["LKNE", "LANK"]


def test_a_whole_limb_and_the_whole_body(points):
    leg = audit_sides(exchanged(trial(points, PIG), "THI", "KNE", "TIB", "ANK", "HEE", "TOE"))
    assert [f.split(" ")[0] for f in leg] == ["LTHI", "LKNE", "LTIB", "LANK", "LHEE", "LTOE"]
    (body,) = audit_sides(exchanged(trial(points, PIG), *STEMS))
    assert body.startswith(f"all {len(STEMS)} left and right pairs look exchanged")


def test_limbs_are_tested_without_a_trunk(points):
    (finding,) = audit_sides(
        exchanged(trial(points, ["LTHI", "RTHI", *(s + m for s in "LR" for m in ("KNE", "TIB", "ANK"))]), "THI")
    )
    assert finding.startswith("LTHI and RTHI look exchanged")


def test_exchange_in_part_of_the_frames():
    points, _ = figure(frames=40)
    left, right = points["LKNE"].copy(), points["RKNE"].copy()
    left[12:20], right[12:20] = points["RKNE"][12:20], points["LKNE"][12:20]
    (finding,) = audit_sides(trial(points | {"LKNE": left, "RKNE": right}, PIG))
    assert finding == "LKNE and RKNE look exchanged in 8 of 40 frames, first in frame 13"


def test_named_joints_are_tested_on_the_joints(points):
    recorded = exchanged(trial(points, MARKER_SETS["named-joints"].labels), "Knee")
    (finding,) = audit_sides(recorded, joint_centres(recorded))
    assert finding.startswith("left_knee (LKnee) and right_knee (RKnee) look exchanged")


@pytest.mark.filterwarnings("error")
def test_nothing_to_test(points):
    gone = {label: p * np.nan for label, p in points.items()}
    assert audit_sides(trial(gone, PIG)) == []
    assert audit_sides(trial({k: p[:0] for k, p in points.items()}, PIG)) == []
    assert audit_sides(trial(points, ["C7"])) == []
