"""The marker diameter that stored centres were computed with is found from them."""

import numpy as np
import pytest

from tests.unit.body.figure import figure, measurements, trial
from viodat.body import MARKER_SETS, declared_diameter_check, stored_centres
from viodat.body.marker_diameter import STORED_CENTRES
from viodat.body.plug_in_gait import plug_in_gait

LABELS = MARKER_SETS["plug-in-gait"].labels


@pytest.fixture(scope="module")
def recorded():
    points, truth = figure(frames=30)
    virtual = {point: truth[joint] for joint, point in STORED_CENTRES.items()}
    for side, mark in (("left", "L"), ("right", "R")):
        half = np.array([0.0, 0.0, 40.0])
        virtual |= {f"{mark}HNO": truth[f"{side}_hand"] - half, f"{mark}HNP": truth[f"{side}_hand"] + half}
    return trial(points, LABELS, virtual=virtual)


def test_hand_origin_is_the_middle_of_two_points(recorded):
    _, truth = figure(frames=30)
    np.testing.assert_allclose(stored_centres(recorded)["left_hand"], truth["left_hand"], atol=1e-9)


@pytest.mark.parametrize(("declared", "contradicts"), [(14.0, False), (10.0, True), (25.0, True), (None, False)])
def test_finds_the_diameter_that_was_used(recorded, declared, contradicts):
    subject = {k: v for k, v in measurements().items() if k != "marker_diameter_mm"}
    check = declared_diameter_check(recorded, subject | ({"marker_diameter_mm": declared} if declared else {}))
    declared_mm, used_mm, residual_mm = check
    assert declared_mm == (declared or 14.0)
    assert used_mm == pytest.approx(14.0, abs=1e-4)
    assert residual_mm < 1e-3
    assert check.contradicts is contradicts


def test_one_wrong_width_does_not_draw_the_diameter(recorded):
    check = declared_diameter_check(recorded, measurements() | {"wrist_width_left_mm": 70.0})
    assert check.used_mm == pytest.approx(14.0, abs=1e-3)
    assert not check.contradicts


def test_wrong_leg_length_is_no_finding_about_the_diameter(recorded):
    subject = measurements() | {"leg_length_left_mm": 900.0, "leg_length_right_mm": 900.0}
    subject |= {f"shoulder_offset_{side}_mm": 20.0 for side in ("left", "right")}
    check = declared_diameter_check(recorded, subject)
    assert check.residual_mm > 0.02
    assert not check.contradicts


def test_undeclared_inter_asis_distance_is_the_mean_over_all_frames():
    # In the first and last frame, which any choice of frames includes, the distance is another one.
    points, _ = figure(frames=250)
    out = (points["LASI"] - points["RASI"]) * 0.2
    out[1:-1] = 0.0
    points |= {"LASI": points["LASI"] + out, "RASI": points["RASI"] - out}
    subject = {name: value for name, value in measurements().items() if name != "inter_asis_distance_mm"}
    hips = plug_in_gait(trial(points, LABELS), subject).centres
    stored = {"LFEP": hips["left_pelvis"], "RFEP": hips["right_pelvis"]}
    check = declared_diameter_check(trial(points, LABELS, virtual=stored), subject)
    assert check.used_mm == pytest.approx(14.0, abs=1e-4)
    assert check.residual_mm < 1e-4


def test_nothing_to_compare():
    points, truth = figure()
    assert declared_diameter_check(trial(points, LABELS)) is None
    assert declared_diameter_check(trial(points, LABELS, virtual={"LFEP": truth["left_pelvis"] * np.nan})) is None
    assert declared_diameter_check(trial(points, ["C7"], virtual={"LFEP": truth["left_pelvis"]})) is None
