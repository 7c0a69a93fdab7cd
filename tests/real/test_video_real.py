"""Real video: four cameras of one recording (100 frames at 60 Hz), one clip of an animation."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from viodat.capture.video import iter_frames, read_video_times

VIDEOS = {
    "multiview/videos/cam01.mp4": (100, (1080, 1920), 60),
    "multiview/videos/cam02.mp4": (100, (1080, 1920), 60),
    "multiview/videos/cam03.mp4": (100, (1088, 1920), 60),
    "multiview/videos/cam04.mp4": (100, (1088, 1920), 60),
    "violin_audio/mosa/ba1_yv10_t1_animation_temp.mp4": (640, (600, 600), 40),
}


@pytest.mark.parametrize("name", VIDEOS)
def test_stamps_equal_those_of_decoded_frames(real_data: Path, name):
    count, size, rate_hz = VIDEOS[name]
    times = read_video_times(real_data / name)
    with av.open(str(real_data / name)) as container:
        decoded = [frame.pts for frame in container.decode(video=0)]
    assert times.pts.tolist() == decoded
    assert times.n_frames == count
    assert times.size_px == size
    np.testing.assert_allclose(times.times_s, np.arange(count) / rate_hz, atol=1e-4)
    assert times.mean_rate_hz == pytest.approx(rate_hz, rel=1e-3)
    assert times.duration_s == pytest.approx(count / rate_hz, abs=1e-3)


def test_frames_are_pictures_of_the_stated_size(real_data: Path):
    path = real_data / "multiview/videos/cam01.mp4"
    frames = list(iter_frames(path, frames=[0, 50, 99]))
    assert [frame.index for frame in frames] == [0, 50, 99]
    assert {frame.image.shape for frame in frames} == {(1920, 1080, 3)}
    assert min(frame.image.std() for frame in frames) > 10
    small = list(iter_frames(path, frames=[50], max_size_px=480))
    assert small[0].image.shape == (480, 270, 3)
    large = frames[1].image.astype(float)
    blocks = large.reshape(480, 4, 270, 4, 3).mean(axis=(1, 3))
    assert np.abs(blocks - small[0].image).mean() < 3
