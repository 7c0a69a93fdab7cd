"""Which of several detected people is the performer: one person, followed through the whole video.

Detections are linked from frame to frame by how far a body moved relative to its size; of the tracks that
result, the one that is largest and surest over the whole video is the performer, and other pieces join it
only where they do not overlap in time and continue it in place and size. In a frame where the performer is
not seen, nobody is chosen: a bystander never stands in. Pixels; NaN where a point is missing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

FloatArray = NDArray[np.float64]

_GATE = 0.25
"""Farthest a body moves from one frame to the next, in body sizes: for one of 1.7 m, 13 m/s at 30 Hz."""
_GATE_PER_GAP = 0.05
"""The gate widens by this for each frame in which the person was not seen ..."""
_WIDEST_GATE = 1.0
"""... up to this, also when a later track is joined to an earlier one."""
_SWAP_SURCHARGE = 0.05
"""Cost, in body sizes, of taking a person for the same by the centroid alone."""
_SIZE_RATIO = 2.0
"""A joined track is at most this many times larger or smaller."""
_FORGET_FRAMES = 300
"""A track not seen for so long is no longer continued frame by frame (it can still be joined)."""
_CLOSE_CALL = 0.1
"""Two detections whose costs differ by less (body sizes) are a close call."""
_RIVAL = 0.7
"""A second person with at least this share of the performer's prominence is reported."""
_REFUSED = 1e6


@dataclass(frozen=True)
class PersonChoice:
    """Who was chosen in each frame.

    Attributes
    ----------
    index
        (N,) int64, index of the chosen candidate, -1 in frames where the performer is not among them.
    notes
        What a reader should know: rivals, close calls, frames with others only.
    """

    index: NDArray[np.int64]
    notes: tuple[str, ...] = ()


@dataclass(eq=False)
class _Track:
    points: FloatArray
    sizes: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    prominence: float = 0.0
    close_calls: int = 0
    first: FloatArray | None = None

    @property
    def size(self) -> float:
        # The recent median: one half-hidden detection must not shrink the body.
        return float(np.median(self.sizes[-15:]))

    def add(self, frame: int, member: int, points: FloatArray, size: float, prominence: float) -> None:
        self.first = points if self.first is None else self.first
        # Points that this detection lacks keep their last place, so that the next one can be compared.
        self.points = np.where(np.isfinite(points), points, self.points)
        self.sizes.append(size)
        self.frames.append(frame)
        self.members.append(member)
        self.prominence += prominence


def choose_person(candidates: FloatArray, confidence: FloatArray) -> PersonChoice:
    """Follow the performer through frames with several, one or no detected people.

    Parameters
    ----------
    candidates
        (N, P, K, 2) px: up to P people in each frame, in any order; a place without a person is all NaN.
    confidence
        (N, P, K), NaN where missing or unknown (unknown counts as 1).

    Returns
    -------
    PersonChoice
        Index per frame, -1 for nobody.

    Notes
    -----
    The cost of a link is the median displacement of the points that both detections have (or that of their
    centroid plus 0.05, if less: detectors mix up left and right), divided by the body size (diagonal of the
    points' bounding box); each frame's links minimise the summed cost (Hungarian
    method). The prominence of a track is the sum over its frames of mean confidence times body size. Both are
    this library's own definitions.
    """
    people = np.asarray(candidates, dtype=np.float64)
    if people.ndim != 4 or people.shape[-1] != 2 or confidence.shape != people.shape[:3]:
        raise ValueError(
            f"candidates: expected (N, P, K, 2) and confidence (N, P, K), got {people.shape} and {confidence.shape}"
        )
    frames = people.shape[0]
    seen = np.asarray(np.isfinite(people).all(axis=-1))
    people = np.where(seen[..., None], people, np.nan)
    rated = np.where(seen, np.where(np.isfinite(confidence), confidence, 1.0), np.nan)
    tracks: list[_Track] = []
    for frame in range(frames):
        members = np.flatnonzero(seen[frame].any(axis=-1))
        if members.size:
            _link(tracks, frame, members, people[frame], rated[frame])
    index = np.full(frames, -1, dtype=np.int64)
    if not tracks:
        return PersonChoice(index)
    ranked = sorted(tracks, key=lambda track: -track.prominence)
    chosen = _joined(ranked, frames)
    for track in chosen:
        index[track.frames] = track.members
    return PersonChoice(index, _notes(index, seen, ranked, chosen))


