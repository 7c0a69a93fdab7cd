"""Compiled inner loops of the renderer: which solid a pixel sees, how it is lit, and what it shadows.

Rays start at the camera's centre and go through (x, y, 1) of the camera frame, so the ray parameter is the depth
along the optical axis in mm. Each solid comes with the linear map from camera coordinates into its own (see
:mod:`viodat.synth.picture.solids`): ``local = offset + depth * turn @ (x, y, 1)``. Colours are linear from 0 to 1. The
intersection is that of a cone tangent to two balls, a quadratic in the ray parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

_F = TypeVar("_F", bound=Callable[..., Any])
# Loops over arrays only: no option that reorders sums, so that a frame is the same on every run.
_compiled = cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, error_model="numpy"))
_inlined = cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, error_model="numpy", inline="always"))

NOTHING = -1
FAR = 1e9


@_inlined
def _hit(o: Any, d: Any, shape: Any, clip: Any) -> Any:
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


@_compiled
def see(
    rays: Any, turn: Any, offset: Any, shape: Any, clip: Any, boxes: Any, nearest: Any, depth: Any, seen: Any
) -> None:
    """Write the depth (mm) of the first surface of every pixel, and its solid; keep what is nearer already.

    rays (H, W, 2) x and y of the ray; turn (P, 3, 3), offset (P, 3), shape (P, 3), clip (P, 4); boxes (P, 4) first
    and last row, first and last column of each solid, ends excluded; nearest (P,) mm, no point of it is nearer.
    """
    for p in range(turn.shape[0]):
        g, o, s, c = (
            turn[p],
            (offset[p, 0], offset[p, 1], offset[p, 2]),
            (shape[p, 0], shape[p, 1], shape[p, 2]),
            (clip[p, 0], clip[p, 1], clip[p, 2], clip[p, 3]),
        )
        for i in range(boxes[p, 0], boxes[p, 1]):
            for j in range(boxes[p, 2], boxes[p, 3]):
                if depth[i, j] <= nearest[p]:
                    continue
                x, y = rays[i, j, 0], rays[i, j, 1]
                d = (
                    g[0, 0] * x + g[0, 1] * y + g[0, 2],
                    g[1, 0] * x + g[1, 1] * y + g[1, 2],
                    g[2, 0] * x + g[2, 1] * y + g[2, 2],
                )
                t = _hit(o, d, s, c)
                if t < depth[i, j]:
                    depth[i, j] = t
                    seen[i, j] = p


@_compiled
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
                t = _hit(o, d, s, c)
                if t < depth[i, j]:
                    depth[i, j] = t


@_compiled
def _lit(x: float, y: float, z: float, depth: Any, texel: float, slack: float, reach: int) -> float:
    """Share of the texels around a place in the light's frame from which the light reaches it."""
    row, column = y / texel, x / texel
    i0, j0 = int(np.floor(row)), int(np.floor(column))
    free, total = 0.0, 0.0
    for i in range(i0 - reach, i0 + reach + 2):
        wi = max(0.0, reach + 1.0 - abs(row - i))
        for j in range(j0 - reach, j0 + reach + 2):
            w = wi * max(0.0, reach + 1.0 - abs(column - j))
            total += w
            if i < 0 or j < 0 or i >= depth.shape[0] or j >= depth.shape[1] or depth[i, j] > z - slack:
                free += w
    return float(free / total)


@_inlined
def _wave(cycles: float) -> float:
    """Parabolas in place of a sine, which takes five times as long."""
    phase = 2.0 * (cycles - np.floor(cycles)) - 1.0
    return float(4.0 * phase * (1.0 - abs(phase)))


