"""First guess of the poses: each segment turned onto its markers, parents first.

The rotation is the weighted least-squares one (Kabsch 1976; Umeyama 1991 for the guard against reflections), drawn
weakly towards the pose that the segment had relative to its parent where its markers do not determine it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from viodat.body.geometry import FloatArray
from viodat.body.rotations import exp, log, nearest_rotation
from viodat.body.skeleton.building import ROOT_MARKERS
from viodat.body.skeleton.tree import Pose, Tree

_DRAWN_MM2 = 400.0
"""Weight of the pose relative to the parent, as if one marker 20 mm from the joint told it."""


def starting_poses(tree: Tree, centres: FloatArray, observed: FloatArray) -> Pose | None:
    """Guess the poses of all frames.

    Parameters
    ----------
    tree, centres
        The tree and its (J, 3) joint centres, mm.
    observed
        (T, M, 3) mm, NaN where missing.

    Returns
    -------
    Pose or None
        Of T frames; None if the root has three markers in no frame. Frames in which the root has fewer take the
        pose between their neighbours.
    """
    frames = len(observed)
    places = tree.places(centres)
    carrier = np.array(tree.carrier)
    rotation = np.empty((frames, len(tree.segments), 3, 3))
    seen = np.asarray(np.isfinite(observed).all(axis=-1))
    root = _root_pose(tree, observed, seen, carrier == 0)
    if root is None:
        return None
    position, rotation[:, 0] = root
    rooted = np.asarray(seen[:, carrier == 0].sum(axis=1) >= ROOT_MARKERS)
    origins = np.empty((frames, len(tree.segments), 3))
    origins[:, 0] = position
    for s, parent in enumerate(tree.parents):
        if parent < 0:
            continue
        origins[:, s] = origins[:, parent] + rotation[:, parent] @ (places[s] - places[parent])
        own = np.flatnonzero(carrier == s)
        if not own.size:
            # What hangs on a segment without markers tells where it points.
            own = np.flatnonzero([s in tree.paths[c] for c in tree.carrier])
        visible = seen[:, own]
        away = np.where(visible[..., None], observed[:, own] - origins[:, None, s], 0.0)
        covariance = np.einsum("tmi,mj->tij", away, tree.reference[own] - places[s])
        drawn = covariance + _DRAWN_MM2 * rotation[:, parent]
        relative = log(np.swapaxes(rotation[:, parent], -1, -2) @ nearest_rotation(drawn))
        relative = _between(relative, np.asarray(visible.any(axis=1)))
        drawn = covariance + _DRAWN_MM2 * rotation[:, parent] @ exp(relative)
        rotation[:, s] = nearest_rotation(drawn)
        # Where the root is a guess, so are the joints' places: the posture is taken from the frames around.
        relative = np.swapaxes(rotation[:, parent], -1, -2) @ rotation[:, s]
        rotation[~rooted, s] = (rotation[:, parent] @ _turned_between(relative[rooted], rooted))[~rooted]
    return Pose(position, rotation)


def _root_pose(
    tree: Tree, observed: FloatArray, seen: NDArray[np.bool_], own: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray] | None:
    visible = seen & own
    count = visible.sum(axis=1)
    good = count >= ROOT_MARKERS
    if not good.any():
        return None
    weights = visible[good].astype(float)
    total = weights.sum(axis=1)[:, None]
    points = np.where(visible[good][..., None], observed[good], 0.0)
    middle = points.sum(axis=1) / total
    reference = (weights @ tree.reference) / total
    covariance = np.einsum("tm,tmi,tmj->tij", weights, points - middle[:, None], tree.reference - reference[:, None])
    turned = nearest_rotation(covariance)
    position = middle + np.einsum("tij,tj->ti", turned, tree.origin - reference)
    frames = np.arange(len(observed))
    filled = np.stack([np.interp(frames, frames[good], column) for column in position.T], axis=-1)
    return filled, _turned_between(turned, good)


def _turned_between(rotations: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """(T, 3, 3) from the rotations of the K known frames: along the shortest turn between them, held at the ends."""
    frames = np.flatnonzero(known)
    if len(frames) == 1:
        return np.repeat(rotations, len(known), axis=0)
    at = np.clip(np.arange(len(known)), frames[0], frames[-1])
    return np.asarray(Slerp(frames, Rotation.from_matrix(rotations))(at).as_matrix())


def _between(vectors: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Interpolate (T, 3) over the frames that are not ``known``."""
    if known.all() or not known.any():
        return vectors
    frames = np.arange(len(vectors))
    return np.stack([np.interp(frames, frames[known], column[known]) for column in vectors.T], axis=-1)
