"""Every C3D recording against facts that were read from it with other software."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.mutate import mutants
from viodat.capture.c3d import read_c3d
from viodat.capture.markers import MarkerTrial
from viodat.capture.trc import read_trc
from viodat.capture.vsk import read_vsk
from viodat.errors import CaptureError


@pytest.fixture(scope="module")
def facts(real_data: Path) -> dict:
    return json.loads((real_data / "expected" / "c3d_reader_facts.json").read_text())["files"]


@pytest.fixture(scope="module")
def paths(real_data: Path) -> dict[str, Path]:
    return {path.name: path for path in real_data.rglob("*") if path.suffix.lower() == ".c3d"}


def every_point(trial: MarkerTrial) -> list[np.ndarray]:
    markers = list(trial.positions_mm.transpose(1, 0, 2))
    return [*markers, *trial.virtual.values(), *trial.other.values(), *trial.outputs.values()]


def test_facts_of_every_file(facts, paths):
    assert set(facts) == set(paths)
    compared, unreadable = 0, 0
    for name, fact in facts.items():
        if "labels" not in fact and not fact["py_c3d"]["opens"]:
            with pytest.raises(CaptureError) as caught:
                read_c3d(paths[name])
            text = str(caught.value)
            assert text.startswith(f"{name}: "), text
            assert "\n" not in text
            assert caught.value.mend
            unreadable += 1
            continue
        trial = read_c3d(paths[name])
        if "labels" not in fact:
            assert (trial.n_frames, trial.rate_hz, len(trial.point_labels)) == (
                fact["py_c3d"]["frames_read"],
                fact["py_c3d"]["rate"],
                fact["py_c3d"]["n_points"],
            ), name
            continue
        compared += 1
        assert trial.rate_hz == fact["rate_hz"], name
        assert trial.n_frames == fact["n_frames"], name
        assert trial.first_frame == fact["first_frame_number"], name
        assert list(trial.point_labels) == fact["labels"], name
        assert [trial.units] == (fact["units"] if fact["units"] and fact["n_points"] else [""]), name
        missing = [np.isnan(values).any(axis=1) for values in every_point(trial)]
        assert len(missing) == fact["n_points"], name
        assert sum(int(m.sum()) for m in missing) == fact["missing_samples"], name
        assert sum(bool(m.any()) for m in missing) == fact["points_with_missing"], name
        assert sum(bool(m.all()) for m in missing) == fact["points_all_missing"], name
        channels = len(trial.analog.labels) if trial.analog else 0
        assert channels == fact["analog_channels"], name
        if trial.analog:
            assert trial.analog.rate_hz == fact["analog_rate_hz"], name
            assert len(trial.analog.values) == round(trial.n_frames * fact["analog_rate_hz"] / fact["rate_hz"]), name
        positive = trial.residuals[trial.residuals > 0]
        if fact["median_positive_residual"] is None:
            assert not len(positive), name
        else:
            millimetres = 1000.0 if trial.units == "mete" else 1.0
            assert np.median(positive) / millimetres == pytest.approx(fact["median_positive_residual"]), name
        assert set(fact["virtual_names_found"]) <= {*trial.virtual, *trial.outputs}, name
        if fact["subjects"]:
            assert trial.subject.name == fact["subjects"][0], name
    print(f"{compared} files compared, {unreadable} refused")
    assert (compared, unreadable) == (29, 2)


@pytest.mark.parametrize("sample", ["sample01", "sample02"])
def test_six_byte_formats_give_the_same(real_data, sample):
    expected = json.loads((real_data / "expected" / "c3d_format_equivalence.json").read_text())[sample]
    folder = real_data / "c3d_formats" / sample
    reference = read_c3d(folder / f"{expected['reference']}.c3d")
    for frame, points in expected["points_mm_at_frames"].items():
        wanted = np.array([[np.nan if v is None else v for v in point] for point in points])
        np.testing.assert_allclose(reference.positions_mm[int(frame)], wanted, atol=6e-4)
    assert len(expected["variants"]) == 6
    for variant, agreement in expected["variants"].items():
        trial = read_c3d(folder / f"{variant}.c3d")
        assert trial.labels == reference.labels
        np.testing.assert_array_equal(np.isnan(trial.positions_mm), np.isnan(reference.positions_mm))
        # Integers that were rounded another way by the software that wrote them differ by one step of the scale.
        atol = agreement["max_abs_point_difference_mm"] + 1e-6
        np.testing.assert_allclose(trial.positions_mm, reference.positions_mm, rtol=0, atol=atol)
        np.testing.assert_allclose(trial.residuals, reference.residuals, rtol=0, atol=0.282)
        np.testing.assert_allclose(trial.analog.values, reference.analog.values, atol=1e-9)
        assert trial.analog.labels == reference.analog.labels


def test_gait_lab_markers_are_told_from_computed_points(real_data):
    model = ("O", "A", "L", "P")
    for path in sorted((real_data / "gait_lab").rglob("*.c3d")):
        trial = read_c3d(path)
        assert {"LASI", "RASI", "SACR", "LTHI", "LKNE", "LTIB", "LANK", "LWRA", "LFIN", "C7"} <= set(trial.labels)
        assert {f"{segment}{end}" for segment in ("LFE", "RTI", "PEL", "TRX") for end in model} <= set(trial.virtual)
        assert {"LHJC", "RAJC", "CentreOfMass", "LHDF0"} <= set(trial.virtual)
        assert 55 <= len(trial.labels) <= 66
        assert all(label.startswith("*") for label in trial.other)
        assert not [label for label in trial.labels if label.endswith(("Angles", "Power", "Force", "Moment"))]
        assert trial.subject.measurements["marker_diameter_mm"] == 10.0


def test_events_lie_inside_the_recording(real_data):
    trial = read_c3d(real_data / "gait_lab" / "HC030A" / "HC030A22.c3d")
    assert len(trial.events) == 19
    times = [event.time_s for event in trial.events]
    assert times == sorted(times)
    # The file holds frames 126 to 637: counted from frame 1 all events are in it, from its own first they are not.
    assert trial.times_s[0] <= times[0] < times[-1] <= trial.times_s[-1] + 0.01
    assert times[-1] > trial.seconds
    assert {event.subject for event in trial.events} == {"HC030A"}


def test_the_deleted_samples_of_the_serve(real_data):
    whole = read_c3d(real_data / "odd_c3d" / "kinematics_tennis_serve.c3d")
    holed = read_c3d(real_data / "odd_c3d" / "kinematics_tennis_serve_nan.c3d")
    assert whole.subject.name == holed.subject.name == "Derrick"
    assert set(whole.labels) == set(holed.labels)
    gone = np.isnan(np.stack([holed.marker(label) for label in whole.labels])).all(axis=2)
    assert (gone.sum(), (gone.sum(axis=1) > 0).sum()) == (145, 1)
    difference = np.stack([holed.marker(label) for label in whole.labels]) - whole.positions_mm.transpose(1, 0, 2)
    assert np.nanmax(np.abs(difference)) < 1e-3


def test_refusals_say_what_is_wrong(real_data):
    with pytest.raises(CaptureError, match=r"0\.0551136 in the header and 0\.0215412 in POINT:SCALE"):
        read_c3d(real_data / "odd_c3d" / "MACsample.c3d")
    with pytest.raises(CaptureError, match="parameter section is damaged at byte"):
        read_c3d(real_data / "odd_c3d" / "bad_parameter_section.c3d")


def test_all_negative_residuals_are_noted(real_data):
    for name in ("basketball", "giant"):
        trial = read_c3d(real_data / "odd_c3d" / f"{name}.c3d")
        assert np.isnan(trial.positions_mm).all()
        assert any("negative residual" in note for note in trial.notes)


def test_subject_files_agree_with_the_recording(real_data):
    subject = read_vsk(real_data / "pycgm" / "RoboSM.vsk")
    assert subject.measurements == read_vsk(real_data / "pycgm" / "RoboSM.csv").measurements
    stored = read_c3d(real_data / "pycgm" / "RoboStatic.c3d").subject.measurements
    shared = set(stored) & set(subject.measurements)
    assert len(shared) > 20
    for name in shared:
        assert stored[name] == pytest.approx(subject.measurements[name], rel=1e-6, abs=1e-9)
    assert "asis_trochanter_distance_left_mm" not in stored
    sample = read_c3d(real_data / "pycgm" / "Sample_Static.c3d")
    assert sample.subject.measurements == {}
    assert read_vsk(real_data / "pycgm" / "Sample_SM.vsk").measurements["leg_length_left_mm"] == 940.0


def test_trc_of_a_markerless_system(real_data):
    for path in sorted((real_data / "multiview" / "pose3d").glob("*.trc")):
        upright = read_trc(path, axes="zxy")
        assert (upright.positions_mm.shape, upright.rate_hz) == ((100, 21, 3), 60.0)
        head, ankle = upright.marker("Head"), upright.marker("RAnkle")
        assert 1000 < np.nanmedian((head - ankle)[:, 2]) < 2200


def test_damaged_real_file(real_data, tmp_path):
    """70 mutants of one real recording: a trial of consistent shape or one CaptureError, each within seconds."""
    content = (real_data / "c3d_formats" / "sample02" / "pc_real.c3d").read_bytes()
    tally: Counter[str] = Counter()
    for name, damaged in mutants(content, 70, seed=21, head_bytes=6144):
        path = tmp_path / "damaged.c3d"
        path.write_bytes(damaged)
        try:
            trial = read_c3d(path, limit_s=3.0)
        except CaptureError as error:
            tally["refused on several lines" if "\n" in str(error) else "refused"] += 1
            continue
        assert trial.positions_mm.shape == (trial.n_frames, len(trial.labels), 3), name
        assert len(every_point(trial)) == len(trial.point_labels), name
        tally["read"] += 1
    print(dict(tally))
    assert tally["read"] + tally["refused"] == 70


def test_nexus_names_its_video_cameras_and_their_delays(real_data):
    movies = read_c3d(real_data / "gait_lab" / "HC002D" / "HC002D02.c3d").movies
    assert [(movie.id, movie.delay_s) for movie in movies] == [("59675701", 0.0), ("65904054", 0.0)]
    assert read_c3d(real_data / "pycgm" / "RoboStatic.c3d").movies == ()
