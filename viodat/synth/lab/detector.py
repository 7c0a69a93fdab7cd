"""A simulated 2D keypoint detector: 33 landmarks that err as MediaPipe Pose errs on the twin's own pictures.

What it does, in this order: place each landmark in the body (a landmark is not the joint's centre), project it through
the true camera at the time at which its own row is read out, exchange left and right in stretches, add what is constant
within a recording, what drifts (first-order autoregressive in seconds, so that any frame rate samples the same process)
and what each frame adds alone; rate itself; miss the person now and then. Errors are mm at the body times the camera's
px per mm, so they shrink with distance, and are alike in all directions of the picture. They grow where a landmark is
hidden behind trunk, head, a limb or the violin, and, each frame's own part, where it moves fast.

``docs/measure_detector.py`` fits :data:`LANDMARK_ERRORS` to what MediaPipe finds in rendered pictures whose truth is
known, and writes the comparison (``docs/science/simulated_detector.md``). The form of the model is viodat's choice.

Pixels: x right, y down, the centre of the top left pixel is (0, 0). Places are mm, world frame, Z up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.joints import JOINT_INDEX
from viodat.synth.lab.cameras import PhoneCamera
from viodat.synth.lab.keypoints import LANDMARKS
from viodat.synth.player.body import Body
from viodat.synth.vectors import FloatArray

# The segment in whose frame a landmark is fixed, and the joint it starts from; None is the segment's own origin.
_ANCHORS: Final[Mapping[str, tuple[str, str | None]]] = {
    "shoulder": ("thorax", "shoulder"),
    "elbow": ("upper_arm", "elbow"),
    "wrist": ("hand", "wrist"),
    "pinky": ("hand", "pinky"),
    "index": ("hand", "index"),
    "thumb": ("hand", "thumb"),
    "hip": ("pelvis", "pelvis"),
    "knee": ("thigh", "knee"),
    "ankle": ("shank", "ankle"),
    "heel": ("foot", None),
    "foot_index": ("foot", None),
}

_GROUPS: Final = (np.arange(11, 23, 2), np.arange(23, 33, 2))
"""Left landmarks of arms and legs; the right ones follow them."""
_SURE_MM: Final = 20.0
_ALIKE: Final = (
    (tuple(range(11)), 0.8),
    ((15, 17, 19, 21), 0.85),
    ((16, 18, 20, 22), 0.85),
    ((27, 29, 31), 0.4),
    ((28, 30, 32), 0.4),
)
"""Landmarks that err together, and by how much their errors correlate: face, hands, feet. Measured as the table was."""


@dataclass(frozen=True)
class LandmarkError:
    """How one landmark errs; mm of a body of 1.70 m, standard deviations per axis of the picture.

    Attributes
    ----------
    offset_mm
        Where the landmark lies, seen from its joint centre (head: from between the ears; foot: from the ankle centre),
        in the axes of its segment: x forward, y left, z up in the neutral posture.
    place_mm
        Error that stays the same within a recording.
    drift_mm, drift_s
        Error that drifts, and the time after which its correlation has fallen to 1/e.
    jitter_mm
        Error of each frame alone, of a landmark at rest.
    tail
        Standard deviation of the logarithm by which all three swell and shrink together over time.
    hidden
        How many times larger all three are where the landmark is hidden.
    sure, sure_hidden, sure_error
        Logit of the confidence where seen and exact; what hiding adds; what each e-fold of 1 + error / 20 mm adds.
    """

    offset_mm: tuple[float, float, float]
    place_mm: float
    drift_mm: float
    drift_s: float
    jitter_mm: float
    tail: float
    hidden: float
    sure: float
    sure_hidden: float
    sure_error: float


# x, y, z, place, drift, drift s, jitter, tail, hidden, sure, sure_hidden, sure_error
_FITTED: Final[Mapping[str, tuple[float, ...]]] = {
    "nose": (95, 0, -26, 14.5, 3.9, 0.93, 1.7, 0.36, 2.0, 8.1, 0.0, -0.0),
    "left_eye_inner": (74, 17, 3, 16.8, 4.5, 1.20, 1.6, 0.14, 2.0, 8.1, 0.0, -0.1),
    "left_eye": (69, 29, 3, 24.6, 5.2, 1.29, 1.5, 0.00, 2.0, 8.2, 0.0, -0.2),
    "left_eye_outer": (62, 41, 2, 26.5, 5.0, 1.31, 1.5, 0.00, 2.0, 8.1, 0.0, -0.1),
    "right_eye_inner": (74, -17, 3, 7.5, 3.0, 0.50, 1.4, 0.79, 2.0, 8.1, 0.0, -0.0),
    "right_eye": (69, -29, 3, 9.9, 4.5, 0.70, 1.6, 0.08, 2.0, 8.1, 0.0, 0.0),
    "right_eye_outer": (62, -41, 2, 10.2, 4.5, 0.78, 1.6, 0.00, 2.0, 8.1, 0.0, 0.0),
    "left_ear": (21, 58, -15, 20.6, 4.4, 1.42, 1.2, 0.00, 2.0, 8.3, 0.0, -0.5),
    "right_ear": (21, -58, -15, 9.5, 3.9, 0.90, 1.3, 0.00, 2.0, 8.1, 0.0, 0.0),
    "left_mouth": (85, 22, -62, 13.3, 3.2, 0.99, 1.4, 0.31, 2.0, 8.2, 0.0, -0.2),
    "right_mouth": (85, -22, -62, 12.4, 4.6, 0.69, 1.6, 0.00, 2.0, 8.1, 0.0, -0.1),
    "left_shoulder": (-3, -6, 3, 11.0, 5.6, 0.55, 0.7, 0.00, 1.4, 8.1, -0.3, 0.0),
    "right_shoulder": (21, 23, 10, 13.5, 6.3, 1.10, 0.7, 0.24, 1.4, 8.1, -0.1, -0.1),
    "left_elbow": (33, 17, 33, 39.9, 12.9, 1.14, 2.9, 0.42, 2.8, 2.7, -4.0, 0.0),
    "right_elbow": (12, 6, 1, 15.7, 4.6, 0.49, 0.1, 0.89, 2.8, 6.9, 0.0, -2.3),
    "left_wrist": (-12, -22, -22, 20.5, 12.9, 1.64, 3.4, 0.02, 1.4, 3.9, -3.4, -0.6),
    "right_wrist": (5, 8, -17, 12.6, 12.6, 0.66, 0.4, 0.77, 1.4, 5.8, 0.0, -1.6),
    "left_pinky": (34, -24, 0, 19.4, 12.9, 1.14, 3.8, 0.55, 1.4, 3.0, -3.0, -0.2),
    "right_pinky": (27, 7, -12, 11.6, 14.2, 0.53, 0.3, 0.48, 1.4, 4.5, 0.0, -0.9),
    "left_index": (-19, -41, 11, 20.4, 9.0, 0.70, 2.8, 1.01, 1.4, 2.9, -2.9, -0.1),
    "right_index": (-5, 1, -12, 14.2, 11.7, 0.46, 0.3, 0.80, 1.4, 4.5, 0.0, -1.0),
    "left_thumb": (-38, -4, 32, 23.7, 5.8, 0.70, 1.8, 1.00, 1.4, 3.2, -2.7, -0.4),
    "right_thumb": (-0, -27, 15, 18.4, 12.5, 0.37, 0.3, 0.44, 1.4, 4.1, 0.0, -1.0),
    "left_hip": (11, 13, -11, 8.8, 1.7, 0.18, 0.6, 0.48, 2.0, 8.2, -1.5, -0.7),
    "right_hip": (19, 3, -12, 6.9, 1.7, 0.43, 0.8, 0.74, 2.0, 7.7, 0.0, -0.1),
    "left_knee": (-1, 7, -9, 7.3, 2.9, 0.22, 1.4, 0.00, 3.2, 4.7, -4.7, -0.6),
    "right_knee": (1, 7, -7, 7.8, 2.6, 0.38, 1.5, 0.49, 3.2, 4.2, 0.0, -0.0),
    "left_ankle": (1, -5, 20, 4.5, 3.0, 0.25, 1.6, 0.43, 3.1, 3.7, -3.7, -0.1),
    "right_ankle": (0, 10, 22, 11.3, 3.4, 0.31, 1.4, 0.00, 3.1, 4.1, 0.0, -0.2),
    "left_heel": (-39, -10, -40, 8.2, 2.8, 0.16, 1.7, 0.23, 3.2, 2.2, -1.2, -0.6),
    "right_heel": (-39, 12, -40, 13.7, 4.2, 0.44, 1.7, 0.00, 3.2, 2.8, 0.0, -1.1),
    "left_foot_index": (164, 2, -45, 10.3, 1.7, 0.03, 1.2, 0.56, 3.2, 3.7, -2.2, -0.5),
    "right_foot_index": (167, 18, -46, 5.7, 2.8, 0.30, 1.5, 0.33, 3.2, 3.9, 0.0, -0.8),
}
LANDMARK_ERRORS: Final[Mapping[str, LandmarkError]] = {
    name: LandmarkError((row[0], row[1], row[2]), *row[3:]) for name, row in _FITTED.items()
}
"""Fitted by ``docs/measure_detector.py``. Left and right differ because the violin is played on the left."""


@dataclass(frozen=True)
class Detector:
    """What is common to all landmarks.

    Attributes
    ----------
    landmarks
        By name of :data:`LANDMARKS`.
    fast_mm_s
        Speed (of a body of 1.70 m) at which the jitter has grown by the square root of 2: read off the steps from frame
        to frame of the arms' landmarks, which double from rest to about 700 mm/s.
    tail_s
        Least correlation time of the swelling; it is that of the landmark's drift where that is longer.
    sure_noise
        Standard deviation of the confidence's logit, viodat's choice.
    swapped_front, swapped_side
        Share of the time in which the arms, or the legs, are taken for the other side's, of a player seen from the
        front, and from the side. In the fitted frames MediaPipe did so with arms in about 0.3 %, with legs never.
    swapped_s
        Mean length of such a stretch, viodat's choice.
    missed, missed_s
        Share of the time in which nobody is found, and its mean length: viodat's choice, for MediaPipe found the person
        in all fitted frames.
    """

    landmarks: Mapping[str, LandmarkError] = field(default_factory=lambda: LANDMARK_ERRORS)
    fast_mm_s: float = 400.0
    tail_s: float = 0.5
    sure_noise: float = 0.4
    swapped_front: float = 0.0005
    swapped_side: float = 0.005
    swapped_s: float = 0.2
    missed: float = 0.0005
    missed_s: float = 0.1

    def column(self, name: str) -> FloatArray:
        """(33,) or (33, 3) of one attribute of :class:`LandmarkError`."""
        return np.array([getattr(self.landmarks[landmark], name) for landmark in LANDMARKS], dtype=np.float64)


@dataclass(frozen=True)
class Detections:
    """What the detector says about F frames.

    Attributes
    ----------
    px
        (F, 33, 2) px, NaN in all landmarks where nobody was found. Landmarks outside the picture are kept.
    confidence
        (F, 33) in (0, 1); 0 where nobody was found.
    swapped
        (F, 2) truth: arms, legs taken for the other side's.
    """

    px: FloatArray
    confidence: FloatArray
    swapped: NDArray[np.bool_]


def detect(
    body_at: Callable[[FloatArray], Body],
    camera: PhoneCamera,
    times_s: FloatArray,
    readout_s: float,
    scale: float,
    rng: np.random.Generator,
    detector: Detector | None = None,
) -> Detections:
    """Detect the player in the frames of one recording.

    Parameters
    ----------
    body_at
        The player at given times (s on the mocap clock).
    camera
        The true camera.
    times_s
        (F,) s, increasing: middle of the exposure of each frame's middle row.
    readout_s
        From the first row's exposure to the last row's, s.
    scale
        Stature / 1700 mm.
    rng
        Draws all errors.
    detector
        Other parameters than the fitted ones.
    """
    detector = Detector() if detector is None else detector
    # Between two instants a landmark goes straight; they lie where that errs least over the whole readout.
    half = 0.354 * max(readout_s, 1e-3)
    early, late = body_at(times_s - half), body_at(times_s + half)
    first, last = (landmark_places(body, scale, detector) for body in (early, late))
    swapped = np.stack(
        [_stretches(times_s, _swap_share(early, camera, detector), detector.swapped_s, rng) for _ in _GROUPS], axis=1
    )
    hidden = hidden_share(early, camera.centre, first, scale)
    for left, on in zip(_GROUPS, swapped.T, strict=True):
        both, other = np.concatenate([left, left + 1]), np.concatenate([left + 1, left])
        for array in (first, last, hidden):
            array[np.ix_(on, both)] = array[np.ix_(on, other)]
    px = camera.project_rolling(first, last, readout_s / (2 * half))
    speed_mm_s = camera.speed_across(first, last, 2 * half) / scale
    error_mm = _errors(times_s, hidden, speed_mm_s, rng, detector)
    px += error_mm * (scale * camera.matrix[0, 0] / camera.depth((first + last) / 2))[..., None]
    confidence = _confidence(error_mm, hidden, rng, detector)
    missed = _stretches(times_s, detector.missed, detector.missed_s, rng)
    px[missed], confidence[missed] = np.nan, 0.0
    return Detections(px, confidence, swapped)


def landmark_places(body: Body, scale: float, detector: Detector) -> FloatArray:
    """(T, 33, 3) mm, world: where the landmarks lie on average."""
    points, axes = anchors(body)
    return np.asarray(points + np.einsum("tkij,kj->tki", axes, scale * detector.column("offset_mm")))


def anchors(body: Body) -> tuple[FloatArray, FloatArray]:
    """Give for each landmark the point (T, 33, 3) that it belongs to and the axes (T, 33, 3, 3) of its offset."""
    points = np.empty((len(body.times_s), len(LANDMARKS), 3))
    axes = np.empty((len(body.times_s), len(LANDMARKS), 3, 3))
    for i, name in enumerate(LANDMARKS):
        side, _, part = name.partition("_")
        if part not in _ANCHORS:
            points[:, i], axes[:, i] = body.segments["head"].origin, body.segments["head"].axes
            continue
        stem, joint = _ANCHORS[part]
        segment = body.segments[stem if stem in ("thorax", "pelvis") else f"{side}_{stem}"]
        axes[:, i] = segment.axes
        points[:, i] = segment.origin if joint is None else body.joints[:, JOINT_INDEX[f"{side}_{joint}"]]
    return points, axes


# How deep a landmark lies under its own surface at most, and over how much an edge fades; mm, viodat's choice, as are
# the capsules' sizes below.
_SKIN_MM: Final[Mapping[str, float]] = {"hip": 110.0, "shoulder": 75.0, "knee": 70.0, "head": 60.0}
_OWN_MM = 45.0
_SOFT_MM = 25.0


def hidden_share(body: Body, camera_centre: FloatArray, points: FloatArray, scale: float) -> FloatArray:
    """(T, 33) from 0 (seen) to 1 (hidden behind trunk, head, a limb or the violin), from the camera's centre."""
    s, joint = scale, body.joint
    neck = (joint("left_shoulder") + joint("right_shoulder")) / 2
    head = body.segments["head"]
    chin = head.point([15.0 * s, 0, -50.0 * s])
    capsules: list[tuple[str, FloatArray, FloatArray, float]] = [("head", head.origin, chin, 80.0 * s)]
    for side in ("left", "right"):
        capsules.append(
            (f"trunk {side}", 0.6 * joint(f"{side}_shoulder") + 0.4 * neck, joint(f"{side}_pelvis"), 95.0 * s)
        )
        for a, b, radius in (
            ("shoulder", "elbow", 42.0),
            ("elbow", "wrist", 32.0),
            ("pelvis", "knee", 66.0),
            ("knee", "ankle", 45.0),
        ):
            capsules.append((f"{side}_{a} {side}_{b}", joint(f"{side}_{a}"), joint(f"{side}_{b}"), radius * s))
        knuckles = (joint(f"{side}_index") + joint(f"{side}_pinky")) / 2
        capsules.append((f"{side}_hand", joint(f"{side}_wrist"), knuckles, 35.0 * s))
    if body.plays:
        v = min(1.0, 0.55 + 0.45 * s)
        low, high = (body.segments["violin"].point([x * v, 0.0, 25.0 * v]) for x in (60.0, 300.0))
        capsules.append(("violin", low, high, 70.0 * v))
    hidden = np.zeros(points.shape[:2])
    for name, start, end, radius in capsules:
        for i, landmark in enumerate(LANDMARKS):
            side, _, part = landmark.partition("_")
            if _belongs(side, part, name):
                continue
            own = _SKIN_MM.get(part if part in _ANCHORS else "head", _OWN_MM) * s
            hidden[:, i] = np.maximum(hidden[:, i], _cover(camera_centre, points[:, i], own, start, end, radius, s))
    return hidden


