"""Small simulated captures that tests build on."""

from __future__ import annotations

from pathlib import Path

from viodat.synth import TwinOptions, write_twin


def write_small_capture(
    raw: Path, *, participants: int = 2, trials: int = 2, cameras: int = 1, video: bool = True, seed: int = 0
) -> None:
    """Write a capture of 3 s trials by phones that start together; no range-of-motion trials."""
    write_twin(
        raw,
        TwinOptions(
            participants=participants,
            trials=trials,
            seconds=3.0,
            seed=seed,
            cameras=cameras,
            video=video,
            device_start_s=0.2,
            rom_seconds=0.0,
        ),
    )
