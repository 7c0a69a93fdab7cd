"""Where a camera really stood, found from a moving body: the check for a knocked camera, and its pose anew.

Known are points of the world at the times of a camera's pictures (joint centres) and where a detector saw them. Sought
are the camera's six degrees of freedom together with a time by which the pictures' times are late, since a hand that
moves at 2 m/s and is seen 20 ms late lies as far from its place as in a camera that turned by a degree. Detectors
place a joint beside its centre by something that stays: each joint has a constant of its own in the picture, small
beforehand.
How it is solved: :mod:`viodat.camera.pose_fit`. How sure it is: docs/science/cameras.md.

World frame, mm; px as in :mod:`viodat.camera.model`; s on the clock of the points; NaN is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from viodat.camera.distortion import NoDistortion
from viodat.camera.model import Camera
from viodat.camera.pose_fit import FAR_SHARE, Problem, Solution, solve, starts
from viodat.camera.sightings import Sightings

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Resection:
    """A camera's pose as a moving body tells it.

    Attributes
    ----------
    camera
        The camera, its pose (and focal length, if it was asked for) solved anew; a note says so.
    moved_mm, turned_rad
        How far its centre and its axes are from those it was given with; NaN where it had no pose.
    position_sigma_mm, rotation_sigma_rad
        Standard deviations of the new pose: of the centre's worst direction, and of the worst axis of a turn.
    late_s, late_sigma_s
        By how much the times given are later than the pictures were taken, and its standard deviation.
    focal_sigma
        Standard deviation of the focal length, as a share of it; 0 where it was not sought.
    offset_px
        How far, in the root mean square over the sightings, the new pose draws the points from where the old one does.
    sigmas
        How many standard deviations the old pose is from the new one: the root of the mean squared deviation of the six
        degrees of freedom. NaN where it had no pose.
    before_px, after_px
        Weighted root mean square of the distance from sighting to drawn point, with the old pose at the times given,
        and with the new one; outliers count little, and alike in both.
    bias_px
        (J, 2) px, the constants by which the sightings lie beside the points, of joints that are never seen NaN.
    sightings
        How many were used.
    """

    camera: Camera
    moved_mm: float
    turned_rad: float
    position_sigma_mm: float
    rotation_sigma_rad: float
    late_s: float
    late_sigma_s: float
    focal_sigma: float
    offset_px: float
    sigmas: float
    before_px: float
    after_px: float
    bias_px: FloatArray
    sightings: int


@dataclass(frozen=True, eq=False)
class Knock:
    """Whether a camera still stands as it was calibrated.

    Attributes
    ----------
    moved
        True if it does not, and another pose explains its pictures.
    unexplained
        True if neither its pose nor any other explains its pictures: they are not of this body, or of another time.
    offset_px, sigmas
        As in :class:`Resection`.
    limit_px, unexplained_px
        Offset from which on it counts as moved, and distance after resection from which on it is unexplained.
    resection
        The pose anew, with all numbers.
    """

    moved: bool
    unexplained: bool
    offset_px: float
    sigmas: float
    limit_px: float
    unexplained_px: float
    resection: Resection


def resect(camera: Camera, sightings: Sightings, *, has_pose: bool = True, focal: bool = False) -> Resection | None:
    """Solve a camera's pose from what it saw.

    Parameters
    ----------
    camera
        Matrix and lens count; its pose is where the search begins.
    sightings
        What was seen, of points whose places are known.
    has_pose
        False for a camera whose pose was never found: then nothing is compared with it.
    focal
        Also solve one factor of the focal lengths: for a camera that was never calibrated (:func:`guessed_camera`).

    Returns
    -------
    Resection or None
        None where too little is seen (:attr:`Sightings.enough`), or no pose fits at all.

    Examples
    --------
    >>> from viodat.camera import sightings_of
    >>> rng = np.random.default_rng(0)
    >>> matrix = np.array([[900.0, 0, 639.5], [0, 900, 359.5], [0, 0, 1]])
    >>> camera = Camera("C01", (1280, 720), matrix, translation_mm=np.array([0.0, 0, 3000]))
    >>> points = rng.uniform(-500, 500, (40, 12, 3))
    >>> shifted = Camera("C01", (1280, 720), matrix, translation_mm=np.array([80.0, 0, 3000]))
    >>> seen = sightings_of(np.arange(40) / 30, points, shifted.project(points))
    >>> found = resect(camera, seen)
    >>> round(found.moved_mm), round(found.after_px)
    (80, 0)
    """
    if not sightings.enough:
        return None
    problem = Problem.of(camera, sightings, has_pose, focal)
    solved = solve(problem, camera) if has_pose else None
    if solved is None or solved.median_px > FAR_SHARE * max(camera.size_px):
        for start in starts(camera, problem, focal):
            other = solve(problem, start)
            if other is not None and (solved is None or other.cost < solved.cost):
                solved = other
    return None if solved is None else _report(camera, problem, solved, has_pose, focal)


def knocked(
    camera: Camera, sightings: Sightings, *, limit_share: float = 0.02, least_sigmas: float = 2.0
) -> Knock | None:
    """Tell whether a camera was moved after it was calibrated.

    Parameters
    ----------
    camera
        As calibrated, at the size of the pictures.
    sightings
        What it saw in one recording.
    limit_share
        Offset from which on it counts as moved, as a share of the picture's longer side.
    least_sigmas
        Sigmas from which on it does; both must be passed.

    Returns
    -------
    Knock or None
        None where :func:`resect` finds no pose.
    """
    found = resect(camera, sightings)
    if found is None:
        return None
    limit_px, far_px = limit_share * max(camera.size_px), FAR_SHARE * max(camera.size_px)
    unexplained = found.after_px > far_px
    moved = not unexplained and found.offset_px > limit_px and found.sigmas > least_sigmas
    return Knock(moved, unexplained, found.offset_px, found.sigmas, limit_px, far_px, found)


def guessed_camera(name: str, size_px: tuple[int, int]) -> Camera:
    """Give a camera of which nothing is known but its picture's size: a phone's usual lens, no pose.

    The focal length is that of 28 mm on film of 36 mm, 0.78 of the longer side; phones film with 24 to 30 mm.
    """
    focal = 28 / 36 * max(size_px)
    matrix = np.array([[focal, 0.0, (size_px[0] - 1) / 2], [0.0, focal, (size_px[1] - 1) / 2], [0.0, 0.0, 1.0]])
    return Camera(name, size_px, matrix, NoDistortion(), notes=("Nothing is known of its lens: guessed.",))


def _report(camera: Camera, problem: Problem, solved: Solution, has_pose: bool, focal: bool) -> Resection:
    state, robust = solved.state, solved.robust
    new = state.camera
    total = max(float(robust.sum()), 1e-12)

    def rms(squared: FloatArray) -> float:
        return float(np.sqrt(np.where(robust > 0, np.nan_to_num(robust * squared), 0.0).sum() / total))

    points = problem.points(0.0)
    drawn = new.project(points)
    squared_before = np.square(problem.px - camera.project(points)).sum(-1)
    turn = Rotation.from_matrix(camera.rotation @ new.rotation.T).as_rotvec()
    shift_m = (camera.centre_mm - new.centre_mm) / 1000
    pose: FloatArray = np.concatenate([turn, shift_m])
    covariance = solved.covariance[:6, :6]
    squared_sigmas = float(pose @ np.linalg.solve(covariance, pose))
    sigmas = float(np.sqrt(max(squared_sigmas, 0.0) / 6))
    seen = np.asarray((problem.weight > 0).any(axis=0))
    bias = np.where(seen[:, None], state.bias, np.nan)
    moved_mm, turned_rad = float(1000 * np.linalg.norm(shift_m)), float(np.linalg.norm(turn))
    note = f"Its pose was solved from {int(problem.count.sum()):,} sightings of a moving body"
    note += f": moved by {moved_mm:.0f} mm, turned by {np.degrees(turned_rad):.2f} degrees." if has_pose else "."
    return Resection(
        camera=new.with_notes(note),
        moved_mm=moved_mm if has_pose else float("nan"),
        turned_rad=turned_rad if has_pose else float("nan"),
        position_sigma_mm=float(1000 * np.sqrt(np.linalg.eigvalsh(covariance[3:, 3:])[-1])),
        rotation_sigma_rad=float(np.sqrt(np.linalg.eigvalsh(covariance[:3, :3])[-1])),
        late_s=state.late_s,
        late_sigma_s=float(np.sqrt(solved.covariance[6, 6])),
        focal_sigma=float(np.sqrt(solved.covariance[7, 7])) if focal else 0.0,
        offset_px=rms(np.square(drawn - camera.project(points)).sum(-1)) if has_pose else float("nan"),
        sigmas=sigmas if has_pose else float("nan"),
        before_px=rms(squared_before) if has_pose else float("nan"),
        after_px=rms(np.square(problem.residuals(state) + state.bias).sum(-1)),
        bias_px=bias,
        sightings=int(problem.count.sum()),
    )
