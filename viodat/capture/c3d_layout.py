"""Where each number of a C3D file stands: header, parameters and file size brought to agree, or an error.

A C3D file states the number of points, frames and analog values, the scale and the start of the data twice,
in its header and in its parameters. Where the two contradict each other the size of the file decides; if it
cannot, the file is refused, because either reading would give numbers of the right shape and wrong value.

Source: The C3D File Format User Guide (Motion Lab Systems), chapters on POINT, ANALOG and TRIAL.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path

from viodat.capture.c3d_header import BLOCK_BYTES, COPY_AGAIN, C3DHeader, read_header
from viodat.capture.c3d_parameters import Parameters, frame_field, number, unsigned
from viodat.errors import CaptureError

FRAME_CAP = 0xFFFF
"""The largest count that the 16-bit fields hold; it stands for "see LONG_FRAMES or TRIAL"."""

_SCALE_TOLERANCE = 1e-3
_RATE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class C3DLayout:
    """How the data section of a C3D file is laid out.

    Attributes
    ----------
    processor
        ``intel``, ``dec`` or ``mips``.
    points, frames
        Points per frame, frames in the file.
    analog_values, analog_samples
        Analog numbers per frame, and samples of each channel per frame.
    first_frame
        Number of the file's first frame, counted from 1.
    scale
        Negative: 32-bit floating-point data. Positive: 16-bit integers to multiply with it.
    rate_hz
        Frames per second.
    data_start
        Offset in bytes of the first frame.
    file_bytes
        Size of the file.
    damaged_at
        Offset of the first parameter record that makes no sense, or None.
    contradictory
        The file contradicts itself and its size decided; a decoder that trusts one side may read nonsense.
    padded
        The number of frames is what the file has room for: the last ones may be the padding of its last block.
    notes
        What was found and settled, one sentence each.
    """

    processor: str
    points: int
    frames: int
    analog_values: int
    analog_samples: int
    first_frame: int
    scale: float
    rate_hz: float
    data_start: int
    file_bytes: int
    damaged_at: int | None = None
    contradictory: bool = False
    padded: bool = False
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """Analog channels."""
        return self.analog_values // self.analog_samples if self.analog_samples else 0

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame: four numbers for each point, then the analog values."""
        return (4 * self.points + self.analog_values) * (4 if self.scale < 0 else 2)


@dataclass(frozen=True)
class _Candidate:
    points: int
    frames: int
    analog_values: int
    data_block: int
    floating: bool

    @property
    def start(self) -> int:
        return (self.data_block - 1) * BLOCK_BYTES

    @property
    def frame_bytes(self) -> int:
        return (4 * self.points + self.analog_values) * (4 if self.floating else 2)

    def slack(self, file_bytes: int) -> int:
        """Bytes left in the file behind the last frame; negative if it is cut short."""
        return file_bytes - self.start - self.frames * self.frame_bytes


def check_c3d(path: Path) -> C3DLayout:
    """Validate the bytes of a C3D file and say how its data are laid out.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    CaptureError
        It is no C3D file (see :func:`~viodat.capture.c3d_header.read_header`), is cut short (the text says how many
        frames it holds of how many), or contradicts itself in a way that its size cannot settle.
    """
    header = read_header(path)
    parameters = header.parameters.values
    notes: list[str] = []
    scale = _scale(path, header, parameters, notes)
    start = frame_field(parameters, "ACTUAL_START_FIELD")
    first_frame = start if start else max(header.first_frame, 1)
    if start and FRAME_CAP > header.first_frame != start and header.first_frame:
        notes.append(
            f"the header's first frame is {header.first_frame}, TRIAL:ACTUAL_START_FIELD says {start}: {start} is used"
        )
    options = _options(header, parameters, scale)
    candidate, contradictory = _choose(path, options, header.file_bytes)
    if contradictory:
        notes.append(f"its header and parameters disagree ({_disagreement(options)}): the file's size decided")
    capped = candidate.frames == FRAME_CAP
    if capped:
        candidate = _beyond_the_cap(candidate, header.file_bytes, notes)
    _check_size(path, candidate, header.file_bytes)
    surplus = candidate.slack(header.file_bytes)
    if surplus > BLOCK_BYTES and header.last_frame != FRAME_CAP:
        notes.append(f"it holds {surplus:,} bytes more than its {candidate.frames:,} frames need: it may be damaged")
    return C3DLayout(
        processor=header.processor,
        points=candidate.points,
        frames=candidate.frames,
        analog_values=candidate.analog_values,
        analog_samples=header.analog_samples,
        first_frame=first_frame,
        scale=abs(scale) * (-1 if candidate.floating else 1),
        rate_hz=_rate(path, header, parameters, notes),
        data_start=(candidate.data_block - 1) * BLOCK_BYTES,
        file_bytes=header.file_bytes,
        damaged_at=header.parameters.damaged_at,
        contradictory=contradictory,
        padded=capped and candidate.frames > FRAME_CAP,
        notes=tuple(notes),
    )


def _scale(path: Path, header: C3DHeader, parameters: Parameters, notes: list[str]) -> float:
    ours, theirs = header.scale, number(parameters, "POINT", "SCALE")
    usable = [value for value in (theirs, ours) if value is not None and math.isfinite(value) and value != 0.0]
    if not usable:
        raise CaptureError(
            f"states no usable scale (header {ours:g}, POINT:SCALE {theirs})", where=path, mend=COPY_AGAIN
        )
    if len(usable) == 2 and abs(abs(usable[0]) / abs(usable[1]) - 1) > _SCALE_TOLERANCE:
        if usable[0] > 0 or usable[1] > 0:
            ratio = max(map(abs, usable)) / min(map(abs, usable))
            raise CaptureError(
                f"states two scales for its integer coordinates, {abs(ours):.6g} in the header and "
                f"{abs(usable[0]):.6g} in POINT:SCALE: every length would differ by a factor of {ratio:.3g}",
                where=path,
                mend="Export the trial again, as floating-point C3D if the software offers it.",
            )
        notes.append(
            f"the header's scale is {ours:g}, POINT:SCALE says {theirs:g}: it touches residuals only, "
            f"the latter is used"
        )
    return usable[0]


