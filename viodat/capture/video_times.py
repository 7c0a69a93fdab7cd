"""When each frame of a video was shown: the value that ``read_video_times`` returns.

Times are presentation stamps on the recording's own clock, whose zero is container time 0 (the instant
that the container calls 0, edit list applied; the first frame need not be at 0). They are read, never
computed as frame / rate: a phone's rate varies.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.errors import CaptureError

MAX_SPAN_S = 48 * 3600
"""No take lasts two days: stamps that far apart, or from zero, are a damaged index."""

_NS = 10**9
_GAP = 1.5  # an interval from 1.5 times the median on means that at least one frame is missing
_UNEVEN = 0.05  # intervals that differ by more than 5 % of the median: a variable rate, beyond rounding to ticks


@dataclass(frozen=True)
class VideoTimes:
    """The stamps of one video, in the order of presentation, and what its pictures look like.

    Attributes
    ----------
    pts
        (N,) int64, strictly increasing, counts of ``time_base`` from container time 0.
    time_base
        Seconds per count.
    times_s
        (N,) float64 s on the recording's clock.
    times_ns
        (N,) int64 ns on the recording's clock, rounded from the exact fraction.
    size_px
        (width, height) as displayed, after rotation; None where the file has no pictures and does not say.
    coded_size_px
        (width, height) as decoded, before rotation; None where there are no pictures.
    rotation_deg
        Clockwise turn from the decoded to the displayed picture: 0, 90, 180 or 270.
    mirrored
        Whether the decoded picture is mirrored left-right before it is turned.
    codec, pixel_format
        As FFmpeg names them (``hevc``, ``yuv420p10le``); empty where there are no pictures.
    mean_rate_hz
        (N - 1) / (last - first stamp). For information: nothing may be timed with it. NaN for one frame.
    duration_s
        First stamp to the end of the last frame, which lasts as long as the file says, else a median
        interval.
    timecode
        Time code of the first frame as the file states it; empty where it states none.
    nominal_hz
        Rate that the file declares, in which time codes count; None where it declares none.
    source
        The file.
    notes
        What was found and handled: variable rate, missing frames, edit list, repeated stamps. One sentence
        each.
    """

    pts: NDArray[np.int64]
    time_base: Fraction
    times_s: NDArray[np.float64]
    times_ns: NDArray[np.int64]
    size_px: tuple[int, int] | None
    coded_size_px: tuple[int, int] | None
    rotation_deg: int
    mirrored: bool
    codec: str
    pixel_format: str
    mean_rate_hz: float
    duration_s: float
    source: Path
    notes: tuple[str, ...] = ()
    truncated: bool = False
    timecode: str = ""
    nominal_hz: Fraction | None = None

    @property
    def n_frames(self) -> int:
        """Number of frames N."""
        return int(self.pts.shape[0])


def video_times(
    pts: NDArray[np.int64],
    time_base: Fraction,
    *,
    source: Path,
    size_px: tuple[int, int] | None = None,
    coded_size_px: tuple[int, int] | None = None,
    rotation_deg: int = 0,
    mirrored: bool = False,
    codec: str = "",
    pixel_format: str = "",
    last_frame_s: float | None = None,
    notes: tuple[str, ...] = (),
    truncated: bool = False,
    timecode: str = "",
    nominal_hz: Fraction | None = None,
) -> VideoTimes:
    """Validate stamps and derive times, rate, duration and the notes on their spacing.

    Parameters
    ----------
    pts
        (N,) int64, N >= 1, strictly increasing.
    time_base
        Seconds per count, positive.
    last_frame_s
        How long the file says the last frame lasts, if it does.

    Raises
    ------
    CaptureError
        The stamps reach further than :data:`MAX_SPAN_S` from zero, or from one another.
    """
    if pts.shape[0] == 0 or np.any(np.diff(pts) <= 0):
        raise ValueError("pts: expected at least one stamp, strictly increasing")
    if time_base <= 0:
        raise CaptureError(f"declares the time base {time_base}", where=source, mend="Record or export it again.")
    first, last = int(pts[0]) * time_base, int(pts[-1]) * time_base
    if max(abs(first), abs(last), last - first) > MAX_SPAN_S:
        raise CaptureError(
            f"stamps run from {float(first):.6g} s to {float(last):.6g} s: no take lasts {MAX_SPAN_S // 3600} hours",
            where=source,
            mend="The file's index is damaged: copy it again from the device.",
        )
    numerator, denominator = time_base.numerator * _NS, time_base.denominator
    # Python integers: pts * 10^9 does not fit 64 bits. Rounds half up.
    times_ns = np.array([(2 * int(p) * numerator + denominator) // (2 * denominator) for p in pts], dtype=np.int64)
    times_s = pts.astype(np.float64) * time_base.numerator / time_base.denominator
    intervals_s = np.diff(times_s)
    median_s = float(np.median(intervals_s)) if intervals_s.size else 0.0
    if last_frame_s is None or not 0 < last_frame_s <= max(10 * median_s, 1.0):
        last_frame_s = median_s
    return VideoTimes(
        pts=pts,
        time_base=time_base,
        times_s=times_s,
        times_ns=times_ns,
        size_px=size_px,
        coded_size_px=coded_size_px,
        rotation_deg=rotation_deg,
        mirrored=mirrored,
        codec=codec,
        pixel_format=pixel_format,
        mean_rate_hz=float(intervals_s.size / (last - first)) if intervals_s.size else float("nan"),
        duration_s=float(last - first) + last_frame_s,
        source=source,
        notes=notes + _spacing_notes(times_s, intervals_s, median_s, float(time_base)),
        truncated=truncated,
        timecode=timecode,
        nominal_hz=nominal_hz,
    )


def _spacing_notes(
    times_s: NDArray[np.float64], intervals_s: NDArray[np.float64], median_s: float, tick_s: float
) -> tuple[str, ...]:
    notes = []
    if times_s[0] < 0:
        notes.append(f"{int(np.sum(times_s < 0))} frames are stamped before container time 0")
    elif times_s[0] > 0:
        notes.append(f"the first frame is shown at {times_s[0]:.4f} s, not at container time 0")
    if not intervals_s.size:
        return tuple(notes)
    gaps = intervals_s >= _GAP * median_s
    regular = intervals_s[~gaps]
    # Stamps are rounded to whole ticks, which alone makes two neighbouring intervals differ by up to two.
    if regular.size and np.ptp(regular) > max(2.5 * tick_s, _UNEVEN * median_s):
        notes.append(
            f"variable frame rate: intervals {regular.min() * 1e3:.2f} to {regular.max() * 1e3:.2f} ms, "
            f"median {median_s * 1e3:.2f} ms"
        )
    if gaps.any():
        missing = int(np.sum(np.rint(intervals_s[gaps] / median_s) - 1).clip(1))
        worst = int(np.argmax(intervals_s))
        notes.append(
            f"{int(gaps.sum())} gaps, about {missing} frames missing; the longest is "
            f"{intervals_s[worst] * 1e3:.0f} ms after {times_s[worst]:.3f} s"
        )
    return tuple(notes)
