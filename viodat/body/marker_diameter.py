"""Whether the marker diameter that a file declares is the one its own joint centres were computed with.

A Nexus file that holds Plug-in Gait outputs (LFEP, LFEO, LTIO ...) holds the proof of its own parameters: the
diameter for which our centres equal the stored ones is the one that was used. Where the declared one differs,
every centre computed from it is off by half the difference. Distances are mm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from viodat.body.geometry import FloatArray, midpoint
from viodat.body.plug_in_gait import SIDES, PlugInGait, marker_diameter, plug_in_gait
from viodat.capture.markers import MarkerTrial

STORED_CENTRES: Final[Mapping[str, str]] = {
    f"{side}_{joint}": f"{side[0].upper()}{point}"
    for side in SIDES
    for joint, point in (
        ("pelvis", "FEP"),
        ("knee", "FEO"),
        ("ankle", "TIO"),
        ("shoulder", "CLO"),
        ("elbow", "HUO"),
        ("wrist", "RAO"),
    )
}
"""Joint of viodat -> the point in which Nexus stores the same centre."""

_LARGEST_MM = 40.0
_MOST_FRAMES = 100
_SAME_MM = 0.05
"""Two diameters nearer than this are the same: it moves a centre by 0.025 mm."""

_EXPLAINED_MM = 0.02
"""Up to this residual the found diameter explains the stored centres; files agree to 0.001 mm."""


class DiameterCheck(NamedTuple):
    """Declared and used marker diameter, and how well the latter explains the stored centres.

    Attributes
    ----------
    declared_mm
        The subject's marker diameter; 14 where none is declared, as Vicon assumes.
    used_mm
        The diameter with which our centres come nearest to the stored ones.
    residual_mm
        Median distance between our centres at ``used_mm`` and the stored ones. Above 0.02 mm another
        measurement is wrong as well, and ``used_mm`` is no finding.
    """

    declared_mm: float
    used_mm: float
    residual_mm: float

    @property
    def contradicts(self) -> bool:
        """Whether the stored centres were certainly computed with another diameter than the declared one."""
        return abs(self.declared_mm - self.used_mm) > _SAME_MM and self.residual_mm <= _EXPLAINED_MM


def stored_centres(trial: MarkerTrial) -> dict[str, FloatArray]:
    """Centres that Plug-in Gait in Nexus stored in the file: joint of viodat -> (F, 3) mm.

    Also ``left_hand`` and ``right_hand``, the hands' origins, which are the middle of xHNO and xHNP. Empty
    where the file holds none.
    """
    found = {joint: trial.virtual[point] for joint, point in STORED_CENTRES.items() if point in trial.virtual}
    for side in SIDES:
        ends = [trial.virtual.get(f"{side[0].upper()}{point}") for point in ("HNO", "HNP")]
        if ends[0] is not None and ends[1] is not None:
            found[f"{side}_hand"] = midpoint(ends[0], ends[1])
    return found


def declared_diameter_check(trial: MarkerTrial, subject: Mapping[str, float] | None = None) -> DiameterCheck | None:
    """Compare the declared marker diameter with the one that the file's own joint centres were computed with.

    Parameters
    ----------
    trial
        A trial whose ``virtual`` points may hold Plug-in Gait outputs.
    subject
        Measurements by canonical name; default those of the trial's file.

    Returns
    -------
    DiameterCheck or None
        None where the file holds no such outputs, or none that markers and measurements let us compute too.
    """
    # Here, not above: it takes longer to load than all of viodat.body, which every build worker imports.
    from scipy.optimize import minimize_scalar

    measurements = dict(trial.subject.measurements if subject is None else subject)
    stored = stored_centres(trial)
    if not stored:
        return None
    thin = _thinned(trial, stored)
    stored = stored_centres(thin)

    def residuals(diameter_mm: float) -> FloatArray:
        # The whole trial as the static one: an undeclared inter-ASIS distance is its mean over all frames.
        ours = plug_in_gait(thin, {**measurements, "marker_diameter_mm": diameter_mm}, static=trial)
        return _residuals(ours, stored)

    def mean_distance(diameter_mm: float) -> float:
        # Not squared: one joint with a wrong measurement of its own must not draw the diameter with it.
        distances = residuals(diameter_mm)
        return float(np.mean(distances)) if distances.size else float("inf")

    declared = marker_diameter(measurements)
    if not residuals(declared).size:
        return None

    found = minimize_scalar(
        mean_distance, bounds=(0.1, _LARGEST_MM), method="bounded", options={"xatol": 1e-6, "maxiter": 100}
    )
    used = float(found.x)
    best = residuals(used)
    return DiameterCheck(declared, used, float(np.median(best)) if best.size else float("nan"))


def _residuals(ours: PlugInGait, stored: Mapping[str, FloatArray]) -> FloatArray:
    """Distances (N,) mm between our centres and the stored ones, of all joints and frames that have both."""
    centres = {**ours.centres, **ours.extra}
    with np.errstate(all="ignore"):
        distances = np.concatenate(
            [np.linalg.norm(centres[joint] - positions, axis=-1) for joint, positions in stored.items()]
        )
    return np.asarray(distances[np.isfinite(distances)])


def _thinned(trial: MarkerTrial, stored: Mapping[str, FloatArray]) -> MarkerTrial:
    """At most 100 frames, evenly taken from those that hold stored centres."""
    filled = np.flatnonzero(np.any([np.isfinite(p).all(axis=-1) for p in stored.values()], axis=0))
    kept = filled[np.unique(np.linspace(0, filled.size - 1, _MOST_FRAMES).astype(int))] if filled.size else filled
    return replace(
        trial,
        positions_mm=trial.positions_mm[kept],
        residuals=trial.residuals[kept],
        virtual={name: points[kept] for name, points in trial.virtual.items()},
        other={},
    )
