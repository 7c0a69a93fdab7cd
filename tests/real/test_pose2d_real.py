"""Keypoints of the walking person in four real cameras, against the given 2D and the projected 3D.

The 3D is a triangulation of OpenPose's points, not a measured pose: it disagrees with its own 2D by about
10 px. Two videos are 1080 px wide where the calibration says 1088: they are the calibrated picture scaled by
1080/1088 between black bars of 7 px at the top and bottom, which the first test shows.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from viodat.capture.cameras import read_cameras
from viodat.capture.trc import read_trc
from viodat.capture.video import iter_frames, read_video_times
from viodat.errors import ConfigError
from viodat.joints import JOINT_INDEX, JOINTS, MIRROR
from viodat.pose2d import Keypoints, create_source

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
CALIBRATED_PX = (1088, 1920)
TWELVE = JOINTS[:12]
EVERY = 2
# Limits are about twice what was measured (docs/science/keypoints.md).
WORST_JOINT_PX, MEDIAN_PX = 45.0, 30.0


@pytest.fixture(scope="module")
def multiview(real_data: Path) -> Path:
    return real_data / "multiview"


def trc_name(joint: str) -> str:
    side, _, name = joint.partition("_")
    return side[0].upper() + {"pelvis": "hip"}.get(name, name).capitalize()


def projected(multiview: Path, camera: str) -> np.ndarray:
    """Give (100, 18, 2) px in the video's picture of the 3D joints, NaN for fingers."""
    trial = read_trc(next(multiview.glob("pose3d/*0-100.trc")), axes="zxy")
    calibration = read_cameras(multiview / "calibration" / "Calib_qualisys.toml")[f"cam_{camera[-2:]}"]
    px = np.full((trial.n_frames, len(JOINTS), 2), np.nan)
    for joint in TWELVE:
        px[:, JOINT_INDEX[joint]] = calibration.project(trial.marker(trc_name(joint)))
    size = read_video_times(multiview / "videos" / f"{camera}.mp4").size_px
    assert size is not None
    scale = size[0] / CALIBRATED_PX[0]
    bar = (CALIBRATED_PX[1] - scale * CALIBRATED_PX[1]) / 2
    return (px + 0.5) * scale - 0.5 + np.array([0.0, bar])


@pytest.mark.parametrize("camera", CAMERAS)
def test_narrower_videos_are_scaled_between_black_bars(multiview: Path, camera: str) -> None:
    frame = next(iter_frames(multiview / "videos" / f"{camera}.mp4", frames=[50]))
    rows = frame.image.mean(axis=(1, 2))
    bars = (int((rows < 20).argmin()), int((rows[::-1] < 20).argmin()))
    assert bars == ((7, 7) if frame.image.shape[1] == 1080 else (0, 0))


@pytest.mark.parametrize("camera", CAMERAS)
def test_openpose_is_the_given_2d(multiview: Path, camera: str) -> None:
    keypoints = create_source("openpose", layout="body25b").read(multiview / "pose" / f"{camera}_json")
    assert keypoints.frame is not None
    assert keypoints.frame.tolist() == list(range(100))
    expected = json.loads((multiview.parent / "expected" / "pose2sim_triangulation.json").read_text())
    compared = 0
    for entry in expected["frames"]:
        for joint in TWELVE:
            for number, x, y, score in entry["points"].get(trc_name(joint), {"obs_px": []})["obs_px"]:
                if number == int(camera[-2:]):
                    at = entry["frame"], JOINT_INDEX[joint]
                    assert keypoints.px[at] == pytest.approx([x, y], abs=0.0051)
                    assert keypoints.confidence[at] == pytest.approx(score, abs=0.00051)
                    compared += 1
    assert compared >= 0.95 * 12 * len(expected["frames"])
    raw = json.loads((multiview / "pose" / f"{camera}_json" / f"{camera}.0031.json").read_text())
    wrists = [person["pose_keypoints_2d"][27:30] for person in raw["people"]]
    own = [*keypoints.px[31, JOINT_INDEX["left_wrist"]], keypoints.confidence[31, JOINT_INDEX["left_wrist"]]]
    assert own in wrists


@pytest.fixture(scope="module")
def detected(multiview: Path) -> dict[str, Keypoints]:
    source = create_source("mediapipe")
    found = {}
    for camera in CAMERAS:
        frames = iter_frames(multiview / "videos" / f"{camera}.mp4", frames=range(0, 100, EVERY))
        found[camera] = source.detect(frames, source=f"{camera}.mp4")  # type: ignore[attr-defined]
    return found


