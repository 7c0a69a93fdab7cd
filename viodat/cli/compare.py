"""``viodat compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, progress
from viodat.cli.result_table import print_results


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs that viodat bench made, each with a run.json.")],
    protocol: Annotated[
        str, typer.Option("--protocol", help="Under which conventions: a name, or a .toml file.")
    ] = "viopose",
    report: Annotated[Path | None, typer.Option("--report", help="Folder to write a report to.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say what the difference between finished runs means: seeds and folds of one model and recipe are one row."""
    from viodat.bench.protocol import load_protocol
    from viodat.bench.results import results
    from viodat.bench.rows import Asked, labels, rows_of
    from viodat.bench.run import read_run, store_of
    from viodat.report.results import write_results

    under = load_protocol(protocol)
    opened = [read_run(folder) for folder in runs]
    asked = [Asked(label, found) for label, found in labels(opened).items()]
    store = store_of(opened[0])
    with progress("scores", quiet=json) as show:
        rows = rows_of(asked, store, under, opened[0].folder.parent, show)
        told = results("Runs compared", rows, store, under, shown=show)
    if json:
        print_json(told)
    else:
        print_results(told)
    if report is not None:
        page = write_results(told, report)
        if not json:
            console.print(f"report: {page}", markup=False)
