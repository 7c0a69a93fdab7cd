"""croissant.json, read by mlcroissant, which shares no code with what wrote it."""

import json
import shutil

import numpy as np
import pytest

import viodat
from tests.unit.dataset.fitted import FITTED, PLAIN, write_fitted_dataset
from tests.unit.dataset.small import info, write_dataset
from viodat.dataset import schema
from viodat.dataset.croissant import croissant, write_croissant

mlc = pytest.importorskip("mlcroissant")

PUBLISHED = {
    "licence": "CC-BY-4.0", "citation": "Doe, 2025", "creator": "A lab", "url": "https://example.org/data",
    "version": "1.0.0", "date_published": "2025-02-01",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Read only."""
    made = write_fitted_dataset(tmp_path_factory.mktemp("fitted"))
    write_croissant(made, info(**PUBLISHED))
    return made


@pytest.fixture(scope="module")
def described(folder):
    return mlc.Dataset(jsonld=str(folder / "croissant.json"))


def test_it_is_valid_croissant_1_1_without_a_warning(described):
    assert described.metadata.ctx.is_v1_1()
    issues = described.metadata.ctx.issues
    assert (set(issues.errors), set(issues.warnings)) == (set(), set())


def test_it_says_whose_it_is(described):
    metadata = described.metadata
    assert metadata.license == ["https://creativecommons.org/licenses/by/4.0/"]
    assert metadata.cite_as == "Doe, 2025"
    assert [creator.name for creator in metadata.creators] == ["A lab"]
    assert metadata.date_published.date().isoformat() == "2025-02-01"
    assert metadata.url == "https://example.org/data"


def test_every_table_and_stream_is_a_record_set_with_every_column(described):
    sets = {found.id: {field.name for field in found.fields} for found in described.metadata.record_sets}
    assert set(sets) == {"splits", *schema.TABLES, "motion", "video", "audio"}
    assert sets["motion"] == {*schema.MOTION.names, "split"}
    assert sets["participants"] == {*schema.PARTICIPANTS.names} - {"measurement_sources"}


def test_records_are_the_numbers_of_the_dataset(folder, described):
    motion = viodat.open_dataset(folder).motion(FITTED)
    records = [record for record in described.records("motion") if record["motion/trial"] == FITTED.encode()]
    assert {record["motion/split"] for record in records} == {b"train"}
    assert [record["motion/time_ns"] for record in records] == motion.time_ns.tolist()
    joints = np.array([record["motion/joints_mm"] for record in records], np.float32)
    np.testing.assert_array_equal(joints.reshape(-1, 18, 3), motion.joints_mm)
    assert {len(record["motion/valid"]) for record in records} == {18}


def test_a_cell_that_is_null_is_none(described):
    records = [record for record in described.records("motion") if record["motion/trial"] == PLAIN.encode()]
    assert {record["motion/split"] for record in records} == {b"test"}
    assert {record["motion/sigma_mm"] for record in records} == {None}


def test_every_record_set_loads(folder, described):
    dataset = viodat.open_dataset(folder)
    for name in schema.TABLES:
        assert len(list(described.records(name))) == len(getattr(dataset, name)), name
    for name, rows in (("video", 20), ("audio", 102)):
        assert len(list(described.records(name))) == rows
    assert next(iter(described.records("recordings")))["recordings/frames"] == 10


def test_one_split_can_be_asked_for(folder):
    for split, trial in (("train", FITTED), ("test", PLAIN)):
        described = mlc.Dataset(jsonld=str(folder / "croissant.json"))
        records = described.records("motion", filters={"motion/split": split})
        assert {record["motion/trial"] for record in records} == {trial.encode()}


def test_records_come_file_by_file_and_again(described):
    """A join would hold a whole stream in memory, and give it once."""
    assert [sum(1 for _ in described.records("audio")) for _ in range(2)] == [102, 102]


def test_a_changed_table_is_found_by_its_digest(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    with (copy / "trials.parquet").open("ab") as file:
        file.write(b" ")
    dataset = mlc.Dataset(jsonld=str(copy / "croissant.json"))
    with pytest.raises(Exception, match="(?s)Hash of downloaded file|Download") as caught:
        list(dataset.records("trials"))
    assert "not identical" in str(caught.value.__cause__ or caught.value)


def test_it_depends_on_nothing_but_the_dataset(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert json.dumps(croissant(folder, info(**PUBLISHED))) == json.dumps(croissant(copy, info(**PUBLISHED)))
    assert "date" not in json.dumps(croissant(folder, info())).lower().replace("date_", "")


def test_units_and_shapes_are_in_the_descriptions(folder):
    (motion,) = [found for found in croissant(folder, info())["recordSet"] if found["@id"] == "motion"]
    (joints,) = [field for field in motion["field"] if field["name"] == "joints_mm"]
    assert joints["arrayShape"] == "54"
    for part in ("unit mm", "frame of reference world", "shape 18x3, flattened in row-major order"):
        assert part in joints["description"]


def test_a_dataset_of_which_nothing_is_stated_is_valid_too(tmp_path):
    folder = write_dataset(tmp_path / "out", seconds=0.5, video_frames=10)
    write_croissant(folder, info(name=None))
    assert not mlc.Dataset(jsonld=str(folder / "croissant.json")).metadata.ctx.issues.errors
