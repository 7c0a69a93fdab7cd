"""Real sound: a solo violin clip, four sustained notes, and what video files hold for sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from viodat.capture.audio import has_audio, read_audio
from viodat.errors import CaptureError

NOTES_HZ = {"G3": 196.00, "C4": 261.63, "A4": 440.00, "E5": 659.26}


def test_the_violin_clip(real_data: Path):
    path = real_data / "violin_audio/mosa/ba1_yv10_t1_audio_clip.wav"
    signal = read_audio(path)
    assert signal.samples.shape == (352800, 1)
    assert signal.rate_hz == 22050.0
    assert signal.seconds == 16.0
    resampled = read_audio(path, rate_hz=51200.0)
    assert resampled.samples.shape[0] == pytest.approx(16 * 51200, abs=1)
    assert resampled.samples.std() == pytest.approx(signal.samples.std(), rel=0.01)


@pytest.mark.parametrize("note", NOTES_HZ)
def test_a_sustained_note_has_its_pitch(real_data: Path, note):
    signal = read_audio(real_data / f"violin_audio/notes/{note}.wav", mono=True)
    assert signal.rate_hz == 44100.0
    middle = signal.samples[signal.samples.shape[0] // 4 :][: 2 * 44100, 0]
    # The autocorrelation peaks at the pitch even where the fundamental is weak.
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size), 2 * middle.size)) ** 2
    correlation = np.fft.irfft(spectrum)
    lags = np.arange(correlation.size)
    near = (lags > 44100 / (NOTES_HZ[note] * 1.05)) & (lags < 44100 / (NOTES_HZ[note] * 0.95))
    pitch_hz = 44100 / lags[near][np.argmax(correlation[near])]
    assert abs(1200 * np.log2(pitch_hz / NOTES_HZ[note])) < 40


def test_videos_say_whether_they_have_sound(real_data: Path):
    videos = real_data / "multiview/videos"
    assert [has_audio(videos / f"cam0{n}.mp4") for n in (1, 2, 3, 4)] == [False, True, False, False]
    with pytest.raises(CaptureError, match="holds no sound track"):
        read_audio(videos / "cam01.mp4")
    with pytest.raises(CaptureError, match="all samples are zero"):
        read_audio(videos / "cam02.mp4")
