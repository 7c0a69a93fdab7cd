"""What a recording sounds like, as numbers: the 35-d feature frame, the log-mel spectrogram and the pitch.

Row ``k`` of everything here is centred ``k / rate_hz`` seconds after the recording's first sample (the
device's own time zero). librosa loads when one of these functions is first asked for, not with the package.
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "FEATURE_NAMES": "viodat.audio.features",
    "AudioFeatures": "viodat.audio.features",
    "PitchTrack": "viodat.audio.f0",
    "SoundDescription": "viodat.audio.description",
    "Spectrogram": "viodat.audio.spectrogram",
    "audio_features": "viodat.audio.features",
    "describe": "viodat.audio.description",
    "log_mel_spectrogram": "viodat.audio.spectrogram",
    "pitch": "viodat.audio.f0",
}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'viodat.audio' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
