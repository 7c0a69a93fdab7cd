"""Where each file of a dataset stands, relative to its folder."""

from __future__ import annotations

from typing import Final

DATASET_JSON: Final = "dataset.json"
MANIFEST_NAME: Final = "manifest.json"
FEATURE_RATES_HZ: Final = (30, 100, 300)
"""Rates the 35-d audio frame is offered at; 100 Hz is always built."""


def table(name: str) -> str:
    """One of the tables: participants, trials, cameras, recordings, exclusions."""
    return f"{name}.parquet"


def motion(trial: str, participant: str, split: str) -> str:
    """Joint centres of one trial."""
    return f"motion/split={split}/participant={participant}/{trial}.parquet"


def video(recording: str, participant: str, split: str) -> str:
    """Per-frame truth and keypoints of one recording."""
    return f"video/split={split}/participant={participant}/{recording}.parquet"


def audio(recording: str, participant: str, split: str, rate_hz: int = 100) -> str:
    """Audio features of one recording; other rates than 100 Hz stand in a folder of their own."""
    folder = "audio" if rate_hz == 100 else f"audio{rate_hz}"
    return f"{folder}/split={split}/participant={participant}/{recording}.parquet"


def annotation(trial: str, participant: str, split: str) -> str:
    """Annotation of one trial: notes, beats and the like; only where there is some."""
    return f"annotations/split={split}/participant={participant}/{trial}.parquet"


def waveform(recording: str) -> str:
    """Sound itself, at the file's own rate."""
    return f"waveform/{recording}.flac"
