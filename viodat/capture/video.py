"""Phone video: when each frame was shown, and its picture.

Stamps come from the container's packets, whose edit list FFmpeg has applied (time zero is container time 0);
B-frames make them come out of order, so they are sorted. Nothing is computed as frame / rate. Pictures are
decoded and matched to the stamps by their own stamp, so a frame that cannot be decoded leaves a hole and
never shifts the ones after it. Pixels, width before height in sizes; images are (H, W, 3) uint8 RGB,
turned as displayed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from viodat.capture.frames_csv import is_frames_csv, read_frames_csv
from viodat.capture.media import DECODER_ERRORS, MAX_PIXELS, decode_packet, open_media
from viodat.capture.orientation import Orientation, orientation_of
from viodat.capture.video_times import VideoTimes, video_times
from viodat.errors import CaptureError, ViodatWarning

# Their packets are not one to one with pictures: VP8 stores invisible reference frames as packets of their
# own.
_DECODE_TO_COUNT = frozenset({"vp8"})
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273, table 3
_LONGEST_SIDE_PX = 1 << 14


@dataclass(frozen=True)
class VideoFrame:
    """One picture of a video.

    Attributes
    ----------
    index
        Its place in :func:`read_video_times` of the same file.
    pts
        Its stamp in counts of the video's time base.
    time_s
        Its stamp in seconds on the recording's clock.
    image
        (H, W, 3) uint8 RGB, turned and mirrored as displayed.
    """

    index: int
    pts: int
    time_s: float
    image: NDArray[np.uint8]


def read_video_times(path: str | Path) -> VideoTimes:
    """Read the presentation stamp of every frame of a video, or of a ``.frames.csv`` in its place.

    Parameters
    ----------
    path
        A video that FFmpeg reads, or ``*.frames.csv`` (:mod:`viodat.capture.frames_csv`).

    Returns
    -------
    VideoTimes
        Stamps strictly increasing. Frames that the edit list hides are not in it; frames that cannot be
        decoded are (:func:`iter_frames` reports them).

    Raises
    ------
    CaptureError
        No video in the file, no stamps, not one picture that can be decoded, a damaged or truncated
        container.

    Notes
    -----
    Packets are read without decoding their pictures (one is decoded, for size and rotation), except where
    packets and pictures are not one to one or packets bear no stamp: then everything is decoded.
    """
    path = Path(path)
    if is_frames_csv(path):
        return read_frames_csv(path)
    with open_media(path) as container:
        stream = _video_stream(container, path)
        base = stream.time_base
        if base is None or base <= 0:
            raise CaptureError(f"the video track declares the time base {base}", where=path, mend="Export it again.")
        stamps, hidden, unstamped, last_frame_s = _packet_stamps(container, stream)
        declared, codec = int(stream.frames), str(stream.codec_context.codec.canonical_name)
        aspect = stream.sample_aspect_ratio
        timecode = _timecode(container, stream)
        nominal_hz = stream.guessed_rate or stream.average_rate
    first, picture = _first_picture(path)
    notes = list(picture.notes)
    if aspect and aspect != 1:
        notes.append(f"pixels are {aspect} as wide as high; pictures are left in coded pixels")
    if unstamped or codec in _DECODE_TO_COUNT:
        stamps = [stamp for stamp, _ in _decoded(path) if stamp is not None]
        notes.append("stamps were read by decoding every picture")
    if not stamps:
        raise CaptureError(
            "the frames bear no presentation stamps, so nothing says when they were shown",
            where=path,
            mend="Use the device's original file (an AVI or raw stream has none), or give the stamps as .frames.csv.",
        )
    pts = np.unique(np.array(stamps, dtype=np.int64))
    if hidden:
        notes.append(f"the edit list hides {hidden} coded frames")
    if len(stamps) > pts.shape[0]:
        notes.append(f"{len(stamps) - pts.shape[0]} frames repeat the stamp of another and were left out")
    if declared > len(stamps) + hidden:
        notes.append(f"the file declares {declared} frames, {len(stamps) + hidden} are there: it is truncated")
    early = 0 if first is None else int(np.searchsorted(pts, first))
    if early:
        notes.append(f"the first {early} frames have no picture (it starts between key frames, or is damaged there)")
    width, height = picture.size_px
    return video_times(
        pts,
        base,
        source=path,
        size_px=(height, width) if picture.orientation.swaps_sides else (width, height),
        coded_size_px=(width, height),
        rotation_deg=picture.orientation.rotation_deg,
        mirrored=picture.orientation.mirrored,
        codec=codec,
        pixel_format=picture.pixel_format,
        last_frame_s=last_frame_s,
        notes=tuple(notes),
        truncated=declared > len(stamps) + hidden,
        timecode=timecode,
        nominal_hz=nominal_hz,
    )


def iter_frames(
    path: str | Path, *, frames: Sequence[int] | None = None, max_size_px: int | None = None
) -> Iterator[VideoFrame]:
    """Decode the pictures of a video, one at a time, in the order of presentation.

    Parameters
    ----------
    path
        A video.
    frames
        Indices into :func:`read_video_times`, in any order; None for all. They come out in increasing
        order, once each. Decoding always starts at the beginning (a seek is inexact under edit lists and
        B-frames) and ends with the last wanted frame.
    max_size_px
        Shrink so that the longer side has at most this many pixels (by area averaging); None keeps the size.

    Yields
    ------
    VideoFrame
        A frame that cannot be decoded is not yielded; the others keep their index.

    Raises
    ------
    CaptureError
        As :func:`read_video_times`; also for an index that the video does not have, and for a
        ``.frames.csv``.

    Warns
    -----
    ViodatWarning
        Once, after the last picture, if frames could not be decoded: how many, and the first.
    """
    path = Path(path)
    if is_frames_csv(path):
        raise CaptureError("holds stamps, no pictures", where=path, mend="Give the video file itself.")
    if max_size_px is not None and max_size_px < 1:
        raise ValueError(f"max_size_px: expected at least 1, got {max_size_px}")
    times = read_video_times(path)
    wanted = set(range(times.n_frames)) if frames is None else {int(i) for i in frames}
    outside = sorted(i for i in wanted if not 0 <= i < times.n_frames)
    if outside:
        raise CaptureError(
            f"frame {outside[0]} was asked for; the video has frames 0 to {times.n_frames - 1}", where=path
        )
    index_of = {int(stamp): i for i, stamp in enumerate(times.pts)}
    convert = _Converter(times, max_size_px)
    left = set(wanted)
    if left:
        last = max(left)
        for stamp, frame in _decoded(path):
            if stamp is None or stamp not in index_of:
                continue
            index = index_of[stamp]
            if index in left:
                image = convert(frame)
                if image is not None:
                    left.discard(index)
                    yield VideoFrame(index, stamp, float(times.times_s[index]), image)
            if index >= last:
                break
    if left:
        warnings.warn(
            f"{path.name}: {len(left)} of {len(wanted)} frames could not be decoded "
            f"(the first at index {min(left)}, {times.times_s[min(left)]:.3f} s)",
            ViodatWarning,
            stacklevel=2,
        )


@dataclass(frozen=True)
class _Picture:
    size_px: tuple[int, int]
    orientation: Orientation
    pixel_format: str
    notes: tuple[str, ...]


class _Converter:
    """Turns decoded frames into RGB as displayed; keeps FFmpeg's scaler, which is costly to set up."""

    def __init__(self, times: VideoTimes, max_size_px: int | None) -> None:
        assert times.coded_size_px is not None
        self._size = times.coded_size_px
        longest = max(self._size)
        scale = 1.0 if max_size_px is None else min(1.0, max_size_px / longest)
        self._width, self._height = (max(1, round(side * scale)) for side in self._size)
        self._orientation = Orientation(times.rotation_deg, times.mirrored)
        self._reformatter = VideoReformatter()

    def __call__(self, frame: Any) -> NDArray[np.uint8] | None:
        """Give the image; None where damage changes the picture's size or it cannot be converted."""
        if (frame.width, frame.height) != self._size:
            return None
        try:
            rgb = self._reformatter.reformat(
                frame,
                width=self._width,
                height=self._height,
                format="rgb24",
                interpolation=Interpolation.AREA,
            )
            return self._orientation.displayed(np.asarray(rgb.to_ndarray(), dtype=np.uint8))
        except DECODER_ERRORS:
            return None


