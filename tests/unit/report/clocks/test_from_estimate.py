"""Evidence against the answer: what fits the clocks is 0 apart, what does not is as far as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.report.clocks.samples import C01, C02, curve, lag_s, said, trial_clocks
from viodat.clock import (
    ClockMap,
    DevicePrior,
    Evidence,
    Hypothesis,
    Observation,
    Stream,
    TrialClocks,
    Windows,
    solve_trial,
)
from viodat.report.clocks.from_estimate import device_time, evidence_lines, evidence_rows, rests_on

SPAN_S = (1.0, 13.0)


def rows_of(clocks):
    return {row.title: row for row in evidence_rows(clocks, SPAN_S)}


def test_evidence_that_fits_the_clocks_is_not_apart_whatever_drift_and_skew():
    rows = rows_of(trial_clocks())
    assert list(rows) == ["Playing", "Clap seen", "Sound against sound"]
    first, second, third = rows["Playing"].views
    assert first.apart_s == pytest.approx([0.0], abs=1e-9)
    assert first.left_s == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert first.times_s == pytest.approx(C01.apply([3.0, 5.0, 7.0]))
    assert second.apart_s == pytest.approx([0.004], abs=1e-9)
    assert rows["Clap seen"].views[0].apart_s == pytest.approx([0.0], abs=1e-9)
    tie = rows["Sound against sound"].views[0]
    assert (tie.device, tie.other) == ("C01", "C02")
    assert tie.apart_s == pytest.approx([0.0], abs=1e-9)
    assert not third.answered


def test_curves_are_moved_with_the_answer():
    for row in rows_of(trial_clocks()).values():
        for view in row.views:
            if len(view.lags_s) and view.answered:
                top = view.lags_s[np.argmax(view.log_likelihood)]
                assert top == pytest.approx(view.apart_s[0], abs=0.0026)


def test_a_wrong_drift_leaves_a_slope():
    clocks = trial_clocks()
    wrong = replace(clocks, clocks={**clocks.clocks, "C01": replace(C01, drift_ppm=C01.drift_ppm - 1000)})
    left = rows_of(wrong)["Playing"].views[0].left_s
    assert np.diff(left) == pytest.approx([0.002, 0.002], abs=1e-9)


def test_without_an_answer_all_evidence_is_relative_to_the_likeliest():
    likely, other = said("C03", 7.5, 4.0, odds=2.0), said("C03", 7.9, 4.0, odds=-1.0, method="vibrato")
    rows = rows_of(trial_clocks((likely, other), used={}))
    assert rows["Playing"].views[0].apart_s == pytest.approx([0.0])
    assert rows["Vibrato"].views[0].apart_s == pytest.approx([0.4])
    assert not rows["Vibrato"].views[0].answered


def test_the_band_is_the_answers_sigma_and_there_is_none_between_devices():
    rows = rows_of(trial_clocks())
    times, sigma = rows["Playing"].band_times_s, rows["Playing"].band_sigma_s
    middle = np.median([c.sigma_s(device_time(c, times)) for c in (C01, C02)], axis=0)
    assert sigma == pytest.approx(middle)
    assert rows["Clap seen"].band_sigma_s.min() == pytest.approx(0.004, rel=0.01)
    assert len(rows["Sound against sound"].band_sigma_s) == 0


def test_the_hypothesis_that_the_estimate_believed_is_shown():
    one = said("C01", lag_s(C01, 5.0) + 1.0, 5.0, odds=9.0)
    near = said("C01", lag_s(C01, 5.0) + 0.003, 5.0, odds=4.0).hypotheses[0]
    both = replace(one, hypotheses=(*one.hypotheses, near), windows=Windows(*np.full((3, 2), 1.0)))
    view = rows_of(trial_clocks((both,), used={0: 0.7}, believed={0: 1}))["Playing"].views[0]
    assert view.chosen == 1
    # The windows are those of the best hypothesis, which is not the one that was believed.
    assert view.left_s == pytest.approx([0.003], abs=1e-9)
    line = evidence_lines(trial_clocks((both,), used={0: 0.7}, believed={0: 1}))[0]
    assert line.apart_s == pytest.approx(0.003, abs=1e-9)
    assert (line.verdict, line.belief) == ("used", 0.7)


def test_many_windows_are_averaged_and_weigh_as_much():
    n = 400
    at = np.linspace(0, 12, n)
    windows = Windows(at, C01.apply(at) - at + 0.001, np.full(n, 0.02))
    view = rows_of(trial_clocks((said("C01", lag_s(C01, 5.0), 5.0, windows=windows),)))["Playing"].views[0]
    assert len(view.times_s) == 40
    assert view.left_s == pytest.approx(np.full(40, 0.001), abs=1e-9)
    assert (1 / view.left_sigma_s**2).sum() == pytest.approx(n / 0.02**2)


def test_windows_that_say_nothing_are_left_out():
    windows = Windows(np.array([3.0, 5.0]), np.array([np.nan, lag_s(C01, 5.0)]), np.array([0.01, 0.01]))
    view = rows_of(trial_clocks((said("C01", lag_s(C01, 5.0), 5.0, windows=windows),)))["Playing"].views[0]
    assert len(view.times_s) == 1


def solved(*observations: Observation) -> TrialClocks:
    """Clocks as they are estimated from these observations of three phones."""
    devices = ("C01", "C02", "C03")
    return solve_trial(Evidence(devices, frozenset(devices), frozenset(), observations))


@pytest.mark.parametrize(
    ("method", "odds", "sigmas_apart", "verdict"),
    [
        ("vibrato", 9.0, 20.0, "contradicts"),
        ("vibrato", 9.0, 5.5, "not used"),
        ("vibrato", 5.0, 20.0, "not used"),
        ("vibrato", 9.0, 1.0, "used"),
        ("capture.toml", 6.0, 20.0, "contradicts"),
    ],
)
def test_what_contradicts_is_what_the_estimate_says_does(method, odds, sigmas_apart, verdict):
    sure = [said("C01", 2.0, 5.0, method=kind, sigma=0.002, odds=25.0) for kind in ("clap", "playing")]
    clocks = solved(*sure, said("C01", 2.0 + sigmas_apart * 0.02, 5.0, method=method, sigma=0.02, odds=odds))
    assert set(clocks.clocks) == {"C01"}
    lines = evidence_lines(clocks)
    assert [line.verdict for line in lines] == ["used", "used", verdict]
    assert ("C01" in clocks.notes) == (verdict == "contradicts")


def test_a_tie_that_does_not_fit_the_others_contradicts():
    def tied(a: str, b: str, lag: float) -> Observation:
        return Observation("sound", Stream(a, "sound"), Stream(b, "sound"), (Hypothesis(lag, 0.0002, 60.0),), 5.0)

    placed = said("C01", 2.0, 5.0, odds=25.0)
    clocks = solved(placed, tied("C01", "C02", 1.0), tied("C02", "C03", 1.0), tied("C01", "C03", 2.3))
    assert len(clocks.notes[""]) == 1
    assert [line.verdict for line in evidence_lines(clocks)[1:]] == ["used", "used", "contradicts"]


def test_evidence_that_finds_nothing_is_a_line_too():
    silent = replace(said("C01", 0.0, 5.0), hypotheses=(), notes=("C01 recorded nothing but silence.",))
    line = evidence_lines(trial_clocks((silent,), used={}))[0]
    assert line.verdict == "finds nothing"
    assert line.notes == ("C01 recorded nothing but silence.",)
    assert (line.lag_text, line.log_odds_text, line.belief_text) == ("–", "–", "–")
    assert evidence_rows(trial_clocks((silent,), used={}), SPAN_S) == ()


def test_what_an_answer_rests_on_is_told_by_information():
    clap = said("C01", lag_s(C01, 5.0), 5.0, method="clap", sigma=0.001, common_sigma_s=0.0)
    playing = said("C01", lag_s(C01, 5.0), 5.0, sigma=0.002, common_sigma_s=0.0)
    words = rests_on(trial_clocks((clap, playing), used={0: 1.0, 1: 1.0}))
    assert "clap heard 80 %, playing 20 %" in words["C01"]
    # Alone the trial would know drift and skew half as well: a quarter of the precision is its own.
    assert "25 % of its drift and 25 % of its skew" in words["C01"]
    assert "tied" not in words["C01"]
    tied = rests_on(trial_clocks())
    assert "tied by sound to C02" in tied["C01"]
    assert "tied by sound to C01" in tied["C02"]
    assert "C03" not in tied


def test_pictures_tell_of_an_offset_what_is_known_of_the_skew():
    exact = {"common_sigma_s": 0.0, "kind": "picture"}
    heard = said("C01", lag_s(C01, 5.0), 5.0, sigma=0.002, common_sigma_s=0.0)
    seen = said("C01", lag_s(C01.of_picture(), 5.0), 5.0, method="picture", sigma=0.001, **exact)
    # The skew is known to 3 ms, a quarter of that by the trial itself: to sqrt(12) ms by the others. 1 / 13 to 1 / 4.
    clocks = trial_clocks((heard, seen), used={0: 1.0, 1: 1.0})
    assert "its offset rests on playing 76 %, picture 24 %;" in rests_on(clocks)["C01"]
    # What is seen twice has the same skew: 1 / (1 / 2 + 12).
    twice = trial_clocks((heard, seen, replace(seen, method="clap")), used=dict.fromkeys(range(3), 1.0))
    assert "playing 76 %, picture 12 %, clap seen 12 %;" in rests_on(twice)["C01"]
    # Without other trials pictures tell the skew, and of the offset 25 ms.
    first = replace(clocks, alone={"C01": DevicePrior(48.0, 10.0, -0.021, C01.skew_sigma_s * 1.001)})
    assert "playing 99 %, picture 1 %;" in rests_on(first)["C01"]


def test_a_device_whose_sound_was_not_used_rests_on_its_pictures():
    """It is tied to nobody, so it does not follow from others."""
    seen = said("C02", lag_s(C02.of_picture(), 5.0), 5.0, kind="picture", method="picture", sigma=0.001)
    words = rests_on(trial_clocks((seen,), used={0: 1.0}))["C02"]
    assert words.startswith("its offset rests on picture 100 %; this trial")
    assert "tied" not in words


def test_a_microphone_that_is_tied_to_a_phone_rests_on_its_pictures_too():
    seen = said("C02", lag_s(C02.of_picture(), 5.0), 5.0, kind="picture", method="picture", common_sigma_s=0.0)
    tie = trial_clocks().evidence.observations[3]
    words = rests_on(trial_clocks((seen, tie), used={0: 1.0, 1: 1.0}))
    assert "rests on picture 100 % (not its own), all devices that are tied counted together" in words["C01"]
    assert "rests on picture 100 %, all devices that are tied counted together" in words["C02"]


def test_what_was_hardly_believed_is_not_what_an_answer_rests_on():
    near, far = (said("C01", lag_s(C01, 5.0), 5.0, method=kind) for kind in ("playing", "clap"))
    clocks = trial_clocks((near, far), used={0: 1.0, 1: 0.15})
    assert "clap" not in rests_on(clocks)["C01"]
    assert [view.used for row in evidence_rows(clocks, SPAN_S) for view in row.views] == [0, None]


def test_what_devices_err_by_alike_counts_once():
    alike = {"sigma": np.hypot(0.003, 0.004), "common_sigma_s": 0.004}
    playing = tuple(said(d, lag_s(c, 5.0), 5.0, **alike) for d, c in (("C01", C01), ("C02", C02)))
    clap = said("C01", lag_s(C01, 5.0), 5.0, method="clap", sigma=np.sqrt(0.004**2 + 0.003**2 / 2), common_sigma_s=0.0)
    tie = trial_clocks().evidence.observations[3]
    words = rests_on(trial_clocks((*playing, clap, tie), used=dict.fromkeys(range(4), 1.0)))
    assert "playing 50 %" in words["C01"]
    assert "clap heard 50 %" in words["C01"]


def test_the_inverse_of_a_clock_is_exact_also_where_it_is_broken():
    straight = ClockMap(-3.0, 80.0)
    broken = ClockMap(1.0, 50.0, knots_s=((0.0, 1.0), (600.0, 601.06), (1200.0, 1201.06)))
    for clock in (straight, broken):
        at = np.linspace(0, 1200, 7)
        assert device_time(clock, clock.apply(at)) == pytest.approx(at, abs=1e-8)


def test_a_curve_without_hypotheses_is_still_shown():
    flat = replace(said("C01", 0.0, 5.0), hypotheses=(), curve=curve(1.0))
    view = rows_of(trial_clocks((flat,), used={}))["Playing"].views[0]
    assert view.chosen is None
    assert view.lags_s[0] == pytest.approx(1.0 - 10.0 - lag_s(C01, 5.0))
