"""From markers to joints: labels and gaps mended, joint centres, the skeleton fit, joint angles.

Positions are mm in the trial's world frame, NaN where the markers do not determine a joint.
"""

from __future__ import annotations

# joint_centres and anatomical_axes are functions and the modules that hold them: bound here at once, the names mean
# the functions in whatever order the modules are imported.
from viodat.body.anatomical_axes import anatomical_axes
from viodat.body.angles import ANGLES, joint_angles
from viodat.body.gaps import FilledTrial, GapReport, fill_gaps
from viodat.body.joint_centres import JointTrial, how_determined, joint_centres
from viodat.body.labels import LabelFault, LabelReport, repair_labels
from viodat.body.marker_diameter import DiameterCheck, declared_diameter_check, stored_centres
from viodat.body.marker_set import JointRule, MarkerSet, SetMarker
from viodat.body.marker_sets import (
    MARKER_SETS,
    detect_marker_set,
    get_marker_set,
    register_marker_set,
)
from viodat.body.sides import audit_sides
from viodat.body.skeleton.fit import fit_skeleton
from viodat.body.skeleton.result import FitReport, SkeletonFit
from viodat.body.upright import audit_upright

__all__ = [
    "ANGLES",
    "MARKER_SETS",
    "DiameterCheck",
    "FilledTrial",
    "FitReport",
    "GapReport",
    "JointRule",
    "JointTrial",
    "LabelFault",
    "LabelReport",
    "MarkerSet",
    "SetMarker",
    "SkeletonFit",
    "anatomical_axes",
    "audit_sides",
    "audit_upright",
    "declared_diameter_check",
    "detect_marker_set",
    "fill_gaps",
    "fit_skeleton",
    "get_marker_set",
    "how_determined",
    "joint_angles",
    "joint_centres",
    "register_marker_set",
    "repair_labels",
    "stored_centres",
]
