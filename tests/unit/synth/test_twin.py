"""A whole capture: its files, its truth against its files, its faults, and how it goes on after a stop."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import av
import ezc3d
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from viodat.capture import read_audio, read_c3d, read_cameras
from viodat.cli.app import app
from viodat.errors import ConfigError
from viodat.joints import JOINT_INDEX
from viodat.synth import FAULTS, TwinOptions, viodat_scale, write_twin
from viodat.synth.faults import DESCRIPTIONS
from viodat.synth.plan import faults_made, plan_trials
from viodat.synth.takes import take_of

OPTIONS = TwinOptions(participants=2, trials=2, seconds=8.0, cameras=2, microphones=1, video=False, rom_seconds=20.0)
SMALL = TwinOptions(participants=1, trials=2, seconds=3.0, cameras=1, video=False, rom_seconds=0.0, device_start_s=0.2)
NOT_OF_CLOCKS = FAULTS[: FAULTS.index("silent_microphone")]
"""Those of clocks and sounds are measured in test_clock_faults.py."""
FAULTS_TWO = ("short_video", "wrong_units")


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("twin") / "raw"
    write_twin(out, OPTIONS)
    return out


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def truth_of(capture: Path, kind: str, name: str) -> dict[str, np.ndarray]:
    table = pq.read_table(capture / "truth" / kind / f"{name}.parquet")
    return {column: table[column].to_numpy() for column in table.column_names}


def mocap_s(capture: Path, recording: str, device_s: np.ndarray) -> np.ndarray:
    rows = pq.read_table(capture / "truth" / "audio_clocks.parquet", filters=[("recording", "==", recording)])
    return np.interp(device_s, rows["t_device_s"].to_numpy(), rows["t_mocap_s"].to_numpy())


def record(capture: Path, trial: str) -> dict:
    return json.loads((capture / "truth" / "trials" / f"{trial}.json").read_text())


def test_the_folder_is_that_of_a_raw_capture(capture):
    names = {str(path.relative_to(capture)) for path in capture.rglob("*") if path.is_file()}
    expected = {"capture.toml", "participants.csv", "calibration/calibration.toml"}
    expected |= {f"truth/{name}" for name in ("twin.json", "cameras.json", "audio_clocks.parquet")}
    for who in ("P04", "P05"):
        expected |= {f"{who}/{who}_static.c3d", f"{who}/{who}_rom.c3d"}
        for number in ("T01", "T02"):
            trial = f"{who}{number}"
            expected |= {f"{who}/{trial}.c3d", f"truth/trials/{trial}.json"}
            expected |= {f"truth/{kind}/{trial}.parquet" for kind in ("joints", "markers", "notes", "control")}
            for device in ("C01", "C02", "M01"):
                stem = f"{who}{device}{number}"
                expected.add(f"truth/clocks/{stem}.parquet")
                if device == "M01":
                    expected.add(f"{who}/{stem}.wav")
                    continue
                expected |= {f"{who}/{stem}{end}" for end in (".m4a", ".frames.csv", ".keypoints.npz")}
                expected.add(f"truth/frames/{stem}.parquet")
    assert names == expected


def test_the_same_seed_gives_the_same_bytes_in_one_process_and_in_two(tmp_path):
    write_twin(tmp_path / "a", SMALL)
    write_twin(tmp_path / "b", SMALL, workers=2)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    write_twin(tmp_path / "c", replace(SMALL, seed=1))
    other = digests(tmp_path / "c")
    same = [name for name, digest in digests(tmp_path / "a").items() if other[name] == digest]
    assert not [name for name in same if name != "capture.toml" and not name.startswith("truth/trials/")]


def test_a_capture_that_was_stopped_goes_on(tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    write_twin(whole, SMALL)

    class Stop(Exception):
        pass

    def stop(done: int, total: int, trial: str) -> None:
        raise Stop

    with pytest.raises(Stop):
        write_twin(stopped, SMALL, progress=stop)
    assert not (stopped / "truth" / "trials" / "P04T02.json").exists()
    first = (stopped / "P04" / "P04T01.c3d").stat().st_mtime_ns
    assert write_twin(stopped, SMALL).new == 1
    assert (stopped / "P04" / "P04T01.c3d").stat().st_mtime_ns == first
    assert digests(stopped) == digests(whole)
    assert write_twin(stopped, SMALL).new == 0
    (stopped / "P04" / "P04T01.c3d").unlink()
    assert write_twin(stopped, SMALL).new == 1
    assert digests(stopped) == digests(whole)


def test_a_folder_keeps_its_options(tmp_path):
    write_twin(tmp_path / "raw", replace(SMALL, trials=1))
    with pytest.raises(ConfigError, match="other options: trials = 1, not 2"):
        write_twin(tmp_path / "raw", SMALL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").write_text("precious")
    with pytest.raises(ConfigError, match=r"thesis\.doc"):
        write_twin(tmp_path / "mine", SMALL)
    with pytest.raises(ConfigError, match="cannot be written to"):
        write_twin(tmp_path / "mine" / "thesis.doc" / "raw", SMALL)
    with pytest.raises(ConfigError, match="-1 processes"):
        write_twin(tmp_path / "raw", SMALL, workers=-1)
    with pytest.raises(ConfigError, match="is a file"):
        write_twin(tmp_path / "mine" / "thesis.doc", SMALL)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"participants": 0}, "participants = 0"),
        ({"seconds": 1.0}, "seconds = 1.0"),
        ({"cameras": 5}, "cameras = 5"),
        ({"rom_seconds": 5.0}, "rom_seconds = 5"),
        ({"faults": ("gremlins",)}, "no fault 'gremlins'"),
        ({"calibration": "sextant"}, "no calibration format 'sextant'"),
        ({"room": "cellar"}, "no room 'cellar'"),
        ({"long_s": 900.0}, "long_s = 900"),
    ],
)
def test_options_that_make_no_capture_are_refused(wrong, word):
    with pytest.raises(ConfigError, match=word):
        TwinOptions(**wrong)


def test_a_second_take_is_of_the_same_piece_and_differs():
    options = replace(SMALL, trials=3, seconds=6.0)
    plans = plan_trials(options)
    assert [plan.piece for plan in plans] == [0, 1, 0]
    first, second = (take_of(options, plans[k]).performance for k in (0, 2))
    assert first.piece.notes == second.piece.notes
    assert [note.onset_s for note in first.notes] != [note.onset_s for note in second.notes]


def test_the_room_changes_nothing_but_the_sound(tmp_path):
    options = replace(SMALL, trials=1, microphones=1)
    write_twin(tmp_path / "curtained", options)
    write_twin(tmp_path / "hall", replace(options, room="hall"))
    ours, theirs = digests(tmp_path / "curtained"), digests(tmp_path / "hall")
    differing = {name for name, digest in ours.items() if theirs.get(name) != digest}
    assert differing == {"P04/P04C01T01.m4a", "P04/P04M01T01.wav", "truth/twin.json"}


def test_half_written_files_of_a_killed_process_are_removed(tmp_path):
    options = replace(SMALL, trials=1)
    write_twin(tmp_path, options)
    (tmp_path / "truth" / "trials" / "P04T01.json").unlink()
    left = tmp_path / "P04" / ".P04C01T01.x7d_1.m4a"
    left.write_bytes(b"half")
    write_twin(tmp_path, options)
    assert not left.exists()


def test_the_order_of_faults_means_nothing():
    first, second = (replace(SMALL, faults=names) for names in (FAULTS_TWO, FAULTS_TWO[::-1]))
    assert first == second
    with pytest.raises(ConfigError, match="cannot be swapped"):
        replace(SMALL, faults=("swapped_cameras",))


def test_the_scale_of_viodat_is_that_of_viodat():
    plans = plan_trials(viodat_scale(TwinOptions(video=False)))
    assert len(plans) == 160
    assert len({plan.trial for plan in plans}) == 160
    assert sum(4 - plan.missed for plan in plans) == 639


def test_clocks_start_apart_and_drift(capture):
    starts, rates = [], []
    for path in sorted((capture / "truth" / "clocks").glob("*.parquet")):
        rows = pq.read_table(path)
        device, mocap = rows["t_device_s"].to_numpy(), rows["t_mocap_s"].to_numpy()
        starts.append(mocap[0])
        rates.append((np.diff(device) / np.diff(mocap) - 1) * 1e6)
    assert np.ptp(starts) > 4
    assert np.abs(starts).max() <= 5
    assert np.abs(np.concatenate(rates)).max() <= 101
    assert np.std([rate.mean() for rate in rates]) > 10


def test_claps_are_heard_when_the_hands_meet(capture):
    """Each clap's transient in a phone's sound, on the true clock and less the sound's way, is within 2 ms of it."""
    cameras = read_cameras(capture / "calibration" / "calibration.toml")
    heard = 0
    for trial in ("P04T01", "P04T02", "P05T01", "P05T02"):
        for clap_s in record(capture, trial)["claps_s"]:
            recording = f"{trial[:3]}C01{trial[3:]}"
            track = read_audio(capture / trial[:3] / f"{recording}.m4a")
            samples = np.abs(track.samples[:, 0])
            times = mocap_s(capture, recording, np.arange(samples.size) / track.rate_hz)
            near = (times > clap_s - 0.1) & (times < clap_s + 0.1)
            onset = times[near][np.argmax(samples[near] > 0.5 * samples[near].max())]
            way_s = np.linalg.norm(cameras["C01"].centre_mm - [350.0, 0.0, 1200.0]) / 343_000
            assert onset - way_s == pytest.approx(clap_s, abs=0.002)
            heard += 1
    assert heard >= 2, "claps in most trials"