@_inlined
def _shade(
    x: float,
    y: float,
    t: float,
    p: Any,
    turn: Any,
    offset: Any,
    shape: Any,
    colour: Any,
    folds: Any,
    texture: Any,
    mapping: Any,
    atlas: Any,
    key: Any,
    fill: Any,
    up: Any,
    to_light: Any,
    light_offset: Any,
    texel: float,
    shadow: Any,
) -> Any:
    """Give the linear red, green and blue of solid p where the ray through (x, y, 1) meets it at depth t."""
    lx = offset[p, 0] + t * (turn[p, 0, 0] * x + turn[p, 0, 1] * y + turn[p, 0, 2])
    ly = offset[p, 1] + t * (turn[p, 1, 0] * x + turn[p, 1, 1] * y + turn[p, 1, 2])
    lz = offset[p, 2] + t * (turn[p, 2, 0] * x + turn[p, 2, 1] * y + turn[p, 2, 2])
    length, rr = shape[p, 0], shape[p, 1] - shape[p, 2]
    nx, ny, nz = lx, ly, lz
    if length > 0.0:
        d2 = length * length - rr * rr
        along = min(max(length * lz - shape[p, 1] * rr, 0.0), d2) / d2
        nz = lz - along * length
    if folds[p] > 0.0:
        amount = folds[p] * np.sqrt(nx * nx + ny * ny + nz * nz)
        nz += amount * (_wave(0.0088 * lz + 0.0048 * lx + 0.27 * p) + 0.6 * _wave(0.0175 * lz - 0.011 * ly + 0.1 * p))
        nx += 0.5 * amount * _wave(0.008 * ly + 0.0064 * lz + 0.16 * p)
    # A normal is mapped by the transposed inverse, which is the transposed map into the solid.
    wx = turn[p, 0, 0] * nx + turn[p, 1, 0] * ny + turn[p, 2, 0] * nz
    wy = turn[p, 0, 1] * nx + turn[p, 1, 1] * ny + turn[p, 2, 1] * nz
    wz = turn[p, 0, 2] * nx + turn[p, 1, 2] * ny + turn[p, 2, 2] * nz
    size = 1.0 / np.sqrt(wx * wx + wy * wy + wz * wz)
    if wx * x + wy * y + wz > 0.0:
        size = -size
    wx, wy, wz = wx * size, wy * size, wz * size
    r, green, b = colour[p, 0], colour[p, 1], colour[p, 2]
    shown = texture[p] >= 0 and (
        mapping[p, 2, 0] * lx + mapping[p, 2, 1] * ly + mapping[p, 2, 2] * lz + mapping[p, 2, 3] > 0.0
    )
    if shown:
        side = atlas.shape[1]
        u = (mapping[p, 0, 0] * lx + mapping[p, 0, 1] * ly + mapping[p, 0, 2] * lz + mapping[p, 0, 3]) * side - 0.5
        v = (mapping[p, 1, 0] * lx + mapping[p, 1, 1] * ly + mapping[p, 1, 2] * lz + mapping[p, 1, 3]) * side - 0.5
        u, v = min(max(u, 0.0), side - 1.001), min(max(v, 0.0), side - 1.001)
        i, j = int(v), int(u)
        fv, fu = v - i, u - j
        s = texture[p]
        w00, w01, w10, w11 = (1 - fv) * (1 - fu), (1 - fv) * fu, fv * (1 - fu), fv * fu
        a = (
            w00 * atlas[s, i, j, 3]
            + w01 * atlas[s, i, j + 1, 3]
            + w10 * atlas[s, i + 1, j, 3]
            + w11 * atlas[s, i + 1, j + 1, 3]
        )
        r = r * (1 - a) + a * atlas[s, i, j, 0]
        green = green * (1 - a) + a * atlas[s, i, j, 1]
        b = b * (1 - a) + a * atlas[s, i, j, 2]
    px, py = t * x, t * y
    sx = to_light[0, 0] * px + to_light[0, 1] * py + to_light[0, 2] * t + light_offset[0]
    sy = to_light[1, 0] * px + to_light[1, 1] * py + to_light[1, 2] * t + light_offset[1]
    sz = to_light[2, 0] * px + to_light[2, 1] * py + to_light[2, 2] * t + light_offset[2]
    facing = wx * key[0] + wy * key[1] + wz * key[2]
    direct = 0.0
    shine = 0.0
    if facing > 0.0:
        free = _lit(sx, sy, sz, shadow, texel, 22.0, 0)
        direct = 0.72 * facing * free
        if colour[p, 3] > 0.0:
            back = -1.0 / np.sqrt(x * x + y * y + 1.0)
            hx, hy, hz = key[0] + back * x, key[1] + back * y, key[2] + back
            cosine = (wx * hx + wy * hy + wz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz)
            power = max(cosine, 0.0) ** 2
            power = power * power
            power = power * power
            shine = 0.5 * colour[p, 3] * free * power * power
    weak = 0.22 * max(wx * fill[0] + wy * fill[1] + wz * fill[2], 0.0)
    sky = 0.5 + 0.5 * (wx * up[0] + wy * up[1] + wz * up[2])
    ambient = 0.12 + 0.2 * sky
    return (
        r * (1.04 * direct + weak + ambient) + shine,
        green * (direct + weak + 1.02 * ambient) + shine,
        b * (0.93 * direct + weak + 1.08 * ambient) + shine,
    )


