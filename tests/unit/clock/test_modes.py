import numpy as np
import pytest

from viodat.clock.modes import Factor, find_mode

SPAN_S = 20.0


def factor(places_s, sigmas_s, log_odds, *, number=0, alike="one sound", miss=0.05):
    shape = np.shape(places_s)
    return Factor(
        number=number,
        alike=alike,
        places_s=np.asarray(places_s, dtype=float),
        sigmas_s=np.broadcast_to(sigmas_s, shape).astype(float),
        log_odds=np.broadcast_to(log_odds, shape).astype(float),
        span_s=SPAN_S,
        miss=miss,
    )


def brute_force(factors, places_s):
    """(P,) posterior density of a place, and the probability that they belong together: every sum written out."""
    likelihood = np.ones_like(places_s)
    for one in factors:
        density = np.full(places_s.shape, one.miss)
        for place, sigma, odds in zip(one.places_s, one.sigmas_s, one.log_odds, strict=True):
            bell = np.exp(-0.5 * ((places_s - place) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
            density += (1 - one.miss) * np.exp(odds) * SPAN_S * bell
        likelihood *= density
    step = places_s[1] - places_s[0]
    related = 0.5 * likelihood.sum() * step / SPAN_S
    return 0.5 * likelihood / SPAN_S / (related + 0.5)


def test_a_factor_says_how_much_likelier_the_data_are_at_a_place():
    one = factor([0.0, 1.0], 0.01, [2.0, 0.0], miss=0.1)
    peak = SPAN_S / (0.01 * np.sqrt(2 * np.pi))
    expected = np.log([0.1 + 0.9 * np.exp(2) * peak, 0.1 + 0.9 * peak, 0.1])
    np.testing.assert_allclose(one.log_ratio(np.array([0.0, 1.0, 5.0])), expected)


def test_no_hypothesis_no_mode():
    assert find_mode([]) is None
    assert find_mode([factor([], [], [])]) is None


@pytest.mark.parametrize("log_odds", [-3.0, 0.0, 2.0, 5.0])
def test_confidence_of_one_hypothesis_is_its_odds_against_no_relation(log_odds):
    one = factor([0.7], 0.01, log_odds)
    found = find_mode([one])
    places = np.arange(-9.3, 10.7, 0.0005)
    posterior = brute_force([one], places)
    expected = posterior[np.abs(places - 0.7) < 0.05].sum() * 0.0005
    assert found.place_s == pytest.approx(0.7, abs=1e-6)
    # That they belong together and the lag is not among the hypotheses is not counted: half of ``miss`` at most.
    assert found.confidence == pytest.approx(expected, abs=0.02)
    assert found.agreeing == {0: 0}
    assert found.runner_up_s is None


def test_a_guess_is_not_believed():
    assert find_mode([factor([0.7], 0.01, -2.0)]).confidence < 0.15


@pytest.mark.parametrize("more", [0.0, 1.0, 4.0])
def test_two_rivals_share_the_belief_by_their_odds(more):
    found = find_mode([factor([-1.0, 1.0], 0.01, [8.0, 8.0 + more])])
    if more:
        assert found.place_s == pytest.approx(1.0)
        assert found.runner_up_s == pytest.approx(-1.0)
        assert found.agreeing == {0: 1}
    assert found.confidence == pytest.approx(1 / (1 + np.exp(-more)), abs=0.002)


def test_a_second_kind_of_evidence_decides_between_rivals():
    playing = factor([-1.0, 1.0], 0.01, [9.0, 8.0])
    clap = factor([1.005], 0.02, 4.0, number=1, alike="another sound")
    found = find_mode([playing, clap])
    places = np.arange(-9.0, 11.0, 0.0005)
    posterior = brute_force([playing, clap], places)
    near = np.abs(places - 1.0) < 0.1
    assert found.place_s == pytest.approx((posterior * places)[near].sum() / posterior[near].sum(), abs=1e-4)
    assert found.confidence == pytest.approx(posterior[near].sum() * 0.0005, abs=0.002)
    assert found.agreeing == {0: 1, 1: 0}
    assert found.runner_up_s == pytest.approx(-1.0, abs=0.001)


def test_two_sure_answers_that_contradict_leave_doubt():
    found = find_mode([factor([0.0], 0.01, 10.0), factor([3.0], 0.01, 10.0, number=1, alike="another sound")])
    assert 0.4 < found.confidence < 0.6
    assert len(found.agreeing) == 1


def test_evidence_that_often_misses_is_outvoted():
    playing = factor([0.0], 0.01, 8.0, miss=0.02)
    vibrato = factor([0.16], 0.01, 8.0, number=1, alike="another sound", miss=0.5)
    found = find_mode([playing, vibrato])
    assert found.place_s == pytest.approx(0.0, abs=1e-3)
    assert found.confidence > 0.9


def test_one_sound_in_four_microphones_is_one_piece_of_evidence():
    alone = find_mode([factor([0.0], 0.01, 2.0)])
    four = [factor([0.0], 0.01, 2.0, number=k) for k in range(4)]
    assert find_mode(four).confidence == pytest.approx(alone.confidence, abs=1e-6)
    pictures = [factor([0.0], 0.01, 2.0, number=k, alike="") for k in range(4)]
    assert find_mode(pictures).confidence > 0.9999
    assert set(find_mode(four).agreeing) == {0, 1, 2, 3}


def test_neighbouring_hypotheses_are_one_mode():
    found = find_mode([factor([0.0], 0.01, 6.0), factor([0.012], 0.01, 6.0, number=1, alike="another sound")])
    assert found.place_s == pytest.approx(0.006, abs=0.001)
    assert found.confidence > 0.99
    assert found.runner_up_s is None
    assert found.agreeing == {0: 0, 1: 0}


def test_two_hypotheses_that_overlap_are_no_rivals():
    found = find_mode([factor([0.0, 0.015], 0.01, 8.0)])
    assert found.place_s == pytest.approx(0.0075, abs=0.001)
    assert found.confidence > 0.99
    assert found.runner_up_s is None


@pytest.mark.parametrize(("log_odds", "cost"), [(-1.0, 5.0), (-7.0, 0.0)])
def test_clap_and_beginning_to_play_are_partly_the_same_thing(log_odds, cost):
    """They follow each other likewise in every trial: both together are worth up to 5 less, and never less than one."""
    same = [factor([0.0], 0.01, log_odds, alike="clap"), factor([0.0], 0.01, log_odds, alike="playing sound")]
    apart = [factor([0.0], 0.01, log_odds, alike="clap"), factor([0.0], 0.01, log_odds, alike="vibrato sound")]
    odds = [np.log(one.confidence / (1 - one.confidence)) for one in (find_mode(apart), find_mode(same))]
    assert odds[0] - odds[1] == pytest.approx(cost, abs=0.3)


def test_narrow_rivals_thirty_milliseconds_apart_leave_doubt():
    found = find_mode([factor([0.0, 0.03], 0.001, 8.0)])
    assert found.confidence < 0.55


def test_a_weaker_hypothesis_at_the_place_agrees_though_a_stronger_one_does_not():
    playing = factor([0.0, 0.06], 0.01, [10.0, 30.0])
    others = [
        factor([0.0], 0.001, 25.0, number=1, alike="another sound"),
        factor([0.0], 0.002, 25.0, number=2, alike=""),
    ]
    found = find_mode([playing, *others])
    assert abs(found.place_s) < 0.002
    assert found.agreeing == {0: 0, 1: 0, 2: 0}


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_evidence_that_never_misses():
    never = factor([0.0], 0.001, 5.0, alike="", miss=0.0)
    other = factor([3.0], 0.001, 5.0, number=1, alike="another sound")
    found = find_mode([never, other])
    assert found.place_s == pytest.approx(0.0, abs=1e-3)
    assert np.isfinite(found.confidence)


@pytest.mark.parametrize("apart", [0.06, 0.1, 0.16])
def test_a_wide_hypothesis_does_not_hide_the_rivals_within_it(apart):
    rivals = factor([0.0, apart], 0.002, [9.0, 8.0], alike="")
    wide = factor([apart / 2], 0.1, 6.0, number=1, alike="")
    found = find_mode([rivals, wide])
    assert found.place_s == pytest.approx(0.0, abs=1e-3)
    assert found.runner_up_s == pytest.approx(apart, abs=1e-3)
    assert found.confidence == pytest.approx(1 / (1 + np.exp(-1)), abs=0.01)


def test_what_says_less_of_the_place_than_having_missed_it_does_not_agree():
    sure, doubtful = factor([1.0], 0.002, 20.0, alike=""), factor([1.0], 0.02, -10.0, number=1, alike="")
    assert find_mode([sure, doubtful]).agreeing == {0: 0}
