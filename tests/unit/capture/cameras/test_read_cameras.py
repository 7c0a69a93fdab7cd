"""``read_cameras`` on folders: one file for all, one per camera, the same cameras twice, and nothing at all."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.unit.capture.cameras.samples import OPENCV_LENS, caliscope, opencv, pose2sim, qualisys, room, write_sample
from viodat.capture.cameras import READERS, read_cameras
from viodat.errors import CaptureError, ConfigError


def test_one_file_per_camera_in_a_folder(tmp_path):
    truth = room(["C01", "C02", "C03"], OPENCV_LENS)
    for camera in truth:
        opencv(tmp_path / f"{camera.id}.yml", [camera])
    (tmp_path / "notes.txt").write_text("calibrated on Monday")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "old").mkdir()
    found = read_cameras(tmp_path)
    assert list(found) == ["C01", "C02", "C03"]
    np.testing.assert_allclose(found["C02"].centre_mm, truth[1].centre_mm, atol=1e-6)


def test_different_formats_merge(tmp_path):
    write_sample("vicon_xcp", tmp_path)
    write_sample("opencv", tmp_path)
    assert set(read_cameras(tmp_path)) == {"2110001", "2110002", "2110003", "C01"}


def test_the_same_cameras_in_two_formats_are_merged_with_a_note(tmp_path):
    truth = room(["cam_0", "cam_1"], OPENCV_LENS)
    pose2sim(tmp_path / "Calib.toml", truth)
    caliscope(tmp_path / "camera_array.toml", truth)
    found = read_cameras(tmp_path)
    assert list(found) == ["cam_0", "cam_1"]
    assert found["cam_0"].source == "Calib.toml"
    assert "camera_array.toml states the same camera" in found["cam_0"].notes[-1]


@pytest.mark.parametrize("change", ["moved", "lens", "size"])
def test_two_files_that_disagree_are_refused_with_the_key_to_set(change, tmp_path):
    truth = room(["cam_01", "cam_02"], OPENCV_LENS)
    pose2sim(tmp_path / "a.toml", truth)
    other = truth[1]
    if change == "moved":
        other = type(other)(
            other.id, other.size_px, other.matrix, other.distortion, other.rotation, other.translation_mm + 5
        )
    elif change == "lens":
        lens = type(other.distortion)(tuple(k / 64 for k in OPENCV_LENS.coefficients))
        other = type(other)(other.id, other.size_px, other.matrix, lens, other.rotation, other.translation_mm)
    else:
        other = other.cropped(0, 0, 1272, 720)
    qualisys(tmp_path / "b.qca.txt", [truth[0], other])
    with pytest.raises(
        CaptureError, match=r'camera cam_02 stands in a.toml and in b.qca.txt.*\[files\] calibration = "'
    ):
        read_cameras(tmp_path)


def test_a_damaged_file_among_good_ones_is_named(tmp_path):
    write_sample("opencv", tmp_path)
    (write_sample("pose2sim", tmp_path)).write_text("[cam_01]\nmatrix = [[1,")
    with pytest.raises(CaptureError, match="Calib.toml: is not valid TOML"):
        read_cameras(tmp_path)


def test_a_folder_or_file_without_calibration_says_what_could_be_read(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(CaptureError, match="viodat reads") as caught:
            read_cameras(path)
        assert all(reader.name in str(caught.value) for reader in READERS)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"absent.toml: does not exist. Name the calibration in capture.toml"):
        read_cameras(tmp_path / "absent.toml")


def test_a_file_too_large_to_be_a_calibration(tmp_path):
    path = write_sample("pose2sim", tmp_path)
    path.write_bytes(path.read_bytes() + b"\n" * 17_000_000)
    started = time.perf_counter()
    with pytest.raises(CaptureError, match="expected a calibration of at most 16,000,000"):
        read_cameras(path)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("name", ["a.toml", "a.yml", "a.json", "a.xml", "a.xcp", "a.txt"])
@pytest.mark.parametrize("filler", [b"\n", b" ", b"a", b"[", b"{", b'"', b"cameramatrix", b"K: [", b"<a>", b"- "])
def test_endless_repetition_is_refused_in_good_time(name, filler, tmp_path):
    path = tmp_path / name
    for head in (
        b"",
        b"matrix = ",
        b"camera_matrix: ",
        b"<calibration <transform",
        b'{"CameraParameters1": ',
        b'{"camera_matrix": ',
    ):
        path.write_bytes(head + filler * (100_000 // len(filler)))
        started = time.perf_counter()
        with pytest.raises(CaptureError):
            read_cameras(path)
        assert time.perf_counter() - started < 2
