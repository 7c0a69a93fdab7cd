"""VioDat v1.0 in its published layout becomes a dataset whose numbers are the release's, and whose gaps are said."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

import viodat
from tests.unit.dataset.hostile import Calls, Plain
from tests.unit.dataset.published import FPS, SECONDS, Release, camera, joints_at, turned
from viodat.audio import log_mel_spectrogram
from viodat.dataset.importers import ImportOptions, import_published, viodat_v1_arrays
from viodat.dataset.importers.viodat_v1_facts import LEFT_OUT, TEST, TRAIN
from viodat.errors import CaptureError, ConfigError, DatasetError
from viodat.joints import JOINTS

SHARED = (1, 2, 3, 4, 5, 7, 8, 9, 10, 11)


def imported(release: Release, folder, **options):
    """The dataset of a release, and what the importer said."""
    file = release.write(folder)
    result = import_published("viodat-v1", file, folder / "out", ImportOptions(**options))
    return viodat.open_dataset(folder / "out"), result


def row_of(dataset, recording):
    return next(row for row in dataset.rows("recordings") if row["recording"] == recording)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The usual release with all rates of sound: read only."""
    return imported(Release(), tmp_path_factory.mktemp("plain"), audio_rates_hz=(30, 100, 300))


def test_it_is_a_whole_dataset(plain):
    dataset, result = plain
    assert dataset.verify().ok
    assert (result.trials, result.recordings, result.unsynchronised) == (2, 3, 0)
    assert result.exclusions == ()
    assert list(dataset.trials["trial"]) == ["P04T01", "P05T02"]
    assert list(dataset.trials["split"]) == ["train", "test"]
    assert list(dataset.recordings["device"]) == ["C01", "C02", "C01"]
    assert list(dataset.recordings["status"]) == ["built"] * 3


def test_truth_is_the_releases(plain):
    dataset, _ = plain
    motion = dataset.motion("P04T01")
    np.testing.assert_allclose(motion.joints_mm, joints_at(motion.time_ns / 1e9, 401), atol=1e-3)
    assert motion.valid.all()
    for values in (motion.sigma_mm, motion.velocity_mm_s, motion.acceleration_mm_s2, motion.angles_rad):
        assert np.isnan(values).all()
    for recording in ("P04C01T01", "P04C02T01"):
        video, true = dataset.video(recording), camera(recording[3:6])
        world = joints_at(np.arange(len(video.pts)) / FPS, 401)
        np.testing.assert_array_equal(video.time_ns, np.rint(np.arange(len(world)) / FPS * 1e9))
        np.testing.assert_allclose(video.pose2d_px, true.project(world), atol=1e-3)
        np.testing.assert_allclose(video.pose3d_mm, true.to_camera(world), atol=0.05)
        np.testing.assert_allclose(video.detected_px, video.pose2d_px, atol=20)
        assert np.isnan(video.confidence).all()


def test_cameras_are_found_from_the_poses(plain):
    dataset, _ = plain
    for recording in ("P04C01T01", "P04C02T01", "P05C01T02"):
        found, true = dataset.camera(recording), camera(recording[3:6])
        np.testing.assert_allclose(found.matrix, true.matrix, atol=0.05)
        np.testing.assert_allclose(found.centre_mm, true.centre_mm, atol=0.5)
        assert "fitted" in found.notes[0]
    assert len(dataset.cameras) == 0


def test_sound_is_the_releases(plain):
    dataset, _ = plain
    for rate, true_rate in ((30, FPS), (100, 100), (300, 300)):
        track = dataset.audio("P04C02T01", rate)
        assert track.features.shape[1] == 35
        np.testing.assert_array_equal(track.features[:, 0], np.arange(len(track.features)))
        np.testing.assert_allclose(track.time_ns / 1e9, np.arange(len(track.features)) / true_rate, atol=1e-8)
    track = dataset.audio("P04C02T01")
    assert np.isnan(track.f0_hz).all()
    sound, rate = soundfile.read(dataset.path / "waveform" / "P04C02T01.flac")
    assert rate == 8000
    np.testing.assert_array_equal(
        track.log_mel_db, log_mel_spectrogram(sound.astype(np.float32), 8000).levels_db[: len(track.features)]
    )
    np.testing.assert_allclose(sound, 0.5 * np.sin(np.arange(len(sound)) / 5), atol=1e-4)


