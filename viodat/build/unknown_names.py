"""Names in capture.toml that nothing recorded has, most often typing mistakes: where they stand, and what is meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from viodat.capture.config import CaptureConfig
from viodat.capture.layout import CaptureLayout
from viodat.capture.spelling import did_you_mean, nearest, shown
from viodat.capture.toml_text import line_of, read_toml

_MOST_LISTED = 15
"""So many known names are listed where none of them is near."""


def unknown_names(layout: CaptureLayout, config: CaptureConfig, path: Path | None) -> Iterator[str]:
    """Give a sentence without its full stop for each such name.

    Parameters
    ----------
    layout
        What was found.
    config, path
        What capture.toml says, and the file; None without one.
    """
    text = read_toml(path)[1] if path is not None else ""
    devices = sorted({recording.device for recording in layout.recordings})
    recordings = [recording.id for recording in layout.recordings]
    trials = [trial.id for trial in layout.trials]
    best = [config.audio.best_microphone] if config.audio.best_microphone else []
    named: tuple[tuple[str, tuple[str, ...], Collection[str], list[str], str], ...] = (
        ("[sync] offset_s", ("sync", "offset_s"), config.sync.offset_s, devices, "device"),
        ("[sync.recordings]", ("sync", "recordings"), config.sync.recordings, recordings, "recording"),
        ("[sync.timecode]", ("sync", "timecode"), config.sync.timecode, trials, "trial"),
        ("[microphones]", ("microphones",), config.microphones, devices, "device"),
        ("[cameras] ids", ("cameras", "ids"), config.cameras.ids, devices, "device"),
        ("[audio] best_microphone", ("audio", "best_microphone"), best, devices, "device"),
    )
    for table, keys, names, known, what in named:
        for name in sorted(set(names) - set(known)):
            line = line_of(text, (*keys, name))
            where = f"line {line}: " if line is not None else ""
            absent = {
                "device": "and there is no recording by that device",
                "recording": "and there is no such recording",
                "trial": "and there is no such trial",
            }[what]
            yield f"{where}{table} names {shown(name)}, {absent}{_meant(name, known, f'{what}s')}"


def _meant(name: str, known: list[str], what: str) -> str:
    """Say what is meant, or which names there are; nothing where they are many and none is near."""
    if not known or (nearest(name, known) is None and len(known) > _MOST_LISTED):
        return ""
    return f"; {did_you_mean(name, known, what)}"
