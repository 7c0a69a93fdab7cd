"""Pictures of a figure as a camera with OpenCV's five-parameter lens sees it, drawn on the CPU.

Every pixel is a ray through the undistorted place of its centre (the centre of the top left pixel is (0, 0)); the
nearest solid along it is lit by a lamp with shadows, a weaker one without, and the room. Rows are exposed one after
another: row r of H at ``time_s + readout_s * r / (H - 1)``, each over ``exposure_s`` centred on that. Lengths are
mm, world frame with Z up; cameras are OpenCV's (x right, y down, z forward, X_cam = R X_world + t).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viodat.synth.picture import raycast, shading
from viodat.synth.picture.backdrop import backdrop
from viodat.synth.picture.solids import Figure
from viodat.synth.picture.textures import atlas
from viodat.synth.vectors import FloatArray, unit

Image = NDArray[np.uint8]

_KEY = unit(np.array([0.75, 0.55, 1.15]))
_FILL = unit(np.array([0.6, -0.8, 0.35]))
_TEXEL_MM = 9.0
_NEAR_MM = 50.0
_FOOT_HIGH_MM = 60.0
_BAND_ROWS = 16  # a limb at 2 m/s, 3 m away, moves about 0.3 px while 16 of 720 rows are read out in 20 ms
_INSTANTS = 8  # of the exposure that the rays of a pixel are spread over
_STILL_PX = 0.3  # what moves less within the exposure counts as standing still
_BLURRED_PX = 1.0  # what moves more within the exposure has its texture blurred
_FINE_PX = 6.0  # moving solids thinner than this are looked for at every instant


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera: ``size`` (width, height) px, matrix (3, 3) px, distortion (4,) or (5,), rotation, translation mm."""

    size: tuple[int, int]
    matrix: FloatArray
    distortion: FloatArray
    rotation: FloatArray
    translation: FloatArray


@dataclass(frozen=True)
class Stage:
    """What a camera sees of the empty room, computed once.

    Attributes
    ----------
    camera
        The camera.
    rays
        (H, W, 2) undistorted normalised coordinates of each pixel's centre.
    floor
        (H, W, 3) mm, camera frame: where a pixel's ray meets the floor, NaN where it does not.
    empty
        (H, W, 3) display RGB.
    limits
        (2, 2) least and greatest x and y of all rays.
    """

    camera: Camera
    rays: FloatArray
    floor: NDArray[np.float32]
    empty: Image
    limits: FloatArray


def prepare(camera: Camera) -> Stage:
    """Compute the rays of all pixels and the picture of the empty room."""
    width, height = camera.size
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    rays = _undistorted(camera, columns, rows)
    centre = -camera.rotation.T @ camera.translation
    light = np.zeros((height * width, 3))
    to_right, down = np.gradient(rays, axis=1), np.gradient(rays, axis=0)
    quarters = [(u, v) for u in (-0.25, 0.25) for v in (-0.25, 0.25)]
    for u, v in quarters:
        light += backdrop(centre, _directions(camera, rays + u * to_right + v * down))
    empty = np.sqrt(light.reshape(height, width, 3) / len(quarters)).clip(0, 1) * 255
    sinking = _directions(camera, rays)[:, 2].reshape(height, width)
    with np.errstate(divide="ignore"):
        depth = np.where(sinking < -1e-6, -centre[2] / sinking, np.nan)
    floor = depth[..., None] * np.concatenate([rays, np.ones((height, width, 1))], axis=-1)
    limits = np.stack([rays.min(axis=(0, 1)), rays.max(axis=(0, 1))])
    return Stage(camera, rays, floor.astype(np.float32), empty.astype(np.uint8), limits)


def instants(time_s: float, readout_s: float, exposure_s: float) -> FloatArray:
    """(3,) s at which :func:`between` must know the figure: begin, middle and end of a frame's exposure."""
    start, end = time_s - exposure_s / 2, time_s + readout_s + exposure_s / 2
    return np.array([start, (start + end) / 2, end])


def render(
    scene_at: Callable[[float], Figure],
    stage: Stage,
    time_s: float,
    readout_s: float = 0.0,
    exposure_s: float = 0.0,
) -> Image:
    """Draw one frame.

    Parameters
    ----------
    scene_at
        The figure at a time (s); the same solids at every time. It is asked once where readout and exposure are 0,
        otherwise at the three :func:`instants`.
    stage
        The camera and the room, from :func:`prepare`.
    time_s
        Middle of the exposure of the first row, s.
    readout_s
        Time from the first row's exposure to the last row's (rolling shutter), s.
    exposure_s
        How long each row is exposed (motion blur), s.

    Returns
    -------
    (H, W, 3) uint8, RGB.
    """
    if readout_s == 0 and exposure_s == 0:
        figure = scene_at(time_s)
        return between((figure, figure, figure), stage)
    first, middle, last = (scene_at(float(t)) for t in instants(time_s, readout_s, exposure_s))
    return between((first, middle, last), stage, readout_s, exposure_s)


