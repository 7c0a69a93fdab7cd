"""Joint centres and sliding skin of one limb, from a few hundred frames of many postures: one least-squares problem.

Unknown are the reference places C of the joint centres, the coefficients B of the slides, and the pose of each frame.
Minimised is the sum of

- the squared distances of markers from their prediction (:mod:`.tree`), each over its tissue's spread, with Student's t
  weights (4 degrees of freedom), so that a wrong label counts little;
- what is known of C beforehand (:mod:`.evidence`), of B (:mod:`.tissues`) and of each segment's turn on its parent.

Solved by Gauss and Newton with analytic derivatives. Poses are eliminated frame by frame (Schur's complement), so the
work grows with the number of frames and the memory with the size of one limb. What the slides do not explain of soft
tissue is alike in like postures: however many frames are used, they count only as many as there are postures that
differ (:mod:`.sampling`), or the covariance would promise too much. That it is a maximum a posteriori estimate makes
functional and regressed centres one: where the motion is large it decides, where it is small the evidence stays.

Sources: Ehrig et al. 2006 (functional centres as one linear problem over two moving segments); Reinbolt et al. 2005 (J
Biomech 38:621, two-level optimisation of a skeleton's parameters and poses); Cappello et al. 1997 (Hum Mov Sci 16:259,
markers that move in their segment as a function of posture); Triggs et al. 2000 (bundle adjustment); Lange, Little and
Taylor 1989 (Student's t). Slides as linear functions of the joints' rotation vectors are viodat's choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray
from viodat.body.skeleton.building import Expectation
from viodat.body.skeleton.equations import PoseEquations, moved, pose_equations
from viodat.body.skeleton.sampling import CalibrationFrames
from viodat.body.skeleton.tree import Pose, Prediction, Slides, Tree, centre_jacobian, predict

_ROUNDS_WITHOUT_SLIDES: Final = 2
_ROUNDS: Final = 6


@dataclass(frozen=True)
class Calibration:
    """A limb's joint centres and slides.

    Attributes
    ----------
    tree
        The limb.
    centres
        (J, 3) mm, in the reference posture.
    slides
        Of its markers.
    covariance
        (P, P) of the parameters: the centres' 3J coordinates, then the slides' coefficients, marker by marker.
    residual_mm
        (M,) root mean square per coordinate.
    expectation
        What was assumed.
    """

    tree: Tree
    centres: FloatArray
    slides: Slides
    covariance: FloatArray
    residual_mm: FloatArray
    expectation: Expectation

    def sigma_mm(self, joint: str) -> float:
        """Give the standard deviation of a centre per coordinate: root mean square over the three."""
        j = 3 * self.tree.joints.index(joint)
        return float(np.sqrt(np.trace(self.covariance[j : j + 3, j : j + 3]) / 3))


def calibrate(
    tree: Tree,
    centres: FloatArray,
    precision: FloatArray,
    expectation: Expectation,
    frames: CalibrationFrames,
) -> Calibration:
    """Estimate a limb's joint centres and slides.

    Parameters
    ----------
    tree
        The limb.
    centres, precision
        (J, 3) mm and (J, 3, 3) 1/mm²: what is known of the centres.
    expectation
        Of markers and turns.
    frames
        Of the range-of-motion trial and the trial.
    """
    known = centres
    prior = _block_diagonal(precision)
    slides = Slides.none(len(tree.labels))
    pose = frames.pose
    share = frames.postures / len(pose)
    for turn in range(_ROUNDS):
        if turn == _ROUNDS_WITHOUT_SLIDES:
            slides = expectation.no_slides()
        at = predict(tree, pose, centres, slides)
        equations = pose_equations(tree, pose, at, slides, expectation, frames.observed)
        parameters = parameter_equations(tree, pose, at, slides, equations)
        size = 3 * len(tree.joints)
        hessian, gradient = share * parameters.hessian, share * parameters.gradient
        hessian[:size, :size] += prior
        gradient[:size] -= prior @ (centres - known).reshape(-1)
        if slides.neighbours == expectation.neighbours:
            loose = 1 / np.concatenate([spread.reshape(-1) for spread in expectation.slide_spread]) ** 2
            hessian[range(size, len(hessian)), range(size, len(hessian))] += loose
            gradient[size:] -= loose * np.concatenate([b.reshape(-1) for b in slides.coefficients])
        # Poses are as free as the data leaves them: they are eliminated before anything is shared out.
        both = np.concatenate([parameters.cross, equations.gradient[..., None]], axis=-1)
        solved = np.linalg.solve(equations.hessian, both)
        flat = parameters.cross.reshape(-1, len(gradient))
        hessian -= share * (flat.T @ solved[..., :-1].reshape(-1, len(gradient)))
        gradient -= share * (flat.T @ solved[..., -1].reshape(-1))
        hessian = (hessian + hessian.T) / 2
        step = np.asarray(np.linalg.solve(hessian, gradient))
        pose = moved(pose, solved[..., -1] - solved[..., :-1] @ step)
        centres = centres + step[:size].reshape(-1, 3)
        slides = _with_step(slides, step[size:])
    residual = np.sqrt(
        np.einsum("tmi,tmi->m", equations.residual, equations.residual) / np.maximum(3 * equations.seen.sum(axis=0), 1)
    )
    return Calibration(tree, centres, slides, np.asarray(np.linalg.inv(hessian)), residual, expectation)


def from_evidence(tree: Tree, centres: FloatArray, precision: FloatArray, expectation: Expectation) -> Calibration:
    """Take a limb's joint centres as evidence has them, with its covariance: no motion, no slides."""
    return Calibration(
        tree,
        centres,
        Slides.none(len(tree.labels)),
        np.asarray(np.linalg.inv(_block_diagonal(precision))),
        np.full(len(tree.labels), np.nan),
        expectation,
    )


