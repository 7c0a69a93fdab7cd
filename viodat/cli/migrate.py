"""``viodat migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, progress


def migrate(
    out: Annotated[Path, typer.Argument(help="A dataset of an older schema version. It is only read.")],
    new: Annotated[Path, typer.Option("--out", help="Folder of the dataset to make.")],
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Bring a dataset to the schema version of this viodat, in a new folder."""
    from viodat.dataset.migrate import migrate_dataset

    with progress("migrating", quiet=json) as show:
        result = migrate_dataset(out, new, progress=show)
    if json:
        print_json({"out": str(new), "versions": list(result.versions), "notes": list(result.notes)})
        return
    for note in result.notes:
        console.print(f"note: {note}", markup=False)
    console.print(f"migrated {' -> '.join(result.versions)} in {new}", markup=False)
