"""What lenses do to a picture: four models with one interface, between ideal and distorted pixels.

An ideal pixel is where a pinhole camera with the same matrix would have drawn the point; a distorted pixel is
where the lens drew it. Both are in px with (0, 0) at the centre of the first pixel, as in OpenCV. A model's
``distort`` and ``undistort`` take the camera matrix, since OpenCV's models act on normalised coordinates and
Vicon's on pixels. Points outside the range in which a model describes a lens (see
:mod:`viodat.camera.radial`) are NaN in both directions.

Sources: Brown 1971 and Conrady 1919 with the rational and thin-prism terms of OpenCV's documentation (module
calib3d); Kannala and Brandt 2006 (fisheye); Vicon's three-parameter radial model as its .xcp files state it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from viodat.camera.radial import RadialProfile

FloatArray = NDArray[np.float64]

VICON_DIRECTIONS = ("distorted_to_ideal", "ideal_to_distorted")

_NEWTON_STEPS = 25
_CONVERGED = 1e-11


@dataclass(frozen=True)
class NoDistortion:
    """A pinhole: ideal and distorted pixels are the same."""

    def distort(self, ideal_px: FloatArray, matrix: FloatArray) -> FloatArray:
        """Return the pixels as they are."""
        return ideal_px

    def undistort(self, px: FloatArray, matrix: FloatArray) -> FloatArray:
        """Return the pixels as they are."""
        return px

    def resized(self, scale_x: float, scale_y: float) -> NoDistortion:
        """Return the same: there is nothing to scale."""
        return self

    def shifted(self, left: float, top: float) -> NoDistortion:
        """Return the same: there is nothing to shift."""
        return self

    def turned(self, width: int) -> NoDistortion:
        """Return the same: there is nothing to turn."""
        return self


@dataclass(frozen=True)
class OpenCVDistortion:
    """OpenCV's standard model: radial (k1 … k6), tangential (p1, p2), thin prism (s1 … s4).

    Attributes
    ----------
    coefficients
        k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4]]], OpenCV's order: 4, 5, 8 or 12 numbers. The tilted sensor
        (14 numbers) is not modelled.
    """

    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        _check(self.coefficients, (4, 5, 8, 12), "OpenCV distortion")

    @cached_property
    def _terms(self) -> tuple[float, ...]:
        return self.coefficients + (0.0,) * (12 - len(self.coefficients))

    @cached_property
    def _radial(self) -> RadialProfile:
        k1, k2, _, _, k3, k4, k5, k6 = self._terms[:8]
        return RadialProfile((k1, k2, k3), (k4, k5, k6))

    @property
    def _decentring(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Vectors (2,) of the terms that are not radial: they turn with the picture.

        The tangential terms are 2(q·v)v + r²q with q = (p2, p1); the thin prism is r²a + r⁴b.
        """
        _, _, p1, p2 = self._terms[:4]
        s1, s2, s3, s4 = self._terms[8:]
        return np.array([p2, p1]), np.array([s1, s3]), np.array([s2, s4])

    def distort(self, ideal_px: FloatArray, matrix: FloatArray) -> FloatArray:
        """(..., 2) distorted px of (..., 2) ideal px; NaN beyond the radius at which the model folds back."""
        return _to_px(self._apply(_normalised(ideal_px, matrix)), matrix)

    def undistort(self, px: FloatArray, matrix: FloatArray) -> FloatArray:
        """(..., 2) ideal px of (..., 2) distorted px; NaN where no ideal pixel is drawn there."""
        target = _normalised(px, matrix)
        v = target * self._radial.inverse_factor(_norm(target))[..., None]
        if any(self._terms[2:4]) or any(self._terms[8:]):
            v = self._newton(v, target)
        return _to_px(v, matrix)

    def resized(self, scale_x: float, scale_y: float) -> OpenCVDistortion:
        """Return the same: the model acts on normalised coordinates."""
        return self

    def shifted(self, left: float, top: float) -> OpenCVDistortion:
        """Return the same: the model acts on normalised coordinates."""
        return self

    def turned(self, width: int) -> OpenCVDistortion:
        """Return the model of the picture turned by 90° clockwise, (x, y) -> (−y, x)."""
        k1, k2, _, _, k3, k4, k5, k6 = self._terms[:8]
        (p2, p1), (s1, s3), (s2, s4) = ((-b, a) for a, b in self._decentring)
        terms = (k1, k2, float(p1), float(p2), k3, k4, k5, k6, float(s1), float(s2), float(s3), float(s4))
        return OpenCVDistortion(terms[: len(self.coefficients)])

    def _apply(self, v: FloatArray) -> FloatArray:
        q, a, b = self._decentring
        square = np.sum(v * v, axis=-1, keepdims=True)
        radial = v * self._radial.factor(np.sqrt(square))
        applied: FloatArray = radial + 2 * (v @ q)[..., None] * v + square * (q + a) + square**2 * b
        return applied

    def _newton(self, start: FloatArray, target: FloatArray) -> FloatArray:
        """Solve _apply(v) = target from a start that is right but for the small decentring terms."""
        # Where the radial inverse has no answer the decentring may still reach it from just inside the fold.
        v = np.where(np.isnan(start) & ~np.isnan(target), target * _shrink(target, self._radial.limit), start)
        step = 1e-7
        x_step, y_step = np.array([step, 0.0]), np.array([0.0, step])
        error = np.full_like(v, np.nan)
        for _ in range(_NEWTON_STEPS):
            error = self._apply(v) - target
            size = _norm(error)
            if not np.any(size > 1e-15):
                break
            dx = (self._apply(v + x_step) - self._apply(v - x_step)) / (2 * step)
            dy = (self._apply(v + y_step) - self._apply(v - y_step)) / (2 * step)
            det = dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]
            move_x = (error[..., 0] * dy[..., 1] - error[..., 1] * dy[..., 0]) / det
            move_y = (dx[..., 0] * error[..., 1] - dx[..., 1] * error[..., 0]) / det
            moved = v - np.stack([move_x, move_y], axis=-1)
            v = moved * _shrink(moved, self._radial.limit)
        found = _norm(error) <= _CONVERGED * (1 + _norm(target))
        return cast(FloatArray, np.where(found[..., None], v, np.nan))


