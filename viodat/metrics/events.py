"""Errors around musical events: a note's begin is where bow and fingers change what they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from viodat.metrics.counted import BoolArray


def around_events(
    times_s: ArrayLike, events_s: ArrayLike, *, before_s: float = 0.05, after_s: float = 0.15
) -> BoolArray:
    """Give (T,) which frames lie around an event: combine it with a mask to score these frames, or all others.

    Parameters
    ----------
    times_s
        (T,) s, of the frames, ascending.
    events_s
        (E,) s on the same clock, such as the notes' begins; NaN is left out.
    before_s, after_s
        How far before and after an event a frame may be, both ends included.

    Examples
    --------
    >>> around_events([0.0, 0.1, 0.2, 0.3], [0.2], before_s=0.0, after_s=0.1).tolist()
    [False, False, True, True]
    """
    times = np.asarray(times_s, dtype=np.float64)
    events = np.sort(np.asarray(events_s, dtype=np.float64))
    events = events[np.isfinite(events)]
    # Times are sums of steps: an end that is met but for rounding is met.
    slack = 1e-9
    first = np.searchsorted(events, times - after_s - slack, side="left")
    past = np.searchsorted(events, times + before_s + slack, side="right")
    return np.asarray(past > first, dtype=np.bool_)
