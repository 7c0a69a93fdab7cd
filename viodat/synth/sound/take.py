"""The sound of a take: the bow of the control signals on the strings, heard through the violin's body at 1 m.

Bow speed, distance from the bridge, string, pitch with vibrato, and lift are those of the picture. The force that the
control signals ask for follows from the dynamic alone; a player feels what the string takes, so the force
that sounds keeps their rise and fall and is, at its fullest, a share of the greatest force that the string bears at the
stroke's speed (:func:`viodat.synth.sound.bowed_string.greatest_force_n`). Both shares are viodat's choice, found by
playing: below them more notes start in the octave, above them more of them creak. Strings that ring through
a rest are left to themselves: when the bow comes back it finds them at rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from viodat.synth.music.bowing import is_rest
from viodat.synth.music.control import Control, control_signals
from viodat.synth.music.performance import Performance, PlayedNote
from viodat.synth.sound.bowed_string import (
    CONTROL_HZ,
    RATE_HZ,
    STRING_MM,
    bow_violin,
    greatest_force_n,
    to_audio_rate,
)
from viodat.synth.sound.violin_body import radiate
from viodat.synth.vectors import FloatArray

_SHARE, _SPICCATO_SHARE = 0.35, 0.5
_PEAK_PERCENTILE = 95.0
_SETTLING_S = 0.015
"""In which the hand goes from one note's force to the next one's; viodat's choice."""
_LANDING_S = 0.1  # the bow presses 0.05 s before the first note of a run
_RINGING_S = 1.2
_TOUCHING_MM = 1e-6  # rounding errors of the lift are smaller
# Whole samples at the control rate and at the audio rate: 10 ms.
_GRID_HZ = 100.0


def violin_pressure(performance: Performance, *, rng: np.random.Generator) -> FloatArray:
    """Play a take.

    Parameters
    ----------
    rng
        Of the noise of hair and fingertips.

    Returns
    -------
    (round(seconds · 44,100),) Pa at 1 m from the violin without a room, sample k at k / 44,100 s from the start of the
    recording. The travelling time over that metre is left to the room.
    """
    force = np.zeros(round(performance.seconds * RATE_HZ))
    for run, control in _played(performance):
        sounding = _bridge_force(control, run, rng)
        first = round(control.times_s[0] * RATE_HZ)
        last = min(first + sounding.size, force.size)
        force[first:last] += sounding[: last - first]
    return radiate(force)


def string_force_n(control: Control, notes: tuple[PlayedNote, ...] | list[PlayedNote]) -> FloatArray:
    """Force with which the hair presses so that the string sings, N; 0 where the bow is lifted.

    Parameters
    ----------
    control
        At T times, ascending.
    notes
        Of the same take, in order of onset, at least one.

    Returns
    -------
    (T,) N.
    """
    times, bridge = control.times_s, _bridge_mm(control)
    latest = np.maximum(np.searchsorted([note.onset_s for note in notes], times, side="right") - 1, 0)
    fullest = np.zeros(times.size)
    for i, note in enumerate(notes):
        mine = latest == i
        inside = mine & (times >= note.onset_s) & (times < note.offset_s)
        if not inside.any():
            continue
        peak = float(np.percentile(np.abs(control.bow_speed[inside]), _PEAK_PERCENTILE))
        share = _SPICCATO_SHARE if note.articulation == "spiccato" else _SHARE
        limit = share * greatest_force_n(note.string, control.f0_hz, peak, bridge)
        fullest[mine] = limit[mine]
        # The hand lands with the force that the note will want.
        before = notes[i - 1].offset_s if i else -np.inf
        coming = (times >= before) & (times < note.onset_s)
        fullest[coming] = limit[np.flatnonzero(inside)[0]]
    asked = 0.35 + 1.25 * control.dynamic
    span = round(_SETTLING_S * CONTROL_HZ)
    settled = np.convolve(np.pad(fullest, span // 2, mode="edge"), np.full(span, 1 / span), mode="valid")
    return np.asarray(np.clip(control.bow_force / asked, 0.0, 1.0) * settled)


def sounding_force_n(performance: Performance, times_s: FloatArray) -> FloatArray:
    """Force of the hair on the string that sounds, (T,) N at (T,) ascending s; 0 where it does not touch."""
    force = np.zeros(times_s.size)
    for run, control in _played(performance):
        touching, pressed = _pressed(control, run)
        force += np.interp(times_s, control.times_s, np.where(touching, pressed, 0.0), left=0.0, right=0.0)
    return force


def _played(performance: Performance) -> Iterator[tuple[list[PlayedNote], Control]]:
    """Give each run of notes with the control signals from its landing until its strings have rung out."""
    control = control_signals(performance, _GRID_HZ)
    for run in _runs(performance.notes):
        start = max(np.floor((run[0].onset_s - _LANDING_S) * _GRID_HZ), 0.0) / _GRID_HZ
        end = min(run[-1].offset_s + _RINGING_S, performance.seconds)
        yield run, control.at(start + np.arange(round((end - start) * CONTROL_HZ)) / CONTROL_HZ)


def _pressed(control: Control, notes: list[PlayedNote]) -> tuple[NDArray[np.bool_], FloatArray]:
    """Where a run's bow touches the string, and with what force."""
    force = string_force_n(control, notes)
    # A run's control signals also hold the end of the run before and the start of the next: those are not its own.
    mine = (control.times_s >= notes[0].onset_s - _LANDING_S) & (control.times_s <= notes[-1].offset_s)
    return mine & (force > 0) & (control.lift_mm < _TOUCHING_MM), force


def _bridge_force(control: Control, notes: list[PlayedNote], rng: np.random.Generator) -> FloatArray:
    touching, force = _pressed(control, notes)
    return bow_violin(
        to_audio_rate(control.string),
        to_audio_rate(control.f0_hz),
        to_audio_rate(control.bow_speed),
        to_audio_rate(np.where(touching, force, 0.0)),
        to_audio_rate(_bridge_mm(control)),
        to_audio_rate(touching),
        RATE_HZ,
        rng=rng,
    )


def _bridge_mm(control: Control) -> FloatArray:
    """Distance from the bridge on a full-size string that divides it as the player's bow divides theirs."""
    return control.bridge_mm * (STRING_MM / control.curves.performance.player.string_mm)


def _runs(notes: tuple[PlayedNote, ...]) -> list[list[PlayedNote]]:
    """Group notes between which the bow does not leave the string for a rest."""
    runs: list[list[PlayedNote]] = []
    for i, note in enumerate(notes):
        if i == 0 or is_rest(notes[i - 1], note):
            runs.append([])
        runs[-1].append(note)
    return runs
