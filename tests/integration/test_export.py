"""From a built dataset, through the program, to files, and back."""

import json
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

import viodat
from viodat.capture import read_c3d, read_trc
from viodat.dataset.exports.mot import angles_known
from viodat.joints import JOINTS


@pytest.fixture(scope="module")
def exported(demo_out, tmp_path_factory):
    """What ``viodat export --json`` said, and its folder."""
    folder = tmp_path_factory.mktemp("export") / "to"
    command = [sys.executable, "-c", "from viodat.cli import main; main()"]
    result = subprocess.run(
        [*command, "export", demo_out, "--to", folder, "--json"], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout), folder


def test_every_trial_has_its_files(demo_out, exported):
    answer, folder = exported
    dataset = viodat.open_dataset(demo_out)
    expected = set()
    for trial in dataset.trials["trial"]:
        formats = ["trc", "c3d", *(["mot"] if angles_known(dataset.motion(trial)) else [])]
        expected |= {str(folder / f"{trial}.{name}") for name in formats}
    assert set(answer["files"]) == expected
    assert {path.name for path in folder.iterdir()} == {name.rsplit("/", 1)[1] for name in expected}
    assert {item["format"] for item in answer["skipped"]} <= {"mot"}
    assert len(answer["skipped"]) == 3 * len(dataset.trials) - len(expected)


def test_joints_come_back(demo_out, exported):
    _, folder = exported
    dataset = viodat.open_dataset(demo_out)
    for trial in dataset.trials["trial"]:
        motion = dataset.motion(trial)
        for read in (read_trc(folder / f"{trial}.trc", axes="x-zy"), read_c3d(folder / f"{trial}.c3d")):
            assert read.labels == JOINTS
            np.testing.assert_array_equal(read.times_ns, motion.time_ns)
            np.testing.assert_allclose(read.positions_mm, motion.joints_mm, atol=1e-3)


def test_a_player_stands_upright_in_opensim(demo_out, exported):
    """Y of the file is up: shoulders above hips above knees above ankles."""
    _, folder = exported
    for file in folder.glob("*.trc"):
        trial = read_trc(file)
        heights = [
            np.nanmean([trial.marker(f"{side}_{part}")[:, 1] for side in ("left", "right")])
            for part in ("shoulder", "pelvis", "knee", "ankle")
        ]
        assert all(a - b > 200 for a, b in pairwise(heights)), heights
