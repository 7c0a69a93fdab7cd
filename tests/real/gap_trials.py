"""Artificial gaps in recordings without them, filled by ``fill_gaps`` and by each filler alone.

``python -m tests.real.gap_trials real`` prints the tables of docs/science/gaps.md; ``python -m tests.real.gap_trials
FOLDER`` those of a simulated capture.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from viodat.body import detect_marker_set
from viodat.body.gaps import fill_gaps
from viodat.body.gaps.fillers import Windows, pca, rigid, spline
from viodat.body.gaps.mates import choose_mates, kinship
from viodat.capture.c3d import read_c3d
from viodat.capture.markers import MarkerTrial

SECONDS = (0.1, 0.2, 0.5, 1.0)
WALKS = tuple(
    f"gait_lab/{child}/{child}{number}.c3d"
    for child, numbers in {
        "HC002D": ("06", "25"),
        "HC030A": ("05", "22"),
        "HC031A": ("06", "23"),
        "HC032A": ("03", "18"),
    }.items()
    for number in numbers
)
SERVE = "odd_c3d/kinematics_tennis_serve.c3d"
ALONE = ("spline", "rigid line", "rigid curve", "pca line", "pca curve")


@dataclass(frozen=True)
class Filled:
    """One artificial gap: errors (L, 3) mm of each way, None where it does not fill, and our sigma (L,) mm."""

    errors: dict[str, np.ndarray | None]
    sigma_mm: np.ndarray

    def rms(self, way: str) -> float:
        """3D error, mm: root mean square over the gap; NaN where the way does not fill it."""
        error = self.errors.get(way)
        return float("nan") if error is None else float(np.sqrt(np.mean(np.sum(error**2, axis=-1))))


def load_real(folder: Path) -> list[MarkerTrial]:
    """Walks of gait_lab and the tennis serve."""
    return [read_c3d(folder / name) for name in (*WALKS, SERVE)]


def try_gaps(
    trial: MarkerTrial,
    seconds: float,
    *,
    places: int = 3,
    every: int = 4,
    together: bool = False,
    phase: int = 0,
) -> list[Filled]:
    """Make gaps in every ``every``-th marker at ``places`` places, one at a time, and fill them.

    ``together`` hides the marker's steadiest mate too.
    """
    length, context = max(1, round(seconds * trial.rate_hz)), max(2, round(0.04 * trial.rate_hz))
    marker_set = detect_marker_set(trial.labels)
    kin = kinship(trial.positions_mm, trial.valid, trial.labels, marker_set)
    out = []
    for marker in range(phase, len(trial.labels), every):
        run = np.convolve(trial.valid[:, marker], np.ones(length + 2 * context), "valid")
        starts = np.nonzero(run > length + 2 * context - 0.5)[0] + context
        if not starts.size:
            continue
        for first in starts[np.rint(np.linspace(0, starts.size - 1, places + 2)).astype(int)][1:-1]:
            inside = slice(first, first + length)
            positions = trial.positions_mm.copy()
            positions[inside, marker] = np.nan
            if together:
                positions[inside, int(np.argmin(kin.spread[marker]))] = np.nan
            filled = fill_gaps(replace(trial, positions_mm=positions), marker_set=marker_set)
            truth = trial.positions_mm[inside, marker]
            ours = filled.trial.positions_mm[inside, marker]
            errors: dict[str, np.ndarray | None] = {"ours": ours - truth if np.isfinite(ours).all() else None}
            seen = np.isfinite(positions).all(axis=-1)
            mates = choose_mates(marker, seen[first - context : first + length + context].all(axis=0), seen, kin)
            window = Windows(np.array([first]), length, context, context)
            free = seen[:, [marker, *mates.neighbours]].all(axis=1)
            training = np.nonzero(free)[0]
            ways = spline(positions, marker, window, mates) + rigid(positions, marker, window, mates)
            if training.size >= max(length, 0.5 * trial.rate_hz):
                ways += pca(positions, marker, window, mates, kin.spread[marker], training)
            for way in ways:
                name = "spline" if way.method == "spline" else f"{way.method} {way.kind}"
                if (way.method, way.kind) != ("spline", "line"):
                    errors[name] = way.path[0] - truth
            out.append(Filled(errors, filled.sigma_mm[inside, marker]))
    return out


def try_ends(trial: MarkerTrial, seconds: float, *, every: int = 4) -> list[Filled]:
    """Hide the start, then the end, of the trial from every ``every``-th marker, and fill it."""
    length = round(seconds * trial.rate_hz)
    marker_set = detect_marker_set(trial.labels)
    out = []
    for marker in range(0, len(trial.labels), every):
        for inside in (slice(0, length), slice(trial.n_frames - length, trial.n_frames)):
            truth = trial.positions_mm[inside, marker]
            if not np.isfinite(truth).all():
                continue
            positions = trial.positions_mm.copy()
            positions[inside, marker] = np.nan
            filled = fill_gaps(replace(trial, positions_mm=positions), marker_set=marker_set)
            ours = filled.trial.positions_mm[inside, marker]
            error = ours - truth if np.isfinite(ours).all() else None
            out.append(Filled({"ours": error}, filled.sigma_mm[inside, marker]))
    return out


def figures(gaps: Sequence[Filled], ways: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Median, mean and root mean square (mm) of each way's error over the gaps that all of the ways fill."""
    table = np.array([[gap.rms(way) for way in ways] for gap in gaps])
    table = table[np.isfinite(table).all(axis=1)]
    return {
        way: (float(np.median(column)), float(np.mean(column)), float(np.sqrt(np.mean(column**2))))
        for way, column in zip(ways, table.T, strict=True)
    }


