"""Where a group of devices stands on the mocap clock: the hypotheses of all evidence multiplied, and how sure that is.

Each observation says of a place how much likelier it makes the data than two streams that have nothing to do with each
other: ``miss + (1 - miss) * sum of odds * span * N(place; lag, sigma)``. The product over all evidence, every place
of the range and "they do not belong together" being the alternatives, is the posterior; its share in one peak is the
confidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_UNRELATED: Final = 0.5
"""That a recording belongs to the trial is for the evidence to say: mixed-up files are rare, but they must be found."""
_LEAST_ALONE: Final = -6.0
_LEAST_MISS: Final = 1e-6
_SAME_SIGMAS: Final = 4.0
_STEPS, _REACH = 81, 5.0
BEGINNING: Final = ("clap sound", "playing sound")
"""Names of what a trial's beginning shows alike."""
_BEGINS: Final = 3.0
_MOST_LOG_ODDS: Final = 200.0


@dataclass(frozen=True, eq=False)
class Factor:
    """What one observation says of a group's place.

    Attributes
    ----------
    number
        Index of the observation.
    alike
        What says much the same thing bears the same name: one kind of evidence in several devices' sounds. Empty: it
        stands by itself.
    places_s, sigmas_s, log_odds
        (H,) of its hypotheses.
    span_s, miss
        As the observation's.
    """

    number: int
    alike: str
    places_s: FloatArray
    sigmas_s: FloatArray
    log_odds: FloatArray
    span_s: float
    miss: float

    def log_ratio(self, places_s: FloatArray) -> FloatArray:
        """(P,) logarithm of how much likelier the data are at a place than without any relation."""
        odds = np.exp(np.minimum(self.log_odds, _MOST_LOG_ODDS))
        z = (places_s[:, None] - self.places_s) / self.sigmas_s
        density = np.exp(-0.5 * np.square(z)) / (np.sqrt(2 * np.pi) * self.sigmas_s)
        miss = max(self.miss, _LEAST_MISS)
        return np.asarray(np.log(miss + (1 - miss) * (density * odds).sum(axis=1) * self.span_s))


@dataclass(frozen=True)
class Mode:
    """Where a group stands (mocap time minus its own, s), how sure that is, and the hypotheses that agree with it."""

    place_s: float
    confidence: float
    agreeing: Mapping[int, int]
    runner_up_s: float | None = None


def find_mode(factors: Sequence[Factor]) -> Mode | None:
    """Find the likeliest place.

    Returns
    -------
    Mode or None
        None where no factor has a hypothesis.
    """
    live = [factor for factor in factors if len(factor.places_s)]
    if not live:
        return None
    # Those without a hypothesis have a say too: they should have found something.
    span = max(factor.span_s for factor in live)
    places = np.concatenate([factor.places_s for factor in live])
    sigmas = np.concatenate([factor.sigmas_s for factor in live])
    masses: list[tuple[float, float, float]] = []
    for start, sigma in _distinct(places, sigmas, factors):
        grid = start + np.linspace(-_REACH, _REACH, _STEPS) * sigma
        log = _together(factors, grid)
        top = float(log.max())
        share = np.exp(log - top)
        mass = top + float(np.log(share.sum() * (grid[1] - grid[0]) / span))
        masses.append((mass, float(np.average(grid, weights=share)), sigma))
    masses = _merged(masses)
    best_mass, place, _ = masses[0]
    rival = np.logaddexp.reduce([np.log(_UNRELATED / (1 - _UNRELATED)), *(mass for mass, _, _ in masses[1:])])
    confidence = float(1 / (1 + np.exp(np.clip(rival - best_mass, -700, 700))))
    agreeing = {}
    for factor in live:
        z = np.abs(place - factor.places_s) / factor.sigmas_s
        own = np.where(z < _REACH, factor.log_odds - 0.5 * np.square(z), -np.inf)
        if (z < _REACH).any():
            agreeing[factor.number] = int(np.argmax(own))
    return Mode(place, confidence, agreeing, masses[1][1] if len(masses) > 1 else None)


def _distinct(places: FloatArray, sigmas: FloatArray, factors: Sequence[Factor]) -> list[tuple[float, float]]:
    """Give the places worth a look, each with the width of its narrowest hypothesis."""
    order = np.argsort(-_together(factors, places), kind="stable")
    kept: list[tuple[float, float]] = []
    for k in order.tolist():
        if all(abs(places[k] - other) > 0.5 * sigma for other, sigma in kept):
            kept.append((float(places[k]), float(sigmas[k])))
    return kept


def _together(factors: Sequence[Factor], places_s: FloatArray) -> FloatArray:
    alone = np.zeros(len(places_s))
    shared: dict[str, list[FloatArray]] = {}
    for factor in factors:
        ratio = factor.log_ratio(places_s)
        if factor.alike:
            shared.setdefault(factor.alike, []).append(ratio)
        else:
            alone += ratio
    # What hides something from one camera may hide it from all.
    total = np.maximum(alone, _LEAST_ALONE)
    # The same music in several microphones is one piece of evidence: the mean of what they say of it.
    said = {name: np.logaddexp.reduce(own, axis=0) - np.log(len(own)) for name, own in sorted(shared.items())}
    for ratio in said.values():
        total += ratio
    if all(name in said for name in BEGINNING):
        # Who claps begins to play about as long afterwards in every trial, so that both fit another trial's at one lag.
        both = np.minimum(*(said[name] for name in BEGINNING))
        total -= np.clip(both, 0.0, _BEGINS)
    return total


def _merged(masses: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Count places that are hardly apart for their width as one, best first."""
    merged: list[tuple[float, float, float]] = []
    for mass, place, sigma in sorted(masses, reverse=True):
        # Grids of neighbours overlap: the better one has both already.
        if all(abs(place - other) > _SAME_SIGMAS * max(sigma, width) for _, other, width in merged):
            merged.append((mass, place, sigma))
    return merged