def _rate(path: Path, header: C3DHeader, parameters: Parameters, notes: list[str]) -> float:
    stated = number(parameters, "POINT", "RATE")
    rates = [rate for rate in (stated, header.rate_hz) if rate is not None and math.isfinite(rate) and rate > 0]
    if not rates:
        raise CaptureError(
            f"states no frame rate (header {header.rate_hz:g}, POINT:RATE {stated}), expected a number of Hz",
            where=path,
            mend="Set POINT:RATE in the recording software and export the trial again.",
        )
    if len(rates) == 2 and abs(rates[0] / rates[1] - 1) > _RATE_TOLERANCE:
        notes.append(f"the header's rate is {rates[1]:g} Hz, POINT:RATE says {rates[0]:g} Hz: the latter is used")
    return rates[0]


def _options(header: C3DHeader, parameters: Parameters, scale: float) -> dict[str, list[int]]:
    """List what the file says of each quantity: one value where header and parameters agree, else two."""
    used, samples = number(parameters, "ANALOG", "USED"), header.analog_samples
    analog = None if used is None else unsigned(used) * samples
    floating = [header.scale < 0] if header.scale else []
    stated_scale = number(parameters, "POINT", "SCALE")
    floating += [stated_scale < 0] if stated_scale else []
    return {
        "points": _distinct(header.points, number(parameters, "POINT", "USED")),
        "frames": _frame_counts(header, parameters),
        "analog values per frame": _distinct(header.analog_values, analog),
        "first data block": _distinct(header.data_block, number(parameters, "POINT", "DATA_START") or None),
        "bytes per number": list(dict.fromkeys(4 if f else 2 for f in floating)) or [4 if scale < 0 else 2],
    }


def _frame_counts(header: C3DHeader, parameters: Parameters) -> list[int]:
    span = header.last_frame - header.first_frame + 1
    stated = number(parameters, "POINT", "FRAMES")
    frames = unsigned(stated) if stated is not None and math.isfinite(stated) else 0
    if FRAME_CAP not in (header.first_frame, header.last_frame, frames):
        return [count for count in _distinct(span, frames or None) if count > 0] or [0]
    start = frame_field(parameters, "ACTUAL_START_FIELD")
    end = frame_field(parameters, "ACTUAL_END_FIELD")
    long = number(parameters, "POINT", "LONG_FRAMES")
    counts = [int(long)] if long is not None and math.isfinite(long) else []
    if start is not None and end is not None:
        counts.append(end - start + 1)
    if 0 < frames < FRAME_CAP:
        counts.append(frames)
    return list(dict.fromkeys(count for count in counts if count > 0)) or [FRAME_CAP]


def _distinct(header_value: int, stated: float | None) -> list[int]:
    values = [header_value]
    if stated is not None and math.isfinite(stated):
        values.insert(0, unsigned(stated))
    return list(dict.fromkeys(values))


def _choose(path: Path, options: dict[str, list[int]], file_bytes: int) -> tuple[_Candidate, bool]:
    candidates = [
        _Candidate(points, frames, analog, block, floating=width == 4)
        for points, frames, analog, block, width in itertools.product(*options.values())
    ]
    if len(candidates) == 1:
        return candidates[0], False
    fitting = [c for c in candidates if 0 <= c.slack(file_bytes) <= BLOCK_BYTES and c.data_block > 1]
    if len(fitting) == 1:
        return fitting[0], True
    raise CaptureError(
        f"contradicts itself: {_disagreement(options)}; the file's {file_bytes} bytes fit "
        f"{'none' if not fitting else 'more than one'} of these",
        where=path,
        mend=COPY_AGAIN,
    )


def _disagreement(options: dict[str, list[int]]) -> str:
    return ", ".join(
        f"{name} {' or '.join(str(value) for value in values)}" for name, values in options.items() if len(values) > 1
    )


def _beyond_the_cap(candidate: _Candidate, file_bytes: int, notes: list[str]) -> _Candidate:
    """Count the frames of a file that says 65535 and nothing else: as many as it has room for."""
    held = (file_bytes - candidate.start) // candidate.frame_bytes if candidate.frame_bytes else 0
    if held <= FRAME_CAP:
        return candidate
    notes.append(
        f"it says 65535 frames, the most the format can, and has room for {held}: all are read, empty ones at "
        f"the end dropped"
    )
    return replace(candidate, frames=held)


def _check_size(path: Path, candidate: _Candidate, file_bytes: int) -> None:
    if candidate.frames <= 0:
        raise CaptureError("holds no frames", where=path, mend="Export the trial again with its whole range.")
    if candidate.start < 2 * BLOCK_BYTES or candidate.start > file_bytes:
        raise CaptureError(
            f"its data should start in block {candidate.data_block} of 512 bytes, expected block 3 or later, within "
            f"the {file_bytes:,} bytes that the file has",
            where=path,
            mend=COPY_AGAIN,
        )
    if candidate.slack(file_bytes) < 0:
        held = (file_bytes - candidate.start) // candidate.frame_bytes
        raise CaptureError(
            f"is cut short: it holds {held:,} of {candidate.frames:,} frames", where=path, mend=COPY_AGAIN
        )
