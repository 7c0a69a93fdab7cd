"""Sound: microphones' files and the sound tracks of phone videos.

Samples are float32, full scale = 1, (samples, channels), at the file's own rate unless another is asked
for. ``start_s`` places the first sample on the recording's clock (zero = container time 0): encoder
priming is cut and edit lists are applied, as the container says. Losses inside a track become silence of
the same length, so that no later sample moves.

WAV, FLAC, AIFF, OGG and the like are read with libsndfile, all else (m4a, mp4, mov ...) with FFmpeg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from viodat.capture.frames_csv import is_frames_csv
from viodat.capture.media import DECODER_ERRORS, decode_packet, open_media, require_file
from viodat.errors import CaptureError

MIN_RATE_HZ, MAX_RATE_HZ = 1_000.0, 768_000.0
MAX_VALUES = 1 << 29
"""Samples times channels of one file (2 GiB as float32): a damaged header asks for more."""

_BLOCK = 1 << 16
_MAX_CHANNELS = 64
_MAX_LOSS_S = 60.0
_MAX_PEAK = 16.0  # decoders overshoot full scale by a few dB; 24 dB above it is damage or another scale
# PyAV counts a frame's planes up to a null pointer. FFmpeg has room for 8 pointers: with 8 planes there is no null, and
# PyAV reads on into whatever follows until the process dies.
_MOST_PLANES = 7
_LEAVE_OUT = "Copy it again from the device, or leave the recording out."


@dataclass(frozen=True)
class AudioSignal:
    """Sound of one recording.

    Attributes
    ----------
    samples
        (N, C) float32, finite, full scale = 1. Lossy decoders may overshoot it a little; nothing is clipped.
    rate_hz
        Samples per second.
    start_s
        When the first sample sounds, s on the recording's clock (zero = container time 0).
    source
        The file.
    notes
        What was found and handled: losses, truncation, resampling. One sentence each.
    """

    samples: NDArray[np.float32]
    rate_hz: float
    start_s: float
    source: Path
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration, N / rate."""
        return float(self.samples.shape[0] / self.rate_hz)


def read_audio(
    path: str | Path, *, rate_hz: float | None = None, mono: bool = False, stream: int = 0, silence: bool = False
) -> AudioSignal:
    """Read the sound of a recording.

    Parameters
    ----------
    path
        A sound file, or a video with a sound track.
    rate_hz
        Resample to this rate with soxr ("HQ": linear phase, no delay); None keeps the file's own.
    mono
        Average the channels.
    stream
        Which sound track, counted from 0 among the file's sound tracks.
    silence
        Whether samples that are all zero are accepted: their start still sets the device's clock.

    Returns
    -------
    AudioSignal

    Raises
    ------
    CaptureError
        No sound track; no samples; samples all zero, not finite or far above full scale; a rate or channel
        count that no device records; a damaged or truncated file; more than :data:`MAX_VALUES` values.
    """
    path = Path(path)
    if rate_hz is not None and not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise ValueError(f"rate_hz: expected {MIN_RATE_HZ:.0f} to {MAX_RATE_HZ:.0f} Hz, got {rate_hz}")
    if stream < 0:
        raise ValueError(f"stream: expected 0 or more, got {stream}")
    require_file(path)
    signal = (_read_sndfile(path) if stream == 0 else None) or _read_ffmpeg(path, stream)
    samples, notes = signal.samples, list(signal.notes)
    _check_samples(samples, path, silence)
    peak = float(np.abs(samples).max())
    if peak > 1.0:
        notes.append(f"samples reach {peak:.3f} times full scale")
    if mono and samples.shape[1] > 1:
        samples = samples.mean(axis=1, keepdims=True, dtype=np.float32)
        notes.append(f"{signal.samples.shape[1]} channels averaged")
    rate = signal.rate_hz
    if rate_hz is not None and rate_hz != rate:
        samples = _resampled(samples, rate, rate_hz, path)
        notes.append(f"resampled from {rate:g} to {rate_hz:g} Hz (soxr HQ)")
        rate = float(rate_hz)
    return AudioSignal(np.ascontiguousarray(samples), rate, signal.start_s, path, tuple(notes))


def has_audio(path: str | Path) -> bool:
    """Whether a file holds a sound track (its samples are not looked at).

    Raises
    ------
    CaptureError
        The file is absent, empty, or no media file.
    """
    path = Path(path)
    require_file(path)
    if is_frames_csv(path):
        return False
    try:
        with soundfile.SoundFile(path) as file:
            return bool(file.channels > 0)
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError, ValueError):
        pass
    with open_media(path) as container:
        return any(_decodable(s) for s in container.streams.audio)


