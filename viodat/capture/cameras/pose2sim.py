"""Calibrations of Pose2Sim and aniposelib: one TOML table per camera, rotation vector, translation in metres.

A table is a camera if it has a ``matrix``; its ``name`` is the camera's id (the table's own name where it
has none). Pose2Sim 0.x divides the lens coefficients of Qualisys files by 64 when it converts them; such
files are read as they are.

Source: the files that both programs write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from viodat.camera import Camera
from viodat.capture.cameras.fields import Place
from viodat.capture.cameras.registry import CalibrationReader
from viodat.capture.cameras.toml_tables import read_tables, toml_tables
from viodat.errors import CaptureError

_MATRIX = re.compile(rb"^[ \t]*(matrix|distortions?)\s*=", re.MULTILINE)
_CALISCOPE = re.compile(rb"^[ \t]*(\[cameras\.|port\s*=|cam_id\s*=|rotation_count\s*=)", re.MULTILINE)


def sniff(path: Path, head: bytes) -> bool:
    """Return a TOML file with a camera matrix and none of caliscope's own keys."""
    return path.suffix.lower() == ".toml" and bool(_MATRIX.search(head)) and not _CALISCOPE.search(head)


def read(path: Path) -> Mapping[str, Camera]:
    """Read all cameras of a Pose2Sim or aniposelib TOML file."""
    tables = {}
    for key, table in toml_tables(path).items():
        if not isinstance(table, dict) or key == "metadata":
            continue
        name = str(table.get("name", key))
        if name in tables:
            raise CaptureError(f"two tables have the camera name {name!r}; expected one each", where=path)
        tables[name] = table
    if not tables:
        raise CaptureError("holds no camera table with a matrix", where=path)
    return read_tables(tables, Place(path), {})


READER = CalibrationReader(
    name="pose2sim",
    description="Pose2Sim and aniposelib TOML: rotation vector, translation in m, OpenCV lens",
    suffixes=(".toml",),
    sniff=sniff,
    read=read,
)
