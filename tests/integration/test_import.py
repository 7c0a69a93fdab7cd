"""``viodat import``: what stood there before is replaced whole or not at all."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_cli import viodat
from tests.unit.dataset.published_takes import write_mosa, write_urmp
from viodat import open_dataset
from viodat.dataset.importers import import_published
from viodat.dataset.manifest import FileState


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    import_published("urmp", write_urmp(folder / "urmp"), folder / "out")
    return folder / "out"


@pytest.fixture
def out(made, tmp_path):
    """A dataset that stands there already."""
    return Path(shutil.copytree(made, tmp_path / "out"))


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_import_takes_the_place_of_the_first(out, tmp_path):
    write_mosa(tmp_path / "mosa")
    result = viodat("import", "mosa", tmp_path / "mosa", "--out", out)
    assert result.returncode == 0, result.stderr
    assert "imported 1 trial and 1 recording" in result.stdout
    assert "MOSA" in (out / "README.md").read_text()
    assert open_dataset(out).verify().having(FileState.EXTRA) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mosa", "out"]


def test_a_failed_import_leaves_what_was_there(out, tmp_path):
    before = content(out)
    source = write_mosa(tmp_path / "mosa", scale=0.01)
    result = viodat("import", "mosa", source, "--out", out)
    assert result.returncode == 2
    assert result.stderr.strip().splitlines()[-1].startswith("error: mosa: not one take can be imported")
    assert content(out) == before


def test_ctrl_c_leaves_what_was_there(out, tmp_path):
    before = content(out)
    write_mosa(tmp_path / "mosa", [f"ba1_yv{player:02d}_t1" for player in range(1, 41)])
    command = [sys.executable, "-c", "from viodat.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "import", "mosa", tmp_path / "mosa", "--out", out],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline().startswith("importing ")
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in rest
    assert content(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mosa", "out"]
