from __future__ import annotations

import av
import numpy as np
import pytest

from tests.unit.synth.picture.bodies import made
from viodat.errors import ConfigError
from viodat.synth.lab.filming import pictures, write_video
from viodat.synth.picture.figure import Look
from viodat.synth.picture.render import Camera, prepare

SIZE = (320, 180)
RATE = 44_100


@pytest.fixture(scope="module")
def stage():
    rotation = np.array([[0, 1.0, 0], [0, 0, -1.0], [-1.0, 0, 0]])
    matrix = np.array([[260.0, 0, 160], [0, 260.0, 90], [0, 0, 1.0]])
    return prepare(Camera(SIZE, matrix, np.zeros(5), rotation, -rotation @ np.array([2800.0, 0, 1000])))


def body_at(times_s):
    return made(plays=True, shifts=np.stack([0 * times_s, 200 * np.sin(3 * times_s), 0 * times_s], axis=1))


def stamps(count, seed=0):
    return np.concatenate([[0], np.cumsum(3000 + np.random.default_rng(seed).integers(-400, 400, count - 1))])


@pytest.fixture(scope="module")
def recording(stage, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "P01C01T01.mp4"
    pts = stamps(70)
    sound = np.zeros(3 * RATE)
    sound[[0, 5000, 80_000]] = 0.9
    write_video(path, body_at, Look(), stage, pts, pts / 90_000 + 1.0, 0.02, 0.008, sound)
    return path, pts, sound


def test_frames_come_back_with_their_exact_stamps(recording):
    path, pts, _ = recording
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [frame.pts * stream.time_base * 90_000 for frame in container.decode(stream)]
        assert (stream.width, stream.height, stream.codec_context.name) == (*SIZE, "h264")
    assert found == pts.tolist()


def test_a_click_comes_back_at_its_sample(recording):
    path, _, sound = recording
    heard = np.zeros(sound.size + 4096)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.layout.name) == ("aac", RATE, "mono")
        for frame in container.decode(stream):
            first, samples = round(frame.pts * frame.time_base * RATE), frame.to_ndarray()[0]
            assert first >= 0
            heard[first : first + samples.size] = samples[: heard.size - first]
    for click in (5000, 80_000):
        around = np.abs(heard[click - 800 : click + 800])
        assert abs(int(np.argmax(around)) - 800) <= 1
        assert around.max() > 0.5


def test_two_channels_stay_apart(stage, tmp_path):
    both = np.zeros((RATE // 2, 2))
    both[6000, 0], both[15_000, 1] = 0.9, 0.9
    write_video(tmp_path / "x.mp4", body_at, Look(), stage, stamps(3), stamps(3) / 9e4, 0.0, 0.0, both)
    with av.open(str(tmp_path / "x.mp4")) as container:
        stream = container.streams.audio[0]
        assert stream.layout.name == "stereo"
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(stream)], axis=1)
    assert [int(np.argmax(np.abs(channel))) for channel in heard] == pytest.approx([6000, 15_000], abs=1)


def test_sound_of_three_channels_is_refused(stage, tmp_path):
    with pytest.raises(ConfigError, match="sound of shape"):
        write_video(tmp_path / "x.mp4", body_at, Look(), stage, stamps(3), stamps(3) / 9e4, 0, 0, np.zeros((9, 3)))


def test_pictures_are_those_of_the_moments_asked_for(recording, stage):
    path, pts, _ = recording
    chosen = [0, 31, 65, 69]
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.video[0])]
    for i in chosen:
        drawn = next(pictures(body_at, Look(), stage, np.array([pts[i] / 90_000 + 1.0]), 0.02, 0.008))
        errors = [np.mean((frames[k].astype(float) - drawn) ** 2) for k in range(len(frames))]
        assert abs(int(np.argmin(errors)) - i) <= (1 if abs(np.cos(3 * (pts[i] / 90_000 + 1))) < 0.3 else 0)
        assert 10 * np.log10(255**2 / errors[i]) > 27


def test_the_body_is_asked_in_chunks_at_begin_middle_and_end_of_each_frame(stage):
    asked = []

    def noted(times_s):
        asked.append(times_s)
        return body_at(times_s)

    first = np.arange(70) / 30
    assert sum(1 for _ in pictures(noted, Look(), stage, first, 0.02, 0.01)) == 70
    assert [times.size for times in asked] == [192, 18]
    np.testing.assert_allclose(asked[0][:3], [-0.005, 0.01, 0.025], atol=1e-12)
    np.testing.assert_allclose(asked[1][-3:], first[-1] + np.array([-0.005, 0.01, 0.025]), atol=1e-12)


def test_the_same_recording_is_the_same_bytes(stage, tmp_path):
    pts, sound = stamps(4), 0.1 * np.sin(np.arange(6000) / 20)
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, body_at, Look(), stage, pts, pts / 90_000, 0.015, 0.005, sound)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_film_that_fails_leaves_nothing(stage, tmp_path):
    def broken(times_s):
        raise RuntimeError("no body")

    with pytest.raises(RuntimeError, match="no body"):
        write_video(tmp_path / "x.mp4", broken, Look(), stage, stamps(3), stamps(3) / 9e4, 0.0, 0.0, np.zeros(9))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pts", [[], [0, 3000, 3000], [-5, 3000, 6000], [0, 3000]])
def test_stamps_that_do_not_fit_are_refused(stage, tmp_path, pts):
    times = np.arange(len(pts) if pts != [0, 3000] else 3) / 30
    with pytest.raises(ConfigError, match="stamps"):
        write_video(tmp_path / "x.mp4", body_at, Look(), stage, np.array(pts, np.int64), times, 0.0, 0.0, np.zeros(9))
