"""Compiled inner loops of the renderer: how what a pixel sees is lit, and what keeps the light off the floor.

Coordinates and maps are those of :mod:`viodat.synth.picture.raycast`. Colours are linear from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from viodat.synth.picture.raycast import FAR, NOTHING, SHOWN, compiled, hit, inlined, pattern

# Places of the rays of a pixel at an edge, in sixteenths of a pixel: no two share a row or a column.
_RAYS = ((1.0, -3.0), (-1.0, 3.0), (5.0, 1.0), (-3.0, -5.0), (-5.0, 5.0), (-7.0, -1.0), (3.0, 7.0), (7.0, -7.0))


@inlined
def _lit_once(x: float, y: float, z: float, depth: Any, texel: float, slack: float) -> float:
    """Share of the four texels around a place in the light's frame from which the light reaches it."""
    row, column = y / texel, x / texel
    i, j = int(np.floor(row)), int(np.floor(column))
    if i < 0 or j < 0 or i >= depth.shape[0] - 1 or j >= depth.shape[1] - 1:
        return 1.0
    fv, fu, limit = row - i, column - j, z - slack
    free = 0.0
    if depth[i, j] > limit:
        free += (1 - fv) * (1 - fu)
    if depth[i, j + 1] > limit:
        free += (1 - fv) * fu
    if depth[i + 1, j] > limit:
        free += fv * (1 - fu)
    if depth[i + 1, j + 1] > limit:
        free += fv * fu
    return float(free)


@inlined
def _lit_softly(x: float, y: float, z: float, depth: Any, near: Any, texel: float, slack: float) -> float:
    """As :func:`_lit_once`, from sixteen texels with weights that fall off linearly; near holds their least depth."""
    row, column = y / texel, x / texel
    i0, j0, limit = int(np.floor(row)), int(np.floor(column)), z - slack
    if i0 < 0 or j0 < 0 or i0 >= near.shape[0] or j0 >= near.shape[1] or near[i0, j0] > limit:
        return 1.0
    kept = 0.0
    for i in range(max(i0 - 1, 0), min(i0 + 3, depth.shape[0])):
        for j in range(max(j0 - 1, 0), min(j0 + 3, depth.shape[1])):
            if depth[i, j] <= limit:
                kept += max(0.0, 2.0 - abs(row - i)) * max(0.0, 2.0 - abs(column - j))
    return float(1.0 - kept / 16.0)


@inlined
def _wave(cycles: float) -> float:
    """Parabolas in place of a sine, which takes five times as long."""
    phase = 2.0 * (cycles - np.floor(cycles)) - 1.0
    return float(4.0 * phase * (1.0 - abs(phase)))


@inlined
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
    """Give the linear red, green and blue of solid p where the ray through (x, y, 1) meets it at depth t.

    folds (P, 2) holds their depth and the solid's own number, from which their pattern starts: it must not change with
    the order in which solids are drawn, or cloth would flicker.
    """
    dx = turn[p, 0, 0] * x + turn[p, 0, 1] * y + turn[p, 0, 2]
    dy = turn[p, 1, 0] * x + turn[p, 1, 1] * y + turn[p, 1, 2]
    dz = turn[p, 2, 0] * x + turn[p, 2, 1] * y + turn[p, 2, 2]
    lx, ly, lz = offset[p, 0] + t * dx, offset[p, 1] + t * dy, offset[p, 2] + t * dz
    length, rr = shape[p, 0], shape[p, 1] - shape[p, 2]
    nx, ny, nz = lx, ly, lz
    if length > 0.0:
        d2 = length * length - rr * rr
        along = min(max(length * lz - shape[p, 1] * rr, 0.0), d2) / d2
        nz = lz - along * length
    # The inside of a clipped solid is seen from behind; a normal that folds bend away from the camera is not.
    behind = nx * dx + ny * dy + nz * dz > 0.0
    if folds[p, 0] > 0.0:
        amount = folds[p, 0] * np.sqrt(nx * nx + ny * ny + nz * nz)
        nz += amount * (
            _wave(0.0088 * lz + 0.0048 * lx + 0.27 * folds[p, 1])
            + 0.6 * _wave(0.0175 * lz - 0.011 * ly + 0.1 * folds[p, 1])
        )
        nx += 0.5 * amount * _wave(0.008 * ly + 0.0064 * lz + 0.16 * folds[p, 1])
    # A normal is mapped by the transposed inverse, which is the transposed map into the solid.
    wx = turn[p, 0, 0] * nx + turn[p, 1, 0] * ny + turn[p, 2, 0] * nz
    wy = turn[p, 0, 1] * nx + turn[p, 1, 1] * ny + turn[p, 2, 1] * nz
    wz = turn[p, 0, 2] * nx + turn[p, 1, 2] * ny + turn[p, 2, 2] * nz
    size = 1.0 / np.sqrt(wx * wx + wy * wy + wz * wz)
    if behind:
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
        free = _lit_once(sx, sy, sz, shadow, texel, 22.0)
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


