"""From a build's clocks to what their pages are told."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.report.syncs import C01, C02, draw_nothing, trial_clocks
from tests.unit.report.test_index import Page
from viodat.build import clock_report
from viodat.build.clock_report import SettledClock, TrialToShow, capture_page, clock_page, clock_picture
from viodat.camera import Camera
from viodat.clock import ClockMap, Device, Hearing, Motion, Picture, TrialEvidence
from viodat.joints import JOINT_INDEX, JOINTS

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
        SettledClock("C01", "P05C01T28", "built", C01),
        SettledClock("C02", "P05C02T28", "uncertain", C02, "its sigma is 20 ms"),
        SettledClock("C03", "P05C03T28", "unsynchronised", None, "nothing says when it recorded"),
    )
    values = {"recordings": recordings, "picture": clock_picture(trial()), "clocks": trial_clocks(), **changes}
    return TrialToShow("P05T28", "P05", **values)


def test_what_is_kept_of_a_trial_is_small_and_survives_the_way_to_another_process():
    kept = pickle.loads(pickle.dumps(clock_picture(trial())))
    assert len(pickle.dumps(kept)) < 6_000 * SECONDS
    assert np.diff(kept.times_s) == pytest.approx(0.01)
    assert kept.times_s[0] == START_S
    assert not kept.bow_from_markers
    assert list(kept.levels_db) == ["C01"]
    assert len(kept.levels_db["C01"]) == pytest.approx(14 * 100, abs=2)
    assert list(kept.wrists) == ["C01", "C02"]
    assert kept.ends_s["C01"][0] == pytest.approx((0.0, 14.0))
    assert np.isnan(kept.ends_s["C02"][0]).all()
    assert clock_picture(TrialEvidence(None, ())) is None


def test_the_wrist_lies_on_the_motion_after_and_not_before(monkeypatch, tmp_path):
    told = {}
    monkeypatch.setattr(clock_report, "trial_clock_page", lambda *args, **more: told.update(more))
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
        assert [timing.words for timing in view.timings][1:] == ["before: without skew", "after"]
        assert apart[2] < 0.2
        assert apart[1] > 2.0


def test_levels_are_on_the_mocap_clock(monkeypatch, tmp_path):
    told = {}
    monkeypatch.setattr(clock_report, "trial_clock_page", lambda *args, **more: told.update(more))
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
    assert first.sigma_s == pytest.approx(float(C01.sigma_s([0.0, 11.0]).max()), rel=0.02)
    assert first.picture_sigma_s >= 0.004
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
    shown = to_show(recordings=(SettledClock("C01", "P05C01T28", "built", given),), clocks=None)
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


def test_the_captures_page_pools_what_the_trials_say(tmp_path, quick):
    pages = [replace(clock_page(tmp_path, to_show(), "auto", svg=False), trial=f"P05T{k:02d}") for k in range(9)]
    pools = {pool.device: pool for pool in clock_report._pools(pages)}
    assert pools["C01"].skew_s == pytest.approx(-0.021, abs=0.001)
    assert pools["C01"].skew_sigma_s < 0.006
    assert pools["C01"].drift_ppm == pytest.approx(48.0, abs=3.0)
    # Without sound there is no skew to pool.
    assert np.isnan(pools["C02"].skew_s)
    page = Page(capture_page(tmp_path, "lab", pages, "auto", limit_s=1 / 60, svg=False))
    assert "27" in page.text
    assert "Nothing says when it recorded." in page.text


def test_without_trials_nothing_is_pooled():
    assert clock_report._pools([]) == ()
