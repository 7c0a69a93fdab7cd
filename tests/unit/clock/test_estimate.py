"""All clocks of a trial from small graphs of observations with known answers."""

import numpy as np
import pytest

from tests.unit.clock.graphs import evidence_of, in_windows, picture, seen, sound
from viodat.clock import Device, Hearing, TrialEvidence
from viodat.clock.estimate import CONFIDENT, estimate_clocks, gather, solve_trial
from viodat.clock.least_squares import DevicePrior
from viodat.clock.observations import MOTION, Hypothesis, Observation
from viodat.errors import ConfigError

RATIO = 48.0 / 44.1
AT = np.linspace(4.0, 56.0, 8)


def clap(device, lag_s, **more):
    return seen(sound(device), lag_s=lag_s, sigma_s=0.002, log_odds=18.0, method="clap", **more)


def tied(a, b, lag_s, **more):
    return seen(sound(a), sound(b), lag_s, 1e-4, 60.0, method="sound", **more)


def test_offset_is_mocap_time_at_the_devices_zero():
    clock = estimate_clocks(evidence_of(clap("C01", -3.2)))["C01"]
    assert clock.offset_s == pytest.approx(-3.2, abs=1e-6)
    assert float(clock.apply(0.0)) == pytest.approx(-3.2, abs=1e-6)
    assert clock.offset_sigma_s == pytest.approx(0.002, rel=0.01)
    assert clock.confidence > 0.99
    assert clock.method == "clap"


def test_a_phone_with_a_bad_picture_has_its_clock_from_its_sound():
    found = solve_trial(evidence_of(clap("C01", 1.0), tied("C01", "C02", 3.0), devices=("C03",)))
    assert set(found.clocks) == {"C01", "C02"}
    assert found.clocks["C02"].offset_s == pytest.approx(-2.0, abs=1e-5)
    assert found.clocks["C02"].method == "clap+sound"
    assert found.confidence["C03"] == 0.0
    assert "nothing in its sound or its pictures" in found.notes["C03"][0]


def test_a_deaf_phone_has_its_clock_from_its_picture():
    found = solve_trial(
        evidence_of(clap("C01", 1.0), seen(picture("C02"), lag_s=0.4, sigma_s=0.004, log_odds=30.0, method="picture"))
    )
    clock = found.clocks["C02"]
    assert clock.offset_s == pytest.approx(0.4, abs=1e-5)
    assert (clock.skew_s, clock.skew_sigma_s) == (0.0, 0.0)
    np.testing.assert_allclose(clock.of_picture().apply(2.0), 2.4, atol=1e-5)


def test_a_picture_shows_the_skew_and_does_not_move_the_sound():
    shown = seen(picture("C01"), lag_s=0.97, sigma_s=0.004, log_odds=30.0, method="picture")
    clock = estimate_clocks(evidence_of(clap("C01", 1.0), shown))["C01"]
    assert clock.offset_s == pytest.approx(1.0, abs=0.001)
    own = np.hypot(0.004, 0.002)
    assert clock.skew_s == pytest.approx(0.03 * 0.025**2 / (0.025**2 + own**2), abs=1e-4)
    assert clock.skew_sigma_s == pytest.approx(1 / np.hypot(1 / 0.025, 1 / own), rel=0.01)
    # Between what the picture alone says and the sound with the usual skew; as sure as the better one at least.
    assert 0.97 < float(clock.of_picture().apply(0.0)) < 0.975
    assert clock.picture_sigma_s < 0.0041


def test_drift_comes_from_windows():
    lags = 0.5 + 80e-6 * AT
    found = solve_trial(evidence_of(in_windows(sound("C01"), MOTION, AT, lags, 1e-4)))
    clock = found.clocks["C01"]
    np.testing.assert_allclose(clock.apply(AT), AT + lags, atol=5e-5)
    assert clock.drift_ppm == pytest.approx(80.0, abs=1.0)
    assert found.alone["C01"].drift_ppm == pytest.approx(80.0, abs=0.1)
    # Where along the recording the line is known best.
    assert clock.at_s == pytest.approx(30.0, abs=0.5)
    assert clock.sigma_s(30.0) < clock.sigma_s(0.0) < clock.sigma_s(300.0)


def test_sigma_at_a_time_is_that_of_the_covariance():
    """Four windows of 1 ms at the ends of a minute: 0.5 ms in the middle, and at an end what a line has there."""
    at = np.array([0.0, 0.0, 60.0, 60.0])
    clock = estimate_clocks(evidence_of(in_windows(sound("C01"), MOTION, at, np.zeros(4), 0.001)))["C01"]
    slope = 1 / np.sqrt(np.square(at - 30).sum() / 0.001**2 + 1 / 55e-6**2)
    np.testing.assert_allclose(clock.drift_sigma_ppm, slope * 1e6, rtol=1e-3)
    np.testing.assert_allclose(clock.sigma_s([0.0, 30.0]), [np.hypot(0.0005, 30 * slope), 0.0005], rtol=1e-3)


