"""Writing TRC files: trajectories of points as OpenSim, Pose2Sim and Cortex read them.

What :func:`viodat.capture.trc.read_trc` reads. Five tab-separated header lines and a blank one, then one line per
frame: number, time in s, coordinates in mm. A missing point is three blank cells.

Source: OpenSim documentation, "Marker (.trc) Files"; TRCFileAdapter.cpp of OpenSim 4, which drops what follows the
last tab of a line if it is blank: so the lines of names and of frames end with a tab, as those of its own writer do,
and a line whose last point is missing still has all its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.files import atomic_path

_DECIMALS = 4
"""Of mm: 0.00005 mm is less than single precision, in which a dataset holds positions, resolves at 1 m."""


def write_trc(
    path: Path,
    labels: Sequence[str],
    positions_mm: NDArray[np.floating],
    times_s: NDArray[np.float64],
    *,
    rate_hz: float,
    first_frame: int = 1,
) -> None:
    """Write one TRC file, atomically.

    Parameters
    ----------
    path
        The file; its name stands in line 1.
    labels
        M names, each once, without tabs.
    positions_mm
        (F, M, 3) mm, in the axes that the file shall have; NaN where missing: a point of which one coordinate is
        NaN is missing.
    times_s
        (F,) s.
    rate_hz
        Frames per second.
    first_frame
        Number of the first frame, counted from 1.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, there is no frame, or a label cannot stand in the file.
    OSError
        If the file cannot be written.
    """
    frames, points = len(times_s), len(labels)
    if not frames or positions_mm.shape != (frames, points, 3):
        raise ValueError(f"positions_mm: expected ({frames or 'F'}, {points}, 3), got {positions_mm.shape}")
    if wrong := [label for label in labels if not label.strip() or not label.isprintable()]:
        raise ValueError(f"labels: {wrong[0]!r} cannot stand in a TRC file")
    rate = f"{rate_hz:.10g}"
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{frames}\t{points}\tmm\t{rate}\t{first_frame}\t{frames}",
        "Frame#\tTime\t" + "".join(f"{label}\t\t\t" for label in labels),
        "\t\t" + "".join(f"X{i}\tY{i}\tZ{i}\t" for i in range(1, points + 1)),
        "",
    ]
    missing = ~np.isfinite(positions_mm).all(axis=2)
    cells = np.char.mod(f"%.{_DECIMALS}f", positions_mm.astype(np.float64))
    cells[missing] = ""
    rows = (
        f"{first_frame + i}\t{_seconds(time)}\t" + "".join(f"{cell}\t" for cell in row)
        for i, (time, row) in enumerate(zip(times_s.tolist(), cells.reshape(frames, -1).tolist(), strict=True))
    )
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8", newline="\n")


def _seconds(time_s: float) -> str:
    """Give a time to the nanosecond, which is what a dataset resolves, without zeros beyond the third place."""
    whole, _, fraction = f"{time_s:.9f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(3, '0')}"
