"""The four phones on tripods: where they stand, how their lenses bend light, and what a calibration finds of that.

World frame right-handed, Z up, floor at z = 0, mm; the player stands near the origin and faces +X, +Y is to the left.
Camera frame: OpenCV's (x right, y down, z forward); X_cam = R X_world + t. Pixels: the centre of the top left one is
(0, 0). Camera codes are published ones of VioDat; where its phones stood is not published, so that is viodat's choice.

The calibration is not the truth with noise added: chessboard and wand are seen through the true camera, with the errors
of corner detection and of the markers, and OpenCV estimates from them. So its errors are correlated as real ones are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from viodat.files import atomic_path, write_text
from viodat.synth.picture.render import Camera
from viodat.synth.vectors import FloatArray, unit

PHONES: Final[Mapping[str, float]] = {"C01": 0.0, "C02": 45.0, "C07": -45.0, "C08": -85.0}
"""Code and direction of each phone seen from the player: degrees to the left of straight ahead.

From the front, from the front left (the violin's side), from the front right, and from the side of the bow arm.
"""

SIZE_PX: Final = (1280, 720)
_FOCAL_PX = (950.0, 1050.0)  # 28 mm-equivalent: 28 / 36 of 1280 is 996 px
_NEAREST_MM, _FARTHEST_MM = 2300.0, 3500.0
_HEIGHT_MM = (1200.0, 1500.0)
_MARGIN_PX = 20.0
_AZIMUTH_SCATTER_DEG = 6.0
_ROLL_DEG = 1.0

# What must stay in the picture, in statures: radius around the player and height. Feet; bow arm and scroll; bow tip.
_KEPT: Final = ((0.12, 0.0), (0.42, 0.50), (0.45, 0.80), (0.22, 1.12))
_CENTRE_SHARE = (0.06, 0.0)  # trunk and violin lie before the feet

_BOARD = (9, 6)
_SQUARE_MM = 60.0
_BOARD_VIEWS = 20
_BOARD_DEPTH_MM = (900.0, 1900.0)
_BOARD_TILT_RAD = 0.55
_CORNER_PX = 0.12
"""Error of a detected chessboard corner per axis: viodat's choice (about 0.1 px in sharp pictures)."""
_WAND_PLACES = 40
_WAND_PX = 1.0
"""Error of a wand's marker in the picture per axis: a ball of some 5 px, compressed; viodat's choice."""
_WAND_MM = 0.7
"""Error of the same marker in the mocap frame per axis, with the time between the two; viodat's choice."""


@dataclass(frozen=True, eq=False)
class PhoneCamera(Camera):
    """A phone's camera: the renderer's camera with a name, and OpenCV's five lens coefficients.

    Attributes
    ----------
    name
        Camera code (``C01``).
    """

    name: str

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) mm, world, to (..., 2) px; NaN stays NaN. Points behind the camera are not treated apart."""
        flat = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 3)
        turn = cv2.Rodrigues(self.rotation)[0]
        pixels, _ = cv2.projectPoints(flat, turn, self.translation, self.matrix, self.distortion)
        return np.asarray(pixels, dtype=np.float64).reshape(*points.shape[:-1], 2)

    def project_rolling(self, first: FloatArray, last: FloatArray, span: float) -> FloatArray:
        """(..., 2) px of moving points, each where it was when its own row was read out.

        Parameters
        ----------
        first, last
            (..., 3) mm, world: the points at two instants around the middle row's, between which they go straight.
        span
            Time from the first row's exposure to the last row's, over the time between the two instants.
        """
        share = np.full(first.shape[:-1], 0.5)
        for _ in range(3):
            px = self.project(first + share[..., None] * (last - first))
            # A point above or below the picture belongs to no row: the nearest one stands for it.
            share = 0.5 + span * (np.clip(px[..., 1] / (self.size[1] - 1), 0, 1) - 0.5)
        return px

    def speed_across(self, first: FloatArray, last: FloatArray, seconds: float) -> FloatArray:
        """(...) mm/s of points square to the line of sight, from where they are at two instants (..., 3)."""
        sight = unit(first - self.centre)
        return np.asarray(np.linalg.norm(np.cross(last - first, sight), axis=-1) / seconds)

    @property
    def centre(self) -> FloatArray:
        """(3,) mm, world: where the camera stands."""
        return np.asarray(-self.rotation.T @ self.translation)

    def depth(self, points: FloatArray) -> FloatArray:
        """(...) mm along the viewing direction of points (..., 3), world."""
        return np.asarray(points @ self.rotation[2] + self.translation[2])


def set_up_room(stature_mm: float, rng: np.random.Generator, names: Sequence[str] = tuple(PHONES)) -> list[PhoneCamera]:
    """Place the phones around a player for a session: the true cameras.

    Parameters
    ----------
    stature_mm
        Of the tallest player of the session: from it follows how far back the tripods stand (2.3 to 3.5 m).
    rng
        Draws directions, heights and lenses.
    names
        Codes out of :data:`PHONES`.
    """
    return [_placed(name, stature_mm, rng) for name in names]


def _placed(name: str, stature: float, rng: np.random.Generator) -> PhoneCamera:
    azimuth = np.deg2rad(PHONES[name] + rng.uniform(-_AZIMUTH_SCATTER_DEG, _AZIMUTH_SCATTER_DEG))
    height, focal = rng.uniform(*_HEIGHT_MM), rng.uniform(*_FOCAL_PX)
    aspect, roll = 1 + rng.normal(0, 0.0005), np.deg2rad(rng.uniform(-_ROLL_DEG, _ROLL_DEG))
    principal = (np.array(SIZE_PX) - 1) / 2 + rng.normal(0, 4.0, 2)
    # Phones correct most of their lens' distortion themselves; what is left bulges or pinches by some px.
    lens = np.array([rng.normal(0, 0.03), rng.normal(0, 0.04), *rng.normal(0, 4e-4, 2), rng.normal(0, 0.01)])
    matrix = np.array([[focal, 0, principal[0]], [0, focal * aspect, principal[1]], [0, 0, 1.0]])
    kept = _kept_points(stature)
    middle = np.array([_CENTRE_SHARE[0] * stature, _CENTRE_SHARE[1] * stature, 0.55 * stature])
    spare = rng.uniform(0.0, 150.0)
    camera = None
    for distance in np.arange(_NEAREST_MM, _FARTHEST_MM + 1, 50.0):
        place = np.array([*(middle[:2] + distance * np.array([np.cos(azimuth), np.sin(azimuth)])), height])
        camera = _aimed(name, place, middle, kept, matrix, lens, roll)
        inside = camera.project(kept)
        if ((inside > _MARGIN_PX) & (inside < np.array(SIZE_PX) - 1 - _MARGIN_PX)).all():
            away = min(distance + spare, _FARTHEST_MM)
            place = np.array([*(middle[:2] + away * np.array([np.cos(azimuth), np.sin(azimuth)])), height])
            return _aimed(name, place, middle, kept, matrix, lens, roll)
    assert camera is not None
    return camera


def _kept_points(stature: float) -> FloatArray:
    around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rings = [
        np.stack([radius * np.cos(around), radius * np.sin(around), np.full(16, high)], axis=1)
        for radius, high in _KEPT
    ]
    return np.asarray(stature * (np.concatenate(rings) + np.array([*_CENTRE_SHARE, 0.0])))


def _aimed(
    name: str,
    place: FloatArray,
    target: FloatArray,
    kept: FloatArray,
    matrix: FloatArray,
    lens: FloatArray,
    roll: float,
) -> PhoneCamera:
    """Look at the target, then nod until what must be seen is as far from the upper as from the lower edge."""
    tilt = 0.0
    camera = _looking(name, place, target, tilt, roll, matrix, lens)
    for _ in range(4):
        rows = camera.project(kept)[:, 1]
        tilt += float(np.arctan(((rows.min() + rows.max()) / 2 - (SIZE_PX[1] - 1) / 2) / matrix[1, 1]))
        camera = _looking(name, place, target, tilt, roll, matrix, lens)
    return camera


def _looking(
    name: str, place: FloatArray, target: FloatArray, tilt: float, roll: float, matrix: FloatArray, lens: FloatArray
) -> PhoneCamera:
    forward = unit(target - place)
    right = unit(np.cross(forward, np.array([0.0, 0.0, 1.0])))
    level = np.stack([right, np.cross(forward, right), forward])
    # Positive tilt looks further down.
    nod = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = lean @ nod @ level
    return PhoneCamera(SIZE_PX, matrix, lens, rotation, -rotation @ place, name)


def calibrated(true: PhoneCamera, stature_mm: float, rng: np.random.Generator) -> PhoneCamera:
    """Calibrate a camera as a lab does, with a chessboard and a wand: what the lab believes the camera to be.

    Parameters
    ----------
    true
        The camera through which chessboard and wand are seen.
    stature_mm
        Height of the volume in which the wand is waved.
    rng
        Draws where board and wand are held, and all errors of measurement.

    Returns
    -------
    PhoneCamera
        Rounded to 1e-4 px, 1e-7 (lens), 1e-8 rad and 1e-4 mm, so that files of all formats state the same camera.
    """
    boards, corners = _seen_boards(true, rng)
    width, height = true.size
    guess = np.array([[0.78 * width, 0, width / 2], [0, 0.78 * width, height / 2], [0, 0, 1.0]])
    threads = cv2.getNumThreads()
    # Several threads sum in any order, and the last digits differ from run to run.
    cv2.setNumThreads(1)
    try:
        _, matrix, lens, _, _ = cv2.calibrateCamera(boards, corners, true.size, guess, None)
    finally:
        cv2.setNumThreads(threads)
    places = _wand_places(true, stature_mm, rng)
    seen = true.project(places) + rng.normal(0, _WAND_PX, (len(places), 2))
    measured = places + rng.normal(0, _WAND_MM, places.shape)
    _, turn, shift = cv2.solvePnP(measured, seen, matrix, lens, flags=cv2.SOLVEPNP_SQPNP)
    turn, shift = cv2.solvePnPRefineLM(measured, seen, matrix, lens, turn, shift)
    rotation = np.asarray(cv2.Rodrigues(np.round(turn.ravel(), 8))[0], dtype=np.float64)
    return replace(
        true,
        matrix=np.asarray(np.round(matrix, 4), dtype=np.float64),
        distortion=np.asarray(np.round(lens.ravel()[:5], 7), dtype=np.float64),
        rotation=rotation,
        translation=np.asarray(np.round(shift.ravel(), 4), dtype=np.float64),
    )


def _seen_boards(
    true: PhoneCamera, rng: np.random.Generator
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Chessboard corners of all views: (N, 3) float32 mm on the board, and (N, 1, 2) float32 px as detected."""
    across, down = np.meshgrid(np.arange(_BOARD[0]), np.arange(_BOARD[1]))
    board = np.stack([across.ravel(), down.ravel(), np.zeros(across.size)], axis=1) * _SQUARE_MM
    middle = board.mean(axis=0)
    boards: list[NDArray[np.float32]] = []
    corners: list[NDArray[np.float32]] = []
    while len(boards) < _BOARD_VIEWS:
        place_px = rng.uniform(0.1, 0.9, 2) * np.array(SIZE_PX)
        depth = rng.uniform(*_BOARD_DEPTH_MM)
        ray = np.linalg.solve(true.matrix, np.array([*place_px, 1.0]))
        turn = cv2.Rodrigues(np.array([*rng.normal(0, _BOARD_TILT_RAD, 2), rng.normal(0, 0.2)]))[0]
        held = (board - middle) @ turn.T + depth * ray
        pixels = cv2.projectPoints(held, np.zeros(3), np.zeros(3), true.matrix, true.distortion)[0][:, 0]
        facing = turn[2, 2] > 0.6
        if facing and ((pixels > 2) & (pixels < np.array(SIZE_PX) - 3)).all():
            boards.append(board.astype(np.float32))
            noisy = pixels + rng.normal(0, _CORNER_PX, pixels.shape)
            corners.append(noisy[:, None].astype(np.float32))
    return boards, corners


