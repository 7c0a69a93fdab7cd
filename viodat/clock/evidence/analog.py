"""A microphone's cable in the motion-capture system: an analog channel that heard what a device heard.

Its samples are on the motion's clock, at a rate of some kHz or less. Most analog channels carry muscles or forces: what
does not sound like any device is left out. Where such a microphone hung nobody says, so the travelling time stays in
the lags, and in their sigma.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from viodat.clock.evidence.sound import best_matches, observation_of
from viodat.clock.inputs import TrialEvidence
from viodat.clock.observations import MOTION, Observation, Stream
from viodat.clock.sound_coarse import search
from viodat.clock.sound_track import WORK_HZ, Track, track_of
from viodat.clock.sound_travel import UNKNOWN_S, Delay

LEAST_HZ: Final = 500.0
"""Below, half the rate leaves less than an octave of a violin's lowest notes."""
_LEAST_COARSE = 6.0
"""Log likelihood of the level's changes below which a channel is not followed: chance reaches it rarely."""


def analog(trial: TrialEvidence) -> Iterable[Observation]:
    """Compare the analog channels with each listening device.

    Parameters
    ----------
    trial
        With or without analog channels.

    Returns
    -------
    iterable of Observation
        For each device with which a channel agrees, one of its sound against the motion, by the channel that agrees
        best.
    """
    motion = trial.motion
    if motion is None or motion.analog is None or not motion.analog.rate_hz >= LEAST_HZ:
        return ()
    channels = motion.analog
    work_hz = min(WORK_HZ, channels.rate_hz)
    tracks = [
        (label, track)
        for label, values in zip(channels.labels, channels.values.T, strict=True)
        if (track := track_of(values, channels.rate_hz, work_hz)) is not None
    ]
    found = []
    for device in trial.listening:
        assert device.sound is not None
        heard = track_of(device.sound.samples, device.sound.rate_hz, work_hz)
        if heard is not None and (seen := _best(device.name, heard, tracks, motion.start_s)) is not None:
            found.append(seen)
    return tuple(found)


def _best(name: str, heard: Track, channels: list[tuple[str, Track]], start_s: float) -> Observation | None:
    best: Observation | None = None
    for label, track in channels:
        searched = search(heard, track)
        if not searched.candidates or searched.candidates[0].log_likelihood < _LEAST_COARSE:
            continue
        seen = observation_of(
            "analog",
            Stream(name, "sound"),
            MOTION,
            searched,
            best_matches(heard, track, searched),
            Delay(0.0, UNKNOWN_S),
            start_s=start_s,
            choice=math.log(len(channels)),
            notes=(f"Analog channel {label} carries sound.",),
        )
        if seen.best is not None and (best is None or best.best is None or seen.best.log_odds > best.best.log_odds):
            best = seen
    return best
