"""Annotations of imported datasets: in the formats that hold everything."""

import csv

import pyarrow.parquet as pq
import pytest

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.dataset import export_dataset, paths, schema
from viodat.dataset.tables import write_rows

NOTE = {
    "trial": "P04T01", "recording": None, "kind": "note", "start_ns": 1_000, "end_ns": None, "value": 69.5,
    "text": "A4", "source": "notes.txt",
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = write_dataset(tmp_path_factory.mktemp("small"), seconds=0.5, video_frames=10)
    write_rows(folder / paths.annotation("P04T01", "P04", "train"), schema.ANNOTATIONS, [NOTE])
    return viodat.open_dataset(folder)


def test_csv(dataset, tmp_path):
    export_dataset(dataset, tmp_path, ["csv"])
    with (tmp_path / "P04T01.annotations.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["kind"], row["start_ns"], row["end_ns"], row["value"]) == ("note", "1000", "", "69.5")


def test_hub(dataset, tmp_path):
    export_dataset(dataset, tmp_path / "to", ["hf"])
    assert pq.read_table(tmp_path / "to" / "annotations" / "train-00000.parquet").to_pylist() == [NOTE]
