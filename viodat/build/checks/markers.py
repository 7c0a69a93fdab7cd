"""Checks of a trial's trajectories as such: are there any, are they labelled, do they move as things move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from viodat.build.checks.finding import Check, Level, Problem, TrialView
from viodat.errors import counted

MOST_SPEED_MM_S: Final = 15_000.0
"""The tip of a bow reaches 5 m/s; what is faster is a label that went to another marker."""

FEWEST_JUMPS: Final = 3

MOST_UNLABELLED: Final = 0.2
"""Of all samples that were seen."""

MOST_FROZEN: Final = 0.02
"""Of the frames: two in which no coordinate of any marker changes are one frame written twice."""

WINDOW_S: Final = 5.0
"""Length of the window that models are trained on by default."""

_SHOWN: Final = 3


def _none(view: TrialView) -> Iterator[Problem]:
    if view.markers is None:
        return
    if not view.markers.labels:
        analog = view.markers.analog
        what = f", only {counted(len(analog.labels), 'analog channel')}" if analog is not None else ""
        yield Problem(view.files.id, f"its file holds no marker{what}")
    elif not view.markers.valid.any():
        yield Problem(view.files.id, f"none of its {len(view.markers.labels)} markers is seen in any frame")


def _unlabelled(view: TrialView) -> Iterator[Problem]:
    if view.markers is None or view.inputs is None:
        return
    labelled = int(view.markers.valid.sum())
    nameless = [points for name, points in view.inputs.markers.other.items() if name.startswith("*")]
    without = sum(int(np.isfinite(points).all(-1).sum()) for points in nameless)
    share = without / max(labelled + without, 1)
    if share > MOST_UNLABELLED:
        yield Problem(
            view.files.id,
            f"{share:.0%} of the samples that were seen bear no label (unlabelled trajectories: {len(nameless)})",
            value=share,
            limit=MOST_UNLABELLED,
        )


def _repeated(view: TrialView) -> Iterator[Problem]:
    if view.markers is not None:
        names = sorted({label.partition("#")[0] for label in view.markers.labels if "#" in label})
        if names:
            shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
            yield Problem(view.files.id, f"several markers have one label: {shown}; the first of each is used")


def _jumps(view: TrialView) -> Iterator[Problem]:
    if view.markers is None or view.markers.n_frames < 2:
        return
    with np.errstate(invalid="ignore"):
        speed = np.linalg.norm(np.diff(view.markers.positions_mm, axis=0), axis=-1) * view.markers.rate_hz
    fast = (speed > MOST_SPEED_MM_S).sum(axis=0)
    if fast.sum() < FEWEST_JUMPS:
        return
    order = np.argsort(-fast, kind="stable")
    shown = ", ".join(f"{view.markers.labels[k]} {fast[k]} times" for k in order[:_SHOWN].tolist() if fast[k])
    yield Problem(
        view.files.id,
        f"markers leap faster than {MOST_SPEED_MM_S / 1000:g} m/s: {shown}",
        value=float(np.nanmax(speed)) / 1000,
        limit=MOST_SPEED_MM_S / 1000,
    )


def _frozen(view: TrialView) -> Iterator[Problem]:
    if view.markers is None or view.markers.n_frames < 2:
        return
    positions = view.markers.positions_mm
    same = (positions[1:] == positions[:-1]) | (np.isnan(positions[1:]) & np.isnan(positions[:-1]))
    frozen = same.all(axis=(1, 2)) & np.isfinite(positions[1:]).any(axis=(1, 2))
    share = float(frozen.mean())
    if share > MOST_FROZEN:
        first = view.markers.first_frame + 1 + int(np.argmax(frozen))
        yield Problem(
            view.files.id,
            f"in {share:.0%} of its frames no marker differs from the frame before, first in frame {first}",
            value=share,
            limit=MOST_FROZEN,
        )


def _brief(view: TrialView) -> Iterator[Problem]:
    if view.markers is not None and 0 < view.markers.seconds < WINDOW_S:
        yield Problem(
            view.files.id,
            f"lasts {view.markers.seconds:.1f} s, less than one training window of {WINDOW_S:g} s",
            value=view.markers.seconds,
            limit=WINDOW_S,
        )


CHECKS: Final[tuple[Check[TrialView], ...]] = (
    Check(
        "markers-absent",
        Level.ERROR,
        "Without markers there are no joints: the trial will be left out.",
        "Export the trial with its trajectories.",
        _none,
    ),
    Check(
        "markers-unlabelled",
        Level.WARNING,
        "A trajectory without a label is not used.",
        "Label the trial in the recording software and export it again.",
        _unlabelled,
    ),
    Check(
        "label-repeated",
        Level.WARNING,
        "Which of two markers of one name is meant, the file does not tell.",
        "Correct the labels in the recording software.",
        _repeated,
    ),
    Check(
        "marker-leaps",
        Level.NOTE,
        "A label that jumps to another marker draws the joint after it; the label check of a build repairs most.",
        "Look at these labels in the recording software.",
        _jumps,
    ),
    Check(
        "frames-frozen",
        Level.WARNING,
        "Frames that repeat the one before were lost in recording: velocities there are wrong.",
        "Export the trial again; if it stays so, cut it before the first of them.",
        _frozen,
    ),
    Check(
        "trial-brief",
        Level.NOTE,
        "A trial that is shorter than a window is padded, or not trained on.",
        "Nothing, if it was meant to be so.",
        _brief,
    ),
)
