"""What of its trial a recording did not see or hear: told with both times, once for sound and pictures alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.trials import raw, recording, trial
from viodat.build.clocks import settle_clocks
from viodat.build.coverage import coverage_faults
from viodat.capture.audio import AudioSignal
from viodat.clock import ClockMap, Evidence, TrialClocks

SPAN_S = (5.68, 17.68)


def phone(seen_s: float, heard_s: float):
    sound = AudioSignal(np.zeros((round(8000 * heard_s), 1), np.float32), 8000.0, 0.0, Path("C.mp4"))
    return replace(recording(seconds=seen_s), sound=sound)


def test_a_phone_that_stopped_is_told_once_for_sound_and_pictures():
    (told,) = coverage_faults(phone(15.0, 15.0), ClockMap(-3.33), SPAN_S)
    assert told.startswith("it records from -3.33 to 11.")
    assert told.endswith("the markers run from 5.68 to 17.68 s: 6.0 s of the trial are neither seen nor heard")


def test_a_phone_that_started_late_misses_the_beginning():
    (told,) = coverage_faults(recording(seconds=20.0), ClockMap(6.7), SPAN_S)
    assert told.startswith("its pictures run from 6.70 to 26.67 s, ")
    assert told.endswith(": 1.0 s of the trial are not seen")


def test_pictures_that_end_before_the_sound_are_told_alone():
    (told,) = coverage_faults(phone(10.0, 20.0), ClockMap(0.0), SPAN_S)
    assert told.startswith("its pictures run from 0.00 to 9.97 s")
    assert "7.7 s of the trial are not seen" in told
    seen, heard = coverage_faults(phone(10.0, 15.0), ClockMap(0.0), SPAN_S)
    assert "not seen" in seen
    assert "its sound runs from 0.00 to 15.00 s" in heard
    assert heard.endswith("2.7 s of the trial are not heard")


def test_a_sound_of_another_time_hears_nothing_and_pictures_of_another_have_a_word_of_their_own():
    (told,) = coverage_faults(recording("M01", seconds=5.0), ClockMap(100.0), SPAN_S)
    assert told.endswith("12.0 s of the trial are not heard")
    assert coverage_faults(recording(seconds=5.0), ClockMap(100.0), SPAN_S) == ()


@pytest.mark.parametrize(("late_s", "told"), [(0.45, 0), (0.55, 1)])
def test_half_a_second_may_be_missing(late_s, told):
    assert len(coverage_faults(recording(seconds=30.0), ClockMap(SPAN_S[0] + late_s), SPAN_S)) == told


@pytest.mark.parametrize(("late_s", "told"), [(0.15, 0), (0.25, 1)])
def test_of_a_short_trial_a_twentieth_may_be_missing(late_s, told):
    assert len(coverage_faults(recording(seconds=30.0), ClockMap(late_s), (0.0, 4.0))) == told


@pytest.mark.parametrize("method", ["auto", "given"])
def test_it_is_an_alarm_of_the_trial(method):
    config = raw(sync={"method": method, "offset_s": {"C01": 0.0}})
    found = TrialClocks(
        {"C01": ClockMap(0.0, offset_sigma_s=0.001)}, {"C01": 1.0}, Evidence((), frozenset(), frozenset(), ())
    )
    clocks = found if method == "auto" else None
    result = settle_clocks(trial(recording(seconds=2.0)), config, method, clocks)
    (told,) = [alarm for alarm in result.alarms if "not seen" in alarm]
    assert told.startswith(
        "P05C01T28: its pictures run from 0.00 to 1.97 s, the markers run from 0.00 to 4.00 s: 2.0 s"
    )
    assert any("not seen" in note for note in result.recordings[0].notes)
