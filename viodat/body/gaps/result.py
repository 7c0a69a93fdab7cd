"""What gap filling gives back: the filled trial, how each sample was made, how wrong it may be, and a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from viodat.capture.markers import FloatArray, MarkerTrial

FillMethod = Literal["rigid", "pca", "spline"]
"""The three fillers of :mod:`viodat.body.gaps.fillers`."""

METHOD_CODES: Final[dict[FillMethod, int]] = {"rigid": 1, "pca": 2, "spline": 3}
"""Codes in :attr:`FilledTrial.method`."""

MEASURED: Final = 0
STILL_MISSING: Final = -1


@dataclass(frozen=True)
class MarkerGaps:
    """The gaps of one marker that were filled in one way, or not at all.

    Attributes
    ----------
    marker
        Its label.
    method
        The filler, or None for gaps that stay.
    gaps, samples
        Number of gaps, and of frames in them.
    longest_s
        Length of the longest, s.
    share
        ``samples`` as a share of the trial's frames.
    sigma_mm
        Expected error per coordinate, mm: root mean square over the samples; NaN for gaps that stay.
    """

    marker: str
    method: FillMethod | None
    gaps: int
    samples: int
    longest_s: float
    share: float
    sigma_mm: float


@dataclass(frozen=True)
class GapReport:
    """What was missing and what became of it.

    Attributes
    ----------
    rows
        One per marker and method, in the order of the trial's markers; markers without a gap have none.
    missing_share, filled_share
        Share of all samples that was missing, and the share of those that was filled (NaN if none was missing).
    notes
        Sentences for the build report.
    """

    rows: tuple[MarkerGaps, ...]
    missing_share: float
    filled_share: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FilledTrial:
    """A trial with its gaps filled where something determines them.

    Attributes
    ----------
    trial
        The trial: NaN where nothing determines a sample; residuals are NaN at filled samples.
    method
        (F, M) int8: 0 measured, 1 rigid, 2 pca, 3 spline, -1 still missing. Where fillers were mixed, the one with the
        largest share.
    sigma_mm
        (F, M) mm: expected error of each filled sample per coordinate (one standard deviation), against what the
        cameras would have measured there, so marker noise is in it. 0 where measured, NaN where missing.
    report
        Per marker and method.
    """

    trial: MarkerTrial
    method: NDArray[np.int8]
    sigma_mm: FloatArray
    report: GapReport
