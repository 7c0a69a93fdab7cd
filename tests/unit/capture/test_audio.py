from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tests.unit.capture import generated_media as media
from viodat.capture import audio
from viodat.capture.audio import has_audio, read_audio
from viodat.errors import CaptureError


@pytest.mark.parametrize("suffix", ["m4a", "mp4", "mov", "mkv"])
@pytest.mark.parametrize("rate_hz", [44100, 48000])
@pytest.mark.parametrize("at_s", [0.31, 1.7])
def test_a_click_stays_within_a_millisecond_through_aac(tmp_path, suffix, rate_hz, at_s):
    path = media.write_sound(tmp_path / f"click.{suffix}", media.click(2.0, at_s, rate_hz), rate_hz)
    signal = read_audio(path)
    assert signal.rate_hz == rate_hz
    assert signal.samples.dtype == np.float32
    assert signal.start_s + media.click_time_s(signal.samples, rate_hz) == pytest.approx(at_s, abs=0.001)


def test_sound_that_starts_late_says_so(tmp_path):
    path = media.write_sound(tmp_path / "late.m4a", media.click(1.0, 0.4), first_stamp=4410)
    signal = read_audio(path)
    found_s = signal.start_s + media.click_time_s(signal.samples, 44100)
    assert found_s == pytest.approx(0.5, abs=0.001)
    assert any("sound starts at" in note for note in signal.notes)


def test_the_sound_track_of_a_video(tmp_path):
    path = media.write_video(tmp_path / "v.mp4", range(0, 600, 20), sound=media.click(1.0, 0.6)[:, 0])
    signal = read_audio(path)
    assert signal.start_s + media.click_time_s(signal.samples, 44100) == pytest.approx(0.6, abs=0.001)
    assert has_audio(path)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_samples_are_those_written(tmp_path, subtype):
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (2000, 2))
    soundfile.write(tmp_path / "P05M01T28.wav", samples, 22050, subtype=subtype)
    signal = read_audio(tmp_path / "P05M01T28.wav")
    assert (signal.rate_hz, signal.start_s, signal.seconds) == (22050, 0.0, 2000 / 22050)
    step = {"PCM_U8": 2**-7, "PCM_16": 2**-15}.get(subtype, 2**-22)
    np.testing.assert_allclose(signal.samples, samples, atol=step)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f32le", "flac"])
def test_ffmpegs_sample_formats_have_the_same_scale(tmp_path, codec):
    # Matroska goes to FFmpeg, so each of its sample formats is met: packed and planar, unsigned to float.
    samples = media.click(0.5, 0.2, channels=2)
    samples[:, 1] *= -0.5
    from av import AudioFrame
    from av import open as av_open

    path = tmp_path / "sound.mkv"
    form = {"pcm_u8": "u8", "pcm_s16le": "s16", "pcm_s32le": "s32", "pcm_f32le": "flt", "flac": "s16"}[codec]
    scaled = {
        "u8": lambda x: np.rint(x * 128 + 128).clip(0, 255).astype(np.uint8),
        "s16": lambda x: np.rint(x * 2**15).astype(np.int16),
        "s32": lambda x: np.rint(x * 2**31).astype(np.int32),
        "flt": lambda x: x.astype(np.float32),
    }[form](samples)
    with av_open(str(path), "w") as container:
        track = container.add_stream(codec, rate=44100)
        track.layout = "stereo"
        track.format = form
        frame = AudioFrame.from_ndarray(scaled.reshape(1, -1), format=form, layout="stereo")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(track.encode(frame))
        container.mux(track.encode())
    signal = read_audio(path)
    assert signal.samples.shape == samples.shape
    np.testing.assert_allclose(signal.samples, samples, atol=2**-7 if form == "u8" else 2**-14)


def test_flac_and_ogg(tmp_path):
    samples = media.click(1.0, 0.5, channels=2)
    for name in ("a.flac", "a.ogg"):
        soundfile.write(tmp_path / name, samples, 44100)
        signal = read_audio(tmp_path / name)
        assert signal.samples.shape == (44100, 2)
        assert media.click_time_s(signal.samples, 44100) == pytest.approx(0.5, abs=0.001)


def test_resampling_and_mixing_only_on_request(tmp_path):
    samples = media.click(1.0, 0.5, channels=2)
    samples[:, 1] *= 0.5
    soundfile.write(tmp_path / "a.wav", samples, 44100, subtype="FLOAT")
    own = read_audio(tmp_path / "a.wav")
    assert own.notes == ()
    assert own.samples.shape == (44100, 2)
    other = read_audio(tmp_path / "a.wav", rate_hz=15360, mono=True)
    assert other.samples.shape == (15360, 1)
    assert other.rate_hz == 15360.0
    assert media.click_time_s(other.samples, 15360) == pytest.approx(0.5, abs=2e-5)
    assert np.abs(other.samples).max() == pytest.approx(0.6, abs=0.01)
    assert other.notes == ("2 channels averaged", "resampled from 44100 to 15360 Hz (soxr HQ)")


def test_ten_minutes_are_read(tmp_path):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 44100, 1, subtype="PCM_16") as file:
        for _ in range(10):
            file.write(np.full(44100 * 60, 0.25, np.float32))
    assert read_audio(path).seconds == 600.0


