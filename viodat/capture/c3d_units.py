"""The unit of length in which a marker file states positions, as a factor to millimetres.

POINT:UNITS holds text of any spelling; early writers cut it to four characters (``mete``), some leave it empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from viodat.errors import CaptureError

_MILLIMETRES = {
    "mm": 1.0,
    "mill": 1.0,
    "millimeter": 1.0,
    "millimetre": 1.0,
    "cm": 10.0,
    "cent": 10.0,
    "centimeter": 10.0,
    "centimetre": 10.0,
    "dm": 100.0,
    "m": 1000.0,
    "mete": 1000.0,
    "metr": 1000.0,
    "meter": 1000.0,
    "metre": 1000.0,
    "in": 25.4,
    "inch": 25.4,
    "inches": 25.4,
}
_MEND = 'Say it in capture.toml [markers] units ("mm", "cm" or "m"), or pass units="mm".'


def millimetres_per(unit: str) -> float | None:
    """Give the factor from ``unit`` to mm, or None if it is no known unit of length.

    Examples
    --------
    >>> millimetres_per("mete"), millimetres_per("Meters"), millimetres_per("deg")
    (1000.0, 1000.0, None)
    """
    name = unit.strip().lower().rstrip(".")
    return _MILLIMETRES.get(name, _MILLIMETRES.get(name.removesuffix("s")))


def length_factor(path: Path, stated: Sequence[str], override: str | None, notes: list[str]) -> tuple[float, str]:
    """Settle the unit of a file's positions.

    Parameters
    ----------
    path
        For messages.
    stated
        The values of POINT:UNITS; entries that are no lengths (``deg``, ``N``) are passed over where one is.
    override
        The unit that the caller states, which wins.
    notes
        Gets a sentence where the unit was assumed or overridden.

    Returns
    -------
    factor, unit
        Factor to mm, and the file's own text (empty where it states none).

    Raises
    ------
    CaptureError
        The unit is unknown, or the file states several lengths.
    """
    texts = [text for text in stated if text]
    lengths = {text: factor for text in texts if (factor := millimetres_per(text)) is not None}
    own = next(iter(lengths), texts[0] if texts else "")
    if override is not None:
        factor = millimetres_per(override)
        if factor is None:
            raise CaptureError(
                f"the unit given for it, {override!r}, is unknown, expected mm, cm or m", where=path, mend=_MEND
            )
        if own and lengths.get(own) != factor:
            notes.append(f"the file states unit {own!r}, {override!r} is used as asked")
        return factor, own
    if len(set(lengths.values())) > 1:
        raise CaptureError(f"states several units of length ({', '.join(lengths)})", where=path, mend=_MEND)
    if lengths:
        return lengths[own], own
    if texts:
        raise CaptureError(f"states positions in unknown unit {own!r}, expected mm, cm or m", where=path, mend=_MEND)
    notes.append("it states no unit of length: mm is assumed (capture.toml [markers] units says otherwise)")
    return 1.0, ""
