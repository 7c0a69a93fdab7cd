from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.unit.capture import generated_media as media
from viodat.capture.video import iter_frames, read_video_times
from viodat.errors import CaptureError, ViodatWarning

CODECS = [
    ("libx264", "yuv420p", "mp4"),
    ("libx264", "yuv420p", "mov"),
    ("libx265", "yuv420p", "mp4"),
    ("libx265", "yuv420p10le", "mp4"),
    ("libvpx-vp9", "yuv420p", "mp4"),
    ("libvpx", "yuv420p", "webm"),
    ("libx264", "yuv420p", "mkv"),
]
TURNS = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}


@pytest.fixture(scope="module")
def phone(tmp_path_factory) -> Path:
    """40 numbered H.264 frames with B-frames, uneven stamps and a sound track."""
    folder = tmp_path_factory.mktemp("video")
    return media.write_video(folder / "P05C01T28.mp4", media.uneven_stamps(40), sound=media.click(1.0, 0.5)[:, 0])


@pytest.mark.parametrize(("codec", "pixel_format", "suffix"), CODECS)
def test_stamps_are_those_written_and_those_decoded(tmp_path, codec, pixel_format, suffix):
    stamps = media.uneven_stamps(40, seed=3)
    path = media.write_video(tmp_path / f"video.{suffix}", stamps, codec=codec, pixel_format=pixel_format)
    times = read_video_times(path)
    assert times.pts.dtype == np.int64
    assert times.times_ns.dtype == np.int64
    assert times.pts.tolist() == media.decoded_stamps(path)
    tick_s = 0.001 if suffix in ("mkv", "webm") else 0.0
    np.testing.assert_allclose(times.times_s, np.array(stamps) / 600, atol=0.5 * tick_s + 1e-12)
    exact = [round(Fraction(int(p)) * times.time_base * 10**9) for p in times.pts]
    assert np.abs(times.times_ns - exact).max() <= 1
    assert times.pixel_format == pixel_format
    assert times.size_px == (media.WIDTH, media.HEIGHT)
    assert times.n_frames == 40
    assert any("variable frame rate" in note for note in times.notes)


@pytest.mark.parametrize(("codec", "pixel_format", "suffix"), CODECS)
def test_pictures_stand_at_the_index_of_their_stamp(tmp_path, codec, pixel_format, suffix):
    path = media.write_video(
        tmp_path / f"video.{suffix}", media.uneven_stamps(40), codec=codec, pixel_format=pixel_format
    )
    times = read_video_times(path)
    frames = list(iter_frames(path))
    assert [frame.index for frame in frames] == list(range(40))
    assert [media.number_of(frame.image) for frame in frames] == list(range(40))
    assert [frame.pts for frame in frames] == times.pts.tolist()
    assert [frame.time_s for frame in frames] == times.times_s.tolist()


def test_the_sample_has_frames_out_of_order(phone):
    with av.open(str(phone)) as container:
        order = [p.pts for p in container.demux(video=0) if p.pts is not None]
    assert order != sorted(order), "no B-frames: the tests above would prove nothing"


def test_invisible_reference_frames_of_vp8_are_no_frames(tmp_path):
    path = media.write_video(tmp_path / "hidden.webm", [20 * i for i in range(30)], codec="libvpx", options={"g": "10"})
    with av.open(str(path)) as container:
        packets = [bytes(p) for p in container.demux(video=0) if p.size]
    content = path.read_bytes()
    # RFC 6386, 9.1: bit 4 of a frame's first byte says whether it is shown.
    hidden = bytes([packets[17][0] & ~0x10]) + packets[17][1:]
    assert content.count(packets[17]) == 1
    path.write_bytes(content.replace(packets[17], hidden))
    assert len(media.decoded_stamps(path)) == 29
    times = read_video_times(path)
    assert times.pts.tolist() == media.decoded_stamps(path)
    shown = [number for number in range(30) if number != 17]
    assert [media.number_of(frame.image) for frame in iter_frames(path)] == shown
    np.testing.assert_allclose(times.times_s, np.array(shown) / 30, atol=0.0006)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", TURNS)
