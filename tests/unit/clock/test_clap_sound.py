import numpy as np
import pytest

from tests.unit.clock.clapping import sound_with
from viodat.clock.clap_sound import transients
from viodat.clock.hearing import Hearing

CLAPS = (1.23456, 2.0, 6.5)


@pytest.mark.parametrize("rate_hz", [8000.0, 44100.0, 48000.0])
def test_the_direct_sound_is_timed_not_the_stronger_reflection(rate_hz):
    found = [one for one in transients(sound_with(CLAPS, rate_hz=rate_hz)) if one.likely > 0.5]
    errors = np.array([one.time_s for one in found]) - CLAPS
    assert np.all(errors > -0.0003)
    assert np.all(errors < 0.0006)
    assert all(abs(error) < 3 * one.sigma_s for error, one in zip(errors, found, strict=True))


def test_noise_of_a_coder_ahead_of_a_clap_is_not_its_onset():
    sound = sound_with((3.0,), noise=1e-4)
    samples = sound.samples.copy()
    ahead = slice(int(2.996 * 44100), int(3.0 * 44100))
    samples[ahead] += 0.03 * np.random.default_rng(1).standard_normal(ahead.stop - ahead.start)
    (one,) = [one for one in transients(Hearing(samples, 44100.0)) if one.likely > 0.5]
    assert abs(one.time_s - 3.0) < 0.0006


def test_steady_sound_has_no_onsets():
    times = np.arange(0, 6, 1 / 44100)
    tone = sum(np.sin(2 * np.pi * 220 * k * times) / k for k in range(1, 30))
    fade = np.minimum(1, times / 0.05)
    tremolo = 1 + 0.5 * np.sin(2 * np.pi * 6 * times)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(times))
    assert transients(Hearing(0.1 * fade * tremolo * tone + noise, 44100.0)) == ()


def test_a_note_that_stays_is_less_like_a_clap_than_one_that_dies():
    rng = np.random.default_rng(0)
    samples = 1e-3 * rng.standard_normal(4 * 44100)
    samples[44100 : 2 * 44100] += 0.3 * rng.standard_normal(44100)
    (stays,) = transients(Hearing(samples, 44100.0))
    assert stays.likely < 0.2 < 0.9 < transients(sound_with((1.0,)))[0].likely


def test_a_clipped_clap_keeps_its_time():
    sound = sound_with((2.0,))
    (one,) = transients(Hearing(np.clip(20 * sound.samples, -1, 1), 44100.0))
    assert abs(one.time_s - 2.0) < 0.0006


@pytest.mark.parametrize(
    "samples", [np.zeros(44100), np.zeros(0), np.full(44100, np.nan), np.zeros(50)], ids=["silent", "none", "nan", "50"]
)
def test_nothing_heard(samples):
    assert transients(Hearing(samples, 44100.0)) == ()
