"""The first stage of one trial: what is read of it, a pure function of its files and of capture.toml.

A stage raises :class:`viodat.errors.ViodatError` where it cannot go on; :mod:`viodat.build.trial` decides what that
costs. Label check, gap filling and joints are :mod:`viodat.build.joints`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from viodat.build.faults import is_passing
from viodat.build.raw import RawCapture
from viodat.capture.c3d import read_c3d
from viodat.capture.config import CaptureConfig
from viodat.capture.markers import MarkerTrial
from viodat.capture.measurements import merge_measurements
from viodat.capture.raw import RawTrial
from viodat.capture.trc import read_trc
from viodat.capture.vsk import read_vsk
from viodat.errors import CaptureError, ViodatError

MARKER_READERS: Final = (".c3d", ".trc")


@dataclass(frozen=True)
class Measurements:
    """A participant's measurements, where each comes from, and where sources disagree."""

    values: Mapping[str, float]
    sources: Mapping[str, str]
    conflicts: tuple[str, ...]


@dataclass(frozen=True)
class TrialInputs:
    """What was read of a trial.

    Attributes
    ----------
    markers
        Its markers.
    static, rom
        The participant's static trial and range-of-motion trial, or None.
    measurements
        The participant's, merged.
    unread
        Optional files that could not be read, with the error: the trial goes on without them.
    """

    markers: MarkerTrial
    static: MarkerTrial | None
    measurements: Measurements
    rom: MarkerTrial | None = None
    unread: tuple[tuple[Path, ViodatError], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of a report should know, one sentence each."""
        return (
            *self.markers.notes,
            *(f"{path.name} is not used: {error}" for path, error in self.unread),
            *self.measurements.conflicts,
        )


def read_trial(files: RawTrial, raw: RawCapture) -> TrialInputs:
    """Read the markers, the static and range-of-motion trials and the measurements of a trial.

    Raises
    ------
    ViodatError
        If the marker file cannot be read. A static trial, range-of-motion trial or .vsk that cannot be is done without.
    """
    markers = read_markers(files.marker_file, raw.config)
    unread: list[tuple[Path, ViodatError]] = []
    beside: dict[Path, MarkerTrial] = {files.marker_file: markers}
    for path in (files.static, files.rom):
        if path is not None and path not in beside:
            try:
                beside[path] = read_markers(path, raw.config)
            except ViodatError as error:
                if is_passing(error):
                    raise
                unread.append((path, error))
    from_vsk: dict[str, float] = {}
    if files.vsk is not None:
        try:
            from_vsk = dict(read_vsk(files.vsk).measurements)
        except ViodatError as error:
            if is_passing(error):
                raise
            unread.append((files.vsk, error))
    own = raw.config.participant(files.participant)
    # The layout's participants hold capture.toml over participants.csv, so the two never conflict here.
    merged = merge_measurements(
        ("capture.toml", own.measurements if own else {}),
        ("participants.csv", raw.layout.participants[files.participant].measurements),
        (files.vsk.name if files.vsk else ".vsk", from_vsk),
        ("PROCESSING", markers.subject.measurements),
    )
    measurements = Measurements(merged.values, merged.sources, merged.conflicts)
    static, rom = (beside.get(path) if path is not None else None for path in (files.static, files.rom))
    return TrialInputs(markers, static, measurements, rom, tuple(unread))


def read_markers(path: Path, config: CaptureConfig) -> MarkerTrial:
    """Read a marker file as capture.toml [markers] says: unit overridden, axes turned, labels mapped.

    Raises
    ------
    ViodatError
        If it cannot be read, or its labels cannot be mapped as capture.toml says.
    """
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
