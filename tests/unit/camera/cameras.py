"""Cameras to test with: a room of four, and one for each lens model."""

from __future__ import annotations

import numpy as np

from viodat.camera import (
    Camera,
    Distortion,
    FisheyeDistortion,
    NoDistortion,
    OpenCVDistortion,
    ViconRadial,
)

LENSES: dict[str, Distortion] = {
    "none": NoDistortion(),
    "opencv4": OpenCVDistortion((-0.12, 0.05, 1e-3, -8e-4)),
    "opencv5": OpenCVDistortion((-0.33, 0.14, -1.2e-3, 3e-4, -0.03)),
    "opencv8": OpenCVDistortion((0.31, -0.05, 4e-4, 6e-4, 0.011, 0.44, -0.02, 0.013)),
    "opencv12": OpenCVDistortion((0.1, -0.2, 1e-3, 2e-3, 0.05, 0.01, 0.02, -0.01, 1e-3, -2e-3, 5e-4, 7e-4)),
    "fisheye": FisheyeDistortion((0.05, -0.01, 0.004, -0.001)),
    "vicon": ViconRadial((652.0, 349.5), (3.1e-8, -2.0e-15, 1.0e-21)),
    "vicon_reversed": ViconRadial((652.0, 349.5), (-3.1e-8, 2.0e-15, 0.0), "ideal_to_distorted"),
}


def looking_at(
    name: str,
    centre_mm: tuple[float, float, float],
    target_mm: tuple[float, float, float] = (0.0, 0.0, 1000.0),
    lens: Distortion | None = None,
    size_px: tuple[int, int] = (1280, 720),
) -> Camera:
    """A camera at a place of a Z-up world that looks at a point, held upright."""
    forward = np.subtract(target_mm, centre_mm)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return Camera(
        id=name,
        size_px=size_px,
        matrix=np.array([[1010.0, 0.0, 645.3], [0.0, 1004.0, 352.8], [0.0, 0.0, 1.0]]),
        distortion=lens or NoDistortion(),
        rotation=rotation,
        translation_mm=-rotation @ np.array(centre_mm),
    )


def room(lens: Distortion | None = None) -> list[Camera]:
    """Four cameras around the origin, 3 to 5 m away."""
    places = [(3500.0, 300.0, 1600.0), (200.0, 4000.0, 1500.0), (-3100.0, -400.0, 2200.0), (900.0, -4600.0, 900.0)]
    return [looking_at(f"C{i:02d}", place, lens=lens) for i, place in enumerate(places, 1)]
