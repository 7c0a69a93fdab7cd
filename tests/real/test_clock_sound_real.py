"""Two copies of a real violin clip are aligned: one was resampled by 30 ppm, band-limited and encoded again."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from scipy.signal import butter, sosfiltfilt

from viodat.capture import read_audio
from viodat.clock.evidence.sound import sound
from viodat.clock.hearing import Hearing
from viodat.clock.inputs import Device, TrialEvidence
from viodat.synth.lab.microphones import write_m4a

CLIP = "violin_audio/mosa/ba1_yv10_t1_audio_clip.wav"
PPM = 30e-6
START_S = 0.7123
RATE_HZ = 44_100
MOST_S = 0.5e-3


@pytest.fixture(scope="module")
def clip(real_data):
    return read_audio(real_data / CLIP, mono=True).samples[:, 0]


def copied(clip, band_hz, path):
    """30 ppm more samples, so many Hz of them, as AAC; what is at t of the clip is at START_S + t (1 + PPM)."""
    copy = soxr.resample(clip, 22_050, RATE_HZ * (1 + PPM), quality="VHQ")
    copy = sosfiltfilt(butter(4, band_hz, "bandpass", fs=RATE_HZ, output="sos"), copy)
    lead = np.zeros(round(START_S * RATE_HZ))
    write_m4a(path, np.clip(np.concatenate([lead, copy]), -1, 1))
    heard = read_audio(path, mono=True)
    return heard.samples[:, 0], heard.rate_hz


@pytest.mark.parametrize("band_hz", [(200, 8_000), (300, 3_400)])
def test_copies_of_a_clip_are_aligned(clip, band_hz, tmp_path, capsys):
    samples, rate_hz = copied(clip, band_hz, tmp_path / "copy.m4a")
    devices = Device("A", Hearing(clip, 22_050.0)), Device("B", Hearing(samples, rate_hz))
    (seen,) = sound(TrialEvidence(None, devices))

    def true(at_s):
        return round(START_S * RATE_HZ) / RATE_HZ + at_s * PPM

    windows = seen.windows
    known = np.isfinite(windows.lag_s)
    away = windows.lag_s[known] - true(windows.at_s[known])
    drift = np.polyfit(windows.at_s[known], windows.lag_s[known], 1)[0]
    error = seen.best.lag_s - true(seen.at_s)
    with capsys.disabled():
        print(
            f"\ncopy of {band_hz[0]}-{band_hz[1]} Hz: lag off by {1e3 * error:+.4f} ms, windows by at most "
            f"{1e3 * np.abs(away).max():.4f} ms, drift off by {1e6 * (drift - PPM):+.2f} ppm, "
            f"log odds {seen.best.log_odds:.0f}"
        )
    assert abs(error) < MOST_S
    assert np.abs(away).max() < MOST_S
    assert known.mean() > 0.5
    assert drift == pytest.approx(PPM, abs=5e-6)
    assert seen.best.log_odds > 5


def test_another_part_of_the_clip_does_not_convince(clip):
    half = len(clip) // 2
    devices = Device("A", Hearing(clip[:half], 22_050.0)), Device("B", Hearing(clip[half:], 22_050.0))
    (seen,) = sound(TrialEvidence(None, devices))
    assert seen.best is None or seen.best.log_odds <= 0