def _wand_places(true: PhoneCamera, stature: float, rng: np.random.Generator) -> FloatArray:
    """(N, 3) mm, world: where the wand's marker was while this camera saw it."""
    places: list[FloatArray] = []
    while len(places) < _WAND_PLACES:
        place = np.array([*rng.uniform(-900.0, 900.0, 2), rng.uniform(100.0, 1.05 * stature)])
        pixel = true.project(place[None])[0]
        if (pixel > 5).all() and (pixel < np.array(SIZE_PX) - 6).all():
            places.append(place)
    return np.stack(places)


def write_pose2sim(folder: Path, cameras: Sequence[PhoneCamera]) -> list[Path]:
    """Write ``calibration.toml`` of Pose2Sim and aniposelib: rotation vector, translation in metres."""
    tables = [
        f'[{camera.name}]\nname = "{camera.name}"\nsize = [{camera.size[0]}.0, {camera.size[1]}.0]\n'
        f"matrix = {camera.matrix.tolist()}\ndistortions = {camera.distortion.tolist()}\n"
        f"rotation = {_rotation_vector(camera)}\ntranslation = {_metres(camera)}\nfisheye = false\n"
        for camera in cameras
    ]
    path = folder / "calibration.toml"
    write_text(path, "\n".join(tables) + "\n[metadata]\nadjusted = false\nerror = 0.0\n")
    return [path]


