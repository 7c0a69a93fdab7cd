"""joint_centres: which method a joint gets, what is said where there is none, and what is refused."""

import numpy as np
import pytest

from tests.unit.body.figure import figure, measurements, trial
from viodat.body import MARKER_SETS, MarkerSet, joint_centres
from viodat.capture.markers import Subject
from viodat.errors import BodyError, ConfigError
from viodat.joints import JOINTS

PIG = MARKER_SETS["plug-in-gait"].labels
HANDS = MARKER_SETS["plug-in-gait-hands"].labels
MEDIAL = MARKER_SETS["plug-in-gait-medial"].labels


@pytest.fixture(scope="module")
def points():
    return figure()[0]


def how(found, joint):
    return found.method[found.names.index(joint)]


def test_shape_names_and_clock(points):
    found = joint_centres(
        trial(
            points,
            PIG,
        ),
        method="pig",
    )
    assert found.positions_mm.shape == (5, 18, 3)
    assert found.names == JOINTS
    assert len(found.method) == 18
    assert (found.rate_hz, found.first_frame, found.n_frames) == (100.0, 1, 5)
    np.testing.assert_allclose(found.times_s, [0, 0.01, 0.02, 0.03, 0.04])
    assert set(found.extra) == {"mid_hip", "thorax_origin", "left_hand", "right_hand"}


def test_static_subject_and_method_as_keywords(points):
    given = joint_centres(
        trial(points, PIG, subject=Subject()), static=trial(points, PIG), subject=measurements(), method="pig"
    )
    own = joint_centres(trial(points, PIG))
    np.testing.assert_array_equal(given.positions_mm, own.positions_mm)


def test_static_completes_the_trials_own_measurements(points):
    few = Subject("P01", {"knee_width_left_mm": 100.0})
    found = joint_centres(trial(points, PIG, subject=few), static=trial(points, PIG))
    assert how(found, "left_knee") == "pig:knee_chord"
    apart = np.linalg.norm(found.joint("left_knee") - points["LKNE"], axis=-1)
    np.testing.assert_allclose(apart, (100 + 14) / 2, atol=1e-9)


def test_auto_takes_the_first_that_determines_a_joint(points):
    no_widths = {name: v for name, v in measurements().items() if not name.startswith(("knee", "wrist"))}
    found = joint_centres(trial(points, [*MEDIAL, "LAnkle", "LThumb"]), subject=no_widths)
    assert how(found, "left_pelvis") == "pig:hip_davis"
    assert how(found, "left_knee") == "midpoint:LKNM+LKNE"
    assert how(found, "left_wrist") == "midpoint:WRA+WRB".replace("W", "LW")
    assert how(found, "left_ankle") == "midpoint:LMED+LANK"
    assert how(found, "left_thumb") == "named:LThumb"
    assert how(found, "right_thumb") == "none: fingers need hand markers"


def test_one_method_for_the_whole_trial(points):
    gap = points | {"LTHI": points["LTHI"].copy()}
    gap["LTHI"][1:] = np.nan
    found = joint_centres(trial(gap, MEDIAL))
    assert how(found, "left_knee") == "pig:knee_chord"
    assert np.isnan(found.joint("left_knee")[1:]).all()


def test_each_method_keeps_to_its_rules(points):
    everything = trial(points, [*MEDIAL, *MARKER_SETS["named-joints"].labels, "LIDX"])
    kinds = {
        method: {m.split(":")[0] for m in joint_centres(everything, method=method).method}
        for method in ("pig", "midpoints", "named")
    }
    assert kinds == {
        "pig": {"pig", "marker", "none"},
        "midpoints": {"midpoint", "marker", "none"},
        "named": {"named"},
    }


def test_a_given_marker_set_limits_the_rules(points):
    own = MarkerSet.from_config(
        "knees", {"segments": {"leg": ["LKNE", "LKNM"]}, "midpoints": {"left_knee": ["LKNM", "LKNE"]}}
    )
    found = joint_centres(trial(points, MEDIAL), marker_set=own)
    assert found.determined == ("left_knee",)
    assert found.marker_set == "knees"


def test_callers_points_go_first_and_may_be_virtual(points):
    stored = trial(points, PIG, virtual={"LFEP": points["LHip"] + 1.0})
    found = joint_centres(stored, joints={"left_pelvis": "LFEP", "left_index": "LFIN"})
    np.testing.assert_array_equal(found.joint("left_pelvis"), points["LHip"] + 1.0)
    assert how(found, "left_pelvis") == "named:LFEP"
    assert how(found, "left_index") == "named:LFIN"
    assert how(found, "right_pelvis") == "pig:hip_davis"


def test_a_callers_point_that_is_not_there_is_said(points):
    found = joint_centres(trial(points, PIG), joints={"left_index": "LFNI"})
    assert how(found, "left_index") == "none: the file has no point LFNI (nearest: LFIN)"
    assert any("LFNI" in note for note in found.notes)


def test_missing_measurement_is_in_the_method(points):
    subject = measurements()
    del subject["ankle_width_left_mm"]
    found = joint_centres(trial(points, PIG), subject=subject)
    assert how(found, "left_ankle") == "none: measurement ankle_width_left_mm is missing (Plug-in Gait)"
    assert np.isnan(found.joint("left_ankle")).all()


def test_pig_demanded_without_a_hip_marker_is_refused(points, tmp_path):
    labels = [label for label in PIG if label != "LASI"]
    with pytest.raises(BodyError) as caught:
        joint_centres(trial(points, labels, source=tmp_path / "P05T28.c3d"), method="pig")
    assert str(caught.value).startswith(
        "P05T28.c3d: marker LASI is missing in all 5 frames; hip centres need it (method 'pig'). "
    )
    assert caught.value.mend


def test_pig_demanded_without_leg_length_is_refused(points):
    with pytest.raises(BodyError, match="measurements leg_length_left_mm and leg_length_right_mm are missing"):
        joint_centres(trial(points, PIG), subject={}, method="pig")


@pytest.mark.parametrize("method", ["midpoints", "named"])
def test_a_method_that_determines_nothing_is_refused(points, method):
    with pytest.raises(BodyError, match=f"no joint can be determined by method '{method}'"):
        joint_centres(trial(points, ["C7", "SACR"]), method=method)


def test_auto_leaves_what_nothing_determines_empty(points):
    found = joint_centres(trial(points, ["C7", "SACR"]), subject={})
    assert np.isnan(found.positions_mm).all()
    assert found.determined == ()


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        ({"method": "pigs"}, "pig"),
        ({"marker_set": "plugin-gait"}, "plug-in-gait"),
        ({"joints": {"left_kne": "LKNE"}}, "left_knee"),
    ],
)
def test_misspelt_arguments_are_refused_with_the_nearest(points, arguments, nearest):
    with pytest.raises(ConfigError) as caught:
        joint_centres(trial(points, PIG), **arguments)
    assert f"'{nearest}'" in str(caught.value.mend)


@pytest.mark.parametrize("frames", [0, 1])
@pytest.mark.filterwarnings("error")
def test_shortest_trials(frames):
    points, _ = figure(frames=5)
    short = {label: p[:frames] for label, p in points.items()}
    found = joint_centres(trial(short, HANDS))
    assert found.positions_mm.shape == (frames, 18, 3)
