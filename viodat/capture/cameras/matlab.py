"""MATLAB stereo calibrations: ``jsonencode`` of a stereoParameters object or of its ``toStruct``.

MATLAB counts pixels from 1, so its principal point is moved by −1. ``K`` (since R2022b) is upright and
``IntrinsicMatrix`` transposed; ``PoseCamera2`` (with ``R`` and ``Translation`` or ``A``) is upright and
``RotationOfCamera2`` transposed. ImageSize is rows, columns. The cameras are ``1`` and ``2``; the world is
the frame of camera 1.

Source: MathWorks' documentation of cameraParameters and stereoParameters; no file from a lab was at hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from viodat.camera import Camera, NoDistortion, OpenCVDistortion
from viodat.capture.cameras import fields
from viodat.capture.cameras.fields import FloatArray, Place
from viodat.capture.cameras.registry import CalibrationReader
from viodat.errors import CaptureError

_UNITS = {
    "millimeters": 1.0,
    "mm": 1.0,
    "centimeters": 10.0,
    "cm": 10.0,
    "meters": 1000.0,
    "m": 1000.0,
    "inches": 25.4,
}


def sniff(path: Path, head: bytes) -> bool:
    """JSON with MATLAB's names."""
    return path.suffix.lower() == ".json" and b"CameraParameters1" in head


def read(path: Path) -> Mapping[str, Camera]:
    """Read both cameras of a MATLAB stereo calibration."""
    place = Place(path)
    try:
        content = json.loads(fields.file_text(path))
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"is not valid JSON: {error}", where=path, mend="Export the calibration again.") from error
    if isinstance(content, dict) and isinstance(content.get("stereoParams"), dict):
        content = content["stereoParams"]
    if not isinstance(content, dict):
        place.fail("expected an object with CameraParameters1 and CameraParameters2")
    unit = str(fields.found(content, ["WorldUnits"], place)).lower()
    if unit not in _UNITS:
        place.fail(f"WorldUnits: expected one of {', '.join(_UNITS)}, got {fields.shown(unit)}")
    poses = {"1": (np.eye(3), np.zeros(3)), "2": _pose(content, place.of("2"))}
    cameras = {}
    for name, (rotation, translation) in poses.items():
        values = fields.found(content, [f"CameraParameters{name}"], place)
        if not isinstance(values, dict):
            place.fail(f"CameraParameters{name}: expected an object, got {fields.shown(values)}")
        cameras[name] = _camera(values, rotation, translation * _UNITS[unit], place.of(name))
    return cameras


def _pose(content: Mapping[str, Any], place: Place) -> tuple[FloatArray, FloatArray]:
    pose = content.get("PoseCamera2")
    if isinstance(pose, dict):
        if "A" in pose:
            matrix = fields.numbers(pose["A"], [(4, 4)], "PoseCamera2.A", place)
            return fields.rotation(matrix[:3, :3], "PoseCamera2.A", place), matrix[:3, 3]
        turn = fields.rotation(fields.found(pose, ["R"], place), "PoseCamera2.R", place)
        return turn, fields.numbers(
            fields.found(pose, ["Translation"], place), [(3,)], "PoseCamera2.Translation", place
        )
    turn = fields.numbers(fields.found(content, ["RotationOfCamera2"], place), [(3, 3)], "RotationOfCamera2", place).T
    shift = fields.numbers(
        fields.found(content, ["TranslationOfCamera2"], place), [(3,)], "TranslationOfCamera2", place
    )
    return fields.rotation(turn, "RotationOfCamera2", place), shift


def _camera(values: Mapping[str, Any], rotation: FloatArray, translation_mm: FloatArray, place: Place) -> Camera:
    upright = "K" in values
    matrix = fields.numbers(fields.found(values, ["K", "IntrinsicMatrix"], place), [(3, 3)], "K", place)
    matrix = (matrix if upright else matrix.T) - np.array([[0, 0, 1.0], [0, 0, 1.0], [0, 0, 0]])
    radial = fields.numbers(fields.found(values, ["RadialDistortion"], place), [(2,), (3,)], "RadialDistortion", place)
    tangential = fields.numbers(values.get("TangentialDistortion", [0, 0]), [(2,)], "TangentialDistortion", place)
    k1, k2, k3 = (*map(float, radial), 0.0)[:3]
    lens = (k1, k2, float(tangential[0]), float(tangential[1]), k3)
    height, width = fields.size(fields.found(values, ["ImageSize"], place), "ImageSize", place)
    return fields.camera(
        place,
        size_px=(width, height),
        matrix=matrix,
        distortion=OpenCVDistortion(lens) if any(lens) else NoDistortion(),
        rotation=rotation,
        translation_mm=translation_mm,
    )


READER = CalibrationReader(
    name="matlab",
    description="MATLAB stereoParameters as JSON: pixels from 1, WorldUnits, camera 1 is the world",
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
