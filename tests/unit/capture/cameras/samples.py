"""One sample file per calibration format, written from known cameras with the conventions of each format.

Nothing here uses the readers: what they must find is what was put in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from tests.unit.camera.cameras import looking_at
from viodat.camera import Camera, Distortion, NoDistortion, OpenCVDistortion, ViconRadial

OPENCV_LENS = OpenCVDistortion((-0.21, 0.07, 1e-3, -4e-4, 0.02))
SHORT_LENS = OpenCVDistortion((-0.21, 0.07, 1e-3, -4e-4))
VICON_LENS = ViconRadial((652.0, 349.5), (3.1e-8, -2.0e-15, 1.0e-21))


def room(names: Sequence[str], lens: Distortion) -> list[Camera]:
    places = [(3500.0, 300.0, 1600.0), (200.0, 4000.0, 1500.0), (-3100.0, -400.0, 2200.0)]
    return [looking_at(name, place, lens=lens) for name, place in zip(names, places, strict=False)]


def stereo(names: tuple[str, str], lens: Distortion) -> list[Camera]:
    """Two cameras 400 mm apart; the world is the first one's frame."""
    matrix = np.array([[1010.0, 0, 645.3], [0, 1004.0, 352.8], [0, 0, 1]])
    turn = Rotation.from_rotvec([0.02, -0.12, 0.01]).as_matrix()
    return [
        Camera(names[0], (1280, 720), matrix, lens),
        Camera(names[1], (1280, 720), matrix, lens, turn, np.array([-400.0, 3.0, 12.0])),
    ]


def lens_numbers(camera: Camera) -> list[float]:
    return [] if isinstance(camera.distortion, NoDistortion) else list(camera.distortion.coefficients)


def pose2sim(path: Path, cameras: Sequence[Camera]) -> None:
    tables = [
        f'[{camera.id}]\nname = "{camera.id}"\nsize = [{camera.size_px[0]}.0, {camera.size_px[1]}.0]\n'
        f"matrix = {camera.matrix.tolist()}\ndistortions = {lens_numbers(camera)}\n"
        f"rotation = {Rotation.from_matrix(camera.rotation).as_rotvec().tolist()}\n"
        f"translation = {(camera.translation_mm / 1000).tolist()}\nfisheye = false\n"
        for camera in cameras
    ]
    path.write_text("\n".join(tables) + "\n[metadata]\nadjusted = false\nerror = 0.0\n")


def caliscope(path: Path, cameras: Sequence[Camera]) -> None:
    tables = [
        f"[cameras.{number}]\ncam_id = {number}\nrotation_count = 0\nerror = 0.3\nignore = false\n"
        f"size = {list(camera.size_px)}\nmatrix = {camera.matrix.tolist()}\ndistortions = {lens_numbers(camera)}\n"
        f"translation = {(camera.translation_mm / 1000).tolist()}\nrotation = {camera.rotation.tolist()}\n"
        for number, camera in enumerate(cameras)
    ]
    path.write_text("\n".join(tables))


