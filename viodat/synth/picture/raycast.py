"""Compiled inner loops of the renderer: which solid a pixel sees, and how far the light gets.

Rays start at the camera's centre and go through (x, y, 1) of the camera frame, so the ray parameter is the depth
along the optical axis in mm. Each solid comes with the linear map from camera coordinates into its own (see
:mod:`viodat.synth.picture.solids`): ``local = offset + depth * turn @ (x, y, 1)``. The intersection is
that of a cone tangent to two balls, a quadratic in the ray parameter.

Rolling shutter and exposure: the maps of a solid are given per band of rows and, within a band, per instant of its
exposure, with the middle of the exposure last. :func:`see` looks along each pixel's ray at one of the instants only,
another one for each pixel of a block of two by two. Where the picture moves, neighbours therefore see different solids,
and :func:`viodat.synth.picture.shading.paint`, which looks closer wherever neighbours differ, spreads its rays over all
instants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

_F = TypeVar("_F", bound=Callable[..., Any])
# Loops over arrays only: no option that reorders sums, so that a frame is the same on every run.
compiled = cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, error_model="numpy"))
"""Decorator of an inner loop."""
inlined = cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, error_model="numpy", inline="always"))
"""Decorator of a small function that inner loops take in."""

NOTHING = -1
FAR = 1e9
SHOWN = (0, 2, 5, 7)
"""Which of eight instants the four pixels of a block look at: with the first and the last, so that no end is missed."""


@inlined
def hit(o: Any, d: Any, shape: Any, clip: Any) -> Any:
    """Give the ray parameter at which ``o + t d`` enters the solid, FAR if it does not."""
    ox, oy, oz = o
    dx, dy, dz = d
    length, r0, r1 = shape
    dd = dx * dx + dy * dy + dz * dz
    m3 = dx * ox + dy * oy + dz * oz
    m5 = ox * ox + oy * oy + oz * oz
    if length == 0.0:
        h1 = m3 * m3 - dd * (m5 - r0 * r0)
        if h1 < 0.0:
            return FAR
        root = np.sqrt(h1)
        for sign in (-1.0, 1.0):
            t = (-m3 + sign * root) / dd
            if t > 0.0 and clip[0] * (ox + t * dx) + clip[1] * (oy + t * dy) + clip[2] * (oz + t * dz) <= clip[3]:
                return t
        return FAR
    rr = r0 - r1
    m0 = length * length
    m1 = length * oz
    m2 = length * dz
    d2 = m0 - rr * rr
    k2 = d2 * dd - m2 * m2
    k1 = d2 * m3 - m1 * m2 + m2 * rr * r0
    k0 = d2 * m5 - m1 * m1 + 2.0 * m1 * rr * r0 - m0 * r0 * r0
    under = k1 * k1 - k0 * k2
    if under < 0.0:
        return FAR
    if k2 != 0.0:
        t = (-np.sqrt(under) - k1) / k2
        y = m1 - r0 * rr + t * m2
        if t > 0.0 and 0.0 < y < d2:
            return t
    best = FAR
    h1 = m3 * m3 - dd * (m5 - r0 * r0)
    if h1 > 0.0:
        t = (-m3 - np.sqrt(h1)) / dd
        if t > 0.0:
            best = t
    m6 = m3 - m2
    m7 = m5 - 2.0 * m1 + m0
    h2 = m6 * m6 - dd * (m7 - r1 * r1)
    if h2 > 0.0:
        t = (-m6 - np.sqrt(h2)) / dd
        if 0.0 < t < best:
            best = t
    return best


@compiled
def place(
    origin: Any, axes: Any, weights: Any, rotation: Any, centre: Any, bands: Any, instants: Any, turn: Any, offset: Any
) -> None:
    """Write the maps into the solids for all instants of all bands.

    origin (3, P, 3), axes (3, P, 3, 3) at three times, blended by weights (B, I, 3); rotation (3, 3), centre (3,) of
    the camera; bands (P, 2) first and last band in which a solid is seen, end excluded; instants (P,) True where a
    solid moves within the exposure. turn (B, I, P, 3, 3), offset (B, I, P, 3) are written.
    """
    a, m, o = np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    last = weights.shape[1] - 1
    for p in range(origin.shape[1]):
        for b in range(bands[p, 0], bands[p, 1]):
            for k in range(last, -1, -1):
                if k < last and not instants[p]:
                    turn[b, k, p] = turn[b, last, p]
                    offset[b, k, p] = offset[b, last, p]
                    continue
                w0, w1, w2 = weights[b, k, 0], weights[b, k, 1], weights[b, k, 2]
                for i in range(3):
                    o[i] = centre[i] - (w0 * origin[0, p, i] + w1 * origin[1, p, i] + w2 * origin[2, p, i])
                    for j in range(3):
                        a[i, j] = w0 * axes[0, p, i, j] + w1 * axes[1, p, i, j] + w2 * axes[2, p, i, j]
                # The inverse by cofactors: indices wrap around, which takes care of the signs.
                for i in range(3):
                    for j in range(3):
                        i1, i2, j1, j2 = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
                        m[j, i] = a[i1, j1] * a[i2, j2] - a[i1, j2] * a[i2, j1]
                scale = 1.0 / (a[0, 0] * m[0, 0] + a[0, 1] * m[1, 0] + a[0, 2] * m[2, 0])
                for i in range(3):
                    m0, m1, m2 = m[i, 0] * scale, m[i, 1] * scale, m[i, 2] * scale
                    offset[b, k, p, i] = m0 * o[0] + m1 * o[1] + m2 * o[2]
                    for j in range(3):
                        turn[b, k, p, i, j] = m0 * rotation[j, 0] + m1 * rotation[j, 1] + m2 * rotation[j, 2]


@inlined
def pattern(i: int, j: int) -> int:
    """Give the place, 0 to 3, of a pixel in its block of two by two: which of ``SHOWN`` it looks at."""
    return (2 * (i & 1)) ^ (3 * (j & 1))


@compiled
def see(
    rays: Any,
    band: int,
    turn: Any,
    offset: Any,
    shape: Any,
    clip: Any,
    boxes: Any,
    nearest: Any,
    fine: Any,
    depth: Any,
    seen: Any,
    swept: Any,
) -> None:
    """Write the depth (mm) of the first surface of every pixel, and its solid; keep what is nearer already.

    rays (H, W, 2) x and y of the ray; band rows share the maps turn (B, I, P, 3, 3), offset (B, I, P, 3); shape (P, 3),
    clip (P, 4); boxes (P, 4) first and last row, first and last column of each solid, ends excluded; nearest (P,) mm,
    no point of it is nearer; fine (P,) True for thin solids that move within the exposure, which could slip through
    the pattern of instants: swept (H, W) tells where one is at any instant.
    """
    instants = turn.shape[1] - 1
    for p in range(shape.shape[0]):
        s, c = (shape[p, 0], shape[p, 1], shape[p, 2]), (clip[p, 0], clip[p, 1], clip[p, 2], clip[p, 3])
        for i in range(boxes[p, 0], boxes[p, 1]):
            b = i // band
            for j in range(boxes[p, 2], boxes[p, 3]):
                if depth[i, j] <= nearest[p]:
                    continue
                x, y = rays[i, j, 0], rays[i, j, 1]
                own = pattern(i, j)
                for turned in range(4 if fine[p] else 1):
                    k = SHOWN[(own + turned) & 3] if instants > 1 else 0
                    g = turn[b, k, p]
                    d = (
                        g[0, 0] * x + g[0, 1] * y + g[0, 2],
                        g[1, 0] * x + g[1, 1] * y + g[1, 2],
                        g[2, 0] * x + g[2, 1] * y + g[2, 2],
                    )
                    t = hit((offset[b, k, p, 0], offset[b, k, p, 1], offset[b, k, p, 2]), d, s, c)
                    if t >= depth[i, j]:
                        continue
                    if fine[p]:
                        swept[i, j] = p
                    if turned == 0:
                        depth[i, j] = t
                        seen[i, j] = p
                        break


@compiled
def light_depth(turn: Any, offset: Any, shape: Any, clip: Any, boxes: Any, texel: float, depth: Any) -> None:
    """Write how far each texel's parallel ray of light gets (mm), depth (H, W) to start with FAR.

    As :func:`see`, with rays that start at (column, row) * texel of the light's frame and go along its third axis.
    """
    for p in range(turn.shape[0]):
        g, s, c = turn[p], (shape[p, 0], shape[p, 1], shape[p, 2]), (clip[p, 0], clip[p, 1], clip[p, 2], clip[p, 3])
        d = (g[0, 2], g[1, 2], g[2, 2])
        for i in range(boxes[p, 0], boxes[p, 1]):
            for j in range(boxes[p, 2], boxes[p, 3]):
                x, y = j * texel, i * texel
                o = (
                    offset[p, 0] + g[0, 0] * x + g[0, 1] * y,
                    offset[p, 1] + g[1, 0] * x + g[1, 1] * y,
                    offset[p, 2] + g[2, 0] * x + g[2, 1] * y,
                )
                t = hit(o, d, s, c)
                if t < depth[i, j]:
                    depth[i, j] = t
