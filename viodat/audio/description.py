"""All that a build stores about one recording's sound, from one reading of it.

The sound is checked and mixed to one channel once, and resampled and transformed once per rate; the
spectrogram is taken from the same transform as the features of its rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viodat.audio.f0 import PitchTrack, pitch
from viodat.audio.features import AudioFeatures, features_of
from viodat.audio.sound import HOP, check_row_rate, mono, resampled
from viodat.audio.spectra import spectra
from viodat.audio.spectrogram import Spectrogram, spectrogram_of


@dataclass(frozen=True)
class SoundDescription:
    """What is known of one recording's sound. Every time counts from the recording's first sample.

    Attributes
    ----------
    seconds
        Duration.
    features
        The 35-d frame at each rate asked for, by rate in Hz.
    spectrogram
        Log-mel spectrogram, or None.
    pitch
        Pitch track, or None.
    """

    seconds: float
    features: Mapping[float, AudioFeatures] = field(default_factory=dict)
    spectrogram: Spectrogram | None = None
    pitch: PitchTrack | None = None


def describe(
    samples: NDArray[np.floating],
    rate_hz: float,
    rates: Sequence[float] = (100.0,),
    *,
    spectrogram_rate_hz: float | None = 100.0,
    with_f0: bool = False,
) -> SoundDescription:
    """Compute features, spectrogram and, if asked for, pitch of one recording.

    Parameters
    ----------
    samples
        (N,) or (N, C) float, full scale 1; channels are averaged.
    rate_hz
        Samples per second.
    rates
        Rows per second of the 35-d frames wanted, 17 to 1000; may be empty.
    spectrogram_rate_hz
        Rows per second of the spectrogram, or None for no spectrogram.
    with_f0
        Track the pitch too, every 10 ms. It costs many times what the features do (docs/science/audio.md), so
        a build does it for one microphone of a trial.

    Returns
    -------
    SoundDescription
        With what was asked for.

    Raises
    ------
    CaptureError
        If the samples are not a sound (see :func:`viodat.audio.sound.mono`).
    ConfigError
        If a rate is out of range.
    """
    for rate in rates:
        check_row_rate(rate, "features rate")
    if spectrogram_rate_hz is not None:
        check_row_rate(spectrogram_rate_hz, "spectrogram_rate_hz")
    sound = mono(samples, rate_hz)
    features: dict[float, AudioFeatures] = {}
    spectrogram = None
    wanted = dict.fromkeys([*rates] if spectrogram_rate_hz is None else [*rates, spectrogram_rate_hz])
    for rate in wanted:
        at_rate = resampled(sound, rate_hz, HOP * rate)
        shared = spectra(at_rate, HOP * rate, with_tuning=rate in rates)
        if rate in rates:
            features[float(rate)] = features_of(at_rate, shared)
        if rate == spectrogram_rate_hz:
            spectrogram = spectrogram_of(shared)
    return SoundDescription(
        seconds=len(sound) / rate_hz,
        features=features,
        spectrogram=spectrogram,
        pitch=pitch(sound, rate_hz) if with_f0 else None,
    )
