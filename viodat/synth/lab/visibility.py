"""What the marker system records of the true markers: gaps, noise, swapped labels and ghosts, all known.

Twelve infrared cameras stand around the player (:data:`CAMERAS_MM`). One sees a marker if the marker's skin faces it,
neither limbs nor trunk, head, fingers, violin, bow or chair stand between, and no other marker's image touches its own.
A marker is recorded where three cameras see it, so gaps follow from geometry, as do most short drop-outs; a few come at
random. Where a marker comes back from a gap, its label may be exchanged with a neighbour's for a while; reflections on
varnish show as short unlabelled trajectories. mm, s, world frame. All numbers here are viodat's choice, fixed before
any estimator was tuned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.synth.compiled import compiled
from viodat.synth.lab.c3d import MOCAP_HZ, Ghost, MarkerRecording, Swap
from viodat.synth.lab.marker_motion import MarkerMotion
from viodat.synth.lab.marker_set import MARKERS
from viodat.synth.player.anatomy import SIDES, Anatomy
from viodat.synth.player.body import FINGERS, Body
from viodat.synth.vectors import FloatArray

BoolArray = NDArray[np.bool_]

# Direction from the room's middle (degrees from +X, the player's front, to the left), distance and height, mm.
_RING: Final = (
    (10, 4300, 900), (60, 4400, 900), (70, 4600, 1600), (80, 4700, 1600), (100, 4500, 3000), (135, 4700, 2700),
    (205, 4700, 3000), (225, 4600, 3000), (265, 4400, 3000), (325, 4600, 3000), (335, 4300, 1600), (350, 4600, 1200),
)  # fmt: skip
CAMERAS_MM: Final[FloatArray] = np.array(
    [(r * np.cos(np.deg2rad(a)), r * np.sin(np.deg2rad(a)), h) for a, r, h in _RING]
)
"""(12, 3) optical centres, world; the player stands in the middle.

As a lab would, by trying: a search moved the cameras about until twelve simulated players' markers were seen best. All
twelve under the ceiling lose the violin hand and the front of the shoulders, which look down or lie under the violin.
"""

CAMERAS_NEEDED: Final = 3
"""How many cameras must see a marker for the system to reconstruct it; systems let one choose, usually 2 or 3.

3 was taken for the gaps it gives in simulated takes: 0.8 % of all samples, 5 to 10 % at the worst markers on average;
with 2 there were hardly any. How often VioDat's markers are missing is not published.
"""
FACING: Final = float(np.cos(np.deg2rad(80)))
"""A ball on the skin is hidden by its own base where the skin faces less than this towards the camera."""
TOUCHING: Final = 0.8
"""Two images merge where their centres are nearer than this share of the sum of the markers' radii."""
NOISE_MM: Final = 0.1
"""Standard deviation of each coordinate where four cameras see the marker; it falls with the root of their number."""

_SKIN_MM = 2.0
_SHORTEST_RUN = 4  # frames: a shorter trajectory is dropped by the software
_STRIDE = 2  # occlusion is computed at 50 Hz and held
_DROP_PER_S, _DROP_FRAMES = 0.01, (1, 6)
_SWAPS_PER_TRIAL, _MOST_SWAPS = 0.7, 3
_SWAP_REACH_MM, _SWAP_DECAY_MM, _SWAP_S = 90.0, 30.0, (0.1, 2.0)
_GHOSTS_PER_TRIAL, _MOST_GHOSTS, _GHOST_FRAMES = 1.8, 5, (4, 60)
_GHOST_PLACE_MM, _GHOST_DRIFT_MM = (180.0, 60.0, 20.0), 1.5


@dataclass(frozen=True)
class Chair:
    """A chair that stands in the room: middle of its seat on the floor's plan, mm, world."""

    x: float = -120.0
    y: float = -620.0


