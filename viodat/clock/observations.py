"""What a piece of evidence says: at which lags between two clocks the same events could stand, and how surely.

A stream is one clock of a trial: a device's sound, a device's picture, or the motion. A lag is the time on stream b's
clock minus the time on stream a's clock of the same event, s; where b is the motion it is a's offset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

Kind = Literal["sound", "picture", "motion"]


@dataclass(frozen=True, order=True)
class Stream:
    """One clock of a trial: ``device`` is empty for the motion."""

    device: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.device} {self.kind}".strip()


MOTION: Final = Stream("", "motion")


@dataclass(frozen=True)
class Hypothesis:
    """One answer.

    Attributes
    ----------
    lag_s, sigma_s
        The lag in the middle of what both streams share, and its standard deviation.
    log_odds
        Natural logarithm of how much better the data are explained by a lag about here, than by two streams that have
        nothing to do with each other. The choice among all lags that were tried is in it.
    """

    lag_s: float
    sigma_s: float
    log_odds: float


@dataclass(frozen=True, eq=False)
class Windows:
    """Lags of the best hypothesis by stretches of time, for drift and for the page: (W,) s each.

    Attributes
    ----------
    at_s
        Middle of each window on stream a's clock.
    lag_s, sigma_s
        The lag there, NaN where the window says nothing, and its standard deviation.
    """

    at_s: FloatArray
    lag_s: FloatArray
    sigma_s: FloatArray


@dataclass(frozen=True, eq=False)
class Curve:
    """Log likelihood against no relation, by lag: (L,) s and (L,), for the page."""

    lag_s: FloatArray
    log_likelihood: FloatArray


@dataclass(frozen=True, eq=False)
class Observation:
    """What one kind of evidence says of two streams.

    Attributes
    ----------
    method
        Name of the evidence in the registry.
    a, b
        The two streams.
    hypotheses
        Best first; empty where the evidence finds nothing.
    at_s
        Time on a's clock to which the hypotheses belong: the middle of what was compared.
    span_s
        Length of the range of lags that were tried, s: how much a hypothesis of the best guess is worth.
    miss
        Probability that the true lag is not among the hypotheses although the two streams belong together.
    common_sigma_s
        What would be wrong by the same amount in every window (travel of sound, how long a note takes to speak), s; it
        is contained in the hypotheses' sigma, and in that of the windows it is not.
    windows
        Local lags of the best hypothesis, or None.
    curve
        For the page, or None.
    rate_ratio
        True samples per second of a's sound, as a share of what its file says; 1 where that is right.
    notes
        What was found, one sentence each.
    """

    method: str
    a: Stream
    b: Stream
    hypotheses: tuple[Hypothesis, ...]
    at_s: float = 0.0
    span_s: float = 20.0
    miss: float = 0.05
    common_sigma_s: float = 0.0
    windows: Windows | None = None
    curve: Curve | None = None
    rate_ratio: float = 1.0
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def best(self) -> Hypothesis | None:
        """The likeliest hypothesis."""
        return self.hypotheses[0] if self.hypotheses else None
