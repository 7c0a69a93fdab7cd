"""Windows of a store as batches for a network: cut, centred, normalised, flipped, in any order.

One compiled loop does it all, window by window, straight from the mapped arrays into the batch.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from viodat.bench.compiled import compiled
from viodat.bench.store import GridStore, StoredRecording
from viodat.dataset.schema import NS
from viodat.errors import ConfigError
from viodat.joints import MIRROR, ROOT_JOINTS

Float32 = NDArray[np.float32]
Normalisation = Literal["screen", "root_px", "px"]
NORMALISATIONS: Final = ("screen", "root_px", "px")
Cut = Literal["hop", "centred", "inside"]
Sound = Literal["own", "another", "silent"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows, one after the other.

    Attributes
    ----------
    pose2d
        (B, T, 18, 2) float32, normalised.
    image_size
        (B, 2) float32: width and height in px.
    target
        (B, T, 18, 3) float32 mm, camera frame, from the mid-pelvis; zero where it does not count.
    valid
        (B, T, 18) bool: truth of the joint and of the root is determined, and the frame is of the recording.
    audio
        (B, F, W) float32, zero where there is no sound; of the kind that is asked for, F is 0 if none is. Features as
        they are stored, levels of a spectrogram from 0 (-100 dB) to 1 (0 dB).
    devices
        (B,) str: whose pictures they are of.
    """

    pose2d: Float32
    image_size: Float32
    target: Float32
    valid: NDArray[np.bool_]
    audio: Float32
    devices: NDArray[np.str_]