def test_windows_are_those_of_the_truth(plain):
    dataset, _ = plain
    windows = viodat.PoseWindows(dataset, split="train", frames=60, pose2d="projected")
    assert {item["recording"] for item in windows} == {"P04C01T01", "P04C02T01"}
    for item in windows:
        true = camera(item["recording"][3:6])
        times = item["start_ns"] / 1e9 + np.arange(60) / 30
        inside = times <= (int(SECONDS * FPS) - 1) / FPS + 1e-9
        world = joints_at(times, 401)
        assert item["valid"][inside].all()
        np.testing.assert_allclose(item["pose3d"][inside], true.to_camera(world)[inside], atol=0.3)
        np.testing.assert_allclose(item["pose2d"][inside], true.project(world)[inside], atol=0.1)
        rows = item["audio"][:50, 0].numpy()
        np.testing.assert_allclose(rows, item["start_ns"] / 1e7 + np.arange(50), atol=0.51)
    assert len(viodat.PoseWindows(dataset, split="test", frames=60)) > 0


def test_the_card_says_whose_it_is_and_what_is_missing(plain):
    dataset, _ = plain
    card = (dataset.path / "README.md").read_text()
    for word in ("non-commercial", "may not be redistributed", "WACV", "Calibration", "Time stamps", "Participants",
                 "a camera was fitted for 3 of 3 recordings", "SHA-256"):  # fmt: skip
        assert word in card
    assert set(dataset.info["imported"]["files_sha256"]) == {"mmViolin_v1.0.npz", "mmViolin_v1.0_audio.npz"}
    assert dataset.participants[["sex", "consent", "level"]].isna().all().all()


def test_the_same_release_gives_the_same_bytes(plain, tmp_path):
    dataset, _ = plain
    again, _ = imported(Release(), tmp_path, audio_rates_hz=(30, 100, 300))
    # The archives bear the time at which they were written.
    differ = {"dataset.json", "README.md", "manifest.json"}
    for file in (path for path in dataset.path.rglob("*") if path.is_file() and path.name not in differ):
        assert (again.path / file.relative_to(dataset.path)).read_bytes() == file.read_bytes(), file


@pytest.mark.parametrize("own_frames", [False, True])
def test_a_camera_that_starts_late_is_found_by_its_poses(tmp_path, own_frames):
    """Whether the release's 3D poses are in one frame or in each camera's own."""
    late = Release({"P04C01T01": 0.0, "P04C02T01": 0.7337, "P04C07T01": 1.2}, own_frames=own_frames)
    dataset, _ = imported(late, tmp_path)
    for recording, start_s in late.recordings.items():
        row = row_of(dataset, recording)
        assert row["offset_s"] == pytest.approx(start_s, abs=2e-4)
        video = dataset.video(recording)
        world = joints_at(start_s + np.arange(len(video.pts)) / FPS, 401)
        np.testing.assert_allclose(video.pose3d_mm, camera(recording[3:6]).to_camera(world), atol=0.1)
        # The camera stands in the trial's frame: it draws the trial's motion where the release has its pixels.
        motion = dataset.motion("P04T01").joints_mm[round(start_s * 100) + 100]
        drawn = dataset.camera(recording).project(motion)
        near = video.pose2d_px[np.argmin(np.abs(video.time_ns / 1e9 - (round(start_s * 100) + 100) / 100))]
        assert np.abs(drawn - near).max() < 15
        true = camera(recording[3:6]).project(joints_at([(round(start_s * 100) + 100) / 100], 401)[0])
        np.testing.assert_allclose(drawn, true, atol=0.5)


