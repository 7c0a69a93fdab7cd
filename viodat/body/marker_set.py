"""What a marker set is: the markers a lab puts on a participant, and which of the 18 joints they determine.

A set is a value: the sets that viodat knows stand in :mod:`viodat.body.marker_sets`, a lab's own comes from
capture.toml through :meth:`MarkerSet.from_config`. Labels are compared exactly, except those of joints that
another system computed, which are known in many spellings (:mod:`viodat.body.named_joints`). Segments of the limbs
have a side in their name, ``left_thigh``; diameters are mm.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from viodat.body.named_joints import match_named_joints
from viodat.body.plug_in_gait import PIG_JOINTS, SIDES, Side, requirements
from viodat.capture.spelling import did_you_mean, nearest
from viodat.errors import ConfigError
from viodat.joints import JOINTS

CONFIG_KEYS = ("segments", "midpoints", "markers", "named", "diameters_mm", "description")
"""Keys of a table [marker_sets.<name>] in capture.toml."""

LIMB_SEGMENTS: Final[tuple[str, ...]] = (
    "clavicle",
    "upper_arm",
    "forearm",
    "wrist",
    "hand",
    "index",
    "pinky",
    "thumb",
    "thigh",
    "shank",
    "foot",
)
"""Segments of one side, without it.

``clavicle``: what moves with the acromion. ``forearm``: its upper part, which turns little when the hand does;
``wrist``: the styloids, which turn with the radius. ``hand``: the metacarpus. ``index``, ``pinky``, ``thumb``: the
finger beyond its first joint, not rigid in itself; the thumb with its metacarpal.
"""

SEGMENTS: Final[tuple[str, ...]] = (
    "pelvis",
    "thorax",
    "head",
    *(f"{side}_{part}" for side in SIDES for part in LIMB_SEGMENTS),
    "violin",
    "bow",
)
"""Segments that viodat knows. A lab's own set may have others, such as another instrument; nothing here knows those."""

RuleMethod = Literal["pig", "midpoint", "marker", "named"]


@dataclass(frozen=True)
class SetMarker:
    """One marker of a set.

    Attributes
    ----------
    label
        As in the file, without a subject's prefix.
    segment
        What it moves with: one of :data:`SEGMENTS`, a joint for a point that another system computed, or a lab's
        own name.
    static_only
        Taken off after the static trial.
    diameter_mm
        Of the ball; None: the diameter that the trial's measurements declare.
    """

    label: str
    segment: str
    static_only: bool = False
    diameter_mm: float | None = None

    @property
    def side(self) -> Side | None:
        """``left`` or ``right``; None for what lies in the middle."""
        return next((side for side in SIDES if self.segment.startswith(f"{side}_")), None)


def sided_segment(segment: str, label: str, where: str | None = None) -> str:
    """Name of the segment with its side: a limb that is named without one takes that of the marker's label.

    Parameters
    ----------
    segment
        ``thigh``, ``left_thigh``, ``pelvis`` or any other name; only those of :data:`LIMB_SEGMENTS` are changed.
    label
        The marker's label: one that begins with L or l is left, with R or r right.
    where
        What an error names as the place.

    Raises
    ------
    ConfigError
        The segment is a limb without a side, and the label begins with neither letter.

    Examples
    --------
    >>> sided_segment("thigh", "LTHI"), sided_segment("pelvis", "LASI")
    ('left_thigh', 'pelvis')
    """
    if segment not in LIMB_SEGMENTS:
        return segment
    for side in SIDES:
        if label[:1].lower() == side[0]:
            return f"{side}_{segment}"
    raise ConfigError(
        f"marker {label!r} of segment {segment!r} begins with neither L nor R, so its side is unknown",
        where=where,
        mend=f"List it under left_{segment} or right_{segment}.",
    )


@dataclass(frozen=True)
class JointRule:
    """How a marker set determines one joint.

    Attributes
    ----------
    joint
        One of :data:`viodat.joints.JOINTS`.
    method
        ``pig``: Plug-in Gait, from ``labels`` and measurements. ``midpoint``: the middle of two ``labels``.
        ``marker``: the one label over the joint, moved into the joint where ``hand_frame`` allows. ``named``:
        the label is the joint.
    labels
        Markers that are needed.
    hand_frame
        For ``marker`` rules of knuckles: radial and ulnar wrist marker, index and little-finger knuckle.
    """

    joint: str
    method: RuleMethod
    labels: tuple[str, ...]
    hand_frame: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.joint not in JOINTS:
            raise ConfigError(
                f"{self.joint!r} is not a joint of viodat", mend=did_you_mean(self.joint, JOINTS, "joints")
            )
        if self.method == "midpoint" and len(self.labels) != 2:
            raise ConfigError(
                f"{self.joint}: a midpoint needs two markers, but {len(self.labels)} are given",
                mend='Write them as ["MEDIAL", "LATERAL"].',
            )


