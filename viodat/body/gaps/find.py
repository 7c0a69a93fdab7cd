"""Where the gaps of a trial are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Gap:
    """Frames ``first`` to ``stop`` - 1 (counted from 0) in which the marker with index ``marker`` is missing.

    ``before`` and ``after`` are how many frames next to the gap, without a break and at most as many as were asked for,
    are measured: 0 at the start or end of the trial.
    """

    marker: int
    first: int
    stop: int
    before: int
    after: int

    @property
    def length(self) -> int:
        """Number of missing frames."""
        return self.stop - self.first


def find_gaps(valid: NDArray[np.bool_], context: int) -> list[Gap]:
    """Find all gaps, shortest first.

    Parameters
    ----------
    valid
        (F, M) bool, False where a marker is missing.
    context
        Most frames to count beside a gap.

    Returns
    -------
    list of Gap
        By length, then marker, then frame. A marker that is missing throughout is one gap without context.
    """
    gaps = []
    for marker in np.nonzero(~valid.all(axis=0))[0]:
        seen = valid[:, marker]
        edges = np.diff(np.concatenate([[True], seen, [True]]).astype(np.int8))
        starts, stops = np.nonzero(edges == -1)[0], np.nonzero(edges == 1)[0]
        runs_before = starts - np.concatenate([[0], stops[:-1]])
        runs_after = np.concatenate([starts[1:], [seen.size]]) - stops
        for first, stop, before, after in zip(starts, stops, runs_before, runs_after, strict=True):
            gaps.append(Gap(int(marker), int(first), int(stop), int(min(before, context)), int(min(after, context))))
    return sorted(gaps, key=lambda gap: (gap.length, gap.marker, gap.first))
