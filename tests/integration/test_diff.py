"""Two builds of one capture, and what ``viodat diff`` says when one number is moved."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

import viodat
from viodat.build import build_dataset
from viodat.dataset import paths, schema
from viodat.dataset.tables import read_arrays, write_arrays
from viodat.joints import JOINT_INDEX


@pytest.fixture(scope="module")
def again(demo_raw, tmp_path_factory):
    """The capture of ``demo_out``, built once more; read only."""
    out = tmp_path_factory.mktemp("again") / "out"
    build_dataset(demo_raw, out)
    return out


def diff(*args):
    command = [sys.executable, "-c", "from viodat.cli import main; main()", "diff", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_two_builds_of_one_capture_are_the_same(demo_out, again):
    result = diff(demo_out, again)
    assert result.returncode == 0, result.stdout
    assert result.stdout == f"same: {demo_out} and {again}, 4 trials and 4 recordings in both\n"


def test_a_joint_moved_by_2_mm(demo_out, again, tmp_path):
    copy = shutil.copytree(again, tmp_path / "out")
    row = viodat.open_dataset(copy).trials.iloc[1]
    path = copy / paths.motion(row["trial"], row["participant"], row["split"])
    arrays = read_arrays(path, schema.MOTION)
    joints = arrays["joints_mm"].copy()
    frames = np.flatnonzero(np.isfinite(joints[:, JOINT_INDEX["right_elbow"]]).all(-1))[:40]
    joints[frames, JOINT_INDEX["right_elbow"], 0] += 2.0
    write_arrays(path, schema.MOTION, {**arrays, "joints_mm": joints, "trial": row["trial"]})

    result = diff(demo_out, copy)
    assert result.returncode == 1
    (line,) = [line for line in result.stdout.splitlines() if "joints_mm in 1 trial" in line]
    assert "2.0 mm" in line
    assert f"{row['trial']} right_elbow" in line

    result = diff(demo_out, copy, "--json")
    assert result.returncode == 1
    answer = json.loads(result.stdout)
    (change,) = answer["streams"]
    assert (change["id"], change["column"], change["part"]) == (row["trial"], "joints_mm", "right_elbow")
    assert change["largest"] == pytest.approx(2.0, abs=1e-3)
    assert change["changed"] == len(frames)
    assert not any(answer[name] for name in ("made", "about", "only", "standings", "fields", "clocks", "rows"))
    assert diff(demo_out, copy, "--tolerance-mm", "2.001").returncode == 0


def test_another_option_says_why_numbers_differ(demo_raw, demo_out, tmp_path):
    """Without clocks nothing has a time, and the option that did it is named."""
    from viodat.build import BuildOptions

    out = tmp_path / "out"
    build_dataset(demo_raw, out, options=BuildOptions(sync="none", trials=("P04T01",)))
    result = diff(demo_out, out, "--json")
    assert result.returncode == 1
    answer = json.loads(result.stdout)
    assert ("options.sync", "given", "none") in [(item["field"], item["a"], item["b"]) for item in answer["made"]]
    assert {"P04T02", "P05T01"} <= {item["id"] for item in answer["only"] if item["side"] == "a"}
    (standing,) = [item for item in answer["standings"] if item["field"] == "status"]
    assert (standing["a"], standing["b"]) == ("built", "unsynchronised")
    assert standing["why_b"].startswith("clocks: ")
    (clock,) = answer["clocks"]
    assert clock["start_ms"] is None
    (times,) = [item for item in answer["streams"] if (item["stream"], item["column"]) == ("video", "time_ns")]
    rows = pq.ParquetFile(demo_out / paths.video(times["id"], "P04", "train")).metadata.num_rows
    assert (times["vanished"], times["compared"]) == (rows, 0)
    assert not [item for item in answer["streams"] if item["stream"] == "motion"], "joints do not depend on clocks"
