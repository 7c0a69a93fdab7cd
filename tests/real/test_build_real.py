"""``viodat build`` on real recordings, and what ``viodat check`` finds in a doctored one."""

from __future__ import annotations

import shutil
from pathlib import Path

import ezc3d
import numpy as np
import pytest

import viodat
from viodat.build import BuildOptions, BuildResult, build_dataset
from viodat.build.checks import check_capture
from viodat.capture import read_c3d, read_trc
from viodat.joints import JOINT_INDEX, JOINTS

CONFIGS = Path(__file__).parent

VICON = {
    "pelvis": "{side}FEP",
    "knee": "{side}FEO",
    "ankle": "{side}TIO",
    "shoulder": "{side}CLO",
    "elbow": "{side}HUO",
    "wrist": "{side}RAO",
}
"""Vicon's own point of each joint (the hip's is the femur's proximal end)."""

PIG = BuildOptions(joint_centres="pig")

SPREAD_MM = {"pelvis": 45.0, "knee": 25.0, "ankle": 15.0, "shoulder": 45.0, "elbow": 20.0, "wrist": 20.0}
"""How far a fitted centre may be from Vicon's (median over frames): methods for the hip differ by 14 to 33 mm from each
other (Mantovani 2016), and those of the shoulder by as much; the other centres hang on the same markers."""

FLOAT32_MM = 0.0002
"""Joints are stored as float32: 0.00012 mm at 2 m from the origin."""


def _differences(out: Path, raw: Path) -> dict[str, list[float]]:
    """Distance in mm between each stored joint and Vicon's point, in every frame in which Vicon has one."""
    ds = viodat.open_dataset(out)
    found: dict[str, list[float]] = {name: [] for name in VICON}
    for _, row in ds.trials.iterrows():
        motion = ds.motion(row["trial"])
        source = read_c3d(raw / row["marker_file"])
        np.testing.assert_array_equal(motion.time_ns, source.times_ns)
        for joint, pattern in VICON.items():
            for side in ("left", "right"):
                theirs = source.virtual[pattern.format(side=side[0].upper())]
                ours = motion.joints_mm[:, JOINT_INDEX[f"{side}_{joint}"]]
                distance = np.linalg.norm(ours - theirs, axis=-1)
                assert np.isfinite(ours).all(-1).sum() >= np.isfinite(theirs).all(-1).sum(), (row["trial"], joint)
                found[joint] += list(distance[np.isfinite(theirs).all(-1)])
    return found


def _print_table(title: str, found: dict[str, list[float]]) -> None:
    print(f"\n{title}: distance to Vicon's own points, both sides, every frame")
    print("joint      frames  median mm     max mm")
    for joint, values in found.items():
        print(f"{joint:<9}{len(values):>8}{np.median(values):>11.6f}{max(values):>11.6f}")


