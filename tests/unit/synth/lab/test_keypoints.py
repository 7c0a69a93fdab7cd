from __future__ import annotations

import numpy as np
import pytest

from viodat.pose2d import create_source, to_joints
from viodat.pose2d.layouts import MEDIAPIPE33
from viodat.synth.lab.keypoints import KEYPOINT_FORMATS, LANDMARKS

SIZE = (1280, 720)


@pytest.fixture
def detections():
    """Frames of one moving person; nobody in frame 3, one landmark missing in frame 5."""
    rng = np.random.default_rng(3)
    px = rng.uniform(100, 600, (1, 33, 2)) + np.arange(12)[:, None, None] * 1.5
    confidence = rng.uniform(0.1, 1.0, (12, 33))
    px[3], confidence[3] = np.nan, 0.0
    px[5, 13], confidence[5, 13] = np.nan, 0.0
    pts = np.cumsum(rng.integers(2900, 3100, 12))
    return px, confidence, pts


def test_landmarks_stand_in_mediapipes_order():
    assert MEDIAPIPE33.points == LANDMARKS


@pytest.mark.parametrize("ending", KEYPOINT_FORMATS)
def test_viodat_reads_what_was_written(ending, detections, tmp_path):
    px, confidence, pts = detections
    path = tmp_path / f"P05C01T28.keypoints.{ending}"
    KEYPOINT_FORMATS[ending](path, px, confidence, pts, SIZE)
    read = create_source(ending).read(path).on_frames(pts)
    expected, rated = to_joints(px, confidence, "mediapipe33")
    assert read.pts.tolist() == pts.tolist()
    assert np.array_equal(np.isnan(read.px), np.isnan(expected))
    assert np.nanmax(np.abs(read.px - expected)) < 6e-4
    assert np.nanmax(np.abs(read.confidence - rated)) < 6e-5
    assert np.isnan(read.px[3]).all()
    if ending != "csv":
        assert read.image_size_px == SIZE


@pytest.mark.parametrize("ending", KEYPOINT_FORMATS)
def test_same_detections_same_bytes(ending, detections, tmp_path):
    for name in ("a", "b"):
        KEYPOINT_FORMATS[ending](tmp_path / f"{name}.{ending}", *detections, SIZE)
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
