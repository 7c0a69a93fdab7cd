"""What trials say together of a device, against the sums of a normal distribution's textbook."""

import numpy as np
import pytest

from tests.unit.clock.graphs import evidence_of, in_windows, picture, seen, sound
from viodat.clock.estimate import TrialClocks, solve_trial
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, SKEW_SIGMA_S, UNKNOWN, DevicePrior
from viodat.clock.observations import MOTION
from viodat.clock.session import (
    DRIFT_SCATTER_PPM,
    SKEW_COMMON_S,
    SKEW_SCATTER_S,
    neighbours_priors,
    session_priors,
    solve_session,
)


def alone(skew_s=0.0, skew_sigma_s=0.008, drift_ppm=0.0, drift_sigma_ppm=30.0, device="C01"):
    told = DevicePrior(drift_ppm, drift_sigma_ppm, skew_s, skew_sigma_s)
    return TrialClocks({}, {}, evidence_of(), alone={device: told})


def trial(skew_s, *, offset_s=1.0, skew_sigma_s=0.008, heard=True):
    """A phone that heard well and saw less well."""
    shown = seen(picture("C01"), lag_s=offset_s - skew_s, sigma_s=skew_sigma_s, method="picture")
    return (
        evidence_of(seen(sound("C01"), lag_s=offset_s, sigma_s=1e-3, method="clap"), shown)
        if heard
        else (evidence_of(shown))
    )


def posterior(means, sigma, scatter, common, prior):
    """Mean of equally sure trials with one error that all share, and the one prior about 0, by Bayes' rule."""
    told = (sigma**2 + scatter**2) / len(means) + common**2
    variance = 1 / (1 / told + 1 / prior**2)
    return np.mean(means) * variance / told, np.sqrt(variance + scatter**2)


@pytest.mark.parametrize("count", [1, 3])
def test_trials_are_weighed_against_one_prior_once(count):
    skews = np.full(count, 0.03)
    (found,) = session_priors({str(k): alone(skew) for k, skew in enumerate(skews)}).values()
    mean, sigma = posterior(skews, 0.008, SKEW_SCATTER_S, SKEW_COMMON_S, SKEW_SIGMA_S)
    np.testing.assert_allclose([found.skew_s, found.skew_sigma_s], [mean, sigma], rtol=1e-3)


def test_many_unsure_trials_are_hardly_drawn_to_the_prior():
    """Each alone would be shrunk by half; were the prior in each of them, so would their mean be."""
    priors = session_priors({str(k): alone(0.04, 0.025) for k in range(100)})
    assert priors["C01"].skew_s == pytest.approx(0.04 * 0.98, abs=0.0008)


def test_drift_is_pooled_likewise():
    trials = {str(k): alone(drift_ppm=60.0, drift_sigma_ppm=20.0) for k in range(3)}
    found = session_priors(trials)["C01"]
    mean, sigma = posterior([60.0] * 3, 20.0, DRIFT_SCATTER_PPM, 0.25 * 20.0, UNKNOWN.drift_sigma_ppm)
    np.testing.assert_allclose([found.drift_ppm, found.drift_sigma_ppm], [mean, sigma], rtol=1e-3)


def test_what_all_trials_err_by_alike_does_not_average_out():
    found = session_priors({str(k): alone(0.03, 0.004) for k in range(400)})["C01"]
    assert SKEW_COMMON_S < found.skew_sigma_s < 1.1 * np.hypot(SKEW_COMMON_S, SKEW_SCATTER_S)


def test_trials_that_scatter_tell_the_next_one_less():
    rng = np.random.default_rng(0)
    skews = 0.01 + 0.006 * rng.standard_normal(12)
    calm = session_priors({str(k): alone(0.01, 0.001) for k in range(12)})["C01"]
    wild = session_priors({str(k): alone(skew, 0.001) for k, skew in enumerate(skews)})["C01"]
    assert calm.skew_sigma_s < 0.003
    assert 0.7 * np.std(skews) < wild.skew_sigma_s < 1.5 * np.std(skews)
    assert wild.skew_s == pytest.approx(skews.mean(), abs=0.003)


def test_one_trial_that_errs_does_not_move_the_others():
    trials = {str(k): alone(0.02, 0.003) for k in range(9)} | {"wrong": alone(-0.2, 0.003)}
    assert session_priors(trials)["C01"].skew_s == pytest.approx(0.02, abs=0.003)


def test_a_trial_does_not_hear_itself():
    trials = {"a": alone(0.02), "b": alone(0.02), "c": alone(-0.03)}
    told = {name: clocks.alone for name, clocks in trials.items()}
    assert neighbours_priors(told, "c") == session_priors({"a": trials["a"], "b": trials["b"]})
    assert neighbours_priors({"a": told["a"]}, "a") == {}


def test_a_trial_hears_those_recorded_around_it_and_no_others():
    skews = np.random.default_rng(5).normal(0.02, 0.004, 60)
    told = {f"T{k:02d}": alone(skew, 0.003).alone for k, skew in enumerate(skews)}
    before = {name: neighbours_priors(told, name) for name in told}
    after = {name: neighbours_priors({**told, "T30": alone(-0.2, 0.003).alone}, name) for name in told}
    changed = [k for k, name in enumerate(told) if before[name] != after[name]]
    assert changed == [k for k in range(24, 37) if k != 30]
    # A device that was seldom used is heard from further away.
    rare = {
        name: {**known, **(alone(0.01, device="C02").alone if name == "T50" else {})} for name, known in told.items()
    }
    assert neighbours_priors(rare, "T03")["C02"].skew_s == pytest.approx(0.01, abs=0.003)


