"""A calibrated camera: from world millimetres to the pixels of its picture, and back.

World frame: the marker file's own. Camera frame: OpenCV (x right, y down, z forward), X_cam = R X_world +
t, in mm. Pixels: (0, 0) is the centre of the first pixel, x right, y down, so a picture of width w spans
−0.5 … w − 0.5. Missing input gives NaN; so does what the camera cannot have drawn: points behind it, and
points beyond the range of its lens model.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viodat.camera.distortion import (
    Distortion,
    NoDistortion,
    distortion_from_dict,
    distortion_to_dict,
)
from viodat.camera.fitting import Fit, size_change
from viodat.errors import ViodatWarning

FloatArray = NDArray[np.float64]

_ORTHONORMAL = 1e-6


@dataclass(frozen=True, eq=False)
class Camera:
    """One calibrated camera.

    Attributes
    ----------
    id
        As the calibration names it.
    size_px
        (width, height) of the picture that the matrix belongs to.
    matrix
        (3, 3) px: fx, skew, cx; 0, fy, cy; 0, 0, 1.
    distortion
        The lens, one of the models of :mod:`viodat.camera.distortion`.
    rotation
        (3, 3), world to camera.
    translation_mm
        (3,) mm, the world's origin in the camera frame.
    source
        The file it was read from.
    notes
        What was found and assumed while reading or changing it, one sentence each.

    Raises
    ------
    ValueError
        If a shape is wrong, a number is not finite, a focal length is not positive, or ``rotation`` is not
        one.
    """

    id: str
    size_px: tuple[int, int]
    matrix: FloatArray
    distortion: Distortion = field(default_factory=NoDistortion)
    rotation: FloatArray = field(default_factory=lambda: np.eye(3))
    translation_mm: FloatArray = field(default_factory=lambda: np.zeros(3))
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, shape in (("matrix", (3, 3)), ("rotation", (3, 3)), ("translation_mm", (3,))):
            object.__setattr__(self, name, _finite(getattr(self, name), shape, name))
        width, height = self.size_px
        if width < 1 or height < 1:
            raise ValueError(f"size_px: expected a width and height of at least 1 px, got {width} x {height}")
        fx, fy = self.matrix[0, 0], self.matrix[1, 1]
        if fx <= 0 or fy <= 0:
            raise ValueError(f"matrix: expected focal lengths above 0 px, got {fx:g} and {fy:g}")
        if self.matrix[1, 0] != 0 or not np.array_equal(self.matrix[2], [0.0, 0.0, 1.0]):
            raise ValueError(f"matrix: expected [[fx, s, cx], [0, fy, cy], [0, 0, 1]], got {self.matrix.tolist()}")
        error = np.abs(self.rotation @ self.rotation.T - np.eye(3)).max()
        if error > _ORTHONORMAL or np.linalg.det(self.rotation) < 0:
            raise ValueError(
                f"rotation: expected a right-handed rotation matrix, got one that is off by {error:.2g} "
                f"with determinant {np.linalg.det(self.rotation):.3g}"
            )

    @property
    def centre_mm(self) -> FloatArray:
        """(3,) mm, where the camera stands in the world: −Rᵀt."""
        return -self.rotation.T @ self.translation_mm

    @property
    def projection_matrix(self) -> FloatArray:
        """(3, 4): K [R | t], world mm to homogeneous ideal px."""
        return self.matrix @ np.column_stack([self.rotation, self.translation_mm])

    def to_camera(self, points_mm: ArrayLike) -> FloatArray:
        """(..., 3) mm, world to camera frame. NaN stays NaN."""
        return _points(points_mm, 3, "points_mm") @ self.rotation.T + self.translation_mm

    def to_world(self, points_mm: ArrayLike) -> FloatArray:
        """(..., 3) mm, camera to world frame. NaN stays NaN."""
        return (_points(points_mm, 3, "points_mm") - self.translation_mm) @ self.rotation

    def project(self, points_mm: ArrayLike) -> FloatArray:
        """Where the camera draws points of the world.

        Parameters
        ----------
        points_mm
            (..., 3) mm, world frame.

        Returns
        -------
        ndarray
            (..., 2) px, also outside the picture. NaN for NaN points, points that are not in front of the
            camera, and points beyond the range of the lens model, which would otherwise fold back into the
            picture.

        Examples
        --------
        >>> camera = Camera("C01", (1280, 720), np.array([[900.0, 0, 639.5], [0, 900, 359.5], [0, 0, 1]]))
        >>> camera.project([[0, 0, 2000], [1000, 0, 2000], [0, 0, -2000]])
        array([[ 639.5,  359.5],
               [1089.5,  359.5],
               [   nan,    nan]])
        """
        local = self.to_camera(points_mm)
        with np.errstate(all="ignore"):
            depth = np.where(local[..., 2] > 0, local[..., 2], np.nan)
            return self.distort(_matrix_px(local[..., :2] / depth[..., None], self.matrix))

    def distort(self, ideal_px: ArrayLike) -> FloatArray:
        """(..., 2) px: where the lens draws what a pinhole would draw at ``ideal_px``."""
        with np.errstate(all="ignore"):
            return _both(self.distortion.distort(_points(ideal_px, 2, "ideal_px"), self.matrix))

    def undistort(self, px: ArrayLike) -> FloatArray:
        """(..., 2) ideal px: where a pinhole with the same matrix would draw what the lens drew at ``px``."""
        with np.errstate(all="ignore"):
            return _both(self.distortion.undistort(_points(px, 2, "px"), self.matrix))

    def back_project(self, px: ArrayLike, depth_mm: ArrayLike) -> FloatArray:
        """Points of the world that are drawn at given pixels, at given depths.

        Parameters
        ----------
        px
            (..., 2) px.
        depth_mm
            (...) or scalar, mm along the optical axis (z of the camera frame).

        Returns
        -------
        ndarray
            (..., 3) mm, world frame; NaN where the pixel or the depth is.
        """
        return self.to_world(self._local_rays(px) * np.asarray(depth_mm, dtype=np.float64)[..., None])

    def ray(self, px: ArrayLike) -> FloatArray:
        """(..., 3) unit vectors, world frame, from :attr:`centre_mm` towards what is drawn at ``px``."""
        local = self._local_rays(px)
        world: FloatArray = (local / np.linalg.norm(local, axis=-1, keepdims=True)) @ self.rotation
        return world

    def resized(self, size_px: tuple[int, int]) -> Camera:
        """Return the camera for its picture scaled to another (width, height).

        The picture's edges stay, not the first pixel's centre: x goes to (x + ½)s − ½. The aspect may
        change, unless the lens model is Vicon's (ValueError).
        """
        scale_x, scale_y = size_px[0] / self.size_px[0], size_px[1] / self.size_px[1]
        matrix = self.matrix * [[scale_x], [scale_y], [1.0]]
        matrix[0, 2] += 0.5 * scale_x - 0.5
        matrix[1, 2] += 0.5 * scale_y - 0.5
        distortion = self.distortion.resized(scale_x, scale_y)
        return replace(self, size_px=size_px, matrix=matrix, distortion=distortion)

    def cropped(self, left: float, top: float, width: int, height: int) -> Camera:
        """Return the camera for a part of its picture; a negative ``left`` or ``top`` reaches further."""
        matrix = self.matrix - np.array([[0.0, 0.0, left], [0.0, 0.0, top], [0.0, 0.0, 0.0]])
        distortion = self.distortion.shifted(left, top)
        return replace(self, size_px=(width, height), matrix=matrix, distortion=distortion)

    def turned(self, quarter_turns: int = 1) -> Camera:
        """Return the camera for its picture turned clockwise, as a player turns a phone's video for display.

        Raises
        ------
        ValueError
            If the matrix has skew, which would not stay where a camera matrix has it.
        """
        if self.matrix[0, 1] != 0:
            raise ValueError(f"camera {self.id}: cannot turn the picture of a camera with skew")
        if quarter_turns % 4 == 0:
            return self
        (fx, _, cx), (_, fy, cy), _ = self.matrix
        width, height = self.size_px[1], self.size_px[0]
        # A pixel (x, y) goes to (width − 1 − y, x), and the camera frame turns with the picture: x' = −y,
        # y' = x.
        turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        once = replace(
            self,
            size_px=(width, height),
            matrix=np.array([[fy, 0.0, width - 1 - cy], [0.0, fx, cx], [0.0, 0.0, 1.0]]),
            distortion=self.distortion.turned(width),
            rotation=turn @ self.rotation,
            translation_mm=turn @ self.translation_mm,
        )
        return once.turned(quarter_turns % 4 - 1)

    def letterboxed(self, size_px: tuple[int, int]) -> Camera:
        """Return the camera for its picture scaled as a whole into (width, height), with equal bars on the rest."""
        scale = min(size_px[0] / self.size_px[0], size_px[1] / self.size_px[1])
        matrix = self.matrix * [[scale], [scale], [1.0]]
        matrix[:2, 2] += 0.5 * scale - 0.5
        left, top = ((inner * scale - outer) / 2 for inner, outer in zip(self.size_px, size_px, strict=True))
        scaled = replace(self, matrix=matrix, distortion=self.distortion.resized(scale, scale))
        return scaled.cropped(left, top, *size_px)

    def fitted_to(self, size_px: tuple[int, int], how: Fit = "guess") -> Camera:
        """Return the camera for a video whose size may not be the calibration's, saying what was assumed.

        Parameters
        ----------
        size_px
            (width, height) of the video's pictures as they are decoded and turned for display.
        how
            ``scale``, ``crop`` or ``letterbox`` where it is known; ``guess`` decides by the sizes.

        Returns
        -------
        Camera
            This one if the sizes agree; else as ``how`` says, or as :func:`viodat.camera.fitting.size_change` guesses
            (scaled or cropped), with a note that names both sizes and what was done.

        Warns
        -----
        ViodatWarning
            The same note, if the sizes differ and it was a guess.

        Raises
        ------
        ConfigError
            If neither scaling nor a small crop explains the sizes.
        """
        if tuple(size_px) == self.size_px:
            return self
        if how != "guess":
            known = {
                "scale": self.resized,
                "crop": lambda size: self.cropped(
                    (self.size_px[0] - size[0]) / 2, (self.size_px[1] - size[1]) / 2, *size
                ),
                "letterbox": self.letterboxed,
            }[how](size_px)
            return known.with_notes(
                f"Its video is {size_px[0]} x {size_px[1]} px but it was calibrated at {self.size_px[0]} x "
                f"{self.size_px[1]} px; fitted by {how!r}, as was stated."
            )
        change = size_change(self.id, self.size_px, size_px)
        warnings.warn(f"camera {self.id}: {change.assumption}", ViodatWarning, stacklevel=2)
        fitted = self.resized(size_px) if change.scaled else self.cropped(change.left, change.top, *size_px)
        return fitted.with_notes(f"{change.assumption[0].upper()}{change.assumption[1:]}.")

    def pinhole(self) -> Camera:
        """Return the same camera without its lens: for pixels that are already ideal."""
        return replace(self, distortion=NoDistortion())

    def with_notes(self, *notes: str) -> Camera:
        """Return the same camera with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able description; :meth:`from_dict` reads it back without loss."""
        return {
            "id": self.id,
            "size_px": list(self.size_px),
            "matrix": self.matrix.tolist(),
            "distortion": distortion_to_dict(self.distortion),
            "rotation": self.rotation.tolist(),
            "translation_mm": self.translation_mm.tolist(),
            "source": self.source,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Camera:
        """Read what :meth:`to_dict` wrote.

        Raises
        ------
        ValueError
            If a value is not what a camera can have.
        KeyError
            If one is missing.
        """
        width, height = values["size_px"]
        return cls(
            id=str(values["id"]),
            size_px=(int(width), int(height)),
            matrix=np.array(values["matrix"], dtype=np.float64),
            distortion=distortion_from_dict(values["distortion"]),
            rotation=np.array(values["rotation"], dtype=np.float64),
            translation_mm=np.array(values["translation_mm"], dtype=np.float64),
            source=str(values["source"]),
            notes=tuple(values["notes"]),
        )

    def _local_rays(self, px: ArrayLike) -> FloatArray:
        """(..., 3) of the camera frame with z = 1."""
        ideal = self.undistort(px)
        y = (ideal[..., 1] - self.matrix[1, 2]) / self.matrix[1, 1]
        x = (ideal[..., 0] - self.matrix[0, 2] - self.matrix[0, 1] * y) / self.matrix[0, 0]
        return np.stack([x, y, np.ones_like(x)], axis=-1)


def _finite(value: ArrayLike, shape: tuple[int, ...], name: str) -> FloatArray:
    array = np.array(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers, got {array.tolist()}")
    array.setflags(write=False)
    return array


def _points(values: ArrayLike, axes: int, name: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != axes:
        raise ValueError(f"{name}: expected {axes} numbers per point in the last axis, got shape {array.shape}")
    return array


def _matrix_px(v: FloatArray, matrix: FloatArray) -> FloatArray:
    return v @ matrix[:2, :2].T + matrix[:2, 2]


def _both(px: FloatArray) -> FloatArray:
    # A pixel with one known coordinate is not known.
    missing = ~np.isfinite(px).all(axis=-1, keepdims=True)
    return np.where(missing, np.nan, px)
