"""The order of a build: all trials are read, then all clocks are estimated, then each is written; one at a time."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.trials import raw, recording, trial
from viodat.build import pipeline
from viodat.build.executor import SerialExecutor
from viodat.build.options import BuildOptions
from viodat.build.waiting import waiting_room
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


def test_no_more_than_one_trial_is_in_memory(tmp_path, monkeypatch):
    alive: list[weakref.ref] = []

    def watched(files, source, options):
        result = read(files, source, options)
        alive.append(weakref.ref(result))
        return result

    most = []

    def count(done, total, what):
        gc.collect()
        most.append(sum(one() is not None for one in alive))

    monkeypatch.setattr(pipeline, "read_trial_evidence", watched)
    with waiting_room(tmp_path) as room:
        session = pipeline._read_all(trials(6), raw(), BuildOptions(), SerialExecutor(), room, count)
        assert len(session) == 6
        assert max(most) <= 1
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
        assert (lost.stage, lost.reason) == ("write", "cannot be written: no such rate")

        def full(result):
            raise OSError(28, "No space left on device")

        room.put = full
        with pytest.raises(OSError, match="No space"):
            pipeline._read_all(trials(1), raw(), BuildOptions(), SerialExecutor(), room, lambda *_: None)


def test_a_wrong_sync_option_is_refused_at_once():
    with pytest.raises(ConfigError, match="--sync yes: expected one of auto, given, none"):
        BuildOptions(sync="yes")
    assert BuildOptions().sync is None