def record_markers(
    body: Body,
    anatomy: Anatomy,
    motion: MarkerMotion,
    rng: np.random.Generator,
    chair: Chair | None = None,
    mislabelled: bool = True,
) -> MarkerRecording:
    """Record true markers as the marker system does.

    Parameters
    ----------
    body, anatomy, motion
        At 100 Hz; ``motion`` is of this body.
    chair
        Stands in the room, or None.
    mislabelled
        Whether there may be swaps and ghosts; a static trial is checked by hand and has none.
    """
    times, (count, markers, _) = body.times_s, motion.positions.shape
    cameras = np.repeat(cameras_seeing(body, anatomy, motion, chair), _STRIDE, axis=0)[:count]
    visible = _tracked(cameras)
    for m, drops in enumerate(rng.poisson(_DROP_PER_S * count / MOCAP_HZ, markers)):
        for start in rng.integers(0, count, drops):
            visible[start : start + rng.integers(*_DROP_FRAMES), m] = False
    sigma = NOISE_MM * np.sqrt(4 / np.maximum(cameras, CAMERAS_NEEDED))
    noise = sigma[..., None] * rng.standard_normal((count, markers, 3))
    residuals = np.where(visible, 0.3 * np.linalg.norm(noise, axis=-1) + sigma, -1.0)
    measured = np.where(visible[..., None], motion.positions + noise, np.nan)
    swaps = _swaps(motion, visible, times, rng) if mislabelled else ()
    identity = np.tile(np.arange(markers, dtype=np.int16), (count, 1))
    for swap in swaps:
        here = (times >= swap.start_s) & (times < swap.end_s)
        a, b = motion.labels.index(swap.first), motion.labels.index(swap.second)
        for array in (measured, residuals, identity):
            array[here, a], array[here, b] = array[here, b], array[here, a]
    ghosts = _ghosts(body, anatomy, rng) if mislabelled and body.plays else ()
    return MarkerRecording(
        motion.labels, times, measured, residuals, motion.positions, visible, identity, swaps, ghosts
    )


def cameras_seeing(body: Body, anatomy: Anatomy, motion: MarkerMotion, chair: Chair | None = None) -> NDArray[np.int64]:
    """(ceil(T/2), N) how many of the twelve cameras see each marker in every second frame."""
    ends, radii = _capsules(body, anatomy)
    middles, matrices = _rounds(body, anatomy, chair)
    size = {marker.label: marker.diameter_mm / 2 for marker in MARKERS}
    return np.asarray(
        _count(
            np.ascontiguousarray(motion.positions[::_STRIDE]),
            np.ascontiguousarray(motion.outward[::_STRIDE]),
            np.array([size[label] for label in motion.labels]),
            CAMERAS_MM,
            np.ascontiguousarray(ends[::_STRIDE]),
            radii,
            np.ascontiguousarray(middles[::_STRIDE]),
            np.ascontiguousarray(matrices[::_STRIDE]),
        )
    )


