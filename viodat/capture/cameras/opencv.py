"""Calibrations in OpenCV's terms: YAML or JSON of cv::FileStorage, plain JSON, ROS camera_info with a pose.

There is no one layout, so keys are matched without regard to case and underscores against the names in use
(``camera_matrix``, ``K``, ``mtx``; ``dist_coeffs``, ``distortion_coefficients``, ``D``; ``R``, ``rvec``;
``T``, ``tvec``; ``image_size`` or ``image_width`` and ``image_height``). Three shapes of file are read: one
camera (id: its ``camera_name`` or the file's name), several (a mapping or list of cameras, also under
``cameras``), and a stereo pair (K1 D1 K2 D2 R T, cameras ``1`` and ``2``; the world is then the frame of
camera 1). X_cam = R X_world + t.

OpenCV knows no unit of length. ``units`` ("mm" or "m") in the file decides; without it, translations that
all stay below 20 are taken as metres and any above 100 means millimetres, which is noted; between the two
the reader asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from viodat.camera import Camera
from viodat.capture.cameras import fields
from viodat.capture.cameras.fields import FloatArray, Place
from viodat.capture.cameras.opencv_yaml import YamlError, parse_yaml
from viodat.capture.cameras.registry import CalibrationReader
from viodat.errors import CaptureError

_NAMES: Mapping[str, tuple[str, ...]] = {
    "matrix": ("cameramatrix", "k", "mtx", "intrinsicmatrix", "intrinsics", "intrinsic", "matrix", "m"),
    "lens": ("distcoeffs", "distortioncoefficients", "dist", "d", "distortion", "distortions", "distcoef"),
    "rotation": ("r", "rvec", "rotation", "rotationmatrix", "rotationvector", "rot"),
    "translation": ("t", "tvec", "translation", "translationvector"),
    "size": ("imagesize", "imgsize", "size", "resolution"),
    "width": ("imagewidth", "width"),
    "height": ("imageheight", "height"),
    "id": ("cameraname", "name", "id", "cameraid", "serial"),
    "units": ("units", "unit"),
}
_LABEL = {
    "matrix": "camera_matrix",
    "lens": "dist_coeffs",
    "rotation": "R (or rvec)",
    "translation": "T (or tvec)",
    "size": "image_size",
}
_FISHEYE = ("fisheye", "equidistant", "kannala_brandt")
_UNITS = {
    "mm": 1.0,
    "millimetres": 1.0,
    "millimeters": 1.0,
    "m": 1000.0,
    "metres": 1000.0,
    "meters": 1000.0,
    "cm": 10.0,
}
_MATRIX_KEY = re.compile(
    rb"[\"']?\b(camera_?matrix\w*|cameraMatrix\w*|[KM][12]?|mtx|intrinsic_?matrix|intrinsics?|matrix)[\"']?\s*:",
    re.IGNORECASE,
)


def sniff(path: Path, head: bytes) -> bool:
    """YAML or JSON with a key that names a camera matrix, and nothing of MATLAB's."""
    if path.suffix.lower() not in READER.suffixes or b"CameraParameters1" in head:
        return False
    return bool(_MATRIX_KEY.search(head)) or head.lstrip().startswith(b"%YAML")


def read(path: Path) -> Mapping[str, Camera]:
    """Read all cameras of an OpenCV YAML or JSON file."""
    content = _content(path)
    place = Place(path)
    raw = _split(content, place)
    if not raw:
        place.fail("holds no camera matrix", "Name it camera_matrix, K or mtx.")
    translations = {}
    for name, values in raw.items():
        here = place.of(name)
        value = _get(values, "translation")
        if value is None:
            here.fail(
                f"{_LABEL['translation']} is missing: the file does not say where the camera stands",
                "Add R and T (X_cam = R X_world + T).",
            )
        translations[name] = fields.numbers(value, [(3,)], _LABEL["translation"], here)
    factor, notes = _unit(content, raw, translations, place)
    return {name: _camera(values, translations[name] * factor, notes, place.of(name)) for name, values in raw.items()}


def _content(path: Path) -> Any:
    text = fields.file_text(path)
    try:
        if text.lstrip().startswith(("{", "[")):
            return _plain(json.loads(text))
        return _plain(parse_yaml(text))
    except (RecursionError, ValueError) as error:
        kind = "YAML" if isinstance(error, YamlError) else "JSON or YAML"
        raise CaptureError(
            f"is not {kind} as OpenCV writes it: {error}", where=path, mend="Export the calibration again."
        ) from error


