"""What ``viodat build`` prints of what was left out, and its exit status where viodat itself failed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import viodat.build
from viodat.build.pipeline import BuildResult
from viodat.cli.app import app

FAULT = "unexpected AttributeError: no such thing (please report this), met at P04T01, P04T02"


@pytest.fixture
def run(monkeypatch):
    def call(*arguments: str, faults: tuple[str, ...] = (), exclusions: tuple[dict, ...] = ()):
        result = BuildResult(Path("out"), Path("out/reports/index.html"), 2, 8, 8, exclusions, (), faults)
        monkeypatch.setattr(viodat.build, "build_dataset", lambda *_, **__: result)
        return CliRunner().invoke(app, ["build", "--raw", "raw", *arguments])

    return call


def test_a_fault_of_viodat_is_told_as_one_and_ends_with_3(run):
    result = run(faults=(FAULT,))
    assert result.exit_code == 3
    assert "built 2 trials" in result.output
    last = result.output.strip().splitlines()[-1]
    assert last.startswith(f"error: no fault of your recordings: {FAULT}")
    assert run().exit_code == 0


def test_a_fault_is_in_the_json_too(run):
    result = run("--json", faults=(FAULT,))
    assert result.exit_code == 3
    assert json.loads(result.stdout)["faults"] == [FAULT]


def test_recordings_with_the_same_reason_share_a_line(run):
    rows = tuple(
        {"trial": "P04T01", "recording": name, "stage": "clocks", "reason": "its clock is unknown"}
        for name in ("P04C01T01", "P04C02T01")
    )
    lost = {"trial": "P04T02", "recording": None, "stage": "read", "reason": "is damaged"}
    output = run(exclusions=(*rows, lost)).output
    assert "not trained on: P04C01T01, P04C02T01 (clocks): its clock is unknown" in output
    assert "left out P04T02 (read): is damaged" in output
    assert output.count("its clock is unknown") == 1