def test_hands_meet_in_the_markers_when_the_clap_is(capture):
    for trial in ("P04T01", "P04T02", "P05T01", "P05T02"):
        joints = pq.read_table(capture / "truth" / "joints" / f"{trial}.parquet")
        times = joints["time_ns"].to_numpy() / 1e9
        places = np.stack(joints["joints_mm"].to_numpy()).reshape(-1, 18, 3)
        apart = np.linalg.norm(places[:, JOINT_INDEX["left_wrist"]] - places[:, JOINT_INDEX["right_wrist"]], axis=1)
        for clap_s in record(capture, trial)["claps_s"]:
            near = np.abs(times - clap_s) < 0.15
            assert times[near][np.argmin(apart[near])] == pytest.approx(clap_s, abs=0.025)


def test_frames_are_exposed_a_constant_skew_from_their_sound(capture):
    lags = []
    for trial in ("P04T01", "P05T02"):
        recording = f"{trial[:3]}C02{trial[3:]}"
        frames = truth_of(capture, "frames", recording)
        stamps_s = frames["pts"] / 90_000
        lag = mocap_s(capture, recording, stamps_s) - frames["time_ns"] / 1e9
        assert np.ptp(lag) < 2e-5
        assert np.diff(frames["pts"]).min() > 0
        lags.append(lag.mean())
    assert abs(lags[0]) < 0.04
    assert lags[0] == pytest.approx(lags[1], abs=1e-4), "a phone's skew is its own"


