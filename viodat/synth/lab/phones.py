"""Phones: their habits, and when each frame of a video was really exposed.

A stamp is the phone's own time of a frame in counts of 1/90000 s, the first at 0 as in the container. A picture's
stamp lags the phone's sound by a constant skew: what is seen in the frame stamped s is heard at s - skew in the sound.
A frame's true time is mid-exposure of its middle row on the mocap clock (s, or int64 ns). Ranges of readout, skew and
drops are those that the twin has to show (10-25 ms, ±40 ms, up to 1 %); all others are viodat's choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.errors import ConfigError
from viodat.files import write_text
from viodat.synth.lab.clocks import DeviceClock, draw_ppm
from viodat.synth.sound.room import Microphone
from viodat.synth.vectors import FloatArray

STAMP_BASE: Final = Fraction(1, 90_000)
FPS: Final = 30.0
READOUT_S: Final = (0.010, 0.025)
EXPOSURE_S: Final = (0.001, 0.012)
SKEW_S: Final = 0.040
MOST_DROPPED: Final = 0.01
_JITTER_S = (0.0002, 0.0008)
_MOST_JITTER = 0.1
"""Of the frame's interval, either way: no two frames change places."""
_RATE_SCATTER = 0.0005
_SLOW_EVERY_S, _SLOW_S, _SLOWED_BY = 20.0, (1.0, 5.0), (0.003, 0.03)
_BURST_GOES_ON = 0.35
_GAIN_DB = 3.0
_NANOSECONDS = 1e9


@dataclass(frozen=True)
class Phone:
    """What stays the same in all recordings of one phone.

    Attributes
    ----------
    fps
        Frames per second that it aims at, on its own clock.
    readout_s
        Time from the exposure of the first row to that of the last.
    exposure_s
        How long each row is exposed.
    skew_s
        By how much a picture's stamp is later than the sound of the same event.
    ppm
        Drift of its quartz.
    jitter_s
        Standard deviation of a frame about its turn.
    drop_rate
        Share of frames that are lost, on average.
    microphone
        Its microphone and automatic gain.
    """

    fps: float
    readout_s: float
    exposure_s: float
    skew_s: float
    ppm: float
    jitter_s: float
    drop_rate: float
    microphone: Microphone


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of one video.

    Attributes
    ----------
    pts
        (F,) int64, stamps in counts of 1/90000 s; the first is 0.
    time_ns
        (F,) int64, true time: mid-exposure of the middle row, mocap clock.
    first_row_s
        (F,) s, mid-exposure of the first row, mocap clock.
    """

    pts: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    first_row_s: FloatArray

    def until(self, seconds: float) -> Frames:
        """Keep the frames stamped before so many seconds: a video that ends early."""
        kept = self.pts < seconds / STAMP_BASE
        return Frames(self.pts[kept], self.time_ns[kept], self.first_row_s[kept])


def draw_phone(rng: np.random.Generator) -> Phone:
    """Draw a phone."""
    return Phone(
        fps=FPS * (1 + float(rng.uniform(-_RATE_SCATTER, _RATE_SCATTER))),
        readout_s=float(rng.uniform(*READOUT_S)),
        exposure_s=float(np.exp(rng.uniform(*np.log(EXPOSURE_S)))),
        skew_s=float(rng.uniform(-SKEW_S, SKEW_S)),
        ppm=draw_ppm(rng),
        jitter_s=float(rng.uniform(*_JITTER_S)),
        drop_rate=float(rng.uniform(0, MOST_DROPPED)),
        microphone=Microphone(gain_db=float(rng.uniform(-_GAIN_DB, _GAIN_DB))),
    )


def film(phone: Phone, clock: DeviceClock, seconds: float, rng: np.random.Generator) -> Frames:
    """Say when each frame of a recording is exposed, and how it is stamped.

    Parameters
    ----------
    clock
        Of this recording; its time 0 is the first audio sample and the first frame's stamp.
    seconds
        Length of the recording on the phone's clock.

    Raises
    ------
    ConfigError
        The recording has no length, or the phone is slower than a frame per second.
    """
    if seconds <= 0 or phone.fps < 1:
        raise ConfigError(f"a video of {seconds:g} s at {phone.fps:g} frames per second", mend="Use more than 0 s.")
    turns = _turns(phone.fps, seconds, rng)
    bound = _MOST_JITTER / phone.fps
    jittered = turns + np.clip(rng.normal(0, phone.jitter_s, turns.size), -bound, bound)
    stamp_s = jittered - jittered[0]
    kept = ~_dropped(stamp_s.size, phone.drop_rate, rng) & (stamp_s < seconds)
    stamp_s = stamp_s[kept]
    middle_s = clock.mocap(stamp_s - phone.skew_s)
    return Frames(
        pts=np.rint(stamp_s / float(STAMP_BASE)).astype(np.int64),
        time_ns=np.rint(middle_s * _NANOSECONDS).astype(np.int64),
        first_row_s=middle_s - phone.readout_s / 2,
    )


def write_stamps(path: Path, frames: Frames, size_px: tuple[int, int]) -> None:
    """Write ``.frames.csv``: the stamps of a video whose pictures, of (width, height), were not kept."""
    base = f"{STAMP_BASE.numerator}/{STAMP_BASE.denominator}"
    width, height = size_px
    rows = "".join(f"{stamp},{base},{width},{height}\n" for stamp in frames.pts.tolist())
    write_text(path, "pts,time_base,width,height\n" + rows)


def _turns(fps: float, seconds: float, rng: np.random.Generator) -> FloatArray:
    """Say when each frame is due: a steady rate with stretches in which the phone is a little slower."""
    interval = np.full(int(np.ceil(seconds * fps)) + 2, 1 / fps)
    at = np.cumsum(interval)
    begin = float(rng.exponential(_SLOW_EVERY_S))
    while begin < seconds:
        end = begin + float(rng.uniform(*_SLOW_S))
        interval[(at >= begin) & (at < end)] *= 1 + float(rng.uniform(*_SLOWED_BY))
        begin = end + float(rng.exponential(_SLOW_EVERY_S))
    return np.cumsum(interval)


def _dropped(count: int, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(F,) which frames are lost: one by one or in bursts, never the first, at most :data:`MOST_DROPPED` of all."""
    lost = np.zeros(count, dtype=bool)
    starts = np.flatnonzero(rng.random(count) < rate * (1 - _BURST_GOES_ON))
    lengths = rng.geometric(1 - _BURST_GOES_ON, starts.size)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        lost[start : start + length] = True
    lost[0] = False
    return lost & (np.cumsum(lost) <= MOST_DROPPED * count)
