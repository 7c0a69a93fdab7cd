"""From a build's clocks to what their pages are told."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.build.trials import raw, recording
from tests.unit.build.trials import trial as made_trial
from tests.unit.report.clocks.samples import C01, C02, NAN, draw_nothing, trial_clocks
from tests.unit.report.test_index import Page
from viodat.build import clock_report
from viodat.build.clock_picture import clock_picture
from viodat.build.clock_report import (
    SettledClock,
    TrialToShow,
    capture_page,
    clock_page,
    reasons_told_once,
)
from viodat.build.clocks import settle_clocks
from viodat.build.recording import RecordingResult
from viodat.build.report import settled_clocks
from viodat.camera import Camera
from viodat.clock import (
    ClockMap,
    Device,
    Evidence,
    Hearing,
    Motion,
    Picture,
    TrialClocks,
    TrialEvidence,
    session_priors,
)
from viodat.clock.least_squares import UNKNOWN
from viodat.dataset.schema import STATUS_UNCERTAIN
from viodat.joints import JOINT_INDEX, JOINTS
from viodat.report.clocks.values import ClockLine, TrialClockPage
from viodat.report.clocks.wording import with_sigma

SECONDS, START_S = 12.0, 1.0
WRIST = JOINT_INDEX["right_wrist"]


@pytest.fixture
def quick(monkeypatch):
    draw_nothing(monkeypatch)


def camera() -> Camera:
    """One metre above the origin's plane, looking along x."""
    rotation = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
    matrix = np.array([[1000.0, 0.0, 639.5], [0.0, 1000.0, 359.5], [0.0, 0.0, 1.0]])
    centre = np.array([3000.0, 0.0, 1000.0])
    return Camera("C01", (1280, 720), matrix, rotation=rotation, translation_mm=-rotation @ centre)


def joints_at(times_s):
    """A right hand that swings sideways, all else at rest."""
    joints = np.zeros((len(times_s), len(JOINTS), 3))
    joints[:, :, 2] = 1000.0
    for name in ("wrist", "index", "pinky", "thumb"):
        joints[:, JOINT_INDEX[f"right_{name}"], 1] = 150 * np.sin(2 * np.pi * np.asarray(times_s))
    joints[:, JOINT_INDEX["left_wrist"], 1] = 500.0
    return joints


def trial(rate_hz: float = 200.0) -> TrialEvidence:
    """Two phones that see the hand as it is, by their clocks; the second hears nothing, a third is not calibrated."""
    times = START_S + np.arange(round(SECONDS * rate_hz)) / rate_hz
    motion = Motion(START_S, rate_hz, joints_at(times), joints_at)
    rng = np.random.default_rng(1)
    devices = []
    for name, clock, sounding in (("C01", C01, True), ("C02", C02, False), ("C03", ClockMap(0.0), False)):
        stamps = np.arange(0, 14, 1 / 30)
        seen = camera().project(joints_at(clock.of_picture().apply(stamps)))
        devices.append(
            Device(
                name,
                Hearing(rng.normal(0, 0.1, 8000 * 14), 8000.0) if sounding else None,
                Picture(stamps, seen, np.ones(seen.shape[:2]), camera() if name != "C03" else None),
            )
        )
    return TrialEvidence(motion, tuple(devices))


def to_show(**changes) -> TrialToShow:
    recordings = (
        SettledClock("C01", "P05C01T28", "built", C01, 0.0021, 0.0041, 1 / 60),
        SettledClock("C02", "P05C02T28", "uncertain", C02, NAN, 0.02, 1 / 60, "its sigma is 20 ms"),
        SettledClock("C03", "P05C03T28", "unsynchronised", reason="nothing says when it recorded"),
    )
    values = {"recordings": recordings, "picture": clock_picture(trial()), "clocks": trial_clocks(), **changes}
    return TrialToShow("P05T28", "P05", **values)


def test_what_is_kept_of_a_trial_is_small_and_survives_the_way_to_another_process():
    kept = pickle.loads(pickle.dumps(clock_picture(trial())))
    assert len(pickle.dumps(kept)) < 6_000 * SECONDS
    assert np.diff(kept.times_s) == pytest.approx(0.01)
    assert kept.times_s[0] == START_S
    assert not kept.bow_from_markers
    assert list(kept.levels_db) == list(kept.decays_s) == ["C01"]
    assert len(kept.levels_db["C01"]) == pytest.approx(14 * 100, abs=2)
    assert list(kept.wrists) == ["C01", "C02"]
    assert clock_picture(TrialEvidence(None, ())) is None


