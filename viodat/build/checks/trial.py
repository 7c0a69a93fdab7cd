"""Checks of one trial: can it be read, are its labels right, do its measurements agree with its markers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from viodat.body import MARKER_SETS, audit_sides, audit_upright, declared_diameter_check, detect_marker_set
from viodat.build.checks.finding import Check, Level, Problem, TrialView, from_error
from viodat.build.gates import with_limits
from viodat.build.joints import named_marker_set
from viodat.build.quality import size_readings
from viodat.capture.spelling import nearest
from viodat.joints import JOINTS

MAX_GAP_SHARE: Final = 0.2
"""A marker that is missing in a larger share of the frames is worth a look."""

_SHOWN_GAPS: Final = 3
IN_PART: Final = re.compile(r"look exchanged in [\d,]+ of [\d,]+ frames")
"""What the audit of sides says of labels that are exchanged in some frames only."""


def _unreadable(view: TrialView) -> Iterator[Problem]:
    if view.error is not None:
        yield from_error(view.files.id, view.error)


def _optional(view: TrialView) -> Iterator[Problem]:
    if view.inputs is not None:
        for path, error in view.inputs.unread:
            yield Problem(path.name, f"{error.problem} ({view.files.id} does without it)", mend=error.mend)


def _reader_notes(view: TrialView) -> Iterator[Problem]:
    if view.inputs is not None:
        for note in view.inputs.markers.notes:
            yield Problem(view.files.id, note.rstrip("."))


def _wrong_size(view: TrialView) -> Iterator[Problem]:
    if view.inputs is None or view.markers is None:
        return
    gates, config = with_limits(view.raw.config.gates), view.raw.config
    marker_set = named_marker_set(config) or detect_marker_set(view.markers.labels)
    files = ((view.files.id, view.inputs.markers), ("static trial", view.inputs.static), ("ROM trial", view.inputs.rom))
    for what, trial in files:
        for reading in size_readings(trial, marker_set, gates, config.markers.units) if trial is not None else ():
            if not reading.kept:
                where = view.files.id if trial is view.inputs.markers else f"{view.files.id} ({what})"
                yield Problem(
                    where, reading.detail or reading.gate.finds, reading.value, reading.gate.limit, reading.mend or None
                )


def _swapped(view: TrialView) -> Iterator[Problem]:
    for sentence in _exchanges(view):
        if not IN_PART.search(sentence):
            yield Problem(view.files.id, sentence.rstrip("."))


def _swapped_in_part(view: TrialView) -> Iterator[Problem]:
    for sentence in _exchanges(view):
        if IN_PART.search(sentence):
            yield Problem(view.files.id, sentence.rstrip("."))


def _exchanges(view: TrialView) -> list[str]:
    return audit_sides(view.markers, view.joints) if view.markers is not None else []


def _not_upright(view: TrialView) -> Iterator[Problem]:
    if view.joints is not None:
        for sentence in audit_upright(view.joints):
            yield Problem(view.files.id, sentence)


def _misspelt(view: TrialView) -> Iterator[Problem]:
    if view.joints is None or view.inputs is None or view.joints.marker_set not in MARKER_SETS:
        return
    labels, wanted = view.inputs.markers.labels, MARKER_SETS[view.joints.marker_set]
    absent = [label for label in wanted.take_labels if label not in labels]
    for label in labels:
        if label not in wanted.labels and (meant := nearest(label, absent)):
            yield Problem(
                view.files.id,
                f"marker {meant} is missing, and the file has an unknown {label}",
                mend=f'If it is the same, write {label} = "{meant}" into capture.toml [markers.labels].',
            )


def _assumed(view: TrialView) -> Iterator[Problem]:
    if view.joints is not None:
        for note in view.joints.notes:
            yield Problem(view.files.id, note.rstrip("."))


def _diameter(view: TrialView) -> Iterator[Problem]:
    if view.inputs is None:
        return
    found = declared_diameter_check(view.inputs.markers, view.inputs.measurements.values)
    if found is not None and found.contradicts:
        yield Problem(
            view.files.marker_file.name,
            f"the marker diameter is declared as {found.declared_mm:g} mm, but the joint centres in the file were "
            f"computed with {found.used_mm:.2f} mm (residual {found.residual_mm:.4f} mm): every Plug-in Gait centre is "
            f"off by {abs(found.declared_mm - found.used_mm) / 2:.2f} mm",
            value=found.declared_mm,
            limit=found.used_mm,
        )


def _conflicts(view: TrialView) -> Iterator[Problem]:
    if view.inputs is not None:
        for conflict in view.inputs.measurements.conflicts:
            yield Problem(view.files.id, conflict.rstrip("."))


def _no_marker_set(view: TrialView) -> Iterator[Problem]:
    if view.joints is not None and view.markers is not None and not view.joints.marker_set:
        labels = ", ".join(view.markers.labels[:8])
        yield Problem(view.files.id, f"its {len(view.markers.labels)} markers fit no known marker set ({labels} ...)")


def _undetermined(view: TrialView) -> Iterator[Problem]:
    if view.joints is None:
        return
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for joint, how in zip(JOINTS, view.joints.method, strict=True):
        if how.startswith("none"):
            reasons[how.removeprefix("none: ")].append(joint)
    for reason, joints in reasons.items():
        yield Problem(view.files.id, f"{', '.join(joints)} will be null: {reason}")


def _gaps(view: TrialView) -> Iterator[Problem]:
    if view.markers is None or not view.markers.n_frames:
        return
    shares = dict(zip(view.markers.labels, (~view.markers.valid).mean(0), strict=True))
    worst = sorted((label for label in shares if shares[label] > MAX_GAP_SHARE), key=lambda label: -shares[label])
    if worst:
        named = ", ".join(f"{label} in {shares[label]:.0%}" for label in worst[:_SHOWN_GAPS])
        more = f" and {len(worst) - _SHOWN_GAPS} more markers" if len(worst) > _SHOWN_GAPS else ""
        yield Problem(
            view.files.id, f"missing in many frames: {named}{more}", value=float(shares[worst[0]]), limit=MAX_GAP_SHARE
        )


CHECKS: Final[tuple[Check[TrialView], ...]] = (
    Check(
        "trial-unreadable",
        Level.ERROR,
        "The trial will be left out.",
        "Export it again from the recording software.",
        _unreadable,
    ),
    Check(
        "optional-file-unreadable",
        Level.WARNING,
        "The trial is built without it.",
        "Export it again from the recording software.",
        _optional,
    ),
    Check(
        "marker-file-note",
        Level.NOTE,
        "The reader found something unusual in the marker file and handled it as it says.",
        "Nothing, if that is right.",
        _reader_notes,
    ),
    Check(
        "body-size",
        Level.ERROR,
        "The markers are in a wrong unit: the trial will be left out; a static or range-of-motion trial is not used.",
        "Say which unit the file holds in capture.toml [markers] units.",
        _wrong_size,
    ),
    Check(
        "swapped-sides",
        Level.ERROR,
        "Left and right joints would change places, and a model would learn it.",
        "Correct the labels in the recording software, or map them in capture.toml [markers.labels].",
        _swapped,
    ),
    Check(
        "sides-exchanged-in-part",
        Level.WARNING,
        "For a while a label was on the other side's marker; the label check of a build exchanges most of them back.",
        "Correct the labels in the recording software.",
        _swapped_in_part,
    ),
    Check(
        "world-not-upright",
        Level.ERROR,
        "Heights, cameras and every picture would lie on their side.",
        "Say which axes are the world's in capture.toml [markers] axes.",
        _not_upright,
    ),
    Check(
        "label-misspelt",
        Level.WARNING,
        "A joint that needs the marker is null in the whole trial.",
        "Map the label in capture.toml [markers.labels].",
        _misspelt,
    ),
    Check(
        "joint-assumption",
        Level.WARNING,
        "Joint centres depend on a number that was assumed, or that the markers contradict.",
        "Measure it, and write it into participants.csv or capture.toml [participants].",
        _assumed,
    ),
    Check(
        "marker-diameter",
        Level.ERROR,
        "Every Plug-in Gait centre moves by half the difference.",
        "Measure a marker, and write marker_diameter_mm into capture.toml [participants] or participants.csv.",
        _diameter,
    ),
    Check(
        "measurement-conflict",
        Level.WARNING,
        "Two files state different measurements of one participant.",
        "Correct the one that is wrong; capture.toml wins over participants.csv, .vsk and the marker file.",
        _conflicts,
    ),
    Check(
        "marker-set-unknown",
        Level.WARNING,
        "Only joints whose markers are known by name are determined.",
        "Name it in capture.toml [markers] set, or map your labels in [markers.labels].",
        _no_marker_set,
    ),
    Check(
        "joint-undetermined",
        Level.NOTE,
        "The joint is null in the whole trial.",
        "Add the markers or measurements if you have them.",
        _undetermined,
    ),
    Check(
        "marker-gaps",
        Level.WARNING,
        "Joints that need the marker are null where it is missing.",
        "Label the trial again, or fill the gaps in the recording software.",
        _gaps,
    ),
)