@dataclass(frozen=True)
class FisheyeDistortion:
    """OpenCV's fisheye model: θ_d = θ(1 + k1θ² + k2θ⁴ + k3θ⁶ + k4θ⁸), θ the angle from the axis.

    Rays at 90° and beyond have no ideal pixel and are NaN.
    """

    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        _check(self.coefficients, (4,), "fisheye distortion")

    @cached_property
    def _radial(self) -> RadialProfile:
        return RadialProfile(self.coefficients, end=np.pi / 2)

    def distort(self, ideal_px: FloatArray, matrix: FloatArray) -> FloatArray:
        """(..., 2) distorted px of (..., 2) ideal px."""
        v = _normalised(ideal_px, matrix)
        radius = _norm(v)
        angle = np.arctan(radius)
        scale = np.where(radius > 0, angle / np.where(radius > 0, radius, 1.0), 1.0)
        return _to_px(v * (scale * self._radial.factor(angle))[..., None], matrix)

    def undistort(self, px: FloatArray, matrix: FloatArray) -> FloatArray:
        """(..., 2) ideal px of (..., 2) distorted px; NaN for rays at 90° and beyond."""
        v = _normalised(px, matrix)
        distorted = _norm(v)
        angle = distorted * self._radial.inverse_factor(distorted)
        scale = np.where(distorted > 0, np.tan(angle) / np.where(distorted > 0, distorted, 1.0), 1.0)
        return _to_px(v * np.where(np.isnan(angle), np.nan, scale)[..., None], matrix)

    def resized(self, scale_x: float, scale_y: float) -> FisheyeDistortion:
        """Return the same: the model acts on normalised coordinates."""
        return self

    def shifted(self, left: float, top: float) -> FisheyeDistortion:
        """Return the same: the model acts on normalised coordinates."""
        return self

    def turned(self, width: int) -> FisheyeDistortion:
        """Return the same: the model is symmetric about the axis."""
        return self