@dataclass(frozen=True)
class ParameterEquations:
    """The parameters' part of the normal equations: (P, P), (N, n, P) with the poses, and the gradient (P,)."""

    hessian: FloatArray
    cross: FloatArray
    gradient: FloatArray


def parameter_equations(
    tree: Tree, pose: Pose, at: Prediction, slides: Slides, equations: PoseEquations
) -> ParameterEquations:
    """Set up the parameters' part of the normal equations of N frames.

    A coefficient B(m, k)[a, b] moves marker m by R(s)[:, a] φ(k)[b]. As R is a rotation, the coefficients' own block
    is the sum over frames of w φ φᵀ for each axis a, and zero between axes and between markers.
    """
    frames, markers = at.arms.shape[:2]
    by_centre = centre_jacobian(tree, pose)
    size = by_centre.shape[-1]
    counts = [len(neighbours) for neighbours in slides.neighbours]
    total = size + 9 * sum(counts)
    weights = equations.weights
    hessian, gradient = np.zeros((total, total)), np.zeros(total)
    cross = np.empty((frames, tree.size, total))
    flat = by_centre.reshape(frames, 3 * markers, size)
    weighted = flat * np.repeat(weights, 3, axis=1)[..., None]
    hessian[:size, :size] = np.tensordot(weighted, flat, axes=((0, 1), (0, 1)))
    gradient[:size] = np.einsum("taj,ta->j", weighted, equations.residual.reshape(frames, -1))
    cross[..., :size] = np.swapaxes(equations.jacobian.reshape(frames, 3 * markers, -1), 1, 2) @ weighted
    start = size
    for m, s in enumerate(tree.carrier):
        if not counts[m]:
            continue
        end = start + 9 * counts[m]
        turned = pose.rotation[:, s] * weights[:, m, None, None]
        turns = np.stack([at.turns[s, other] for other in slides.neighbours[m]], axis=1)
        by_pose = np.swapaxes(equations.jacobian[:, m], -1, -2) @ turned
        cross[..., start:end] = np.einsum("tna,tkb->tnkab", by_pose, turns).reshape(frames, -1, end - start)
        with_centres = np.swapaxes(by_centre[:, m], -1, -2) @ turned
        mixed = np.einsum("tja,tkb->jkab", with_centres, turns).reshape(size, -1)
        hessian[:size, start:end], hessian[start:end, :size] = mixed, mixed.T
        own = np.einsum("t,tkb,tlc->kblc", weights[:, m], turns, turns)
        hessian[start:end, start:end] = np.einsum("kblc,ad->kabldc", own, np.eye(3)).reshape(end - start, -1)
        local = np.einsum("tia,ti->ta", turned, equations.residual[:, m])
        gradient[start:end] = np.einsum("ta,tkb->kab", local, turns).reshape(-1)
        start = end
    return ParameterEquations(hessian, cross, gradient)


def _with_step(slides: Slides, step: FloatArray) -> Slides:
    ends = np.cumsum([b.size for b in slides.coefficients])[:-1]
    parts = np.split(step, ends)
    return Slides(
        slides.neighbours,
        tuple(b + part.reshape(b.shape) for b, part in zip(slides.coefficients, parts, strict=True)),
    )


def _block_diagonal(blocks: FloatArray) -> FloatArray:
    size = 3 * len(blocks)
    out = np.zeros((size, size))
    for j, block in enumerate(blocks):
        out[3 * j : 3 * j + 3, 3 * j : 3 * j + 3] = block
    return out
