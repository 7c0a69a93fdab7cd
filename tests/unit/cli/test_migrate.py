import json

import pytest
from typer.testing import CliRunner

import viodat
from tests.unit.dataset.fitted import write_fitted_dataset
from tests.unit.dataset.test_migrate import OLDER, aged
from viodat.cli.app import app
from viodat.dataset import schema


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    return aged(write_fitted_dataset(folder / "today"), folder / "old", OLDER[-1])


def run(*words):
    return CliRunner().invoke(app, ["migrate", *map(str, words)])


def test_it_says_what_it_did(old, tmp_path):
    result = run(old, "--out", tmp_path / "new")
    assert result.exit_code == 0, result.output
    assert f"migrated {OLDER[-1]} -> {schema.SCHEMA_VERSION} in {tmp_path}/new" in result.stdout
    assert viodat.open_dataset(tmp_path / "new").verify().ok


def test_as_json(old, tmp_path):
    result = run(old, "--out", tmp_path / "new", "--json")
    answer = json.loads(result.stdout)
    assert answer["versions"] == [OLDER[-1], schema.SCHEMA_VERSION]
    assert isinstance(answer["notes"], list)


def test_a_mistake_is_one_line_and_status_2(old, tmp_path):
    run(old, "--out", tmp_path / "new")
    again = run(tmp_path / "new", "--out", tmp_path / "newer")
    assert again.exit_code == 2
    assert "already" in again.stderr
