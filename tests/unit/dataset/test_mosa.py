"""MOSA in its published layout: joints that the markers determine, notes and beats at their times, damage that costs
its own take."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
import soundfile

import viodat
from tests.unit.dataset.published_takes import MOSA_HZ, MOSA_LABELS, SECONDS, TRUE_JOINTS, sway, write_mosa
from viodat.dataset.importers import ImportOptions, import_published
from viodat.errors import CaptureError, ConfigError, DatasetError
from viodat.joints import JOINT_INDEX, JOINTS

FRAMES = round(SECONDS * MOSA_HZ)


def imported(source, out, **options):
    result = import_published("mosa", source, out, ImportOptions(**options))
    return viodat.open_dataset(out), result


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Two players, one with two takes."""
    folder = tmp_path_factory.mktemp("mosa")
    source = write_mosa(folder / "MOSA_dataset", ("ba1_yv10_t1", "de2_yv10_t1", "ba1_ev01_t1"))
    return imported(source, folder / "out")


def motion_file(source, take="ba1_yv10_t1"):
    return next(source.rglob(f"{take}_motion.csv"))


def test_joints_are_those_that_the_markers_determine(plain):
    dataset, _ = plain
    motion = dataset.motion("P02T01")
    np.testing.assert_array_equal(motion.time_ns, np.rint(np.arange(FRAMES) / MOSA_HZ * 1e9))
    for joint, place in TRUE_JOINTS.items():
        found = motion.joints_mm[:, JOINT_INDEX[joint]]
        np.testing.assert_allclose(found, np.array(place) + sway(FRAMES, MOSA_HZ), atol=0.01)
    determined = np.isin(JOINTS, list(TRUE_JOINTS))
    assert (motion.valid == determined).all()
    row = dataset.rows("trials")[1]
    methods = dict(zip(JOINTS, row["joint_methods"], strict=True))
    assert methods["left_pelvis"] == "regression:harrington-width"
    assert methods["right_shoulder"] == "regression:rab"
    assert methods["left_wrist"] == "midpoint:LWRA+LWRB"
    assert [method is not None for method in row["joint_methods"]] == determined.tolist()
    assert any("missing: left_ankle" in note for note in row["notes"])
    assert (row["marker_set"], row["rate_hz"], row["gap_share"]) == ("mosa", 120.0, 0.0)


def test_people_and_takes_are_numbered_and_their_names_kept(plain):
    dataset, result = plain
    assert list(dataset.trials["trial"]) == ["P01T01", "P02T01", "P02T02"]
    assert "participants: P01 is ev01, P02 is yv10" in result.notes
    assert [row["notes"][0] for row in dataset.rows("trials")] == [
        "published as ba1_ev01_t1", "published as ba1_yv10_t1", "published as de2_yv10_t1",
    ]  # fmt: skip
    assert dataset.rows("trials")[0]["marker_file"] == "ev/ba1/ev01/t1/ba1_ev01_t1_motion.csv"
    assert (result.trials, result.recordings, result.unsynchronised, result.exclusions) == (3, 3, 0, ())


def test_sound_begins_with_the_motion(plain):
    dataset, _ = plain
    track = dataset.audio("P02M01T01")
    np.testing.assert_array_equal(track.time_ns, np.arange(len(track.features)) * 10_000_000)
    assert np.isfinite(track.features).all()
    assert np.isfinite(track.log_mel_db).all()
    assert np.isnan(track.f0_hz).all()
    published, _ = soundfile.read(next(dataset.path.parent.rglob("ba1_yv10_t1_audio.wav")))
    copied, rate = soundfile.read(dataset.path / "waveform" / "P02M01T01.flac")
    assert rate == 22050
    np.testing.assert_array_equal(copied, published)


def test_annotations_stand_at_their_times(plain):
    dataset, _ = plain
    table = dataset.annotations("P01T01")
    kinds = {kind: rows for kind, rows in table.groupby("kind")}
    notes = kinds["note"]
    assert list(notes["text"]) == ["A4", "C#5", "E5"]
    assert list(notes["value"]) == [69, 73, 76]
    assert list(notes["start_ns"]) == [200_000_000, 600_000_000, 1_400_000_000]
    assert list(notes["end_ns"]) == [600_000_000, 1_400_000_000, 1_800_000_000]
    # Quarter notes 0, 1, 2, 3: the third lies midway between two onsets; 9 lies behind the last note.
    assert list(kinds["beat"]["start_ns"]) == [200_000_000, 600_000_000, 1_000_000_000, 1_400_000_000]
    assert kinds["beat"]["end_ns"].isna().all()
    assert list(kinds["expression"]["text"]) == ["legato"]
    assert list(kinds["phrase"]["end_ns"]) == [1_800_000_000]
    assert list(kinds["harmony"]["text"]) == ["key=d, degree=5, quality=D7, inversion=1, roman number=V65"]
    assert list(kinds["cadence"]["start_ns"]) == [1_000_000_000]
    assert (table["start_ns"].diff().dropna() >= 0).all()
    said = dataset.rows("trials")[0]["notes"]
    assert any("1 of 5 rows of ba1_ev01_t1_beat.csv" in note for note in said)
    assert any("1 of 2 rows of ba1_ev01_t1_expression.csv" in note for note in said)


