"""How sure a joint centre is: that of the skeleton's pose in a frame, and that of the joint's place in the skeleton.

The pose's part is the covariance of the frame's unknowns, carried to the joint by its derivatives. The place's part is
the calibration's covariance, and it acts twice: a centre that is wrong in the skeleton also turns the segments that are
fitted with it, q* = q*(p) with dq*/dp = -H⁻¹ H(q, p), so the joint moves by dx/dp + dx/dq · dq*/dp (implicit function
theorem). That part changes slowly with the posture: it is computed in some frames and interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class JointSigma:
    """Standard deviation per coordinate of a joint: (T,) mm, and of its place in the skeleton alone, mm."""

    frames_mm: FloatArray
    place_mm: float


@dataclass(frozen=True)
class _Dragged:
    """How a limb's poses follow its parameters: in N sampled frames of a trial, (N, n, P)."""

    limb: Calibration
    frames: NDArray[np.int64]
    pose: Pose
    slope: FloatArray


def joint_sigmas(
    motion: TreeMotion, points: Sequence[JointPoint], limbs: Mapping[str, Calibration]
) -> dict[str, JointSigma]:
    """Say how sure the joints of a tree are, by name."""
    dragged: dict[int, _Dragged] = {}
    found = {}
    for point in points:
        limb = _limb_of(point, motion.tree.segments[point.carrier], limbs)
        variance, own = _pose_variance(motion, point), np.asarray(np.linalg.inv(point.evidence.precision))
        place = float(np.sqrt(np.trace(own) / 3))
        if limb is None:
            variance = variance + place**2
        else:
            if id(limb) not in dragged:
                dragged[id(limb)] = _drag(motion, limb)
            variance = variance + _skeletal_variance(motion, point, dragged[id(limb)], own)
            place = limb.sigma_mm(point.joint) if point.joint in limb.tree.joints else place
        found[point.joint] = JointSigma(SCALE * np.sqrt(variance), SCALE * place)
    return found


def _pose_variance(motion: TreeMotion, point: JointPoint) -> FloatArray:
    """(T,) mm², per coordinate: what the covariance of the frames' poses gives a joint."""
    place = motion.centres[point.centre] if point.centre >= 0 else point.evidence.place
    probe = _probe(motion.tree, point.carrier, place)
    at = predict(probe, motion.pose, motion.centres, Slides.none(1))
    by_pose = pose_jacobian(probe, motion.pose, at, Slides.none(1))[:, 0]
    return np.asarray(np.einsum("tin,tnm,tim->t", by_pose, motion.covariance, by_pose, optimize=True) / 3)


def _limb_of(point: JointPoint, segment: str, limbs: Mapping[str, Calibration]) -> Calibration | None:
    """Find a joint's calibration: that in which it is a centre (both legs hold the pelvis), else its segment's."""
    return next(
        (c for c in limbs.values() if point.joint in c.tree.joints),
        next((c for c in limbs.values() if segment in c.tree.segments), None),
    )


def _probe(tree: Tree, carrier: int, place: FloatArray) -> Tree:
    """Give a tree whose one marker is a point of the skeleton."""
    return replace(tree, labels=("point",), carrier=(carrier,), reference=place[None])


def _drag(motion: TreeMotion, limb: Calibration) -> _Dragged:
    """Find how the poses of a limb, in some frames, turn with its centres and slides."""
    frames = np.unique(np.linspace(0, len(motion.pose) - 1, _SAMPLES).astype(int))
    tree = limb.tree
    kept = [motion.tree.segments.index(name) for name in tree.segments]
    pose = Pose(motion.pose.root[frames], motion.pose.rotation[frames][:, kept])
    markers = [motion.tree.labels.index(label) for label in tree.labels]
    at = predict(tree, pose, limb.centres, limb.slides)
    observed = at.markers + motion.residual[frames][:, markers]
    equations = pose_equations(tree, pose, at, limb.slides, limb.expectation, observed)
    parameters = parameter_equations(tree, pose, at, limb.slides, equations)
    # A sampled frame may show no marker of the limb.
    usual = np.median(np.einsum("tii->ti", equations.hessian), axis=0)
    slope = -np.linalg.solve(equations.hessian + np.diag(_RIDGE * usual + 1e-9), parameters.cross)
    return _Dragged(limb, frames, pose, np.asarray(slope))


def _skeletal_variance(motion: TreeMotion, point: JointPoint, dragged: _Dragged, own: FloatArray) -> FloatArray:
    """(T,) mm², per coordinate: what the calibration's uncertainty gives a joint, interpolated between the samples."""
    limb, pose = dragged.limb, dragged.pose
    tree = limb.tree
    carrier = tree.segments.index(motion.tree.segments[point.carrier])
    own_centre = tree.joints.index(point.joint) if point.joint in tree.joints else -1
    place = limb.centres[own_centre] if own_centre >= 0 else point.evidence.place
    probe = _probe(tree, carrier, place)
    at = predict(probe, pose, limb.centres, Slides.none(1))
    slope = pose_jacobian(probe, pose, at, Slides.none(1))[:, 0] @ dragged.slope
    slope[..., : 3 * len(tree.joints)] += centre_jacobian(probe, pose)[:, 0]
    variance = np.zeros(len(pose))
    if own_centre >= 0:
        slope[..., 3 * own_centre : 3 * own_centre + 3] += pose.rotation[:, carrier]
    else:
        variance += np.trace(own) / 3
    variance += np.einsum("tip,pq,tiq->t", slope, limb.covariance, slope, optimize=True) / 3
    return np.interp(np.arange(len(motion.pose)), dragged.frames, variance)
