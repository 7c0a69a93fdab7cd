"""Writing MOT files: joint angles over time as OpenSim reads them, in degrees.

A header of ``key=value`` lines and free text up to ``endheader``, the names of the columns, and one tab-separated line
per frame: time in s, angles in degrees. An angle that is missing in a frame is ``NaN``; one that is missing in all
frames has no column, and the header names it.

The file says version 3: of version 1 OpenSim 4 reads numbers with a parser that stops at the first NaN, of later ones
with one that does not.

Source: OpenSim documentation, "Motion (.mot) Files"; Storage.cpp and DelimFileAdapter.h of OpenSim 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.files import write_text

_DECIMALS = 6
"""Of a degree."""


def write_mot(
    path: Path,
    names: Sequence[str],
    angles_rad: NDArray[np.floating],
    times_s: NDArray[np.float64],
    *,
    remarks: Sequence[str] = (),
) -> None:
    """Write one MOT file, atomically.

    Parameters
    ----------
    path
        The file.
    names
        N names, each once, without blanks.
    angles_rad
        (F, N) rad, NaN where missing.
    times_s
        (F,) s, rising.
    remarks
        Lines for the header, without ``=``.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, no angle is known in any frame, or a name or remark cannot stand in the
        file.
    OSError
        If the file cannot be written.

    Notes
    -----
    Angles are written as they are: one that passes 180 degrees goes on beyond it.
    """
    frames = len(times_s)
    if angles_rad.shape != (frames, len(names)):
        raise ValueError(f"angles_rad: expected ({frames}, {len(names)}), got {angles_rad.shape}")
    if wrong := [name for name in names if not name or any(c.isspace() or c == "=" for c in name)]:
        raise ValueError(f"names: {wrong[0]!r} cannot stand in a MOT file")
    if wrong := [text for text in remarks if "=" in text or "\n" in text]:
        raise ValueError(f"remarks: {wrong[0]!r} would be read as a key")
    known = np.isfinite(angles_rad).any(axis=0)
    if not known.any():
        raise ValueError("angles_rad: expected a number, got none")
    kept = [name for name, here in zip(names, known.tolist(), strict=True) if here]
    absent = [name for name in names if name not in kept]
    head = [
        "Coordinates",
        "DataType=double",
        "version=3",
        f"nRows={frames}",
        f"nColumns={1 + len(kept)}",
        "inDegrees=yes",
        "",
        *remarks,
        *([f"Not determined in this trial: {', '.join(absent)}"] if absent else []),
        "endheader",
        "\t".join(["time", *kept]),
    ]
    degrees = np.degrees(angles_rad[:, known].astype(np.float64))
    cells = np.where(np.isfinite(degrees), np.char.mod(f"%.{_DECIMALS}f", degrees), "NaN")
    rows = ("\t".join([f"{time:.9f}", *row]) for time, row in zip(times_s.tolist(), cells.tolist(), strict=True))
    write_text(path, "\n".join([*head, *rows]) + "\n")
