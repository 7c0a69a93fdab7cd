from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.synth.music.score import LEVELS, STYLES, Piece, write_piece
from viodat.synth.music.violin import FIRST_FINGER, OPEN_MIDI, STRINGS, frequency_hz, stop_mm, vibrato_cents, vibrato_mm

KINDS = [(level, style) for level in LEVELS for style in STYLES]


def pieces(level, style, seconds=30.0, count=20) -> list[Piece]:
    return [write_piece(level, style, seconds, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize(("level", "style"), KINDS)
def test_every_note_lies_under_the_hand(level, style):
    for piece in pieces(level, style):
        for note in piece.notes:
            above = note.midi - OPEN_MIDI[note.string]
            assert (note.finger == 0) == (above == 0)
            if note.finger:
                # Within a tone below the first finger and a fourth's stretch above it.
                assert -1 <= above - FIRST_FINGER[note.position] <= 6
                assert abs((above - FIRST_FINGER[note.position]) / 1.6 - (note.finger - 1)) < 1.3


@pytest.mark.parametrize(("level", "style"), KINDS)
def test_notes_follow_each_other_and_the_bow_turns_with_every_unslurred_one(level, style):
    for piece in pieces(level, style):
        for before, note in pairwise(piece.notes):
            gap = note.onset_beat - before.end_beat
            assert gap == 0 or gap >= 1.0
            if gap == 0:
                assert (note.bow_direction == before.bow_direction) == note.slurred
            else:
                assert not note.slurred


@pytest.mark.parametrize(("level", "style"), KINDS)
def test_a_piece_fills_its_recording(level, style):
    for seconds in (12.0, 50.0):
        for piece in pieces(level, style, seconds):
            end_s = piece.notes[-1].end_beat * 60 / piece.tempo_bpm
            assert 0.45 * seconds < end_s <= seconds - 1.0


def test_short_notes_cross_one_string_at_most():
    for level, style in KINDS:
        for piece in pieces(level, style):
            for a, b in pairwise(piece.notes):
                seconds = min(a.duration_beat, b.duration_beat) * 60 / piece.tempo_bpm
                if a.end_beat == b.onset_beat and seconds < 0.2:
                    assert a.articulation == "spiccato"
                    assert abs(STRINGS.index(a.string) - STRINGS.index(b.string)) <= 1


def test_levels_differ_in_what_they_ask_for():
    novice, intermediate, advanced = (
        [n for p in pieces(level, "study", 60.0) for n in p.notes] for level in ("novice", "intermediate", "advanced")
    )
    assert {n.finger for n in novice} == {0}
    assert not any(n.vibrato for n in novice)
    assert {n.articulation for n in intermediate} == {"legato", "detache"}
    assert {n.position for n in intermediate} == {1}
    assert {n.articulation for n in advanced} == {"legato", "spiccato"}
    assert {n.position for n in advanced} == {1, 3, 5}
    assert any(n.slurred for n in advanced)
    for note in (n for n in advanced if n.vibrato):
        assert 4.5 <= note.vibrato.rate_hz <= 7.5
        assert 10 <= note.vibrato.extent_cents <= 60


def test_same_seed_same_piece():
    for level, style in KINDS:
        assert pieces(level, style, count=2) == pieces(level, style, count=2)
        assert pieces(level, style, count=2)[0] != pieces(level, style, count=2)[1]


@pytest.mark.parametrize(
    ("level", "style", "seconds"),
    [("master", "study", 10.0), ("novice", "jazz", 10.0), ("novice", "study", 1.0), ("novice", "free", float("nan"))],
)
def test_what_cannot_be_written_is_refused(level, style, seconds):
    with pytest.raises(ConfigError):
        write_piece(level, style, seconds, np.random.default_rng(0))


def test_the_string_obeys_its_length():
    # An octave halves the string, a fifth leaves two thirds (equal temperament: within 2 cents).
    assert stop_mm(12) == pytest.approx(164.0)
    assert stop_mm(7) == pytest.approx(328 / 3, abs=0.3)
    assert frequency_hz(OPEN_MIDI["G"]) == pytest.approx(196.0, abs=0.01)
    assert frequency_hz(OPEN_MIDI["E"]) == pytest.approx(659.26, abs=0.01)


def test_vibrato_amplitude_and_extent_are_the_same_movement():
    amplitude = vibrato_mm(40.0, 292.0)
    highest, lowest = 1 / (292 - amplitude), 1 / (292 + amplitude)
    assert 1200 * np.log2(highest / lowest) == pytest.approx(80.0)
    assert vibrato_cents(amplitude, 292.0) == pytest.approx(40.0)
    assert amplitude == pytest.approx(6.75, abs=0.01)