@pytest.mark.parametrize("header", ["{label}_{axis}", "{label} {axis}", "yv10:{label}.{axis}", "{label}{axis}"])
def test_columns_are_found_by_the_header_in_any_order(tmp_path, header):
    order = [MOSA_LABELS[i] for i in np.random.default_rng(1).permutation(len(MOSA_LABELS))]
    dataset, _ = imported(write_mosa(tmp_path / "in", labels=order, header=header), tmp_path / "out")
    found = dataset.motion("P01T01").joints_mm[0, JOINT_INDEX["left_wrist"]]
    np.testing.assert_allclose(found, np.array(TRUE_JOINTS["left_wrist"]) + sway(1, MOSA_HZ)[0], atol=0.01)


@pytest.mark.parametrize("scale", [0.001, 0.1])
def test_other_units_are_told_by_the_trunk(tmp_path, scale):
    dataset, _ = imported(write_mosa(tmp_path / "in", scale=scale), tmp_path / "out")
    found = dataset.motion("P01T01").joints_mm[0, JOINT_INDEX["left_wrist"]]
    np.testing.assert_allclose(found, np.array(TRUE_JOINTS["left_wrist"]) + sway(1, MOSA_HZ)[0], atol=0.02)
    assert any("turned into mm" in note for note in dataset.rows("trials")[0]["notes"])


def test_a_unit_of_nobody_is_refused_and_can_be_said(tmp_path):
    source = write_mosa(tmp_path / "in", scale=0.01)
    with pytest.raises(DatasetError, match=r"unit of length is unknown.*units = \"mm\".*--config"):
        imported(source, tmp_path / "out")
    config = tmp_path / "capture.toml"
    config.write_text('[markers]\nunits = "cm"\n')
    dataset, _ = imported(source, tmp_path / "said", config=config)
    assert any("as capture.toml says, its trunk is" in note for note in dataset.rows("trials")[0]["notes"])


def test_axes_that_are_not_z_up_are_told_and_turned(tmp_path):
    source = write_mosa(tmp_path / "in")
    file = motion_file(source)
    head, *rows = file.read_text().splitlines()
    cells = np.array([row.split(",") for row in rows]).reshape(len(rows), -1, 3)[:, :, [1, 2, 0]]
    file.write_text("\n".join([head, *(",".join(row) for row in cells.reshape(len(rows), -1))]))
    dataset, _ = imported(source, tmp_path / "out")
    assert any('axes = "zxy"' in note for note in dataset.rows("trials")[0]["notes"])
    (tmp_path / "capture.toml").write_text('[markers]\naxes = "zxy"\n')
    dataset, _ = imported(source, tmp_path / "turned", config=tmp_path / "capture.toml")
    found = dataset.motion("P01T01").joints_mm[0, JOINT_INDEX["left_pelvis"]]
    np.testing.assert_allclose(found, np.array(TRUE_JOINTS["left_pelvis"]) + sway(1, MOSA_HZ)[0], atol=0.01)


def test_gaps_stay_gaps(tmp_path):
    source = write_mosa(tmp_path / "in")
    file = motion_file(source)
    head, *rows = file.read_text().splitlines()
    column = head.split(",").index("LWRA_x")
    for frame, cells in ((5, ["", "", ""]), (6, ["0", "0.0", "0"]), (7, ["nan", "1", "1"]), (8, ["1e300", "1", "1"])):
        row = rows[frame].split(",")
        row[column : column + 3] = cells
        rows[frame] = ",".join(row)
    file.write_text("\n".join([head, *rows]) + "\n\n")
    dataset, _ = imported(source, tmp_path / "out")
    valid = dataset.motion("P01T01").valid[:, JOINT_INDEX["left_wrist"]]
    assert np.flatnonzero(~valid).tolist() == [5, 6, 7, 8]
    assert dataset.rows("trials")[0]["gap_share"] == pytest.approx(4 / FRAMES / 34)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("LASI_y", "LASI_x", 1), "two columns LASI x"),
        (lambda text: text.replace("LASI_y", "other", 1), "no column LASI y"),
        (lambda text: "a,b,c\n1,2,3\n", "names none of MOSA's markers"),
        (lambda text: "", "names none of MOSA's markers"),
        (lambda text: text.splitlines()[0], "has no frame"),
        (lambda text: text.replace("\n", "\n1,", 3), "cells; its header has"),
        (lambda text: text.replace(".", "x", 1), "no number"),
        (lambda text: "\0" + text[1:], "names none|two columns|no column|no number"),
    ],
)
def test_a_damaged_motion_costs_its_take(tmp_path, change, says):
    source = write_mosa(tmp_path / "in", ("ba1_yv10_t1", "ba1_yv10_t2"))
    file = motion_file(source)
    file.write_text(change(file.read_text()))
    dataset, result = imported(source, tmp_path / "out")
    (exclusion,) = result.exclusions
    assert (exclusion["trial"], exclusion["stage"]) == ("P01T01", "import")
    assert re.search(says, exclusion["reason"])
    assert list(dataset.trials["status"]) == ["excluded", "built"]
    assert dataset.verify().ok
    with pytest.raises(DatasetError, match="ba1_yv10_t1"):
        dataset.motion("P01T01")


