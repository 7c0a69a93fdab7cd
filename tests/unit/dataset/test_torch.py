"""PoseWindows on a dataset whose every value is known."""

import pickle

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tests.unit.dataset.small import camera, joints_at, write_dataset
from viodat.dataset import schema
from viodat.dataset.grid import SoundRows, span_of
from viodat.dataset.tables import write_rows
from viodat.dataset.torch import PoseWindows, _starts
from viodat.errors import DatasetError


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One trial of 150 frames at exactly 30 fps, two cameras of which one has keypoints; read only."""
    return write_dataset(tmp_path_factory.mktemp("small"), keypoints=(True, False))


def test_a_recording_of_exactly_150_frames_at_30_fps_has_150_grid_points(small):
    windows = PoseWindows(small, frames=150)
    assert len(windows) == 1
    item = windows[0]
    assert item["valid"].all()
    world = joints_at(np.arange(150) / 30)
    np.testing.assert_allclose(item["pose3d"], camera().to_camera(world), atol=1e-3)
    np.testing.assert_allclose(item["pose2d"], camera().project(world), atol=1e-3)


@pytest.mark.parametrize("offset_ns", [0.0, 0.6, 123_456_788.6, 40_000_000_000.7])
@pytest.mark.parametrize("rate_hz", [25.0, 29.97, 30.0, 60.0])
def test_rounding_of_the_stamps_costs_no_grid_point(offset_ns, rate_hz):
    recording = {
        "recording": "P04C01T01",
        "trial": "P04T01",
        "first_frame_ns": round(offset_ns),
        "last_frame_ns": round(offset_ns + 149 / rate_hz * 1e9),
        "width_px": 1280,
        "height_px": 720,
        "audio_rate_hz": None,
    }
    trial = {"start_ns": 0, "frames": 6000, "rate_hz": 100.0}
    assert span_of(recording, trial, rate_hz).points == 150


def test_audio_rows_follow_the_stored_times_of_a_drifting_clock(tmp_path):
    """At 20,000 ppm the rows of a 6 s sound are 0.12 s, twelve rows, from where the first one and the rate say."""
    drift = 20_000
    windows = PoseWindows(write_dataset(tmp_path, drift_ppm=drift), frames=30, hop_s=1.0)
    for item in windows:
        wanted_s = item["start_ns"] / 1e9 + np.arange(100) / 100
        row_s = item["audio"][:, 0].double().numpy() / 100 * (1 + drift * 1e-6)
        assert np.abs(row_s - wanted_s).max() <= 0.0051 * (1 + drift * 1e-6)


def test_audio_is_nan_further_than_a_row_away():
    rows = SoundRows(np.ones((3, 35), np.float32), np.array([0, 10_000_000, 20_000_000]))
    found = np.isfinite(rows.nearest(-20_000_000, 100.0, 8)[:, 0])
    # Wanted at -20, -10, 0, ... 50 ms; stored 0 to 20 ms, and 10 ms beyond either end.
    assert found.tolist() == [False, True, True, True, True, True, False, False]
    assert np.isnan(SoundRows(np.empty((0, 35), np.float32), np.empty(0, np.int64)).nearest(0, 100.0, 4)).all()


def test_without_keypoints_a_recording_is_left_out_of_detected_windows(small):
    assert {item["recording"] for item in PoseWindows(small)} == {"P04C01T01"}
    assert {item["recording"] for item in PoseWindows(small, pose2d="projected")} == {"P04C01T01", "P04C02T01"}


def test_without_any_keypoints_nothing_is_trained_on(tmp_path):
    out = write_dataset(tmp_path, keypoints=(False,))
    with pytest.raises(
        DatasetError,
        match=r"no recording of split 'train' has detected keypoints\. "
        r"Build with --pose2d mediapipe, or use pose2d='projected'\.",
    ):
        PoseWindows(out)
    assert len(PoseWindows(out, pose2d="projected"))


def test_a_split_without_trials_lists_those_there_are(tmp_path):
    out = write_dataset(tmp_path, splits=("test", "train", "train"), video_frames=5, seconds=1)
    with pytest.raises(DatasetError, match=r"no trial is in split 'validation' \(there are: train 2, test 1\)"):
        PoseWindows(out, split="validation")


def test_a_split_whose_trials_are_excluded_says_so(tmp_path):
    out = write_dataset(tmp_path, splits=("train", "test"), excluded=("P04T02",), video_frames=5, seconds=1)
    with pytest.raises(DatasetError, match="split 'test' has no camera recording .*1 camera recordings: 1 excluded"):
        PoseWindows(out, split="test")
    assert len(PoseWindows(out, split=None)) == 1


def test_a_rate_that_was_not_built_is_refused_before_the_first_window(small):
    with pytest.raises(DatasetError, match="--audio-rate 300"):
        PoseWindows(small, audio="features300")


@pytest.mark.parametrize(
    ("points", "frames", "hop", "padded", "whole"),
    [
        (150, 150, 30.0, [0], [0]),
        (151, 150, 30.0, [0, 30], [0]),
        (100, 150, 30.0, [0], []),
        (10, 4, 2.5, [0, 3, 5, 8], [0, 3, 5]),  # starts at 0, 2.5, 5, 7.5: no drift
        (10, 2, 4.0, [0, 4, 8], [0, 4, 8]),
        (9, 2, 4.0, [0, 4, 8], [0, 4]),
        (8, 2, 5.0, [0, 5], [0, 5]),  # a hop longer than a window leaves frames out
        (3, 1, 1.0, [0, 1, 2], [0, 1, 2]),
    ],
)
def test_where_windows_start(points, frames, hop, padded, whole):
    assert list(_starts(points, frames, hop, pad=True)) == padded
    assert list(_starts(points, frames, hop, pad=False)) == whole


def test_starts_stay_at_the_grid_point_nearest_to_their_time(small):
    """A hop of 0.35 s is 10.5 steps: window 10 starts at 3.5 s, not at ten hops of ten steps."""
    starts = [item["start_ns"] for item in PoseWindows(small, frames=10, hop_s=0.35, last="drop")]
    wanted = np.arange(len(starts)) * 0.35e9
    assert np.abs(np.array(starts) - wanted).max() <= 0.5 / 30 * 1e9 + 2
    assert starts[10] == 3_500_000_000


def test_drop_gives_whole_windows_only_and_says_if_there_are_none(small):
    for item in PoseWindows(small, frames=40, last="drop"):
        assert item["valid"].all()
    assert len(PoseWindows(small, frames=40)) == len(PoseWindows(small, frames=40, last="drop")) + 1
    with pytest.raises(DatasetError, match="as long as a window, 151 frames; the longest has 150"):
        PoseWindows(small, frames=151, last="drop")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": 0}, "frames: expected a whole number of at least 1, but got 0"),
        ({"frames": 1.5}, "frames: expected a whole number"),
        ({"frames": True}, "frames: expected a whole number"),
        ({"rate_hz": float("nan")}, "rate_hz: expected a finite number above 0, but got nan"),
        ({"rate_hz": float("inf")}, "rate_hz: expected a finite number"),
        ({"rate_hz": "30"}, "rate_hz: expected a finite number"),
        ({"hop_s": -1.0}, "hop_s: expected a finite number above 0"),
        ({"hop_s": 0.01}, "hop_s: expected at least a step of the grid, 0.0333333 s, but got 0.01"),
        ({"cache_mb": 0}, "cache_mb: expected a finite number above 0"),
        ({"last": "keep"}, "last: expected one of 'pad', 'drop', but got 'keep'"),
    ],
)
def test_wrong_numbers(small, wrong, message):
    with pytest.raises(ValueError, match=message):
        PoseWindows(small, **wrong)


def test_a_hop_of_one_grid_step_is_allowed(small):
    assert len(PoseWindows(small, frames=np.int64(150), hop_s=1 / 30)) == 1
    assert len(PoseWindows(small, frames=1, hop_s=1 / 30)) == 150


def test_markers_are_read_once_for_the_cameras_of_a_trial(small, monkeypatch):
    windows = PoseWindows(small, pose2d="projected")
    asked = []
    read = windows.dataset.motion_arrays
    monkeypatch.setattr(windows.dataset, "motion_arrays", lambda *args: asked.append(args[0]) or read(*args))
    for _ in range(2):
        assert len(list(windows)) == 2
    assert asked == ["P04T01"]


def test_a_spawned_worker_is_not_sent_what_its_parent_read(small):
    windows = PoseWindows(small)
    before = len(pickle.dumps(windows))
    item = windows[0]
    assert windows._cache.nbytes > 100_000
    sent = pickle.dumps(windows)
    assert len(sent) < before + 20_000
    again = pickle.loads(sent)
    assert again._cache.nbytes == 0
    torch.testing.assert_close(again[0]["pose3d"], item["pose3d"])


def test_windows_are_the_same_whatever_is_kept(small):
    order = [0, 1, 0, 1]
    ample, scant = (PoseWindows(small, pose2d="projected", cache_mb=mb) for mb in (100, 1e-6))
    for index in order:
        torch.testing.assert_close(ample[index]["pose2d"], scant[index]["pose2d"])
    assert scant._cache.nbytes == 0


def test_a_recording_whose_clock_is_uncertain_is_not_trained_on(tmp_path):
    """Its data and times are there; only status keeps it out."""
    folder = write_dataset(tmp_path, keypoints=(True, True))
    rows = pq.ParquetFile(folder / "recordings.parquet").read().to_pylist()
    rows[0]["status"] = schema.STATUS_UNCERTAIN
    write_rows(folder / "recordings.parquet", schema.RECORDINGS, rows)
    windows = PoseWindows(folder, frames=60)
    assert {item["recording"] for item in windows} == {"P04C02T01"}
    assert len(windows.dataset.video("P04C01T01").time_ns)
    rows[1]["status"] = schema.STATUS_UNCERTAIN
    write_rows(folder / "recordings.parquet", schema.RECORDINGS, rows)
    with pytest.raises(DatasetError, match=r"2 camera recordings: 2 uncertain"):
        PoseWindows(folder, frames=60)
