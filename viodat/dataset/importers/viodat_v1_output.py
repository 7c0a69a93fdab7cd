"""What an import of VioDat v1.0 gathers while it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viodat.dataset.importers.viodat_v1_arrays import ids_of
from viodat.dataset.splits import Splits

Row = dict[str, Any]


@dataclass
class Output:
    """The folder of an import, the rows of its tables, and how well cameras and clocks could be found."""

    folder: Path
    splits: Splits
    trials: list[Row]
    recordings: dict[str, Row]
    exclusions: list[Row]
    file_rows: dict[str, int]
    camera_errors_px: list[float] = field(default_factory=list)
    placing_errors_mm: list[float] = field(default_factory=list)

    def exclude(
        self, recording: str, stage: str, reason: str, value: float | None = None, limit: float | None = None
    ) -> None:
        """Add a row to the exclusions."""
        trial = ids_of(recording)[2]
        self.exclusions.append(
            {"trial": trial, "recording": recording, "stage": stage, "reason": reason, "value": value, "limit": limit}
        )


def to_ns(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) int64 ns of (N,) s."""
    return np.rint(seconds * 1e9).astype(np.int64)
