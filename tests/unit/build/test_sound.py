import numpy as np
import pytest
import soundfile

from viodat.build.sound import best_microphone, write_sound
from viodat.capture.audio import AudioSignal

RATE = 44100.0


def _signal(tmp_path, samples, name="a.wav"):
    return AudioSignal(np.asarray(samples, np.float32), RATE, 0.0, tmp_path / name)


def _phrase(rng, noise):
    t = np.arange(2 * int(RATE)) / RATE
    bow = np.clip(np.sin(2 * np.pi * 0.5 * t), 0, 1)
    return (0.5 * bow * np.sin(2 * np.pi * 440 * t) + noise * rng.normal(size=t.size))[:, None]


def test_the_nearer_microphone_is_better(tmp_path):
    rng = np.random.default_rng(0)
    signals = {name: _signal(tmp_path, _phrase(rng, noise)) for name, noise in (("a", 0.01), ("b", 0.001), ("c", 0.1))}
    assert best_microphone(signals) == "b"


def test_a_clipped_microphone_is_not_chosen(tmp_path):
    rng = np.random.default_rng(0)
    clipped = np.clip(5 * _phrase(rng, 0.0001), -1, 1)
    signals = {"a": _signal(tmp_path, clipped), "b": _signal(tmp_path, _phrase(rng, 0.05))}
    assert best_microphone(signals) == "b"
    assert best_microphone({"a": signals["a"]}) == "a"


@pytest.mark.parametrize(("bits", "subtype"), [(16, "PCM_16"), (24, "PCM_24")])
def test_every_bit_that_was_recorded_is_kept(tmp_path, bits, subtype):
    steps = np.random.default_rng(0).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (1000, 2))
    signal = _signal(tmp_path, steps / 2.0 ** (bits - 1))
    write_sound(tmp_path / "a.flac", signal)
    assert soundfile.info(tmp_path / "a.flac").subtype == subtype
    again, rate = soundfile.read(tmp_path / "a.flac", dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(again, signal.samples)


def test_what_came_out_of_a_lossy_codec_needs_16_bit(tmp_path):
    write_sound(tmp_path / "a.flac", _signal(tmp_path, np.random.default_rng(0).normal(0, 0.1, (100, 1)), "a.m4a"))
    assert soundfile.info(tmp_path / "a.flac").subtype == "PCM_16"


def test_samples_above_full_scale_are_scaled_not_clipped(tmp_path):
    samples = np.array([[0.5], [-2.0], [1.0]])
    write_sound(tmp_path / "a.flac", _signal(tmp_path, samples))
    np.testing.assert_allclose(soundfile.read(tmp_path / "a.flac")[0], samples[:, 0] / 2, atol=2**-22)


def test_more_channels_than_flac_holds_become_their_mean(tmp_path):
    samples = np.tile(np.linspace(-0.5, 0.5, 100)[:, None], 16)
    write_sound(tmp_path / "a.flac", _signal(tmp_path, samples))
    again, _ = soundfile.read(tmp_path / "a.flac", always_2d=True)
    assert again.shape == (100, 1)
    np.testing.assert_allclose(again[:, 0], samples[:, 0], atol=1e-6)
