"""What a difference between two models means, with few participants.

The unit is the participant: the recordings of one person are takes of one body by several cameras, and seeds are not
people. Seeds and recordings are averaged within each participant before anything is tested. With 3 participants no
exact two-sided test can fall below p = 0.25, and nothing here pretends otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viodat.errors import MetricError

ALPHA: Final = 0.05
LEAST_FOR_PEOPLE: Final = 6
"""Participants from which on a two-sided exact test can reach 0.05 at all (2 / 2^6 = 0.031), and an interval of their
mean speaks of people rather than of these."""

_EXACT_UP_TO: Final = 20
_DRAWS: Final = 100_000


@dataclass(frozen=True)
class Comparison:
    """One model against another on one metric, paired by participant.

    Attributes
    ----------
    first, second
        Names of the models.
    participants
        How many.
    difference
        Mean over participants of first minus second, in the metric's unit.
    p_value
        Two-sided, of all changes of sign (exact up to 20 participants, else 100,000 drawn); NaN without a difference
        to test.
    adjusted_p
        After Holm, over all pairs that were compared together; ``p_value`` where it is one pair.
    least_p
        The smallest that so few participants allow: 2 / 2^n.
    effect
        Cohen's d of the paired differences: their mean over their standard deviation; NaN for one participant.
    interval
        95 % bootstrap interval of ``difference`` over participants; NaN for fewer than 6, where it would speak of no
        new people.
    worst
        The participant for whom first compares worst with second, and the difference there.
    """

    first: str
    second: str
    participants: int
    difference: float
    p_value: float
    adjusted_p: float
    least_p: float
    effect: float
    interval: tuple[float, float]
    worst: tuple[str, float]

    def sentence(self, unit: str = "mm", *, lower_is_better: bool = True) -> str:
        """Say it in plain words."""
        better, other = (
            (self.first, self.second) if (self.difference < 0) == lower_is_better else (self.second, self.first)
        )
        people = f"these {self.participants} participants" if self.participants > 1 else "the one participant"
        size = f"{abs(self.difference):.2f} {unit}"
        if math.isnan(self.difference) or float(f"{self.difference:.2f}") == 0:
            return f"{self.first} and {self.second} do not differ on {people} by as much as 0.01 {unit}."
        said = f"{better} is {size} better than {other} on {people}"
        if self.least_p > ALPHA:
            return (
                f"{said}; with so few, no two-sided test can show that it would be on others "
                f"(the smallest p is {self.least_p:.2g})."
            )
        verdict = "would hold for others like them" if self.adjusted_p <= ALPHA else "may be chance"
        return f"{said}; that {verdict} (p = {self.adjusted_p:.2g})."


def compare(
    first: Mapping[str, ArrayLike], second: Mapping[str, ArrayLike], names: tuple[str, str], *, seed: int = 0
) -> Comparison:
    """Compare two models, paired by participant.

    Parameters
    ----------
    first, second
        Participant -> values of the metric: of each recording and seed, or one value. They are averaged first.
    names
        Of the models.
    seed
        Of the bootstrap, and of the changes of sign where they are too many to try all.

    Raises
    ------
    MetricError
        The participants are not the same, or there are none.
    """
    if set(first) != set(second) or not first:
        apart = sorted(set(first) ^ set(second))
        raise MetricError(
            f"{names[0]} and {names[1]} were not scored on the same participants"
            + (f": {', '.join(apart)}" if apart else ""),
            mend="Compare runs on the same data and split.",
        )
    people = sorted(first)
    means = np.array(
        [[float(np.mean(np.asarray(one[name], dtype=np.float64))) for name in people] for one in (first, second)]
    )
    differences = means[0] - means[1]
    generator = np.random.default_rng(seed)
    p_value = permutation_p(differences, generator)
    spread = float(np.std(differences, ddof=1)) if len(people) > 1 else math.nan
    mean = float(differences.mean())
    worst = int(np.argmax(differences))
    return Comparison(
        names[0],
        names[1],
        len(people),
        mean,
        p_value,
        p_value,
        2.0 / 2.0 ** len(people),
        mean / spread if spread > 0 else math.nan,
        bootstrap_interval(differences, generator) if len(people) >= LEAST_FOR_PEOPLE else (math.nan, math.nan),
        (people[worst], float(differences[worst])),
    )


def compare_all(models: Mapping[str, Mapping[str, ArrayLike]], *, seed: int = 0) -> list[Comparison]:
    """Compare every pair of models, with Holm's adjustment over all pairs; parameters as in :func:`compare`."""
    found = [
        compare(models[first], models[second], (first, second), seed=seed) for first, second in combinations(models, 2)
    ]
    adjusted = holm([one.p_value for one in found])
    return [replace(one, adjusted_p=p) for one, p in zip(found, adjusted, strict=True)]


