"""What an importer is asked for, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from viodat.dataset.importers.npz import DEFAULT_LIMIT_GIB
from viodat.dataset.paths import FEATURE_RATES_HZ
from viodat.errors import ConfigError

KEYPOINTS: Final = ("mediapipe", "openpose")

Progress = Callable[[int, int, str], None]
"""Called with (done, in all, what)."""


@dataclass(frozen=True)
class ImportOptions:
    """What to import.

    Attributes
    ----------
    audio
        The archive of sound of ``viodat-v1``. None: the one that stands beside the first under its published name, if
        it does.
    audio_rates_hz
        Rates of the audio frame, of 30, 100 and 300; 100 is always taken.
    keypoints
        Whose 2D keypoints of ``viodat-v1`` become ``detected_px``: ``mediapipe`` or ``openpose``.
    limit_gib
        GiB that one member of an archive of ``viodat-v1`` may unpack to.
    config
        A capture.toml for the others: its [markers], [marker_sets] and [joints] points say what published markers are
        and in which unit, its [splits] who is tested, by published names. The rest of it is not looked at.

    Raises
    ------
    ConfigError
        If a rate, the keypoints or the limit is none of these.
    """

    audio: Path | None = None
    audio_rates_hz: tuple[int, ...] = (100,)
    keypoints: str = "mediapipe"
    limit_gib: float = DEFAULT_LIMIT_GIB
    config: Path | None = None

    def __post_init__(self) -> None:
        if wrong := [rate for rate in self.audio_rates_hz if rate not in FEATURE_RATES_HZ]:
            raise ConfigError(f"--audio-rate {wrong[0]}: expected one of {', '.join(map(str, FEATURE_RATES_HZ))}")
        if self.keypoints not in KEYPOINTS:
            raise ConfigError(f"--keypoints {self.keypoints}: expected one of {', '.join(KEYPOINTS)}")
        if not 0 < self.limit_gib < 1e6:
            raise ConfigError(f"--limit-gib {self.limit_gib:g}: expected a number of GiB above 0")

    @property
    def rates_hz(self) -> tuple[int, ...]:
        """:attr:`audio_rates_hz` in order, 100 among them."""
        return tuple(sorted({100, *self.audio_rates_hz}))

    @property
    def limit_bytes(self) -> int:
        """:attr:`limit_gib` in bytes."""
        return round(self.limit_gib * 2**30)


@dataclass(frozen=True)
class Imported:
    """What an import made.

    Attributes
    ----------
    trials, recordings
        How many are in the dataset, those left out not counted.
    unsynchronised
        How many of those recordings have no clock.
    exclusions
        Rows of exclusions.parquet.
    notes
        What was found and handled, and what the published data lack.
    """

    trials: int
    recordings: int
    unsynchronised: int
    exclusions: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
