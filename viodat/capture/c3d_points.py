"""Whose each point of a C3D file is, and what: marker, computed point, output, or neither.

Labels may carry a subject's name (``Derrick:LASI``), one file may hold several subjects (a player, a violin, a
bow), labels repeat and are left blank. Prefixes are stripped only where they are a subject's. POINT:ANGLES, FORCES,
MOMENTS, POWERS and SCALARS list the points that are no positions; names decide the rest
(:mod:`viodat.capture.point_names`).

Source: The C3D File Format User Guide (Motion Lab Systems), chapter on POINT; Vicon C3D documentation of SUBJECTS
and POINT:TYPE_GROUPS.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from viodat.capture.c3d_parameters import Parameters, texts
from viodat.capture.point_names import PointKind, classify, is_unlabelled
from viodat.errors import CaptureError

_OUTPUT_GROUPS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS")
_OUTPUT_TYPES = ("ANGLE", "FORCE", "MOMENT", "POWER", "SCALAR")
_MODELLED = "MODELED_MARKERS"


class Role(StrEnum):
    """Where a point goes in a :class:`~viodat.capture.markers.MarkerTrial`."""

    MARKER = "marker"
    VIRTUAL = "virtual"
    OTHER = "other"
    OUTPUT = "output"


@dataclass(frozen=True)
class SortedPoints:
    """The points of a file, sorted.

    Attributes
    ----------
    labels
        As in the file, one per point.
    names
        Unique names without the subject's prefix.
    roles
        One per point.
    repeats
        Label -> indices of the points that share it, for labels that occur more than once.
    subject
        The subject whose markers these are; empty where the file names nobody.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    roles: tuple[Role, ...]
    repeats: dict[str, list[int]]
    subject: str


def sort_points(
    path: Path,
    parameters: Parameters,
    n_points: int,
    *,
    markers: Collection[str] | None,
    subject: str | None,
    notes: list[str],
) -> SortedPoints:
    """Sort the points of a file by subject and role.

    Parameters
    ----------
    path
        For messages.
    parameters
        Of the file.
    n_points
        Number of points in its data.
    markers
        Names of the marker set; None takes every labelled point that is not computed.
    subject
        Whose markers; None takes the only or first subject.
    notes
        Gets a sentence for each thing that had to be settled.

    Raises
    ------
    CaptureError
        The file names subjects, and ``subject`` is none of them.
    """
    labels = texts(parameters, "POINT", "LABELS")[:n_points]
    if len(labels) < n_points:
        notes.append(f"it labels {len(labels)} of its {n_points} points: the others are unlabelled")
        labels += [""] * (n_points - len(labels))
    chosen, prefixes = _subjects(path, parameters, labels, subject, notes)
    split = [_split(label, prefixes) for label in labels]
    shared = len(prefixes) > 1 and chosen in prefixes
    own = [head == chosen or (not head and not shared) or (not head and is_unlabelled(tail)) for head, tail in split]
    stray = [tail for (head, tail), mine in zip(split, own, strict=True) if not mine and not head]
    if stray:
        notes.append(f"points without a subject's prefix are not taken as {chosen}'s: {', '.join(stray)}")
    plain = [tail if mine else label for label, (_, tail), mine in zip(labels, split, own, strict=True)]
    kinds = classify(plain, markers=markers)
    outputs, modelled = _listed(parameters)
    roles = tuple(
        Role.OUTPUT
        if label in outputs or name in outputs
        else _role(name, kind, mine, label in modelled or name in modelled, markers)
        for label, name, kind, mine in zip(labels, plain, kinds, own, strict=True)
    )
    names, repeats = _unique(plain)
    return SortedPoints(tuple(labels), names, roles, repeats, chosen)


def _role(name: str, kind: PointKind, mine: bool, modelled: bool, markers: Collection[str] | None) -> Role:
    if kind is PointKind.OUTPUT:
        return Role.OUTPUT
    if not mine or kind is PointKind.UNLABELLED:
        return Role.OTHER
    if markers is not None and name in markers:
        return Role.MARKER
    if modelled or kind is PointKind.VIRTUAL:
        return Role.VIRTUAL
    return Role.MARKER if markers is None else Role.OTHER


def _subjects(
    path: Path, parameters: Parameters, labels: Sequence[str], wanted: str | None, notes: list[str]
) -> tuple[str, list[str]]:
    """Whose markers to take, and the prefixes that labels of this file carry."""
    names = [name for name in texts(parameters, "SUBJECTS", "NAMES") if name]
    stated = [prefix.rstrip(":") for prefix in texts(parameters, "SUBJECTS", "LABEL_PREFIXES") if prefix]
    heads = list(dict.fromkeys(label.partition(":")[0] for label in labels if ":" in label))
    prefixes = [head for head in heads if head in names or head in stated]
    if not prefixes:
        labelled = [label for label in labels if not is_unlabelled(label)]
        shared = len(heads) == 1 and all(label.startswith(heads[0] + ":") for label in labelled)
        if shared or wanted in heads:
            prefixes = heads
    present = list(dict.fromkeys([*names, *prefixes]))
    if wanted is not None:
        match = next((name for name in present if name.casefold() == wanted.casefold()), None)
        if match is None and present:
            raise CaptureError(
                f"holds no subject {wanted!r}, it holds {', '.join(present)}",
                where=path,
                mend="Name one of them, as capture.toml [markers] subject or the argument subject.",
            )
        return match or wanted, prefixes
    candidates = [name for name in names if name in prefixes] or prefixes or names
    chosen = candidates[0] if candidates else ""
    if len(present) > 1:
        notes.append(
            f"it holds {len(present)} subjects ({', '.join(present)}): the markers of {chosen} are taken"
            if prefixes
            else f"it holds {len(present)} subjects ({', '.join(present)}) whose labels do not say whose they are"
        )
    return chosen, prefixes


def _split(label: str, prefixes: Collection[str]) -> tuple[str, str]:
    head, colon, tail = label.partition(":")
    return (head, tail.strip()) if colon and head in prefixes else ("", label)


def _listed(parameters: Parameters) -> tuple[set[str], set[str]]:
    """Labels that the file lists as outputs, and as modelled markers."""
    pairs = texts(parameters, "POINT", "TYPE_GROUPS")
    typed = {group for group, kind in zip(pairs[::2], pairs[1::2], strict=False) if kind in _OUTPUT_TYPES}
    outputs = {label for group in {*_OUTPUT_GROUPS, *typed} for label in texts(parameters, "POINT", group)}
    return outputs - {""}, set(texts(parameters, "POINT", _MODELLED)) - {""}


def _unique(names: Sequence[str]) -> tuple[tuple[str, ...], dict[str, list[int]]]:
    taken: set[str] = set(names)
    found: list[str] = []
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        base = name or f"unlabelled_{index + 1}"
        earlier = places.setdefault(base, [])
        unique, count = base, len(earlier) + 1
        if earlier:
            unique = f"{base}#{count}"
            while unique in taken:
                count += 1
                unique = f"{base}#{count}"
        taken.add(unique)
        earlier.append(index)
        found.append(unique)
    return tuple(found), {name: where for name, where in places.items() if len(where) > 1}
