from __future__ import annotations

import csv
import hashlib
import time
import tomllib
from pathlib import Path

import av
import cv2
import ezc3d
import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.joints import JOINTS
from viodat.synth import write_demo_capture
from viodat.synth.markers import place_markers
from viodat.synth.motion import Player, pose_at


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    started = time.process_time()
    write_demo_capture(out)
    assert time.process_time() - started < 30, "about 5 s of processor time were measured"
    return out


def read_markers(path: Path) -> tuple[dict[str, np.ndarray], ezc3d.c3d]:
    file = ezc3d.c3d(str(path))
    points = file["data"]["points"][:3].transpose(2, 1, 0).copy()
    points[file["data"]["meta_points"]["residuals"][0].T < 0] = np.nan
    labels = file["parameters"]["POINT"]["LABELS"]["value"]
    return {label.split(":")[1]: points[:, i] for i, label in enumerate(labels)}, file


def truth(capture: Path, trial: str) -> dict[str, np.ndarray]:
    with np.load(capture / "truth" / "joints" / f"{trial}.npz") as file:
        assert file["names"].tolist() == list(JOINTS)
        return {name: file["joints_mm"][:, i] for i, name in enumerate(JOINTS)}


def test_the_folder_is_that_of_a_raw_capture(capture):
    names = {str(p.relative_to(capture)) for p in capture.rglob("*") if p.is_file()}
    expected = {"capture.toml", "participants.csv", "calibration/calibration.toml"}
    for who in ("P04", "P05"):
        expected.add(f"{who}/{who}_static.c3d")
        for trial in ("T01", "T02"):
            expected |= {f"{who}/{who}{trial}.c3d", f"truth/joints/{who}{trial}.npz"}
            for camera in ("C01", "C02"):
                stem = f"{who}/{who}{camera}{trial}"
                expected.add(f"{stem}.keypoints.npz")
                expected |= {f"{stem}.frames.csv", f"{stem}.m4a"} if stem == "P04/P04C02T01" else {f"{stem}.mp4"}
    assert names == expected


