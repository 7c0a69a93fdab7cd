"""Small C3D files for the tests, written with ezc3d, and damage to single bytes of them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ezc3d
import numpy as np

RATE_HZ = 100.0
FRAMES = 20


def coordinates(n_points: int, frames: int = FRAMES) -> np.ndarray:
    """(F, N, 3): every coordinate of every point and frame is another number, none zero."""
    rng = np.random.default_rng(5)
    return np.round(rng.uniform(100.0, 1900.0, (frames, n_points, 3)), 1)


def write_c3d(
    path: Path,
    labels: Sequence[str],
    points: np.ndarray | None = None,
    *,
    units: str | None = "mm",
    residuals: np.ndarray | None = None,
    analog: np.ndarray | None = None,
    analog_rate_hz: float = 1000.0,
    parameters: Mapping[tuple[str, str], Any] | None = None,
) -> Path:
    """Write a file: ``points`` (F, N, 3), ``residuals`` (F, N), ``analog`` (S, C)."""
    values = coordinates(len(labels)) if points is None else points
    content = ezc3d.c3d()
    group = content["parameters"]["POINT"]
    group["RATE"]["value"] = [RATE_HZ]
    group["LABELS"]["value"] = list(labels)
    group["UNITS"]["value"] = [units] if units is not None else []
    homogeneous = np.ones((4, values.shape[1], values.shape[0]))
    homogeneous[:3] = values.transpose(2, 1, 0)
    content["data"]["points"] = homogeneous
    if residuals is not None:
        content["data"]["meta_points"]["residuals"] = residuals.T[None]
    else:
        content["data"]["meta_points"]["residuals"] = np.zeros((1, values.shape[1], values.shape[0]))
    content["data"]["meta_points"]["camera_masks"] = np.zeros((7, values.shape[1], values.shape[0]), dtype=bool)
    if analog is not None:
        content["data"]["analogs"] = analog.T[None]
        content["parameters"]["ANALOG"]["RATE"]["value"] = [analog_rate_hz]
        content["parameters"]["ANALOG"]["LABELS"]["value"] = [f"A{i}" for i in range(analog.shape[1])]
        content["parameters"]["ANALOG"]["UNITS"]["value"] = ["V"] * analog.shape[1]
    for (group_name, name), value in (parameters or {}).items():
        content.add_parameter(group_name, name, value)
    content.write(str(path))
    return path


def poke(path: Path, offset: int, code: str, *values: float) -> Path:
    """Overwrite bytes of a file, ``code`` as in :mod:`struct` (little-endian)."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<" + code, content, offset, *values)
    path.write_bytes(content)
    return path


def poke_parameter(path: Path, name: bytes, code: str, *values: float) -> Path:
    """Overwrite the value of the first one-valued parameter called ``name``."""
    content = path.read_bytes()
    at = content.index(name, 512) + len(name)
    dimensions = content[at + 3]
    return poke(path, at + 4 + dimensions, code, *values)