def _video_stream(container: Any, path: Path) -> Any:
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        kinds = sorted({s.type for s in container.streams}) or ["nothing"]
        raise CaptureError(
            f"holds no video track (only {', '.join(kinds)})",
            where=path,
            mend="If only its sound was kept, name it .m4a and give the stamps as .frames.csv.",
        )
    # A phone may store depth or a second lens in further tracks; the default one is what it shows.
    chosen = max(streams, key=lambda s: (bool(s.disposition & s.disposition.default), -s.index))
    if chosen.codec_context is None:
        raise CaptureError("no decoder for its video track", where=path, mend="Convert it to H.264 or HEVC.")
    chosen.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return chosen


def _timecode(container: Any, stream: Any) -> str:
    """Give the tag ``timecode``; in mp4 and mov it is the track's, in other containers the file's, or in capitals."""
    for metadata in (stream.metadata, container.metadata):
        for key, value in metadata.items():
            if key.lower() == "timecode" and value:
                return str(value)
    return ""


def _packet_stamps(container: Any, stream: Any) -> tuple[list[int], int, bool, float | None]:
    """Give shown packets' stamps, the number of hidden ones, whether any lacks a stamp, the last's length."""
    stamps: list[int] = []
    hidden, unstamped = 0, False
    last: tuple[int, int] | None = None
    for packet in container.demux(stream):
        if packet.size == 0:  # the flush packet that ends a demux
            continue
        if packet.is_discard:
            hidden += 1
        elif packet.pts is None:
            unstamped = True
        else:
            stamps.append(packet.pts)
            if last is None or packet.pts > last[0]:
                last = (packet.pts, packet.duration or 0)
    base: Fraction = stream.time_base
    return stamps, hidden, unstamped, float(last[1] * base) if last else None


