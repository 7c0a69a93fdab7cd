"""Take sheets for tests: a player whose every coordinate is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from viodat.joints import JOINTS
from viodat.report.take_sheet import SheetAudio, SheetPitch, SheetRecording, TakeSheet, Thumbnail

STANDING_PX = np.array(
    [[300 + 12 * i * (1 if name.startswith("left") else -1), 60 + 22 * i] for i, name in enumerate(JOINTS)],
    dtype=np.float64,
)


def make_sheet(frames: int = 300, markers: int = 5, **changes: Any) -> TakeSheet:
    """Make a trial with every stream: 100 Hz markers, one sound, its pitch, two cameras."""
    rng = np.random.default_rng(28)
    times_s = 0.49 + np.arange(frames) / 100
    joints_mm = np.broadcast_to(rng.uniform(0, 1500, (1, len(JOINTS), 3)), (frames, len(JOINTS), 3)).copy()
    joints_mm[:, :, 2] += 50 * np.sin(times_s)[:, None]
    valid = np.ones((frames, markers), dtype=bool)
    valid[frames // 3 : frames // 2, :1] = False
    image = rng.integers(0, 255, (480, 640, 3), dtype=np.uint8)
    values: dict[str, Any] = {
        "trial": "P05T28",
        "participant": "P05",
        "split": "test",
        "seconds": frames / 100,
        "times_s": times_s,
        "joints_mm": joints_mm,
        "methods": ("pig",) * len(JOINTS),
        "markers": tuple(f"M{i}" for i in range(markers)),
        "marker_valid": valid,
        "audio": SheetAudio(rng.normal(0, 0.1, 8000 * 3), 8000.0, 0.2, "P05M01T28"),
        "pitch": SheetPitch(times_s, np.where(times_s > 1, 440.0, np.nan)),
        "recordings": (SheetRecording("P05C01T28", "C01", 1.2345, 0.8, "ok"),),
        "thumbnails": tuple(Thumbnail(f"P05C0{i}T28", image, STANDING_PX, STANDING_PX + 3, 1.0) for i in (1, 2)),
        "notes": ("P05C02T28 has no sound.",),
        "provenance": "viodat 0.1.0",
    }
    return TakeSheet(**{**values, **changes})
