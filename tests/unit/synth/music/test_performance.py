from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.unit.synth.music.takes import SECONDS, SEEDS, take
from viodat.errors import ConfigError
from viodat.synth.music.performance import PlayerTraits, draw_traits, perform
from viodat.synth.music.score import LEVELS, STYLES, write_piece
from viodat.synth.music.violin import OPEN_MIDI

KINDS = [(level, style) for level in LEVELS for style in STYLES]


def steady(**traits: float) -> PlayerTraits:
    return replace(PlayerTraits("advanced"), **traits)


def onsets(performance) -> np.ndarray:
    return np.array([n.onset_s for n in performance.notes])


def test_onsets_jitter_as_the_player_does():
    piece = write_piece("intermediate", "free", 300.0, np.random.default_rng(3))
    for sigma in (0.010, 0.020, 0.030):
        off = []
        for seed in range(10):
            jittered = onsets(perform(piece, steady(onset_jitter_s=sigma), np.random.default_rng(seed)))
            beats = np.array([n.onset_beat for n in piece.notes[: len(jittered)]])
            # The tempo breathes over 8 beats or more: what a smooth curve of neighbours leaves is jitter.
            slope = np.diff(jittered) / np.diff(beats)
            interpolated = jittered[:-2] + (jittered[2:] - jittered[:-2]) * (beats[1:-1] - beats[:-2]) / (
                beats[2:] - beats[:-2]
            )
            even = np.isclose(np.diff(beats)[1:], np.diff(beats)[:-1])
            assert (slope > 0).all()
            off.append((jittered[1:-1] - interpolated)[even])
        # Middle minus mean of neighbours: variance 1 + 1/4 + 1/4; a normal cut at 2σ has a σ of 0.88 to 0.96.
        measured = np.concatenate(off).std() / np.sqrt(1.5)
        assert measured == pytest.approx(sigma * 0.93, rel=0.12)


def test_two_takes_differ_within_five_percent():
    piece = write_piece("advanced", "study", 120.0, np.random.default_rng(0))
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        first, second = (onsets(perform(piece, steady(onset_jitter_s=0.01), rng)) for _ in range(2))
        count = min(len(first), len(second))
        assert not np.array_equal(first[:count], second[:count])
        beats = np.array([n.onset_beat for n in piece.notes[:count]])
        for one in (first[:count], second[:count]):
            ratios.append(np.polyfit(beats, one, 1)[0] * piece.tempo_bpm / 60)
    assert 0.95 < min(ratios) < 0.99
    assert 1.01 < max(ratios) < 1.05


@pytest.mark.parametrize(("level", "style"), KINDS)
def test_notes_lie_in_order_inside_the_recording(level, style):
    for seed in SEEDS:
        notes = take(level, style, seed).notes
        assert notes[0].onset_s > 0.5
        assert notes[-1].offset_s <= SECONDS - 0.4
        assert min(n.duration_s for n in notes) > 0.05
        for a, b in pairwise(notes):
            assert a.offset_s <= b.onset_s


@pytest.mark.parametrize("violin_scale", [1.0, 0.75])
def test_vibrato_stays_within_hand_and_taste(violin_scale):
    hands = []
    for seed in SEEDS:
        performance = take("advanced", "study", seed, violin_scale)
        for note in performance.notes:
            if not np.isnan(note.vibrato_hz):
                assert 4.5 <= note.vibrato_hz <= 7.5
                assert 10 <= note.vibrato_cents <= 60
                sounding = 328 * violin_scale * 2 ** (-note.semitones / 12)
                hands.append(sounding * note.vibrato_cents * np.log(2) / 1200)
    assert len(hands) > 10
    assert min(hands) >= 3.0 - 1e-2
    assert max(hands) <= 10.0 + 1e-2


def test_novices_are_slower_less_in_tune_and_hardly_vibrate():
    players = {level: [draw_traits(level, np.random.default_rng(s)) for s in range(20)] for level in LEVELS}
    for trait, sign in (("tempo_factor", 1), ("vibrato_share", 1), ("intonation_cents", -1), ("speed_unevenness", -1)):
        means = [sign * np.mean([getattr(p, trait) for p in players[level]]) for level in LEVELS]
        assert means[0] < means[1] < means[2]
    piece = write_piece("advanced", "study", 120.0, np.random.default_rng(0))
    errors = {}
    for level in LEVELS:
        player = players[level][0]
        notes = perform(piece, player, np.random.default_rng(1)).notes
        stopped = [n.error_cents for n in notes if n.finger]
        assert np.std(stopped) == pytest.approx(player.intonation_cents, rel=0.25)
        assert {n.error_cents for n in notes if n.finger == 0} <= {0.0}
        errors[level] = len(notes)
    assert errors["novice"] < errors["advanced"]


def test_mean_pitch_holds_the_error():
    for note in take("advanced", "free", 0).notes:
        assert OPEN_MIDI[note.string] + note.semitones == pytest.approx(note.midi + note.error_cents / 100)


def test_same_seed_same_take():
    piece = write_piece("advanced", "free", 30.0, np.random.default_rng(5))
    first, second = (repr(perform(piece, steady(), np.random.default_rng(6))) for _ in range(2))
    assert first == second


def test_who_cannot_be_drawn_is_refused():
    rng = np.random.default_rng(0)
    for level, options in (("master", {}), ("novice", {"handedness": "both"}), ("novice", {"violin_scale": 0.1})):
        with pytest.raises(ConfigError):
            draw_traits(level, rng, **options)


def test_a_piece_that_does_not_fit_is_refused():
    piece = write_piece("novice", "study", 3.0, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="no note"):
        perform(replace(piece, seconds=0.8), steady(), np.random.default_rng(0))
