"""``viodat info``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from viodat.cli.console import out as console
from viodat.cli.console import print_json


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
        text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        table.add_row(Text(name.replace("_", " ")), Text(text))
    console.print(table)
