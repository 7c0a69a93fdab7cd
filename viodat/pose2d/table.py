"""Keypoints as a table, from any detector: ``.csv`` with one row per frame and point.

Header (any order): ``frame`` or ``pts`` (at least one), ``joint``, ``x``, ``y``; optional ``confidence`` and
``person``. UTF-8, comma, decimal point.

- ``frame``: index of the video's frame from 0; ``pts``: its presentation stamp in the video's time base.
- ``joint``: a joint of viodat (``left_wrist``), or a point of one of the layouts (``left_hip``, ``nose``);
  points that are no joint are passed over.
- ``x``, ``y``: px of the displayed picture, x right, y down. Empty, NaN and (0, 0) are missing.
- ``confidence``: 0 to 1, 0 is missing. ``person``: any text; several people per frame are told apart by it,
  and the performer is followed by continuity, not by this name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viodat.capture.spelling import shown
from viodat.errors import CaptureError
from viodat.pose2d.arrays import checked_layout
from viodat.pose2d.keypoints import Keypoints, checked_frames, checked_unique
from viodat.pose2d.layouts import LAYOUTS
from viodat.pose2d.people import MOST_PEOPLE, performer
from viodat.pose2d.sources import Progress

IntArray = NDArray[np.int64]

_REQUIRED = ("joint", "x", "y")
_COLUMNS = ("frame", "pts", "joint", "x", "y", "confidence", "person")
_KNOWN_POINTS = frozenset(point for layout in LAYOUTS.values() for point in layout.points)
_HEADER = "frame,joint,x,y,confidence"


class CsvSource:
    """Keypoints from a ``.csv`` file in the long form described above.

    Parameters
    ----------
    layout
        The layout whose names the table uses; None takes the first that has them all.

    Raises
    ------
    ConfigError
        Unknown layout.
    """

    name: str = "csv"
    reads: Literal["video", "file"] = "file"

    def __init__(self, layout: str | None = None) -> None:
        self.layout = checked_layout(layout)

    def read(self, path: str | Path, *, progress: Progress | None = None) -> Keypoints:
        """Read the file and follow the performer.

        Raises
        ------
        CaptureError
            The file is absent or not such a table; it names the line.
        """
        path = Path(path)
        rows = list(_rows(path))
        if not rows:
            raise CaptureError("has a header and no rows", where=path, mend="Leave it out if it is empty.")
        names = {name for *_, name, _ in rows}
        possible = LAYOUTS.values() if self.layout is None else (LAYOUTS[self.layout],)
        layout = next((known for known in possible if names <= set(known.points)), None)
        if layout is None:
            raise CaptureError(
                f"its points ({', '.join(sorted(names)[:5])} ...) are not those of one layout",
                where=path,
                mend=f"Use the names of {' or '.join(known.name for known in possible)}.",
            )
        return _assembled(rows, layout.name, path, progress)


_Row = tuple[int, int | None, int | None, str, str, tuple[float, float, float]]


def _rows(path: Path) -> Iterator[_Row]:
    """Give (line, frame, pts, person, point, (x, y, confidence)) of each row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(header, path)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(header):
                    raise CaptureError(
                        f"line {reader.line_num} has {len(cells)} cells, the header {len(header)}",
                        where=path,
                        mend="Write an empty cell for what is missing.",
                    )
                yield _row(dict(zip(header, (c.strip() for c in cells), strict=True)), reader.line_num, path)
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror})", where=path) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise CaptureError(f"is not a CSV text ({error})", where=path, mend="Copy it again.") from error


def _check_header(header: list[str], path: Path) -> None:
    unknown = [name for name in header if name not in _COLUMNS]
    absent = [name for name in _REQUIRED if name not in header]
    if unknown or absent or len(set(header)) != len(header) or not {"frame", "pts"} & set(header):
        raise CaptureError(
            f"its header is '{shown(','.join(header), 120)}'"
            + (f" (unknown: {shown(', '.join(unknown), 80)})" if unknown else "")
            + (f" (absent: {', '.join(absent)})" if absent else ""),
            where=path,
            mend=f"Write {_HEADER}; pts may stand beside or instead of frame, person is optional.",
        )


def _row(cells: dict[str, str], line: int, path: Path) -> _Row:
    if cells["joint"] not in _KNOWN_POINTS:
        raise CaptureError(
            f"line {line}: there is no joint or point {cells['joint'][:60]!r}",
            where=path,
            mend="Names are as in viodat.joints.JOINTS, or in viodat.pose2d.LAYOUTS.",
        )
    numbers: dict[str, int | None] = {}
    for name in ("frame", "pts"):
        try:
            numbers[name] = int(cells[name]) if name in cells else None
            if abs(numbers[name] or 0) > 2**53:
                raise ValueError
        except ValueError as error:
            raise CaptureError(
                f"line {line}: {name} is {cells[name][:60]!r}; expected an integer", where=path
            ) from error
    values = []
    for name in ("x", "y", "confidence"):
        cell = cells.get(name, "")
        try:
            values.append(float(cell) if cell else np.nan)
        except ValueError as error:
            raise CaptureError(
                f"line {line}: {name} is {cell[:60]!r}; expected a number or nothing", where=path
            ) from error
    point = (values[0], values[1], values[2])
    return line, numbers["frame"], numbers["pts"], cells.get("person", ""), cells["joint"], point


def _assembled(rows: list[_Row], layout: str, path: Path, progress: Progress | None) -> Keypoints:
    points = LAYOUTS[layout].points
    by_frame = rows[0][1] is not None
    stamps: dict[int, int | None] = {}
    people: dict[int, dict[str, int]] = {}
    for line, frame, pts, person, _, _ in rows:
        key = frame if by_frame else pts
        assert key is not None
        if stamps.setdefault(key, pts) != pts:
            raise CaptureError(f"line {line}: frame {key} has pts {pts}, before it had {stamps[key]}", where=path)
        members = people.setdefault(key, {})
        members.setdefault(person, len(members))
    keys = np.array(sorted(stamps), dtype=np.int64)
    most = max(len(members) for members in people.values())
    if most > MOST_PEOPLE:
        raise CaptureError(f"{most} people in one frame; expected at most {MOST_PEOPLE}", where=path)
    if by_frame:
        checked_frames(keys, where=path)
    place = {int(key): i for i, key in enumerate(keys)}
    column = {name: i for i, name in enumerate(points)}
    values = np.full((len(keys), most, len(points), 3), np.nan)
    given = np.zeros(values.shape[:3], dtype=bool)
    for line, frame, pts, person, name, point in rows:
        key = frame if by_frame else pts
        assert key is not None
        at = place[key], people[key][person], column[name]
        if given[at]:
            raise CaptureError(
                f"line {line}: frame {key} has {name} twice",
                where=path,
                mend="Tell people apart in a column person.",
            )
        given[at] = True
        values[at] = point
    # A table may state confidences for some points only: a point without one is seen, not rated.
    stated = np.isfinite(values[..., 2]).any()
    if progress is not None:
        progress(len(keys), len(keys))
    pts_of_row = None
    if all(stamp is not None for stamp in stamps.values()):
        pts_of_row = np.array([stamps[int(key)] for key in keys], dtype=np.int64)
        checked_unique(pts_of_row, where=path, what="pts")
    return performer(
        values[..., :2],
        values[..., 2] if stated else None,
        layout,
        where=path,
        source=path.name,
        pts=pts_of_row,
        frame=keys if by_frame else None,
        notes=() if stated else ("the file states no confidences",),
    )
