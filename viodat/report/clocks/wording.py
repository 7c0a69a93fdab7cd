"""How the pages about clocks write numbers: values with their standard deviation, probabilities, and numbers of things.

A value has as many digits as its standard deviation deserves; an unknown one is an en dash.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from viodat.report.wording import MISSING, percent

_ALMOST_SURE: Final = 0.999
_SHOWN_DIGITS: Final = 4
_HARDLY_APART: Final = 0.02

EVIDENCE_TITLES: Final[Mapping[tuple[str, str, bool], tuple[str, str]]] = {
    ("sound", "sound", False): ("Sound against sound", "two devices that heard the same playing"),
    ("analog", "sound", True): ("Analog channel", "a microphone on the motion-capture system, against the sound"),
    ("clap", "sound", True): ("Clap heard", "hands that close in the markers, against sudden sounds"),
    ("clap", "picture", True): ("Clap seen", "hands that close in the markers, against the detected hands"),
    ("playing", "sound", True): ("Playing", "speed of the bow on the string, against the sound level"),
    ("vibrato", "sound", True): ("Vibrato", "left hand rocking along the string, against the pitch"),
    ("picture", "picture", True): ("Picture", "detected keypoints, against the projected joints"),
    ("cameras", "picture", False): ("Cameras against each other", "detected keypoints of two calibrated cameras"),
}
"""(method, kind of stream, whether against the motion) -> title and what is compared with what."""

CLAIM_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "capture.toml": ("Stated in capture.toml", "an offset that the lab wrote down"),
    "MOVIE_DELAY": ("Stated as MOVIE_DELAY", "an offset that the C3D file names"),
    "timecode": ("Stated by time code", "the video's time code against that of the motion"),
}
"""Source of a claim -> title and what it is."""


def evidence_title(method: str, kind: str, against_motion: bool) -> tuple[str, str]:
    """Title of a kind of evidence and what it compares; evidence that users added keeps its own name.

    Examples
    --------
    >>> evidence_title("clap", "sound", True)[0], evidence_title("footsteps", "picture", True)
    ('Clap heard', ('footsteps', 'picture against the motion'))
    """
    if method in CLAIM_TITLES:
        return CLAIM_TITLES[method]
    other = "the motion" if against_motion else "each other"
    return EVIDENCE_TITLES.get((method, kind, against_motion), (method, f"{kind} against {other}"))


def with_sigma(value: float, sigma: float, unit: str) -> str:
    """Write a signed value with its standard deviation, both to the digits that two of the latter's need.

    Examples
    --------
    >>> with_sigma(-19.8954, 2.316, "ms"), with_sigma(59.2, 41.0, "ppm"), with_sigma(0.5, float("nan"), "ms")
    ('−19.9 ± 2.3 ms', '+59 ± 41 ppm', '+0.5 ms')
    """
    if not math.isfinite(value):
        return MISSING
    if not (math.isfinite(sigma) and sigma > 0):
        return f"{value:+.1f} {unit}".replace("-", "−")
    digits = min(max(1 - math.floor(math.log10(sigma)), 0), _SHOWN_DIGITS)
    rounded = round(value, digits) + 0.0
    return f"{rounded:+.{digits}f} ± {sigma:.{digits}f} {unit}".replace("-", "−")


def milliseconds(seconds: float, *, sign: bool = False) -> str:
    """Write a time in ms, to three significant digits and at most microseconds; beyond a second in s.

    Examples
    --------
    >>> milliseconds(0.0013945), milliseconds(-0.25, sign=True), milliseconds(3.2, sign=True)
    ('1.39 ms', '−250 ms', '+3.2 s')
    >>> milliseconds(1.34e-6, sign=True)
    '+0.001 ms'
    """
    if not math.isfinite(seconds):
        return MISSING
    unit, scale = ("s", 1.0) if abs(seconds) >= 1 else ("ms", 1e3)
    value = round(seconds * scale, 3) + 0.0
    return f"{value:{'+' if sign else ''}.3g} {unit}".replace("-", "−")


def milliseconds_between(seconds: Sequence[float]) -> str:
    """Write the least and the greatest of some times below a second in ms; once where they are hardly apart.

    Examples
    --------
    >>> milliseconds_between([1 / 60, 1 / 120, 1 / 60]), milliseconds_between([0.01667, 0.01676, 0.01668])
    ('8.33 to 16.7 ms', 'about 16.7 ms')
    """
    least, greatest = milliseconds(min(seconds)), milliseconds(max(seconds))
    if least == greatest:
        return greatest
    if max(seconds) <= (1 + _HARDLY_APART) * min(seconds):
        return f"about {milliseconds(statistics.median(seconds))}"
    return f"{least.removesuffix(' ms')} to {greatest}"


def probability(value: float) -> str:
    """Write a probability; one that is all but sure is never written as certain.

    Examples
    --------
    >>> probability(1.0), probability(0.9871), probability(float("nan"))
    ('>99.9 %', '98.7 %', '–')
    """
    return f">{_ALMOST_SURE:.1%}".replace("%", " %") if value > _ALMOST_SURE else percent(value)


def listed(names: Sequence[str], most: int = 8) -> str:
    """Write names as a list in words, the first ``most`` of them.

    Examples
    --------
    >>> listed(["C01"]), listed(["C01", "C02", "C07"]), listed(["a", "b", "c"], most=2)
    ('C01', 'C01, C02 and C07', 'a, b and 1 more')
    """
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
