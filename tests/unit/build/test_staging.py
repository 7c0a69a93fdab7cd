"""What stood at the destination stays as it was until a whole dataset takes its place."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from viodat.build.staging import staging_folder
from viodat.dataset.manifest import write_manifest
from viodat.errors import ConfigError


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def _dataset(folder: Path, word: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({"schema_version": "1.0", "word": word}))
    write_manifest(folder, {})
    return folder


def _word(folder: Path) -> str:
    return json.loads((folder / "dataset.json").read_text())["word"]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("before", ["nothing", "empty", "dataset"])
def test_the_new_dataset_takes_the_place(raw, tmp_path, before):
    out = tmp_path / "out"
    if before == "empty":
        out.mkdir()
    if before == "dataset":
        _dataset(out, "old")
    with staging_folder(raw, out) as staging:
        _dataset(staging, "new")
    assert _word(out) == "new"
    assert _names(out) == ["dataset.json", "manifest.json"]
    assert _names(tmp_path) == ["out", "raw"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_whatever_stops_a_build_leaves_the_old_one(raw, tmp_path, error):
    out = _dataset(tmp_path / "out", "old")
    with pytest.raises(error), staging_folder(raw, out) as staging:
        _dataset(staging, "new")
        raise error
    assert _word(out) == "old"
    assert _names(tmp_path) == ["out", "raw"]


def test_a_failed_swap_puts_the_old_one_back(raw, tmp_path, monkeypatch):
    out = _dataset(tmp_path / "out", "old")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == ".out.building":
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ConfigError, match="what stood there is as it was"), staging_folder(raw, out) as staging:
        _dataset(staging, "new")
    assert _word(out) == "old"


def test_a_run_killed_between_the_renames_is_put_right_by_the_next(raw, tmp_path):
    _dataset(tmp_path / ".out.replaced", "old")
    with pytest.raises(RuntimeError), staging_folder(raw, tmp_path / "out"):
        raise RuntimeError
    assert _word(tmp_path / "out") == "old"


@pytest.mark.parametrize("foreign", ["dataset.json", "thesis.tex"])
def test_folders_of_others_are_refused(raw, tmp_path, foreign):
    out = tmp_path / "out"
    out.mkdir()
    (out / foreign).write_text('{"labels": {}}')
    (out / "a.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no viodat dataset"), staging_folder(raw, out):
        pass
    assert _names(out) == sorted([foreign, "a.txt"])


def test_files_that_somebody_added_to_a_dataset_are_not_lost(raw, tmp_path):
    out = _dataset(tmp_path / "out", "old")
    (out / "models").mkdir()
    (out / "models" / "w.pt").write_text("weeks of training")
    with (
        pytest.raises(ConfigError, match=r"1 file\(s\) that viodat did not write.*models/w\.pt"),
        staging_folder(raw, out),
    ):
        pass
    with pytest.raises(ConfigError, match=r"models/late\.pt"):
        (out / "models" / "w.pt").unlink()
        with staging_folder(raw, out) as staging:
            _dataset(staging, "new")
            (out / "models" / "late.pt").write_text("saved while the build ran")
    assert (out / "models" / "late.pt").exists()


def test_a_second_build_of_the_same_dataset_is_refused(raw, tmp_path):
    out = tmp_path / "out"
    with staging_folder(raw, out) as staging:
        with (
            pytest.raises(ConfigError, match=f"another build is writing it \\(process {os.getpid()} on"),
            staging_folder(raw, out),
        ):
            pass
        _dataset(staging, "first")
    assert _word(out) == "first"


def test_what_a_dead_build_left_is_removed(raw, tmp_path):
    left = tmp_path / ".out.building"
    left.mkdir()
    (left / "half.parquet").write_text("half")
    # The largest pid that Linux gives is 2^22.
    owner = {"host": socket.gethostname(), "pid": 2**22 + 1, "since": time.time()}
    (left / ".owner.json").write_text(json.dumps(owner))
    with staging_folder(raw, tmp_path / "out") as staging:
        assert not (staging / "half.parquet").exists()
        _dataset(staging, "new")
    assert _word(tmp_path / "out") == "new"


def test_a_build_on_another_machine_is_believed(raw, tmp_path):
    left = tmp_path / ".out.building"
    left.mkdir()
    (left / ".owner.json").write_text(json.dumps({"host": "elsewhere", "pid": 1, "since": time.time() - 3600}))
    with (
        pytest.raises(ConfigError, match=r"process 1 on elsewhere, for 60 min.*remove"),
        staging_folder(raw, tmp_path / "out"),
    ):
        pass
    assert left.exists()


def test_the_working_folder_cannot_be_replaced(raw, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"is the working folder.*--out dataset"), staging_folder(raw, Path()):
        pass


def test_a_mount_point_cannot_be_replaced(raw, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == out)
    with pytest.raises(ConfigError, match="is a mount point"), staging_folder(raw, out):
        pass