def test_the_tables_say_what_a_lab_says(capture):
    config = tomllib.loads((capture / "capture.toml").read_text())
    assert config["splits"] == {"train": ["P04"], "test": ["P05"]}
    assert config["sync"]["method"] == "given"
    assert len(config["sync"]["recordings"]) == 8
    assert all(-0.5 < r["offset_s"] < -0.2 for r in config["sync"]["recordings"].values())
    with (capture / "participants.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["participant"] for row in rows] == ["P04", "P05"]
    assert all(float(row["knee_width_left_mm"]) > 80 for row in rows)


def test_trials_have_prefixes_gaps_measurements_and_a_first_frame(capture):
    for trial, first in (("P04T01", 0), ("P05T02", 10)):
        markers, file = read_markers(capture / trial[:3] / f"{trial}.c3d")
        assert file["parameters"]["POINT"]["RATE"]["value"][0] == 100.0
        assert file["header"]["points"]["first_frame"] == first
        assert all(label.startswith(f"{trial[:3]}:") for label in file["parameters"]["POINT"]["LABELS"]["value"])
        assert len(markers) == 45
        missing = {label: int(np.isnan(at).any(axis=1).sum()) for label, at in markers.items()}
        assert {label for label, count in missing.items() if count} == {
            "LELB", "LFIN", "RFIN", "RWRB", "LTHI", "STRN",
        }  # fmt: skip
        assert max(missing.values()) <= 25
        assert file["parameters"]["PROCESSING"]["LKneeWidth"]["value"][0] > 80
        with np.load(capture / "truth" / "joints" / f"{trial}.npz") as stored:
            assert stored["time_ns"][0] == first * 10_000_000
            assert np.all(np.diff(stored["time_ns"]) == 10_000_000)
            assert stored["time_ns"].shape == (markers["C7"].shape[0],)


def chord(distance: float, joint: np.ndarray, proximal: np.ndarray, third: np.ndarray) -> np.ndarray:
    """Plug-in Gait's joint centre: at ``distance`` from its marker, square to the bone, away from the third."""
    bone = proximal - joint
    length = np.linalg.norm(bone, axis=1, keepdims=True)
    away = np.cross(bone, np.cross(bone, third - joint))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    sine = distance / length
    return joint + bone * sine**2 + away * distance * np.sqrt(1 - sine**2)


@pytest.mark.parametrize("trial", ["P04T01", "P05T02"])
@pytest.mark.parametrize(("side", "mark", "sign"), [("left", "L", 1), ("right", "R", -1)])
def test_plug_in_gait_finds_the_animated_centres(capture, trial, side, mark, sign):
    m, file = read_markers(capture / trial[:3] / f"{trial}.c3d")
    true = {name.removeprefix(f"{side}_"): at for name, at in truth(capture, trial).items() if side in name}
    stated = file["parameters"]["PROCESSING"]
    half = {
        name: (stated[mark + name]["value"][0] + 14) / 2
        for name in ("KneeWidth", "AnkleWidth", "ElbowWidth", "WristWidth")
    }
    thorax = m["CLAV"] + 0.0
    up = (m["C7"] + m["CLAV"] - m["T10"] - m["STRN"]) / 2
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    to_left = np.cross(up, (m["CLAV"] + m["STRN"] - m["C7"] - m["T10"]) / 2)
    to_left /= np.linalg.norm(to_left, axis=1, keepdims=True)
    forward = np.cross(to_left, up)
    thorax -= 7 * forward
    shoulder_marker = m[f"{mark}SHO"]
    wand = sign * np.cross(forward, shoulder_marker - thorax)
    bar = (m[f"{mark}WRA"] + m[f"{mark}WRB"]) / 2
    elbow_marker = m[f"{mark}ELB"]
    out = -sign * np.cross(bar - elbow_marker, true["shoulder"] - elbow_marker)
    palm = sign * np.cross(m[f"{mark}WRA"] - m[f"{mark}WRB"], true["elbow"] - bar)
    palm /= np.linalg.norm(palm, axis=1, keepdims=True)
    found = {
        "knee": chord(half["KneeWidth"], m[f"{mark}KNE"], true["pelvis"], m[f"{mark}THI"]),
        "ankle": chord(half["AnkleWidth"], m[f"{mark}ANK"], true["knee"], m[f"{mark}TIB"]),
        "shoulder": chord(
            stated[f"{mark}ShoulderOffset"]["value"][0] + 7, shoulder_marker, thorax, shoulder_marker + wand
        ),
        "elbow": chord(half["ElbowWidth"], elbow_marker, true["shoulder"], elbow_marker + out),
        "wrist": bar + half["WristWidth"] * palm,
    }
    for name, centre in found.items():
        error = np.linalg.norm(centre - true[name], axis=1)
        assert np.isfinite(error).mean() > 0.9, name
        assert np.nanmedian(error) < 0.4, name
        assert np.nanmax(error) < 1.5, name


def test_the_player_plays_like_a_violinist(capture):
    joints = truth(capture, "P04T01")
    time_s = np.arange(400) / 100
    for side in ("left", "right"):
        for a, b in (("pelvis", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
            length = np.linalg.norm(joints[f"{side}_{a}"] - joints[f"{side}_{b}"], axis=1)
            assert np.ptp(length) < 1e-6, "bones keep their length"
            assert 200 < length.mean() < 500
    assert joints["left_shoulder"][:, 1].mean() > joints["right_shoulder"][:, 1].mean() + 200
    bow = joints["right_wrist"] - joints["right_shoulder"]
    axis = np.linalg.svd(bow - bow.mean(0), full_matrices=False)[2][0]
    drawn = (bow - bow.mean(0)) @ axis
    spectrum = np.abs(np.fft.rfft(drawn * np.hanning(400)))
    assert 0.75 <= np.argmax(spectrum) / time_s[-1] <= 1.3
    assert 250 < np.ptp(drawn) < 400
    hand = joints["left_wrist"] - joints["left_shoulder"]
    fast = np.abs(np.fft.rfft((hand - hand.mean(0)) * np.hanning(400)[:, None], axis=0)) * 4 / 400
    band = slice(5 * 4, (7 * 4) + 1)
    assert 4 < np.linalg.norm(fast[band].max(axis=0)) < 6, "vibrato of 5 mm at 6 Hz"
    still, _ = read_markers(capture / "P04" / "P04_static.c3d")
    assert max(np.ptp(at, axis=0).max() for at in still.values()) < 1.5


def test_video_stamps_keypoints_and_calibration_agree_with_the_truth(capture):
    cameras = tomllib.loads((capture / "calibration" / "calibration.toml").read_text())
    offsets = tomllib.loads((capture / "capture.toml").read_text())["sync"]["recordings"]
    joints = truth(capture, "P05T01")
    for camera in ("C01", "C02"):
        name = f"P05{camera}T01"
        with np.load(capture / "P05" / f"{name}.keypoints.npz") as stored:
            found, pts = stored["keypoints_px"], stored["pts"]
            assert str(stored["layout"]) == "mediapipe33"
        with av.open(str(capture / "P05" / f"{name}.mp4")) as container:
            shown = [float(f.pts * f.time_base) for f in container.decode(video=0)]
        np.testing.assert_allclose(shown, pts / 90_000, atol=1e-6)
        assert np.std(np.diff(shown)) > 0.0005
        times_s = pts / 90_000 + offsets[name]["offset_s"]
        within = (times_s > 0) & (times_s < 3.99)
        table = cameras[camera]
        for landmark, joint in ((15, "left_wrist"), (16, "right_wrist"), (27, "left_ankle"), (12, "right_shoulder")):
            at = np.stack(
                [np.interp(times_s[within], np.arange(400) / 100, joints[joint][:, i]) for i in range(3)], axis=1
            )
            pixels, _ = cv2.projectPoints(
                at,
                np.array(table["rotation"]),
                np.array(table["translation"]) * 1000,
                np.array(table["matrix"]),
                np.array(table["distortions"]),
            )
            error = found[within, landmark] - pixels[:, 0]
            assert np.abs(np.nanmean(error, axis=0)).max() < 0.6
            assert 1.2 < np.nanstd(error) < 1.8


def test_the_sound_is_loud_where_the_bow_is_fast(capture):
    with av.open(str(capture / "P04" / "P04C01T01.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    offset_s = tomllib.loads((capture / "capture.toml").read_text())["sync"]["recordings"]["P04C01T01"]["offset_s"]
    wrist = truth(capture, "P04T01")["right_wrist"]
    speed = np.linalg.norm(np.gradient(wrist, 0.01, axis=0), axis=1)
    hop = 441
    level = np.sqrt(np.mean(sound[: sound.size // hop * hop].reshape(-1, hop) ** 2, axis=1))
    at = np.interp(np.arange(400) / 100, np.arange(level.size) * hop / 44100 + hop / 88200 + offset_s, level)
    # A string rings on where the bow turns, and the body makes some notes louder: less than the 0.9 of a painted tone.
    assert np.corrcoef(at, speed)[0, 1] > 0.7


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    digests = []
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_demo_capture(tmp_path / folder, participants=1, trials=1, seconds=1.0, seed=seed, video=False)
        digests.append(
            {
                str(p.relative_to(tmp_path / folder)): hashlib.sha256(p.read_bytes()).hexdigest()
                for p in sorted((tmp_path / folder).rglob("*"))
                if p.is_file()
            }
        )
    assert digests[0] == digests[1]
    assert digests[0]["P04/P04T01.c3d"] != digests[2]["P04/P04T01.c3d"]
    assert not any(name.endswith(".mp4") for name in digests[0])
    assert "P04/P04C01T01.frames.csv" in digests[0]


@pytest.mark.parametrize("wrong", [{"participants": 0}, {"trials": 100}, {"seconds": 0.0}, {"seconds": 1e9}])
def test_what_makes_no_capture_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigError, match="cannot simulate"):
        write_demo_capture(tmp_path, **wrong)


@pytest.mark.parametrize("height_mm", range(1560, 1880, 40))
@pytest.mark.parametrize("playing", [True, False])
def test_every_player_can_reach_the_violin_and_the_floor(height_mm, playing):
    phases = np.random.default_rng(height_mm).uniform(0, 2 * np.pi, 4)
    player = Player(float(height_mm), 70.0, 1.1, tuple(phases.tolist()), playing)
    pose = pose_at(player, np.arange(0.0, 60.0, 0.01))
    assert np.isfinite(pose.stacked()).all()
    markers = place_markers(player, pose)
    assert all(np.isfinite(at).all() for at in markers.values())
    assert min(at[:, 2].min() for at in markers.values()) > 0