def test_devices_are_pooled_each_by_its_own_name():
    trials = {"a": alone(0.02), "b": alone(-0.02, device="C02")}
    found = session_priors(trials)
    assert found["C01"].skew_s > 0.01
    assert found["C02"].skew_s < -0.01


def test_a_trial_that_knows_nothing_changes_nothing():
    sure = session_priors({"a": alone(0.02, 0.003, 40.0, 10.0)})["C01"]
    both = session_priors({"a": alone(0.02, 0.003, 40.0, 10.0), "b": alone(0.0, 1.0, 40.0, 10.0)})["C01"]
    assert both.skew_s == pytest.approx(sure.skew_s, rel=1e-3)
    assert both.skew_sigma_s == pytest.approx(sure.skew_sigma_s, rel=1e-2)


def test_never_less_sure_than_without_other_trials():
    found = session_priors({str(k): alone(drift_sigma_ppm=5000.0, skew_sigma_s=1.0) for k in range(5)})
    assert found["C01"].skew_sigma_s <= SKEW_SIGMA_S
    clock = solve_trial(trial(0.0), found).clocks["C01"]
    assert clock.drift_sigma_ppm <= DRIFT_SIGMA_PPM


def test_a_session_gives_each_trial_what_the_others_know():
    """Trial x saw nothing: its picture is placed by its sound and by the skew of the eight others."""
    trials = {str(k): trial(0.03, offset_s=float(k)) for k in range(8)}
    heard_only = evidence_of(seen(sound("C01"), lag_s=2.5, sigma_s=1e-3, method="clap"), with_picture=("C01",))
    found = solve_session(trials | {"x": heard_only})
    single = solve_trial(heard_only).clocks["C01"]
    clock = found["x"].clocks["C01"]
    assert clock.offset_s == pytest.approx(2.5, abs=1e-3)
    assert single.picture_sigma_s > 0.02
    assert clock.picture_sigma_s < 0.006
    assert abs(float(clock.of_picture().apply(0.03)) - 2.5) < 2 * clock.picture_sigma_s
    assert found["3"].alone["C01"].skew_s == pytest.approx(0.03, abs=1e-4), "no prior is in what a trial says alone"


def test_a_session_shares_the_drift():
    at = np.linspace(2.0, 58.0, 8)
    rng = np.random.default_rng(1)

    def drifting():
        lags = 1.0 + 70e-6 * at + rng.normal(0, 0.0006, 8)
        return evidence_of(in_windows(sound("C01"), MOTION, at, lags, 0.001))

    trials = {str(k): drifting() for k in range(6)}
    found = solve_session(trials)
    lonely = solve_trial(trials["0"]).clocks["C01"]
    shared = found["0"].clocks["C01"]
    assert shared.drift_sigma_ppm < 0.75 * lonely.drift_sigma_ppm
    assert abs(shared.drift_ppm - 70.0) < 3 * shared.drift_sigma_ppm


def test_a_trial_without_an_answer_tells_nothing():
    trials = {"a": trial(0.02), "b": evidence_of(seen(sound("C01"), log_odds=-3.0), devices=("C01",))}
    assert solve_session(trials)["b"].clocks == {}
    assert session_priors({"b": solve_trial(trials["b"])}) == {}


def test_a_trial_without_sound_says_nothing_of_the_skew():
    trials = {str(k): solve_trial(trial(0.03)) for k in range(4)}
    before = session_priors(trials)["C01"]
    after = session_priors(trials | {"deaf": solve_trial(trial(0.03, heard=False))})["C01"]
    assert after.skew_s == pytest.approx(before.skew_s, abs=1e-4)
    assert after.skew_sigma_s == pytest.approx(before.skew_sigma_s, rel=0.01)


def test_a_phone_that_saw_nothing_says_nothing_of_the_skew_beside_a_microphone():
    blind = evidence_of(
        seen(sound("C01"), lag_s=1.0, sigma_s=1e-3, method="clap"),
        seen(sound("C01"), sound("M01"), 0.0, 1e-4, method="sound"),
        with_picture=("C01",),
    )
    found = session_priors({str(k): solve_trial(blind) for k in range(4)})["C01"]
    assert found.skew_sigma_s > 0.9 * SKEW_SIGMA_S


def test_what_all_devices_have_wrong_of_the_drift_is_not_made_sure_by_their_number():
    """Four phones, tied, each trial 20 ppm off with a sigma of 20: together they know it no better than one."""

    def of(names):
        at = np.linspace(1.0, 119.0, 12)
        seen_ = [in_windows(sound(names[0]), MOTION, at, 1.0 + 20e-6 * at, 0.003, method="clap")]
        seen_ += [
            in_windows(sound(names[0]), sound(other), at, np.zeros(12), 1e-5, method="sound") for other in names[1:]
        ]
        return evidence_of(*seen_)

    def sigma(names):
        found = solve_session({f"T{k}": of(names) for k in range(6)})
        return found["T0"].clocks[names[0]].drift_sigma_ppm

    assert sigma(("C01", "C02", "C07", "C08")) == pytest.approx(sigma(("C01", "C02")), rel=0.2)


def test_many_trials_that_see_nothing_do_not_outvote_the_few_that_do():
    blind = {f"T{k}": trial(0.0, skew_sigma_s=1.0) for k in range(6)}
    telling = {f"S{k}": trial(0.035, skew_sigma_s=0.003) for k in range(3)}
    found = solve_session(blind | telling)
    for one in found.values():
        assert one.clocks["C01"].skew_s == pytest.approx(0.035, abs=0.002)
