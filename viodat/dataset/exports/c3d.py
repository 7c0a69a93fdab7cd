"""C3D: joint centres as points with sigma as their residual, mm, and joint angles as points, degrees.

The world is the dataset's, Z up (:mod:`viodat.capture.c3d_write`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from viodat.capture.c3d_write import PointSeries, write_c3d
from viodat.dataset.angle_points import angle_points
from viodat.dataset.exports.mot import angles_known
from viodat.dataset.exports.takes import ExportOptions, Take, told
from viodat.joints import JOINTS

_DESCRIPTIONS: Final = {
    "pelvis": "hip joint centre",
    "index": "MCP joint centre of the index finger",
    "pinky": "MCP joint centre of the little finger",
    "thumb": "IP joint centre of the thumb",
}


def write(take: Take, folder: Path, options: ExportOptions) -> Path:
    """Write ``TRIAL.c3d``; residual 0 where the method states no sigma, -1 where the point is missing."""
    file = folder / f"{take.name}.c3d"
    motion = take.motion
    with told(file):
        write_c3d(
            file,
            PointSeries(JOINTS, tuple(map(_description, JOINTS)), motion.joints_mm),
            motion.sigma_mm,
            rate_hz=take.rate_hz,
            first_frame=take.first_frame,
            angles=angle_points(motion.angles_rad) if angles_known(motion) else None,
            subject=take.row["participant"],
        )
    return file


def _description(joint: str) -> str:
    side, part = joint.split("_")
    return f"{side} {_DESCRIPTIONS.get(part, f'{part} joint centre')}"