def _read_sndfile(path: Path) -> AudioSignal | None:
    """Read with libsndfile; None where it does not know the format."""
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError, ValueError):
        return None
    with file:
        rate, channels = float(file.samplerate), int(file.channels)
        _check_format(rate, channels, path)
        notes = []
        # libsndfile also remarks that a chunk "should be an even number of bytes", which 24-bit sound often is not.
        if "(should be" in file.extra_info:
            notes.append("the header's length is not that of the data: the file is truncated or was not closed")
        blocks: list[NDArray[np.float32]] = []
        count = 0
        # Block by block: the number of frames that a damaged header declares must not decide what is
        # allocated.
        try:
            while True:
                block = file.read(_BLOCK, dtype="float32", always_2d=True)
                if block.shape[0] == 0:
                    break
                count = _counted(count, block.shape[0], channels, path)
                blocks.append(block)
        except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
            if not blocks:
                raise CaptureError(
                    f"not one sample of it can be decoded ({error})", where=path, mend=_LEAVE_OUT
                ) from error
            notes.append(f"decoding stopped at {count / rate:.3f} s ({error})")
    samples = np.concatenate(blocks) if blocks else np.empty((0, channels), np.float32)
    return AudioSignal(samples, rate, 0.0, path, tuple(notes))


def _read_ffmpeg(path: Path, number: int) -> AudioSignal:
    with open_media(path) as container:
        streams = container.streams.audio
        if not streams:
            kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
            raise CaptureError(
                f"holds no sound track (only {kinds})",
                where=path,
                mend="Record with sound, or give it as a separate microphone file (P05M01T28.wav).",
            )
        if number >= len(streams):
            raise CaptureError(
                f"sound track {number} was asked for; the file has {len(streams)}",
                where=path,
                mend=f"Use stream=0 to {len(streams) - 1}.",
            )
        if not _decodable(streams[number]):
            raise CaptureError(
                "no decoder for its sound track", where=path, mend="Convert the sound to AAC, FLAC or WAV."
            )
        track = _Track(path)
        for packet in container.demux(streams[number]):
            frames, decoded = decode_packet(packet)
            track.refused += not decoded
            for frame in frames:
                track.add(frame)
        return track.signal()


