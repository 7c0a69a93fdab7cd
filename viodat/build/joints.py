"""From the markers of a trial to its joints: label check, gap filling, skeleton fit or frame-by-frame methods.

Positions are mm in the trial's world frame, NaN where missing. The fit sees measured samples only and handles gaps
itself; frame-by-frame methods see filled ones, and a note counts the frames that only those determine. Which method
gives a joint is said by its method string: ``skeleton(...)`` is the fit's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from viodat.body import JointTrial, MarkerSet, detect_marker_set, get_marker_set, joint_centres
from viodat.body.gaps import FilledTrial, fill_gaps
from viodat.body.labels import LabelFault, LabelReport, repair_labels
from viodat.body.skeleton.building import ROOT_MARKERS
from viodat.body.skeleton.fit import fit_skeleton
from viodat.body.skeleton.result import SkeletonFit
from viodat.build.functional import FunctionalJoint, functional_joints, require_hips
from viodat.build.gates import Gate, Reading
from viodat.build.quality import segment_labels, size_readings
from viodat.build.reading import TrialInputs
from viodat.capture.config import CaptureConfig
from viodat.capture.markers import MarkerTrial
from viodat.errors import BodyError, counted
from viodat.joints import JOINTS

FITTED: Final = ("auto", "regression", "functional")
"""Methods that fit a skeleton; the others work frame by frame."""

FROM_FIT: Final = "skeleton("
"""How the method string of a joint of the fit begins."""

FAR_MM: Final = 60.0
"""Joint centres by different methods differ by less: those of the hip by 14 to 33 mm (Mantovani 2016)."""

_ROOTS: Final = ("pelvis", "thorax")
_SHOWN: Final = 3
_NAMED: Final = 6


@dataclass(frozen=True)
class PreparedMarkers:
    """The markers of a trial, ready for joints.

    Attributes
    ----------
    measured
        As read, and of a named marker set only its markers.
    repaired
        After the label check; NaN in gaps.
    filled
        With gaps filled; None for points that another system computed.
    labels
        What was wrong with the labels; None for such points.
    marker_set
        Named in capture.toml or detected; None where none fits.
    own_set
        That of capture.toml; None where it names none, and any set's rules may be used.
    static, rom
        Of the participant, labels checked; None where there is none, or it cannot be used.
    notes, alarms
        What was found; alarms say that something is probably wrong, and are among the notes.
    """

    measured: MarkerTrial
    repaired: MarkerTrial
    filled: FilledTrial | None
    labels: LabelReport | None
    marker_set: MarkerSet | None
    own_set: MarkerSet | None
    static: MarkerTrial | None
    rom: MarkerTrial | None
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()

    @property
    def best(self) -> MarkerTrial:
        """The trial that frame-by-frame methods use: filled where it was."""
        return self.filled.trial if self.filled is not None else self.repaired


@dataclass(frozen=True)
class TrialJoints:
    """The joints of a trial and where they come from.

    Attributes
    ----------
    joints
        Positions and the method of each joint.
    framewise
        What the frame-by-frame method gives, by itself.
    fit
        The skeleton fit; None where none was made.
    functional
        What the range-of-motion trial determines by itself, joint by joint.
    notes, alarms
        As in :class:`PreparedMarkers`.
    """

    joints: JointTrial
    framewise: JointTrial
    fit: SkeletonFit | None
    functional: tuple[FunctionalJoint, ...] = ()
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


def chosen_method(config: CaptureConfig, option: str) -> str:
    """Give the joint method: the option's, or with ``auto`` that of capture.toml [joints]."""
    return option if option != "auto" else config.joints.method


def named_marker_set(config: CaptureConfig) -> MarkerSet | None:
    """Give the marker set that capture.toml names, or None."""
    name = config.markers.set
    if name is None:
        return None
    if name in config.marker_sets:
        return MarkerSet.from_config(name, config.marker_sets[name])
    return get_marker_set(name)


def used_markers(trial: MarkerTrial, config: CaptureConfig) -> MarkerTrial:
    """Set aside what is no marker of the set that capture.toml names.

    Where it names none, a set is detected and nothing is set aside, since a lab may have added finger or medial markers
    to a known set.
    """
    named = named_marker_set(config)
    if named is None:
        return trial
    return trial.keeping({*named.present(trial.labels), *config.joints.points.values()})