@_compiled
def floor_shadow(floor: Any, rows: Any, seen: Any, light: Any, feet: Any, image: Any) -> None:
    """Darken floor pixels that the figure keeps the light from.

    floor (H, W, 3) place in the camera frame (mm), NaN off the floor; rows (4,) first and last row and column;
    feet (N, 3) camera frame: touching points around which the sky's light is kept off as well.
    """
    _, _, _, to_light, light_offset, texel, shadow = light
    for i in range(rows[0], rows[1]):
        for j in range(rows[2], rows[3]):
            x, y, z = floor[i, j, 0], floor[i, j, 1], floor[i, j, 2]
            if seen[i, j] != NOTHING or np.isnan(x):
                continue
            sx = to_light[0, 0] * x + to_light[0, 1] * y + to_light[0, 2] * z + light_offset[0]
            sy = to_light[1, 0] * x + to_light[1, 1] * y + to_light[1, 2] * z + light_offset[1]
            sz = to_light[2, 0] * x + to_light[2, 1] * y + to_light[2, 2] * z + light_offset[2]
            keep = 1.0
            if -3 * texel < sx < (shadow.shape[1] + 3) * texel and -3 * texel < sy < (shadow.shape[0] + 3) * texel:
                keep = 0.45 + 0.55 * _lit(sx, sy, sz, shadow, texel, 8.0, 1)
            for f in range(feet.shape[0]):
                apart = (x - feet[f, 0]) ** 2 + (y - feet[f, 1]) ** 2 + (z - feet[f, 2]) ** 2
                if apart < 40000.0:
                    keep *= 1.0 - 0.45 * np.exp(-apart / 6000.0)
            if keep < 1.0:
                keep = np.sqrt(keep)
                for k in range(3):
                    image[i, j, k] = np.uint8(image[i, j, k] * keep)


@_inlined
def _differs(p: Any, z: Any, q: Any, other: Any, colour: Any) -> Any:
    if p == q:
        return False
    return p == NOTHING or q == NOTHING or abs(other - z) > 15.0 or colour[p, 0] != colour[q, 0]


@_compiled
def _around(i: int, j: int, seen: Any, found: Any) -> int:
    """List the solids that are seen within a pixel of (i, j); return how many."""
    count = 0
    for a in range(max(i - 1, 0), min(i + 2, seen.shape[0])):
        for b in range(max(j - 1, 0), min(j + 2, seen.shape[1])):
            known = seen[a, b] == NOTHING
            for n in range(count):
                known = known or found[n] == seen[a, b]
            if not known:
                found[count] = seen[a, b]
                count += 1
    return count


