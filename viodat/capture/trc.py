"""Reading TRC files: marker or joint trajectories as OpenSim, Pose2Sim and Cortex exchange them.

Five tab-separated header lines (file type; names of the header fields; their values; marker names, one for
three columns; X1 Y1 Z1 ...), then one line per frame: number, time, coordinates. A blank cell is a missing
sample (NaN). Positions come out in mm; ``axes`` turns the file's axes (OpenSim: Y up) into viodat's world (Z up).

Source: OpenSim documentation, "Marker (.trc) Files".
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.capture.c3d_units import millimetres_per
from viodat.capture.markers import MarkerTrial
from viodat.errors import CaptureError

_HEADER_LINES = 5
_EXPORT_AGAIN = "Export the file again, or correct its header."


@dataclass(frozen=True)
class _Header:
    rate_hz: float
    frames: int
    factor: float
    unit: str
    labels: tuple[str, ...]


def read_trc(path: str | Path, *, axes: str = "xyz") -> MarkerTrial:
    """Read one TRC file.

    Parameters
    ----------
    path
        The file.
    axes
        Which of the file's axes become the world's X, Y and Z, each with an optional sign: ``"zxy"`` for
        a file with Y up (OpenSim, Pose2Sim) whose Z becomes the world's X. Must keep right-handedness.

    Returns
    -------
    MarkerTrial
        Positions (F, M, 3) mm in the world frame that ``axes`` gives, NaN where a cell is blank, not finite, or all
        three coordinates are exactly 0. ``residuals`` are NaN: the format has none. A name that repeats gets
        ``#2``, ``#3``. ``first_frame`` is the number of the first line.

    Raises
    ------
    CaptureError
        The file is missing or no TRC file, or a line does not have what the header declares (the text gives the
        number of the line).
    ConfigError
        ``axes`` is no right-handed permutation of x, y, z.

    Examples
    --------
    >>> trial = read_trc("pose3d/take.trc", axes="zxy")         # doctest: +SKIP
    """
    path = Path(path)
    lines = _lines(path)
    notes: list[str] = []
    header = _header(path, lines, notes)
    first_frame, values = _rows(path, lines, header, notes)
    positions = values.reshape(len(values), len(header.labels), 3) * header.factor
    missing = ~np.isfinite(positions).all(axis=2) | (positions == 0.0).all(axis=2)
    positions = np.where(missing[:, :, None], np.nan, positions)
    trial = MarkerTrial(
        labels=header.labels,
        positions_mm=positions,
        rate_hz=header.rate_hz,
        first_frame=first_frame,
        residuals=np.full(missing.shape, np.nan),
        units=header.unit,
        point_labels=header.labels,
        source=path,
        notes=tuple(notes),
    )
    return trial.turned(axes)


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror or error})", where=path) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # Not splitlines(): it also splits at control characters that damage may put inside a line.
    return re.split(r"\r\n|\n|\r", text)


def _header(path: Path, lines: list[str], notes: list[str]) -> _Header:
    if not lines[0].startswith("PathFileType"):
        raise CaptureError(
            f"is not a TRC file: line 1 begins with {lines[0][:30]!r}, expected 'PathFileType'", where=path
        )
    if len(lines) < _HEADER_LINES:
        raise CaptureError(
            f"ends at line {len(lines)}, inside its header of {_HEADER_LINES} lines", where=path, mend=_EXPORT_AGAIN
        )
    fields = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    rate = _header_number(path, fields, "DataRate")
    frames, count = (_header_number(path, fields, name) for name in ("NumFrames", "NumMarkers"))
    if rate <= 0 or frames < 0 or count < 0:
        raise CaptureError(
            f"line 3 states DataRate {rate:g}, NumFrames {frames:g}, NumMarkers {count:g}",
            where=path,
            mend=_EXPORT_AGAIN,
        )
    unit = fields.get("Units", "").strip()
    factor = millimetres_per(unit)
    if factor is None:
        raise CaptureError(
            f"line 3 states unit {unit!r}, expected mm, cm or m", where=path, mend="Correct the header field Units."
        )
    names = [name.strip() for name in lines[3].split("\t")[2:]]
    labels = [name for name in names if name]
    if len(labels) != int(count):
        raise CaptureError(
            f"line 4 names {len(labels)} markers, line 3 declares {count:g}", where=path, mend=_EXPORT_AGAIN
        )
    return _Header(rate, int(frames), factor, unit, _unique(labels, notes))


def _header_number(path: Path, fields: dict[str, str], name: str) -> float:
    text = fields.get(name)
    if text is None:
        raise CaptureError(f"line 2 has no field {name}", where=path, mend=_EXPORT_AGAIN)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CaptureError(f"line 3 states {name} {text!r}, expected a number", where=path, mend=_EXPORT_AGAIN)
    return value


def _unique(labels: list[str], notes: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for label in labels:
        count, unique = 1, label
        while unique in found:
            count += 1
            unique = f"{label}#{count}"
        if count > 1:
            notes.append(f"marker name {label} occurs again, as {unique}")
        found.append(unique)
    return tuple(found)


def _rows(path: Path, lines: list[str], header: _Header, notes: list[str]) -> tuple[int, NDArray[np.float64]]:
    columns = 2 + 3 * len(header.labels)
    rows: list[list[float]] = []
    first = 1
    for line_number, line in enumerate(lines[_HEADER_LINES:], start=_HEADER_LINES + 1):
        if not line.strip():
            continue
        cells = line.split("\t")
        while len(cells) > columns and not cells[-1].strip():
            cells.pop()
        if len(cells) != columns:
            raise CaptureError(
                f"line {line_number} has {len(cells)} columns, expected {columns} "
                f"(frame, time and {len(header.labels)} markers)",
                where=path,
                mend=_EXPORT_AGAIN,
            )
        values = [_cell(path, line_number, text) for text in cells]
        if not rows:
            first = _frame_number(path, line_number, values[0])
        if values[0] != first + len(rows):
            raise CaptureError(
                f"line {line_number} is frame {values[0]:g}, expected {first + len(rows)}",
                where=path,
                mend="Fill left-out frames with blank cells.",
            )
        rows.append(values[2:])
    if len(rows) < header.frames:
        raise CaptureError(
            f"is cut short: it holds {len(rows)} of {header.frames} frames", where=path, mend=_EXPORT_AGAIN
        )
    if not rows:
        raise CaptureError("holds no frames", where=path, mend=_EXPORT_AGAIN)
    if len(rows) > header.frames:
        notes.append(f"the header declares {header.frames} frames, the file holds {len(rows)}: all are read")
    if first == 0:
        notes.append("its frames are numbered from 0: they are taken as numbered from 1")
    return max(first, 1), np.array(rows, dtype=np.float64).reshape(len(rows), columns - 2)


def _frame_number(path: Path, line_number: int, value: float) -> int:
    if not math.isfinite(value) or value != int(value) or value < 0:
        raise CaptureError(f"line {line_number}: frame number {value:g} is no whole number", where=path)
    return int(value)


def _cell(path: Path, line_number: int, text: str) -> float:
    text = text.strip()
    if not text:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise CaptureError(
            f"line {line_number} holds {text[:20]!r}, expected a number", where=path, mend=_EXPORT_AGAIN
        ) from None