def prepare_markers(
    inputs: TrialInputs, config: CaptureConfig, gates: Mapping[str, Gate], method: str = "auto"
) -> PreparedMarkers:
    """Check the labels of a trial and of its static and range-of-motion trials, repair them, and fill gaps.

    A static or range-of-motion trial of a body of impossible size (its unit is wrong) is not used, with an alarm.
    """
    own_set = named_marker_set(config)
    measured = used_markers(inputs.markers, config)
    marker_set = own_set or detect_marker_set(measured.labels)
    notes: list[str] = []
    alarms: list[str] = []
    others: list[MarkerTrial | None] = []
    computed = method == "named" or (marker_set is not None and all(r.method == "named" for r in marker_set.rules))
    for what, trial in (("static", inputs.static), ("range-of-motion", inputs.rom)):
        trial = used_markers(trial, config) if trial is not None else None
        if trial is not None and (wrong := _wrong_size(trial, marker_set, gates, config)):
            alarms.append(f"the {what} trial is not used: {wrong.reason}")
            trial = None
        if trial is not None and not computed:
            trial, found = repair_labels(trial, marker_set=marker_set)
            notes += [f"{what} trial: {fault}" for fault in found.faults]
        others.append(trial)
    static, rom = others
    if computed:
        # Points that another system computed have no labels that could have changed their markers.
        return PreparedMarkers(
            measured, measured, None, None, marker_set, own_set, static, rom, (*notes, *alarms), tuple(alarms)
        )
    repaired, labels = repair_labels(measured, static=static, marker_set=marker_set)
    filled = fill_gaps(repaired, static=static, marker_set=marker_set)
    grave = [fault for fault in labels.faults if _is_grave(fault, measured.n_frames)]
    alarms += _summed_up(grave)
    notes += [_shortened(fault) for fault in labels.faults if len(grave) > _SHOWN or fault not in grave]
    notes += [*labels.limits, *filled.report.notes]
    return PreparedMarkers(
        measured, repaired, filled, labels, marker_set, own_set, static, rom, (*alarms, *notes), tuple(alarms)
    )


def _is_grave(fault: LabelFault, frames: int) -> bool:
    """Whether somebody should look at the recording: wrong throughout, or sides that could not be put right."""
    return (fault.kind == "sides" and not fault.repaired) or fault.end_frame - fault.start_frame + 1 == frames


def _summed_up(grave: list[LabelFault]) -> list[str]:
    """Say each of a few faults; of many, as where a whole arm is exchanged, only which labels they concern."""
    if len(grave) <= _SHOWN:
        return [_shortened(fault) for fault in grave]
    labels = sorted({label for fault in grave for label in fault.labels})
    repaired = sum(fault.repaired for fault in grave)
    return [
        f"{len(labels)} labels are wrong in the whole trial, or exchanged between left and right ({_listed(labels)}): "
        f"{len(grave)} faults, {repaired} of them repaired"
    ]


def _shortened(fault: LabelFault) -> str:
    return str(replace(fault, labels=(_listed(fault.labels),)))


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more


def _wrong_size(
    trial: MarkerTrial, marker_set: MarkerSet | None, gates: Mapping[str, Gate], config: CaptureConfig
) -> Reading | None:
    readings = size_readings(trial, marker_set, gates, config.markers.units)
    return next((reading for reading in readings if not reading.kept), None)


def frame_by_frame(
    markers: MarkerTrial,
    static: MarkerTrial | None,
    measurements: Mapping[str, float],
    config: CaptureConfig,
    method: str = "auto",
) -> JointTrial:
    """Compute the joints frame by frame; a method that fits a skeleton is ``auto`` here.

    Raises
    ------
    BodyError
        The method cannot determine what it must.
    """
    return joint_centres(
        markers,
        static=static,
        subject=measurements,
        method="auto" if method in FITTED else method,
        marker_set=named_marker_set(config),
        joints=config.joints.points or None,
    )


def find_joints(
    prepared: PreparedMarkers, measurements: Mapping[str, float], config: CaptureConfig, method: str
) -> TrialJoints:
    """Find the joints of a trial.

    Parameters
    ----------
    prepared
        Its markers.
    measurements
        Of the participant, by canonical name, mm and rad.
    config
        What the lab says; points of [joints.points] stand above any method.
    method
        One of :data:`viodat.capture.config_joints.JOINT_METHODS`, not overridden any more.

    Raises
    ------
    BodyError
        A method that was asked for cannot be used, with the reason.
    """
    functional: tuple[FunctionalJoint, ...] = ()
    if prepared.rom is not None and prepared.marker_set is not None:
        functional = functional_joints(prepared.rom, prepared.marker_set)
    if method not in FITTED:
        joints, notes = _framewise(prepared, measurements, config, method)
        return TrialJoints(joints, joints, None, functional, (*joints.notes, *notes))
    if method == "functional":
        _require_functional(prepared, functional)
    why_not = _why_no_fit(prepared)
    if why_not and method != "auto":
        raise BodyError(
            f"no skeleton can be fitted, which method '{method}' needs: {why_not}",
            where=prepared.measured.source,
            mend="Use --joint-centres auto, which computes the joints frame by frame then.",
        )
    framewise, notes = _framewise(prepared, measurements, config, method)
    if why_not:
        said = f"joints are computed frame by frame, since no skeleton can be fitted: {why_not}"
        return TrialJoints(framewise, framewise, None, functional, (*framewise.notes, *notes, said))
    # Where the markers allow a fit and it refuses them, something is wrong with them: no other method is tried.
    fit = fit_skeleton(
        prepared.repaired,
        static=prepared.static,
        rom=prepared.rom,
        subject=measurements,
        marker_set=prepared.marker_set,
        functional=method != "regression",
    )
    joints = _merged(fit, framewise, config.joints.points)
    about_rom = (note for note in fit.report.notes if note.startswith("the range-of-motion trial"))
    alarms = (*_far_apart(fit, framewise), *about_rom)
    return TrialJoints(
        joints,
        framewise,
        fit,
        functional,
        tuple(dict.fromkeys((*joints.notes, *_leaning_if_used(notes, joints), *alarms))),
        alarms,
    )


