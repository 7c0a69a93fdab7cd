"""Fill the gaps of a trial: each by what its own trial shows to work, with the error that it showed.

For each gap, shortest first: choose mates, try every filler on artificial gaps of the same length at other places of
the trial, mix them by the errors, fill, and state the error. What cannot be tried, or errs more than
:data:`LARGEST_SIGMA_MM`, stays missing. Positions are mm in the trial's world frame, NaN where missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.gaps.choose import LEAST_PLACES, Fill, combine, places
from viodat.body.gaps.fillers import Candidate, IntArray, Windows, pca, rigid, spline
from viodat.body.gaps.find import Gap, find_gaps
from viodat.body.gaps.mates import Kinship, choose_mates, kinship
from viodat.body.gaps.result import (
    METHOD_CODES,
    STILL_MISSING,
    FilledTrial,
    GapReport,
    MarkerGaps,
)
from viodat.body.marker_set import MarkerSet
from viodat.capture.markers import FloatArray, MarkerTrial
from viodat.errors import counted

SPLINE_LONGEST_S: Final = 0.5
"""Longer gaps are not bridged in the room: half a step or half a bow stroke fits in."""

PCA_LONGEST_S: Final = 3.0
"""Longer gaps are not filled from the other markers' movement."""

LARGEST_SIGMA_MM: Final = 15.0
"""A gap whose expected error per coordinate (rms) is larger stays: it would say less than the skeleton does."""

LEAST_SEEN_S: Final = 0.5
"""The marker and its mates must be seen together for this long, and for half the gap's length, somewhere."""

SHORTEST_REHEARSAL: Final = 4.0
"""Artificial gaps are at least a quarter as long as the real one."""

MATE_SIGMA_MM: Final = 3.0
"""A filled sample may serve as a mate of another marker only if its expected error is at most this."""

_CONTEXT_S = 0.04
_LEAST_TRAINING_S = 0.5
_MOST_TRAINING = 400
"""Frames the regression learns from, evenly spaced: neighbouring frames hardly differ."""


@dataclass(frozen=True)
class _Scene:
    """What the fillers see: positions (F, M, 3) mm, which count as seen (F, M), and how markers move together."""

    positions: FloatArray
    seen: NDArray[np.bool_]
    kin: Kinship
    rate_hz: float


def fill_gaps(
    trial: MarkerTrial, *, static: MarkerTrial | None = None, marker_set: MarkerSet | None = None
) -> FilledTrial:
    """Fill the gaps of a trial where the trial itself shows how.

    Parameters
    ----------
    trial
        Positions (F, M, 3) mm, NaN in gaps. A sample with a negative residual counts as missing, as in C3D.
    static
        The static trial: markers whose distance differs between it and the trial are not taken for one segment,
        however little they move in the trial.
    marker_set
        Which markers sit on one segment. Without it, mates are found by their steady distances.

    Returns
    -------
    FilledTrial
        Nothing measured is changed. NaN stays where a marker is missing throughout, where no artificial gap could be
        made, and where the expected error is above :data:`LARGEST_SIGMA_MM`.
    """
    measured = trial.valid & ~(trial.residuals < 0)
    positions = np.where(measured[..., None], trial.positions_mm, np.nan)
    method = np.where(measured, 0, STILL_MISSING).astype(np.int8)
    sigma = np.where(measured, 0.0, np.nan)
    scene = _Scene(
        positions,
        measured,
        kinship(positions, measured, trial.labels, marker_set, static),
        trial.rate_hz,
    )
    context = max(2, round(_CONTEXT_S * trial.rate_hz))
    outcomes: list[tuple[Gap, Fill | str]] = []
    for gap in find_gaps(measured, context):
        found = _fill_one(scene, gap)
        if isinstance(found, str) or found.method == "spline":
            found = _with_filled_mates(scene, gap, sigma, found)
        outcomes.append((gap, found))
        if isinstance(found, Fill):
            inside = slice(gap.first, gap.stop)
            positions[inside, gap.marker] = found.path
            sigma[inside, gap.marker] = found.sigma_mm
            method[inside, gap.marker] = METHOD_CODES[found.method]
    filled = replace(
        trial,
        positions_mm=positions,
        residuals=np.where(measured, trial.residuals, np.nan),
    )
    return FilledTrial(filled, method, sigma, _report(trial, measured, outcomes))


def _with_filled_mates(scene: _Scene, gap: Gap, sigma: FloatArray, first: Fill | str) -> Fill | str:
    """Try a gap again with mates whose own gaps were filled well; ``first`` where that gives nothing better."""
    with np.errstate(invalid="ignore"):
        usable = scene.seen | (sigma <= MATE_SIGMA_MM)
    usable[:, gap.marker] = scene.seen[:, gap.marker]
    around = slice(gap.first - gap.before, gap.stop + gap.after)
    if np.array_equal(usable[around], scene.seen[around]):
        return first
    again = _fill_one(replace(scene, seen=usable), gap)
    if isinstance(again, str):
        return first
    borrowed = np.where(scene.seen, 0.0, np.nan_to_num(sigma))[gap.first : gap.stop]
    borrowed = np.where(usable[gap.first : gap.stop], borrowed, 0.0).max(axis=1)
    again = replace(again, sigma_mm=np.hypot(again.sigma_mm, borrowed))
    if isinstance(first, Fill) and _rms(first.sigma_mm) <= _rms(again.sigma_mm):
        return first
    return again


