"""Four real calibrated cameras: triangulation as Pose2Sim published it, and two formats of one calibration.

The rule by which Pose2Sim chose the views of each point was found by computing: likelihood of at least 0.3; all
cameras if their mean reprojection error is below 15 px, otherwise the best subset with one camera fewer, and so on
down to two. It triangulates pixels as detected, without undistorting them. Points that no pair of cameras
satisfies were interpolated; in one frame its person association left a camera out altogether.
"""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from viodat.camera import reprojection_error, triangulate
from viodat.capture.cameras import read_cameras
from viodat.errors import CaptureError, ViodatWarning

LIKELIHOOD = 0.3
ERROR_PX = 15.0


@pytest.fixture(scope="module")
def multiview(real_data):
    return real_data / "multiview"


@pytest.fixture(scope="module")
def cameras(multiview):
    return list(read_cameras(multiview / "calibration" / "Calib_qualisys.toml").values())


@pytest.fixture(scope="module")
def expected(real_data):
    return json.loads((real_data / "expected" / "pose2sim_triangulation.json").read_text())


@pytest.fixture(scope="module")
def trc(multiview):
    """Names, and (frames, joints, 3) mm in the calibration's frame: X = z, Y = x, Z = y of the TRC."""
    lines = (multiview / "pose3d" / "S00_P00_T01_BalancingTrial_0-100.trc").read_text().splitlines()
    names = [name for name in lines[3].split("\t")[2:] if name]
    rows = [line.split("\t")[2 : 2 + 3 * len(names)] for line in lines[5:] if line.strip()]
    return names, 1000 * np.array(rows, dtype=float).reshape(-1, len(names), 3)[..., [2, 0, 1]]


@pytest.fixture(scope="module")
def views(multiview, expected, trc):
    """(cameras, frames, joints, 3): x, y px and likelihood of the first person."""
    order = [expected["keypoint_index"][name] for name in trc[0]]
    return np.array(
        [
            [
                np.reshape(json.loads(file.read_text())["people"][0]["pose_keypoints_2d"], (-1, 3))[order]
                for file in sorted((multiview / "pose" / f"cam0{number}_json").iterdir())
            ]
            for number in range(1, 5)
        ]
    )


def pose2sim_choice(cameras, px, likelihood):
    """Points by Pose2Sim's rule, NaN where it leaves none: (..., 3) mm and the mask (C, ...) of views used."""
    ideal = [camera.pinhole() for camera in cameras]
    points = np.full((*px.shape[1:-1], 3), np.nan)
    used = np.zeros(likelihood.shape, dtype=bool)
    for count in range(len(cameras), 1, -1):
        best = np.full(points.shape[:-1], ERROR_PX)
        open_points = np.isnan(points).any(axis=-1)
        for subset in itertools.combinations(range(len(cameras)), count):
            chosen = list(subset)
            weights = np.where(likelihood[chosen] >= LIKELIHOOD, likelihood[chosen], np.nan)
            found = triangulate([ideal[i] for i in chosen], px[chosen], weights)
            error = reprojection_error([ideal[i] for i in chosen], found, px[chosen]).mean(axis=0)
            error = np.where(np.isnan(weights).any(axis=0), np.inf, error)
            better = open_points & (error < best)
            best[better], points[better] = error[better], found[better]
            used[:, better] = np.isin(np.arange(len(cameras)), chosen)[:, None]
    return points, used


def test_the_published_frames_are_reproduced(cameras, expected, trc, views):
    names, positions = trc
    numbers = [frame["frame"] for frame in expected["frames"]]
    points, _ = pose2sim_choice(cameras, views[:, numbers][..., :2], views[:, numbers][..., 2])
    stored = 1000 * np.array([[frame["points"][name]["my_dlt_m"] for name in names] for frame in expected["frames"]])
    to_json = np.abs(points - stored)
    to_trc = np.linalg.norm(points - positions[numbers], axis=-1)
    print(f"\n{to_trc.size} points of frames {numbers}:")
    print(f"  to the JSON (stored to 0.01 mm): median {np.median(to_json):.2e} mm, max {to_json.max():.2e} mm per axis")
    print(f"  to the TRC (all digits):         median {np.median(to_trc):.2e} mm, max {to_trc.max():.2e} mm")
    assert to_trc.size == 105
    assert to_json.max() <= 0.005 + 1e-6
    assert to_trc.max() <= 1e-6


