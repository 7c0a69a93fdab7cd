"""``viodat check OUT``: files and splits, in words and as JSON, and an exit status that says which."""

import json

import pytest
from typer.testing import CliRunner, Result

from tests.unit.dataset.played import motion, played, write_played
from viodat.cli.app import app


def check(out, *options) -> Result:
    return CliRunner().invoke(app, ["check", str(out), *options])


@pytest.fixture
def clean(tmp_path):
    return write_played(tmp_path / "out", [played("P04T01", "train", 13.0), played("P05T01", "test", 13.0)])


def test_a_clean_dataset(clean):
    result = check(clean)
    assert result.exit_code == 0
    assert "12 of 12 files are as they were built" in result.stdout
    assert "note pieces is not known: capture.toml names no pieces" in result.stdout
    assert "kept apart by the splits: participants, sessions, near_duplicates, statistics" in result.stdout


def test_a_clean_dataset_as_json(clean):
    answer = json.loads(check(clean, "--json").stdout)
    assert answer["ok"]
    assert set(answer["files"].values()) == {"ok"}
    assert answer["faults"] == {}
    assert answer["splits"]["certificate"]["statements"]["participants"]["holds"] is True


def test_a_copied_take_ends_with_1(tmp_path):
    trials = [played("P04T01", "train", 13.0, joints_mm=motion(0)), played("P05T01", "test", 13.0, joints_mm=motion(0))]
    result = check(write_played(tmp_path, trials))
    assert result.exit_code == 1
    assert "error P04T01 and P05T01 have the same motion, number for number" in result.stdout


def test_a_damaged_stream_is_told_once_as_a_file_and_once_for_the_splits(clean):
    path = next(clean.rglob("P04T01.parquet"))
    path.write_bytes(b"damaged")
    result = check(clean)
    assert result.exit_code == 1
    assert "changed: motion/split=train/participant=P04/P04T01.parquet has 7 bytes; " in result.stdout
    assert "error the splits cannot be checked: P04T01.parquet: cannot be read as Parquet" in result.stdout


def test_a_dataset_without_dataset_json_is_still_one(clean):
    (clean / "dataset.json").unlink()
    result = check(clean, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert answer["files"]["dataset.json"] == "missing"
    assert answer["splits"]["certificate"] is None