class Windows:
    """All windows of some recordings.

    Parameters
    ----------
    store
        Where they lie.
    recordings
        Which; all of ``store``.
    frames
        T.
    hop
        Grid steps from the start of one window to that of the next.
    offset
        Grid steps by which the first window starts before its recording's first frame; edges are repeated.
    normalisation
        ``screen``: x / w * 2 - 1, y / w * 2 - h / w; ``root_px``: pixels from the mid-pelvis; ``px``: pixels.
    audio
        Which sound is given: one of :data:`viodat.dataset.sound.AUDIO_KINDS`; None: none.
    cut
        ``hop``: as ``hop`` and ``offset`` say, until all frames are in one; ``centred``: windows that do not overlap,
        as many as cover the recording, centred on it; ``inside``: windows that do not overlap, but for the last, which
        ends with the recording if that is long enough.
    sound
        Controls: ``another``: the sound of another trial's recording, of the same device where there is one;
        ``silent``: zeros. ``own`` is no control.

    Notes
    -----
    Frames before and after a recording repeat its first and last, and are not valid.

    Raises
    ------
    ConfigError
        ``sound`` is that of another trial, and a split has no other with sound.
    """

    def __init__(
        self,
        store: GridStore,
        recordings: Sequence[StoredRecording],
        *,
        frames: int,
        hop: int,
        offset: int = 0,
        normalisation: Normalisation = "screen",
        audio: str | None = None,
        cut: Cut = "hop",
        sound: Sound = "own",
    ) -> None:
        self.store, self.recordings, self.frames = store, tuple(recordings), frames
        self._kind = NORMALISATIONS.index(normalisation)
        self._sound = store.sound(audio) if audio else None
        self.audio_rows = round(frames * self._sound.kind.rate_hz / store.rate_hz) if self._sound else 0
        starts = [
            (k, first)
            for k, one in enumerate(self.recordings)
            for first in _firsts(one.points, frames, hop, offset, cut)
        ]
        table = np.array(starts, dtype=np.int64).reshape(-1, 2)
        self.of, self.first = table[:, 0], table[:, 1]
        self._rows = np.array([(one.first, one.points) for one in self.recordings], dtype=np.int64).reshape(-1, 2)
        self._sizes = np.array([(one.width_px, one.height_px) for one in self.recordings], dtype=np.float32)
        self._devices = np.array([one.device for one in self.recordings], dtype=np.str_)
        begins = np.array([one.start_ns for one in self.recordings], dtype=np.int64)
        step = NS / store.rate_hz
        since_ns = np.rint(self.first * step).astype(np.int64)
        heard = self.recordings
        if self._sound and sound == "another":
            audible = [one for one in store.recordings if self._sound.spans[one.recording][1]]
            heard = tuple(_of_another_trial(one, audible) for one in self.recordings)
            begins = np.array([one.start_ns for one in heard], dtype=np.int64)
        self._heard = np.zeros_like(self._rows)
        if self._sound and sound != "silent":
            spans = [self._sound.spans[one.recording] for one in heard]
            self._heard = np.array(spans, dtype=np.int64).reshape(-1, 2)
        self._start_ns = begins[self.of] + since_ns if len(table) else begins[:0]

    def __len__(self) -> int:
        return len(self.of)

    def chosen(self, windows: NDArray[np.int64]) -> Windows:
        """Give some of them, as if there were no others."""
        found = copy.copy(self)
        found.of, found.first, found._start_ns = self.of[windows], self.first[windows], self._start_ns[windows]
        return found

    def batch(self, windows: NDArray[np.int64], flipped: NDArray[np.bool_] | None = None) -> Batch:
        """Give some of them, each mirrored where ``flipped`` (B,) says so."""
        count = len(windows)
        pose2d = np.empty((count, self.frames, len(MIRROR), 2), np.float32)
        target = np.empty((count, self.frames, len(MIRROR), 3), np.float32)
        valid = np.empty((count, self.frames, len(MIRROR)), np.bool_)
        audio = np.zeros((count, self.audio_rows, self._sound.kind.width if self._sound else 0), np.float32)
        flips = np.zeros(count, np.bool_) if flipped is None else flipped
        store = self.store
        _fill(
            store.pose2d_px, store.pose3d_mm, self._rows[self.of[windows]], self.first[windows],
            self._sizes[self.of[windows]], flips, self._kind, np.array(MIRROR), np.array(ROOT_JOINTS), pose2d, target,
            valid,
        )  # fmt: skip
        if self._sound:
            _fill_audio(
                self._sound.values,
                self._sound.time_ns,
                self._heard[self.of[windows]],
                self._start_ns[windows],
                NS / self._sound.kind.rate_hz,
                audio,
            )
        of = self.of[windows]
        return Batch(pose2d, self._sizes[of], target, valid, audio, self._devices[of])

    def epoch(self, size: int, generator: np.random.Generator | None = None, *, flips: bool = False) -> Iterator[Batch]:
        """Give all windows once, in order or shuffled; with ``flips`` each a second time, mirrored, among them."""
        order = self.order(generator, flips=flips)
        for begin in range(0, len(order), size):
            yield self.numbered(order[begin : begin + size])

    def numbered(self, numbers: NDArray[np.int64]) -> Batch:
        """Give the windows of such numbers as :meth:`order` gives."""
        return self.batch(numbers % len(self), numbers >= len(self))

    def order(self, generator: np.random.Generator | None = None, *, flips: bool = False) -> NDArray[np.int64]:
        """Give an epoch's windows in order or shuffled; with ``flips`` the number n + k stands for k, mirrored."""
        order = np.arange(len(self) * (2 if flips else 1))
        if generator is not None:
            generator.shuffle(order)
        return order

    def batches(self, size: int, *, flips: bool = False) -> int:
        """Count the batches of an epoch."""
        return math.ceil(len(self) * (2 if flips else 1) / size)


