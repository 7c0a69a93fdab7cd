"""VioDat v1.0 in its published layout, small: two .npz of pickled dicts by recording id, whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.camera import Camera, NoDistortion, OpenCVDistortion
from viodat.joints import JOINTS

SECONDS = 6.0
FPS = 30.0

# A standing player, mm, Z up; in the order of JOINTS.
_STANDING = np.array(
    [
        [100, 0, 80], [350, -150, 1150], [90, 0, 900], [95, 10, 480], [180, 0, 1380], [420, -350, 1300],
        [-100, 0, 80], [-330, -120, 1120], [-90, 0, 900], [-95, 10, 480], [-180, 0, 1380], [-150, -380, 1200],
        [430, -420, 1310], [420, -430, 1270], [400, -400, 1330],
        [-120, -430, 1190], [-140, -440, 1160], [-130, -410, 1230],
    ],
    float,
)  # fmt: skip


def joints_at(times_s: np.ndarray, seed: int = 0) -> np.ndarray:
    """(T, 18, 3) mm: everything sways, the right arm bows, and no second is like another."""
    rng = np.random.default_rng(seed)
    t = np.asarray(times_s, float)[:, None, None]
    out = np.broadcast_to(_STANDING, (len(times_s), len(JOINTS), 3)).copy()
    for rate in (0.23, 0.71, 1.3):
        phase = rng.uniform(0, 2 * np.pi, (1, len(JOINTS), 3))
        size = np.where(np.isin(np.arange(18), [7, 11, 15, 16, 17])[None, :, None], 60.0, 12.0)
        out = out + size * np.sin(2 * np.pi * rate * t * (1 + 0.07 * t / SECONDS) + phase)
    return out


def camera(name: str, *, lens: bool = False) -> Camera:
    """A phone about 3 m from the player, upright, its own way round it for each name."""
    angle = {"C01": -0.5, "C02": 0.1, "C07": 0.6, "C08": 1.0, "C10": -0.2}[name]
    # Looks along -r in the plane, Z up: x right, y down, z forward.
    forward = np.array([np.sin(angle), np.cos(angle), 0.0])
    right = np.array([np.cos(angle), -np.sin(angle), 0.0])
    turn = np.stack([right, [0, 0, -1.0], forward])
    place = -3000 * forward + [0, 0, 1000.0]
    return Camera(
        name, (1280, 720), np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]]),
        OpenCVDistortion((-0.08, 0.0, 0.0, 0.0)) if lens else NoDistortion(), turn, -turn @ place,
    )  # fmt: skip


@dataclass
class Release:
    """The content of both archives; change it, then :meth:`write` it.

    ``recordings`` are by id the seconds at which their cameras start on the clock of ``kp_optim_3d``.
    """

    recordings: dict[str, float] = field(default_factory=lambda: {"P04C01T01": 0.0, "P04C02T01": 0.0, "P05C01T02": 0.0})
    own_frames: bool = False
    lens: bool = False
    fps: float = FPS
    pose: dict[str, Any] = field(default_factory=dict)
    sound: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = ("kp_optim_3d_vid", "kp_optim_2d_vid", "kp_optim_3d", "kp_video_fps", "mediapipe_2d", "openpose_2d")
        self.pose = {key: {} for key in keys}
        sounds = ("audio_data", "audio_data_100FPS", "audio_data_300FPS", "audio_spectrogram_100FPS", "audio_raw")
        self.sound = {key: {} for key in sounds}
        for name, start_s in self.recordings.items():
            self._add(name, start_s)

    def _add(self, name: str, start_s: float) -> None:
        seed = int(name[1:3]) * 100 + int(name[7:])
        count = int((SECONDS - start_s) * self.fps)
        frame_s = np.arange(count) / self.fps
        world = joints_at(start_s + frame_s, seed)
        drawn = camera(name[3:6], lens=self.lens)
        rng = np.random.default_rng(seed + int(name[4:6]))
        motion = joints_at(np.arange(round(SECONDS * 100) + 1) / 100, seed)
        pixels = drawn.project(world)
        self.pose["kp_optim_3d_vid"][name] = drawn.to_camera(world) if self.own_frames else world
        self.pose["kp_optim_3d"][name] = drawn.to_camera(motion) if self.own_frames else motion
        self.pose["kp_optim_2d_vid"][name] = pixels
        self.pose["kp_video_fps"][name] = np.float64(self.fps)
        self.pose["mediapipe_2d"][name] = pixels + rng.normal(0, 3, pixels.shape)
        body = np.zeros((count, 27, 3))
        body[:, 4, :2], body[:, 4, 2] = pixels[:, 11], 0.8  # BODY_25: right wrist
        body[:, 14, :2], body[:, 14, 2] = pixels[:, 0], 0.7  # left ankle
        body[:, 19] = 1.0  # left big toe
        self.pose["openpose_2d"][name] = list(body)
        for key, rate in (("audio_data", self.fps), ("audio_data_100FPS", 100), ("audio_data_300FPS", 300)):
            rows = np.zeros((int(count / self.fps * rate), 36), np.float32)
            rows[:, 0] = np.arange(len(rows))
            rows[:, 1] = seed  # no two trials sound the same
            rows[:, 35] = 7
            self.sound[key][name] = rows
        self.sound["audio_spectrogram_100FPS"][name] = np.zeros((10, 128))
        self.sound["audio_raw"][name] = (0.5 * np.sin(np.arange(int(count / self.fps * 8000)) / 5)).astype(np.float32)

    def write(self, folder: Path) -> Path:
        """Write both archives as ``np.savez`` writes a dict: a pickled object array without axes."""
        file = folder / "mmViolin_v1.0.npz"
        np.savez(file, **self.pose)
        np.savez_compressed(folder / "mmViolin_v1.0_audio.npz", **self.sound)
        return file


def turned(degrees: float) -> np.ndarray:
    """(3, 3): a turn about the vertical."""
    return Rotation.from_euler("z", degrees, degrees=True).as_matrix()
