import numpy as np

from viodat.clock.clap_match import Events, match_events

SPANS = {"claps_span_s": 12.0, "sounds_span_s": 15.0}


def events(times_s, *, sigma_s=0.0005, likely=0.99, strength=1.0):
    n = len(times_s)
    return Events(np.array(times_s, dtype=float), *(np.full(n, value) for value in (sigma_s, likely, strength)))


def test_one_clap_and_one_sound_prove_nothing():
    (only,) = match_events(events([2.0]), events([5.0]), **SPANS)
    assert only.lag_s == -3.0
    assert -1.5 < only.log_odds < 0


def test_one_clap_among_many_sounds_is_worth_less_and_all_are_named():
    found = match_events(events([2.0]), events([1.0, 3.0, 5.0, 7.0]), **SPANS)
    np.testing.assert_allclose(sorted(one.lag_s for one in found), [-5.0, -3.0, -1.0, 1.0])
    assert sum(np.exp(one.log_odds) for one in found) < 1


def test_the_strongest_sound_is_the_likeliest():
    sounds = Events(np.array([1.0, 3.0, 5.0]), np.full(3, 5e-4), np.full(3, 0.99), np.array([10.0, 40.0, 20.0]))
    assert match_events(events([2.0]), sounds, **SPANS)[0].lag_s == -1.0


def test_intervals_that_agree_convince_and_more_of_them_more():
    claps = np.array([2.0, 2.61, 3.33])
    two, three = (
        match_events(events(claps[:n]), events(claps[:n] + 1.5 + [0.001, 0, 0][:n]), **SPANS)[0] for n in (2, 3)
    )
    assert 1.0 < two.log_odds < three.log_odds - 2
    assert abs(three.lag_s + 1.5) < 2 * three.sigma_s
    np.testing.assert_array_equal(three.claps, [0, 1, 2])
    np.testing.assert_array_equal(three.sounds, [0, 1, 2])
    assert three.sigma_s < two.sigma_s < 0.001


def test_intervals_that_differ_speak_against_each_other():
    found = match_events(events([2.0, 2.61, 3.33]), events([5.0, 5.5, 6.3]), **SPANS)
    assert found[0].log_odds < -3


def test_takes_of_another_trial_seldom_seem_to_belong():
    rng = np.random.default_rng(0)
    odds = []
    for _ in range(300):
        claps, sounds = (2 + np.cumsum(rng.uniform(0.45, 0.9, 3)) for _ in range(2))
        odds.append(np.exp(match_events(events(claps), events(sounds), **SPANS)[0].log_odds))
    # Odds against no relation of k or more come by chance in one of k cases at most (Markov's inequality).
    assert np.mean(odds) < 1
    assert np.mean(np.array(odds) > 3) < 0.02


def test_a_clap_without_a_sound_counts_against():
    claps = [2.0, 2.61, 3.33]
    heard = match_events(events(claps), events(np.array(claps)), **SPANS)[0]
    missed = match_events(events(claps), events(claps[:2]), **SPANS)[0]
    assert heard.log_odds - missed.log_odds > 4


def test_a_clap_before_the_recording_counts_nothing():
    claps = [2.0, 2.61, 3.33]
    best = match_events(events(claps), events([0.4, 1.12]), **SPANS)[0]
    np.testing.assert_allclose(best.lag_s, 2.21)
    assert best.log_odds > 1


def test_a_metronome_that_ticks_otherwise_is_not_believed():
    ticks = np.arange(0.3, 15, 0.5)
    assert match_events(events([2.0, 2.61, 3.33]), events(ticks), **SPANS)[0].log_odds < 0


def test_no_events_no_match():
    assert match_events(events([]), events([1.0]), **SPANS) == ()
    assert match_events(events([1.0]), events([]), **SPANS) == ()


def test_sounds_unlike_a_clap_weigh_little():
    like, unlike = (match_events(events([2.0]), events([5.0], likely=p), **SPANS)[0] for p in (0.99, 0.05))
    assert unlike.log_odds < like.log_odds - 1.5
