"""Whole builds of captures in which files are damaged, and with a cache that is: what is healthy is built as ever."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import viodat
from tests.integration.test_cli import viodat as program
from tests.mutate import mutants
from viodat.build import BuildOptions, LocalPool, build_dataset
from viodat.build.cache.place import default_cache
from viodat.joints import JOINTS

OPTIONS = BuildOptions(joint_centres="pig")
UNITS = {"m ": "the file says m, but the numbers are mm", "cm": "the file says cm, but the numbers are mm",
         "in": "markers of neighbouring segments lie 7.3"}  # fmt: skip


@pytest.fixture(scope="module")
def built(demo_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("healthy") / "out"
    build_dataset(demo_raw, out, options=OPTIONS, workers=LocalPool(2))
    return out


def manifest(out: Path) -> dict[str, str]:
    files = json.loads((out / "manifest.json").read_text())["files"]
    return {name: entry["sha256"] for name, entry in files.items()}


def damage(path: Path, rng: np.random.Generator) -> None:
    which = int(rng.integers(7))
    *_, (_, changed) = mutants(path.read_bytes(), which + 1, int(rng.integers(1 << 30)))
    path.write_bytes(changed)


@pytest.mark.parametrize("seed", range(2))
def test_damaged_files_of_one_player_leave_the_other_as_he_was(raw_copy, built, tmp_path, seed):
    rng = np.random.default_rng(seed)
    cache = shutil.copytree(default_cache(built), tmp_path / "cache")
    for path in rng.choice(sorted((raw_copy / "P04").iterdir()), 3, replace=False):
        damage(path, rng)
    out = tmp_path / "out"
    words = ("--raw", raw_copy, "--out", out, "--workers", "2", "--joint-centres", "pig", "--cache", cache)
    run = program("build", *words)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert viodat.open_dataset(out).verify().ok
    now = manifest(out)
    healthy = {name: digest for name, digest in manifest(built).items() if "P05" in name}
    assert len(healthy) > 10
    assert {name: now.get(name) for name in healthy} == healthy
    for trial in viodat.open_dataset(out).rows("trials"):
        if trial["status"] == "built":
            assert_a_body(viodat.open_dataset(out).motion(trial["trial"]).joints_mm)


def assert_a_body(joints_mm: np.ndarray) -> None:
    for first, second in (("left_shoulder", "left_elbow"), ("right_pelvis", "right_knee")):
        apart = np.linalg.norm(joints_mm[:, JOINTS.index(first)] - joints_mm[:, JOINTS.index(second)], axis=-1)
        if np.isfinite(apart).any():
            assert 150 < np.nanmedian(apart) < 650


@pytest.mark.parametrize("seed", range(2))
def test_a_damaged_cache_changes_nothing(demo_raw, built, tmp_path, seed):
    rng = np.random.default_rng(seed)
    cache = Path(shutil.copytree(default_cache(built), tmp_path / "cache"))
    files = sorted(path for path in cache.rglob("*") if path.is_file() and path.stat().st_size)
    for path in rng.choice(files, len(files) // 5, replace=False):
        damage(path, rng)
    build_dataset(demo_raw, tmp_path / "out", options=OPTIONS, cache=cache)
    assert manifest(tmp_path / "out") == manifest(built)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_that_was_changed_in_a_marker_file_is_found(raw_copy, tmp_path, unit):
    marker_file = raw_copy / "P04" / "P04T01.c3d"
    content = bytearray(marker_file.read_bytes())
    at = content.index(b"mm", content.index(b"UNITS", 512))
    content[at : at + 2] = unit.encode()
    marker_file.write_bytes(content)
    options = BuildOptions(trials=("P04T01", "P04T02"), joint_centres="pig", pose2d="none")
    result = build_dataset(raw_copy, tmp_path / "out", options=options, keep_cache=False)
    (row,) = result.exclusions
    assert (row["trial"], row["stage"]) == ("P04T01", "gates")
    assert row["reason"].startswith("largest_size_mm is ")
    assert UNITS[unit] in row["reason"]