def test_the_wrist_lies_on_the_motion_with_its_skew_and_not_without(monkeypatch, tmp_path):
    told = {}
    monkeypatch.setattr(clock_report, "draw_trial_section", lambda *args, **more: told.update(more))
    clock_page(tmp_path, to_show(), "auto", devices=("C00", "C01", "C02", "C03"))
    views = told["views"]
    assert views.palette == ("C00", "C01", "C02", "C03")
    assert [view.device for view in views.wrists] == ["C01", "C02"]
    for view in views.wrists:
        apart = []
        for timing in view.timings:
            inside = (timing.times_s > 2) & (timing.times_s < 12)
            there = np.interp(timing.times_s[inside], view.times_s, view.projected_px[:, 0])
            apart.append(float(np.median(np.abs(there - view.detected_px[inside, 0]))))
        assert [timing.words for timing in view.timings] == ["without its skew", "with its clock"]
        assert view.timings[0].apart_s == {"C01": C01, "C02": C02}[view.device].skew_s
        assert apart[1] < 0.2
        assert apart[0] > 2.0


def test_without_a_skew_it_is_the_offset_that_is_left_out(monkeypatch, tmp_path):
    told = {}
    monkeypatch.setattr(clock_report, "draw_trial_section", lambda *args, **more: told.update(more))
    clocks = {"C01": ClockMap(2.0), "C02": ClockMap(0.0)}
    recordings = tuple(SettledClock(name, f"P05{name}T28", "built", clock) for name, clock in clocks.items())
    clock_page(tmp_path, to_show(recordings=recordings, clocks=None), "given")
    first, second = told["views"].wrists
    assert [timing.words for timing in first.timings] == ["as if it had started with the markers", "with its clock"]
    assert first.timings[1].times_s - first.timings[0].times_s == pytest.approx(2.0)
    assert [timing.words for timing in second.timings] == ["with its clock"]


def test_levels_are_on_the_mocap_clock(monkeypatch, tmp_path):
    told = {}
    monkeypatch.setattr(clock_report, "draw_trial_section", lambda *args, **more: told.update(more))
    shown = to_show()
    level = np.full(1400, -60.0, dtype=np.float32)
    level[700:] = -20.0
    shown = replace(shown, picture=replace(shown.picture, levels_db={"C01": level, "C03": level}))
    clock_page(tmp_path, shown, "auto")
    levels = told["views"].playing.levels
    assert [one.device for one in levels] == ["C01"]
    rise = levels[0].times_s[np.argmax(levels[0].level_db > -40)]
    assert rise == pytest.approx(float(C01.apply(7.0)), abs=0.006)


def test_lines_say_what_became_of_each_recording(tmp_path, quick):
    page = clock_page(tmp_path, to_show(), "auto", svg=False)
    first, second, third = page.clocks
    assert (first.offset_s, first.drift_ppm, first.skew_s) == (2.0, 50.0, -0.02)
    assert (first.sigma_s, first.picture_sigma_s, first.limit_s) == (0.0021, 0.0041, 1 / 60)
    assert first.alone_skew_s == -0.021
    assert "rests on" in first.rests_on
    # It has no sound, so it has no sigma of one, nor a skew.
    assert np.isnan([second.sigma_s, second.skew_s]).all()
    assert second.reason == "its sigma is 20 ms"
    assert not third.answered
    assert third.confidence == 0.31
    assert len(page.evidence) == 5
    assert page.how == "auto"


def test_clocks_that_were_given_need_no_evidence(tmp_path, quick):
    given = ClockMap(2.0, offset_sigma_s=0.002, picture_sigma_s=0.002)
    shown = to_show(recordings=(SettledClock("C01", "P05C01T28", "built", given, 0.002, 0.002),), clocks=None)
    page = clock_page(tmp_path, shown, "given", svg=False)
    line = page.clocks[0]
    assert line.given
    assert np.isnan(line.drift_ppm)
    assert line.sigma_s == line.picture_sigma_s == 0.002
    assert [figure.title for figure in page.figures] == ["Bow and sound", "Wrist of the bow arm"]
    unread = clock_page(tmp_path, replace(shown, picture=None), "given", svg=False)
    assert unread.figures == ()
    assert unread.clocks[0].sigma_s == 0.002


def test_a_recording_that_was_lost_on_the_way_leaves_its_evidence(tmp_path, quick):
    page = clock_page(tmp_path, to_show(recordings=()), "auto", svg=False)
    assert page.clocks == ()
    assert len(page.evidence) == 5


