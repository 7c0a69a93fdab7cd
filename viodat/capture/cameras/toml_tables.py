"""What the TOML formats of Pose2Sim, aniposelib and caliscope share: one table per camera with the same keys.

``size`` (width, height) px, ``matrix`` 3 x 3, ``distortions`` as in OpenCV (4 of the fisheye model where
``fisheye`` is true), ``rotation`` (vector or matrix) and ``translation``: X_cam = R X_world + t.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from viodat.camera import Camera
from viodat.capture.cameras import fields
from viodat.capture.cameras.fields import Place
from viodat.errors import CaptureError


def toml_tables(path: Path) -> dict[str, Any]:
    """Parse a TOML file; CaptureError with the line if it is not one."""
    try:
        return tomllib.loads(fields.file_text(path))
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"is not valid TOML: {error}", where=path, mend="Export the calibration again.") from error


def read_tables(
    tables: Mapping[str, Mapping[str, Any]], place: Place, notes: Mapping[str, tuple[str, ...]]
) -> dict[str, Camera]:
    """Cameras from tables by camera id.

    Parameters
    ----------
    tables
        By the id that the camera will have.
    place
        The file.
    notes
        Further notes by camera id.
    """
    translations = {
        name: fields.numbers(
            fields.found(table, ["translation"], place.of(name)), [(3,)], "translation", place.of(name)
        )
        for name, table in tables.items()
    }
    factor, unit_notes = fields.metres_to_mm(translations, place)
    cameras = {}
    for name, table in tables.items():
        here = place.of(name)
        fisheye = table.get("fisheye", False)
        if not isinstance(fisheye, bool):
            here.fail(f"fisheye: expected true or false, got {fields.shown(fisheye)}")
        cameras[name] = fields.camera(
            here,
            size_px=fields.size(fields.found(table, ["size"], here), "size", here),
            matrix=fields.numbers(fields.found(table, ["matrix"], here), [(3, 3)], "matrix", here),
            distortion=fields.opencv_distortion(
                fields.found(table, ["distortions", "distortion"], here), "distortions", here, fisheye=fisheye
            ),
            rotation=fields.rotation(fields.found(table, ["rotation"], here), "rotation", here),
            translation_mm=translations[name] * factor,
            notes=(*unit_notes, *notes.get(name, ())),
        )
    return cameras
