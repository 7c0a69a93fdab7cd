"""Learning curves: loss and validation error over epochs, a small pair of panels per model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.report.results import svg
from viodat.report.results.svg import Figure, FloatArray
from viodat.report.results.values import Results, Row, fixed, ranked, series
from viodat.report.wording import printable

_COLUMNS: Final = 4
_MOST: Final = 8
"""Models in one figure: two rows, which a printed page holds."""
_PITCH_X: Final = svg.WIDTH / _COLUMNS
_LEFT: Final = 50.0
_LOSS: Final = 72.0
_ERROR: Final = 72.0
_BETWEEN: Final = 14.0
_HEAD: Final = 22.0
_PITCH_Y: Final = _HEAD + _LOSS + _BETWEEN + _ERROR + 56.0


@dataclass(frozen=True)
class _Stage:
    """One stage of a recipe in one run, by epoch, counted from ``begin``: loss, MPJPE (mm) and MPJVE on validation."""

    name: str
    begin: int
    loss: FloatArray
    error_mm: FloatArray
    mpjve: FloatArray

    @property
    def end(self) -> int:
        return self.begin + max(len(self.loss), len(self.error_mm))


_Run = tuple[_Stage, ...]
"""One seed's (and fold's) training, its stages one after the other."""


def learning_curves(results: Results) -> list[Figure] | str:
    """Draw the curves of every model that has some, eight to a figure."""
    rows = [(row, runs) for row in ranked(results) if (runs := _runs(row))]
    if not rows:
        return "Had training ended: no model has learning curves (floors are solved, not trained)."
    figures = []
    for start in range(0, len(rows), _MOST):
        part = rows[start : start + _MOST]
        marks = []
        for k, (row, runs) in enumerate(part):
            marks += _drawn(row, runs, (k % _COLUMNS) * _PITCH_X, (k // _COLUMNS) * _PITCH_Y)
        height = _PITCH_Y * ((len(part) - 1) // _COLUMNS + 1)
        caption = (
            "Above: training loss on a log scale, each model's own (losses of different models cannot be compared). "
            "Below: MPJPE on the validation split, mm. Over epochs, one line per seed and fold. “Last tenth”: mean "
            "validation MPJPE, and MPJVE, of the last tenth of the last stage's epochs minus that of the tenth before; "
            "near 0 it had settled. A dashed line is where a further stage of the recipe begins."
            if not start
            else "As in the figure before, for further models."
        )
        figures.append(
            Figure(
                f"curves{start // _MOST + 1 if start else ''}",
                "Had training ended?" if not start else "Had training ended? (continued)",
                svg.drawing(height, "Loss and validation MPJPE over epochs", marks),
                caption,
            )
        )
    return figures


def _runs(row: Row) -> list[_Run]:
    found: dict[tuple[str, str], _Run] = {}
    for curve in row.get("curves") or ():
        key = (str(curve.get("seed")), str(curve.get("fold", "")))
        before = found.get(key, ())
        loss, error, mpjve = (series(curve.get(key)) for key in ("loss", "validation_mm", "validation_mpjve"))
        if np.isfinite(loss).any() or np.isfinite(error).any():
            name = printable(str(curve.get("stage", "")))
            found[key] = (*before, _Stage(name, before[-1].end if before else 0, loss, error, mpjve))
    return list(found.values())


def last_tenth(error: FloatArray) -> float | None:
    """Give the mean of the last tenth of epochs minus that of the tenth before; None where one has no value."""
    tenth = max(len(error) // 10, 1)
    late, before = error[-tenth:], error[-2 * tenth : -tenth]
    late, before = late[np.isfinite(late)], before[np.isfinite(before)]
    return float(late.mean() - before.mean()) if late.size and before.size else None


def _drawn(row: Row, runs: Sequence[_Run], x0: float, y0: float) -> list[str]:
    left, right = x0 + _LEFT, x0 + _PITCH_X - 16
    stages = [stage for run in runs for stage in run]
    across = svg.Scale(1.0, float(max(2, *(stage.end for stage in stages))), left, right)
    loss_top = y0 + _HEAD
    error_top = loss_top + _LOSS + _BETWEEN
    bottom = error_top + _ERROR
    errors = np.concatenate([stage.error_mm for stage in stages])
    losses = svg.scale(np.concatenate([stage.loss for stage in stages]), loss_top + _LOSS, loss_top, log=True)
    lengths = svg.scale(errors, bottom, error_top)
    validated = bool(np.isfinite(errors).any())
    marks = [svg.text(x0, y0 + 12, svg.fit(str(row["label"]), _PITCH_X - 24), bold=True)]
    marks += svg.value_axis(losses, left, right, most=4)
    marks += svg.value_axis(lengths, left, right, most=4) if validated else []
    marks += svg.time_axis(across, loss_top, loss_top + _LOSS, "", labelled=False, grid=False)
    marks += svg.time_axis(across, error_top, bottom, "epoch", most=5, grid=False)
    marks.append(_side(x0 + 10, loss_top + _LOSS / 2, "loss"))
    for stage in runs[0][1:]:
        x = across(stage.begin + 1.0)
        marks.append(svg.segment(x, loss_top, x, bottom, svg.QUIET, dash="3 3"))
        words = svg.fit(stage.name, right - x - 4, svg.SMALL)
        marks.append(svg.text(right, loss_top + 9, words, size=svg.SMALL, colour=svg.QUIET, anchor="end"))
    thin = 1.3 if len(runs) <= 3 else 0.8
    for stage in stages:
        epochs = across.of(stage.begin + np.arange(1, stage.end - stage.begin + 1, dtype=np.float64))
        marks.append(svg.line(epochs, losses.of(stage.loss), svg.MODEL, thin))
        # Validation may be every few epochs: what lies between is no gap.
        there = np.flatnonzero(np.isfinite(stage.error_mm))
        marks.append(svg.line(epochs[there], lengths.of(stage.error_mm[there]), svg.MODEL, thin))
    if not validated:
        middle = ((left + right) / 2, error_top + _ERROR / 2 + 4)
        return [*marks, svg.text(*middle, "no validation", size=svg.SMALL, colour=svg.QUIET, anchor="middle")]
    marks.append(_side(x0 + 10, error_top + _ERROR / 2, "mm"))
    last = [run[-1] for run in runs]
    settled = ((9, 2, "mm", [one.error_mm for one in last]), (20, 3, "mm/frame", [one.mpjve for one in last]))
    for down, digits, unit, ends in settled:
        changes = [change for end in ends if (change := last_tenth(end)) is not None]
        if changes:
            told = f"last tenth: {fixed(float(np.mean(changes)), digits, sign=True)} {unit}"
            marks += svg.note(right, error_top + down, told)
    return marks


def _side(x: float, y: float, words: str) -> str:
    return svg.text(x, y, words, size=svg.SMALL, colour=svg.QUIET, anchor="middle", turned=True)
