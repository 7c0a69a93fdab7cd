"""When devices run: fixed claps, stopped and long recordings, given clocks."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.synth import TwinOptions
from viodat.synth.plan import TrialPlan, plan_trials, recorded_trial
from viodat.synth.schedule import Schedule, schedule
from viodat.synth.session import lab, write_session

OPTIONS = TwinOptions(participants=2, trials=4, seconds=8.0, seed=9, cameras=3, microphones=1, rom_seconds=0.0)


def times_of(options: TwinOptions, plan: TrialPlan) -> Schedule:
    return schedule(options, plan, lab(options).phones)


def struck_by(fault: str, **options: object) -> list[tuple[Schedule, Schedule]]:
    """Each trial's times without and with a fault."""
    right = replace(OPTIONS, **options)
    return [
        (times_of(right, plan), times_of(right, replace(plan, faults=frozenset([fault]))))
        for plan in plan_trials(right)
    ]


@pytest.mark.parametrize("claps", [0, 1, 2, 3])
def test_claps_can_be_fixed(claps):
    options = replace(OPTIONS, claps=claps)
    for plan in plan_trials(options):
        times = times_of(options, plan)
        assert len(times.claps) == claps
        assert times.play_seconds >= 3
        assert all(clap.time_s > times.frame_times_s[0] for clap in times.claps)


def test_claps_that_have_no_time_are_refused():
    with pytest.raises(ConfigError, match="no time for 1 clap"):
        replace(OPTIONS, seconds=5.0, claps=1)
    with pytest.raises(ConfigError, match="no time for 3 claps"):
        replace(OPTIONS, seconds=7.0, claps=3)
    with pytest.raises(ConfigError, match="claps = 4"):
        replace(OPTIONS, claps=4)
    assert replace(OPTIONS, seconds=3.0, claps=0).claps == 0


@pytest.mark.parametrize("long_s", [5.0, 120.0, 600.0])
def test_a_long_recording_runs_longer_before_or_after(long_s):
    before = []
    for right, wrong in struck_by("long_recording", long_s=long_s):
        assert wrong.first_frame == right.first_frame
        assert wrong.claps == right.claps
        assert wrong.devices[1:] == right.devices[1:]
        was, now = right.devices[0].runs_s, wrong.devices[0].runs_s
        others = [device.runs_s for device in right.devices]
        early = wrong.devices[0].early_s > 0
        before.append(early)
        edge = min(start for start, _ in others) if early else max(stop for _, stop in others)
        expected = (edge - long_s, was[1]) if early else (was[0], edge + long_s)
        assert now == pytest.approx(expected, abs=0.001)
        assert wrong.rehearsal is not None
        start_s, end_s = wrong.rehearsal
        assert end_s - start_s == pytest.approx(long_s - 2)
        assert all(end_s < a or start_s > b for a, b in others), "it is heard by nobody else"
        own = wrong.devices[0]
        middle = float(own.clock.mocap(own.middle_s))
        assert middle == pytest.approx(np.mean(was), abs=0.001), "of the part that the others have"
    assert {True, False} == set(before)


def test_a_stopped_phone_stops_in_the_middle_of_the_trial():
    for right, wrong in struck_by("stopped_phone"):
        assert wrong.devices[:2] == right.devices[:2]
        assert wrong.devices[3:] == right.devices[3:]
        middle = (right.first_frame - 1 + right.frames / 2) / 100
        assert wrong.devices[2].runs_s[1] == pytest.approx(middle, abs=0.001)
        assert wrong.last_phone is wrong.devices[2]


def test_the_next_trial_stands_in_and_after_the_last_the_first():
    plans = [replace(plan, faults=frozenset(["wrong_trial", "sixty_fps"])) for plan in plan_trials(OPTIONS)]
    found = [recorded_trial(OPTIONS, plan) for plan in plans]
    assert [plan.trial for plan in found] == [f"{who}T{n:02d}" for who in ("P04", "P05") for n in (2, 3, 4, 1)]
    assert all(plan.faults == {"sixty_fps"} for plan in found)
    assert recorded_trial(OPTIONS, plan_trials(OPTIONS)[0]) is plan_trials(OPTIONS)[0]


def test_clocks_are_given_only_on_request(tmp_path):
    write_session(tmp_path / "auto", OPTIONS)
    assert "sync" not in tomllib.loads((tmp_path / "auto" / "capture.toml").read_text())
    options = replace(OPTIONS, given_clocks=True)
    write_session(tmp_path / "given", options)
    given = tomllib.loads((tmp_path / "given" / "capture.toml").read_text())["sync"]
    assert (given["method"], given["of"]) == ("given", "picture")
    errors = []
    for plan in plan_trials(options):
        for device in times_of(options, plan).devices:
            skew_s = 0.0 if device.phone is None else lab(options).phones[device.phone].skew_s
            offset_s = given["recordings"].pop(plan.recording(device.name))["offset_s"]
            errors.append(float(device.clock.mocap(device.seconds / 2 - skew_s)) - device.seconds / 2 - offset_s)
    assert given["recordings"] == {}
    assert np.std(errors) == pytest.approx(given["sigma_ms"] / 1000, rel=0.4)
    assert np.abs(errors).max() < 0.01