def test_a_wrong_sample_rate_is_in_the_sounds_clock_and_not_in_the_pictures():
    """48 kHz called 44.1 kHz; the other phone is right, clapped with, and has no drift."""
    true = np.linspace(5.0, 55.0, 6)
    heard = in_windows(
        sound("C01"),
        sound("C02"),
        true * RATIO,
        true + 3.0 - true * RATIO,
        1e-4,
        method="sound",
        rate_ratio=RATIO,
        notes=("C01 states 44,100 Hz and has 48,000.",),
    )
    shown = seen(picture("C01"), lag_s=2.02, sigma_s=0.003, log_odds=30.0, method="picture", at_s=0.0)
    found = solve_trial(evidence_of(heard, clap("C02", -1.0), shown))
    clock = found.clocks["C01"]
    assert clock.rate_ratio == RATIO
    assert clock.drift_ppm == pytest.approx((1 / RATIO - 1) * 1e6, abs=60)
    np.testing.assert_allclose(clock.apply(true * RATIO), true + 2.0, atol=0.001)
    np.testing.assert_allclose(clock.of_picture().apply(true), true + 2.02, atol=0.006)
    assert abs(clock.of_picture().drift_ppm) < 60
    # The clap, at second 6 of C02, is where its sound is known best: second 3 of C01 in truth. Its picture: at 0.
    assert clock.at_s == pytest.approx(3.0 * RATIO, abs=0.1)
    assert clock.of_picture().at_s == pytest.approx(0.0, abs=0.2)
    assert found.notes["C01"] == ("C01 states 44,100 Hz and has 48,000",)


def test_rivals_are_told_apart_by_another_kind_of_evidence():
    both = Observation("vibrato", sound("C01"), MOTION, (Hypothesis(1.16, 0.003, 8.0), Hypothesis(1.0, 0.003, 7.5)))
    doubtful = solve_trial(evidence_of(both))
    assert doubtful.clocks == {}
    assert doubtful.confidence["C01"] < CONFIDENT
    assert "may belong to another trial" in doubtful.notes["C01"][0]
    found = solve_trial(evidence_of(both, seen(sound("C01"), lag_s=1.005, sigma_s=0.01, log_odds=9.0)))
    clock = found.clocks["C01"]
    assert found.notes == {}, "a second choice that agrees contradicts nothing"
    assert clock.offset_s == pytest.approx(1.0, abs=0.002)
    assert clock.method == "vibrato+playing"


def test_nothing_is_guessed():
    found = solve_trial(evidence_of(seen(sound("C01"), log_odds=-2.0), Observation("clap", sound("C02"), MOTION, ())))
    assert found.clocks == {}
    assert found.confidence["C01"] < 0.2
    assert set(found.notes) == {"C01", "C02"}


def test_a_picture_that_contradicts_everything_else_is_named_with_its_device():
    liar = seen(picture("C02"), lag_s=-0.5, sigma_s=0.004, log_odds=15.0, method="picture")
    found = solve_trial(
        evidence_of(clap("C01", 1.0), seen(sound("C01"), lag_s=1.0, log_odds=40.0), tied("C01", "C02", 1.0), liar)
    )
    assert found.clocks["C02"].offset_s == pytest.approx(0.0, abs=0.002)
    assert list(found.notes) == ["C02"]
    (note,) = found.notes["C02"]
    assert "its picture alone (picture)" in note
    assert "-500 ms" in note
    assert 3 not in found.used


def test_a_tie_that_contradicts_is_named_for_the_trial():
    wrong = seen(sound("C01"), sound("C03"), 0.7, 1e-4, 8.0, method="sound")
    found = solve_trial(evidence_of(clap("C01", 0.0), tied("C01", "C02", 0.0), tied("C02", "C03", 0.0), wrong))
    assert "C01 sound and C03 sound" in found.notes[""][0]
    assert found.clocks["C03"].offset_s == pytest.approx(0.0, abs=1e-3)


def test_a_recording_of_another_trial_costs_the_others_nothing():
    alien = seen(sound("C03"), lag_s=4.0, sigma_s=0.1, log_odds=-2.0)
    found = solve_trial(evidence_of(clap("C01", 1.0), tied("C01", "C02", 1.0), alien))
    assert set(found.clocks) == {"C01", "C02"}
    assert found.confidence["C03"] < 0.2