def test_a_lens_is_found_where_there_is_one(tmp_path):
    dataset, _ = imported(Release({"P04C01T01": 0.0}, lens=True, fps=29.97), tmp_path)
    found = dataset.camera("P04C01T01")
    assert found.distortion.coefficients[0] == pytest.approx(-0.08, abs=1e-3)
    np.testing.assert_allclose(found.matrix, camera("C01").matrix, atol=1)
    assert row_of(dataset, "P04C01T01")["time_base"] == "100/2997"


def test_poses_of_another_trial_have_no_clock(tmp_path):
    release = Release({"P04C01T01": 0.0, "P04C02T01": 0.0})
    other = Release({"P04C02T09": 0.0})
    for key in ("kp_optim_3d_vid", "kp_optim_2d_vid"):
        release.pose[key]["P04C02T01"] = other.pose[key]["P04C02T09"]
    dataset, result = imported(release, tmp_path)
    assert result.unsynchronised == 1
    assert row_of(dataset, "P04C02T01")["status"] == "unsynchronised"
    assert dataset.video("P04C02T01").time_ns is None
    (exclusion,) = result.exclusions
    assert exclusion["stage"] == "clocks"
    assert exclusion["value"] > exclusion["limit"] == 5.0
    assert {item["recording"] for item in viodat.PoseWindows(dataset)} == {"P04C01T01"}


def test_the_nine_recordings_are_left_out_with_the_reason(tmp_path):
    """One of a trial, and all four of another: then the trial goes too."""
    kept = {"P05C02T28": 0.0, "P04C01T01": 0.0}
    gone = ("P05C01T28", "P08C01T23", "P08C02T23", "P08C07T23", "P08C08T23")
    assert set(gone) <= LEFT_OUT
    assert len(LEFT_OUT) == 9
    dataset, result = imported(Release({**kept, **dict.fromkeys(gone, 0.0)}), tmp_path)
    reasons = {row["recording"]: row["reason"] for row in result.exclusions if row["recording"]}
    assert set(reasons) == set(gone)
    assert all("left out by hand" in reason for reason in reasons.values())
    states = dict(zip(dataset.trials["trial"], dataset.trials["status"], strict=True))
    assert states == {"P04T01": "built", "P05T28": "built", "P08T23": "excluded"}
    with pytest.raises(DatasetError, match="left out by hand"):
        dataset.video("P05C01T28")
    with pytest.raises(DatasetError, match="all of its recordings"):
        dataset.motion("P08T23")
    assert not [path for path in dataset.path.rglob("*") if path.stem in gone]
    card = (dataset.path / "README.md").read_text()
    assert f"- {', '.join(sorted(gone))}: left out by hand" in card


@pytest.mark.parametrize("count", [14, 17])
def test_older_joints_are_taken_where_they_are_the_same(tmp_path, count):
    """Toes are no ankles and marks on the hand are no fingers: those joints are missing, not moved."""
    release = Release({"P04C01T01": 0.0})
    for key in ("kp_optim_3d_vid", "kp_optim_2d_vid", "kp_optim_3d", "mediapipe_2d"):
        release.pose[key] = {name: values[:, :count] for name, values in release.pose[key].items()}
    dataset, _ = imported(release, tmp_path)
    video = dataset.video("P04C01T01")
    there = np.isin(np.arange(len(JOINTS)), SHARED)
    assert (video.valid == there).all()
    assert (np.isfinite(video.detected_px).all(-1) == there).all()
    np.testing.assert_allclose(
        video.pose2d_px[:, there], release.pose["kp_optim_2d_vid"]["P04C01T01"][:, SHARED], atol=1e-3
    )
    assert any(f"{count} joints" in note for note in row_of(dataset, "P04C01T01")["notes"])
    methods = dataset.rows("trials")[0]["joint_methods"]
    assert [method is not None for method in methods] == there.tolist()


