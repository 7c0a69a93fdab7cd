from __future__ import annotations

import av
import numpy as np
import pytest
import soundfile

from viodat.errors import ConfigError
from viodat.synth.lab.clocks import DeviceClock, draw_clock
from viodat.synth.lab.microphones import SEPARATE, Device, Source, record_device, write_m4a, write_wav
from viodat.synth.sound.room import SPEED_OF_SOUND_M_S, Microphone, Room

RATE = 44_100
SILENT = Microphone(gain_db=0.0, noise_db=-200.0, band_hz=(20.0, 20_000.0), automatic_gain=None)
HERE = np.zeros(3)


def rng(seed=0):
    return np.random.default_rng(seed)


def tone(hertz, seconds, amplitude=0.5):
    """Fade in and out, so that the ends hold no click."""
    t = np.arange(round(seconds * RATE)) / RATE
    return amplitude * np.clip(t / 0.1, 0, 1) * np.clip((seconds - t) / 0.1, 0, 1) * np.sin(2 * np.pi * hertz * t)


def fitted(samples, at_s, hertz):
    """Least-squares tone: what it is, and the RMS of what is left of the samples, relative to theirs."""
    basis = np.stack([np.sin(2 * np.pi * hertz * at_s), np.cos(2 * np.pi * hertz * at_s)], axis=1)
    weights = np.linalg.lstsq(basis, samples, rcond=None)[0]
    return weights, (samples - basis @ weights).std() / samples.std()


@pytest.mark.parametrize("hertz", [200.0, 3_000.0, 12_000.0])
def test_samples_are_the_tone_at_the_devices_instants(hertz):
    clock = draw_clock(rng(2), ppm=90.0, start_range_s=(-1.0, -0.5))
    device = Device(clock, 6.0, np.array([1000.0, 0, 0]), SILENT)
    samples = record_device([Source(tone(hertz, 6.0), 0.0, HERE)], device, None, rng=rng())
    k = np.arange(3 * RATE, 4 * RATE)
    heard_s = clock.mocap(k / RATE) - 1 / SPEED_OF_SOUND_M_S
    assert fitted(samples[k], heard_s, hertz)[1] < 1e-3
    # Without the clock the same tone does not fit: the test sees a drift of 90 ppm.
    assert fitted(samples[k], k / RATE, hertz)[1] > 0.02 * hertz / 12_000


def arrival_s(samples, device):
    """Mocap time of the greatest sample, refined by a parabola."""
    k = int(np.abs(samples).argmax())
    a, b, c = np.abs(samples[k - 1 : k + 2])
    return float(device.clock.mocap((k + 0.5 * (a - c) / (a - 2 * b + c)) / RATE))


@pytest.mark.parametrize("start_s", [3.0, 3.0 + 0.3 / RATE, 7.77777])
@pytest.mark.parametrize("room", [None, Room()])
def test_a_click_arrives_after_its_way(start_s, room):
    clock = DeviceClock(-1.7, 73.0)
    device = Device(clock, 11.0, np.array([2000.0, 1500.0, 1300.0]), SILENT)
    click = np.zeros(64)
    click[0] = 0.5
    samples = record_device([Source(click, start_s, np.array([0.0, 0.0, 1300.0]))], device, room, rng=rng())
    # The recorder's second-order low-pass holds a click up by about √2 / (2π · 20 kHz), half a sample.
    held_s = np.sqrt(2) / (2 * np.pi * 20_000)
    assert arrival_s(samples, device) == pytest.approx(start_s + 2.5 / SPEED_OF_SOUND_M_S + held_s, abs=0.4 / RATE)
    before = samples[: int(clock.device(start_s + 2.5 / SPEED_OF_SOUND_M_S) * RATE) - 40]
    assert np.abs(before).max() < 1e-4 * np.abs(samples).max()


def test_outside_the_sound_there_is_only_noise():
    device = Device(DeviceClock(-3.0, 20.0), 9.0, np.array([2500.0, 0, 1300.0]), Microphone(automatic_gain=None))
    source = Source(tone(440.0, 2.0), 0.0, np.array([0.0, 0.0, 1400.0]))
    samples = record_device([source], device, Room(), rng=rng())
    assert samples.shape == (9 * RATE,)
    before, during = samples[: round(2.9 * RATE)], samples[round(3.5 * RATE) : round(4.5 * RATE)]
    late = samples[-RATE:]
    assert 0 < before.std() < during.std() / 50
    assert late.std() == pytest.approx(before.std(), rel=0.1)


