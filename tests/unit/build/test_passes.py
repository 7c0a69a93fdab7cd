"""The two passes over a trial: what a failure costs, and that Ctrl-C is never taken for one."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.build.trials import raw, recording, trial
from viodat.build import finish as finishing
from viodat.build import solving
from viodat.build.cache.store import Store
from viodat.build.cache.work import Work
from viodat.build.faults import faults_of_ours, reason_of
from viodat.build.finish import FinishTask, _Settled
from viodat.build.gates import Exclusion
from viodat.build.options import BuildOptions
from viodat.build.order import _check_given
from viodat.build.prepare import TrialTask
from viodat.build.solving import Estimated, estimate
from viodat.clock import Evidence, TrialClocks
from viodat.errors import ConfigError

NOTHING = Evidence((), frozenset(), frozenset(), ())
PLEASE = "(please report this)"


def task(**values) -> FinishTask:
    first = TrialTask(trial().files, SimpleNamespace(config=raw().config, folder=Path()), BuildOptions(), {})
    made = FinishTask(first, {}, "train", **values)
    # What it sees of the capture is not what is tested here.
    made.__dict__["view"] = SimpleNamespace(
        config=raw().config, layout=SimpleNamespace(participants={}), cameras={}, folder=Path()
    )
    return made


def interrupted(*_, **__):
    raise SystemError("compiled code") from KeyboardInterrupt()


def fail(*_, **__):
    raise ValueError("no such thing")


def test_a_trial_that_cannot_be_solved_with_others_has_what_it_tells_alone(monkeypatch):
    own = TrialClocks({}, {"C01": 0.5}, NOTHING, notes={"": ("a",), "C01": ("b",)})

    def solve(evidence, priors=None):
        if priors is not None:
            raise ValueError("all of it")
        return own

    monkeypatch.setattr(solving, "solve_trial", solve)
    found = estimate(NOTHING, {})
    assert found.clocks.confidence == own.confidence
    assert found.clocks.notes["C01"] == ("b",)
    before, note = found.clocks.notes[""]
    assert before == "a"
    assert note.startswith("its clocks are less certain, estimated without the other trials")
    assert "all of it" in note
    assert faults_of_ours((found.fault,))
    told = estimate(NOTHING, {}, "they contradict each other").clocks.notes[""]
    assert "they contradict each other" in told[-1]


def test_a_trial_that_cannot_be_solved_at_all_has_no_clocks(monkeypatch):
    monkeypatch.setattr(solving, "solve_trial", fail)
    assert estimate(NOTHING, {}) == Estimated(None, f"unexpected ValueError: no such thing {PLEASE}")


def test_ctrl_c_within_the_estimate_is_ctrl_c(monkeypatch):
    monkeypatch.setattr(solving, "solve_trial", interrupted)
    with pytest.raises(KeyboardInterrupt):
        estimate(NOTHING, {})


def test_a_fault_of_ours_while_clocks_are_settled_costs_the_trial(monkeypatch):
    one = trial(recording(), notes=("n",), inputs={"a.c3d": "0"})
    monkeypatch.setattr(finishing, "settle_clocks", fail)
    lost = _Settled(one, task(), Estimated()).result
    (row,) = lost.exclusions
    assert (row.recording, row.stage) == (None, "clocks")
    assert row.reason == f"unexpected ValueError: no such thing {PLEASE}"
    assert (lost.excluded, lost.recordings, lost.notes, lost.inputs) == (True, (), one.notes, one.inputs)
    monkeypatch.setattr(finishing, "settle_clocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _ = _Settled(one, task(), Estimated()).result


def test_too_little_memory_is_nobodys_fault_but_the_machines():
    with pytest.raises(MemoryError):
        reason_of(MemoryError())


def test_a_trial_is_lost_with_its_reason_and_goes_no_further(tmp_path):
    lost = Exclusion("P05T28", "worker", "its worker failed")
    made = task(lost=lost)
    done = finishing._finish(made, Work(Store(tmp_path), "P05T28"))
    written = Store(tmp_path).read("write", "P05T28", done.write_key).value()
    assert [row["reason"] for row in written.tables.exclusions] == ["its worker failed"]
    assert [row["status"] for row in written.tables.trials] == ["excluded"]


def test_faults_of_ours_are_told_apart_from_those_of_files():
    ours = f"unexpected AttributeError: 'NoneType' object has no attribute 'x' {PLEASE}"
    texts = (f"its clock cannot be estimated: {ours}", f"its page has no figures: {ours}.", "P05T28.c3d: is damaged")
    assert faults_of_ours(texts) == (ours,)
    two = faults_of_ours([f"unexpected ValueError: one {PLEASE}; {ours}"])
    assert two == (f"unexpected ValueError: one {PLEASE}", ours)
    assert faults_of_ours(["an unexpected turn of the bow"]) == ()


def test_offsets_of_devices_that_recorded_nothing_are_no_clocks():
    def check(method, *devices, **sync):
        source = raw(sync=sync)
        source.layout = SimpleNamespace(recordings=[recording(device).files for device in devices])
        _check_given(source, method)

    wrong = "--sync given: capture.toml gives offsets of C1, X, and there are recordings by C01, M01 only"
    named = {"offset_s": {"C1": 0.0}, "recordings": {"X": {"offset_s": 0.0}}}
    with pytest.raises(ConfigError, match=wrong):
        check("given", "M01", "C01", **named)
    check("auto", "M01", "C01", **named)
    check("given", **named)
    check("given", "M01", "C01", offset_s={"C01": 0.0})
    check("given", "M01", "C01", recordings={"P05C01T28": {"offset_s": 0.0}})


def test_a_wrong_sync_option_is_refused_at_once():
    with pytest.raises(ConfigError, match="--sync yes: expected one of auto, given, none"):
        BuildOptions(sync="yes")
    assert BuildOptions().sync is None