@compiled
def floor_shadow(floor: Any, rows: Any, seen: Any, light: Any, near: Any, feet: Any, image: Any) -> None:
    """Darken floor pixels that the figure keeps the light from.

    floor (H, W, 3) place in the camera frame (mm), NaN off the floor; rows (4,) first and last row and column;
    near least depth of the light around each texel, from one before to two after it; feet (N, 3) camera frame: touching
    points around which the sky's light is kept off as well.
    """
    _, _, _, to_light, light_offset, texel, shadow = light
    x0, x1, z0, z1 = FAR, -FAR, FAR, -FAR
    for f in range(feet.shape[0]):
        x0, x1 = min(x0, feet[f, 0] - 200.0), max(x1, feet[f, 0] + 200.0)
        z0, z1 = min(z0, feet[f, 2] - 200.0), max(z1, feet[f, 2] + 200.0)
    for i in range(rows[0], rows[1]):
        for j in range(rows[2], rows[3]):
            x, y, z = floor[i, j, 0], floor[i, j, 1], floor[i, j, 2]
            if seen[i, j] != NOTHING or np.isnan(x):
                continue
            sx = to_light[0, 0] * x + to_light[0, 1] * y + to_light[0, 2] * z + light_offset[0]
            sy = to_light[1, 0] * x + to_light[1, 1] * y + to_light[1, 2] * z + light_offset[1]
            sz = to_light[2, 0] * x + to_light[2, 1] * y + to_light[2, 2] * z + light_offset[2]
            keep = 0.45 + 0.55 * _lit_softly(sx, sy, sz, shadow, near, texel, 8.0)
            for f in range(feet.shape[0] if x0 < x < x1 and z0 < z < z1 else 0):
                apart = (x - feet[f, 0]) ** 2 + (y - feet[f, 1]) ** 2 + (z - feet[f, 2]) ** 2
                if apart < 40000.0:
                    keep *= 1.0 - 0.45 * np.exp(-apart / 6000.0)
            if keep < 1.0:
                keep = np.sqrt(keep)
                for k in range(3):
                    image[i, j, k] = np.uint8(image[i, j, k] * keep)


@inlined
def _differs(p: Any, z: Any, q: Any, other: Any, colour: Any, moving: Any) -> Any:
    if p == q:
        return False
    if p == NOTHING or q == NOTHING or abs(other - z) > 15.0 or colour[p, 0] != colour[q, 0]:
        return True
    # Solids that flow into each other make no edge, unless neighbours see them at different instants.
    return (moving[p] | moving[q]) & 1 != 0


@inlined
def _add(solid: int, found: Any, count: int) -> int:
    if solid == NOTHING:
        return count
    for n in range(count):
        if found[n] == solid:
            return count
    found[count] = solid
    return count + 1


@compiled
def _around(i: int, j: int, seen: Any, swept: Any, found: Any) -> int:
    """List the solids that are seen within a pixel of (i, j); return how many."""
    count = 0
    for a in range(max(i - 1, 0), min(i + 2, seen.shape[0])):
        for b in range(max(j - 1, 0), min(j + 2, seen.shape[1])):
            count = _add(seen[a, b], found, count)
            count = _add(swept[a, b], found, count)
    return count


@inlined
def _meets(x: float, y: float, p: Any, turn: Any, offset: Any, shape: Any, clip: Any) -> float:
    """Give the depth at which the ray through (x, y, 1) enters solid p, FAR if it does not."""
    g = turn[p]
    d = (
        g[0, 0] * x + g[0, 1] * y + g[0, 2],
        g[1, 0] * x + g[1, 1] * y + g[1, 2],
        g[2, 0] * x + g[2, 1] * y + g[2, 2],
    )
    return float(
        hit(
            (offset[p, 0], offset[p, 1], offset[p, 2]),
            d,
            (shape[p, 0], shape[p, 1], shape[p, 2]),
            (clip[p, 0], clip[p, 1], clip[p, 2], clip[p, 3]),
        )
    )