def test_all_frames_of_the_trc_are_reproduced(cameras, trc, views):
    names, positions = trc
    px, likelihood = views[..., :2], views[..., 2]
    points, used = pose2sim_choice(cameras, px, likelihood)
    distance = np.linalg.norm(points - positions, axis=-1)
    interpolated = np.isnan(distance)
    print(f"\n{distance.size} points, {interpolated.sum()} of them interpolated by Pose2Sim:")
    for count in (4, 3, 2):
        with_count = distance[used.sum(axis=0) == count]
        print(f"  {count} views: {with_count.size:5d} points, max {with_count.max():.2e} mm")
    one_frame = np.unique(np.argwhere(distance > 1e-6)[:, 0])
    print(f"  median {np.nanmedian(distance):.2e} mm; frames with a difference above 1e-6 mm: {one_frame.tolist()}")
    assert interpolated.sum() == 6
    assert {names[joint] for _, joint in np.argwhere(interpolated)} == {"Nose"}
    assert len(one_frame) == 1
    # That frame is reproduced too once the camera that person association dropped is left out.
    frame = int(one_frame[0])
    without_third = [0, 1, 3]
    again, _ = pose2sim_choice(
        [cameras[i] for i in without_third], px[without_third, frame], likelihood[without_third, frame]
    )
    distance[frame] = np.linalg.norm(again - positions[frame], axis=-1)
    print(f"  that frame without camera 3, and all: max {np.nanmax(distance):.2e} mm")
    assert np.nanmax(distance) <= 1e-6
    assert np.isnan(distance).sum() == 6


def test_refinement_explains_the_detections_better(cameras, views):
    px, likelihood = views[..., :2], views[..., 2]
    weights = np.where(likelihood >= LIKELIHOOD, likelihood, np.nan)
    error = {
        refine: reprojection_error(cameras, triangulate(cameras, px, weights, refine=refine), px)
        for refine in (False, True)
    }
    cost = {refine: np.nansum((weights * error[refine]) ** 2) for refine in error}
    print(f"\nweighted squared error, linear {cost[False]:.4g}, refined {cost[True]:.4g} px²")
    assert cost[True] < cost[False]


def test_qualisys_and_pose2sim_state_the_same_cameras_but_for_the_lens(multiview):
    """Equal as pinholes; the TOML's lens coefficients are the XML's divided by 64."""
    ours = read_cameras(multiview / "calibration" / "Calib.qca.txt")
    theirs = read_cameras(multiview / "calibration" / "Calib_qualisys.toml")
    assert list(ours) == list(theirs) == ["cam_01", "cam_02", "cam_03", "cam_04"]
    print("\ncamera   centre mm   as pinholes px   with lenses px (max in the picture)")
    for name, camera in ours.items():
        other = theirs[name]
        assert camera.size_px == other.size_px == (1088, 1920)
        grid = np.stack(np.meshgrid(np.linspace(0, 1087, 30), np.linspace(0, 1919, 50)), axis=-1)
        pinhole = other.pinhole().project(camera.pinhole().back_project(grid, 3000.0)) - grid
        lens = np.linalg.norm(other.project(camera.back_project(grid, 3000.0)) - grid, axis=-1)
        apart = np.abs(camera.centre_mm - other.centre_mm).max()
        print(f"{name}   {apart:.1e}     {np.abs(pinhole).max():.1e}          {lens.max():.2f}")
        assert apart < 1e-6
        assert np.abs(pinhole).max() < 1e-6
        ratio = np.array(camera.distortion.coefficients[:4]) / other.distortion.coefficients
        np.testing.assert_allclose(ratio, 64, rtol=1e-9)


def test_the_folder_with_both_says_which_file_to_name(multiview):
    with pytest.raises(CaptureError, match=r"cam_01 stands in Calib.qca.txt and in Calib_qualisys.toml.*capture.toml"):
        read_cameras(multiview / "calibration")


def test_the_narrower_videos_are_fitted_with_a_warning(cameras):
    with pytest.warns(ViodatWarning, match="camera cam_01: its video is 1080 x 1920 px but it was calibrated at 1088"):
        fitted = cameras[0].fitted_to((1080, 1920))
    assert fitted.size_px == (1080, 1920)
    assert cameras[2].fitted_to((1088, 1920)) is cameras[2]
