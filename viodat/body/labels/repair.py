"""Repair what is certainly wrong with a trial's labels, in the order in which one fault hides another.

First left and right (and, with a static trial, neighbours) in the whole trial; then labels exchanged in a part of it;
then labels on no marker of their own. What is uncertain stays as measured and is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray
from viodat.body.labels.evidence import measure_shape, trace_paths
from viodat.body.labels.exchanges import Exchange, exchanged, repair_exchanges
from viodat.body.labels.report import LabelFault, LabelReport
from viodat.body.labels.sides import (
    Misnamed,
    find_exchanged_sides,
    find_misnamed_neighbours,
    mirrored_order,
    partner_pairs,
)
from viodat.body.labels.strays import Stray, find_duplicates, find_ghosts, find_spikes
from viodat.body.marker_set import MarkerSet
from viodat.capture.markers import MarkerTrial

FEWEST_FRAMES: Final = 8
"""Paths and distances cannot be judged in fewer frames; sides can."""


def repair_labels(
    trial: MarkerTrial, *, static: MarkerTrial | None = None, marker_set: MarkerSet | None = None
) -> tuple[MarkerTrial, LabelReport]:
    """Find swapped labels, ghosts, duplicates and spikes, and repair those that are certain.

    Parameters
    ----------
    trial
        Markers under any labels; it is not changed. Left and right partners differ in the side only (LKNE and RKNE,
        L_FLE and R_FLE, LeftHip and RightHip).
    static
        The participant's static trial: only with it neighbours exchanged in the whole trial are found.
    marker_set
        Only its labels are looked at; the others stay as they are. None: all labels. Which markers move together is
        measured in the trial itself, with or without a set.

    Returns
    -------
    tuple of MarkerTrial and LabelReport
        The trial with labels exchanged back where that is certain (positions and residuals alike) and NaN in place
        of ghosts, spikes and the wrong one of duplicates; and every fault, repaired or not, by first frame.

    Notes
    -----
    The methods and their thresholds are in docs/science/labels.md.
    """
    chosen = [k for k, name in enumerate(trial.labels) if _base(name) in marker_set.labels] if marker_set else None
    work = trial if chosen is None else _only(trial, chosen)
    if not work.labels or not work.valid.any():
        return trial, LabelReport((), ("labels could not be tested: no marker is seen in any frame",))
    faults: list[LabelFault] = []
    limits: list[str] = []
    misnamed, sides_known = find_exchanged_sides(work)
    if not sides_known and partner_pairs(work.labels):
        limits.append("no trunk or foot markers with a front and a back: an exchange of all sides could not be seen")
    work = _renamed(work, [found for found in misnamed if len(found.pairs) > 1], "sides", faults)
    if work.n_frames < FEWEST_FRAMES:
        limits.append(f"{work.n_frames} frames are too few to test labels by their paths")
    else:
        if static is not None:
            static = _renamed(static, find_exchanged_sides(static)[0], "sides", [])
            neighbours = find_misnamed_neighbours(
                work.labels, measure_shape(work.positions_mm), static.labels, measure_shape(static.positions_mm)
            )
            work = _renamed(work, neighbours, "swap", faults)
        work = _exchange(work, faults)
        # One pair by itself comes after exchanges in parts of the trial, which may look like it.
        work = _renamed(work, [f for f in find_exchanged_sides(work)[0] if len(f.pairs) == 1], "sides", faults)
        work = _remove_strays(work, faults)
    faults.sort(key=lambda fault: (fault.start_frame, fault.end_frame, fault.kind, fault.labels))
    report = LabelReport(tuple(faults), tuple(limits))
    if not any(fault.repaired for fault in faults):
        return trial, report
    if chosen is None:
        return work, report
    positions, residuals = trial.positions_mm.copy(), trial.residuals.copy()
    positions[:, chosen], residuals[:, chosen] = work.positions_mm, work.residuals
    return replace(trial, positions_mm=positions, residuals=residuals), report


def _base(label: str) -> str:
    return label.split("#")[0]


def _only(trial: MarkerTrial, chosen: Sequence[int]) -> MarkerTrial:
    return replace(
        trial,
        labels=tuple(trial.labels[k] for k in chosen),
        positions_mm=trial.positions_mm[:, list(chosen)],
        residuals=trial.residuals[:, list(chosen)],
    )


def _renamed(trial: MarkerTrial, misnamed: Sequence[Misnamed], kind: str, faults: list[LabelFault]) -> MarkerTrial:
    """Exchange labels in the whole trial where that is certain."""
    pairs: list[tuple[int, int]] = []
    last = trial.first_frame + trial.n_frames - 1
    for found in misnamed:
        labels = tuple(trial.labels[k] for pair in found.pairs for k in pair)
        faults.append(
            LabelFault(
                "sides" if kind == "sides" else "swap", labels, trial.first_frame, last, found.certain, found.evidence
            )
        )
        if found.certain:
            pairs.extend(found.pairs)
    if not pairs:
        return trial
    order = mirrored_order(len(trial.labels), pairs)
    return replace(trial, positions_mm=trial.positions_mm[:, order], residuals=trial.residuals[:, order])


def _exchange(trial: MarkerTrial, faults: list[LabelFault]) -> MarkerTrial:
    """Exchange labels back in parts of the trial."""
    partners = partner_pairs(trial.labels)
    shape = measure_shape(trial.positions_mm)
    positions, done, doubtful = repair_exchanges(trial.positions_mm, shape, trial.rate_hz, partners)
    sides = {frozenset(pair) for pair in partners}
    for group, repaired in [(g, True) for g in _cycles(done)] + [([e], False) for e in doubtful]:
        numbers = sorted({k for e in group for k in (e.a, e.b)})
        start, end = min(e.start for e in group), max(e.end for e in group)
        evidence = (
            f"paths gain {sum(e.paths_gain for e in group):.0f}, distances {sum(e.shape_gain for e in group):.0f}"
        )
        faults.append(
            LabelFault(
                "sides" if frozenset(numbers) in sides else "swap",
                tuple(trial.labels[k] for k in numbers),
                trial.first_frame + start,
                trial.first_frame + end - 1,
                repaired,
                evidence,
            )
        )
    if not done:
        return trial
    return replace(trial, positions_mm=positions, residuals=exchanged(trial.residuals, done))


def _cycles(done: Sequence[Exchange]) -> list[list[Exchange]]:
    """Put exchanges of the same frames that share a label together: they are one cycle of labels."""
    groups: list[list[Exchange]] = []
    for e in done:
        for group in groups:
            if any((e.start, e.end) == (g.start, g.end) and {e.a, e.b} & {g.a, g.b} for g in group):
                group.append(e)
                break
        else:
            groups.append([e])
    return groups


def _remove_strays(trial: MarkerTrial, faults: list[LabelFault]) -> MarkerTrial:
    """Set to NaN what is certainly no marker of its label: duplicates, spikes, then ghosts among what is left."""
    positions, residuals = trial.positions_mm, trial.residuals
    shape = measure_shape(positions)
    for stage in ("duplicate", "spike", "ghost"):
        paths = trace_paths(positions)
        if stage == "spike":
            found = find_spikes(paths, trial.rate_hz)
        elif stage == "duplicate":
            found = find_duplicates(paths, shape, trial.labels)
        else:
            found = find_ghosts(paths, shape)
        faults.extend(_fault(trial, stray) for stray in found)
        positions, residuals = _without(positions, found), _without(residuals, found)
    return replace(trial, positions_mm=positions, residuals=residuals)


def _fault(trial: MarkerTrial, stray: Stray) -> LabelFault:
    numbers = (stray.label,) if stray.other < 0 else (stray.other, stray.label)
    return LabelFault(
        stray.kind,
        tuple(trial.labels[k] for k in numbers),
        trial.first_frame + stray.start,
        trial.first_frame + stray.end - 1,
        stray.certain,
        stray.evidence,
    )


def _without(values: FloatArray, strays: Sequence[Stray]) -> FloatArray:
    certain = [stray for stray in strays if stray.certain]
    if not certain:
        return values
    result = np.array(values)
    for stray in certain:
        result[stray.start : stray.end, stray.label] = np.nan
    return result
