"""Clapping hands before the playing: the violin stays under the chin, the bow in the right hand points up.

Both arms leave their playing posture, the palms meet before the chest, and the arms return. The palms are nearest at
the very time of a clap: they close at some metres per second, stop within about 8 ms as soft tissue yields, and part
more slowly; both hands ring for some 50 ms, together, so that their distance does not. Speeds, tissue and frequencies
are viodat's choice. Thorax' frame, mm, s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.errors import ConfigError
from viodat.synth.music.smooth import minimum_jerk
from viodat.synth.player.anatomy import Anatomy
from viodat.synth.player.hold import Reach
from viodat.synth.player.kinematics import about_y, about_z, soft_most
from viodat.synth.vectors import FloatArray

QUIET_S: Final = 0.6
"""Between a clap and the nearest note, at the least."""
_TRAVEL_S, _REST_S = 0.9, 0.22
_OPEN_MM = 130.0
_CLOSING_MM_S, _PARTING_SHARE = (1100.0, 2100.0), 0.4
_YIELD_S = 0.005
_RING_HZ, _RING_S, _RING_MM, _RING_RISE_S = 21.0, 0.05, 2.5, 0.012
_PLACE: Final = (260.0, -25.0, -180.0)
"""Where the palms meet, from the notch, of a body of 1.70 m."""
_PALM: Final = (0.01, 0.075, -0.24)
"""Middle of the heel of the palm's surface in the hand's frame, in hand lengths; across is towards the palm."""
_DETOUR_MM = (70.0, -90.0, 60.0)


class Clap(Protocol):
    """When the palms meet, s on the mocap clock, and how hard, 0 to 1."""

    @property
    def time_s(self) -> float:
        """Time of contact."""

    @property
    def strength(self) -> float:
        """0 to 1."""


@dataclass(frozen=True)
class Clapping:
    """Claps of one take as functions of time.

    Attributes
    ----------
    times_s, speeds
        (N,) when, and closing speed of the palms, mm/s.
    trips
        When the hands leave the instrument (start, end) and return (start, end), of each group of claps.
    size
        Of the body relative to 1.70 m.
    """

    times_s: FloatArray
    speeds: FloatArray
    trips: tuple[tuple[float, float, float, float], ...]
    size: float

    def away(self, times_s: FloatArray) -> FloatArray:
        """(T,) how far the hands are from playing (0) to clapping (1)."""
        out = np.zeros_like(times_s)
        for leave, there, back, home in self.trips:
            out += minimum_jerk((times_s - leave) / (there - leave)) * minimum_jerk((home - times_s) / (home - back))
        return out

    def gap_mm(self, times_s: FloatArray) -> FloatArray:
        """(T,) between the palms, 0 at a clap."""
        most = _OPEN_MM * self.size
        share = np.ones_like(times_s)
        for at, speed in zip(self.times_s, self.speeds, strict=True):
            mean, half = -speed * (1 - _PARTING_SHARE) / 2, speed * (1 + _PARTING_SHARE) / 2
            # A hyperbola between the two slopes, moved so that its least value is at the clap.
            root = np.sqrt(half**2 - mean**2)
            u = times_s - at - _YIELD_S * mean / root
            gap = mean * u + half * np.sqrt(u**2 + _YIELD_S**2) - _YIELD_S * root
            share *= soft_most(gap / most, 0.3, 1.0)
        return most * share

    def ring_mm(self, times_s: FloatArray) -> FloatArray:
        """(T,) how far both hands are shaken to the left."""
        out = np.zeros_like(times_s)
        for at, speed in zip(self.times_s, self.speeds, strict=True):
            u = np.maximum(times_s - at, 0.0)
            swing = np.sin(2 * np.pi * _RING_HZ * u) * np.exp(-u / _RING_S) * minimum_jerk(u / _RING_RISE_S)
            out += _RING_MM * self.size * speed / _CLOSING_MM_S[1] * swing
        return out


def clapping(claps: Sequence[Clap], onset_s: float, offset_s: float, size: float) -> Clapping:
    """Plan the hands' ways to and from the claps of a take whose notes lie between two times.

    Raises
    ------
    ConfigError
        A clap while notes sound, or too near to them.
    """
    ordered = sorted(claps, key=lambda clap: clap.time_s)
    trips: list[list[float]] = []
    for clap in ordered:
        at = clap.time_s
        before, after = at < onset_s, at > offset_s
        if (before and at > onset_s - QUIET_S) or (after and at < offset_s + QUIET_S) or not (before or after):
            raise ConfigError(
                f"a clap at {at:.2f} s meets the notes, which sound from {onset_s:.2f} to {offset_s:.2f} s",
                mend=f"Let claps be {QUIET_S:g} s before the first note or after the last one.",
            )
        home = at + _REST_S + _TRAVEL_S
        back = at + _REST_S
        leave = at - _REST_S - _TRAVEL_S
        if before:
            home = min(home, onset_s - 0.08)
            back = min(back, home - 0.35)
        else:
            leave = max(leave, offset_s + 0.08)
        there = max(leave + 0.35, at - _REST_S) if after else at - _REST_S
        if trips and leave < trips[-1][3] + 0.1:
            trips[-1][2:] = [back, home]
        else:
            trips.append([leave, there, back, home])
    low, high = _CLOSING_MM_S
    return Clapping(
        times_s=np.array([clap.time_s for clap in ordered]),
        speeds=np.array([low + (high - low) * clap.strength for clap in ordered]) * size,
        trips=tuple((a, b, c, d) for a, b, c, d in trips),
        size=size,
    )


def palm_place(anatomy: Anatomy, sign: float) -> FloatArray:
    """(3,) where a palm meets the other one, in its hand's frame."""
    x, y, z = _PALM
    return anatomy.bones["hand"] * np.array([x, -sign * y, z])


def clap_reach(anatomy: Anatomy, clap: Clapping, times_s: FloatArray, side: str, sign: float, base: Reach) -> Reach:
    """Lead an arm from ``base``, where it plays, to the claps and back."""
    away = clap.away(times_s)
    s = anatomy.scale
    # The left fingers point forward and up; the right ones forward and to the right, the bow off the left hand.
    hand = about_z(-0.1) @ about_y(-1.95) if sign > 0 else about_z(-0.2) @ about_y(-1.82)
    meeting = (
        np.array(_PLACE) * s
        + np.array([0.0, 1.0, 0.0]) * (sign * clap.gap_mm(times_s) / 2 + clap.ring_mm(times_s))[:, None]
    )
    wrist = meeting - hand @ palm_place(anatomy, sign)
    bump = (64 * away**3 * (1 - away) ** 3)[:, None] * np.array(_DETOUR_MM) * s * (sign < 0)
    w = away[:, None]
    turn = Rotation.from_matrix(np.swapaxes(base.hand, -1, -2) @ hand).as_rotvec()
    # The way is shorter than half a turn for any hold, so the turn's vector does not flip.
    axes = base.hand @ Rotation.from_rotvec(w * turn).as_matrix()
    pole = base.pole + w * (np.array([-0.1, 0.35 * sign, -0.7]) - base.pole)
    return Reach(
        protraction=base.protraction + away * (0.16 - base.protraction),
        elevation=base.elevation * (1 - 0.6 * away),
        wrist=base.wrist + w * (wrist - base.wrist) + bump,
        hand=axes,
        pole=pole,
    )