def _belongs(side: str, part: str, capsule: str) -> bool:
    if capsule == "head":
        return part not in _ANCHORS
    if capsule == f"{side}_hand":
        return part in ("wrist", "pinky", "index", "thumb")
    if part in ("pinky", "index", "thumb", "heel", "foot_index"):
        return capsule.endswith(f"{side}_{'ankle' if 'foot' in part or 'heel' in part else 'wrist'}")
    if part in ("shoulder", "hip"):
        return capsule == f"trunk {side}" or capsule.startswith(f"{side}_{'pelvis' if part == 'hip' else part} ")
    return f"{side}_{part}" in capsule.split(" ")


def _cover(
    eye: FloatArray, point: FloatArray, own: float, start: FloatArray, end: FloatArray, radius: float, scale: float
) -> FloatArray:
    """(T,) share by which a capsule lies between the eye and the point's own surface."""
    ray = point - eye
    far = np.linalg.norm(ray, axis=-1, keepdims=True)
    ray = ray / far
    bone, to_eye = end - start, start - eye
    # Closest points of the ray eye + a ray (a <= far - own) and the axis start + b bone (0 <= b <= 1).
    reach = far[:, 0] - own
    along, length2 = np.einsum("ti,ti->t", ray, bone), np.einsum("ti,ti->t", bone, bone)
    d, e = np.einsum("ti,ti->t", ray, to_eye), np.einsum("ti,ti->t", bone, to_eye)
    b = np.clip((along * d - e) / np.maximum(length2 - along**2, 1e-6), 0, 1)
    a = np.minimum(d + b * along, reach)
    b = np.clip((a * along - e) / np.maximum(length2, 1e-6), 0, 1)
    gap = np.linalg.norm(ray * a[:, None] - to_eye - b[:, None] * bone, axis=-1)
    return np.asarray(np.clip((radius - gap) / (_SOFT_MM * scale) + 0.5, 0, 1))


