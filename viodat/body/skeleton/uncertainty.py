"""How sure a joint centre is: that of the skeleton's pose in a frame, and that of the joint's place in the skeleton.

The pose's part is the covariance of the frame's unknowns, carried to the joint by its derivatives. The place's part is
the calibration's covariance, and it acts twice: a centre that is wrong in the skeleton also turns the segments that are
fitted with it, q* = q*(p) with dq*/dp = -H⁻¹ H(q, p), so the joint moves by dx/dp + dx/dq · dq*/dp (implicit function
theorem). That part changes slowly with the posture: it is computed in some frames and interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray
from viodat.body.skeleton.building import JointPoint
from viodat.body.skeleton.calibration import Calibration, parameter_equations
from viodat.body.skeleton.equations import pose_equations
from viodat.body.skeleton.motion import TreeMotion
from viodat.body.skeleton.tree import Pose, Slides, Tree, centre_jacobian, pose_jacobian, predict

SCALE: Final = 0.79
"""What a sigma is multiplied by. Unscaled, some 82 % of coordinates of the digital twin lay within one sigma, and 69 %
of those of another simulated body, with other soft tissue, hips and palpation: this puts the two on either side of the
68 % of a normal distribution (docs/science/joint_centres.md)."""

_SAMPLES: Final = 40
_RIDGE: Final = 1e-4


def joint_sigma(motion: TreeMotion, point: JointPoint, limbs: Mapping[str, Calibration]) -> tuple[FloatArray, float]:
    """Give the standard deviation per coordinate of a joint, (T,) mm, and that of its place in the skeleton, mm."""
    tree, pose, centres = motion.tree, motion.pose, motion.centres
    place = centres[point.centre] if point.centre >= 0 else point.evidence.place
    probe = _probe(tree, point.carrier, place)
    at = predict(probe, pose, centres, Slides.none(1))
    by_pose = pose_jacobian(probe, pose, at, Slides.none(1))[:, 0]
    variance = np.einsum("tin,tnm,tim->t", by_pose, motion.covariance, by_pose, optimize=True) / 3
    limb = _limb_of(point, tree.segments[point.carrier], limbs)
    own = np.asarray(np.linalg.inv(point.evidence.precision))
    if limb is None:
        place_variance = float(np.trace(own)) / 3
        return SCALE * np.sqrt(variance + place_variance), SCALE * float(np.sqrt(place_variance))
    samples, skeletal = _skeletal_variance(motion, point, limb, own)
    variance = variance + np.interp(np.arange(len(pose)), samples, skeletal)
    calibration = limb.sigma_mm(point.joint) if point.joint in limb.tree.joints else float(np.sqrt(np.trace(own) / 3))
    return SCALE * np.sqrt(variance), SCALE * calibration


def _limb_of(point: JointPoint, segment: str, limbs: Mapping[str, Calibration]) -> Calibration | None:
    """Find a joint's calibration: that in which it is a centre (both legs hold the pelvis), else its segment's."""
    return next(
        (c for c in limbs.values() if point.joint in c.tree.joints),
        next((c for c in limbs.values() if segment in c.tree.segments), None),
    )


def _probe(tree: Tree, carrier: int, place: FloatArray) -> Tree:
    """Give a tree whose one marker is a point of the skeleton."""
    return replace(tree, labels=("point",), carrier=(carrier,), reference=place[None])


def _skeletal_variance(
    motion: TreeMotion, point: JointPoint, limb: Calibration, own: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Frames, and in each the variance per coordinate that the calibration's uncertainty gives a joint."""
    frames = np.unique(np.linspace(0, len(motion.pose) - 1, _SAMPLES).astype(int))
    tree = limb.tree
    kept = [motion.tree.segments.index(name) for name in tree.segments]
    pose = Pose(motion.pose.root[frames], motion.pose.rotation[frames][:, kept])
    markers = [motion.tree.labels.index(label) for label in tree.labels]
    at = predict(tree, pose, limb.centres, limb.slides)
    observed = np.where(
        np.isfinite(motion.residual[frames][:, markers]), at.markers + motion.residual[frames][:, markers], np.nan
    )
    equations = pose_equations(tree, pose, at, limb.slides, limb.expectation, observed)
    parameters = parameter_equations(tree, pose, at, limb.slides, equations)
    # A sampled frame may show no marker of the limb.
    usual = np.median(np.einsum("tii->ti", equations.hessian), axis=0)
    dragged = -np.linalg.solve(equations.hessian + np.diag(_RIDGE * usual + 1e-9), parameters.cross)
    carrier = tree.segments.index(motion.tree.segments[point.carrier])
    own_centre = tree.joints.index(point.joint) if point.joint in tree.joints else -1
    place = limb.centres[own_centre] if own_centre >= 0 else point.evidence.place
    probe = _probe(tree, carrier, place)
    seen = predict(probe, pose, limb.centres, Slides.none(1))
    slope = pose_jacobian(probe, pose, seen, Slides.none(1))[:, 0] @ dragged
    slope[..., : 3 * len(tree.joints)] += centre_jacobian(probe, pose)[:, 0]
    variance = np.zeros(len(frames))
    if own_centre >= 0:
        slope[..., 3 * own_centre : 3 * own_centre + 3] += pose.rotation[:, carrier]
    else:
        variance += np.trace(own) / 3
    variance += np.einsum("tip,pq,tiq->t", slope, limb.covariance, slope, optimize=True) / 3
    return frames.astype(float), variance