def between(
    known: tuple[Figure, Figure, Figure], stage: Stage, readout_s: float = 0.0, exposure_s: float = 0.0
) -> Image:
    """Draw one frame from the figure at its three :func:`instants`, through which parabolas are laid.

    Shadows are those of the middle instant. Where edges move, a pixel is the mean of eight instants of its exposure.

    Returns
    -------
    (H, W, 3) uint8, RGB.
    """
    camera, (height, width) = stage.camera, stage.rays.shape[:2]
    figure = known[1]
    light = _light(figure, camera)
    still = readout_s == 0 and exposure_s == 0
    every = [_boxes(f, stage) for f in (known[:1] if still else known)]
    swept_over = np.stack([e[0] for e in every])
    boxes = np.where([False, True, False, True], swept_over.max(axis=0), swept_over.min(axis=0))
    nearest = np.min([e[1] for e in every], axis=0)
    order = np.argsort(nearest, kind="stable")
    order = order[(boxes[order, 1] > boxes[order, 0]) & (boxes[order, 3] > boxes[order, 2])]
    image = stage.empty.copy()
    depth = np.full((height, width), raycast.FAR)
    seen, swept = (np.full((height, width), raycast.NOTHING, np.int16) for _ in range(2))
    surfaces = figure.surfaces
    boxes, nearest, shape, clip = boxes[order], nearest[order], figure.shape[order], surfaces.clip[order]
    motion = np.zeros(len(order))
    if exposure_s:
        motion = _motion_px(known, stage)[order] * exposure_s / (readout_s + exposure_s)
    moves = motion > _STILL_PX
    thin = 2 * _thinnest(figure)[order] * camera.matrix[0, 0] / np.maximum(nearest, _NEAR_MM) < _FINE_PX
    blurs = (motion > _BLURRED_PX) & (surfaces.texture[order] >= 0)
    moving = 1 * moves + 2 * thin + 4 * blurs
    band = _BAND_ROWS if readout_s else height
    turn, offset = _maps(known, stage, order, boxes, moves, band, readout_s, exposure_s)
    model = (
        turn,
        offset,
        shape,
        surfaces.colour[order],
        np.stack([surfaces.folds[order], order], axis=1),
        surfaces.texture[order],
        surfaces.mapping[order],
        atlas(),
    )
    raycast.see(stage.rays, band, turn, offset, shape, clip, boxes, nearest, moves & thin, depth, seen, swept)
    feet = figure.origin[figure.origin[:, 2] < _FOOT_HIGH_MM]
    touching = (feet * [1, 1, 0]) @ camera.rotation.T + camera.translation
    near = cv2.erode(light[-1], np.ones((4, 4), np.uint8), anchor=(1, 1))
    shading.floor_shadow(stage.floor, _floor_box(figure, stage), seen, light, near, touching, image)
    if order.size:
        low, high = boxes.min(axis=0), boxes.max(axis=0)
        box = np.array([max(low[0] - 1, 0), min(high[1] + 1, height), low[2], high[3]])
        shading.paint(stage.rays, band, box, depth, seen, swept, clip, moving, model, light, image)
    return image


