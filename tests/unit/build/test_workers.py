"""Processes that work on trials: what their death, their hanging and their hunger cost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from viodat.build.workers import Answer, LocalPool, Lost, ThisProcess
from viodat.errors import CaptureError, ConfigError


def work(task):
    """A worker's function: it does what it is told."""
    match task[0]:
        case "give":
            return task[1] * 2
        case "raise":
            raise CaptureError("is damaged", where="P05T28.c3d")
        case "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(7)
        case "hang":
            time.sleep(600)
        case "eat":
            return len(bytearray(3 << 30))
        case "die once":
            mark = Path(task[1])
            if not mark.exists():
                mark.touch()
                os._exit(1)
            return "second try"
        case "threads":
            return os.environ["OPENBLAS_NUM_THREADS"]


def answers(workers, **tasks):
    return {answer.name: answer.value for answer in workers.run(work, tasks)}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One pool with healthy and sick tasks among each other."""
    pool = LocalPool(2, limit_s=6.0, memory_gb=2.0)
    mark = tmp_path_factory.mktemp("workers") / "mark"
    return answers(
        pool,
        one=("give", 1), crash=("die",), two=("give", 2), damaged=("raise",), late=("hang",), three=("give", 3),
        hungry=("eat",), left=("exit",), unlucky=("die once", str(mark)), four=("give", 4), alone=("threads",),
    )  # fmt: skip


def test_healthy_tasks_are_done_whatever_happens_to_others(told):
    assert [told[name] for name in ("one", "two", "three", "four")] == [2, 4, 6, 8]


def test_a_worker_that_crashes_costs_its_task(told):
    assert told["crash"] == Lost("its process was ended by signal 11 (SIGSEGV)")
    assert told["left"] == Lost("its process ended with exit code 7")


def test_a_worker_that_hangs_costs_its_task(told):
    assert told["late"] == Lost("it took longer than 6 s (--time-limit)")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_a_worker_that_asks_for_too_much_memory_costs_its_task(told):
    assert told["hungry"] == Lost("it needs more than 2 GB of memory (--memory-limit)")


def test_a_task_is_tried_twice(told):
    assert told["unlucky"] == "second try"


def test_an_error_comes_back_as_it_is(told):
    assert isinstance(told["damaged"], CaptureError)
    assert str(told["damaged"]) == "P05T28.c3d: is damaged"


def test_workers_share_the_cores(told):
    assert told["alone"] == "1"


def test_in_this_process_tasks_run_in_order():
    found = list(ThisProcess().run(work, {"b": ("give", 1), "a": ("raise",)}))
    assert found[0] == Answer("b", 2)
    assert isinstance(found[1].value, CaptureError)
    assert list(LocalPool(1).run(work, {})) == []


@pytest.mark.parametrize(
    ("values", "option"),
    [((0,), "--workers 0"), ((1, 0.0), "--time-limit 0"), ((1, 1.0, -1.0), "--memory-limit -1")],
)
def test_limits_that_make_no_sense_are_refused(values, option):
    with pytest.raises(ConfigError, match=option):
        LocalPool(*values)


_PARENT = """
import os, sys, time
from viodat.build.workers import LocalPool
from tests.unit.build.test_workers import wait
if __name__ == "__main__":
    for _ in LocalPool(1).run(wait, {"a": sys.argv[1]}):
        pass
"""


def wait(mark):
    """Say who works, and go on for long."""
    Path(mark).write_text(str(os.getpid()))
    time.sleep(600)


def test_workers_end_with_their_parent(tmp_path):
    script, mark = tmp_path / "parent.py", tmp_path / "worker"
    script.write_text(_PARENT)
    root = Path(__file__).parents[3]
    parent = subprocess.Popen([sys.executable, script, mark], env={**os.environ, "PYTHONPATH": str(root)})
    _until(lambda: mark.exists() and mark.read_text())
    worker = int(mark.read_text())
    parent.kill()
    parent.wait()
    _until(lambda: not _alive(worker))


def _until(happens, limit_s=60.0):
    end = time.monotonic() + limit_s
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.1)


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