def _firsts(points: int, frames: int, hop: int, offset: int, cut: Cut) -> list[int]:
    """Give the first frames of a recording's windows."""
    if cut == "hop":
        last = max(points + offset - frames, -offset)
        return [first for first in range(-offset, last + hop, hop) if first < points]
    count = math.ceil(points / frames)
    begin = -((count * frames - points) // 2) if cut == "centred" else 0
    firsts = [begin + k * frames for k in range(count)]
    if cut == "inside":
        firsts[-1] = max(points - frames, 0)
    return firsts


def _of_another_trial(one: StoredRecording, recordings: Sequence[StoredRecording]) -> StoredRecording:
    """Give a recording of the trial after its own, in the order of ids within its split, the first after the last."""
    alike = [other for other in recordings if other.split == one.split and other.trial != one.trial]
    if not alike:
        raise ConfigError(
            f"split {one.split} has no other trial with sound than {one.trial}: no control can hear another's",
            mend="Build with more trials, or take silent for the control.",
        )
    trials = sorted({other.trial for other in alike})
    trial = next((name for name in trials if name > one.trial), trials[0])
    found = [other for other in alike if other.trial == trial]
    return next((other for other in found if other.device == one.device), found[0])


@compiled
def _fill(
    px: Any, mm: Any, rows: Any, firsts: Any, sizes: Any, flips: Any, kind: int, mirror: Any, root: Any,
    pose2d: Any, target: Any, valid: Any,
) -> None:  # fmt: skip
    joints = px.shape[1]
    for b in range(len(rows)):
        begin, points = rows[b, 0], rows[b, 1]
        width, height = sizes[b, 0], sizes[b, 1]
        sign = np.float32(-1.0) if flips[b] else np.float32(1.0)
        for t in range(pose2d.shape[1]):
            frame = firsts[b] + t
            inside = 0 <= frame < points
            at = begin + min(max(frame, 0), points - 1)
            # Where a picture is measured from.
            x0, y0, scale = np.float32(0.0), np.float32(0.0), np.float32(1.0)
            if kind == 0:
                scale = np.float32(2.0) / width
                x0, y0 = width / np.float32(2.0), height / np.float32(2.0)
            elif kind == 1:
                x0 = (px[at, root[0], 0] + px[at, root[1], 0]) / np.float32(2.0)
                y0 = (px[at, root[0], 1] + px[at, root[1], 1]) / np.float32(2.0)
            elif flips[b]:
                x0 = width - np.float32(1.0)
            rx = (mm[at, root[0], 0] + mm[at, root[1], 0]) / np.float32(2.0)
            ry = (mm[at, root[0], 1] + mm[at, root[1], 1]) / np.float32(2.0)
            rz = (mm[at, root[0], 2] + mm[at, root[1], 2]) / np.float32(2.0)
            for j in range(joints):
                source = mirror[j] if flips[b] else j
                pose2d[b, t, j, 0] = sign * (px[at, source, 0] - x0) * scale
                pose2d[b, t, j, 1] = (px[at, source, 1] - y0) * scale
                x, y, z = mm[at, source, 0] - rx, mm[at, source, 1] - ry, mm[at, source, 2] - rz
                known = inside and np.isfinite(x) and np.isfinite(y) and np.isfinite(z)
                valid[b, t, j] = known
                target[b, t, j, 0] = sign * x if known else np.float32(0.0)
                target[b, t, j, 1] = y if known else np.float32(0.0)
                target[b, t, j, 2] = z if known else np.float32(0.0)


@compiled
def _fill_audio(values: Any, times: Any, rows: Any, starts: Any, step_ns: float, audio: Any) -> None:
    """Take, for each moment of a window, the row that is nearest; none that is more than a row away."""
    for b in range(len(rows)):
        begin, end = rows[b, 0], rows[b, 0] + rows[b, 1]
        if begin == end:
            continue
        at = begin + np.searchsorted(times[begin:end], starts[b])
        at = min(at, end - 1)
        for k in range(audio.shape[1]):
            wanted = np.float64(starts[b]) + k * step_ns
            while at + 1 < end and abs(times[at + 1] - wanted) < abs(times[at] - wanted):
                at += 1
            while at > begin and abs(times[at - 1] - wanted) <= abs(times[at] - wanted):
                at -= 1
            if abs(times[at] - wanted) <= step_ns:
                for f in range(audio.shape[2]):
                    audio[b, k, f] = values[at, f]
