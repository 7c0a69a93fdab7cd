"""Seeded pieces for the simulated violinist, at three levels.

A novice's study is long bows on open strings; an intermediate one scales, détaché and slurred; an advanced one an
étude of string crossings under slurs, spiccato, position shifts along one string, and sung phrases with vibrato. A
free piece mixes the level's techniques with tunes and, for advanced players, fast whole bows. Onsets and durations are
beats; rests, the gaps between notes, last a beat or more and let the bow leave the string. What is written can be
played: notes that cross strings last 0.2 s or more except in spiccato, which crosses to the next string only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from viodat.errors import ConfigError
from viodat.synth.music.violin import FIRST_FINGER, OPEN_MIDI, STRING_MM, STRINGS, StringName, finger_for, vibrato_cents

Level = Literal["novice", "intermediate", "advanced"]
Style = Literal["study", "free"]
Articulation = Literal["legato", "detache", "spiccato"]
BowDirection = Literal["down", "up"]
LEVELS: tuple[Level, ...] = get_args(Level)
STYLES: tuple[Style, ...] = get_args(Style)

LEAD_S = 0.6
"""Silence before the first note, bow in the air."""
TAIL_S = 0.4
"""Silence after the last note."""
SHORTEST_S = 3.0
LONGEST_S = 3600.0
VIBRATO_RATE_HZ = (4.5, 7.5)
VIBRATO_EXTENT_CENTS = (10.0, 60.0)
VIBRATO_HAND_MM = (3.0, 10.0)

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_TEMPO_BPM: dict[Level, tuple[float, float]] = {"novice": (56, 66), "intermediate": (66, 84), "advanced": (72, 92)}
_LEAST_VIBRATO_BEATS = 0.75


@dataclass(frozen=True)
class Vibrato:
    """What a note asks for: rate, and extent ± cents about the mean pitch.

    Rates lie within 4.5–7.5 Hz: around the 6 Hz of singers (Prame 1994, JASA 96:1979) and of the violin tones of
    Mellody and Wakefield (2000, JASA 107:598). The bounds of rate and of extent (10–60 cents) are viodat's choice.
    """

    rate_hz: float
    extent_cents: float


@dataclass(frozen=True)
class Note:
    """One written note.

    Attributes
    ----------
    midi
        Pitch, 69 = A4 = 440 Hz.
    string, finger, position
        Where it is stopped; finger 0 is the open string, the position (1–5) is the hand's.
    onset_beat, duration_beat
        From the start of the piece.
    bow_direction
        "down": from the frog to the tip.
    slurred
        On the same bow stroke as the note before.
    articulation
        "legato" (long or slurred bows), "detache" (a stroke per note, on the string) or "spiccato" (bouncing).
    dynamic
        0 (as soft as possible) to 1 (as loud as possible).
    vibrato
        None where there is none.
    """

    midi: int
    string: StringName
    finger: int
    position: int
    onset_beat: float
    duration_beat: float
    bow_direction: BowDirection
    slurred: bool
    articulation: Articulation
    dynamic: float
    vibrato: Vibrato | None

    @property
    def end_beat(self) -> float:
        """Beat at which the note ends."""
        return self.onset_beat + self.duration_beat


@dataclass(frozen=True)
class Piece:
    """Notes in order of onset, the tempo, and the length of the recording they are written for."""

    level: Level
    style: Style
    tempo_bpm: float
    seconds: float
    notes: tuple[Note, ...]


class _Sketch(NamedTuple):
    midi: int
    string: StringName
    position: int
    beats: float
    articulation: Articulation
    slurred: bool = False
    accent: float = 0.0


_Section = Callable[[np.random.Generator], list[_Sketch]]


def write_piece(level: Level, style: Style, seconds: float, rng: np.random.Generator) -> Piece:
    """Write a piece that fills ``seconds`` at its tempo, silence before and after included.

    Parameters
    ----------
    level
        "novice", "intermediate" or "advanced".
    style
        "study" or "free".
    seconds
        Length of the recording, 3 s to one hour.
    rng
        The same state gives the same piece.

    Raises
    ------
    ConfigError
        An unknown level or style, or a length out of range.
    """
    if level not in LEVELS or style not in STYLES:
        raise ConfigError(
            f"no piece of level {level!r} and style {style!r}",
            mend=f"Levels are {', '.join(LEVELS)}; styles are {', '.join(STYLES)}.",
        )
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise ConfigError(f"cannot write a piece of {seconds:g} s", mend=f"Use {SHORTEST_S:g} to {LONGEST_S:g} s.")
    tempo = round(float(rng.uniform(*_TEMPO_BPM[level])), 1)
    last_beat = (seconds - LEAD_S - TAIL_S) * tempo / 60
    sections = _SECTIONS[level, style]
    order = rng.permutation(len(sections))
    notes: list[Note] = []
    beat, count = 0.0, 0
    while beat < last_beat:
        # A study takes its techniques in turn, free play picks them.
        pick = order[count % len(sections)] if style == "study" else rng.integers(len(sections))
        notes += _noted(sections[pick](rng), beat, level, rng)
        beat = notes[-1].end_beat + float(rng.choice([1.0, 1.5, 2.0]))
        count += 1
    return Piece(level, style, tempo, float(seconds), tuple(n for n in notes if n.end_beat <= last_beat) or (notes[0],))


def _noted(sketches: list[_Sketch], beat: float, level: Level, rng: np.random.Generator) -> list[Note]:
    """Add bow directions, a dynamic that swells over the section, and vibrato to one section."""
    loud = float(rng.uniform(0.25, 0.75))
    swell = float(rng.uniform(-0.2, 0.25))
    down = bool(rng.random() < 0.8)
    notes = []
    for i, sketch in enumerate(sketches):
        if i and not sketch.slurred:
            down = not down
        finger = finger_for(sketch.midi, sketch.string, sketch.position)
        if finger is None:
            raise ValueError(f"no finger reaches {sketch}")
        arc = np.sin(np.pi * (i + 0.5) / len(sketches))
        notes.append(
            Note(
                midi=sketch.midi,
                string=sketch.string,
                finger=finger,
                position=sketch.position,
                onset_beat=beat,
                duration_beat=sketch.beats,
                bow_direction="down" if down else "up",
                slurred=sketch.slurred,
                articulation=sketch.articulation,
                dynamic=round(float(np.clip(loud + swell * arc + sketch.accent, 0.05, 1.0)), 3),
                vibrato=_vibrato(sketch, finger, level, rng),
            )
        )
        beat += sketch.beats
    return notes


def _vibrato(sketch: _Sketch, finger: int, level: Level, rng: np.random.Generator) -> Vibrato | None:
    """Draw the hand's amplitude in mm, smaller where the string is short, and give the cents that follow from it."""
    rate, amplitude = float(rng.normal(5.9, 0.45)), float(rng.normal(5.4, 1.1))
    if finger == 0 or level == "novice" or sketch.beats < _LEAST_VIBRATO_BEATS or sketch.articulation == "spiccato":
        return None
    sounding = STRING_MM * 2 ** (-(sketch.midi - OPEN_MIDI[sketch.string]) / 12)
    amplitude *= (sounding / STRING_MM) ** 0.5
    cents = vibrato_cents(float(np.clip(amplitude, *VIBRATO_HAND_MM)), sounding)
    return Vibrato(float(np.clip(rate, *VIBRATO_RATE_HZ)), float(np.clip(cents, *VIBRATO_EXTENT_CENTS)))


