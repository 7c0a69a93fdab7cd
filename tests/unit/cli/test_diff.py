"""What ``viodat diff`` prints, and its exit status."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.unit.dataset.small import info, write_dataset
from viodat.cli.app import app
from viodat.dataset import paths, schema
from viodat.dataset.tables import read_arrays, write_arrays
from viodat.joints import JOINT_INDEX


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Read only."""
    return write_dataset(tmp_path_factory.mktemp("diff"), splits=("train", "test"), video_frames=30, seconds=2)


@pytest.fixture
def copy(base, tmp_path):
    return Path(shutil.copytree(base, tmp_path / "B"))


def run(*words):
    return CliRunner().invoke(app, ["diff", *map(str, words)])


def move_a_wrist(folder, mm):
    path = folder / paths.motion("P04T01", "P04", "train")
    arrays = read_arrays(path, schema.MOTION)
    joints = arrays["joints_mm"].copy()
    joints[:, JOINT_INDEX["left_wrist"], 2] += mm
    joints[5, 0] = np.nan
    write_arrays(path, schema.MOTION, {**arrays, "joints_mm": joints, "trial": "P04T01"})


def change_recording(folder, **values):
    path = folder / "recordings.parquet"
    rows = pq.ParquetFile(path).read().to_pylist()
    rows[0].update(values)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.RECORDINGS), path)


def test_the_same(base, copy):
    result = run(base, copy)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [f"same: {base} and {copy}, 2 trials and 2 recordings in both"]
    assert "comparing 2/2 P04T02" in result.stderr


def test_a_joint_that_moved(base, copy):
    move_a_wrist(copy, 2.0)
    result = run(base, copy)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "numbers, the difference's median, p95 and largest:",
        "  motion joints_mm in 1 trial: 0, 2.0, 2.0 mm, P04T01 left_wrist at 0.00 s; missing in A only 0, in B only 1",
        "the largest of each:",
        "  joints_mm: left_wrist 2.0",
        f"different: {base} and {copy}, 2 trials and 2 recordings in both",
    ]


def test_all_sections(base, copy):
    """One line of each kind; the numbers behind them are tested in tests/unit/dataset/test_diff.py."""
    for folder, offset_s in ((base, 1.0), (copy, 1.0025)):
        other = Path(shutil.copytree(folder, copy.parent / f"{offset_s}"))
        change_recording(other, offset_s=offset_s, drift_ppm=0.0, skew_ms=None if offset_s == 1 else 8.0)
    a, b = copy.parent / "1.0", copy.parent / "1.0025"
    (a / "dataset.json").write_text(json.dumps(info(options={"sync": "auto"})))
    (b / "dataset.json").write_text(json.dumps(info(options={"sync": "given"}, licence="MIT")))
    path = b / "trials.parquet"
    rows = pq.ParquetFile(path).read().to_pylist()
    rows[0] |= {"gap_share": 0.5, "notes": ["[x] a gap"]}
    rows[1] |= {"status": "excluded"}
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.TRIALS), path)
    row = {"trial": "P04T02", "stage": "gates", "reason": "gaps"}
    pq.write_table(pa.Table.from_pylist([row], schema=schema.EXCLUSIONS), b / "exclusions.parquet")
    motion = b / paths.motion("P04T01", "P04", "train")
    pq.write_table(pq.ParquetFile(motion).read().slice(1), motion)
    result = run(a, b)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:-1] == [
        "made differently, which does not count but may be why:",
        "  options.sync: auto -> given",
        "dataset.json:",
        "  licence: none -> MIT",
        "only in B:",
        "  1 of exclusions: P04T02 gates (gaps)",
        "standing:",
        "  P04T02: status built -> excluded; B: gates: gaps",
        "tables:",
        "  trials P04T01 gap_share: none -> 0.5",
        "notes, which do not count:",
        "  trials P04T01 notes: none -> ['[x] a gap']",
        "clocks, by how much B is later (+) or earlier:",
        "  P04C01T01: +2.5 ms at the trial's start, +2.5 ms at its end, skew_ms none -> 8",
        "rows:",
        "  motion P04T01: 1 only in A, 0 only in B, 200 in both",
    ]


def test_long_lists_are_cut(base, copy):
    path = copy / "participants.parquet"
    names = [field.name for field in schema.PARTICIPANTS if pa.types.is_floating(field.type)]
    row = {"participant": "P04", "split": "train", "measurement_sources": [("height_mm", "P04.vsk")]}
    pq.write_table(pa.Table.from_pylist([row | dict.fromkeys(names, 1.0)], schema=schema.PARTICIPANTS), path)
    lines = run(base, copy).stdout.splitlines()
    assert lines[9] == f"  and {len(names) - 8} more: --json has all"
    assert len(json.loads(run(base, copy, "--json").stdout)["fields"]) == len(names)


def test_another_schema_version(base, copy):
    (copy / "dataset.json").write_text(json.dumps(info(schema_version="1.9")))
    result = run(base, copy)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "schema 1.3 and 1.9; not compared:"


def test_tolerances(base, copy):
    path = copy / paths.motion("P04T01", "P04", "train")
    arrays = read_arrays(path, schema.MOTION)
    write_arrays(path, schema.MOTION, {**arrays, "joints_mm": arrays["joints_mm"] + 0.5, "trial": "P04T01"})
    change_recording(copy, audio_start_s=0.002)
    assert run(base, copy, "--tolerance-mm", 1).exit_code == 1
    change_recording(copy, audio_start_s=None)
    assert run(base, copy, "--tolerance-mm", 1).exit_code == 0
    assert run(base, copy, "--tolerance-mm", 0.8).exit_code == 1


def test_json(base, copy):
    move_a_wrist(copy, 2.0)
    result = run(base, copy, "--json", "--tolerance-ms", 3)
    assert result.exit_code == 1
    assert result.stderr == ""
    answer = json.loads(result.stdout)
    assert answer["same"] is False
    assert answer["tolerances"] == {"mm": 0.0, "ms": 3.0, "share": 0.0}
    assert answer["summary"][0]["by_part"] == {"left_wrist": 2.0}
    assert answer["streams"][0]["vanished"] == 1
    assert answer["not_counted"]["reports/"]
    same = run(base, base, "--json")
    assert same.exit_code == 0
    assert json.loads(same.stdout)["same"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("BASE", "NONE"), "does not exist"),
        (("NONE", "BASE"), "viodat build --raw RAW --out OUT"),
        (("BASE", "BASE", "--tolerance-mm", "-1"), "--tolerance-mm -1: expected a number that is not negative"),
        (("BASE", "BASE", "--tolerance", "nan"), "--tolerance nan"),
        (("BASE",), "Missing argument"),
    ],
)
def test_a_mistake_ends_with_2(base, tmp_path, words, said):
    named = [word.replace("BASE", str(base)).replace("NONE", str(tmp_path / "none")) for word in words]
    result = run(*named)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_damaged_file_ends_with_2_and_its_path(base, copy, monkeypatch):
    path = copy / paths.motion("P04T01", "P04", "train")
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr("sys.argv", ["viodat", "diff", "--json"])
    result = run(base, copy, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["where"] == str(path)