def test_priors_of_the_session_are_used():
    priors = {"C01": DevicePrior(drift_ppm=70.0, drift_sigma_ppm=3.0, skew_s=0.03, skew_sigma_s=0.002)}
    observed = evidence_of(clap("C01", 1.0), with_picture=("C01",))
    clock = estimate_clocks(observed, priors)["C01"]
    assert clock.drift_ppm == pytest.approx(70.0)
    assert clock.drift_sigma_ppm == pytest.approx(3.0, rel=1e-3)
    assert clock.skew_s == pytest.approx(0.03)
    assert clock.picture_sigma_s == pytest.approx(np.hypot(0.002, 0.002), rel=1e-2)
    np.testing.assert_allclose(clock.apply(6.0), 7.0, atol=1e-6)
    free = solve_trial(observed, priors).alone["C01"]
    assert free.skew_sigma_s > 0.9
    assert free.drift_sigma_ppm > 4000


def test_a_prior_helps_a_picture_find_its_place():
    """Its skew is known to be 38 ms: with it, picture and sound are of one mind."""
    shown = seen(picture("C01"), lag_s=0.962, sigma_s=0.002, log_odds=12.0, method="picture")
    priors = {"C01": DevicePrior(skew_s=0.038, skew_sigma_s=0.002)}
    found = solve_trial(evidence_of(clap("C01", 1.0), shown), priors)
    assert set(found.used) == {0, 1}
    assert found.notes == {}


def test_trial_evidence_is_gathered_by_the_kinds_that_are_asked():
    rng = np.random.default_rng(0)
    trial = TrialEvidence(None, (Device("C01", Hearing(rng.standard_normal(8000), 8000.0)), Device("C02")))
    found = gather(trial, kinds=("claims", "playing"))
    assert found.devices == ("C01", "C02")
    assert (found.with_sound, found.with_picture) == ({"C01"}, frozenset())
    assert found.observations == ()
    assert estimate_clocks(found) == {}
    with pytest.raises(ConfigError, match="no evidence 'tea leaves'"):
        gather(trial, kinds=("tea leaves",))


def test_the_same_evidence_gives_the_same_clocks():
    observed = evidence_of(clap("C01", 1.0), tied("C01", "C02", 1.0), seen(picture("C02"), lag_s=0.02, log_odds=15.0))
    assert estimate_clocks(observed) == estimate_clocks(observed)


def test_no_devices():
    found = solve_trial(evidence_of())
    assert (found.clocks, found.confidence, found.notes) == ({}, {}, {})


@pytest.mark.parametrize(
    "priors",
    [
        {},
        {"C01": DevicePrior(80.0, 3.0)},
    ],
    ids=["alone", "in a session"],
)
def test_a_drift_does_not_make_two_kinds_of_evidence_contradict_each_other(priors):
    """A clap at 10 s and playing about 1000 s, on a quartz that is 80 ppm off: 79 ms lie between the two lags."""
    drift = 80e-6
    early = clap("C01", 1 + 10 * drift, at_s=10.0)
    late = seen(sound("C01"), lag_s=1 + 1000 * drift, sigma_s=0.009, log_odds=60.0, common_sigma_s=0.008, at_s=1000.0)
    found = solve_trial(evidence_of(early, late), priors)
    assert set(found.used) == {0, 1}
    assert found.notes == {}
    assert abs(float(found.clocks["C01"].apply(1000.0)) - 1001.08) < 0.02


def test_a_device_is_as_sure_as_what_ties_it():
    weak = seen(sound("C01"), sound("C02"), 0.0, 1e-4, 3.1, method="sound")
    found = solve_trial(evidence_of(clap("C01", 1.0), weak))
    assert found.confidence["C01"] > 0.999
    assert found.confidence["C02"] == pytest.approx(1 / (1 + np.exp(-3.1)), abs=1e-3)
    assert set(found.clocks) == {"C01"}
    assert "probability of 96%" in found.notes["C02"][0]


def test_two_devices_are_as_sure_as_what_ties_both_to_the_others():
    weak = seen(sound("C01"), sound("C02"), 0.0, 1e-4, 3.1, method="sound")
    found = solve_trial(evidence_of(clap("C01", 1.0), weak, tied("C02", "C03", 0.0)))
    assert found.confidence["C03"] == pytest.approx(1 / (1 + np.exp(-3.1)), abs=1e-3)
    assert found.confidence["C02"] == pytest.approx(1 / (1 + np.exp(-3.1)), abs=1e-3)


@pytest.mark.parametrize("tie_odds", [5.0, 8.0])
def test_a_device_that_its_own_clap_contradicts_is_not_taken_along_by_a_weak_tie(tie_odds):
    weak = seen(sound("C01"), sound("C02"), 0.0, 1e-4, tie_odds, method="sound")
    found = solve_trial(evidence_of(clap("C01", 1.0), clap("C02", 3.0), weak))
    assert found.clocks["C01"].offset_s == pytest.approx(1.0, abs=1e-3)
    assert found.clocks["C02"].offset_s == pytest.approx(3.0, abs=1e-3)


