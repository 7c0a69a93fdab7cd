"""A build that goes on where it stopped: nothing is done twice, and the result is the same bytes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import viodat
from viodat.build import BuildOptions, LocalPool, build_dataset, plan_build
from viodat.build.cache.place import default_cache
from viodat.cli.app import app
from viodat.errors import ConfigError

TWO = BuildOptions(trials=("P04T01", "P04T02"))


def manifest(out: Path) -> dict:
    return json.loads((out / "manifest.json").read_text())["files"]


@pytest.fixture(scope="module")
def built(demo_raw, tmp_path_factory):
    """A dataset with its cache, built by a pool; read only."""
    out = tmp_path_factory.mktemp("cached") / "out"
    result = build_dataset(demo_raw, out, options=TWO, workers=LocalPool(2))
    assert result.worked_on == 2
    return out


@pytest.fixture
def again(built, tmp_path):
    """A copy of it, to build again."""
    for name in ("out", default_cache(built).name):
        shutil.copytree(built.with_name(name), tmp_path / name)
    return tmp_path / "out"


def test_processes_give_the_same_bytes_as_one(built, demo_raw, tmp_path):
    result = build_dataset(demo_raw, tmp_path / "out", options=TWO, keep_cache=False)
    assert manifest(tmp_path / "out") == manifest(built)
    assert result.cache is None
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_second_build_does_nothing_and_gives_the_same_bytes(again, built, demo_raw):
    result = build_dataset(demo_raw, again, options=TWO)
    assert result.worked_on == 0
    assert manifest(again) == manifest(built)
    assert viodat.open_dataset(again).verify().ok


def test_what_stands_there_already_is_not_made_again(again, demo_raw):
    first = build_dataset(demo_raw, again, options=TWO)
    before = {path: path.stat() for path in [again, *again.rglob("*")]}
    second = build_dataset(demo_raw, again, options=TWO)
    assert {path: path.stat() for path in [again, *again.rglob("*")]} == before
    assert second == replace(first, worked_on=0)
    # Another option is another dataset, and none of its own what somebody changed.
    other = build_dataset(demo_raw, again, options=replace(TWO, sync="none"))
    assert other.unsynchronised == first.recordings + first.unsynchronised


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail_when_all_is_done(again, demo_raw, monkeypatch):
    def refused(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("viodat.build.unchanged.write_bytes", refused)
    first = build_dataset(demo_raw, again, options=TWO)
    assert viodat.open_dataset(again).verify().ok
    assert build_dataset(demo_raw, again, options=TWO) == first


@pytest.mark.parametrize("spoilt", ["README.md", "reports/index.html", "participants.parquet", "gone"])
def test_a_dataset_that_somebody_changed_is_made_again(again, built, demo_raw, spoilt):
    build_dataset(demo_raw, again, options=TWO)
    if spoilt == "gone":
        (again / "cameras.parquet").unlink()
    else:
        with (again / spoilt).open("ab") as file:
            file.write(b"!")
    build_dataset(demo_raw, again, options=TWO)
    assert manifest(again) == manifest(built)
    assert viodat.open_dataset(again).verify().ok


def test_some_trials_do_not_replace_a_dataset_that_cannot_be_read(again, demo_raw):
    (again / "trials.parquet").write_bytes(b"damaged")
    with pytest.raises(ConfigError, match="may hold trials that a build with --trial would not have"):
        build_dataset(demo_raw, again, options=TWO)


def test_a_dataset_without_its_cache_is_built_anew(again, built, demo_raw):
    shutil.rmtree(default_cache(again))
    assert build_dataset(demo_raw, again, options=TWO).worked_on == 2
    assert manifest(again) == manifest(built)


def test_a_changed_option_redoes_what_depends_on_it_and_no_more(again, demo_raw):
    plan = plan_build(demo_raw, again, options=replace(TWO, audio_rates_hz=(30,)))
    assert {step.stage for step in plan.stale} == {
        "features",
        "evidence",
        "drift",
        "clocks",
        "cameras",
        "write",
        "draw",
    }
    (why,) = {step.why for step in plan.steps if step.stage == "features"}
    assert why == "audio rates changed"
    pig = plan_build(demo_raw, again, options=replace(TWO, joint_centres="pig"))
    assert {step.why for step in pig.steps if step.stage == "joints"} == {"option joint_centres: auto -> pig"}
    assert not {step.stage for step in pig.stale} & {"read", "keypoints", "features"}
    assert plan_build(demo_raw, again, options=TWO).stale == ()


def test_a_changed_file_redoes_its_trial_alone(again, raw_copy):
    assert plan_build(raw_copy, again, options=TWO).stale == ()
    keypoints = next(raw_copy.glob("P04/P04C01T01.keypoints.*"))
    marker_file = raw_copy / "P04" / "P04T01.c3d"
    marker_file.write_bytes(marker_file.read_bytes() + b"\0")
    stale = plan_build(raw_copy, again, options=replace(TWO, sync="given")).stale
    assert {step.unit for step in stale if step.stage == "joints"} == {"P04T01"}
    (why,) = {step.why for step in stale if step.stage == "joints"}
    assert why == "P04/P04T01.c3d changed"
    assert keypoints.exists()


def test_a_file_of_the_same_time_and_size_under_the_same_name_is_the_same(again, raw_copy):
    """Moved or copied raw recordings are the same recordings: what counts is what they hold."""
    moved = raw_copy.rename(raw_copy.with_name("moved"))
    assert plan_build(moved, again, options=TWO).stale == ()


def test_a_dataset_that_somebody_wrote_into_does_not_spoil_the_next(again, built, demo_raw):
    """Files of the dataset and of the cache are the same on disk."""
    shutil.rmtree(again)
    build_dataset(demo_raw, again, options=TWO)
    motion = next(again.rglob("motion/**/P04T01.parquet"))
    assert motion.stat().st_nlink == 2
    with motion.open("r+b") as file:
        file.seek(100)
        file.write(b"spoilt")
    assert not viodat.open_dataset(again).verify().ok
    result = build_dataset(demo_raw, again, options=TWO)
    assert result.worked_on == 1
    assert manifest(again) == manifest(built)
    assert viodat.open_dataset(again).verify().ok


@pytest.mark.parametrize("stage", ["joints", "read", "evidence", "write", "draw"])
def test_a_damaged_cache_is_mended(again, built, demo_raw, stage):
    shutil.rmtree(again)
    for path in (default_cache(again) / stage).rglob("*"):
        if path.is_file() and path.suffix in (".npz", ".flac", ".parquet", ".png"):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for path in (default_cache(again) / "write").rglob("value.json"):
        path.write_text("{")
    build_dataset(demo_raw, again, options=TWO)
    assert manifest(again) == manifest(built)


def test_adding_a_trial_works_on_that_one(again, demo_raw, tmp_path):
    options = BuildOptions(trials=("P04T01", "P04T02", "P05T01"), sync="given")
    build_dataset(demo_raw, again, options=replace(TWO, sync="given"))
    plan = plan_build(demo_raw, again, options=options)
    assert {step.unit for step in plan.stale if step.stage in ("joints", "write", "draw")} == {"P05T01"}
    assert build_dataset(demo_raw, again, options=options).worked_on == 1


def test_no_cache_is_kept_when_none_is_wanted(demo_raw, tmp_path):
    run = CliRunner().invoke(
        app, ["build", "--raw", str(demo_raw), "--out", str(tmp_path / "o"), "--no-cache", "--dry-run"]
    )
    assert run.exit_code == 2
    assert "--no-cache goes with neither" in run.output


def test_a_dry_run_writes_nothing(demo_raw, tmp_path):
    run = CliRunner().invoke(app, ["build", "--raw", str(demo_raw), "--out", str(tmp_path / "o"), "--dry-run"])
    assert run.exit_code == 0
    assert "never done" in run.output
    assert "nothing was done" in run.output
    assert list(tmp_path.iterdir()) == []


def test_a_cache_may_lie_on_any_file_system(built, demo_raw, tmp_path):
    out = tmp_path / "out"
    build_dataset(demo_raw, out, options=TWO, cache=f"memory://{tmp_path.name}")
    assert manifest(out) == manifest(built)
    assert build_dataset(demo_raw, out, options=TWO, cache=f"memory://{tmp_path.name}").worked_on == 0


def test_a_cache_nobody_knows_is_refused_before_any_work(demo_raw, tmp_path):
    with pytest.raises(ConfigError, match="--cache gopher://x"):
        build_dataset(demo_raw, tmp_path / "out", cache="gopher://x")
    assert list(tmp_path.iterdir()) == []


def test_why_tells_the_story(built):
    run = CliRunner().invoke(app, ["why", "P04T01", "--out", str(built)])
    assert run.exit_code == 0
    assert "P04T01 of P04: built" in run.output
    assert "gate residual_mm:" in run.output
    assert "P04/P04T01.c3d" in run.output
    recording = CliRunner().invoke(app, ["why", "P04C01T01", "--out", str(built), "--json"])
    assert json.loads(recording.output)["device"] == "C01"
    unknown = CliRunner().invoke(app, ["why", "P99T01", "--out", str(built)])
    assert unknown.exit_code == 2
    assert "knows no trial or recording P99T01" in unknown.output


_BUILD = """
import sys
from viodat.build import BuildOptions, LocalPool, build_dataset
if __name__ == "__main__":
    build_dataset(sys.argv[1], sys.argv[2], options=BuildOptions(trials=("P04T01", "P04T02")), workers=LocalPool(2))