def test_lost_packets_become_silence_and_move_nothing(tmp_path):
    import av

    path = media.write_sound(tmp_path / "sound.m4a", media.click(3.0, 2.5))
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
    content = bytearray(path.read_bytes())
    for at, size in packets[30:40]:
        content[at : at + size] = b"\xff" * size
    path.write_bytes(content)
    signal = read_audio(path)
    assert signal.start_s + media.click_time_s(signal.samples, 44100) == pytest.approx(2.5, abs=0.001)
    assert any("lost and were filled with silence" in note for note in signal.notes)
    assert signal.seconds == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((500, 1)), "all samples are zero.*muted"),
        (np.zeros((0, 1)), "holds no samples"),
        (np.where(np.arange(500) == 77, np.nan, 0.1)[:, None], "sample 77 is not a finite number"),
        (np.where(np.arange(500) == 77, np.inf, 0.1)[:, None], "sample 77 is not a finite number"),
        (np.full((500, 1), 12000.0), "12000|1.2e.04 times full scale.*24-bit WAV"),
    ],
)
def test_samples_that_nothing_can_be_done_with_are_refused(tmp_path, samples, message):
    soundfile.write(tmp_path / "P05M01T28.wav", samples, 44100, subtype="FLOAT")
    with pytest.raises(CaptureError, match=message) as caught:
        read_audio(tmp_path / "P05M01T28.wav")
    assert str(caught.value).startswith("P05M01T28.wav: ")
    assert caught.value.mend


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (24, (7).to_bytes(4, "little"), "sample rate of 7 Hz"),
        (24, (2_000_000_000).to_bytes(4, "little"), "Hz; 1000 to 768000 Hz"),
        (22, (0).to_bytes(2, "little"), "."),
        (22, (1000).to_bytes(2, "little"), "."),
    ],
)
def test_headers_that_no_device_writes_are_refused(tmp_path, at, value, message):
    path = tmp_path / "a.wav"
    soundfile.write(path, media.click(0.5, 0.2), 44100)
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=message):
        read_audio(path)


def test_a_truncated_wav_is_read_and_said(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, media.click(1.0, 0.2), 44100)
    path.write_bytes(path.read_bytes()[:44100])
    signal = read_audio(path)
    assert signal.samples.shape == ((44100 - 44) // 2, 1)
    assert any("truncated" in note for note in signal.notes)


def test_an_absurd_length_is_not_allocated(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", media.click(1.0, 0.2), 44100)
    media.write_sound(tmp_path / "a.m4a", media.click(1.0, 0.2))
    monkeypatch.setattr(audio, "MAX_VALUES", 20_000)
    for name in ("a.wav", "a.m4a"):
        with pytest.raises(CaptureError, match="longer than 20,000 values"):
            read_audio(tmp_path / name)


def test_a_video_without_sound(tmp_path):
    path = media.write_video(tmp_path / "P05C01T28.mp4", [0, 20, 40])
    assert not has_audio(path)
    with pytest.raises(CaptureError, match=r"holds no sound track \(only video\)"):
        read_audio(path)


def test_a_track_that_is_not_there(tmp_path):
    path = media.write_sound(tmp_path / "a.m4a", media.click(0.5, 0.2))
    with pytest.raises(CaptureError, match="sound track 1 was asked for; the file has 1"):
        read_audio(path, stream=1)


def test_what_is_no_sound_is_refused(tmp_path):
    (tmp_path / "text.wav").write_text("no sound\n" * 99)
    (tmp_path / "P05C01T28.frames.csv").write_text("pts,time_base\n0,1/600\n")
    assert not has_audio(tmp_path / "P05C01T28.frames.csv")
    for read in (read_audio, has_audio):
        with pytest.raises(CaptureError, match="cannot be read as video or sound"):
            read(tmp_path / "text.wav")
        with pytest.raises(CaptureError, match="does not exist"):
            read(Path(tmp_path / "absent.wav"))


def test_only_a_header_that_lies_about_its_length_is_remarked(tmp_path):
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.sin(np.arange(1001)), 44_100, subtype="PCM_24")
    assert read_audio(path).notes == (), "an odd number of bytes is padded, not damaged"
    path.write_bytes(path.read_bytes()[:-600])
    assert "truncated" in " ".join(read_audio(path).notes)


def test_eight_channels_are_read(tmp_path):
    """PyAV reads beyond the planes of a frame that has eight: a process of its own, so that a crash fails this test."""
    rng = np.random.default_rng(0)
    samples = (rng.normal(0, 0.1, (22050, 8)) * np.linspace(0.2, 1, 8)).astype(np.float32)
    path = tmp_path / "room.m4a"
    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=44100, layout="7.1", bit_rate=800_000)
        for start in range(0, len(samples), 1024):
            block = samples[start : start + 1024].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="flt", layout="7.1")
            frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    script = (
        "import sys; from viodat.capture.audio import read_audio; print(*read_audio(sys.argv[1]).samples.std(axis=0))"
    )
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    levels = np.array(run.stdout.split(), float)
    # The fourth is for effects: AAC keeps its lowest tones only.
    kept = np.arange(8) != 3
    assert levels[kept] == pytest.approx(samples.std(axis=0)[kept], rel=0.3)
