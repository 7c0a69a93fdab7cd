"""One take of a piece: when a given player really plays each note, and how.

Two takes of a piece differ: the tempo of a take is its own and breathes within ±5 %, onsets jitter by 10–30 ms
(standard deviation), intonation scatters, vibrato varies. Times are seconds from the start of the recording. All
figures of :class:`PlayerTraits` are viodat's choice, made so that novices differ from advanced players as teachers
describe it: slower, less even, less in tune, a crooked bow, little vibrato.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from viodat.errors import ConfigError
from viodat.synth.music.score import (
    LEAD_S,
    LEVELS,
    TAIL_S,
    VIBRATO_EXTENT_CENTS,
    VIBRATO_HAND_MM,
    VIBRATO_RATE_HZ,
    Articulation,
    BowDirection,
    Level,
    Note,
    Piece,
)
from viodat.synth.music.violin import HAIR_MM, OPEN_MIDI, STRING_MM, StringName, vibrato_cents

Handedness = Literal["right", "left"]

_TAKE_TEMPO, _BREATH = 0.03, 0.02
_LEAST_VIBRATO_S = 0.5
_JITTER_OF_GAP = 0.2
_SPICCATO_CONTACT = 0.55
_LEAST_NOTE_S = 0.3


@dataclass(frozen=True)
class PlayerTraits:
    """How a player plays, and the size of the instrument.

    Attributes
    ----------
    level
        "novice", "intermediate" or "advanced".
    handedness
        The writing hand. Left-handers too hold the bow in the right hand, as nearly all do.
    tempo_factor
        Speed relative to the written tempo.
    onset_jitter_s
        Standard deviation of onsets about the beat, s; less where notes follow fast.
    intonation_cents
        Standard deviation of stopped pitches, cents.
    vibrato_share
        Share of the written vibratos that are played, 0 to 1.
    vibrato_depth
        Extent relative to what is written.
    speed_unevenness
        Root mean square of the bow speed's relative unevenness within a stroke.
    crooked_rad
        Angle by which the bow is askew at the tip, and opposite at the frog, rad.
    bridge_wander_mm
        Root mean square of the bow's wander along the string, mm.
    bow_share
        Length of bow used relative to what the music asks for.
    string_mm, hair_mm
        Length of the strings and of the bow's hair.
    """

    level: Level
    handedness: Handedness = "right"
    tempo_factor: float = 1.0
    onset_jitter_s: float = 0.015
    intonation_cents: float = 5.0
    vibrato_share: float = 1.0
    vibrato_depth: float = 1.0
    speed_unevenness: float = 0.03
    crooked_rad: float = 0.03
    bridge_wander_mm: float = 2.0
    bow_share: float = 1.0
    string_mm: float = STRING_MM
    hair_mm: float = HAIR_MM


_RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "tempo_factor": ((0.75, 0.88), (0.87, 0.96), (0.95, 1.0)),
    "onset_jitter_s": ((0.022, 0.030), (0.016, 0.024), (0.010, 0.018)),
    "intonation_cents": ((12.0, 25.0), (6.0, 12.0), (2.0, 6.0)),
    "vibrato_share": ((0.0, 0.2), (0.4, 0.7), (0.9, 1.0)),
    "vibrato_depth": ((0.5, 0.7), (0.7, 0.9), (0.9, 1.1)),
    "speed_unevenness": ((0.10, 0.15), (0.05, 0.09), (0.02, 0.04)),
    "crooked_rad": ((0.10, 0.22), (0.05, 0.11), (0.01, 0.05)),
    "bridge_wander_mm": ((4.0, 6.0), (2.0, 4.0), (0.7, 2.0)),
    "bow_share": ((0.55, 0.75), (0.7, 0.9), (0.85, 1.0)),
}
"""Range of each trait for novice, intermediate and advanced players."""


def draw_traits(
    level: Level,
    rng: np.random.Generator,
    *,
    handedness: Handedness = "right",
    violin_scale: float = 1.0,
) -> PlayerTraits:
    """Draw a player of a level.

    Parameters
    ----------
    violin_scale
        Size of violin and bow relative to full size, 0.5 to 1 (about 0.75 for a half-size violin).

    Raises
    ------
    ConfigError
        An unknown level or handedness, or a size out of range.
    """
    if level not in LEVELS or handedness not in get_args(Handedness):
        raise ConfigError(
            f"no player of level {level!r} and handedness {handedness!r}",
            mend=f"Levels are {', '.join(LEVELS)}; handedness is right or left.",
        )
    if not 0.5 <= violin_scale <= 1.0:
        raise ConfigError(f"no violin of {violin_scale:g} of full size", mend="Use 0.5 to 1.")
    column = LEVELS.index(level)
    drawn = {name: float(rng.uniform(*ranges[column])) for name, ranges in _RANGES.items()}
    return PlayerTraits(level, handedness, **drawn, string_mm=STRING_MM * violin_scale, hair_mm=HAIR_MM * violin_scale)


@dataclass(frozen=True)
class PlayedNote:
    """One note as it is played: the truth of a take.

    Attributes
    ----------
    onset_s, offset_s
        First and last contact of the moving bow with this note.
    midi, string, finger, position, bow_direction, slurred, articulation, dynamic
        As written (:class:`viodat.synth.music.score.Note`).
    error_cents
        How far the mean pitch is off; 0 on open strings.
    vibrato_hz, vibrato_cents
        Rate and ± extent once the vibrato is under way; NaN without vibrato.
    """

    onset_s: float
    offset_s: float
    midi: int
    string: StringName
    finger: int
    position: int
    bow_direction: BowDirection
    slurred: bool
    articulation: Articulation
    dynamic: float
    error_cents: float
    vibrato_hz: float
    vibrato_cents: float

    @property
    def semitones(self) -> float:
        """Mean pitch above the open string, intonation error included."""
        return self.midi - OPEN_MIDI[self.string] + self.error_cents / 100

    @property
    def duration_s(self) -> float:
        """Seconds from onset to offset."""
        return self.offset_s - self.onset_s


@dataclass(frozen=True)
class Performance:
    """One take: the notes that fit into the recording, in order; ``seed`` drives what no player plans."""

    piece: Piece
    player: PlayerTraits
    seconds: float
    notes: tuple[PlayedNote, ...]
    seed: int


def perform(piece: Piece, player: PlayerTraits, rng: np.random.Generator) -> Performance:
    """Play a piece once.

    The take lasts as long as the piece's recording: a slow player does not reach the end, and a note that the end
    would cut is played short or left out.

    Parameters
    ----------
    rng
        The same state gives the same take; go on with the same generator for another take.

    Raises
    ------
    ConfigError
        No note ends before the recording does.
    """
    notes = piece.notes
    seconds_at = _tempo_curve(piece, player, rng)
    planned = seconds_at(np.array([n.onset_beat for n in notes]))
    ends = seconds_at(np.array([n.end_beat for n in notes]))
    onsets = planned + _jitter(planned, player.onset_jitter_s, rng)
    last_s = piece.seconds - TAIL_S
    played = []
    for i, note in enumerate(notes):
        tied = i + 1 < len(notes) and notes[i + 1].onset_beat == note.end_beat
        end = float(onsets[i + 1] if tied else ends[i])
        if note.articulation == "spiccato":
            end = onsets[i] + _SPICCATO_CONTACT * (end - onsets[i])
        one = _played(note, player, float(onsets[i]), float(min(end, last_s)), rng)
        if end <= last_s or one.duration_s >= _LEAST_NOTE_S:
            played.append(one)
    if not played:
        raise ConfigError(f"no note of the piece fits into {piece.seconds:g} s", mend="Write it with write_piece.")
    return Performance(piece, player, piece.seconds, tuple(played), int(rng.integers(2**32)))


def _tempo_curve(piece: Piece, player: PlayerTraits, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Give the map from beats to seconds; its slope stays within ±5 % of the player's own tempo."""
    beat_s = 60 / (piece.tempo_bpm * player.tempo_factor)
    take = rng.uniform(-_TAKE_TEMPO, _TAKE_TEMPO)
    breath = rng.uniform(0, _BREATH)
    omega = 2 * np.pi / rng.uniform(8, 24)
    phase = rng.uniform(0, 2 * np.pi)

    def seconds_at(beats: np.ndarray) -> np.ndarray:
        breathed = breath / omega * (np.cos(phase) - np.cos(omega * beats + phase))
        return np.asarray(LEAD_S + beat_s * ((1 + take) * beats + breathed))

    return seconds_at


