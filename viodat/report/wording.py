"""How the report's pages and pictures write names and numbers, so that a sheet and a page never disagree.

Numbers carry their unit, missing ones are an en dash, and no rounding turns "almost all" into "all". Names
come from foreign files and may hold anything: they are made printable here and escaped where HTML is written.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

MISSING = "–"

_UNSAFE_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff/\\:*?"<>|#%]|^\.+|[. ]+$')
_NAME_BYTES = 150


def printable(text: str, limit: int | None = None) -> str:
    """Return ``text`` on one line without control characters, which SVG and terminals choke on.

    Parameters
    ----------
    text
        Anything, including lone surrogates from undecodable file names (shown as U+FFFD).
    limit
        Longest result in characters; what is longer is cut and ends in ``…``.
    """
    kept = "".join("�" if unicodedata.category(c) in ("Cc", "Cs", "Cn") else c for c in " ".join(text.split()))
    if limit is not None and len(kept) > limit:
        return kept[: max(limit - 1, 0)] + "…"
    return kept


def percent(fraction: float) -> str:
    """Write a fraction (0 to 1) as a percentage: ``100 %`` means all and ``0 %`` none, exactly.

    Examples
    --------
    >>> percent(1.0), percent(0.99999), percent(0.1234), percent(1e-6), percent(0.0)
    ('100 %', '>99.9 %', '12.3 %', '<0.1 %', '0 %')
    """
    if not math.isfinite(fraction):
        return MISSING
    value = 100.0 * fraction
    if value in (0.0, 100.0):
        return f"{value:.0f} %"
    if value < 0.1:
        return "<0.1 %"
    if value > 99.9:
        return ">99.9 %"
    return f"{value:.1f} %"


def duration(seconds: float) -> str:
    """Write a duration: ``51.2 s``, ``12 min 04 s``, ``2 h 13 min``.

    Examples
    --------
    >>> duration(51.23), duration(724.0), duration(7980.0)
    ('51.2 s', '12 min 04 s', '2 h 13 min')
    """
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def offset(offset_s: float | None) -> str:
    """Write a clock offset in seconds with its sign; an en dash where it is unknown."""
    if offset_s is None or not math.isfinite(offset_s):
        return MISSING
    # Adding zero turns a rounded −0.0 into 0.0.
    return f"{round(offset_s, 4) + 0.0:+.4f} s".replace("-", "−")


def sigma(sigma_ms: float | None) -> str:
    """Write the standard uncertainty of a clock offset in milliseconds; an en dash where it is unknown."""
    return MISSING if sigma_ms is None or not math.isfinite(sigma_ms) else f"± {sigma_ms:.2g} ms"


def millimetres(value_mm: float) -> str:
    """Write a length or an error in mm with one digit after the point, a small one with two; a dash if unknown.

    Examples
    --------
    >>> millimetres(12.34), millimetres(0.234), millimetres(float("nan"))
    ('12.3', '0.23', '–')
    """
    if not math.isfinite(value_mm):
        return MISSING
    return f"{value_mm:,.1f}" if abs(value_mm) >= 1 else f"{value_mm:.2f}"


def number(value: float | str | None) -> str:
    """Write a gate's value or limit; an en dash where there is none."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return printable(value) or MISSING
    return f"{value:,.6g}" if math.isfinite(value) else MISSING


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Write ``1 trial``, ``2 trials``, ``1,200 frames``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def joint_name(joint: str) -> str:
    """Write a joint's name for people: ``left_pelvis``, the hip joint centre, is ``left hip``."""
    return joint.replace("pelvis", "hip").replace("_", " ")


def valid_fractions(joints_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Fraction of frames in which each joint is determined.

    Parameters
    ----------
    joints_mm
        (F, J, 3) mm, NaN where a joint is not determined.

    Returns
    -------
    (J,) array
        0 to 1; NaN when there are no frames.
    """
    if joints_mm.shape[0] == 0:
        return np.full(joints_mm.shape[1], np.nan)
    return np.asarray(np.isfinite(joints_mm).all(axis=2).mean(axis=0), dtype=np.float64)


def file_stem(trial: str) -> str:
    """Name, without suffix, of the files that a report writes about a trial.

    The trial's own name wherever a file system and a URL can carry it; otherwise the offending characters
    become ``_`` and eight digits of its SHA-256 keep two such trials apart.

    Examples
    --------
    >>> file_stem("P05T28"), file_stem("été 3")
    ('P05T28', 'été 3')
    >>> file_stem("a/b")
    'a_b-c14cddc0'
    """
    safe = _UNSAFE_IN_FILE_NAMES.sub("_", trial).encode("utf-8")
    if safe.decode() == trial and trial and len(safe) <= _NAME_BYTES:
        return trial
    digest = hashlib.sha256(trial.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[:_NAME_BYTES].decode('utf-8', 'ignore')}-{digest}"