def _errors(
    times_s: FloatArray, hidden: FloatArray, speed_mm_s: FloatArray, rng: np.random.Generator, detector: Detector
) -> FloatArray:
    """(T, 33, 2) mm of a body of 1.70 m."""

    def column(name: str) -> FloatArray:
        return detector.column(name)[:, None]

    place = _drawn_alike(rng, 1, 2)[0] * column("place_mm")
    drift = _autoregressive(times_s, column("drift_s"), _drawn_alike(rng, len(times_s), 2)) * column("drift_mm")
    slow = np.maximum(column("drift_s"), detector.tail_s)
    swell = np.exp(column("tail") * _autoregressive(times_s, slow, _drawn_alike(rng, len(times_s), 1)))
    jitter = _drawn_alike(rng, len(times_s), 2) * column("jitter_mm")
    jitter *= np.sqrt(1 + (speed_mm_s / detector.fast_mm_s) ** 2)[..., None]
    worse = 1 + hidden[..., None] * (column("hidden") - 1)
    return np.asarray((place + drift + jitter) * swell * worse)


def _drawn_alike(rng: np.random.Generator, frames: int, axes: int) -> FloatArray:
    """(frames, 33, axes) standard normal, correlated between landmarks as :data:`_ALIKE` says, and not over time."""
    out = rng.normal(size=(frames, len(LANDMARKS), axes))
    for group, correlation in _ALIKE:
        shared = rng.normal(size=(frames, 1, axes))
        out[:, group] = np.sqrt(1 - correlation) * out[:, group] + np.sqrt(correlation) * shared
    return out