@pytest.mark.mediapipe
def test_mediapipe_against_the_projected_joints(multiview: Path, detected: dict[str, Keypoints]) -> None:
    distances, swapped, found = [], [], []
    for camera, keypoints in detected.items():
        truth = projected(multiview, camera)[::EVERY]
        straight = np.linalg.norm(keypoints.px - truth, axis=-1)[:, :12]
        crossed = np.linalg.norm(keypoints.px[:, MIRROR] - truth, axis=-1)[:, :12]
        swap = np.median(crossed, -1) < 0.5 * np.median(straight, -1)
        found.append(keypoints.seen.mean())
        swapped.append(swap.mean())
        distances.append(np.where(swap[:, None], crossed, straight))
    medians = np.array([np.median(d, axis=0) for d in distances])
    pooled = np.median(np.concatenate(distances), axis=0)
    print(f"\n{'median distance, px':<18}" + "".join(f"{camera:>8}" for camera in CAMERAS) + f"{'all':>8}")
    for joint, row, total in zip(TWELVE, medians.T, pooled, strict=True):
        print(f"{joint:<18}" + "".join(f"{value:8.1f}" for value in row) + f"{total:8.1f}")
    for name, shares in (("found", found), ("left/right swapped", swapped)):
        print(f"{name:<18}" + "".join(f"{share:8.0%}" for share in shares))
    assert min(found) == 1.0
    assert pooled.max() < WORST_JOINT_PX
    assert np.median(np.concatenate(distances)) < MEDIAN_PX
    assert max(np.array(swapped)[[0, 2, 3]]) < 0.05


@pytest.mark.mediapipe
def test_coordinates_count_from_the_centre_of_the_first_pixel(multiview: Path) -> None:
    """A quarter-size copy tells: 4·x is 1.5 px short if pixel centres are whole numbers, 0 if edges are."""
    from dataclasses import replace

    import cv2

    source = create_source("mediapipe")
    shifts = []
    for camera in CAMERAS:
        frames = list(iter_frames(multiview / "videos" / f"{camera}.mp4", frames=range(0, 100, 10)))
        small = [
            replace(f, image=cv2.resize(f.image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)) for f in frames
        ]
        whole, quarter = (source.detect(each).px for each in (frames, small))  # type: ignore[attr-defined]
        shifts.append(whole - 4 * quarter)
    shift = np.nanmedian(np.concatenate(shifts), axis=(0, 1))
    print(f"\nfull size minus 4 x quarter size: {shift[0]:.2f}, {shift[1]:.2f} px (whole centres 1.5, edges 0)")
    assert shift == pytest.approx([1.5, 1.5], abs=0.7)


def task_file(path: Path) -> Path:
    """Pack the two models of the wheel as PoseLandmarker wants them: with the range of their input stated."""
    import zipfile

    import mediapipe
    from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

    modules = Path(mediapipe.__file__).parent / "modules"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, file, mean, deviation in (
            ("pose_detector", "pose_detection/pose_detection.tflite", 127.5, 127.5),
            ("pose_landmarks_detector", "pose_landmark/pose_landmark_full.tflite", 0.0, 255.0),
        ):
            writer = MetadataWriter.create(bytearray((modules / file).read_bytes()))
            writer.add_general_info(name)
            writer.add_image_input([mean], [deviation])
            archive.writestr(f"{name}.tflite", bytes(writer.populate()[0]))
    return path


@pytest.mark.mediapipe
@pytest.mark.parametrize("mode", ["image", "video"])
def test_a_task_file_gives_the_same_keypoints(multiview: Path, tmp_path: Path, mode: str) -> None:
    model = task_file(tmp_path / "full.task")
    frames = list(iter_frames(multiview / "videos" / "cam04.mp4", frames=range(20)))
    legacy, task = (
        create_source("mediapipe", model=m, mode=mode).detect(frames)  # type: ignore[attr-defined]
        for m in ("full", model)
    )
    distance = np.median(np.linalg.norm(legacy.px - task.px, axis=-1))
    print(f"\nlegacy solution against PoseLandmarker, {mode} mode: median {distance:.2f} px")
    assert task.seen.all()
    assert "full.task" in task.source
    assert distance < (2.0 if mode == "image" else 10.0)


@pytest.mark.mediapipe
def test_a_file_that_is_no_pose_landmarker_is_refused(multiview: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "other.task", "w") as archive:
        archive.writestr("a.tflite", b"no model")
    frames = iter_frames(multiview / "videos" / "cam04.mp4", frames=[0])
    with pytest.raises(ConfigError, match=r"other\.task is not a pose landmarker"):
        create_source("mediapipe", model=tmp_path / "other.task").detect(frames)  # type: ignore[attr-defined]