def _fill_one(scene: _Scene, gap: Gap) -> Fill | str:
    """Fill one gap, or say why it stays."""
    own = scene.seen[:, gap.marker]
    if not own.any():
        return "it is missing in the whole trial"
    there = np.asarray(scene.seen[gap.first - gap.before : gap.stop + gap.after].all(axis=0))
    mates = choose_mates(gap.marker, there, scene.seen, scene.kin)
    free = own & scene.seen[:, [*mates.rigid, *mates.neighbours]].all(axis=1)
    if free.sum() < max(LEAST_SEEN_S * scene.rate_hz, gap.length / 2):
        return "it and its mates are seen together too rarely to measure the error"
    hidden, starts, apart = gap.length, *places(free, gap.before, gap.length, gap.after)
    # Errors of shorter gaps are carried over by how far the mates are missed: without mates they say nothing.
    shortest = gap.length / SHORTEST_REHEARSAL if len(mates.neighbours) >= 3 else gap.length
    while apart < LEAST_PLACES and hidden > max(1, shortest):
        hidden = hidden * 4 // 5
        starts, apart = places(free, gap.before, hidden, gap.after)
    if apart < LEAST_PLACES:
        return "no artificial gap of its length could be made to measure the error"

    def ways(windows: Windows) -> list[Candidate]:
        found: list[Candidate] = []
        if gap.length <= SPLINE_LONGEST_S * scene.rate_hz:
            found += spline(scene.positions, gap.marker, windows, mates)
        found += rigid(scene.positions, gap.marker, windows, mates)
        training = np.nonzero(free)[0]
        enough = max(_LEAST_TRAINING_S * scene.rate_hz, hidden)
        if gap.length <= PCA_LONGEST_S * scene.rate_hz and training.size - hidden >= enough:
            training = training[:: -(-training.size // _MOST_TRAINING)]
            found += pca(scene.positions, gap.marker, windows, mates, scene.kin.spread[gap.marker], training)
        return found

    first = np.array([gap.first], dtype=np.intp)
    if hidden == gap.length:
        windows = Windows(np.concatenate([first, starts]), gap.length, gap.before, gap.after)
        together = ways(windows)
        fills = [replace(way, path=way.path[:1], difficulty=way.difficulty[:1]) for way in together]
        rehearsals = [replace(way, path=way.path[1:], difficulty=way.difficulty[1:]) for way in together]
    else:
        fills = ways(Windows(first, gap.length, gap.before, gap.after))
        rehearsals = ways(Windows(starts, hidden, gap.before, gap.after))
        # Mates that nearly lie on a line may span a frame in the one and not in the other.
        common = {(way.method, way.kind) for way in fills} & {(way.method, way.kind) for way in rehearsals}
        fills = [way for way in fills if (way.method, way.kind) in common]
        rehearsals = [way for way in rehearsals if (way.method, way.kind) in common]
    if not fills:
        return "fewer than three mates are seen, and it is too long or at the end of the trial for a spline"
    truth = scene.positions[_inside(starts, hidden), gap.marker]
    fill = combine(fills, rehearsals, truth, apart, one_sided=not (gap.before and gap.after))
    expected = _rms(fill.sigma_mm)
    if not expected <= LARGEST_SIGMA_MM:
        return f"the expected error is {expected:.0f} mm, above {LARGEST_SIGMA_MM:.0f} mm"
    return fill


def _inside(starts: IntArray, length: int) -> IntArray:
    return np.asarray(starts[:, None] + np.arange(length))


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _report(trial: MarkerTrial, measured: NDArray[np.bool_], outcomes: Sequence[tuple[Gap, Fill | str]]) -> GapReport:
    """Sum up by marker and method."""
    rows, notes = [], []
    for marker, label in enumerate(trial.labels):
        own = [(gap, found) for gap, found in outcomes if gap.marker == marker]
        for method in (*METHOD_CODES, None):
            chosen = [(g, f) for g, f in own if (f.method if isinstance(f, Fill) else None) == method]
            if chosen:
                sigmas = [f.sigma_mm for _, f in chosen if isinstance(f, Fill)]
                samples = sum(gap.length for gap, _ in chosen)
                rows.append(
                    MarkerGaps(
                        marker=label,
                        method=method,
                        gaps=len(chosen),
                        samples=samples,
                        longest_s=max(gap.length for gap, _ in chosen) / trial.rate_hz,
                        share=samples / trial.n_frames,
                        sigma_mm=_rms(np.concatenate(sigmas)) if sigmas else float("nan"),
                    )
                )
        notes += _why_missing(trial, label, [(gap, found) for gap, found in own if isinstance(found, str)])
    negative = int((trial.valid & (trial.residuals < 0)).sum())
    if negative:
        notes.insert(0, f"{counted(negative, 'sample')} with a negative residual counted as missing")
    missing = int((~measured).sum())
    filled = sum(row.samples for row in rows if row.method is not None)
    share = missing / measured.size if measured.size else 0.0
    return GapReport(tuple(rows), share, filled / missing if missing else float("nan"), tuple(notes))


def _why_missing(trial: MarkerTrial, label: str, left: Iterable[tuple[Gap, str]]) -> list[str]:
    """One sentence per reason for which gaps of a marker stay."""
    reasons: dict[str, list[Gap]] = {}
    for gap, reason in left:
        reasons.setdefault(reason, []).append(gap)
    sentences = []
    for reason, gaps in reasons.items():
        longest = max(gaps, key=lambda gap: gap.length)
        frames = f"frames {trial.first_frame + longest.first} to {trial.first_frame + longest.stop - 1}"
        if len(gaps) == 1:
            sentences.append(f"{label}: the gap of {longest.length / trial.rate_hz:.2f} s ({frames}) stays: {reason}")
        else:
            sentences.append(f"{label}: {len(gaps)} gaps, the longest {frames}, stay: {reason}")
    return sentences