class _Track:
    """Collects decoded frames of one track, each at the place that its stamp gives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.refused = 0
        self._blocks: list[NDArray[np.float32]] = []
        self._count = 0
        self._rate = 0.0
        self._channels = 0
        self._start_s = 0.0
        self._lost = 0
        self._overlap = 0

    def add(self, frame: Any) -> None:
        """Append a frame, with silence before it where stamps say that samples were lost."""
        block = _frame_samples(frame)
        if block is None or block.shape[0] == 0 or frame.is_corrupt:
            return
        rate, channels = float(frame.sample_rate), block.shape[1]
        stamp_s = None if frame.pts is None or not frame.time_base else float(frame.pts * frame.time_base)
        if not self._blocks:
            _check_format(rate, channels, self.path)
            self._rate, self._channels, self._start_s = rate, channels, stamp_s or 0.0
            if abs(self._start_s) > 48 * 3600:
                raise CaptureError(
                    f"its sound starts at {self._start_s:.6g} s: the index is damaged",
                    where=self.path,
                    mend=_LEAVE_OUT,
                )
        elif (rate, channels) != (self._rate, self._channels):
            raise CaptureError(
                f"its sound changes from {self._channels} channels at {self._rate:g} Hz to {channels} "
                f"at {rate:g} Hz "
                f"after {self._count / self._rate:.3f} s",
                where=self.path,
                mend=_LEAVE_OUT,
            )
        if stamp_s is not None:
            self._fill(stamp_s, float(frame.time_base))
        if self._overlap:
            cut = min(self._overlap, block.shape[0])
            self._overlap -= cut
            block = block[cut:]
        if block.shape[0]:
            self._append(block)

    def _fill(self, stamp_s: float, tick_s: float) -> None:
        # Containers with coarse ticks (1 ms in Matroska) jitter; only what exceeds that is a loss.
        ahead = round((stamp_s - self._start_s) * self._rate) - self._count
        if abs(ahead) <= max(0.002, 2 * tick_s) * self._rate:
            return
        if abs(ahead) > _MAX_LOSS_S * self._rate:
            raise CaptureError(
                f"the stamps of its sound jump by {ahead / self._rate:.1f} s after {self._count / self._rate:.3f} s",
                where=self.path,
                mend=_LEAVE_OUT,
            )
        if ahead > 0:
            self._lost += ahead
            self._append(np.zeros((ahead, self._channels), np.float32))
        else:
            self._overlap = -ahead

    def _append(self, block: NDArray[np.float32]) -> None:
        self._count = _counted(self._count, block.shape[0], self._channels, self.path)
        self._blocks.append(block)

    def signal(self) -> AudioSignal:
        """Give all that was collected."""
        if not self._blocks:
            reason = f"; the decoder refused {self.refused} packets" if self.refused else ""
            raise CaptureError(f"its sound track holds no samples{reason}", where=self.path, mend=_LEAVE_OUT)
        notes = []
        if self._lost:
            notes.append(f"{self._lost / self._rate:.3f} s of sound are lost and were filled with silence")
        if self.refused:
            notes.append(f"the decoder refused {self.refused} packets of sound")
        if self._start_s:
            notes.append(f"sound starts at {self._start_s:.4f} s of the recording")
        return AudioSignal(np.concatenate(self._blocks), self._rate, self._start_s, self.path, tuple(notes))


def _frame_samples(frame: Any) -> NDArray[np.float32] | None:
    """(n, C) float32 of a decoded frame, full scale = 1; None if it cannot be converted."""
    try:
        channels = int(frame.layout.nb_channels)
        if frame.format.is_planar and channels > _MOST_PLANES:
            (frame,) = av.AudioResampler(frame.format.packed.name, frame.layout, frame.sample_rate).resample(frame)
        values = np.asarray(frame.to_ndarray())
        if not frame.format.is_planar:
            values = values.reshape(-1, channels).T
    except DECODER_ERRORS:
        return None
    if values.ndim != 2 or values.shape[0] != channels:
        return None
    if values.dtype == np.uint8:
        return np.asarray((values.T.astype(np.float32) - 128.0) / 128.0)
    if values.dtype.kind == "i":
        return np.asarray(values.T / -float(np.iinfo(values.dtype).min), dtype=np.float32)
    with np.errstate(over="ignore"):
        return np.asarray(values.T, dtype=np.float32)


def _decodable(stream: Any) -> bool:
    return stream.codec_context is not None


def _counted(count: int, more: int, channels: int, path: Path) -> int:
    if (count + more) * channels > MAX_VALUES:
        raise CaptureError(
            f"its sound is longer than {MAX_VALUES:,} values (2 GiB)",
            where=path,
            mend="The header is damaged, or the recording should be cut into takes.",
        )
    return count + more


def _check_format(rate_hz: float, channels: int, path: Path) -> None:
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise CaptureError(
            f"declares a sample rate of {rate_hz:g} Hz; {MIN_RATE_HZ:.0f} to {MAX_RATE_HZ:.0f} Hz was expected",
            where=path,
            mend=_LEAVE_OUT,
        )
    if not 1 <= channels <= _MAX_CHANNELS:
        raise CaptureError(
            f"declares {channels} channels; 1 to {_MAX_CHANNELS} were expected", where=path, mend=_LEAVE_OUT
        )


def _check_samples(samples: NDArray[np.float32], path: Path, silence: bool) -> None:
    if samples.shape[0] == 0:
        raise CaptureError("holds no samples", where=path, mend=_LEAVE_OUT)
    if not np.isfinite(samples).all():
        row = int(np.argmax(~np.isfinite(samples).all(axis=1)))
        raise CaptureError(f"sample {row} is not a finite number", where=path, mend="Export it again as 24-bit WAV.")
    peak = float(np.abs(samples).max())
    if peak == 0.0 and not silence:
        raise CaptureError(
            "all samples are zero",
            where=path,
            mend="The microphone was muted: leave the recording's sound out.",
        )
    if peak > _MAX_PEAK:
        raise CaptureError(
            f"samples reach {peak:.3g} times full scale",
            where=path,
            mend="Float samples must lie in -1 to 1: export it again as 24-bit WAV.",
        )


def _resampled(samples: NDArray[np.float32], rate_hz: float, wanted_hz: float, path: Path) -> NDArray[np.float32]:
    import soxr

    length = math.ceil(samples.shape[0] * wanted_hz / rate_hz)
    _counted(0, length, samples.shape[1], path)
    result = np.asarray(soxr.resample(samples, rate_hz, wanted_hz, quality="HQ"), dtype=np.float32)
    if result.shape[0] == 0:
        raise CaptureError("is too short to resample", where=path, mend=_LEAVE_OUT)
    return result.reshape(-1, samples.shape[1])
