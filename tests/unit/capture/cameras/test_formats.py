"""What is particular to each calibration format: variants, units, switches, and the error texts."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from tests.unit.capture.cameras.samples import OPENCV_LENS, SAMPLES, opencv, room, stereo, write_sample
from viodat.camera import Camera, FisheyeDistortion, NoDistortion, ViconRadial
from viodat.capture.cameras import read_cameras
from viodat.capture.cameras.opencv_yaml import YamlError, parse_yaml
from viodat.errors import CaptureError, ViodatWarning

TRUTH = room(["C01", "C02"], OPENCV_LENS)


def edited(name, folder, old, new, count=1):
    """The sample of a format with one thing changed."""
    path = write_sample(name, folder)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))
    return path


def plain(camera: Camera, **more: object) -> dict[str, object]:
    return {
        "K": camera.matrix.tolist(),
        "dist_coeffs": list(camera.distortion.coefficients),
        "rvec": cv2.Rodrigues(np.array(camera.rotation))[0].tolist(),
        "tvec": camera.translation_mm.tolist(),
        "image_size": list(camera.size_px),
        **more,
    }


def assert_same(ours: Camera, truth: Camera) -> None:
    px = np.random.default_rng(8).uniform((0, 0), truth.size_px, (100, 2))
    np.testing.assert_allclose(ours.project(truth.back_project(px, 2500.0)), px, atol=1e-6)


def test_plain_json_of_one_camera_has_the_files_name(tmp_path):
    path = tmp_path / "C01.json"
    path.write_text(json.dumps(plain(TRUTH[0])))
    camera = read_cameras(path)["C01"]
    assert_same(camera, TRUTH[0])
    assert "no unit" in camera.notes[0]


@pytest.mark.parametrize("wrap", ["mapping", "list", "cameras"])
def test_json_of_several_cameras(wrap, tmp_path):
    each = [plain(camera, units="mm") for camera in TRUTH]
    named = {camera.id: values for camera, values in zip(TRUTH, each, strict=True)}
    listed = [{"name": camera.id, **values} for camera, values in zip(TRUTH, each, strict=True)]
    content = {"mapping": named, "list": listed, "cameras": {"cameras": named}}[wrap]
    (tmp_path / "all.json").write_text(json.dumps(content))
    found = read_cameras(tmp_path / "all.json")
    assert list(found) == ["C01", "C02"]
    for camera in TRUTH:
        assert_same(found[camera.id], camera)


def test_opencvs_own_json(tmp_path):
    opencv(tmp_path / "C01.json", TRUTH[:1])
    assert_same(read_cameras(tmp_path / "C01.json")["C01"], TRUTH[0])


def test_a_stereo_pair_has_the_first_camera_as_its_world(tmp_path):
    first, second = stereo(("1", "2"), OPENCV_LENS)
    storage = cv2.FileStorage(str(tmp_path / "stereo.yml"), cv2.FILE_STORAGE_WRITE)
    for name, value in {"K1": first.matrix, "K2": second.matrix, "R": second.rotation}.items():
        storage.write(name, np.array(value))
    for name in ("D1", "D2"):
        storage.write(name, np.array(OPENCV_LENS.coefficients))
    storage.write("T", second.translation_mm.reshape(3, 1))
    storage.write("image_width", 1280)
    storage.write("image_height", 720)
    storage.release()
    found = read_cameras(tmp_path / "stereo.yml")
    assert_same(found["1"], first)
    assert_same(found["2"], second)


def test_metres_in_opencvs_terms_are_recognised_or_asked_for(tmp_path):
    values = plain(TRUTH[0])
    for scale, stated in ((1000, None), (1000, "m"), (10, "cm")):
        values["tvec"] = (TRUTH[0].translation_mm / scale).tolist()
        values.pop("units", None)
        if stated:
            values["units"] = stated
        (tmp_path / "C01.json").write_text(json.dumps(values))
        assert_same(read_cameras(tmp_path / "C01.json")["C01"], TRUTH[0])
    values["tvec"] = [-65.0, 0.0, 0.0]
    del values["units"]
    (tmp_path / "C01.json").write_text(json.dumps(values))
    with pytest.raises(CaptureError, match='reach 65 could be m or mm. Add units: "mm"'):
        read_cameras(tmp_path / "C01.json")


def test_fisheye_is_read_as_fisheye(tmp_path):
    (tmp_path / "C01.json").write_text(
        json.dumps(plain(TRUTH[0], dist_coeffs=[0.05, -0.01, 0.004, -0.001], fisheye=True))
    )
    assert isinstance(read_cameras(tmp_path / "C01.json")["C01"].distortion, FisheyeDistortion)
    path = edited("pose2sim", tmp_path, "fisheye = false", "fisheye = true")
    assert isinstance(read_cameras(path)["cam_01"].distortion, FisheyeDistortion)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("K", [[1, 2], [3, 4]], "camera C01: camera_matrix: expected 3 x 3 numbers, got 2 x 2"),
        ("K", [[-900, 0, 640], [0, 900, 360], [0, 0, 1]], "focal lengths above 0 px, got -900 and 900"),
        ("K", [["a", 0, 640], [0, 900, 360], [0, 0, 1]], "camera_matrix: expected 3 x 3 numbers"),
        ("dist_coeffs", [1, 2, 3], "dist_coeffs: expected 0 or 1 or 2 or 4 or 5 or 8 or 12 or 14 numbers, got 3"),
        ("dist_coeffs", [0] * 12 + [0.1, 0], "tilted sensor"),
        ("dist_coeffs", [-40.0, 0, 0, 0], "no ray reaches pixel"),
        ("rvec", [[1, 0, 0], [0, 2, 0], [0, 0, 1]], "right-handed rotation matrix, got one that is off by 3"),
        ("rvec", [float("nan"), 0, 0], "expected finite numbers"),
        ("rvec", None, "R .or rvec. is missing"),
        ("tvec", None, "does not say where the camera stands"),
        ("tvec", [1, 2], "T .or tvec.: expected 3 numbers, got 2"),
        ("image_size", None, "image_size .or image_width and image_height. is missing"),
        ("image_size", [1280.5, 720], "whole px, got 1280.5 x 720"),
    ],
)
def test_a_wrong_value_is_named_with_its_file_camera_and_key(key, value, message, tmp_path):
    (tmp_path / "C01.json").write_text(json.dumps(plain(TRUTH[0], **{key: value})))
    with pytest.raises(CaptureError, match=message) as caught:
        read_cameras(tmp_path / "C01.json")
    assert str(caught.value).startswith("C01.json: camera C01: ")


def test_a_rounded_rotation_becomes_the_nearest_rotation(tmp_path):
    rounded = np.round(TRUTH[0].rotation, 4)
    (tmp_path / "C01.json").write_text(json.dumps(plain(TRUTH[0], rvec=rounded.tolist())))
    rotation = read_cameras(tmp_path / "C01.json")["C01"].rotation
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(rotation, TRUTH[0].rotation, atol=2e-4)


def test_yaml_of_ros_and_of_opencv_is_parsed():
    text = """%YAML:1.0
