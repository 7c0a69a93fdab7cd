"""Checks of one participant: what is said of them, and the static and range-of-motion trials that serve all others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body import MarkerSet, detect_marker_set
from viodat.build.checks.finding import Check, Level, ParticipantView, Problem
from viodat.build.joints import named_marker_set
from viodat.build.quality import NOT_BODY, segment_labels
from viodat.capture.markers import MarkerTrial

FloatArray = NDArray[np.float64]

LEG_SHARE: Final = (0.42, 0.60)
"""Leg length (iliac spine to malleolus) as a share of the height: 0.48 to 0.55 in adults and schoolchildren, with room
for what callipers and memory err."""

MOST_SIDE_DIFFERENCE: Final = 0.12
"""Between the left and the right measurement of one length, as a share."""

MOST_STATIC_MM: Final = 25.0
"""Who stands sways by some mm in a few seconds."""

LEAST_ROM_MM: Final = 150.0
"""In a range-of-motion trial a quarter of the markers go further than this; a standing person's go some mm."""

MOST_BODY_DIFFERENCE: Final = 0.04
"""Median difference of the distances between markers on one segment, as a share: below 0.01 while markers stay where
they are, above 0.045 between any two of twelve simulated players."""

_LEAST_APART_MM: Final = 60.0
_LEAST_PAIRS: Final = 4
_SIDED: Final = ("leg_length", "knee_width", "ankle_width", "shoulder_offset", "elbow_width", "wrist_width")


def _consent(view: ParticipantView) -> Iterator[Problem]:
    if view.person.consent is None:
        yield Problem(view.person.id, "nobody says whether this participant agrees to be in the dataset")


def _refused(view: ParticipantView) -> Iterator[Problem]:
    if view.person.consent is False:
        yield Problem(view.person.id, "did not consent, so none of their trials will be built")


def _handedness(view: ParticipantView) -> Iterator[Problem]:
    if view.person.handedness is None:
        yield Problem(view.person.id, "nobody says which hand this participant writes and bows with")


def _implausible(view: ParticipantView) -> Iterator[Problem]:
    values, name = view.person.measurements, view.person.id
    height = values.get("height_mm")
    for side in ("left", "right"):
        leg = values.get(f"leg_length_{side}_mm")
        if leg and height and not LEG_SHARE[0] <= leg / height <= LEG_SHARE[1]:
            yield Problem(
                name,
                f"leg_length_{side}_mm {leg:g} is {leg / height:.0%} of height_mm {height:g}; {LEG_SHARE[0]:.0%} to "
                f"{LEG_SHARE[1]:.0%} was expected",
                value=leg / height,
                limit=LEG_SHARE[0] if leg / height < LEG_SHARE[0] else LEG_SHARE[1],
            )
    for what in _SIDED:
        left, right = (values.get(f"{what}_{side}_mm") for side in ("left", "right"))
        # Small parts are measured to some mm.
        if left and right and abs(left - right) > max(MOST_SIDE_DIFFERENCE * max(left, right), 12.0):
            yield Problem(
                name,
                f"{what}_left_mm is {left:g} and {what}_right_mm {right:g}: the two sides of a body are more alike",
                value=abs(left - right) / max(left, right),
                limit=MOST_SIDE_DIFFERENCE,
            )


def _static_moves(view: ParticipantView) -> Iterator[Problem]:
    if view.static is not None and not _is_a_take(view, view.static):
        moved = float(np.nanmedian(_travel_mm(view.static))) if view.static.valid.any() else 0.0
        if moved > MOST_STATIC_MM:
            yield Problem(
                _name(view.static, view),
                f"its markers travel {moved:.0f} mm (median); a static trial is of somebody who stands still",
                value=moved,
                limit=MOST_STATIC_MM,
            )


def _is_a_take(view: ParticipantView, trial: MarkerTrial) -> bool:
    return any(item.marker_file == trial.source for item in view.raw.layout.trials)


def _still(view: ParticipantView) -> Iterator[Problem]:
    if view.rom is not None and view.rom.valid.any():
        moved = float(np.nanpercentile(_travel_mm(view.rom), 75))
        if moved < LEAST_ROM_MM:
            yield Problem(
                _name(view.rom, view),
                f"three quarters of its markers travel less than {moved:.0f} mm: hardly a range of motion",
                value=moved,
                limit=LEAST_ROM_MM,
            )


