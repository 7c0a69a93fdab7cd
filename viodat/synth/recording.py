"""What the simulated lab's devices write: C3D files, calibration, phone video with sound, stamps, keypoints.

Written with ezc3d, OpenCV and PyAV directly, so that the readers under test share no code with what they
read. Positions are mm in the world frame; cameras are OpenCV's (x right, y down, z forward; X_cam = R X_world + t).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
import cv2
import ezc3d
import numpy as np
from numpy.typing import NDArray

from viodat.files import atomic_path, write_text
from viodat.joints import JOINTS
from viodat.synth.demo_sound import RATE_HZ
from viodat.synth.motion import Player, Pose
from viodat.synth.picture.figure import Look, figures
from viodat.synth.picture.render import Camera, Stage, prepare, render
from viodat.synth.picture.scene import posture_of
from viodat.synth.vectors import FloatArray, unit

MOCAP_HZ = 100.0
STAMP_BASE = Fraction(1, 90_000)
WIDTH, HEIGHT = 640, 360

# MediaPipe Pose: the index of each of the 18 joints among its 33 landmarks.
_LANDMARK = (27, 13, 23, 25, 11, 15, 28, 14, 24, 26, 12, 16, 19, 17, 21, 20, 18, 22)
_HEAD_LANDMARKS = range(11)
_FOOT_LANDMARKS = {29: "left_heel", 30: "right_heel", 31: "left_toe", 32: "right_toe"}
_PROCESSING = {
    "leg_length": "LegLength",
    "knee_width": "KneeWidth",
    "ankle_width": "AnkleWidth",
    "shoulder_offset": "ShoulderOffset",
    "elbow_width": "ElbowWidth",
    "wrist_width": "WristWidth",
    "hand_thickness": "HandThickness",
}


@dataclass(frozen=True)
class SimCamera:
    """A phone on a tripod: intrinsic matrix and distortion as OpenCV has them, pose in mm."""

    name: str
    matrix: FloatArray
    distortion: FloatArray
    rotation: FloatArray
    translation: FloatArray

    @cached_property
    def stage(self) -> Stage:
        """The empty room as this camera sees it, computed once."""
        return prepare(Camera((WIDTH, HEIGHT), self.matrix, self.distortion, self.rotation, self.translation))

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) mm, world, to (..., 2) px."""
        flat = np.ascontiguousarray(points.reshape(-1, 3))
        pixels, _ = cv2.projectPoints(
            flat, cv2.Rodrigues(self.rotation)[0], self.translation, self.matrix, self.distortion
        )
        return np.asarray(pixels, dtype=np.float64).reshape(*points.shape[:-1], 2)


def camera_at(name: str, place: Sequence[float], target: Sequence[float], focal_px: float) -> SimCamera:
    """Place a level camera at ``place`` that looks at ``target`` (mm)."""
    centre = np.asarray(place, dtype=np.float64)
    forward = unit(np.asarray(target, dtype=np.float64) - centre)
    right = unit(np.cross(forward, np.array([0.0, 0.0, 1.0])))
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[focal_px, 0, WIDTH / 2 + 3.5], [0, focal_px, HEIGHT / 2 - 2.0], [0, 0, 1.0]])
    return SimCamera(name, matrix, np.array([-0.06, 0.02, 0.0005, -0.0003]), rotation, -rotation @ centre)


def write_calibration(path: Path, cameras: Sequence[SimCamera]) -> None:
    """Write the cameras as Pose2Sim does: rotation vector, translation in metres."""
    tables = []
    for camera in cameras:
        vector = cv2.Rodrigues(camera.rotation)[0].ravel()
        tables.append(
            f'[{camera.name}]\nname = "{camera.name}"\nsize = [{WIDTH}.0, {HEIGHT}.0]\n'
            f"matrix = {camera.matrix.tolist()}\ndistortions = {camera.distortion.tolist()}\n"
            f"rotation = {vector.tolist()}\ntranslation = {(camera.translation / 1000).tolist()}\n"
            "fisheye = false\n"
        )
    write_text(path, "\n".join(tables) + "\n[metadata]\nadjusted = false\nerror = 0.0\n")