def permutation_p(differences: NDArray[np.float64], generator: np.random.Generator) -> float:
    """Give the two-sided p of paired differences: the share of changes of sign with a mean as far from 0.

    Parameters
    ----------
    differences
        (n,) one of each participant.
    generator
        Draws the changes of sign where there are more than 2^20.
    """
    n = len(differences)
    if not n or not np.isfinite(differences).all() or not differences.any():
        return math.nan
    observed = abs(float(differences.sum()))
    # What ties with the observed but for rounding counts as it.
    least = observed * (1 - 1e-12)
    if n <= _EXACT_UP_TO:
        # The last sign is fixed: each pattern and its opposite are as far from 0.
        numbers = np.arange(2 ** (n - 1), dtype=np.int64)
        sums = np.full(len(numbers), differences[-1])
        for k in range(n - 1):
            sums = sums + np.where((numbers >> k) & 1, differences[k], -differences[k])
        return float(np.mean(np.abs(sums) >= least))
    hits = 0
    for _ in range(_DRAWS // 1000):
        signs = generator.choice([-1.0, 1.0], size=(1000, n))
        hits += int(np.count_nonzero(np.abs(signs @ differences) >= least))
    return (hits + 1) / (_DRAWS + 1)


def bootstrap_interval(
    values: ArrayLike, generator: np.random.Generator, *, level: float = 0.95, draws: int = 10_000
) -> tuple[float, float]:
    """Give the percentile bootstrap interval of a mean (Efron 1979); what is drawn is what it speaks of.

    Parameters
    ----------
    values
        (n,) of participants, or of recordings: then it says nothing of other people.
    generator
        Draws.
    level
        Share of draws within.
    draws
        How many.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return math.nan, math.nan
    means = known[generator.integers(0, len(known), size=(draws, len(known)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def clustered_interval(
    values: Mapping[str, float],
    of: Mapping[str, str],
    generator: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 10_000,
) -> tuple[float, float]:
    """Give the percentile bootstrap interval of a mean over recordings of which several hang together.

    Parameters
    ----------
    values
        Recording -> value; NaN is left out.
    of
        Recording -> what is drawn: its participant, or its trial, whose cameras saw the same. Drawn with all its
        recordings.
    generator, level, draws
        As in :func:`bootstrap_interval`.

    Returns
    -------
    tuple
        NaN for fewer than two things to draw.
    """
    return interval_within(values, of, dict.fromkeys(values, ""), generator, level=level, draws=draws)


def interval_within(
    values: Mapping[str, float],
    of: Mapping[str, str],
    people: Mapping[str, str],
    generator: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 10_000,
) -> tuple[float, float]:
    """Give the percentile bootstrap interval of the mean over these people, each of whom counts the same.

    Parameters
    ----------
    values
        Recording -> value; NaN is left out.
    of
        Recording -> its trial: of each person as many are drawn as there are, with all their recordings.
    people
        Recording -> its participant. The same ones are in each draw, so the interval claims nothing of others.
    generator, level, draws
        As in :func:`bootstrap_interval`.

    Returns
    -------
    tuple
        NaN where somebody has fewer than two trials to draw.
    """
    apart: dict[str, dict[str, float]] = {}
    for name, value in values.items():
        apart.setdefault(people[name], {})[name] = value
    means = [_resampled(found, of, generator, draws) for found in apart.values()]
    if not means or any(one is None for one in means):
        return math.nan, math.nan
    low, high = np.quantile(np.mean(np.stack(means), axis=0), [(1 - level) / 2, (1 + level) / 2])  # type: ignore[arg-type]
    return float(low), float(high)


def _resampled(
    values: Mapping[str, float], of: Mapping[str, str], generator: np.random.Generator, draws: int
) -> NDArray[np.float64] | None:
    """Give means over recordings, all of one thing drawn together; None for fewer than two things."""
    sums: dict[str, list[float]] = {}
    for name, value in values.items():
        if math.isfinite(value):
            sums.setdefault(of[name], []).append(value)
    if len(sums) < 2:
        return None
    total = np.array([math.fsum(found) for found in sums.values()])
    count = np.array([len(found) for found in sums.values()], dtype=np.float64)
    drawn = generator.integers(0, len(sums), size=(draws, len(sums)))
    means: NDArray[np.float64] = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return means


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for being several (Holm 1979); NaN stays, and is none of those."""
    order = sorted((p, k) for k, p in enumerate(p_values) if not math.isnan(p))
    adjusted = list(p_values)
    least = 0.0
    for rank, (p, k) in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p))
        adjusted[k] = least
    return adjusted
