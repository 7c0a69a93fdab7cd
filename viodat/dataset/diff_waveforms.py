"""The sound itself of two datasets side by side: samples, block by block, as shares of full scale.

The same samples can stand in different bytes, of another version of the encoder; so samples are compared, not files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from viodat.dataset.diff_spread import Spread
from viodat.dataset.diff_streams import ColumnChange, RowsChange, Totals
from viodat.dataset.diff_values import FieldChange, Tolerances, changes
from viodat.errors import DatasetError

WAVEFORM: Final = "waveform"
FULL_SCALE: Final = "of full scale"
_BLOCK: Final = 1 << 16


def compare_waveforms(
    recording: str, a: Path, b: Path, tolerances: Tolerances, totals: Totals
) -> tuple[list[FieldChange], RowsChange | None]:
    """Compare two FLAC files; both exist.

    Parameters
    ----------
    recording
        Its id.
    a, b
        The files.
    tolerances
        ``share`` is of full scale here.
    totals
        Takes in how the samples differ.

    Returns
    -------
    tuple
        Rate and channels that differ (then samples are not compared), and the samples that only one has at its end.

    Raises
    ------
    DatasetError
        If a file cannot be read.
    """
    try:
        with soundfile.SoundFile(a) as one, soundfile.SoundFile(b) as other:
            found = [
                change
                for name, unit in (("samplerate", "Hz"), ("channels", None))
                for change in changes(name, getattr(one, name), getattr(other, name), Tolerances(), unit=unit)
            ]
            if not found:
                _compare_samples(recording, one, other, tolerances, totals)
            both = min(one.frames, other.frames)
            extra = one.frames - both, other.frames - both
    except (soundfile.LibsndfileError, OSError) as error:
        raise DatasetError(
            f"cannot be read as sound ({error})", where=f"{a} or {b}", mend="Run 'viodat check' on both datasets."
        ) from error
    return found, RowsChange(WAVEFORM, recording, *extra, both) if any(extra) else None


def _compare_samples(
    recording: str, a: soundfile.SoundFile, b: soundfile.SoundFile, tolerances: Tolerances, totals: Totals
) -> None:
    both, spread = min(a.frames, b.frames), Spread()
    at = changed = worst_at = 0
    largest = -1.0
    while at < both:
        count = min(_BLOCK, both - at)
        one, other = (file.read(count, dtype="float64", always_2d=True) for file in (a, b))
        size = np.abs(other - one)
        spread.add(size)
        changed += int((size > tolerances.share).sum())
        if size.max() > largest:
            largest, worst_at = float(size.max()), at + int(size.max(1).argmax())
        at += count
    if not changed:
        return
    change = ColumnChange(
        WAVEFORM,
        recording,
        "samples",
        FULL_SCALE,
        both * a.channels,
        changed,
        0,
        0,
        spread.quantile(0.5),
        spread.quantile(0.95),
        largest,
        None,
        worst_at / a.samplerate,
        {},
    )
    totals.add(change, lambda whole: whole.merge(spread))
