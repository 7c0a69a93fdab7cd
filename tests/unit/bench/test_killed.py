"""A training that is killed again and again ends with the weights of one that was not."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.bench.store import grid_store

SCRIPT = Path(__file__).with_name("train_alone.py")
KILLS = 10


def start(store, folder):
    folder.mkdir(exist_ok=True)
    (folder / "told.began").unlink(missing_ok=True)
    found = subprocess.Popen([sys.executable, str(SCRIPT), str(store.folder), str(folder / "c"), str(folder / "told")])
    while not (folder / "told.began").exists():
        assert found.poll() is None
        time.sleep(0.005)
    return found


def test_ten_kills_change_no_weight(tmp_path):
    """Each step is saved, which takes longer than the step: most kills are during a save."""
    folder = write_dataset(
        tmp_path / "small", seconds=8.0, video_frames=200, splits=("train", "train", "validation", "test")
    )
    store = grid_store(viodat.open_dataset(folder), tmp_path / "grids")
    began = time.monotonic()
    assert start(store, tmp_path / "whole").wait() == 0
    whole_s = time.monotonic() - began
    moments = random.Random(0)
    kills = 0
    while kills < KILLS:
        process = start(store, tmp_path / "killed")
        time.sleep(moments.uniform(0, whole_s / KILLS))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
        kills += 1
    assert start(store, tmp_path / "killed").wait() == 0
    assert kills == KILLS
    assert (tmp_path / "killed" / "told").read_text() == (tmp_path / "whole" / "told").read_text()
