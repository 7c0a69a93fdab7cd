"""The clap: hands that close in the motion, the sound that they make, and how they close in the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.clap_match import Events, Match, match_events
from viodat.clock.clap_motion import MotionClap, motion_claps
from viodat.clock.clap_picture import likeness
from viodat.clock.clap_sound import transients
from viodat.clock.hearing import Hearing
from viodat.clock.inputs import Device, Motion, Picture, TrialEvidence
from viodat.clock.observations import MOTION, Curve, Hypothesis, Observation, Stream, Windows
from viodat.clock.peaks import hypotheses_of
from viodat.clock.travel import travel_s

FloatArray = NDArray[np.float64]

METHOD: Final = "clap"

_UNHEARD: Final = 0.1
"""Probability that a device which belongs to the trial has none of its claps: it started late, or stood too far off."""

_READOUT_S: Final = 0.017
_UNKNOWN_ROW: Final = 0.15
_DETECTION_S: Final = 0.003
_LENGTH_S: Final = 0.006
"""A rolling shutter reads a picture out in 10 to 25 ms, from top or from bottom; a stamp is that of its middle row.
Detectors that know the picture before lag by some milliseconds; without a camera's place the hands are nearest in the
picture somewhat before or after they are in the room. Phones of one kind and one detector err in this alike."""

_SERIES_HZ: Final = 10.0
_SERIES_REACH_S: Final = 0.06
"""How dense and how far off another take's clap may be where this one's is expected; see ``clap_match``."""

_LIKELY: Final = 0.5


def clap(trial: TrialEvidence) -> Iterator[Observation]:
    """Say where the motion's claps are heard and seen.

    Parameters
    ----------
    trial
        Without motion there is nothing to say; sound against sound is other evidence.

    Yields
    ------
    Observation
        One for each device's sound, and where there is a clap, one for each device's picture, all against the motion.
    """
    if trial.motion is None:
        return
    claps = motion_claps(trial.motion)
    for device in trial.devices:
        if device.sound is not None:
            yield _heard(device, device.sound, trial.motion, claps)
        if device.picture is not None and claps:
            yield from _seen(device, device.picture, trial.motion, claps)


def _heard(device: Device, sound: Hearing, motion: Motion, claps: tuple[MotionClap, ...]) -> Observation:
    found = transients(sound)
    sounding = sum(one.likely >= _LIKELY for one in found)
    notes = [
        _claps_in(claps),
        f"The sound has {len(found)} sudden onsets, {sounding} of them such as a clap's.",
    ]
    stream = Stream(device.name, "sound")
    miss = _miss(claps)
    if not claps or not found:
        return Observation(METHOD, stream, MOTION, (), miss=miss, notes=tuple(notes))
    travels = [travel_s(one.place_mm, device.microphone_mm) for one in claps]
    common_s = float(np.hypot(max(sigma for _, sigma in travels), max(one.common_sigma_s for one in claps)))
    closings = Events(
        np.array([one.time_s + travel for one, (travel, _) in zip(claps, travels, strict=True)]),
        np.array([one.sigma_s for one in claps]),
        np.array([one.likely for one in claps]),
        np.array([one.stop_mm_s for one in claps]),
    )
    onsets = Events(
        np.array([one.time_s for one in found]),
        np.array([one.sigma_s for one in found]),
        np.array([one.likely for one in found]),
        np.array([one.rise_db for one in found]),
    )
    matches = match_events(closings, onsets, claps_span_s=motion.seconds, sounds_span_s=sound.seconds)
    if not matches:
        return Observation(METHOD, stream, MOTION, (), miss=miss, notes=tuple(notes))
    best = matches[0]
    notes.append(f"At the likeliest lag {len(best.claps)} of the motion's are heard.")
    return Observation(
        METHOD,
        stream,
        MOTION,
        tuple(Hypothesis(one.lag_s, float(np.hypot(one.sigma_s, common_s)), one.log_odds) for one in matches),
        at_s=float(np.mean(onsets.times_s[best.sounds])),
        span_s=motion.seconds + sound.seconds,
        miss=miss,
        common_sigma_s=common_s,
        windows=_windows(best, closings, onsets),
        notes=tuple(notes),
    )


def _miss(claps: tuple[MotionClap, ...]) -> float:
    """Probability that none is heard: 1 where nobody claps, for what is not there is not missed."""
    none_is_one = float(np.prod([1 - one.likely for one in claps]))
    return 1 - (1 - none_is_one) * (1 - _UNHEARD)


def _claps_in(claps: tuple[MotionClap, ...]) -> str:
    number = sum(one.likely >= _LIKELY for one in claps)
    return f"The motion has {number} clap{'' if number == 1 else 's'}."


def _windows(best: Match, closings: Events, onsets: Events) -> Windows:
    at = onsets.times_s[best.sounds]
    sigma = np.hypot(closings.sigma_s[best.claps], onsets.sigma_s[best.sounds])
    return Windows(at, closings.times_s[best.claps] - at, sigma)


def _seen(device: Device, picture: Picture, motion: Motion, claps: tuple[MotionClap, ...]) -> Iterator[Observation]:
    found = likeness(picture, motion, claps)
    if found is None:
        return
    total = found.log_likelihood.sum(axis=1)
    row = found.row if np.isfinite(found.row) else _UNKNOWN_ROW
    detection_s = _DETECTION_S if picture.camera is not None else _LENGTH_S
    systematic_s = float(np.hypot(_READOUT_S * row, detection_s))
    hypotheses = [
        Hypothesis(one.lag_s, one.sigma_s, _against_other_claps(one, found.lag_s, found.log_likelihood))
        for one in hypotheses_of(found.lag_s, total, common_sigma_s=systematic_s)
    ]
    hypotheses.sort(key=lambda one: -one.log_odds)
    lag = hypotheses[0].lag_s if hypotheses else 0.0
    yield Observation(
        METHOD,
        Stream(device.name, "picture"),
        MOTION,
        tuple(hypotheses),
        at_s=float(np.mean([one.time_s for one in claps])) - lag,
        span_s=float(np.ptp(found.lag_s)),
        miss=found.miss,
        common_sigma_s=systematic_s,
        curve=Curve(found.lag_s, total),
        notes=(_claps_in(claps),),
    )


def _against_other_claps(one: Hypothesis, lag_s: FloatArray, by_clap: FloatArray) -> float:
    """Log odds against no relation or another take, which may have a clap for each of these, but at its own times.

    Of the first such clap nothing is known beforehand, the others are a person's usual time after it.
    """
    near = by_clap[np.abs(lag_s - one.lag_s) <= _SERIES_REACH_S]
    step, span = float(lag_s[1] - lag_s[0]), float(np.ptp(lag_s))
    together = np.logaddexp.reduce(near.sum(axis=1)) + np.log(step / span)
    each = np.logaddexp.reduce(near, axis=0) + np.log(step)
    first = int(np.argmax(each))
    others = np.delete(each, first) + np.log(_SERIES_HZ)
    elsewhere = each[first] - np.log(span) + np.maximum(others, 0.0).sum()
    return float(min(one.log_odds, together) - np.logaddexp(0.0, elsewhere))