def write_caliscope(folder: Path, cameras: Sequence[PhoneCamera]) -> list[Path]:
    """Write ``camera_array.toml`` of caliscope, which numbers cameras: ``C07`` is ``cam_7`` there."""
    tables = [
        f"[cameras.{int(camera.name[1:])}]\ncam_id = {int(camera.name[1:])}\n"
        f"size = [{camera.size[0]}, {camera.size[1]}]\nrotation_count = 0\n"
        f"matrix = {camera.matrix.tolist()}\ndistortions = {camera.distortion.tolist()}\n"
        f"rotation = {_rotation_vector(camera)}\ntranslation = {_metres(camera)}\nignore = false\nfisheye = false\n"
        for camera in cameras
    ]
    path = folder / "camera_array.toml"
    write_text(path, "\n".join(tables))
    return [path]


def write_opencv_yaml(folder: Path, cameras: Sequence[PhoneCamera]) -> list[Path]:
    """Write ``C01.yml`` ... with OpenCV's FileStorage: rotation matrix, translation in mm."""
    paths = [folder / f"{camera.name}.yml" for camera in cameras]
    for path, camera in zip(paths, cameras, strict=True):
        with atomic_path(path) as temporary:
            storage = cv2.FileStorage(str(temporary), cv2.FILE_STORAGE_WRITE)
            storage.write("camera_name", camera.name)
            storage.write("image_width", camera.size[0])
            storage.write("image_height", camera.size[1])
            storage.write("camera_matrix", camera.matrix)
            storage.write("distortion_coefficients", camera.distortion[None])
            storage.write("R", camera.rotation)
            storage.write("T", camera.translation[:, None])
            storage.write("units", "mm")
            storage.release()
    return paths


