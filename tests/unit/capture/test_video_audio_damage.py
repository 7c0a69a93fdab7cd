"""Damaged media: a consistent value or one clear error, quickly, and nothing else."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.mutate import mutants
from tests.unit.capture import generated_media as media
from viodat.capture.audio import read_audio
from viodat.capture.video import iter_frames, read_video_times
from viodat.errors import CaptureError, ViodatWarning

PER_FILE_S = 30.0
COUNT = 42


def make(folder: Path, name: str) -> Path:
    path = folder / name
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (22050, 2)).clip(-1, 1)
    if name.endswith((".mp4", ".mov")):
        # The index in front, where the mutator strikes most.
        codec = "libx265" if name.startswith("hevc") else "libx264"
        return media.write_video(
            path,
            media.uneven_stamps(24),
            codec=codec,
            images=[rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(24)],
            sound=noise[:, 0],
            container_options={"movflags": "faststart"},
        )
    if name.endswith(".m4a"):
        return media.write_sound(path, noise)
    if name.endswith(".csv"):
        path.write_text("pts,time_base\n" + "".join(f"{p},1/600\n" for p in media.uneven_stamps(60)))
        return path
    soundfile.write(path, noise, 44100)
    return path


@pytest.mark.parametrize(
    "name", ["phone.mp4", "hevc.mp4", "phone.mov", "sound.wav", "sound.m4a", "sound.flac", "phone.frames.csv"]
)
def test_damaged_media_give_a_value_or_one_line(tmp_path, name):
    content = make(tmp_path, name).read_bytes()
    target = tmp_path / f"damaged-{name}"
    refused = 0
    for what, damaged in mutants(content, COUNT, seed=11):
        target.write_bytes(damaged)
        started = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ViodatWarning)
            for consistent in (video_is_consistent, sound_is_consistent):
                message = ""
                try:
                    consistent(target)
                except CaptureError as error:
                    message = str(error)
                    refused += 1
                assert not message or message.startswith(target.name), what
                assert "\n" not in message, what
        assert time.monotonic() - started < PER_FILE_S, f"{what} of {name}"
    assert refused > 0


def video_is_consistent(path: Path) -> None:
    times = read_video_times(path)
    assert times.pts.shape == times.times_s.shape == times.times_ns.shape == (times.n_frames,)
    assert times.n_frames > 0
    assert np.all(np.diff(times.pts) > 0)
    assert np.isfinite(times.times_s).all()
    assert np.isfinite(times.duration_s)
    if times.size_px is None:
        return
    for frame in iter_frames(path):
        assert frame.image.shape == (times.size_px[1], times.size_px[0], 3)
        assert frame.pts == times.pts[frame.index]


def sound_is_consistent(path: Path) -> None:
    signal = read_audio(path)
    assert signal.samples.ndim == 2
    assert signal.samples.shape[0] > 0
    assert np.isfinite(signal.samples).all()
    assert np.isfinite(signal.start_s)
    assert signal.rate_hz > 0
