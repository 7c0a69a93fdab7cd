"""Where on the bow each stroke is played: a plan that never runs off the hair and stays within an arm's strength.

Positions are mm from the frog to where the hair crosses the string; a down-bow raises them. Notes under one slur share
a stroke. Within a run of strokes the bow stays near the string; between runs, in rests, it is carried through the
air to where the next stroke wants it. A stroke is a trapezium of speed with minimum-jerk flanks, so that speed is zero
at every change of direction. Askenfelt (1986, JASA 80:1007; 1989, JASA 86:503) measured bow speeds of about 0.04 to
3 m/s; how much bow each articulation takes and where on the bow it is played is viodat's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from viodat.synth.music.performance import Performance, PlayedNote, PlayerTraits
from viodat.synth.music.smooth import STEEPEST
from viodat.synth.music.violin import HAIR_MM

REST_S = 0.25
"""A longer silence is a rest, in which the bow leaves the string."""
LIFT_S = 0.05
"""Between the end of sound and the start of a move through the air, and before the next landing."""
EDGE_MM = 25.0
"""Hair at the frog and at the tip that is never played on."""

_ARM_MM_S2 = 25_000.0
_LEAST_RISE_S = 0.05
_CENTRE = {"legato": 0.5, "detache": 0.55, "spiccato": 0.35}
_SHORTEST_MM = 15.0
_PULL = 0.25
_RECOVERY = 2.5
_ROOM = 0.9


@dataclass(frozen=True)
class Move:
    """One stroke on the string, or one move of the bow through the air.

    Attributes
    ----------
    start_s, end_s
        The bow is at rest, along its length, at both.
    from_mm, to_mm
        Positions on the bow.
    on_string
        False for a move through the air.
    """

    start_s: float
    end_s: float
    from_mm: float
    to_mm: float
    on_string: bool

    @property
    def rise_s(self) -> float:
        """Time from rest to full speed: short, but no shorter than the arm can do."""
        time = self.end_s - self.start_s
        # Peak speed is D/(T − rise) and peak acceleration 15/8 of that over the rise: a quadratic in the rise.
        slack = time**2 - 4 * STEEPEST * abs(self.to_mm - self.from_mm) / _ARM_MM_S2
        return float(min(max((time - np.sqrt(max(slack, 0.0))) / 2, _LEAST_RISE_S), time / 2))


@dataclass(frozen=True)
class _Stroke:
    """A stroke before it has a place: times, sign (+1 down), wanted length and middle."""

    start_s: float
    end_s: float
    sign: int
    length_mm: float
    centre_mm: float


def plan_bow(performance: Performance) -> tuple[Move, ...]:
    """Give every stroke and every move through the air of a take, in order of time and end to end in position."""
    player = performance.player
    low, high = EDGE_MM, player.hair_mm - EDGE_MM
    moves: list[Move] = []
    for run in _runs(performance.notes):
        strokes = [_stroke(notes, before, after, player) for notes, before, after in run]
        at = float(np.clip(strokes[0].centre_mm - strokes[0].sign * strokes[0].length_mm / 2, low, high))
        if moves:
            at = _carried(moves, at, strokes[0].start_s)
        for i, stroke in enumerate(strokes):
            following = strokes[i + 1] if i + 1 < len(strokes) else None
            end = at + stroke.sign * _length(stroke, following, at, low, high)
            moves.append(Move(stroke.start_s, stroke.end_s, at, end, on_string=True))
            at = end
    return tuple(moves)


def is_rest(before: PlayedNote, after: PlayedNote) -> bool:
    """Tell whether the bow leaves the string for a rest between two successive notes."""
    return after.onset_s - before.offset_s > REST_S


def _runs(notes: Sequence[PlayedNote]) -> list[list[tuple[list[PlayedNote], float, float]]]:
    """Group notes into runs of strokes; each stroke with the silent time before and after it that is its own."""
    runs: list[list[list[PlayedNote]]] = []
    for i, note in enumerate(notes):
        if i == 0 or is_rest(notes[i - 1], note):
            runs.append([[note]])
        elif note.slurred:
            runs[-1][-1].append(note)
        else:
            runs[-1].append([note])
    timed = []
    for run in runs:
        # Half of a spiccato's flight belongs to the stroke before, half to the one after.
        halves = [(b[0].onset_s - a[-1].offset_s) / 2 for a, b in pairwise(run)]
        first = LIFT_S if run[0][0].articulation == "spiccato" else 0.0
        last = LIFT_S if run[-1][-1].articulation == "spiccato" else 0.0
        timed.append(list(zip(run, [first, *halves], [*halves, last], strict=True)))
    return timed


def _stroke(notes: list[PlayedNote], before_s: float, after_s: float, player: PlayerTraits) -> _Stroke:
    """Say how much bow a stroke wants: speed by articulation and dynamic, within the hair and the arm's strength."""
    start, end = notes[0].onset_s - before_s, notes[-1].offset_s + after_s
    seconds = end - start
    kind = notes[0].articulation
    loud = float(np.mean([n.dynamic for n in notes]))
    size = player.hair_mm / HAIR_MM
    wanted = {
        "legato": (120 + 300 * loud) * seconds,
        "detache": (250 + 900 * loud**2) * seconds,
        "spiccato": 25 + 40 * loud,
    }[kind]
    wanted = min(wanted * player.bow_share * size, player.hair_mm - 2 * EDGE_MM, _strength_mm(seconds))
    sign = 1 if notes[0].bow_direction == "down" else -1
    return _Stroke(start, end, sign, max(wanted, _SHORTEST_MM), _CENTRE[kind] * player.hair_mm)


def _strength_mm(seconds: float) -> float:
    """Longest stroke in a time: all of it flank, at 90 % of the arm's acceleration."""
    return 0.9 * _ARM_MM_S2 * seconds**2 / (4 * STEEPEST)


def _length(stroke: _Stroke, following: _Stroke | None, at: float, low: float, high: float) -> float:
    """Length of a stroke that begins at ``at``: drawn towards its part of the bow, with room left for the next one."""
    ahead, behind = (high - at, at - low) if stroke.sign > 0 else (at - low, high - at)
    off = stroke.sign * (stroke.centre_mm - at) - stroke.length_mm / 2
    pull = _PULL * stroke.length_mm
    wanted = stroke.length_mm + float(np.clip(off, -pull, pull))
    if following is not None:
        # A short stroke before a long one is played faster, to get back to where there is bow.
        recovery = min(_ROOM * following.length_mm - behind, _RECOVERY * stroke.length_mm)
        wanted = max(wanted, recovery)
    return min(wanted, _strength_mm(stroke.end_s - stroke.start_s), ahead)


def _carried(moves: list[Move], wanted: float, landing_s: float) -> float:
    """Add the move through the air to the next run, as far towards ``wanted`` as the rest allows; give its end."""
    start, end = moves[-1].end_s + LIFT_S, landing_s - LIFT_S
    at = moves[-1].to_mm
    reach = _strength_mm(end - start)
    target = float(np.clip(wanted, at - reach, at + reach))
    moves.append(Move(start, end, at, target, on_string=False))
    return target
