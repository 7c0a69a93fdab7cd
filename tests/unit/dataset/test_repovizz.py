"""RepoVizz datapacks: markers by axis, sounds, alignments; hostile XML and damaged signals cost what they must."""

from __future__ import annotations

import re

import numpy as np
import pytest

import viodat
from tests.unit.dataset.published_takes import (
    SECONDS,
    STANDING,
    TELMI_HZ,
    TRUE_JOINTS,
    marker_xml,
    signal_csv,
    sway,
    write_datapack,
)
from viodat.dataset.importers import ImportOptions, import_published
from viodat.dataset.importers.repovizz_files import read_alignment, read_signal
from viodat.errors import CaptureError, DatasetError
from viodat.joints import JOINT_INDEX

FRAMES = round(SECONDS * TELMI_HZ)


def imported(source, out, name="telmi", **options):
    result = import_published(name, source, out, ImportOptions(**options))
    return viodat.open_dataset(out), result


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("telmi")
    write_datapack(folder / "in" / "anna" / "scales")
    write_datapack(folder / "in" / "bela" / "scales")
    return imported(folder / "in", folder / "out")


def notes_of(dataset, trial=0):
    return dataset.rows("trials")[trial]["notes"]


def test_known_markers_give_joints(plain):
    dataset, result = plain
    assert (result.trials, result.recordings, result.exclusions) == (2, 2, ())
    assert "participants: P01 is anna, P02 is bela" in result.notes
    motion = dataset.motion("P01T01")
    for joint, place in TRUE_JOINTS.items():
        found = motion.joints_mm[:, JOINT_INDEX[joint]]
        np.testing.assert_allclose(found, np.array(place) + sway(FRAMES, TELMI_HZ), atol=0.01)
    row = dataset.rows("trials")[0]
    assert (row["rate_hz"], row["marker_file"]) == (100.0, "anna/scales/take1.xml")


def test_sound_alignment_and_texts_come_along(plain):
    dataset, _ = plain
    assert list(dataset.recordings["notes"].iloc[0]) == ["Cardioid microphone"]
    assert dataset.audio("P01M01T01").time_ns[0] == 0
    table = dataset.annotations("P01T01")
    assert list(zip(table["text"], table["value"], table["start_ns"], strict=True)) == [
        ("C#4", 61.0, 100_000_000), ("G3", 55.0, 800_000_000), ("D4", 62.0, 800_000_000),
    ]  # fmt: skip
    said = notes_of(dataset)
    assert {"TITLE: Scales", "LICENSE: ask us"} <= set(said)
    assert any("1 signal beside the markers not read" in note for note in said)


def test_quartet_has_its_own_card(tmp_path):
    write_datapack(tmp_path / "in")
    dataset, _ = imported(tmp_path / "in", tmp_path / "out", "quartet")
    assert "Papiotis" in dataset.info["citation"]
    assert "non-commercial" in dataset.info["licence"]


def test_unknown_markers_are_not_guessed(tmp_path):
    """Sound stays; the names of joints are not believed of markers, unless capture.toml says that they are joints."""
    renamed = {"LElbow": "LELB", "RElbow": "RELB", "m1": "LWRA", "m2": "LWRB", "s": "LSHO", "h": "LASI"}
    path = write_datapack(tmp_path / "in", labels=())
    for ours, theirs in renamed.items():
        for axis, value in zip("XYZ", STANDING[theirs], strict=True):
            (path.parent / f"{ours}_{axis}.csv").write_text(signal_csv(np.full(FRAMES, float(value))))
    xml = path.read_text().replace('Expanded="1">\n</Generic>', 'Expanded="1">\n' + "".join(
        marker_xml(label, "take1") for label in renamed) + "</Generic>", 1)  # fmt: skip
    path.write_text(xml)
    dataset, result = imported(tmp_path / "in", tmp_path / "out")
    assert any("no marker set fits its 6 markers" in note and "--config" in note for note in notes_of(dataset))
    assert result.exclusions == ()
    with pytest.raises(DatasetError, match="has no motion"):
        dataset.motion("P01T01")
    assert len(dataset.audio("P01M01T01").features) > 0
    config = tmp_path / "capture.toml"
    config.write_text(
        '[markers]\nset = "telmi"\n[markers.labels]\nm1 = "LWRA"\nm2 = "LWRB"\ns = "LSHO"\nh = "LASI"\n'
        '[joints.points]\nright_elbow = "RElbow"\n'
    )
    dataset, _ = imported(tmp_path / "in", tmp_path / "said", config=config)
    motion = dataset.motion("P01T01")
    assert np.flatnonzero(motion.valid[0]).tolist() == sorted([JOINT_INDEX["left_wrist"], JOINT_INDEX["right_elbow"]])
    np.testing.assert_allclose(motion.joints_mm[0, JOINT_INDEX["right_elbow"]], STANDING["RELB"])
    assert dataset.rows("trials")[0]["joint_methods"][JOINT_INDEX["right_elbow"]] == "named:RElbow"