def test_a_device_that_a_strong_tie_holds_stays_where_its_clap_does_not_fit():
    shown = seen(picture("C01"), lag_s=1.0, sigma_s=0.004, log_odds=30.0, method="picture")
    claps = [clap("C01", 1.0), clap("C02", 3.0), clap("C03", 1.0)]
    found = solve_trial(evidence_of(*claps, shown, tied("C01", "C02", 0.0), tied("C01", "C03", 0.0)))
    assert found.clocks["C02"].offset_s == pytest.approx(1.0, abs=1e-3)
    assert "its sound alone (clap)" in found.notes["C02"][0]


@pytest.mark.parametrize("wrong_sigmas", [0.5, 2.0])
def test_two_cameras_that_are_loosely_tied_keep_their_own_answers(wrong_sigmas):
    loose = seen(picture("C01"), picture("C02"), -1.0 + wrong_sigmas * 0.02, 0.02, 20.0, method="cameras")
    own = [
        seen(picture(name), lag_s=lag, sigma_s=0.004, log_odds=30.0, method="picture")
        for name, lag in (("C01", 1.0), ("C02", 2.0))
    ]
    found = solve_trial(evidence_of(*own, loose))
    for name, offset_s in (("C01", 1.0), ("C02", 2.0)):
        assert found.clocks[name].offset_s == pytest.approx(offset_s, abs=0.002)


def test_evidence_that_hardly_says_anything_does_not_move_an_answer():
    doubtful = seen(picture("C01"), lag_s=0.97, sigma_s=0.02, log_odds=-10.0, method="clap")
    sure = seen(picture("C01"), lag_s=1.0, sigma_s=0.004, log_odds=30.0, method="picture")
    found = solve_trial(evidence_of(sure, clap("C01", 1.0), doubtful))
    assert set(found.used) == {0, 1}
    assert float(found.clocks["C01"].of_picture().apply(0.0)) == pytest.approx(1.0, abs=1e-3)


def test_a_picture_is_known_best_where_it_was_seen():
    heard = clap("C01", 1.0, at_s=300.0)
    shown = in_windows(picture("C01"), MOTION, np.linspace(0.0, 100.0, 9), np.full(9, 1.0), 0.002, method="picture")
    picture_clock = solve_trial(evidence_of(heard, shown)).clocks["C01"].of_picture()
    assert 0.0 < picture_clock.at_s < 100.0
    assert float(picture_clock.sigma_s(50.0)) < 0.002
    assert float(picture_clock.sigma_s(600.0)) > 4 * float(picture_clock.sigma_s(100.0))


def test_what_a_device_without_an_answer_says_is_not_told_to_other_trials():
    weak = seen(sound("C01"), sound("C02"), 0.0, 1e-4, 3.1, method="sound")
    found = solve_trial(evidence_of(clap("C01", 1.0), weak))
    assert set(found.alone) == {"C01"}


def test_which_hypothesis_was_believed_is_handed_out():
    near, far = Hypothesis(1.004, 0.01, 4.0), Hypothesis(2.0, 0.01, 9.0)
    two = Observation("playing", sound("C01"), MOTION, (far, near), at_s=6.0)
    found = solve_trial(evidence_of(two, clap("C01", 1.0), tied("C01", "C02", 3.0)))
    assert found.believed == {0: 1, 1: 0, 2: 0}
    assert found.contradicting == frozenset()


def _silent(a, b):
    return Observation("sound", sound(a), sound(b), ())


def test_a_sound_that_fits_none_of_those_that_fit_each_other_is_named():
    """A recording of another trial: its pictures have a clock all the same."""
    shown = [
        seen(picture(name), lag_s=1.0, sigma_s=0.004, log_odds=30.0, method="picture") for name in ("C01", "C02", "C03")
    ]
    ties = (tied("C01", "C02", 0.0), _silent("C01", "C03"), _silent("C02", "C03"))
    found = solve_trial(evidence_of(clap("C01", 1.0), *ties, *shown))
    assert found.strangers == {"C03"}
    assert "its sound has nothing in common with that of C01, C02" in found.notes["C03"][0]
    assert set(found.clocks) == {"C01", "C02", "C03"}


def test_a_sound_that_its_own_clap_places_is_no_stranger():
    ties = (tied("C01", "C02", 0.0), _silent("C01", "C03"), _silent("C02", "C03"))
    assert solve_trial(evidence_of(clap("C01", 1.0), clap("C03", 1.0), *ties)).strangers == frozenset()


def test_of_two_sounds_that_do_not_fit_nobody_knows_which_is_the_trials():
    assert solve_trial(evidence_of(clap("C01", 1.0), _silent("C01", "C02"))).strangers == frozenset()
