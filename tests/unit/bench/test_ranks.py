"""Several processes that train one network together are one process with the same batch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.bench.store import grid_store

SCRIPT = Path(__file__).with_name("train_together.py")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = write_dataset(
        tmp_path_factory.mktemp("small"), seconds=8.0, video_frames=200, splits=("train", "train", "validation", "test")
    )
    return grid_store(viodat.open_dataset(folder), tmp_path_factory.mktemp("grids"))


def trained(store, folder, processes, parts=1):
    folder.mkdir(exist_ok=True)
    arguments = [str(SCRIPT), str(store.folder), str(folder / "checkpoint"), str(folder / "told.json"), str(parts)]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    done = subprocess.run(
        [sys.executable, *(torchrun if processes > 1 else []), *arguments],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "told.json").read_text())


def test_two_processes_give_the_losses_of_one(store, tmp_path):
    alone, together = trained(store, tmp_path / "one", 1), trained(store, tmp_path / "two", 2)
    assert together["losses"] == pytest.approx(alone["losses"], rel=1e-9)
    assert together["errors"] == pytest.approx(alone["errors"], rel=1e-9)
    assert together["weights"] == pytest.approx(alone["weights"], rel=1e-9)


def test_parts_of_a_batch_give_the_losses_of_the_whole(store, tmp_path):
    alone, parted = trained(store, tmp_path / "one", 1), trained(store, tmp_path / "parts", 1, parts=3)
    assert parted["losses"] == pytest.approx(alone["losses"], rel=1e-9)
    assert parted["weights"] == pytest.approx(alone["weights"], rel=1e-9)


def test_two_processes_find_that_a_training_is_finished(store, tmp_path):
    first, again = trained(store, tmp_path, 2), trained(store, tmp_path, 2)
    assert first == again