"""


def test_killed_at_random_moments_and_resumed_it_gives_the_same_bytes(built, demo_raw, tmp_path):
    """The whole group dies by SIGKILL, workers included, as in a power cut of the build alone."""
    script, out = tmp_path / "build.py", tmp_path / "out"
    script.write_text(_BUILD)
    rng = random.Random(6)
    kills = 0
    for _ in range(int(os.environ.get("VIODAT_KILLS", "4"))):
        process = subprocess.Popen([sys.executable, script, demo_raw, out], start_new_session=True)
        try:
            process.wait(timeout=rng.uniform(1.0, 12.0))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        _no_more(script)
    assert kills
    build_dataset(demo_raw, out, options=TWO, workers=LocalPool(2))
    assert manifest(out) == manifest(built)
    assert viodat.open_dataset(out).verify().ok
    assert not list(out.parent.glob(".out.building*"))
    assert not list(default_cache(out).glob("*/*/.*"))


def _no_more(script: Path, limit_s: float = 30.0) -> None:
    """Wait until no process of the build is left."""
    end = time.monotonic() + limit_s
    while subprocess.run(["pgrep", "-f", str(script)], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < end
        time.sleep(0.2)


def test_ctrl_c_says_how_to_go_on(demo_raw, tmp_path):
    out = tmp_path / "out"
    viodat_ = Path(sys.executable).with_name("viodat")
    command = [viodat_, "build", "--raw", demo_raw, "--out", out, "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "T01 read" in line or "T02 read" in line:
            process.send_signal(signal.SIGINT)
            break
    told = process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert "what is done is kept, and the same command goes on from there" in told
    assert "Traceback" not in told
    assert not out.exists()
    plan = plan_build(demo_raw, out)
    assert any(not step.why for step in plan.steps)


def test_a_file_that_is_taken_for_another_is_read_again(again, raw_copy):
    """The static trial and the range-of-motion trial change places in capture.toml: the same files, other roles."""
    with (raw_copy / "capture.toml").open("a") as file:
        file.write("")
    static = "[files]\n"
    text = (raw_copy / "capture.toml").read_text()
    assert static in text
    rom = '[files]\nstatic = "none/{participant}.c3d"\nrom = "{participant}/{participant}_static.c3d"\n'
    (raw_copy / "capture.toml").write_text(text.replace(static, rom, 1))
    stale = plan_build(raw_copy, again, options=TWO).stale
    (why,) = {step.why for step in stale if step.stage == "joints"}
    assert why == "the rom: none -> P04/P04_static.c3d, the static: P04/P04_static.c3d -> none"


def test_consent_that_is_withdrawn_leaves_nothing_in_the_cache(again, raw_copy):
    people = raw_copy / "participants.csv"
    assert list(default_cache(again).glob("*/P04*"))
    header, *rows = people.read_text().splitlines()
    place = header.split(",").index("consent")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[place] = "no" if row[0] == "P04" else row[place]
    people.write_text("\n".join([header, *map(",".join, cells)]) + "\n")
    build_dataset(raw_copy, again, options=BuildOptions())
    left = {path.relative_to(default_cache(again)).parts[0] for path in default_cache(again).glob("[!.]*/P04*")}
    # What is kept is that there is nothing, and why.
    assert left <= {"write", "draw"}
    assert set(viodat.open_dataset(again).trials["participant"]) == {"P05"}


@pytest.mark.parametrize("stage", ["write", "draw"])
def test_a_flipped_byte_in_the_cache_is_mended(again, built, demo_raw, stage):
    for path in (default_cache(again) / stage).rglob("arrays.npz"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    build_dataset(demo_raw, again, options=TWO)
    assert manifest(again) == manifest(built)