def _string_for(midi: int, position: int) -> StringName:
    """Give the highest string on which the hand in a position has the pitch under it."""
    lowest = 0 if position == 1 else FIRST_FINGER[position] - 1
    return next((s for s in reversed(STRINGS) if midi - OPEN_MIDI[s] >= lowest), "G")


def _degree(tonic: int, step: int) -> int:
    octave, degree = divmod(step, len(_MAJOR))
    return tonic + 12 * octave + _MAJOR[degree]


def _long_bows(rng: np.random.Generator) -> list[_Sketch]:
    first = int(rng.integers(len(STRINGS)))
    second = int(np.clip(first + rng.choice([-1, 1]), 0, len(STRINGS) - 1))
    beats = float(rng.choice([2.0, 3.0, 4.0]))
    return [_Sketch(OPEN_MIDI[STRINGS[s]], STRINGS[s], 1, beats, "legato") for s in (first, first, second, second)]


def _scale(rng: np.random.Generator, beats: float, slur: int) -> list[_Sketch]:
    """One octave up and down in first position, ``slur`` notes to a bow, the last note long."""
    tonic = int(rng.choice([55, 57, 62, 64, 67, 69]))
    pitches = [_degree(tonic, step) for step in (*range(8), *range(6, -1, -1))]
    articulation: Articulation = "legato" if slur > 1 else "detache"
    out = [_Sketch(m, _string_for(m, 1), 1, beats, articulation, i % slur > 0) for i, m in enumerate(pitches)]
    return [*out[:-1], out[-1]._replace(beats=2.0, articulation="legato", slurred=False)]


def _detache_scale(rng: np.random.Generator) -> list[_Sketch]:
    return _scale(rng, float(rng.choice([0.5, 1.0])), 1)


