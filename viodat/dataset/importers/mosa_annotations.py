"""MOSA's annotations: notes in seconds, and what is annotated in the score, brought to seconds by those notes.

Positions in the score are quarter notes. They become times between the onsets of the notes of
``align_notetime.csv``, linearly, as in the code published with the data; the end of the last note ends the scale, and
what goes on beyond it ends there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset.importers.sources import file_text
from viodat.dataset.importers.trial_writer import Annotation
from viodat.errors import CaptureError

_NOTES: Final = "align_notetime.csv"
_INSTANTS: Final = {"beat.csv": "beat", "downbeat.csv": "downbeat"}
_SPANS: Final = {
    "phrase_section.csv": "phrase",
    "expression.csv": "expression",
    "harmony.csv": "harmony",
    "cadence.csv": "cadence",
}
TABLES: Final = (_NOTES, *_INSTANTS, *_SPANS)
"""The files of annotations that are read; ``note.csv``, the notes of the score, is not."""

_LIMIT_BYTES: Final = 1 << 26
_NOTE_COLUMNS: Final = ("onset", "offset", "score_position", "score_position_offset", "midi_number", "note")


def annotations_of(files: Mapping[str, str], use: Callable[[str], Path]) -> tuple[list[Annotation], list[str]]:
    """Read the annotations of one take.

    Parameters
    ----------
    files
        Path below the source of each of :data:`TABLES` that there is.
    use
        Gives a file by that path.

    Returns
    -------
    annotations, notes
        A file that cannot be read costs itself, and a note says why.
    """
    found: list[Annotation] = []
    notes: list[str] = []
    scale: _Scale | None = None
    if _NOTES in files:
        try:
            rows = _rows(use(files[_NOTES]), _NOTE_COLUMNS)
            found += _notes(rows, files[_NOTES], notes)
            scale = _Scale.of(rows)
        except CaptureError as error:
            notes.append(f"annotation left out: {error}")
    in_score = [(name, kind) for name, kind in (*_INSTANTS.items(), *_SPANS.items()) if name in files]
    if scale is None:
        if in_score:
            notes.append(f"without aligned notes these have no times: {', '.join(name for name, _ in in_score)}")
        return found, notes
    for name, kind in in_score:
        try:
            found += _placed(use(files[name]), name, kind, files[name], scale, notes)
        except CaptureError as error:
            notes.append(f"annotation left out: {error}")
    return found, notes


class _Scale:
    """Times of score positions."""

    def __init__(self, positions: NDArray[np.float64], times_s: NDArray[np.float64]) -> None:
        self._positions, self._times_s = positions, times_s

    @classmethod
    def of(cls, rows: list[dict[str, str]]) -> _Scale | None:
        """Make the scale of the aligned notes; None if they are too few or go backwards."""
        if not rows:
            return None
        values = np.array([[float(row[key]) for key in _NOTE_COLUMNS[:4]] for row in rows])
        positions, first = np.unique(values[:, 2], return_index=True)
        times_s = values[first, 0]
        last = values[np.argmax(values[:, 3])]
        if last[3] > positions[-1] and last[1] > times_s[-1]:
            positions, times_s = np.append(positions, last[3]), np.append(times_s, last[1])
        return cls(positions, times_s) if len(positions) > 1 and (np.diff(times_s) >= 0).all() else None

    def time_s(self, position: float, *, beyond: float = np.nan) -> float:
        """Give the time of a position; NaN before the notes, ``beyond`` after them."""
        return float(np.interp(position, self._positions, self._times_s, left=np.nan, right=beyond))

    @property
    def end_s(self) -> float:
        """Time at which the last note ends."""
        return float(self._times_s[-1])


def _notes(rows: list[dict[str, str]], source: str, notes: list[str]) -> list[Annotation]:
    found = []
    for row in rows:
        start_s, end_s = float(row["onset"]), float(row["offset"])
        if end_s >= start_s:
            found.append(Annotation("note", start_s, end_s, float(row["midi_number"]), row["note"], source))
    if len(found) < len(rows):
        notes.append(f"{len(rows) - len(found)} notes of {len(rows)} end before they begin; they were left out")
    return found


def _placed(path: Path, name: str, kind: str, source: str, scale: _Scale, notes: list[str]) -> list[Annotation]:
    instant = name in _INSTANTS
    begins, ends = (kind, kind) if instant else ("onset", "offset")
    rows = _rows(path, (begins,) if instant else (begins, ends))
    found = []
    for row in rows:
        position = float(row[begins])
        start_s, end_s = scale.time_s(position), scale.time_s(float(row[ends]), beyond=scale.end_s)
        if not start_s <= end_s:  # so written that NaN, which is outside the notes, fails too
            continue
        rest = {key: value for key, value in row.items() if key not in (begins, ends)}
        text = ", ".join(f"{key}={value}" for key, value in rest.items()) if len(rest) > 1 else "".join(rest.values())
        found.append(
            Annotation(kind, start_s, None if instant else end_s, position if instant else None, text or None, source)
        )
    if len(found) < len(rows):
        notes.append(
            f"{len(rows) - len(found)} of {len(rows)} rows of {path.name} lie outside the notes or end before they "
            "begin; they were left out"
        )
    return found


def _rows(path: Path, numbers: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a table as texts by column; CaptureError if a column is missing or holds no number where one should be."""
    lines = [line for line in file_text(path, _LIMIT_BYTES).splitlines() if line.strip(" ,")]
    table = csv.DictReader(lines, restkey="", restval="")
    names = [name.strip() for name in table.fieldnames or ()]
    table.fieldnames = names
    wanted = [name for name in numbers if name != "note"]
    if missing := [name for name in numbers if name not in names]:
        raise CaptureError(f"has no column {', '.join(missing)}; it has {', '.join(names) or 'none'}", where=path)
    rows = []
    for number, row in enumerate(table, 2):
        cells = {key: str(row[key]).strip() for key in names if key}
        try:
            fine = all(np.isfinite(float(cells[name])) for name in wanted)
        except ValueError:
            fine = False
        if not fine:
            raise CaptureError(f"row {number:,} has no number under {', '.join(wanted)}", where=path)
        rows.append(cells)
    return rows
