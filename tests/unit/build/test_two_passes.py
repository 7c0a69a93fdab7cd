"""The order of a build: all trials are read, then all clocks are estimated, then each is written; one at a time."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.unit.build.trials import raw, recording, trial
from viodat.build import pipeline
from viodat.build.executor import SerialExecutor
from viodat.build.faults import faults_of_ours
from viodat.build.options import BuildOptions
from viodat.build.waiting import waiting_room
from viodat.build.writing import Tables
from viodat.capture.audio import AudioSignal
from viodat.clock import Curve, Evidence, Observation, Stream
from viodat.errors import ConfigError

CURVE = Curve(np.zeros(5), np.zeros(5))
EVIDENCE = Evidence(
    ("C01",), frozenset(), frozenset({"C01"}), (Observation("x", Stream("C01", "picture"), Stream("", "motion"), (),
    curve=CURVE),),
)  # fmt: skip


def trials(count: int):
    return [replace(trial().files, id=f"P05T{number:02d}") for number in range(count)]


def read(files, source, options):
    sound = AudioSignal(np.zeros((80_000, 1), np.float32), 8000.0, 0.0, Path("x.wav"))
    named = replace(recording("M01").files, id=f"{files.id}M01")
    return replace(trial(replace(recording("M01"), files=named, sound=sound), evidence=EVIDENCE), files=files)


def test_no_trial_is_in_memory_while_the_next_is_read(tmp_path, monkeypatch):
    sounds: list[weakref.ref] = []
    alive = []

    def watched(files, source, options):
        gc.collect()
        alive.append(sum(one() is not None for one in sounds))
        result = read(files, source, options)
        sounds.append(weakref.ref(result.recordings[0].sound.samples))
        return result

    monkeypatch.setattr(pipeline, "read_trial_evidence", watched)
    with waiting_room(tmp_path) as room:
        session = pipeline._read_all(trials(6), raw(), BuildOptions(), SerialExecutor(), room, lambda *_: None)
        assert len(session) == 6
        assert alive == [0] * 6
        # What stays of each trial has no curves, which only its own page shows.
        assert all(one.observations[0].curve is None for one in session.values())
        assert room.take("P05T03").evidence.observations[0].curve is not None


def test_a_disk_that_is_full_ends_the_build_and_another_fault_costs_the_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "read_trial_evidence", read)
    with waiting_room(tmp_path) as room:
        put = room.put

        def refuse(result):
            if result.recordings and result.files.id == "P05T01":
                raise ValueError("no such rate")
            put(result)

        room.put = refuse
        session = pipeline._read_all(trials(3), raw(), BuildOptions(), SerialExecutor(), room, lambda *_: None)
        assert set(session) == {"P05T00", "P05T02"}
        (lost,) = room.take("P05T01").exclusions
        reason = "cannot be written: unexpected ValueError: no such rate (please report this)"
        assert (lost.stage, lost.reason) == ("write", reason)

        def full(result):
            raise OSError(28, "No space left on device")

        room.put = full
        with pytest.raises(OSError, match="No space"):
            pipeline._read_all(trials(1), raw(), BuildOptions(), SerialExecutor(), room, lambda *_: None)


def interrupted(*_, **__):
    raise SystemError("compiled code") from KeyboardInterrupt()


def fail(*_, **__):
    raise ValueError("no such thing")


def test_ctrl_c_while_a_trial_is_put_aside_is_ctrl_c(tmp_path):
    with waiting_room(tmp_path) as room:
        room.put = interrupted
        with pytest.raises(KeyboardInterrupt):
            pipeline._kept(room, trial())


@pytest.mark.parametrize("where", ["write_trial", "draw_trial"])
def test_ctrl_c_while_a_trial_is_written_is_ctrl_c(tmp_path, monkeypatch, where):
    monkeypatch.setattr(pipeline, "write_trial", lambda *_: None)
    monkeypatch.setattr(pipeline, where, interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline._store(tmp_path, trial(), raw(), None, Tables(), "auto")


def test_ctrl_c_in_a_worker_is_ctrl_c(monkeypatch):
    monkeypatch.setattr(pipeline, "read_trial_evidence", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline._result(trial().files, raw(), BuildOptions(), SerialExecutor())
    monkeypatch.setattr(pipeline, "read_trial_evidence", fail)
    (lost,) = pipeline._result(trial().files, raw(), BuildOptions(), SerialExecutor()).exclusions
    reason = "its worker failed: unexpected ValueError: no such thing (please report this)"
    assert (lost.stage, lost.reason) == ("worker", reason)


def test_a_fault_of_ours_while_clocks_are_settled_costs_the_trial(monkeypatch):
    one = trial(recording(), notes=("n",), inputs={"a.c3d": "0"})
    monkeypatch.setattr(pipeline, "settle_clocks", fail)
    lost = pipeline._settled(one, raw(), "auto", {}, {})
    (row,) = lost.exclusions
    assert (row.recording, row.stage) == (None, "clocks")
    assert row.reason == "unexpected ValueError: no such thing (please report this)"
    assert (lost.excluded, lost.recordings, lost.notes, lost.inputs) == (True, (), one.notes, one.inputs)
    monkeypatch.setattr(pipeline, "settle_clocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline._settled(one, raw(), "auto", {}, {})


def test_faults_of_ours_are_told_apart_from_those_of_files():
    ours = "unexpected AttributeError: 'NoneType' object has no attribute 'x' (please report this)"
    texts = (f"its clock cannot be estimated: {ours}", f"its page has no figures: {ours}.", "P05T28.c3d: is damaged")
    assert faults_of_ours(texts) == (ours,)
    two = faults_of_ours([f"unexpected ValueError: one (please report this); {ours}"])
    assert two == ("unexpected ValueError: one (please report this)", ours)
    assert faults_of_ours(["an unexpected turn of the bow"]) == ()


def test_offsets_of_devices_that_recorded_nothing_are_no_clocks():
    def check(method, *devices, **sync):
        source = raw(sync=sync)
        source.layout = SimpleNamespace(recordings=[recording(device).files for device in devices])
        pipeline._check_given(source, method)

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