def _link(
    tracks: list[_Track],
    frame: int,
    members: NDArray[np.int64],
    people: FloatArray,
    rated: FloatArray,
) -> None:
    """Continue tracks with this frame's people; who fits none starts a track."""
    sizes = [_size(people[m]) for m in members]
    alive = [t for t in tracks if frame - t.frames[-1] <= _FORGET_FRAMES]
    free = set(range(len(members)))
    if alive:
        cost = np.full((len(alive), len(members)), _REFUSED)
        for i, track in enumerate(alive):
            gate = min(_GATE + _GATE_PER_GAP * (frame - track.frames[-1] - 1), _WIDEST_GATE)
            for j, m in enumerate(members):
                move = _displacement(track.points, people[m]) / max(track.size, sizes[j], 1.0)
                if move <= gate:
                    cost[i, j] = move
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            i, j = int(row), int(column)
            if cost[i, j] >= _REFUSED:
                continue
            if (np.delete(cost[i], j) - cost[i, j] < _CLOSE_CALL).any():
                alive[i].close_calls += 1
            free.discard(j)
            _add(alive[i], frame, int(members[j]), people, rated, sizes[j])
    for j in sorted(free):
        track = _Track(np.full(people.shape[1:], np.nan))
        _add(track, frame, int(members[j]), people, rated, sizes[j])
        tracks.append(track)


def _add(track: _Track, frame: int, member: int, people: FloatArray, rated: FloatArray, size: float) -> None:
    track.add(frame, member, people[member], size, float(np.nanmean(rated[member])) * size)


def _joined(ranked: list[_Track], frames: int) -> list[_Track]:
    """Start from the most prominent track and join those that continue it before and after."""
    chosen = [ranked[0]]
    taken = np.zeros(frames, dtype=bool)
    taken[ranked[0].frames] = True
    body = float(np.median(ranked[0].sizes))
    rest = ranked[1:]
    grown = True
    while grown:
        grown = False
        for track in rest:
            ratio = float(np.median(track.sizes)) / max(body, 1.0)
            if taken[track.frames].any() or not 1 / _SIZE_RATIO <= ratio <= _SIZE_RATIO:
                continue
            before = [t for t in chosen if t.frames[-1] < track.frames[0]]
            after = [t for t in chosen if t.frames[0] > track.frames[-1]]
            moves = []
            if before:
                moves.append(_displacement(max(before, key=lambda t: t.frames[-1]).points, _first(track)))
            if after:
                moves.append(_displacement(track.points, _first(min(after, key=lambda t: t.frames[0]))))
            if moves and min(moves) <= _WIDEST_GATE * body:
                chosen.append(track)
                taken[track.frames] = True
                rest.remove(track)
                grown = True
                break
    return chosen


def _first(track: _Track) -> FloatArray:
    assert track.first is not None
    return track.first


def _notes(
    index: NDArray[np.int64],
    seen: NDArray[np.bool_],
    ranked: list[_Track],
    chosen: list[_Track],
) -> tuple[str, ...]:
    notes = []
    present = seen.any(axis=-1)
    several = int((present.sum(axis=-1) > 1).sum())
    if several:
        notes.append(f"{several} of {index.shape[0]} frames show several people; one was followed")
    others = int((present.any(axis=-1) & (index < 0)).sum())
    if others:
        notes.append(f"in {others} frames only other people were detected: left missing")
    own = sum(track.prominence for track in chosen)
    rivals = [track for track in ranked if track not in chosen]
    if rivals and rivals[0].prominence >= _RIVAL * own:
        rival = rivals[0]
        notes.append(
            f"ambiguous: another person (frames {rival.frames[0]} to {rival.frames[-1]}) has "
            f"{rival.prominence / own:.0%} of the chosen one's size and confidence; look at the picture"
        )
    close_calls = sum(track.close_calls for track in chosen)
    if close_calls:
        notes.append(f"ambiguous: in {close_calls} frames two detections continue the performer equally well")
    return tuple(notes)


def _size(points: FloatArray) -> float:
    known = points[np.isfinite(points).all(axis=-1)]
    return float(np.hypot(*np.ptp(known, axis=0)))


def _displacement(a: FloatArray, b: FloatArray) -> float:
    """Median distance of the points in both; of the centroids where that is shorter by more than a surcharge.

    A detector that mixes up left and right moves every point, and the centroid not at all: it is still the
    same person. The surcharge prefers the detection whose points agree one by one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        moves = b - a
        if not np.isfinite(moves).any():
            return float(np.hypot(*(np.nanmean(b, axis=0) - np.nanmean(a, axis=0))))
        median = float(np.nanmedian(np.hypot(*moves.T)))
        extent = float(np.hypot(*(np.nanmax(a, axis=0) - np.nanmin(a, axis=0))))
        return min(median, float(np.hypot(*np.nanmean(moves, axis=0))) + _SWAP_SURCHARGE * extent)
