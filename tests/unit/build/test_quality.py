"""The numbers behind the gates, on a figure whose size, gaps and bones are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.body.figure import figure, trial
from tests.unit.body.skeleton.moving import hidden, static_trial
from viodat.body import MARKER_SETS, JointTrial, get_marker_set
from viodat.body.labels import LabelFault, LabelReport
from viodat.build.gates import GATES
from viodat.build.quality import body_size_mm, bone_lengths, gap_shares, joint_readings, marker_readings, size_readings
from viodat.joints import JOINT_INDEX

HANDS = get_marker_set("plug-in-gait-hands")
BODY = [s for s in MARKER_SETS.values() if s.name != "named-joints"]


@pytest.fixture(scope="module")
def still():
    return static_trial(HANDS.labels)


def scaled(recorded, factor, units="mm", source=None):
    return replace(recorded, positions_mm=recorded.positions_mm * factor, units=units, source=source)


@pytest.mark.parametrize("marker_set", BODY, ids=lambda s: s.name)
def test_an_adult_has_the_size_of_an_adult_in_every_marker_set(marker_set):
    recorded = trial(figure()[0], marker_set.labels)
    assert 100 < body_size_mm(recorded, marker_set) < 500
    assert all(reading.kept for reading in size_readings(recorded, marker_set, GATES))
    for factor in (1e-3, 1e3):
        assert not all(r.kept for r in size_readings(scaled(recorded, factor), marker_set, GATES))


@pytest.mark.parametrize(
    ("factor", "said", "override", "words", "mend"),
    [
        (1e-3, "mm", None, "the file says mm, but the numbers are metres", 'units = "m"'),
        (1e-1, "mm", None, "the file says mm, but the numbers are centimetres", 'units = "cm"'),
        (1e3, "m", None, "the file says m, but the numbers are mm", 'units = "mm"'),
        (1e-3, "", None, "the file states no unit, mm was assumed, but the numbers are metres", 'units = "m"'),
        (1e-3, "m", "mm", "capture.toml says mm, but the numbers are metres", 'units = "m"'),
    ],
)
def test_a_wrong_unit_is_named_with_what_to_write(still, factor, said, override, words, mend):
    (failed,) = [r for r in size_readings(scaled(still, factor, said), HANDS, GATES, override) if not r.kept]
    assert words in failed.reason
    assert mend in failed.reason
    assert f"{failed.value:.3g} mm" in failed.reason


def test_a_trc_file_is_mended_in_its_own_header(still):
    (failed,) = [r for r in size_readings(scaled(still, 1e-3, "mm", Path("a.trc")), HANDS, GATES) if not r.kept]
    assert "Correct the unit in the header of a.trc" in failed.reason


def test_a_size_that_no_unit_explains_says_so(still):
    (failed,) = [r for r in size_readings(scaled(still, 1e-5), HANDS, GATES) if not r.kept]
    assert "no unit of length explains" in failed.reason


def test_without_a_marker_set_the_size_is_not_known(still):
    assert np.isnan(body_size_mm(still, None))
    assert all(reading.kept for reading in size_readings(still, None, GATES))


def test_gaps_count_by_segment_and_labels_that_the_file_lacks_count_in_all(still):
    share, by_segment = gap_shares(still, HANDS)
    assert share == 0
    assert set(by_segment.values()) == {0.0}
    pelvis = HANDS.of_segment("pelvis")
    share, by_segment = gap_shares(hidden(still, pelvis), HANDS)
    assert share == pytest.approx(len(pelvis) / len(HANDS.take_labels))
    assert by_segment["pelvis"] == 1.0
    assert by_segment["left_thigh"] == 0.0
    lacking = still.keeping(set(still.labels) - set(pelvis))
    share, by_segment = gap_shares(lacking, HANDS)
    assert share == pytest.approx(len(pelvis) / len(HANDS.take_labels))
    assert "pelvis" not in by_segment


def test_a_sacral_marker_in_place_of_two_is_no_gap():
    marker_set = get_marker_set("plug-in-gait")
    labels = [label for label in marker_set.labels if label not in ("LPSI", "RPSI")]
    assert gap_shares(static_trial((*labels, "SACR")), marker_set)[0] == 0


def test_the_worst_of_the_large_segments_is_named(still):
    readings = marker_readings(hidden(still, HANDS.of_segment("pelvis")), None, HANDS, GATES)
    (failed,) = [reading for reading in readings if not reading.kept]
    assert failed.gate.name == "segment_gap_share"
    assert "pelvis: its markers are missing in 100% of their samples" in failed.reason
    # A thumb that is never seen costs a thumb, not the trial.
    assert all(r.kept for r in marker_readings(hidden(still, ("LTHM",)), None, HANDS, GATES))


SIDED = tuple(label for label in HANDS.take_labels if label[0] in "LR" and label != "RBAK")


@pytest.mark.parametrize(
    ("labels", "end", "repaired", "value"),
    [(SIDED, 10, False, 1.0), (SIDED, 10, True, 0.0), (SIDED, 2, False, 0.2), (SIDED[:2], 10, False, 2 / len(SIDED))],
)
def test_sides_that_could_not_be_put_right_reject_a_trial(still, labels, end, repaired, value):
    """All of them in the whole trial do, not one doubtful pair or a short stretch."""
    fault = LabelFault("sides", labels, 1, end, repaired, "by their distances")
    (reading,) = [
        r for r in marker_readings(still, LabelReport((fault,)), HANDS, GATES) if r.gate.name == "exchanged_share"
    ]
    assert reading.value == pytest.approx(value)
    assert reading.kept is (value < 0.25)
    assert ("left and right are exchanged" in reading.reason) is not repaired


def joints_of(positions):
    return JointTrial(positions, ("named:x",) * 18, 100.0, 1)


def test_bones_that_change_their_length_reject_a_trial():
    rng = np.random.default_rng(0)
    positions = np.repeat(rng.normal(0, 500, (1, 18, 3)), 200, axis=0)
    positions[:, JOINT_INDEX["left_thumb"]] = np.nan
    steady = {r.gate.name: r for r in joint_readings(joints_of(positions), joints_of(positions), None, GATES)}
    assert steady["bone_variation"].value == pytest.approx(0, abs=1e-12)
    assert steady["joints"].value == 17
    assert all(reading.kept for reading in steady.values())
    assert ("left_wrist", "left_thumb") not in bone_lengths(joints_of(positions))
    loose = joints_of(positions + rng.normal(0, 300, positions.shape))
    wild = {r.gate.name: r for r in joint_readings(loose, loose, None, GATES)}
    assert not wild["bone_variation"].kept
    assert "the worst bone" in wild["bone_variation"].reason


def test_a_body_that_shows_for_a_moment_is_rejected():
    positions = np.zeros((100, 18, 3))
    positions[10:] = np.nan
    readings = {r.gate.name: r for r in joint_readings(joints_of(positions), joints_of(positions), None, GATES)}
    assert readings["determined_share"].value == pytest.approx(0.1)
    assert not readings["determined_share"].kept
    empty = joints_of(np.full((100, 18, 3), np.nan))
    readings = {r.gate.name: r for r in joint_readings(empty, empty, None, GATES)}
    assert not readings["joints"].kept