def test_openpose_is_taken_joint_by_joint(tmp_path):
    release = Release({"P04C01T01": 0.0})
    release.pose["openpose_2d"]["P04C01T01"][3] = []
    dataset, _ = imported(release, tmp_path, keypoints="openpose")
    video = dataset.video("P04C01T01")
    pixels = release.pose["kp_optim_2d_vid"]["P04C01T01"]
    seen = np.arange(len(pixels)) != 3
    for joint, confidence in ((11, 0.8), (0, 0.7)):
        np.testing.assert_allclose(video.detected_px[seen, joint], pixels[seen, joint], atol=1e-3)
        np.testing.assert_allclose(video.confidence[seen, joint], confidence, atol=1e-6)
    assert np.isnan(video.detected_px[3]).all()
    assert np.isnan(video.detected_px[:, [1, 2, 6, 12]]).all()
    assert row_of(dataset, "P04C01T01")["keypoints"] == "openpose_2d"


def test_without_100_hz_motion_is_at_the_rate_of_the_video(tmp_path):
    release = Release({"P04C01T01": 0.0, "P04C02T01": 0.5})
    del release.pose["kp_optim_3d"]
    dataset, result = imported(release, tmp_path)
    trial = dataset.rows("trials")[0]
    assert trial["rate_hz"] == FPS
    assert any("no kp_optim_3d" in note for note in result.notes)
    assert row_of(dataset, "P04C02T01")["offset_s"] == pytest.approx(0.5, abs=2e-3)
    assert len(viodat.PoseWindows(dataset, frames=30)) > 0


def test_metres_become_millimetres_and_other_units_are_refused(tmp_path):
    for scale, folder in ((1e-3, "m"), (0.1, "cm")):
        release = Release({"P04C01T01": 0.0})
        for key in ("kp_optim_3d_vid", "kp_optim_3d"):
            release.pose[key] = {name: values * scale for name, values in release.pose[key].items()}
        (tmp_path / folder).mkdir()
        if folder == "m":
            dataset, result = imported(release, tmp_path / folder)
            np.testing.assert_allclose(dataset.motion("P04T01").joints_mm[0], joints_at([0.0], 401)[0], atol=0.01)
            assert any("in m;" in note for note in result.notes)
        else:
            with pytest.raises(CaptureError, match="unit of kp_optim_3d_vid is unknown"):
                imported(release, tmp_path / folder)


def test_a_recording_in_another_unit_than_the_others_is_left_out(tmp_path):
    release = Release({"P04C01T01": 0.0, "P04C02T01": 0.0, "P05C01T02": 0.0})
    release.pose["kp_optim_3d_vid"]["P04C02T01"] = release.pose["kp_optim_3d_vid"]["P04C02T01"] / 1000
    _, result = imported(release, tmp_path)
    (exclusion,) = result.exclusions
    assert exclusion["recording"] == "P04C02T01"
    assert "its trunk is 0.4" in exclusion["reason"]


def test_poses_round_their_own_root_give_no_camera(tmp_path):
    """3D that was centred on the pelvis cannot be where the pixels are: no camera is made up."""
    release = Release({"P04C01T01": 0.0})
    for key in ("kp_optim_3d_vid", "kp_optim_3d"):
        values = release.pose[key]["P04C01T01"] @ turned(0)
        sway = 400 * np.sin(np.arange(len(values)) / len(values) * 9)[:, None, None] * [1.0, 1.0, 0.0]
        release.pose[key]["P04C01T01"] = values + sway
    dataset, _ = imported(release, tmp_path)
    row = row_of(dataset, "P04C01T01")
    assert not row["calibrated"]
    assert dataset.camera("P04C01T01") is None
    assert np.isnan(dataset.video("P04C01T01").pose3d_mm).all()
    assert any("no camera" in note for note in row["notes"])


