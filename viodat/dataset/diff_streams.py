"""Streams of two datasets side by side: how far joints, pixels, times and features lie apart, column by column.

Rows are matched by what no estimate touches: the mocap frame's time, the picture's stamp, the sound's own time. A joint
differs by the length of the vector between its two places. NaN is equal to NaN; NaN against a number is counted apart
(``appeared``, ``vanished``) and is a change whatever the tolerance. One column of one file is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.audio.features import FEATURE_NAMES
from viodat.body.angles import ANGLES
from viodat.dataset.diff_spread import Spread
from viodat.dataset.diff_values import Tolerances
from viodat.joints import JOINTS

Read = Callable[[Collection[str]], dict[str, NDArray[Any]]]
"""Reads columns of one stream, as ``VioDataset.motion_arrays`` does."""

OWN_SCALE: Final = "of its scale"
"""Unit of what is told relative to how much it varies: the larger of its standard deviations in the two files."""


@dataclass(frozen=True)
class Column:
    """What a stream's column is compared by.

    Attributes
    ----------
    name
        In the schema.
    unit
        Of the difference.
    parts
        Names along the second axis; empty for one number per row.
    is_vector
        Whether the last axis are the components of one point.
    """

    name: str
    unit: str
    parts: Sequence[str] = ()
    is_vector: bool = False


_TIME: Final = Column("time_ns", "ms")
_FEATURES: Final = Column("features", OWN_SCALE, FEATURE_NAMES)

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "motion": (
        Column("joints_mm", "mm", JOINTS, is_vector=True),
        Column("sigma_mm", "mm", JOINTS),
        Column("valid", "flag", JOINTS),
        Column("velocity_mm_s", "mm/s", JOINTS, is_vector=True),
        Column("acceleration_mm_s2", "mm/s^2", JOINTS, is_vector=True),
        Column("angles_rad", "rad", ANGLES),
    ),
    "video": (
        _TIME,
        Column("device_time_ns", "ms"),
        Column("pose3d_mm", "mm", JOINTS, is_vector=True),
        Column("pose2d_px", "px", JOINTS, is_vector=True),
        Column("detected_px", "px", JOINTS, is_vector=True),
        Column("confidence", "1", JOINTS),
        Column("valid", "flag", JOINTS),
    ),
    "audio": (_TIME, _FEATURES, Column("log_mel_db", "dB"), Column("f0_hz", "cent"), Column("voiced", "flag")),
    "audio30": (_TIME, _FEATURES),
    "audio300": (_TIME, _FEATURES),
}
"""The columns that are compared, by stream: all but ids and the key that rows are matched by."""


def _all_columns() -> list[tuple[str, Column]]:
    return [(stream, column) for stream, columns in COLUMNS.items() for column in columns]


_KEYS: Final = {"motion": "time_ns", "video": "pts"}
_CLOCKS: Final = {"motion": "time_ns"}
_OWN_TIME: Final = "device_time_ns"


@dataclass(frozen=True)
class ColumnChange:
    """How one column of one trial or recording differs.

    Attributes
    ----------
    stream, id, column
        Which; the id of a trial for motion, else of a recording.
    unit
        Of the numbers below: mm, px, ms, rad, mm/s, mm/s^2, dB, cent; ``flag`` (1: it differs); ``of its scale``;
        ``of full scale`` for the sound itself.
    compared, changed
        How many numbers (joints of frames, features of rows) both have, and how many of them differ by more than the
        tolerance.
    appeared, vanished
        How many are missing in A only, and in B only.
    median, p95, largest
        Of the differences of all that were compared, also of those that are 0; NaN where there is none.
    part
        The joint, angle or feature that differs most; None where a column has only one.
    at_s
        When: for motion on the mocap clock, else on the device's own; NaN where nothing was compared.
    by_part
        The largest difference of each joint, angle or feature that differs by more than the tolerance.
    """

    stream: str
    id: str
    column: str
    unit: str
    compared: int
    changed: int
    appeared: int
    vanished: int
    median: float
    p95: float
    largest: float
    part: str | None
    at_s: float
    by_part: dict[str, float]


@dataclass(frozen=True)
class RowsChange:
    """Rows of a stream that only one dataset has: nothing with their time or stamp is in the other.

    Attributes
    ----------
    stream, id
        Which.
    only_a, only_b, both
        How many.
    """

    stream: str
    id: str
    only_a: int
    only_b: int
    both: int


@dataclass(frozen=True)
class ColumnSummary:
    """One column over all trials or recordings in which it differs; attributes as of :class:`ColumnChange`.

    Median and p95 are over these trials together, to 1 %; ``ids`` says how many they are, ``id`` which has the largest.
    """

    stream: str
    column: str
    unit: str
    ids: int
    compared: int
    changed: int
    appeared: int
    vanished: int
    median: float
    p95: float
    largest: float
    id: str
    part: str | None
    at_s: float
    by_part: dict[str, float]


@dataclass
class Totals:
    """Gathers, column by column, what differs in all trials."""

    changes: list[ColumnChange] = field(default_factory=list)
    _spreads: dict[tuple[str, str], Spread] = field(default_factory=dict)

    def add(self, change: ColumnChange, spread: Callable[[Spread], None]) -> None:
        """Take in a change, and its differences by letting ``spread`` add them."""
        self.changes.append(change)
        spread(self._spreads.setdefault((change.stream, change.column), Spread()))

    def summary(self) -> tuple[ColumnSummary, ...]:
        """Give one summary per column that differs anywhere, in the order of :data:`COLUMNS`, waveforms last."""
        order = {(stream, column.name): k for k, (stream, column) in enumerate(_all_columns())}
        keys = sorted(self._spreads, key=lambda key: order.get(key, len(order)))
        return tuple(self._summary(*key, self._spreads[key]) for key in keys)

    def _summary(self, stream: str, column: str, spread: Spread) -> ColumnSummary:
        found = [change for change in self.changes if (change.stream, change.column) == (stream, column)]
        worst = max(found, key=lambda change: np.nan_to_num(change.largest, nan=-1.0))
        by_part: dict[str, float] = {}
        for change in found:
            for part, value in change.by_part.items():
                by_part[part] = max(value, by_part.get(part, 0.0))
        return ColumnSummary(
            stream,
            column,
            worst.unit,
            len(found),
            sum(change.compared for change in found),
            sum(change.changed for change in found),
            sum(change.appeared for change in found),
            sum(change.vanished for change in found),
            spread.quantile(0.5),
            spread.quantile(0.95),
            worst.largest,
            worst.id,
            worst.part,
            worst.at_s,
            by_part,
        )


def compare_stream(
    stream: str,
    name: str,
    read_a: Read,
    read_b: Read,
    tolerances: Tolerances,
    totals: Totals,
    skipped: Collection[str] = (),
) -> RowsChange | None:
    """Compare one file of a stream.

    Parameters
    ----------
    stream
        One of :data:`COLUMNS`.
    name
        The trial's or recording's id.
    read_a, read_b
        Read its columns.
    tolerances
        Differences up to these are none.
    totals
        Takes in what differs.
    skipped
        Columns that are not compared.

    Returns
    -------
    RowsChange or None
        The rows that only one of them has; None if both have the same.

    Raises
    ------
    DatasetError
        As the readers.
    """
    key, clock = _KEYS.get(stream, _OWN_TIME), _CLOCKS.get(stream, _OWN_TIME)
    wanted = {key, clock}
    keys_a, keys_b = read_a(wanted), read_b(wanted)
    rows_a, rows_b = _matched(keys_a[key], keys_b[key])
    times_s = keys_a[clock][rows_a] / 1e9
    for column in COLUMNS[stream]:
        if column.name in skipped:
            continue
        a = read_a((column.name,))[column.name][rows_a]
        b = read_b((column.name,))[column.name][rows_b]
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f"):
            _compare_column(stream, name, column, a, b, times_s, tolerances, totals)
    both, only_a, only_b = len(times_s), len(keys_a[key]) - len(times_s), len(keys_b[key]) - len(times_s)
    return RowsChange(stream, name, only_a, only_b, both) if only_a or only_b else None


def _matched(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[Any, Any]:
    """Give the rows of each whose key the other has, as what numpy takes for an index."""
    if np.array_equal(a, b):
        return slice(None), slice(None)
    _, rows_a, rows_b = np.intersect1d(a, b, return_indices=True)
    return rows_a, rows_b


def _compare_column(
    stream: str,
    name: str,
    column: Column,
    a: NDArray[Any],
    b: NDArray[Any],
    times_s: NDArray[np.float64],
    tolerances: Tolerances,
    totals: Totals,
) -> None:
    size, scale, known_a, known_b = _differences(column, a, b)
    both = known_a & known_b
    if column.unit == OWN_SCALE:
        size = size / scale
        allowed: Any = tolerances.share
    elif column.unit == "flag":
        allowed = 0.0
    else:
        fixed = tolerances.fixed(column.unit)
        allowed = tolerances.share * scale if fixed is None else fixed
    changed = both & (size > allowed)
    appeared, vanished = int((~known_a & known_b).sum()), int((known_a & ~known_b).sum())
    if not (changed.any() or appeared or vanished):
        return
    values = size[both]
    largest = np.where(both, size, -1.0)
    names = column.parts or [str(number) for number in range(size.shape[1])]
    named = size.shape[1] > 1
    row, part = divmod(int(largest.argmax()), size.shape[1])
    median, p95, most = (_quantile(values, share) for share in (0.5, 0.95, 1.0))
    change = ColumnChange(
        stream,
        name,
        column.name,
        column.unit,
        int(both.sum()),
        int(changed.sum()),
        appeared,
        vanished,
        median,
        p95,
        most,
        names[part] if named and values.size else None,
        float(times_s[row]) if values.size else float("nan"),
        {names[int(k)]: float(largest[:, k].max()) for k in np.flatnonzero(changed.any(0))} if named else {},
    )
    totals.add(change, lambda spread: spread.add(values))


def _differences(
    column: Column, a: NDArray[Any], b: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Give sizes (N, P) of the differences, the scale (P,) of each part, and where (N, P) each of the two is known."""
    a, b = (_measured(column, values) for values in (a, b))
    with np.errstate(invalid="ignore"):
        apart = np.linalg.norm(b - a, axis=2)
    scale = np.maximum(_scale(a), _scale(b))
    scale[scale == 0] = 1.0  # all are 0 or missing in both: nothing to divide
    return apart, scale, ~np.isnan(a).any(2), ~np.isnan(b).any(2)


