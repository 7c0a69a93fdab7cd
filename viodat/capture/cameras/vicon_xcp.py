"""Calibrations of Vicon systems: .xcp, a ``Camera`` per device, its calibration in a ``KeyFrame``.

ORIENTATION is a quaternion x y z w that maps world to camera, POSITION (mm) the camera's centre: X_cam =
R(q)(X − POSITION) in OpenCV axes. FOCAL_LENGTH and PRINCIPAL_POINT are px. VICON_RADIAL2 ``Vicon3Parameter
cx cy k1 k2 k3`` acts in pixels and is read as distorted to ideal (parsers disagree; ``read_cameras(...,
vicon_radial=...)`` switches it). The older VICON_RADIAL ``k1 k2`` is used where there is no VICON_RADIAL2,
around the principal point. A camera without KeyFrame is not calibrated and is left out. The id is the
DEVICEID.

No public .xcp of a system with known truth was found: the conventions are those of published parsers.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.camera import Camera, Distortion, NoDistortion, ViconRadial
from viodat.capture.cameras import fields
from viodat.capture.cameras.fields import Place
from viodat.capture.cameras.registry import CalibrationReader
from viodat.capture.cameras.xml_files import text, xml_root
from viodat.errors import CaptureError, ViodatWarning

_MODEL = "Vicon3Parameter"


def sniff(path: Path, head: bytes) -> bool:
    """Return an .xcp file, or XML with Vicon's camera attributes."""
    return path.suffix.lower() == ".xcp" or (b"<Camera" in head and b"DEVICEID" in head)


def read(path: Path) -> Mapping[str, Camera]:
    """Read all calibrated cameras of a Vicon .xcp file."""
    cameras: dict[str, Camera] = {}
    uncalibrated = []
    for element in xml_root(path).iter("Camera"):
        place = Place(path, text(element, "DEVICEID", Place(path, f"number {len(cameras) + 1}")))
        if place.camera in cameras or place.camera in uncalibrated:
            place.fail("is there twice; expected each DEVICEID once")
        key_frames = list(element.iter("KeyFrame"))
        if not key_frames:
            uncalibrated.append(place.camera)
            continue
        if len(key_frames) > 1:
            place.fail(f"has {len(key_frames)} KeyFrames; expected one, as a camera that stands still has")
        cameras[place.camera] = _camera(element, key_frames[0], place)
    if not cameras:
        raise CaptureError(
            f"calibrates no camera ({', '.join(uncalibrated) or 'no Camera at all'}: without KeyFrame)",
            where=path,
            mend="Export the .xcp after the calibration of the system.",
        )
    if uncalibrated:
        warnings.warn(
            f"{path.name}: camera {', '.join(uncalibrated)} left out: not calibrated (no KeyFrame)",
            ViodatWarning,
            stacklevel=2,
        )
    return cameras


def _camera(element: Element, key: Element, place: Place) -> Camera:
    def values(name: str, count: int, source: Element = key) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return fields.parsed_numbers(text(source, name, place), count, name, place)

    quaternion = values("ORIENTATION", 4)
    length = float(np.linalg.norm(quaternion))
    if abs(length - 1) > 1e-3:
        place.fail(f"ORIENTATION: expected a unit quaternion x y z w, got one of length {length:.4g}")
    rotation = np.asarray(Rotation.from_quat(quaternion).as_matrix(), dtype=np.float64)
    centre_mm = values("POSITION", 3)
    (focal,), (cx, cy) = values("FOCAL_LENGTH", 1), values("PRINCIPAL_POINT", 2)
    notes = []
    aspect = values("PIXEL_ASPECT_RATIO", 1, element)[0] if "PIXEL_ASPECT_RATIO" in element.attrib else 1.0
    if not 0.5 <= aspect <= 2:
        place.fail(f"PIXEL_ASPECT_RATIO: expected a ratio near 1, got {aspect:g}")
    if aspect != 1:
        notes.append(f"PIXEL_ASPECT_RATIO is {aspect:g}: the vertical focal length was divided by it, unverified.")
    skew = values("SKEW", 1, element)[0] if "SKEW" in element.attrib else 0.0
    if skew != 0:
        notes.append(f"SKEW {skew:g} was not applied: its unit is not documented.")
    label = element.get("USERID", "")
    if label and label != place.camera:
        notes.append(f"Vicon's USERID is {label}.")
    return fields.camera(
        place,
        size_px=fields.size(list(values("SENSOR_SIZE", 2, element)), "SENSOR_SIZE", place),
        matrix=np.array([[focal, 0, cx], [0, focal / aspect, cy], [0, 0, 1]]),
        distortion=_lens(key, (float(cx), float(cy)), place),
        rotation=rotation,
        translation_mm=-rotation @ centre_mm,
        notes=notes,
    )


def _lens(key: Element, principal_point: tuple[float, float], place: Place) -> Distortion:
    if model := key.get("VICON_RADIAL2", "").strip():
        name, _, rest = model.partition(" ")
        if name != _MODEL:
            place.fail(f"VICON_RADIAL2: expected {_MODEL} cx cy k1 k2 k3, got {fields.shown(model)}")
        cx, cy, *k = map(float, fields.parsed_numbers(rest, 5, "VICON_RADIAL2", place))
        return ViconRadial((cx, cy), tuple(k)) if any(k) else NoDistortion()
    if model := key.get("VICON_RADIAL", "").strip():
        k1, k2 = map(float, fields.parsed_numbers(model, 2, "VICON_RADIAL", place))
        return ViconRadial(principal_point, (k1, k2, 0.0)) if k1 or k2 else NoDistortion()
    return NoDistortion()


READER = CalibrationReader(
    name="vicon_xcp",
    description="Vicon .xcp: quaternion and centre in mm, radial lens in pixels from distorted to ideal",
    suffixes=(".xcp",),
    sniff=sniff,
    read=read,
)