def test_a_device_that_starts_late_or_stops_early_hears_what_is_left():
    source = Source(tone(440.0, 5.0), 0.0, HERE)
    place = np.array([1000.0, 0, 0])
    whole = record_device([source], Device(DeviceClock(0.0), 5.0, place, SILENT), None, rng=rng())
    part = record_device([source], Device(DeviceClock(2.0), 1.0, place, SILENT), None, rng=rng())
    # The high-pass settles first.
    np.testing.assert_allclose(part[RATE // 4 :], whole[round(2.25 * RATE) : 3 * RATE], atol=1e-3)
    gone = record_device([source], Device(DeviceClock(50.0), 1.0, place, SILENT), None, rng=rng())
    assert np.abs(gone).max() < 1e-6


def test_noise_and_reverberation_follow_the_seed():
    source = Source(tone(440.0, 1.0), 0.0, np.array([0.0, 0.0, 1400.0]))
    device = Device(DeviceClock(-0.5, 10), 2.0, np.array([2000.0, 100.0, 1300.0]), Microphone())
    heard = [record_device([source], device, Room(), rng=rng(seed)) for seed in (7, 7, 8)]
    np.testing.assert_array_equal(heard[0], heard[1])
    assert not np.array_equal(heard[0], heard[2])


def test_the_fixed_gain_of_a_separate_microphone_keeps_levels_apart():
    def ratio(microphone):
        loud, soft = (
            record_device(
                [Source(tone(440.0, 3.0, size), 0.0, HERE)],
                Device(DeviceClock(0.0), 3.0, np.array([2000.0, 0, 0]), microphone),
                None,
                rng=rng(),
            )[2 * RATE : round(2.8 * RATE)].std()
            for size in (1.0, 0.1)
        )
        return loud / soft

    assert ratio(SEPARATE) == pytest.approx(10.0, rel=0.02)
    assert ratio(Microphone()) < 6


@pytest.mark.parametrize(("seconds", "place"), [(0.0, (0, 0, 0)), (1.0, (90_000, 0, 0))])
def test_impossible_recordings_are_refused(seconds, place):
    device = Device(DeviceClock(0.0), seconds, np.array(place, dtype=float), SILENT)
    with pytest.raises(ConfigError):
        record_device([Source(tone(440.0, 1.0), 0.0, np.array([0, 0, 1000.0]))], device, Room(), rng=rng())


def presented(path):
    with av.open(str(path)) as file:
        frames = [(frame.pts * frame.time_base, frame.to_ndarray()) for frame in file.decode(audio=0)]
    return frames[0][0], np.concatenate([samples for _, samples in frames], axis=1)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_click_comes_back_from_aac_where_it_was(tmp_path, channels):
    sound = np.zeros((2 * RATE, channels))
    clicks = (500, 20_000, 77_777)
    sound[list(clicks)] = 0.9
    path = tmp_path / "sound.m4a"
    write_m4a(path, sound[:, 0] if channels == 1 else sound)
    start, back = presented(path)
    assert start == 0
    assert back.shape[0] == channels
    assert 0 <= back.shape[1] - len(sound) < 2048
    for click in clicks:
        near = slice(click - 400, click + 400)
        assert abs(int(np.abs(back[0, near]).argmax()) - 400) <= 1


def test_aac_and_wav_are_the_same_bytes_again(tmp_path):
    sound = 0.1 * rng().standard_normal(RATE)
    for write, name in ((write_m4a, "sound.m4a"), (write_wav, "sound.wav")):
        first, again = tmp_path / "a" / name, tmp_path / "b" / name
        write(first, sound)
        write(again, sound)
        assert first.read_bytes() == again.read_bytes()


def test_wav_has_24_bits(tmp_path):
    sound = np.clip(0.3 * rng().standard_normal((RATE, 2)), -1, 1 - 2.0**-23)
    path = tmp_path / "sound.wav"
    write_wav(path, sound)
    assert soundfile.info(str(path)).subtype == "PCM_24"
    back, rate = soundfile.read(str(path))
    assert rate == RATE
    np.testing.assert_allclose(back, sound, atol=2.0**-23)