def _foreign(view: ParticipantView) -> Iterator[Problem]:
    if view.trial is None or view.trial.markers is None:
        return
    own = view.trial.markers
    marker_set = named_marker_set(view.raw.config) or detect_marker_set(own.labels)
    for other in (view.static, view.rom):
        if marker_set is None or other is None or other.source == own.source:
            continue
        differs = body_difference(own, other, marker_set)
        if differs > MOST_BODY_DIFFERENCE:
            yield Problem(
                _name(other, view),
                f"markers on one segment lie {differs:.0%} (median) closer or wider than in {view.trial.files.id}: "
                "it shows another person, or markers were put on anew",
                value=differs,
                limit=MOST_BODY_DIFFERENCE,
            )


def body_difference(one: MarkerTrial, other: MarkerTrial, marker_set: MarkerSet) -> float:
    """Median relative difference of the distances of markers on one segment of the body; NaN where too few are known.

    A wrong unit is not another body: the common factor that whole powers of ten explain is taken out.
    """
    found: list[float] = []
    for segment, labels in segment_labels(one, marker_set).items():
        if segment in NOT_BODY:
            continue
        for first, second in combinations([label for label in labels if label in other.labels], 2):
            here, there = (_apart(trial, first, second) for trial in (one, other))
            if here > _LEAST_APART_MM and there > 0:
                found.append(float(np.log(there / here)))
    if len(found) < _LEAST_PAIRS:
        return float("nan")
    factor = np.log(10) * round(float(np.median(found)) / float(np.log(10)))
    return float(np.median(np.abs(np.array(found) - factor)))


def _apart(trial: MarkerTrial, first: str, second: str) -> float:
    apart = np.linalg.norm(trial.marker(first) - trial.marker(second), axis=-1)
    known = apart[np.isfinite(apart)]
    return float(np.median(known)) if len(known) else 0.0


def _travel_mm(trial: MarkerTrial) -> FloatArray:
    """(M,) mm: how far each marker goes, from the 2nd to the 98th percentile of its widest axis."""
    seen = [column[np.isfinite(column).all(-1)] for column in np.moveaxis(trial.positions_mm, 1, 0)]
    return np.array(
        [float(np.ptp(np.percentile(one, (2, 98), axis=0), axis=0).max()) if len(one) else np.nan for one in seen]
    )


def _name(trial: MarkerTrial, view: ParticipantView) -> str:
    return trial.source.name if trial.source is not None else view.person.id


CHECKS: Final[tuple[Check[ParticipantView], ...]] = (
    Check(
        "consent-unknown",
        Level.WARNING,
        "A dataset that is handed on needs the consent of everybody in it.",
        "Write yes or no into the column consent of participants.csv.",
        _consent,
    ),
    Check(
        "consent-refused",
        Level.NOTE,
        "Who does not agree is left out, and the raw files are still here.",
        "Nothing, if that is right; keep or delete the raw files as you agreed.",
        _refused,
    ),
    Check(
        "handedness-unknown",
        Level.NOTE,
        "Who bows with the left hand looks like a mirrored player.",
        "Write left or right into the column handedness of participants.csv.",
        _handedness,
    ),
    Check(
        "measurement-implausible",
        Level.WARNING,
        "Plug-in Gait centres move by millimetres for each centimetre that a measurement errs.",
        "Measure again, or correct it in participants.csv or capture.toml [participants].",
        _implausible,
    ),
    Check(
        "static-moves",
        Level.WARNING,
        "Offsets that are taken from the static trial are blurred by movement.",
        "Cut it to where the participant stands still, or name the right file in capture.toml [files] static.",
        _static_moves,
    ),
    Check(
        "rom-still",
        Level.WARNING,
        "Joint centres are found from how far the limbs turn; without movement they are not.",
        "Record it again, or name the right file in capture.toml [files] rom.",
        _still,
    ),
    Check(
        "calibration-trial-foreign",
        Level.WARNING,
        "Lengths and offsets of another body go into every joint of every trial.",
        "Name the participant's own file in capture.toml [files] static or rom.",
        _foreign,
    ),
)
