from __future__ import annotations

import warnings

import c3d as py_c3d
import numpy as np
import pytest

from tests.unit.capture.c3d_files import FRAMES, RATE_HZ, coordinates, poke, poke_parameter, write_c3d
from viodat.capture.c3d import read_c3d
from viodat.errors import CaptureError

LABELS = ["LASI", "RASI", "SACR"]


def read(path, **arguments):
    return read_c3d(path, isolated=False, **arguments)


def test_markers_come_out_as_written(tmp_path):
    points = coordinates(3)
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, points))
    assert trial.labels == ("LASI", "RASI", "SACR")
    np.testing.assert_allclose(trial.positions_mm, points, atol=1e-3)
    assert (trial.rate_hz, trial.first_frame, trial.n_frames) == (RATE_HZ, 1, FRAMES)
    assert np.all(trial.residuals == 0.0)
    assert trial.units == "mm"
    assert trial.notes == ()


def test_another_decoder_agrees(tmp_path):
    path = write_c3d(tmp_path / "a.c3d", LABELS)
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = np.stack([points[:, :3] for _, points, _ in py_c3d.Reader(file).read_frames()])
    np.testing.assert_array_equal(read(path).positions_mm, oracle)


@pytest.mark.parametrize(
    ("stated", "factor"),
    [("mm", 1), ("cm", 10), ("m", 1000), ("mete", 1000), ("meters", 1000), ("Metres", 1000), ("millimeters", 1)],
)
def test_positions_are_millimetres(tmp_path, stated, factor):
    points = coordinates(3)
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, points, units=stated))
    np.testing.assert_allclose(trial.positions_mm, points * factor, rtol=1e-6)
    assert trial.units == stated


def test_no_unit_is_millimetres_with_a_note(tmp_path):
    points = coordinates(3)
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, points, units=None))
    np.testing.assert_allclose(trial.positions_mm, points, atol=1e-3)
    assert trial.units == ""
    assert any("mm is assumed" in note for note in trial.notes)


def test_unknown_unit_is_refused_and_can_be_overridden(tmp_path):
    path = write_c3d(tmp_path / "a.c3d", LABELS, units="furlong")
    with pytest.raises(CaptureError, match=r"a\.c3d: .*furlong.*capture\.toml \[markers\] units"):
        read(path)
    np.testing.assert_allclose(read(path, units="cm").positions_mm, coordinates(3) * 10, rtol=1e-6)
    with pytest.raises(CaptureError, match="ell"):
        read(path, units="ell")


def test_gaps_are_nan(tmp_path):
    points, residuals = coordinates(3), np.zeros((FRAMES, 3))
    residuals[4, 0] = -1
    points[7, 1] = 0.0
    points[9, 2, 1] = np.nan
    points[11, 2, 0] = 0.0
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, points, residuals=residuals))
    missing = np.isnan(trial.positions_mm).all(axis=2)
    assert set(zip(*np.nonzero(missing), strict=True)) == {(4, 0), (7, 1), (9, 2)}
    np.testing.assert_array_equal(np.isnan(trial.residuals), missing)
    assert trial.positions_mm[11, 2, 0] == 0.0


def test_outputs_are_never_scaled_nor_emptied(tmp_path):
    labels = [*LABELS, "LKneeAngles", "LAnkleForce", "Odd"]
    points = coordinates(6)
    points[3, 4] = 0.0
    parameters = {("POINT", "ANGLES"): ["LKneeAngles"], ("POINT", "FORCES"): ["LAnkleForce"]}
    parameters[("POINT", "SCALARS")] = ["Odd"]
    trial = read(write_c3d(tmp_path / "a.c3d", labels, points, units="m", parameters=parameters))
    assert trial.labels == tuple(LABELS)
    assert set(trial.outputs) == {"LKneeAngles", "LAnkleForce", "Odd"}
    np.testing.assert_allclose(trial.outputs["LKneeAngles"], points[:, 3], atol=1e-3)
    np.testing.assert_array_equal(trial.outputs["LAnkleForce"][3], 0.0)
    np.testing.assert_allclose(trial.positions_mm, points[:, :3] * 1000, rtol=1e-6)