@compiled
def paint(
    rays: Any,
    band: int,
    box: Any,
    depth: Any,
    seen: Any,
    swept: Any,
    clip: Any,
    moving: Any,
    model: Any,
    light: Any,
    image: Any,
) -> None:
    """Colour what :func:`see` found.

    Where neighbours see different solids, the pixel is the mean of eight rays around its centre, each at
    another instant of the exposure; elsewhere it is one ray, at the middle of the exposure.

    box (4,) first and last row and column; moving (P,) sum of 1 where a solid moves within the
    exposure, 2 where it is so thin that the light differs within a pixel, 4 where its motion must blur its texture;
    image (H, W, 3) uint8, display values (square root of linear), holds
    the background.
    """
    turn, offset, shape, colour, folds, texture, mapping, atlas = model
    key, fill, up, to_light, light_offset, texel, shadow = light
    rows, columns = seen.shape
    instants = turn.shape[1] - 1
    found, lit = np.empty(18, np.int64), np.empty((18, 3))
    done = np.zeros(18, np.bool_)
    first, last = np.full(rows + 2, columns), np.full(rows + 2, -2)
    for i in range(box[0], box[1]):
        for j in range(box[2], box[3]):
            if seen[i, j] != NOTHING or swept[i, j] != NOTHING:
                first[i + 1] = min(first[i + 1], j)
                last[i + 1] = j
    for i in range(box[0], box[1]):
        start = min(first[i], first[i + 1], first[i + 2]) - 1
        end = max(last[i], last[i + 1], last[i + 2]) + 2
        above, below, b = max(i - 1, 0), min(i + 1, rows - 1), i // band
        for j in range(max(start, 0), min(end, columns)):
            p, z = seen[i, j], depth[i, j]
            left, right = max(j - 1, 0), min(j + 1, columns - 1)
            edge = (
                swept[i, j] != NOTHING
                or swept[above, j] != NOTHING
                or swept[below, j] != NOTHING
                or swept[i, left] != NOTHING
                or swept[i, right] != NOTHING
                or (p != NOTHING and moving[p] & 4 != 0)
                or _differs(p, z, seen[above, j], depth[above, j], colour, moving)
                or _differs(p, z, seen[below, j], depth[below, j], colour, moving)
                or _differs(p, z, seen[i, left], depth[i, left], colour, moving)
                or _differs(p, z, seen[i, right], depth[i, right], colour, moving)
            )
            if instants > 1 and not edge:
                # What moves may be seen at the right instant by a diagonal neighbour only.
                for a in (above, below):
                    for c in (left, right):
                        edge = edge or swept[a, c] != NOTHING
                        edge = edge or _differs(p, z, seen[a, c], depth[a, c], colour, moving)
            if p == NOTHING and not edge:
                continue
            x, y = rays[i, j, 0], rays[i, j, 1]
            own, turned = SHOWN[pattern(i, j)], (3 * (i & 1)) ^ (j & 1)
            if not edge:
                k = own % instants
                if moving[p] & 1:
                    middle = _meets(x, y, p, turn[b, instants], offset[b, instants], shape, clip)
                    if middle < FAR:
                        z, k = middle, instants
                r, g, bl = _shade(
                    x, y, z, p, turn[b, k], offset[b, k], shape, colour, folds, texture, mapping, atlas,
                    key, fill, up, to_light, light_offset, texel, shadow,
                )  # fmt: skip
                image[i, j, 0] = np.uint8(255.0 * np.sqrt(min(r, 1.0)))
                image[i, j, 1] = np.uint8(255.0 * np.sqrt(min(g, 1.0)))
                image[i, j, 2] = np.uint8(255.0 * np.sqrt(min(bl, 1.0)))
                continue
            count = _around(i, j, seen, swept, found)
            done[:count] = False
            j1 = j + 1 if j + 1 < columns else j - 1
            i1 = i + 1 if i + 1 < rows else i - 1
            ax, ay = (rays[i, j1, 0] - x) * (j1 - j) / 16.0, (rays[i, j1, 1] - y) * (j1 - j) / 16.0
            bx, by = (rays[i1, j, 0] - x) * (i1 - i) / 16.0, (rays[i1, j, 1] - y) * (i1 - i) / 16.0
            total_r, total_g, total_b = 0.0, 0.0, 0.0
            for sample in range(8):
                # Crossed with the pixel's own instant and place, so that both are independent over a block.
                u, v = _RAYS[sample ^ (2 * turned)]
                k = (sample ^ own) % instants
                sx, sy = x + u * ax + v * bx, y + u * ay + v * by
                best, which = FAR, -1
                for n in range(count):
                    t = _meets(sx, sy, found[n], turn[b, k], offset[b, k], shape, clip)
                    if t < best:
                        best, which = t, n
                if which < 0:
                    total_r += (image[i, j, 0] / 255.0) ** 2
                    total_g += (image[i, j, 1] / 255.0) ** 2
                    total_b += (image[i, j, 2] / 255.0) ** 2
                    continue
                # Rays of one pixel that meet the same solid differ little in light, unless it is thin or textured.
                q = found[which]
                if not done[which] or moving[q] & 6:
                    r, g, bl = _shade(
                        sx, sy, best, q, turn[b, k], offset[b, k], shape, colour, folds, texture, mapping, atlas,
                        key, fill, up, to_light, light_offset, texel, shadow,
                    )  # fmt: skip
                    lit[which, 0], lit[which, 1], lit[which, 2] = min(r, 1.0), min(g, 1.0), min(bl, 1.0)
                    done[which] = True
                total_r, total_g, total_b = total_r + lit[which, 0], total_g + lit[which, 1], total_b + lit[which, 2]
            image[i, j, 0] = np.uint8(255.0 * np.sqrt(total_r / 8))
            image[i, j, 1] = np.uint8(255.0 * np.sqrt(total_g / 8))
            image[i, j, 2] = np.uint8(255.0 * np.sqrt(total_b / 8))