def _maps(
    known: tuple[Figure, Figure, Figure],
    stage: Stage,
    order: NDArray[np.int64],
    boxes: NDArray[np.int64],
    moving: NDArray[np.bool_],
    band: int,
    readout_s: float,
    exposure_s: float,
) -> tuple[FloatArray, FloatArray]:
    """Give the maps from camera coordinates into the solids: turn (B, I + 1, P, 3, 3) and offset (B, I + 1, P, 3)."""
    camera, height = stage.camera, stage.rays.shape[0]
    first = np.arange(0, height, band)
    middle = readout_s * (first + np.minimum(first + band, height) - 1) / 2 / max(height - 1, 1) + exposure_s / 2
    steps = exposure_s * ((np.arange(_INSTANTS) + 0.5) / _INSTANTS - 0.5) if exposure_s else np.zeros(1)
    total = readout_s + exposure_s
    share = (middle[:, None] + np.append(steps, 0.0)) / total if total else np.full((len(first), 2), 0.5)
    weights = np.stack([2 * (share - 0.5) * (share - 1), 4 * share * (1 - share), 2 * share * (share - 0.5)], axis=-1)
    origin = np.stack([f.origin[order] for f in known])
    axes = np.stack([f.axes[order] for f in known])
    bands = np.stack([boxes[:, 0] // band, (boxes[:, 1] - 1) // band + 1], axis=1)
    turn, offset = (np.empty((*share.shape, len(order), *rest)) for rest in ((3, 3), (3,)))
    centre = -camera.rotation.T @ camera.translation
    raycast.place(origin, axes, weights, camera.rotation, centre, bands, moving, turn, offset)
    return turn, offset


def _motion_px(known: tuple[Figure, Figure, Figure], stage: Stage) -> FloatArray:
    """(P,) px, about how far either end of each solid moves in the picture within the three times."""
    seen = []
    for figure in known:
        far = figure.origin + figure.axes[..., 2] * np.maximum(figure.shape[:, :1], 1.0)
        at = np.stack([figure.origin, far]) @ stage.camera.rotation.T + stage.camera.translation
        seen.append(at[..., :2] / np.maximum(at[..., 2:], _NEAR_MM) * stage.camera.matrix[0, 0])
    steps = [np.linalg.norm(b - seen[1], axis=-1).max(axis=0) for b in (seen[0], seen[2])]
    return np.asarray(2 * np.maximum(*steps))


def _thinnest(figure: Figure) -> FloatArray:
    """(P,) mm, the smallest half size of each solid across its length."""
    sizes = np.linalg.norm(figure.axes, axis=-2) * figure.shape[:, 1:].max(axis=1, keepdims=True)
    return np.asarray(np.where(figure.shape[:, 0] > 0, sizes[:, :2].min(axis=1), sizes.min(axis=1)))


def _light(figure: Figure, camera: Camera) -> tuple[Any, ...]:
    """Directions of the lights in the camera frame, and how far the key light gets."""
    side = unit(np.cross(np.array([0.0, 0.0, 1.0]), _KEY))
    axes = np.stack([side, np.cross(-_KEY, side), -_KEY])  # rows; the third is the way the light goes
    ends, reach = _balls(figure, axes)
    low = (ends - reach).min(axis=(0, 1)) - 2 * _TEXEL_MM
    columns, rows, _ = np.ceil(((ends + reach).max(axis=(0, 1)) - low) / _TEXEL_MM).astype(int) + 3
    depth = np.full((rows, columns), raycast.FAR, np.float64)
    start = axes.T @ low
    into = np.asarray(np.linalg.inv(figure.axes), dtype=np.float64)
    turn = into @ axes.T
    offset = (into @ (start - figure.origin)[..., None])[..., 0]
    bounds = np.stack([(ends - reach).min(axis=0) - low, (ends + reach).max(axis=0) - low]) / _TEXEL_MM
    boxes = np.stack([bounds[0, :, 1], bounds[1, :, 1] + 1, bounds[0, :, 0], bounds[1, :, 0] + 1], axis=1)
    boxes = np.floor(boxes).astype(np.int64)
    raycast.light_depth(turn, offset, figure.shape, figure.surfaces.clip, boxes, _TEXEL_MM, depth)
    to_light = axes @ camera.rotation.T
    light_offset = -to_light @ camera.translation - low
    seen_from = camera.rotation @ np.stack([_KEY, _FILL, [0.0, 0.0, 1.0]], axis=1)
    key, fill, up = (np.ascontiguousarray(direction) for direction in seen_from.T)
    return key, fill, up, to_light, light_offset, _TEXEL_MM, depth


def _balls(figure: Figure, axes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both end balls of each solid in the frame with the given axes (rows): centres and half sizes (2, P, 3)."""
    far = figure.origin + figure.axes[..., 2] * figure.shape[:, :1]
    ends = np.stack([figure.origin, far]) @ axes.T
    spread = np.linalg.norm(axes @ figure.axes, axis=-1)
    return ends, spread * figure.shape[:, 1:].T[..., None]


def _boxes(figure: Figure, stage: Stage) -> tuple[NDArray[np.int64], FloatArray]:
    """Rows and columns (P, 4) that hold each solid, and its least depth (P,) mm; empty boxes behind the camera.

    The outline of a ball with covariance M around c meets x = u z where (c_z² - M_zz) u² - 2 (c_x c_z - M_xz) u +
    c_x² - M_xx = 0.
    """
    camera = stage.camera
    width, height = camera.size
    ends, reach = _balls(figure, camera.rotation)
    ends = ends + camera.translation
    stretch = camera.rotation @ figure.axes
    spread = stretch @ np.swapaxes(stretch, -1, -2)
    m = spread * (figure.shape[:, 1:].T ** 2)[..., None, None]
    nearest = (ends - reach)[..., 2].min(axis=0)
    hidden = (ends + reach)[..., 2].max(axis=0) < _NEAR_MM
    close = (nearest < _NEAR_MM) & ~hidden
    a = np.where(close | hidden, 1.0, (ends[..., 2] ** 2 - m[..., 2, 2]).min(axis=0))
    bounds = []
    for k in (0, 1):
        b = ends[..., k] * ends[..., 2] - m[..., k, 2]
        lead = np.where(a > 1, ends[..., 2] ** 2 - m[..., 2, 2], 1.0)
        root = np.sqrt(np.maximum(b**2 - lead * (ends[..., k] ** 2 - m[..., k, k]), 0))
        limits = stage.limits[0, k], stage.limits[1, k]
        bounds.append((((b - root) / lead).min(axis=0).clip(*limits), ((b + root) / lead).max(axis=0).clip(*limits)))
    (left, right), (top, bottom) = bounds
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    x = np.stack([left, middle_x, right, left, right, left, middle_x, right])
    y = np.stack([top, top, top, middle_y, middle_y, bottom, bottom, bottom])
    pixels = _distorted(camera, x, y)
    low, high = np.floor(pixels.min(axis=0)) - 2, np.ceil(pixels.max(axis=0)) + 3
    boxes = np.stack([low[:, 1], high[:, 1], low[:, 0], high[:, 0]], axis=1)
    boxes[close] = [0, height, 0, width]
    boxes[hidden] = 0
    size = np.array([height, height, width, width])
    return boxes.clip(0, size).astype(np.int64), np.where(close, 0.0, nearest)


def _floor_box(figure: Figure, stage: Stage) -> NDArray[np.int64]:
    """Rows and columns that hold the figure's shadow on the floor."""
    camera = stage.camera
    height, width = stage.rays.shape[:2]
    low, high = figure.origin.min(axis=0) - 250, figure.origin.max(axis=0) + 250
    reach = -_KEY[:2] / _KEY[2] * high[2]
    low[:2], high[:2] = np.minimum(low[:2], low[:2] + reach), np.maximum(high[:2], high[:2] + reach)
    x, y = np.meshgrid(np.linspace(low[0], high[0], 5), np.linspace(low[1], high[1], 5))
    seen = np.stack([x.ravel(), y.ravel(), np.zeros(25)], axis=1) @ camera.rotation.T + camera.translation
    if (seen[:, 2] < _NEAR_MM).any():
        return np.array([0, height, 0, width])
    at = (seen[:, :2] / seen[:, 2:]).clip(*stage.limits)
    pixels = _distorted(camera, at[:, 0], at[:, 1])
    (left, top), (right, bottom) = np.floor(pixels.min(axis=0)) - 2, np.ceil(pixels.max(axis=0)) + 3
    return np.array([top, bottom, left, right]).clip(0, [height, height, width, width]).astype(np.int64)


def _directions(camera: Camera, rays: FloatArray) -> FloatArray:
    """Rays (H, W, 2) as directions (H * W, 3) in the world, of depth 1."""
    flat = rays.reshape(-1, 2)
    return np.asarray(np.concatenate([flat, np.ones((len(flat), 1))], axis=1) @ camera.rotation)


def _bend(camera: Camera, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Radial factor and tangential shift of OpenCV's lens model at normalised coordinates."""
    k1, k2, p1, p2, k3 = np.append(camera.distortion, [0.0])[:5]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return radial, 2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y


def _distorted(camera: Camera, x: FloatArray, y: FloatArray) -> FloatArray:
    """Normalised coordinates to pixels (..., 2)."""
    radial, dx, dy = _bend(camera, x, y)
    u, v, matrix = x * radial + dx, y * radial + dy, camera.matrix
    return np.stack([matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2], matrix[1, 1] * v + matrix[1, 2]], axis=-1)


def _undistorted(camera: Camera, columns: FloatArray, rows: FloatArray) -> FloatArray:
    """Pixels to normalised coordinates (..., 2), by fixed-point iteration."""
    matrix = camera.matrix
    v = (rows - matrix[1, 2]) / matrix[1, 1]
    u = (columns - matrix[0, 2] - matrix[0, 1] * v) / matrix[0, 0]
    x, y = u, v
    for _ in range(25):
        radial, dx, dy = _bend(camera, x, y)
        x, y = (u - dx) / radial, (v - dy) / radial
    return np.stack([x, y], axis=-1)
