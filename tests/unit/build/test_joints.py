"""From markers to joints in a build: which method gives which joint, and what is said and refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.body.figure import figure, trial
from tests.unit.body.skeleton.moving import hidden, moving_trial, static_trial
from viodat.body import get_marker_set, joint_centres
from viodat.build.functional import functional_joints
from viodat.build.gates import GATES
from viodat.build.joints import FROM_FIT, chosen_method, find_joints, prepare_markers
from viodat.build.options import JOINT_METHODS, BuildOptions
from viodat.build.reading import Measurements, TrialInputs
from viodat.capture.config import CaptureConfig
from viodat.errors import BodyError, ConfigError
from viodat.joints import JOINT_INDEX, JOINTS

SET = get_marker_set("plug-in-gait-hands")
CONFIG = CaptureConfig()
THUMBS = {"left_thumb": "marker", "right_thumb": "marker"}


@pytest.fixture(scope="module")
def moving():
    return moving_trial(SET.labels, 150)[0]


@pytest.fixture(scope="module")
def still():
    return static_trial(SET.labels)


def inputs(markers, static=None, rom=None):
    return TrialInputs(markers, static, Measurements(markers.subject.measurements, {}, ()), rom)


def found(given, method="auto", config=CONFIG):
    prepared = prepare_markers(given, config, GATES, method)
    return prepared, find_joints(prepared, given.measurements.values, config, method)


def kinds(result):
    return {joint: how.split("(")[0].split(":")[0] for joint, how in zip(JOINTS, result.joints.method, strict=True)}


def test_auto_fits_a_skeleton(moving, still):
    _, result = found(inputs(moving, still))
    # The one marker of a thumb is no segment: it stays the marker over the joint.
    assert {joint: kind for joint, kind in kinds(result).items() if kind != "skeleton"} == THUMBS
    assert result.fit is not None
    assert np.isfinite(result.fit.sigma_frames_mm[:, [i for j, i in JOINT_INDEX.items() if j not in THUMBS]]).all()
    assert result.alarms == ()


def test_frame_by_frame_methods_are_as_they_were(moving, still):
    for method in ("pig", "midpoints"):
        _, result = found(inputs(moving, still), method)
        alone = joint_centres(moving, static=still, subject=moving.subject.measurements, method=method)
        assert result.fit is None
        assert result.joints.method == alone.method
        np.testing.assert_array_equal(result.joints.positions_mm, alone.positions_mm)


def test_a_joint_that_the_fit_leaves_open_comes_from_the_frames(moving, still):
    """With one marker on the thorax no arm hangs on anything, but the wrist bar still tells where the wrist is."""
    bare = hidden(moving, [label for label in SET.of_segment("thorax") if label != "C7"])
    _, result = found(inputs(bare, still))
    of = kinds(result)
    assert of["left_knee"] == "skeleton"
    assert of["left_wrist"] == "midpoint"
    assert of["left_elbow"] == "none"
    assert any("left_wrist is computed frame by frame (midpoint" in note for note in result.notes)
    i = JOINT_INDEX["left_wrist"]
    np.testing.assert_array_equal(result.joints.positions_mm[:, i], result.framewise.positions_mm[:, i])


def test_points_of_capture_toml_stand_above_all(moving, still):
    config = CaptureConfig.model_validate({"joints": {"points": {"left_knee": "LKNE"}}})
    _, result = found(inputs(moving, still), config=config)
    assert kinds(result)["left_knee"] == "named"
    np.testing.assert_array_equal(result.joints.joint("left_knee"), moving.marker("LKNE"))
    assert kinds(result)["right_knee"] == "skeleton"


def test_named_joints_are_taken_as_they_are_and_a_note_says_why():
    labels = get_marker_set("named-joints").labels
    recorded = trial(figure(60)[0], labels)
    prepared, result = found(inputs(recorded))
    assert prepared.filled is None
    assert prepared.labels is None
    assert result.fit is None
    (note,) = [note for note in result.notes if "frame by frame" in note]
    assert "joints that another system computed" in note
    assert result.alarms == ()


def test_a_set_without_pelvis_and_thorax_is_computed_frame_by_frame():
    recorded = trial(figure(60)[0], get_marker_set("anatomical-landmarks").labels)
    _, result = found(inputs(recorded))
    assert result.fit is None
    assert kinds(result)["left_knee"] == "midpoint"
    (note,) = [note for note in result.notes if "frame by frame" in note]
    assert "shows 3 markers of pelvis or thorax" in note
    with pytest.raises(BodyError, match=r"method 'regression' needs: .*pelvis or thorax.*--joint-centres auto"):
        found(inputs(recorded), "regression")


def test_regression_learns_nothing_from_the_motion(moving, still):
    _, result = found(inputs(moving, still), "regression")
    assert result.fit is not None
    assert {joint.moved_mm for joint in result.fit.report.joints if joint.source} == {0.0}


def test_functional_needs_a_range_of_motion_trial_that_determines_the_hips(moving, still):
    with pytest.raises(BodyError, match=r"no range-of-motion trial, which method 'functional' needs"):
        found(inputs(moving, still), "functional")
    little = moving_trial(SET.labels, 200, turn_rad=0.02)[0]
    reason = r"functional centre of left_pelvis is refused: pelvis and thigh need three markers each"
    with pytest.raises(BodyError, match=reason):
        found(inputs(moving, still, little), "functional")


def test_functional_joints_have_their_numbers():
    clusters = get_marker_set("viodat-96")
    wide = moving_trial(clusters.take_labels, 400, turn_rad=1.2, seed=3)[0]
    by_joint = {entry.joint: entry for entry in functional_joints(wide, clusters)}
    hip = by_joint["left_pelvis"]
    assert hip.kind == "centre"
    assert hip.accepted, hip.reason
    assert hip.condition < 30
    assert hip.residual_mm < 1
    assert by_joint["left_knee"].kind == "axis"
    little = moving_trial(clusters.take_labels, 400, turn_rad=0.05, seed=3)[0]
    refused = functional_joints(little, clusters)[0]
    assert not refused.accepted
    assert "below the limit of 30°" in refused.reason


def test_exchanged_sides_are_put_right_with_an_alarm(moving, still):
    names = {a + label[1:]: b + label[1:] for label in SET.labels for a, b in ("LR", "RL") if label[0] == a}
    names = {old: new for old, new in names.items() if old in SET.labels and new in SET.labels}
    prepared, result = found(inputs(moving.renamed(names), still))
    _, straight = found(inputs(moving, still))
    (alarm,) = prepared.alarms
    assert "left and right are exchanged" in alarm
    assert alarm.endswith("repaired")
    np.testing.assert_allclose(result.joints.positions_mm, straight.joints.positions_mm, atol=1e-6)
    # A static trial with the same mistake is put right, too.
    _, both = found(inputs(moving.renamed(names), still.renamed(names)))
    np.testing.assert_allclose(both.joints.positions_mm, straight.joints.positions_mm, atol=1e-6)


def test_a_static_trial_in_another_unit_is_not_used(moving, still):
    metres = replace(still, positions_mm=still.positions_mm / 1000)
    prepared, result = found(inputs(moving, metres))
    (alarm,) = prepared.alarms
    assert alarm.startswith("the static trial is not used: least_size_mm is ")
    assert "the numbers are metres" in alarm
    _, without = found(inputs(moving))
    np.testing.assert_allclose(result.joints.positions_mm, without.joints.positions_mm)


def test_joints_that_lean_on_filled_samples_are_counted(moving, still):
    gap = moving.positions_mm.copy()
    gap[60:70, moving.labels.index("LASI")] = np.nan
    holed = replace(moving, positions_mm=gap)
    _, result = found(inputs(holed, still), "pig")
    assert result.joints.valid[60:70, JOINT_INDEX["left_pelvis"]].all()
    assert "left_pelvis leans on filled markers in 10 of 150 frames" in result.notes
    _, fitted = found(inputs(holed, still))
    assert not [note for note in fitted.notes if "leans on" in note]


def test_only_joints_of_the_fit_say_so(moving, still):
    _, result = found(inputs(moving, still))
    assert {j for j, how in zip(JOINTS, result.joints.method, strict=True) if not how.startswith(FROM_FIT)} == {*THUMBS}
    _, result = found(inputs(moving, still), "pig")
    assert not any(how.startswith(FROM_FIT) for how in result.joints.method)


def test_the_option_stands_above_capture_toml():
    config = CaptureConfig.model_validate({"joints": {"method": "pig"}})
    assert chosen_method(config, "auto") == "pig"
    assert chosen_method(config, "regression") == "regression"
    assert chosen_method(CONFIG, "auto") == "auto"
    for method in JOINT_METHODS:
        BuildOptions(joint_centres=method)
        CaptureConfig.model_validate({"joints": {"method": method}})
    with pytest.raises(ConfigError, match="--joint-centres davis: expected one of auto, pig, regression, functional"):
        BuildOptions(joint_centres="davis")


def test_a_fit_that_refuses_its_markers_is_not_replaced_by_another_method(moving, still):
    somebody_else = replace(still, positions_mm=still.positions_mm * 2.0)
    with pytest.raises(BodyError, match="not of one person"):
        found(inputs(moving, somebody_else))


def test_a_joint_that_two_methods_put_in_different_places_is_told(moving, still, monkeypatch):
    """Hips by Harrington and by Davis differ by 25 mm, which is usual; twice the usual is not."""
    _, usual = found(inputs(moving, still))
    assert usual.alarms == ()
    monkeypatch.setattr("viodat.build.joints.FAR_MM", 5.0)
    _, told = found(inputs(moving, still))
    (alarm,) = [alarm for alarm in told.alarms if alarm.startswith("left_pelvis")]
    assert "from where pig:hip_davis puts it" in alarm
    assert alarm in told.notes
