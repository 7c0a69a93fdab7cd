"""From clocks to what becomes of recordings: times, statuses, exclusions with their numbers, alarms."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.build.trials import raw, recording, trial
from viodat.build.clocks import settle_clocks, worst_sigma_s
from viodat.clock import Claim, ClockMap, Evidence, TrialClocks
from viodat.clock.estimate import CONFIDENT
from viodat.dataset import schema

NOTHING = Evidence((), frozenset(), frozenset(), ())


def clocks(
    found: dict[str, ClockMap], confidence: float = 0.999, notes: dict[str, tuple[str, ...]] | None = None
) -> TrialClocks:
    names = {*found, *(notes or {})} - {""}
    return TrialClocks(found, dict.fromkeys(names, confidence), NOTHING, notes=notes or {})


def estimated(**values: float) -> ClockMap:
    return ClockMap(**{"offset_s": 0.5, "offset_sigma_s": 0.002, "confidence": 0.999, "method": "playing", **values})


def test_a_sure_clock_gives_its_pictures_their_own_times():
    clock = estimated(drift_ppm=50.0, skew_s=0.03, skew_sigma_s=0.002, picture_sigma_s=0.003)
    result = settle_clocks(trial(recording()), raw(), "auto", clocks({"C01": clock}))
    (one,) = result.recordings
    assert one.status == schema.STATUS_BUILT
    assert result.exclusions == ()
    assert one.clock is clock
    expected = (one.device_times_s - 0.03) * (1 + 50e-6) + 0.5
    assert one.truth is not None
    np.testing.assert_allclose(one.truth.time_ns / 1e9, expected, atol=2e-9)
    assert one.sigma_s == pytest.approx(0.003)


def test_an_uncertain_clock_keeps_data_and_times_and_is_listed_with_its_number():
    clock = estimated(skew_s=0.01, skew_sigma_s=0.025, picture_sigma_s=0.0251)
    result = settle_clocks(trial(recording()), raw(), "auto", clocks({"C01": clock}))
    (one,) = result.recordings
    assert one.status == schema.STATUS_UNCERTAIN
    assert one.truth is not None
    assert one.truth.time_ns is not None
    (row,) = result.exclusions
    assert (row.stage, row.recording) == ("clocks", "P05C01T28")
    assert row.value == pytest.approx(25.1)
    assert row.limit == pytest.approx(16.667, abs=0.01)
    assert "its pictures may be 25 ms off its sound" in row.reason
    assert not result.excluded


def test_the_limit_is_half_a_frame_of_that_video_or_what_capture_toml_says():
    clock = estimated(offset_sigma_s=0.010)
    for config, rate_hz, status in (
        ({}, 30, schema.STATUS_BUILT),
        ({}, 60, schema.STATUS_UNCERTAIN),
        ({"gates": {"clock_sigma_ms": 12.0}}, 60, schema.STATUS_BUILT),
        ({"gates": {"clock_sigma_ms": 9.0}}, 30, schema.STATUS_UNCERTAIN),
    ):
        result = settle_clocks(trial(recording(rate_hz=rate_hz)), raw(**config), "auto", clocks({"C01": clock}))
        assert result.recordings[0].status == status, (config, rate_hz)


def test_the_worse_end_within_the_trial_counts():
    """100 ppm about device time 0: 0.4 ms at the trial's end, 100 ms at the recording's."""
    clock = estimated(offset_s=0.0, offset_sigma_s=0.0, drift_sigma_ppm=100.0)
    long = recording(seconds=1000.0)
    assert worst_sigma_s(long, clock, (0.0, 4.0)) == pytest.approx(0.0004)
    assert worst_sigma_s(long, clock, (2000.0, 2004.0)) == pytest.approx(0.1, rel=0.001)
    sound = recording("M01", seconds=1000.0)
    assert worst_sigma_s(sound, clock, (0.0, 4.0)) == pytest.approx(0.0004)


def test_no_answer_leaves_the_recording_without_times_and_says_why():
    notes = {"C01": ("nothing in its sound or its pictures says when it recorded",)}
    result = settle_clocks(trial(recording()), raw(), "auto", clocks({}, 0.41, notes))
    (one,) = result.recordings
    assert one.status == schema.STATUS_UNSYNCHRONISED
    assert one.truth is not None
    assert one.truth.time_ns is None
    (row,) = result.exclusions
    assert (row.stage, row.recording, row.value, row.limit) == ("clocks", "P05C01T28", 0.41, CONFIDENT)
    assert "says when it recorded" in row.reason
    assert row.reason in one.notes


def test_a_stated_offset_that_is_not_borne_out_is_named_with_the_way_to_insist():
    doubtful = {"C01": ("nothing says convincingly when it recorded. It may belong to another trial",)}
    stated = recording(claims=(Claim("capture.toml", 1.5, 0.002),))
    (row,) = settle_clocks(trial(stated), raw(), "auto", clocks({}, 0.41, doubtful)).exclusions
    assert "capture.toml [sync] states 1.5000 s, which the evidence does not bear out" in row.reason
    assert "--sync given" in row.reason
    assert "State its offset" not in row.reason
    (row,) = settle_clocks(trial(recording()), raw(), "auto", clocks({}, 0.41, doubtful)).exclusions
    assert row.reason.endswith("State its offset in capture.toml [sync], or use another recording.")


def test_a_contradiction_is_an_alarm_that_names_the_device():
    notes = {
        "C01": ("its sound alone (clap) would put it +300 ms from where all the evidence together does",),
        "": ("C01 sound and C02 sound fit each other +80 ms from where the other devices put them (sound)",),
    }
    found = clocks({"C01": estimated(), "C02": estimated()}, notes=notes)
    result = settle_clocks(trial(recording(), recording("C02")), raw(), "auto", found)
    assert [one.status for one in result.recordings] == [schema.STATUS_BUILT] * 2
    assert any(alarm.startswith("P05C01T28: the clock of C01: its sound") for alarm in result.alarms)
    assert any("C01 sound and C02 sound fit each other" in alarm for alarm in result.alarms)
    assert any("would put it +300 ms" in note for note in result.recordings[0].notes)


def test_evidence_that_failed_costs_the_clocks_not_the_trial():
    fault = "unexpected ValueError: no such thing (please report this)"
    result = settle_clocks(trial(recording(), recording("M01")), raw(), "auto", None, fault)
    assert not result.excluded
    assert [one.status for one in result.recordings] == [schema.STATUS_UNSYNCHRONISED] * 2
    assert [row.recording for row in result.exclusions] == ["P05C01T28", "P05M01T28"]
    assert all(fault in row.reason for row in result.exclusions)


def test_given_offsets_are_used_as_they_are_and_only_those():
    config = raw(sync={"method": "given", "offset_s": {"C01": 0.25}})
    result = settle_clocks(trial(recording(), recording("C02")), config, "given")
    one, other = result.recordings
    assert one.truth is not None
    np.testing.assert_allclose(one.truth.time_ns / 1e9, one.device_times_s + 0.25, atol=2e-9)
    assert one.status == schema.STATUS_BUILT
    assert np.isnan(one.sigma_s)
    assert other.status == schema.STATUS_UNSYNCHRONISED
    assert "give it in capture.toml [sync] offset_s = {C02 = ...}" in other.notes[0]
    (row,) = result.exclusions
    assert (row.stage, row.recording, row.reason) == ("clocks", "P05C02T28", other.notes[0])
    assert (row.value, row.limit) == (None, None)


def test_a_given_sigma_is_held_against_the_gate_too():
    config = raw(sync={"method": "given", "offset_s": {"C01": 0.25}, "sigma_ms": 40.0})
    (row,) = settle_clocks(trial(recording()), config, "given").exclusions
    assert row.value == pytest.approx(40.0)


def test_an_offset_that_counts_from_a_sound_nobody_can_read_is_no_clock():
    config = raw(sync={"method": "given", "offset_s": {"C01": 0.25}})
    result = settle_clocks(trial(recording(zero_known=False)), config, "given")
    (one,) = result.recordings
    assert one.clock is None
    assert "counts from its sound, which cannot be read" in one.notes[0]
    assert [row.reason for row in result.exclusions] == [one.notes[0]]


def test_clocks_that_are_not_asked_for_are_the_reason():
    result = settle_clocks(trial(recording()), raw(), "none")
    assert result.recordings[0].status == schema.STATUS_UNSYNCHRONISED
    (row,) = result.exclusions
    assert (row.stage, row.recording) == ("clocks", "P05C01T28")
    assert row.reason.startswith("its clock is not asked for (method 'none')")
    assert not result.excluded


def test_a_clock_of_another_time_is_an_alarm():
    result = settle_clocks(trial(recording()), raw(), "auto", clocks({"C01": estimated(offset_s=500.0)}))
    assert any("do not overlap" in alarm for alarm in result.alarms)


def test_a_trial_that_is_left_out_stays_as_it_is():
    left_out = replace(trial(recording()), joints=None)
    assert settle_clocks(left_out, raw(), "auto") is left_out


def test_a_statement_that_the_evidence_overrules_is_an_alarm():
    """Of a sound and of a picture alike, each against its own clock."""
    clock = estimated(offset_s=-0.5, skew_s=0.03, skew_sigma_s=0.002, picture_sigma_s=0.002)
    right = (Claim("capture.toml", -0.495, 0.005), Claim("timecode", -0.53, 0.005, of_picture=True))
    wrong = (Claim("capture.toml", -0.2, 0.005), Claim("MOVIE_DELAY", -0.5, 0.003, of_picture=True))
    result = settle_clocks(trial(recording(claims=right)), raw(), "auto", clocks({"C01": clock}))
    assert result.alarms == ()
    result = settle_clocks(trial(recording(claims=wrong)), raw(), "auto", clocks({"C01": clock}))
    one, other = result.alarms
    assert one.startswith("P05C01T28: capture.toml says that its zero is at -0.200 s, but all the evidence")
    assert "MOVIE_DELAY says that its zero is at -0.500 s" in other
    assert other.endswith("at -0.530 s")