def _decoded(path: Path) -> Iterator[tuple[int | None, Any]]:
    """Decode all shown frames that can be trusted, in order: (pts, frame)."""
    with open_media(path) as container:
        stream = _video_stream(container, path)
        # Threads by frame wait for each other for ever in some damaged HEVC; trials share the cores as it is.
        stream.thread_type = "NONE"
        broken = False
        for packet in container.demux(stream):
            frames, decoded = decode_packet(packet)
            broken |= not decoded
            for frame in frames:
                # Frames up to the next key frame are predicted from the one that was refused: the decoder
                # gives pictures for them, but of something else.
                broken &= not frame.key_frame
                if not broken and not frame.is_corrupt:
                    yield frame.pts, frame


def _first_picture(path: Path) -> tuple[int | None, _Picture]:
    for stamp, frame in _decoded(path):
        if not (0 < frame.width <= _LONGEST_SIDE_PX and 0 < frame.height <= _LONGEST_SIDE_PX):
            break
        matrix = frame.side_data.get(SideData.DISPLAYMATRIX)
        orientation, note = orientation_of(bytes(matrix) if matrix is not None else b"")
        notes = [note] if note else []
        if frame.color_trc in _HDR_TRANSFERS:
            notes.append(
                f"high dynamic range ({_HDR_TRANSFERS[int(frame.color_trc)]}): pictures are not "
                f"tone-mapped and look flat"
            )
        return stamp, _Picture((frame.width, frame.height), orientation, frame.format.name, tuple(notes))
    raise CaptureError(
        "not one picture of it can be decoded",
        where=path,
        mend="Copy it again from the device, or leave it out.",
    )