def test_gait_lab(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, out = real_data / "gait_lab", tmp_path / "out"
    result = build_dataset(raw, out, config=CONFIGS / "gait_lab.toml", options=PIG)
    assert (result.trials, result.exclusions) == (12, ())
    found = _differences(out, raw)
    with capsys.disabled():
        _print_table("gait_lab, 12 trials", found)
    for joint, values in found.items():
        assert len(values) > 2 * 3000
        assert max(values) <= 0.01, joint
    ds = viodat.open_dataset(out)
    assert ds.verify().ok
    fingers = [JOINT_INDEX[name] for name in JOINTS[12:]]
    for trial in ds.trials["trial"]:
        assert np.isnan(ds.motion(trial).joints_mm[:, fingers]).all()
    assert (tmp_path / "out" / "reports" / "index.html").read_text().count("no camera recording") == 1


def test_measurements_from_vsk_files(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, out = real_data / "pycgm", tmp_path / "out"
    result = build_dataset(raw, out, config=CONFIGS / "pycgm.toml", options=PIG)
    assert (result.trials, result.exclusions) == (2, ())
    found = _differences(out, raw)
    with capsys.disabled():
        _print_table("pycgm, 2 static trials", found)
    for joint, values in found.items():
        assert max(values) <= 0.01, joint


@pytest.mark.parametrize(("capture", "trials"), [("gait_lab", 12), ("pycgm", 2)])
def test_a_fitted_skeleton_passes_every_gate_and_stays_near_vicons_points(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], capture: str, trials: int
) -> None:
    raw, out = real_data / capture, tmp_path / "out"
    result = build_dataset(raw, out, config=CONFIGS / f"{capture}.toml")
    assert (result.trials, result.exclusions) == (trials, ())
    assert not [note for note in result.notes if "exchanged" in note or "one of the two is wrong" in note]
    ds = viodat.open_dataset(out)
    for trial in ds.trials["trial"]:
        motion = ds.motion(trial)
        assert motion.valid[:, :12].all()
        assert np.isfinite(motion.sigma_mm[:, :12]).all()
        assert np.isfinite(motion.angles_rad).mean() > 0.5
    found = _differences(out, raw)
    with capsys.disabled():
        _print_table(f"{capture}, fitted", found)
    for joint, values in found.items():
        assert np.median(values) < SPREAD_MM[joint], joint


def test_check_finds_a_wrong_marker_diameter_with_both_numbers(real_data: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "HC030A").mkdir(parents=True)
    source = real_data / "gait_lab" / "HC030A" / "HC030A05.c3d"
    doctored = raw / "HC030A" / source.name
    content = ezc3d.c3d(str(source))
    content["parameters"]["PROCESSING"]["MarkerDiameter"]["value"] = np.array([14.0])
    content.write(str(doctored))
    assert read_c3d(doctored).subject.measurements["marker_diameter_mm"] == 14
    config = tmp_path / "capture.toml"
    config.write_text((CONFIGS / "gait_lab.toml").read_text().split("[splits]")[0])
    (finding,) = [f for f in check_capture(raw, config).findings if f.check == "marker-diameter"]
    assert "declared as 14 mm" in finding.problem
    assert "computed with 10.00 mm" in finding.problem
    shutil.copy(source, doctored)
    assert not [f for f in check_capture(raw, config).findings if f.check == "marker-diameter"]


@pytest.fixture(scope="module")
def multiview(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    out = tmp_path_factory.mktemp("multiview") / "out"
    options = BuildOptions(pose2d="files")
    return build_dataset(real_data / "multiview", out, config=CONFIGS / "multiview.toml", options=options)


def test_multiview_projects_the_points_of_the_trc(real_data: Path, multiview: BuildResult) -> None:
    assert (multiview.trials, multiview.recordings, multiview.exclusions) == (1, 4, ())
    ds = viodat.open_dataset(multiview.out)
    trc = read_trc(next(real_data.glob("multiview/pose3d/*0-100.trc")), axes="zxy")
    motion = ds.motion("P00T01")
    for joint, name in (("left_wrist", "LWrist"), ("right_pelvis", "RHip")):
        np.testing.assert_allclose(motion.joints_mm[:, JOINT_INDEX[joint]], trc.marker(name), atol=FLOAT32_MM)
    for number in range(1, 5):
        video = ds.video(f"P00C0{number}T01")
        assert len(video.pts) == 100
        np.testing.assert_allclose(video.time_ns, np.arange(100) * 1e9 / 60, atol=1e6)
        # The truth is a triangulation of OpenPose's points: it lies about 10 px from them.
        distance = np.linalg.norm(video.detected_px - video.pose2d_px, axis=-1)[:, :12]
        assert np.nanmedian(distance) < 25
        assert video.valid[:, :12].all()


def test_multiview_makes_windows(multiview: BuildResult) -> None:
    windows = viodat.PoseWindows(multiview.out, frames=30, hop_s=0.5)
    assert len(windows) == 4 * 3
    item = windows[0]
    assert item["valid"][:, :12].all()
    assert not item["valid"][:, 12:].any()
    assert item["image_size"].tolist() == [1080, 1920]


@pytest.mark.mediapipe
def test_multiview_with_mediapipe(real_data: Path, tmp_path: Path) -> None:
    result = build_dataset(
        real_data / "multiview",
        tmp_path / "out",
        config=CONFIGS / "multiview.toml",
        options=BuildOptions(pose2d="mediapipe"),
    )
    assert (result.trials, result.recordings, result.exclusions) == (1, 4, ())
    ds = viodat.open_dataset(result.out)
    for number in range(1, 5):
        video = ds.video(f"P00C0{number}T01")
        assert np.isfinite(video.detected_px).all(-1).mean() > 0.95
        distance = np.linalg.norm(video.detected_px - video.pose2d_px, axis=-1)[:, :12]
        assert np.nanmedian(distance) < 40
    assert (result.out / "reports" / "trials" / "P00T01.png").stat().st_size > 100_000