def _capsules(body: Body, anatomy: Anatomy) -> tuple[FloatArray, FloatArray]:
    """(T, C, 2, 3) ends and (C,) radii of the round solids that hide markers."""
    frames, s, hand = body.segments, anatomy.scale, anatomy.bones["hand"]
    found: list[tuple[FloatArray, FloatArray, float]] = []

    def within(name: str, a: tuple[float, float, float], b: tuple[float, float, float], radius: float) -> None:
        found.append((frames[name].point(np.array(a) * s), frames[name].point(np.array(b) * s), radius * s))

    within("head", (0, 0, -60), (0, 0, 45), 76)
    within("pelvis", (-30, -75, 45), (-30, 75, 45), 82)
    found.append((frames["thorax"].point(np.array([-60, 0, 20]) * s), frames["head"].origin, 52 * s))
    for side, _, sign in SIDES:
        low = frames["pelvis"].point(np.array([-30, sign * 62, 60]) * s)
        found.append((frames["thorax"].point(np.array([-62, sign * 68, -75]) * s), low, 82 * s))
        part = {name: frames[f"{side}_{name}"].origin for name in ("upper_arm", "forearm", "hand", "thigh", "shank")}
        foot = frames[f"{side}_foot"]
        for name, near, far in (
            ("upper_arm", part["upper_arm"], part["forearm"]),
            ("forearm", part["forearm"], part["hand"]),
            ("thigh", part["thigh"], part["shank"]),
            ("shank", part["shank"], foot.origin),
        ):
            found.append((near, far, float(np.mean(anatomy.radii[name])) * 0.95))
        toes = np.array([0.55 * anatomy.bones["foot"], 0.0, -0.6 * anatomy.bones["ankle_height"]])
        found.append((foot.origin, foot.point(toes), 34 * s))
        for finger in FINGERS:
            chain = [frames[f"{side}_{finger}_{bone}"] for bone in ("proximal", "middle", "distal")]
            tip = chain[2].point(np.array([0.0, 0.0, -anatomy.bones[f"{side}_{finger}_distal"]]))
            found.append((part["hand"], chain[0].origin, 0.07 * hand))
            found.append((chain[0].origin, chain[1].origin, 0.05 * hand))
            found.append((chain[1].origin, tip, 0.042 * hand))
        thumb = [frames[f"{side}_thumb_{bone}"] for bone in ("metacarpal", "proximal", "distal")]
        tip = thumb[2].point(np.array([0.0, 0.0, -anatomy.bones[f"{side}_thumb_distal"]]))
        found.append((thumb[0].origin, thumb[1].origin, 0.06 * hand))
        found.append((thumb[1].origin, tip, 0.052 * hand))
    if body.plays:
        v = anatomy.violin_scale
        violin, bow = frames["violin"], frames["bow"]
        found.append((violin.point(v * np.array([340, 0, 26])), violin.point(v * np.array([560, 0, 18])), 14 * v))
        found.append((bow.point(v * np.array([-70, 0, 21])), bow.point(v * np.array([655, 0, 22])), 4 * v))
    ends = np.stack([np.stack([a, b], axis=1) for a, b, _ in found], axis=1)
    return ends, np.array([radius for _, _, radius in found])


# Middle in x and half sizes along x and y of the violin's bouts, which are as thick as the ribs, mm of full size.
_BOUTS: Final = ((88.0, 88.0, 103.0), (182.0, 100.0, 56.0), (277.0, 79.0, 84.0))
_RIBS: Final = (19.0, 17.0)
# Height of seat and middle of the back, and half sizes.
_SEAT: Final = ((0.0, 0.0, 440.0), (215.0, 205.0, 40.0))
_BACK: Final = ((-200.0, 0.0, 700.0), (35.0, 200.0, 230.0))


def _rounds(body: Body, anatomy: Anatomy, chair: Chair | None) -> tuple[FloatArray, FloatArray]:
    """(T, E, 3) middles and (T, E, 3, 3) matrices that turn the flat solids, ellipsoids, into unit spheres."""
    count = body.times_s.size
    middles, matrices = [np.zeros((count, 0, 3))], [np.zeros((count, 0, 3, 3))]
    if body.plays:
        violin, v = body.segments["violin"], anatomy.violin_scale
        middles.append(violin.points([v * np.array([x, 0.0, _RIBS[0]]) for x, _, _ in _BOUTS]))
        half = np.array([(rx, ry, _RIBS[1]) for _, rx, ry in _BOUTS]) * v
        matrices.append(np.swapaxes(violin.axes, -1, -2)[:, None] / half[None, :, :, None])
    if chair is not None:
        for middle, size in (_SEAT, _BACK):
            middles.append(np.tile(np.add(middle, (chair.x, chair.y, 0.0)), (count, 1, 1)))
            matrices.append(np.tile(np.diag(1 / np.array(size)), (count, 1, 1, 1)))
    return np.concatenate(middles, axis=1), np.concatenate(matrices, axis=1)


def _tracked(cameras: NDArray[np.int64]) -> BoolArray:
    """(T, N) where enough cameras see a marker, less trajectories shorter than four frames."""
    visible = np.asarray(cameras >= CAMERAS_NEEDED)
    for column in visible.T:
        for start, end in _runs(column):
            if end - start < _SHORTEST_RUN:
                column[start:end] = False
    return visible


