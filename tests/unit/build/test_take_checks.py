"""Checks of a trial's devices together, on views made by hand: cameras, clocks, and what is of another take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.build.check_views import markers, playing, problems, recording, trial
from tests.unit.camera.test_resection import CAMERA, TIMES, body, detected, moved
from viodat.build.checks.finding import Swap, TakeView
from viodat.camera import knocked, sightings_of
from viodat.clock import ClockMap, Evidence, Hypothesis, Motion, Observation, Picture, Stream, TrialClocks

DEVICES = ("C01", "C02", "C07")


def clocks(*observations: Observation, strangers: tuple[str, ...] = ()) -> TrialClocks:
    names = frozenset(DEVICES)
    evidence = Evidence(DEVICES, names, names, observations)
    return TrialClocks({}, dict.fromkeys(DEVICES, 0.2), evidence, strangers=frozenset(strangers))


def take(**values: Any) -> TakeView:
    recordings = values.pop("recordings", tuple(recording(device=device) for device in DEVICES))
    return TakeView(trial(markers()), recordings, **values)


def motion() -> Motion:
    return Motion(0.0, 100.0, np.zeros((800, 18, 3)), lambda times: np.zeros((len(times), 18, 3)))


def pictures() -> dict[str, Picture]:
    nothing = np.full((10, 18, 2), np.nan)
    return {device: Picture(np.arange(10) / 30, nothing, nothing[..., 0], CAMERA) for device in DEVICES}


def sound_of(device: str, ratio: float) -> Observation:
    streams = Stream(device, "sound"), Stream("C01", "sound")
    return Observation("sound", *streams, (Hypothesis(0.0, 0.001, 20.0),), rate_ratio=ratio)


def test_a_sound_that_fits_no_other_is_told_unless_there_is_nothing_to_hear():
    stranger = take(estimated=clocks(strangers=("C07",)))
    (one,) = problems("sound-foreign", stranger)
    assert one.where == "P05C07T28"
    noise = np.random.default_rng(0).normal(0, 0.003, playing().shape).astype(np.float32)
    silent = (*stranger.recordings[:2], recording(device="C07", samples=noise))
    assert not problems("sound-foreign", take(estimated=clocks(strangers=("C07",)), recordings=silent))
    assert not problems("sound-foreign", take(estimated=clocks()))


def test_a_wrong_sample_rate_is_told_with_the_true_one():
    (one,) = problems("sound-rate", take(estimated=clocks(sound_of("C07", 48 / 44.1))))
    assert (one.where, one.value) == ("P05C07T28", 8000.0)
    assert one.limit == pytest.approx(8000 * 48 / 44.1)
    assert not problems("sound-rate", take(estimated=clocks(sound_of("C07", 1.0))))


@pytest.mark.parametrize(
    ("follows", "values", "foreign"),
    [
        ({"C01": -0.4, "C02": 0.1}, {}, True),
        ({"C01": -0.4, "C02": 0.8}, {}, False),
        ({"C01": -0.4}, {}, False),
        ({"C01": -0.4, "C02": float("nan")}, {}, False),
        ({"C01": -0.4, "C02": 0.1}, {"clocks": {"C01": ClockMap(0.0)}}, False),
        ({"C01": -0.4, "C02": 0.1}, {"swaps": {"C07": Swap("C08", 90.0, 8.0)}}, False),
    ],
)
def test_recordings_of_another_take_follow_in_no_camera(follows, values, foreign):
    found = problems("recording-foreign", take(follows=follows, **values))
    assert bool(found) is foreign
    assert all(one.where == "P05T28" for one in found)


def test_a_trial_without_any_clock_is_told_once():
    untold = {"estimated": clocks(), "motion": motion(), "pictures": pictures()}
    (one,) = problems("clock-untold", take(**untold))
    assert (one.where, one.value) == ("P05T28", 0.2)
    assert not problems("clock-untold", take(**untold, clocks={"C01": ClockMap(0.0)}))
    assert not problems("clock-untold", take(**untold, follows={"C01": -0.4, "C02": 0.1}))
    assert not problems("clock-untold", take(**{**untold, "motion": None}))


def test_swapped_cameras_are_told_with_both_distances():
    (one,) = problems("camera-swapped", take(swaps={"C01": Swap("C02", 31.0, 6.0)}))
    assert one.where == "P05C01T28"
    assert "fit the calibration of C02 (joints lie 6 px" in one.problem
    assert one.mend is not None
    assert 'C01 = "C02"' in one.mend
    (one,) = problems("camera-swapped", take(swaps={"C01": Swap("C02", float("inf"), 6.0)}))
    assert one.value is None


def test_a_moved_camera_is_told_with_its_offset_and_a_healthy_one_is_not():
    seen = sightings_of(TIMES, body(), detected(moved(CAMERA, (0, 4, 0), (60, 0, 0)), body()))
    healthy = sightings_of(TIMES, body(), detected(CAMERA, body()))
    knocks = {"C01": knocked(CAMERA, seen), "C02": knocked(CAMERA, healthy)}
    (one,) = problems("camera-moved", take(knocks=knocks))
    assert one.where == "P05C01T28"
    assert one.value == pytest.approx(70, abs=15)
    assert one.limit == pytest.approx(0.02 * 1280)
    assert not problems("camera-mismatch", take(knocks=knocks))


def test_a_camera_that_no_place_explains_is_a_mismatch():
    of_another = sightings_of(TIMES, body(), CAMERA.project(body()[:, ::-1]))
    knock = knocked(CAMERA, of_another)
    assert knock is not None
    (one,) = problems("camera-mismatch", take(knocks={"C01": knock}))
    assert "no place of the camera explains it" in one.problem


@pytest.mark.parametrize(
    ("offset_s", "words"),
    [
        (0.0, None),
        (-6.0, "ends 6.0 s before the markers and covers 50%"),
        (5.0, "begins 5.0 s after the markers and covers 58%"),
        (-40.0, None),
    ],
)
def test_what_a_recording_misses_by_its_clock_is_told(offset_s, words):
    view = take(clocks={"C01": ClockMap(offset_s)})
    found = problems("recording-incomplete", view)
    assert [words in one.problem for one in found] == ([True] if words else []), found


def test_a_device_that_was_left_running_is_told():
    long = recording(stamps=np.arange(25 * 90, dtype=np.int64), samples=playing(90.0))
    (one,) = problems("recording-long", take(recordings=(long,)))
    assert one.value == pytest.approx(78, abs=0.1)
    assert not problems("recording-long", take())
