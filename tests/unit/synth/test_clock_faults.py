"""What the faults of clocks and sounds do to the written files, against the same capture without them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt

from viodat.capture import read_audio
from viodat.errors import ConfigError
from viodat.synth import FAULTS, TwinOptions, write_twin

CLOCK_FAULTS = FAULTS[FAULTS.index("silent_microphone") :]
OPTIONS = TwinOptions(
    participants=1,
    trials=8,
    seconds=4.0,
    seed=4,
    cameras=2,
    microphones=1,
    video=False,
    rom_seconds=0.0,
    device_start_s=0.2,
    long_s=9.0,
)
DEVICES = {"C01": ".m4a", "C02": ".m4a", "M01": ".wav"}
PHONE_FILES = (".m4a", ".frames.csv", ".keypoints.npz")
HZ = 44_100


@dataclass(frozen=True)
class Struck:
    """One trial of a capture with faults, beside the same capture without."""

    good: Path
    bad: Path
    trial: str

    def name(self, device: str, next_trial: bool = False) -> str:
        number = int(self.trial[4:])
        number = number % OPTIONS.trials + 1 if next_trial else number
        return f"{self.trial[:3]}{device}T{number:02d}"

    def files(self, device: str, suffix: str = "") -> tuple[Path, Path]:
        name = self.name(device) + (suffix or DEVICES[device])
        return self.good / "P04" / name, self.bad / "P04" / name

    def sounds(self, device: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        good, bad = (read_audio(path).samples[:, 0].astype(np.float64) for path in self.files(device))
        return good, bad

    def same(self, device: str, suffix: str = "") -> bool:
        good, bad = self.files(device, suffix)
        return good.read_bytes() == bad.read_bytes()

    def record(self) -> dict:
        return json.loads((self.bad / "truth" / "trials" / f"{self.trial}.json").read_text())

    def of_device(self, device: str) -> dict:
        return self.record()["devices"][self.name(device)]

    def clock(self, device: str, capture: Path | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows = pq.read_table((capture or self.bad) / "truth" / "clocks" / f"{self.name(device)}.parquet")
        return rows["t_device_s"].to_numpy(), rows["t_mocap_s"].to_numpy()

    def frame_times_s(self) -> NDArray[np.float64]:
        return pq.read_table(self.bad / "truth" / "joints" / f"{self.trial}.parquet")["time_ns"].to_numpy() / 1e9


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("clock_faults")
    write_twin(folder / "good", OPTIONS)
    write_twin(folder / "bad", TwinOptions(**{**OPTIONS.as_json(), "faults": CLOCK_FAULTS}))
    return folder / "good", folder / "bad"


@pytest.fixture
def struck(captures: tuple[Path, Path], request: pytest.FixtureRequest) -> Struck:
    """Trial that the fault named by a test's parameter struck."""
    good, bad = captures
    made = json.loads((bad / "truth" / "twin.json").read_text())["faults"]
    (trial,) = (trial for trial, names in made.items() if request.param in names)
    assert made[trial] == [request.param] == Struck(good, bad, trial).record()["faults"]
    assert (good / "P04" / f"{trial}.c3d").read_bytes() == (bad / "P04" / f"{trial}.c3d").read_bytes()
    return Struck(good, bad, trial)


