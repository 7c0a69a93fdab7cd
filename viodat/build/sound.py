"""The sound of a recording: its features, its copy in the dataset, and which microphone is best for pitch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from viodat.audio import SoundDescription, describe
from viodat.build.options import BuildOptions
from viodat.capture.audio import AudioSignal
from viodat.capture.config import CaptureConfig
from viodat.dataset.waveforms import write_waveform
from viodat.errors import ViodatError

CLIPPED_LEVEL: Final = 0.999
"""Samples at or above this level count as clipped."""

MAX_CLIPPED_SHARE: Final = 1e-4
_BLOCK_S: Final = 0.05
_LOSSY_SUFFIXES: Final = frozenset({".m4a", ".mp4", ".mov", ".m4v", ".aac", ".mp3", ".ogg", ".opus"})


def best_microphone(signals: Mapping[str, AudioSignal]) -> str:
    """Choose the recording whose pitch is worth computing.

    Among the signals that clip least (a share of clipped samples under :data:`MAX_CLIPPED_SHARE`; all, if none is),
    the one with the largest ratio of loud to quiet: the 95th over the 5th percentile of the level in 50 ms blocks,
    which falls with room noise and with distance. Ties go to the first id.

    Parameters
    ----------
    signals
        Signals by recording id; at least one.
    """
    clipped = {name: float(np.mean(np.abs(s.samples) >= CLIPPED_LEVEL)) for name, s in signals.items()}
    clean = [name for name in sorted(signals) if clipped[name] <= MAX_CLIPPED_SHARE] or sorted(signals)
    return max(clean, key=lambda name: _loud_to_quiet(signals[name]))


def _loud_to_quiet(signal: AudioSignal) -> float:
    mono = signal.samples.mean(axis=1)
    block = max(1, round(_BLOCK_S * signal.rate_hz))
    count = len(mono) // block
    if count < 2:
        return 0.0
    level = np.sqrt(np.mean(mono[: count * block].reshape(count, block) ** 2, axis=1))
    loud, quiet = np.percentile(level, [95, 5])
    # A digital silence between notes would make the ratio infinite: 16-bit noise is the least there is.
    return float(loud / max(float(quiet), 2.0**-16))


def write_sound(path: Path, signal: AudioSignal) -> None:
    """Write a recording's sound as the dataset will have it; see :func:`viodat.dataset.waveforms.write_waveform`."""
    lossy = signal.source.suffix.lower() in _LOSSY_SUFFIXES
    write_waveform(path, signal.samples, signal.rate_hz, lossy=lossy)


@dataclass(frozen=True)
class Described:
    """What the sounds of a trial give.

    Attributes
    ----------
    sounds
        By recording.
    best
        The recording whose pitch was computed; empty without sound.
    failed
        Why a recording has no features, by recording.
    """

    sounds: Mapping[str, SoundDescription] = field(default_factory=dict)
    best: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)


def describe_sounds(
    sounds: Mapping[str, AudioSignal], devices: Mapping[str, str], config: CaptureConfig, options: BuildOptions
) -> Described:
    """Compute the audio features of a trial's sounds.

    Parameters
    ----------
    sounds
        By recording.
    devices
        Device of each recording.
    config, options
        Say which rates, and which microphone is the best.
    """
    rates = feature_rates(config, options)
    waiting = dict(sounds)
    wished = {name for name in sounds if devices[name] == config.audio.best_microphone}
    best = ""
    described: dict[str, SoundDescription] = {}
    failed: dict[str, str] = {}
    while waiting:
        candidate = best_microphone({k: v for k, v in waiting.items() if k in wished} or waiting)
        sound = waiting.pop(candidate)
        try:
            # The best one comes first, and the pitch is computed for it alone; if it fails, the next best takes over.
            described[candidate] = describe(sound.samples, sound.rate_hz, rates=rates, with_f0=not best)
            best = best or candidate
        except ViodatError as error:
            failed[candidate] = str(error)
    return Described(described, best, failed)


def feature_rates(config: CaptureConfig, options: BuildOptions) -> tuple[int, ...]:
    """Rates of the audio frame that are built, Hz, ascending."""
    return tuple(sorted({*options.feature_rates_hz, *config.audio.rates_hz}))
