"""Camera calibrations of every format that is read: ``read_cameras``, and the registry of readers.

A format is recognised by what the file holds. Adding one is one module with a ``READER`` and one entry in
:data:`READERS`; the contract tests then ask for a sample file. All readers give millimetres, the world frame
of the file, and OpenCV camera axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from viodat.camera import Camera, ViconRadial
from viodat.capture.cameras import caliscope, matlab, opencv, pose2sim, qualisys, vicon_xcp
from viodat.capture.cameras.registry import CalibrationReader
from viodat.errors import CaptureError, ConfigError

__all__ = ["READERS", "CalibrationReader", "calibration_format", "read_cameras", "same_camera"]

READERS: Final[tuple[CalibrationReader, ...]] = (
    pose2sim.READER,
    caliscope.READER,
    qualisys.READER,
    vicon_xcp.READER,
    matlab.READER,
    opencv.READER,
)

_HEAD_BYTES = 65536
_SAME_PX = 0.01
_COMPARED_AT_MM = (1000.0, 5000.0)


def calibration_format(path: Path) -> CalibrationReader | None:
    """Return the reader whose format the file's first 64 KiB look like; None if there is none."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    return next((reader for reader in READERS if reader.sniff(path, head)), None)


def read_cameras(
    path: str | Path,
    *,
    vicon_radial: Literal["distorted_to_ideal", "ideal_to_distorted"] = "distorted_to_ideal",
) -> dict[str, Camera]:
    """Read the calibrated cameras of a file, or of all calibration files of a folder.

    Parameters
    ----------
    path
        One calibration file, or a folder (not its subfolders) with one file for all cameras or one per
        camera. Other files in it are left alone.
    vicon_radial
        What the radial polynomial of a Vicon .xcp maps; other formats have no such doubt.

    Returns
    -------
    dict
        Cameras by id, in the order of the files. A camera that two files state equally (to 0.01 px in the
        picture) comes once, with a note.

    Raises
    ------
    CaptureError
        If nothing there is a calibration, a file is damaged, or two files state one camera differently.
    ConfigError
        If ``path`` does not exist.

    Examples
    --------
    >>> cameras = read_cameras("capture/calibration")  # doctest: +SKIP
    >>> cameras["C01"].project(points_mm)  # doctest: +SKIP
    """
    place = Path(path)
    if not place.exists():
        raise ConfigError(
            "does not exist", where=place, mend="Name the calibration in capture.toml [files] calibration."
        )
    cameras = _read_folder(place) if place.is_dir() else dict(_read_file(place))
    return {
        name: replace(camera, distortion=replace(camera.distortion, direction=vicon_radial))
        if isinstance(camera.distortion, ViconRadial)
        else camera
        for name, camera in cameras.items()
    }


def _read_file(path: Path) -> Mapping[str, Camera]:
    reader = calibration_format(path)
    if reader is None:
        raise CaptureError(
            f"is not a camera calibration that viodat reads ({', '.join(r.name for r in READERS)})",
            where=path,
        )
    return reader.read(path)


def _read_folder(folder: Path) -> dict[str, Camera]:
    suffixes = {suffix for reader in READERS for suffix in reader.suffixes}
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix.lower() in suffixes and calibration_format(path) is not None
    ]
    if not files:
        raise CaptureError(
            f"holds no camera calibration that viodat reads ({', '.join(r.name for r in READERS)})",
            where=folder,
            mend="Name the calibration in capture.toml [files] calibration.",
        )
    cameras: dict[str, Camera] = {}
    for path in files:
        for name, camera in _read_file(path).items():
            cameras[name] = same_camera(cameras[name], camera, folder) if name in cameras else camera
    return cameras


def same_camera(first: Camera, second: Camera, folder: Path) -> Camera:
    """Return one camera for two files of a folder that state the same; CaptureError if they do not."""
    difference = _difference_px(first, second)
    if difference <= _SAME_PX:
        return first.with_notes(f"{second.source} states the same camera (to {difference:.1g} px).")
    apart = f"differ by up to {difference:.3g} px" if np.isfinite(difference) else "differ beyond measure"
    raise CaptureError(
        f"camera {first.id} stands in {first.source} and in {second.source}, and they {apart}; "
        "expected each camera once",
        where=folder,
        mend=f'Name one of them in capture.toml: [files] calibration = "{folder.name}/{first.source}".',
    )


def _difference_px(first: Camera, second: Camera) -> float:
    """Largest distance between where two cameras draw the same points; inf if one does not see them."""
    if first.size_px != second.size_px:
        return np.inf
    across, down = np.meshgrid(*(np.linspace(0, side - 1, 9) for side in first.size_px))
    px = np.stack([across, down], axis=-1).reshape(-1, 2)
    px = px[np.isfinite(first.undistort(px)).all(axis=-1)]
    drawn = [second.project(first.back_project(px, depth)) for depth in _COMPARED_AT_MM]
    distance = np.linalg.norm(np.stack(drawn) - px, axis=-1)
    return float(distance.max()) if distance.size and np.isfinite(distance).all() else np.inf
