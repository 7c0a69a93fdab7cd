"""Sound as a phone stores it: an AAC track in an MP4 container, sample 0 at the container's time 0.

The encoder primes itself with samples that are stamped before 0. The muxer says so in an edit list, and a reader that
obeys it presents sample 0 first.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from viodat.errors import ConfigError
from viodat.synth.sound.room import RATE_HZ

SOUND_HZ: Final = int(RATE_HZ)
BLOCK: Final = 1024
"""Samples of one AAC frame."""
_BIT_RATE = 128_000
_LAYOUTS = {1: "mono", 2: "stereo"}


def planes_of(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """(C, N) float32 within ±1 from (N,) or (N, C) samples of one or two channels.

    Raises
    ------
    ConfigError
        Another shape.
    """
    if samples.ndim > 2 or (samples.ndim == 2 and samples.shape[1] not in _LAYOUTS):
        raise ConfigError(f"sound of shape {samples.shape} makes no track", mend="Give (N,) or (N, 2) samples.")
    return np.clip(np.asarray(samples, dtype=np.float32), -1.0, 1.0).reshape(len(samples), -1).T


def add_sound_track(container: av.container.OutputContainer, planes: NDArray[np.float32]) -> av.AudioStream:
    """Add an AAC track for (C, N) samples to a container that nothing has been written to."""
    track = container.add_stream("aac", rate=SOUND_HZ, layout=_LAYOUTS[len(planes)])
    track.bit_rate = _BIT_RATE
    return track


def encode_sound(
    container: av.container.OutputContainer,
    track: av.AudioStream,
    planes: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    """Encode samples ``start`` to ``stop`` of (C, N) into a track; ``start`` is a multiple of :data:`BLOCK`.

    The caller flushes the track when all are encoded.
    """
    for first in range(start, stop, BLOCK):
        block = np.ascontiguousarray(planes[:, first : min(first + BLOCK, stop)])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=_LAYOUTS[len(planes)])
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, first, Fraction(1, SOUND_HZ)
        container.mux(track.encode(frame))