@dataclass(frozen=True)
class MarkerSet:
    """A lab's markers and what they determine.

    Attributes
    ----------
    name, description, source
        What it is called, what it is, and where its definition stands.
    markers
        Every marker with its segment.
    rules
        One per joint and way of determining it; a joint may have several, used in the order of
        :func:`viodat.body.joint_centres`.
    alternates
        Pairs of (labels, the labels they stand in for): SACR for LPSI and RPSI.
    """

    name: str
    description: str
    markers: tuple[SetMarker, ...]
    rules: tuple[JointRule, ...]
    source: str
    alternates: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of all markers."""
        return tuple(marker.label for marker in self.markers)

    @property
    def take_labels(self) -> tuple[str, ...]:
        """Labels of the markers that a take carries."""
        return tuple(marker.label for marker in self.markers if not marker.static_only)

    @property
    def determines(self) -> tuple[str, ...]:
        """The joints that this set determines, in the order of :data:`viodat.joints.JOINTS`."""
        ruled = {rule.joint for rule in self.rules}
        return tuple(joint for joint in JOINTS if joint in ruled)

    @property
    def diameters_mm(self) -> dict[str, float]:
        """Label -> diameter in mm of the markers whose diameter the set states."""
        return {marker.label: marker.diameter_mm for marker in self.markers if marker.diameter_mm is not None}

    def of_segment(self, segment: str) -> tuple[str, ...]:
        """Labels of the markers of one segment."""
        return tuple(marker.label for marker in self.markers if marker.segment == segment)

    def present(self, labels: Collection[str]) -> tuple[str, ...]:
        """Markers of this set that are among a file's ``labels``, as the set spells them."""
        named = match_named_joints(labels)
        named_rules = {rule.labels[0]: rule.joint for rule in self.rules if rule.method == "named"}
        return tuple(label for label in self.labels if label in labels or named_rules.get(label) in named)

    @classmethod
    def from_config(cls, name: str, config: Mapping[str, Any]) -> MarkerSet:
        """Make a lab's own marker set from a table of capture.toml.

        Parameters
        ----------
        name
            What the lab calls it.
        config
            ``segments`` (required): segment -> list of labels; a limb without a side (``thigh``) is split by the
            labels' first letter, see :func:`sided_segment`. ``midpoints``: joint -> two labels. ``markers``: finger
            joint -> the label over it. ``named``: joint -> the label that is the joint. ``diameters_mm``: label ->
            diameter of a marker that differs from the declared one. ``description``. Joints of Plug-in Gait whose
            markers are all there are determined by Plug-in Gait too.

        Raises
        ------
        ConfigError
            A key, joint or label is unknown, a value has the wrong form, or the side of a limb's marker is unknown.

        Examples
        --------
        >>> own = MarkerSet.from_config("ours", {"segments": {"shank": ["LKNE", "LKNM"]},
        ...                                      "midpoints": {"left_knee": ["LKNE", "LKNM"]}})
        >>> own.determines
        ('left_knee',)
        """
        where = f"capture.toml [marker_sets.{name}]"
        for key in config:
            if key not in CONFIG_KEYS:
                raise ConfigError(f"unknown key {key!r}", where=where, mend=did_you_mean(key, CONFIG_KEYS, "keys"))
        segments = _table(config, "segments", where)
        if not segments:
            raise ConfigError(
                "segments is missing or empty", where=where, mend='Add segments = { pelvis = ["LASI", ...] }.'
            )
        segment_of = [(label, segment) for segment in segments for label in _labels(segments, segment, where)]
        known = [label for label, _ in segment_of]
        repeated = sorted({label for label in known if known.count(label) > 1})
        if repeated:
            raise ConfigError(f"marker {repeated[0]} stands in two places", where=where, mend="Give it one segment.")
        diameters = _diameters(config, known, where)
        markers = tuple(
            SetMarker(label, sided_segment(segment, label, where), diameter_mm=diameters.get(label))
            for label, segment in segment_of
        )
        rules = list(pig_rules(known))
        ways: tuple[tuple[str, RuleMethod], ...] = (
            ("midpoints", "midpoint"),
            ("markers", "marker"),
            ("named", "named"),
        )
        for key, method in ways:
            table = _table(config, key, where)
            for joint in table:
                labels = _labels(table, joint, where)
                for label in labels:
                    if label not in known:
                        raise ConfigError(
                            f"{key}.{joint} uses marker {label!r}, which no segment lists",
                            where=where,
                            mend=f"Nearest listed marker: {nearest(label, known) or 'none'}.",
                        )
                rules.append(JointRule(joint, method, labels))
        return cls(name, str(config.get("description", "")), markers, tuple(rules), "capture.toml")


def _table(config: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = config.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key} must be a table, but is {value!r}", where=where, mend=f"Write {key} = {{ ... }}.")
    return value


def _diameters(config: Mapping[str, Any], known: Collection[str], where: str) -> dict[str, float]:
    diameters = _table(config, "diameters_mm", where)
    for label, value in diameters.items():
        if label not in known:
            raise ConfigError(
                f"diameters_mm names marker {label!r}, which no segment lists",
                where=where,
                mend=f"Nearest listed marker: {nearest(label, known) or 'none'}.",
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ConfigError(
                f"diameters_mm.{label} must be a positive number of mm, but is {value!r}",
                where=where,
                mend=f"Write diameters_mm = {{ {label} = 6.4 }}, or leave it out for the declared diameter.",
            )
    return {label: float(value) for label, value in diameters.items()}


def _labels(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table[key]
    labels = (value,) if isinstance(value, str) else value
    if not isinstance(labels, list | tuple) or not labels or not all(isinstance(x, str) for x in labels):
        raise ConfigError(
            f"{key} must be one label or a list of labels, but is {value!r}",
            where=where,
            mend=f'Write {key} = ["LABEL", ...].',
        )
    return tuple(labels)


def pig_rules(labels: Collection[str]) -> Iterable[JointRule]:
    """Yield a rule for each joint whose Plug-in Gait markers are all among ``labels``."""
    back = "SACR" in labels or {"LPSI", "RPSI"} <= set(labels)
    for joint in PIG_JOINTS:
        for side in SIDES:
            needed, _ = requirements(joint, side)
            if set(needed) <= set(labels) and (back or "LASI" not in needed):
                yield JointRule(f"{side}_{joint}", "pig", needed)