def test_marker_set_decides_what_is_a_marker(tmp_path):
    labels = ["LASI", "LHJC", "LFEO", "SCROLL", "*7", ""]
    trial = read(write_c3d(tmp_path / "a.c3d", labels))
    assert trial.labels == ("LASI", "SCROLL")
    assert set(trial.virtual) == {"LHJC", "LFEO"}
    assert set(trial.other) == {"*7", "unlabelled_6"}
    chosen = read(tmp_path / "a.c3d", markers=["LASI", "LFEO"])
    assert chosen.labels == ("LASI", "LFEO")
    assert set(chosen.virtual) == {"LHJC"}
    assert set(chosen.other) == {"SCROLL", "*7", "unlabelled_6"}
    assert chosen.point_labels == tuple(labels)


def test_more_than_255_labels(tmp_path):
    labels = [f"M{i:03d}" for i in range(300)]
    points = coordinates(300)
    trial = read(write_c3d(tmp_path / "a.c3d", labels, points))
    assert trial.labels == tuple(labels)
    np.testing.assert_allclose(trial.marker("M299"), points[:, 299], atol=1e-3)


def test_duplicate_labels_stay_apart_and_the_fuller_is_named(tmp_path):
    residuals = np.zeros((FRAMES, 4))
    residuals[:15, 1] = -1
    trial = read(write_c3d(tmp_path / "a.c3d", ["A", "B", "B", "B"], residuals=residuals))
    assert trial.labels == ("A", "B", "B#2", "B#3")
    assert any("B 5, B#2 20, B#3 20; the fullest is B#2" in note for note in trial.notes)


@pytest.mark.parametrize("subjects", [["Ann"], None])
def test_one_prefix_is_stripped(tmp_path, subjects):
    parameters = {("SUBJECTS", "NAMES"): subjects} if subjects else {}
    path = write_c3d(tmp_path / "a.c3d", ["Ann:LASI", "Ann:RASI", "*3"], parameters=parameters)
    trial = read(path)
    assert trial.labels == ("LASI", "RASI")
    assert trial.subject.name == "Ann"
    assert trial.point_labels == ("Ann:LASI", "Ann:RASI", "*3")


def test_a_colon_that_is_no_subject_stays(tmp_path):
    parameters = {("SUBJECTS", "NAMES"): ["Ann"]}
    trial = read(write_c3d(tmp_path / "a.c3d", ["rig:1", "LASI"], parameters=parameters))
    assert trial.labels == ("rig:1", "LASI")


def test_several_subjects(tmp_path):
    labels = ["Ann:LASI", "Bow:TIP", "Ann:RASI", "Bow:LASI", "Bow:LKneeAngles"]
    path = write_c3d(
        tmp_path / "a.c3d",
        labels,
        units="cm",
        parameters={("SUBJECTS", "NAMES"): ["Ann", "Bow"], ("POINT", "ANGLES"): ["Bow:LKneeAngles"]},
    )
    points = coordinates(5)
    first = read(path)
    assert first.labels == ("LASI", "RASI")
    assert any("2 subjects (Ann, Bow): the markers of Ann are taken" in note for note in first.notes)
    assert set(first.other) == {"Bow:TIP", "Bow:LASI"}
    np.testing.assert_allclose(first.outputs["Bow:LKneeAngles"], points[:, 4], atol=1e-3)
    second = read(path, subject="bow")
    assert second.labels == ("TIP", "LASI")
    np.testing.assert_allclose(second.marker("LASI"), points[:, 3] * 10, rtol=1e-6)
    with pytest.raises(CaptureError, match="no subject 'Cid', it holds Ann, Bow"):
        read(path, subject="Cid")


def test_measurements_of_processing(tmp_path):
    parameters = {
        ("PROCESSING", "LLegLength"): [740.0],
        ("PROCESSING", "LAsisTrocanterDistance"): [0.0],
        ("PROCESSING", "LThighRotation"): [0.0],
        ("PROCESSING", "MarkerDiameter"): [0.014],
    }
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, parameters=parameters))
    assert trial.subject.measurements == {
        "leg_length_left_mm": 740.0,
        "thigh_rotation_left_rad": 0.0,
        "marker_diameter_mm": pytest.approx(0.014),
    }
    assert any("marker_diameter_mm is 0.014 mm, expected 2 to 40" in note for note in trial.notes)


def test_analog_channels_keep_their_rate(tmp_path):
    values = np.arange(FRAMES * 10 * 2, dtype=float).reshape(-1, 2)
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, analog=values))
    assert trial.analog is not None
    assert (trial.analog.rate_hz, trial.analog.labels, trial.analog.units) == (1000.0, ("A0", "A1"), ("V", "V"))
    np.testing.assert_array_equal(trial.analog.values, values)