def test_one_bad_recording_costs_itself(tmp_path):
    release = Release({"P04C01T01": 0.0, "P04C02T01": 0.0, "P05C01T02": 0.0, "P05C02T02": 0.0, "P06C01T01": 0.0})
    release.pose["kp_optim_3d_vid"]["P04C02T01"] = [np.zeros((18, 3)), np.zeros((17, 3))]
    release.pose["kp_optim_2d_vid"]["P05C01T02"] = "lost"
    release.pose["kp_video_fps"]["P05C02T02"] = 0
    release.pose["kp_optim_2d_vid"]["P06C01T01"] = release.pose["kp_optim_2d_vid"]["P06C01T01"][:-7]
    dataset, result = imported(release, tmp_path)
    reasons = {row["recording"] or row["trial"]: row["reason"] for row in result.exclusions}
    assert "frames of different shapes" in reasons["P04C02T01"]
    assert "is a str" in reasons["P05C01T02"]
    assert "rate of its video" in reasons["P05C02T02"]
    assert "P05T02" in reasons
    assert len(dataset.video("P06C01T01").pts) == int(SECONDS * FPS) - 7
    assert any("173 to 180 frames" in note for note in row_of(dataset, "P06C01T01")["notes"])


def test_without_sound(tmp_path):
    file = Release({"P04C01T01": 0.0}).write(tmp_path)
    (tmp_path / "mmViolin_v1.0_audio.npz").rename(tmp_path / "elsewhere.npz")
    result = import_published("viodat-v1", file, tmp_path / "silent")
    assert any("no sound" in note for note in result.notes)
    dataset = viodat.open_dataset(tmp_path / "silent")
    assert np.isfinite(viodat.PoseWindows(dataset, audio=None, frames=30)[0]["pose3d"].numpy()).all()
    import_published("viodat-v1", file, tmp_path / "heard", ImportOptions(audio=tmp_path / "elsewhere.npz"))
    assert len(viodat.open_dataset(tmp_path / "heard").audio("P04C01T01").features) == 600


def test_validation_is_whole_trials_of_training(tmp_path):
    names = [f"P{person:02d}C01T{take:02d}" for person in (4, 6, 5) for take in range(1, 6)]
    release = Release(dict.fromkeys(names, 0.0))
    release.sound = {"audio_data_100FPS": release.sound["audio_data_100FPS"]}
    dataset, _ = imported(release, tmp_path)
    splits = dataset.trials.groupby("split")["participant"].unique()
    assert set(splits["test"]) == {"P05"}
    assert (dataset.trials["split"] == "validation").sum() == 1
    assert {"P05"} <= TEST
    assert not TEST & TRAIN


def hostile(release: Release, where: str, what) -> Release:
    release.pose[where]["P04C01T01"] = what
    return release


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (Calls(os.system, "touch ran"), r"kp_optim_3d_vid would load posix\.system"),
        (Calls(eval, "open('ran', 'w')"), r"kp_optim_3d_vid would load builtins\.eval"),
        (Plain(), r"kp_optim_3d_vid would load tests\.unit\.dataset\.hostile\.Plain"),
        (np.array([Plain(), np.eye(2)], object), r"kp_optim_3d_vid would load tests\.unit"),
    ],
)
def test_a_hostile_release_is_refused_in_one_line(tmp_path, monkeypatch, what, says):
    monkeypatch.chdir(tmp_path)
    release = Release({"P04C01T01": 0.0})
    with pytest.raises(CaptureError, match=says) as caught:
        imported(hostile(release, "kp_optim_3d_vid", what), tmp_path)
    assert str(caught.value).startswith("mmViolin_v1.0.npz: ")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_hostile_sound_is_refused_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    release = Release({"P04C01T01": 0.0})
    release.sound["audio_raw"]["P04C01T01"] = Calls(os.system, "touch ran")
    with pytest.raises(CaptureError, match=r"audio_raw would load posix\.system"):
        imported(release, tmp_path)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize("name", ["../../P04C01T01", "P04C01T01/../x", "P04C01T01\n", "", 7])
def test_recordings_whose_names_are_paths_are_refused(tmp_path, name):
    release = Release({"P04C01T01": 0.0})
    release.pose["kp_optim_3d_vid"][name] = np.zeros((2, 18, 3))
    with pytest.raises(CaptureError, match="expected ids like P05C01T28"):
        imported(release, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".npz"] == []


