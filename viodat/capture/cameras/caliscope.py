"""Calibrations of caliscope and pyxy3d: ``[cameras.N]`` in camera_array.toml, ``[cam_N]`` in config.toml.

Rotation is a 3 x 3 matrix (in older files) or a rotation vector, translation in metres. The id is
``cam_N``, as caliscope names the videos. Cameras marked ``ignore`` or without a place in the world are left
out and said so. ``rotation_count`` turns only caliscope's display: the matrix belongs to the picture as
recorded.

Source: the files that caliscope writes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from viodat.camera import Camera
from viodat.capture.cameras import fields
from viodat.capture.cameras.fields import Place
from viodat.capture.cameras.registry import CalibrationReader
from viodat.capture.cameras.toml_tables import read_tables, toml_tables
from viodat.errors import CaptureError, ViodatWarning

_OWN = re.compile(rb"^[ \t]*(\[cameras\.|port\s*=|cam_id\s*=|rotation_count\s*=)", re.MULTILINE)
_UNPLACED: tuple[object, ...] = (None, "null", "", [])


def sniff(path: Path, head: bytes) -> bool:
    """Return a TOML file with caliscope's tables or keys."""
    return path.suffix.lower() == ".toml" and bool(_OWN.search(head))


def read(path: Path) -> Mapping[str, Camera]:
    """Read all placed cameras of a caliscope TOML file."""
    content = toml_tables(path)
    place = Place(path)
    own = content.get("cameras")
    found: Mapping[str, Any] = own if isinstance(own, dict) else content
    tables: dict[str, Mapping[str, Any]] = {}
    notes: dict[str, tuple[str, ...]] = {}
    left_out = []
    for key, table in found.items():
        if not isinstance(table, dict) or not ({"matrix", "cam_id", "port"} & table.keys()):
            continue
        name = f"cam_{table.get('cam_id', table.get('port', key.removeprefix('cam_')))}"
        if name in tables:
            place.fail(f"two tables have the camera number of {name}; expected one each")
        if table.get("ignore") is True or any(table.get(k) in _UNPLACED for k in ("rotation", "translation")):
            left_out.append(name)
            continue
        tables[name] = table
        turns = table.get("rotation_count", 0)
        if turns:
            notes[name] = (f"rotation_count {fields.shown(turns)} turns caliscope's display only; not applied.",)
    if not tables:
        raise CaptureError(
            f"places no camera in the world ({', '.join(left_out) or 'no camera table at all'} left out)",
            where=path,
            mend="Finish the extrinsic calibration in caliscope.",
        )
    if left_out:
        warnings.warn(
            f"{path.name}: {', '.join(left_out)} left out: ignored, or not placed in the world",
            ViodatWarning,
            stacklevel=2,
        )
    return read_tables(tables, place, notes)


READER = CalibrationReader(
    name="caliscope",
    description="caliscope TOML: rotation matrix or vector, translation in m, OpenCV lens",
    suffixes=(".toml",),
    sniff=sniff,
    read=read,
)
