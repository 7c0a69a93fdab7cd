"""The 18 joints of a trial, frame by frame, from whatever its file determines.

Positions are mm in the trial's world frame, NaN where the markers of a frame do not determine a joint; each
joint keeps one method through the whole trial, and the method's name is stored with it. Nothing is filled,
filtered or fitted here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.geometry import FloatArray, finite_or_nan
from viodat.body.marker_set import JointRule, MarkerSet, RuleMethod
from viodat.body.marker_sets import MARKER_SETS, detect_marker_set, get_marker_set
from viodat.body.midpoints import Correction, finger_centre, midpoint_centre
from viodat.body.named_joints import match_named_joints
from viodat.body.plug_in_gait import PIG_LABELS, PlugInGait, Side, plug_in_gait
from viodat.capture.markers import MarkerTrial, Subject
from viodat.capture.measurements import canonical
from viodat.capture.spelling import did_you_mean, nearest
from viodat.errors import BodyError, ConfigError
from viodat.joints import JOINT_INDEX, JOINTS

METHODS: Final[Mapping[str, tuple[RuleMethod, ...]]] = {
    "auto": ("pig", "midpoint", "marker", "named"),
    "pig": ("pig", "marker"),
    "midpoints": ("midpoint", "marker"),
    "named": ("named",),
}
"""Method of :func:`joint_centres` -> the kinds of rule it uses, in this order for each joint."""

_FINGERS = ("index", "pinky", "thumb")


@dataclass(frozen=True)
class JointTrial:
    """Joint centres of one trial.

    Attributes
    ----------
    positions_mm
        (F, 18, 3) mm, the trial's world frame, NaN where the frame's markers do not determine a joint.
    method
        For each joint how it was found: ``pig:hip_davis``, ``midpoint:LKNM+LKNE``,
        ``marker:LIDX-(hand_thickness+d)/2`` with the declared marker diameter d, or with the number in mm that the
        marker set states, ``named:LHip``, or ``none: `` and the reason.
    rate_hz, first_frame
        As in the marker trial: frames per second, and the number of the first frame, counted from 1.
    names
        The 18 joints of :data:`viodat.joints.JOINTS`.
    extra
        Further centres that Plug-in Gait yields: ``mid_hip``, ``thorax_origin``, ``left_hand``,
        ``right_hand`` (hand origins) -> (F, 3) mm.
    marker_set
        Name of the marker set, empty where none fits.
    notes
        Choices made and conflicts met, one sentence each.
    """

    positions_mm: FloatArray
    method: tuple[str, ...]
    rate_hz: float
    first_frame: int
    names: tuple[str, ...] = JOINTS
    extra: Mapping[str, FloatArray] = field(default_factory=dict)
    marker_set: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.positions_mm.ndim != 3 or self.positions_mm.shape[1:] != (len(self.names), 3):
            raise ValueError(
                f"positions_mm: expected shape (F, {len(self.names)}, 3), but got {self.positions_mm.shape}"
            )

    @property
    def n_frames(self) -> int:
        """Number of frames F."""
        return int(self.positions_mm.shape[0])

    @property
    def start_s(self) -> float:
        """Time of the first frame on the mocap clock, s: zero is frame number 1 of the recording."""
        return (self.first_frame - 1) / self.rate_hz

    @property
    def times_s(self) -> FloatArray:
        """(F,) s on the mocap clock: zero is frame number 1 of the recording."""
        return (self.first_frame - 1 + np.arange(self.n_frames, dtype=np.float64)) / self.rate_hz

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(F, 18) bool, True where the joint is determined."""
        return np.asarray(np.isfinite(self.positions_mm).all(axis=-1))

    @property
    def determined(self) -> tuple[str, ...]:
        """Names of the joints that are determined in at least one frame."""
        return tuple(name for name, how in zip(self.names, self.method, strict=True) if not how.startswith("none"))

    def joint(self, name: str) -> FloatArray:
        """(F, 3) mm of one joint."""
        return np.asarray(self.positions_mm[:, self.names.index(name)])


