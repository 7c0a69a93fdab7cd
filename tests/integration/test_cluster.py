"""Building on a Dask cluster: a real scheduler and two workers on this machine."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from viodat.build import BuildOptions, Cluster, build_dataset
from viodat.errors import ConfigError

TWO = BuildOptions(trials=("P04T01", "P04T02"))

pytest.importorskip("distributed", reason="the extra dask is not installed")


def manifest(out: Path) -> dict:
    return json.loads((out / "manifest.json").read_text())["files"]


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers; give its address and the workers' processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen([*dask, "--no-dashboard"], env=environment, **quiet)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    # Without a nanny a worker that is killed stays dead.
    running += [subprocess.Popen([*worker, "--no-nanny"], env=environment, **quiet) for _ in range(2)]
    from distributed import Client

    with Client(address, timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
    yield address, running[1:]
    for process in reversed(running):
        process.kill()
        process.wait()


@pytest.mark.parametrize("killed", [False, True], ids=["healthy", "one worker killed"])
def test_a_cluster_gives_the_same_bytes_as_this_process(cluster, demo_raw, tmp_path, killed):
    address, workers = cluster
    expected = tmp_path / "expected"
    build_dataset(demo_raw, expected, options=TWO, keep_cache=False)

    def progress(done: int, total: int, what: str) -> None:
        if killed and what.endswith("read") and done == 1:
            workers[0].kill()

    out = tmp_path / "out"
    result = build_dataset(demo_raw, out, options=TWO, workers=Cluster(address), progress=progress)
    assert result.faults == ()
    assert not any(row["stage"] == "worker" for row in result.exclusions)
    assert manifest(out) == manifest(expected)
    assert killed == (workers[0].poll() is not None)


def test_a_scheduler_that_is_not_there_is_told_in_one_line(demo_raw, tmp_path):
    began = time.monotonic()
    with pytest.raises(ConfigError, match="--scheduler tcp://127.0.0.1:9: no Dask scheduler answers"):
        build_dataset(demo_raw, tmp_path / "out", options=TWO, workers=Cluster("tcp://127.0.0.1:9"))
    assert time.monotonic() - began < 120
    assert not (tmp_path / "out").exists()


def test_workers_with_another_library_are_refused(cluster, monkeypatch):
    """Results would depend on who made them."""
    monkeypatch.setattr("viodat.build.cluster.library_version", lambda name: "0.1")
    with pytest.raises(ConfigError, match=r"a worker has .*scipy \d\S+ \(here 0.1\)"):
        list(Cluster(cluster[0]).run(str, {"P04T01": 1}))