def _jitter(planned_s: np.ndarray, sigma_s: float, rng: np.random.Generator) -> np.ndarray:
    """Scatter onsets by a normal cut at ±2σ, and by no more than a fifth of the way to a neighbour."""
    gaps = np.diff(planned_s, prepend=-np.inf, append=np.inf)
    bound = np.minimum(2 * sigma_s, _JITTER_OF_GAP * np.minimum(gaps[:-1], gaps[1:]))
    return np.clip(rng.normal(0, sigma_s, planned_s.shape), -bound, bound)


def _played(note: Note, player: PlayerTraits, onset_s: float, offset_s: float, rng: np.random.Generator) -> PlayedNote:
    error, chance, depth, rate = rng.normal(0, 1), rng.random(), rng.normal(1, 0.08), rng.normal(0, 0.15)
    error_cents = 0.0 if note.finger == 0 else float(player.intonation_cents * np.clip(error, -3, 3))
    hz, cents = np.nan, np.nan
    if note.vibrato and chance < player.vibrato_share and offset_s - onset_s >= _LEAST_VIBRATO_S:
        sounding = player.string_mm * 2 ** (-(note.midi - OPEN_MIDI[note.string] + error_cents / 100) / 12)
        least, most = (vibrato_cents(mm, sounding) for mm in VIBRATO_HAND_MM)
        low, high = VIBRATO_EXTENT_CENTS
        hz = float(np.clip(note.vibrato.rate_hz + rate, *VIBRATO_RATE_HZ))
        asked = note.vibrato.extent_cents * player.vibrato_depth * depth
        cents = float(np.clip(asked, max(least, low), min(most, high)))
    return PlayedNote(
        onset_s=onset_s,
        offset_s=offset_s,
        midi=note.midi,
        string=note.string,
        finger=note.finger,
        position=note.position,
        bow_direction=note.bow_direction,
        slurred=note.slurred,
        articulation=note.articulation,
        dynamic=note.dynamic,
        error_cents=error_cents,
        vibrato_hz=hz,
        vibrato_cents=cents,
    )
