"""Which points of a marker file are markers, by their names alone.

Recording software stores the points that it computes (joint centres, segment axes, centre of mass) and even
angles and forces in the same list as the markers, with the same residual and no description, so only names tell them
apart. Names that could be a marker's are taken as computed only with company: a Plug-in Gait segment stores
an origin and three axis points (LFEO, LFEA, LFEL, LFEP), the Oxford foot model whole families.

Source: Vicon Plug-in Gait Reference Guide (output points); Vicon Oxford Foot Model release notes; names in
Nexus 1.8 and 2.2 files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import StrEnum


class PointKind(StrEnum):
    """What a point of a marker file is."""

    MARKER = "marker"
    VIRTUAL = "virtual"
    OUTPUT = "output"
    UNLABELLED = "unlabelled"


_UNLABELLED = re.compile(r"\*\d*|uname\*?\d+|(unlabell?ed|unidentified|unassigned|unnamed)[\s_-]*\d*", re.IGNORECASE)

# Plug-in Gait: segment + O (origin), A, L, P (ends of its axes).
_SEGMENT = re.compile(r"(HED|TRX|PEL|SPN|[LR](?:CL|FE|FO|HN|HU|RA|TI|TO))([OALP])")
_JOINT_CENTRE = re.compile(r"(?:mid|MID|[LR])?[A-Z]{1,2}JC\w*")
_CENTRE_OF_MASS = re.compile(r"Cent(?:re|er)Of(?:Mass|Gravity)\w*|CoM|COM")

# Oxford foot model: axes of shank, hindfoot, forefoot, hallux, and points projected for the static trial.
_OXFORD_SIGN = re.compile(r"[LR](?:FO|HD)F[0-3]")
_OXFORD = re.compile(
    r"[LR](?:(?:FO|HD)F|HLX|TIB)[0-3]|[LR](ANK|HE)1|[LR]D1M0|[LR]PROXFF|[LR]DISTFF|[LR]HFplantar|[LR]ArchHeight"
    r"|[LR]ViconLegLength|[LR]KAX|proj[LR]\w+|PEL0"
)
_OUTPUT = re.compile(r"[A-Z]\w*[a-z](Angles?|Forces?|Moments?|Powers?|GRF)|[LR]ArchHeightIndex")


def classify(labels: Sequence[str], *, markers: Collection[str] | None = None) -> tuple[PointKind, ...]:
    """Tell markers, computed points, outputs and unlabelled trajectories apart by name.

    Parameters
    ----------
    labels
        All labels of one subject in one file, prefix removed; the company a name keeps matters.
    markers
        Names that are markers whatever pattern they match.

    Returns
    -------
    tuple of PointKind
        One per label.

    Examples
    --------
    >>> [str(kind) for kind in classify(["LASI", "LFEO", "LHJC", "*7", "LHipAngles", ""])]
    ['marker', 'virtual', 'virtual', 'unlabelled', 'output', 'unlabelled']
    """
    present = set(labels)
    wanted = frozenset(markers or ())
    return tuple(_kind(label, present, wanted) for label in labels)


def is_unlabelled(label: str) -> bool:
    """Whether a label says that nobody named the trajectory: ``*7``, blank, ``Unlabeled 12``."""
    return not label or _UNLABELLED.fullmatch(label) is not None


def _kind(label: str, present: Collection[str], markers: Collection[str]) -> PointKind:
    if label in markers:
        return PointKind.MARKER
    if is_unlabelled(label):
        return PointKind.UNLABELLED
    if _is_virtual(label, present):
        return PointKind.VIRTUAL
    return PointKind.OUTPUT if _OUTPUT.fullmatch(label) else PointKind.MARKER


def _is_virtual(label: str, present: Collection[str]) -> bool:
    segment = _SEGMENT.fullmatch(label)
    if segment:
        others = [segment[1] + end for end in "OALP" if end != segment[2]]
        return segment[2] == "O" or any(other in present for other in others)
    if _JOINT_CENTRE.fullmatch(label) or _CENTRE_OF_MASS.fullmatch(label):
        return True
    return bool(_OXFORD.fullmatch(label)) and any(_OXFORD_SIGN.fullmatch(other) for other in present)
