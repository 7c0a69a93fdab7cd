"""Sound in a dataset: FLAC at its own rate."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from viodat.files import write_bytes

_CHANNELS: Final = 8


def write_waveform(path: Path, samples: NDArray[np.float32], rate_hz: float, *, lossy: bool = False) -> None:
    """Write a sound as FLAC, atomically.

    16 bit for what was 16 bit or came out of a lossy codec, 24 bit for the rest. Two things do not fit into FLAC:
    samples above full scale are scaled down by their peak, and of more than eight channels the mean is kept, which is
    what the features are computed from.

    Parameters
    ----------
    path
        The file.
    samples
        (N, C) or (N,), full scale 1.
    rate_hz
        Samples per second.
    lossy
        Whether they came out of a lossy codec.
    """
    if samples.ndim == 2 and samples.shape[1] > _CHANNELS:
        samples = samples.mean(1, keepdims=True)
    samples = samples / max(1.0, float(np.abs(samples).max(initial=0.0)))
    whole = samples * 32768.0
    subtype = "PCM_16" if lossy or np.array_equal(whole, np.round(whole)) else "PCM_24"
    # Written to a file by libsndfile, it would say of a full disk no more than "System error".
    content = io.BytesIO()
    soundfile.write(content, samples, round(rate_hz), subtype=subtype, format="FLAC")
    write_bytes(path, content.getvalue())