def write_c3d(
    path: Path, subject: str, player: Player, markers: Mapping[str, FloatArray], first_frame: int = 1
) -> None:
    """Write markers at 100 Hz as Nexus does: ``subject:LABEL``, NaN as a gap, measurements in PROCESSING."""
    positions = np.stack(list(markers.values()), axis=1)
    missing = np.isnan(positions).any(axis=2).T
    file = ezc3d.c3d()
    points = np.ones((4, positions.shape[1], positions.shape[0]))
    points[:3] = np.nan_to_num(positions).transpose(2, 1, 0)
    file["header"]["points"]["first_frame"] = first_frame - 1
    file["parameters"]["POINT"]["RATE"]["value"] = [MOCAP_HZ]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = [f"{subject}:{label}" for label in markers]
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = np.where(missing, -1.0, 0.3)[None]
    file["data"]["meta_points"]["camera_masks"] = np.zeros((7, *missing.shape), dtype=bool)
    file.add_parameter("SUBJECTS", "NAMES", [subject])
    file.add_parameter("SUBJECTS", "LABEL_PREFIXES", [f"{subject}:"])
    file.add_parameter("SUBJECTS", "USED", [1])
    file.add_parameter("SUBJECTS", "USES_PREFIXES", [1])
    measured = player.measurements
    file.add_parameter("PROCESSING", "Bodymass", [player.mass_kg])
    file.add_parameter("PROCESSING", "Height", [player.height_mm])
    file.add_parameter("PROCESSING", "InterAsisDistance", [measured["inter_asis_distance"]])
    file.add_parameter("PROCESSING", "MarkerDiameter", [measured["marker_diameter"]])
    for stem, name in _PROCESSING.items():
        for mark in "LR":
            file.add_parameter("PROCESSING", mark + name, [measured[stem]])
    with atomic_path(path) as temporary:
        file.write(str(temporary))


def phone_stamps(seconds: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Stamps of a phone that aims at 30 frames per second: counts of 1/90000 s, uneven, the first at 0."""
    intervals = 3000 + np.rint(rng.normal(0, 90, round(seconds * 30))).astype(np.int64).clip(-400, 400)
    stamps = np.concatenate([[0], np.cumsum(intervals)])
    return np.asarray(stamps[stamps < seconds * 90_000], dtype=np.int64)


def write_stamps(path: Path, stamps: NDArray[np.int64]) -> None:
    """Write ``.frames.csv``: the stamps of a video whose pictures were not kept."""
    base = f"{STAMP_BASE.numerator}/{STAMP_BASE.denominator}"
    rows = "".join(f"{stamp},{base},{WIDTH},{HEIGHT}\n" for stamp in stamps)
    write_text(path, "pts,time_base,width,height\n" + rows)


def write_sound(path: Path, sound: FloatArray) -> None:
    """Write a phone's sound alone as AAC (.m4a)."""
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as container:
        track = container.add_stream("aac", rate=RATE_HZ)
        track.layout = "mono"
        _encode_sound(container, track, sound)


def write_video(
    path: Path,
    camera: SimCamera,
    pose: Pose,
    stamps: NDArray[np.int64],
    sound: FloatArray,
    look: Look,
) -> None:
    """Draw and encode a phone's video (H.264 with B-frames, AAC); ``pose`` holds one instant per stamp."""
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as container:
        options = {"preset": "veryfast", "crf": "26", "threads": "1"}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = STAMP_BASE
        track = container.add_stream("aac", rate=RATE_HZ)
        track.layout = "mono"
        for image, stamp in zip(_pictures(camera, pose, look), stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = int(stamp), STAMP_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        _encode_sound(container, track, sound)


def write_keypoints(
    path: Path, camera: SimCamera, pose: Pose, stamps: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Write what a detector with MediaPipe's 33 landmarks would find: 1.5 px of noise, 2 % of points missed."""
    pixels = np.full((stamps.size, 33, 2), np.nan)
    pixels[:, list(_LANDMARK)] = camera.project(pose.stacked())
    pixels[:, list(_HEAD_LANDMARKS)] = camera.project(pose.joints["head"])[:, None]
    for landmark, name in _FOOT_LANDMARKS.items():
        pixels[:, landmark] = camera.project(pose.joints[name])
    pixels += rng.normal(0, 1.5, pixels.shape)
    confidence = rng.uniform(0.7, 1.0, pixels.shape[:2])
    missed = rng.random(pixels.shape[:2]) < 0.02
    pixels[missed], confidence[missed] = np.nan, 0.0
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            keypoints_px=pixels.astype(np.float32),
            confidence=confidence.astype(np.float32),
            layout=np.array("mediapipe33"),
            pts=stamps,
            image_size_px=np.array([WIDTH, HEIGHT]),
        )


def _encode_sound(container: av.container.OutputContainer, track: av.AudioStream, sound: FloatArray) -> None:
    block = 1024
    for start in range(0, sound.size, block):
        samples = np.ascontiguousarray(sound[None, start : start + block], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        container.mux(track.encode(frame))
    container.mux(track.encode())


def _pictures(camera: SimCamera, pose: Pose, look: Look) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) RGB, one per instant of the pose."""
    player = figures(posture_of(pose, look.scale), look)
    for instant in range(len(player)):
        yield render(lambda index: player[round(index)], camera.stage, float(instant))


def write_truth(path: Path, times_ns: NDArray[np.int64], pose: Pose) -> None:
    """Write the animated joint centres: ``time_ns`` (T,), ``joints_mm`` (T, 18, 3), ``names`` (18,)."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, time_ns=times_ns, joints_mm=pose.stacked(), names=np.array(JOINTS))
