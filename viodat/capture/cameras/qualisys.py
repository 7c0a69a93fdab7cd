"""Calibrations that Qualisys Track Manager exports (XML, usually named .qca.txt).

Conventions, checked by computing against a Pose2Sim conversion of the same four cameras (equal to 1e-9 mm
and 1e-12 in the rotation): ``transform`` x y z is the camera's centre in mm; r11 … r33, read row by row,
turn the world to a camera frame with y up and z backwards, so R = diag(1, −1, −1)·r; ``intrinsic`` lengths
are in 1/64 px. The lens coefficients are OpenCV's k1 k2 p1 p2 k3 on normalised coordinates and have no
unit: unlike Pose2Sim 0.x they are not divided by 64. The world frame is Qualisys's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from viodat.camera import Camera, NoDistortion, OpenCVDistortion
from viodat.capture.cameras import fields
from viodat.capture.cameras.fields import Place
from viodat.capture.cameras.registry import CalibrationReader
from viodat.capture.cameras.xml_files import attribute, text, xml_root
from viodat.errors import CaptureError

_SUBPIXELS = 64
_LENS = (
    "radialDistortion1",
    "radialDistortion2",
    "tangentalDistortion1",
    "tangentalDistortion2",
    "radialDistortion3",
)


def sniff(path: Path, head: bytes) -> bool:
    """XML with a ``calibration`` root that has intrinsics in Qualisys's words."""
    return b"<calibration" in head and (b"focalLengthU" in head or b"<transform" in head)


def read(path: Path) -> Mapping[str, Camera]:
    """Read all active cameras of a Qualisys calibration."""
    cameras: dict[str, Camera] = {}
    for element in xml_root(path).iter("camera"):
        if element.get("active", "1") in ("0", "false"):
            continue
        place = Place(path, text(element, "serial", Place(path, f"number {len(cameras) + 1}")))
        if place.camera in cameras:
            place.fail("is there twice; expected each serial once")
        cameras[place.camera] = _camera(element, place)
    if not cameras:
        raise CaptureError("holds no active camera", where=path)
    return cameras


def _camera(element: Element, place: Place) -> Camera:
    transform, intrinsic = element.find("transform"), element.find("intrinsic")
    turn = np.array([[attribute(transform, f"r{i}{j}", place) for j in (1, 2, 3)] for i in (1, 2, 3)])
    rotation = np.diag([1.0, -1.0, -1.0]) @ fields.rotation(turn, "r11 … r33", place)
    centre_mm = np.array([attribute(transform, axis, place) for axis in "xyz"])
    names = ("focalLengthU", "skew", "centerPointU", "focalLengthV", "centerPointV")
    fx, skew, cx, fy, cy = (attribute(intrinsic, name, place) / _SUBPIXELS for name in names)
    lens = tuple(attribute(intrinsic, name, place) for name in _LENS)
    notes = []
    if (view := element.get("viewrotation", "0")) not in ("0", "0.0"):
        notes.append(f"viewrotation is {view}°: the calibration is of the sensor, its video may be turned.")
    whole = fields.camera(
        place,
        size_px=_sensor(intrinsic, place),
        matrix=np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]]),
        distortion=OpenCVDistortion(lens) if any(lens) else NoDistortion(),
        rotation=rotation,
        translation_mm=-rotation @ centre_mm,
        notes=notes,
    )
    return _video_part(whole, element.find("fov_video"), place)


def _sensor(intrinsic: Element | None, place: Place) -> tuple[int, int]:
    """Sensor size from the first and last subpixel."""
    sides = [
        attribute(intrinsic, f"sensorMax{axis}", place) - attribute(intrinsic, f"sensorMin{axis}", place)
        for axis in "UV"
    ]
    return fields.size([int(side // _SUBPIXELS) + 1 for side in sides], "sensorMaxU, sensorMaxV", place)


def _video_part(camera: Camera, window: Element | None, place: Place) -> Camera:
    """Return the camera for the part of the sensor that its video shows."""
    if window is None:
        return camera
    left, top, right, bottom = (attribute(window, side, place) for side in ("left", "top", "right", "bottom"))
    width, height = fields.size([right - left + 1, bottom - top + 1], "fov_video", place)
    if (left, top) == (0, 0) and (width, height) == camera.size_px:
        return camera
    if left < 0 or top < 0 or right >= camera.size_px[0] or bottom >= camera.size_px[1]:
        place.fail(f"fov_video reaches beyond the sensor of {camera.size_px[0]} x {camera.size_px[1]} px")
    return camera.cropped(left, top, width, height).with_notes(
        f"Its video shows {width} x {height} px of the sensor, from {left:g}, {top:g}."
    )


READER = CalibrationReader(
    name="qualisys",
    description="Qualisys Track Manager XML (.qca.txt): 1/64 px, centre in mm, rotation, OpenCV lens",
    suffixes=(".txt", ".xml", ".qca"),
    sniff=sniff,
    read=read,
)
