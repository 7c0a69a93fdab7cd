"""How much of its trial a recording saw and heard, once its clock is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.build.recording import RecordingResult
from viodat.build.truth import overlap_fault
from viodat.clock import ClockMap

MOST_MISSED_S: Final = 0.5
MOST_MISSED_SHARE: Final = 0.05
"""So much of a trial may be missing at either end, whichever is less: devices are started and stopped by hand."""

_ALIKE_S: Final = 0.2
"""Sound and pictures that begin and end as close together as this are told together."""


@dataclass(frozen=True)
class _Stretch:
    """Mocap time of the beginning and end of a stream, s, and how much of the trial it lacks at either end, s."""

    first_s: float
    last_s: float
    before_s: float
    after_s: float

    def like(self, other: _Stretch) -> bool:
        return max(abs(self.first_s - other.first_s), abs(self.last_s - other.last_s)) < _ALIKE_S


def coverage_faults(recording: RecordingResult, clock: ClockMap, span_s: tuple[float, float]) -> tuple[str, ...]:
    """Say what of the trial a recording did not see or hear.

    Parameters
    ----------
    recording
        With its pictures and its sound.
    clock
        Of its sound.
    span_s
        Mocap time of the trial's first and last frame, s.

    Returns
    -------
    tuple
        A sentence without its full stop for each of pictures and sound, or one for both; none where little is missing.
        Pictures that share nothing with the trial have a word of their own (:func:`viodat.build.truth.overlap_fault`).
    """
    seen = heard = None
    times = recording.device_times_s
    pictures = clock.of_picture()
    if recording.times is not None and len(times) and not overlap_fault(pictures, times, span_s):
        seen = _missed(pictures.apply(times[[0, -1]]), span_s)
    if recording.sound is not None:
        heard = _missed(clock.apply([0.0, recording.sound.seconds]), span_s)
    if seen is not None and heard is not None and seen.like(heard):
        return (_sentence("it records", seen, span_s, "neither seen nor heard"),)
    told = (("its pictures run", seen, "not seen"), ("its sound runs", heard, "not heard"))
    return tuple(_sentence(what, stretch, span_s, lacks) for what, stretch, lacks in told if stretch is not None)


def _missed(ends_s: NDArray[np.float64], span_s: tuple[float, float]) -> _Stretch | None:
    """Give a stretch that lacks much of the trial, or None."""
    first_s, last_s = float(ends_s[0]), float(ends_s[-1])
    start_s, end_s = span_s
    length_s = end_s - start_s
    before_s = min(max(first_s - start_s, 0.0), length_s)
    after_s = min(max(end_s - max(last_s, start_s), 0.0), length_s - before_s)
    if max(before_s, after_s) <= min(MOST_MISSED_S, MOST_MISSED_SHARE * length_s):
        return None
    return _Stretch(first_s, last_s, before_s, after_s)


def _sentence(what: str, stretch: _Stretch, span_s: tuple[float, float], lacks: str) -> str:
    return (
        f"{what} from {stretch.first_s:.2f} to {stretch.last_s:.2f} s, the markers run from {span_s[0]:.2f} to "
        f"{span_s[1]:.2f} s: {stretch.before_s + stretch.after_s:.1f} s of the trial are {lacks}"
    )
