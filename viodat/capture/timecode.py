"""Time codes of professional cameras, ``hh:mm:ss:ff``: which frame of the day a picture is, and how late that is.

A code counts frames of a nominal rate, 24 to 120 per second; at 30000/1001 and 60000/1001 Hz there is a second way of
counting, drop-frame, written with ``;`` before the frames, that leaves numbers out so that codes keep up with the time
of day (SMPTE ST 12-1: numbers 0 and 1, at 60 Hz 0 to 3, of each minute but every tenth).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from viodat.errors import CaptureError

_DAY_S: Final = 86_400

NOMINAL_HZ: Final = tuple(
    sorted(Fraction(hz) / slow for hz in (24, 25, 30, 48, 50, 60, 100, 120) for slow in (1, Fraction(1001, 1000)))
)
_NEAR: Final = 0.005
_TEXT: Final = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d\d\d?)", re.ASCII)
_EXPECTED: Final = "hh:mm:ss:ff, or with drop-frame counting hh:mm:ss;ff, was expected"


@dataclass(frozen=True)
class TimeCode:
    """One time code, as written."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool = False

    def __str__(self) -> str:
        return f"{self.hours:02d}:{self.minutes:02d}:{self.seconds:02d}{';' if self.drop else ':'}{self.frames:02d}"


def parse_timecode(text: str) -> TimeCode:
    """Read a time code.

    Raises
    ------
    ValueError
        In words for a user: it is none, or its hours, minutes or seconds are too large.

    Examples
    --------
    >>> parse_timecode("10:22:31;04")
    TimeCode(hours=10, minutes=22, seconds=31, frames=4, drop=True)
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"is '{text[:40]}'; {_EXPECTED}")
    hours, minutes, seconds, frames = (int(found[k]) for k in (1, 2, 3, 5))
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"is '{text[:40]}', which is no time of a day; {_EXPECTED}")
    return TimeCode(hours, minutes, seconds, frames, found[4] != ":")


def nominal_rate(rate_hz: float | Fraction) -> Fraction:
    """Give the nominal rate nearest to a measured or declared one; itself where none is within 0.5 %.

    Examples
    --------
    >>> nominal_rate(29.9703), nominal_rate(Fraction(13))
    (Fraction(30000, 1001), Fraction(13, 1))
    """
    nearest = min(NOMINAL_HZ, key=lambda known: abs(known - Fraction(rate_hz)))
    return nearest if abs(float(nearest / Fraction(rate_hz)) - 1) <= _NEAR else Fraction(rate_hz)


def seconds_of(code: TimeCode, rate_hz: Fraction) -> float:
    """Give the time since code 00:00:00:00, s.

    Parameters
    ----------
    code
        The code.
    rate_hz
        Nominal frames per second.

    Raises
    ------
    CaptureError
        There is no such code at that rate: too many frames, drop-frame counting at another rate than 29.97 or 59.94
        Hz, or a number that drop-frame counting leaves out.
    """
    per_second = round(rate_hz)
    rate = f"{float(rate_hz):.4g}"
    if code.frames >= per_second:
        raise CaptureError(f"there is no frame {code.frames} in time code {code} at {rate} frames per second")
    count = ((code.hours * 60 + code.minutes) * 60 + code.seconds) * per_second + code.frames
    if code.drop:
        if rate_hz not in (Fraction(30_000, 1001), Fraction(60_000, 1001)):
            raise CaptureError(
                f"time code {code} counts drop-frame, which exists at 29.97 and 59.94 frames per second; the video "
                f"has {rate}"
            )
        if code.minutes % 10 and code.seconds == 0 and code.frames < _left_out(per_second):
            raise CaptureError(f"drop-frame counting leaves out time code {code}")
        count -= _dropped(code.hours * 60 + code.minutes, per_second)
    return float(count / rate_hz)


def seconds_between(earlier: TimeCode, later: TimeCode, rate_hz: Fraction) -> float:
    """Give the time from one code to the other, s, the shorter way round midnight.

    A day of codes is not a day: at 29.97 Hz it lasts 86,486.4 s, with drop-frame counting 86,399.9 s.

    Raises
    ------
    CaptureError
        As :func:`seconds_of`, or one of the two counts drop-frame and the other does not.
    """
    if earlier.drop != later.drop:
        dropping, plain = (earlier, later) if earlier.drop else (later, earlier)
        raise CaptureError(f"time code {dropping} counts drop-frame and {plain} does not")
    per_second = round(rate_hz)
    codes = _DAY_S * per_second - (_dropped(_DAY_S // 60, per_second) if earlier.drop else 0)
    day_s = float(codes / rate_hz)
    apart_s = seconds_of(later, rate_hz) - seconds_of(earlier, rate_hz)
    return (apart_s + day_s / 2) % day_s - day_s / 2


def _left_out(per_second: int) -> int:
    """Count the numbers that drop-frame counting leaves out at the beginning of a minute."""
    return per_second // 15


def _dropped(minutes: int, per_second: int) -> int:
    """Count the numbers that it leaves out until the beginning of a minute of the day."""
    return _left_out(per_second) * (minutes - minutes // 10)