def test_the_c3d_file_holds_the_true_markers_but_for_noise_and_exchanged_labels(capture):
    markers = read_c3d(capture / "P04" / "P04T01.c3d")
    truth = pq.read_table(capture / "truth" / "markers" / "P04T01.parquet")
    labels = json.loads(truth.schema.metadata[b"labels"])
    places = np.stack(truth["positions_mm"].to_numpy()).reshape(-1, len(labels), 3)
    identity = np.stack(truth["identity"].to_numpy())
    assert len(labels) == 96
    first = int(truth["time_ns"][0].as_py() / 1e7) + 1
    assert markers.first_frame == first
    true = np.take_along_axis(places, identity[..., None].astype(int), axis=1)
    order = [markers.labels.index(label) for label in labels]
    error = np.linalg.norm(markers.positions_mm[:, order] - true, axis=-1)
    assert np.nanmedian(error) == pytest.approx(0.17, abs=0.08)
    assert np.nanpercentile(error, 99.9) < 1.0


def test_control_and_notes_are_of_this_take(capture):
    control, notes = truth_of(capture, "control", "P04T01"), truth_of(capture, "notes", "P04T01")
    joints = truth_of(capture, "joints", "P04T01")
    np.testing.assert_array_equal(control["time_ns"], joints["time_ns"])
    claps = record(capture, "P04T01")["claps_s"]
    assert notes["onset_ns"][0] / 1e9 > max([0.0, *claps]) + 0.6
    inside = (control["time_ns"][:, None] >= notes["onset_ns"]) & (control["time_ns"][:, None] < notes["offset_ns"])
    np.testing.assert_array_equal(control["playing"], inside.any(axis=1))


