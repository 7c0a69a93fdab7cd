import numpy as np
import pytest

from viodat.capture.markers import MarkerTrial
from viodat.errors import CaptureError, ConfigError


def _trial(labels=("LASI", "RASI"), **more):
    positions = np.arange(3 * len(labels) * 3, dtype=float).reshape(3, len(labels), 3)
    return MarkerTrial(tuple(labels), positions, 100.0, 50, np.zeros((3, len(labels))), **more)


def test_time_zero_is_frame_number_one_not_the_files_first():
    assert _trial().start_s == 0.49
    assert _trial().times_ns.tolist() == [490_000_000, 500_000_000, 510_000_000]


def test_a_marker_that_is_not_there_is_nan():
    assert np.isnan(_trial().marker("C7")).all()
    assert _trial().marker("RASI")[0].tolist() == [3, 4, 5]


def test_labels_are_mapped():
    trial = _trial(("L ASI", "RASI")).renamed({"L ASI": "LASI"})
    assert trial.labels == ("LASI", "RASI")
    assert trial.notes == ()


def test_a_map_onto_a_label_that_is_there_is_refused():
    with pytest.raises(CaptureError, match="gives LFHD and LASI one name, LASI"):
        _trial(("LFHD", "LASI")).renamed({"LFHD": "LASI"})


def test_two_labels_can_change_places():
    trial = _trial(("LKNE", "RKNE")).renamed({"LKNE": "RKNE", "RKNE": "LKNE"})
    assert trial.marker("RKNE")[0].tolist() == [0, 1, 2]


def test_a_label_that_no_file_has_is_a_note():
    assert "names NOPE, which the file does not have" in _trial().renamed({"NOPE": "C7"}).notes[0]


def test_a_point_that_was_taken_for_no_marker_can_be_named_one():
    point = np.ones((3, 3))
    trial = _trial(other={"*7": point}, virtual={"LTIP": 2 * point}).renamed({"*7": "C7", "LTIP": "LTIP"})
    assert trial.labels == ("LASI", "RASI", "C7", "LTIP")
    assert trial.marker("LTIP")[0].tolist() == [2, 2, 2]
    assert trial.other == {}
    assert trial.virtual == {}


def test_turning_the_world_turns_every_point():
    point = np.array([[1.0, 2.0, 3.0]] * 3)
    trial = _trial(other={"*7": point}, virtual={"LFEP": point}).turned("zxy")
    assert trial.marker("LASI")[0].tolist() == [2, 0, 1]
    assert trial.other["*7"][0].tolist() == trial.virtual["LFEP"][0].tolist() == [3, 1, 2]


@pytest.mark.parametrize("axes", ["xzy", "xyy", "up"])
def test_axes_that_mirror_or_are_none(axes):
    with pytest.raises(ConfigError, match="axes"):
        _trial().turned(axes)


def test_only_the_named_markers_are_kept():
    trial = _trial(("LASI", "RASI", "X1")).keeping({"RASI"})
    assert trial.labels == ("RASI",)
    assert sorted(trial.other) == ["LASI", "X1"]


def test_labels_are_unique():
    with pytest.raises(ValueError, match="expected each once"):
        _trial(("LASI", "LASI"))
