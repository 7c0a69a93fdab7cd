"""Names in capture.toml that nothing recorded has, most often typing mistakes: where they stand, and what is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from viodat.capture import layout_gaps
from viodat.capture.config import CaptureConfig
from viodat.capture.layout import CaptureLayout
from viodat.capture.spelling import did_you_mean, nearest, shown
from viodat.capture.toml_text import line_of, read_toml

_MOST_LISTED = 15
"""So many known names are listed where none of them is near."""
_ABSENT: Final = {
    "device": "and there is no recording by that device",
    "recording": "and there is no such recording",
    "trial": "and there is no such trial",
}


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
    for one in layout_gaps.unknown_names(layout.trials, layout.recordings, config):
        line = line_of(text, one.keys)
        where = f"line {line}: " if line is not None else ""
        yield (
            f"{where}{one.table} names {shown(one.name)}, {_ABSENT[one.what]}"
            f"{_meant(one.name, list(one.known), f'{one.what}s')}"
        )


def _meant(name: str, known: list[str], what: str) -> str:
    """Say what is meant, or which names there are; nothing where they are many and none is near."""
    if not known or (nearest(name, known) is None and len(known) > _MOST_LISTED):
        return ""
    return f"; {did_you_mean(name, known, what)}"