def amplitude(capture: Path, trial: str, times_s: np.ndarray, heard: str) -> np.ndarray:
    """Amplitude of another trial's sound, or the same one's, at times after the first C3D frame."""
    recording = f"{heard[:3]}C01{heard[3:]}"
    track = read_audio(capture / heard[:3] / f"{recording}.m4a")
    samples = track.samples[:, 0].astype(np.float64)
    window = np.ones(882) / 882
    level = np.sqrt(np.convolve(samples**2, window, mode="same"))
    start = truth_of(capture, "joints", heard)["time_ns"][0] / 1e9
    mocap = mocap_s(capture, recording, np.arange(samples.size) / track.rate_hz)
    return np.interp(times_s - times_s[0] + start, mocap, level)


def test_shuffled_sound_does_not_go_with_the_motion(capture):
    """Bow speed goes with the amplitude of the trial's own sound, rests included, and with no other trial's notes."""
    trials = ["P04T01", "P04T02", "P05T01", "P05T02"]
    whole, own, others = [], [], []
    for k, trial in enumerate(trials):
        control = truth_of(capture, "control", trial)
        times, playing = control["time_ns"] / 1e9, control["playing"]
        speed = np.where(playing, np.abs(control["bow_speed"]), 0.0)
        right, wrong = (amplitude(capture, trial, times, heard) for heard in (trial, trials[k - 1]))
        after_claps = times > times[np.argmax(playing)] - 0.3
        whole.append(np.corrcoef(speed[after_claps], right[after_claps])[0, 1])
        own.append(np.corrcoef(speed[playing], right[playing])[0, 1])
        others.append(np.corrcoef(speed[playing], wrong[playing])[0, 1])
    print("whole", np.round(whole, 2), "own notes", np.round(own, 2), "another's notes", np.round(others, 2))
    assert np.median(whole) > 0.7
    assert np.abs(np.median(others)) < 0.15
    assert np.median(own) > np.median(others) + 0.2


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A capture with every fault of markers, cameras and files beside the same one without; no two share a trial."""
    folder = tmp_path_factory.mktemp("faulty")
    options = replace(SMALL, participants=2, trials=6, cameras=2)
    write_twin(folder / "good", options, workers=2)
    write_twin(folder / "bad", replace(options, faults=NOT_OF_CLOCKS), workers=2)
    return folder / "good", folder / "bad"


def struck(bad: Path, fault: str) -> str:
    faults = json.loads((bad / "truth" / "twin.json").read_text())["faults"]
    return next(trial for trial, made in faults.items() if fault in made)


def test_every_fault_is_described_and_made(faulty):
    assert set(DESCRIPTIONS) == set(FAULTS)
    made = json.loads((faulty[1] / "truth" / "twin.json").read_text())["faults"]
    assert {name for names in made.values() for name in names} == set(NOT_OF_CLOCKS)
    assert made["P05"] == ["missing_static"]
    all_made = faults_made(replace(SMALL, participants=2, trials=10, cameras=2, faults=FAULTS))
    assert sorted(name for names in all_made.values() for name in names) == sorted(FAULTS)


def test_faults_do_what_they_say(faulty):
    good, bad = faulty

    def files(fault: str, device: str, suffix: str) -> tuple[Path, Path]:
        trial = struck(bad, fault)
        name = f"{trial[:3]}/{trial[:3]}{device}{trial[3:]}{suffix}"
        return good / name, bad / name

    def c3d(fault: str) -> tuple[Path, Path]:
        trial = struck(bad, fault)
        return good / trial[:3] / f"{trial}.c3d", bad / trial[:3] / f"{trial}.c3d"

    right, wrong = (read_c3d(path) for path in c3d("wrong_units"))
    np.testing.assert_allclose(wrong.positions_mm * 1000, right.positions_mm, atol=0.01)
    right, wrong = (read_c3d(path) for path in c3d("swapped_sides"))
    np.testing.assert_array_equal(wrong.marker("LASI"), right.marker("RASI"))
    assert not files("missing_camera", "C01", ".m4a")[1].exists()
    right_size, wrong_size = (path.stat().st_size for path in c3d("truncated_c3d"))
    assert wrong_size == int(0.6 * right_size)
    right_size, wrong_size = (path.stat().st_size for path in files("truncated_video", "C02", ".m4a"))
    assert wrong_size == int(0.6 * right_size)
    loud = read_audio(files("clipped_microphone", "C02", ".m4a")[1]).samples
    assert (np.abs(loud) > 0.95).mean() > 0.01
    with av.open(str(files("stereo_microphone", "C02", ".m4a")[1])) as container:
        assert container.streams.audio[0].channels == 2
    rates = [len(path.read_text().splitlines()) for path in files("sixty_fps", "C01", ".frames.csv")]
    assert rates[1] == pytest.approx(2 * rates[0], rel=0.05)
    ends = [int(path.read_text().splitlines()[-1].split(",")[0]) for path in files("short_video", "C01", ".frames.csv")]
    assert ends[1] == pytest.approx(2 / 3 * ends[0], rel=0.05)
    with (
        np.load(files("knocked_phone", "C02", ".keypoints.npz")[0]) as a,
        np.load(files("knocked_phone", "C02", ".keypoints.npz")[1]) as b,
    ):
        assert np.nanmedian(np.abs(a["keypoints_px"] - b["keypoints_px"])) > 20
    assert not (bad / "P05" / "P05_static.c3d").exists()
    assert (bad / "P04" / "P04_static.c3d").exists()
    trial = struck(bad, "duplicated_trial")
    assert (bad / trial[:3] / f"{trial[:3]}T07.c3d").read_bytes() == (bad / trial[:3] / f"{trial}.c3d").read_bytes()


def test_exchanged_cameras_have_each_others_pictures_and_true_times(faulty):
    _, bad = faulty
    trial = struck(bad, "swapped_cameras")
    cameras = json.loads((bad / "truth" / "cameras.json").read_text())
    joints = truth_of(bad, "joints", trial)
    middle = np.stack(joints["joints_mm"]).reshape(-1, 18, 3)[len(joints["time_ns"]) // 2]
    found = {}
    for device in ("C01", "C02"):
        with np.load(bad / trial[:3] / f"{trial[:3]}{device}{trial[3:]}.keypoints.npz") as file:
            shoulder = np.nanmedian(file["keypoints_px"][:, 11], axis=0)
        for name, camera in cameras.items():
            true = camera["true"]
            at = np.array(true["R"]) @ middle[JOINT_INDEX["left_shoulder"]] + np.array(true["T"])
            pixel = np.array(true["camera_matrix"]) @ at
            found[device, name] = np.linalg.norm(pixel[:2] / pixel[2] - shoulder)
    assert found["C01", "C02"] < found["C01", "C01"]
    assert found["C02", "C01"] < found["C02", "C02"]


def test_the_verb_says_what_it_made_and_what_is_next(tmp_path):
    arguments = ["synth", str(tmp_path / "raw"), "--participants", "1", "--trials", "1", "--seconds", "3"]
    arguments += ["--given-clocks", "--room", "open", "--claps", "0", "--long-seconds", "7"]
    result = CliRunner().invoke(app, [*arguments, "--cameras", "1", "--no-video", "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "1 trial and 1 recording" in result.stdout
    assert "viodat build --raw" in result.stdout
    again = CliRunner().invoke(app, [*arguments, "--cameras", "1", "--no-video", "--json"])
    assert json.loads(again.stdout)["new"] == 0
    options = json.loads((tmp_path / "raw" / "truth" / "twin.json").read_text())["options"]
    said = {"given_clocks": True, "room": "open", "claps": 0, "long_s": 7.0}
    assert {name: options[name] for name in said} == said
    refused = CliRunner().invoke(app, ["synth", str(tmp_path / "x"), "--scale", "planet"])
    assert refused.exit_code == 2
    assert "no scale 'planet'" in refused.output
    assert ezc3d.c3d(str(tmp_path / "raw" / "P04" / "P04T01.c3d"))["header"]["points"]["frame_rate"] == 100
