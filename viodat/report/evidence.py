"""What a trial's page tells of markers and joints: gates, gaps, label faults, residuals, bones, functional centres.

Plain values: mm, shares 0 to 1, rad; NaN where a number is not known. Nothing is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

SHOWN_MARKERS: Final = 12
"""Markers in the open table, the worst first; all others are in a table that opens on a click."""


@dataclass(frozen=True)
class GateLine:
    """A gate: its name, what it measures, the trial's value and the limit, both written with their unit."""

    name: str
    measures: str
    value: str
    limit: str
    kept: bool


@dataclass(frozen=True)
class FaultLine:
    """A fault of the labels, as a sentence, and whether it was repaired."""

    text: str
    repaired: bool


@dataclass(frozen=True)
class MarkerLine:
    """One marker.

    Attributes
    ----------
    label, segment
        Its name, and what it moves with; empty where no marker set says so.
    missing
        Share of the frames in which it is missing.
    filled
        Share of the frames that gap filling gave back.
    fill_sigma_mm
        Expected error of the filled samples per coordinate.
    residual_mm
        Rms distance from the fitted skeleton over the frames that fit.
    outlying
        Share of its frames that the fit hardly believes.
    """

    label: str
    segment: str
    missing: float
    filled: float = 0.0
    fill_sigma_mm: float = float("nan")
    residual_mm: float = float("nan")
    outlying: float = float("nan")


@dataclass(frozen=True)
class BoneLine:
    """One bone: its length in the fit, and mean and standard deviation of the frame-by-frame length, mm."""

    bone: str
    fitted_mm: float
    mean_mm: float
    variation_mm: float


@dataclass(frozen=True)
class FunctionalLine:
    """What the range-of-motion trial determines of one joint by itself; ``kind`` is ``centre`` or ``axis``."""

    joint: str
    kind: str
    condition: float
    residual_mm: float
    range_rad: float
    frames: int
    accepted: bool
    reason: str = ""

    @property
    def range_deg(self) -> float:
        """Range of rotation in degrees, for people."""
        return float(np.rad2deg(self.range_rad))


@dataclass(frozen=True)
class MarkerEvidence:
    """All of it.

    Attributes
    ----------
    gates
        In the order in which they are asked.
    tested
        Whether the labels were tested; they are not where a gate rejected the trial before, or where another system
        computed the points.
    faults
        Of the labels, by first frame.
    markers
        Any order; the page puts the worst first.
    missing_share, filled_share
        Of all samples those missing, and of these those that gap filling gave back.
    fitted
        Whether a skeleton was fitted: without one there are no residuals.
    bones, functional
        One line each.
    """

    gates: tuple[GateLine, ...] = ()
    faults: tuple[FaultLine, ...] = ()
    markers: tuple[MarkerLine, ...] = ()
    missing_share: float = float("nan")
    filled_share: float = float("nan")
    fitted: bool = False
    bones: tuple[BoneLine, ...] = ()
    functional: tuple[FunctionalLine, ...] = ()
    tested: bool = False

    @property
    def ranked(self) -> tuple[MarkerLine, ...]:
        """Markers, the largest residual first; without a fit the largest gap first."""
        return tuple(sorted(self.markers, key=lambda m: (-np.nan_to_num(m.residual_mm, nan=-1.0), -m.missing, m.label)))

    @property
    def largest_mm(self) -> float:
        """Largest residual, for the length of the bars; at least 1 mm."""
        return float(np.nanmax([1.0, *(marker.residual_mm for marker in self.markers)]))
