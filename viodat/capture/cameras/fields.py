"""From what a calibration file says to a :class:`~viodat.camera.Camera`, with every value checked on the way.

Each reader finds its own keys; the checks, units and error texts are the same for all and stand here. An
error names the file, the camera, the key, what was found and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from viodat.camera import Camera, Distortion, FisheyeDistortion, NoDistortion, OpenCVDistortion
from viodat.errors import CaptureError

FloatArray = NDArray[np.float64]

_MAX_BYTES = 16_000_000
_ROTATION_TOLERANCE = 1e-3
_LARGEST_ROOM_M = 100.0
_LARGEST_PICTURE_PX = 100_000
_LARGEST_NUMBER = 1e12


@dataclass(frozen=True)
class Place:
    """Where in which file a value stands, for the error text."""

    path: Path
    camera: str = ""

    def fail(self, problem: str, mend: str | None = None) -> NoReturn:
        """Raise the CaptureError for this place."""
        text = f"camera {self.camera}: {problem}" if self.camera else problem
        raise CaptureError(text, where=self.path, mend=mend)

    def of(self, camera: str) -> Place:
        """Return the same file, at one of its cameras."""
        return Place(self.path, camera)


def file_bytes(path: Path) -> bytes:
    """Content of a calibration file.

    Raises
    ------
    CaptureError
        If it cannot be read, or is larger than any calibration.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CaptureError(
                f"is {path.stat().st_size:,} bytes, expected a calibration of at most {_MAX_BYTES:,}",
                where=path,
            )
        return path.read_bytes()
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror})", where=path) from error


def file_text(path: Path) -> str:
    """Text of a calibration file that must be UTF-8."""
    try:
        return file_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CaptureError(
            f"is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}",
            where=path,
            mend="The file is damaged, or not a calibration; export it again.",
        ) from error


def found(values: Mapping[str, Any], keys: Sequence[str], place: Place) -> Any:
    """Return the value of the first of ``keys`` that is there; CaptureError naming the key if none is."""
    for key in keys:
        if key in values:
            return values[key]
    others = f" (or {', '.join(keys[1:])})" if len(keys) > 1 else ""
    place.fail(f"{keys[0]}{others} is missing; found {', '.join(sorted(map(str, values))) or 'nothing'}")


def numbers(value: Any, shapes: Sequence[tuple[int, ...]], key: str, place: Place) -> FloatArray:
    """Return an array of finite numbers in one of the shapes; (n, 1) and (1, n) count as (n,)."""
    wanted = " or ".join(" x ".join(map(str, shape)) for shape in shapes)
    try:
        array = np.array(value, dtype=object)
        if any(isinstance(item, (bool, str)) for item in array.flat):
            place.fail(f"{key}: expected {wanted} numbers, got {shown(value)}")
        array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        place.fail(f"{key}: expected {wanted} numbers, got {shown(value)}")
    if array.ndim == 2 and 1 in array.shape and array.shape not in shapes:
        array = array.reshape(-1)
    if array.shape not in shapes:
        place.fail(f"{key}: expected {wanted} numbers, got {' x '.join(map(str, array.shape)) or 'one'}")
    if not (np.abs(array) <= _LARGEST_NUMBER).all():
        place.fail(f"{key}: expected finite numbers of a calibration's size, got {shown(value)}")
    return np.asarray(array, dtype=np.float64)


def parsed_numbers(text: str, count: int, key: str, place: Place) -> FloatArray:
    """``count`` numbers from text, separated by blanks or commas."""
    parts = text.replace(",", " ").split()
    try:
        values: list[Any] = [float(part) for part in parts]
    except ValueError:
        place.fail(f"{key}: expected {count} numbers, got {shown(text)}")
    return numbers(values, [(count,)], key, place)


def size(value: Any, key: str, place: Place) -> tuple[int, int]:
    """(width, height) in whole pixels."""
    width, height = numbers(value, [(2,)], key, place)
    for side in (width, height):
        if side != round(side) or not 1 <= side <= _LARGEST_PICTURE_PX:
            place.fail(f"{key}: expected width and height in whole px, got {width:g} x {height:g}")
    return int(width), int(height)