def test_events_are_minutes_and_seconds_from_frame_one(tmp_path):
    parameters = {
        ("EVENT", "USED"): [2],
        ("EVENT", "LABELS"): ["Foot Off", "Clap"],
        ("EVENT", "CONTEXTS"): ["Left", "General"],
        ("EVENT", "SUBJECTS"): ["Ann", "Ann"],
        ("EVENT", "TIMES"): np.array([[1.0, 0.0], [2.5, 30.25]]),
    }
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, parameters=parameters))
    assert [(event.label, event.time_s) for event in trial.events] == [("Clap", 30.25), ("Foot Off", 62.5)]
    assert trial.events[0].context == "General"


def test_first_frame_is_counted_from_one_and_has_32_bits(tmp_path):
    path = poke(write_c3d(tmp_path / "a.c3d", LABELS), 6, "2H", 50, 49 + FRAMES)
    trial = read(path)
    assert trial.first_frame == 50
    assert trial.times_s[0] == pytest.approx(0.49)
    start, end = 70_000, 70_000 + FRAMES - 1
    fields = {
        ("TRIAL", f"ACTUAL_{name}_FIELD"): [(number & 0xFFFF) - 65536 * ((number & 0xFFFF) > 32767), number >> 16]
        for name, number in (("START", start), ("END", end))
    }
    path = write_c3d(tmp_path / "b.c3d", LABELS, parameters=fields)
    poke(path, 6, "2H", 65535, 65535)
    trial = read(path)
    assert (trial.first_frame, trial.n_frames) == (start, FRAMES)


@pytest.mark.parametrize("stated", ["LONG_FRAMES", "TRIAL", "nothing"])
def test_more_than_65535_frames(tmp_path, stated):
    frames = 65_600
    points = np.ones((frames, 1, 3)) * np.arange(1, frames + 1)[:, None, None]
    parameters = {}
    if stated == "LONG_FRAMES":
        parameters[("POINT", "LONG_FRAMES")] = [float(frames)]
    elif stated == "TRIAL":
        parameters[("TRIAL", "ACTUAL_START_FIELD")] = [1, 0]
        parameters[("TRIAL", "ACTUAL_END_FIELD")] = [frames - 65536, 1]
    trial = read(write_c3d(tmp_path / "a.c3d", ["A"], points, parameters=parameters))
    assert trial.n_frames == frames
    np.testing.assert_array_equal(trial.positions_mm[:, 0, 2], points[:, 0, 2])


def test_no_points_is_a_note(tmp_path):
    trial = read(write_c3d(tmp_path / "a.c3d", [], np.empty((FRAMES, 0, 3)), analog=np.ones((FRAMES * 10, 1))))
    assert trial.positions_mm.shape == (FRAMES, 0, 3)
    assert "it holds no points" in trial.notes
    assert trial.analog is not None


def test_every_residual_negative_is_a_note(tmp_path):
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, residuals=-np.ones((FRAMES, 3))))
    assert np.isnan(trial.positions_mm).all()
    assert any("every sample of its 3 points has a negative residual" in note for note in trial.notes)


def test_far_markers_and_another_axis_up_are_noted(tmp_path):
    parameters = {("POINT", "Y_SCREEN"): ["+Y"]}
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, units="m", parameters=parameters))
    assert any("m from the origin" in note for note in trial.notes)
    assert any("+Y points up" in note for note in trial.notes)


def test_absent_rate_is_refused(tmp_path):
    path = write_c3d(tmp_path / "a.c3d", LABELS)
    poke_parameter(poke(path, 20, "f", 0.0), b"RATE", "f", 0.0)
    with pytest.raises(CaptureError, match="no frame rate"):
        read(path)


def test_movies_have_their_delays(tmp_path):
    parameters = {("POINT", "MOVIE_ID"): ["59675701", "", "65904054"], ("POINT", "MOVIE_DELAY"): [0.25, 1.0, -0.5]}
    trial = read(write_c3d(tmp_path / "a.c3d", LABELS, parameters=parameters))
    assert [(movie.id, movie.delay_s) for movie in trial.movies] == [("59675701", 0.25), ("65904054", -0.5)]
    assert trial.renamed({"LASI": "X"}).movies == trial.movies


def test_a_movie_without_a_delay_says_nothing(tmp_path):
    assert read(write_c3d(tmp_path / "a.c3d", LABELS)).movies == ()
    lacking = {("POINT", "MOVIE_ID"): ["59675701", "65904054"], ("POINT", "MOVIE_DELAY"): [float("nan")]}
    assert read(write_c3d(tmp_path / "b.c3d", LABELS, parameters=lacking)).movies == ()
