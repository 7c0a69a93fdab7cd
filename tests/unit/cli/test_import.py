"""``viodat import``: what it prints, its exit status, and that a refused file leaves nothing behind."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.unit.dataset.hostile import Calls
from tests.unit.dataset.published import Release
from viodat.cli.app import app


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A release with one recording that is left out; read only."""
    release = Release({"P04C01T01": 0.0, "P05C01T28": 0.0, "P05C02T28": 0.0})
    return release.write(tmp_path_factory.mktemp("release"))


def test_import_then_check_then_info(file, tmp_path):
    out = tmp_path / "out"
    result = run("import", "viodat-v1", file, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"imported 2 trials and 2 recordings in {out}" in result.stdout
    assert "left out P05C01T28: left out by hand by the authors" in result.stderr
    assert "importing 2/2 P05T28" in result.stderr
    check = run("check", out)
    assert check.exit_code == 0, check.output
    assert "files are as they were built" in check.stdout
    assert run("info", out).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_json(file, tmp_path):
    result = run("import", "viodat-v1", file, "--out", tmp_path / "out", "--audio-rate", "30", "--json")
    answer = json.loads(result.stdout)
    assert (answer["trials"], answer["recordings"], answer["unsynchronised"]) == (2, 2, 0)
    assert [row["recording"] for row in answer["exclusions"]] == ["P05C01T28"]
    assert result.stderr == ""
    info = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert info["feature_rates_hz"] == [30, 100]


def test_again_into_the_same_folder(file, tmp_path):
    for _ in range(2):
        assert run("import", "viodat-v1", file, "--out", tmp_path / "out").exit_code == 0
    (tmp_path / "out" / "mine.txt").write_text("a note")
    result = run("import", "viodat-v1", file, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "mine.txt" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("viodat-v2", "FILE", "--out", "OUT"), "no importer called 'viodat-v2'. Choose one of viodat-v1"),
        (("viodat-v1", "none.npz", "--out", "OUT"), "none.npz: there is no such file"),
        (("viodat-v1", "FILE", "--out", "OUT", "--audio", "none.npz"), "none.npz: there is no such file"),
        (("viodat-v1", "FILE", "--out", "OUT", "--audio-rate", "44"), "--audio-rate 44: expected one of 30, 100, 300"),
        (("viodat-v1", "FILE", "--out", "OUT", "--keypoints", "yolo"), "--keypoints yolo: expected one of mediapipe"),
        (("viodat-v1", "FILE", "--out", "OUT", "--limit-gib", "0.00001"), "--limit-gib"),
        (("viodat-v1", "FILE"), "--out"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(file, tmp_path, words, said):
    named = {"FILE": str(file), "OUT": str(tmp_path / "out")}
    result = run("import", *(named.get(word, word) for word in words))
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_file_is_refused_and_what_was_there_stays(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    assert run("import", "viodat-v1", file, "--out", out).exit_code == 0
    before = (out / "manifest.json").read_bytes()
    evil = tmp_path / "evil.npz"
    np.savez(evil, kp_optim_3d_vid={"P04C01T01": Calls(os.system, "touch ran")}, kp_optim_2d_vid={}, kp_video_fps={})
    result = run("import", "viodat-v1", evil, "--out", out)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: evil.npz: kp_optim_3d_vid would load posix.system; only numpy arrays")
    assert not (tmp_path / "ran").exists()
    assert (out / "manifest.json").read_bytes() == before
