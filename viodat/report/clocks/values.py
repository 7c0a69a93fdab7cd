"""What the pages tell of clocks in words and numbers: a device's clock, what it rests on, and a capture's recordings.

Plain values, kept after a trial's arrays are gone: seconds on the mocap clock, ppm, probabilities from 0 to 1; NaN
where a number is not known. Nothing is computed here. What is drawn is in :mod:`viodat.report.clocks.views`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from viodat.dataset.schema import STATUS_EXCLUDED
from viodat.report.clocks.wording import milliseconds, probability, with_sigma
from viodat.report.wording import MISSING, offset

NAN: Final = float("nan")

How = Literal["auto", "given", "none"]
"""Whether clocks were estimated, taken as given, or left alone."""

Verdict = Literal["used", "used in part", "hardly believed", "not used", "contradicts", "finds nothing"]


class _DriftAndSkew:
    """What has both, each with its sigma, in words."""

    drift_ppm: float
    drift_sigma_ppm: float
    skew_s: float
    skew_sigma_s: float

    @property
    def drift_text(self) -> str:
        """For people."""
        return with_sigma(self.drift_ppm, self.drift_sigma_ppm, "ppm")

    @property
    def skew_text(self) -> str:
        """For people."""
        return with_sigma(self.skew_s * 1e3, self.skew_sigma_s * 1e3, "ms")


@dataclass(frozen=True)
class ClockLine(_DriftAndSkew):
    """One device's clock in one trial.

    Attributes
    ----------
    device, recording, status
        Ids, and what became of the recording.
    offset_s
        Mocap time at the device's zero; NaN without an answer.
    drift_ppm, drift_sigma_ppm
        How much faster mocap time runs than the device's.
    skew_s, skew_sigma_s
        By how much a picture's stamp is later than the sound of the same event; NaN without sound or picture.
    sigma_s, picture_sigma_s
        Largest standard deviation within the trial of the mocap time of its sound and of its pictures; NaN where it has
        none of them, or nobody stated one.
    limit_s
        The sigma above which this recording is left out of training; NaN if there is no such limit.
    confidence
        Probability that the answer is right, or, without an answer, that the likeliest one would be; NaN where the
        clock was given.
    reason
        Why it has no clock or is left out; empty where neither is so.
    rests_on
        What the answer follows from, in words.
    contradictions
        Sentences about what does not fit.
    of_pictures
        Whether it has no sound, so that its clock is that of its pictures.
    given
        Whether the clock was given, not estimated.
    alone_drift_ppm, alone_drift_sigma_ppm, alone_skew_s, alone_skew_sigma_s
        What this trial says by itself, without the others of the session; NaN where it says nothing.
    """

    device: str
    recording: str = ""
    status: str = ""
    offset_s: float = NAN
    drift_ppm: float = NAN
    drift_sigma_ppm: float = NAN
    skew_s: float = NAN
    skew_sigma_s: float = NAN
    sigma_s: float = NAN
    picture_sigma_s: float = NAN
    limit_s: float = NAN
    confidence: float = NAN
    reason: str = ""
    rests_on: str = ""
    contradictions: tuple[str, ...] = ()
    of_pictures: bool = False
    given: bool = False
    alone_drift_ppm: float = NAN
    alone_drift_sigma_ppm: float = NAN
    alone_skew_s: float = NAN
    alone_skew_sigma_s: float = NAN

    @property
    def answered(self) -> bool:
        """Whether it has a clock."""
        return self.offset_s == self.offset_s

    @property
    def unread(self) -> bool:
        """Whether its files could not be read or used, so that nobody looked for a clock."""
        return not self.answered and self.status == STATUS_EXCLUDED

    @property
    def judged_sigma_s(self) -> float:
        """The sigma that is held against the limit: the pictures', or without pictures the sound's; NaN if unknown."""
        return self.picture_sigma_s if self.picture_sigma_s == self.picture_sigma_s else self.sigma_s

    @property
    def offset_text(self) -> str:
        """For people."""
        return offset(self.offset_s)

    @property
    def sigma_text(self) -> str:
        """For people."""
        return milliseconds(self.sigma_s)

    @property
    def sigmas_text(self) -> str:
        """Sigma of sound and pictures in ms, without the unit."""
        if self.judged_sigma_s != self.judged_sigma_s:
            return "no sigma"
        both = (self.sigma_s, self.picture_sigma_s)
        return " / ".join(MISSING if value != value else f"{value * 1e3:.2g}" for value in both)

    @property
    def picture_sigma_text(self) -> str:
        """For people."""
        return milliseconds(self.picture_sigma_s)

    @property
    def confidence_text(self) -> str:
        """For people."""
        return "given" if self.given else probability(self.confidence)


@dataclass(frozen=True)
class EvidenceLine:
    """What one piece of evidence says.

    Attributes
    ----------
    title
        Its kind, for people.
    of, against
        The two streams, as ``C01 sound`` and ``motion``.
    lag_s, sigma_s, log_odds
        The hypothesis that was believed, else its likeliest; NaN where it has none.
    apart_s
        From the estimated clocks; NaN without a clock.
    belief
        0 to 1; NaN where it took no part.
    verdict
        What became of it.
    notes
        What it found, one sentence each.
    """

    title: str
    of: str
    against: str
    lag_s: float = NAN
    sigma_s: float = NAN
    log_odds: float = NAN
    apart_s: float = NAN
    belief: float = NAN
    verdict: Verdict = "finds nothing"
    notes: tuple[str, ...] = ()

    @property
    def lag_text(self) -> str:
        """For people."""
        return offset(self.lag_s)

    @property
    def sigma_text(self) -> str:
        """For people."""
        return milliseconds(self.sigma_s)

    @property
    def apart_text(self) -> str:
        """For people."""
        return milliseconds(self.apart_s, sign=True)

    @property
    def log_odds_text(self) -> str:
        """For people."""
        return f"{self.log_odds:+.1f}".replace("-", "−") if self.log_odds == self.log_odds else MISSING

    @property
    def belief_text(self) -> str:
        """For people: two digits, as a share of belief deserves."""
        return f"{self.belief:.2f}" if self.belief == self.belief else MISSING


@dataclass(frozen=True)
class PageFigure:
    """A figure that was drawn: its files, its size in pixels, and its words."""

    png: Path
    svg: Path | None
    size_px: tuple[int, int]
    title: str
    alt: str
    caption: str


@dataclass(frozen=True)
class TrialClockPage:
    """What is said of one trial's clocks.

    Attributes
    ----------
    trial, participant
        Ids.
    how
        Where its clocks come from.
    clocks
        One line per device.
    evidence
        One line per piece of evidence.
    contradictions
        Sentences about the trial as a whole: recordings that do not fit each other.
    figures
        Those that were drawn.
    missing
        Sentences: which figures are missing, and why.
    capture_page
        The page over the whole capture.
    """

    trial: str
    participant: str
    how: How
    clocks: tuple[ClockLine, ...] = ()
    evidence: tuple[EvidenceLine, ...] = ()
    contradictions: tuple[str, ...] = ()
    figures: tuple[PageFigure, ...] = ()
    missing: tuple[str, ...] = ()
    capture_page: Path | None = None


@dataclass(frozen=True)
class DevicePool(_DriftAndSkew):
    """What all trials together say of a device: what to expect of a further trial; NaN where they say nothing."""

    device: str
    drift_ppm: float = NAN
    drift_sigma_ppm: float = NAN
    skew_s: float = NAN
    skew_sigma_s: float = NAN


@dataclass(frozen=True)
class CaptureClocks:
    """What is said of a whole capture's clocks.

    Attributes
    ----------
    name
        Of the dataset.
    trials
        In the order of the page.
    how
        Where clocks come from.
    pools
        One per device of which something is known.
    """

    name: str
    trials: tuple[TrialClockPage, ...]
    how: How
    pools: tuple[DevicePool, ...] = ()


def devices_of(capture: CaptureClocks) -> tuple[str, ...]:
    """Names of all devices, in the order of their names."""
    return tuple(sorted({line.device for trial in capture.trials for line in trial.clocks}))