def write_opencv_json(folder: Path, cameras: Sequence[PhoneCamera]) -> list[Path]:
    """Write ``calibration.json``: OpenCV's terms in plain JSON, all cameras in one file, mm."""
    path = folder / "calibration.json"
    write_text(path, json.dumps({"units": "mm", "cameras": {c.name: _terms(c) for c in cameras}}, indent=1) + "\n")
    return [path]


def write_matlab(folder: Path, cameras: Sequence[PhoneCamera]) -> list[Path]:
    """Write ``stereo_C01_C02.json`` as MATLAB's jsonencode of stereoParameters: the first two cameras, and no others.

    The format knows two cameras, and its world is the first one's frame: markers are not in it. It is here to test its
    reader, not for a whole capture.
    """
    first, second = cameras[:2]
    turn = second.rotation @ first.rotation.T
    content: dict[str, Any] = {
        "WorldUnits": "millimeters",
        "PoseCamera2": {"R": turn.tolist(), "Translation": (second.translation - turn @ first.translation).tolist()},
    }
    for number, camera in (("1", first), ("2", second)):
        k1, k2, p1, p2, k3 = camera.distortion.tolist()
        content[f"CameraParameters{number}"] = {
            "ImageSize": [camera.size[1], camera.size[0]],
            # MATLAB counts pixels from 1.
            "K": (camera.matrix + np.array([[0, 0, 1.0], [0, 0, 1.0], [0, 0, 0]])).tolist(),
            "RadialDistortion": [k1, k2, k3],
            "TangentialDistortion": [p1, p2],
        }
    path = folder / f"stereo_{first.name}_{second.name}.json"
    write_text(path, json.dumps(content, indent=1) + "\n")
    return [path]


CALIBRATION_FORMATS: Final[Mapping[str, Callable[[Path, Sequence[PhoneCamera]], list[Path]]]] = {
    "pose2sim": write_pose2sim,
    "opencv-yaml": write_opencv_yaml,
    "opencv-json": write_opencv_json,
    "caliscope": write_caliscope,
    "matlab": write_matlab,
}
"""Writers by name: (folder, cameras) -> files written. ``matlab`` holds two cameras in a frame of their own."""


def camera_truth(true: Sequence[PhoneCamera], stated: Sequence[PhoneCamera]) -> dict[str, Any]:
    """Content for ``truth/cameras.json``: by camera code the true parameters and those that the calibration states."""
    return {t.name: {"true": _terms(t), "calibrated": _terms(c)} for t, c in zip(true, stated, strict=True)}


def _terms(camera: PhoneCamera) -> dict[str, Any]:
    return {
        "image_size": list(camera.size),
        "camera_matrix": camera.matrix.tolist(),
        "distortion_coefficients": camera.distortion.tolist(),
        "R": camera.rotation.tolist(),
        "T": camera.translation.tolist(),
    }


def _rotation_vector(camera: PhoneCamera) -> list[float]:
    return [float(x) for x in cv2.Rodrigues(camera.rotation)[0].ravel()]


def _metres(camera: PhoneCamera) -> list[float]:
    return [float(x) for x in camera.translation / 1000]