def test_a_reason_of_several_devices_is_told_once():
    lines = [ClockLine(name, reason=reason) for name, reason in (("C01", "x"), ("C02", ""), ("C07", "x"), ("M01", "y"))]
    page = reasons_told_once(TrialClockPage("P05T28", "P05", "auto", clocks=tuple(lines)))
    assert [line.reason for line in page.clocks] == ["x", "", "the same as of C01", "y"]


def test_the_captures_page_pools_what_the_trials_say(tmp_path, quick):
    pages = [replace(clock_page(tmp_path, to_show(), "auto", svg=False), trial=f"P05T{k:02d}") for k in range(9)]
    clocks = trial_clocks()
    without_sound = replace(clocks.alone["C02"], skew_s=UNKNOWN.skew_s, skew_sigma_s=UNKNOWN.skew_sigma_s)
    told = replace(clocks, alone={**clocks.alone, "C02": without_sound})
    pooled = session_priors({one.trial: told for one in pages})
    page = Page(capture_page(tmp_path, "lab", pages, "auto", pooled, svg=False))
    rows = {row[0]: row for row in page.rows}
    one = pooled["C01"]
    assert rows["C01"][5:7] == [
        with_sigma(one.drift_ppm, one.drift_sigma_ppm, "ppm"),
        with_sigma(one.skew_s * 1e3, one.skew_sigma_s * 1e3, "ms"),
    ]
    # Without sound there is no skew to pool.
    assert rows["C02"][6] == "–"
    assert dict(page.facts)["recordings"] == "27"
    assert "Nothing says when it recorded." in page.text


def settled(*recordings: RecordingResult, clock: ClockMap, **config: Any) -> dict[str, SettledClock]:
    """What the pages are told of recordings of one trial that all have the same clock."""
    clocks = TrialClocks({r.files.device: clock for r in recordings}, {}, Evidence((), frozenset(), frozenset(), ()))
    settings = raw(**config)
    result = settle_clocks(made_trial(*recordings), settings, "auto", clocks)
    refused = {row.recording: row for row in result.exclusions}
    found = {one.recording: one for one in settled_clocks(result, settings.config.gates)}
    for name, one in found.items():
        judged = one.picture_sigma_s if np.isfinite(one.picture_sigma_s) else one.sigma_s
        assert (name in refused) == (one.status == STATUS_UNCERTAIN) == (judged > one.limit_s)
        if name in refused:
            assert refused[name].value == pytest.approx(judged * 1000)
            assert refused[name].limit == pytest.approx(one.limit_s * 1000)
    return found


def test_the_pages_limit_is_that_of_the_gate():
    """12 ms are enough at 30 Hz, not at 60 Hz; how sure a phone's sound is makes no difference."""
    vague = ClockMap(0.5, offset_sigma_s=0.012, skew_sigma_s=0.003, picture_sigma_s=0.012, picture_at_s=0.0)
    slow, fast, microphone = recording("C01"), recording("C02", rate_hz=60), recording("M01")
    found = settled(slow, fast, microphone, clock=vague)
    assert [one.limit_s for one in found.values()] == pytest.approx([1 / 60, 1 / 120, 1 / 60], rel=1e-3)
    assert [one.status for one in found.values()] == ["built", STATUS_UNCERTAIN, "built"]
    found = settled(slow, fast, clock=vague, gates={"clock_sigma_ms": 11.0})
    assert [one.limit_s for one in found.values()] == pytest.approx([0.011, 0.011])
    unheard = replace(vague, offset_sigma_s=0.05, picture_sigma_s=0.003)
    phone = replace(slow, sound=microphone.sound)
    (one,) = settled(phone, clock=unheard).values()
    assert (one.status, one.sigma_s, one.picture_sigma_s) == ("built", 0.05, 0.003)


@pytest.mark.parametrize("best_at_s", [0.5, 4.5])
def test_the_sigma_of_a_sound_is_that_of_the_worse_end(best_at_s):
    """The trial is 0 to 4 s; the sound is known best at one end of it, and runs on beyond the other."""
    clock = ClockMap(-0.5, offset_sigma_s=0.0, drift_sigma_ppm=1000.0, at_s=best_at_s)
    phone = replace(recording("C01"), sound=recording("M01", seconds=9.0).sound)
    (one,) = settled(phone, clock=clock).values()
    assert one.sigma_s == pytest.approx(0.004)


def test_a_recording_without_a_clock_was_not_judged():
    result = settle_clocks(made_trial(recording()), raw(), "none")
    (one,) = settled_clocks(result, raw().config.gates)
    assert np.isnan([one.sigma_s, one.picture_sigma_s, one.limit_s]).all()
    assert one.status == "unsynchronised"
    (lost,) = settled_clocks(replace(result, recordings=()), raw().config.gates)
    assert lost.status == "excluded"
