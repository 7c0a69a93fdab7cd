"""Writing C3D files of computed points: what a model gave, for Nexus, Mokka, ezc3d and whoever reads C3D.

What :func:`viodat.capture.c3d.read_c3d` reads: positions in mm with a residual each, missing samples as (0, 0, 0) with
residual -1, and angles as points that POINT:ANGLES lists, in degrees, as Plug-in Gait stores them. Numbers are single
precision. A file stores a residual as a byte, in steps of POINT:SCALE; the step is the finest of 0.01 (Nexus'
own), 0.02, 0.05, 0.1 ... mm that reaches the largest residual.

ezc3d 1.7.2 never frees what it takes over of a file's samples: 5 MB for each file of 50 s at 100 Hz with 18 points,
10 MB with 36 (measured), until the process ends.

Source: The C3D File Format User Guide (Motion Lab Systems); Vicon Nexus' own files, for POINT:ANGLES, ANGLE_UNITS and
TYPE_GROUPS.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ezc3d
import numpy as np
from numpy.typing import NDArray

from viodat._version import __version__
from viodat.files import atomic_path

_UINT16: Final = 65536
_HEADER_SCALE_BYTE: Final = 12
_RESIDUAL_STEPS: Final = 255
_LONGEST_TEXT: Final = 127
"""Characters that old readers give a label or a description."""

_MOST_POINTS: Final = 255
"""POINT:LABELS holds no more; nobody computes as many."""


@dataclass(frozen=True)
class PointSeries:
    """Points of a file, of one kind.

    Attributes
    ----------
    labels
        N, each once.
    descriptions
        N, one line each.
    values
        (F, N, 3), NaN where missing: a sample of which one number is NaN is missing.
    """

    labels: tuple[str, ...]
    descriptions: tuple[str, ...]
    values: NDArray[np.floating]


def write_c3d(
    path: Path,
    points: PointSeries,
    residuals_mm: NDArray[np.floating],
    *,
    rate_hz: float,
    first_frame: int = 1,
    angles: PointSeries | None = None,
    subject: str = "",
) -> None:
    """Write one C3D file, atomically; the same arguments give the same bytes.

    Parameters
    ----------
    path
        The file.
    points
        Positions, mm, Z up.
    residuals_mm
        (F, N) mm, one for each of ``points``: not below 0, NaN where none is known (stored as 0, which in C3D says
        that the sample is not measured). Where a point is missing it does not count. Above 0 it is stored to half a
        step, and never as 0.
    rate_hz
        Frames per second.
    first_frame
        Number of the first frame, counted from 1.
    angles
        Angles, three to a point, degrees, of as many frames; None: the file has none.
    subject
        Whose they are, for SUBJECTS:NAMES.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, there is no frame, a label occurs twice, or there are more than 255.
    OSError
        If the file cannot be written.
    """
    series = [points, *([angles] if angles else [])]
    labels = [label for part in series for label in part.labels]
    descriptions = [text[:_LONGEST_TEXT] for part in series for text in part.descriptions]
    frames = len(points.values)
    _check(series, residuals_mm, labels)
    values = np.concatenate([part.values for part in series], axis=1).astype(np.float64)
    missing = np.asarray(~np.isfinite(values).all(axis=2))
    step = residual_step(residuals_mm[~missing[:, : len(points.labels)]])
    stored = np.zeros(missing.shape)
    stored[:, : len(points.labels)] = np.nan_to_num(residuals_mm)
    # Rounded here, and a quarter of a step above: ezc3d cuts off what is less than a step.
    stored = np.where(stored > 0, (np.clip(np.rint(stored / step), 1, _RESIDUAL_STEPS) + 0.25) * step, 0.0)

    file = ezc3d.c3d()
    file["header"]["points"]["first_frame"] = first_frame - 1  # ezc3d counts from 0
    group = file["parameters"]["POINT"]
    group["RATE"]["value"], group["UNITS"]["value"], group["LABELS"]["value"] = [rate_hz], ["mm"], labels
    group["DESCRIPTIONS"]["value"] = descriptions
    group["SCALE"]["value"] = np.array([-step])  # negative: positions are stored as floats
    homogeneous = np.ones((4, len(labels), frames))
    homogeneous[:3] = np.where(missing[:, :, None], 0.0, values).transpose(2, 1, 0)
    file["data"]["points"] = homogeneous
    file["data"]["meta_points"]["residuals"] = np.where(missing, -1.0, stored).T[None]
    file["data"]["meta_points"]["camera_masks"] = np.zeros((7, len(labels), frames), dtype=bool)
    for (name, parameter), value in _parameters(first_frame, frames, rate_hz, angles, subject).items():
        file.add_parameter(name, parameter, value)
        if all(isinstance(entry, int) for entry in value):
            # ezc3d takes lists of integers for floats.
            made = file["parameters"][name][parameter]
            made["type"], made["value"] = group["USED"]["type"], np.array(value)
    with atomic_path(path) as temporary:
        # ezc3d answers a path that it cannot open by ending the process.
        temporary.open("r+b").close()
        file.write(str(temporary))
        with temporary.open("r+b") as written:
            # ezc3d writes -1 into the header whatever POINT:SCALE says.
            written.seek(_HEADER_SCALE_BYTE)
            written.write(struct.pack("<f", -step))


def residual_step(residuals_mm: NDArray[np.floating]) -> float:
    """Give the step, mm, in which residuals are stored: the finest of 0.01, 0.02, 0.05, 0.1 ... that reaches all."""
    finite = residuals_mm[np.isfinite(residuals_mm)]
    largest = float(finite.max()) if finite.size else 0.0
    steps = (digit * 10.0**power for power in range(-2, 9) for digit in (1, 2, 5))
    return next((step for step in steps if largest <= _RESIDUAL_STEPS * step), 5e8)


def _parameters(
    first: int, frames: int, rate_hz: float, angles: PointSeries | None, subject: str
) -> dict[tuple[str, str], list[Any]]:
    last = first + frames - 1
    parameters: dict[tuple[str, str], list[Any]] = {
        ("POINT", "X_SCREEN"): ["+X"],
        ("POINT", "Y_SCREEN"): ["+Z"],
        ("TRIAL", "ACTUAL_START_FIELD"): [first % _UINT16, first // _UINT16],
        ("TRIAL", "ACTUAL_END_FIELD"): [last % _UINT16, last // _UINT16],
        ("TRIAL", "CAMERA_RATE"): [rate_hz],
        ("MANUFACTURER", "COMPANY"): ["viodat"],
        ("MANUFACTURER", "SOFTWARE"): ["viodat export"],
        ("MANUFACTURER", "VERSION_LABEL"): [__version__],
    }
    if angles:
        parameters |= {
            ("POINT", "ANGLES"): list(angles.labels),
            ("POINT", "ANGLE_UNITS"): ["deg"],
            ("POINT", "TYPE_GROUPS"): ["ANGLES", "ANGLE"],
        }
    if subject:
        parameters |= {
            ("SUBJECTS", "USED"): [1],
            ("SUBJECTS", "USES_PREFIXES"): [0],
            ("SUBJECTS", "NAMES"): [subject],
        }
    return parameters


def _check(series: Sequence[PointSeries], residuals_mm: NDArray[np.floating], labels: Sequence[str]) -> None:
    frames = len(series[0].values)
    for part in series:
        count = len(part.labels)
        if not frames or part.values.shape != (frames, count, 3) or len(part.descriptions) != count:
            raise ValueError(
                f"values: expected ({frames or 'F'}, {count}, 3) and {count} descriptions, "
                f"got {part.values.shape} and {len(part.descriptions)}"
            )
    if residuals_mm.shape != series[0].values.shape[:2]:
        raise ValueError(f"residuals_mm: expected {series[0].values.shape[:2]}, got {residuals_mm.shape}")
    if len(set(labels)) != len(labels) or len(labels) > _MOST_POINTS:
        raise ValueError(f"labels: expected at most {_MOST_POINTS}, each once, got {len(labels)}")
