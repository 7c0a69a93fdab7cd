"""Disks that are full, read-only, in use or taken away: one clear line, and the dataset that stood there as it was."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from viodat import open_dataset
from viodat.build import BuildOptions, LocalPool, build_dataset
from viodat.build.cache.place import default_cache
from viodat.errors import ConfigError

ONE = ("--trial", "P04T01", "--workers", "1", "--joint-centres", "pig")
OPTIONS = BuildOptions(trials=("P04T01",), joint_centres="pig")


@dataclass(frozen=True)
class Place:
    """A dataset with its cache, and what is in it."""

    raw: Path
    out: Path

    def content(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.out.rglob("*") if path.is_file()}

    def left(self) -> list[str]:
        return sorted(path.name for path in self.out.parent.iterdir() if "building" in path.name)


@pytest.fixture(scope="module")
def built(demo_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("standing") / "out"
    build_dataset(demo_raw, out, options=OPTIONS)
    return out


@pytest.fixture
def place(built: Path, demo_raw: Path, tmp_path: Path) -> Place:
    return copied(built, demo_raw, tmp_path)


def copied(built: Path, raw: Path, folder: Path) -> Place:
    for name in (built.name, default_cache(built).name):
        shutil.copytree(built.with_name(name), folder / name)
    return Place(raw, folder / built.name)


def command(place: Place, *args: object) -> list[str]:
    words = ("build", "--raw", place.raw, "--out", place.out, *ONE, *args)
    return [sys.executable, "-c", "from viodat.cli import main; main()", *map(str, words)]


def refused(place: Place, *args: object, file_bytes: int | None = None) -> str:
    """Build; give the one line of the refusal, after what must hold of every refusal."""
    before = place.content()

    def limit() -> None:
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    run = subprocess.run(command(place, *args), capture_output=True, text=True, timeout=300, preexec_fn=limit)
    assert run.returncode == 2, run.stderr
    (line,) = [line for line in run.stderr.splitlines() if not line.startswith("building")]
    assert line.startswith("error: ")
    assert run.stdout == ""
    assert place.content() == before
    assert place.left() == []
    return line


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount something there; only some systems let a test do that."""
    folder.mkdir(exist_ok=True)
    run = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip(f"mount: {run.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write there; who may write anywhere needs a mount for that."""
    if os.geteuid():
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)
        return
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield


@pytest.mark.skipif(not shutil.which("mount"), reason="needs mount")
@pytest.mark.parametrize("cached", [False, True])
def test_a_full_disk(built, demo_raw, tmp_path, cached):
    """It fills while the cache is written, or, where the cache lies elsewhere, while the dataset is put together."""
    taken = sum(path.stat().st_size for path in built.rglob("*") if path.is_file())
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={taken // 2**20 + 2}m", "tmpfs") as disk:
        shutil.copytree(built, disk / "out")
        place = Place(demo_raw, disk / "out")
        cache = default_cache(built) if cached else disk / "cache"
        line = refused(place, "--cache", cache)
        assert f"{place.out if cached else cache}: cannot be written (No space left on device)" in line
        assert f"choose another {'--out' if cached else '--cache'}" in line


def test_a_disk_that_takes_no_large_files(place, tmp_path):
    line = refused(place, "--cache", tmp_path / "new", file_bytes=20_000)
    assert f"cannot be written ({os.strerror(errno.EFBIG)})" in line


def test_a_place_that_may_only_be_read(place):
    with read_only(place.out.parent):
        assert "out: cannot be written (" in refused(place)


def test_a_cache_that_may_only_be_read(place, tmp_path):
    cache = default_cache(place.out).rename(tmp_path / "kept")
    with read_only(cache):
        assert f"{cache}: cannot be written (" in refused(place, "--cache", cache, "--audio-rate", "30")


@pytest.mark.parametrize(("where", "says"), [("file", "is a file"), ("raw", "within --raw"), ("out", "within --out")])
def test_places_that_are_none_for_a_cache(place, tmp_path, where, says):
    (tmp_path / "file").touch()
    cache = {"file": tmp_path / "file", "raw": place.raw / "cache", "out": place.out / "cache"}[where]
    with pytest.raises(ConfigError, match=says):
        build_dataset(place.raw, place.out, options=OPTIONS, cache=cache)
    assert not cache.is_dir()
    assert place.left() == []


def test_two_builds_into_one_folder(place):
    first = subprocess.Popen(command(place, "--no-cache"), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    owner = place.out.with_name(".out.building") / ".owner.json"
    while not owner.exists():
        assert first.poll() is None
        time.sleep(0.02)
    second = subprocess.run(command(place), capture_output=True, text=True, timeout=300)
    assert second.returncode == 2
    assert f"another build is writing it (process {first.pid} on " in second.stderr
    assert "for 0 min" in second.stderr
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130, said
    assert place.left() == []


def test_raw_recordings_are_only_read(raw_copy, tmp_path):
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in raw_copy.rglob("*") if path.is_file()}
    with read_only(raw_copy):
        assert build_dataset(raw_copy, tmp_path / "out", options=OPTIONS, workers=LocalPool(1)).exclusions == ()
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in raw_copy.rglob("*") if path.is_file()}
    assert after == before


def test_a_disk_that_is_taken_away_costs_nothing_once_it_is_back(place, raw_copy):
    """Whatever was read of an empty folder must not be remembered of the files."""
    before = place.content()
    away = raw_copy.with_name("away")

    def take_away(done: int, total: int, what: str) -> None:
        if what.startswith("0 read"):
            raw_copy.rename(away)
            raw_copy.mkdir()

    cache = place.out.with_name("new")
    with pytest.raises(ConfigError, match="is gone, with all marker files"):
        build_dataset(raw_copy, place.out, options=OPTIONS, progress=take_away, cache=cache)
    assert place.content() == before
    raw_copy.rmdir()
    away.rename(raw_copy)
    assert build_dataset(raw_copy, place.out, options=OPTIONS, cache=cache).exclusions == ()
    assert place.content() == before


def test_a_file_that_vanishes_costs_its_recording_and_comes_back(place, raw_copy):
    sound = next(raw_copy.glob("P04/P04C01T01.mp4"))

    def remove(done: int, total: int, what: str) -> None:
        if what.startswith("0 read") and sound.exists():
            sound.rename(raw_copy / "kept")

    cache = place.out.with_name("new")
    (row,) = build_dataset(raw_copy, place.out, options=OPTIONS, progress=remove, cache=cache).exclusions
    assert (row["recording"], row["stage"]) == ("P04C01T01", "read")
    assert open_dataset(place.out).verify().ok
    (raw_copy / "kept").rename(sound)
    assert build_dataset(raw_copy, place.out, options=OPTIONS, cache=cache).exclusions == ()
