"""``viodat info``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from viodat.cli.console import out as console
from viodat.cli.console import print_json

_LONG = 40
"""A text longer than this gets a line of its own in a list."""


def info(
    path: Annotated[Path, typer.Argument(help="A dataset, a raw capture, or one raw file.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="capture.toml, if it is not the capture's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
) -> None:
    """Say what a dataset, a raw capture or a raw file holds."""
    from viodat.build.facts import facts_of

    facts = facts_of(path, config)
    if json:
        print_json(facts)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in facts.items():
        table.add_row(Text(name), Text(_shown(value)))
    console.print(table)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        sentences = any(isinstance(item, str) and len(item) > _LONG for item in value)
        return ("\n" if sentences else ", ").join(_shown(item) for item in value) or "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "unknown" if value is None else str(value)