def rotation(value: Any, key: str, place: Place) -> FloatArray:
    """(3, 3) from a matrix or a rotation vector (axis times angle in rad).

    A matrix that is off by rounding (up to 1e-3) is replaced by the nearest rotation; more is an error.
    """
    array = numbers(value, [(3,), (3, 3)], key, place)
    if array.shape == (3,):
        return np.asarray(Rotation.from_rotvec(array).as_matrix(), dtype=np.float64)
    error = float(np.abs(array @ array.T - np.eye(3)).max())
    if error > _ROTATION_TOLERANCE or np.linalg.det(array) < 0:
        place.fail(
            f"{key}: expected a right-handed rotation matrix, got one that is off by {error:.3g} "
            f"with determinant {np.linalg.det(array):.3g}"
        )
    # An exact matrix stays bit for bit as the file has it.
    if error < 1e-12:
        return array
    left, _, right = np.linalg.svd(array)
    return np.asarray(left @ right, dtype=np.float64)


def opencv_distortion(value: Any, key: str, place: Place, *, fisheye: bool = False) -> Distortion:
    """OpenCV's coefficients by their count; all zero is no distortion.

    Trailing zeros of the tilted-sensor terms are dropped; a tilted sensor is refused.
    """
    if value is None:
        return NoDistortion()
    flat = list(value) if isinstance(value, (list, tuple, np.ndarray)) else value
    lengths = (4,) if fisheye else (0, 1, 2, 4, 5, 8, 12, 14)
    array = numbers(flat, [(n,) for n in lengths], key, place)
    if fisheye:
        return FisheyeDistortion(tuple(map(float, array)))
    if len(array) == 14 and np.any(array[12:]):
        place.fail(f"{key}: a tilted sensor (tauX, tauY) is not supported, got {array[12]:g} and {array[13]:g}")
    coefficients = [float(k) for k in array[:12]] + [0.0] * max(0, 4 - len(array))
    return OpenCVDistortion(tuple(coefficients)) if any(coefficients) else NoDistortion()


def camera(
    place: Place,
    *,
    size_px: tuple[int, int],
    matrix: FloatArray,
    distortion: Distortion,
    rotation: FloatArray,
    translation_mm: FloatArray,
    notes: Sequence[str] = (),
) -> Camera:
    """Build the camera; what its own checks refuse becomes a CaptureError of this place."""
    try:
        built = Camera(
            id=place.camera,
            size_px=size_px,
            matrix=matrix,
            distortion=distortion,
            rotation=rotation,
            translation_mm=translation_mm,
            source=place.path.name,
            notes=tuple(notes),
        )
    except ValueError as error:
        place.fail(str(error))
    return _with_a_lens_that_reaches(built, place)


def _with_a_lens_that_reaches(camera: Camera, place: Place) -> Camera:
    """Refuse a lens model that folds back near the picture's middle; note one that does so in a corner."""
    last = np.array(camera.size_px) - 1.0
    quarters = last * [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    corners = last * [[0, 0], [1, 0], [0, 1], [1, 1]]
    for px in quarters[~np.isfinite(camera.undistort(quarters)).all(axis=-1)]:
        place.fail(
            f"distortion: no ray reaches pixel {px[0]:.0f}, {px[1]:.0f} of a {camera.size_px[0]} x "
            f"{camera.size_px[1]} picture through this lens: {camera.distortion}"
        )
    if not np.isfinite(camera.undistort(corners)).all():
        return camera.with_notes("The lens model does not reach every corner of the picture; NaN there.")
    return camera


def metres_to_mm(translations: Mapping[str, FloatArray], place: Place) -> tuple[float, tuple[str, ...]]:
    """Factor to mm for a format whose translations are in metres, and what to note.

    No room is 100 m wide, and no camera in one stands within 100 mm of all others and of the origin: if a
    translation is longer than 100 the file is in mm in spite of its format.
    """
    longest = max(float(np.linalg.norm(t)) for t in translations.values())
    if longest <= _LARGEST_ROOM_M:
        return 1000.0, ()
    if longest > 1000 * _LARGEST_ROOM_M:
        place.fail(f"translation: the farthest camera is {longest:,.0f} from the origin; expected metres")
    note = f"Translations reach {longest:,.0f}: taken as mm, though this format is usually in m."
    return 1.0, (note,)


def shown(value: Any) -> str:
    """Return a short form of a foreign value for an error text."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