def test_metres_are_told(tmp_path):
    write_datapack(tmp_path / "in", scale=0.001)
    dataset, _ = imported(tmp_path / "in", tmp_path / "out")
    found = dataset.motion("P01T01").joints_mm[0, JOINT_INDEX["left_wrist"]]
    np.testing.assert_allclose(found, np.array(TRUE_JOINTS["left_wrist"]) + sway(1, TELMI_HZ)[0], atol=2)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("LWRA_X.csv", None, "marker LWRA left out: LWRA_X.csv: cannot be read"),
        ("LWRA_X.csv", "repovizz,framerate=100\n1,2,3,", "x, y and z have 3, 200, 200 samples"),
        ("LWRA_X.csv", "repovizz,framerate=0\n1,", "states framerate=0"),
        ("LWRA_X.csv", "repovizz\n1,2,", "states framerate=;"),
        ("LWRA_X.csv", "repovizz,framerate=100\n", "has no sample"),
        ("LWRA_X.csv", "repovizz,framerate=100\n1,two,3", "a sample 'two'"),
        ("LWRA_X.csv", "1,2,3\n", "begins with '1'"),
        ("LWRA_X.csv", b"\xff\x00", "is not UTF-8"),
    ],
)
def test_a_damaged_axis_costs_its_marker(tmp_path, file, content, says):
    path = write_datapack(tmp_path / "in")
    damaged = path.parent / file
    if content is None:
        damaged.unlink()
    else:
        damaged.write_bytes(content if isinstance(content, bytes) else content.encode())
    dataset, result = imported(tmp_path / "in", tmp_path / "out")
    assert result.exclusions == ()
    assert any(says in note for note in notes_of(dataset)), notes_of(dataset)
    valid = dataset.motion("P01T01").valid
    assert not valid[:, JOINT_INDEX["left_wrist"]].any()
    assert valid[:, JOINT_INDEX["right_wrist"]].all()


def test_markers_of_another_rate_than_most_are_left_out(tmp_path):
    path = write_datapack(tmp_path / "in")
    for axis in "XYZ":
        (path.parent / f"LWRA_{axis}.csv").write_text(signal_csv(np.arange(400.0), 200))
    dataset, _ = imported(tmp_path / "in", tmp_path / "out")
    assert any("400 frames at 200 Hz, most have 200 at 100 Hz" in note for note in notes_of(dataset))


def test_a_marker_without_an_axis_is_left_out(tmp_path):
    path = write_datapack(tmp_path / "in")
    path.write_text(path.read_text().replace('Category="Z"', 'Category="W"', 1))
    dataset, _ = imported(tmp_path / "in", tmp_path / "out")
    assert any("has no signal z" in note for note in notes_of(dataset))