def _runs(flags: BoolArray) -> list[tuple[int, int]]:
    """Find where flags are true: (start, end) of each stretch, end not included."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _swaps(motion: MarkerMotion, visible: BoolArray, times: FloatArray, rng: np.random.Generator) -> tuple[Swap, ...]:
    """Draw swaps, where markers come back from gaps near others, or else anywhere among neighbours."""
    wanted = min(int(rng.poisson(_SWAPS_PER_TRIAL)), _MOST_SWAPS)
    chances: list[tuple[int, int, int, float]] = []
    for m in range(visible.shape[1]):
        for _, end in _runs(~visible[:, m]):
            if end < len(times):
                _chances_at(motion.positions, visible, end, m, chances)
    if len(chances) < wanted:
        for t in rng.integers(0, len(times), 20):
            _chances_at(motion.positions, visible, int(t), int(rng.integers(visible.shape[1])), chances)
    swaps: list[Swap] = []
    used: set[int] = set()
    while len(swaps) < wanted and chances:
        weight = np.array([chance[3] for chance in chances])
        t, a, b, _ = chances.pop(int(rng.choice(len(chances), p=weight / weight.sum())))
        # One marker, one swap: two that overlap would need an order.
        if used & {a, b}:
            continue
        used |= {a, b}
        end = min(t + round(float(rng.uniform(*_SWAP_S)) * MOCAP_HZ), len(times))
        stop = float(times[end]) if end < len(times) else float(times[-1]) + 1 / MOCAP_HZ
        swaps.append(Swap(motion.labels[a], motion.labels[b], float(times[t]), stop))
    return tuple(sorted(swaps, key=lambda swap: swap.start_s))


def _chances_at(
    positions: FloatArray, visible: BoolArray, t: int, m: int, chances: list[tuple[int, int, int, float]]
) -> None:
    distance = np.linalg.norm(positions[t] - positions[t, m], axis=-1)
    for other in np.flatnonzero((distance < _SWAP_REACH_MM) & visible[t]):
        if other != m:
            chances.append((t, m, int(other), float(np.exp(-distance[other] / _SWAP_DECAY_MM))))


def _ghosts(body: Body, anatomy: Anatomy, rng: np.random.Generator) -> tuple[Ghost, ...]:
    """Reflections that wander over the violin's varnish for some frames."""
    ghosts = []
    violin, count = body.segments["violin"], body.times_s.size
    middle = anatomy.violin_scale * np.array([200.0, 0.0, 45.0])
    for n in range(min(int(rng.poisson(_GHOSTS_PER_TRIAL)), _MOST_GHOSTS)):
        length = min(int(rng.integers(*_GHOST_FRAMES)), count)
        start = int(rng.integers(0, count - length + 1))
        at = middle + rng.uniform(-1, 1, 3) * anatomy.violin_scale * np.array(_GHOST_PLACE_MM)
        path = at + np.cumsum(_GHOST_DRIFT_MM * rng.standard_normal((length, 3)), axis=0)
        whole = np.zeros((count, 3))
        whole[start : start + length] = path
        ghosts.append(Ghost(f"*{n + 1}", start, violin.point(whole)[start : start + length]))
    return tuple(ghosts)


