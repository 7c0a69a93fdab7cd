"""The stages of one trial, each a pure function of its inputs: what is read, and what is computed from it.

A stage raises :class:`viodat.errors.ViodatError` where it cannot go on; :mod:`viodat.build.trial` decides what that
costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from viodat.body import JointTrial, MarkerSet, get_marker_set, joint_centres
from viodat.build.raw import RawCapture
from viodat.capture.c3d import read_c3d
from viodat.capture.config import CaptureConfig
from viodat.capture.markers import MarkerTrial
from viodat.capture.measurements import merge_measurements
from viodat.capture.raw import RawTrial
from viodat.capture.trc import read_trc
from viodat.capture.vsk import read_vsk
from viodat.clock import ClockMap
from viodat.errors import CaptureError

MARKER_READERS: Final = (".c3d", ".trc")


@dataclass(frozen=True)
class Measurements:
    """A participant's measurements, where each comes from, and where sources disagree."""

    values: Mapping[str, float]
    sources: Mapping[str, str]
    conflicts: tuple[str, ...]


def read_markers(path: Path, config: CaptureConfig) -> MarkerTrial:
    """Read a marker file as capture.toml [markers] says: labels mapped, axes turned, unit overridden."""
    suffix = path.suffix.lower()
    if suffix == ".c3d":
        trial = read_c3d(path, units=config.markers.units, subject=config.markers.subject)
    elif suffix == ".trc":
        trial = read_trc(path)
    else:
        raise CaptureError(
            f"marker files of type '{path.suffix}' cannot be read; expected {' or '.join(MARKER_READERS)}",
            where=path,
            mend="Export the trial as C3D, or correct capture.toml [files] trial.",
        )
    return trial.turned(config.markers.axes).renamed(config.markers.labels)


def gather_measurements(raw: RawCapture, trial: RawTrial, markers: MarkerTrial) -> Measurements:
    """Merge what capture.toml, participants.csv, the .vsk and the marker file say of a participant."""
    own = raw.config.participant(trial.participant)
    merged = merge_measurements(
        ("capture.toml", own.measurements if own else {}),
        ("participants.csv", raw.layout.participants[trial.participant].measurements),
        (trial.vsk.name if trial.vsk else ".vsk", read_vsk(trial.vsk).measurements if trial.vsk else {}),
        ("PROCESSING", markers.subject.measurements),
    )
    return Measurements(merged.values, merged.sources, merged.conflicts)


def find_joints(
    markers: MarkerTrial,
    static: MarkerTrial | None,
    measurements: Measurements,
    config: CaptureConfig,
    method: str,
) -> tuple[MarkerTrial, JointTrial]:
    """Compute the joint centres.

    Where capture.toml names a marker set, only its markers count as markers from here on; where it does not, a set
    is detected and nothing is set aside, since a lab may have added finger or medial markers to a known set.

    Returns
    -------
    tuple
        The trial as it was used, and the joints.
    """
    marker_set = _marker_set(config)
    named = config.joints.points
    if marker_set is not None:
        markers = markers.keeping({*marker_set.present(markers.labels), *named.values()})
    joints = joint_centres(
        markers,
        static=static,
        subject=measurements.values,
        method=method if method != "auto" else config.joints.method,
        marker_set=marker_set,
        joints=named or None,
    )
    return markers, joints


def _marker_set(config: CaptureConfig) -> MarkerSet | None:
    name = config.markers.set
    if name is None:
        return None
    if name in config.marker_sets:
        return MarkerSet.from_config(name, config.marker_sets[name])
    return get_marker_set(name)


def given_clock(config: CaptureConfig, recording: str, device: str) -> ClockMap | None:
    """Return the clock of a device as capture.toml [sync] gives it, or None."""
    if config.sync.method != "given":
        return None
    known = config.sync.given_offset(recording, device)
    if known is None:
        return None
    clock = ClockMap(offset_s=known.offset_s)
    return clock if known.sigma_ms is None else replace(clock, offset_sigma_s=known.sigma_ms / 1000)
