"""From a raw capture to a dataset, with truth known: the whole way, and what a broken file costs."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import viodat
from viodat.build import BuildOptions, build_dataset
from viodat.dataset.manifest import FileState
from viodat.errors import ConfigError, DatasetError, MissingExtraError
from viodat.joints import JOINT_INDEX

ONE = BuildOptions(trials=("P04T01",))


def _tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_trial_and_recording_is_built(demo_out):
    ds = viodat.open_dataset(demo_out)
    assert list(ds.trials["trial"]) == ["P04T01", "P04T02", "P05T01", "P05T02"]
    assert set(ds.trials["status"]) == {"built"}
    assert set(ds.recordings["status"]) == {"built"}
    assert ds.exclusions.empty
    assert ds.verify().ok


def test_joint_centres_are_where_the_body_had_them(demo_raw, demo_out):
    """Palpation and skin are not ours to undo, a swapped or shifted joint would be our mistake."""
    motion = viodat.open_dataset(demo_out).motion("P04T01")
    truth = pq.read_table(demo_raw / "truth" / "joints" / "P04T01.parquet")
    np.testing.assert_array_equal(motion.time_ns, truth["time_ns"].to_numpy())
    true_mm = np.stack(truth["joints_mm"].to_numpy()).reshape(-1, 18, 3)
    error = np.linalg.norm(motion.joints_mm - true_mm, axis=-1)
    for joint, limit in (("left_pelvis", 40), ("right_knee", 20), ("left_ankle", 15), ("right_wrist", 12)):
        assert np.nanmedian(error[:, JOINT_INDEX[joint]]) < limit, joint


def test_motion_carries_its_uncertainty_velocities_accelerations_and_angles(demo_out):
    ds = viodat.open_dataset(demo_out)
    for trial in ds.trials["trial"]:
        motion = ds.motion(trial)
        known = motion.valid
        assert known.mean() > 0.95
        np.testing.assert_array_equal(np.isfinite(motion.sigma_mm), known)
        assert 0.2 < np.nanmedian(motion.sigma_mm) < 15
        np.testing.assert_array_equal(np.isfinite(motion.velocity_mm_s).all(-1), known)
        np.testing.assert_array_equal(np.isfinite(motion.acceleration_mm_s2).all(-1), known)
        assert np.isfinite(motion.angles_rad).mean() > 0.9
        # Velocities are those of the positions: their central difference over 20 ms is near.
        difference = (motion.joints_mm[2:] - motion.joints_mm[:-2]) / 0.02
        steady = known[2:] & known[1:-1] & known[:-2]
        off = np.linalg.norm(difference - motion.velocity_mm_s[1:-1], axis=-1)[steady]
        assert np.median(off) < 5
    for methods in ds.trials["joint_methods"]:
        assert all(how.startswith("skeleton(") for how in methods)


def test_frame_by_frame_joints_state_no_uncertainty(demo_raw, tmp_path):
    options = BuildOptions(trials=("P04T01",), joint_centres="pig")
    build_dataset(demo_raw, tmp_path / "out", options=options)
    ds = viodat.open_dataset(tmp_path / "out")
    motion = ds.motion("P04T01")
    assert motion.sigma_mm is None or np.isnan(motion.sigma_mm).all()
    assert motion.angles_rad is None or np.isnan(motion.angles_rad).all()
    assert ds.trials["joint_methods"].iloc[0][JOINT_INDEX["left_knee"]] == "pig:knee_chord"


def test_the_page_of_a_trial_tells_of_markers_and_joints(demo_out):
    page = (demo_out / "reports" / "trials" / "P04T01.html").read_text()
    for words in (
        "Markers and joints",
        "Quality gates",
        "residual, mm",
        "in the skeleton, mm",
        "Bones",
        "varies by, mm",
    ):
        assert words in page, words
    for gate in ("residual_mm", "sigma_mm", "gap_share", "bone_variation"):
        assert f'<th scope="row">{gate}</th>' in page
    assert "not kept" not in page


def test_projected_truth_is_the_projection_of_the_truth(demo_out):
    ds = viodat.open_dataset(demo_out)
    video = ds.video("P04C01T01")
    camera = ds.camera("P04C01T01")
    again = camera.project(camera.to_world(video.pose3d_mm))
    both = video.valid
    assert both.mean() > 0.5
    assert np.abs(again - video.pose2d_px)[both].max() < 0.01


def test_frames_have_the_times_of_their_stamps_not_of_a_rate(demo_out):
    ds = viodat.open_dataset(demo_out)
    video = ds.video("P04C01T01")
    row = ds.recordings.set_index("recording").loc["P04C01T01"]
    steps = np.diff(video.time_ns)
    assert steps.std() > 2e5  # a constant rate would give the rounding of its stamps, some tens of ns
    base = [int(n) for n in row["time_base"].split("/")]
    device_s = video.pts * base[0] / base[1] - (
        row["audio_start_s"] if row["audio_start_s"] == row["audio_start_s"] else 0
    )
    np.testing.assert_allclose(video.time_ns / 1e9, device_s + row["offset_s"], atol=2e-9)


def test_sound_is_described_on_the_mocap_clock(demo_out):
    ds = viodat.open_dataset(demo_out)
    track = ds.audio("P04C01T01")
    assert track.features.shape[1] == 35
    assert set(np.diff(track.time_ns)) <= {9_999_999, 10_000_000, 10_000_001}
    pitched = [r for r in ds.recordings["recording"] if np.isfinite(ds.audio(r).f0_hz).any()]
    assert len(pitched) == 4  # the best microphone of each trial


def test_windows_of_every_split(demo_out):
    for split in ("train", "test"):
        windows = viodat.PoseWindows(demo_out, split=split, frames=60, hop_s=0.5)
        item = windows[0]
        assert tuple(item["pose2d"].shape) == (60, 18, 2)
        assert tuple(item["pose3d"].shape) == (60, 18, 3)
        assert tuple(item["audio"].shape) == (200, 35)
        assert tuple(item["valid"].shape) == (60, 18)
        assert item["valid"].any()


def test_the_report_links_only_to_what_is_there(demo_out):
    import re

    for page in demo_out.glob("reports/**/*.html"):
        for link in re.findall(r'(?:href|src)="([^"#:]+)"', page.read_text()):
            assert (page.parent / link).exists(), (page, link)


def test_the_raw_capture_is_not_touched(demo_raw, tmp_path):
    before = _tree(demo_raw)
    build_dataset(demo_raw, tmp_path / "out", options=ONE)
    assert _tree(demo_raw) == before


def test_same_capture_same_bytes(demo_raw, tmp_path):
    for name in ("a", "b"):
        build_dataset(demo_raw, tmp_path / name, options=ONE)
    assert _tree(tmp_path / "a") == _tree(tmp_path / "b")


def test_a_damaged_marker_file_costs_its_trial_only(raw_copy, tmp_path):
    path = raw_copy / "P04" / "P04T01.c3d"
    path.write_bytes(path.read_bytes()[:2000])
    result = build_dataset(raw_copy, tmp_path / "out", options=BuildOptions(trials=("P04T01", "P04T02")))
    assert result.trials == 1
    (row,) = result.exclusions
    assert (row["trial"], row["recording"], row["stage"]) == ("P04T01", None, "read")
    assert "P04T01.c3d" in row["reason"]
    ds = viodat.open_dataset(tmp_path / "out")
    with pytest.raises(DatasetError, match=r"trial P04T01 is excluded: P04T01\.c3d: "):
        ds.motion("P04T01")
    assert len(ds.motion("P04T02").time_ns)


def test_a_damaged_video_costs_its_recording_only(raw_copy, tmp_path):
    path = raw_copy / "P04" / "P04C01T01.mp4"
    path.write_bytes(path.read_bytes()[:5000])
    result = build_dataset(raw_copy, tmp_path / "out", options=ONE)
    assert result.trials == 1
    assert [row["recording"] for row in result.exclusions] == ["P04C01T01"]
    ds = viodat.open_dataset(tmp_path / "out")
    assert ds.recordings.set_index("recording").loc["P04C01T01", "status"] == "excluded"


def test_missing_streams_leave_nulls_and_a_line(raw_copy, tmp_path):
    shutil.rmtree(raw_copy / "calibration")
    (raw_copy / "participants.csv").unlink()
    result = build_dataset(raw_copy, tmp_path / "out", options=ONE)
    ds = viodat.open_dataset(tmp_path / "out")
    video = ds.video("P04C01T01")
    assert np.isnan(video.pose2d_px).all()
    assert not video.valid.any()
    assert np.isfinite(video.detected_px).any() or ds.recordings["keypoints"].isna().all()
    page = (tmp_path / "out" / "reports" / "index.html").read_text()
    assert "calibration" in page
    assert any("calibration" in note for note in result.notes)
    with pytest.raises(DatasetError, match="1 without calibration|without calibration"):
        viodat.PoseWindows(tmp_path / "out", split="train")


def test_a_build_without_clocks_gives_none(demo_raw, tmp_path):
    result = build_dataset(demo_raw, tmp_path / "out", options=replace(ONE, sync="none"))
    assert (result.recordings, result.unsynchronised) == (1, 1)
    ds = viodat.open_dataset(tmp_path / "out")
    assert set(ds.recordings["status"]) == {"unsynchronised"}
    (row,) = ds.exclusions.to_dict("records")
    assert (row["recording"], row["stage"]) == ("P04C01T01", "clocks")
    assert "its clock is not asked for" in row["reason"]
    assert ds.info["options"]["sync"] == "none"
    assert ds.video("P04C01T01").time_ns is None
    assert ds.audio("P04C01T01").time_ns is None


def test_a_rebuild_replaces_a_dataset_and_refuses_anything_else(demo_raw, tmp_path):
    out = tmp_path / "out"
    build_dataset(demo_raw, out, options=ONE)
    (out / "README.md").write_text("changed")
    build_dataset(demo_raw, out, options=ONE)
    assert viodat.open_dataset(out).verify().ok
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="holds files that are no viodat dataset"):
        build_dataset(demo_raw, mine, options=ONE)
    assert (mine / "thesis.tex").read_text() == "years of work"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".out.cache", "mine", "out"]


def test_an_interrupted_build_leaves_the_old_dataset(demo_raw, tmp_path):
    out = tmp_path / "out"
    build_dataset(demo_raw, out, options=ONE)
    before = _tree(out)

    def interrupt(done: int, total: int, what: str) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dataset(demo_raw, out, options=replace(ONE, sync="none"), progress=interrupt)
    assert _tree(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [".out.cache", "out"]


@pytest.mark.parametrize("where", ["same", "inside", "around"])
def test_the_dataset_cannot_lie_in_the_raw_capture(demo_raw, where):
    out = {"same": demo_raw, "inside": demo_raw / "out", "around": demo_raw.parent}[where]
    with pytest.raises(ConfigError, match="never written to"):
        build_dataset(demo_raw, out)


def test_nothing_to_build_says_why(raw_copy, tmp_path):
    for path in raw_copy.glob("P0?/P0?T0?.c3d"):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"none of the 4 trials could be built: .*P04T01\.c3d"):
        build_dataset(raw_copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_trial_that_does_not_exist(demo_raw, tmp_path):
    with pytest.raises(ConfigError, match="--trial P04T99: the capture has no such trial; it has P04T01"):
        build_dataset(demo_raw, tmp_path / "out", options=BuildOptions(trials=("P04T99",)))


def test_a_newer_schema_is_refused_with_the_command(demo_out, tmp_path):
    shutil.copytree(demo_out, tmp_path / "out")
    info = json.loads((tmp_path / "out" / "dataset.json").read_text())
    info["schema_version"] = "2.0"
    (tmp_path / "out" / "dataset.json").write_text(json.dumps(info))
    with pytest.raises(DatasetError, match=r"schema version 2\.0, newer than .*pip install --upgrade viodat"):
        viodat.open_dataset(tmp_path / "out")


def test_a_changed_file_is_named(demo_out, tmp_path):
    out = Path(shutil.copytree(demo_out, tmp_path / "out"))
    target = next(out.glob("motion/**/P04T01.parquet"))
    content = bytearray(target.read_bytes())
    content[100] ^= 1
    target.write_bytes(content)
    result = viodat.open_dataset(out).verify()
    assert result.having(FileState.CHANGED) == [target.relative_to(out).as_posix()]


def test_whoever_did_not_consent_is_not_in_the_dataset(raw_copy, tmp_path):
    table = raw_copy / "participants.csv"
    header, *rows = table.read_text().splitlines()
    if "consent" not in header.split(","):
        header, rows = header + ",consent", [row + ",yes" for row in rows]
    at = header.split(",").index("consent")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[at] = "no" if row[0] == "P04" else "yes"
    table.write_text("\n".join([header, *map(",".join, cells)]) + "\n")
    result = build_dataset(raw_copy, tmp_path / "out", options=BuildOptions(trials=("P04T01", "P05T01")))
    assert [(row["trial"], row["stage"]) for row in result.exclusions] == [("P04T01", "consent")]
    assert not list((tmp_path / "out").glob("**/P04*T01.*parquet"))
    assert not list((tmp_path / "out" / "waveform").glob("P04*"))


def test_a_try_with_one_trial_does_not_shrink_a_dataset(demo_out, demo_raw, tmp_path):
    out = Path(shutil.copytree(demo_out, tmp_path / "out"))
    with pytest.raises(ConfigError, match="holds 3 trials that a build with --trial would not have: P04T02, P05T01"):
        build_dataset(demo_raw, out, options=ONE)
    assert viodat.open_dataset(out).verify().ok


def test_a_detector_that_is_missing_is_told_before_any_work(demo_raw, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(MissingExtraError, match=r'pip install "viodat\[mediapipe\]"'):
        build_dataset(demo_raw, tmp_path / "out", options=BuildOptions(pose2d="mediapipe"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_probably_wrong_is_told_at_the_end_and_on_the_first_page(raw_copy, tmp_path):
    path = raw_copy / "P04" / "P04T01.c3d"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"LKNE", b"XKNE").replace(b"RKNE", b"LKNE").replace(b"XKNE", b"RKNE"))
    result = build_dataset(raw_copy, tmp_path / "out", options=ONE)
    (note,) = [note for note in result.notes if "LKNE" in note]
    assert note.startswith("P04T01: ")
    assert "LKNE" in (tmp_path / "out" / "reports" / "index.html").read_text()


def test_a_recording_that_is_left_out_is_on_its_trials_page(raw_copy, tmp_path):
    path = raw_copy / "P04" / "P04C01T01.mp4"
    path.write_bytes(path.read_bytes()[:5000])
    build_dataset(raw_copy, tmp_path / "out", options=ONE)
    page = (tmp_path / "out" / "reports" / "trials" / "P04T01.html").read_text()
    assert "P04C01T01 is left out" in page


def test_a_damaged_keypoint_file_costs_the_keypoints_only(raw_copy, tmp_path):
    next(raw_copy.rglob("P04C01T01.keypoints.npz")).write_bytes(b"PK\x03\x04 half")
    result = build_dataset(raw_copy, tmp_path / "out", options=ONE)
    assert result.exclusions == ()
    video = viodat.open_dataset(tmp_path / "out").video("P04C01T01")
    assert np.isnan(video.detected_px).all()
    assert video.valid.any()
