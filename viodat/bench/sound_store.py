"""The sound of a store's recordings, of one kind, in arrays that are mapped into memory like its poses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.audio.spectrogram import FLOOR_DB
from viodat.dataset.new_folder import new_folder
from viodat.dataset.reader import VioDataset
from viodat.dataset.sound import AUDIO_KINDS, AudioKind, read_sound
from viodat.errors import DatasetError

INDEX: Final = "index.json"
_VALUES: Final = "values.f32"
_TIMES: Final = "time_ns.i64"

Float32 = NDArray[np.float32]


class SoundStore:
    """Rows of sound, one recording after the other.

    Parameters
    ----------
    folder
        As :func:`write_sounds` wrote it.

    Attributes
    ----------
    kind
        What the rows are.
    spans
        Recording -> its first row, and how many it has.
    """

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        self.kind = AUDIO_KINDS[index["kind"]]
        self.spans: dict[str, tuple[int, int]] = {name: (first, rows) for name, first, rows in index["recordings"]}
        self._folder = folder

    @cached_property
    def values(self) -> Float32:
        """(M, W) as networks take them: features as they are stored, levels from 0 (the floor) to 1 (0 dB)."""
        # Without a header: how many rows there will be is not known when the first are written.
        return np.memmap(self._folder / _VALUES, np.float32, "r").reshape(-1, self.kind.width)

    @cached_property
    def time_ns(self) -> NDArray[np.int64]:
        """(M,) ns, mocap clock."""
        return np.memmap(self._folder / _TIMES, np.int64, "r")


def write_sounds(dataset: VioDataset, recordings: Sequence[str], kind: AudioKind, folder: Path) -> None:
    """Write what :class:`SoundStore` reads; what is missing is zero.

    Raises
    ------
    DatasetError
        The kind was not built, or no recording has sound of it.
    ConfigError
        The folder cannot be written.
    """
    dataset.require_audio_rate(kind.rate_hz)
    spans, first, heard = [], 0, False
    with new_folder(folder, option="--runs") as made:
        with (made / _VALUES).open("wb") as values, (made / _TIMES).open("wb") as times:
            for recording in recordings:
                sound = read_sound(dataset, recording, kind)
                heard = heard or bool(np.isfinite(sound.values).any())
                # Silence is zero, as it is of features and of what is missing.
                level = kind.column == "log_mel_db"
                rows = 1 - sound.values / np.float32(FLOOR_DB) if level else sound.values
                values.write(np.nan_to_num(rows).tobytes())
                times.write(sound.time_ns.tobytes())
                spans.append((recording, first, len(sound.time_ns)))
                first += len(sound.time_ns)
        if not heard:
            raise DatasetError(f"no recording has sound with {kind.column} on a known clock", where=dataset.path)
        (made / INDEX).write_text(json.dumps({"kind": kind.name, "recordings": spans}), encoding="utf-8")
