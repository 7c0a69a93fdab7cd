import json

import pytest
from typer.testing import CliRunner

from tests.unit.dataset.fitted import EXCLUDED, FITTED, PLAIN, write_fitted_dataset
from viodat.cli.app import app


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Read only."""
    return write_fitted_dataset(tmp_path_factory.mktemp("fitted"))


def run(*words):
    return CliRunner().invoke(app, ["export", *map(str, words)])


def test_all_formats_of_all_trials(dataset, tmp_path):
    result = run(dataset, "--to", tmp_path / "to")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == [
        f"{FITTED}.c3d", f"{FITTED}.mot", f"{FITTED}.trc", f"{PLAIN}.c3d", f"{PLAIN}.trc",
    ]  # fmt: skip
    assert f"wrote 5 files of 2 trials in {tmp_path}/to" in result.stdout
    assert "exporting 2/2 P04T02" in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert line.startswith(f"warning: {PLAIN}: has no joint angles")


def test_one_format_of_one_trial(dataset, tmp_path):
    result = run(dataset, "--to", tmp_path, "--format", "mot", "--format", "c3d", "--trial", FITTED)
    assert result.exit_code == 0, result.output
    assert {path.suffix for path in tmp_path.iterdir()} == {".mot", ".c3d"}
    assert "warning" not in result.stderr


def test_json(dataset, tmp_path):
    result = run(dataset, "--to", tmp_path, "--format", "all", "--trial", PLAIN, "--json")
    answer = json.loads(result.stdout)
    assert answer["files"] == [str(tmp_path / f"{PLAIN}.trc"), str(tmp_path / f"{PLAIN}.c3d")]
    (skipped,) = answer["skipped"]
    assert (skipped["trial"], skipped["format"]) == (PLAIN, "mot")
    assert "no joint angles" in skipped["problem"]
    assert "viodat build" in skipped["mend"]
    assert result.stderr == ""


def test_up(dataset, tmp_path):
    for up in "yz":
        assert run(dataset, "--to", tmp_path / up, "--format", "trc", "--up", up).exit_code == 0
    assert (tmp_path / "y" / f"{FITTED}.trc").read_text() != (tmp_path / "z" / f"{FITTED}.trc").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("OUT", "--to", "TO", "--trial", "P4T01"), "Did you mean 'P04T01'?"),
        (("OUT", "--to", "TO", "--format", "trk"), "Did you mean 'trc'?"),
        (("OUT", "--to", "TO", "--trial", EXCLUDED), "too short"),
        (("OUT", "--to", "TO", "--format", "mot", "--trial", PLAIN), "has no joint angles"),
        (("TO", "--to", "TO"), "does not exist"),
        (("TO/..", "--to", "TO"), "is not a viodat dataset"),
        (("OUT", "--to", __file__), "cannot be written"),
        (("OUT", "--to", "OUT/motion"), "lies inside the dataset"),
        (("OUT",), "--to"),
    ],
)
def test_a_mistake_ends_with_2(dataset, tmp_path, words, said):
    named = [word.replace("OUT", str(dataset)).replace("TO", str(tmp_path / "to")) for word in words]
    (tmp_path / "to").mkdir() if "/.." in words[0] else None
    result = run(*named)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