def coverage(gaps: Sequence[Filled]) -> tuple[float, float]:
    """Share of coordinates whose error is within one and within two sigma."""
    z = [np.abs(gap.errors["ours"]) / gap.sigma_mm[:, None] for gap in gaps if gap.errors["ours"] is not None]
    flat = np.concatenate([part.ravel() for part in z])
    return float(np.mean(flat <= 1)), float(np.mean(flat <= 2))


def main(where: str, *names: str) -> None:
    """Print the tables."""
    if where == "real":
        trials = load_real(Path(os.environ.get("VIODAT_REAL_DATA", "../shared/real")))
    else:
        trials = [read_c3d(Path(where) / name[:3] / f"{name}.c3d") for name in names]
    for together in (False, True):
        for seconds in SECONDS:
            gaps = [gap for trial in trials for gap in try_gaps(trial, seconds, together=together)]
            kept = [gap for gap in gaps if np.isfinite(gap.rms("ours"))]
            found = figures(kept, ("ours", *ALONE))
            one, two = coverage(kept)
            alone = sum(np.isfinite(g.rms("ours")) and not np.isfinite(g.rms("rigid line")) for g in gaps)
            print(
                f"{'two' if together else 'one'} {seconds} s: {len(gaps)} gaps, {len(kept)} filled, {alone} of them "
                f"with no rigid mates; 1 sigma {100 * one:.1f} %, 2 sigma {100 * two:.1f} %"
            )
            for way, values in found.items():
                print(f"    {way:12s}" + "".join(f"{value:9.3f}" for value in values))
    for seconds in SECONDS:
        gaps = [gap for trial in trials for gap in try_ends(trial, seconds)]
        kept = [gap for gap in gaps if np.isfinite(gap.rms("ours"))]
        values, (one, two) = figures(kept, ("ours",))["ours"], coverage(kept)
        print(
            f"end {seconds} s: {len(gaps)} gaps, {len(kept)} filled; 1 sigma {100 * one:.1f} %, 2 sigma "
            f"{100 * two:.1f} %;" + "".join(f"{value:9.3f}" for value in values)
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