def _far_apart(fit: SkeletonFit, framewise: JointTrial) -> tuple[str, ...]:
    """Say which joints the fit and the frame-by-frame method put in different places."""
    told = []
    for i, joint in enumerate(JOINTS):
        away = np.linalg.norm(fit.positions_mm[:, i] - framewise.positions_mm[:, i], axis=-1)
        away = away[np.isfinite(away)]
        if away.size and (apart := float(np.median(away))) > FAR_MM:
            told.append(
                f"{joint} of the skeleton lies {apart:.0f} mm (median over frames) from where {framewise.method[i]} "
                f"puts it, more than methods differ ({FAR_MM:.0f} mm): one of the two is wrong"
            )
    return tuple(told)


def _require_functional(prepared: PreparedMarkers, functional: tuple[FunctionalJoint, ...]) -> None:
    if prepared.rom is None:
        raise BodyError(
            "there is no range-of-motion trial, which method 'functional' needs",
            where=prepared.measured.source,
            mend="Record one, name its file in capture.toml [files] rom, or use --joint-centres auto.",
        )
    require_hips(functional, prepared.rom)


def _why_no_fit(prepared: PreparedMarkers) -> str:
    """Say why no skeleton can be fitted to this trial; empty if one can be tried."""
    if prepared.marker_set is None:
        return "the markers fit no known marker set"
    if prepared.filled is None:
        return f"the points of {prepared.marker_set.name} are joints that another system computed"
    files = {"trial": prepared.repaired, "static trial": prepared.static}
    for what, trial in files.items():
        if trial is not None and not any(_shows(trial, prepared.marker_set, root) for root in _ROOTS):
            return (
                f"no frame of the {what} shows {ROOT_MARKERS} markers of pelvis or thorax as marker set "
                f"{prepared.marker_set.name} has them"
            )
    return ""


def _shows(trial: MarkerTrial, marker_set: MarkerSet, segment: str) -> bool:
    labels = segment_labels(trial, marker_set).get(segment, ())
    columns = [trial.labels.index(label) for label in labels]
    return bool((trial.valid[:, columns].sum(axis=1) >= ROOT_MARKERS).any())


def _framewise(
    prepared: PreparedMarkers, measurements: Mapping[str, float], config: CaptureConfig, method: str
) -> tuple[JointTrial, tuple[str, ...]]:
    """Compute joints frame by frame, and say which of them lean on filled samples, a sentence each."""
    joints = frame_by_frame(prepared.best, prepared.static, measurements, config, method)
    if prepared.filled is None or np.array_equal(prepared.filled.trial.valid, prepared.repaired.valid):
        return joints, ()
    bare = frame_by_frame(prepared.repaired, prepared.static, measurements, config, method)
    leaning = (joints.valid & ~bare.valid).sum(axis=0)
    return joints, tuple(
        f"{joint} leans on filled markers in {count:,} of {counted(joints.n_frames, 'frame')}"
        for joint, count in zip(JOINTS, leaning, strict=True)
        if count
    )


def _leaning_if_used(notes: tuple[str, ...], joints: JointTrial) -> tuple[str, ...]:
    """Keep what is said of joints that are not the fit's."""
    of_fit = {j for j, how in zip(joints.names, joints.method, strict=True) if how.startswith(FROM_FIT)}
    return tuple(note for note in notes if note.split(" ", 1)[0] not in of_fit)


def _merged(fit: SkeletonFit, framewise: JointTrial, points: Mapping[str, str]) -> JointTrial:
    """Take each joint from the fit, but what it leaves open, or capture.toml names, from the frames."""
    fitted = fit.joint_trial
    positions, method = fitted.positions_mm.copy(), list(fitted.method)
    replaced = []
    for i, joint in enumerate(JOINTS):
        open_in_fit = method[i].startswith("none") and not framewise.method[i].startswith("none")
        if joint in points or open_in_fit:
            positions[:, i], method[i] = framewise.positions_mm[:, i], framewise.method[i]
        if open_in_fit and joint not in points:
            replaced.append(f"{joint} is computed frame by frame ({method[i]}), since the skeleton leaves it open")
    return replace(
        fitted,
        positions_mm=positions,
        method=tuple(method),
        extra=framewise.extra,
        notes=(*fitted.notes, *(framewise.notes if points or replaced else ()), *replaced),
    )