def joint_centres(
    trial: MarkerTrial,
    *,
    static: MarkerTrial | None = None,
    subject: Subject | Mapping[str, float] | None = None,
    method: str = "auto",
    marker_set: str | MarkerSet | None = None,
    joints: Mapping[str, str] | None = None,
) -> JointTrial:
    """Compute the joint centres of a trial.

    Parameters
    ----------
    trial
        Markers, mm, world frame, labels without subject prefix.
    static
        A static trial of the same session: the inter-ASIS distance is measured there where it is not given,
        and its measurements complete the trial's own.
    subject
        Measurements, mm and rad: a subject as ``read_vsk`` gives it, or numbers by viodat's names
        (``knee_width_left_mm``) or Vicon's (``LKneeWidth``, ``LeftKneeWidth``). Default: those of the trial's file,
        completed by the static trial's.
    method
        ``auto``: for each joint the first of Plug-in Gait, midpoint of a medial and a lateral marker, marker
        over the joint, joint named by another system, that determines it in at least one frame. ``pig``:
        Plug-in Gait, and hand markers for the finger joints it does not know. ``midpoints``: midpoints and
        hand markers. ``named``: named joints.
    marker_set
        A registered name or a set of one's own: then only its rules are used. Default: the rules of all
        registered sets, each where its markers are there, with the marker diameters of the set that fits the file.
    joints
        Joint of viodat -> label of the point that is this joint. It goes before any method, and may name any
        point of the file, the recording software's own centres (``LFEP``) included.

    Returns
    -------
    JointTrial
        Positions (F, 18, 3) mm, NaN where not determined, with the method of each joint.

    Raises
    ------
    BodyError
        ``method`` is ``pig`` and the hips cannot be computed, or it is ``midpoints`` or ``named`` and no
        joint can.
    ConfigError
        ``method``, ``marker_set``, a measurement of ``subject`` or a joint of ``joints`` is unknown.

    Examples
    --------
    >>> trial = MarkerTrial(("LKNE", "LKNM"), np.array([[[0.0, 100, 500], [0, 0, 500]]]),
    ...                     100.0, 1, np.zeros((1, 2)))
    >>> centres = joint_centres(trial)
    >>> centres.joint("left_knee")
    array([[  0.,  50., 500.]])
    >>> centres.method[centres.names.index("left_knee")]
    'midpoint:LKNM+LKNE'
    """
    if method not in METHODS:
        raise ConfigError(f"there is no joint-centre method {method!r}", mend=did_you_mean(method, METHODS, "methods"))
    named_by_caller = dict(joints or {})
    for joint in named_by_caller:
        if joint not in JOINT_INDEX:
            raise ConfigError(f"{joint!r} is not a joint of viodat", mend=did_you_mean(joint, JOINTS, "joints"))
    chosen = get_marker_set(marker_set) if isinstance(marker_set, str) else marker_set
    fitting = chosen or detect_marker_set(trial.labels)
    measured = measurements_of(subject, trial, static)
    # Those of the file's own set: the rule for a knuckle is the same in sets whose markers differ in size.
    diameters = fitting.diameters_mm if fitting else {}
    rules = _rules(trial, chosen, METHODS[method])
    pig = plug_in_gait(trial, measured, static) if "pig" in METHODS[method] else None
    if method == "pig" and pig is not None:
        _require_hips(trial, pig, named_by_caller)

    positions = np.full((trial.n_frames, len(JOINTS), 3), np.nan)
    how: list[str] = []
    notes: list[str] = []
    for i, joint in enumerate(JOINTS):
        if joint in named_by_caller:
            centre, name = _from_caller(trial, joint, named_by_caller[joint], notes)
        else:
            centre, name = _first_determined(trial, joint, rules[joint], measured, diameters, pig)
        if centre is not None:
            positions[:, i] = centre
        how.append(name)
    result = JointTrial(
        positions_mm=positions,
        method=tuple(how),
        rate_hz=trial.rate_hz,
        first_frame=trial.first_frame,
        extra=pig.extra if pig is not None else {},
        marker_set=fitting.name if fitting else "",
        notes=tuple(notes) + (pig.notes if pig is not None and "pig:hip_davis" in how else ()),
    )
    if method in ("midpoints", "named") and not result.determined:
        _refuse(trial, method)
    return result


def measurements_of(
    subject: Subject | Mapping[str, float] | None, trial: MarkerTrial, static: MarkerTrial | None
) -> dict[str, float]:
    """Give the measurements to use, by canonical name: the subject's, else the file's and the static trial's."""
    if subject is None:
        return {**(static.subject.measurements if static else {}), **trial.subject.measurements}
    return canonical(subject.measurements if isinstance(subject, Subject) else subject)


def _rules(
    trial: MarkerTrial,
    chosen: MarkerSet | None,
    kinds: Sequence[RuleMethod],
) -> dict[str, list[JointRule]]:
    """For each joint the rules to try, in the order of ``kinds``, then of the registry."""
    by_joint: dict[str, list[JointRule]] = {joint: [] for joint in JOINTS}
    spelled = match_named_joints(trial.labels)
    for kind in kinds:
        for marker_set in [chosen] if chosen else MARKER_SETS.values():
            for rule in marker_set.rules:
                if rule.method != kind:
                    continue
                if kind == "named" and rule.labels[0] not in trial.labels and rule.joint in spelled:
                    rule = JointRule(rule.joint, "named", (spelled[rule.joint],))
                if rule not in by_joint[rule.joint]:
                    by_joint[rule.joint].append(rule)
    return by_joint


def _first_determined(
    trial: MarkerTrial,
    joint: str,
    rules: Sequence[JointRule],
    subject: Mapping[str, float],
    diameters: Mapping[str, float],
    pig: PlugInGait | None,
) -> tuple[FloatArray | None, str]:
    for rule in rules:
        centre, name = _apply(trial, rule, subject, diameters, pig)
        if np.isfinite(centre).any():
            return centre, name
    return None, f"none: {_reason(trial, joint, rules, pig)}"


