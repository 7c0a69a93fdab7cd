"""URMP in its published layout: sounds on one clock, notes and pitch of each track, no motion made up."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import viodat
from tests.unit.dataset.published_takes import write_urmp
from viodat.dataset.diff import diff_datasets
from viodat.dataset.importers import ImportOptions, import_published
from viodat.errors import CaptureError, DatasetError

PIECES = {
    "01_Jupiter_vn_vc": ("vn", "vc"),
    "15_Surprise_tpt_tpt_tbn": ("tpt", "tpt", "tpt"),
    "16_Surprise_tpt_tpt_sax": ("sax",),
}


def imported(source, out, **options):
    result = import_published("urmp", source, out, ImportOptions(**options))
    return viodat.open_dataset(out), result


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("urmp")
    source = write_urmp(folder / "Dataset", PIECES)
    (source / "Supplementary_Files").mkdir()
    return imported(source, folder / "out", audio_rates_hz=(30,))


def test_pieces_of_one_title_are_one_participant(plain):
    dataset, result = plain
    assert list(dataset.trials["trial"]) == ["P01T01", "P02T01", "P02T02"]
    assert list(dataset.trials["participant"]) == ["P01", "P02", "P02"]
    assert (result.trials, result.recordings, result.unsynchronised, result.exclusions) == (3, 9, 0, ())
    recordings = dataset.recordings.set_index("recording")
    assert recordings.loc["P01M00T01", "notes"][0] == "the mix of all tracks"
    assert recordings.loc["P01M02T01", "notes"][0] == "track 2, cello"
    assert recordings.loc["P02M03T01", "notes"][0] == "track 3, trumpet"
    assert recordings.loc["P01M01T01", "audio_file"] == "01_Jupiter_vn_vc/AuSep_1_vn_01_Jupiter.wav"
    assert set(recordings["status"]) == {"built"}
    assert set(recordings["offset_s"]) == {0.0}


def test_sound_is_the_published_one(plain):
    dataset, _ = plain
    published, _ = soundfile.read(next(dataset.path.parent.rglob("AuSep_1_vn_01_Jupiter.wav")), dtype="int32")
    copied, rate = soundfile.read(dataset.path / "waveform" / "P01M01T01.flac", dtype="int32")
    assert rate == 48000
    np.testing.assert_array_equal(copied, published)
    for rate_hz in (30, 100):
        track = dataset.audio("P01M01T01", rate_hz)
        np.testing.assert_array_equal(track.time_ns, np.rint(np.arange(len(track.features)) / rate_hz * 1e9))


def test_notes_and_pitch_are_those_of_their_track(plain):
    dataset, _ = plain
    table = dataset.annotations("P01T01")
    notes = table[(table["kind"] == "note") & (table["recording"] == "P01M02T01")]
    np.testing.assert_allclose(notes["value"], [57, 69], atol=1e-3)
    assert list(notes["start_ns"]) == [100_000_000, 700_000_000]
    assert list(notes["end_ns"]) == [600_000_000, 1_600_000_000]
    assert set(notes["source"]) == {"01_Jupiter_vn_vc/Notes_2_vc_01_Jupiter.txt"}
    pitch = table[(table["kind"] == "f0") & (table["recording"] == "P01M01T01")]
    assert list(pitch["start_ns"][:2]) == [23_000_000, 33_000_000]
    voiced = pitch["start_ns"] < 600_000_000
    assert (pitch["value"][voiced] == 440).all()
    assert pitch["value"][~voiced].isna().all()


def test_there_is_no_motion(plain):
    dataset, _ = plain
    with pytest.raises(DatasetError, match="trial P01T01 has no motion"):
        dataset.motion("P01T01")
    assert not (dataset.path / "motion").exists()
    assert diff_datasets(dataset, dataset).same
    assert dataset.verify().ok


def test_one_piece_can_be_imported_by_its_own_folder(tmp_path):
    source = write_urmp(tmp_path)
    dataset, _ = imported(source / "01_Jupiter_vn_vc", tmp_path / "out")
    assert len(dataset.recordings) == 3


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("Notes_1_vn", "0.1 440\n", "row 1 has 2 columns; expected onset, pitch, duration"),
        ("Notes_1_vn", "0.1 440 x\n", "a cell that is no number"),
        ("Notes_1_vn", "0.1 0 0.5\n", "not above 0"),
        ("F0s_1_vn", "", "is empty"),
        ("F0s_1_vn", "0.1 440\n0.1 441\n", "do not increase"),
        ("F0s_1_vn", "0.1 -440\n", "below 0"),
        ("F0s_1_vn", "0.1 nan\n", "not finite"),
        ("F0s_1_vn", "\xff\xfe", "is not UTF-8"),
    ],
)
def test_annotation_that_cannot_be_read_costs_itself(tmp_path, name, text, says):
    source = write_urmp(tmp_path / "in")
    next(source.rglob(f"{name}_*.txt")).write_bytes(text.encode("latin-1"))
    dataset, result = imported(source, tmp_path / "out")
    assert result.exclusions == ()
    assert any("annotation left out" in note and says in note for note in dataset.rows("trials")[0]["notes"])
    assert set(dataset.annotations("P01T01")["recording"]) == {"P01M01T01", "P01M02T01"}


def test_annotation_longer_than_its_sound_is_told(tmp_path):
    source = write_urmp(tmp_path / "in")
    next(source.rglob("Notes_1_vn_*.txt")).write_text("1.5 440 3.0\n")
    dataset, _ = imported(source, tmp_path / "out")
    assert any("goes on for 2.50 s after its sound ends" in note for note in dataset.rows("trials")[0]["notes"])


def test_annotation_at_times_of_nobody_is_left_out(tmp_path):
    source = write_urmp(tmp_path / "in")
    next(source.rglob("Notes_1_vn_*.txt")).write_text("0.1 440 0.5\n1e30 440 1.0\n")
    dataset, _ = imported(source, tmp_path / "out")
    assert len(dataset.annotations("P01T01").query("kind == 'note' and recording == 'P01M01T01'")) == 1
    assert any("1 annotation left out" in note for note in dataset.rows("trials")[0]["notes"])


def test_a_track_without_sound_leaves_its_notes_to_the_trial(tmp_path):
    source = write_urmp(tmp_path / "in")
    next(source.rglob("AuSep_2_*.wav")).unlink()
    dataset, _ = imported(source, tmp_path / "out")
    table = dataset.annotations("P01T01")
    assert table["recording"].isna().any()
    assert set(table["recording"].dropna()) == {"P01M01T01"}


def test_a_piece_without_sound_is_excluded(tmp_path):
    source = write_urmp(tmp_path / "in", {"01_Jupiter_vn": ("vn",), "02_Sonata_vn": ("vn",)})
    for file in (source / "01_Jupiter_vn").glob("*.wav"):
        file.write_bytes(b"")
    dataset, result = imported(source, tmp_path / "out")
    assert {row["recording"] for row in result.exclusions} == {"P01M00T01", "P01M01T01", None}
    assert list(dataset.trials["status"]) == ["excluded", "built"]
    assert not list(dataset.path.glob("annotations/*/participant=P01/*"))


def test_a_folder_without_pieces_is_told(tmp_path):
    (tmp_path / "AuSep_1_vn_01_Jupiter.wav").write_bytes(b"")
    with pytest.raises(CaptureError, match="holds no piece of URMP"):
        imported(tmp_path, tmp_path.parent / "out")
    with pytest.raises(CaptureError, match="there is no such folder"):
        imported(tmp_path / "nowhere", tmp_path / "out")