def _autoregressive(times_s: FloatArray, seconds: FloatArray, drawn: FloatArray) -> FloatArray:
    """Let what was drawn (T, K, axes) persist: correlation exp(-|dt| / seconds) (K, 1) at any spacing of the times."""
    out = drawn.copy()
    kept = np.exp(-np.diff(times_s)[:, None, None] / seconds)
    fresh = np.sqrt(1 - kept**2)
    for i in range(1, len(times_s)):
        out[i] = kept[i - 1] * out[i - 1] + fresh[i - 1] * drawn[i]
    return out


def _confidence(error_mm: FloatArray, hidden: FloatArray, rng: np.random.Generator, detector: Detector) -> FloatArray:
    size = np.log1p(np.linalg.norm(error_mm, axis=-1) / _SURE_MM)
    logit = detector.column("sure") + detector.column("sure_hidden") * hidden + detector.column("sure_error") * size
    return np.asarray(1 / (1 + np.exp(-logit - rng.normal(0, detector.sure_noise, hidden.shape))))


def _swap_share(body: Body, camera: PhoneCamera, detector: Detector) -> float:
    """Share of the time for this view: the side's by the squared sine of the angle between trunk and camera."""
    forward = body.segments["thorax"].axes[..., 0].mean(axis=0)[:2]
    to_camera = (camera.centre - body.segments["thorax"].origin.mean(axis=0))[:2]
    cosine = forward @ to_camera / (np.linalg.norm(forward) * np.linalg.norm(to_camera))
    return float(detector.swapped_front + (detector.swapped_side - detector.swapped_front) * (1 - cosine**2))


def _stretches(times_s: FloatArray, share: float, mean_s: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(T,) a two-state process in seconds: true for ``share`` of the time, for ``mean_s`` on average."""
    draws = rng.random(len(times_s))
    on = draws < share
    # The state after dt, given the one before, of a process that comes with rate share / (1 - share) / mean_s.
    fade = np.exp(-np.diff(times_s, prepend=times_s[0]) / (mean_s * (1 - share)))
    for i in range(1, len(times_s)):
        on[i] = draws[i] < share + (float(on[i - 1]) - share) * fade[i]
    return on