def test_a_row_that_is_cut_off_is_left_out(tmp_path):
    source = write_mosa(tmp_path / "in")
    file = motion_file(source)
    file.write_text(file.read_text()[:-300])
    dataset, _ = imported(source, tmp_path / "out")
    assert len(dataset.motion("P01T01").time_ns) == FRAMES - 1
    assert any("last row is cut off" in note for note in dataset.rows("trials")[0]["notes"])


def test_sound_that_cannot_be_read_costs_itself(tmp_path):
    source = write_mosa(tmp_path / "in")
    next(source.rglob("*_audio.wav")).write_bytes(b"RIFF....nothing")
    dataset, result = imported(source, tmp_path / "out")
    (exclusion,) = result.exclusions
    assert exclusion["recording"] == "P01M01T01"
    assert dataset.motion("P01T01").valid.any()
    with pytest.raises(DatasetError, match="is excluded"):
        dataset.audio("P01M01T01")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("align_notetime", "note_id,onset\n0,1\n", "has no column offset"),
        ("align_notetime", "", "has no column onset"),
        ("beat", "beat\nx\n", "no number under beat"),
        ("beat", "beat\ninf\n", "no number under beat"),
        ("harmony", "a,b\n1,2\n", "has no column onset, offset"),
    ],
)
def test_annotation_that_cannot_be_read_costs_itself(tmp_path, name, text, says):
    source = write_mosa(tmp_path / "in")
    next(source.rglob(f"*_{name}.csv")).write_text(text)
    dataset, result = imported(source, tmp_path / "out")
    assert result.exclusions == ()
    assert any("annotation left out" in note and says in note for note in dataset.rows("trials")[0]["notes"])
    left = set(dataset.annotations("P01T01").kind)
    assert left == (set() if name == "align_notetime" else {"note", "beat", "downbeat", "phrase", "expression",
                                                            "harmony", "cadence"} - {name})  # fmt: skip


def test_a_take_without_motion_is_its_sound(tmp_path):
    source = write_mosa(tmp_path / "in")
    motion_file(source).unlink()
    next(source.rglob("*_audio.wav")).rename(source / "ba1_yv10_t1_audio_clip.wav")
    dataset, result = imported(source, tmp_path / "out")
    assert result.unsynchronised == 1
    assert result.exclusions[0]["stage"] == "clocks"
    assert dataset.audio("P01M02T01").time_ns is None
    with pytest.raises(DatasetError, match="trial P01T01 has no motion"):
        dataset.motion("P01T01")
    assert len(dataset.annotations("P01T01")) > 0


def test_splits_are_by_published_names(tmp_path):
    source = write_mosa(tmp_path / "in", ("ba1_yv10_t1", "ba1_ev01_t1"))
    config = tmp_path / "capture.toml"
    config.write_text('[splits]\ntest = ["ev01"]\nvalidation = 0.0\n')
    dataset, _ = imported(source, tmp_path / "out", config=config)
    assert list(dataset.trials["split"]) == ["test", "train"]
    config.write_text('[splits]\ntest = ["xx01"]\n')
    with pytest.raises(ConfigError, match="xx01, who has no take; there are ev01, yv10"):
        imported(source, tmp_path / "no", config=config)


def test_folders_whose_names_are_no_text_are_read(tmp_path):
    write_mosa(tmp_path / "in" / "plain").rename(os.fsdecode(os.fsencode(tmp_path) + b"/in/na\xefve"))
    dataset, _ = imported(tmp_path / "in", tmp_path / "out")
    assert dataset.rows("trials")[0]["marker_file"].startswith("na?ve/yv/")
    assert dataset.verify().ok


def test_a_folder_without_takes_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ba1_yv10_t1_sheet.xml").write_text("<a/>")
    with pytest.raises(CaptureError, match="holds no file of MOSA"):
        imported(tmp_path / "in", tmp_path / "out")
