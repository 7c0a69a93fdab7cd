"""A video's stamps without its pictures: ``P05C01T28.frames.csv`` beside ``P05C01T28.m4a``.

The first line names the columns, in any order: ``pts,time_base`` and, optionally, ``width,height``. Each
further line is one frame in the order of presentation::

    pts,time_base,width,height
    0,1/90000,1280,720
    3003,1/90000,1280,720

``pts`` is an integer count of ``time_base`` seconds (a fraction, the same in every line) from the recording's
container time 0, strictly increasing. ``width`` and ``height`` are pixels as displayed. Encoding UTF-8,
with or without byte-order mark; blank lines are skipped. The format is viodat's own.
"""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from viodat.capture.media import require_file
from viodat.capture.video_times import VideoTimes, video_times
from viodat.errors import CaptureError

SUFFIX = ".frames.csv"

_REQUIRED = ("pts", "time_base")
_OPTIONAL = ("width", "height")
_MEND = "The first line must be 'pts,time_base' (optionally ',width,height'), each further one like '3003,1/90000'."
# Stricter than int(): that would take '1_000', other scripts' digits and numbers beyond int64.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FRACTION = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)
_MAX_BYTES = 256 << 20
_MAX_SIDE_PX = 1 << 16


def is_frames_csv(path: Path) -> bool:
    """Whether the name is that of a stamps file (``*.frames.csv``)."""
    return path.name.lower().endswith(SUFFIX)


def read_frames_csv(path: Path) -> VideoTimes:
    """Read a stamps file.

    Parameters
    ----------
    path
        ``*.frames.csv``.

    Returns
    -------
    VideoTimes
        ``size_px`` is None unless the file states it; ``codec`` and ``pixel_format`` are empty.

    Raises
    ------
    CaptureError
        With the line number: a column is missing, a value is no integer or fraction, the time base changes,
        stamps do not increase.
    """
    require_file(path)
    if path.stat().st_size > _MAX_BYTES:
        raise CaptureError(f"is larger than {_MAX_BYTES >> 20} MB: not a list of stamps", where=path, mend=_MEND)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CaptureError(f"is not UTF-8 text (byte {error.start})", where=path, mend=_MEND) from error
    except OSError as error:
        raise CaptureError(f"the file cannot be opened ({error})", where=path) from error

    rows = csv.reader(text.splitlines(), strict=True)
    columns: list[str] | None = None
    stamps: list[int] = []
    bases: set[Fraction] = set()
    sizes: set[tuple[int, int]] = set()
    notes: list[str] = []
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if columns is None:
                columns = _columns(path, rows.line_num, cells)
                extra = [c for c in columns if c not in (*_REQUIRED, *_OPTIONAL)]
                if extra:
                    notes.append(f"columns not used: {', '.join(extra)}")
                continue
            where = f"{path.name} line {rows.line_num}"
            if len(cells) != len(columns):
                raise CaptureError(
                    f"has {len(cells)} values, the header names {len(columns)} columns",
                    where=where,
                    mend=_MEND,
                )
            values = dict(zip(columns, cells, strict=True))
            stamp = _integer(values["pts"], "pts", where)
            if stamps and stamp <= stamps[-1]:
                raise CaptureError(
                    f"pts {stamp} does not come after the line before ({stamps[-1]})",
                    where=where,
                    mend="List every frame once, in the order of presentation.",
                )
            stamps.append(stamp)
            bases.add(_fraction(values["time_base"], where))
            if len(bases) > 1:
                raise CaptureError(
                    f"time_base changes to {values['time_base']}",
                    where=where,
                    mend="State all stamps in one time base.",
                )
            if "width" in values and "height" in values:
                sizes.add((_side(values["width"], "width", where), _side(values["height"], "height", where)))
                if len(sizes) > 1:
                    raise CaptureError("width or height changes", where=where, mend="One recording has one size.")
    except csv.Error as error:
        raise CaptureError(f"{error}", where=f"{path.name} line {rows.line_num}", mend=_MEND) from error
    if columns is None or not stamps:
        raise CaptureError("lists no frame", where=path, mend=_MEND)
    return video_times(
        np.array(stamps, dtype=np.int64),
        bases.pop(),
        source=path,
        size_px=sizes.pop() if sizes else None,
        notes=tuple(notes),
    )


def _columns(path: Path, line: int, cells: list[str]) -> list[str]:
    columns = [cell.lower() for cell in cells]
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        found = ",".join(cells)[:80]
        raise CaptureError(
            f"column {missing[0]!r} is missing; the header is {found!r}",
            where=f"{path.name} line {line}",
            mend=_MEND,
        )
    if len(set(columns)) != len(columns):
        raise CaptureError("a column is named twice", where=f"{path.name} line {line}", mend=_MEND)
    return columns


def _integer(text: str, column: str, where: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise CaptureError(f"{column} is {text[:40]!r}, not an integer", where=where, mend=_MEND)
    return int(text)


def _side(text: str, column: str, where: str) -> int:
    side = _integer(text, column, where)
    if not 0 < side <= _MAX_SIDE_PX:
        raise CaptureError(f"{column} is {side} px", where=where, mend="State the picture's size as displayed.")
    return side


def _fraction(text: str, where: str) -> Fraction:
    match = _FRACTION.fullmatch(text)
    if not match or int(match[1]) == 0 or int(match[2]) == 0:
        raise CaptureError(f"time_base is {text[:40]!r}, not a fraction like 1/90000", where=where, mend=_MEND)
    return Fraction(int(match[1]), int(match[2]))
