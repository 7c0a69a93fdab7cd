"""Where a group of devices stands on the mocap clock: the hypotheses of all evidence multiplied, and how sure that is.

Each observation says of a place how much likelier it makes the data than two streams that have nothing to do with each
other: ``miss + (1 - miss) * sum of odds * span * N(place; lag, sigma)``. The product over all evidence, every place
of the range and "they do not belong together" being the alternatives, is the posterior; its share in one peak is the
confidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_UNRELATED: Final = 0.5
"""That a recording belongs to the trial is for the evidence to say: mixed-up files are rare, but they must be found."""
_LEAST_ALONE: Final = -6.0
_LEAST_MISS: Final = 1e-6
_STEPS, _REACH = 81, 5.0
_DEEP: Final = 1.0
"""Logarithm by which the density falls between two places that are not one."""
CLAP: Final = "clap"
BEGINNING: Final = (CLAP, "playing sound")
"""Names of what a trial's beginning shows alike."""
_BEGINS: Final = 5.0
"""As much as it tells that one of these stands where the other does, to about 50 ms in some 20 s."""
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
        return np.asarray(np.log(self._missed + self._told(places_s).sum(axis=1)))

    def believed(self, place_s: float) -> int | None:
        """Index of the hypothesis near a place that tells most of it; None where having missed it is the likelier."""
        told = self._told(np.array([place_s]))[0] * (np.abs(place_s - self.places_s) < _REACH * self.sigmas_s)
        return int(np.argmax(told)) if told.sum() > self._missed else None

    @property
    def _missed(self) -> float:
        return max(self.miss, _LEAST_MISS)

    def _told(self, places_s: FloatArray) -> FloatArray:
        """(P, H) what each hypothesis adds."""
        odds = np.exp(np.minimum(self.log_odds, _MOST_LOG_ODDS))
        z = (places_s[:, None] - self.places_s) / self.sigmas_s
        density = np.exp(-0.5 * np.square(z)) / (np.sqrt(2 * np.pi) * self.sigmas_s)
        return np.asarray((1 - self._missed) * density * odds * self.span_s)


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
    places = np.concatenate([factor.places_s for factor in live])
    sigmas = np.concatenate([factor.sigmas_s for factor in live])
    grid, cell = _grid(_distinct(places, sigmas, factors))
    log = _together(factors, grid)
    mass = log + np.log(cell / max(factor.span_s for factor in live))
    basins = _basins(log)
    masses = np.array([np.logaddexp.reduce(mass[basin]) for basin in basins])
    order = np.argsort(-masses, kind="stable")
    centres = [float(np.average(grid[basins[k]], weights=np.exp(mass[basins[k]] - masses[k]))) for k in order[:2]]
    rival = np.logaddexp.reduce([np.log(_UNRELATED / (1 - _UNRELATED)), *masses[order[1:]]])
    confidence = float(1 / (1 + np.exp(np.clip(rival - masses[order[0]], -700, 700))))
    agreeing = {factor.number: pick for factor in live if (pick := factor.believed(centres[0])) is not None}
    return Mode(centres[0], confidence, agreeing, centres[1] if len(centres) > 1 else None)


def _grid(starts: Sequence[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    """(P,) s places about all starts, increasing, and the (P,) s that each stands for.

    Every start's are as fine as it is narrow, so that a wide hypothesis does not hide narrow ones within it.
    """
    steps = np.linspace(-_REACH, _REACH, _STEPS)
    grid = np.concatenate([place + steps * sigma for place, sigma in starts])
    step = np.concatenate([np.full(_STEPS, (steps[1] - steps[0]) * sigma) for _, sigma in starts])
    order = np.argsort(grid, kind="stable")
    grid, step = grid[order], step[order]
    gaps = np.diff(grid)
    # Between starts that are far apart nothing is counted.
    before = np.minimum(np.append(step[0], gaps), step)
    after = np.minimum(np.append(gaps, step[-1]), step)
    return grid, np.maximum(0.5 * (before + after), np.finfo(np.float64).tiny)


def _basins(log: FloatArray) -> list[slice]:
    """Cut a curve at its valleys, those that are deep: what lies between two is one place."""
    tops = 1 + np.flatnonzero((log[1:-1] > log[:-2]) & (log[1:-1] >= log[2:]))
    kept: list[int] = []
    cuts: list[int] = []
    for top in tops.tolist():
        if kept:
            valley = kept[-1] + int(np.argmin(log[kept[-1] : top + 1]))
            if min(log[kept[-1]], log[top]) - log[valley] < _DEEP:
                if log[top] > log[kept[-1]]:
                    kept[-1] = top
                continue
            cuts.append(valley)
        kept.append(top)
    edges = [0, *cuts, len(log)]
    return [slice(first, last) for first, last in pairwise(edges)]


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