def test_pictures_are_turned_and_mirrored_as_displayed(tmp_path, turn, mirrored):
    path = media.write_video(tmp_path / "turned.mp4", [0, 20, 40], images=[media.corners()] * 3)
    a, b, c, d = TURNS[turn]
    media.with_display_matrix(path, (-a, -b, c, d) if mirrored else (a, b, c, d))
    expected = np.rot90(media.corners()[:, ::-1] if mirrored else media.corners(), k=-turn // 90)
    times = read_video_times(path)
    assert (times.rotation_deg, times.mirrored) == (turn, mirrored)
    assert times.coded_size_px == (96, 64)
    assert times.size_px == (expected.shape[1], expected.shape[0])
    image = next(iter_frames(path)).image
    assert image.shape == expected.shape
    assert image.flags.c_contiguous
    for row in (10, -10):
        for column in (10, -10):
            np.testing.assert_allclose(image[row, column].astype(int), expected[row, column], atol=12)


def test_the_rotation_agrees_with_ffmpegs_own_writer(tmp_path):
    path = tmp_path / "upright.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a display rotation")
        stream.set_display_rotation(90.0)
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(media.corners(), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        counterclockwise = next(container.decode(video=0)).rotation
    assert read_video_times(path).rotation_deg == -counterclockwise % 360


def test_an_odd_display_matrix_is_left_out_and_said(tmp_path):
    path = media.write_video(tmp_path / "odd.mp4", [0, 20])
    media.with_display_matrix(path, (0.8, 0.6, -0.6, 0.8))
    times = read_video_times(path)
    assert times.rotation_deg == 0
    assert any("no right angle" in note for note in times.notes)
    media.with_display_matrix(path, (0, 0, 0, 0))
    assert any("neither a turn" in note for note in read_video_times(path).notes)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("hidden", [1, 7, 17, 25])
def test_an_edit_list_hides_frames_and_moves_zero(tmp_path, codec, hidden):
    stamps = [20 * i for i in range(40)]
    path = media.write_video(tmp_path / "trimmed.mp4", stamps, codec=codec)
    whole = read_video_times(path)
    with av.open(str(path)) as container:
        delay = max(0, *(p.pts - p.dts for p in container.demux(video=0) if p.pts == 0))
    media.with_edit(path, delay + int(whole.pts[hidden]))
    times = read_video_times(path)
    assert times.pts.tolist() == media.decoded_stamps(path)
    frames = list(iter_frames(path))
    assert [media.number_of(f.image) for f in frames] == list(range(hidden, 40))
    np.testing.assert_allclose(times.times_s, np.arange(40 - hidden) / 30, atol=1e-9)
    assert any("edit list hides" in note for note in times.notes)


def test_a_late_first_frame_keeps_its_time(tmp_path):
    path = media.write_video(
        tmp_path / "late.mp4", [60, 80, 100], sound=media.click(0.5, 0.2)[:, 0], options={"bf": "0"}
    )
    times = read_video_times(path)
    np.testing.assert_allclose(times.times_s, [0.1, 4 / 30, 5 / 30], atol=1e-9)
    assert any("0.1000 s, not at container time 0" in note for note in times.notes)


def test_a_gap_is_reported_with_its_place(tmp_path):
    stamps = [20 * i for i in range(10)] + [20 * i for i in range(13, 20)]
    times = read_video_times(media.write_video(tmp_path / "gap.mp4", stamps))
    assert times.n_frames == 17
    assert "1 gaps, about 3 frames missing; the longest is 133 ms after 0.300 s" in times.notes
    assert not any("variable" in note for note in times.notes)
    assert times.duration_s == pytest.approx(20 / 30, abs=0.001)
    assert times.mean_rate_hz == pytest.approx(16 / (19 / 30))


@pytest.mark.parametrize(
    ("codec", "pixel_format"), [("libx264", "yuv420p"), ("libx265", "yuv420p10le"), ("libx264", "yuvj420p")]
)
@pytest.mark.parametrize("bt709", [False, True])
def test_colours_survive(tmp_path, codec, pixel_format, bt709):
    path = media.write_video(
        tmp_path / "colour.mp4",
        range(0, 120, 20),
        codec=codec,
        pixel_format=pixel_format,
        images=[media.corners()] * 6,
        bt709=bt709,
    )
    image = next(iter_frames(path)).image.astype(int)
    for (row, column), colour in {
        (10, 10): media.RED,
        (10, -10): media.GREEN,
        (-10, 10): media.BLUE,
        (-10, -10): media.WHITE,
    }.items():
        np.testing.assert_allclose(image[row, column], colour, atol=8)


def test_some_frames_at_a_smaller_size(phone):
    frames = list(iter_frames(phone, frames=[31, 2, 2, 17], max_size_px=48))
    assert [frame.index for frame in frames] == [2, 17, 31]
    assert [media.number_of(frame.image) for frame in frames] == [2, 17, 31]
    assert {frame.image.shape for frame in frames} == {(32, 48, 3)}
    assert next(iter_frames(phone, max_size_px=4000)).image.shape == (64, 96, 3)
    assert list(iter_frames(phone, frames=[])) == []


def test_an_index_beyond_the_end_is_refused(phone):
    with pytest.raises(CaptureError, match="frame 40 was asked for; the video has frames 0 to 39"):
        list(iter_frames(phone, frames=[3, 40]))


def test_frames_that_cannot_be_decoded_leave_holes_and_shift_nothing(tmp_path):
    path = media.write_video(tmp_path / "damaged.mp4", media.uneven_stamps(40), options={"bf": "0", "g": "5"})
    intact = read_video_times(path)
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    content = bytearray(path.read_bytes())
    for at, size in packets[15:20]:
        content[at : at + size] = b"\xff" * size
    path.write_bytes(content)
    assert read_video_times(path).pts.tolist() == intact.pts.tolist()
    with pytest.warns(ViodatWarning, match=r"damaged.mp4: \d+ of 40 frames could not be decoded"):
        frames = list(iter_frames(path))
    assert 30 <= len(frames) < 40
    for frame in frames:
        if not 15 <= frame.index < 20:
            assert media.number_of(frame.image) == frame.index
        assert frame.pts == intact.pts[frame.index]


def test_a_recording_cut_off_before_its_index_is_named_so(phone, tmp_path):
    cut = tmp_path / "cut.mp4"
    content = phone.read_bytes()
    cut.write_bytes(content[: content.index(b"moov") - 200])
    with pytest.raises(CaptureError, match=r"cut\.mp4: the recording was cut off before its index was written"):
        read_video_times(cut)


def test_a_truncated_recording_with_its_index_in_front_says_what_is_left(tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(30)]
    path = media.write_video(
        tmp_path / "front.mp4",
        [20 * i for i in range(30)],
        images=noise,
        options={"bf": "0"},
        container_options={"movflags": "faststart"},
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    times = read_video_times(path)
    assert 5 < times.n_frames < 25
    assert any("the file declares 30 frames" in note and "truncated" in note for note in times.notes)


def test_what_is_no_video_is_refused_in_one_line(tmp_path):
    for name, content, message in (
        ("absent.mp4", None, "the file does not exist"),
        ("empty.mp4", b"", "the file is empty"),
        ("text.mp4", b"this is no video\n" * 99, "cannot be read as video or sound"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CaptureError, match=message) as caught:
            read_video_times(path)
        assert str(caught.value).startswith(f"{name}: ")
        assert "\n" not in str(caught.value)
    with pytest.raises(CaptureError, match="is a folder"):
        read_video_times(tmp_path)


def test_sound_alone_is_no_video(tmp_path):
    path = media.write_sound(tmp_path / "P05C01T28.m4a", media.click(0.5, 0.2))
    with pytest.raises(CaptureError, match="holds no video track"):
        read_video_times(path)


def test_a_stream_without_stamps_is_refused(tmp_path):
    path = media.write_video(tmp_path / "raw.h264", [20 * i for i in range(20)])
    with pytest.raises(CaptureError, match="no presentation stamps"):
        read_video_times(path)


def test_a_name_with_odd_characters_is_read(tmp_path):
    path = media.write_video(tmp_path / "tmp.mp4", [0, 20, 40]).rename(tmp_path / "concat:Geige %03d ü.mp4")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_video_times(path).n_frames == 3


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize(("code", "rate"), [("10:22:31:04", Fraction(25)), ("10:22:31;04", Fraction(30_000, 1001))])
def test_the_time_code_of_the_first_picture_is_read_with_its_rate(tmp_path, container, code, rate):
    times = read_video_times(media.write_timecoded(tmp_path / f"a.{container}", code, rate))
    assert times.timecode == code
    assert times.nominal_hz == rate


def test_a_video_without_a_time_code_has_none(tmp_path):
    times = read_video_times(media.write_video(tmp_path / "a.mp4", media.uneven_stamps(20)))
    assert times.timecode == ""
    assert times.nominal_hz is not None