def test_the_limit_is_held_and_can_be_raised(tmp_path):
    with pytest.raises(CaptureError, match=r"unpacks to .* GiB; the limit is .*--limit-gib"):
        imported(Release({"P04C01T01": 0.0}), tmp_path, limit_gib=1e-5)
    assert imported(Release({"P04C01T01": 0.0}), tmp_path, limit_gib=0.1)[1].trials == 1


def test_one_array_under_many_names_is_counted_as_often(tmp_path):
    """2 MB in the file, 60 MB as arrays."""
    release = Release({"P04C01T01": 0.0})
    long = np.zeros((5000, 18, 3))
    release.pose["kp_optim_3d_vid"] = {f"P04C01T{take:02d}": long for take in range(60)}
    with pytest.raises(CaptureError, match="kp_optim_3d_vid takes more than .* of memory"):
        imported(release, tmp_path, limit_gib=0.02)


def test_frames_that_share_an_array_end(monkeypatch):
    monkeypatch.setattr(viodat_v1_arrays, "_MOST_NUMBERS", 1000)
    with pytest.raises(ValueError, match="more than any recording"):
        viodat_v1_arrays.frames_of([np.zeros((18, 3))] * 20)
    assert viodat_v1_arrays.frames_of([np.zeros((18, 3))] * 18).shape == (18, 18, 3)


@pytest.mark.parametrize("itself", [False, True])
def test_lists_of_lists_are_frames_only_if_they_are_numbers(itself):
    frames = np.arange(108.0).reshape(2, 18, 3).tolist()
    if itself:
        frames[1] = frames
        with pytest.raises(ValueError, match="no array of numbers"):
            viodat_v1_arrays.frames_of(frames)
    else:
        np.testing.assert_array_equal(viodat_v1_arrays.frames_of(frames), frames)


def test_truth_of_a_real_precision(tmp_path):
    """Pixels rounded to whole ones and poses taken from the nearest mocap frame: clocks and cameras still hold."""
    release = Release({"P04C01T01": 0.0, "P04C02T01": 0.4})
    for name, start_s in release.recordings.items():
        count = len(release.pose["kp_optim_3d_vid"][name])
        nearest = np.rint((start_s + np.arange(count) / FPS) * 100) / 100
        release.pose["kp_optim_3d_vid"][name] = joints_at(nearest, 401)
        release.pose["kp_optim_2d_vid"][name] = np.rint(release.pose["kp_optim_2d_vid"][name])
    dataset, result = imported(release, tmp_path)
    assert result.unsynchronised == 0
    for name, start_s in release.recordings.items():
        assert row_of(dataset, name)["offset_s"] == pytest.approx(start_s, abs=1e-3)
        found, true = dataset.camera(name), camera(name[3:6])
        world = joints_at(start_s + np.arange(100) / FPS, 401)
        assert np.abs(found.project(world) - true.project(world)).mean() < 0.5
        assert np.linalg.norm(found.centre_mm - true.centre_mm) < 60
        assert any("the camera was fitted" in note for note in row_of(dataset, name)["notes"])


def _all_nan(values):
    return np.full_like(values, np.nan)


