"""The clock of one recording in two datasets: by how much mocap time moved at both ends of the trial, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from viodat.dataset.diff_values import FieldChange, Tolerances, changes

CLOCK_FIELDS: Final = (
    "offset_s",
    "drift_ppm",
    "drift_sigma_ppm",
    "skew_ms",
    "skew_sigma_ms",
    "sigma_ms",
    "confidence",
    "sync_method",
    "first_frame_ns",
    "last_frame_ns",
)
"""Columns of recordings that belong to the clock."""

_MAP: Final = ("offset_s", "drift_ppm")


@dataclass(frozen=True)
class ClockChange:
    """A clock that differs.

    Attributes
    ----------
    recording
        Which.
    start_ms, end_ms
        By how much later (+) or earlier ``b`` puts one instant of the device's sound on the mocap clock, at the start
        and at the end of the trial; None where a clock or the trial's length is unknown. Straight lines are compared:
        what a drift that changes does, and pictures, stand under ``time_ns`` of the streams.
    fields
        Columns of recordings that differ, offset and drift among them.
    """

    recording: str
    start_ms: float | None
    end_ms: float | None
    fields: tuple[FieldChange, ...]


def compare_clocks(
    recording: str,
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    trial: Mapping[str, Any] | None,
    columns: Sequence[pa.Field],
    tolerances: Tolerances,
) -> ClockChange | None:
    """Compare the clocks of one recording.

    Parameters
    ----------
    recording
        Its id.
    a, b
        Its rows.
    trial
        The trial's row, which has its start and length; None: unknown.
    columns
        Of :data:`CLOCK_FIELDS`, those that both datasets have.
    tolerances
        ``ms`` holds for times; offset and drift are held against it by what they do at the ends of the trial.

    Returns
    -------
    ClockChange or None
        None if nothing differs by more than the tolerance.
    """
    ends_ms = _ends(a, b, trial)
    found: list[FieldChange] = []
    for column in columns:
        name = column.name
        unit = (column.metadata or {}).get(b"unit", b"").decode() or None
        exact = Tolerances() if name in _MAP else tolerances
        differing = list(changes(name, a[name], b[name], exact, unit=unit))
        if name not in _MAP or ends_ms is None or max(map(abs, ends_ms)) > tolerances.ms:
            found += differing
    if not found:
        return None
    start_ms, end_ms = ends_ms or (None, None)
    return ClockChange(recording, start_ms, end_ms, tuple(found))


def _ends(a: Mapping[str, Any], b: Mapping[str, Any], trial: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """By how much the mocap time of the device's instants moved that ``a`` puts at the ends of the trial, ms."""
    if trial is None or any(row[name] is None for row in (a, b) for name in _MAP):
        return None
    if trial["start_ns"] is None or trial["seconds"] is None:
        return None
    start_s = trial["start_ns"] / 1e9
    start_ms, end_ms = (_moved_ms(a, b, mocap_s) for mocap_s in (start_s, start_s + trial["seconds"]))
    return start_ms, end_ms


def _moved_ms(a: Mapping[str, Any], b: Mapping[str, Any], mocap_s: float) -> float:
    device_s = (mocap_s - a["offset_s"]) / (1 + a["drift_ppm"] * 1e-6)
    moved_s = b["offset_s"] - a["offset_s"] + (b["drift_ppm"] - a["drift_ppm"]) * 1e-6 * device_s
    return float(1e3 * moved_s)