@dataclass(frozen=True)
class ViconRadial:
    """Vicon's radial model in pixels: p' = c + (p − c)(1 + k1r² + k2r⁴ + k3r⁶), r = |p − c| px.

    Its coefficients carry px⁻², px⁻⁴, px⁻⁶ and, as Vicon writes them, map distorted to ideal: they must not
    reach OpenCV.

    Attributes
    ----------
    centre_px
        c, (x, y).
    coefficients
        k1, k2, k3.
    direction
        What the formula maps: ``distorted_to_ideal`` (how viodat understands .xcp) or
        ``ideal_to_distorted`` (how some parsers do).
    """

    centre_px: tuple[float, float]
    coefficients: tuple[float, ...]
    direction: Literal["distorted_to_ideal", "ideal_to_distorted"] = "distorted_to_ideal"

    def __post_init__(self) -> None:
        _check(self.coefficients, (3,), "Vicon distortion")
        _check(self.centre_px, (2,), "Vicon distortion centre")
        if self.direction not in VICON_DIRECTIONS:
            raise ValueError(f"Vicon direction: expected one of {VICON_DIRECTIONS}, got {self.direction!r}")

    @cached_property
    def _radial(self) -> RadialProfile:
        return RadialProfile(self.coefficients)

    def distort(self, ideal_px: FloatArray, matrix: FloatArray) -> FloatArray:
        """(..., 2) distorted px of (..., 2) ideal px."""
        return self._map(ideal_px, forward=self.direction == "ideal_to_distorted")

    def undistort(self, px: FloatArray, matrix: FloatArray) -> FloatArray:
        """(..., 2) ideal px of (..., 2) distorted px."""
        return self._map(px, forward=self.direction == "distorted_to_ideal")

    def resized(self, scale_x: float, scale_y: float) -> ViconRadial:
        """Return the model of the picture scaled by the same factor in both directions.

        Raises
        ------
        ValueError
            If the factors differ by more than 0.5 %: the model would no longer be radial.
        """
        if abs(scale_x / scale_y - 1) > 5e-3:
            raise ValueError(f"Vicon distortion: cannot scale by {scale_x:.4f} and {scale_y:.4f} at once")
        square = scale_x * scale_y
        k1, k2, k3 = self.coefficients
        x, y = self.centre_px
        centre = ((x + 0.5) * scale_x - 0.5, (y + 0.5) * scale_y - 0.5)
        return replace(self, centre_px=centre, coefficients=(k1 / square, k2 / square**2, k3 / square**3))

    def shifted(self, left: float, top: float) -> ViconRadial:
        """Return the model of the picture cropped by ``left`` and ``top`` px."""
        return replace(self, centre_px=(self.centre_px[0] - left, self.centre_px[1] - top))

    def turned(self, width: int) -> ViconRadial:
        """Return the model of the picture turned by 90° clockwise; ``width`` is the turned picture's."""
        return replace(self, centre_px=(width - 1 - self.centre_px[1], self.centre_px[0]))

    def _map(self, px: FloatArray, *, forward: bool) -> FloatArray:
        offset = px - np.asarray(self.centre_px)
        radius = _norm(offset)
        factor = self._radial.factor(radius) if forward else self._radial.inverse_factor(radius)
        return cast(FloatArray, self.centre_px + offset * factor[..., None])


Distortion = NoDistortion | OpenCVDistortion | FisheyeDistortion | ViconRadial


def distortion_to_dict(distortion: Distortion) -> dict[str, object]:
    """Return a JSON-able description; :func:`distortion_from_dict` reads it back without loss."""
    match distortion:
        case NoDistortion():
            return {"model": "none"}
        case OpenCVDistortion():
            return {"model": "opencv", "coefficients": list(distortion.coefficients)}
        case FisheyeDistortion():
            return {"model": "fisheye", "coefficients": list(distortion.coefficients)}
        case ViconRadial():
            return {
                "model": "vicon_radial",
                "coefficients": list(distortion.coefficients),
                "centre_px": list(distortion.centre_px),
                "direction": distortion.direction,
            }


def distortion_from_dict(values: dict[str, object]) -> Distortion:
    """Read what :func:`distortion_to_dict` wrote.

    Raises
    ------
    ValueError
        If the model is unknown.
    """
    model = values.get("model")
    if model == "none":
        return NoDistortion()
    coefficients = tuple(float(k) for k in cast("list[float]", values["coefficients"]))
    if model == "opencv":
        return OpenCVDistortion(coefficients)
    if model == "fisheye":
        return FisheyeDistortion(coefficients)
    if model == "vicon_radial":
        x, y = cast("list[float]", values["centre_px"])
        return ViconRadial(
            (float(x), float(y)), coefficients, cast("Literal['distorted_to_ideal']", values["direction"])
        )
    raise ValueError(f"distortion model: expected none, opencv, fisheye or vicon_radial, got {model!r}")


def _check(values: tuple[float, ...], lengths: tuple[int, ...], name: str) -> None:
    if len(values) not in lengths or not all(np.isfinite(values)):
        wanted = " or ".join(str(n) for n in lengths)
        raise ValueError(f"{name}: expected {wanted} finite numbers, got {values}")


def _norm(v: FloatArray) -> FloatArray:
    return np.hypot(v[..., 0], v[..., 1])


def _shrink(v: FloatArray, limit: float) -> FloatArray:
    """Factors that bring (..., 2) points back just inside a radius."""
    if not np.isfinite(limit):
        return np.ones((*v.shape[:-1], 1))
    radius = _norm(v)
    return cast(FloatArray, np.minimum(1.0, limit * (1 - 1e-6) / np.maximum(radius, 1e-300))[..., None])


def _normalised(px: FloatArray, matrix: FloatArray) -> FloatArray:
    y = (px[..., 1] - matrix[1, 2]) / matrix[1, 1]
    x = (px[..., 0] - matrix[0, 2] - matrix[0, 1] * y) / matrix[0, 0]
    return np.stack([x, y], axis=-1)


def _to_px(v: FloatArray, matrix: FloatArray) -> FloatArray:
    x, y = v[..., 0], v[..., 1]
    return np.stack([matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2], matrix[1, 1] * y + matrix[1, 2]], axis=-1)