def _slurred_scale(rng: np.random.Generator) -> list[_Sketch]:
    return _scale(rng, 0.5, int(rng.choice([2, 4])))


def _tune(rng: np.random.Generator, position: int = 1) -> list[_Sketch]:
    """Walk a major scale by steps and thirds in a sung rhythm; short notes after a long one share its bow."""
    tonic = {1: 62, 3: 67, 5: 71}[position]
    out: list[_Sketch] = []
    step = int(rng.integers(0, 5))
    for rhythm in rng.choice(4, size=3):
        for beats in ((1.0, 1.0, 2.0), (1.5, 0.5, 2.0), (2.0, 1.0, 1.0), (1.0, 0.5, 0.5, 2.0))[rhythm]:
            midi = _degree(tonic, step)
            slurred = beats < 1 and bool(out)
            out.append(_Sketch(midi, _string_for(midi, position), position, beats, "legato", slurred))
            step = int(np.clip(step + rng.choice([-2, -1, -1, 1, 1, 2]), 0, 9))
    return out


def _sung(rng: np.random.Generator) -> list[_Sketch]:
    """Two phrases without a rest between them, the hand in another position for the second."""
    low, high = (int(p) for p in rng.permutation([1, 3, 5])[:2])
    return [*_tune(rng, low)[-4:], *_tune(rng, high)]


def _crossings(rng: np.random.Generator) -> list[_Sketch]:
    """Broken chords over three neighbouring strings and back, four notes to a bow."""
    lowest = int(rng.integers(2))
    strings = STRINGS[lowest : lowest + 3]
    out = []
    for _ in range(4):
        chord = [OPEN_MIDI[s] + int(rng.choice([0, 2, 4, 5, 7])) for s in strings]
        out += [_Sketch(chord[k], strings[k], 1, 0.5, "legato", i > 0) for i, k in enumerate((0, 1, 2, 1))]
    return [*out, out[0]._replace(beats=2.0)]


def _spiccato(rng: np.random.Generator) -> list[_Sketch]:
    """Pairs of bouncing notes that step through a scale, four to the beat, and a long note to land on."""
    tonic = int(rng.choice([57, 62, 64]))
    steps = np.clip(np.cumsum(rng.choice([-1, 1], size=10)) + 4, 0, 10)
    pitches = [_degree(tonic, int(s)) for s in np.repeat(steps, 2)]
    out = [_Sketch(m, _string_for(m, 1), 1, 0.25, "spiccato") for m in pitches]
    return [*out, out[-1]._replace(beats=2.0, articulation="legato")]


def _one_string(rng: np.random.Generator) -> list[_Sketch]:
    """More than an octave up and down one string, two notes to a bow, shifting where the hand runs out."""
    string = STRINGS[int(rng.integers(len(STRINGS)))]
    beats = float(rng.choice([0.5, 1.0]))
    position = 1
    out = []
    for i, step in enumerate((*range(1, 9), *range(7, 0, -1))):
        midi = _degree(OPEN_MIDI[string], step)
        if finger_for(midi, string, position) is None:
            position = _shifted(midi - OPEN_MIDI[string], upwards=i < 8)
        out.append(_Sketch(midi, string, position, beats, "legato", i % 2 > 0))
    return out


def _shifted(semitones: int, upwards: bool) -> int:
    """Position for a shift: upwards to the first finger, downwards to a high one, as a hand that goes on would."""
    reached = [p for p in (1, 3, 5) if -1 <= semitones - FIRST_FINGER[p] <= 6]
    return reached[-1] if upwards else reached[0]


def _whole_bows(rng: np.random.Generator) -> list[_Sketch]:
    """Fast loud strokes over most of the bow on one string."""
    string = STRINGS[int(rng.integers(len(STRINGS)))]
    beats = float(rng.choice([0.5, 0.75, 1.0]))
    semitones = rng.choice([2, 4, 5, 7], size=6)
    return [_Sketch(OPEN_MIDI[string] + int(s), string, 1, beats, "detache", accent=0.5) for s in semitones]


_SECTIONS: dict[tuple[Level, Style], tuple[_Section, ...]] = {
    ("novice", "study"): (_long_bows,),
    ("novice", "free"): (_long_bows, _tune),
    ("intermediate", "study"): (_detache_scale, _slurred_scale),
    ("intermediate", "free"): (_detache_scale, _slurred_scale, _tune),
    ("advanced", "study"): (_crossings, _spiccato, _one_string, _sung),
    ("advanced", "free"): (_crossings, _spiccato, _one_string, _sung, _whole_bows),
}