def qualisys(path: Path, cameras: Sequence[Camera]) -> None:
    parts = []
    for camera in cameras:
        turn, centre, k = np.diag([1, -1, -1]) @ camera.rotation, camera.centre_mm, lens_numbers(camera)
        width, height = camera.size_px
        rows = " ".join(f'r{i + 1}{j + 1}="{turn[i, j]!r}"' for i in range(3) for j in range(3))
        fx, fy, cx, cy = (64 * camera.matrix[at] for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
        parts.append(
            f'<camera active="1" serial="{camera.id}" viewrotation="0">'
            f'<fov_video left="0" top="0" right="{width - 1}" bottom="{height - 1}"/>'
            f'<transform x="{centre[0]!r}" y="{centre[1]!r}" z="{centre[2]!r}" {rows}/>'
            f'<intrinsic focallength="9.3" sensorMinU="0" sensorMaxU="{64 * (width - 1)}" sensorMinV="0" '
            f'sensorMaxV="{64 * height - 1}" focalLengthU="{fx!r}" focalLengthV="{fy!r}" centerPointU="{cx!r}" '
            f'centerPointV="{cy!r}" skew="0" radialDistortion1="{k[0]}" radialDistortion2="{k[1]}" '
            f'radialDistortion3="{k[4]}" tangentalDistortion1="{k[2]}" tangentalDistortion2="{k[3]}"/></camera>'
        )
    body = "\n".join(parts).replace("np.float64(", "").replace(')"', '"')
    path.write_text(f'<?xml version="1.0"?>\n<calibration type="regular"><cameras>\n{body}\n</cameras></calibration>\n')


def vicon_xcp(path: Path, cameras: Sequence[Camera]) -> None:
    parts = []
    for camera in cameras:
        q, lens = Rotation.from_matrix(camera.rotation).as_quat(), camera.distortion
        assert isinstance(lens, ViconRadial)
        numbers = [*lens.centre_px, *lens.coefficients]
        parts.append(
            f'<Camera DEVICEID="{camera.id}" USERID="1" NAME="" TYPE="Vue" SENSOR_SIZE="{camera.size_px[0]} '
            f'{camera.size_px[1]}" PIXEL_ASPECT_RATIO="{camera.matrix[0, 0] / camera.matrix[1, 1]:.17g}" SKEW="0">\n'
            f'<KeyFrames><KeyFrame FRAME="0" FOCAL_LENGTH="{camera.matrix[0, 0]:.17g}" '
            f'PRINCIPAL_POINT="{camera.matrix[0, 2]:.17g} {camera.matrix[1, 2]:.17g}" '
            f'ORIENTATION="{" ".join(f"{x:.17g}" for x in q)}" '
            f'POSITION="{" ".join(f"{x:.17g}" for x in camera.centre_mm)}" VICON_RADIAL="0 0" '
            f'VICON_RADIAL2="Vicon3Parameter {" ".join(f"{x:.17g}" for x in numbers)}"/></KeyFrames></Camera>'
        )
    body = "\n".join(parts)
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Cameras SOURCE="Nexus" VERSION="1.5">\n{body}\n</Cameras>\n'
    )


def matlab(path: Path, cameras: Sequence[Camera]) -> None:
    def parameters(camera: Camera) -> dict[str, object]:
        k = lens_numbers(camera)
        matlab_matrix = camera.matrix + np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
        return {
            "ImageSize": list(camera.size_px[::-1]),
            "RadialDistortion": [k[0], k[1], k[4]],
            "TangentialDistortion": k[2:4],
            "IntrinsicMatrix": matlab_matrix.T.tolist(),
        }

    first, second = cameras
    content = {
        "CameraParameters1": parameters(first),
        "CameraParameters2": parameters(second),
        "RotationOfCamera2": second.rotation.T.tolist(),
        "TranslationOfCamera2": second.translation_mm.tolist(),
        "WorldUnits": "millimeters",
    }
    path.write_text(json.dumps(content))


def opencv(path: Path, cameras: Sequence[Camera]) -> None:
    """One camera, by OpenCV's own writer."""
    (camera,) = cameras
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("camera_name", camera.id)
    storage.write("image_width", camera.size_px[0])
    storage.write("image_height", camera.size_px[1])
    storage.write("camera_matrix", np.array(camera.matrix))
    storage.write("distortion_coefficients", np.array([lens_numbers(camera)]))
    storage.write("R", np.array(camera.rotation))
    storage.write("T", camera.translation_mm.reshape(3, 1))
    storage.release()


Writer = Callable[[Path, Sequence[Camera]], None]

SAMPLES: dict[str, tuple[str, Writer, list[Camera]]] = {
    "pose2sim": ("Calib.toml", pose2sim, room(["cam_01", "cam_02", "cam_03"], SHORT_LENS)),
    "caliscope": ("camera_array.toml", caliscope, room(["cam_0", "cam_1", "cam_2"], OPENCV_LENS)),
    "qualisys": ("Calib.qca.txt", qualisys, room(["26578", "26579", "26580"], OPENCV_LENS)),
    "vicon_xcp": ("room.xcp", vicon_xcp, room(["2110001", "2110002", "2110003"], VICON_LENS)),
    "matlab": ("stereo.json", matlab, stereo(("1", "2"), OPENCV_LENS)),
    "opencv": ("C01.yml", opencv, room(["C01"], OPENCV_LENS)),
}
"""By reader: the file's name, what writes it, and the cameras in it."""


def write_sample(name: str, folder: Path) -> Path:
    """Write the sample of a format; returns the file."""
    file_name, write, cameras = SAMPLES[name]
    path = folder / file_name
    write(path, cameras)
    return path
