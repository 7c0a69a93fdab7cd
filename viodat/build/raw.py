"""A raw capture, understood: its configuration, what lies where, who was recorded, which cameras are calibrated.

Everything that is read once for the whole capture. What is missing here costs no more than itself: without a
calibration there is no 2D truth, without participants.csv no ages, and the notes say so.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from viodat.build.options import sync_method
from viodat.build.unknown_names import unknown_names
from viodat.camera import Camera
from viodat.capture.cameras import read_cameras, same_camera
from viodat.capture.config import CONFIG_NAME, CaptureConfig, find_config, load_config
from viodat.capture.layout import CaptureLayout
from viodat.errors import CaptureError, ViodatError, ViodatWarning


@dataclass(frozen=True)
class RawNote:
    """Something found in the capture as a whole.

    Attributes
    ----------
    kind
        ``conflict``, ``calibration`` (a file that cannot be used), ``uncalibrated`` (a device without a camera) or
        ``camera`` (what was assumed of one).
    where
        The file or device it is about.
    text
        A sentence without its full stop.
    """

    kind: Literal["conflict", "calibration", "uncalibrated", "camera"]
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclass(frozen=True)
class RawCapture:
    """A raw capture before any trial is read.

    Attributes
    ----------
    folder
        Where it lies; nothing is ever written below it.
    config_path
        The capture.toml in use, or None.
    config, layout
        What the lab says, and what was found.
    cameras
        By device id, for those devices that the calibration knows.
    calibration_ids
        Name in the calibration of each device's camera.
    notes
        What was found and handled.
    """

    folder: Path
    config_path: Path | None
    config: CaptureConfig
    layout: CaptureLayout
    cameras: Mapping[str, Camera]
    calibration_ids: Mapping[str, str]
    notes: tuple[RawNote, ...] = ()


def open_raw(folder: Path, config_path: Path | None = None, sync: str | None = None) -> RawCapture:
    """Read what describes a capture as a whole.

    Parameters
    ----------
    folder
        The folder after ``--raw``.
    config_path
        The file after ``--config``; None: the folder's own capture.toml, if it has one.
    sync
        The method after ``--sync``; None: as capture.toml says.

    Raises
    ------
    ConfigError
        If the folder, capture.toml or participants.csv is wrong, or offsets are to be used and there is none: these
        are the user's own words, and guessing at them would spoil a whole build.
    """
    found = find_config(folder, config_path)
    config = load_config(found)
    layout = CaptureLayout.scan(folder, config, sync_method(config, sync))
    cameras, ids, notes = _cameras(layout, config)
    conflicts = [RawNote("conflict", "participants", note.rstrip(".")) for note in layout.notes]
    # A name that nothing has is a contradiction within the file, and not a file that is missing.
    layout = replace(layout, missing=tuple(item for item in layout.missing if item.what != "device"))
    told_in = found.name if found is not None else CONFIG_NAME
    conflicts += [RawNote("conflict", told_in, text) for text in unknown_names(layout, config, found)]
    return RawCapture(folder, found, config, layout, cameras, ids, (*conflicts, *notes))


def _cameras(
    layout: CaptureLayout, config: CaptureConfig
) -> tuple[dict[str, Camera], dict[str, str], tuple[RawNote, ...]]:
    devices = sorted({recording.device for recording in layout.recordings if recording.kind == "camera"})
    if not layout.calibration:
        return {}, {}, ()
    calibrated, notes = _read_calibrations(layout.calibration, config)
    ids = {device: config.cameras.ids.get(device, device) for device in devices}
    known = ", ".join(sorted(calibrated)) or "none"
    if wrong := sorted(set(config.cameras.ids.values()) - set(calibrated)):
        text = f"[cameras] ids names {', '.join(wrong)}, which no calibration file has; its cameras: {known}"
        notes.append(RawNote("conflict", "capture.toml", text))
    found = {
        device: calibrated[name].turned(config.cameras.turn.get(device, 0))
        for device, name in ids.items()
        if name in calibrated
    }
    for device in devices:
        if device not in found:
            text = (
                f"no camera {ids[device]} in the calibration (its cameras: {known}), so no 2D and no camera-frame truth"
            )
            notes.append(RawNote("uncalibrated", device, text))
    notes += [RawNote("camera", d, note.rstrip(".")) for d, camera in found.items() for note in camera.notes]
    return found, {device: ids[device] for device in found}, tuple(notes)


def _read_calibrations(files: Iterable[Path], config: CaptureConfig) -> tuple[dict[str, Camera], list[RawNote]]:
    """Read all calibration files; a camera that two of them state differently is not calibrated."""
    calibrated: dict[str, Camera] = {}
    contradicted: set[str] = set()
    notes: list[RawNote] = []
    for path in files:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ViodatWarning)
            try:
                more = read_cameras(path, vicon_radial=config.cameras.vicon_radial)
            except ViodatError as error:
                notes.append(RawNote("calibration", path.name, error.problem))
                continue
        notes += [RawNote("calibration", path.name, str(w.message).rstrip(".")) for w in caught]
        for name, camera in more.items():
            try:
                calibrated[name] = same_camera(calibrated[name], camera, path.parent) if name in calibrated else camera
            except CaptureError as error:
                contradicted.add(name)
                notes.append(RawNote("calibration", path.name, f"{error.problem}; neither is used"))
    return {name: camera for name, camera in calibrated.items() if name not in contradicted}, notes