@compiled
def _count(
    points: FloatArray,
    outward: FloatArray,
    sizes: FloatArray,
    cameras: FloatArray,
    ends: FloatArray,
    radii: FloatArray,
    middles: FloatArray,
    matrices: FloatArray,
) -> NDArray[np.int64]:
    """Count the cameras that see each marker, (T, N)."""
    frames, markers, solids = points.shape[0], points.shape[1], radii.size
    count = np.zeros((frames, markers), dtype=np.int64)
    near = np.empty((markers, solids))
    seen, merged = np.empty(markers, dtype=np.bool_), np.empty(markers, dtype=np.bool_)
    way, none = np.empty(3), np.zeros(3)
    for t in range(frames):
        for m in range(markers):
            for c in range(solids):
                # A marker that the round solid would swallow stands on a place where the body is flatter than it.
                away = np.sqrt(_apart(points[t, m], none, ends[t, c, 0], ends[t, c, 1]))
                near[m, c] = min(radii[c], away - _SKIN_MM)
        for k in range(cameras.shape[0]):
            for m in range(markers):
                length = 0.0
                for i in range(3):
                    way[i] = cameras[k, i] - points[t, m, i]
                    length += way[i] * way[i]
                length = np.sqrt(length)
                facing, bare = 0.0, True
                for i in range(3):
                    way[i] /= length
                    facing += way[i] * outward[t, m, i]
                    bare = bare and outward[t, m, i] == 0.0
                seen[m], merged[m] = bare or facing > FACING, False
                c = 0
                while seen[m] and c < solids:
                    radius = near[m, c]
                    hidden = radius > 0.0 and _apart(points[t, m], way, ends[t, c, 0], ends[t, c, 1]) < radius**2
                    seen[m] = not hidden
                    c += 1
                e = 0
                while seen[m] and e < middles.shape[1]:
                    seen[m] = not _crosses(points[t, m], way, middles[t, e], matrices[t, e])
                    e += 1
            for m in range(markers):
                if not seen[m]:
                    continue
                for other in range(m):
                    limit = TOUCHING * (sizes[m] + sizes[other])
                    # The camera is so far away that the ray's nearest approach stands for the images' distance.
                    if seen[other] and _aside(points[t, m], cameras[k], points[t, other]) < limit * limit:
                        merged[m] = merged[other] = True
            for m in range(markers):
                count[t, m] += seen[m] and not merged[m]
    return count


@compiled
def _aside(p: FloatArray, camera: FloatArray, q: FloatArray) -> float:
    """Squared distance of q from the line through p and the camera."""
    x, y, z = q[0] - p[0], q[1] - p[1], q[2] - p[2]
    u, v, w = camera[0] - p[0], camera[1] - p[1], camera[2] - p[2]
    dot = x * u + y * v + z * w
    return float(x * x + y * y + z * z - dot * dot / (u * u + v * v + w * w))


@compiled
def _apart(p: FloatArray, way: FloatArray, a: FloatArray, b: FloatArray) -> float:
    """Squared distance of a segment from the ray from p along the unit vector ``way``; from p itself if that is 0."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    uu = ux * ux + uy * uy + uz * uz
    uw = ux * wx + uy * wy + uz * wz
    ud = ux * way[0] + uy * way[1] + uz * way[2]
    wd = wx * way[0] + wy * way[1] + wz * way[2]
    square = uu - ud * ud
    share = min(1.0, max(0.0, (uw - ud * wd) / square)) if square > 1e-9 else 0.0
    along = share * ud - wd
    if along < 0.0:
        # The nearest approach lies behind the ray's start, so the start is nearest.
        along = 0.0
        share = min(1.0, max(0.0, uw / uu)) if uu > 0.0 else 0.0
    dx, dy, dz = (
        wx + along * way[0] - share * ux,
        wy + along * way[1] - share * uy,
        wz + along * way[2] - share * uz,
    )
    return float(dx * dx + dy * dy + dz * dz)


@compiled
def _crosses(p: FloatArray, way: FloatArray, middle: FloatArray, matrix: FloatArray) -> bool:
    """Whether the ray from p meets the ellipsoid; a marker on or in it is hidden by what lies before it only."""
    aa, ab, bb = 0.0, 0.0, 0.0
    for i in range(3):
        a, b = 0.0, 0.0
        for j in range(3):
            a += matrix[i, j] * (p[j] - middle[j])
            b += matrix[i, j] * way[j]
        aa, ab, bb = aa + a * a, ab + a * b, bb + b * b
    return bool(aa > 1.0 and ab < 0.0 and ab * ab > bb * (aa - 1.0))
