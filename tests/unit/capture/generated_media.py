"""Small media files with known content: numbered pictures, stamps as given, clicks at known times."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BASE = Fraction(1, 600)
WIDTH, HEIGHT = 96, 64
_BITS = 8
_QUIET = {"libx265": {"x265-params": "log-level=none:bframes=3:keyint=12"}, "libx264": {"g": "12", "bf": "3"}}

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (235, 235, 235)


def numbered(number: int) -> np.ndarray:
    """(64, 96, 3): eight blocks of 24 x 32 px, black or white: the number in binary."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bit in range(_BITS):
        row, column = divmod(bit, 4)
        if number >> bit & 1:
            image[row * 32 : row * 32 + 32, column * 24 : column * 24 + 24] = 235
    return image


def number_of(image: np.ndarray) -> int:
    """Read the number that ``numbered`` drew, at any size."""
    height, width = image.shape[:2]
    number = 0
    for bit in range(_BITS):
        row, column = divmod(bit, 4)
        number |= int(image[height * (2 * row + 1) // 4, width * (2 * column + 1) // 8].mean() > 120) << bit
    return number


def corners() -> np.ndarray:
    """(64, 96, 3): red top left, green top right, blue bottom left, white bottom right."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:32, :48], image[:32, 48:], image[32:, :48], image[32:, 48:] = RED, GREEN, BLUE, WHITE
    return image


def uneven_stamps(count: int, seed: int = 0) -> list[int]:
    """Stamps of a phone: 20 counts of 1/600 s on average, each interval 16 to 24."""
    rng = np.random.default_rng(seed)
    return np.concatenate([[0], np.cumsum(rng.integers(16, 25, size=count - 1))]).tolist()


def write_video(
    path: Path,
    stamps: Sequence[int],
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    images: Sequence[np.ndarray] | None = None,
    sound: np.ndarray | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    bt709: bool = False,
) -> Path:
    """Write pictures (``numbered`` by default) with the given stamps, in counts of 1/600 s."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=30, options={**_QUIET.get(codec, {}), **(options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = BASE
        if bt709:
            stream.codec_context.colorspace = 1
        track = None
        if sound is not None:
            track = container.add_stream("aac", rate=44100)
            track.layout = "mono"
        for number, stamp in enumerate(stamps):
            image = numbered(number) if images is None else images[number]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if bt709:
                frame = frame.reformat(format=pixel_format, dst_colorspace="ITU709")
            frame.pts, frame.time_base = stamp, BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if track is not None and sound is not None:
            _encode(container, track, sound[:, None], 44100, 0)
    return path


def write_sound(
    path: Path, samples: np.ndarray, rate_hz: int = 44100, codec: str = "aac", first_stamp: int = 0
) -> Path:
    """Encode (N, C) samples with PyAV; the first one is stamped ``first_stamp`` / rate."""
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=rate_hz)
        track.layout = "mono" if samples.shape[1] == 1 else "stereo"
        _encode(container, track, samples, rate_hz, first_stamp)
    return path


def _encode(container, track, samples: np.ndarray, rate_hz: int, first_stamp: int) -> None:
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    for start in range(0, samples.shape[0], 1024):
        block = np.ascontiguousarray(samples[start : start + 1024].T, dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, first_stamp + start, Fraction(1, rate_hz)
        container.mux(track.encode(frame))
    container.mux(track.encode())


def decoded_stamps(path: Path) -> list[int]:
    """Decode every picture and list the stamps: the oracle for what a demultiplexer claims."""
    with av.open(str(path)) as container:
        return [frame.pts for frame in container.decode(video=0)]


def with_display_matrix(path: Path, matrix: Sequence[float]) -> Path:
    """Set a, b, c, d in the first track's header (tkhd, version 0), as a phone held upright does."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (round(value * 65536) for value in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def with_edit(path: Path, media_time: int) -> Path:
    """Make the first track's edit list start at ``media_time`` (counts of the track's time scale)."""
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 16
    content[at : at + 4] = struct.pack(">i", media_time)
    path.write_bytes(content)
    return path


def click(seconds: float, at_s: float, rate_hz: int = 44100, channels: int = 1) -> np.ndarray:
    """(N, C): quiet noise with one 1 kHz burst whose envelope peaks at ``at_s``."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = np.random.default_rng(0).normal(0, 1e-4, t.shape)
    burst = 0.8 * np.exp(-0.5 * ((t - at_s) / 0.001) ** 2) * np.cos(2 * np.pi * 1000 * (t - at_s))
    return np.repeat((noise + burst)[:, None], channels, axis=1)


def click_time_s(samples: np.ndarray, rate_hz: float) -> float:
    """Centre of the burst's energy: s after the first sample."""
    energy = samples[:, 0].astype(np.float64) ** 2
    peak = int(np.argmax(energy))
    near = slice(max(0, peak - 300), peak + 300)
    return float(np.average(np.arange(energy.shape[0])[near], weights=energy[near]) / rate_hz)


def write_timecoded(path: Path, code: str, rate: Fraction, count: int = 10) -> Path:
    """Write a few pictures of a camera that bears a time code."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.metadata["timecode"] = code
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