def _still(values):
    return np.repeat(values[:1], len(values), axis=0)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("kp_optim_3d_vid", _all_nan),
        ("kp_optim_3d_vid", lambda values: values[:1]),
        ("kp_optim_3d_vid", lambda values: values[:0]),
        ("kp_optim_3d_vid", _still),
        ("kp_optim_3d_vid", lambda values: values * 1e30),
        ("kp_optim_3d_vid", lambda values: np.full_like(values, np.inf)),
        ("kp_optim_3d_vid", lambda values: values * [1.0, 0.0, 0.0]),
        ("kp_optim_2d_vid", _all_nan),
        ("kp_optim_2d_vid", lambda values: values[:0]),
        ("kp_optim_2d_vid", lambda values: -values),
        ("kp_optim_2d_vid", lambda values: np.ones_like(values)),
        ("kp_optim_3d", _all_nan),
        ("kp_optim_3d", lambda values: values[:1]),
        ("kp_optim_3d", lambda values: values[:0]),
        ("kp_optim_3d", _still),
        ("mediapipe_2d", _all_nan),
        ("mediapipe_2d", lambda values: values * 1e-300),
        ("mediapipe_2d", lambda values: values[:0]),
        ("mediapipe_2d", lambda values: None),
        ("kp_video_fps", lambda value: np.array([29.97])),
        ("kp_video_fps", lambda value: "30"),
        ("kp_video_fps", lambda value: np.nan),
    ],
)
def test_numbers_that_say_nothing_cost_at_most_their_recording(tmp_path, key, change):
    """The other recordings stay as they were, and what is written can be read; nothing is made up."""
    release = Release({"P04C01T01": 0.0, "P06C01T01": 0.0})
    release.pose[key]["P06C01T01"] = change(release.pose[key]["P06C01T01"])
    dataset, _ = imported(release, tmp_path)
    assert dataset.verify().ok
    row = row_of(dataset, "P04C01T01")
    assert (row["status"], row["calibrated"]) == ("built", True)
    assert len(dataset.motion("P04T01").time_ns) == 601
    other = row_of(dataset, "P06C01T01")
    if other["status"] != "excluded":
        video = dataset.video("P06C01T01")
        assert len(video.pts) == other["frames"]
        assert not np.isinf(video.pose2d_px).any()
        assert (dataset.camera("P06C01T01") is not None) == other["calibrated"]
        dataset.motion("P06T01")
    assert len(viodat.PoseWindows(dataset, split=None, frames=30, pose2d="projected")) > 0


def test_other_files_are_told(tmp_path):
    np.savez(tmp_path / "other.npz", images=np.zeros(3))
    with pytest.raises(CaptureError, match=r"has no kp_optim_3d_vid, so it is not VioDat v1\.0; it has images"):
        import_published("viodat-v1", tmp_path / "other.npz", tmp_path / "out")
    with pytest.raises(CaptureError, match="there is no such file"):
        import_published("viodat-v1", tmp_path / "none.npz", tmp_path / "out")
    file = Release({"P04C01T01": 0.0}).write(tmp_path)
    with pytest.raises(CaptureError, match=r"has none of audio_data.*not the sound"):
        import_published("viodat-v1", file, tmp_path / "out", ImportOptions(audio=file))
    with pytest.raises(ConfigError, match="is not empty"):
        import_published("viodat-v1", file, tmp_path)
    with pytest.raises(ConfigError, match="no importer called 'viodat'.*viodat-v1"):
        import_published("viodat", file, tmp_path / "new")


@pytest.mark.parametrize("options", [{"audio_rates_hz": (44,)}, {"keypoints": "yolo"}, {"limit_gib": 0}])
def test_options_that_are_none(options):
    with pytest.raises(ConfigError, match="expected"):
        ImportOptions(**options)


def test_the_code_of_the_how_to_page_runs(tmp_path, capsys):
    page = Path(__file__).parents[3] / "docs" / "how-to" / "import-published-data.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names = {"release": Release().write(tmp_path), "out": tmp_path / "out"}
    exec(compile("\n".join(blocks), page.name, "exec"), names)
    assert len(names["windows"]) > 0
    assert "Calibration" in capsys.readouterr().out


def test_a_sound_without_an_audio_frame_is_no_sound(tmp_path):
    release = Release({"P04C01T01": 0.0, "P04C02T01": 0.0})
    del release.sound["audio_data_100FPS"]["P04C02T01"]
    dataset, result = imported(release, tmp_path)
    assert [path.name for path in (dataset.path / "waveform").iterdir()] == ["P04C01T01.flac"]
    with pytest.raises(DatasetError, match="has no audio"):
        dataset.audio("P04C02T01")
    assert "without sound: P04C02T01" in result.notes


def test_without_waveforms_there_are_no_spectrograms(tmp_path):
    release = Release({"P04C01T01": 0.0})
    del release.sound["audio_raw"]
    dataset, _ = imported(release, tmp_path)
    assert np.isnan(dataset.audio("P04C01T01").log_mel_db).all()