def _measured(column: Column, values: NDArray[Any]) -> NDArray[Any]:
    """(N, P, C) in the unit of the difference: P joints, features ..., C components, 1 where it is a plain number."""
    shaped = values.reshape(len(values), -1, values.shape[-1] if column.is_vector else 1) if len(values) else (
        np.empty((0, max(len(column.parts), 1), 1))
    )  # fmt: skip
    if column.unit == "ms":
        return shaped / 1e6
    if column.unit == "cent":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1200 * np.log2(shaped.astype(np.float64)))
    return shaped if shaped.dtype.kind == "f" else shaped.astype(np.float64)


def _scale(values: NDArray[Any]) -> NDArray[np.float64]:
    """How much each part (P,) varies over the rows: its standard deviation; where it does not, how large it is."""
    count = np.maximum((~np.isnan(values)).sum(0), 1)
    mean = np.nansum(values, 0, dtype=np.float64) / count
    deviation = np.sqrt((np.nansum((values - mean) ** 2, 0, dtype=np.float64) / count).sum(-1))
    size = np.abs(np.nan_to_num(values)).max(0, initial=0.0).max(-1)
    return np.asarray(np.where(deviation > 0, deviation, size), dtype=np.float64)


def _quantile(values: NDArray[Any], share: float) -> float:
    return float(np.quantile(values, share)) if values.size else float("nan")
