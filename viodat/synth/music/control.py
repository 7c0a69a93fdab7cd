"""What the two hands do to the violin over time: the signals that move the body and make the sound.

:func:`control_signals` turns a take into bow position, speed, force, height, distance from the bridge and incline, and
into the left hand's place on the neck, the fingers' pressure and the pitch; :meth:`Control.at` gives them at any
other times, such as a phone's frames. mm, mm/s, N, rad, Hz and seconds from the start of the recording; before it and
after it everything holds still. What a limb must follow is twice continuously differentiable (C²): it lies on cubic
splines through knots 2 ms apart, or on minimum-jerk moves from level to level. What is heard but not carried by a
limb may step: the string and finger in use, and with them stopping point and pitch.

Figures: bow speeds and forces stay within those measured by Askenfelt (1986, JASA 80:1007; 1989, JASA 86:503), about
0.04–3 m/s and 0.2–3 N; louder notes are played faster, harder and nearer to the bridge, as there and in Schoonderwaldt
and Demoucron (2009, JASA 126:2695). The laws that join dynamic to force and distance, the lifts, and the
limit of 40 m/s² on the hand's acceleration are viodat's choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from viodat.errors import ConfigError
from viodat.synth.music.bowing import Move, is_rest, plan_bow
from viodat.synth.music.performance import Performance, PlayedNote
from viodat.synth.music.smooth import MINIMUM_JERK_PEAK, minimum_jerk, plateau, staircase, wander
from viodat.synth.music.violin import FIRST_FINGER, INCLINE_RAD, OPEN_MIDI, STRINGS, frequency_hz, stop_mm, vibrato_mm
from viodat.synth.vectors import FloatArray

IntArray = NDArray[np.int64]
Steps = list[tuple[float, float, float]]

_KNOT_HZ = 500.0
_RATES_HZ = (1.0, 200_000.0)
_FINGERS = 4

_REST_LIFT_MM, _REST_LIFT_S = 30.0, 0.25
_BOUNCE_MM, _BOUNCE_MM_S2 = 10.0, 15_000.0
_ATTACK_S, _CHANGE_S, _RELEASE_S = 0.05, 0.08, 0.06
_SPICCATO_FLANK = 0.3
_CROSSING_S, _CROSSING_MM_S2 = 0.08, 14_000.0
_SHIFT_S, _SHIFT_MM_S2 = 0.12, 15_000.0
_BRIDGE_REACH_MM = 10.0
_VIBRATO_WAIT_S, _VIBRATO_RISE_S, _VIBRATO_FALL_S = 0.06, 0.12, 0.08
_UNEVEN_HZ, _WANDER_HZ = (1.5, 6.0), (0.1, 0.8)
_PRESS_S = 0.06


@dataclass(frozen=True, eq=False)
class Control:
    """The control signals at T times; every array is (T,) but ``press``.

    Attributes
    ----------
    times_s
        s from the start of the recording.
    bow_mm
        Where the hair crosses the string, mm from the frog; C².
    bow_speed
        Its time derivative, mm/s, positive down-bow; C².
    bow_force
        Of the hair on the string, N; 0 where the bow is lifted; C².
    lift_mm
        Height of the hair above the string, mm; 0 where it touches; C².
    bridge_mm
        From the bridge to the bow along the string, mm; C².
    incline_rad
        Turn of the bow about the string's axis, rad: 0 between D and A, positive with the bow hand high (G); C².
    skew_rad
        How far the bow is from square to the string, rad, positive with the tip towards the scroll; C².
    hand_mm
        The place on the neck that the hand holds under its first finger, vibrato included, mm from the nut; C².
    press
        (T, 4) how far each finger is down, first to fourth, 0 to 1; C².
    dynamic
        The loudness meant, 0 to 1; C².
    stop_mm
        Where the string in use is stopped, mm from the nut; 0 where it is open. Steps from finger to finger.
    f0_hz
        Pitch of the string in use, Hz: f_open · L / (L − stop). Held through rests.
    string, finger
        Indices of the string in use (0 = G … 3 = E) and of the finger (0 = open). Held through rests.
    note
        Index of the sounding note in the performance, -1 where none sounds.
    playing
        True while a note sounds.
    """

    times_s: FloatArray
    bow_mm: FloatArray
    bow_speed: FloatArray
    bow_force: FloatArray
    lift_mm: FloatArray
    bridge_mm: FloatArray
    incline_rad: FloatArray
    skew_rad: FloatArray
    hand_mm: FloatArray
    press: FloatArray
    dynamic: FloatArray
    stop_mm: FloatArray
    f0_hz: FloatArray
    string: IntArray
    finger: IntArray
    note: IntArray
    playing: NDArray[np.bool_]
    curves: _Curves = field(repr=False)

    def at(self, times_s: ArrayLike) -> Control:
        """Give the same signals at other times: (T,) s, in any order and at any spacing."""
        return self.curves.at(np.asarray(times_s, dtype=np.float64))


def control_signals(performance: Performance, rate_hz: float) -> Control:
    """Turn a take into control signals on the uniform grid k / ``rate_hz``, from 0 to the end of the recording.

    Parameters
    ----------
    rate_hz
        Samples per second, 1 to 200,000.

    Raises
    ------
    ConfigError
        A rate out of range.
    """
    low, high = _RATES_HZ
    if not low <= rate_hz <= high:
        raise ConfigError(f"no control signals at {rate_hz:g} Hz", mend=f"Use {low:g} to {high:g} Hz.")
    return _curves(performance).at(np.arange(round(performance.seconds * rate_hz)) / rate_hz)


@dataclass(frozen=True, eq=False)
class _Curves:
    """A take as moves from level to level by name (first level, steps), and what needs a spline.

    ``drawn`` is the bow's travel from ``start_mm``; ``swaying`` has the columns bow speed, the bow's wander from its
    distance to the bridge, and the hand's vibrato. ``offsets_mm`` is each note's stop less its hand's place.
    """

    performance: Performance
    levels: dict[str, tuple[float, Steps]]
    fingers: list[Steps]
    drawn: CubicSpline
    swaying: CubicSpline
    start_mm: float
    offsets_mm: FloatArray

    def at(self, times_s: FloatArray) -> Control:
        notes, player = self.performance.notes, self.performance.player
        inside = np.clip(times_s, 0.0, self.performance.seconds)
        order = np.argsort(inside, kind="stable")
        back = np.argsort(order, kind="stable")
        level = {name: staircase(inside[order], *steps)[back] for name, steps in self.levels.items()}
        press = [staircase(inside[order], 0.0, steps)[back] for steps in self.fingers]
        bow_speed, wandered, vibrato = self.swaying(inside).T
        bow = self.start_mm + self.drawn(inside)
        hand = level["hand_mm"] + vibrato
        onsets, offsets = np.array([(n.onset_s, n.offset_s) for n in notes]).T
        latest = np.maximum(np.searchsorted(onsets, inside, side="right") - 1, 0)
        playing = (inside >= onsets[latest]) & (inside < offsets[latest])
        finger = np.array([n.finger for n in notes])[latest]
        string = np.array([STRINGS.index(n.string) for n in notes])[latest]
        stop = np.where(finger > 0, hand + self.offsets_mm[latest], 0.0)
        open_hz = np.array([frequency_hz(OPEN_MIDI[s]) for s in STRINGS])[string]
        half = player.hair_mm / 2
        return Control(
            times_s=times_s,
            bow_mm=bow,
            bow_speed=bow_speed,
            # Adding and taking away levels leaves rounding errors of 1e-17 on either side of 0.
            bow_force=np.maximum(level["bow_force"], 0.0),
            lift_mm=np.maximum(level["lift_mm"], 0.0),
            bridge_mm=level["bridge_mm"] + wandered,
            incline_rad=level["incline_rad"],
            skew_rad=player.crooked_rad * (bow - half) / half,
            hand_mm=hand,
            press=np.stack(press, axis=-1),
            dynamic=level["dynamic"],
            stop_mm=stop,
            f0_hz=open_hz * player.string_mm / (player.string_mm - stop),
            string=string,
            finger=finger,
            note=np.where(playing, latest, -1),
            playing=playing,
            curves=self,
        )


def _curves(performance: Performance) -> _Curves:
    notes, player = performance.notes, performance.player
    knots = np.linspace(0.0, performance.seconds, int(np.ceil(performance.seconds * _KNOT_HZ)) + 1)
    rng = np.random.default_rng(performance.seed)
    moves = plan_bow(performance)
    speed = _bow_speed(moves, knots, player.speed_unevenness * wander(knots, *_UNEVEN_HZ, rng))
    wandered = np.tanh(player.bridge_wander_mm / _BRIDGE_REACH_MM * wander(knots, *_WANDER_HZ, rng)) * _BRIDGE_REACH_MM
    drawn = CubicSpline(knots, speed, bc_type="clamped").antiderivative()
    reach = moves[0].from_mm + drawn([(n.onset_s, n.offset_s) for n in notes])
    hand = [_hand_mm(n, player.string_mm) for n in notes]
    return _Curves(
        performance=performance,
        levels={
            "bow_force": (0.0, _force_steps(notes)),
            "lift_mm": (_REST_LIFT_MM, _lift_steps(notes)),
            "bridge_mm": _from_note_to_note(notes, [42 - 22 * n.dynamic for n in notes]),
            "incline_rad": (INCLINE_RAD[notes[0].string], _crossings(notes, reach)),
            "hand_mm": (hand[0], _shifts(notes, hand)),
            "dynamic": _from_note_to_note(notes, [n.dynamic for n in notes]),
        },
        fingers=[_press_steps(notes, finger) for finger in range(1, _FINGERS + 1)],
        drawn=drawn,
        swaying=CubicSpline(
            knots, np.stack([speed, wandered, _vibrato(knots, notes, player.string_mm)], axis=-1), bc_type="clamped"
        ),
        start_mm=moves[0].from_mm,
        offsets_mm=np.array([stop_mm(n.semitones, player.string_mm) for n in notes]) - np.array(hand),
    )


def _bow_speed(moves: tuple[Move, ...], knots: FloatArray, uneven: FloatArray) -> FloatArray:
    """Sum the moves' speeds; unevenness bends a stroke's speed and leaves its length as planned."""
    speed = np.zeros_like(knots)
    step = knots[1] - knots[0]
    for move in moves:
        begin, end = np.searchsorted(knots, (move.start_s, move.end_s))
        here = slice(begin, end)
        shape = plateau(knots[here], move.start_s, move.end_s, move.rise_s)
        if move.on_string:
            shape = shape * (1 + uneven[here])
        speed[here] += (move.to_mm - move.from_mm) * shape / (shape.sum() * step)
    return speed


def _from_note_to_note(notes: tuple[PlayedNote, ...], levels: list[float]) -> tuple[float, Steps]:
    """Hold one level per note, moving to the next one from its onset on."""
    return levels[0], [(n.onset_s, min(_CHANGE_S, n.duration_s), v) for n, v in zip(notes, levels, strict=True)]


def _lands(notes: tuple[PlayedNote, ...], i: int) -> bool:
    """Tell whether the bow comes from the air at a note: the first, after a rest, or after a bounce."""
    return i == 0 or is_rest(notes[i - 1], notes[i]) or notes[i - 1].articulation == "spiccato"


def _after_rest(notes: tuple[PlayedNote, ...], i: int) -> bool:
    return i in (0, len(notes)) or is_rest(notes[i - 1], notes[i])


def _force_steps(notes: tuple[PlayedNote, ...]) -> Steps:
    """Press at a landing, change from note to note, let go before the bow leaves the string."""
    steps: Steps = []
    for i, note in enumerate(notes):
        force = 0.35 + 1.25 * note.dynamic
        bounces = note.articulation == "spiccato"
        flank = _SPICCATO_FLANK * note.duration_s if bounces else _RELEASE_S
        if _lands(notes, i) and not bounces:
            steps.append((note.onset_s - (_ATTACK_S if _after_rest(notes, i) else 0.0), _ATTACK_S, force))
        else:
            steps.append((note.onset_s, flank if bounces else min(_CHANGE_S, note.duration_s / 2), force))
        if bounces or _after_rest(notes, i + 1):
            steps.append((note.offset_s - flank, flank, 0.0))
    return steps


def _lift_steps(notes: tuple[PlayedNote, ...]) -> Steps:
    """Leave the string in rests and between spiccato notes, and be back on it when the next note needs it."""
    steps: Steps = [_landing(notes[0], _REST_LIFT_S)]
    for i, note in enumerate(notes):
        if i + 1 == len(notes):
            steps.append((note.offset_s, _REST_LIFT_S, _REST_LIFT_MM))
        elif is_rest(note, notes[i + 1]):
            duration = min(_REST_LIFT_S, (notes[i + 1].onset_s - note.offset_s - _ATTACK_S) / 2)
            steps += [(note.offset_s, duration, _REST_LIFT_MM), _landing(notes[i + 1], duration)]
        elif note.articulation == "spiccato":
            half = (notes[i + 1].onset_s - note.offset_s) / 2
            height = min(_BOUNCE_MM, _BOUNCE_MM_S2 * half**2 / MINIMUM_JERK_PEAK)
            steps += [(note.offset_s, half, height), (note.offset_s + half, half, 0.0)]
    return steps


def _landing(note: PlayedNote, duration_s: float) -> tuple[float, float, float]:
    """Give the step that lowers the bow: onto the string before the note, or with it in spiccato."""
    landed = note.onset_s - (0.0 if note.articulation == "spiccato" else _ATTACK_S)
    return landed - duration_s, duration_s, 0.0


def _crossings(notes: tuple[PlayedNote, ...], reach_mm: FloatArray) -> Steps:
    """Swing the bow from string to string, half-way at the note's onset or in mid-rest.

    The further the string is from the frog, the longer the hand's way, and the longer the swing takes; ``reach_mm``
    (N, 2) is that distance at each note's onset and offset.
    """
    steps: Steps = []
    for i in range(1, len(notes)):
        before, note = notes[i - 1], notes[i]
        turn = abs(INCLINE_RAD[note.string] - INCLINE_RAD[before.string])
        needed = np.sqrt(MINIMUM_JERK_PEAK * turn * max(reach_mm[i - 1, 1], reach_mm[i, 0]) / _CROSSING_MM_S2)
        middle = (before.offset_s + note.onset_s) / 2
        room = 2 * min(middle - before.onset_s, note.offset_s - middle)
        duration = min(max(_CROSSING_S, needed), room)
        steps.append((middle - duration / 2, duration, INCLINE_RAD[note.string]))
    return steps


def _hand_mm(note: PlayedNote, string_mm: float) -> float:
    return stop_mm(FIRST_FINGER[note.position], string_mm)


def _shifts(notes: tuple[PlayedNote, ...], hand: list[float]) -> Steps:
    """Move the hand along the neck so that it arrives with the note; the note before glides with it."""
    steps: Steps = []
    for i in range(1, len(notes)):
        needed = np.sqrt(MINIMUM_JERK_PEAK * abs(hand[i] - hand[i - 1]) / _SHIFT_MM_S2)
        duration = max(_SHIFT_S, needed)
        steps.append((notes[i].onset_s - duration, duration, hand[i]))
    return steps


def _vibrato(knots: FloatArray, notes: tuple[PlayedNote, ...], string_mm: float) -> FloatArray:
    """Displacement of the hand along the neck, mm: a sine that sets in after the onset and dies before the offset."""
    out = np.zeros_like(knots)
    for note in notes:
        if np.isnan(note.vibrato_hz):
            continue
        start, end = note.onset_s + _VIBRATO_WAIT_S, note.offset_s
        begin, stop = np.searchsorted(knots, (start, end))
        t = knots[begin:stop]
        swing = minimum_jerk((t - start) / _VIBRATO_RISE_S) * minimum_jerk((end - t) / _VIBRATO_FALL_S)
        amplitude = vibrato_mm(note.vibrato_cents, string_mm - stop_mm(note.semitones, string_mm))
        # A vibrato begins by rolling back, towards the nut.
        out[begin:stop] -= amplitude * swing * np.sin(2 * np.pi * note.vibrato_hz * (t - start))
    return out


def _press_steps(notes: tuple[PlayedNote, ...], finger: int) -> Steps:
    """Put a finger down just before its note, and lift it when a later note needs another one."""
    steps: Steps = []
    down = False
    for note in notes:
        if (note.finger == finger) != down:
            down = not down
            steps.append((note.onset_s - (_PRESS_S if down else 0.0), _PRESS_S, float(down)))
    return steps
