"""PoseWindows against the streams it is cut from."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import viodat
from viodat import PoseWindows
from viodat.errors import DatasetError

NS = 1e9


def _window(windows: PoseWindows, recording: str, number: int = 0) -> dict:
    indices = [i for i, (span, _) in enumerate(windows._windows) if span.recording == recording]
    return windows[indices[number]]


@pytest.mark.parametrize("rate_hz", [25.0, 30.0, 60.0])
def test_truth_is_the_truth_at_the_grids_own_times(demo_out, rate_hz):
    ds = viodat.open_dataset(demo_out)
    item = _window(PoseWindows(ds, frames=40, rate_hz=rate_hz, pose2d="projected"), "P04C01T01")
    motion, camera = ds.motion("P04T01"), ds.camera("P04C01T01")
    times = item["start_ns"] + np.arange(40) / rate_hz * NS
    world = camera.to_world(item["pose3d"].double().numpy())
    for joint in range(18):
        straight = np.stack(
            [np.interp(times, motion.time_ns, motion.joints_mm[:, joint, axis]) for axis in range(3)], -1
        )
        known = np.isfinite(world[:, joint]).all(-1) & np.isfinite(straight).all(-1)
        assert known.sum() > 20
        # The oracle is a straight line between 100 Hz samples: up to 0.2 mm from the curve at 14 m/s².
        assert np.abs(world[:, joint] - straight)[known].max() < 0.3
    pixels = camera.project(world)
    assert np.nanmax(np.abs(pixels - item["pose2d"].numpy())) < 0.01


def test_detections_lie_between_those_of_the_frames_around(demo_out):
    ds = viodat.open_dataset(demo_out)
    item = _window(PoseWindows(ds, frames=60, rate_hz=50.0), "P04C01T01")
    video = ds.video("P04C01T01")
    times = item["start_ns"] + np.arange(60) / 50.0 * NS
    after = np.searchsorted(video.time_ns, times)
    for t, k in zip(range(60), after, strict=True):
        if not 0 < k < len(video.time_ns):
            continue
        pair = video.detected_px[k - 1 : k + 1]
        found = item["pose2d"][t].numpy()
        both = np.isfinite(pair).all((0, 2))
        assert (found[both] >= pair.min(0)[both] - 1e-3).all()
        assert (found[both] <= pair.max(0)[both] + 1e-3).all()
        assert np.isnan(found[~both]).any(-1).all() or np.isclose(video.time_ns[k], times[t], atol=2e3)


def test_audio_rows_start_at_the_windows_first_instant(demo_out):
    ds = viodat.open_dataset(demo_out)
    windows = PoseWindows(ds, frames=30, hop_s=0.5)
    track = ds.audio("P04C01T01")
    for number in range(3):
        item = _window(windows, "P04C01T01", number)
        first = int(np.argmin(np.abs(track.time_ns - item["start_ns"])))
        assert abs(track.time_ns[first] - item["start_ns"]) <= 5.1e6
        np.testing.assert_array_equal(item["audio"].numpy(), track.features[first : first + 100])


def test_windows_cover_a_recording_and_the_last_is_padded(demo_out):
    ds = viodat.open_dataset(demo_out)
    windows = PoseWindows(ds, frames=50, hop_s=1.0)
    starts = [(span, first) for span, first in windows._windows if span.recording == "P04C01T01"]
    span = starts[0][0]
    assert starts[-1][1] + 50 >= span.points
    assert starts[-2][1] + 50 < span.points
    last = _window(windows, "P04C01T01", len(starts) - 1)
    beyond = starts[-1][1] + 50 - span.points
    assert beyond > 0
    assert torch.isnan(last["pose3d"][-beyond:]).all()
    assert not last["valid"][-beyond:].any()


def test_a_window_longer_than_the_recording_is_one_padded_window(demo_out):
    windows = PoseWindows(demo_out, frames=1000)
    assert len([1 for span, _ in windows._windows if span.recording == "P04C01T01"]) == 1
    assert not windows[0]["valid"][500:].any()


def test_valid_says_where_both_poses_are(demo_out):
    for item in PoseWindows(demo_out, frames=60):
        both = torch.isfinite(item["pose2d"]).all(-1) & torch.isfinite(item["pose3d"]).all(-1)
        assert torch.equal(item["valid"], both)
        assert item["pose2d"].dtype == item["pose3d"].dtype == item["audio"].dtype == torch.float32


def test_batches_with_workers_are_those_without(demo_out):
    windows = PoseWindows(demo_out, frames=60)
    with_workers = list(DataLoader(windows, batch_size=2, num_workers=2))
    without = list(DataLoader(windows, batch_size=2))
    assert len(with_workers) == len(without)
    for a, b in zip(with_workers, without, strict=True):
        assert a["recording"] == b["recording"]
        torch.testing.assert_close(a["pose3d"], b["pose3d"], equal_nan=True)


def test_a_small_cache_gives_the_same(demo_out):
    whole, small = (PoseWindows(demo_out, frames=60, cache_mb=mb) for mb in (256, 0.2))
    for i in (len(whole) - 1, 0, len(whole) // 2, 0):
        torch.testing.assert_close(whole[i]["pose3d"], small[i]["pose3d"], equal_nan=True)


def test_splits_share_no_participant(demo_out):
    people = {
        split: {item["recording"][:3] for item in PoseWindows(demo_out, split=split, frames=60, audio=None)}
        for split in ("train", "test")
    }
    assert people == {"train": {"P04"}, "test": {"P05"}}


def test_without_audio_there_is_no_such_key(demo_out):
    assert "audio" not in PoseWindows(demo_out, audio=None)[0]


def test_a_rate_that_was_not_built_names_the_option(demo_out):
    with pytest.raises(DatasetError, match="--audio-rate 300"):
        PoseWindows(demo_out, audio="features300")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": "trian"}, "split: expected one of 'train', 'validation', 'test', None, but got 'trian'"),
        ({"pose2d": "mediapipe"}, "pose2d: expected one of"),
        ({"audio": "features44"}, "audio: expected one of"),
        ({"frames": 0}, "frames: expected a whole number of at least 1, but got 0"),
        ({"hop_s": 0}, "hop_s: expected a finite number above 0, but got 0"),
    ],
)
def test_wrong_arguments(demo_out, wrong, message):
    with pytest.raises(ValueError, match=message):
        PoseWindows(demo_out, **wrong)


def test_an_empty_split_says_what_is_there(demo_out):
    with pytest.raises(DatasetError, match=r"no trial is in split 'validation' \(there are: train 2, test 2\)"):
        PoseWindows(demo_out, split="validation")
