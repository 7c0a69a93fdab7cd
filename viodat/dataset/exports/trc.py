"""TRC: joint centres as markers, mm, for OpenSim (:mod:`viodat.capture.trc_write`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viodat.capture.axes import axes_matrix
from viodat.capture.trc_write import write_trc
from viodat.dataset.exports.takes import UP_AXES, ExportOptions, Take, told
from viodat.joints import JOINTS


def write(take: Take, folder: Path, options: ExportOptions) -> Path:
    """Write ``TRIAL.trc``: axes of OpenSim (Y up), or the dataset's own; blank where missing."""
    file = folder / f"{take.name}.trc"
    # X_world = R X_file, so that X_file = Rᵀ X_world; points are rows.
    turned = take.motion.joints_mm.astype(np.float64) @ axes_matrix(UP_AXES[options.up])
    with told(file):
        write_trc(file, JOINTS, turned, take.times_s, rate_hz=take.rate_hz, first_frame=take.first_frame)
    return file