def _plain(value: Any) -> Any:
    """Return the same with each OpenCV or ROS matrix (rows, cols, data) as nested lists."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    # OpenCV 5 writes a vector as an nd-matrix with its sizes; before, it was a matrix of one column.
    if isinstance(value.get("data"), list) and value.get("sizes") == [len(value["data"])]:
        return value["data"]
    if {"rows", "cols", "data"} <= value.keys():
        rows, cols, data = value["rows"], value["cols"], value["data"]
        if not (isinstance(rows, int) and isinstance(cols, int) and isinstance(data, list)) or len(data) != rows * cols:
            count = len(data) if isinstance(data, list) else 0
            raise ValueError(f"a matrix says rows {rows!r} and cols {cols!r} but has {count} numbers")
        return [data[i * cols : (i + 1) * cols] for i in range(rows)]
    return {str(key): _plain(item) for key, item in value.items()}


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")


def _get(values: Mapping[str, Any], field: str) -> Any:
    names = {_key(name): value for name, value in values.items()}
    return next((names[key] for key in _NAMES[field] if names.get(key) is not None), None)


def _split(content: Any, place: Place) -> dict[str, Mapping[str, Any]]:
    """Return the values of each camera by its id, whichever shape the file has."""
    if isinstance(content, dict) and _get(content, "matrix") is not None:
        return {str(_get(content, "id") or place.path.stem): content}
    if isinstance(content, dict) and (pair := _stereo(content)):
        return pair
    cameras = content.get("cameras", content) if isinstance(content, dict) else content
    found: dict[str, Mapping[str, Any]] = {}
    items = cameras.items() if isinstance(cameras, dict) else enumerate(cameras) if isinstance(cameras, list) else ()
    for key, values in items:
        if not isinstance(values, dict) or _get(values, "matrix") is None:
            continue
        name = str(_get(values, "id") if _get(values, "id") is not None else key)
        if name in found:
            place.of(name).fail("is there twice; expected each camera once")
        found[name] = values
    return found


def _stereo(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Both cameras of a stereo calibration; the first one's frame is the world."""
    names = {_key(name): value for name, value in content.items()}
    pair: dict[str, Mapping[str, Any]] = {}
    for number in ("1", "2"):
        own = {key: names.get(f"{key}{number}") for field in ("matrix", "lens", "size") for key in _NAMES[field]}
        own = {key: value for key, value in own.items() if value is not None}
        if _get(own, "matrix") is None:
            return {}
        for field in ("size", "width", "height"):
            if _get(own, field) is None and _get(content, field) is not None:
                own[_NAMES[field][0]] = _get(content, field)
        pose = {"r": np.eye(3).tolist(), "t": [0.0, 0.0, 0.0]}
        if number == "2":
            pose = {"r": _get(content, "rotation"), "t": _get(content, "translation")}
        pair[number] = {**own, **pose}
    return pair


def _unit(
    content: Any, raw: Mapping[str, Mapping[str, Any]], translations: Mapping[str, FloatArray], place: Place
) -> tuple[float, tuple[str, ...]]:
    stated = [_get(values, "units") for values in (content if isinstance(content, dict) else {}, *raw.values())]
    if units := {str(unit).lower() for unit in stated if unit is not None}:
        if len(units) > 1 or not units <= _UNITS.keys():
            place.fail(f"units: expected one of {', '.join(_UNITS)} for all cameras, got {', '.join(sorted(units))}")
        return _UNITS[units.pop()], ()
    longest = max(float(np.linalg.norm(t)) for t in translations.values())
    if longest > 1e5:
        place.fail(f"translation: the farthest camera is {longest:,.0f} from the origin; expected mm or m")
    if longest > 100:
        return 1.0, (f"The file states no unit; translations reach {longest:,.0f}, taken as mm.",)
    if longest < 20:
        return 1000.0, (f"The file states no unit; translations reach {longest:.3g}, taken as m.",)
    place.fail(
        f"the file states no unit, and translations that reach {longest:.3g} could be m or mm",
        'Add units: "mm" or units: "m" to it.',
    )


def _camera(values: Mapping[str, Any], translation_mm: FloatArray, notes: tuple[str, ...], place: Place) -> Camera:
    rotation = _get(values, "rotation")
    if rotation is None:
        place.fail(f"{_LABEL['rotation']} is missing", "Add R and T (X_cam = R X_world + T).")
    image_size = _get(values, "size")
    if image_size is None:
        image_size = [_get(values, "width"), _get(values, "height")]
        if None in image_size:
            place.fail(
                "image_size (or image_width and image_height) is missing",
                "Add image_size: [width, height], px, of the pictures that it was calibrated with.",
            )
    return fields.camera(
        place,
        size_px=fields.size(image_size, _LABEL["size"], place),
        matrix=fields.numbers(_get(values, "matrix"), [(3, 3)], _LABEL["matrix"], place),
        distortion=fields.opencv_distortion(
            _flat(_get(values, "lens")), _LABEL["lens"], place, fisheye=_is_fisheye(values, place)
        ),
        rotation=fields.rotation(_column(rotation), _LABEL["rotation"], place),
        translation_mm=translation_mm,
        notes=notes,
    )


def _is_fisheye(values: Mapping[str, Any], place: Place) -> bool:
    flag, model = (
        values.get("fisheye", False),
        str(values.get("distortion_model", values.get("model", ""))).lower(),
    )
    if not isinstance(flag, (bool, int)):
        place.fail(f"fisheye: expected true or false, got {fields.shown(flag)}")
    return bool(flag) or model in _FISHEYE


def _flat(value: Any) -> Any:
    """Coefficients as one row: OpenCV writes them as 1 x n, n x 1 or n."""
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return [item for row in value for item in row]
    return value


def _column(value: Any) -> Any:
    """Return a rotation vector written as 3 x 1 or 1 x 3 as a row; a matrix as it is."""
    flat = _flat(value)
    return flat if isinstance(flat, list) and len(flat) == 3 and value is not flat else value


READER = CalibrationReader(
    name="opencv",
    description="OpenCV YAML or JSON (FileStorage, plain, stereo, ROS): matrix, lens, R, T in mm or m",
    suffixes=(".yml", ".yaml", ".json"),
    sniff=sniff,
    read=read,
)
