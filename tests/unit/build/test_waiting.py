"""Trials that wait on disk come back whole, and leave nothing behind."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.trials import recording, trial
from viodat.build.waiting import waiting_room
from viodat.capture.audio import AudioSignal


def heard(device: str, level: float):
    samples = np.full((800, 2), level, np.float32)
    return replace(recording(device), sound=AudioSignal(samples, 8000.0, 0.25, Path("x.wav"), ("a note",)))


def test_a_trial_comes_back_with_its_sounds(tmp_path):
    one = trial(heard("M01", 0.5), heard("M02", 0.25), recording("C01"), notes=("n",))
    with waiting_room(tmp_path) as room:
        room.put(one)
        back = room.take("P05T28")
        assert back.notes == ("n",)
        assert [r.files for r in back.recordings] == [r.files for r in one.recordings]
        *loud, silent = back.recordings
        for again, before in zip(loud, one.recordings, strict=False):
            np.testing.assert_array_equal(again.sound.samples, before.sound.samples)
            assert (again.sound.rate_hz, again.sound.start_s, again.sound.notes) == (8000.0, 0.25, ("a note",))
            assert again.waveform.is_file()
        assert silent.sound is None
        np.testing.assert_array_equal(silent.device_times_s, one.recordings[2].device_times_s)
    assert list(tmp_path.iterdir()) == []


def test_the_original_is_not_touched(tmp_path):
    one = trial(heard("M01", 0.5))
    with waiting_room(tmp_path) as room:
        room.put(one)
    assert len(one.recordings[0].sound.samples) == 800
    assert one.recordings[0].waveform is None


def test_what_waits_is_small_without_its_sounds(tmp_path):
    """The samples of a trial of 50 s and four phones are 35 MB."""
    long = replace(recording("M01"), sound=AudioSignal(np.zeros((2_000_000, 1), np.float32), 44_100.0, 0.0, Path("x")))
    with waiting_room(tmp_path) as room:
        room.put(trial(long))
        assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 500_000


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_may_enter_the_room(tmp_path):
    """What is unpickled is run; with the usual umask others could read, and with a lax one change it."""
    before = os.umask(0)
    try:
        with waiting_room(tmp_path) as room:
            room.put(trial(heard("M01", 0.5)))
            (folder,) = tmp_path.iterdir()
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_whatever_happens_nothing_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), waiting_room(tmp_path) as room:
        room.put(trial(heard("M01", 0.5)))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
