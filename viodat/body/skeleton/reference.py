"""The posture in which a skeleton's places are measured: the static trial's, or a frame of the trial itself.

In it every segment's axes are the world's, so one place, mm, stands for a marker or a joint centre in any segment.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray
from viodat.body.marker_set import MarkerSet
from viodat.capture.markers import MarkerTrial
from viodat.errors import BodyError

STILL_MM: Final = 10.0
"""A static trial whose markers scatter more than this about their medians is not static; a note says so."""

LEAST_SPAN_MM: Final = 60.0
LARGEST_SPAN_MM: Final = 600.0
"""Median distance between the markers of pelvis or thorax, from a small child to a tall adult, with room."""

LARGEST_STRETCH: Final = 0.25
"""Twice what a child's pelvis differs from an adult's would pass for one person: this is for units, not for persons."""

LARGEST_CHANGE_MM: Final = 4.5
"""Median change of distances within head, trunk and feet between two trials of one person."""

_ROUND_FRAMES: Final = 2


@dataclass(frozen=True)
class Reference:
    """A posture.

    Attributes
    ----------
    posture
        A marker trial of one frame: the places of the markers, NaN of those that were not seen.
    from_static
        Whether it is the static trial's.
    notes
        What the reader of a report should know of it.
    """

    posture: MarkerTrial
    from_static: bool
    notes: tuple[str, ...] = ()

    @property
    def places(self) -> dict[str, FloatArray]:
        """(3,) mm by label, of the markers that were seen."""
        return {
            label: np.asarray(place)
            for label, place in zip(self.posture.labels, self.posture.positions_mm[0], strict=True)
            if np.isfinite(place).all()
        }


def reference_posture(trial: MarkerTrial, static: MarkerTrial | None) -> Reference:
    """Take the static trial's median posture, or without one the frame of the trial that shows most markers.

    Raises
    ------
    BodyError
        No frame shows any marker.
    """
    if static is not None and static.valid.any():
        notes = []
        posture = _one_frame(static, slice(None))
        with np.errstate(all="ignore"):
            away = np.linalg.norm(static.positions_mm - posture.positions_mm, axis=-1)
        scatter = float(np.nanpercentile(away, 90))
        if scatter > STILL_MM:
            notes.append(
                f"the static trial moves: its markers scatter by {scatter:.0f} mm (a static one by less than "
                f"{STILL_MM:.0f} mm), so joint centres from it are blurred"
            )
        return Reference(posture, True, tuple(notes))
    shown = trial.valid.sum(axis=1)
    if not shown.size or shown.max() == 0:
        raise BodyError(
            "no frame shows any marker of the marker set",
            where=trial.source,
            mend="Check the labels with viodat check.",
        )
    # The frame whose neighbours show most too, so that a single frame before a gap is not chosen.
    window = np.convolve(shown, np.ones(2 * _ROUND_FRAMES + 1), mode="same")
    frame = int(np.argmax(window))
    posture = _one_frame(trial, slice(max(frame - _ROUND_FRAMES, 0), frame + _ROUND_FRAMES + 1))
    number = trial.first_frame + frame
    note = f"there is no static trial: joint centres are estimated from the trial itself, around frame {number}"
    return Reference(posture, False, (note,))


def check_size(trial: MarkerTrial, reference: Reference, marker_set: MarkerSet) -> None:
    """Refuse a trial that is not of a person's size, or not of the size of its reference: a wrong unit.

    Raises
    ------
    BodyError
        The markers of pelvis or thorax stand closer together or farther apart than on a person, or by more than a
        quarter than in the reference posture.
    """
    places = reference.places
    for segment in ("pelvis", "thorax"):
        labels = [label for label in marker_set.of_segment(segment) if label in trial.labels and label in places]
        if len(labels) < 2:
            continue
        was = _span(np.array([[places[label] for label in labels]]))
        now = _span(np.stack([trial.marker(label) for label in labels], axis=1))
        for span, where in ((was, "in the reference posture"), (now, "in the trial")):
            if np.isfinite(span) and not LEAST_SPAN_MM <= span <= LARGEST_SPAN_MM:
                raise BodyError(
                    f"the markers of the {segment} stand {span:.3g} mm apart {where}; on people it is "
                    f"{LEAST_SPAN_MM:.0f} to {LARGEST_SPAN_MM:.0f} mm: the unit of length is probably wrong",
                    where=trial.source,
                    mend='Write the true unit into capture.toml [markers] units, such as units = "m".',
                )
        if np.isfinite(now) and abs(now / was - 1) > LARGEST_STRETCH:
            raise BodyError(
                f"the markers of the {segment} stand {now:.0f} mm apart in the trial and {was:.0f} mm in the static "
                "trial: they are not of one person, or not in one unit",
                where=trial.source,
                mend="Check which static trial belongs to this participant, and capture.toml [markers] units.",
            )


def unlike(trial: MarkerTrial, reference: Reference, marker_set: MarkerSet, name: str) -> tuple[str, ...]:
    """Say so if a trial seems to be of another person, or of other places of the markers, than the reference posture.

    Between the same markers of head, pelvis, thorax and feet, distances change by soft tissue alone: in the median by
    at most 4 mm on the children of a gait laboratory, and by 5 mm or more between two of them.
    """
    places = reference.places
    changes = []
    for segment in ("head", "pelvis", "thorax", "left_foot", "right_foot"):
        labels = [label for label in marker_set.of_segment(segment) if label in trial.labels and label in places]
        first, second = np.triu_indices(len(labels), 1)
        if not first.size:
            continue
        was = np.array([places[label] for label in labels])
        now = np.stack([trial.marker(label) for label in labels], axis=1)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            apart = np.nanmedian(np.linalg.norm(now[:, first] - now[:, second], axis=-1), axis=0)
        changes.append(np.abs(apart - np.linalg.norm(was[first] - was[second], axis=-1)))
    known = np.concatenate(changes) if changes else np.array([])
    known = known[np.isfinite(known)]
    if not known.size or float(np.median(known)) <= LARGEST_CHANGE_MM:
        return ()
    return (
        f"distances between markers of head, trunk and feet differ by {np.median(known):.1f} mm (median) between "
        f"{name} and the reference posture; on one person it is at most {LARGEST_CHANGE_MM:g} mm: another person, or "
        "markers put on anew",
    )


def _span(points: FloatArray) -> float:
    """Median distance between (F, M, 3) markers, over frames and pairs."""
    first, second = np.triu_indices(points.shape[1], 1)
    with np.errstate(all="ignore"):
        apart = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    known = apart[np.isfinite(apart)]
    return float(np.median(known)) if known.size else float("nan")


def _one_frame(trial: MarkerTrial, frames: slice) -> MarkerTrial:
    with np.errstate(all="ignore"):
        middle = np.full((1, len(trial.labels), 3), np.nan)
        seen = trial.valid[frames].any(axis=0)
        middle[0, seen] = np.nanmedian(trial.positions_mm[frames][:, seen], axis=0)
    return replace(
        trial,
        positions_mm=middle,
        residuals=np.zeros((1, len(trial.labels))),
        virtual={},
        other={},
        outputs={},
        analog=None,
    )
