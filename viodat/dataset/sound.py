"""What of a recording's sound can be asked for row by row, and reading it with its times on the mocap clock."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset import paths, schema
from viodat.dataset.reader import VioDataset, known_times
from viodat.dataset.schema import NS

SPECTROGRAM_RATE_HZ: Final = 100


@dataclass(frozen=True)
class AudioKind:
    """A description of sound that datasets store.

    Attributes
    ----------
    name
        As it is asked for.
    column
        Of :data:`viodat.dataset.schema.AUDIO`.
    rate_hz
        Rows per second.
    width
        Numbers in a row.
    """

    name: str
    column: str
    rate_hz: int
    width: int


AUDIO_KINDS: Final = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            *(AudioKind(f"features{rate}", "features", rate, schema.N_FEATURES) for rate in paths.FEATURE_RATES_HZ),
            AudioKind(f"spectrogram{SPECTROGRAM_RATE_HZ}", "log_mel_db", SPECTROGRAM_RATE_HZ, schema.N_MELS),
        )
    }
)
"""By name: the audio frame at three rates, and the log-mel spectrogram."""


@dataclass(frozen=True, eq=False)
class SoundRows:
    """Rows of sound with their times: (N, W) values and (N,) int64 ns on the mocap clock, increasing."""

    values: NDArray[np.float32]
    time_ns: NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.values.nbytes + self.time_ns.nbytes

    def nearest(self, start_ns: int, rate_hz: float, count: int) -> NDArray[np.float32]:
        """(count, W): row k is the one nearest to ``start_ns + k / rate_hz``, NaN if more than a row away."""
        out = np.full((count, self.values.shape[1]), np.nan, np.float32)
        if not len(self.time_ns):
            return out
        # Relative to the window's start, where float64 holds ns exactly.
        stored = (self.time_ns - start_ns).astype(np.float64)
        wanted = np.arange(count) * (NS / rate_hz)
        row = np.searchsorted((stored[1:] + stored[:-1]) / 2, wanted)
        near = np.abs(stored[row] - wanted) <= NS / rate_hz
        out[near] = self.values[row[near]]
        return out


def read_sound(dataset: VioDataset, recording: str, kind: AudioKind | None) -> SoundRows:
    """Read a recording's sound; no rows if it has none, its clock is unknown or nothing is asked for.

    Raises as :meth:`VioDataset.audio`.
    """
    if kind is not None and dataset.has_sound(recording):
        columns = dataset.audio_arrays(recording, kind.rate_hz, ("time_ns", kind.column))
        if (times := known_times(columns["time_ns"])) is not None:
            return SoundRows(columns[kind.column], times)
    return SoundRows(np.empty((0, kind.width if kind else 0), np.float32), np.empty(0, np.int64))