@_compiled
def paint(rays: Any, box: Any, depth: Any, seen: Any, clip: Any, model: Any, light: Any, image: Any) -> None:
    """Colour what :func:`see` found; edges are the mean of four rays a quarter of a pixel off the centre.

    box (4,) first and last row and column; image (H, W, 3) uint8, display values (square root of linear), holds the
    background.
    """
    turn, offset, shape, colour, folds, texture, mapping, atlas = model
    key, fill, up, to_light, light_offset, texel, shadow = light
    rows, columns = seen.shape
    found = np.empty(9, np.int64)
    first, last = np.full(rows + 2, columns), np.full(rows + 2, -2)
    for i in range(box[0], box[1]):
        for j in range(box[2], box[3]):
            if seen[i, j] != NOTHING:
                first[i + 1] = min(first[i + 1], j)
                last[i + 1] = j
    for i in range(box[0], box[1]):
        start = min(first[i], first[i + 1], first[i + 2]) - 1
        end = max(last[i], last[i + 1], last[i + 2]) + 2
        for j in range(max(start, 0), min(end, columns)):
            p, z = seen[i, j], depth[i, j]
            above, below, left, right = max(i - 1, 0), min(i + 1, rows - 1), max(j - 1, 0), min(j + 1, columns - 1)
            edge = (
                _differs(p, z, seen[above, j], depth[above, j], colour)
                or _differs(p, z, seen[below, j], depth[below, j], colour)
                or _differs(p, z, seen[i, left], depth[i, left], colour)
                or _differs(p, z, seen[i, right], depth[i, right], colour)
            )
            if p == NOTHING and not edge:
                continue
            x, y = rays[i, j, 0], rays[i, j, 1]
            samples, count = 1, 0
            ax, ay, bx, by = 0.0, 0.0, 0.0, 0.0
            if edge:
                samples, count = 4, _around(i, j, seen, found)
                j1 = j + 1 if j + 1 < columns else j - 1
                i1 = i + 1 if i + 1 < rows else i - 1
                ax, ay = 0.25 * (rays[i, j1, 0] - x) * (j1 - j), 0.25 * (rays[i, j1, 1] - y) * (j1 - j)
                bx, by = 0.25 * (rays[i1, j, 0] - x) * (i1 - i), 0.25 * (rays[i1, j, 1] - y) * (i1 - i)
            total_r, total_g, total_b = 0.0, 0.0, 0.0
            r, g, b, shaded = 0.0, 0.0, 0.0, np.int64(-2)
            for k in range(samples):
                sx, sy, best, which = x, y, z, np.int64(p)
                if edge:
                    u, v = 2.0 * (k % 2) - 1.0, 2.0 * (k // 2) - 1.0
                    sx, sy = x + u * ax + v * bx, y + u * ay + v * by
                    best, which = FAR, np.int64(NOTHING)
                    for n in range(count):
                        q = found[n]
                        d = (
                            turn[q, 0, 0] * sx + turn[q, 0, 1] * sy + turn[q, 0, 2],
                            turn[q, 1, 0] * sx + turn[q, 1, 1] * sy + turn[q, 1, 2],
                            turn[q, 2, 0] * sx + turn[q, 2, 1] * sy + turn[q, 2, 2],
                        )
                        o = (offset[q, 0], offset[q, 1], offset[q, 2])
                        t = _hit(
                            o,
                            d,
                            (shape[q, 0], shape[q, 1], shape[q, 2]),
                            (clip[q, 0], clip[q, 1], clip[q, 2], clip[q, 3]),
                        )
                        if t < best:
                            best, which = t, q
                # Rays of one pixel that meet the same solid differ little in light.
                if which == shaded:
                    pass
                elif which == NOTHING:
                    r, g, b = (image[i, j, 0] / 255) ** 2, (image[i, j, 1] / 255) ** 2, (image[i, j, 2] / 255) ** 2
                else:
                    r, g, b = _shade(
                        sx,
                        sy,
                        best,
                        which,
                        turn,
                        offset,
                        shape,
                        colour,
                        folds,
                        texture,
                        mapping,
                        atlas,
                        key,
                        fill,
                        up,
                        to_light,
                        light_offset,
                        texel,
                        shadow,
                    )
                shaded = which
                total_r, total_g, total_b = total_r + min(r, 1.0), total_g + min(g, 1.0), total_b + min(b, 1.0)
            image[i, j, 0] = np.uint8(255.0 * np.sqrt(total_r / samples))
            image[i, j, 1] = np.uint8(255.0 * np.sqrt(total_g / samples))
            image[i, j, 2] = np.uint8(255.0 * np.sqrt(total_b / samples))