def fault(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("struck", [name], indirect=True)


def levels_db(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level of each tenth of a second, dB re full scale."""
    tenths = samples[: samples.size // 4410 * 4410].reshape(-1, 4410)
    return 10 * np.log10(np.mean(tenths**2, axis=1))


def stamps_s(path: Path) -> NDArray[np.float64]:
    return np.loadtxt(path, delimiter=",", skiprows=1, usecols=0) / 90_000


@fault("silent_microphone")
def test_a_silent_microphone_records_nothing_but_its_noise(struck):
    good, bad = struck.sounds("C02")
    assert bad.size == good.size
    steps = [np.abs(np.diff(levels_db(x))).max() for x in (good, bad)]
    assert steps[0] > 6, "notes begin and end"
    assert steps[1] < 2, "the automatic gain rises slowly"
    assert levels_db(bad).max() < -45
    assert np.abs(bad).max() > 1e-5, "no digital silence"
    assert abs(np.corrcoef(good, bad)[0, 1]) < 0.02
    assert struck.same("C01")
    assert struck.same("M01")
    assert struck.same("C02", ".frames.csv")


def beats_on_device(struck: Struck, device: str) -> NDArray[np.float64]:
    """When each click arrives, s on the device's clock."""
    metronome, true = struck.record()["metronome"], struck.of_device(device)
    device_s, mocap_s = struck.clock(device)
    way_s = np.linalg.norm(np.subtract(true["microphone_mm"], metronome["place_mm"])) / 343_000
    beats = metronome["first_s"] + np.arange(100) * 60 / metronome["bpm"] + way_s
    heard = np.interp(beats, mocap_s, device_s, left=np.nan, right=np.nan)
    return heard[(heard > 0.01) & (heard < device_s[-1] - 0.05)]


@fault("metronome")
def test_a_metronome_is_heard_by_all_devices_through_the_whole_trial(struck):
    bpm = struck.record()["metronome"]["bpm"]
    assert 60 <= bpm <= 120
    band = butter(4, (1_600, 2_800), "bandpass", fs=HZ, output="sos")
    for device in DEVICES:
        good, bad = struck.sounds(device)
        clicks = np.abs(sosfiltfilt(band, bad - good))
        beats = beats_on_device(struck, device)
        assert beats.size == pytest.approx(good.size / HZ * bpm / 60, abs=1.5)
        for at in beats:
            near = clicks[round((at - 0.004) * HZ) : round((at + 0.012) * HZ)]
            before = clicks[max(0, round((at - 0.05) * HZ)) : round((at - 0.004) * HZ)]
            assert near.max() > 3 * before.max(), (device, at)


@fault("metronome")
def test_a_metronomes_clicks_come_when_the_truth_says(struck):
    """By a recorder without automatic gain, in which nothing but the clicks is different."""
    good, bad = struck.sounds("M01")
    clicks = np.abs(bad - good)
    late = []
    for at in beats_on_device(struck, "M01"):
        first = round((at - 0.005) * HZ)
        near = clicks[first : round((at + 0.01) * HZ)]
        late.append((first + np.argmax(near > 0.1 * near.max())) / HZ - at)
    assert np.ptp(late) < 0.00015
    assert 0 < np.mean(late) < 0.0004, "s: they rise within 0.3 ms"


@fault("wrong_sound")
def test_the_wrong_sound_is_that_of_the_next_trial(struck):
    other = struck.name("C02", next_trial=True)
    assert struck.files("C02")[1].read_bytes() == (struck.good / "P04" / f"{other}.m4a").read_bytes()
    assert not struck.same("C02")
    assert struck.of_device("C02")["sound_of"] == other
    for suffix in PHONE_FILES[1:]:
        assert struck.same("C02", suffix), "the pictures are right"
    for suffix in PHONE_FILES:
        assert struck.same("C01", suffix)
    assert struck.same("M01")


@fault("wrong_trial")
def test_recordings_of_the_wrong_trial_are_those_of_the_next_one(struck):
    for device, suffixes in {"C01": PHONE_FILES, "C02": PHONE_FILES, "M01": (".wav",)}.items():
        other = struck.name(device, next_trial=True)
        assert struck.of_device(device)["recording_of"] == other
        for suffix in suffixes:
            path = struck.files(device, suffix)[1]
            assert path.read_bytes() == (struck.good / "P04" / f"{other}{suffix}").read_bytes()
            assert not struck.same(device, suffix)


@fault("stopped_phone")
def test_a_stopped_phone_ends_with_sound_and_pictures_in_the_middle_of_the_trial(struck):
    times = struck.frame_times_s()
    middle_s = (times[0] + times[-1] + 0.01) / 2
    device_s, mocap_s = struck.clock("C02")
    assert mocap_s[-1] == pytest.approx(middle_s, abs=0.001)
    good, bad = struck.sounds("C02")
    assert bad.size / HZ == pytest.approx(device_s[-1], abs=1024 / HZ)
    assert good.size > bad.size + HZ
    assert np.corrcoef(good[: bad.size], bad)[0, 1] > 0.99, "up to there it is the same sound"
    stamps = stamps_s(struck.files("C02", ".frames.csv")[1])
    assert stamps[-1] == pytest.approx(device_s[-1], abs=0.1)
    with np.load(struck.files("C02", ".keypoints.npz")[1]) as keypoints:
        assert len(keypoints["keypoints_px"]) == stamps.size
    assert struck.same("C01")
    assert struck.same("M01")


@fault("wrong_rate")
def test_a_wrong_rate_makes_the_sound_longer_and_lower(struck):
    right, wrong = (soundfile.read(path) for path in struck.files("M01"))
    assert right[1] == wrong[1] == HZ, "what the file says"
    assert len(wrong[0]) / len(right[0]) == pytest.approx(48 / 44.1, abs=1e-5)
    again = resample_poly(wrong[0], 147, 160)[: len(right[0])]
    inside = slice(500, -500)
    assert np.std(again[inside] - right[0][inside]) < 0.005 * np.std(right[0])
    assert struck.of_device("M01")["sampled_hz"] == 48_000
    device_s, _ = struck.clock("M01")
    assert device_s[-1] == pytest.approx(len(right[0]) / HZ, abs=0.001), "the truth is the recorder's own clock"
    assert struck.same("C02")


def test_without_a_microphone_the_last_phone_has_the_wrong_rate_and_the_right_stamps(tmp_path):
    options = TwinOptions(**{**OPTIONS.as_json(), "trials": 1, "microphones": 0, "cameras": 1})
    write_twin(tmp_path / "good", options)
    write_twin(tmp_path / "bad", TwinOptions(**{**options.as_json(), "faults": ("wrong_rate",)}))
    good, bad = (read_audio(tmp_path / kind / "P04" / "P04C01T01.m4a").samples[:, 0] for kind in ("good", "bad"))
    assert bad.size / good.size == pytest.approx(48 / 44.1, abs=0.001)
    pitch = [np.abs(np.fft.rfft(x * np.hanning(x.size), n=2**19))[: 2**17] for x in (good, bad)]
    shares = np.linspace(1.02, 1.15, 400)
    bins = np.arange(2**17)
    match = [np.corrcoef(np.interp(bins, bins / share, pitch[0]), pitch[1])[0, 1] for share in shares]
    assert shares[np.argmax(match)] == pytest.approx(48 / 44.1, abs=0.001), "as much lower as it is longer"
    for suffix in PHONE_FILES[1:]:
        good_file, bad_file = (tmp_path / kind / "P04" / f"P04C01T01{suffix}" for kind in ("good", "bad"))
        assert good_file.read_bytes() == bad_file.read_bytes()


@fault("long_recording")
def test_a_long_recording_holds_the_trial_and_other_playing(struck):
    true = struck.of_device("C01")
    early, late = round(true["early_s"] * HZ), round(true["late_s"] * HZ)
    good, bad = struck.sounds("C01")
    assert max(true["early_s"], true["late_s"]) == pytest.approx(OPTIONS.long_s, abs=0.5)
    assert min(true["early_s"], true["late_s"]) == 0
    assert bad.size == pytest.approx(good.size + early + late, abs=1100)
    # The automatic gain has forgotten what was before after a second or two.
    own = bad[early:][: good.size]
    assert np.corrcoef(good[2 * HZ : own.size], own[2 * HZ :])[0, 1] > 0.95, "the trial is in it"
    extra = bad[:early] if early else bad[-late:]
    assert np.mean(levels_db(extra) > -40) > 0.4, "playing"
    spectra = [np.fft.rfft(x, n=2**20) for x in (extra / np.std(extra), good / np.std(good))]
    anywhere = np.abs(np.fft.irfft(spectra[0] * np.conj(spectra[1]))).max() / min(extra.size, good.size)
    assert anywhere < 0.3, "of something else"
    device_s, mocap_s = struck.clock("C01")
    good_s, good_mocap_s = struck.clock("C01", struck.good)
    inside = np.linspace(0.1, good_s[-1] - 0.1, 50)
    shift = np.interp(np.interp(inside, good_s, good_mocap_s), mocap_s, device_s) - inside
    assert shift == pytest.approx(true["early_s"], abs=0.002)
    stamps = stamps_s(struck.files("C01", ".frames.csv")[1])
    assert stamps[-1] == pytest.approx(device_s[-1], abs=0.1)
    for device in ("C02", "M01"):
        assert struck.same(device), "nobody else hears it"


@fault("long_recording")
def test_the_player_is_seen_to_rehearse(struck):
    true = struck.of_device("C01")
    with np.load(struck.files("C01", ".keypoints.npz")[1]) as keypoints:
        wrist = keypoints["keypoints_px"][:, 16]
    stamps = stamps_s(struck.files("C01", ".frames.csv")[1])
    alone = stamps < true["early_s"] - 1.5 if true["early_s"] else stamps > stamps[-1] - true["late_s"] + 2.5
    moved_px = np.linalg.norm(wrist[alone][8:] - wrist[alone][:-8], axis=1)
    assert np.nanmedian(moved_px) > 18, "the bow arm moves more in a quarter of a second than the detector errs"


@pytest.mark.parametrize("name", ["wrong_sound", "wrong_trial"])
def test_there_must_be_another_trial_to_be_mistaken_for(name):
    with pytest.raises(ConfigError, match="next trial"):
        TwinOptions(trials=1, faults=(name,))
