"""MOSA's ``motion.csv``: one column per marker and axis, one row per frame at 120 Hz.

Which column is which is told by the header alone. A marker at exactly (0, 0, 0) is a gap, and so is an empty cell.
Positions are in the unit of the file.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from viodat.body import get_marker_set
from viodat.capture.markers import MarkerTrial
from viodat.dataset.importers.sources import file_text
from viodat.errors import CaptureError

RATE_HZ: Final = 120.0
_LIMIT_BYTES: Final = 1 << 30
_AXES: Final = "XYZ"
_AGAIN: Final = "Copy or download the file again."
_LABELS: Final = get_marker_set("mosa").labels


def read_motion(path: Path) -> MarkerTrial:
    """Read a ``motion.csv``.

    Returns
    -------
    MarkerTrial
        Of the named markers, in the unit of the file, NaN in gaps; the first frame is at time 0.

    Raises
    ------
    CaptureError
        If it cannot be read, names none of MOSA's markers, names an axis twice or not at all, has rows of another
        length than its header, or a cell that is no number.
    """
    lines = file_text(path, _LIMIT_BYTES).splitlines()
    header = next(csv.reader(lines[:1]), [])
    columns, notes = _columns(header, path)
    rows = lines[1:]
    while rows and not rows[-1].strip(" ,"):
        rows.pop()
    if rows and rows[-1].count(",") < len(header) - 1:
        notes.append("the last row is cut off; it was left out")
        rows.pop()
    _check_rows(rows, len(header), path)
    try:
        table = pd.read_csv(io.StringIO("\n".join(rows)), header=None, dtype=np.float64, skip_blank_lines=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise CaptureError(f"has a cell that is no number ({error})", where=path, mend=_AGAIN) from error
    values = table.to_numpy()[:, [column for places in columns.values() for column in places]]
    positions = values.reshape(len(values), len(columns), 3)
    gap = ~np.isfinite(positions).all(-1) | (positions == 0).all(-1)
    positions = np.where(gap[..., None], np.nan, positions)
    if absent := [label for label in _LABELS if label not in columns]:
        notes.append(f"it has no {', '.join(absent)}")
    return MarkerTrial(
        labels=tuple(columns),
        positions_mm=positions,
        rate_hz=RATE_HZ,
        first_frame=1,
        residuals=np.where(gap, np.nan, 0.0),
        units="",
        source=path,
        notes=tuple(notes),
    )


def _columns(header: list[str], path: Path) -> tuple[dict[str, tuple[int, int, int]], list[str]]:
    """Give each marker's columns of x, y and z, and what there is to say of the header."""
    places: dict[str, dict[str, int]] = {}
    strangers = []
    for column, name in enumerate(header):
        plain = re.sub(r"[^A-Z0-9]", "", name.rpartition(":")[2].upper())
        label, axis = plain[:-1], plain[-1:]
        if label not in _LABELS or axis not in _AXES:
            strangers.append(name.strip() or f"column {column + 1}")
            continue
        if axis in places.setdefault(label, {}):
            raise CaptureError(f"has two columns {label} {axis.lower()}", where=path, mend=_AGAIN)
        places[label][axis] = column
    if not places:
        shown = ", ".join(name[:20] for name in header[:6])
        raise CaptureError(
            f"names none of MOSA's markers with an axis, such as RSHO_x; its columns begin with {shown or 'nothing'}",
            where=path,
            mend="Give motion.csv as it was published.",
        )
    for label, found in places.items():
        if len(found) < len(_AXES):
            missing = ", ".join(axis.lower() for axis in _AXES if axis not in found)
            raise CaptureError(f"has no column {label} {missing}", where=path, mend=_AGAIN)
    notes = [f"columns that are no marker of MOSA's were left out: {', '.join(strangers[:8])}"] if strangers else []
    return {label: (found["X"], found["Y"], found["Z"]) for label, found in places.items()}, notes


def _check_rows(rows: list[str], width: int, path: Path) -> None:
    if not rows:
        raise CaptureError("has no frame", where=path, mend=_AGAIN)
    for number, row in enumerate(rows, 2):
        if row.count(",") != width - 1:
            raise CaptureError(
                f"line {number:,} has {row.count(',') + 1} cells; its header has {width}", where=path, mend=_AGAIN
            )
