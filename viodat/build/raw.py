"""A raw capture, understood: its configuration, what lies where, who was recorded, which cameras are calibrated.

Everything that is read once for the whole capture. What is missing here costs no more than itself: without a
calibration there is no 2D truth, without participants.csv no ages, and the notes say so.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from viodat.camera import Camera
from viodat.capture.cameras import read_cameras, same_camera
from viodat.capture.config import CaptureConfig, find_config, load_config
from viodat.capture.layout import CaptureLayout
from viodat.errors import CaptureError, ViodatError, ViodatWarning


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
        What was found and handled, one sentence each.
    """

    folder: Path
    config_path: Path | None
    config: CaptureConfig
    layout: CaptureLayout
    cameras: Mapping[str, Camera]
    calibration_ids: Mapping[str, str]
    notes: tuple[str, ...] = ()


def open_raw(folder: Path, config_path: Path | None = None) -> RawCapture:
    """Read what describes a capture as a whole.

    Parameters
    ----------
    folder
        The folder after ``--raw``.
    config_path
        The file after ``--config``; None: the folder's own capture.toml, if it has one.

    Raises
    ------
    ConfigError
        If the folder, capture.toml or participants.csv is wrong: these are the user's own words, and guessing at
        them would spoil a whole build.
    """
    found = find_config(folder, config_path)
    config = load_config(found)
    layout = CaptureLayout.scan(folder, config)
    cameras, ids, notes = _cameras(layout, config)
    return RawCapture(folder, found, config, layout, cameras, ids, (*layout.notes, *notes))


def _cameras(layout: CaptureLayout, config: CaptureConfig) -> tuple[dict[str, Camera], dict[str, str], tuple[str, ...]]:
    devices = sorted({recording.device for recording in layout.recordings if recording.kind == "camera"})
    if not layout.calibration:
        return {}, {}, ()
    calibrated: dict[str, Camera] = {}
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ViodatWarning)
        for path in layout.calibration:
            try:
                more = read_cameras(path, vicon_radial=config.cameras.vicon_radial)
            except ViodatError as error:
                notes.append(str(error))
                continue
            notes += _merge(calibrated, more, path)
    notes += [str(warning.message) for warning in caught if issubclass(warning.category, ViodatWarning)]
    ids = {device: config.cameras.ids.get(device, device) for device in devices}
    if wrong := sorted(set(config.cameras.ids.values()) - set(calibrated)):
        notes.append(
            f"capture.toml [cameras] ids names {', '.join(wrong)}, which no calibration file has; "
            f"they have {', '.join(sorted(calibrated)) or 'no camera'}"
        )
    found = {
        device: calibrated[name].turned(config.cameras.turn.get(device, 0))
        for device, name in ids.items()
        if name in calibrated
    }
    if lost := [device for device in devices if device not in found]:
        notes.append(
            f"{', '.join(lost)}: no camera of that name in the calibration "
            f"({', '.join(sorted(calibrated)) or 'it has none'}); "
            "say which is which in capture.toml [cameras] ids"
        )
    notes += [f"{device}: {note.rstrip('.')}" for device, camera in found.items() for note in camera.notes]
    return found, {device: ids[device] for device in found}, tuple(notes)


def _merge(into: dict[str, Camera], more: Mapping[str, Camera], path: Path) -> list[str]:
    """Add cameras to those of earlier files; a camera that two files state differently is in neither."""
    notes = []
    for name, camera in more.items():
        if name not in into:
            into[name] = camera
            continue
        try:
            into[name] = same_camera(into[name], camera, path.parent)
        except CaptureError as error:
            del into[name]
            notes.append(str(error))
    return notes
