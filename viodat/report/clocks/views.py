"""What the figures about clocks show: arrays, given by whoever estimated the clocks.

Times are seconds on the mocap clock unless said otherwise. "Apart" is where a piece of evidence would put a clock minus
where the estimate puts it, s: 0 is the answer. NaN is missing. Levels are dB re full scale, image places px.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BELIEVED: Final = 0.5
"""Evidence that is believed less than this in the joint estimate was hardly used."""


def _nothing() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class EvidenceView:
    """What one piece of evidence says, relative to the answer.

    Attributes
    ----------
    device, other
        Whose streams were compared; ``other`` is empty where it is the motion.
    answered
        Whether there is an answer; if not, everything is relative to the likeliest one.
    lags_s, log_likelihood
        (L,) lags apart from the answer, increasing, and the curve over them; empty where there is none.
    apart_s, sigma_s, log_odds
        (H,) its hypotheses.
    chosen
        Index of the hypothesis that was believed; None if none was.
    belief
        How much it was believed in the joint estimate, 0 to 1; what is not said is taken to be 1.
    times_s, left_s, left_sigma_s
        (W,) middle of each window, its lag apart from the answer there, and its standard deviation.
    """

    device: str
    other: str = ""
    answered: bool = True
    lags_s: FloatArray = field(default_factory=_nothing)
    log_likelihood: FloatArray = field(default_factory=_nothing)
    apart_s: FloatArray = field(default_factory=_nothing)
    sigma_s: FloatArray = field(default_factory=_nothing)
    log_odds: FloatArray = field(default_factory=_nothing)
    chosen: int | None = None
    belief: float = 1.0
    times_s: FloatArray = field(default_factory=_nothing)
    left_s: FloatArray = field(default_factory=_nothing)
    left_sigma_s: FloatArray = field(default_factory=_nothing)

    @property
    def speaks(self) -> bool:
        """Whether there is anything to draw."""
        return bool(len(self.lags_s) or len(self.apart_s))

    @property
    def used(self) -> int | None:
        """Index of the hypothesis that was believed by half or more; None if none was."""
        return self.chosen if self.belief >= BELIEVED else None


@dataclass(frozen=True, eq=False)
class EvidenceRow:
    """One kind of evidence.

    Attributes
    ----------
    title, detail
        What it is and what it compares.
    views
        One per device, or per pair of devices.
    band_times_s, band_sigma_s
        (K,) the answer's standard deviation through the trial, the median of the devices; empty where the answer of a
        single clock means nothing: between two devices.
    """

    title: str
    detail: str
    views: tuple[EvidenceView, ...]
    band_times_s: FloatArray = field(default_factory=_nothing)
    band_sigma_s: FloatArray = field(default_factory=_nothing)


@dataclass(frozen=True, eq=False)
class Level:
    """Sound level of one device: (R,) s, (R,) dB, and the time in which the room's energy falls to 1/e, s, or NaN."""

    device: str
    times_s: FloatArray
    level_db: FloatArray
    decay_s: float = float("nan")


@dataclass(frozen=True, eq=False)
class PlayingView:
    """The bow, and what the devices heard of it.

    Attributes
    ----------
    times_s
        (T,) s.
    speed_mm_s
        (T,) along the bow, signed by the stroke; NaN where the markers do not determine it.
    on_string
        (T,) from 0 (away) to 1 (near the strings).
    levels
        Of the devices with an answer, the surest first.
    from_markers
        Whether bow and violin were seen themselves; else the right hand stands for the bow.
    """

    times_s: FloatArray
    speed_mm_s: FloatArray
    on_string: FloatArray
    levels: tuple[Level, ...] = ()
    from_markers: bool = True


@dataclass(frozen=True, eq=False)
class WristTiming:
    """When the frames were taken, by one account of the clock.

    Attributes
    ----------
    words
        A phrase for it.
    times_s
        (N,) s.
    apart_s
        From the estimated times, s, if by the same in all frames; else 0.
    """

    words: str
    times_s: FloatArray
    apart_s: float = 0.0


@dataclass(frozen=True, eq=False)
class WristView:
    """The bow arm's wrist in one camera.

    Attributes
    ----------
    device
        Whose camera.
    times_s, projected_px
        (T,) s and (T, 2) px: the wrist of the motion, projected.
    detected_px
        (N, 2) px, one row per frame.
    timings
        Accounts of the clock, the estimated one last.
    """

    device: str
    times_s: FloatArray
    projected_px: FloatArray
    detected_px: FloatArray
    timings: tuple[WristTiming, ...]


@dataclass(frozen=True, eq=False)
class TrialViews:
    """All that is drawn of one trial.

    Attributes
    ----------
    devices
        Their names.
    start_s, end_s
        First and last frame of the motion.
    evidence
        One row per kind; empty where clocks were given.
    playing
        None where nothing shows the bow, or no device heard it.
    wrists
        One per calibrated camera with keypoints and an answer.
    palette
        All devices of the capture, so that one has the same colour in every trial; empty: those of this trial.
    """

    devices: tuple[str, ...]
    start_s: float
    end_s: float
    evidence: tuple[EvidenceRow, ...] = ()
    playing: PlayingView | None = None
    wrists: tuple[WristView, ...] = ()
    palette: tuple[str, ...] = ()