def _apply(
    trial: MarkerTrial,
    rule: JointRule,
    subject: Mapping[str, float],
    diameters: Mapping[str, float],
    pig: PlugInGait | None,
) -> tuple[FloatArray, str]:
    if rule.method == "pig" and pig is not None:
        return pig.centres[rule.joint], _name(rule)
    if rule.method == "midpoint":
        return midpoint_centre(trial, *rule.labels), _name(rule)
    label = rule.labels[0]
    if rule.method == "named":
        return finite_or_nan(trial.marker(label)), _name(rule)
    side: Side = "left" if rule.joint.startswith("left") else "right"
    diameter = diameters.get(label)
    centre, correction = finger_centre(trial, side, label, rule.hand_frame, subject, diameter)
    return centre, _name(rule, correction, diameter)


def _name(rule: JointRule, correction: Correction = "none", diameter_mm: float | None = None) -> str:
    """Say how a rule determines its joint, as :attr:`JointTrial.method` does."""
    if rule.method == "pig":
        return PIG_LABELS[_kind(rule.joint)]
    shown = "d" if diameter_mm is None else f"{diameter_mm:g}mm"
    shift = {"thickness": f"-(hand_thickness+{shown})/2", "radius": f"-{shown}/2", "none": ""}[correction]
    return f"{rule.method}:{'+'.join(rule.labels)}{shift}"


def how_determined(marker_set: MarkerSet) -> dict[str, tuple[str, ...]]:
    """For each joint that a marker set determines, how, in the order in which ``auto`` tries the ways.

    Parameters
    ----------
    marker_set
        A registered set or a lab's own.

    Returns
    -------
    dict
        Joint -> ways, written as in :attr:`JointTrial.method` for a participant whose measurements are all there;
        joints in the order of :data:`viodat.joints.JOINTS`. `` (static trial)`` follows where a marker is taken off
        before the takes.

    Examples
    --------
    >>> how_determined(get_marker_set("viodat-96"))["left_knee"]
    ('pig:knee_chord', 'midpoint:LKNM+LKNE (static trial)')
    """
    order, taken_off = METHODS["auto"], set(marker_set.labels) - set(marker_set.take_labels)
    ways: dict[str, tuple[str, ...]] = {}
    for joint in marker_set.determines:
        rules = sorted((r for r in marker_set.rules if r.joint == joint), key=lambda rule: order.index(rule.method))
        ways[joint] = tuple(
            _name(rule, "thickness" if rule.hand_frame else "none", marker_set.diameters_mm.get(rule.labels[0]))
            + (" (static trial)" if taken_off & set(rule.labels) else "")
            for rule in rules
        )
    return ways


def _from_caller(trial: MarkerTrial, joint: str, label: str, notes: list[str]) -> tuple[FloatArray | None, str]:
    """Position of the point that the caller named, looked for among markers, virtual and other points."""
    points = {**trial.other, **trial.virtual}
    centre = points[label] if label in points and label not in trial.labels else trial.marker(label)
    centre = finite_or_nan(centre)
    if np.isfinite(centre).any():
        return centre, f"named:{label}"
    known = (*trial.labels, *points)
    if label in known:
        reason = f"point {label} is missing in all {trial.n_frames:,} frames"
    else:
        close = nearest(label, known)
        reason = f"the file has no point {label}" + (f" (nearest: {close})" if close else "")
    notes.append(f"{joint} was to be point {label}, but {reason}")
    return None, f"none: {reason}"


def _reason(trial: MarkerTrial, joint: str, rules: Sequence[JointRule], pig: PlugInGait | None) -> str:
    kind = _kind(joint)
    if kind in _FINGERS:
        wanted = [rule.labels[0] for rule in rules if rule.labels[0] in trial.labels]
        if wanted:
            return f"marker {wanted[0]} is missing in all {trial.n_frames:,} frames"
        return "fingers need hand markers"
    if pig is not None and any(rule.method == "pig" for rule in rules):
        return f"{pig.missing.get(joint, 'not determined')} (Plug-in Gait)"
    if not rules:
        return "the marker set does not determine it by this method"
    wanted = sorted({"+".join(rule.labels) for rule in rules if rule.labels})
    return f"none of {', '.join(wanted)} is there"


def _kind(joint: str) -> str:
    return joint.split("_", 1)[1]


def _require_hips(trial: MarkerTrial, pig: PlugInGait, named_by_caller: Mapping[str, str]) -> None:
    for joint in ("left_pelvis", "right_pelvis"):
        if joint in pig.missing and joint not in named_by_caller:
            them = "them" if pig.missing[joint].startswith(("markers ", "measurements ")) else "it"
            raise BodyError(
                f"{pig.missing[joint]}; hip centres need {them} (method 'pig')",
                where=trial.source,
                mend="Map the label in capture.toml [markers.labels], give the measurement in "
                "participants.csv, or use method 'auto', which leaves such joints empty.",
            )


def _refuse(trial: MarkerTrial, method: str) -> None:
    labels = ", ".join(trial.labels[:8]) + (", ..." if len(trial.labels) > 8 else "")
    raise BodyError(
        f"no joint can be determined by method {method!r} from the {len(trial.labels)} labels {labels}",
        where=trial.source,
        mend='Use method \'auto\', or name the points with joints={"left_knee": "LABEL", ...}.',
    )
