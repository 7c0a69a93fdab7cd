"""The child process: crashes, hangs and greed cost one file, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.mutate import mutants
from tests.unit.capture.c3d_files import coordinates, write_c3d
from viodat.capture import c3d_isolation
from viodat.capture.c3d import read_c3d
from viodat.capture.markers import MarkerTrial
from viodat.errors import CaptureError

LABELS = ["LASI", "RASI", "SACR", "LHJC", "*4"]
BREAK = (
    "import os, time, numpy; import viodat.capture.c3d_decode as d; real = d._decode_ezc3d; "
    "d._decode_ezc3d = lambda *a: {}; from viodat.capture.c3d_worker import main; main()"
)


@pytest.fixture
def path(tmp_path):
    return write_c3d(tmp_path / "a.c3d", LABELS, analog=np.ones((200, 2)))


@pytest.fixture
def broken(monkeypatch):
    """Run children whose decoder does what the given expression does."""

    def use(expression: str) -> None:
        c3d_isolation._DECODER.close()
        monkeypatch.setattr(c3d_isolation, "_WORKER", ("-c", BREAK.format(expression)))

    yield use
    monkeypatch.undo()
    c3d_isolation._DECODER.close()


def test_same_trial_as_in_this_process(path):
    here, there = read_c3d(path, isolated=False), read_c3d(path)
    np.testing.assert_array_equal(here.positions_mm, there.positions_mm)
    np.testing.assert_array_equal(here.residuals, there.residuals)
    np.testing.assert_array_equal(here.analog.values, there.analog.values)
    np.testing.assert_array_equal(here.other["*4"], there.other["*4"])
    assert (here.labels, here.notes, here.subject) == (there.labels, there.notes, there.subject)


def test_the_child_is_kept(path):
    read_c3d(path)
    first = c3d_isolation._DECODER._process.pid
    read_c3d(path)
    assert c3d_isolation._DECODER._process.pid == first


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("os.kill(os.getpid(), 11)", r"crashed \(signal 11, SIGSEGV\)"),
        ("os._exit(3)", r"ended \(exit code 3\)"),
        ("time.sleep(60)", r"did not finish this file within 0\.5 s"),
        ("numpy.ones(1 << 36)", "asks for more memory"),
    ],
)
def test_what_a_decoder_may_do_costs_one_file(path, broken, expression, problem):
    if "memory" in problem:
        pytest.importorskip("resource")
    broken(expression)
    start = time.monotonic()
    with pytest.raises(CaptureError, match=problem) as caught:
        read_c3d(path, limit_s=0.5)
    assert str(caught.value).startswith("a.c3d: ")
    assert time.monotonic() - start < 20
    c3d_isolation._DECODER.close()
    c3d_isolation._WORKER = ("-P", "-m", "viodat.capture.c3d_worker")
    assert read_c3d(path).labels == ("LASI", "RASI", "SACR")


def test_what_a_decoder_prints_does_not_disturb(path, broken):
    broken("(os.write(1, b'noise' * 99), real(*a))[1]")
    assert read_c3d(path).n_frames == 20


def test_a_child_that_cannot_start(path, broken, monkeypatch):
    broken("0")
    monkeypatch.setattr(c3d_isolation, "_WORKER", ("-c", "import sys; sys.exit(7)"))
    with pytest.raises(CaptureError, match=r"did not start \(exit code 7\).*isolated=False"):
        read_c3d(path)


def test_a_child_that_was_killed_meanwhile_is_replaced(path):
    read_c3d(path)
    c3d_isolation._DECODER._process.kill()
    c3d_isolation._DECODER._process.wait()
    assert read_c3d(path).n_frames == 20


def test_threads_take_turns(tmp_path):
    paths = [write_c3d(tmp_path / f"{i}.c3d", [f"M{i}"], coordinates(1) + i) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        trials = list(pool.map(read_c3d, paths * 5))
    for number, trial in enumerate(trials):
        assert trial.labels == (f"M{number % 4}",)
        np.testing.assert_allclose(trial.positions_mm, coordinates(1) + number % 4, atol=1e-3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_its_own_child(path):
    read_c3d(path)
    parents = c3d_isolation._DECODER._process.pid
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 3
            assert c3d_isolation._DECODER._process is None
            read_c3d(path)
            code = 0 if c3d_isolation._DECODER._process.pid != parents else 2
            c3d_isolation._DECODER.close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert read_c3d(path).n_frames == 20
    assert c3d_isolation._DECODER._process.pid == parents


def test_a_script_without_main_guard_runs_once(path, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"print('started')\nfrom viodat.capture.c3d import read_c3d\nprint(read_c3d({str(path)!r}).labels)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["started", "('LASI', 'RASI', 'SACR')"]
    assert done.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_ends_the_child(path, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            from viodat.capture import c3d_isolation
            from viodat.capture.c3d import read_c3d
            read_c3d({str(path)!r})
            c3d_isolation._DECODER.close()
            c3d_isolation._WORKER = ("-c", {BREAK.format("time.sleep(60)")!r})
            start = c3d_isolation._start
            def announced():
                process = start()
                print(process.pid, flush=True)
                return process
            c3d_isolation._start = announced
            try:
                read_c3d({str(path)!r})
            except KeyboardInterrupt:
                print("interrupted")
            """
        )
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        child = int(process.stdout.readline())
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[0] == "interrupted\n"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def outcome_of(path: Path) -> MarkerTrial | str:
    try:
        return read_c3d(path, limit_s=3.0)
    except CaptureError as error:
        return str(error)


def test_damaged_files_are_read_or_refused(tmp_path):
    """280 mutants of two files: a trial of consistent shape or one CaptureError, each within seconds."""
    tally: Counter[str] = Counter()
    rng = np.random.default_rng(3)
    sources = (
        write_c3d(tmp_path / "a.c3d", LABELS, analog=np.ones((200, 2))),
        write_c3d(tmp_path / "b.c3d", [f"M{i}" for i in range(260)], rng.normal(900, 300, (5, 260, 3)), units="m"),
    )
    for source in sources:
        for name, content in mutants(source.read_bytes(), 140, seed=11, head_bytes=2048):
            damaged = tmp_path / "damaged.c3d"
            damaged.write_bytes(content)
            start = time.monotonic()
            outcome = outcome_of(damaged)
            assert time.monotonic() - start < 10.0, name
            if isinstance(outcome, str):
                assert "\n" not in outcome, name
                assert outcome.startswith("damaged.c3d: "), name
                tally[next((word for word in ("crashed", "did not finish") if word in outcome), "refused")] += 1
                continue
            tally["read"] += 1
            frames, markers = outcome.n_frames, len(outcome.labels)
            assert outcome.positions_mm.shape == (frames, markers, 3), name
            assert outcome.residuals.shape == (frames, markers), name
            assert len(set(outcome.labels)) == markers, name
            rest = [*outcome.virtual.values(), *outcome.other.values(), *outcome.outputs.values()]
            assert all(values.shape == (frames, 3) for values in rest), name
            assert markers + len(rest) == len(outcome.point_labels), name
            assert outcome.rate_hz > 0, name
    print(dict(tally))
    assert sum(tally.values()) == 280
    assert tally["read"] > 50
    assert tally["refused"] > 50