@pytest.mark.parametrize(
    "name", ["../secret.wav", "/etc/passwd", "a/../../secret.wav", "..\\secret.wav", "C:x.wav", ""]
)
def test_names_that_lead_out_of_the_datapack_are_refused(tmp_path, name):
    write_datapack(tmp_path / "in" / "a" / "good")
    bad = write_datapack(tmp_path / "in" / "b" / "bad")
    (tmp_path / "in" / "b" / "secret.wav").write_bytes((bad.parent / "audio.wav").read_bytes())
    bad.write_text(bad.read_text().replace('Filename="audio.wav"', f'Filename="{name}"'))
    dataset, result = imported(tmp_path / "in", tmp_path / "out")
    (exclusion,) = result.exclusions
    assert (exclusion["trial"], exclusion["stage"]) == ("P02T01", "import")
    assert "does not lie in the datapack's folder" in exclusion["reason"]
    assert not [file for file in dataset.info["imported"]["files_sha256"] if "bad" in file or "secret" in file]


BOMB = '<!DOCTYPE ROOT [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n<ROOT ID="&b;"/>'
OUTSIDE = '<!DOCTYPE ROOT [<!ENTITY a SYSTEM "file:///etc/hostname">]>\n<ROOT ID="ROOT0">&a;</ROOT>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (BOMB, "is XML that is not read"),
        (OUTSIDE, "is XML that is not read"),
        ("<ROOT><Generic>", "is not valid XML"),
        ("<ROOT ID='\xff'", "is not valid XML"),
    ],
)
def test_hostile_and_damaged_xml_costs_its_datapack(tmp_path, content, says):
    write_datapack(tmp_path / "in" / "a" / "good")
    (tmp_path / "in" / "a" / "bad.xml").write_bytes(content.encode("latin-1"))
    _, result = imported(tmp_path / "in", tmp_path / "out")
    (exclusion,) = result.exclusions
    assert says in exclusion["reason"]
    assert result.trials == 1


def test_only_hostile_xml_is_an_error(tmp_path):
    (tmp_path / "bad.xml").write_text(BOMB)
    with pytest.raises(CaptureError, match="no RepoVizz datapack.*bad.xml"):
        imported(tmp_path, tmp_path.parent / "out")


def test_xml_of_other_kinds_is_passed_over(tmp_path):
    write_datapack(tmp_path / "in")
    (tmp_path / "in" / "sheet.xml").write_text('<!DOCTYPE score-partwise SYSTEM "x.dtd"><score-partwise/>')
    _, result = imported(tmp_path / "in", tmp_path / "out")
    assert "sheet.xml is another kind of XML; it was not read" in result.notes
    assert result.exclusions == ()


def test_alignments_that_cannot_be_read_cost_themselves(tmp_path):
    path = write_datapack(tmp_path / "in")
    (path.parent / "align_vln1.notes").write_text("0.5 0.1 A4\n")
    dataset, _ = imported(tmp_path / "in", tmp_path / "out")
    assert len(dataset.annotations("P01T01")) == 0
    assert any("annotation left out" in note for note in notes_of(dataset))


@pytest.mark.parametrize("line", ["0.1 0.2", "0.1 0.2 H4", "x 0.2 A4", "-1 0 A4", "0 inf A4", "0.1 0.2 A4 B4"])
def test_lines_that_are_no_alignment(tmp_path, line):
    (tmp_path / "x.notes").write_text(line)
    with pytest.raises(CaptureError, match=r"x\.notes: line 1"):
        read_alignment(tmp_path / "x.notes", "x.notes")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("repovizz,framerate=100.00,minval=0,maxval=1\n0.5,1.0,", [0.5, 1.0]),
        ("repoVizz,category=X,name=x,framerate=240\r\n0.5, 1.0\r\n", [0.5, 1.0]),
        ("repovizz,framerate=50\n0.5,NaN,,1e1", [0.5, np.nan, np.nan, 10.0]),
        ("repovizz,framerate=50\n1,2,\n3,4,\n", [1, 2, 3, 4]),
    ],
)
def test_signals_as_they_are_written(tmp_path, text, values):
    (tmp_path / "x.csv").write_text(text)
    found, rate_hz = read_signal(tmp_path / "x.csv")
    np.testing.assert_array_equal(found, values)
    assert rate_hz == float(re.search(r"framerate=([\d.]+)", text)[1])