---
# a comment
camera_name: "C 01"
K: !!opencv-matrix
   rows: 2
   cols: 2
   dt: d
   data: [ 1., 0.,
       -2.5e-01, .Nan ]
camera: { }
""".replace("camera: { }\n", "")
    parsed = parse_yaml(text)
    assert parsed["camera_name"] == "C 01"
    assert parsed["K"]["rows"] == 2
    assert parsed["K"]["data"][:3] == [1.0, 0.0, -0.25]
    assert parse_yaml("a:\n- 1\n- [2, [3]]\nb:\n  - x: 1\n    y: 2\n  - x: 3\n") == {
        "a": [1, [2, [3]]],
        "b": [{"x": 1, "y": 2}, {"x": 3}],
    }


@pytest.mark.parametrize(
    "text", ["a: [1, 2", "a: 1]", "a: 1\n   b: 2", "nonsense", "\ta: 1", "a: 1\na: 2", "a: {x: 1}", "- 1"]
)
def test_other_yaml_is_refused_with_its_line(text):
    with pytest.raises(YamlError, match="line 1|line 2"):
        parse_yaml(text)


def test_pose2sim_in_millimetres_is_noticed(tmp_path):
    path = write_sample("pose2sim", tmp_path)
    text = path.read_text()
    for camera in SAMPLES["pose2sim"][2]:
        text = text.replace(str((camera.translation_mm / 1000).tolist()), str(camera.translation_mm.tolist()))
    path.write_text(text)
    found = read_cameras(path)
    for camera in SAMPLES["pose2sim"][2]:
        assert_same(found[camera.id], camera)
        assert "taken as mm" in found[camera.id].notes[0]


def test_a_missing_key_of_a_table_is_named(tmp_path):
    path = edited("pose2sim", tmp_path, "translation", "position")
    with pytest.raises(CaptureError, match=r"Calib.toml: camera cam_01: translation is missing; found distortions, "):
        read_cameras(path)


def test_caliscope_of_older_files_and_cameras_left_out(tmp_path):
    path = write_sample("caliscope", tmp_path)
    text = path.read_text().replace("[cameras.", "[cam_").replace("cam_id =", "port =")
    path.write_text(text.replace("ignore = false", "ignore = true", 1) + '\n[charuco]\ncolumns = 4\nunits = "inch"\n')
    with pytest.warns(ViodatWarning, match="camera_array.toml: cam_0 left out"):
        found = read_cameras(path)
    assert list(found) == ["cam_1", "cam_2"]
    assert_same(found["cam_2"], SAMPLES["caliscope"][2][2])
    path.write_text(text.replace("ignore = false", "ignore = true"))
    with pytest.raises(CaptureError, match="places no camera in the world"):
        read_cameras(path)


def test_a_qualisys_video_that_shows_a_part_of_the_sensor(tmp_path):
    path = edited(
        "qualisys",
        tmp_path,
        'left="0" top="0" right="1279" bottom="719"',
        'left="100" top="20" right="1179" bottom="699"',
    )
    found = read_cameras(path)
    whole, part = SAMPLES["qualisys"][2][0], found["26578"]
    assert part.size_px == (1080, 680)
    np.testing.assert_allclose(part.project([0, 0, 1000]), whole.project([0, 0, 1000]) - (100, 20), atol=1e-9)
    assert found["26579"].size_px == (1280, 720)


def test_a_qualisys_camera_that_is_not_active_is_left_out(tmp_path):
    found = read_cameras(edited("qualisys", tmp_path, 'active="1"', 'active="0"'))
    assert list(found) == ["26579", "26580"]


def test_xml_cannot_expand_entities(tmp_path):
    path = write_sample("qualisys", tmp_path)
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    path.write_text(path.read_text().replace('<?xml version="1.0"?>', f'<?xml version="1.0"?>{bomb}'))
    with pytest.raises(CaptureError, match="Calib.qca.txt: is XML that is not read"):
        read_cameras(path)


def test_vicons_switch_exchanges_the_directions(tmp_path):
    path = write_sample("vicon_xcp", tmp_path)
    forward = read_cameras(path)["2110001"]
    backward = read_cameras(path, vicon_radial="ideal_to_distorted")["2110001"]
    assert isinstance(forward.distortion, ViconRadial)
    px = [[100.0, 50.0], [1200.0, 700.0]]
    np.testing.assert_allclose(forward.undistort(px), backward.distort(px), atol=1e-9)
    assert np.linalg.norm(forward.undistort(px) - px, axis=-1).min() > 2


def test_a_vicon_camera_without_key_frame_is_not_calibrated(tmp_path):
    path = write_sample("vicon_xcp", tmp_path)
    text = path.read_text()
    start = text.index("<KeyFrames>")
    stop = text.index("</KeyFrames>") + len("</KeyFrames>")
    path.write_text(text[:start] + text[stop:])
    with pytest.warns(ViodatWarning, match="room.xcp: camera 2110001 left out: not calibrated"):
        assert list(read_cameras(path)) == ["2110002", "2110003"]
    path.write_text('<?xml version="1.0"?><Cameras><Camera DEVICEID="5" SENSOR_SIZE="1280 720"/></Cameras>')
    with pytest.raises(CaptureError, match=r"room.xcp: calibrates no camera \(5: without KeyFrame\)"):
        read_cameras(path)


def test_vicons_older_radial_model_is_used_where_there_is_no_newer(tmp_path):
    path = write_sample("vicon_xcp", tmp_path)
    text = path.read_text()
    start = text.index("VICON_RADIAL2")
    text = text[:start] + text[text.index("/>", start) :]
    path.write_text(text.replace('VICON_RADIAL="0 0"', 'VICON_RADIAL="2e-8 1e-15"', 1))
    lens = read_cameras(path)["2110001"].distortion
    assert lens == ViconRadial((645.3, 352.8), (2e-8, 1e-15, 0.0))
    path.write_text(text)
    assert read_cameras(path)["2110001"].distortion == NoDistortion()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Vicon3Parameter", "Vicon5Parameter", "VICON_RADIAL2: expected Vicon3Parameter cx cy k1 k2 k3"),
        ('ORIENTATION="', 'ORIENTATION="0.9 ', "ORIENTATION: expected 4 numbers, got 5"),
        ("FOCAL_LENGTH", "FOCAL", "attribute FOCAL_LENGTH is missing"),
        ('SENSOR_SIZE="1280 720"', 'SENSOR_SIZE="1280"', "SENSOR_SIZE: expected 2 numbers, got 1"),
    ],
)
def test_a_wrong_vicon_attribute_is_named(old, new, message, tmp_path):
    with pytest.raises(CaptureError, match=f"room.xcp: camera 2110001: {message}"):
        read_cameras(edited("vicon_xcp", tmp_path, old, new))


def test_matlab_of_newer_releases_is_not_transposed(tmp_path):
    path = write_sample("matlab", tmp_path)
    content = json.loads(path.read_text())
    for number in ("1", "2"):
        values = content[f"CameraParameters{number}"]
        values["K"] = np.transpose(values.pop("IntrinsicMatrix")).tolist()
    turn, shift = np.transpose(content.pop("RotationOfCamera2")), content.pop("TranslationOfCamera2")
    content["PoseCamera2"] = {"R": turn.tolist(), "Translation": shift}
    path.write_text(json.dumps(content))
    assert_same(read_cameras(path)["2"], SAMPLES["matlab"][2][1])
    content["WorldUnits"] = "furlong"
    path.write_text(json.dumps(content))
    with pytest.raises(CaptureError, match="WorldUnits: expected one of"):
        read_cameras(path)
