import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import viodat
from tests.unit.dataset.fitted import FITTED, PLAIN, write_fitted_dataset
from tests.unit.dataset.small import write_dataset
from viodat.dataset import export_dataset, schema


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return viodat.open_dataset(write_fitted_dataset(tmp_path_factory.mktemp("fitted")))


@pytest.fixture(scope="module")
def folder(dataset, tmp_path_factory):
    to = tmp_path_factory.mktemp("hub") / "to"
    export_dataset(dataset, to, ["hf"])
    return to


@pytest.fixture
def load(folder, tmp_path):
    """``datasets.load_dataset`` of the folder, with a cache of its own."""
    datasets = pytest.importorskip("datasets")

    def loaded(config, **more):
        return datasets.load_dataset(str(folder), config, cache_dir=str(tmp_path), **more)

    return loaded


def test_arrays_come_in_their_shape_with_what_was_missing(dataset, load):
    table = load("motion", split="train").with_format("numpy")
    motion = dataset.motion(FITTED)
    assert table["trial"][0] == FITTED
    np.testing.assert_array_equal(table["time_ns"][:], motion.time_ns)
    for name in ("joints_mm", "velocity_mm_s"):
        np.testing.assert_array_equal(np.stack([row[name] for row in table]), getattr(motion, name))
    np.testing.assert_array_equal(np.stack([row["valid"] for row in table]), motion.valid)


def test_a_cell_that_is_null_stays_null(load):
    rows = load("motion", split="test")
    assert rows[0]["trial"] == PLAIN
    assert rows[0]["sigma_mm"] is None
    assert rows[0]["velocity_mm_s"] is None
    assert rows[0]["joints_mm"] is not None


def test_splits_are_the_datasets(load):
    for config in ("motion", "video", "audio", "trials", "recordings"):
        found = load(config)
        assert {split: set(table["trial"]) for split, table in found.items()} == {
            "train": {FITTED},
            "test": {PLAIN},
        }
    assert load("exclusions")["table"]["reason"] == ["too short"]
    assert load("participants")["train"][0]["measurement_sources"] == [{"name": "height_mm", "value": "P04.vsk"}]


def test_a_table_loads_without_a_name(load):
    assert set(load(None)["train"]["trial"]) == {FITTED}


def test_units_stay_in_the_files(folder):
    found = pq.read_schema(folder / "motion" / "train-00000.parquet")
    assert found.field("joints_mm").metadata[b"unit"] == b"mm"
    assert found.metadata[b"joints"] == schema.MOTION.metadata[b"joints"]
    features = json.loads(found.metadata[b"huggingface"])["info"]["features"]
    assert features["joints_mm"]["length"] == 18


def test_large_streams_are_in_several_files(dataset, tmp_path, monkeypatch):
    folder = write_dataset(tmp_path / "in", seconds=0.5, video_frames=10, splits=("train", "train"))
    monkeypatch.setattr("viodat.dataset.exports.hub._FILE_BYTES", 1)
    export_dataset(viodat.open_dataset(folder), tmp_path / "to", ["hf"])
    files = sorted((tmp_path / "to" / "motion").iterdir())
    assert [file.name for file in files] == ["train-00000.parquet", "train-00001.parquet"]
    assert [set(pq.read_table(file)["trial"].to_pylist()) for file in files] == [{"P04T01"}, {"P04T02"}]
